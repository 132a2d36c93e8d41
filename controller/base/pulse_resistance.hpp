#pragma once

#include "controller/base/time.hpp"
#include "controller/base/units.hpp"

namespace cellrig {

/// What a short pulse before the first step must show of a cell.
struct PulseResistance {
  Ohms least, most;
  double rate_C = 0.5;
  Duration lasts = std::chrono::seconds{1};
  Celsius temperature_min{15.0}, temperature_max{35.0};  ///< colder or warmer it is not asked
  Volts rest_voltage_min;                                ///< nor nearly empty, where every cell's resistance rises
  Volts voltage_min, voltage_max;                        ///< the cell's window
};

}  // namespace cellrig
