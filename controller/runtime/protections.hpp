// What is programmed into a cycler for a cell: limits a little beyond the supervisor's, so that the software reacts first.
#pragma once

#include "controller/base/capabilities.hpp"
#include "controller/base/limits.hpp"

namespace cellrig {

/// 30 mV or twice the accuracy beyond the voltage limits, 5 % beyond the current limits, and never beyond what the cycler can do.
[[nodiscard]] Protections protections_for(const SafetyLimits& limits, const CyclerCapabilities& can, Duration watchdog_delay);

}  // namespace cellrig
