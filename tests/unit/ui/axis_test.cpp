#include "ui/chart/axis.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace cellrig::ui {
namespace {

TEST(Axis, steps_are_one_two_or_five_times_a_power_of_ten) {
  EXPECT_DOUBLE_EQ(nice_step(10, 10), 1);
  EXPECT_DOUBLE_EQ(nice_step(10, 6), 2);
  EXPECT_DOUBLE_EQ(nice_step(0.5, 6), 0.1);
  EXPECT_DOUBLE_EQ(nice_step(7000, 5), 2000);
  EXPECT_DOUBLE_EQ(nice_step(0, 5), 1);
  EXPECT_DOUBLE_EQ(nice_step(std::nan(""), 5), 1);
}

// Seen: the pane of the current, 90 pixels high, with nothing but a zero at its axis.
TEST(Axis, carries_at_least_two_numbers) {
  EXPECT_DOUBLE_EQ(nice_step_within({-2.9, 4.4}, 2), 2);
  EXPECT_DOUBLE_EQ(nice_step_within({1.02, 1.08}, 1), 0.02);
  EXPECT_DOUBLE_EQ(nice_step_within({0, 10}, 5), 2);
}

TEST(Axis, has_as_many_decimals_as_its_steps_need) {
  EXPECT_EQ(decimals_for(1), 0);
  EXPECT_EQ(decimals_for(20), 0);
  EXPECT_EQ(decimals_for(0.5), 1);
  EXPECT_EQ(decimals_for(0.1), 1);
  EXPECT_EQ(decimals_for(0.002), 3);
}

// A cell at rest must show a flat line in the middle, not the last digit of the converter at the height of a signal.
TEST(Axis, does_not_blow_noise_up) {
  const Window y = padded({3.7001, 3.7002}, 0.01);
  EXPECT_NEAR(y.span(), 0.01, 1e-12);
  EXPECT_NEAR((y.from + y.to) / 2, 3.70015, 1e-9);
  EXPECT_GT(padded({0, 1}, 0.01).to, 1.0);
}

TEST(Axis, tells_time_in_a_unit_that_fits) {
  EXPECT_EQ(time_unit_for(100).symbol, "s");
  EXPECT_EQ(time_unit_for(3600).symbol, "min");
  EXPECT_EQ(time_unit_for(7 * 3600).symbol, "h");
  EXPECT_EQ(time_unit_for(30.0 * 86400).symbol, "d");
  EXPECT_DOUBLE_EQ(nice_time_step(60, 5, {60, "min"}), 15);
  EXPECT_DOUBLE_EQ(nice_time_step(120, 5, {60, "min"}), 30);
}

TEST(Axis, zoom_stays_within_the_run_and_keeps_what_is_under_the_cursor) {
  const Window whole{0, 1000};
  const Window closer = zoomed({0, 1000}, {.factor = 0.5, .centre = 400}, whole);
  EXPECT_NEAR(closer.from, 200, 1e-9);
  EXPECT_NEAR(closer.to, 700, 1e-9);
  EXPECT_EQ(zoomed({200, 700}, {.factor = 100, .centre = 400}, whole), whole);
  EXPECT_NEAR(zoomed({200, 700}, {.factor = 1e-9, .centre = 400, .span_min = 1}, whole).span(), 1, 1e-9);
  EXPECT_EQ(panned({200, 700}, 1e6, whole), (Window{500, 1000}));
  EXPECT_EQ(panned({200, 700}, -1e6, whole), (Window{0, 500}));
}

}  // namespace
}  // namespace cellrig::ui
