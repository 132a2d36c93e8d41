#include "db/analysis/differential.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/analysis/synthetic.hpp"

namespace cellrig::db {
namespace {

using test::curve_of;

double sum_of(const Differential& differential, double width) {
  double sum = 0;
  for (const DifferentialPoint& p : differential.points) sum += p.value * width;
  return sum;
}

TEST(DqDv, of_a_straight_line_is_its_slope) {
  // 1 Ah in an hour from 3 V to 4 V: 1 Ah/V everywhere.
  const auto curve =
      curve_of({.every_s = 13, .voltage_V = [](double t) { return 3 + t / 3600; }, .current_A = [](double) { return 1.0; }});
  const auto found = dq_dv(curve, {.voltage_step_V = 0.01});
  ASSERT_TRUE(found);
  for (std::size_t i = 1; i + 2 < found->points.size(); ++i) EXPECT_NEAR(found->points[i].value, 1, 1e-9) << i;
  EXPECT_NE(found->resampling.find("bins of 10 mV"), std::string::npos) << found->resampling;
}

TEST(DqDv, keeps_all_of_the_charge) {
  const auto curve =
      curve_of({.voltage_V = [](double t) { return 3.3 + 0.3 * std::tanh((t - 1800) / 600) + 0.002 * std::sin(t); },
                .current_A = [](double t) { return 2 + std::sin(t / 50); }});
  for (const double width : {0.001, 0.005, 0.02}) {
    EXPECT_NEAR(sum_of(*dq_dv(curve, {.voltage_step_V = width}), width), curve.back().moved_Ah, 1e-9) << width;
  }
}

// Two phases, two peaks: where they stand is what the engineer reads off.
TEST(DqDv, finds_the_peaks_of_two_plateaus) {
  // Voltage against time flattens around 3.45 V and 3.75 V: the inverse of a sum of two steps, built by stepping the voltage.
  std::vector<CurvePoint> curve;
  double moved_Ah = 0;
  for (double v = 3.2; v < 4.0; v += 0.0005) {
    const auto bell = [v](double centre) { return std::exp(-0.5 * std::pow((v - centre) / 0.02, 2)); };
    moved_Ah += 0.0005 * (0.5 + 8 * bell(3.45) + 4 * bell(3.75));
    curve.push_back({.time_s = moved_Ah * 3600, .voltage_V = v, .current_A = 1, .moved_Ah = moved_Ah});
  }
  const auto found = dq_dv(curve);
  ASSERT_TRUE(found);
  const auto peaks = peaks_of(*found, 0.1);
  ASSERT_EQ(peaks.size(), 2U);
  EXPECT_NEAR(peaks[0].at, 3.45, 0.005);
  EXPECT_NEAR(peaks[1].at, 3.75, 0.005);
  EXPECT_NEAR(peaks[0].value, 8.5, 0.2);
  const auto smoothed = dq_dv(curve, {.smoothed_over = 5});
  EXPECT_LT(peaks_of(*smoothed, 0.1)[0].value, peaks[0].value) << "smoothing costs height, and says so";
  EXPECT_NE(smoothed->resampling.find("moving mean over 5"), std::string::npos);
}

TEST(DqDv, leaves_out_what_flowed_under_constant_voltage) {
  auto curve = curve_of({.voltage_V = [](double t) { return std::min(4.2, 3.2 + t / 1800); },
                         .current_A = [](double) { return 1.0; },
                         .is_cv = [](double t) { return t > 1800; }});
  const auto found = dq_dv(curve);
  ASSERT_TRUE(found);
  EXPECT_NEAR(sum_of(*found, 0.005), 0.5, 1e-9);
}

TEST(DqDv, refuses_a_grid_without_an_end) {
  const auto curve = curve_of({.voltage_V = [](double t) { return 3 + t / 3600; }, .current_A = [](double) { return 1.0; }});
  EXPECT_FALSE(dq_dv(curve, {.voltage_step_V = 0}));
  EXPECT_FALSE(dq_dv(curve, {.voltage_step_V = 1e-9}));
  EXPECT_FALSE(dq_dv({}));
}

TEST(DvDq, of_a_discharge_is_the_slope_of_its_voltage) {
  // 2 Ah out in an hour, quadratic voltage: dV/dQ = 0.1 + 0.2 q.
  const auto curve = curve_of({.voltage_V =
                                   [](double t) {
                                     const double q = t / 1800;
                                     return 4 - 0.1 * q - 0.1 * q * q;
                                   },
                               .current_A = [](double) { return -2.0; }});
  const auto found = dv_dq(curve, {.charge_step_Ah = 0.02});
  ASSERT_TRUE(found);
  ASSERT_EQ(found->points.size(), 100U);
  for (const DifferentialPoint& p : found->points) EXPECT_NEAR(p.value, 0.1 + 0.2 * p.at, 1e-6) << p.at;
  EXPECT_FALSE(dv_dq(curve_of({})));
}

}  // namespace
}  // namespace cellrig::db
