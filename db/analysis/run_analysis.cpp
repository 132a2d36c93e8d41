#include "db/analysis/run_analysis.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>

#include "db/analysis/cycle_summary.hpp"
#include "db/analysis/definitions.hpp"

namespace cellrig::db {

namespace {

constexpr double pulse_read_s = 130;  ///< the last time asked for is 120 s
constexpr double rest_min_s = 600;
constexpr double settled_share = 0.5;  ///< of a rest, after which its slope is taken: the first half relaxes
constexpr double slope_min_s = 3600;   ///< a shorter rest relaxes all the time
constexpr double storage_min_s = 86'400;
constexpr double relaxation_told_s = 600;
constexpr std::size_t rest_points_max = 1U << 16;
/// Rows before a step in which the last one of the step before is looked for: other channels may have written between.
constexpr std::int64_t rows_looked_back = 4096;

// ---- pulses ---------------------------------------------------------------------------------------------------------

std::vector<double> pulse_times(bool is_charge) {
  const std::span<const double> iso = is_charge ? std::span<const double>(iso_12405_4_charge_s) : iso_12405_4_discharge_s;
  std::set<double> times(iso.begin(), iso.end());
  times.insert(hppc_s.begin(), hppc_s.end());
  return {times.begin(), times.end()};
}

bool is_measured(const SampleRow& row) { return std::isfinite(row.voltage_V) && std::isfinite(row.current_A); }
bool is_waiting(const SampleRow& row) { return (row.flags & sample_flag::waiting) != 0; }

struct PulseRows {
  std::optional<BeforePulse> before;
  std::vector<CurvePoint> curve;
};

/// The last row before the current came, and the pulse from there.
Result<PulseRows> rows_of_pulse(Reader& reader, RunKey run, const StepInfo& step) {
  PulseRows rows;
  bool has_waited = false;
  std::int64_t zero_ns = step.row.started_test_time_ns;
  const auto take = [&](const SampleView& sample) {
    const SampleRow& row = sample.row;
    if (row.step > step.row.step) return false;
    if (!is_measured(row)) return true;
    if (row.step != step.row.step || is_waiting(row)) {
      has_waited = has_waited || row.step == step.row.step;
      if (!rows.curve.empty()) return false;  // paused: what follows is no part of it
      rows.before = BeforePulse{Volts{row.voltage_V}, Amps{row.current_A}};
      return true;
    }
    if (rows.curve.empty() && has_waited) zero_ns = row.test_time_ns;
    const double at_s = static_cast<double>(row.test_time_ns - zero_ns) / 1e9;
    rows.curve.push_back({.time_s = at_s,
                          .voltage_V = row.voltage_V,
                          .current_A = row.current_A,
                          .moved_Ah = row.charge_Ah - row.discharge_Ah,
                          .cell_temperature_degC = row.cell_temperature_degC,
                          .is_constant_voltage = (row.flags & sample_flag::constant_voltage) != 0,
                          .is_after_gap = !rows.curve.empty() && (row.flags & sample_flag::after_gap) != 0});
    return at_s < pulse_read_s;
  };
  const std::int64_t from = std::max<std::int64_t>(0, step.sample_rowid_before - rows_looked_back);
  const Result<std::uint64_t> visited = reader.for_each_sample_after(run, from, take);
  if (!visited) return visited.error();
  return rows;
}

PulseInstant instant_of(const PulseResistancePoint& resistance, Curve pulse, const Sums& at_start) {
  PulseInstant instant{resistance, resistance.voltage * resistance.current, std::nan(""),
                       at_start.charge_Ah - at_start.discharge_Ah};
  for (const CurvePoint& point : pulse) {
    if (point.time_s > resistance.at_s) break;
    if (std::isfinite(point.cell_temperature_degC)) instant.temperature_degC = point.cell_temperature_degC;
  }
  const auto after = std::lower_bound(pulse.begin(), pulse.end(), resistance.at_s,
                                      [](const CurvePoint& p, double at_s) { return p.time_s < at_s; });
  if (after != pulse.end()) instant.charge_Ah += after->moved_Ah;
  return instant;
}

RunPulse pulse_of(const StepInfo& step, const PulseRows& rows) {
  RunPulse pulse;
  pulse.step_count = step.row.step_count;
  pulse.name = step.row.name;
  pulse.before = *rows.before;
  pulse.is_charge = rows.curve.back().current_A > rows.before->current.value();
  pulse.instantaneous = instantaneous_resistance(*rows.before, rows.curve);
  for (const PulseResistancePoint& point : pulse_resistance(*rows.before, rows.curve, pulse_times(pulse.is_charge)))
    pulse.at.push_back(instant_of(point, rows.curve, step.run_sums_at_start));
  return pulse;
}

// ---- rests ----------------------------------------------------------------------------------------------------------

double seconds_of(const StepInfo& step) {
  return step.end ? static_cast<double>(step.end->ended_test_time_ns - step.row.started_test_time_ns) / 1e9 : 0.0;
}

bool carries_current(const StepInfo& step) { return step.end && step.end->charge_Ah + step.end->discharge_Ah > 0; }

/// Places of rests in the list of steps, of the longest ones, in the order of the run.
std::vector<std::size_t> longest_rests(const std::vector<StepInfo>& steps, std::size_t rests_max) {
  std::vector<std::size_t> rests;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    const bool is_rest = steps[i].row.type == "REST" && seconds_of(steps[i]) >= rest_min_s && carries_current(steps[i - 1]);
    if (is_rest) rests.push_back(i);
  }
  if (rests.size() <= rests_max) return rests;
  const auto longer = [&steps](std::size_t a, std::size_t b) { return seconds_of(steps[a]) > seconds_of(steps[b]); };
  std::nth_element(rests.begin(), rests.begin() + static_cast<std::ptrdiff_t>(rests_max), rests.end(), longer);
  rests.resize(rests_max);
  std::sort(rests.begin(), rests.end());
  return rests;
}

/// dQ/dV of the cell where it rests, by the step before: the bin that is nearest to the voltage of the rest.
std::optional<double> capacity_slope_Ah_per_V(Curve before, double voltage_V) {
  const std::optional<Differential> slope = dq_dv(before, {.voltage_step_V = 0.01, .smoothed_over = 5});
  if (!slope || slope->points.empty()) return std::nullopt;
  const auto nearest = std::min_element(slope->points.begin(), slope->points.end(), [voltage_V](const auto& a, const auto& b) {
    return std::abs(a.at - voltage_V) < std::abs(b.at - voltage_V);
  });
  return nearest->value > 0 ? std::optional<double>{nearest->value} : std::nullopt;
}

bool is_without_current(const StepInfo& step) {
  return step.row.type == "REST" || step.row.type == "SOAK" || step.row.type == "WAIT";
}

double net_Ah(const StepInfo& step) { return step.end ? step.end->charge_Ah - step.end->discharge_Ah : 0.0; }

/// What a storage lost, by what was put in before it and got out after: from one end of the cell's window and back to it. Nothing where
/// that is not so: the discharges before and after did not end by the same condition.
std::optional<double> leak_by_charge_A(const std::vector<StepInfo>& steps, std::size_t place) {
  double put_in_Ah = 0, got_out_Ah = 0, stored_s = seconds_of(steps[place]);
  std::size_t before = place;
  while (before > 0 && (is_without_current(steps[before - 1]) || net_Ah(steps[before - 1]) > 0)) {
    const StepInfo& step = steps[--before];
    if (!is_without_current(step)) {
      put_in_Ah += net_Ah(step);
    } else if (!(put_in_Ah > 0)) {
      stored_s += seconds_of(step);
    } else if (seconds_of(step) >= storage_min_s) {
      return std::nullopt;  // another storage, in the midst of the charge: whose loss it is cannot be told
    }
  }
  std::size_t after = place + 1;
  for (; after < steps.size() && (is_without_current(steps[after]) || net_Ah(steps[after]) < 0); ++after) {
    if (!is_without_current(steps[after])) {
      got_out_Ah -= net_Ah(steps[after]);
    } else if (!(got_out_Ah > 0)) {
      stored_s += seconds_of(steps[after]);
    } else if (seconds_of(steps[after]) >= storage_min_s) {
      break;
    }
  }
  while (after > place + 1 && is_without_current(steps[after - 1])) --after;
  if (before == 0 || !(put_in_Ah > 0) || !(got_out_Ah > 0) || stored_s < storage_min_s) return std::nullopt;
  const std::optional<StepEndRow>&from = steps[before - 1].end, &to = steps[after - 1].end;
  const bool is_same_state = from && to && from->reason == "condition" && to->reason == "condition" &&
                             from->condition.starts_with("voltage_V") && from->condition == to->condition;
  return is_same_state ? self_discharge_current(put_in_Ah, got_out_Ah, stored_s) : std::nullopt;
}

RunRest rest_of(const std::vector<StepInfo>& steps, std::size_t place, Curve before, Curve curve) {
  RunRest rest{.step = steps[place], .before = steps[place - 1], .lasts_s = seconds_of(steps[place])};
  const std::array at{std::min(relaxation_told_s, rest.lasts_s)};
  const std::vector<RelaxationPoint> relaxed = relaxation(Volts{before.back().voltage_V}, curve, at);
  if (!relaxed.empty()) rest.relaxed = relaxed.front().change;
  if (rest.lasts_s >= slope_min_s)
    rest.slope = self_discharge(curve, settled_share * rest.lasts_s, capacity_slope_Ah_per_V(before, curve.back().voltage_V));
  if (rest.is_after_charge()) rest.plating = plating_signal(curve);
  if (rest.is_after_charge()) rest.leak_by_charge_A = leak_by_charge_A(steps, place);
  return rest;
}

}  // namespace

Result<std::vector<RunPulse>> pulses_of(Reader& reader, RunKey run, std::size_t pulses_max) {
  const Result<std::vector<StepMetricRow>> metrics = reader.step_metrics(run);
  if (!metrics) return metrics.error();
  std::set<StepKey> with_resistance;
  for (const StepMetricRow& row : *metrics) {
    if (row.metric.figure == Figure::dc_resistance_ohm) with_resistance.insert(row.step);
  }
  const Result<std::vector<StepInfo>> steps = reader.steps(run);
  if (!steps) return steps.error();
  std::vector<RunPulse> pulses;
  for (const StepInfo& step : *steps) {
    if (pulses.size() >= pulses_max) break;
    if (!with_resistance.contains(step.row.step)) continue;
    const Result<PulseRows> rows = rows_of_pulse(reader, run, step);
    if (!rows) return rows.error();
    if (rows->before && !rows->curve.empty()) pulses.push_back(pulse_of(step, *rows));
  }
  return pulses;
}

Result<std::vector<RunRest>> rests_of(Reader& reader, RunKey run, std::size_t rests_max) {
  const Result<std::vector<StepInfo>> steps = reader.steps(run);
  if (!steps) return steps.error();
  std::vector<RunRest> rests;
  for (const std::size_t place : longest_rests(*steps, rests_max)) {
    const Result<LoadedCurve> before = load_curve(reader, (*steps)[place - 1], rest_points_max);
    if (!before) return before.error();
    const Result<LoadedCurve> curve = load_curve(reader, (*steps)[place], rest_points_max);
    if (!curve) return curve.error();
    if (before->points.empty() || curve->points.size() < 2) continue;
    rests.push_back(rest_of(*steps, place, before->points, curve->points));
  }
  return rests;
}

Result<std::vector<RunCharge>> charges_of(Reader& reader, RunKey run) {
  const Result<std::vector<StepInfo>> steps = reader.steps(run);
  if (!steps) return steps.error();
  const Result<std::vector<CycleRow>> cycles = reader.cycles(run);
  if (!cycles) return cycles.error();
  std::vector<std::int64_t> charged;
  for (const CycleRow& cycle : *cycles) {
    if (cycle.charge_Ah > 0) charged.push_back(cycle.cycle);
  }
  std::vector<RunCharge> charges;
  if (charged.empty()) return charges;
  for (const std::int64_t cycle : std::set{charged.front(), charged[charged.size() / 2], charged.back()}) {
    Result<LoadedCurve> curve = charge_curve(reader, *steps, cycle);
    if (!curve) return curve.error();
    RunCharge charge{.cycle = cycle, .curve = std::move(*curve)};
    charge.share = cv_share(charge.curve.points);
    charge.dq_dv = dq_dv(charge.curve.points, charge_dq_dv);
    charge.dv_dq = dv_dq(charge.curve.points, charge_dv_dq);
    charges.push_back(std::move(charge));
  }
  return charges;
}

}  // namespace cellrig::db
