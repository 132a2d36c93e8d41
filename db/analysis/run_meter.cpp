#include "db/analysis/run_meter.hpp"

#include <algorithm>
#include <cmath>

#include "db/analysis/charge.hpp"
#include "db/analysis/rest.hpp"
#include "db/analysis/soft_short.hpp"

namespace cellrig::db {

namespace {

constexpr double ns_per_second = 1e9;
/// Changes of the current that are smaller, in nominal capacities an hour, are no pulse.
constexpr double pulse_rate_min = 0.02;
/// A current below this was none: nothing relaxes after it.
constexpr double relaxing_rate_min = 0.01;
/// The current of a pulse stays within this share, or it is none of constant current.
constexpr double steady_share = 0.02;
/// Two rows whose current differs by more are not judged for a falling voltage.
constexpr double fall_current_share = 0.01;
constexpr std::uint32_t not_cc = sample_flag::constant_voltage | sample_flag::constant_power | sample_flag::constant_resistance;

bool has_cc(const SampleRow& row) { return (row.flags & sample_flag::output_on) != 0 && (row.flags & not_cc) == 0; }
bool has_cv(const SampleRow& row) { return (row.flags & sample_flag::constant_voltage) != 0; }

void put(std::vector<Metric>& out, Figure figure, std::optional<double> value) {
  if (value && std::isfinite(*value)) out.push_back({figure, 0, *value});
}

std::optional<double> greater(std::optional<double> a, std::optional<double> b) { return a && b ? std::max(*a, *b) : a ? a : b; }

}  // namespace

void RunMeter::Span::add(double value) {
  if (!std::isfinite(value)) return;
  min = std::min(min.value_or(value), value);
  max = std::max(max.value_or(value), value);
  last = value;
}

void RunMeter::begin_step(const StepRow& step) {
  step_ = StepState{};
  step_->row = step;
  step_->before = last_row_;
  watch_.begin_step(step);
  if (!step.in_cycle) return;
  if (cycle_.has_step && cycle_.cycle != step.cycle) cycle_ = CycleState{};  // it never came to its end
  cycle_.cycle = step.cycle;
  cycle_.has_step = true;
  if (step.type.ends_with("_CHG") && !cycle_.charge_started_ns) cycle_.charge_started_ns = step.started_test_time_ns;
}

bool RunMeter::is_pulse() const { return step_->before && !step_->before->has_output; }

bool RunMeter::is_relaxation() const {
  return step_->before && step_->before->has_output && std::abs(step_->before->current_A) >= relaxing_rate_min * nominal_Ah_;
}

bool RunMeter::is_rest_after_charge(const SampleRow& row) const {
  return (row.flags & sample_flag::output_on) == 0 && is_relaxation() && step_->before->current_A > 0;
}

void RunMeter::pass_step(const StepRow& step, std::span<const Metric> figures) {
  const auto lowest =
      std::find_if(figures.begin(), figures.end(), [](const Metric& m) { return m.figure == Figure::cell_temperature_min_degC; });
  watch_.pass_step(step, figures, lowest == figures.end() ? std::nullopt : std::optional<double>{lowest->value});
}

void RunMeter::begin_part(const SampleRow& first) {
  StepState& s = *step_;
  // Nothing in the record says more closely when the current came that a wait held back.
  s.changed_ns = s.waited_s > 0 ? first.test_time_ns : s.row.started_test_time_ns;
  s.start_voltage_V = first.voltage_V;
  s.highest_voltage_V = first.voltage_V;
  s.charge_at_highest_Ah = first.charge_Ah;
  // What stood before it, nobody knows; of one that waited the last row of its wait does.
  if ((first.flags & sample_flag::after_gap) != 0 && !(s.waited_s > 0)) s.before.reset();
}

void RunMeter::add(const SampleRow& row) {
  if (!step_ || step_->row.step != row.step || !std::isfinite(row.voltage_V) || !std::isfinite(row.current_A)) return;
  StepState& s = *step_;
  if ((row.flags & sample_flag::waiting) != 0) return wait(row);
  end_wait(row.test_time_ns);
  if (!s.first_temperature_degC && std::isfinite(row.cell_temperature_degC)) s.first_temperature_degC = row.cell_temperature_degC;
  s.temperature.add(row.cell_temperature_degC);
  if (!s.previous) {
    begin_part(row);
  } else if ((row.flags & sample_flag::after_gap) == 0) {
    add_between(*s.previous, row);
  } else {
    s.before.reset();
    watch_.break_charge();
  }
  if (is_rest_after_charge(row)) watch_.add_rest(row);
  add_charge_times(row);
  if (s.previous) s.settled_current_A.add(row.current_A);  // the first row may see the current on its way
  s.previous = row;
  last_row_ = Before{row.voltage_V, row.current_A, (row.flags & sample_flag::output_on) != 0};
}

/// A cell that waits at the beginning of a step is at rest right before it.
void RunMeter::wait(const SampleRow& row) {
  StepState& s = *step_;
  if (!s.waits_since_ns) s.waits_since_ns = s.previous ? s.previous->test_time_ns : s.row.started_test_time_ns;
  last_row_ = Before{row.voltage_V, row.current_A, false};
  if (!s.previous) s.before = last_row_;
}

void RunMeter::end_wait(std::int64_t at_ns) {
  StepState& s = *step_;
  if (!s.waits_since_ns) return;
  const std::int64_t waited_ns = at_ns - *s.waits_since_ns;
  s.waited_s += static_cast<double>(waited_ns) / ns_per_second;
  if (s.row.in_cycle && cycle_.charge_started_ns) cycle_.waited_ns += waited_ns;
  s.waits_since_ns.reset();
}

void RunMeter::add_between(const SampleRow& a, const SampleRow& b) {
  StepState& s = *step_;
  const auto dt_ns = static_cast<double>(b.test_time_ns - a.test_time_ns);
  const Moved moved = moved_over(stretch_between(a, b));
  s.sums += moved;
  if (has_cv(b)) {
    s.cv_Ah += moved.charge_Ah + moved.discharge_Ah;
    s.cv_charge_Ah += moved.charge_Ah;
    s.cv_s += dt_ns / ns_per_second;
  }
  const auto add_mean = [dt_ns](TimeMean& mean, double from, double to) {
    if (!std::isfinite(from) || !std::isfinite(to)) return;
    mean.integral += 0.5 * dt_ns / ns_per_second * (from + to);
    mean.seconds += dt_ns / ns_per_second;
  };
  add_mean(s.temperature_mean, a.cell_temperature_degC, b.cell_temperature_degC);
  add_mean(s.ambient_mean, a.ambient_temperature_degC, b.ambient_temperature_degC);
  add_charge_signs(a, b);
  add_times(a, b);
}

/// Figures at stated times: straight between the rows around each.
void RunMeter::add_times(const SampleRow& a, const SampleRow& b) {
  StepState& s = *step_;
  const bool has_output = (b.flags & sample_flag::output_on) != 0;
  const bool asks_resistance = has_output && is_pulse();
  const bool asks_relaxation = !has_output && is_relaxation();
  if (!asks_resistance && !asks_relaxation) return;
  const std::span<const double> times = asks_resistance ? std::span<const double>(meter_resistance_s) : relaxation_s;
  const double from_s = static_cast<double>(a.test_time_ns - s.changed_ns) / ns_per_second;
  const double to_s = static_cast<double>(b.test_time_ns - s.changed_ns) / ns_per_second;
  for (; s.next_time < times.size() && times[s.next_time] <= to_s; ++s.next_time) {
    const double at_s = times[s.next_time];
    if (at_s < from_s || !(to_s > from_s)) continue;
    const double share = (at_s - from_s) / (to_s - from_s);
    const double voltage_V = a.voltage_V + share * (b.voltage_V - a.voltage_V);
    if (asks_relaxation) {
      s.timed.push_back({Figure::relaxation_V, at_s, voltage_V - s.before->voltage_V});
    } else if (has_cc(b)) {
      add_resistance(at_s, voltage_V, a.current_A + share * (b.current_A - a.current_A));
    }
  }
}

void RunMeter::add_resistance(double at_s, double voltage_V, double current_A) {
  StepState& s = *step_;
  const double change_A = current_A - s.before->current_A;
  if (!(std::abs(change_A) >= pulse_rate_min * nominal_Ah_) || change_A == 0) return;
  const double spread_A = s.settled_current_A.max.value_or(0) - s.settled_current_A.min.value_or(0);
  if (spread_A > steady_share * std::abs(current_A)) return;  // a course of currents, or one on its way
  s.timed.push_back({Figure::dc_resistance_ohm, at_s, (voltage_V - s.before->voltage_V) / change_A});
}

void RunMeter::add_charge_signs(const SampleRow& a, const SampleRow& b) {
  StepState& s = *step_;
  if (!has_cc(a) || !has_cc(b) || !(a.current_A > 0) || !(b.current_A > 0)) {
    s.highest_voltage_V = std::max(s.highest_voltage_V, b.voltage_V);
    s.charge_at_highest_Ah = b.charge_Ah;
    watch_.break_charge();
    return;
  }
  s.has_cc_charge = true;
  if (std::abs(b.current_A - a.current_A) <= fall_current_share * a.current_A) {
    s.fall_max_V = std::max(s.fall_max_V, a.voltage_V - b.voltage_V);
    watch_.add_charge(a, b);
  } else {
    watch_.break_charge();
  }
  s.without_rise_Ah = std::max(s.without_rise_Ah, b.charge_Ah - s.charge_at_highest_Ah);
  if (b.voltage_V <= s.highest_voltage_V) return;
  s.highest_voltage_V = b.voltage_V;
  s.charge_at_highest_Ah = b.charge_Ah;
}

/// When each share of the nominal capacity was in: by the rows' own sums, straight between them.
void RunMeter::add_charge_times(const SampleRow& row) {
  const StepState& s = *step_;
  if (!s.row.in_cycle || !s.row.type.ends_with("_CHG") || !cycle_.charge_started_ns || !(nominal_Ah_ > 0)) return;
  const double base_Ah = cycle_.charge_of_steps_Ah;
  const double before_Ah = base_Ah + (s.previous ? s.previous->charge_Ah : 0.0);
  const std::int64_t before_ns = s.previous ? s.previous->test_time_ns : s.row.started_test_time_ns;
  const double now_Ah = base_Ah + row.charge_Ah;
  constexpr std::int64_t shares_max = 40;  // twice the nominal capacity
  while (cycle_.shares_reached < shares_max) {
    const double share = static_cast<double>(cycle_.shares_reached + 1) * meter_share_step;
    const double level_Ah = share * nominal_Ah_;
    if (!(now_Ah >= level_Ah)) return;
    const double part = now_Ah > before_Ah ? std::clamp((level_Ah - before_Ah) / (now_Ah - before_Ah), 0.0, 1.0) : 1.0;
    const double at_ns = static_cast<double>(before_ns - *cycle_.charge_started_ns - cycle_.waited_ns) +
                         part * static_cast<double>(row.test_time_ns - before_ns);
    cycle_.charge_times.push_back({Figure::charge_time_to_share_s, share, at_ns / ns_per_second});
    ++cycle_.shares_reached;
  }
}

void RunMeter::add(const AuxRow& row) {
  if (!step_ || step_->row.step != row.step || row.quantity != stack_pressure_quantity) return;
  step_->pressure.add(row.value);
}

std::vector<Metric> RunMeter::end_step(const StepEndRow& end) {
  std::vector<Metric> out;
  if (!step_ || step_->row.step != end.step) return out;
  end_wait(end.ended_test_time_ns);
  const StepState& s = *step_;
  if (s.previous) {
    const bool is_charge = s.sums.charge_Ah >= s.sums.discharge_Ah;
    const double moved_Ah = is_charge ? s.sums.charge_Ah : s.sums.discharge_Ah;
    const double moved_Wh = is_charge ? s.sums.charge_Wh : s.sums.discharge_Wh;
    if (moved_Ah > 0) put(out, Figure::mean_voltage_V, moved_Wh / moved_Ah);
    put(out, Figure::start_voltage_V, s.start_voltage_V);
    put(out, Figure::end_voltage_V, s.previous->voltage_V);
    const double all_Ah = s.sums.charge_Ah + s.sums.discharge_Ah;
    if (all_Ah > 0) {
      put(out, Figure::cv_charge_share, s.cv_Ah / all_Ah);
      put(out, Figure::cv_time_s, s.cv_s);
    }
  }
  out.insert(out.end(), s.timed.begin(), s.timed.end());
  put(out, Figure::cell_temperature_min_degC, s.temperature.min);
  put(out, Figure::cell_temperature_mean_degC, s.temperature_mean.mean());
  put(out, Figure::cell_temperature_max_degC, s.temperature.max);
  if (s.first_temperature_degC && s.temperature.max)
    put(out, Figure::temperature_rise_K, *s.temperature.max - *s.first_temperature_degC);
  if (s.has_cc_charge) {
    put(out, Figure::voltage_fall_max_V, s.fall_max_V);
    put(out, Figure::charge_without_rise_Ah, s.without_rise_Ah);
  }
  put(out, Figure::pressure_min_MPa, s.pressure.min);
  put(out, Figure::pressure_max_MPa, s.pressure.max);
  put(out, Figure::pressure_end_MPa, s.pressure.last);
  if (s.waited_s > 0) put(out, Figure::waited_s, s.waited_s);
  watch_.end_step(s.timed, s.temperature.min);
  if (s.row.in_cycle) fold_into_cycle();
  step_.reset();
  return out;
}

void RunMeter::fold_into_cycle() {
  const StepState& s = *step_;
  const auto fold_mean = [](TimeMean& into, const TimeMean& from) {
    into.integral += from.integral;
    into.seconds += from.seconds;
  };
  const auto fold_span = [](Span& into, const Span& from) {
    if (from.min) into.add(*from.min);
    if (from.max) into.add(*from.max);
    if (from.last) into.last = from.last;
  };
  fold_mean(cycle_.temperature_mean, s.temperature_mean);
  fold_mean(cycle_.ambient_mean, s.ambient_mean);
  fold_span(cycle_.temperature, s.temperature);
  fold_span(cycle_.pressure, s.pressure);
  if (s.row.type.ends_with("_DCH") && s.pressure.last) cycle_.discharge_end_MPa = s.pressure.last;
  if (!s.row.type.ends_with("_CHG")) return;
  if (s.pressure.last) cycle_.charge_end_MPa = s.pressure.last;
  cycle_.cv_charge_Ah += s.cv_charge_Ah;
  cycle_.charge_Ah += s.sums.charge_Ah;
  cycle_.cv_s += s.cv_s;
  if (s.previous) cycle_.charge_of_steps_Ah += s.previous->charge_Ah;
  if (s.first_temperature_degC && s.temperature.max) {
    cycle_.rise_K = greater(cycle_.rise_K, *s.temperature.max - *s.first_temperature_degC);
  }
  cycle_.fall_max_V = std::max(cycle_.fall_max_V, s.fall_max_V);
  cycle_.without_rise_Ah = std::max(cycle_.without_rise_Ah, s.without_rise_Ah);
}

void RunMeter::add_soft_short(const CycleRow& row, std::vector<Metric>& out) {
  const CycleSigns seen = watch_.end_cycle(row);
  const CycleState& c = cycle_;
  if (!c.has_step || c.cycle != row.cycle || !(c.charge_Ah > 0) || !(nominal_Ah_ > 0)) return;
  SoftShortSigns signs{.voltage_fall_max_V = c.fall_max_V, .charge_without_rise_share = c.without_rise_Ah / nominal_Ah_};
  if (row.discharge_Ah > 0) signs.charge_Ah = row.charge_Ah, signs.discharge_Ah = row.discharge_Ah;
  put(out, Figure::soft_short_score, soft_short_score(signs).score);
  signs.charge_overrun = seen.charge_overrun;
  signs.charge_slope_least_V_per_s = seen.charge_slope_least_V_per_s;
  signs.resistance_ratio = seen.resistance_ratio_least;
  signs.rest_slope_V_per_day = seen.rest_slope_V_per_day;
  put(out, Figure::charge_overrun, signs.charge_overrun);
  put(out, Figure::charge_slope_least_V_per_s, signs.charge_slope_least_V_per_s);
  put(out, Figure::resistance_ratio_least, signs.resistance_ratio);
  put(out, Figure::rest_slope_V_per_day, signs.rest_slope_V_per_day);
  put(out, Figure::soft_short_score_of_all_signs, soft_short_score(signs).score);
}

std::vector<Metric> RunMeter::end_cycle(const CycleRow& row) {
  std::vector<Metric> out;
  const Efficiencies e = efficiencies({row.charge_Ah, row.discharge_Ah, row.charge_Wh, row.discharge_Wh});
  put(out, Figure::coulombic_efficiency, e.coulombic);
  put(out, Figure::energy_efficiency, e.energy);
  put(out, Figure::voltage_efficiency, e.voltage);
  put(out, Figure::charge_mean_voltage_V, e.charge_mean_voltage_V);
  put(out, Figure::discharge_mean_voltage_V, e.discharge_mean_voltage_V);
  put(out, Figure::voltage_hysteresis_V, e.hysteresis_V);
  const CycleState& c = cycle_;
  if (c.has_step && c.cycle == row.cycle) {
    if (c.charge_Ah > 0) {
      put(out, Figure::cycle_cv_charge_share, c.cv_charge_Ah / c.charge_Ah);
      put(out, Figure::cycle_cv_time_s, c.cv_s);
    }
    out.insert(out.end(), c.charge_times.begin(), c.charge_times.end());
    put(out, Figure::cycle_temperature_min_degC, c.temperature.min);
    put(out, Figure::cycle_temperature_mean_degC, c.temperature_mean.mean());
    put(out, Figure::cycle_temperature_max_degC, c.temperature.max);
    put(out, Figure::ambient_temperature_mean_degC, c.ambient_mean.mean());
    put(out, Figure::cycle_temperature_rise_K, c.rise_K);
    put(out, Figure::charge_end_pressure_MPa, c.charge_end_MPa);
    put(out, Figure::discharge_end_pressure_MPa, c.discharge_end_MPa);
    if (c.pressure.min) put(out, Figure::breathing_MPa, *c.pressure.max - *c.pressure.min);
    if (c.discharge_end_MPa && discharge_end_before_MPa_) {
      put(out, Figure::pressure_drift_MPa, *c.discharge_end_MPa - *discharge_end_before_MPa_);
    }
    discharge_end_before_MPa_ = c.discharge_end_MPa;
  }
  add_soft_short(row, out);
  cycle_ = CycleState{};
  const std::vector<Metric> life = life_.end_cycle(row);
  out.insert(out.end(), life.begin(), life.end());
  return out;
}

}  // namespace cellrig::db
