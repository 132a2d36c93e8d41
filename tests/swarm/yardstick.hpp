// What the same runtime makes on this machine with one healthy channel and nobody who judges: beside it a campaign's speed means
// something elsewhere, too.
#pragma once

#include "tests/swarm/swarm_run.hpp"

namespace cellrig::swarm {

struct Yardstick {
  double channel_hours = 0, cpu_s = 0;
  [[nodiscard]] double hours_per_cpu_s() const { return cpu_s > 0 ? channel_hours / cpu_s : 0.0; }
};

/// One channel (EA PSB, no chamber, no logger), cycled at 1C, measured every second; with SQLite every sample is recorded. Some tenths of a
/// second of CPU. Adds to what is there.
/// @throws std::runtime_error when that run fails.
void measure_yardstick(Yardstick& yardstick, Recording recording);

}  // namespace cellrig::swarm
