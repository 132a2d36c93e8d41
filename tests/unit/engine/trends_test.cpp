// Slopes over a window, from a handful of points.
#include "controller/engine/trends.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace cellrig {
namespace {

using namespace std::chrono_literals;

TimePoint moment(double seconds) { return TimePoint{} + from_seconds(seconds); }

TEST(TrendWindow, a_straight_line_has_its_slope_whatever_the_period_of_the_samples) {
  for (const double period : {0.1, 1.0, 2.5, 10.0, 37.0, 90.0}) {
    TrendWindow window;
    bool is_known = false;
    for (double t = 0; t < 1000; t += period) {
      const std::optional<double> slope = window.slope_per_s(1min, moment(t), 3.0 + 0.002 * t);
      EXPECT_EQ(slope.has_value(), t >= 60.0) << period << " s, at " << t << " s";
      if (slope) {
        EXPECT_NEAR(*slope, 0.002, 1e-9) << period;
        is_known = true;
      }
      window.add(1min, moment(t), 3.0 + 0.002 * t);
    }
    EXPECT_TRUE(is_known);
  }
}

TEST(TrendWindow, looks_back_a_window_and_hardly_further) {
  TrendWindow window;
  for (double t = 0; t <= 600; t += 1) {
    const double value = t < 500 ? 0.0 : t - 500;  // at 560 s all of a window lies on the slope
    const std::optional<double> slope = window.slope_per_s(1min, moment(t), value);
    if (t == 499) {
      EXPECT_EQ(slope, 0.0);
    }
    if (t == 530) {
      EXPECT_NEAR(slope.value(), 0.5, 0.1);
    }
    if (t >= 570) {
      EXPECT_NEAR(slope.value(), 1.0, 1e-9);
    }
    window.add(1min, moment(t), value);
  }
}

TEST(Trends, remember_the_greatest_voltage_and_the_first_temperature_and_forget_slopes_at_a_gap) {
  Trends trends;
  for (int t = 0; t < 700; ++t) {
    trends.add_voltage(moment(t), t == 300 ? 4.0 : 3.5);
    trends.add_temperature(moment(t), 20.0 + 0.01 * t);
  }
  EXPECT_EQ(trends.voltage_max_V, 4.0);
  EXPECT_EQ(trends.temperature_first_degC, 20.0);
  EXPECT_TRUE(trends.temperature_hour.slope_per_s(Trends::ten_minutes, moment(700), 27.0));
  trends.forget_slopes();
  EXPECT_FALSE(trends.temperature_hour.slope_per_s(Trends::ten_minutes, moment(700), 27.0));
  EXPECT_EQ(trends.voltage_max_V, 4.0);
}

}  // namespace
}  // namespace cellrig
