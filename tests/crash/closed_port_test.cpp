// F12: the port of a cycler is closed under a running controller, and opened again. Real processes, and the simulated world's truth.
#include "tests/crash/resume_fixture.hpp"

namespace cellrig::test {
namespace {

constexpr double capacity_Ah = 4.978;
constexpr double charge_A = 5.0;

/// A few seconds of charge, and a watchdog that is as short as a bench may have it.
const std::string few_seconds =
    "profile: Few seconds\nformat: 1\non_interruption: resume\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: capacity_Ah >= 0.0035, at_most_h: 1}\n";
const std::string short_watchdog =
    "bench: short watchdog\nwatchdog_s: 1\ninstruments:\n"
    "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
    "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
    "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}}\n"
    "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n";
constexpr Seconds short_watchdog_limit{1.9};  // of 1 s; before the port is open again, so that nobody else can have done it

class ClosedPort : public Resume {
 protected:
  std::unique_ptr<Process> charge() {
    std::unique_ptr<Process> controller = start({"profile.yaml", "--cell", "lg-m50"});
    soc_before = simulator->truth("ch1").soc;
    const auto has_charged = [&] { return controller->has_ended() || simulator->truth("ch1").soc > soc_before + 0.0001; };
    EXPECT_TRUE(eventually(start_limit, has_charged)) << controller->err();
    EXPECT_FALSE(controller->has_ended()) << controller->err();
    return controller;
  }
  void close_port(const std::string& for_s) {
    simulator->fault("refuse psb1 for_s=" + for_s);
    simulator->fault("close psb1");
  }
  [[nodiscard]] double charged_Ah() { return (simulator->truth("ch1").soc - soc_before) * capacity_Ah; }

  double soc_before = 0;
};

/// The longest pause between two rows, s.
double longest_pause_s(const Account& account) {
  double longest_s = 0;
  for (std::size_t i = 1; i < account.samples.size(); ++i) {
    const std::int64_t pause_ns = account.samples[i].test_time_ns - account.samples[i - 1].test_time_ns;
    longest_s = std::max(longest_s, 1e-9 * static_cast<double>(pause_ns));
  }
  return longest_s;
}

TEST_F(ClosedPort, open_again_within_the_age_limit_it_ends_nothing) {
  prepare("single", few_seconds);
  const std::unique_ptr<Process> controller = charge();
  close_port("0.4");
  expect_exit(*controller, 0);
  const Account account = this->account();
  EXPECT_EQ(account.info.status, "completed");
  EXPECT_EQ(account.count("deviation"), 0);
  EXPECT_EQ(account.steps.size(), 1u) << "the same step goes on";
  EXPECT_GT(longest_pause_s(account), 0.35) << "it was closed";
  EXPECT_LT(longest_pause_s(account), 1.0) << "the age limit";
  EXPECT_NEAR(charged_Ah(), account.net_Ah(), 0.0005) << "what flowed meanwhile is counted";
  EXPECT_TRUE(simulator->is_off("ch1"));
}

TEST_F(ClosedPort, closed_for_longer_the_watchdog_ends_it_and_the_run_goes_on_where_it_stood) {
  prepare(short_watchdog, few_seconds);
  const std::unique_ptr<Process> controller = charge();
  close_port("2");
  EXPECT_TRUE(eventually(short_watchdog_limit, [&] { return simulator->is_off("ch1"); })) << simulator->ask("truth");
  expect_exit(*controller, 4);
  const Account before = account();
  EXPECT_EQ(before.info.status, "instrument failure");
  EXPECT_THAT(controller->err(), HasSubstr("no fresh reading"));
  const double unseen_Ah = charged_Ah() - before.net_Ah();
  EXPECT_GT(unseen_Ah, 0.0);
  EXPECT_LT(unseen_Ah, charge_A * short_watchdog_limit.count() / 3600);
  const Finished acknowledged =
      cellrig({"db", "acknowledge", "--db", "run.db", "--run", "1", "--operator", "jane", "--reason", "the switch had no power"},
              {.folder = folder});
  EXPECT_EQ(acknowledged.exit_code, 0) << acknowledged.err;
  const auto goes_on = [&] {
    const std::unique_ptr<Process> another = start({"--resume"});
    return another->wait(end_limit) == 0;
  };
  EXPECT_TRUE(eventually(end_limit, goes_on))
      << "the order to close waits at the port that nobody asked meanwhile: one start may meet it";
  const Account after = account();
  expect_only_grown(before, after);
  expect_goes_on_exactly(before, after);
  EXPECT_EQ(after.info.status, "completed");
  const auto gap = std::find_if(after.events.begin(), after.events.end(), [](const auto& e) { return e.kind == "deviation"; });
  ASSERT_NE(gap, after.events.end());
  EXPECT_THAT(gap->message, testing::StartsWith("communication_loss"));
  EXPECT_NEAR(after.net_Ah(), 0.0035, 0.0003) << "as much as the profile asks for, by the record";
  EXPECT_NEAR(charged_Ah(), after.net_Ah() + unseen_Ah, 0.0005) << "and nothing was repeated";
  EXPECT_TRUE(simulator->is_off("ch1"));
}

}  // namespace
}  // namespace cellrig::test
