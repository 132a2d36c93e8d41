// Every way to stop ends with the output off: by the instrument, by the contactor, at the latest by the instrument's own watchdog.
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration stop_instant = 30s + 37ms;

HarnessOptions options(const std::string& bench, During during) {
  return {.bench = bench, .profiles = {{"ch1", profile_of(during)}}, .control_period = control_period};
}

void stop_at(BenchHarness& bench, Duration instant) {
  bench.at(instant, [&bench] { bench.bench_run().stop(Outcome::stopped); });
}

class StopDuring : public testing::TestWithParam<During> {};

TEST_P(StopDuring, a_stop_is_an_orderly_end_within_two_control_periods) {
  BenchHarness bench(options("single", GetParam()));
  stop_at(bench, stop_instant);
  CurrentWatch watch(bench, "ch1", stop_instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::stopped, "");
  EXPECT_EQ(bench.result("ch1").safe_by, SafeBy::instrument);
  EXPECT_LE(watch.flowed_for().value_or(1h), 250ms);
}

// The instrument hangs at the moment somebody wants to stop: the exchange under way is cut, the OFF goes out on the other link.
TEST_P(StopDuring, a_stop_while_a_reply_hangs_does_not_wait_for_it) {
  BenchHarness bench(options("single", GetParam()));
  bench.fault_at(stop_instant - 40ms, "drop psb1.modbus count=for_ever");
  stop_at(bench, stop_instant);
  CurrentWatch watch(bench, "ch1", stop_instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::stopped, "");
  EXPECT_EQ(bench.result("ch1").safe_by, SafeBy::instrument);
  EXPECT_LE(watch.flowed_for().value_or(1h), 1s);
}

// A second stop cuts waits, never the OFF.
TEST_P(StopDuring, a_second_stop_while_the_port_is_closed_still_opens_the_contactor) {
  BenchHarness bench(options("demo", GetParam()));
  bench.fault_at(stop_instant - 1ms, "refuse psb1 for_s=1000");
  bench.fault_at(stop_instant - 1ms, "close psb1");
  stop_at(bench, stop_instant);
  stop_at(bench, stop_instant + 200ms);
  CurrentWatch watch(bench, "ch1", stop_instant);
  bench.run();
  expect_ended(bench, "ch1", bench.result("ch1").outcome, "");
  EXPECT_EQ(bench.result("ch1").safe_by, SafeBy::contactor);
  EXPECT_LE(watch.flowed_for().value_or(1h), 1600ms);
  EXPECT_LE(bench.time().now() - TimePoint{stop_instant}, 6s) << "the end must not wait for an instrument that is gone";
}

INSTANTIATE_TEST_SUITE_P(Stop, StopDuring, testing::Values(During::charge, During::discharge, During::rest),
                         [](const testing::TestParamInfo<During>& p) {
                           return std::string(p.param == During::charge      ? "charge"
                                              : p.param == During::discharge ? "discharge"
                                                                             : "rest");
                         });

// H14: read-back says it is still on, so the second way is taken.
TEST(StopScenario, an_output_that_ignores_off_is_opened_by_the_contactor) {
  for (const During during : {During::charge, During::discharge}) {
    BenchHarness bench(options("demo", during));
    bench.fault_at(10s, "ignore_off psb1");
    stop_at(bench, stop_instant);
    CurrentWatch watch(bench, "ch1", stop_instant);
    bench.run();
    expect_ended(bench, "ch1", Outcome::instrument_failure, "the cycler did not confirm OFF");
    EXPECT_EQ(bench.result("ch1").safe_by, SafeBy::contactor);
    expect_reaction("H14", "OFF is ignored: contactor", watch.flowed_for(), 1600ms);
    EXPECT_TRUE(bench.said("contactor was opened"));
  }
}

// The first OFF of a start: one cycler that hangs, with the relays that are its second way, is no reason to leave another one on.
TEST(StopScenario, off_of_one_output_does_not_wait_for_another_that_hangs) {
  BenchHarness bench({.bench = "demo",
                      .profiles = {{"ch1", profile_of(During::rest)}, {"ch2", profile_of(During::rest)}},
                      .control_period = control_period});
  (void)ask_scpi(bench, "aps1", "OUTP ON");
  ASSERT_TRUE(bench.output_is_on("ch2"));
  bench.fault_at(0s, "refuse psb1 for_s=1000");
  bench.fault_at(0s, "refuse adam for_s=1000");
  bool is_off = false;
  bench.at(500ms, [&] { is_off = !bench.output_is_on("ch2"); });
  bench.run();
  EXPECT_TRUE(is_off) << "half a second is enough for a cycler that answers";
  EXPECT_EQ(to_string(bench.result("ch2").outcome), to_string(Outcome::instrument_failure));
}

// Without a contactor there is nothing left but to say so, loudly, and not to call it a success.
TEST(StopScenario, an_output_that_ignores_off_and_has_no_contactor_is_told_to_a_person) {
  BenchHarness bench(options("single", During::charge));
  bench.fault_at(10s, "ignore_off psb1");
  stop_at(bench, stop_instant);
  bench.run();
  EXPECT_EQ(bench.result("ch1").safe_by, SafeBy::watchdog) << "silence lets the watchdog do what the instrument did not";
  EXPECT_FALSE(bench.output_is_on("ch1"));
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::instrument_failure))
      << "nobody may take this for a stop that worked";
  EXPECT_TRUE(bench.said("Go and look"));
  EXPECT_TRUE(run_of(bench, "ch1").end.has_value());
}

// A step that ends is an OFF too: an instrument that ignores it is found out, not left on in the next step.
TEST(StopScenario, an_off_between_two_steps_that_is_ignored_ends_the_run_with_the_contactor_open) {
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
      "  - cc_charge: {rate_C: 1, until: step_time_s >= 20, at_most_h: 1}\n  - rest: {for_min: 5}\n";
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", profile}}, .control_period = control_period});
  bench.fault_at(10s, "ignore_off psb1");
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "the cycler did not confirm OFF");
  EXPECT_FALSE(bench.bench().world().stage(0).contactor_closed());
  EXPECT_TRUE(bench.said("contactor was opened"));
}

// The contactor is welded and the instrument ignores OFF: both are said.
TEST(StopScenario, a_welded_contactor_behind_a_deaf_instrument_is_not_called_safe) {
  BenchHarness bench(options("demo", During::charge));
  bench.fault_at(10s, "ignore_off psb1");
  bench.fault_at(10s, "contactor_welded ch1");
  stop_at(bench, stop_instant);
  bench.run();
  EXPECT_NE(to_string(bench.result("ch1").outcome), to_string(Outcome::completed));
  EXPECT_TRUE(run_of(bench, "ch1").end.has_value());
}

// Stop during the preparation: nothing was ever on.
TEST(StopScenario, a_stop_at_any_moment_of_the_start_ends_with_the_output_off) {
  for (Duration instant = 0ms; instant < 3s; instant += 50ms) {
    BenchHarness bench(options("demo", During::charge));
    stop_at(bench, instant);
    bench.run();
    EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::stopped))
        << "stopped after " << instant / 1ms << " ms: " << bench.result("ch1").reason;
    EXPECT_EQ(bench.truth("ch1").current_A, 0.0) << instant / 1ms;
    EXPECT_FALSE(bench.output_is_on("ch1")) << instant / 1ms;
    EXPECT_FALSE(bench.bench().world().stage(0).contactor_closed()) << instant / 1ms;
  }
}

// H15, F39: the disk is full in the middle of a charge.
TEST(StopScenario, a_record_that_cannot_be_kept_ends_the_run_with_the_output_off) {
  for (const During during : {During::charge, During::discharge}) {
    HarnessOptions small = options("single", during);
    small.database_bytes_max = 400'000;
    BenchHarness bench(small);
    bench.run();
    EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::record_failure));
    EXPECT_THAT(bench.result("ch1").reason, testing::HasSubstr("record"));
    expect_off_for_good(bench, "ch1");
    EXPECT_GT(samples_of(bench, "ch1").size(), 100u) << "what was kept can be read";
    EXPECT_LT(to_seconds(bench.time().now() - TimePoint{}), 1200.0) << "not at the end of the step";
  }
}

TEST(StopScenario, a_disk_that_fills_up_ends_the_run_in_order_before_it_is_full) {
  HarnessOptions filling = options("single", During::charge);
  filling.free_disk_bytes = [](TimePoint now) { return now < TimePoint{60s} ? std::uint64_t{1} << 40 : std::uint64_t{0}; };
  BenchHarness bench(filling);
  bench.run();
  expect_ended(bench, "ch1", Outcome::record_failure, "");
  EXPECT_THAT(bench.result("ch1").reason, testing::HasSubstr("MiB free")) << "a technician must read why";
}

// F01 to F07: what happens on every network now and then ends no test.
TEST(StopScenario, a_short_disturbance_of_the_link_ends_no_run) {
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
      "  - cc_charge: {rate_C: 1, until: step_time_s >= 60, at_most_h: 1}\n";
  for (const std::string order :
       {"drop psb1.modbus count=1", "delay psb1.modbus delay_ms=200 count=1", "garble psb1.modbus bytes=3 count=1",
        "truncate psb1.modbus bytes=4 count=1", "duplicate psb1.modbus count=1", "close psb1.modbus count=1",
        "delay psb1.modbus delay_ms=400 overtaken=true count=1", "drop adam count=1"}) {
    BenchHarness bench({.profiles = {{"ch1", profile}}, .control_period = control_period});
    for (const Duration instant : {10s, 20s, 30s, 40s}) bench.fault_at(instant + 30ms, order);
    bench.run();
    EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::completed))
        << order << ": " << bench.result("ch1").reason;
    EXPECT_NEAR(bench.truth("ch1").soc, 0.5 + 5.0 / 60 / 4.978, 1e-4) << order;
    // A reply that came late must not be taken for the answer to the next question.
    for (const db::SampleRow& row : samples_of(bench, "ch1")) {
      EXPECT_GT(row.voltage_V, 3.6) << order;
      EXPECT_LT(row.voltage_V, 4.0) << order;
      EXPECT_LT(row.current_A, 5.1) << order;
      EXPECT_GT(row.current_A, -0.05) << order;
    }
    expect_off_for_good(bench, "ch1");
  }
}

}  // namespace
}  // namespace cellrig::test
