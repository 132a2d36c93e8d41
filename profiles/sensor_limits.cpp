#include "profiles/sensor_limits.hpp"

#include "profiles/number.hpp"

namespace cellrig {

const std::vector<SensorLimitKey>& sensor_limit_table() {
  static const std::vector<SensorLimitKey> table{
      {"stack_pressure_min_MPa", &SensorLimits::stack_pressure_min_MPa, false, Measurand::stack_pressure},
      {"stack_pressure_max_MPa", &SensorLimits::stack_pressure_max_MPa, true, Measurand::stack_pressure},
      {"gas_max_ppm", &SensorLimits::gas_max_ppm, true, Measurand::gas},
      {"voltage_difference_max_V", &SensorLimits::voltage_difference_max_V, true, Measurand::logger_voltage}};
  return table;
}

std::vector<std::string> sensor_limit_keys() {
  std::vector<std::string> keys;
  for (const SensorLimitKey& row : sensor_limit_table()) keys.emplace_back(row.key);
  return keys;
}

const SensorLimitKey* find_sensor_limit(std::string_view key) {
  for (const SensorLimitKey& row : sensor_limit_table()) {
    if (row.key == key) return &row;
  }
  return nullptr;
}

void set_sensor_limit(const SensorLimitKey& key, double value, const SourcePlace& place, SensorLimits& into) {
  const std::string name = "'" + std::string{key.key} + "'";
  if (!(value > 0.0)) throw ConfigError{place, name + " must be above zero, found " + format_short(value)};
  into.*key.limit = value;
  const bool is_window =
      !into.stack_pressure_min_MPa || !into.stack_pressure_max_MPa || *into.stack_pressure_min_MPa < *into.stack_pressure_max_MPa;
  if (!is_window) throw ConfigError{place, name + " leaves no window for the stack pressure"};
}

}  // namespace cellrig
