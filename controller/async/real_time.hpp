// Real time: CLOCK_MONOTONIC schedules, CLOCK_BOOTTIME judges gaps, UTC labels.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>

#include "controller/async/host_clock.hpp"
#include "controller/async/time_source.hpp"

namespace cellrig {

class RealTime final : public TimeSource, public HostClock {
 public:
  /// preferred: run() asks for real-time scheduling of its thread; without permission it runs as an ordinary one.
  enum class Thread : unsigned char { ordinary, preferred };
  explicit RealTime(Thread thread = Thread::ordinary);
  [[nodiscard]] TimePoint now() const override;
  [[nodiscard]] UtcTime utc_now() const override;
  void run() override;
  void stop() override;

  /// CLOCK_BOOTTIME minus CLOCK_MONOTONIC: grows by the time the machine was suspended.
  [[nodiscard]] Duration suspended() const override;

  void step_utc(Duration by) override { utc_step_ += by; }
  /// The control thread stands still; threads of buses do not.
  void suspend(Duration duration) override;
  void starve(Duration lateness) override { lateness_ = lateness; }

 private:
  void earliest_changed() override { arm(); }
  void arm();

  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  Thread thread_;
  TimePoint armed_for_ = TimePoint::max();
  bool firing_ = false;
  Duration utc_step_{};
  Duration lateness_{};
};

}  // namespace cellrig
