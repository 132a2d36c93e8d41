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
/// `instrument` (with `port`), `channel` or `chamber`. The kinds are listed in sim/faults, a file for each family: wire, instrument, output,
/// cell, world, host. A state ends with on=false or after for_s. "F17" is the order that sim/faults/catalogue.cpp has for that number.
/// Refused, with the nearest word, when a name is not known or the fault can't act there; nothing is changed then.
[[nodiscard]] Result<void> apply_fault(SimulatedBench& bench, TimePoint now, std::string_view order);

/// Everything works again, and nothing is scheduled. What a fault has done to the cells stays done.
void clear_faults(SimulatedBench& bench, TimePoint now);

[[nodiscard]] std::vector<std::string> fault_names();

/// One line of JSON: what is in force, with what is left of it, and what waits for its instant.
[[nodiscard]] std::string faults_json(SimulatedBench& bench, TimePoint now);
/// One line of JSON: every kind with its keys, and the numbered faults with their orders.
[[nodiscard]] std::string fault_kinds_json();

}  // namespace cellrig::sim
