// Heat is the hazard that one cell shares with the next: the chamber, its channels and its sensors.
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration instant = 60s + 37ms;
constexpr double fast_K_per_s = 1.5;
constexpr double hot_K = 50.0;  // from room temperature beyond every limit

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
  EXPECT_LE(watch.flowed_for().value_or(1h), 1s);
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
  EXPECT_LE(watch.flowed_for().value_or(1h), 4500ms);  // 3 s above 1 K/s, seen over a second
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
  EXPECT_LE(first.flowed_for().value_or(1h), 1s);
  EXPECT_LE(second.flowed_for().value_or(1h), 1s);
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
  EXPECT_LE(watch.flowed_for().value_or(1h), 1s);
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
  bench.fault_at(5s, "chamber_stuck oven");
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "did not reach its end within 3 h");
  EXPECT_TRUE(bench.said("did not reach its end"));
  EXPECT_EQ(bench.truth("ch1").current_max_A, 0.0);
}

TEST(ThermalScenario, a_chamber_that_runs_away_is_caught_by_the_cells_own_limit) {
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", soak("at_most_h: 6")}, {"ch2", profile_of(During::rest, 40)}}});
  bench.fault_at(5s, "chamber_stuck oven temperature_degC=120");
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::tripped));
  EXPECT_LT(bench.truth("ch1").surface_temperature_max_degC, 62.0);
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

}  // namespace
}  // namespace cellrig::test
