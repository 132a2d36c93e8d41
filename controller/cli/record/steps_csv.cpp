#include "controller/cli/record/steps_csv.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <utility>

#include "controller/cli/record/record_source.hpp"
#include "db/export/text_file.hpp"

namespace cellrig::cli {
namespace {

using FigureAt = std::pair<std::int64_t, double>;
using FiguresOfSteps = std::map<db::StepKey, std::map<FigureAt, double>>;

std::string column_name(const FigureAt& figure) {
  const db::Definition* const d = db::find_definition(figure.first);
  const std::string name = d != nullptr ? std::string(d->name) : fmt::format("figure_{}", figure.first);
  return d != nullptr && !d->at.empty() ? fmt::format("{}_at_{:g}", name, figure.second) : name;
}

void print_step(const db::StepInfo& step, db::RunOrigin origin, const std::map<FigureAt, double>& figures,
                const std::map<FigureAt, bool>& columns) {
  db::CsvLine line;
  line.integer(step.row.run);
  line.text(db::word_of(origin));
  line.integer(step.row.step_count);
  line.integer(step.row.step_id);
  line.integer(step.row.cycle);
  line.integer(step.row.in_cycle ? 1 : 0);
  line.integer(step.row.is_reference ? 1 : 0);
  line.text(step.row.name);
  line.text(step.row.type);
  line.text(step.row.setpoint_text);
  line.seconds(step.row.started_test_time_ns);
  const auto real = [&line](std::optional<double> value) { line.real(value.value_or(NAN)); };
  if (step.end) {
    const db::StepEndRow& end = *step.end;
    line.seconds(end.ended_test_time_ns);
    line.text(end.reason);
    line.text(end.condition);
    real(end.value);
    real(end.margin);
    for (const double sum : {end.charge_Ah, end.discharge_Ah, end.charge_Wh, end.discharge_Wh}) line.real(sum);
  } else {
    for (int i = 0; i < 9; ++i) line.empty();
  }
  for (const auto& [column, is_known] : columns) {
    const auto found = figures.find(column);
    real(found == figures.end() ? std::nullopt : std::optional<double>{found->second});
  }
  fmt::print("{}", line.finish());
}

}  // namespace

void print_steps_csv(db::Reader& reader, const std::vector<db::RunInfo>& runs) {
  std::map<FigureAt, bool> columns;
  for (const db::RunInfo& run : runs) {
    for (const db::StepMetricRow& row : value_or_throw(reader.step_metrics(run.run), reader.path())) {
      columns[{static_cast<std::int64_t>(row.metric.figure), row.metric.at}] = true;
    }
  }
  db::CsvLine header;
  for (const char* name : {"run",        "origin",        "step_count",          "step_id",
                           "cycle",      "in_cycle",      "is_reference",        "name",
                           "type",       "setpoint",      "started_test_time_s", "ended_test_time_s",
                           "end_reason", "end_condition", "end_value",           "end_margin",
                           "charge_Ah",  "discharge_Ah",  "charge_Wh",           "discharge_Wh"}) {
    header.text(name);
  }
  for (const auto& [column, is_known] : columns) header.text(column_name(column));
  fmt::print("{}", header.finish());
  for (const db::RunInfo& run : runs) {
    FiguresOfSteps figures;
    for (const db::StepMetricRow& row : value_or_throw(reader.step_metrics(run.run), reader.path())) {
      figures[row.step][{static_cast<std::int64_t>(row.metric.figure), row.metric.at}] = row.metric.value;
    }
    for (const db::StepInfo& step : value_or_throw(reader.steps(run.run), reader.path())) {
      print_step(step, run.origin, figures[step.row.step], columns);
    }
  }
}

}  // namespace cellrig::cli
