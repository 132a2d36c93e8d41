#include "ui/model/run_data.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace cellrig::ui {

namespace {

constexpr Trace::Capacity live_capacity{.recent_points = std::size_t{1} << 18, .history_buckets = std::size_t{1} << 15};
constexpr Trace::Capacity charge_curve_capacity{.recent_points = std::size_t{1} << 13, .history_buckets = std::size_t{1} << 11};
constexpr double unknown_value = std::numeric_limits<double>::quiet_NaN();

std::shared_ptr<Trace> live_trace() { return std::make_shared<Trace>(live_capacity); }

double cell_of(const api::Columns& columns, const char* name, std::size_t row) {
  const auto column = columns.find(name);
  return column == columns.end() || row >= column->second.size() ? unknown_value : column->second[row];
}

std::size_t rows_of(const api::Columns& columns) {
  const auto time = columns.find("test_time_s");
  return time == columns.end() ? 0 : time->second.size();
}

}  // namespace

struct RunData::Row {
  RowPlace place;
  double voltage_V = 0, current_A = 0, temperature_degC = 0, ambient_degC = 0, pressure_MPa = 0;

  [[nodiscard]] static Row of(const api::Columns& columns, std::size_t row) {
    const double step_count = cell_of(columns, "step_count", row);
    RowPlace place{
        .test_time_s = cell_of(columns, "test_time_s", row),
        .step_count = std::isfinite(step_count) ? std::optional(static_cast<std::int64_t>(step_count)) : std::nullopt,
        .step_time_s = columns.contains("step_time_s") ? std::optional(cell_of(columns, "step_time_s", row)) : std::nullopt,
        .charge_Ah = cell_of(columns, columns.contains("charge_Ah") ? "charge_Ah" : "step_charge_Ah", row),
        .discharge_Ah = cell_of(columns, columns.contains("discharge_Ah") ? "discharge_Ah" : "step_discharge_Ah", row)};
    return {.place = place,
            .voltage_V = cell_of(columns, "voltage_V", row),
            .current_A = cell_of(columns, "current_A", row),
            .temperature_degC = cell_of(columns, "cell_temperature_degC", row),
            .ambient_degC = cell_of(columns, "ambient_temperature_degC", row),
            .pressure_MPa = cell_of(columns, "pressure_MPa", row)};
  }
};

RunData::RunData() { begin(0); }

void RunData::begin(std::int64_t run) {
  run_ = run;
  has_history_ = is_interrupted_ = false;
  for (std::shared_ptr<Trace>* trace : {&voltage_V_, &current_A_, &temperature_degC_, &ambient_degC_, &pressure_MPa_,
                                        &expected_voltage_V_, &expected_temperature_degC_}) {
    *trace = live_trace();
  }
  expected_ = {};
  steps_.clear();
  missing_.clear();
  charge_curves_.clear();
  pending_.clear();
  pending_rows_ = 0;
  unplaced_.clear();
}

void RunData::add_steps(const std::vector<api::StepView>& page) {
  if (page.empty()) return;
  const auto known = std::lower_bound(steps_.begin(), steps_.end(), page.front().step_count,
                                      [](const api::StepView& step, std::int64_t count) { return step.step_count < count; });
  steps_.erase(known, steps_.end());
  steps_.insert(steps_.end(), page.begin(), page.end());
  if (steps_.size() > steps_max) steps_.erase(steps_.begin(), steps_.end() - static_cast<std::ptrdiff_t>(steps_max));
  place_rows();
}

void RunData::set_expected(const std::vector<api::ExpectedCurveView>& curves) {
  std::vector<ExpectedCurve> taken;
  for (const api::ExpectedCurveView& view : curves) {
    ExpectedCurve curve{view.step_id, view.execution, view.coordinate == "charge_Ah", {}};
    for (std::size_t i = 0; i < view.at.size(); ++i) {
      curve.points.push_back({view.at[i], i < view.voltage_V.size() ? view.voltage_V[i] : unknown_value,
                              i < view.cell_temperature_degC.size() ? view.cell_temperature_degC[i] : unknown_value});
    }
    taken.push_back(std::move(curve));
  }
  expected_ = ExpectedCurves{std::move(taken)};
}

void RunData::set_history(const api::Columns& columns) {
  for (std::size_t i = 0; i < rows_of(columns); ++i) add_row(Row::of(columns, i));
  has_history_ = true;
  for (const api::Columns& waiting : std::exchange(pending_, {})) add_live(waiting);
  pending_rows_ = 0;
}

void RunData::set_pressure_history(const api::Columns& columns) {
  // What came live meanwhile is newer than all of it.
  auto trace = live_trace();
  for (std::size_t i = 0; i < rows_of(columns); ++i) {
    trace->append({cell_of(columns, "test_time_s", i), cell_of(columns, "stack_pressure_MPa", i)});
  }
  if (const std::optional<Window> extent = pressure_MPa_->extent()) {
    constexpr int columns_kept = 4096;
    for (const Point& p : pressure_MPa_->points(*extent, columns_kept)) trace->append(p);
  }
  pressure_MPa_ = std::move(trace);
}

void RunData::add_live(const api::Columns& columns) {
  const std::size_t rows = rows_of(columns);
  if (!has_history_) {
    if (pending_rows_ + rows > pending_max) return;  // the history, when it comes, will have them
    pending_.push_back(columns);
    pending_rows_ += rows;
    return;
  }
  for (std::size_t i = 0; i < rows; ++i) {
    const Row row = Row::of(columns, i);
    if (is_interrupted_ && voltage_V_->last() && row.place.test_time_s > voltage_V_->last()->x) {
      add_missing({voltage_V_->last()->x, row.place.test_time_s});
      is_interrupted_ = false;
    }
    add_row(row);
  }
}

/// Of a link that is lost every few seconds for weeks the shortest stretches are left out.
void RunData::add_missing(const Window& window) {
  missing_.push_back({window});
  if (missing_.size() <= missing_max) return;
  const auto length = [](const Missing& one) { return one.window.to - one.window.from; };
  missing_.erase(std::min_element(missing_.begin(), missing_.end(),
                                  [&length](const Missing& a, const Missing& b) { return length(a) < length(b); }));
}

void RunData::note_interruption() { is_interrupted_ = has_history_; }

void RunData::add_row(const Row& row) {
  if (const std::optional<Point> last = voltage_V_->last(); last && row.place.test_time_s <= last->x) return;
  const double t = row.place.test_time_s;
  voltage_V_->append({t, row.voltage_V});
  current_A_->append({t, row.current_A});
  temperature_degC_->append({t, row.temperature_degC});
  ambient_degC_->append({t, row.ambient_degC});
  pressure_MPa_->append({t, row.pressure_MPa});
  unplaced_.push_back({row.place, row.voltage_V});
  place_rows();
}

// A row of a step that has only just begun may be here before the step is: what is expected of it waits until then, and so do those behind it.
void RunData::place_rows() {
  while (!unplaced_.empty()) {
    const Unplaced& row = unplaced_.front();
    const api::StepView* step = step_of(steps_, row.place);
    const std::int64_t newest = steps_.empty() ? 0 : steps_.back().step_count;
    const bool may_come = row.place.step_count && *row.place.step_count > newest && unplaced_.size() <= unplaced_max;
    if (step == nullptr && may_come) return;
    if (step != nullptr) {
      if (!expected_.is_empty()) add_expected(row, *step);
      add_to_charge_curve(row, *step);
    }
    unplaced_.pop_front();
  }
}

void RunData::add_expected(const Unplaced& row, const api::StepView& step) {
  const std::optional<ExpectedPoint> point = expected_.at(place_of(steps_, step, row.place));
  if (!point) return;
  expected_voltage_V_->append({row.place.test_time_s, point->voltage_V});
  expected_temperature_degC_->append({row.place.test_time_s, point->cell_temperature_degC});
}

void RunData::add_to_charge_curve(const Unplaced& row, const api::StepView& step) {
  constexpr double moved_min_Ah = 1e-6;
  const double moved = std::max(row.place.charge_Ah, row.place.discharge_Ah);
  if (!(moved > moved_min_Ah)) return;
  if (charge_curves_.empty() || charge_curves_.back().step_count != step.step_count) {
    if (charge_curves_.size() == charge_curves_max) charge_curves_.erase(charge_curves_.begin());
    charge_curves_.push_back({step.step_count, step.name, row.place.charge_Ah >= row.place.discharge_Ah,
                              std::make_shared<Trace>(charge_curve_capacity)});
  }
  charge_curves_.back().voltage_by_charge->append({moved, row.voltage_V});
}

}  // namespace cellrig::ui
