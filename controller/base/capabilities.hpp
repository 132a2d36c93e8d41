// What an instrument model can do, as its model file states it. Read by `check` without any instrument.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/time.hpp"
#include "controller/base/units.hpp"

namespace cellrig {

/// Who chooses among the ranges of an instrument that has several.
enum class RangeChoice : unsigned char {
  automatic,  ///< the instrument, by what it measures
  by_hand,    ///< a person at the instrument. No driver does: until then it stands in its widest range
};

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
  double up_to = 0.0;  ///< end of the widest range; 0: not known
  RangeChoice choice = RangeChoice::automatic;
  bool is_unverified = false;  ///< the model file says that nobody has checked these numbers

  /// In the range that measures it as the drivers leave the instrument.
  [[nodiscard]] double bound_at(double value) const { return bound_in(range_used(value), value); }
  [[nodiscard]] std::size_t range_used(double value) const {
    return choice == RangeChoice::automatic ? range_holding(value) : finer_count;
  }
  /// Index of the least range that holds a value; finer_count is the widest.
  [[nodiscard]] std::size_t range_holding(double value) const {
    const double magnitude = value < 0 ? -value : value;
    std::size_t range = 0;
    while (range < finer_count && magnitude > finer[range].up_to) ++range;
    return range;
  }
  [[nodiscard]] double bound_in(std::size_t range, double value) const {
    const double magnitude = value < 0 ? -value : value;
    if (range < finer_count) return finer[range].gain_fraction * magnitude + finer[range].offset;
    return gain_fraction * magnitude + offset;
  }
  [[nodiscard]] double end_of(std::size_t range) const { return range < finer_count ? finer[range].up_to : up_to; }
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
  Ohms resistance_min, resistance_max;  ///< of constant resistance; 0: not known
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
