// Limits that a profile tightens.
#include "profiles/tighten.hpp"

#include "profiles/number.hpp"
#include "profiles/sensor_limits.hpp"
#include "profiles/setpoints.hpp"

namespace cellrig {
namespace {

/// One safety limit that a profile may tighten: the owner of the number, and which way is tighter.
struct LimitSlot {
  double value = 0.0;
  bool is_upper = false;
  std::string cell_key;  ///< in Cell::places
};

LimitSlot limit_slot(const std::string& key, const SafetyLimits& limits) {
  if (key == "voltage_min_V") return {limits.voltage_min.value(), false, "limits." + key};
  if (key == "voltage_max_V") return {limits.voltage_max.value(), true, "limits." + key};
  if (key == "charge_current_max_A") return {limits.charge_current_max.value(), true, "limits." + key};
  if (key == "discharge_current_max_A") return {limits.discharge_current_max.value(), true, "limits." + key};
  if (key == "cell_temperature_min_degC") return {limits.cell_temperature_min.value(), false, key};
  if (key == "cell_temperature_max_degC") return {limits.cell_temperature_max.value(), true, key};
  if (key == "charge_temperature_min_degC") return {limits.charge_temperature_min.value(), false, key};
  if (key == "temperature_rate_max_K_per_s")
    return {limits.temperature_rate_max_K_per_s.value_or(temperature_rate_most_K_per_s), true, "limits." + key};
  if (key == "temperature_rate_for_s")
    return {limits.temperature_rate_for_s.value_or(temperature_rate_longest_s), true, "limits." + key};
  return {limits.charge_capacity_max.value(), true, "limits." + key};
}

[[noreturn]] void refuse_wider(const Field& field, double value, double limit, const Cell& cell, const std::string& cell_key) {
  throw ConfigError{field.value.place, "'" + field.key + "' = " + format_short(value) + " widens the cell's limit of " +
                                           format_short(limit) + " (" + to_string(cell.place_of(cell_key)) +
                                           "): a profile may only tighten it"};
}

void set_limit(const std::string& key, double value, SafetyLimits& limits) {
  if (key == "voltage_min_V") limits.voltage_min = Volts{value};
  if (key == "voltage_max_V") limits.voltage_max = Volts{value};
  if (key == "charge_current_max_A") limits.charge_current_max = Amps{value};
  if (key == "discharge_current_max_A") limits.discharge_current_max = Amps{value};
  if (key == "cell_temperature_min_degC") limits.cell_temperature_min = Celsius{value};
  if (key == "cell_temperature_max_degC") limits.cell_temperature_max = Celsius{value};
  if (key == "charge_temperature_min_degC") limits.charge_temperature_min = Celsius{value};
  if (key == "charge_capacity_max_Ah") limits.charge_capacity_max = AmpHours{value};
  if (key == "temperature_rate_max_K_per_s") limits.temperature_rate_max_K_per_s = value;
  if (key == "temperature_rate_for_s") limits.temperature_rate_for_s = value;
}

/// Where the cell's file has none, the profile may bring one.
void tighten_sensor_limit(const SensorLimitKey& key, const Field& field, double value, const Cell& cell,
                          const SafetyLimits& outer, SensorLimits& into) {
  const std::optional<double>& owned = outer.sensors.*key.limit;
  if (owned && (key.is_upper ? !(value <= *owned) : !(value >= *owned)))
    refuse_wider(field, value, *owned, cell, "limits." + field.key);
  set_sensor_limit(key, value, field.value.place, into);
}

/// The owner of the limit says how long it may be exceeded; one that has said nothing means: not at all.
void tighten_delay(const SensorDelayKey& key, const Field& field, double seconds, const Cell& cell, const SafetyLimits& outer,
                   SensorLimits& into) {
  const double owned = (outer.sensors.*key.for_s).value_or(0.0);
  if (has_limit_for(key, outer.sensors) && !(seconds <= owned)) refuse_wider(field, seconds, owned, cell, "limits." + field.key);
  set_sensor_delay(key, seconds, field.value.place, into);
}

}  // namespace

SafetyLimits tightened_limits(const std::vector<Field>& given, const SafetyLimits& owned, const Cell& cell, const Names& names) {
  SafetyLimits limits = owned;
  for (const Field& field : given) {
    const double value = value_of(field, names);
    if (const SensorLimitKey* const sensor = find_sensor_limit(field.key)) {
      tighten_sensor_limit(*sensor, field, value, cell, owned, limits.sensors);
      continue;
    }
    if (const SensorDelayKey* const delay = find_sensor_delay(field.key)) {
      tighten_delay(*delay, field, value, cell, owned, limits.sensors);
      continue;
    }
    const LimitSlot slot = limit_slot(field.key, owned);
    if (slot.is_upper ? !(value <= slot.value) : !(value >= slot.value))
      refuse_wider(field, value, slot.value, cell, slot.cell_key);
    set_limit(field.key, value, limits);
  }
  for (const Field& field : given) {
    const SensorDelayKey* const delay = find_sensor_delay(field.key);
    if (delay != nullptr && !has_limit_for(*delay, limits.sensors))
      throw ConfigError{field.value.place, "'" + field.key + "' delays a limit that nobody gives"};
    require_temperature_rate(field.key, value_of(field, names), field.value.place);
  }
  const auto require_order = [&](bool holds, const std::string& what) {
    if (!holds) throw ConfigError{given.front().value.place, "the limits leave no " + what};
  };
  require_order(limits.voltage_min < limits.voltage_max, "voltage window");
  require_order(limits.cell_temperature_min < limits.cell_temperature_max, "temperature window");
  require_order(limits.charge_current_max > Amps{0.0} && limits.discharge_current_max > Amps{0.0}, "current");
  return limits;
}

}  // namespace cellrig
