// Several tasks at once, and one that waits until all of them are done.
#pragma once

#include <utility>

#include "controller/async/time_source.hpp"

namespace cellrig {

/// Outlives its tasks: wait() before it goes. An exception that leaves a task goes where that of every spawned task goes.
class TaskGroup {
 public:
  explicit TaskGroup(TimeSource& time) : time_{time}, done_{time} {}

  void spawn(Task<void> task) {
    ++running_;
    time_.spawn(counted(std::move(task)));
  }
  [[nodiscard]] Task<void> wait() {
    while (running_ > 0) co_await done_.until_woken();
  }

 private:
  Task<void> counted(Task<void> task) {
    co_await std::move(task);
    --running_;
    done_.wake();
  }

  TimeSource& time_;
  Wait done_;
  int running_ = 0;
};

/// Runs one task on an idle time source until it is done. An exception that leaves this or any other task is rethrown when every
/// task is gone.
void run_to_end(TimeSource& time, Task<void> task);

}  // namespace cellrig
