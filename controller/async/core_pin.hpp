// Two threads that take turns, never running at once, hand over fastest on one core: to wake a thread on another core that has gone to
// sleep costs several times as much. A hint only: where the system refuses, everything works as before.
#pragma once

#include <sched.h>
#include <unistd.h>

namespace cellrig {

/// The calling thread stays on this core from now on, and so do the threads it starts.
inline bool stay_on_core(int core) noexcept {
  if (core < 0 || core >= CPU_SETSIZE) return false;
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(core, &only);
  return ::sched_setaffinity(0, sizeof only, &only) == 0;
}

/// Keeps a thread on one core for a while; afterwards it may run where it could before.
class CorePin {
 public:
  CorePin() = default;
  ~CorePin() { release(); }
  CorePin(const CorePin&) = delete;
  CorePin& operator=(const CorePin&) = delete;

  /// The calling thread; always the same one while it is held.
  void hold(int core) noexcept {
    if (thread_ == 0) {
      if (::sched_getaffinity(0, sizeof before_, &before_) != 0) return;
      thread_ = ::gettid();
    }
    stay_on_core(core);
  }
  /// From any thread.
  void release() noexcept {
    if (thread_ != 0) ::sched_setaffinity(thread_, sizeof before_, &before_);
    thread_ = 0;
  }

 private:
  pid_t thread_ = 0;  ///< 0: nobody is held
  cpu_set_t before_{};
};

}  // namespace cellrig
