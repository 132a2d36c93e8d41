// Runs one coroutine to its end on a TimeSource.
#pragma once

#include "controller/async/task.hpp"
#include "controller/async/time_source.hpp"

namespace cellrig::testing {

inline Task<void> then_stop(TimeSource& time, Task<void> task) {
  co_await std::move(task);
  time.stop();
}

inline void run_task(TimeSource& time, Task<void> task) {
  time.spawn(then_stop(time, std::move(task)));
  try {
    time.run();
  } catch (...) {
    time.drop_tasks();  // what the task refers to may go before the time that it waits on
    throw;
  }
}

}  // namespace cellrig::testing
