// What can go wrong on a simulated bench, ordered by name or drawn from a seed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.hpp"
#include "controller/base/time.hpp"
#include "sim/bench.hpp"

namespace cellrig::sim {

/// Carries an order out at `now`, or keeps it for the instant `at_s` it names (seconds on the simulated time line). Two forms:
///   drop psb1.modbus count=3 at_s=60
///   {"kind": "drop", "instrument": "psb1", "port": "modbus", "count": 3, "at_s": 60}
/// `target` is an instrument ("psb1": all its ports), a port ("psb1.modbus"), a channel or a chamber; in JSON it may also be called
/// `instrument` (with `port`), `channel` or `chamber`.
/// * Wire: drop, delay (delay_ms, overtaken), garble (bytes), truncate (bytes), duplicate, close; each with skip (replies that pass first),
///   count (a number or for_ever; 1 unless a rate is given), rate (probability), for_s. refuse and accept_only: for_s.
/// * random (seed, rate): the seed draws kinds and rates, at most `rate` each, for one target or for every port.
/// * Instrument: freeze, reboot, ignore_off, nan, local, negate_current, identity (text), voltage_offset (offset_V),
///   extra_latency (delay_ms), clear_watchdog. All but reboot end with on=false.
/// * World: chamber_stuck (temperature_degC; where it is unless given), thermocouple_open (sensor: cell or ambient), reversed_cell,
///   contactor_welded, cell_swapped (with: the other channel). All but the last end with on=false.
/// Refused, with the nearest word, when a name is not known; nothing is changed then.
[[nodiscard]] Result<void> apply_fault(SimulatedBench& bench, TimePoint now, std::string_view order);

/// Everything works again, and nothing is scheduled. What a fault has done to the cells stays done.
void clear_faults(SimulatedBench& bench, TimePoint now);

[[nodiscard]] std::vector<std::string> fault_names();

}  // namespace cellrig::sim
