// The vocabulary of time. Nobody here reads a clock: only a TimeSource (controller/async) does.
#pragma once

#include <chrono>
#include <cstdint>

namespace cellrig {

using Duration = std::chrono::nanoseconds;

/// The rig's own steady time line. It has no now(): ask a TimeSource.
struct RigClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<RigClock, duration>;
  static constexpr bool is_steady = true;
};
using TimePoint = RigClock::time_point;

/// A label for people (UTC, nanoseconds since 1970). Never used to measure a duration.
struct UtcTime {
  std::int64_t ns_since_epoch = 0;
  auto operator<=>(const UtcTime&) const = default;
};

/// An instant by which something must be over. Passed down instead of a duration: it is the retry budget.
struct Deadline {
  TimePoint at;
};

constexpr double to_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
constexpr Duration from_seconds(double s) { return Duration{static_cast<Duration::rep>(s * 1e9 + (s < 0 ? -0.5 : 0.5))}; }
constexpr std::int64_t to_ns(TimePoint t) { return t.time_since_epoch().count(); }
constexpr TimePoint midpoint(TimePoint a, TimePoint b) { return a + (b - a) / 2; }

}  // namespace cellrig
