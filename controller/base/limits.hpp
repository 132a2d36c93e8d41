// What guards a cell, by owner. An end condition (profile) lies inside the safety limit (supervisor), and that inside the
// instrument's own protection; the preflight refuses what does not nest.
#pragma once

#include <algorithm>
#include <optional>

#include "controller/base/current_by_temperature.hpp"
#include "controller/base/time.hpp"
#include "controller/base/units.hpp"

namespace cellrig {

/// What may be limited only where a sensor measures it. Empty: not judged. Given: in force, and a silent sensor trips.
struct SensorLimits {
  std::optional<double> stack_pressure_min_MPa;
  std::optional<double> stack_pressure_max_MPa;
  std::optional<double> gas_max_ppm;
  std::optional<double> voltage_difference_max_V;  ///< between the cycler and a second voltmeter, magnitude
  /// For so long readings must lie beyond the limit, without one inside. Empty: the first one trips.
  std::optional<double> stack_pressure_for_s;
  std::optional<double> gas_for_s;

  [[nodiscard]] bool limits_stack_pressure() const { return stack_pressure_min_MPa || stack_pressure_max_MPa; }
};

/// The tighter of two owners' limits, each of which may have none. An owner whose limit has no delay means: at once.
[[nodiscard]] inline SensorLimits tighter(const SensorLimits& a, const SensorLimits& b) {
  const auto pick = [](const std::optional<double>& x, const std::optional<double>& y, bool is_upper) {
    if (!x || !y) return x ? x : y;
    return std::optional<double>{is_upper ? std::min(*x, *y) : std::max(*x, *y)};
  };
  const auto shorter = [](bool a_limits, const std::optional<double>& x, bool b_limits, const std::optional<double>& y) {
    if (!a_limits || !b_limits) return a_limits ? x : y;
    return x && y ? std::optional<double>{std::min(*x, *y)} : std::nullopt;
  };
  return {.stack_pressure_min_MPa = pick(a.stack_pressure_min_MPa, b.stack_pressure_min_MPa, false),
          .stack_pressure_max_MPa = pick(a.stack_pressure_max_MPa, b.stack_pressure_max_MPa, true),
          .gas_max_ppm = pick(a.gas_max_ppm, b.gas_max_ppm, true),
          .voltage_difference_max_V = pick(a.voltage_difference_max_V, b.voltage_difference_max_V, true),
          .stack_pressure_for_s =
              shorter(a.limits_stack_pressure(), a.stack_pressure_for_s, b.limits_stack_pressure(), b.stack_pressure_for_s),
          .gas_for_s = shorter(a.gas_max_ppm.has_value(), a.gas_for_s, b.gas_max_ppm.has_value(), b.gas_for_s)};
}

/// GB 38031-2025 C.5.3.7: thermal runaway begins at 1 K/s, for 3 s. Nobody may wait longer or allow more.
inline constexpr double temperature_rate_most_K_per_s = 1.0, temperature_rate_longest_s = 3.0;

/// The supervisor's limits of one channel. Every one is always in force.
struct SafetyLimits {
  Volts voltage_min;
  Volts voltage_max;
  Amps charge_current_max;     ///< magnitude
  Amps discharge_current_max;  ///< magnitude
  Celsius cell_temperature_min;
  Celsius cell_temperature_max;
  Celsius charge_temperature_min;  ///< no charging of a colder cell (plating)
  AmpHours charge_capacity_max;    ///< net charge above the lowest point of the run: the overcharge guard
  /// The same magnitudes at the cell's temperature; whichever is less holds. A temperature that is not known is the worst one.
  CurrentByTemperature charge_current_by_temperature{};
  CurrentByTemperature discharge_current_by_temperature{};
  SensorLimits sensors{};
  /// How fast the cell may warm, and for how long faster; empty: the most.
  std::optional<double> temperature_rate_max_K_per_s{};
  std::optional<double> temperature_rate_for_s{};
  /// Of the nominal capacity: charge that may flow while no reading changes. More than a hundredth where the voltage is a plateau.
  double still_share = 0.01;
  double heat_capacity_J_per_K =
      0.0;  ///< of the cell, the least it can be; 0: not known, and its heat is not judged against its current
};

/// What a bench allows on a channel, whatever cell is on it: its fixture, its leads, its press, the room. Empty: nothing of its own.
struct ChannelLimits {
  std::optional<Volts> voltage_min, voltage_max;
  std::optional<Amps> charge_current_max, discharge_current_max;  ///< magnitudes
  std::optional<Celsius> cell_temperature_min, cell_temperature_max, charge_temperature_min;
  SensorLimits sensors{};

  /// Anything beside the sensors.
  [[nodiscard]] bool limits_cell() const {
    return voltage_min || voltage_max || charge_current_max || discharge_current_max || cell_temperature_min ||
           cell_temperature_max || charge_temperature_min;
  }
};

/// Of cell, profile or step on this channel: whichever is tighter.
[[nodiscard]] inline SafetyLimits tighter(SafetyLimits limits, const ChannelLimits& channel) {
  const auto least = [](auto& own, const auto& other) {
    if (other) own = std::min(own, *other);
  };
  const auto most = [](auto& own, const auto& other) {
    if (other) own = std::max(own, *other);
  };
  most(limits.voltage_min, channel.voltage_min);
  least(limits.voltage_max, channel.voltage_max);
  least(limits.charge_current_max, channel.charge_current_max);
  least(limits.discharge_current_max, channel.discharge_current_max);
  most(limits.cell_temperature_min, channel.cell_temperature_min);
  least(limits.cell_temperature_max, channel.cell_temperature_max);
  most(limits.charge_temperature_min, channel.charge_temperature_min);
  limits.sensors = tighter(limits.sensors, channel.sensors);
  return limits;
}

/// What is programmed into the instrument and read back before the output goes on.
struct Protections {
  Volts over_voltage;
  Volts under_voltage;
  Amps charge_current_max;     ///< magnitude
  Amps discharge_current_max;  ///< magnitude
  Duration watchdog_delay;     ///< silence after which the instrument turns its output off by itself
};

}  // namespace cellrig
