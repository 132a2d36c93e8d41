// Resistances of pulses and what follows from them, and the ladder of current densities.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "db/verdict/measure_parts.hpp"

namespace cellrig::verdict {
namespace {

struct Pulse {
  double rest_V = 0.0;
  double change_V = 0.0, change_A = 0.0;  ///< signed
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
  const Pulse pulse{before->last.voltage_V, loaded.voltage_V - before->last.voltage_V, loaded.current_A - before->last.current_A};
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

/// The discharge after a charge; the end of the list where there is none.
std::vector<Execution>::const_iterator back_of(const RunFacts& run, std::size_t charge) {
  return std::find_if(run.executions.begin() + static_cast<std::ptrdiff_t>(charge) + 1, run.executions.end(),
                      [](const Execution& e) { return e.has_ended && !e.is_rest() && !e.is_charge(); });
}

/// Why nobody knows what a charge gave back; empty: it is known.
std::string broken_pair(const RunFacts& run, std::size_t charge) {
  const auto back = back_of(run, charge);
  if (const Result<void> whole = require_whole(run, run.executions[charge]); !whole) return whole.error().what;
  if (back == run.executions.end()) return {};
  const Result<void> whole = require_whole(run, *back);
  return whole ? std::string{} : whole.error().what;
}

/// What a charge gave back in the next discharge.
struct Returned {
  double share = 0.0, expanded = 0.0;
};
std::optional<Returned> returned_of(const Measuring& m, std::size_t charge) {
  const std::vector<Execution>& all = m.run.executions;
  const auto back = back_of(m.run, charge);
  if (back == all.end() || !(all[charge].net_Ah() > 0.0) || !(back->net_Ah() > 0.0)) return std::nullopt;
  const double share = back->net_Ah() / all[charge].net_Ah();
  return Returned{share, 2.0 * share * relative_standard_of_ratio(m.instruments.current, all[charge].mean_A(), -back->mean_A())};
}

/// The share that a good rung gives back. The reference takes out what the instruments of a bench make of 100 %; it does not excuse a
/// cell that is shorted already.
Result<double> share_wanted(const Measuring& m) {
  const double share_min = m.request.returned_min_pct / 100.0;
  if (m.request.reference.empty()) return share_min;
  const Result<std::size_t> reference = find_first(m.run, m.request.reference);
  if (!reference) return reference.error();
  for (std::size_t i = *reference; i-- > 0;) {
    if (m.run.executions[i].is_rest()) continue;
    if (!m.run.executions[i].is_charge()) break;
    if (const std::string why = broken_pair(m.run, i); !why.empty()) return fail(Fault::refused, why);
    const std::optional<Returned> slow = returned_of(m, i);
    if (!slow) break;
    if (slow->share + slow->expanded < share_min)
      return fail(Fault::refused, fmt::format("the reference itself gives back {:.1f} % only", 100.0 * slow->share));
    return share_min * std::min(1.0, slow->share);
  }
  return fail(Fault::refused, "no charge before '" + m.request.reference + "'");
}

/// As far as the ladder is known.
struct Ladder {
  std::optional<double> best_A, failed_A;
  std::string ended_by;  ///< why nothing is known above, where no rung failed
};
Ladder climb(const Measuring& m, const std::vector<std::size_t>& rungs, double wanted) {
  Ladder ladder{.ended_by = "no rung was bad"};
  for (const std::size_t index : rungs) {
    const Execution& rung = m.run.executions[index];
    if (std::string why = broken_pair(m.run, index); !why.empty()) {
      ladder.ended_by = std::move(why);
      break;
    }
    const std::optional<Returned> returned = returned_of(m, index);
    if (returned && returned->share + returned->expanded < wanted) {
      ladder.failed_A = rung.mean_A();
      break;
    }
    // At its voltage limit the current is the electrodes', and less charge went through the separator than in the other rungs.
    if (rung.ended_by.starts_with("voltage")) {
      ladder.ended_by = fmt::format("'{}' ended by its voltage: it was not carried", rung.name);
      break;
    }
    if (!returned || !(returned->share >= wanted)) {
      ladder.ended_by = fmt::format("what '{}' gave back is not known well enough", rung.name);
      break;
    }
    ladder.best_A = rung.mean_A();
  }
  return ladder;
}

}  // namespace

double pulse_repeatability_pct(const Measuring& m) { return std::max(1.0, m.request.repeatability_pct); }

Result<PulseResistance> pulse_resistance(const Measuring& m, std::size_t index) {
  const Result<Pulse> pulse = pulse_at(m.run, index, m.request.at_s);
  if (!pulse) return pulse.error();
  return PulseResistance{pulse->ohm(), relative_noise_of_pulse(m.instruments, *pulse)};
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

Result<Measured> measure_ladder(const Measuring& m) {
  if (!m.cell.electrode_area_cm2) return fail(Fault::refused, "the cell's file gives no electrode_area_cm2");
  const std::vector<std::size_t> rungs = find_all(m.run, m.request.step);
  if (rungs.empty()) return find_last(m.run, m.request.step).error();
  const Result<double> wanted = share_wanted(m);
  if (!wanted) return wanted.error();
  const Ladder ladder = climb(m, rungs, *wanted);
  if (!ladder.best_A && !ladder.failed_A) return fail(Fault::refused, "no rung was good: " + ladder.ended_by);
  Measured result;
  const double area = *m.cell.electrode_area_cm2;
  const double best_A = ladder.best_A.value_or(0.0);  // below a lowest rung that failed: anything down to nothing
  const double top_A = ladder.failed_A.value_or(best_A);
  result.value = 1000.0 * 0.5 * (best_A + top_A) / area;
  result.budget.push_back({"height of a rung", standard_of_bound(1000.0 * 0.5 * (top_A - best_A) / area), infinite_dof,
                           "it lies between the last good rung and the first bad one"});
  result.budget.push_back({"current", result.value * standard_of_bound(m.instruments.current.bound_at(top_A) / top_A),
                           infinite_dof, "accuracy of the range used"});
  result.is_least = !ladder.failed_A;
  result.note = ladder.failed_A ? "between the last good rung and the first bad one"
                                : ladder.ended_by + "; the critical current density is this or more";
  return result;
}

}  // namespace cellrig::verdict
