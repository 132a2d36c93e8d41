#include "controller/async/real_time.hpp"

#include <ctime>
#include <thread>

#include "controller/async/thread_priority.hpp"

namespace cellrig {
namespace {

std::int64_t read_clock(clockid_t id) {
  timespec t{};
  ::clock_gettime(id, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

RealTime::RealTime(Thread thread) : work_{boost::asio::make_work_guard(context())}, timer_{context()}, thread_{thread} {}

TimePoint RealTime::now() const { return TimePoint{Duration{read_clock(CLOCK_MONOTONIC)}}; }

UtcTime RealTime::utc_now() const { return UtcTime{read_clock(CLOCK_REALTIME) + utc_step_.count()}; }

Duration RealTime::suspended() const { return Duration{read_clock(CLOCK_BOOTTIME) - read_clock(CLOCK_MONOTONIC)}; }

void RealTime::suspend(Duration duration) { std::this_thread::sleep_for(duration); }

void RealTime::run() {
  if (thread_ == Thread::preferred) prefer_this_thread();
  context().restart();
  context().run();
  rethrow_if_failed();
}

void RealTime::stop() { context().stop(); }

void RealTime::arm() {
  if (firing_ || !has_wait()) return;
  const TimePoint due = next_due();
  if (due == armed_for_ || due == TimePoint::max()) return;
  armed_for_ = due;
  timer_.expires_at(std::chrono::steady_clock::time_point{std::chrono::nanoseconds{to_ns(due)} + lateness_});
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // re-armed for an earlier instant
    armed_for_ = TimePoint::max();
    firing_ = true;
    fire_until(now());
    firing_ = false;
    arm();
  });
}

}  // namespace cellrig
