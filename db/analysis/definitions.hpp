// What a figure means. A value without its definition is not comparable: each is stored, shown and exported with one of these.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace cellrig::db {

/// The numbers stand in records, for ever: a figure that is computed in another way gets another number.
enum class Figure : std::int64_t {
  // Of a step.
  mean_voltage_V = 1,
  start_voltage_V,
  end_voltage_V,
  cv_charge_share,
  cv_time_s,
  dc_resistance_ohm,
  relaxation_V,
  cell_temperature_min_degC,
  cell_temperature_mean_degC,
  cell_temperature_max_degC,
  temperature_rise_K,
  voltage_fall_max_V,
  charge_without_rise_Ah,
  pressure_min_MPa,
  pressure_max_MPa,
  pressure_end_MPa,
  waited_s,
  // Of a cycle.
  coulombic_efficiency = 101,
  energy_efficiency,
  voltage_efficiency,
  charge_mean_voltage_V,
  discharge_mean_voltage_V,
  voltage_hysteresis_V,
  cycle_cv_charge_share,
  cycle_cv_time_s,
  charge_time_to_share_s,
  cycle_temperature_min_degC,
  cycle_temperature_mean_degC,
  cycle_temperature_max_degC,
  ambient_temperature_mean_degC,
  cycle_temperature_rise_K,
  charge_end_pressure_MPa,
  discharge_end_pressure_MPa,
  breathing_MPa,
  pressure_drift_MPa,
  soft_short_score,
  // Of a cycle and those before it, against a reference that stands in the definition.
  retention_of_first,
  first_capacity_Ah,
  retention_of_nominal,
  cycles_to_share_of_first,
  retention_of_first_reference,
  first_reference_capacity_Ah,
  cycles_to_share_of_first_reference,
  // Of a cycle and those before it: signs of a soft short.
  charge_overrun,
  charge_slope_least_V_per_s,
  resistance_ratio_least,
  rest_slope_V_per_day,
  soft_short_score_of_all_signs,
  // Of several cycles, by what the asker states.
  retention_first = 201,
  retention_cycle,
  retention_median,
  retention_rated,
  equivalent_full_cycles_two_way,
  equivalent_full_cycles_discharge,
  cycles_to_share,
  charge_window_time_s,
};

struct Definition {
  Figure figure{};
  std::string_view name;  ///< with its unit: what tables and columns are called
  std::string_view unit;  ///< "1" for a share
  std::string_view at;    ///< what `at` of a value says, with its unit; empty: nothing
  std::string_view text;  ///< one or two sentences
};

[[nodiscard]] std::span<const Definition> definitions();
[[nodiscard]] const Definition& definition_of(Figure figure);
/// By number or by name; none: nullptr.
[[nodiscard]] const Definition* find_definition(std::int64_t number);
[[nodiscard]] const Definition* find_definition(std::string_view name);

/// A value with what it means.
struct Metric {
  Figure figure{};
  double at = 0;  ///< as the definition says; 0 when it says nothing
  double value = 0;
};

}  // namespace cellrig::db
