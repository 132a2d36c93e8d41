// One process for one chamber: who comes second is refused before its first write, and whoever ends leaves it to the next.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/program/live_bench.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

constexpr Seconds end_limit{20};
constexpr int ns_per_s = 1'000'000'000;

class ChamberLease : public testing::Test {
 protected:
  LiveBench bench{"demo"};
};

// F43, for a chamber: two temperatures of two processes, one plant.
TEST_F(ChamberLease, a_second_process_that_wants_the_same_chamber_is_refused_and_the_first_goes_on) {
  const std::unique_ptr<Process> first = bench.start_charging({.profile = "warm.yaml"});
  ASSERT_TRUE(bench.oven_runs());
  bench.write_charge("warmer.yaml", 60, "40");
  const std::unique_ptr<Process> second = bench.start({.channels = {"ch2"}, .profile = "warmer.yaml", .database = "second.db"});
  EXPECT_EQ(second->wait(end_limit), 4) << second->out() << second->err();
  const std::string holder = "already controlled by process " + std::to_string(first->pid());
  EXPECT_THAT(second->err(), HasSubstr(holder));
  EXPECT_TRUE(bench.oven_runs());
  EXPECT_EQ(bench.oven_setpoint_degC(), 30.0) << "the second wrote to it";
  EXPECT_EQ(bench.simulator.truth("ch2").current_max_A, 0.0);
  EXPECT_TRUE(bench.charges("ch1")) << "the first was disturbed";
  EXPECT_FALSE(first->has_ended());
  const std::unique_ptr<db::Reader> record = bench.record("second.db");
  EXPECT_TRUE(record->runs().value().empty());
  ASSERT_EQ(record->events(0).value().size(), 1u);
  EXPECT_THAT(record->events(0).value().front().message, HasSubstr(holder));
  first->signal(SIGTERM);
  EXPECT_EQ(first->wait(end_limit), 143) << first->err();
  EXPECT_FALSE(bench.oven_runs()) << "it stops with the run it ran for";
}

// Refused after the chamber was leased: the next run has it.
TEST_F(ChamberLease, a_start_that_is_refused_does_not_keep_the_chamber) {
  bench.simulator.fault("identity aps1 text=OTHER");
  const std::unique_ptr<Process> refused = bench.start({.channels = {"ch2"}, .profile = "warm.yaml", .database = "second.db"});
  EXPECT_EQ(refused->wait(end_limit), 4) << refused->out();
  EXPECT_THAT(refused->err(), HasSubstr("'OTHER'"));
  EXPECT_FALSE(bench.oven_runs());
  bench.write_charge("p.yaml", 1, "30");
  const std::unique_ptr<Process> next = bench.start({.profile = "p.yaml"});
  EXPECT_EQ(next->wait(end_limit), 0) << next->out() << next->err();
  const std::unique_ptr<db::Reader> record = bench.record();
  EXPECT_GE(only_run(*record, "ch1").end->ended_test_time_ns, ns_per_s);
}

}  // namespace
}  // namespace cellrig::test
