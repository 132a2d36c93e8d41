// Something in this program throws, in the task of a channel with current flowing: OFF comes first, then the message about what it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/program/live_bench.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

constexpr Seconds end_limit{20};
constexpr Seconds watchdog{5};
const std::string samples_before_the_failure = "15";
constexpr std::size_t samples_committed_at_least = 5;  // per channel, of two

class OwnFailure : public testing::Test {
 protected:
  /// Runs until it fails; then it has ended with code 4 and its own words.
  void run_and_fail(LiveRun run) {
    run.program = CELLRIG_FAILING_PROGRAM;
    run.environment = {{"CELLRIG_TEST_SAMPLES", samples_before_the_failure}};
    const std::unique_ptr<Process> controller = bench.start_charging(run);
    const bool was_charging = eventually(end_limit, [&] {
      if (bench.charges("ch1")) last_charging = bench.now();
      return controller->has_ended();
    });
    ended = bench.now();
    ASSERT_TRUE(was_charging) << "it does not end:\n" << controller->err();
    EXPECT_EQ(controller->wait(end_limit), 4) << controller->out() << controller->err();
    EXPECT_THAT(controller->err(), HasSubstr("cellrig: a failure of our own"));
  }
  /// At once when the process is gone. The contactor is open: the instrument's watchdog does not do that.
  void expect_switched_off(const std::string& channel) {
    EXPECT_TRUE(bench.simulator.is_off(channel)) << bench.simulator.ask("truth");
    EXPECT_FALSE(bench.simulator.truth(channel).output_on);
    EXPECT_FALSE(bench.simulator.truth(channel).contactor_closed);
  }
  void expect_record_opens(const std::string& channel) const {
    const std::unique_ptr<db::Reader> record = bench.record();
    const db::RunInfo run = only_run(*record, channel);
    EXPECT_NE(run.status, "completed");
    EXPECT_GE(samples_of(*record, run.run).size(), samples_committed_at_least) << "what was kept can be read";
  }

  LiveBench bench{"demo"};
  Seconds last_charging{}, ended{};
};

TEST_F(OwnFailure, in_a_channels_task_ends_with_the_output_off_and_a_record_that_opens) {
  run_and_fail({});
  expect_switched_off("ch1");
  EXPECT_LT(ended - last_charging, watchdog / 2) << "it was switched off, not left to the watchdog";
  expect_record_opens("ch1");
}

TEST_F(OwnFailure, in_one_channels_task_switches_off_the_other_channel_and_the_chamber_too) {
  run_and_fail({.channels = {"ch1", "ch2"}, .profile = "warm.yaml"});
  expect_switched_off("ch1");
  expect_switched_off("ch2");
  EXPECT_FALSE(bench.oven_runs());
  EXPECT_EQ(bench.oven_setpoint_degC(), 30.0) << "it was in use";
  expect_record_opens("ch1");
  expect_record_opens("ch2");
}

// It has the chamber's lease, alone: also when the neighbour in there has no part in this run, nobody else will stop it.
TEST_F(OwnFailure, stops_the_chamber_that_the_run_had_alone) {
  run_and_fail({.profile = "warm.yaml"});
  expect_switched_off("ch1");
  EXPECT_EQ(bench.oven_setpoint_degC(), 30.0) << "it was in use";
  EXPECT_FALSE(bench.oven_runs());
}

// What the failed one held (leases, the database's lock) is free for the next.
TEST_F(OwnFailure, leaves_bench_and_database_to_the_next_run) {
  run_and_fail({});
  bench.write_charge("short.yaml", 1);
  const std::unique_ptr<Process> next = bench.start({.profile = "short.yaml"});
  EXPECT_EQ(next->wait(end_limit), 0) << next->out() << next->err();
  const std::unique_ptr<db::Reader> record = bench.record();
  const std::vector<db::RunInfo> runs = record->runs().value();
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs.back().status, "completed");
}

}  // namespace
}  // namespace cellrig::test
