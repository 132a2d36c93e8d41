// What was measured. Each reading has its own age: loggers and chambers refresh their slots beside the cycler.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string_view>

#include "controller/base/time.hpp"

namespace cellrig {

/// Quantities a limit or a condition can name. The order is stored in no file.
enum class Measurand : unsigned char {
  voltage,              ///< V at the cell's sense leads
  current,              ///< A, positive charges
  cell_temperature,     ///< degC on the cell's surface
  ambient_temperature,  ///< degC of the air beside the cell, by the logger
  chamber_temperature,  ///< degC, the chamber controller's process value
  logger_voltage,       ///< V at the cell, by a second voltmeter
  stack_force,          ///< N that press the cell
  stack_pressure,       ///< MPa: the force on the pressed area
  gas,                  ///< ppm beside the cell
  interlock,            ///< 1: every contact of the channel is closed; 0: one is open
};
inline constexpr std::size_t measurand_count = 10;

[[nodiscard]] constexpr std::string_view name_with_unit(Measurand m) {
  constexpr std::array<std::string_view, measurand_count> names{"voltage_V",
                                                                "current_A",
                                                                "cell_temperature_degC",
                                                                "ambient_temperature_degC",
                                                                "chamber_temperature_degC",
                                                                "logger_voltage_V",
                                                                "stack_force_N",
                                                                "stack_pressure_MPa",
                                                                "gas_ppm",
                                                                "interlock_closed"};
  return names[static_cast<std::size_t>(m)];
}

enum class Quality : unsigned char {
  missing,  ///< never measured
  good,
  bad,  ///< the instrument answered, and the answer is no number: NaN, overload, open sensor, range end
};

struct Reading {
  double value = 0.0;  ///< in the measurand's unit; meaningless unless quality is good
  TimePoint at{};      ///< middle of the exchange that brought it
  Quality quality = Quality::missing;

  [[nodiscard]] bool usable() const { return quality == Quality::good && std::isfinite(value); }
};

/// What the cycler's output does, in its own words.
enum class Regulation : unsigned char { off, constant_current, constant_voltage, constant_power, constant_resistance };

struct Observation {
  std::array<Reading, measurand_count> readings{};
  Regulation regulation = Regulation::off;
  bool output_on = false;

  [[nodiscard]] const Reading& operator[](Measurand m) const { return readings[static_cast<std::size_t>(m)]; }
  [[nodiscard]] Reading& operator[](Measurand m) { return readings[static_cast<std::size_t>(m)]; }
};

}  // namespace cellrig
