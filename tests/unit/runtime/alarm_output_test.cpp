// What a start does with an output that may be on: never off before a person has acknowledged why it is on.
#include "controller/runtime/alarm_output.hpp"

#include <gtest/gtest.h>

#include <array>

namespace cellrig {
namespace {

struct Case {
  AlarmMemory memory;
  AlarmAtStart found_on, found_off;
};

TEST(AlarmAtStart, goes_off_only_when_a_person_has_acknowledged_why_it_is_on) {
  using enum AlarmAtStart;
  const std::array<Case, 8> cases{{
      {{false, false, false}, stays_on, off},  // somebody, or a run of another record, switched it on
      {{false, true, false}, off, off},        // acknowledged at the bench itself
      {{false, false, true}, stays_on, off},   // an electrical trip: it has not asked for it, and takes nothing away
      {{false, true, true}, stays_on, off},
      {{true, false, false}, stays_on, on_again},  // heat after the end of a run: no trip, and nobody has looked
      {{true, true, false}, off, off},
      {{true, false, true}, stays_on, on_again},
      {{true, true, true}, stays_on, on_again},  // one of two trips is acknowledged
  }};
  for (const Case& c : cases) {
    const std::string what = std::string(c.memory.was_switched_on ? "switched on, " : "") +
                             (c.memory.is_acknowledged ? "acknowledged, " : "") + (c.memory.has_open_trip ? "open trip" : "");
    EXPECT_EQ(judge_at_start(c.memory, true), c.found_on) << what;
    EXPECT_EQ(judge_at_start(c.memory, false), c.found_off) << what;
  }
}

}  // namespace
}  // namespace cellrig
