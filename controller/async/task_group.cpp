#include "controller/async/task_group.hpp"

namespace cellrig {

void run_to_end(TimeSource& time, Task<void> task) {
  const auto whole = [](TimeSource* t, Task<void> inner) -> Task<void> {
    co_await std::move(inner);
    t->stop();
  };
  time.spawn(whole(&time, std::move(task)));
  try {
    time.run();
  } catch (...) {
    time.drop_tasks();  // before the instruments they wait on are gone
    throw;
  }
}

}  // namespace cellrig
