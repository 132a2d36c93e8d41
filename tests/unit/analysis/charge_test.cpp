#include "db/analysis/charge.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/analysis/synthetic.hpp"

namespace cellrig::db {
namespace {

using test::curve_of;

TEST(Integrate, keeps_charge_and_discharge_apart) {
  // Half an hour at +2 A, then half an hour at -1 A, at 4 V: the step between them takes one second.
  const auto curve =
      curve_of({.voltage_V = [](double) { return 4.0; }, .current_A = [](double t) { return t < 1800 ? 2.0 : -1.0; }});
  const Sums sums = integrate(curve);
  // Straight through zero in that second: two thirds of it charge, one third discharges.
  EXPECT_NEAR(sums.charge_Ah, (1799 * 2.0 + 2.0 / 3) / 3600, 1e-12);
  EXPECT_NEAR(sums.discharge_Ah, (1800 * 1.0 + 1.0 / 6) / 3600, 1e-12);
  EXPECT_NEAR(sums.charge_Wh, 4 * sums.charge_Ah, 1e-12);
  EXPECT_NEAR(sums.discharge_Wh, 4 * sums.discharge_Ah, 1e-12);
}

// From -5 A to +2 A in a second, the voltage rising meanwhile: against a sum over a million pieces.
TEST(Integrate, a_current_that_turns_round_between_two_rows_is_split_where_it_is_none) {
  const auto curve = curve_of(
      {.to_s = 1, .voltage_V = [](double t) { return 3.6 + 0.3 * t; }, .current_A = [](double t) { return -5.0 + 7.0 * t; }});
  ASSERT_EQ(curve.size(), 2U);
  Sums pieces;
  constexpr int count = 1'000'000;
  for (int i = 0; i < count; ++i) {
    const double t = (i + 0.5) / count, current_A = -5.0 + 7.0 * t, power_W = current_A * (3.6 + 0.3 * t);
    (current_A > 0 ? pieces.charge_Ah : pieces.discharge_Ah) += std::abs(current_A) / count / 3600;
    (current_A > 0 ? pieces.charge_Wh : pieces.discharge_Wh) += std::abs(power_W) / count / 3600;
  }
  const Sums sums = integrate(curve);
  EXPECT_NEAR(sums.discharge_Ah, 25.0 / 14 / 3600, 1e-15);
  EXPECT_NEAR(sums.charge_Ah, 4.0 / 14 / 3600, 1e-15);
  for (const auto sum : {&Sums::charge_Ah, &Sums::discharge_Ah, &Sums::charge_Wh, &Sums::discharge_Wh})
    EXPECT_NEAR(sums.*sum, pieces.*sum, 1e-12);
}

// Nobody knows what flowed while nobody measured.
TEST(Integrate, does_not_reach_across_a_gap) {
  auto curve = curve_of({.to_s = 10, .current_A = [](double) { return 3.6; }});
  curve[5].is_after_gap = true;
  EXPECT_NEAR(integrate(curve).charge_Ah, 9 * 0.001, 1e-12);
  integrate_charge(curve);
  EXPECT_NEAR(curve.back().moved_Ah, 9 * 0.001, 1e-12);
}

TEST(Efficiencies, follow_from_the_sums) {
  const Efficiencies e = efficiencies({.charge_Ah = 5.0, .discharge_Ah = 4.9, .charge_Wh = 19.0, .discharge_Wh = 17.15});
  EXPECT_NEAR(*e.coulombic, 0.98, 1e-12);
  EXPECT_NEAR(*e.energy, 17.15 / 19.0, 1e-12);
  EXPECT_NEAR(*e.voltage, *e.energy / *e.coulombic, 1e-12);
  EXPECT_NEAR(*e.hysteresis_V, 3.8 - 3.5, 1e-12);
  EXPECT_FALSE(efficiencies({}).coulombic) << "no charge, no efficiency";
  EXPECT_FALSE(efficiencies({.charge_Ah = 1, .charge_Wh = 4}).voltage) << "no discharge, no voltage efficiency";
}

TEST(CvShare, goes_by_the_regulators_word) {
  // 50 min at 3 A, then 10 min under constant voltage with the current falling straight to 0.
  const auto curve = curve_of({.current_A = [](double t) { return t <= 3000 ? 3.0 : 3.0 * (3600 - t) / 600; },
                               .is_cv = [](double t) { return t > 3000; }});
  const CvShare share = cv_share(curve);
  EXPECT_NEAR(share.cc_Ah, 2.5, 1e-9);
  EXPECT_NEAR(share.cv_Ah, 0.25, 1e-9);
  EXPECT_NEAR(*share.charge_share(), 0.25 / 2.75, 1e-9);
  EXPECT_DOUBLE_EQ(share.cc_time_s, 3000);
  EXPECT_DOUBLE_EQ(share.cv_time_s, 600);
  EXPECT_FALSE(cv_share({}).charge_share());
}

TEST(ChargeTime, of_a_window_is_straight_between_rows) {
  // 5 A into 5 Ah from 10 %: 15 % after 180 s, 90 % after 2880 s. 10 K warmer in an hour.
  const auto curve = curve_of(
      {.every_s = 7, .current_A = [](double) { return 5.0; }, .temperature_degC = [](double t) { return 25 + t / 360; }});
  const auto time = charge_time(curve, {.from_pct = 15, .to_pct = 90, .start_pct = 10, .reference_Ah = 5});
  ASSERT_TRUE(time);
  EXPECT_NEAR(time->seconds, 0.75 * 3600, 1e-9);
  EXPECT_NEAR(time->mean_rate_C, 1.0, 1e-12);
  EXPECT_NEAR(time->cell_temperature_max_degC, 25 + 2877.0 / 360, 1e-9) << "the last row inside the window";
  EXPECT_NEAR(time->cell_temperature_rise_K, (2877.0 - 175) / 360, 1e-9) << "from the last row at or before its beginning";
}

TEST(ChargeTime, is_none_for_a_window_that_was_not_passed_through) {
  const auto curve = curve_of({.current_A = [](double) { return 5.0; }});
  EXPECT_FALSE(charge_time(curve, {.from_pct = 5, .to_pct = 50, .start_pct = 10, .reference_Ah = 5})) << "began above";
  EXPECT_FALSE(charge_time(curve, {.from_pct = 15, .to_pct = 120, .start_pct = 10, .reference_Ah = 5})) << "never came there";
  EXPECT_FALSE(charge_time(curve, {.from_pct = 15, .to_pct = 90, .reference_Ah = 0}));
  EXPECT_FALSE(charge_time(curve, {.from_pct = 90, .to_pct = 15, .reference_Ah = 5}));
  EXPECT_FALSE(charge_time({}, {.from_pct = 0, .to_pct = 90, .reference_Ah = 5}));
}

TEST(ChargeAfter, minutes_tells_what_went_in) {
  const auto curve = curve_of({.every_s = 7, .current_A = [](double) { return 5.0; }});
  EXPECT_NEAR(*charge_after(curve, 600), 5.0 / 6, 1e-9);
  EXPECT_FALSE(charge_after(curve, 4000));
}

TEST(Interpolate, does_not_reach_beyond_the_curve_nor_into_a_gap) {
  auto curve = curve_of({.to_s = 10, .voltage_V = [](double t) { return 3 + t; }});
  EXPECT_NEAR(interpolate(curve, 2.25)->voltage_V, 5.25, 1e-12);
  EXPECT_NEAR(interpolate(curve, 10)->voltage_V, 13, 1e-12);
  EXPECT_FALSE(interpolate(curve, 10.1));
  EXPECT_FALSE(interpolate(curve, -0.1));
  curve[3].is_after_gap = true;
  EXPECT_FALSE(interpolate(curve, 2.25));
}

}  // namespace
}  // namespace cellrig::db
