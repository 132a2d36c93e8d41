// Work that takes its time (files, databases, a rehearsal), beside the control thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "controller/async/time_source.hpp"

namespace cellrig {

/// One thread of ordinary priority, one piece of work after the other. `time` outlives it; it is destroyed before what its work refers
/// to. What is waiting then is not done, and what is under way is waited for.
class Aside {
 public:
  explicit Aside(TimeSource& time);
  ~Aside();
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

  /// Control thread. Returns when it is done. The work holds by value what it needs: the caller may be gone by then.
  /// @throws what the work throws.
  [[nodiscard]] Task<void> run(std::function<void()> work);

 private:
  void serve();

  TimeSource& time_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace cellrig
