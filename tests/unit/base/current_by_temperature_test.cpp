#include "controller/base/current_by_temperature.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "controller/base/setpoint.hpp"

namespace cellrig {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

CurrentByTemperature rises_and_falls() {
  CurrentByTemperature table;
  EXPECT_TRUE(table.add({Celsius{0}, Amps{1}}));
  EXPECT_TRUE(table.add({Celsius{20}, Amps{5}}));
  EXPECT_TRUE(table.add({Celsius{40}, Amps{3}}));
  return table;
}

double at(const CurrentByTemperature& table, double degC) { return table.at(Celsius{degC}).value(); }

TEST(CurrentByTemperature, is_linear_between_its_points_and_holds_the_ends_beyond_them) {
  const CurrentByTemperature table = rises_and_falls();
  EXPECT_EQ(at(table, -40), 1.0);
  EXPECT_EQ(at(table, 0), 1.0);
  EXPECT_DOUBLE_EQ(at(table, 10), 3.0);
  EXPECT_EQ(at(table, 20), 5.0);
  EXPECT_DOUBLE_EQ(at(table, 30), 4.0);
  EXPECT_EQ(at(table, 40), 3.0);
  EXPECT_EQ(at(table, 90), 3.0);
}

// A sensor that gives no number must not allow more than the worst temperature does.
TEST(CurrentByTemperature, what_is_no_temperature_gets_the_least) {
  const CurrentByTemperature table = rises_and_falls();
  EXPECT_EQ(at(table, nan), 1.0);
  EXPECT_EQ(at(table, -nan), 1.0);
  EXPECT_EQ(table.least().value(), 1.0);
}

TEST(CurrentByTemperature, between_two_temperatures_the_least_counts_points_inside_included) {
  const CurrentByTemperature table = rises_and_falls();
  EXPECT_DOUBLE_EQ(table.least_between(Celsius{10}, Celsius{30}).value(), 3.0);
  EXPECT_DOUBLE_EQ(table.least_between(Celsius{30}, Celsius{50}).value(), 3.0);
  CurrentByTemperature valley;
  EXPECT_TRUE(valley.add({Celsius{0}, Amps{5}}));
  EXPECT_TRUE(valley.add({Celsius{20}, Amps{1}}));
  EXPECT_TRUE(valley.add({Celsius{40}, Amps{5}}));
  EXPECT_EQ(valley.least_between(Celsius{10}, Celsius{30}).value(), 1.0);
}

TEST(CurrentByTemperature, without_points_there_is_no_such_limit) {
  const CurrentByTemperature none;
  EXPECT_TRUE(std::isinf(at(none, 25)));
  EXPECT_TRUE(std::isinf(at(none, nan)));
  EXPECT_TRUE(std::isinf(none.least().value()));
}

TEST(CurrentByTemperature, takes_no_point_that_does_not_rise_or_is_no_number_or_too_many) {
  CurrentByTemperature table;
  EXPECT_FALSE(table.add({Celsius{nan}, Amps{1}}));
  EXPECT_TRUE(table.add({Celsius{0}, Amps{1}}));
  EXPECT_FALSE(table.add({Celsius{0}, Amps{2}}));
  EXPECT_FALSE(table.add({Celsius{nan}, Amps{2}}));
  EXPECT_FALSE(table.add({Celsius{1}, Amps{nan}}));
  EXPECT_FALSE(table.add({Celsius{1}, Amps{-1}}));
  EXPECT_EQ(table.points().size(), 1U);
  for (std::size_t i = 1; i < CurrentByTemperature::points_max; ++i) {
    EXPECT_TRUE(table.add({Celsius{static_cast<double>(i)}, Amps{1}}));
  }
  EXPECT_FALSE(table.add({Celsius{99}, Amps{1}}));
}

TEST(CurrentBounds, are_what_a_set_point_allows_in_each_direction) {
  const auto bounds = [](const Setpoint& setpoint) { return current_bounds(setpoint); };
  EXPECT_EQ(bounds(ConstantCurrent{Amps{2}, Volts{2.5}, Volts{4.2}}).charge, Amps{2});
  EXPECT_EQ(bounds(ConstantCurrent{Amps{2}, Volts{2.5}, Volts{4.2}}).discharge, Amps{0});
  EXPECT_EQ(bounds(ConstantCurrent{Amps{-3}, Volts{2.5}, Volts{4.2}}).discharge, Amps{3});
  EXPECT_EQ(bounds(ConstantVoltage{Volts{4}, Amps{-1}, Amps{2}}).charge, Amps{2});
  EXPECT_EQ(bounds(ConstantVoltage{Volts{4}, Amps{-1}, Amps{2}}).discharge, Amps{1});
  EXPECT_EQ(bounds(ConstantPower{Watts{-5}, Volts{2.5}, Volts{4.2}, Amps{4}}).discharge, Amps{4});
  EXPECT_EQ(bounds(ConstantPower{Watts{5}, Volts{2.5}, Volts{4.2}, Amps{4}}).charge, Amps{4});
  EXPECT_EQ(bounds(ConstantResistance{Ohms{1}, Volts{2.5}, Volts{4.2}, Amps{4}}).discharge, Amps{4});
}

}  // namespace
}  // namespace cellrig
