#include "db/verdict/measure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "db/verdict/measure_parts.hpp"
#include "db/verdict/window_ends.hpp"

namespace cellrig::verdict {

double relative_of_current(const Instruments& instruments, const Execution& e) {
  const double current_A = e.mean_A();
  return current_A > 0.0 ? standard_of_bound(instruments.current.bound_at(current_A) / current_A) : 0.0;
}

double relative_of_voltage(const Instruments& instruments, const Execution& e) {
  const double voltage_V = e.mean_V();
  return voltage_V > 0.0 ? standard_of_bound(instruments.voltage.bound_at(voltage_V) / voltage_V) : 0.0;
}

double standard_of_time_s(const Instruments& instruments) { return instruments.period_s / std::sqrt(12.0); }

Result<double> standard_of_window(const Measuring& m, std::size_t index, bool is_energy) {
  const Result<EndSlopes> slopes = end_slopes(m.run, index);
  if (!slopes) return slopes.error();
  const auto moved = [&](double slope_Ah_per_V, double limit_V) {
    const double charge_Ah = slope_Ah_per_V * standard_of_bound(m.instruments.voltage.bound_at(limit_V));
    return is_energy ? charge_Ah * limit_V : charge_Ah;  // what is gained or lost at an end has that end's voltage
  };
  // One voltmeter reads both ends: its offset lifts both. What is gained below is lost above, but nobody knows how much cancels.
  return std::hypot(moved(slopes->top_Ah_per_V, slopes->top_V), moved(slopes->bottom_Ah_per_V, slopes->bottom_V));
}

Contribution repeatability(const Measuring& m, const std::string& name, double value) {
  std::vector<double> repeats;
  for (const std::size_t index : find_all(m.run, name)) {
    const bool is_whole = static_cast<bool>(require_whole(m.run, m.run.executions[index]));
    if (m.run.executions[index].is_reference && is_whole) repeats.push_back(m.run.executions[index].net_Ah());
  }
  constexpr std::size_t repeats_max = 5;  // more of them are a life, and its fade is no scatter
  if (repeats.size() >= 3 && repeats.size() <= repeats_max) {
    double mean = 0.0, squares = 0.0;
    const auto n = static_cast<double>(repeats.size());
    for (const double repeat : repeats) mean += repeat / n;
    for (const double repeat : repeats) squares += (repeat - mean) * (repeat - mean);
    const double standard = std::sqrt(squares / (n - 1.0)) / mean * std::abs(value);
    return {"repeatability", standard, n - 1.0, "scatter of " + std::to_string(repeats.size()) + " executions of '" + name + "'"};
  }
  return {"repeatability", m.request.repeatability_pct / 100.0 * std::abs(value), infinite_dof, "assumed"};
}

void add_note(Measured& result, const std::string& text) { result.note += (result.note.empty() ? "" : "; ") + text; }

Result<void> require_all_whole(const RunFacts& run, const std::vector<std::size_t>& indices) {
  for (const std::size_t index : indices) {
    if (const Result<void> whole = require_whole(run, run.executions[index]); !whole) return whole.error();
  }
  return {};
}

Result<void> add_unseen(const Measuring& m, const std::vector<std::size_t>& indices, Measured& result) {
  double relative = 0.0, sum_Ah = 0.0;
  for (const std::size_t index : indices) {
    const Execution& e = m.run.executions[index];
    const Result<double> unseen_Ah = unseen_charge_Ah(m.run, e);
    if (!unseen_Ah) return unseen_Ah.error();
    if (!(*unseen_Ah > 0.0)) continue;
    if (!(e.net_Ah() > 0.0)) return fail(Fault::refused, "'" + e.name + "' was disturbed, and moved no charge that is known");
    sum_Ah += *unseen_Ah;
    relative += *unseen_Ah / e.net_Ah();
  }
  if (!(relative > 0.0)) return {};
  result.budget.push_back({"charge unseen", standard_of_bound(std::abs(result.value) * relative), infinite_dof,
                           "interruptions, pauses and gaps, at most"});
  add_note(result, fmt::format("interruptions, pauses or gaps: up to {:.3g} Ah moved unseen", sum_Ah));
  return {};
}

Measured worst_of(const std::vector<Measured>& all, bool is_greatest) {
  const double up = is_greatest ? 1.0 : -1.0;
  const Measured* worst = &all.front();
  double farthest = -infinite_dof;  // that any of them may be, in its bad direction
  for (const Measured& one : all) {
    if (up * one.value > up * worst->value) worst = &one;
    farthest = std::max(farthest, up * one.value + combine(one.budget).expanded);
  }
  Measured result = *worst;
  const Uncertainty own = combine(result.budget);
  const double wanted = (farthest - up * result.value) / coverage_factor(infinite_dof);
  if (wanted > own.standard)
    result.budget.push_back({"another is less well known", std::sqrt(wanted * wanted - own.standard * own.standard), infinite_dof,
                             fmt::format("of {}: as far as the doubt of any reaches", all.size())});
  return result;
}

void add_temperature(const Measuring& m, Measured& result) {
  if (!(std::abs(m.request.temperature_pct_per_K) > 0.0) || !m.instruments.temperature) return;
  const double apart_K = standard_of_bound(m.instruments.temperature->bound_at(25.0));
  result.budget.push_back({"temperature", std::abs(m.request.temperature_pct_per_K / 100.0 * result.value) * apart_K,
                           infinite_dof, "error of the thermometer"});
}

Result<Measured> measure(const RunFacts& run, const MeasureRequest& request, const Instruments& instruments,
                         const CellFacts& cell) {
  const Measuring m{run, request, instruments, cell};
  if (const Result<void> carried_out = require_carried_out(run, {request.step, request.reference}); !carried_out)
    return carried_out.error();
  switch (request.quantity) {
    case ClaimQuantity::capacity:
    case ClaimQuantity::energy:
    case ClaimQuantity::specific_energy:
    case ClaimQuantity::energy_density: return measure_charge(m);
    case ClaimQuantity::capacity_ratio:
    case ClaimQuantity::energy_ratio: return measure_ratio(m);
    case ClaimQuantity::retention:
    case ClaimQuantity::retention_extrapolated: return measure_retention(m);
    case ClaimQuantity::loss_exponent: return measure_loss_exponent(m);
    case ClaimQuantity::coulombic_efficiency:
    case ClaimQuantity::energy_efficiency: return measure_efficiency(m);
    case ClaimQuantity::self_discharge: return measure_self_discharge(m);
    case ClaimQuantity::charge_excess: return measure_charge_excess(m);
    case ClaimQuantity::step_time: return measure_time(m);
    case ClaimQuantity::cell_temperature_peak:
    case ClaimQuantity::voltage_peak:
    case ClaimQuantity::voltage_least: return measure_extreme(m);
    case ClaimQuantity::voltage_slope_least: return measure_voltage_slope(m);
    case ClaimQuantity::rest_slope_least: return measure_rest_slope(m);
    case ClaimQuantity::resistance:
    case ClaimQuantity::resistance_change:
    case ClaimQuantity::specific_power: return measure_resistance(m);
    case ClaimQuantity::resistance_growth_exponent: return measure_growth_exponent(m);
    case ClaimQuantity::pressure_exponent: return measure_pressure_exponent(m);
    case ClaimQuantity::critical_current_density: return measure_ladder(m);
    case ClaimQuantity::activation_energy:
    case ClaimQuantity::mass_loss: break;
  }
  return fail(Fault::refused, std::string(to_string(request.quantity)) + " is not measured on one run alone");
}

}  // namespace cellrig::verdict
