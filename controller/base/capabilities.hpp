// What an instrument model can do, as its model file states it. Read by `check` without any instrument.
#pragma once

#include <string>

#include "controller/base/time.hpp"
#include "controller/base/units.hpp"

namespace cellrig {

/// Error bound of a measurement: gain_fraction * |reading| + offset, in the quantity's unit.
struct Accuracy {
  double gain_fraction = 0.0;
  double offset = 0.0;
  [[nodiscard]] double bound_at(double value) const { return gain_fraction * (value < 0 ? -value : value) + offset; }
};

struct CyclerCapabilities {
  std::string model;
  Volts voltage_min, voltage_max;
  Amps charge_current_max;     ///< magnitude
  Amps discharge_current_max;  ///< magnitude
  Amps current_limit_min;      ///< smallest limit the instrument accepts in either direction (N6900: 0.026 A)
  Watts power_max;
  Volts over_voltage_protection_max;
  Volts voltage_resolution;
  Amps current_resolution;
  Accuracy voltage_accuracy;
  Accuracy current_accuracy;
  bool has_constant_power = false;
  bool has_constant_resistance = false;
  bool has_watchdog = false;
  Duration watchdog_min{};
  Duration watchdog_max{};
  Duration reply_time_typical{};  ///< of one measurement
};

struct ChamberCapabilities {
  std::string model;
  Celsius temperature_min, temperature_max;
  Accuracy temperature_accuracy;
};

struct LoggerCapabilities {
  std::string model;
  Celsius temperature_min, temperature_max;
  Accuracy temperature_accuracy;
  int temperature_channels = 0;
  int relay_channels = 0;
};

}  // namespace cellrig
