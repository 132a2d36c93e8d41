#include "controller/api/record_views.hpp"

#include <algorithm>
#include <cmath>

#include "db/reader.hpp"

namespace cellrig::api {
namespace {

constexpr double s_per_ns = 1e-9;

double seconds(std::int64_t ns) { return static_cast<double>(ns) * s_per_ns; }

Origin origin_of(db::RunOrigin origin) {
  switch (origin) {
    case db::RunOrigin::measured: return Origin::measured;
    case db::RunOrigin::simulated: return Origin::simulated;
    case db::RunOrigin::imported: return Origin::imported;
  }
  return Origin::simulated;
}

RunView row_view(const db::RunSummary& s) {
  RunView view{.run = s.run,
               .channel = s.channel,
               .cell = s.cell_name,
               .cell_id = s.cell_id,
               .profile = s.profile_name,
               .status = s.status,
               .reason = s.reason,
               .criteria_met = s.criteria_met,
               .operator_name = s.operator_name,
               .started_utc = s.started_at,
               .ended_utc = s.ended_at,
               .cycle_count = s.cycle_count,
               .capacity_Ah = s.capacity_Ah,
               .retention = s.retention,
               .time_source = s.time_source,
               .is_simulated = s.origin == db::RunOrigin::simulated,
               .origin = origin_of(s.origin)};
  if (s.ended_test_time_ns) view.duration_s = seconds(*s.ended_test_time_ns);
  return view;
}

AlarmSeverity severity_of(db::Severity severity) {
  switch (severity) {
    case db::Severity::info: return AlarmSeverity::info;
    case db::Severity::warning: return AlarmSeverity::warning;
    case db::Severity::alarm: return AlarmSeverity::alarm;
    case db::Severity::trip: return AlarmSeverity::trip;
  }
  return AlarmSeverity::alarm;
}

StepView row_view(const db::StepInfo& info) {
  const db::StepRow& row = info.row;
  StepView view{.step_count = row.step_count,
                .step_id = row.step_id,
                .cycle = row.cycle,
                .is_in_cycle = row.in_cycle,
                .is_reference = row.is_reference,
                .name = row.name,
                .type = row.type,
                .setpoint = row.setpoint_text,
                .started_test_time_s = seconds(row.started_test_time_ns),
                .compared_with = row.compared_with};
  if (row.started_at.ns_since_epoch != 0) view.started_utc = row.started_at;
  if (info.end) {
    const db::StepEndRow& end = *info.end;
    view.ended_test_time_s = seconds(end.ended_test_time_ns);
    view.reason = end.reason;
    view.condition = end.condition;
    view.value = end.value;
    view.margin = end.margin;
    view.charge_Ah = end.charge_Ah;
    view.discharge_Ah = end.discharge_Ah;
    view.charge_Wh = end.charge_Wh;
    view.discharge_Wh = end.discharge_Wh;
    view.cv_time_s = end.cv_time_s;
    view.cv_charge_Ah = end.cv_charge_Ah;
    view.cell_temperature_max_degC = end.cell_temperature_max_degC;
    view.cell_temperature_min_degC = end.cell_temperature_min_degC;
  }
  return view;
}

CycleView row_view(const db::CycleRow& row) {
  return {.cycle = row.cycle,
          .is_reference = row.is_reference,
          .started_test_time_s = seconds(row.started_test_time_ns),
          .ended_test_time_s = seconds(row.ended_test_time_ns),
          .charge_Ah = row.charge_Ah,
          .discharge_Ah = row.discharge_Ah,
          .charge_Wh = row.charge_Wh,
          .discharge_Wh = row.discharge_Wh,
          .coulombic_efficiency = row.coulombic_efficiency,
          .energy_efficiency = row.energy_efficiency,
          .charge_time_s = row.charge_time_s,
          .cell_temperature_max_degC = row.cell_temperature_max_degC,
          .retention = row.retention};
}

/// Opens, and makes sure that there is such a run: an unknown one must not look like one without rows.
Result<std::unique_ptr<db::Reader>> open_run(const std::string& database, std::int64_t run) {
  const Result<RunView> known = run_view(database, run, false);
  if (!known) return known.error();
  return db::Reader::open(database);
}

}  // namespace

Result<std::vector<RunView>> runs_view(const std::string& database, const db::RunFilter& filter) {
  const Result<std::vector<db::RunSummary>> rows = db::list_runs(database, filter);
  if (!rows) return rows.error();
  std::vector<RunView> views;
  for (const db::RunSummary& row : *rows) views.push_back(row_view(row));
  return views;
}

Result<RunView> run_view(const std::string& database, std::int64_t run, bool counts_samples) {
  const db::RunFilter filter{.only = run, .count_max = 1};
  const Result<std::vector<db::RunSummary>> rows = db::list_runs(database, filter);
  if (!rows) return rows.error();
  if (rows->empty()) return fail(Fault::refused, "there is no run " + std::to_string(run) + " in this record");
  RunView view = row_view(rows->front());
  if (!counts_samples) return view;
  const Result<std::int64_t> count = db::count_samples(database, run);
  if (!count) return count.error();
  view.sample_count = *count;
  return view;
}

Result<std::vector<StepView>> steps_view(const std::string& database, std::int64_t run, std::int64_t after,
                                         std::size_t count_max) {
  const Result<std::unique_ptr<db::Reader>> reader = open_run(database, run);
  if (!reader) return reader.error();
  const Result<std::vector<db::StepInfo>> rows = (*reader)->steps(run);
  if (!rows) return rows.error();
  std::vector<StepView> views;
  for (const db::StepInfo& row : *rows) {
    if (row.row.step_count > after && views.size() < count_max) views.push_back(row_view(row));
  }
  return views;
}

Result<std::vector<CycleView>> cycles_view(const std::string& database, std::int64_t run, std::int64_t after,
                                           std::size_t count_max) {
  const Result<std::unique_ptr<db::Reader>> reader = open_run(database, run);
  if (!reader) return reader.error();
  const Result<std::vector<db::CycleRow>> rows = (*reader)->cycles(run);
  if (!rows) return rows.error();
  std::vector<CycleView> views;
  for (const db::CycleRow& row : *rows) {
    if (row.cycle > after && views.size() < count_max) views.push_back(row_view(row));
  }
  return views;
}

Result<std::vector<EventView>> events_view(const std::string& database, std::int64_t run, std::size_t count_max) {
  const Result<std::unique_ptr<db::Reader>> reader = open_run(database, run);
  if (!reader) return reader.error();
  const Result<std::vector<db::EventRow>> rows = (*reader)->events(run);
  if (!rows) return rows.error();
  std::vector<EventView> views;
  for (auto row = rows->rbegin(); row != rows->rend() && views.size() < count_max; ++row) {
    views.push_back({.test_time_s = seconds(row->test_time_ns),
                     .utc = row->utc,
                     .severity = severity_of(row->severity),
                     .kind = row->kind,
                     .text = row->message,
                     .value = row->value,
                     .limit = row->limit});
  }
  return views;
}

Result<std::vector<ExpectedCurveView>> expected_view(const std::string& database, std::int64_t run, std::int64_t after,
                                                     std::size_t count_max) {
  const Result<std::unique_ptr<db::Reader>> reader = open_run(database, run);
  if (!reader) return reader.error();
  const Result<std::vector<db::ExpectedCurveRow>> rows = (*reader)->expected_curves(run);
  if (!rows) return rows.error();
  std::vector<ExpectedCurveView> views;
  std::size_t points = 0;
  for (std::size_t i = static_cast<std::size_t>(std::max<std::int64_t>(after, 0)); i < rows->size(); ++i) {
    const db::ExpectedCurveRow& row = (*rows)[i];
    points += row.points.size();
    // One curve at least, however long, so that the next page is another.
    if (views.size() >= count_max || (points > expected_points_max && !views.empty())) break;
    ExpectedCurveView view{
        .step_id = row.step_id, .execution = row.execution, .coordinate = row.coordinate, .ends_at = row.ends_at};
    for (const db::ExpectedPointRow& point : row.points) {
      view.at.push_back(point.at);
      view.voltage_V.push_back(point.voltage_V);
      view.cell_temperature_degC.push_back(point.cell_temperature_degC);
    }
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace cellrig::api
