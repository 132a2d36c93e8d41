#include "controller/base/time.hpp"

#include <gtest/gtest.h>

#include <concepts>
#include <type_traits>

namespace cellrig {
namespace {

using namespace std::chrono_literals;

// Nobody reads a clock but a TimeSource, and the label for people is no instant of the rig.
template <class Clock>
concept has_now = requires {
  Clock::now();
};
static_assert(!has_now<RigClock>);
static_assert(!std::convertible_to<UtcTime, TimePoint> && !std::convertible_to<TimePoint, UtcTime>);
static_assert(!std::convertible_to<std::chrono::steady_clock::time_point, TimePoint>);
static_assert(!std::convertible_to<double, Duration>);

template <class A, class B>
concept subtracts = requires(A a, B b) {
  a - b;
};
static_assert(!subtracts<UtcTime, UtcTime>, "wall time never measures a duration");

TEST(Time, seconds_are_rounded_to_the_nearest_nanosecond_on_both_sides_of_zero) {
  EXPECT_EQ(from_seconds(1.5), 1'500'000'000ns);
  EXPECT_EQ(from_seconds(1.6e-9), 2ns);
  EXPECT_EQ(from_seconds(1.4e-9), 1ns);
  EXPECT_EQ(from_seconds(-1.6e-9), -2ns);
  EXPECT_EQ(from_seconds(-1.4e-9), -1ns);
  EXPECT_EQ(from_seconds(0.0), 0ns);
}

// An end condition "step_time_s >= 4.1" must hold at the instant that was computed from 4.1.
TEST(Time, a_decimal_number_of_seconds_survives_the_way_to_nanoseconds_and_back) {
  for (int thousandths = 0; thousandths < 200'000; ++thousandths) {
    const double seconds = thousandths / 1000.0;
    ASSERT_EQ(to_seconds(from_seconds(seconds)), seconds);
  }
  for (const double days : {1.0, 30.0, 400.0}) ASSERT_EQ(to_seconds(from_seconds(days * 86400.0)), days * 86400.0);
}

TEST(Time, the_middle_of_an_exchange_lies_between_its_ends_even_late_on_the_time_line) {
  EXPECT_EQ(midpoint(TimePoint{10s}, TimePoint{12s}), TimePoint{11s});
  const TimePoint late{Duration::max() - 10ns};  // the sum of both would overflow
  EXPECT_EQ(midpoint(late, late + 4ns), late + 2ns);
}

TEST(Time, the_rig_time_line_is_counted_in_nanoseconds) { EXPECT_EQ(to_ns(TimePoint{2s + 3ns}), 2'000'000'003); }

}  // namespace
}  // namespace cellrig
