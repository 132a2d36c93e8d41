#include "controller/async/thread_priority.hpp"

#include <sched.h>

namespace cellrig {
namespace {
/// Above every ordinary thread, below what the kernel itself runs in real time.
constexpr int real_time_priority = 10;
}  // namespace

bool prefer_this_thread() noexcept {
  sched_param parameters{};
  parameters.sched_priority = real_time_priority;
  return ::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) == 0;
}

void make_this_thread_ordinary() noexcept {
  const sched_param parameters{};
  (void)::sched_setscheduler(0, SCHED_OTHER, &parameters);
}

}  // namespace cellrig
