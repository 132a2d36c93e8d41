// What an instrument model can do, as its model file states it. Read by `check` without any instrument.
#pragma once

#include <array>
#include <cstddef>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/time.hpp"
#include "controller/base/units.hpp"

namespace cellrig {

/// Error bound of a measurement: gain_fraction * |reading| + offset, in the quantity's unit.
struct Accuracy {
  double gain_fraction = 0.0;
  double offset = 0.0;
  /// Finer ranges by rising end; the least that holds a value measures it, the two numbers above what none of them holds.
  struct Range {
    double up_to = 0.0;
    double gain_fraction = 0.0;
    double offset = 0.0;
  };
  static constexpr std::size_t finer_max = 4;
  std::array<Range, finer_max> finer{};
  std::size_t finer_count = 0;

  [[nodiscard]] double bound_at(double value) const {
    const double magnitude = value < 0 ? -value : value;
    for (std::size_t i = 0; i < finer_count; ++i) {
      if (magnitude <= finer[i].up_to) return finer[i].gain_fraction * magnitude + finer[i].offset;
    }
    return gain_fraction * magnitude + offset;
  }
};

/// What an instrument does by itself when nobody has talked to it for its watchdog's time. Either way the output is off.
enum class WatchdogEffect : unsigned char {
  trips,          ///< latched like a protection until it is cleared
  leaves_remote,  ///< it takes itself out of our hands; taking remote again is all it needs
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
  WatchdogEffect watchdog_effect = WatchdogEffect::trips;
  Duration reply_time_typical{};  ///< of one measurement
};

/// How fast a chamber takes its air to a set-point, as its maker says.
struct ChamberRamp {
  double heating_K_per_min = 1.0;
  double cooling_K_per_min = 1.0;  ///< magnitude
};

struct ChamberCapabilities {
  std::string model;
  Celsius temperature_min, temperature_max;
  Accuracy temperature_accuracy;
  bool has_own_limits = true;  ///< its controller keeps set-point limits; false: nobody keeps them once this process is dead
  ChamberRamp ramp{};
};

/// What an input of a logger measures, in the unit of its readings.
enum class InputQuantity : unsigned char {
  temperature,  ///< degC
  voltage,      ///< V
  force,        ///< N
  gas,          ///< ppm
};

[[nodiscard]] constexpr std::string_view to_string(InputQuantity quantity) {
  switch (quantity) {
    case InputQuantity::temperature: return "temperature";
    case InputQuantity::voltage: return "voltage";
    case InputQuantity::force: return "force";
    case InputQuantity::gas: return "gas";
  }
  return "unknown";
}

struct LoggerInput {
  InputQuantity quantity = InputQuantity::temperature;
  double min = 0.0, max = 0.0;  ///< a reading beyond is no number
  Accuracy accuracy;
};

struct LoggerCapabilities {
  std::string model;
  Celsius temperature_min, temperature_max;
  Accuracy temperature_accuracy;
  int temperature_channels = 0;
  int relay_channels = 0;
  std::vector<LoggerInput> inputs{};  ///< by the number that a bench file gives
};

/// Relay outputs and contacts of one module.
struct CoilModuleCapabilities {
  std::string model;
  int relay_channels = 0;
  int contact_inputs = 0;
  bool has_watchdog = false;  ///< its outputs open when nobody talks to it any more
};

}  // namespace cellrig
