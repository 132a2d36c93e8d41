// Times of steps, and extremes within them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "db/verdict/measure_parts.hpp"

namespace cellrig::verdict {
namespace {

/// While the voltage is held the current follows what is left between it and the cell's own voltage: an error of the voltmeter
/// changes that, and so the time. Seconds per volt; 0 where the voltage was never held.
Result<double> seconds_per_volt(const Measuring& m, std::size_t index) {
  const Execution& e = m.run.executions[index];
  if (!(e.cv_seconds > 0.0)) return 0.0;
  const Result<Ends> charge = ends_of(m.run, e);
  if (!charge) return charge.error();
  double relaxed_V = charge->last.voltage_V - 0.05;  // where nobody watched it relax
  if (index + 1 < m.run.executions.size() && m.run.executions[index + 1].is_rest()) {
    const Result<Ends> rest = ends_of(m.run, m.run.executions[index + 1]);
    if (rest) relaxed_V = rest->last.voltage_V;
  }
  constexpr double least_polarisation_V = 0.01;
  return e.cv_seconds / std::max(least_polarisation_V, std::abs(charge->last.voltage_V - relaxed_V));
}

/// One charge, with its stages.
Result<Execution> whole_time(const Measuring& m, std::size_t last) {
  Execution total = m.run.executions[last];
  for (const std::size_t i : find_all(m.run, m.request.step)) {
    const Execution& stage = m.run.executions[i];
    if (i == last || stage.cycle != total.cycle || total.cycle == 0 || !m.request.step.ends_with('*')) continue;
    if (const Result<void> whole = require_unbroken(m.run, stage); !whole) return whole.error();
    total.seconds += stage.seconds;
    total.charge_Ah += stage.charge_Ah;
    total.discharge_Ah += stage.discharge_Ah;
    total.cv_seconds += stage.cv_seconds;
  }
  if (const Result<void> whole = require_unbroken(m.run, m.run.executions[last]); !whole) return whole.error();
  return total;
}

/// The one that counts: the last, or the longest of all.
Result<std::size_t> counted(const Measuring& m) {
  const std::vector<std::size_t> all = find_all(m.run, m.request.step);
  if (m.request.executions == 0 || all.empty()) return find_last(m.run, m.request.step);
  std::size_t worst = all.front();
  for (const std::size_t i : all) {
    if (const Result<void> whole = require_unbroken(m.run, m.run.executions[i]); !whole) return whole.error();
    if (m.run.executions[i].seconds > m.run.executions[worst].seconds) worst = i;
  }
  return worst;
}

}  // namespace

Result<Measured> measure_time(const Measuring& m) {
  const Result<std::size_t> last = counted(m);
  if (!last) return last.error();
  const Result<Execution> whole = whole_time(m, *last);
  if (!whole) return whole.error();
  const Execution& total = *whole;
  Measured result;
  result.value = total.seconds / 60.0;
  const Execution& at_end = m.run.executions[*last];
  if (at_end.ended_by.starts_with(
          "step_time")) {  // it had not got there when its time was up: how long it would have taken nobody knows
    result.budget.push_back({"time", standard_of_time_s(m.instruments) / 60.0, infinite_dof, "the end is seen at the next look"});
    result.is_least = true;
    result.note = fmt::format("it ended by its time ({}), not by what it was for", at_end.ended_by);
    return result;
  }
  result.budget.push_back(
      {"current", result.value * relative_of_current(m.instruments, total), infinite_dof, "accuracy of the range used"});
  if (!m.request.reference.empty()) {
    const std::vector<std::size_t> references = find_all(m.run, m.request.reference);
    const auto before = std::find_if(references.rbegin(), references.rend(), [&](std::size_t i) { return i < *last; });
    if (before == references.rend()) return find_last(m.run, m.request.reference).error();
    const Execution& reference = m.run.executions[*before];
    if (const Result<void> is_known = require_whole(m.run, reference); !is_known) return is_known.error();
    const Result<double> window_Ah = standard_of_window(m, *before, false);
    if (!window_Ah) return window_Ah.error();
    result.budget.push_back({"reference capacity, current", result.value * relative_of_current(m.instruments, reference),
                             infinite_dof, "the window is counted in its per cent"});
    result.budget.push_back({"reference capacity, window", result.value * *window_Ah / reference.net_Ah(), infinite_dof,
                             "voltage accuracy times dQ/dV at both ends"});
    result.budget.push_back(repeatability(m, m.request.reference, result.value));
  }
  const Result<double> per_volt = seconds_per_volt(m, *last);
  if (!per_volt) return per_volt.error();
  result.budget.push_back({"voltage held", *per_volt / 60.0 * standard_of_bound(m.instruments.voltage.bound_at(total.mean_V())),
                           infinite_dof, "how fast a held voltage charges"});
  result.budget.push_back({"time", standard_of_time_s(m.instruments) / 60.0, infinite_dof, "the end is seen at the next look"});
  add_temperature(m, result);
  if (m.request.executions > 0) {
    const std::size_t count = find_all(m.run, m.request.step).size();
    result.is_least = count < static_cast<std::size_t>(m.request.executions);
    result.note =
        fmt::format("the longest of {} executions{}", count,
                    result.is_least ? fmt::format(" of {}: one that was not run may take longer", m.request.executions) : "");
  }
  return result;
}

Result<Measured> measure_extreme(const Measuring& m) {
  const std::vector<std::size_t> all = find_all(m.run, m.request.step);
  if (all.empty()) return find_last(m.run, m.request.step).error();
  const bool is_temperature = m.request.quantity == ClaimQuantity::cell_temperature_peak;
  const bool is_least = m.request.quantity == ClaimQuantity::voltage_least;
  std::optional<double> found;
  const auto look = [&](double value) {
    if (!std::isfinite(value)) return;
    if (!found || (is_least ? value < *found : value > *found)) found = value;
  };
  for (const std::size_t index : all) {
    const Execution& e = m.run.executions[index];
    if (const Result<void> whole = require_unbroken(m.run, e); !whole) return whole.error();
    if (is_temperature) {
      if (e.cell_temperature_max_degC) look(*e.cell_temperature_max_degC);
      continue;
    }
    for (const db::StepKey part : e.parts) {
      const Result<void> visited = m.run.visit(part, [&](const db::SampleRow& row) {
        look(row.voltage_V);
        return true;
      });
      if (!visited) return visited.error();
    }
  }
  if (!found) return fail(Fault::refused, "nothing of this kind was measured in '" + m.request.step + "'");
  Measured result;
  result.value = *found;
  if (is_temperature) {
    if (!m.instruments.temperature) return fail(Fault::refused, "the channel has no thermometer on the cell");
    result.budget.push_back(
        {"thermometer", standard_of_bound(m.instruments.temperature->bound_at(*found)), infinite_dof, "its accuracy"});
    // A couple on the can lags behind it, and a can is cooler than its core.
    result.budget.push_back({"place on the cell", 0.5, infinite_dof, "assumed"});
    result.note = "of the surface, where the thermometer is; the core is warmer";
  } else {
    result.budget.push_back(
        {"voltage", standard_of_bound(m.instruments.voltage.bound_at(*found)), infinite_dof, "accuracy of the range used"});
    const bool was_held =
        std::any_of(all.begin(), all.end(), [&](std::size_t i) { return m.run.executions[i].cv_seconds > 0.0; });
    if (!is_least && was_held) result.note = "the cycler held the voltage: its regulation is judged with the cell";
  }
  return result;
}

}  // namespace cellrig::verdict
