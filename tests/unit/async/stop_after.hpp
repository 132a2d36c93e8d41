// Ends the run of a time source after a while.
#pragma once

#include "controller/async/time_source.hpp"

namespace cellrig {

inline Task<void> stop_after(TimeSource& time, Duration duration) {
  co_await time.sleep_for(duration);
  time.stop();
}

}  // namespace cellrig
