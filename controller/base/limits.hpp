// What guards a cell, by owner. An end condition (profile) lies inside the safety limit (supervisor), and that inside the
// instrument's own protection; the preflight refuses what does not nest.
#pragma once

#include "controller/base/time.hpp"
#include "controller/base/units.hpp"

namespace cellrig {

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
};

/// What is programmed into the instrument and read back before the output goes on.
struct Protections {
  Volts over_voltage;
  Volts under_voltage;
  Amps charge_current_max;     ///< magnitude
  Amps discharge_current_max;  ///< magnitude
  Duration watchdog_delay;     ///< silence after which the instrument turns its output off by itself
};

}  // namespace cellrig
