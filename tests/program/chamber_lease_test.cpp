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

// One gateway for the cycler and the chamber: what OFF has leased already is no other controller's.
TEST(LineLease, a_cycler_and_a_chamber_on_one_line_are_of_one_run) {
  LiveBench bench(
      "bench: b\ninstruments:\n"
      "  psb1: {model: ea-psb-10060-60, modbus: {rtu_over_tcp: \"192.0.2.13:4001\"}, unit: 3, scpi: \"192.0.2.10:5025\"}\n"
      "  f4t: {model: watlow-f4t, modbus: {rtu_over_tcp: \"192.0.2.13:4001\"}, unit: 1}\n"
      "  adam: {model: adam-6018, modbus: {rtu_over_tcp: \"192.0.2.13:4001\"}, unit: 2}\n"
      "chambers:\n  oven: {instrument: f4t}\n"
      "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}, chamber: oven}\n"
      "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n");
  const std::unique_ptr<Process> run = bench.start_charging({});
  EXPECT_FALSE(run->has_ended()) << run->err();
  run->signal(SIGTERM);
  EXPECT_EQ(run->wait(end_limit), 143) << run->err();
}

TEST(LineLease, a_second_run_with_its_interlock_or_thermometer_on_the_line_of_the_first_is_refused) {
  for (const char* const shared : {"cell_temperature: {logger: own, input: 0}, interlock: [{inputs: doors, input: 0}]",
                                   "cell_temperature: {logger: adam2, input: 0}"}) {
    LiveBench bench(
        std::string("bench: b\ninstruments:\n"
                    "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
                    "  psb2: {model: ea-psb-10060-60, modbus: \"192.0.2.11:502\", scpi: \"192.0.2.11:5025\"}\n"
                    "  adam: {model: adam-6018, modbus: {rtu_over_tcp: \"192.0.2.13:4001\"}, unit: 2}\n"
                    "  adam2: {model: adam-6018, modbus: {rtu_over_tcp: \"192.0.2.13:4001\"}, unit: 3}\n"
                    "  doors: {model: adam-6060, modbus: {rtu_over_tcp: \"192.0.2.13:4001\"}, unit: 4}\n"
                    "  own: {model: adam-6018, modbus: \"192.0.2.14:502\"}\n"
                    "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}}\n  ch2: {cycler: psb2, ") +
        shared + "}\nsimulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n    ch2: {file: lg-m50, soc_pct: 40}\n");
    const std::unique_ptr<Process> first = bench.start_charging({});
    const std::unique_ptr<Process> second = bench.start({.channels = {"ch2"}, .database = "second.db"});
    EXPECT_EQ(second->wait(end_limit), 4) << shared << second->err();
    EXPECT_THAT(second->err(), HasSubstr("already controlled by process " + std::to_string(first->pid())));
    EXPECT_TRUE(bench.charges("ch1"));
    EXPECT_FALSE(first->has_ended()) << first->err();
  }
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
