// A control period that is too long for the watchdog, or for a reaction within a second, is refused before anything is switched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/program/live_bench.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

const std::string short_charge =
    "profile: Short\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: step_time_s >= 2, at_most_h: 1}\n";
const std::string minute =
    "profile: Minute\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: step_time_s >= 60, at_most_h: 1}\n";

std::string bench_with_watchdog(int seconds) {
  return "bench: b\nwatchdog_s: " + std::to_string(seconds) +
         "\ninstruments:\n"
         "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
         "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
         "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}}\n"
         "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n  room_temperature_degC: 25\n";
}

std::unique_ptr<db::Reader> record_in(const std::string& folder) {
  return std::move(db::Reader::open(folder + "/cellrig.db").value());
}

struct Period {
  std::string name;
  int watchdog_s = 5;
  std::string period_s;
  std::string message;  ///< of the refusal; empty: accepted
};
void PrintTo(const Period& period, std::ostream* out) { *out << period.name; }

class SimulatedPeriod : public testing::TestWithParam<Period> {};

TEST_P(SimulatedPeriod, must_be_at_most_half_the_watchdog) {
  const Period& period = GetParam();
  const std::string folder = temporary_folder();
  (void)file_with(bench_with_watchdog(period.watchdog_s), "bench.yaml", folder);
  (void)file_with(minute, "p.yaml", folder);
  const Finished done =
      cellrig({"run", "p.yaml", "--simulated", "--bench", "bench.yaml", "--control-period-s", period.period_s, "--quiet"},
              {.folder = folder});
  if (!period.message.empty()) {
    EXPECT_EQ(done.exit_code, 2) << done.out << done.err;
    EXPECT_THAT(done.err, HasSubstr("--control-period-s " + period.period_s + period.message));
    EXPECT_THAT(done.err, HasSubstr("watchdog_s in bench.yaml")) << "which of the two numbers to change is the person's choice";
    EXPECT_FALSE(std::filesystem::exists(folder + "/cellrig.db")) << "a refused start leaves no record behind";
    return;
  }
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  const std::unique_ptr<db::Reader> record = record_in(folder);
  const db::RunInfo run = only_run(*record, "ch1");
  EXPECT_EQ(run.status, "completed") << "the watchdog was fed in time";
  EXPECT_EQ(to_seconds(run.row.control_period), std::stod(period.period_s));
  EXPECT_GT(samples_of(*record, run.run).back().charge_Ah, 0.99 * 5.0 * 60 / 3600);
}

INSTANTIATE_TEST_SUITE_P(
    Virtual, SimulatedPeriod,
    testing::Values(Period{"half_of_the_default", 5, "2.5", ""},
                    Period{"more_than_half_of_the_default", 5, "2.6", " is more than half the watchdog's 5 s"},
                    Period{"much_more", 5, "60", " is more than half the watchdog's 5 s"},
                    Period{"half_of_a_short_one", 1, "0.5", ""},
                    Period{"more_than_half_of_a_short_one", 1, "0.6", " is more than half the watchdog's 1 s"},
                    Period{"less_than_half_of_a_long_one", 30, "14", ""}),
    [](const testing::TestParamInfo<Period>& p) { return p.param.name; });

// Virtual time may look rarely; a real cell may not be left alone for so long, whatever the watchdog.
TEST(RealPeriod, of_more_than_half_a_second_is_refused_and_nothing_is_said_to_an_instrument) {
  LiveBench bench(bench_with_watchdog(30));
  const std::unique_ptr<Process> run = bench.start({.more = {"--control-period-s", "0.51"}});
  EXPECT_EQ(run->wait(Seconds{20}), 2) << run->out();
  EXPECT_THAT(run->err(), HasSubstr("--control-period-s 0.51 is more than half the shortest reaction time of 1 s"));
  EXPECT_THAT(run->err(), HasSubstr("at most 0.5 in real time"));
  EXPECT_FALSE(std::filesystem::exists(bench.folder + "/first.db"));
  EXPECT_EQ(bench.simulator.truth("ch1").current_max_A, 0.0);
  EXPECT_FALSE(bench.simulator.truth("ch1").output_on);
}

TEST(RealPeriod, of_half_a_second_is_accepted_and_kept) {
  LiveBench bench(bench_with_watchdog(5));
  (void)file_with(short_charge, "short.yaml", bench.folder);
  const std::unique_ptr<Process> run = bench.start({.profile = "short.yaml", .more = {"--control-period-s", "0.5"}});
  EXPECT_EQ(run->wait(Seconds{20}), 0) << run->out() << run->err();
  EXPECT_TRUE(bench.simulator.is_off("ch1"));
  const std::unique_ptr<db::Reader> record = bench.record();
  const db::RunInfo info = only_run(*record, "ch1");
  EXPECT_EQ(to_seconds(info.row.control_period), 0.5);
  EXPECT_EQ(info.status, "completed");
}

// Lockstep is simulated time over real sockets: the rule of the watchdog holds, that of real time does not.
TEST(LockstepPeriod, of_a_second_is_accepted_and_of_more_than_half_the_watchdog_refused) {
  LiveBench bench(bench_with_watchdog(5));
  (void)file_with(minute, "minute.yaml", bench.folder);
  const auto run = [&bench](const std::string& period_s, const std::string& database) {
    return cellrig({"run", "minute.yaml", "--bench", bench.simulator.bench_file(), "--simulator", bench.simulator.ready_file(),
                    "--time", "lockstep", "--control-period-s", period_s, "--db", database, "--quiet"},
                   {.folder = bench.folder});
  };
  const Finished refused = run("3", "never.db");
  EXPECT_EQ(refused.exit_code, 2) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("is more than half the watchdog's 5 s"));
  EXPECT_FALSE(std::filesystem::exists(bench.folder + "/never.db"));
  EXPECT_EQ(bench.simulator.truth("ch1").current_max_A, 0.0);
  const Finished accepted = run("1", "first.db");
  EXPECT_EQ(accepted.exit_code, 0) << accepted.err;
  EXPECT_TRUE(bench.simulator.is_off("ch1"));
  EXPECT_GT(bench.simulator.truth("ch1").current_max_A, 4.9);
}

// Nobody gave --control-period-s: the program's own default is refused in the user's name.
TEST(ShortWatchdog, a_bench_with_a_short_watchdog_can_be_simulated_without_further_words) {
  const std::string folder = temporary_folder();
  (void)file_with(
      "bench: b\nwatchdog_s: 1\ninstruments:\n"
      "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
      "channels:\n  ch1: {cycler: psb1}\nsimulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n",
      "bench.yaml", folder);
  (void)file_with("profile: P\nformat: 1\nsteps:\n  - rest: {for_s: 5}\n", "p.yaml", folder);
  const Finished done = cellrig({"run", "p.yaml", "--simulated", "--bench", "bench.yaml", "--quiet"}, {.folder = folder});
  EXPECT_EQ(done.exit_code, 0) << done.err;
}

}  // namespace
}  // namespace cellrig::test
