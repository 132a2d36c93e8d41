// What can go wrong with the time of the computer on which the controller runs. For simulated benches and tests.
#pragma once

#include "controller/base/time.hpp"

namespace cellrig {

/// Control thread only.
class HostClock {
 public:
  virtual ~HostClock() = default;
  /// The wall clock jumps; now() does not.
  virtual void step_utc(Duration by) = 0;
  /// Nobody runs for so long: now() goes on, and whoever waited is late. Called by a task, or a posted function.
  virtual void suspend(Duration duration) = 0;
  /// From now on whoever wakes up is late by so much.
  virtual void starve(Duration lateness) = 0;
};

}  // namespace cellrig
