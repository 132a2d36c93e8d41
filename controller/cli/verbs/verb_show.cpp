// cellrig show: steps, cycles and events of a run.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <map>
#include <memory>
#include <string>

#include "controller/cli/text/json_text.hpp"
#include "controller/base/config_error.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/record/run_filter.hpp"
#include "controller/cli/record/show_content.hpp"
#include "controller/cli/record/steps_csv.hpp"
#include "controller/cli/text/table.hpp"
#include "controller/cli/verbs.hpp"

namespace cellrig::cli {
namespace {

constexpr std::size_t name_length_max = 22, reason_length_max = 36;
constexpr double wait_shown_min_s = 1.0;  ///< a chamber that is there says so in less

struct ShowOptions {
  std::string database = default_database;
  std::optional<std::string> run;  ///< "3", "other.db:3"
  RunFilter filter;
  std::size_t steps_max = 60;
  bool json = false;
  bool csv = false;
};

std::string number(const std::optional<double>& value, const char* format) {
  return value ? fmt::format(fmt::runtime(format), *value) : std::string("-");
}

/// A table must fit a screen; --json has the whole text.
std::string shortened(const std::string& text, std::size_t length_max) {
  return text.size() <= length_max ? text : text.substr(0, length_max - 3) + "...";
}

std::string reason_of(const db::StepEndRow& end) {
  if (end.condition.empty()) return end.reason;
  return end.value ? fmt::format("{} ({:.4g})", end.condition, *end.value) : end.condition;
}

std::string steps_table(const std::vector<db::StepInfo>& steps, std::size_t steps_max) {
  // Charge and energy are net, and positive when they went in: within 120 columns for the usual names.
  Table table{{">step", ">cycle", "name", "set-point", ">duration", ">Ah", ">Wh", ">T max", "ended by"}};
  const std::size_t head = steps.size() > steps_max ? steps_max / 2 : steps.size();
  const std::size_t tail_from = steps.size() > steps_max ? steps.size() - (steps_max - head) : steps.size();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (i == head && tail_from > head) table.add({"...", "", fmt::format("{} more", tail_from - head)});
    if (i >= head && i < tail_from) continue;
    const db::StepInfo& step = steps[i];
    std::vector<std::string> cells{std::to_string(step.row.step_count), step.row.in_cycle ? std::to_string(step.row.cycle) : "-",
                                   shortened(step.row.name, name_length_max), step.row.setpoint_text};
    if (step.end) {
      const db::StepEndRow& end = *step.end;
      cells.insert(cells.end(), {clock_text(static_cast<double>(end.ended_test_time_ns - step.row.started_test_time_ns) / 1e9),
                                 fmt::format("{:+.4f}", end.charge_Ah - end.discharge_Ah),
                                 fmt::format("{:+.3f}", end.charge_Wh - end.discharge_Wh),
                                 number(end.cell_temperature_max_degC, "{:.1f}"), shortened(reason_of(end), reason_length_max)});
    } else {
      cells.insert(cells.end(), {"", "", "", "", "not ended"});
    }
    table.add(std::move(cells));
  }
  return table.text();
}

std::string cycles_table(const std::vector<db::CycleRow>& cycles) {
  Table table{{">cycle", "kind", ">charge Ah", ">discharge Ah", ">charge Wh", ">discharge Wh", ">CE %", ">EE %", ">charge time",
               ">T max", ">retention %"}};
  const auto percent = [](const std::optional<double>& share) {
    return share && *share > 0 ? fmt::format("{:.3f}", 100 * *share) : std::string("-");
  };
  for (const db::CycleRow& c : cycles) {
    table.add({std::to_string(c.cycle), c.is_reference ? "reference" : "cycle", fmt::format("{:.4f}", c.charge_Ah),
               fmt::format("{:.4f}", c.discharge_Ah), fmt::format("{:.3f}", c.charge_Wh), fmt::format("{:.3f}", c.discharge_Wh),
               percent(c.coulombic_efficiency), percent(c.energy_efficiency), clock_text(c.charge_time_s),
               number(c.cell_temperature_max_degC, "{:.1f}"), percent(c.retention)});
  }
  return table.text();
}

std::string_view severity_prefix(db::Severity severity) {
  switch (severity) {
    case db::Severity::info: return "";
    case db::Severity::warning: return "warning: ";
    case db::Severity::alarm: return "ALARM: ";
    case db::Severity::trip: return "TRIP: ";
  }
  return "";
}

Result<std::map<std::string, SensorSummary>> read_sensors(db::Reader& reader, db::RunKey run) {
  std::map<std::string, SensorSummary> sensors;
  const Result<std::uint64_t> rows = reader.for_each_aux(run, [&sensors](const db::AuxView& aux) {
    SensorSummary& s = sensors[std::string(aux.row.quantity)];
    s.min = s.rows == 0 ? aux.row.value : std::min(s.min, aux.row.value);
    s.max = s.rows == 0 ? aux.row.value : std::max(s.max, aux.row.value);
    s.last = aux.row.value;
    ++s.rows;
    return true;
  });
  if (!rows) return rows.error();
  return sensors;
}

std::string sensors_table(const std::map<std::string, SensorSummary>& sensors) {
  Table table{{"sensor", ">least", ">most", ">last", ">rows"}};
  for (const auto& [quantity, s] : sensors) {
    table.add({quantity, fmt::format("{:.6g}", s.min), fmt::format("{:.6g}", s.max), fmt::format("{:.6g}", s.last),
               std::to_string(s.rows)});
  }
  return table.text();
}

std::map<db::StepKey, double> waits_of(const std::vector<db::StepMetricRow>& metrics) {
  std::map<db::StepKey, double> waited_s;
  for (const db::StepMetricRow& row : metrics) {
    const bool is_wait = row.metric.figure == db::Figure::waited_s && row.metric.value >= wait_shown_min_s;
    if (is_wait) waited_s[row.step] = row.metric.value;
  }
  return waited_s;
}

/// Their rows are in the record, marked as waiting.
void print_waits(const RunContent& content, std::size_t steps_max) {
  std::size_t shown = 0;
  for (const db::StepInfo& step : content.steps) {
    const auto waited = content.waited_s.find(step.row.step);
    if (waited == content.waited_s.end()) continue;
    if (++shown > steps_max) continue;
    fmt::print("{}step {} '{}' waited {} with the output off, for its chamber or paused\n", shown == 1 ? "\n" : "",
               step.row.step_count, step.row.name, clock_text(waited->second));
  }
  if (shown > steps_max) fmt::print("and {} more waited\n", shown - steps_max);
}

void print_comparison(const RunContent& content) {
  if (content.expected_curves == 0) return;
  const std::vector<const db::EventRow*> found = divergences_of(content);
  fmt::print("  compared with its rehearsal, {} curves: ", content.expected_curves);
  if (found.empty()) {
    fmt::print("no divergence\n");
  } else {
    fmt::print("{} divergence{}, the first at {}: {}\n", found.size(), found.size() == 1 ? "" : "s",
               clock_text(static_cast<double>(found.front()->test_time_ns) / 1e9), found.front()->message);
  }
}

void print_deviations(const RunContent& content) {
  for (const db::DeviationRow& d : content.deviations) {
    fmt::print("  {:>10}  deviation: {}: {}", clock_text(static_cast<double>(d.from_test_time_ns) / 1e9), d.category,
               d.description);
    if (d.unseen_charge_max_Ah) fmt::print("; at most {:.4g} Ah moved unseen ({})", *d.unseen_charge_max_Ah, d.bounded_by);
    fmt::print("\n");
  }
  for (const db::AcknowledgementRow& a : content.acknowledgements) {
    fmt::print("  the trip was acknowledged by {} on {} UTC: {}\n", a.operator_name, utc_text(a.utc), a.reason);
  }
}

void print_run(const db::RunInfo& info, const RunContent& content, std::size_t steps_max) {
  fmt::print("run {}: {} on {} ({}), {}\n", info.run, info.row.profile_name, info.row.channel, info.row.cell_name,
             status_text(info));
  fmt::print("  started {} UTC, time {}, control period {} s, operator {}, program {:.12}\n", utc_text(info.row.started_at),
             info.row.time_source, to_seconds(info.row.control_period),
             info.row.operator_name.empty() ? "-" : info.row.operator_name, info.row.program_hash);
  for (const db::InstrumentRow& i : info.row.instruments)
    fmt::print("  {}: {} {} {} {} at {}\n", i.role, i.model, i.serial, i.firmware, i.name, i.address);
  if (info.end && !info.end->reason.empty()) fmt::print("  {}\n", info.end->reason);
  print_comparison(content);
  fmt::print("\n{}", steps_table(content.steps, steps_max));
  print_waits(content, steps_max);
  if (!content.cycles.empty()) fmt::print("\n{}", cycles_table(content.cycles));
  if (!content.sensors.empty()) fmt::print("\n{}", sensors_table(content.sensors));
  fmt::print("\n");
  for (const db::EventRow& e : content.events) {
    fmt::print("  {:>10}  {}{}: {}\n", clock_text(static_cast<double>(e.test_time_ns) / 1e9), severity_prefix(e.severity), e.kind,
               e.message);
  }
  print_deviations(content);
  fmt::print("\n");
}

RunContent content_of(db::Reader& reader, db::RunKey run, const std::string& database) {
  RunContent content;
  content.steps = value_or_throw(reader.steps(run), database);
  content.cycles = value_or_throw(reader.cycles(run), database);
  content.events = value_or_throw(reader.events(run), database);
  content.deviations = value_or_throw(reader.deviations(run), database);
  content.acknowledgements = value_or_throw(reader.acknowledgements(run), database);
  content.sensors = value_or_throw(read_sensors(reader, run), database);
  content.expected_curves = value_or_throw(reader.expected_curves(run), database).size();
  content.step_figures = value_or_throw(reader.step_metrics(run), database);
  content.cycle_figures = value_or_throw(reader.cycle_metrics(run), database);
  content.waited_s = waits_of(content.step_figures);
  return content;
}

ExitCode run_show(ShowOptions options) {
  if (options.json && options.csv) throw ConfigError{SourcePlace{}, "show: --json or --csv, not both"};
  std::optional<std::int64_t> run;
  if (options.run) {
    const RunAddress address = run_address(*options.run, options.database);
    options.database = address.database;
    run = address.run;
  }
  const std::unique_ptr<db::Reader> reader = open_record(options.database);
  const std::vector<db::RunInfo> chosen = filtered(choose_runs(*reader, run), options.filter);
  if (options.csv) {
    print_steps_csv(*reader, chosen);
    return ExitCode::passed;
  }
  boost::json::array runs;
  for (const db::RunInfo& info : chosen) {
    const RunContent content = content_of(*reader, info.run, options.database);
    if (options.json) {
      runs.push_back(json_of(info, content));
    } else {
      print_run(info, content, options.steps_max);
    }
  }
  if (options.json) print_json({{"database", options.database}, {"runs", std::move(runs)}});
  return ExitCode::passed;
}

}  // namespace

void add_show(CLI::App& app, Action& chosen) {
  CLI::App* const verb = app.add_subcommand("show", "steps, cycles and events of a run (of all runs, without a number)");
  const auto options = std::make_shared<ShowOptions>();
  verb->add_option("run", options->run, "the number of the run, as `cellrig runs` lists it, or FILE:NUMBER")
      ->always_capture_default(false);
  verb->add_option("--db", options->database, "the database");
  verb->add_option("--steps-max", options->steps_max, "rows of the step table; the middle is left out of a longer one");
  add_filter_options(*verb, options->filter);
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->add_flag("--csv", options->csv, "the steps and their figures, one table with a header on standard output");
  verb->callback([options, &chosen] { chosen = [options] { return run_show(*options); }; });
}

}  // namespace cellrig::cli
