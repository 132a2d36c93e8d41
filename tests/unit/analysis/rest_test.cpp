#include "db/analysis/rest.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/analysis/synthetic.hpp"

namespace cellrig::db {
namespace {

using test::curve_of;

TEST(Relaxation, tells_what_has_gone_by_each_time) {
  const auto voltage = [](double t) { return 4.10 + 0.05 * std::exp(-t / 100); };
  const auto rest = curve_of({.every_s = 0.1, .voltage_V = voltage});
  const auto points = relaxation(Volts{4.2}, rest);
  ASSERT_EQ(points.size(), 6U);
  for (const RelaxationPoint& p : points) EXPECT_NEAR(p.change.value(), voltage(p.at_s) - 4.2, 1e-7) << p.at_s;
  EXPECT_LT(points[0].change.value(), 0) << "after a charge the voltage falls";
}

TEST(SelfDischarge, is_the_slope_of_the_settled_part) {
  // A decay that is over after an hour, and -0.5 mV/h for ever; 10 Ah/V there: 5 mA.
  const auto rest = curve_of(
      {.to_s = 36'000, .every_s = 10, .voltage_V = [](double t) { return 4.1 + 0.05 * std::exp(-t / 300) - 0.0005 * t / 3600; }});
  const auto found = self_discharge(rest, 7200, 10.0);
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->slope_V_per_h, -0.0005, 1e-9);
  EXPECT_NEAR(*found->current_A, 0.005, 1e-8);
  EXPECT_LT(found->slope_uncertainty_V_per_h, 1e-8);
  EXPECT_DOUBLE_EQ(found->from_s, 7200);
  EXPECT_FALSE(self_discharge(rest, 35'000)) << "less than a tenth is left";
  EXPECT_FALSE(self_discharge({}, 0));
}

TEST(SelfDischarge, tells_how_sure_a_noisy_slope_is) {
  // An alternating error of 1 mV on 100 rows: its standard deviation is 1 mV.
  int i = 0;
  const auto rest =
      curve_of({.to_s = 3600, .every_s = 36, .voltage_V = [&i](double) { return 4.0 + (++i % 2 == 0 ? 1e-3 : -1e-3); }});
  const auto found = self_discharge(rest, 0);
  ASSERT_TRUE(found);
  const double expected = 1e-3 * std::sqrt(101.0 / 99.0) / std::sqrt(101 * (101.0 * 101 - 1) / 12 * 36 * 36) * 3600;
  EXPECT_NEAR(found->slope_uncertainty_V_per_h, expected, 0.01 * expected);
  EXPECT_LT(std::abs(found->slope_V_per_h), 2 * found->slope_uncertainty_V_per_h);
}

TEST(SelfDischarge, by_charge_is_a_mean_current) {
  EXPECT_NEAR(*self_discharge_current(5.0, 4.9, 100 * 3600.0), 1e-3, 1e-12);
  EXPECT_FALSE(self_discharge_current(5.0, 4.9, 0));
}

// A healthy rest only slows down: |dV/dt| never rises.
TEST(PlatingSignal, is_absent_in_a_healthy_rest) {
  const auto healthy =
      curve_of({.to_s = 7200, .voltage_V = [](double t) { return 4.1 + 0.04 * std::exp(-t / 60) + 0.03 * std::exp(-t / 900); }});
  const auto signal = plating_signal(healthy);
  ASSERT_TRUE(signal);
  EXPECT_FALSE(signal->is_found) << signal->contrast;
}

// Noise of the voltmeter makes slopes rise and fall: that is no lithium.
TEST(PlatingSignal, is_absent_in_noise) {
  std::uint32_t state = 1;
  const auto noise_V = [&state] {
    state = state * 1664525U + 1013904223U;
    return 2e-4 * (static_cast<double>(state >> 8) / 16777216.0 - 0.5);
  };
  const auto noisy = curve_of({.to_s = 7200, .voltage_V = [&](double t) {
                                 return 4.1 + 0.04 * std::exp(-t / 60) + 0.03 * std::exp(-t / 900) + noise_V();
                               }});
  EXPECT_FALSE(plating_signal(noisy)->is_found);
}

// Stripping holds the voltage up, and then lets it fall: a step of 15 mV around 1500 s.
TEST(PlatingSignal, is_found_where_the_plateau_ends) {
  const auto plated =
      curve_of({.to_s = 7200, .voltage_V = [](double t) {
                  return 4.1 + 0.04 * std::exp(-t / 60) + 0.03 * std::exp(-t / 900) - 0.015 / (1 + std::exp(-(t - 1500) / 80));
                }});
  const auto signal = plating_signal(plated);
  ASSERT_TRUE(signal);
  EXPECT_TRUE(signal->is_found);
  EXPECT_NEAR(signal->peak_at_s, 1500, 120);
  EXPECT_LT(signal->plateau_at_s, 1400);
  EXPECT_GT(signal->contrast, 1.5);
}

TEST(PlatingSignal, needs_a_rest_that_is_long_enough) {
  EXPECT_FALSE(plating_signal(curve_of({.to_s = 12})));
  EXPECT_FALSE(plating_signal({}));
}

}  // namespace
}  // namespace cellrig::db
