// The ladder of current densities ends at the first sign of a soft short, whichever it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "db/verdict/measure.hpp"
#include "sim/cell_draw.hpp"
#include "tests/support/play.hpp"

namespace cellrig::verdict {
namespace {

using test::Play;
using testing::HasSubstr;

/// What one rung shows; by itself a sound cell.
struct Shown {
  double returned = 1.0;
  double pass_returned = 1.0;            ///< of the pass at the same rate before it
  double first_pass_fall_V_per_s = 0.0;  ///< for ten seconds of the charge of its first pass
  double passes_resistance_ohm = 0.010;
  double fall_V_per_s = 0.0;  ///< for ten seconds of its charge
  double stands_from = 1.0;   ///< share of the charge from which its voltage stays where it is
  double warms_K = 0.0;       ///< over the whole charge
  double rest_mV_per_day = -0.5;
  double resistance_ohm = 0.010;  ///< as the discharge begins
  double after_temperature_degC = 25.0;
  bool first_pass_done_again = false;
  bool is_cut_off = false;          ///< its charge
  bool lost_first_voltage = false;  ///< of its charge
};

constexpr double pass_Ah = 1.0, seconds_per_hour = 3600.0, day_s = 86400.0;

class Rungs {
 public:
  double noise_V = 0.0;
  double period_s = 1.0;
  double back_A = 1.0;

  /// Six rungs of 2, 4, ... 12 A, all sound but for the fourth.
  Play play(const Shown& fourth, double rest_h = 24.0, int rungs = 6) {
    Play play;
    charge(play, "first charge", 1.0, {});
    rest(play, "rest", 1.0, 0.0);
    discharge(play, "first discharge", pass_Ah, 0.010, 25.0);
    for (int i = 1; i <= rungs; ++i) {
      const Shown shown = i == 4 ? fourth : Shown{};
      if (shown.first_pass_done_again) charge(play, "pass", 2.0 * i, {.is_cut_off = true});
      for (const bool is_last : {false, true}) {
        charge(play, "pass", 2.0 * i, {.fall_V_per_s = is_last ? 0.0 : shown.first_pass_fall_V_per_s});
        rest(play, "rest", 1.0, 0.0);
        discharge(play, "out", pass_Ah * (is_last ? shown.pass_returned : 1.0), shown.passes_resistance_ohm, 25.0);
        rest(play, "rest", 1.0, 0.0);
      }
      charge(play, "rung " + std::to_string(i), 2.0 * i, shown);
      rest(play, "watch", rest_h, shown.rest_mV_per_day);
      discharge(play, "out", pass_Ah * shown.returned, shown.resistance_ohm, shown.after_temperature_degC);
      rest(play, "rest", 1.0, 0.0);
    }
    return play;
  }

 private:
  using Row = db::SampleRow;
  template <class Fill>
  std::vector<Row> rows(double seconds, double period, const Fill& fill) {
    std::vector<Row> rows;
    for (double at_s = 0.0; at_s <= seconds; at_s += period) {
      Row row;
      row.test_time_ns = static_cast<std::int64_t>(at_s * 1e9);
      row.cell_temperature_degC = 25.0;
      fill(row, at_s);
      row.voltage_V += noise_V * sim::draw_normal(random_);
      rows.push_back(row);
    }
    return rows;
  }
  void charge(Play& play, const std::string& name, double amps, const Shown& shown) {
    const double seconds = pass_Ah * seconds_per_hour / amps, fall_from_s = 0.5 * seconds;
    play.add({.name = name,
              .seconds = seconds,
              .from_A = amps,
              .to_A = amps,
              .ended_by = "capacity_pct >= 50",
              .is_cut_off = shown.is_cut_off},
             rows(seconds, period_s, [&](Row& row, double at_s) {
               const double share = at_s / seconds;
               row.current_A = amps;
               row.charge_Ah = share * pass_Ah;
               row.voltage_V = 3.6 + 0.4 * std::min(share, shown.stands_from) +
                               shown.fall_V_per_s * std::clamp(at_s - fall_from_s, 0.0, 10.0);
               row.cell_temperature_degC = 25.0 + shown.warms_K * share;
               if (shown.lost_first_voltage && at_s == 0.0) row.voltage_V = std::nan("");
             }));
  }
  void rest(Play& play, const std::string& name, double hours, double mV_per_day) {
    play.add({.name = name, .seconds = hours * seconds_per_hour},
             rows(hours * seconds_per_hour, 60.0,
                  [&](Row& row, double at_s) { row.voltage_V = 3.9 + 1e-3 * mV_per_day * at_s / day_s; }));
    rested_V_ = 3.9 + 1e-3 * mV_per_day * hours * seconds_per_hour / day_s;
  }
  void discharge(Play& play, const std::string& name, double charge_Ah, double ohm, double temperature_degC) {
    const double seconds = charge_Ah / back_A * seconds_per_hour;
    play.add({.name = name, .seconds = seconds, .from_A = -back_A, .to_A = -back_A, .ended_by = "voltage_V <= 2.8"},
             rows(seconds, 1.0, [&](Row& row, double at_s) {
               row.current_A = -back_A;
               row.discharge_Ah = at_s / seconds * charge_Ah;
               row.voltage_V = rested_V_ - ohm * back_A - 0.9 * at_s / seconds;
               row.cell_temperature_degC = temperature_degC;
             }));
  }

  double rested_V_ = 0.0;
  sim::Random random_{7};
};

Result<Measured> judged(const Play& play, double current_offset_A = 0.001) {
  Instruments instruments;
  instruments.current.offset = current_offset_A;
  instruments.voltage.offset = 0.003;
  CellFacts cell;
  cell.nominal_Ah = 2.0;
  cell.electrode_area_cm2 = 1000.0;
  return measure(play.facts(),
                 {.quantity = ClaimQuantity::critical_current_density, .step = "rung *", .reference = "first discharge"},
                 instruments, cell);
}
/// The fourth rung is the first bad one: between 6 and 8 mA/cm2.
void expect_ends_at_the_fourth(const Shown& fourth, const std::string& seen, double rest_h = 24.0) {
  Rungs rungs;
  const Result<Measured> m = judged(rungs.play(fourth, rest_h));
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 7.0, 1e-9) << m->note;
  EXPECT_FALSE(m->is_least);
  EXPECT_THAT(m->note, HasSubstr("the first bad one, 'rung 4': "));
  EXPECT_THAT(m->note, HasSubstr(seen));
}
/// The third rung is the last one that is known.
void expect_known_up_to_the_third(const Result<Measured>& m, const std::string& why) {
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 6.0, 1e-9) << m->note;
  EXPECT_TRUE(m->is_least);
  EXPECT_THAT(m->note, HasSubstr(why));
}

TEST(VerdictLadder, a_sound_cell_has_no_sign_and_nothing_is_left_untold) {
  const Result<Measured> m = judged(Rungs{}.play({}));
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 12.0, 1e-9);
  EXPECT_TRUE(m->is_least);
  EXPECT_THAT(m->note, Not(HasSubstr("not told"))) << m->note;
}

TEST(VerdictLadder, charge_that_does_not_come_back_ends_it) {
  expect_ends_at_the_fourth({.returned = 0.95}, "it gave back 95.0");
}

TEST(VerdictLadder, more_charge_than_the_pass_before_gave_back_ends_it) {
  expect_ends_at_the_fourth({.pass_returned = 0.95}, "it took in 105.3 +/- 0.1 % of what the discharge before it gave");
}

TEST(VerdictLadder, a_voltage_that_falls_while_charging_ends_it) {
  expect_ends_at_the_fourth({.fall_V_per_s = -0.004}, "its voltage falls while charging, by 3.");
}

TEST(VerdictLadder, a_voltage_that_does_not_rise_while_charging_ends_it) {
  expect_ends_at_the_fourth({.stands_from = 0.6}, "its voltage does not rise over 19 % of the capacity");
}

TEST(VerdictLadder, a_resistance_that_steps_down_ends_it) {
  expect_ends_at_the_fourth({.resistance_ohm = 0.007}, "the resistance after it is ");
}

TEST(VerdictLadder, a_rest_that_falls_ends_it) {
  expect_ends_at_the_fourth({.rest_mV_per_day = -25.0}, "in the rest its voltage falls by 25.0");
}

TEST(VerdictLadder, all_signs_of_the_rung_are_named) {
  expect_ends_at_the_fourth({.returned = 0.95, .rest_mV_per_day = -25.0}, " a day, and it gave back 95.0");
}

// What warmth explains is no sign of a short, and what it may explain decides nothing.
TEST(VerdictLadder, a_cell_that_warms_is_not_shorted_by_that) {
  Rungs rungs;
  expect_known_up_to_the_third(judged(rungs.play({.stands_from = 0.6, .warms_K = 20.0})), "but it warms by 7.8 K meanwhile");
  const Result<Measured> warm = judged(rungs.play({.resistance_ohm = 0.007, .after_temperature_degC = 30.0}, 24.0, 4));
  ASSERT_TRUE(warm);
  EXPECT_NEAR(warm->value, 8.0, 1e-9) << warm->note;
  EXPECT_THAT(warm->note, HasSubstr("not told: 'rung 4': the resistance after it"));
}

// Beyond the mark, but not by more than its uncertainty.
TEST(VerdictLadder, a_sign_in_doubt_ends_it_and_refutes_nothing) {
  expect_known_up_to_the_third(judged(Rungs{}.play({.rest_mV_per_day = -10.2})),
                               "'rung 4' is not known well enough: in the rest");
}

// A ladder that could not see a sign says so; it has neither passed by it nor failed.
TEST(VerdictLadder, signs_that_the_record_cannot_tell_are_named) {
  Rungs sparse;
  sparse.period_s = 30.0;
  const Result<Measured> m = judged(sparse.play({}, 2.0));
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 12.0, 1e-9);
  EXPECT_THAT(m->note, HasSubstr("signs that were not told: 'rung 6': the slope of its voltage"));
  EXPECT_THAT(m->note, HasSubstr("the fall of its rest: 2 h are too short"));
}

// A reading that stands out is no height of the voltage, and noise no fall of it.
TEST(VerdictLadder, noise_is_no_sign) {
  Rungs rungs;
  rungs.noise_V = 0.002;
  const Result<Measured> m = judged(rungs.play({}));
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 12.0, 1e-9) << m->note;
}

// A dendrite burns off again: what one pass showed, the next one need not.
TEST(VerdictLadder, a_sign_in_the_first_pass_only_ends_it) {
  expect_ends_at_the_fourth({.first_pass_fall_V_per_s = -0.005}, "in 'pass' (step 40) its voltage falls while charging, by 4.");
}

TEST(VerdictLadder, a_pass_that_was_done_again_tells_nothing_and_is_named) {
  const Result<Measured> m = judged(Rungs{}.play({.first_pass_fall_V_per_s = -0.005, .first_pass_done_again = true}, 24.0, 4));
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 8.0, 1e-9) << m->note;
  EXPECT_THAT(m->note, HasSubstr("not told: 'rung 4': all of a pass: step 41 'pass' was interrupted and done again"));
}

TEST(VerdictLadder, a_short_from_the_first_pass_on_is_told_by_the_rungs_below) {
  expect_ends_at_the_fourth({.passes_resistance_ohm = 0.005, .resistance_ohm = 0.005}, "the resistance after it is 60 +/- 6 %");
}

// Within its mark, but by less than its uncertainty: no sign, and not the absence of one.
TEST(VerdictLadder, a_sign_that_its_uncertainty_hides_is_not_told) {
  Rungs rungs;
  rungs.noise_V = 0.0002;
  const Result<Measured> m = judged(rungs.play({}));
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 12.0, 1e-9) << m->note;
  EXPECT_THAT(m->note, HasSubstr("signs that were not told: 'rung 6': the resistance after it is 95 +/- 7 %"));
}

// Of the first rungs a resistance has nothing to compare with; the verdict rests on the last one.
TEST(VerdictLadder, signs_that_were_not_told_are_those_of_the_best_rung) {
  const Result<Measured> low = judged(Rungs{}.play({}, 24.0, 1));
  ASSERT_TRUE(low) << low.error().what;
  EXPECT_THAT(low->note, HasSubstr("'rung 1': the resistance after it: 1 before it to compare with"));
  const Result<Measured> high = judged(Rungs{}.play({}, 24.0, 2));
  ASSERT_TRUE(high) << high.error().what;
  EXPECT_THAT(high->note, Not(HasSubstr("not told")));
}

// An ammeter that reads high all along takes too much out for what it puts in: its offset adds up, of equal currents, too.
TEST(VerdictLadder, an_offset_of_the_ammeter_is_in_what_was_taken_in) {
  Rungs rungs;
  rungs.back_A = 8.0;
  expect_known_up_to_the_third(judged(rungs.play({.pass_returned = 0.95}), 0.2), "'rung 4' is not known well enough");
}

// Three quarters of it are, in floating point, more than three quarters of it.
TEST(VerdictLadder, a_rest_of_any_length_is_looked_at) {
  expect_ends_at_the_fourth({.rest_mV_per_day = -25.0}, "in the rest its voltage falls by 25.0", 72000.1 / 3600.0);
}

TEST(VerdictLadder, a_voltage_that_was_not_read_is_no_highest_one) {
  const Result<Measured> m = judged(Rungs{}.play({.lost_first_voltage = true}));
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 12.0, 1e-9) << m->note;
}

}  // namespace
}  // namespace cellrig::verdict
