// What can go wrong on a simulated bench, ordered by name or drawn from a seed. Names, fields and their meaning: docs/simulator.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.hpp"
#include "controller/base/time.hpp"
#include "sim/bench.hpp"

namespace cellrig::sim {

/// Carries an order out at `now`, or keeps it for the instant `at_s` it names (seconds on the simulated time line).
/// * Wire: drop, delay, garble, truncate, duplicate, close, refuse, accept_only on an instrument ("psb1", all ports) or a port
///   ("psb1.modbus"); and random (seed), which draws kinds and rates.
/// * Instrument: freeze, reboot, ignore_off, nan, local, negate_current, identity (text), voltage_offset (offset_V),
///   extra_latency (delay_ms), clear_watchdog.
/// * World: chamber_stuck, thermocouple_open, reversed_cell, contactor_welded, cell_swapped (with).
/// Refused, with the nearest word, when a name is not known; nothing is changed then.
[[nodiscard]] Result<void> apply_fault(SimulatedBench& bench, TimePoint now, std::string_view order);

/// Everything works again, and nothing is scheduled. What a fault has done to the cells stays done.
void clear_faults(SimulatedBench& bench, TimePoint now);

[[nodiscard]] std::vector<std::string> fault_names();

}  // namespace cellrig::sim
