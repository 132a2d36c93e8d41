// A bench whose instruments are good enough for every profile; a test spoils one property of it.
#pragma once

#include <functional>

#include "profiles/check.hpp"

namespace cellrig::test {

/// Exact enough for everything; each test spoils one property.
inline CyclerCapabilities good_cycler() {
  CyclerCapabilities cycler;
  cycler.model = "good";
  cycler.voltage_min = Volts{0.0};
  cycler.voltage_max = Volts{10.0};
  cycler.charge_current_max = Amps{20.0};
  cycler.discharge_current_max = Amps{20.0};
  cycler.current_limit_min = Amps{0.01};
  cycler.power_max = Watts{200.0};
  cycler.over_voltage_protection_max = Volts{11.0};
  cycler.voltage_resolution = Volts{0.0001};
  cycler.current_resolution = Amps{0.0005};
  cycler.voltage_accuracy = Accuracy{0.0002, 0.001};
  cycler.current_accuracy = Accuracy{0.0005, 0.002};
  cycler.has_constant_power = true;
  cycler.has_constant_resistance = true;
  return cycler;
}

inline ChamberCapabilities good_chamber() { return {"chamber", Celsius{-40.0}, Celsius{100.0}, Accuracy{0.0, 0.5}}; }
inline LoggerCapabilities good_logger() { return {"logger", Celsius{-100.0}, Celsius{200.0}, Accuracy{0.0, 0.5}, 8, 4}; }

inline CheckContext whole_bench() { return {"", good_cycler(), good_chamber(), good_logger()}; }

inline CheckContext bench_with(const std::function<void(CyclerCapabilities&)>& change) {
  CheckContext context = whole_bench();
  change(*context.cycler);
  return context;
}

}  // namespace cellrig::test
