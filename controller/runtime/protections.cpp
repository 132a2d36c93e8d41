#include "controller/runtime/protections.hpp"

#include <algorithm>

namespace cellrig {
namespace {

constexpr double margin_V = 0.03;
constexpr double margin_of_current = 0.05;
constexpr double over_range = 1.02;  ///< instruments accept set values of up to 102 % of their range

}  // namespace

Protections protections_for(const SafetyLimits& limits, const CyclerCapabilities& can, Duration watchdog_delay) {
  const double beyond_V = std::max(margin_V, 2 * can.voltage_accuracy.bound_at(limits.voltage_max.value()));
  return Protections{
      .over_voltage = limits.voltage_max + Volts{beyond_V},
      .under_voltage = limits.voltage_min - Volts{beyond_V},
      .charge_current_max = std::min(limits.charge_current_max * (1 + margin_of_current), can.charge_current_max * over_range),
      .discharge_current_max =
          std::min(limits.discharge_current_max * (1 + margin_of_current), can.discharge_current_max * over_range),
      .watchdog_delay = watchdog_delay};
}

}  // namespace cellrig
