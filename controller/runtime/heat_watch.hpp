// Watches a cell that no run looks after for nothing but heat and gas: its chamber and people must know of them all the same.
#pragma once

#include <limits>

#include "controller/engine/safety_supervisor.hpp"

namespace cellrig {

/// Too hot, warms too fast, gas, and while `commanded` says off for long enough: warms by itself. Nothing is too old for it: what is no
/// longer read is the business of whoever reads. Shown one reading of heat or gas at a time, and what is measured around the cell.
[[nodiscard]] inline SafetySupervisor make_heat_watch(SafetyLimits limits, TimePoint now) {
  limits.cell_temperature_min = Celsius{-std::numeric_limits<double>::infinity()};
  SensorLimits only_gas;
  only_gas.gas_max_ppm = limits.sensors.gas_max_ppm;
  only_gas.gas_for_s = limits.sensors.gas_for_s;  // or it would be at once, whatever the owners of the limit say
  limits.sensors = only_gas;
  SupervisorOptions options;
  options.age_limit = options.temperature_age_limit = options.sensor_age_limit = Duration::max();
  return SafetySupervisor{limits, options, now};
}

}  // namespace cellrig
