// Heat is the hazard that one cell shares with the next: the chamber, its channels and its sensors.
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration instant = 60s + 37ms;
constexpr double fast_K_per_s = 1.5;
constexpr double hot_K = 50.0;  // from room temperature beyond every limit

// The LG M50 takes 0.3C at 0 degC and 2C at 25: 1C is too much for one that is measured at 8 degC, whatever the profile says.
TEST(RateMapScenario, the_allowed_current_follows_the_measured_temperature_of_the_cell) {
  BenchHarness bench({.profiles = {{"ch1", profile_of(During::charge)}}, .control_period = control_period});
  bench.at(instant, [&bench] { shift_thermocouple(bench, "ch1", -17.0); });
  CurrentWatch watch(bench, "ch1", instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "charge current too high: current_A 5.0");
  EXPECT_LE(watch.flowed_for().value_or(1h), 15s) << "the thermocouple lags, and the map falls with it";
}

class ThermalDuring : public testing::TestWithParam<During> {
 protected:
  [[nodiscard]] HarnessOptions single() const {
    return {.profiles = {{"ch1", profile_of(GetParam())}}, .control_period = control_period};
  }
};

// H4: the absolute limit, 1 s.
TEST_P(ThermalDuring, a_cell_over_its_temperature_limit_is_switched_off_within_a_second) {
  BenchHarness bench(single());
  bench.at(instant, [&bench] { shift_thermocouple(bench, "ch1", hot_K); });
  CurrentWatch watch(bench, "ch1", instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "cell too hot");
  expect_reaction("H4", "cell too hot", watch.flowed_for(), 1s);
}

// H5: 1 K/s for 3 s, long before the absolute limit.
TEST_P(ThermalDuring, a_cell_that_heats_too_fast_is_switched_off_within_five_seconds) {
  BenchHarness bench(single());
  for (Duration after = 0ms; after < 10s; after += 50ms) {
    bench.at(instant + after, [&bench, after] { shift_thermocouple(bench, "ch1", fast_K_per_s * to_seconds(after)); });
  }
  CurrentWatch watch(bench, "ch1", instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "cell heats too fast");
  expect_reaction("H5", "1.5 K/s", watch.flowed_for(), 4500ms);  // 3 s above 1 K/s, seen over a second
}

// The measurement hangs, and just then the logger says that the cell is too hot: its word is acted on at once.
TEST_P(ThermalDuring, an_over_limit_temperature_is_acted_on_while_the_cyclers_reply_hangs) {
  BenchHarness bench(single());
  bench.fault_at(instant - 20ms, "drop psb1.modbus count=for_ever");
  bench.at(instant, [&bench] { shift_thermocouple(bench, "ch1", hot_K); });
  CurrentWatch watch(bench, "ch1", instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "cell too hot");
  EXPECT_LE(watch.flowed_for().value_or(1h), 700ms) << "before the voltage is even stale";
}

// All channels of the chamber off, the chamber stopped, each with its own cause.
TEST_P(ThermalDuring, a_thermal_trip_switches_off_every_channel_of_the_chamber_and_stops_it) {
  BenchHarness bench({.bench = "demo",
                      .profiles = {{"ch1", profile_of(GetParam(), 30)}, {"ch2", profile_of(During::charge, 30)}},
                      .control_period = control_period});
  bool was_running = false;
  bench.at(instant, [&] {
    shift_thermocouple(bench, "ch1", hot_K);
    was_running = bench.bench().world().chamber(0).is_running();
  });
  CurrentWatch first(bench, "ch1", instant);
  CurrentWatch second(bench, "ch2", instant);
  bench.run();
  EXPECT_TRUE(was_running);
  expect_ended(bench, "ch1", Outcome::tripped, "cell too hot");
  expect_ended(bench, "ch2", Outcome::tripped, "another channel");
  expect_reaction("H4", "cell too hot in a chamber, its own channel", first.flowed_for(), 1s);
  expect_reaction("H4", "cell too hot in a chamber, its neighbour's channel", second.flowed_for(), 1s);
  EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
}

INSTANTIATE_TEST_SUITE_P(Thermal, ThermalDuring, testing::Values(During::charge, During::discharge, During::rest),
                         [](const testing::TestParamInfo<During>& p) {
                           return std::string(p.param == During::charge      ? "charge"
                                              : p.param == During::discharge ? "discharge"
                                                                             : "rest");
                         });

// H10: no current into a cell that is too cold.
TEST(ThermalScenario, a_cell_that_gets_too_cold_while_it_is_charged_is_switched_off) {
  BenchHarness bench({.profiles = {{"ch1", profile_of(During::charge)}}, .control_period = control_period});
  bench.at(instant, [&bench] { shift_thermocouple(bench, "ch1", -hot_K / 2 - 5); });
  CurrentWatch watch(bench, "ch1", instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "too cold");
  expect_reaction("H10", "cell gets too cold in a charge", watch.flowed_for(), 1s);
}

// Colder than any step allows, in a discharge, where plating is no matter.
TEST(ThermalScenario, a_cell_that_gets_colder_than_its_limit_is_switched_off) {
  BenchHarness bench({.profiles = {{"ch1", profile_of(During::discharge)}}, .control_period = control_period});
  bench.at(30s, [&bench] { shift_thermocouple(bench, "ch1", -70.0); });
  CurrentWatch watch(bench, "ch1", 30s);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "cell too cold");
  EXPECT_LE(watch.flowed_for().value_or(1h), 1s);
}

// H2: the voltage never gets there, because a short inside the cell takes what the charge brings. The count of the charge ends it.
TEST(ThermalScenario, a_charge_that_never_ends_is_ended_by_its_charge) {
  const std::string bench_text =
      "bench: b\ninstruments:\n"
      "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
      "channels:\n  ch1: {cycler: psb1}\n"
      "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 30, short_ohm: 4}\n";
  BenchHarness bench({.bench = bench_text,
                      .profiles = {{"ch1",
                                    "profile: P\nformat: 1\nsteps:\n"
                                    "  - cc_charge: {rate_C: 0.3, until: voltage_V >= 4.2, at_most_h: 20}\n"}}});
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "more charge went in than the cell can hold");
}

// An electrical trip is one channel's own business.
TEST(ThermalScenario, a_trip_that_is_not_thermal_leaves_the_other_channel_and_the_chamber_alone) {
  const std::string short_charge =
      "profile: P\nformat: 1\nsteps:\n"
      "  - cc_charge: {rate_C: 1, until: step_time_s >= 90, at_most_h: 1, temperature_degC: 30}\n";
  BenchHarness bench({.bench = "demo",
                      .profiles = {{"ch1", profile_of(During::charge, 30)}, {"ch2", short_charge}},
                      .control_period = control_period});
  bench.fault_at(20s, "nan psb1");
  bool still_running = false;
  bench.at(60s, [&] {
    (void)bench.truth("ch2");
    still_running = bench.bench().world().chamber(0).is_running();
  });
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "not a number");
  expect_ended(bench, "ch2", Outcome::completed, "");
  EXPECT_TRUE(still_running);
  EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
}

std::string soak(const std::string& bound) {
  return "profile: P\nformat: 1\nrecord: {every_s: 10}\nsteps:\n"
         "  - soak: {temperature_degC: 40, until: cell_temperature_degC >= 39, " +
         bound +
         "}\n"
         "  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2}\n";
}

TEST(ThermalScenario, a_chamber_that_never_arrives_ends_the_run_before_any_current) {
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", soak("at_most_h: 3")}}});
  bench.fault_at(5s, "chamber_stuck oven temperature_degC=38.5");  // within its band
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "did not reach its end within 3 h");
  EXPECT_TRUE(bench.said("did not reach its end"));
  EXPECT_EQ(bench.truth("ch1").current_max_A, 0.0);
}

TEST(ThermalScenario, a_chamber_that_does_not_move_ends_the_run_before_any_current) {
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", soak("at_most_h: 3")}}});
  bench.fault_at(5s, "chamber_stuck oven");
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "the chamber does not get to the temperature it was given");
  EXPECT_EQ(bench.truth("ch1").current_max_A, 0.0);
}

TEST(ThermalScenario, a_chamber_that_runs_away_while_its_reading_stands_still_is_caught_by_the_cells_own_limit) {
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", soak("at_most_h: 6")}, {"ch2", profile_of(During::rest, 40)}}});
  bench.fault_at(30min, "freeze f4t");
  bench.fault_at(30min + 2s, "chamber_stuck oven temperature_degC=120");
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::tripped));
  EXPECT_THAT(bench.result("ch1").reason, testing::HasSubstr("cell too hot"));
  EXPECT_LT(bench.truth("ch1").surface_temperature_max_degC, 62.0);
}

TEST(ThermalScenario, a_chamber_that_runs_away_never_heats_the_cell_to_its_limit) {
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", soak("at_most_h: 6")}, {"ch2", profile_of(During::rest, 40)}}});
  bench.fault_at(5s, "chamber_stuck oven temperature_degC=120");
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::tripped));
  EXPECT_LT(bench.truth("ch1").surface_temperature_max_degC, 46.0);
}

// The chamber dies while it is used: the first thing that asks it for something finds out, at the latest the soak's bound.
TEST(ThermalScenario, a_chamber_that_does_not_take_a_temperature_ends_the_run_and_says_so) {
  const std::string profile =
      "profile: P\nformat: 1\nsteps:\n  - rest: {for_s: 20, temperature_degC: 30}\n"
      "  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2, temperature_degC: 40}\n";
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", profile}}, .control_period = control_period});
  bench.fault_at(10s, "drop f4t count=for_ever");
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "chamber");
  EXPECT_EQ(bench.truth("ch1").current_max_A, 0.0);
}

// H5: nothing flows, and the cell gets warmer than the air around it. Its neighbours are in the same chamber.
TEST(ThermalScenario, a_cell_that_warms_by_itself_at_rest_stops_its_chamber) {
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 60}\nsteps:\n  - rest: {for_h: 6, temperature_degC: 25}\n";
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", profile}, {"ch2", profile_of(During::charge, 25)}}});
  bench.fault_at(40min, "extra_heat ch1 power_W=1");
  bool was_running = false;
  bench.at(40min, [&] {
    (void)bench.truth("ch1");
    was_running = bench.bench().world().chamber(0).is_running();
  });
  bench.run();
  EXPECT_TRUE(was_running);
  expect_ended(bench, "ch1", Outcome::tripped, "the cell warms by itself at rest: quarantine the cell");
  EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
  EXPECT_LT(bench.truth("ch1").surface_temperature_max_degC, 30.0);
}

// H5 under a current: 1 A cannot warm the cell like this, whatever its resistance, and its temperature is still far from its limit.
TEST(ThermalScenario, a_cell_that_warms_faster_than_its_current_can_warm_it_stops_its_chamber) {
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 60}\nsteps:\n  - rest: {for_min: 1, temperature_degC: 25}\n"
      "  - cc_charge: {rate_C: 0.2, until: step_time_s >= 1800, at_most_h: 1}\n";
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", profile}, {"ch2", profile_of(During::charge, 25)}}});
  bench.fault_at(10min, "extra_heat ch1 power_W=12");
  CurrentWatch watch(bench, "ch1", 10min);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "the cell warms faster than its current can warm it");
  expect_reaction("H5", "12 W that its current cannot make", watch.flowed_for(), 150s);
  EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
  EXPECT_LT(bench.truth("ch1").surface_temperature_max_degC, 55.0);
}

// A reading that is wrong in one direction only shows in no limit, and in no sample by itself.
TEST(ThermalScenario, a_cell_that_seems_to_give_back_more_energy_than_it_took_ends_the_run) {
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 60}\nsteps:\n  - cc_charge: {rate_C: 0.2, until: step_time_s >= 1800, at_most_h: "
      "1}\n"
      "  - cc_discharge: {rate_C: 0.2, until: step_time_s >= 2400, at_most_h: 1}\n";
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", profile}}});
  bench.fault_at(35min, "voltage_offset psb1 offset_V=0.35");
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "more energy came out of the cell than went in");
}

}  // namespace
}  // namespace cellrig::test
