#include "db/verdict/window_ends.hpp"
#include "db/verdict/measure.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "db/verdict/compare.hpp"
#include "tests/support/play.hpp"

namespace cellrig::verdict {
namespace {

using test::Play;

Instruments instruments() {
  Instruments i;
  i.current.offset = 0.01;
  i.voltage.offset = 0.001;
  return i;
}
CellFacts cell() {
  CellFacts facts;
  facts.nominal_Ah = 5.0;
  facts.voltage_min_V = 2.5;
  facts.mass_kg = 0.05;
  facts.volume_L = 0.02;
  facts.electrode_area_cm2 = 1000.0;
  return facts;
}
double value(const Play& play, const MeasureRequest& request) {
  const Result<Measured> m = measure(play.facts(), request, instruments(), cell());
  EXPECT_TRUE(m) << (m ? "" : m.error().what);
  return m ? m->value : std::nan("");
}

// Every quantity of a claim, on a run whose numbers are known.
TEST(VerdictMeasure, charges_and_energies) {
  Play play;
  play.add({.name = "charge", .from_V = 4.0, .to_V = 4.0, .from_A = 5.0, .to_A = 5.0});
  play.add({.name = "discharge", .from_V = 3.6, .to_V = 3.6, .from_A = -4.5, .to_A = -4.5});
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::capacity, .step = "discharge"}), 4.5, 1e-12);
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::energy, .step = "discharge"}), 16.2, 1e-12);
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::specific_energy, .step = "discharge"}), 324.0, 1e-9);
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::energy_density, .step = "discharge"}), 810.0, 1e-9);
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::coulombic_efficiency, .step = "discharge", .reference = "charge"}), 90.0,
              1e-12);
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::energy_efficiency, .step = "discharge", .reference = "charge"}), 81.0,
              1e-12);
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::charge_excess, .step = "charge"}), 100.0 / 0.9 - 100.0, 1e-9);
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::step_time, .step = "charge"}), 60.0, 1e-12);
}

// 4.5 Ah that follow the temperature by 0.8 % a kelvin, and a thermometer of 1.5 K, evenly distributed.
TEST(VerdictMeasure, an_error_of_the_thermometer_counts_as_the_value_follows_the_temperature) {
  Play play;
  play.add({.name = "discharge", .from_A = -4.5, .to_A = -4.5});
  Instruments with_thermometer = instruments();
  MeasureRequest request{.quantity = ClaimQuantity::capacity, .step = "discharge"};
  const auto temperature = [&] {
    const Result<Measured> m = measure(play.facts(), request, with_thermometer, cell());
    EXPECT_TRUE(m);
    double standard = 0.0;
    for (const Contribution& c : m->budget) standard = c.name == "temperature" ? c.standard : standard;
    return standard;
  };
  request.temperature_pct_per_K = -0.8;
  EXPECT_EQ(temperature(), 0.0) << "there is no thermometer";
  with_thermometer.temperature = Accuracy{};
  with_thermometer.temperature->offset = 1.5;
  EXPECT_NEAR(temperature(), 4.5 * 0.008 * 1.5 / std::sqrt(3.0), 1e-12);
  request.temperature_pct_per_K = 0.0;
  EXPECT_EQ(temperature(), 0.0);
}

// The mean of the cycles that count, as the reference performance test says; a life's tests are not of one kind.
TEST(VerdictMeasure, a_capacity_is_the_mean_of_counting_cycles_that_follow_each_other) {
  const auto add_cycle = [](Play& play, double amps, bool is_reference) {
    play.add({.name = "charge", .from_A = 5.0, .to_A = 5.0, .is_reference = is_reference, .cycle = 1});
    play.add({.name = "rest", .is_reference = is_reference, .cycle = 1});
    play.add({.name = "discharge", .from_A = -amps, .to_A = -amps, .is_reference = is_reference, .cycle = 1});
  };
  const MeasureRequest capacity{.quantity = ClaimQuantity::capacity, .step = "discharge"};
  Play test;
  add_cycle(test, 4.0, false);  // conditioning
  add_cycle(test, 4.9, true);
  const Result<Measured> one = measure(test.facts(), capacity, instruments(), cell());
  add_cycle(test, 5.0, true);
  EXPECT_NEAR(value(test, capacity), 4.95, 1e-12);
  EXPECT_NEAR(value(test, {.quantity = ClaimQuantity::energy, .step = "discharge"}), 4.95 * 3.7, 1e-9);
  const Result<Measured> both = measure(test.facts(), capacity, instruments(), cell());
  ASSERT_TRUE(one && both);
  EXPECT_LT(combine(both->budget).standard, combine(one->budget).standard);
  Play life;
  add_cycle(life, 5.0, true);
  life.add({.name = "storage", .seconds = 30 * 86400.0});
  add_cycle(life, 4.5, true);
  EXPECT_NEAR(value(life, capacity), 4.5, 1e-12);
}

// A profile that gives up after an hour has not shown that an hour is enough: it is the least it can be, and fails a limit below.
TEST(VerdictMeasure, a_charge_that_ended_by_its_time_took_that_long_at_least) {
  Play play;
  play.add({.name = "charge", .from_V = 4.0, .to_V = 4.0, .from_A = 5.0, .to_A = 5.0, .ended_by = "step_time_min >= 60"});
  const Result<Measured> m =
      measure(play.facts(), {.quantity = ClaimQuantity::step_time, .step = "charge"}, instruments(), cell());
  ASSERT_TRUE(m);
  EXPECT_TRUE(m->is_least);
  EXPECT_NEAR(m->value, 60.0, 1e-12);
  EXPECT_LT(combine(m->budget).expanded, 0.1);
  EXPECT_NE(m->note.find("step_time_min >= 60"), std::string::npos);
}

// A cell that was half full when the run began gives back more than went in: that is no efficiency.
TEST(VerdictMeasure, an_efficiency_is_of_cycles_that_began_where_a_discharge_had_ended) {
  const MeasureRequest request{.quantity = ClaimQuantity::coulombic_efficiency, .step = "discharge", .reference = "charge*"};
  const auto add = [](Play& play, const char* name, double amps) { play.add({.name = name, .from_A = amps, .to_A = amps}); };
  Play play;
  add(play, "charge", 2.5);
  add(play, "discharge", -4.95);
  const Result<Measured> alone = measure(play.facts(), request, instruments(), cell());
  ASSERT_FALSE(alone);
  EXPECT_NE(alone.error().what.find("198.0 %"), std::string::npos) << alone.error().what;
  EXPECT_NE(alone.error().what.find("more than 105 % is no efficiency"), std::string::npos) << alone.error().what;
  add(play, "charge", 3.0);
  add(play, "charge slowly", 2.0);
  add(play, "discharge", -4.95);
  EXPECT_NEAR(value(play, request), 99.0, 1e-9);
  add(play, "charge", 2.0);  // for the store: nothing comes back
  EXPECT_NEAR(value(play, request), 99.0, 1e-9);
  Play conditioned;
  add(conditioned, "conditioning", -1.0);
  for (const double out_A : {-4.9, -5.0}) {
    add(conditioned, "charge", 5.0);
    add(conditioned, "discharge", out_A);
  }
  EXPECT_NEAR(value(conditioned, request), 99.0, 1e-9);
}

TEST(VerdictMeasure, ratios_take_the_reference_before) {
  Play play;
  play.add({.name = "warm", .from_A = -5.0, .to_A = -5.0});
  play.add({.name = "warm", .from_A = -4.0, .to_A = -4.0});
  play.add({.name = "cold", .from_V = 3.4, .to_V = 3.4, .from_A = -3.0, .to_A = -3.0});
  play.add({.name = "warm", .from_A = -2.0, .to_A = -2.0});
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::capacity_ratio, .step = "cold", .reference = "warm"}), 75.0, 1e-12);
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::energy_ratio, .step = "cold", .reference = "warm"}), 75.0 * 3.4 / 3.7,
              1e-9);
}

// It would be 100 % whatever the cell does, and its scatter counted twice.
TEST(VerdictMeasure, a_step_is_not_its_own_reference) {
  Play play;
  play.add({.name = "rung 1", .from_A = -5.0, .to_A = -5.0});
  for (const ClaimQuantity quantity :
       {ClaimQuantity::capacity_ratio, ClaimQuantity::energy_ratio, ClaimQuantity::self_discharge}) {
    const Result<Measured> m =
        measure(play.facts(), {.quantity = quantity, .step = "rung 1", .reference = "rung *"}, instruments(), cell());
    ASSERT_FALSE(m) << to_string(quantity);
    if (quantity != ClaimQuantity::self_discharge) {
      EXPECT_NE(m.error().what.find("'rung 1' (step 1) is its own reference"), std::string::npos) << m.error().what;
    }
  }
  play.add({.name = "rung 2", .from_A = -4.0, .to_A = -4.0});
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::capacity_ratio, .step = "rung 2", .reference = "rung *"}), 80.0, 1e-12);
}

TEST(VerdictMeasure, retention_counts_the_cycles_between_the_tests) {
  Play play;
  play.add({.name = "reference", .from_A = -5.0, .to_A = -5.0, .is_reference = true, .cycle = 1});
  for (int i = 0; i < 3; ++i) play.add({.name = "ageing", .from_A = -5.0, .to_A = -5.0, .cycle = 2 + i});
  play.add({.name = "reference", .from_A = -4.0, .to_A = -4.0, .is_reference = true, .cycle = 5});
  const Result<Measured> m =
      measure(play.facts(), {.quantity = ClaimQuantity::retention, .reference = "reference"}, instruments(), cell());
  ASSERT_TRUE(m);
  EXPECT_NEAR(m->value, 80.0, 1e-12);
  ASSERT_EQ(m->life.size(), 2U);
  EXPECT_DOUBLE_EQ(m->life[0].at, 0.0);
  EXPECT_DOUBLE_EQ(m->life[1].at, 3.0);
}

// A cell that lost lithium keeps its slope near full: an error of the voltmeter takes as much charge from less of it.
TEST(VerdictMeasure, a_retention_has_the_doubt_of_the_ends_of_both_windows) {
  Play play;
  for (const double left : {1.0, 0.8}) {
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
  const Result<Measured> m =
      measure(play.facts(), {.quantity = ClaimQuantity::retention, .reference = "reference"}, instruments(), cell());
  ASSERT_TRUE(m) << m.error().what;
  double ends = 0.0;
  for (const Contribution& c : m->budget) ends = c.name == "ends of the window" ? c.standard : ends;
  EXPECT_NEAR(ends, 80.0 * standard_of_bound(0.001) * 5.0 / 1.2 * (1.0 / 4.0 - 1.0 / 5.0), 1e-6);
  ASSERT_EQ(m->life.size(), 2U);
  EXPECT_DOUBLE_EQ(m->life[1].uncertainty.standard, combine(m->budget).standard);
}

// Pairs of which the ammeter's offset leaves little: 1.0 % that is known, and 0.9 % of a current of 1 A that is not.
TEST(VerdictMeasure, an_excess_that_is_smaller_and_less_well_known_counts) {
  Play play;
  const auto pair = [&play](double amps, double excess) {
    play.add({.name = "in", .from_A = amps * (1.0 + excess), .to_A = amps * (1.0 + excess)});
    play.add({.name = "out", .from_A = -amps, .to_A = -amps});
  };
  pair(50.0, 0.010);
  pair(1.0, 0.009);
  const Result<Measured> m =
      measure(play.facts(), {.quantity = ClaimQuantity::charge_excess, .step = "in"}, instruments(), cell());
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_NEAR(m->value, 1.0, 1e-9);
  // 10 mA each way of 1 A, evenly distributed.
  EXPECT_GT(m->value + combine(m->budget).expanded, 0.9 + 2.0 * 2.0 / std::sqrt(3.0));
}

TEST(VerdictMeasure, self_discharge_is_per_month_of_the_rest) {
  Play play;
  play.add({.name = "reference", .from_A = -5.0, .to_A = -5.0});
  play.add({.name = "charge", .from_A = 5.0, .to_A = 5.0});
  play.add({.name = "storage", .seconds = 15 * 86400.0, .from_A = 0.008, .to_A = 0.008});  // an offset is no current
  play.add({.name = "left", .from_A = -4.9, .to_A = -4.9});
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::self_discharge, .step = "left", .reference = "reference"}), 4.0, 1e-9);
}

// An offset of the ammeter counts on in a rest; it must not hide the charge before it.
TEST(VerdictMeasure, the_ends_of_the_window_are_found_behind_a_rest) {
  Play play;
  play.add({.name = "charge", .from_V = 3.0, .to_V = 4.2, .from_A = 5.0, .to_A = 5.0, .cv_seconds = 1.0});
  play.add({.name = "rest", .from_A = 0.01, .to_A = 0.01});
  play.add({.name = "discharge", .from_V = 4.2, .to_V = 3.0, .from_A = -5.0, .to_A = -5.0, .ended_by = "voltage_V <= 3"});
  const Result<EndSlopes> slopes = end_slopes(play.facts(), 2);
  ASSERT_TRUE(slopes);
  EXPECT_NEAR(slopes->top_Ah_per_V, 5.0 / 1.2, 1e-9);
  EXPECT_NEAR(slopes->bottom_Ah_per_V, 5.0 / 1.2, 1e-9);
}

TEST(VerdictMeasure, resistances_and_power) {
  Play play;
  for (const double loaded_V : {3.65, 3.64}) {
    play.add({.name = "rest", .from_V = 3.7, .to_V = 3.7});
    play.add({.name = "pulse", .seconds = 10, .from_V = loaded_V, .to_V = loaded_V, .from_A = -5.0, .to_A = -5.0});
  }
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::resistance, .step = "pulse"}), 12.0, 1e-9);
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::resistance_change, .step = "pulse"}), 20.0, 1e-9);
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::specific_power, .step = "pulse"}), 2.5 * 1.2 / 0.012 / 0.05, 1e-6);
}

// The resistance at the beginning of a long discharge, where no pulse was made.
TEST(VerdictMeasure, a_resistance_can_be_read_early_in_a_step) {
  Play play;
  play.add({.name = "rest", .from_V = 3.7, .to_V = 3.7});
  play.add({.name = "discharge", .seconds = 1000.0, .from_V = 3.6, .to_V = 3.1, .from_A = -5.0, .to_A = -5.0});
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::resistance, .step = "discharge", .at_s = 10.0}), 21.0, 1e-9);
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::resistance, .step = "discharge"}), 120.0, 1e-9);
  EXPECT_FALSE(
      measure(play.facts(), {.quantity = ClaimQuantity::resistance, .step = "discharge", .at_s = 2000.0}, instruments(), cell()));
}

TEST(VerdictMeasure, the_ladder_ends_where_less_comes_back) {
  Play play;
  for (const double rate_A : {2.0, 4.0, 6.0}) {
    const std::string name = "watched rung " + std::to_string(static_cast<int>(rate_A) / 2);
    play.add({.name = name, .from_V = 3.6, .to_V = 4.0, .from_A = rate_A, .to_A = rate_A, .ended_by = "capacity_pct >= 50"});
    play.add({.name = "watch"});
    const double back_A = rate_A < 5.0 ? rate_A : 0.9 * rate_A;
    play.add({.name = "discharge", .from_A = -back_A, .to_A = -back_A});
  }
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::critical_current_density, .step = "watched rung *"}), 5.0, 1e-9);
}

TEST(VerdictMeasure, extremes_are_over_all_executions) {
  Play play;
  play.add({.name = "charge", .from_V = 3.0, .to_V = 4.1, .from_A = 5.0, .to_A = 5.0, .temperature_max_degC = 41.0});
  play.add({.name = "charge", .from_V = 3.1, .to_V = 4.2, .from_A = 5.0, .to_A = 5.0, .temperature_max_degC = 39.0});
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::voltage_peak, .step = "charge"}), 4.2, 1e-12);
  EXPECT_NEAR(value(play, {.quantity = ClaimQuantity::voltage_least, .step = "charge"}), 3.0, 1e-12);
  const Result<Measured> none =
      measure(play.facts(), {.quantity = ClaimQuantity::cell_temperature_peak, .step = "charge"}, instruments(), cell());
  EXPECT_FALSE(none);  // without a thermometer nothing is known of the cell
}

// Where the voltage was held its peak is what the cycler made of it.
TEST(VerdictMeasure, a_peak_of_a_held_voltage_says_that_the_cycler_is_judged_too) {
  const auto note = [](double cv_seconds, ClaimQuantity quantity) {
    Play play;
    play.add({.name = "charge", .from_V = 3.0, .to_V = 4.2, .from_A = 5.0, .to_A = 5.0, .cv_seconds = cv_seconds});
    const Result<Measured> m = measure(play.facts(), {.quantity = quantity, .step = "charge"}, instruments(), cell());
    EXPECT_TRUE(m);
    return m ? m->note : std::string{};
  };
  EXPECT_NE(note(60.0, ClaimQuantity::voltage_peak).find("its regulation is judged with the cell"), std::string::npos);
  EXPECT_EQ(note(0.0, ClaimQuantity::voltage_peak), "");
  EXPECT_EQ(note(60.0, ClaimQuantity::voltage_least), "");
}

TEST(VerdictMeasure, what_was_not_run_is_named_with_the_nearest_step) {
  Play play;
  play.add({.name = "fast charge", .from_A = 5.0, .to_A = 5.0});
  const Result<Measured> m =
      measure(play.facts(), {.quantity = ClaimQuantity::step_time, .step = "fast charg"}, instruments(), cell());
  ASSERT_FALSE(m);
  EXPECT_NE(m.error().what.find("did you mean 'fast charge'"), std::string::npos) << m.error().what;
  CellFacts bare = cell();
  bare.mass_kg.reset();
  EXPECT_FALSE(measure(play.facts(), {.quantity = ClaimQuantity::specific_energy, .step = "fast charge"}, instruments(), bare));
}

TEST(VerdictMeasure, two_results_compared) {
  Measured cold, warm;
  warm.value = 1.0;
  cold.value = std::exp(0.3 / 8.617333262e-5 * (1.0 / 278.15 - 1.0 / 298.15));
  const Result<Measured> energy = activation_energy({cold, 5.0, 0.5}, {warm, 25.0, 0.5});
  ASSERT_TRUE(energy);
  EXPECT_NEAR(energy->value, 0.3, 1e-9);
  EXPECT_GT(combine(energy->budget).standard, 0.0);
  EXPECT_FALSE(activation_energy({cold, 25.0, 0.5}, {warm, 25.0, 0.5}));
  const Result<Measured> loss = mass_loss(200.0, 199.0, 0.01);
  ASSERT_TRUE(loss);
  EXPECT_NEAR(loss->value, 0.5, 1e-12);
  EXPECT_FALSE(mass_loss(0.0, 1.0, 0.01));
}

}  // namespace
}  // namespace cellrig::verdict
