#include "controller/engine/results.hpp"

#include <array>
#include <cmath>

namespace cellrig {
namespace {

using FormulaKind = Formula::Operation::Kind;

double combined(FormulaKind kind, double a, double b) {
  switch (kind) {
    case FormulaKind::add: return a + b;
    case FormulaKind::subtract: return a - b;
    case FormulaKind::multiply: return a * b;
    default: return a / b;
  }
}

bool is_lost(Measure measure, const Results& results) { return (results.lost >> static_cast<unsigned>(measure) & 1U) != 0; }

}  // namespace

bool is_lost(ResultQuantity quantity, const Results& r) {
  switch (quantity) {
    case ResultQuantity::reference_capacity_Ah: return is_lost(Measure::reference, r);
    case ResultQuantity::retention_pct: return is_lost(Measure::reference, r) || r.lost_first;
    case ResultQuantity::test_capacity_Ah: return is_lost(Measure::test, r);
    case ResultQuantity::capacity_ratio_pct:
    case ResultQuantity::energy_ratio_pct: return is_lost(Measure::test, r) || is_lost(Measure::reference, r);
    case ResultQuantity::charge_time_min: return is_lost(Measure::charge_time, r);
    case ResultQuantity::resistance_Ohm: return is_lost(Measure::resistance, r);
    case ResultQuantity::cycle_count:
    case ResultQuantity::coulombic_efficiency_pct:
    case ResultQuantity::energy_efficiency_pct:
    case ResultQuantity::cell_temperature_peak_degC: break;
  }
  return false;
}

std::optional<double> result_of(ResultQuantity quantity, const ChannelState& state) {
  const Results& r = state.results;
  switch (quantity) {
    case ResultQuantity::reference_capacity_Ah: return r.has_reference ? std::optional{r.reference_Ah} : std::nullopt;
    case ResultQuantity::retention_pct:
      return r.has_reference && r.reference_first_Ah > 0 ? std::optional{100.0 * r.reference_Ah / r.reference_first_Ah}
                                                         : std::nullopt;
    case ResultQuantity::test_capacity_Ah: return r.has_test ? std::optional{r.test_Ah} : std::nullopt;
    case ResultQuantity::capacity_ratio_pct:
      return r.has_test && r.has_reference && r.reference_Ah > 0 ? std::optional{100.0 * r.test_Ah / r.reference_Ah}
                                                                 : std::nullopt;
    case ResultQuantity::energy_ratio_pct:
      return r.has_test && r.has_reference && r.reference_Wh > 0 ? std::optional{100.0 * r.test_Wh / r.reference_Wh}
                                                                 : std::nullopt;
    case ResultQuantity::charge_time_min: return r.has_charge_time ? std::optional{r.charge_time_s / 60.0} : std::nullopt;
    case ResultQuantity::cycle_count: return static_cast<double>(state.cycle);
    case ResultQuantity::resistance_Ohm: return r.has_resistance ? std::optional{r.resistance_Ohm} : std::nullopt;
    case ResultQuantity::coulombic_efficiency_pct:
      return r.has_coulombic ? std::optional{100.0 * r.coulombic_efficiency} : std::nullopt;
    case ResultQuantity::energy_efficiency_pct: return r.has_energy ? std::optional{100.0 * r.energy_efficiency} : std::nullopt;
    case ResultQuantity::cell_temperature_peak_degC:
      return state.cell_temperature.known ? std::optional{state.cell_temperature.max_degC} : std::nullopt;
  }
  return std::nullopt;
}

std::optional<double> value_of(const Formula& formula, const ChannelState& state) {
  std::array<double, formula_operations_max> stack{};
  std::size_t depth = 0;
  for (const Formula::Operation& operation : formula.postfix) {
    std::optional<double> pushed;
    switch (operation.kind) {
      case FormulaKind::number: pushed = operation.number; break;
      case FormulaKind::result: pushed = result_of(static_cast<ResultQuantity>(operation.operand), state); break;
      case FormulaKind::variable:
        if (operation.operand < variables_max) pushed = state.variables[operation.operand];
        break;
      case FormulaKind::negate:
        if (depth < 1) return std::nullopt;
        pushed = -stack[--depth];
        break;
      case FormulaKind::add:
      case FormulaKind::subtract:
      case FormulaKind::multiply:
      case FormulaKind::divide:
        if (depth < 2) return std::nullopt;
        depth -= 2;
        pushed = combined(operation.kind, stack[depth], stack[depth + 1]);
        break;
    }
    if (!pushed || depth >= stack.size()) return std::nullopt;
    stack[depth++] = *pushed;
  }
  if (depth != 1 || !std::isfinite(stack[0])) return std::nullopt;
  return stack[0];
}

std::optional<double> compared_value(const ResultCondition& condition, const ChannelState& state) {
  if (condition.variable < 0)
    return is_lost(condition.quantity, state.results) ? std::nullopt : result_of(condition.quantity, state);
  return state.variables[static_cast<std::size_t>(condition.variable) % variables_max];
}

std::optional<double> threshold_of(const ResultCondition& condition, const Program& program, const ChannelState& state) {
  if (condition.formula < 0) return condition.value;
  return value_of(program.formulas[static_cast<std::size_t>(condition.formula)], state);
}

}  // namespace cellrig
