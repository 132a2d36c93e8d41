// Exponents of power laws: what is fitted, and what is refused.
#include <gtest/gtest.h>

#include <cmath>

#include "db/verdict/measure.hpp"
#include "db/verdict/power_law.hpp"
#include "tests/support/play.hpp"

namespace cellrig::verdict {
namespace {

using test::Play;

constexpr double storage_day_s = 86400.0;

Instruments fine_instruments() {
  Instruments i;
  i.current.offset = 0.001;
  i.voltage.offset = 0.001;
  return i;
}

/// Reference tests after so many days, with what is left of 5 Ah.
struct CheckUp {
  double days = 0.0, left_pct = 100.0;
};
Play stored(const std::vector<CheckUp>& checkups) {
  Play play;
  double now_s = 0.0;
  for (const CheckUp& c : checkups) {
    if (c.days > 0.0) play.add({.name = "storage", .seconds = c.days * storage_day_s - now_s});
    play.add(
        {.name = "reference", .seconds = 3600.0, .from_A = -0.05 * c.left_pct, .to_A = -0.05 * c.left_pct, .is_reference = true});
    now_s = c.days * storage_day_s + 3600.0;
  }
  return play;
}
Result<Measured> exponent_of(const Play& play) {
  return measure(play.facts(), {.quantity = ClaimQuantity::loss_exponent, .reference = "reference"}, fine_instruments(), {});
}

/// `swing`: what each pressure moves by in its pulse, to either side, as a share of it.
Play swept(const std::vector<double>& pressures_MPa, double exponent, double swing = 0.0) {
  Play play;
  for (const double pressure : pressures_MPa) {
    const double loaded_V = 3.7 - 5.0 * 0.01 * std::pow(pressure, -exponent);
    play.add({.name = "rest", .from_V = 3.7, .to_V = 3.7});
    play.add({.name = "pulse",
              .seconds = 10,
              .from_V = loaded_V,
              .to_V = loaded_V,
              .from_A = -5.0,
              .to_A = -5.0,
              .stack_pressure_MPa = pressure,
              .pressure_swing_MPa = swing * pressure});
  }
  return play;
}
Result<Measured> pressed_exponent_of(const Play& play) {
  return measure(play.facts(), {.quantity = ClaimQuantity::pressure_exponent, .step = "pulse"}, fine_instruments(), {});
}

/// A resistance of 10 mOhm, looked at after so many days, with what it has grown by.
struct GrownAt {
  double days = 0.0, growth_pct = 0.0;
};
Play grown(const std::vector<GrownAt>& checkups) {
  Play play;
  double now_s = 0.0;
  for (const GrownAt& c : checkups) {
    constexpr double before_s = 3600.0, pulse_s = 10.0;
    const double loaded_V = 3.7 - 5.0 * 0.01 * (1.0 + c.growth_pct / 100.0);
    play.add({.name = "storage", .seconds = before_s + c.days * storage_day_s - now_s, .from_V = 3.7, .to_V = 3.7});
    play.add({.name = "pulse", .seconds = pulse_s, .from_V = loaded_V, .to_V = loaded_V, .from_A = -5.0, .to_A = -5.0});
    now_s = before_s + c.days * storage_day_s + pulse_s;
  }
  return play;
}
Result<Measured> growth_of(const Play& play, const Instruments& instruments = fine_instruments()) {
  return measure(play.facts(), {.quantity = ClaimQuantity::resistance_growth_exponent, .step = "pulse"}, instruments, {});
}

double standard_of(const Measured& m, const std::string& name) {
  for (const Contribution& c : m.budget) {
    if (c.name == name) return c.standard;
  }
  ADD_FAILURE() << "no contribution " << name;
  return 0.0;
}

// The numbers of a line that was computed by hand: log y = log 2 + 0.5 log x.
TEST(VerdictPowerLaw, finds_a_law_that_the_points_obey) {
  const std::optional<PowerFit> fit = fit_power_law({{1.0, 2.0, 0.02}, {4.0, 4.0, 0.04}, {16.0, 8.0, 0.08}});
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->exponent, 0.5, 1e-9);
  EXPECT_NEAR(fit->factor, 2.0, 1e-9);
  EXPECT_NEAR(fit->standard_by_scatter, 0.0, 1e-9);
  // 1 % of each point, log x at -log 4, 0 and log 4 about its mean.
  EXPECT_NEAR(fit->standard_by_points, 0.01 / std::sqrt(2.0 * std::log(4.0) * std::log(4.0)), 1e-9);
  EXPECT_DOUBLE_EQ(fit->dof, 1.0);
}

TEST(VerdictPowerLaw, a_leverage_is_what_the_exponent_changes_by) {
  std::vector<PowerPoint> points{{1.0, 1.0, 0.05}, {2.0, 1.5, 0.05}, {4.0, 1.9, 0.05}, {8.0, 2.9, 0.05}};
  const std::optional<PowerFit> fit = fit_power_law(points);
  ASSERT_TRUE(fit);
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::vector<PowerPoint> moved = points;
    moved[i].y += 1e-3;
    EXPECT_NEAR((fit_power_law(moved)->exponent - fit->exponent) / 1e-3, fit->leverage[i],
                0.05 * std::abs(fit->leverage[i]) + 1e-3)
        << i;
  }
}

// What its own error makes uncertain by a third must not turn the law of the others.
TEST(VerdictPowerLaw, a_point_counts_by_what_is_known_of_it) {
  const std::optional<PowerFit> fit = fit_power_law({{1.0, 0.5, 0.3}, {4.0, 2.0, 0.01}, {9.0, 3.0, 0.01}, {16.0, 4.0, 0.01}});
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->exponent, 0.5, 0.01);
}

TEST(VerdictPowerLaw, what_is_no_law_is_none) {
  EXPECT_FALSE(fit_power_law({{1.0, 1.0, 0.1}, {2.0, 2.0, 0.1}}));
  EXPECT_FALSE(fit_power_law({{1.0, 1.0, 0.1}, {1.0, 2.0, 0.1}, {1.0, 3.0, 0.1}}));
  EXPECT_FALSE(fit_power_law({{1.0, 1.0, 0.1}, {2.0, 0.0, 0.1}, {3.0, 3.0, 0.1}}));
  EXPECT_FALSE(fit_power_law({{1.0, 1.0, 0.1}, {2.0, 2.0, 0.0}, {3.0, 3.0, 0.1}}));
  EXPECT_FALSE(fit_power_law({{0.0, 1.0, 0.1}, {2.0, 2.0, 0.1}, {3.0, 3.0, 0.1}}));
  EXPECT_FALSE(fit_power_law({{1.0, std::nan(""), 0.1}, {2.0, 2.0, 0.1}, {3.0, 3.0, 0.1}}));
}

TEST(VerdictExponent, a_loss_that_grows_with_the_root_of_time) {
  const Result<Measured> m = exponent_of(stored({{0, 100}, {25, 97.5}, {49, 96.5}, {100, 95}, {144, 94}}));
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 0.5, 1e-6);
  EXPECT_NE(m->note.find("4 of 4 check-ups"), std::string::npos) << m->note;
  EXPECT_GT(standard_of(*m, "fit"), 0.0);
  EXPECT_GT(standard_of(*m, "first reference"), 0.0);
}

// A loss of a tenth per cent is nothing but the scatter of two capacities: its logarithm would say anything.
TEST(VerdictExponent, a_loss_that_is_not_told_from_zero_is_left_out_and_counted) {
  const Result<Measured> m = exponent_of(stored({{0, 100}, {1, 99.9}, {2, 100.1}, {25, 97.5}, {49, 96.5}, {100, 95}}));
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 0.5, 1e-6);
  EXPECT_NE(m->note.find("3 of 5 check-ups"), std::string::npos) << m->note;
}

TEST(VerdictExponent, fewer_than_three_losses_are_no_law) {
  const Result<Measured> two = exponent_of(stored({{0, 100}, {1, 99.9}, {49, 96.5}, {100, 95}}));
  ASSERT_FALSE(two);
  EXPECT_NE(two.error().what.find("2 of 3 check-ups show a loss that is told from zero; an exponent needs 3"), std::string::npos)
      << two.error().what;
  EXPECT_FALSE(exponent_of(stored({{0, 100}, {25, 101}, {49, 102}, {100, 103}}))) << "a cell that gains";
  EXPECT_FALSE(exponent_of(stored({{0, 100}})));
}

// One voltmeter reads all check-ups: near full it takes the same charge from each, and from what is lost a like share. The law stays.
TEST(VerdictExponent, an_error_of_the_voltmeter_that_all_check_ups_share_does_not_turn_the_law) {
  Play play;
  for (const double left : {1.0, 0.975, 0.965, 0.95}) {
    if (left < 1.0) play.add({.name = "storage", .seconds = (left > 0.97 ? 25.0 : left > 0.96 ? 24.0 : 51.0) * storage_day_s});
    play.add({.name = "charge",
              .seconds = 3600.0 * left,
              .from_V = 4.2 - 1.2 * left,
              .to_V = 4.2,
              .from_A = 5.0,
              .to_A = 5.0,
              .cv_seconds = 1.0});
    play.add({.name = "reference",
              .seconds = 3600.0 * left,
              .from_V = 4.2,
              .to_V = 3.0,
              .from_A = -5.0,
              .to_A = -5.0,
              .ended_by = "voltage_V <= 3",
              .is_reference = true});
  }
  const Result<Measured> m = exponent_of(play);
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 0.5, 0.01);
  EXPECT_LT(standard_of(*m, "ends of the window"), 1e-3);
}

// Points that do not lie on a law are known less well than their own doubt says.
TEST(VerdictExponent, scatter_counts_where_it_is_greater_than_the_doubt_of_the_points) {
  const Result<Measured> smooth = exponent_of(stored({{0, 100}, {25, 97.5}, {49, 96.5}, {100, 95}, {144, 94}}));
  const Result<Measured> bent = exponent_of(stored({{0, 100}, {25, 97.5}, {49, 94.5}, {100, 95}, {144, 94}}));
  ASSERT_TRUE(smooth && bent);
  EXPECT_GT(standard_of(*bent, "fit"), 3.0 * standard_of(*smooth, "fit"));
  EXPECT_DOUBLE_EQ(bent->budget.front().dof, 2.0);
  EXPECT_NE(bent->budget.front().how.find("scatter of 4 points"), std::string::npos);
  EXPECT_NE(smooth->budget.front().how.find("doubt of 4 points"), std::string::npos);
}

// A test that was interrupted and done again from the middle is a part of one.
TEST(VerdictExponent, a_check_up_that_is_a_part_is_left_out) {
  Play play = stored({{0, 100}, {25, 97.5}, {49, 96.5}});
  play.add({.name = "reference", .seconds = 1000.0, .from_A = -5.0, .to_A = -5.0, .is_reference = true, .is_cut_off = true});
  play.add({.name = "reference", .seconds = 1000.0, .from_A = -5.0, .to_A = -5.0, .is_reference = true});
  play.add({.name = "storage", .seconds = 50.0 * storage_day_s});
  play.add({.name = "reference", .seconds = 3600.0, .from_A = -4.75, .to_A = -4.75, .is_reference = true});
  const Result<Measured> m = exponent_of(play);
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NE(m->note.find("3 of 3 check-ups"), std::string::npos) << m->note;
  EXPECT_NE(m->note.find("done again from the middle"), std::string::npos) << m->note;
  EXPECT_NEAR(m->value, 0.5, 0.01);
}

// 10 mOhm (1 + 0.02 t^0.5), and 0.65 as published for a storage.
TEST(VerdictExponent, a_resistance_that_grows_with_a_power_of_time) {
  const Result<Measured> root = growth_of(grown({{0, 0}, {25, 10}, {49, 14}, {100, 20}, {144, 24}}));
  ASSERT_TRUE(root) << root.error().what;
  EXPECT_NEAR(root->value, 0.5, 1e-6);
  EXPECT_NE(root->note.find("4 of 4 check-ups"), std::string::npos) << root->note;
  EXPECT_NE(root->note.find("2 % times days to the power of 0.500"), std::string::npos) << root->note;
  std::vector<GrownAt> course{{0, 0}};
  for (int month = 1; month <= 12; ++month) course.push_back({28.0 * month, 40.0 * std::pow(month / 12.0, 0.65)});
  const Result<Measured> published = growth_of(grown(course));
  ASSERT_TRUE(published) << published.error().what;
  EXPECT_NEAR(published->value, 0.65, 1e-6);
}

// Each point is known by 1 % of its resistance (contacts), and all growths hang on the first one: what two per cent do to it is tried out.
TEST(VerdictExponent, an_error_of_the_first_resistance_shifts_all_growths) {
  const std::vector<GrownAt> course{{0, 0}, {25, 10}, {49, 14}, {100, 20}, {144, 24}};
  const auto with_first_off_by = [&](double first_pct) {
    std::vector<GrownAt> shifted = course;
    shifted.front().growth_pct = first_pct;
    const Result<Measured> m = growth_of(grown(shifted), Instruments{});
    EXPECT_TRUE(m);
    return m ? *m : Measured{};
  };
  const Measured m = with_first_off_by(0.0);
  const double by_more = with_first_off_by(2.0).value - m.value, by_less = m.value - with_first_off_by(-2.0).value;
  EXPECT_GT(by_more, by_less) << "smaller growths turn further";
  EXPECT_GT(by_less, 0.0);
  EXPECT_NEAR(standard_of(m, "first resistance"), 0.5 * by_more, 1e-6);
  std::vector<PowerPoint> points;
  for (std::size_t i = 1; i < course.size(); ++i)
    points.push_back({course[i].days, course[i].growth_pct, 0.01 * (100.0 + course[i].growth_pct)});
  EXPECT_NEAR(standard_of(m, "fit"), fit_power_law(points)->standard_by_points, 1e-6);
}

// A growth of a per cent is nothing but the scatter of two resistances.
TEST(VerdictExponent, a_growth_that_is_not_told_from_zero_is_left_out_and_counted) {
  const Result<Measured> m = growth_of(grown({{0, 0}, {4, 4}, {9, 0.5}, {16, -1}, {25, 10}, {49, 14}, {100, 20}}));
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 0.5, 1e-6);
  EXPECT_NE(m->note.find("3 of 6 check-ups"), std::string::npos) << m->note;
}

TEST(VerdictExponent, fewer_than_three_growths_are_no_law) {
  const auto complaint = [](const std::vector<GrownAt>& course) {
    const Result<Measured> m = growth_of(grown(course));
    return m ? std::to_string(m->value) : m.error().what;
  };
  const std::string none = "0 of 4 check-ups show a growth of the resistance that is told from zero; an exponent needs 3";
  EXPECT_EQ(complaint({{0, 0}, {28, 0.3}, {56, -0.2}, {84, 0.1}, {112, 0.4}}), none) << "does not grow";
  EXPECT_EQ(complaint({{0, 0}, {28, -5}, {56, -8}, {84, -10}, {112, -12}}), none) << "falls";
  EXPECT_NE(complaint({{0, 0}, {49, 14}, {100, 20}}).find("2 of 2 check-ups"), std::string::npos);
  EXPECT_NE(complaint({{0, 0}}).find("0 of 0 check-ups"), std::string::npos);
  EXPECT_NE(complaint({}).find("'pulse'"), std::string::npos);
}

TEST(VerdictExponent, a_check_up_whose_resistance_was_disturbed_is_left_out) {
  const std::vector<GrownAt> course{{0, 0}, {25, 10}, {49, 14}, {100, 20}, {144, 24}};
  const MeasureRequest request{.quantity = ClaimQuantity::resistance_growth_exponent, .step = "pulse"};
  const Play play = grown(course);
  RunFacts later = play.facts();
  later.disturbances.push_back({.at_s = 3600.0 + 49.0 * storage_day_s + 5.0, .what = "a pause"});
  const Result<Measured> m = measure(later, request, fine_instruments(), {});
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 0.5, 1e-6);
  EXPECT_NE(m->note.find("3 of 4 check-ups"), std::string::npos) << m->note;
  EXPECT_NE(m->note.find("a pause, and is left out"), std::string::npos) << m->note;
  RunFacts first = play.facts();
  first.disturbances.push_back({.at_s = 3600.0 + 5.0, .what = "a pause"});
  EXPECT_FALSE(measure(first, request, fine_instruments(), {})) << "nothing to compare with";
}

TEST(VerdictExponent, a_resistance_that_falls_with_the_root_of_the_pressure) {
  const Result<Measured> m = pressed_exponent_of(swept({1.0, 2.0, 4.0, 5.0, 1.0}, 0.5));
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 0.5, 1e-6);
  EXPECT_NE(m->note.find("5 pulses at 4 pressures, R0 10 mOhm at 1 MPa"), std::string::npos) << m->note;
}

// Three times up and down over six levels: each pulse errs by itself, and all of them together by less.
TEST(VerdictExponent, levels_up_and_down_tell_the_exponent_better_than_once_up) {
  std::vector<double> once{0.1, 0.25, 0.5, 1.0, 2.0, 5.0}, often{0.1};
  for (int i = 0; i < 3; ++i) {
    for (const double pressure : {0.25, 0.5, 1.0, 2.0, 5.0, 2.0, 1.0, 0.5, 0.25, 0.1}) often.push_back(pressure);
  }
  const Result<Measured> few = pressed_exponent_of(swept(once, 0.4)), many = pressed_exponent_of(swept(often, 0.4));
  ASSERT_TRUE(few && many);
  EXPECT_NEAR(many->value, 0.4, 1e-6);
  EXPECT_NE(many->note.find("31 pulses at 6 pressures"), std::string::npos) << many->note;
  EXPECT_NEAR(standard_of(*many, "fit") / standard_of(*few, "fit"), std::sqrt(6.0 / 31.0), 0.1);
}

// Beside what the pressure changes a cell has a resistance that it does not: no power law. Repeated pulses tell no more of that.
TEST(VerdictExponent, what_the_law_misses_by_at_a_pressure_is_no_less_when_it_is_repeated) {
  const auto of = [](const std::vector<double>& pressures_MPa) {
    Play play;
    for (const double pressure : pressures_MPa) {
      const double loaded_V = 3.7 - 5.0 * (0.01 + 0.01 / std::sqrt(pressure));
      play.add({.name = "rest", .from_V = 3.7, .to_V = 3.7});
      play.add({.name = "pulse",
                .seconds = 10,
                .from_V = loaded_V,
                .to_V = loaded_V,
                .from_A = -5.0,
                .to_A = -5.0,
                .stack_pressure_MPa = pressure});
    }
    return pressed_exponent_of(play);
  };
  std::vector<double> once{0.1, 0.25, 0.5, 1.0, 2.0, 5.0}, often;
  for (int i = 0; i < 5; ++i) often.insert(often.end(), once.begin(), once.end());
  const Result<Measured> few = of(once), many = of(often);
  ASSERT_TRUE(few && many);
  EXPECT_NEAR(many->value, few->value, 0.01);
  EXPECT_GT(standard_of(*few, "fit"), 0.01);
  EXPECT_NEAR(standard_of(*many, "fit") / standard_of(*few, "fit"), 1.0, 0.05);
}

// Three points with log x at -log 2, 0 and log 2 about its mean: each known by 1 % (contacts), and by half of what its pressure moved by.
TEST(VerdictExponent, a_pressure_that_moves_in_a_pulse_is_doubt_of_its_point) {
  const std::vector<double> pressures{1.0, 2.0, 4.0};
  const auto fit = [&](double swing) {
    const Result<Measured> m = measure(swept(pressures, 0.5, swing).facts(),
                                       {.quantity = ClaimQuantity::pressure_exponent, .step = "pulse"}, Instruments{}, {});
    EXPECT_TRUE(m);
    return m ? standard_of(*m, "fit") : 0.0;
  };
  const double spread = std::sqrt(2.0) * std::log(2.0);
  EXPECT_NEAR(fit(0.0), 0.01 / spread, 1e-6);
  EXPECT_NEAR(fit(0.2), std::hypot(0.01, 0.5 * 0.2 / std::sqrt(3.0)) / spread, 1e-4);
}

// The outer two turn the exponent by 1 / (2 log 2) of their relative error each, the one in the middle by nothing.
TEST(VerdictExponent, an_error_of_the_thermometer_turns_the_exponent_by_the_leverage_of_each_pulse) {
  Instruments with_thermometer;
  with_thermometer.temperature = Accuracy{};
  with_thermometer.temperature->offset = 1.5;
  MeasureRequest request{.quantity = ClaimQuantity::pressure_exponent, .step = "pulse"};
  request.temperature_pct_per_K = -2.0;
  const Result<Measured> m = measure(swept({1.0, 2.0, 4.0}, 0.5).facts(), request, with_thermometer, {});
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(standard_of(*m, "temperature"), 0.02 * 1.5 / std::sqrt(3.0) / std::log(2.0), 1e-6);
  // Of growths by a multiple of the first resistance, each known by 1 % of itself: the same leverages, of 1 + growth over growth.
  request.quantity = ClaimQuantity::resistance_growth_exponent;
  const Result<Measured> all =
      measure(grown({{0, 0}, {25, 5e5}, {50, 5e5 * std::sqrt(2.0)}, {100, 1e6}}).facts(), request, with_thermometer, {});
  ASSERT_TRUE(all) << all.error().what;
  EXPECT_NEAR(standard_of(*all, "temperature"), 0.02 * 1.5 / std::sqrt(3.0) / std::log(2.0), 1e-4);
}

// There and back between two pressures every exponent is a law.
TEST(VerdictExponent, fewer_than_three_pressures_are_refused_and_so_is_a_record_without_any) {
  const Result<Measured> two = pressed_exponent_of(swept({1.0, 5.0, 1.005, 5.0}, 0.5));
  ASSERT_FALSE(two);
  EXPECT_NE(two.error().what.find("at 2 different pressures: an exponent needs 3"), std::string::npos) << two.error().what;
  Play play = swept({1.0, 2.0, 4.0}, 0.5);
  play.add({.name = "rest", .from_V = 3.7, .to_V = 3.7});
  play.add({.name = "pulse", .seconds = 10, .from_V = 3.6, .to_V = 3.6, .from_A = -5.0, .to_A = -5.0});
  const Result<Measured> none = pressed_exponent_of(play);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().what.find("no stack pressure of 'pulse' (step 8)"), std::string::npos) << none.error().what;
}

}  // namespace
}  // namespace cellrig::verdict
