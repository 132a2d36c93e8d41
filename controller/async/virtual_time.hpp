// Virtual time: controller and world in one process. When nothing is ready, time jumps to the next wait. Same seed, same record.
// Ready is what waits, spawn() and post() made so. A handler put on context() by other means (a signal) is served soon, in wall
// time, and may find that virtual time went on meanwhile: no part of a virtual rig relies on one.
#pragma once

#include <atomic>

#include <boost/asio/executor_work_guard.hpp>

#include "controller/async/host_clock.hpp"
#include "controller/async/time_source.hpp"

namespace cellrig {

class VirtualTime : public TimeSource, public HostClock {
 public:
  VirtualTime();
  [[nodiscard]] TimePoint now() const override { return now_; }
  /// Starts at 2000-01-01T00:00:00Z.
  [[nodiscard]] UtcTime utc_now() const override;
  void run() override;
  void stop() override { stopped_ = true; }
  void post(std::function<void()> function) override;

  void step_utc(Duration by) override { utc_step_ += by; }
  void suspend(Duration duration) override { now_ += duration; }
  void starve(Duration lateness) override { lateness_ = lateness; }

 private:
  void spawned() override { poll_now_ = true; }
  /// After each wait that was served: everything that was ready has run. A test may look at the world here.
  virtual void served() {}
  void go_on();

  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  TimePoint now_{};
  Duration utc_step_{};
  Duration lateness_{};
  bool stopped_ = false;
  std::atomic<bool> poll_now_{true};
};

/// 2000-01-01T00:00:00Z, where virtual and lockstep time begin.
inline constexpr UtcTime simulated_epoch{946'684'800'000'000'000};

}  // namespace cellrig
