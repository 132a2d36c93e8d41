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
  for (const SensorDelayKey& row : sensor_delay_table()) keys.emplace_back(row.key);
  return keys;
}

const SensorLimitKey* find_sensor_limit(std::string_view key) {
  for (const SensorLimitKey& row : sensor_limit_table()) {
    if (row.key == key) return &row;
  }
  return nullptr;
}

const std::vector<SensorDelayKey>& sensor_delay_table() {
  static const std::vector<SensorDelayKey> table{
      {"stack_pressure_for_s", &SensorLimits::stack_pressure_for_s, 5.0, Measurand::stack_pressure},
      {"gas_for_s", &SensorLimits::gas_for_s, 2.0, Measurand::gas}};
  return table;
}

const SensorDelayKey* find_sensor_delay(std::string_view key) {
  for (const SensorDelayKey& row : sensor_delay_table()) {
    if (row.key == key) return &row;
  }
  return nullptr;
}

bool has_limit_for(const SensorDelayKey& key, const SensorLimits& limits) {
  return key.measurand == Measurand::gas ? limits.gas_max_ppm.has_value() : limits.limits_stack_pressure();
}

void set_sensor_delay(const SensorDelayKey& key, double seconds, const SourcePlace& place, SensorLimits& into) {
  if (!(seconds >= 0.0 && seconds <= key.at_most_s)) {
    throw ConfigError{place, "'" + std::string{key.key} + "' lies from 0 to " + format_short(key.at_most_s) + " s, found " +
                                 format_short(seconds)};
  }
  into.*key.for_s = seconds > 0.0 ? std::optional{seconds} : std::nullopt;
}

void require_temperature_rate(std::string_view key, double value, const SourcePlace& place) {
  constexpr double seen_after_s = 1.0;
  const bool is_rate = key == "temperature_rate_max_K_per_s";
  if (!is_rate && key != "temperature_rate_for_s") return;
  const double least = is_rate ? 0.0 : seen_after_s, most = is_rate ? temperature_rate_most_K_per_s : temperature_rate_longest_s;
  if ((is_rate ? value > least : value >= least) && value <= most) return;
  throw ConfigError{place, "'" + std::string{key} + "' lies from " + format_short(least) + " to " + format_short(most) +
                               ", found " + format_short(value)};
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
