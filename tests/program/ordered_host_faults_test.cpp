// F37 to F44 by the back door of a running cellrig-sim, in real time: what a person does to the controller's computer with a curl.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "db/verify.hpp"
#include "tests/program/live_bench.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

constexpr int killed = 128 + SIGKILL;
constexpr Seconds end_limit{30};
constexpr Seconds watchdog_limit{12};  // 5 s of the watchdog, and a busy machine

class OrderedHostFault : public testing::Test {
 protected:
  std::unique_ptr<Process> start() {
    bench.write_charge("charge.yaml", 3600);
    return bench.start_charging({.more = {"--control-period-s", "0.2"}});
  }
  void expect_intact_record() const {
    const Result<db::VerifyReport> verified = db::verify_record(bench.folder + "/first.db");
    EXPECT_TRUE(verified && verified->is_intact()) << (verified ? "not intact" : verified.error().what);
  }

  LiveBench bench{"demo"};
};

TEST_F(OrderedHostFault, are_refused_while_no_controller_is_there) {
  for (const std::string order : {"kill", "F38", "F39", "F40", "F41", "F42", "F43", "F44"})
    EXPECT_THAT(bench.simulator.ask("fault " + order), HasSubstr("no controller is here")) << order;
}

TEST_F(OrderedHostFault, a_kill_leaves_the_output_to_the_watchdog) {
  const std::unique_ptr<Process> run = start();
  bench.simulator.fault("kill");
  EXPECT_EQ(run->wait(end_limit), killed);
  EXPECT_TRUE(bench.goes_off("ch1", watchdog_limit));
  expect_intact_record();
}

TEST_F(OrderedHostFault, a_loss_of_power_loses_no_more_than_a_second) {
  const std::unique_ptr<Process> run = start();
  const Seconds charged_since = bench.now();
  EXPECT_TRUE(eventually(end_limit, [&] { return bench.simulator.truth("ch1").soc > 0.5015; }));
  const Seconds lasted = bench.now() - charged_since;
  bench.simulator.fault("power_loss unsynced=dropped");
  EXPECT_EQ(run->wait(end_limit), killed);
  EXPECT_TRUE(bench.goes_off("ch1", watchdog_limit));
  expect_intact_record();
  const std::unique_ptr<db::Reader> record = bench.record();
  const std::vector<db::SampleRow> rows = samples_of(*record, only_run(*record, "ch1").run);
  ASSERT_GT(rows.size(), 10U);
  // The run began before its charge, so that its clock is ahead of `lasted`. Half a second is the machine's.
  const Seconds kept{static_cast<double>(rows.back().test_time_ns) * 1e-9};
  EXPECT_GT(kept, lasted - Seconds{1.5});
}

/// F40 as the catalogue has it: a sync of 5 s, and a control loop that does not notice.
TEST_F(OrderedHostFault, a_slow_disk_does_not_hold_up_the_control_loop) {
  const std::unique_ptr<Process> run = start();
  bench.simulator.fault("slow_disk sync_s=5 for_s=6");
  const Seconds began = bench.now();
  EXPECT_TRUE(eventually(end_limit, [&] { return bench.now() - began > Seconds{7}; }));
  EXPECT_TRUE(bench.charges("ch1"));
  run->signal(SIGINT);
  EXPECT_EQ(run->wait(end_limit), 130) << run->out() << run->err();
  expect_intact_record();
  const std::unique_ptr<db::Reader> record = bench.record();
  const std::vector<db::SampleRow> rows = samples_of(*record, only_run(*record, "ch1").run);
  ASSERT_GT(rows.size(), 20U);
  for (std::size_t i = 1; i < rows.size(); ++i)
    EXPECT_LT(rows[i].test_time_ns - rows[i - 1].test_time_ns, 1'000'000'000) << "no second without a sample, row " << i;
}

/// What is measured while a disk keeps everything to itself is lost with the power: that has a bound.
TEST_F(OrderedHostFault, a_disk_that_does_not_answer_for_half_a_minute_switches_off) {
  const std::unique_ptr<Process> run = start();
  bench.simulator.fault("slow_disk sync_s=38 for_s=38");
  const Seconds began = bench.now();
  EXPECT_TRUE(eventually(Seconds{45}, [&] { return bench.simulator.is_off("ch1"); }));
  EXPECT_GT(bench.now() - began, Seconds{29}) << "a slow disk is none that hangs";
  // The record is still waiting for that disk, and hears of no end of the fault: what counts is that the output is off.
  run->signal(SIGKILL);
  EXPECT_EQ(run->wait(end_limit), killed) << run->out() << run->err();
  EXPECT_THAT(run->err(), testing::HasSubstr("has not answered for 3"));
  expect_intact_record();
}

TEST_F(OrderedHostFault, a_disk_that_fails_switches_off) {
  const std::unique_ptr<Process> run = start();
  bench.simulator.fault("slow_disk fails=all");
  EXPECT_EQ(run->wait(end_limit), 5) << run->out() << run->err();
  EXPECT_TRUE(bench.simulator.is_off("ch1"));
}

TEST_F(OrderedHostFault, a_wall_clock_that_jumps_is_noted_and_nothing_else) {
  const std::unique_ptr<Process> run = start();
  bench.simulator.fault("F41");
  EXPECT_TRUE(eventually(end_limit, [&] {
    return run->err().find("the wall clock was set forward by 3600") != std::string::npos;
  })) << run->err();
  EXPECT_TRUE(bench.charges("ch1"));
  run->signal(SIGINT);
  EXPECT_EQ(run->wait(end_limit), 130) << run->out() << run->err();
}

TEST_F(OrderedHostFault, a_controller_that_stood_still_for_long_switches_off) {
  const std::unique_ptr<Process> run = start();
  bench.simulator.fault("suspend for_s=2.5");
  EXPECT_EQ(run->wait(end_limit), 4) << run->out() << run->err();
  EXPECT_TRUE(bench.simulator.is_off("ch1"));
}

TEST_F(OrderedHostFault, a_second_controller_is_refused_and_one_that_asks_nobody_ends_the_run) {
  const std::unique_ptr<Process> run = start();
  bench.simulator.fault("second_controller");
  EXPECT_TRUE(eventually(end_limit, [&] { return run->err().find("second controller") != std::string::npos; }));
  EXPECT_THAT(run->err(), ContainsRegex("second controller: ch1: .* is already controlled by process [0-9]+"));
  EXPECT_TRUE(bench.charges("ch1"));
  bench.simulator.fault("second_controller force=true");
  const std::optional<int> code = run->wait(end_limit);
  ASSERT_TRUE(code.has_value()) << run->err();
  EXPECT_TRUE(code == 3 || code == 4) << *code << run->err();
  EXPECT_TRUE(bench.simulator.is_off("ch1"));
}

}  // namespace
}  // namespace cellrig::test
