#include "sim/physics/power_stage.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::sim {
namespace {

/// No instrument drives more through a cell than a short circuit does; keeps absurd commands finite.
constexpr double short_circuit_rate_C = 100.0;
constexpr double voltage_magnitude_max_V = 1e4;
constexpr double location_tolerance_V = 1e-5;
constexpr Duration location_resolution{1000};
constexpr int location_iteration_max = 60;
/// After so many located changes without a whole step between them the next step is taken whole: bounds the work.
constexpr int located_in_a_row_max = 8;

double magnitude(double limit, double limit_max) { return limit > 0 ? std::min(limit, limit_max) : 0.0; }  // NaN -> 0

/// The command in the cell's own direction. A reversed cell is charged by what the instrument calls sinking.
RegulatorLimits limits_of(const RegulatorCommand& command, bool reversed, double capacity_Ah) {
  const double current_max_A = short_circuit_rate_C * capacity_Ah;
  constexpr double power_max_W = 1e12;
  RegulatorLimits limits;
  if (!std::isfinite(command.voltage_V) || std::isnan(command.sink_resistance_ohm)) return limits;
  const double voltage = std::clamp(command.voltage_V, -voltage_magnitude_max_V, voltage_magnitude_max_V);
  const double source_W = magnitude(command.source_power_max_W, power_max_W);
  const double sink_W = magnitude(command.sink_power_max_W, power_max_W);
  const double source_A = source_W > 0 ? magnitude(command.source_current_max_A, current_max_A) : 0.0;
  const double sink_A = sink_W > 0 ? magnitude(command.sink_current_max_A, current_max_A) : 0.0;
  const double resistance_ohm = std::max(command.sink_resistance_ohm, 0.0);
  if (!reversed) return {voltage, source_A, sink_A, source_W, sink_W, resistance_ohm};
  // While a reversed cell is charged the terminals are negative: V / R allows no sinking at all.
  return {-voltage, resistance_ohm > 0 ? 0.0 : sink_A, source_A, sink_W, source_W, 0.0};
}

}  // namespace

PowerStage::PowerStage(Cell& cell, TimePoint start) : cell_{&cell}, now_{start} {
  const CellState& state = cell.state();
  const double voltage = cell.voltage_V(0.0);
  extremes_ = {voltage, voltage, 0.0, 0.0, state.surface_degC, state.soc, state.soc};
  refresh();
}

void PowerStage::command(TimePoint now, const RegulatorCommand& command) {
  advance(now);
  command_ = command;
  on_ = command.on && trip_ == StageTrip::none;
  refresh();
  if (follower_ == nullptr || is_being_followed_) return;
  is_being_followed_ = true;
  follower_->command(now, command);
  is_being_followed_ = false;
}

void PowerStage::set_contactor(TimePoint now, bool closed) {
  advance(now);
  contactor_closed_ = closed;
  refresh();
}

void PowerStage::set_open_circuit(TimePoint now, bool open) {
  advance(now);
  open_circuit_ = open;
  refresh();
}

void PowerStage::set_voltage_error(TimePoint now, double error_V) {
  advance(now);
  voltage_error_V_ = error_V;
  refresh();
}

void PowerStage::set_reversed(bool reversed) {
  reversed_ = reversed;
  refresh();
}

double PowerStage::terminal_voltage_V() const {
  if (!contactor_closed_) return 0.0;
  if (open_circuit_) return on_ && std::isfinite(command_.voltage_V) ? command_.voltage_V : 0.0;
  return reversed_ ? -point_.voltage_V : point_.voltage_V;
}

void PowerStage::advance(TimePoint to) {
  if (is_stale_) refresh();
  while (now_ < to) step(to - now_);
}

/// One step of at most this duration: shorter by the accuracy rule, or because the mode changes inside it.
void PowerStage::step(Duration step_max) {
  rule_.on_current(point_.current_A, cell_->capacity_Ah());
  const Duration step = std::min(step_max, from_seconds(rule_.step_max_s()));
  if (is_driving()) {
    step_driven(step);
  } else {
    cell_->commit(cell_->integrate(cell_->state(), 0.0, to_seconds(step)));
    now_ += step;
    rule_.on_step(to_seconds(step));
    settle(cell_->curve_at(cell_->state()));
  }
}

void PowerStage::step_driven(Duration step) {
  const CellState before = cell_->state();
  double current_A = point_.current_A;
  if (point_.mode != RegulatorMode::constant_current && current_A != 0.0) {
    // The regulator moves the current continuously; its value at the middle of the step makes the step second order.
    const CellState middle = cell_->integrate(before, current_A, to_seconds(step) * 0.5);
    current_A = operating_point(cell_->curve_at(middle), limits_, current_A).current_A;
  }
  CellState after = cell_->integrate(before, current_A, to_seconds(step));
  const VoltageCurve* curve = &cell_->curve_at(after);
  if (excess_V(*curve, current_A) > location_tolerance_V && located_in_a_row_ < located_in_a_row_max) {
    ++located_in_a_row_;
    step = locate_mode_change(step, current_A, after);
    curve = &cell_->curve_at(after);
  } else {
    located_in_a_row_ = 0;
  }
  // Held through the step: what a limit let through, before the regulator answers. A regulated voltage has no such excess.
  if (point_.mode != RegulatorMode::constant_voltage) remember_voltage(curve->voltage_V(current_A));
  cell_->commit(after);
  now_ += step;
  rule_.on_step(to_seconds(step));
  settle(*curve);
}

/// How far this current, held, has passed what ends the present mode, V. A current limit ends at any other limit; constant power
/// and resistance end at the voltage; the voltage itself is left only when the solved current reaches a limit, which it
/// cannot pass.
double PowerStage::excess_V(const VoltageCurve& curve, double current_A) const {
  if (point_.mode == RegulatorMode::constant_voltage) return 0.0;
  if (point_.mode == RegulatorMode::constant_current) return violation_V(curve, limits_, current_A);
  const double voltage = curve.voltage_V(current_A);
  return current_A > 0 ? voltage - limits_.voltage_V : limits_.voltage_V - voltage;
}

/// The shortest step after which the mode has ended, by at most 10 uV or 1 us: regula falsi (Illinois), integrating again from
/// the saved state. In: the state after the whole step. Out: the state after the returned step.
Duration PowerStage::locate_mode_change(Duration step, double current_A, CellState& after) const {
  const CellState& before = cell_->state();
  Duration low{0};
  Duration high = step;
  double high_V = excess_V(cell_->curve_at(after), current_A);
  double low_weight = std::min(excess_V(cell_->curve_at(before), current_A), 0.0);
  double high_weight = high_V;
  int side = 0;
  for (int i = 0; i < location_iteration_max && high_V > location_tolerance_V && high - low > location_resolution; ++i) {
    const double share = std::clamp(-low_weight / (high_weight - low_weight), 0.001, 0.999);
    const Duration trial = low + Duration{1 + static_cast<Duration::rep>(share * static_cast<double>((high - low).count() - 2))};
    const CellState state = cell_->integrate(before, current_A, to_seconds(trial));
    const double trial_V = excess_V(cell_->curve_at(state), current_A);
    if (trial_V > 0) {
      high = trial;
      high_V = high_weight = trial_V;
      after = state;
      if (side == 1) low_weight *= 0.5;
      side = 1;
    } else {
      low = trial;
      low_weight = trial_V;
      if (side == -1) high_weight *= 0.5;
      side = -1;
    }
  }
  return high;
}

/// After anything that came from outside.
void PowerStage::refresh() {
  is_stale_ = false;
  RegulatorCommand wanted = command_;
  wanted.voltage_V += voltage_error_V_;
  limits_ = limits_of(wanted, reversed_, cell_->capacity_Ah());
  settle(cell_->curve_at(cell_->state()));
}

/// Solves the operating point at the present state, judges the protections and remembers the extremes.
void PowerStage::settle(const VoltageCurve& curve) {
  const RegulatorMode mode_before = point_.mode;
  if (is_driving()) {
    point_ = operating_point(curve, limits_, point_.current_A);
    if (!std::isfinite(point_.current_A)) point_.current_A = 0.0;
    remember_extremes();
    trip_ = judge();
    if (trip_ != StageTrip::none) on_ = false;
  }
  if (!is_driving()) {
    // An output that is on into an open contactor regulates its own voltage; nothing flows.
    point_ = {on_ ? RegulatorMode::constant_voltage : RegulatorMode::off, 0.0, curve.rest_voltage_V()};
    remember_extremes();
  }
  if (point_.mode != mode_before) rule_.restart();
}

/// Written so that NaN trips.
StageTrip PowerStage::judge() const {
  const double voltage = terminal_voltage_V();
  if (!(voltage <= command_.over_voltage_trip_V)) return StageTrip::over_voltage;
  if (!(std::abs(point_.current_A) <= command_.over_current_trip_A)) return StageTrip::over_current;
  if (!(voltage >= command_.under_voltage_trip_V)) return StageTrip::under_voltage;
  return StageTrip::none;
}

void PowerStage::remember_voltage(double cell_voltage_V) {
  extremes_.voltage_max_V = std::max(extremes_.voltage_max_V, cell_voltage_V);
  extremes_.voltage_min_V = std::min(extremes_.voltage_min_V, cell_voltage_V);
}

void PowerStage::remember_extremes() {
  const CellState& state = cell_->state();
  remember_voltage(point_.voltage_V);
  extremes_.current_max_A = std::max(extremes_.current_max_A, point_.current_A);
  extremes_.current_min_A = std::min(extremes_.current_min_A, point_.current_A);
  extremes_.surface_max_degC = std::max(extremes_.surface_max_degC, state.surface_degC);
  extremes_.soc_max = std::max(extremes_.soc_max, state.soc);
  extremes_.soc_min = std::min(extremes_.soc_min, state.soc);
}

}  // namespace cellrig::sim
