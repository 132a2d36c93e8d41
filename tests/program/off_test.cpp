// `cellrig off` beside a run that lives: what is not its own it names and leaves alone, the rest it switches off; --force means it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/program/live_bench.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Seconds end_limit{20};
constexpr Seconds notices_within{1.5};  // a chamber that stopped is seen at the next look, every half second

/// Two channels that have nothing in common but the relay module.
const std::string two_channels =
    "bench: b\ninstruments:\n"
    "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
    "  aps1: {model: keysight-n6974a, scpi: \"192.0.2.11:5025\"}\n"
    "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
    "channels:\n"
    "  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}, contactor: {relays: adam, output: 0}}\n"
    "  ch2: {cycler: aps1, cell_temperature: {logger: adam, input: 2}, contactor: {relays: adam, output: 1}}\n"
    "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n    ch2: {file: lg-m50, soc_pct: 40}\n";

/// ch1 is charged by a controller that lives, ch2 by one that was killed: its output is on, and nobody has its lease.
class OffBesideARun : public testing::Test {
 protected:
  void SetUp() override {
    living = bench.start_charging({});
    const std::unique_ptr<Process> dead = bench.start_charging({.channels = {"ch2"}, .database = "second.db"});
    dead->signal(SIGKILL);
    ASSERT_TRUE(dead->wait(end_limit).has_value());
    ASSERT_TRUE(bench.charges("ch2")) << "this test has to be quicker than the watchdog";
  }
  [[nodiscard]] std::string holder() const { return "already controlled by process " + std::to_string(living->pid()); }
  /// Off, and by somebody who opened the contactor, too: the instrument's watchdog does not do that.
  void expect_switched_off(const std::string& channel) {
    EXPECT_TRUE(bench.simulator.is_off(channel)) << bench.simulator.ask("truth");
    EXPECT_FALSE(bench.simulator.truth(channel).contactor_closed);
  }
  void expect_undisturbed() {
    EXPECT_TRUE(bench.charges("ch1")) << bench.simulator.ask("truth");
    EXPECT_TRUE(bench.simulator.truth("ch1").contactor_closed);
    EXPECT_FALSE(living->has_ended()) << living->err();
    living->signal(SIGTERM);
    EXPECT_EQ(living->wait(end_limit), 143) << living->err();
    const std::unique_ptr<db::Reader> record = bench.record();
    EXPECT_EQ(only_run(*record, "ch1").status, "stopped");
  }

  LiveBench bench{two_channels};
  std::unique_ptr<Process> living;
};

TEST_F(OffBesideARun, names_the_output_of_the_run_and_switches_the_others_off) {
  const Finished off = bench.off();
  EXPECT_EQ(off.exit_code, 4) << "not everything is off: " << off.out << off.err;
  EXPECT_THAT(off.err, HasSubstr("ch1: "));
  EXPECT_THAT(off.err, HasSubstr(holder()));
  EXPECT_THAT(off.err, HasSubstr("--force"));
  EXPECT_THAT(off.err, Not(HasSubstr("ch2: ")));
  EXPECT_THAT(off.out, Not(HasSubstr("confirmed by the instruments")));
  expect_switched_off("ch2");
  expect_undisturbed();
}

TEST_F(OffBesideARun, with_the_other_channel_named_has_nothing_to_complain_about) {
  const Finished off = bench.off({"--channel", "ch2"});
  EXPECT_EQ(off.exit_code, 0) << off.out << off.err;
  EXPECT_THAT(off.err, Not(HasSubstr("ch1")));
  expect_switched_off("ch2");
  expect_undisturbed();
}

TEST_F(OffBesideARun, with_force_switches_all_off_and_the_run_notices) {
  const Finished off = bench.off({"--force"});
  EXPECT_EQ(off.exit_code, 0) << off.out << off.err;
  EXPECT_THAT(off.out, HasSubstr("confirmed by the instruments"));
  expect_switched_off("ch2");
  EXPECT_TRUE(bench.simulator.is_off("ch1")) << bench.simulator.ask("truth");
  const std::optional<int> ended = living->wait(end_limit);
  ASSERT_TRUE(ended.has_value()) << "a run whose output was switched off by another must end";
  EXPECT_TRUE(*ended == 3 || *ended == 4) << *ended << living->err();
  expect_switched_off("ch1");
  const std::unique_ptr<db::Reader> record = bench.record();
  const db::RunInfo run = only_run(*record, "ch1");
  ASSERT_TRUE(run.end.has_value());
  EXPECT_EQ(run.status, *ended == 3 ? "tripped" : "instrument failure");
  EXPECT_FALSE(run.end->reason.empty());
}

// OFF needs no file of its own. That nobody could be asked who has the output is said, and starts nothing.
TEST(Off, is_sent_although_the_leases_cannot_be_counted) {
  LiveBench bench("single");
  const std::string leases = bench.folder + "/leases";
  const std::map<std::string, std::string> environment{{"CELLRIG_LEASE_DIR", leases}};
  const std::unique_ptr<Process> dead = bench.start_charging({.environment = environment});
  dead->signal(SIGKILL);
  ASSERT_TRUE(dead->wait(end_limit).has_value());
  for (const auto& entry : std::filesystem::directory_iterator(leases)) {
    if (entry.path().extension() == ".token") std::ofstream{entry.path()} << "many\n";
  }
  ASSERT_TRUE(bench.charges("ch1")) << "this test has to be quicker than the watchdog";
  const Finished off = cellrig({"off", "--bench", bench.simulator.bench_file(), "--simulator", bench.simulator.ready_file()},
                               {.folder = bench.folder, .environment = environment});
  EXPECT_TRUE(bench.simulator.is_off("ch1")) << off.err;
  EXPECT_EQ(off.exit_code, 4);
  EXPECT_THAT(off.err, HasSubstr("holds no number"));
}

// The chamber that both stand in is used by the run.
TEST(OffBesideAChamber, of_everything_leaves_output_and_chamber_of_the_run_alone) {
  LiveBench bench("demo");
  const std::unique_ptr<Process> living = bench.start_charging({.profile = "warm.yaml"});
  ASSERT_TRUE(bench.oven_runs());
  const Finished off = bench.off();
  EXPECT_EQ(off.exit_code, 4);
  EXPECT_THAT(off.err, HasSubstr("ch1: "));
  EXPECT_TRUE(bench.oven_runs()) << bench.simulator.ask("truth");
  const Seconds asked_at = bench.now();
  ASSERT_TRUE(eventually(end_limit, [&] { return living->has_ended() || bench.now() - asked_at > notices_within; }));
  EXPECT_FALSE(living->has_ended()) << living->err();
  EXPECT_TRUE(bench.charges("ch1"));
}

TEST(OffBesideAChamber, of_the_other_channel_leaves_the_chamber_of_the_run_alone_and_does_not_say_that_it_stopped) {
  LiveBench bench("demo");
  const std::unique_ptr<Process> living = bench.start_charging({.profile = "warm.yaml"});
  ASSERT_TRUE(bench.oven_runs());
  const Finished off = bench.off({"--channel", "ch2"});
  EXPECT_EQ(off.exit_code, 0) << off.err;
  EXPECT_THAT(off.out, Not(HasSubstr("chambers stopped")));
  EXPECT_TRUE(bench.oven_runs());
  EXPECT_TRUE(bench.charges("ch1"));
  EXPECT_FALSE(living->has_ended()) << living->err();
}

TEST(OffBesideAChamber, with_force_stops_it_and_ends_the_run) {
  LiveBench bench("demo");
  const std::unique_ptr<Process> living = bench.start_charging({.profile = "warm.yaml"});
  ASSERT_TRUE(bench.oven_runs());
  EXPECT_EQ(bench.off({"--force"}).exit_code, 0);
  EXPECT_FALSE(bench.oven_runs());
  EXPECT_TRUE(bench.simulator.is_off("ch1"));
  const std::optional<int> ended = living->wait(end_limit);
  ASSERT_TRUE(ended.has_value());
  EXPECT_TRUE(*ended == 3 || *ended == 4) << *ended << living->err();
  EXPECT_FALSE(bench.oven_runs()) << "the run that noticed must not start it again";
}

}  // namespace
}  // namespace cellrig::test
