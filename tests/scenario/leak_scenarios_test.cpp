// H6: cells that leak inside, in charge, at a constant voltage and at rest. The world knows the short; the record must name it.
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

const std::string quarantine = "internal short, quarantine the cell";

std::string bench_with(const std::string& cell) {
  return "bench: b\ninstruments:\n"
         "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
         "channels:\n  ch1: {cycler: psb1}\n"
         "simulation:\n  cells:\n    ch1: {file: lg-m50, " +
         cell + "}\n  measurement: {psb1: {voltage_noise_V: 0.002, current_noise_A: 0.002}}\n";
}

std::string profile_with(const std::string& steps) { return "profile: P\nformat: 1\nrecord: {every_s: 60}\nsteps:\n" + steps; }

/// F45, of a kind that the limits do not see: the cell's own resistance hides it.
TEST(LeakScenario, a_short_that_appears_in_a_charge_or_a_rest_is_seen_within_two_polls) {
  constexpr Duration short_from = 30s + 37ms;
  for (const During during : {During::charge, During::rest}) {
    BenchHarness bench({.profiles = {{"ch1", profile_of(during)}}, .control_period = control_period});
    bench.fault_at(short_from, "internal_short ch1 ohm=1");
    CurrentWatch watch(bench, "ch1", short_from);
    bench.run();
    expect_ended(bench, "ch1", Outcome::tripped, "the voltage fell at once at the same current: " + quarantine);
    expect_reaction("H6", during == During::charge ? "1 ohm inside, in a charge" : "1 ohm inside, at rest", watch.flowed_for(),
                    250ms);
    EXPECT_NEAR(bench.truth("ch1").short_S, 1.0, 1e-9);
  }
}

/// At the same current a discharge falls anyhow: what falls at once, and then no further, is a short.
TEST(LeakScenario, a_hard_short_in_a_discharge_is_seen_within_two_polls) {
  constexpr Duration short_from = 30s + 37ms;
  BenchHarness bench({.profiles = {{"ch1", profile_of(During::discharge)}}, .control_period = control_period});
  bench.fault_at(short_from, "internal_short ch1 ohm=0.3");
  CurrentWatch watch(bench, "ch1", short_from);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "the voltage fell at once at the same current: " + quarantine);
  expect_reaction("H6", "0.3 ohm inside, in a discharge", watch.flowed_for(), 250ms);
}

/// A cell that is emptied at 2C, looked at every ten seconds, falls by more than that from one look to the next.
TEST(LeakScenario, a_cell_that_runs_empty_is_no_short) {
  for (const Duration period : {Duration{100ms}, Duration{1s}, Duration{10s}}) {
    const std::string profile = profile_with("  - cc_discharge: {rate_C: 2, until: voltage_V <= 2.5, at_most_h: 2}\n");
    BenchHarness bench({.profiles = {{"ch1", profile}}, .control_period = period});
    bench.run();
    const std::string why = bench.result("ch1").reason;
    EXPECT_EQ(why.find("quarantine"), std::string::npos) << why;
  }
}

// All of it goes into the short, and a little of the cell besides. Digits that flicker hide it from the rule for frozen readings.
TEST(LeakScenario, a_charge_that_raises_no_voltage_ends_long_before_the_guard_of_the_charge) {
  BenchHarness bench(
      {.bench = bench_with("soc_pct: 30, short_ohm: 2.2"),
       .profiles = {{"ch1", profile_with("  - cc_charge: {rate_C: 0.3, until: voltage_V >= 4.2, at_most_h: 20}\n")}}});
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "the voltage does not rise while charge goes in: " + quarantine);
  EXPECT_LT(samples_of(bench, "ch1").back().charge_Ah, 4.0) << "the guard of the charge is at 5.97 Ah";
}

TEST(LeakScenario, a_current_that_does_not_taper_ends_the_charge) {
  BenchHarness bench({.bench = bench_with("soc_pct: 80, short_ohm: 10"),
                      .profiles = {{"ch1", profile_with("  - cccv_charge: {rate_C: 0.3, voltage_V: 4.2, until: current_A <= "
                                                        "0.25, at_most_h: 20}\n")}}});
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "the current does not taper at a constant voltage: " + quarantine);
  const double short_A = 4.2 * bench.truth("ch1").short_S;
  EXPECT_NEAR(short_A, 0.42, 0.01);
  EXPECT_LT(to_seconds(bench.time().now().time_since_epoch()), 5 * 3600.0);
}

// F46: nobody asks anything of the cell, and it discharges itself.
TEST(LeakScenario, a_rest_in_which_the_voltage_goes_on_falling_ends_the_run) {
  const std::string profile = profile_with(
      "  - cc_charge: {rate_C: 0.5, until: step_time_s >= 600, at_most_h: 1}\n  - rest: {for_h: 12}\n"
      "  - cc_charge: {rate_C: 0.5, until: step_time_s >= 600, at_most_h: 1}\n");
  BenchHarness bench({.profiles = {{"ch1", profile}}});
  bench.fault_at(20min, "soft_short ch1 ohm=40 end_ohm=20 over_s=3600");
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped,
               "the voltage goes on falling at rest: internal short or a drain outside, quarantine the cell");
  EXPECT_LT(to_seconds(bench.time().now().time_since_epoch()), 5 * 3600.0) << "an hour of relaxation, and three half hours";
}

TEST(LeakScenario, the_same_rest_of_a_healthy_cell_ends_nothing) {
  const std::string profile = profile_with(
      "  - cc_charge: {rate_C: 0.5, until: step_time_s >= 600, at_most_h: 1}\n  - rest: {for_h: 12}\n"
      "  - cc_discharge: {rate_C: 0.5, until: step_time_s >= 600, at_most_h: 1}\n  - rest: {for_h: 12}\n");
  BenchHarness bench({.profiles = {{"ch1", profile}}});
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
}

}  // namespace
}  // namespace cellrig::test
