#include "db/analysis/rest.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "sim/cell_draw.hpp"
#include "sim/random.hpp"
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

/// A voltmeter: noise of this standard deviation, then its last digit.
struct Voltmeter {
  double noise_V = 0.0, digit_V = 0.0;
};

std::vector<CurvePoint> seen_by(const Voltmeter& meter, std::uint64_t seed, double every_s,
                                const std::function<double(double)>& voltage) {
  sim::Random random{seed};
  return curve_of({.to_s = 7200, .every_s = every_s, .voltage_V = [&](double t) {
                     const double read_V = voltage(t) + meter.noise_V * sim::draw_normal(random);
                     return meter.digit_V > 0.0 ? meter.digit_V * std::round(read_V / meter.digit_V) : read_V;
                   }});
}

double healthy_V(double t) { return 4.1 + 0.04 * std::exp(-t / 60) + 0.03 * std::exp(-t / 900); }
/// The lithium that dissolves again holds the voltage up until 1500 s, by 15 mV.
double plated_V(double t) { return healthy_V(t) - 0.015 / (1 + std::exp(-(t - 1500) / 80)); }

// Noise and digits of the voltmeter make slopes rise and fall, and so does a chamber that regulates: that is no lithium.
TEST(PlatingSignal, is_absent_in_noise) {
  const auto flat = [](double) { return 4.1; };
  const auto rising = [](double t) { return 4.1 + 1e-6 * t; };
  const auto swinging = [](double t) { return healthy_V(t) + 1e-4 * std::sin(t / 200); };
  const std::vector<std::function<double(double)>> voltages{healthy_V, flat, rising, swinging};
  const std::vector<Voltmeter> meters{{1e-4, 0.0}, {1e-3, 0.0}, {0.0, 1.14e-3}, {3e-4, 1.14e-3}, {2e-3, 1e-4}, {0.0, 1e-4}};
  for (const double every_s : {1.0, 10.0, 60.0}) {
    for (const Voltmeter& meter : meters) {
      int found = 0;
      for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        for (const auto& voltage : voltages) {
          const auto signal = plating_signal(seen_by(meter, seed, every_s, voltage));
          found += signal && signal->is_found ? 1 : 0;
        }
      }
      EXPECT_EQ(found, 0) << "of 200, every " << every_s << " s, noise " << meter.noise_V << " V, digit " << meter.digit_V
                          << " V";
    }
  }
}

// The sign is told with its uncertainty, and seen as long as the voltmeter can see it at all.
TEST(PlatingSignal, is_found_in_noise_that_it_stands_out_of) {
  const auto clean = plating_signal(seen_by({}, 1, 1.0, plated_V));
  ASSERT_TRUE(clean);
  int found = 0, near = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto signal = plating_signal(seen_by({1e-4, 0.0}, seed, 1.0, plated_V));
    ASSERT_TRUE(signal);
    found += signal->is_found ? 1 : 0;
    near += std::abs(signal->contrast - clean->contrast) <= 3.0 * signal->contrast_uncertainty ? 1 : 0;
    EXPECT_GT(signal->contrast_uncertainty, 0.0);
    EXPECT_LT(signal->contrast_uncertainty, 0.2 * signal->contrast);
  }
  EXPECT_EQ(found, 100);
  EXPECT_GE(near, 95);
}

// Where the noise would hide a sign there is no word of health.
TEST(PlatingSignal, is_undecided_where_nothing_could_be_seen) {
  const auto clear = plating_signal(seen_by({1e-5, 0.0}, 1, 1.0, healthy_V));
  ASSERT_TRUE(clear);
  EXPECT_FALSE(clear->is_undecided());
  EXPECT_LT(clear->contrast_seen_from, 1.5);
  const auto blind = plating_signal(seen_by({0.0, 1.14e-3}, 1, 10.0, healthy_V));
  ASSERT_TRUE(blind);
  EXPECT_FALSE(blind->is_found);
  EXPECT_TRUE(blind->is_undecided()) << blind->contrast_seen_from;
}

// Stripping holds the voltage up, and then lets it fall: a step of 15 mV around 1500 s.
TEST(PlatingSignal, is_found_where_the_plateau_ends) {
  const auto plated = curve_of({.to_s = 7200, .voltage_V = plated_V});
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
