// The words of claims: what is measured, and how it is compared. Spoken by the reader of claim files and by the verdict engine.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace cellrig {

/// What a statement is about; the definition of each is with its function in db/verdict.
enum class ClaimQuantity : unsigned char {
  capacity,
  energy,
  specific_energy,
  energy_density,
  step_time,
  capacity_ratio,
  energy_ratio,
  retention,
  retention_extrapolated,
  loss_exponent,
  cell_temperature_peak,
  voltage_peak,
  voltage_least,
  voltage_slope_least,
  rest_slope_least,
  resistance,
  resistance_change,
  resistance_growth_exponent,
  pressure_exponent,
  specific_power,
  coulombic_efficiency,
  energy_efficiency,
  self_discharge,
  critical_current_density,
  charge_excess,
  activation_energy,
  mass_loss,
};

struct ClaimQuantityWord {
  ClaimQuantity quantity;
  std::string_view name;  ///< in a claim file
  std::string_view unit;  ///< of its value there
};

inline constexpr std::array<ClaimQuantityWord, 27> claim_quantities{{
    {ClaimQuantity::capacity, "capacity", "Ah"},
    {ClaimQuantity::energy, "energy", "Wh"},
    {ClaimQuantity::specific_energy, "specific_energy", "Wh/kg"},
    {ClaimQuantity::energy_density, "energy_density", "Wh/L"},
    {ClaimQuantity::step_time, "step_time", "min"},
    {ClaimQuantity::capacity_ratio, "capacity_ratio", "%"},
    {ClaimQuantity::energy_ratio, "energy_ratio", "%"},
    {ClaimQuantity::retention, "retention", "%"},
    {ClaimQuantity::retention_extrapolated, "retention_extrapolated", "%"},
    {ClaimQuantity::loss_exponent, "loss_exponent", "1"},
    {ClaimQuantity::cell_temperature_peak, "cell_temperature_peak", "degC"},
    {ClaimQuantity::voltage_peak, "voltage_peak", "V"},
    {ClaimQuantity::voltage_least, "voltage_least", "V"},
    {ClaimQuantity::voltage_slope_least, "voltage_slope_least", "mV/s"},
    {ClaimQuantity::rest_slope_least, "rest_slope_least", "mV/day"},
    {ClaimQuantity::resistance, "resistance", "mOhm"},
    {ClaimQuantity::resistance_change, "resistance_change", "%"},
    {ClaimQuantity::resistance_growth_exponent, "resistance_growth_exponent", "1"},
    {ClaimQuantity::pressure_exponent, "pressure_exponent", "1"},
    {ClaimQuantity::specific_power, "specific_power", "W/kg"},
    {ClaimQuantity::coulombic_efficiency, "coulombic_efficiency", "%"},
    {ClaimQuantity::energy_efficiency, "energy_efficiency", "%"},
    {ClaimQuantity::self_discharge, "self_discharge", "%/month"},
    {ClaimQuantity::critical_current_density, "critical_current_density", "mA/cm2"},
    {ClaimQuantity::charge_excess, "charge_excess", "%"},
    {ClaimQuantity::activation_energy, "activation_energy", "eV"},
    {ClaimQuantity::mass_loss, "mass_loss", "%"},
}};

[[nodiscard]] constexpr const ClaimQuantityWord& word_of(ClaimQuantity quantity) {
  return claim_quantities[static_cast<std::size_t>(quantity)];
}
[[nodiscard]] constexpr std::string_view to_string(ClaimQuantity quantity) { return word_of(quantity).name; }

enum class Comparator : unsigned char {
  at_least,  ///< ">="
  at_most,   ///< "<="
  within,    ///< of zero, either way: a change
  none,      ///< "report": the number is the finding, there is nothing to pass
};
[[nodiscard]] constexpr std::string_view to_string(Comparator comparator) {
  switch (comparator) {
    case Comparator::at_least: return ">=";
    case Comparator::at_most: return "<=";
    case Comparator::within: return "within";
    case Comparator::none: return "report";
  }
  return "report";
}

/// What becomes of a quantity that was measured on each cell of a lot.
enum class LotStatistic : unsigned char {
  each_cell,        ///< every cell is judged by itself
  relative_spread,  ///< standard deviation over mean, %
  capability,       ///< Cpk against the statement's tolerance
  outliers,         ///< how many cells lie apart from the others
};
[[nodiscard]] constexpr std::string_view to_string(LotStatistic statistic) {
  switch (statistic) {
    case LotStatistic::each_cell: return "each_cell";
    case LotStatistic::relative_spread: return "relative_spread";
    case LotStatistic::capability: return "capability";
    case LotStatistic::outliers: return "outliers";
  }
  return "each_cell";
}

}  // namespace cellrig
