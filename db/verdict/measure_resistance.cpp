// Resistances of pulses and what follows from them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "db/verdict/measure_parts.hpp"

namespace cellrig::verdict {
namespace {

struct Pulse {
  double rest_V = 0.0;
  double change_V = 0.0, change_A = 0.0;  ///< signed
  double after_s = 0.0;                   ///< since its step began
  double temperature_degC = 0.0;          ///< NaN: not measured
  [[nodiscard]] double ohm() const { return change_V / change_A; }
};

/// The first sample of an execution that is at least so late.
Result<db::SampleRow> sample_at(const RunFacts& run, const Execution& execution, double at_s) {
  std::optional<db::SampleRow> found;
  // Nothing in the record says more closely when the current came that a wait held back.
  std::optional<double> from_s;
  if (!(execution.waited_s > 0.0)) from_s = execution.started_s;
  for (const db::StepKey part : execution.parts) {
    const Result<void> visited = run.visit(part, [&](const db::SampleRow& row) {
      const double row_s = static_cast<double>(row.test_time_ns) / 1e9;
      if (!from_s) from_s = row_s;
      if (row_s >= *from_s + at_s) found = row;
      return !found;
    });
    if (!visited) return visited.error();
    if (found) return *found;
  }
  return fail(Fault::refused, "'" + execution.name + "' was over sooner than its resistance was asked for");
}

Result<Pulse> pulse_at(const RunFacts& run, std::size_t index, double at_s) {
  const Execution& e = run.executions[index];
  if (index == 0) return fail(Fault::refused, "nothing was measured before the pulse '" + e.name + "'");
  for (const std::size_t i : {index - 1, index}) {
    if (const Result<void> whole = require_unbroken(run, run.executions[i]); !whole) return whole.error();
  }
  const Execution& rest = run.executions[index - 1];
  for (const Disturbance& d : run.disturbances) {
    if (d.at_s >= rest.ended_s && d.at_s <= e.started_s)
      return fail(Fault::refused, "right before '" + e.name + "' came " + d.what + ": what stood before the pulse is not known");
  }
  const Result<Ends> before = ends_of(run, rest);
  if (!before) return before.error();
  const Result<Ends> within = ends_of(run, e);
  if (!within) return within.error();
  db::SampleRow loaded = within->last;
  if (at_s > 0.0) {
    const Result<db::SampleRow> early = sample_at(run, e, at_s);
    if (!early) return early.error();
    loaded = *early;
  }
  const Pulse pulse{before->last.voltage_V, loaded.voltage_V - before->last.voltage_V, loaded.current_A - before->last.current_A,
                    static_cast<double>(loaded.test_time_ns) / 1e9 - e.started_s, loaded.cell_temperature_degC};
  if (!(std::abs(pulse.change_A) > 0.0)) return fail(Fault::refused, "the current did not change in the pulse '" + e.name + "'");
  return pulse;
}

/// Of one resistance, relative. Both voltages come from one range within a second or so: the offset cancels, the converter's step
/// and the gain stay.
double relative_noise_of_pulse(const Instruments& instruments, const Pulse& pulse) {
  const RangeBound voltage = range_bound(instruments.voltage, pulse.rest_V);
  const RangeBound current = range_bound(instruments.current, pulse.change_A);
  constexpr double share_of_noise = 0.04;  // of the offset's bound: what its noise and last digit take of it, assumed
  const double noise_V = std::sqrt(2.0) * share_of_noise * voltage.offset;
  const double noise_A = std::sqrt(2.0) * share_of_noise * current.offset;
  return std::hypot(noise_V / pulse.change_V, noise_A / pulse.change_A);
}

double relative_of_pulse(const Instruments& instruments, const Pulse& pulse) {
  const RangeBound voltage = range_bound(instruments.voltage, pulse.rest_V);
  const RangeBound current = range_bound(instruments.current, pulse.change_A);
  return std::hypot(std::hypot(standard_of_bound(voltage.gain_fraction), standard_of_bound(current.gain_fraction)),
                    relative_noise_of_pulse(instruments, pulse));
}

}  // namespace

double pulse_repeatability_pct(const Measuring& m) { return std::max(1.0, m.request.repeatability_pct); }

Result<PulseResistance> pulse_resistance(const Measuring& m, std::size_t index) {
  const Result<Pulse> pulse = pulse_at(m.run, index, m.request.at_s);
  if (!pulse) return pulse.error();
  PulseResistance resistance{pulse->ohm(), relative_noise_of_pulse(m.instruments, *pulse), pulse->change_V, pulse->after_s, {}};
  if (std::isfinite(pulse->temperature_degC)) resistance.temperature_degC = pulse->temperature_degC;
  return resistance;
}

Result<Measured> measure_resistance(const Measuring& m) {
  const std::vector<std::size_t> all = find_all(m.run, m.request.step);
  if (all.empty()) return find_last(m.run, m.request.step).error();
  const Result<Pulse> last = pulse_at(m.run, all.back(), m.request.at_s);
  if (!last) return last.error();
  const double relative = relative_of_pulse(m.instruments, *last);
  Measured result;
  if (m.request.quantity == ClaimQuantity::resistance) {
    result.value = 1e3 * last->ohm();
    result.budget.push_back(
        {"voltage and current", result.value * relative, infinite_dof, "gains, and noise of the differences"});
  } else if (m.request.quantity == ClaimQuantity::specific_power) {
    if (!m.cell.mass_kg) return fail(Fault::refused, "the cell's file gives no mass_kg");
    const double room_V = last->rest_V - m.cell.voltage_min_V;
    result.value = m.cell.voltage_min_V * room_V / last->ohm() / *m.cell.mass_kg;
    result.budget.push_back({"resistance", result.value * relative, infinite_dof, "gains, and noise of the differences"});
    result.budget.push_back({"voltage at rest",
                             result.value * standard_of_bound(m.instruments.voltage.bound_at(last->rest_V)) / room_V,
                             infinite_dof, "accuracy of the range used"});
    result.budget.push_back(
        {"mass_kg", result.value * m.cell.mass_standard_kg / *m.cell.mass_kg, infinite_dof, "measured by hand"});
    result.note = "computed from the pulse, V_min (V_0 - V_min) / R: at this power nobody has loaded it";
  } else {
    if (all.size() < 2)
      return fail(Fault::refused, "'" + m.request.step + "' was carried out once only: nothing to compare with");
    const Result<Pulse> first = pulse_at(m.run, all.front(), m.request.at_s);
    if (!first) return first.error();
    const double ratio = last->ohm() / first->ohm();
    result.value = 100.0 * (ratio - 1.0);
    const double noise = std::hypot(relative_of_pulse(m.instruments, *first), relative);
    result.budget.push_back({"voltage and current", 100.0 * ratio * noise, infinite_dof, "noise of the differences"});
  }
  const bool is_change = m.request.quantity == ClaimQuantity::resistance_change;  // of two pulses, neither like the other
  result.budget.push_back(
      {"repeatability", pulse_repeatability_pct(m) / 100.0 * (is_change ? std::sqrt(2.0) * (100.0 + result.value) : result.value),
       infinite_dof, "assumed: contacts, and the state of charge of the pulse"});
  add_temperature(m, result);
  return result;
}

}  // namespace cellrig::verdict
