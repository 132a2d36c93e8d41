#include "ui/review/service_views.hpp"

#include <cmath>
#include <limits>
#include <utility>

namespace cellrig::ui {

namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

std::int64_t nanoseconds(double seconds) { return std::llround(seconds * 1e9); }

db::RunOrigin origin_of(api::Origin origin) {
  switch (origin) {
    case api::Origin::measured: return db::RunOrigin::measured;
    case api::Origin::simulated: return db::RunOrigin::simulated;
    case api::Origin::imported: return db::RunOrigin::imported;
  }
  return db::RunOrigin::simulated;
}

db::Severity record_severity(api::AlarmSeverity severity) {
  switch (severity) {
    case api::AlarmSeverity::info: return db::Severity::info;
    case api::AlarmSeverity::warning: return db::Severity::warning;
    case api::AlarmSeverity::alarm: return db::Severity::alarm;
    case api::AlarmSeverity::trip: return db::Severity::trip;
  }
  return db::Severity::alarm;
}

db::StepEndRow step_end_of(const api::StepView& view, db::StepKey key) {
  return {.step = key,
          .ended_test_time_ns = nanoseconds(*view.ended_test_time_s),
          .reason = view.reason,
          .condition = view.condition,
          .value = view.value,
          .margin = view.margin,
          .charge_Ah = view.charge_Ah.value_or(0),
          .discharge_Ah = view.discharge_Ah.value_or(0),
          .charge_Wh = view.charge_Wh.value_or(0),
          .discharge_Wh = view.discharge_Wh.value_or(0),
          .cv_time_s = view.cv_time_s.value_or(0),
          .cv_charge_Ah = view.cv_charge_Ah.value_or(0),
          .cell_temperature_max_degC = view.cell_temperature_max_degC,
          .cell_temperature_min_degC = view.cell_temperature_min_degC};
}

}  // namespace

db::RunInfo run_info_of(const api::RunView& view) {
  db::RunInfo info;
  info.run = view.run;
  info.row.channel = view.channel;
  info.row.cell_name = view.cell;
  info.row.cell_id = view.cell_id;
  info.row.profile_name = view.profile;
  info.row.operator_name = view.operator_name;
  info.row.time_source = view.time_source;
  info.row.started_at = view.started_utc.value_or(UtcTime{});
  info.origin = origin_of(view.origin);
  info.status = view.status;
  if (view.status == "running" || view.status == "interrupted") return info;
  info.end = db::RunEndRow{.run = view.run,
                           .ended_test_time_ns = nanoseconds(view.duration_s.value_or(0)),
                           .ended_at = view.ended_utc.value_or(UtcTime{}),
                           .status = view.status,
                           .reason = view.reason,
                           .criteria_met = view.criteria_met.value_or(false)};
  return info;
}

std::vector<db::StepInfo> step_infos_of(const std::vector<api::StepView>& views) {
  std::vector<db::StepInfo> steps;
  for (const api::StepView& view : views) {
    db::StepInfo info;
    info.row.step = static_cast<db::StepKey>(steps.size()) + 1;
    info.row.step_count = view.step_count;
    info.row.step_id = view.step_id;
    info.row.cycle = view.cycle;
    info.row.in_cycle = view.is_in_cycle;
    info.row.is_reference = view.is_reference;
    info.row.name = view.name;
    info.row.type = view.type;
    info.row.setpoint_text = view.setpoint;
    info.row.started_test_time_ns = nanoseconds(view.started_test_time_s);
    info.row.started_at = view.started_utc.value_or(UtcTime{});
    info.row.compared_with = view.compared_with;
    if (view.ended_test_time_s) info.end = step_end_of(view, info.row.step);
    steps.push_back(std::move(info));
  }
  return steps;
}

db::CycleRow cycle_row_of(const api::CycleView& view) {
  return {.cycle = view.cycle,
          .is_reference = view.is_reference,
          .started_test_time_ns = nanoseconds(view.started_test_time_s),
          .ended_test_time_ns = nanoseconds(view.ended_test_time_s),
          .charge_Ah = view.charge_Ah,
          .discharge_Ah = view.discharge_Ah,
          .charge_Wh = view.charge_Wh,
          .discharge_Wh = view.discharge_Wh,
          .coulombic_efficiency = view.coulombic_efficiency,
          .energy_efficiency = view.energy_efficiency,
          .charge_time_s = view.charge_time_s,
          .cell_temperature_max_degC = view.cell_temperature_max_degC,
          .retention = view.retention};
}

db::EventRow event_row_of(const api::EventView& view) {
  return {.test_time_ns = nanoseconds(view.test_time_s),
          .utc = view.utc.value_or(UtcTime{}),
          .severity = record_severity(view.severity),
          .kind = view.kind,
          .message = view.text,
          .value = view.value,
          .limit = view.limit};
}

ExpectedCurves expected_curves_of(const std::vector<api::ExpectedCurveView>& views) {
  std::vector<ExpectedCurve> curves;
  for (const api::ExpectedCurveView& view : views) {
    ExpectedCurve curve{view.step_id, view.execution, view.coordinate == "charge_Ah", {}};
    for (std::size_t i = 0; i < view.at.size(); ++i) {
      curve.points.push_back({view.at[i], i < view.voltage_V.size() ? view.voltage_V[i] : unknown,
                              i < view.cell_temperature_degC.size() ? view.cell_temperature_degC[i] : unknown});
    }
    curves.push_back(std::move(curve));
  }
  return ExpectedCurves{std::move(curves)};
}

double column_value(const api::Columns& columns, const char* name, std::size_t row) {
  const auto column = columns.find(name);
  return column == columns.end() || row >= column->second.size() ? unknown : column->second[row];
}

std::size_t row_count_of(const api::Columns& columns) {
  const auto time = columns.find("test_time_s");
  return time == columns.end() ? 0 : time->second.size();
}

std::vector<db::CurvePoint> curve_points_of(const api::Columns& columns, std::int64_t step_count) {
  std::vector<db::CurvePoint> points;
  bool has_gap = false;  // told by a row that is left out
  for (std::size_t i = 0; i < row_count_of(columns); ++i) {
    const auto value = [&](const char* name) { return column_value(columns, name, i); };
    if (value("step_count") != static_cast<double>(step_count)) continue;
    has_gap = has_gap || value("is_after_gap") > 0;
    const bool is_usable = std::isfinite(value("voltage_V")) && std::isfinite(value("current_A"));
    if (!is_usable || std::isnan(value("step_time_s"))) continue;
    points.push_back({.time_s = value("step_time_s"),
                      .voltage_V = value("voltage_V"),
                      .current_A = value("current_A"),
                      .moved_Ah = value("step_charge_Ah") - value("step_discharge_Ah"),
                      .is_constant_voltage = value("is_constant_voltage") > 0,
                      .is_after_gap = std::exchange(has_gap, false)});
  }
  return points;
}

}  // namespace cellrig::ui
