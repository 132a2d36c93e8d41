// Linked into a cellrig of its own with --wrap: the channel's task throws when it records its n-th sample, with current flowing; or,
// when CELLRIG_TEST_HANG_MS says for how long, the whole control thread hangs there, once.
#include <poll.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "controller/runtime/channel_record.hpp"

namespace cellrig {

// ChannelRecord::sample(), under the names the linker gives the wrapped function and the one that is called instead.
void real_sample(ChannelRecord* self, const output::Record& record, const Observation& observation) asm(
    "__real__ZN7cellrig13ChannelRecord6sampleERKNS_6output6RecordERKNS_11ObservationE");
void failing_sample(ChannelRecord* self, const output::Record& record, const Observation& observation) asm(
    "__wrap__ZN7cellrig13ChannelRecord6sampleERKNS_6output6RecordERKNS_11ObservationE");

void failing_sample(ChannelRecord* self, const output::Record& record, const Observation& observation) {
  static int left = std::stoi(std::getenv("CELLRIG_TEST_SAMPLES"));
  const char* const hang_ms = std::getenv("CELLRIG_TEST_HANG_MS");
  if (hang_ms == nullptr && left-- <= 0) throw std::logic_error("a failure of our own");
  if (hang_ms != nullptr && left-- == 0) (void)::poll(nullptr, 0, std::stoi(hang_ms));
  real_sample(self, record, observation);
}

}  // namespace cellrig
