// Signs of a soft short: a voltage that falls while charging, and in the rest after it.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "db/verdict/measure.hpp"
#include "sim/cell_draw.hpp"
#include "tests/support/play.hpp"

namespace cellrig::verdict {
namespace {

using test::Play;
using test::PlayedStep;

Instruments voltmeter() {
  Instruments i;
  i.voltage.offset = 0.03;
  i.voltage.gain_fraction = 0.0002;
  return i;
}

using OverTime = std::function<double(double at_s)>;

std::vector<db::SampleRow> rows_of(double seconds, double period_s, const OverTime& voltage_V, const OverTime& current_A) {
  std::vector<db::SampleRow> rows;
  for (double at_s = 0.0; at_s <= seconds; at_s += period_s) {
    db::SampleRow row;
    row.test_time_ns = static_cast<std::int64_t>(at_s * 1e9);
    row.voltage_V = voltage_V(at_s);
    row.current_A = current_A(at_s);
    row.charge_Ah = row.current_A * at_s / 3600.0;
    rows.push_back(row);
  }
  return rows;
}
double five_A(double) { return 5.0; }
double no_A(double) { return 0.0; }

void add_charge(Play& play, double period_s, const OverTime& voltage_V, const OverTime& current_A = five_A) {
  play.add({.name = "charge", .seconds = 600.0, .from_A = 5.0, .to_A = 5.0}, rows_of(600.0, period_s, voltage_V, current_A));
}
Result<Measured> slope_of(const Play& play, double window_s = 10.0) {
  return measure(play.facts(), {.quantity = ClaimQuantity::voltage_slope_least, .step = "charge", .window_s = window_s},
                 voltmeter(), {});
}
void add_rest(Play& play, double hours, const OverTime& voltage_V, double period_s = 60.0) {
  play.add({.name = "watch", .seconds = hours * 3600.0}, rows_of(hours * 3600.0, period_s, voltage_V, no_A));
}
Result<Measured> rest_slope_of(const Play& play, double last_h = 18.0) {
  return measure(play.facts(), {.quantity = ClaimQuantity::rest_slope_least, .step = "watch", .last_h = last_h}, voltmeter(), {});
}

// A dendrite that touches: 30 mV in ten seconds, in the second of two charges.
TEST(VerdictSlope, the_fall_of_a_soft_short_is_found_where_it_is) {
  Play play;
  add_charge(play, 1.0, [](double at_s) { return 3.7 + 1e-4 * at_s; });
  add_charge(play, 1.0,
             [](double at_s) { return 3.7 + 1e-4 * at_s - (at_s > 300.0 ? 0.003 * std::min(10.0, at_s - 300.0) : 0.0); });
  const Result<Measured> m = slope_of(play);
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, -2.9, 1e-3);
  EXPECT_NE(m->note.find("least in 'charge' (step 2), after 305 s"), std::string::npos) << m->note;
  EXPECT_NE(m->note.find("in 2 charges"), std::string::npos) << m->note;
  const Result<Measured> wider = slope_of(play, 60.0);
  ASSERT_TRUE(wider);
  EXPECT_GT(wider->value, -1.0) << "over a minute it is less steep";
}

// What begins, ends or tapers is no fall under a constant current.
TEST(VerdictSlope, only_a_constant_charging_current_counts) {
  Play play;
  add_charge(
      play, 1.0, [](double at_s) { return at_s < 100.0 ? 3.9 : 3.8; }, [](double at_s) { return at_s < 100.0 ? 5.0 : 4.0; });
  const Result<Measured> m = slope_of(play);
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 0.0, 1e-9);
  Play taper;
  add_charge(
      taper, 1.0, [](double) { return 4.2; }, [](double at_s) { return 5.0 * std::exp(-at_s / 100.0); });
  const Result<Measured> none = slope_of(taper);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().what.find("'charge' (step 1) has no 10 s of constant charging current with 3 rows"), std::string::npos)
      << none.error().what;
}

TEST(VerdictSlope, rows_that_lie_further_apart_than_the_window_are_refused) {
  Play play;
  add_charge(play, 10.0, [](double at_s) { return 3.7 + 1e-4 * at_s; });
  EXPECT_FALSE(slope_of(play));
  EXPECT_TRUE(slope_of(play, 30.0));
}

// Between the rows that are missing the voltage may have fallen.
TEST(VerdictSlope, a_charge_with_a_gap_is_refused) {
  Play play;
  play.add({.name = "charge", .seconds = 100.0, .from_A = 5.0, .to_A = 5.0, .has_gap = true});
  const Result<Measured> m = slope_of(play);
  ASSERT_FALSE(m);
  EXPECT_NE(m.error().what.find("gap"), std::string::npos);
}

// Noise makes a fall of some window, and says so: a millivolt over ten seconds of rows each second.
TEST(VerdictSlope, noise_alone_is_no_fall) {
  sim::Random random{7};
  Play play;
  add_charge(play, 1.0, [&](double) { return 3.7 + 0.001 * sim::draw_normal(random); });
  const Result<Measured> m = slope_of(play);
  ASSERT_TRUE(m) << m.error().what;
  const double expanded = combine(m->budget).expanded;
  EXPECT_LT(m->value, 0.0);
  EXPECT_GT(m->value + expanded, 0.0) << "the true slope is zero";
  // 0.001 V over the root of 110 s2 is 0.095 mV/s; the least of some 590 windows is known within about four of it.
  EXPECT_NEAR(expanded, 4.0 * 0.095, 0.06);
}

// Of one charge that is noisier than the others: its least window falls by its own noise.
TEST(VerdictSlope, noise_of_one_charge_is_its_own) {
  sim::Random random{7};
  Play play;
  const OverTime rises = [](double at_s) { return 3.7 + 1e-4 * at_s; };
  for (int i = 0; i < 2; ++i) add_charge(play, 1.0, rises);
  add_charge(play, 1.0, [&](double at_s) { return rises(at_s) + 0.001 * sim::draw_normal(random); });
  const Result<Measured> m = slope_of(play);
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NE(m->note.find("least in 'charge' (step 3)"), std::string::npos) << m->note;
  EXPECT_LT(m->value, 0.0);
  EXPECT_GT(m->value + combine(m->budget).expanded, 0.1) << "the true slope is 0.1 mV/s";
}

// A voltmeter of ten millivolts a digit makes steps of a slow rise or fall.
TEST(VerdictSlope, a_coarse_digit_counts) {
  Play play;
  add_charge(play, 1.0, [](double at_s) { return 0.01 * std::round((3.7 - 1e-4 * at_s) / 0.01); });
  const Result<Measured> m = slope_of(play);
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_LT(m->value, -1.0);
  EXPECT_GT(m->value + combine(m->budget).expanded, -0.2);
}

// A soft short shows where the charge is long and flat: rows that lie close at its beginning alone say nothing of it.
TEST(VerdictSlope, a_charge_of_which_little_lies_within_windows_is_refused) {
  Play play;
  std::vector<db::SampleRow> rows;
  for (const db::SampleRow& row : rows_of(
           600.0, 1.0, [](double at_s) { return 3.7 + 1e-4 * at_s; }, five_A)) {
    const std::int64_t at_s = row.test_time_ns / 1'000'000'000;
    if (at_s <= 60 || at_s % 60 == 0) rows.push_back(row);
  }
  play.add({.name = "charge", .seconds = 600.0, .from_A = 5.0, .to_A = 5.0}, rows);
  const Result<Measured> m = slope_of(play);
  ASSERT_FALSE(m);
  EXPECT_NE(m.error().what.find("only 10 % of the constant charging current lies within windows"), std::string::npos)
      << m.error().what;
}

// One step of the last digit in 18 hours is a slope of anything from nothing to two of them.
TEST(VerdictSlope, readings_of_a_rest_that_stand_still_have_the_doubt_of_their_digit) {
  Play play;
  add_rest(play, 24.0, [](double at_s) { return at_s < 3600.0 ? 3.702 : at_s < 15.0 * 3600.0 ? 3.701 : 3.700; });
  const Result<Measured> m = rest_slope_of(play);
  ASSERT_TRUE(m) << m.error().what;
  double digit = 0.0;
  for (const Contribution& c : m->budget) digit = c.name == "last digit" ? c.standard : digit;
  EXPECT_NEAR(digit, standard_of_bound(1.5 * 1.0 / 0.75), 1e-9);
}

TEST(VerdictSlope, of_a_rest_the_last_hours_count) {
  Play play;
  add_rest(play, 24.0, [](double at_s) { return 3.9 + 0.05 * std::exp(-at_s / 1800.0) - 0.010 * at_s / 86400.0; });
  add_rest(play, 24.0, [](double at_s) { return 3.9 + 0.05 * std::exp(-at_s / 1800.0) - 0.002 * at_s / 86400.0; });
  const Result<Measured> m = rest_slope_of(play);
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, -10.0, 0.05);
  EXPECT_NE(m->note.find("the last 18 h of 'watch' (step 1), which lasted 24 h; the steepest of 2 rests"), std::string::npos)
      << m->note;
}

// What still relaxes is no slope of a leak: the halves of the hours differ, and the doubt grows by it.
TEST(VerdictSlope, a_relaxation_that_goes_on_is_doubt) {
  const auto rest = [](double tau_s) {
    Play play;
    add_rest(play, 24.0, [tau_s](double at_s) { return 3.9 + 0.05 * std::exp(-at_s / tau_s); });
    return rest_slope_of(play);
  };
  const Result<Measured> over = rest(1800.0), goes_on = rest(6.0 * 3600.0);
  ASSERT_TRUE(over && goes_on);
  EXPECT_NEAR(over->value, 0.0, 0.1);
  EXPECT_LT(goes_on->value, -5.0);
  EXPECT_GT(goes_on->value + combine(goes_on->budget).expanded, 0.0) << "nothing leaks";
  EXPECT_GT(combine(goes_on->budget).expanded, 2.0 * combine(over->budget).expanded);
}

// By a law of which nobody sees the end: the logarithm of the time, and two days.
TEST(VerdictSlope, the_doubt_of_a_relaxation_covers_it) {
  for (const double last_h : {6.0, 12.0, 18.0}) {
    const auto is_covered = [last_h](const OverTime& voltage_V) {
      Play play;
      add_rest(play, 24.0, voltage_V);
      const Result<Measured> m = rest_slope_of(play, last_h);
      ASSERT_TRUE(m) << m.error().what;
      EXPECT_LT(m->value, -1.0);
      EXPECT_GT(m->value + combine(m->budget).expanded, 0.0) << "nothing leaks, in the last " << last_h << " h";
    };
    is_covered([](double at_s) { return 3.9 - 0.02 * std::log(std::max(at_s, 60.0)); });
    is_covered([](double at_s) { return 3.9 + 0.1 * std::exp(-at_s / 86400.0); });
    is_covered([](double at_s) { return 3.9 + 0.1 * std::exp(-at_s / (2.0 * 86400.0)); });
  }
}

// The steeper one alone would keep a limit of -10 mV a day that nobody knows of the other.
TEST(VerdictSlope, a_rest_that_is_less_steep_and_less_well_known_counts) {
  Instruments fine;
  fine.voltage.offset = 0.001;
  const auto rest = [&](const std::vector<double>& noise_V, double mV_per_day, Play& play) {
    std::size_t i = 0;
    add_rest(play, 24.0, [&](double at_s) { return 3.9 - 1e-3 * mV_per_day * at_s / 86400.0 + noise_V[i++ % noise_V.size()]; });
  };
  const auto measured = [&](const Play& play) {
    return measure(play.facts(), {.quantity = ClaimQuantity::rest_slope_least, .step = "watch", .last_h = 18.0}, fine, {});
  };
  Play steep, noisy, both;
  for (Play* const play : {&steep, &both}) rest({0.0}, 6.0, *play);
  for (Play* const play : {&noisy, &both}) rest({-0.035, 0.0, 0.035}, 5.0, *play);
  const Result<Measured> a = measured(steep), b = measured(noisy), m = measured(both);
  ASSERT_TRUE(a && b && m);
  ASSERT_NEAR(b->value, -5.0, 0.2);
  ASSERT_NEAR(combine(b->budget).expanded, 8.0, 0.5);
  EXPECT_NEAR(m->value, -6.0, 0.01);
  EXPECT_LT(m->value - combine(m->budget).expanded, -12.5);
}

TEST(VerdictSlope, a_rest_needs_time_and_rows_and_no_current) {
  const OverTime flat = [](double) { return 3.9; };
  Play brief;
  add_rest(brief, 20.0, flat);
  const Result<Measured> m = rest_slope_of(brief);
  ASSERT_FALSE(m);
  EXPECT_NE(m.error().what.find("'watch' (step 1) lasted 20 h"), std::string::npos) << m.error().what;
  Play sparse;
  add_rest(sparse, 24.0, flat, 3.0 * 3600.0);
  EXPECT_FALSE(rest_slope_of(sparse));
  Play loaded;
  loaded.add({.name = "watch", .seconds = 86400.0, .from_A = 5.0, .to_A = 5.0});
  const Result<Measured> none = rest_slope_of(loaded);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().what.find("is no rest"), std::string::npos);
  EXPECT_FALSE(rest_slope_of(brief, 0.0));
}

}  // namespace
}  // namespace cellrig::verdict
