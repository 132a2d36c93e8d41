// A controller that is killed with charge current flowing, and a new one that goes on with its run. Real processes; the simulated world
// says what is true. CELLRIG_CRASH_ROUNDS sets how often (CONTRIBUTING.md).
#include "tests/crash/resume_fixture.hpp"

namespace cellrig::test {
namespace {

// F37, I3, I8: killed again and again at random moments, the run comes to its end with the counters of one that was not.
TEST_F(Resume, killed_at_random_moments_in_real_time_a_run_comes_to_its_end_and_loses_no_committed_row) {
  std::mt19937_64 bits{1};
  for (int round = 0; round < rounds();) {
    prepare("single", cycling);
    const double soc_before = simulator->truth("ch1").soc;
    std::unique_ptr<Process> controller = start({"profile.yaml", "--cell", "lg-m50"});
    Account before;
    double unseen_Ah = 0;
    int kills = 0;
    while (kills < 4 && round < rounds()) {
      const Seconds moment{0.3 + static_cast<double>(bits() % 3000) / 1000.0};
      if (eventually(moment, [&] { return controller->has_ended(); })) break;
      const std::optional<Account> alive = account_so_far();
      controller->signal(SIGKILL);
      (void)controller->wait(end_limit);
      ++round;
      ++kills;
      const bool waits_for_watchdog = bits() % 2 == 0;
      if (waits_for_watchdog) {
        EXPECT_TRUE(eventually(watchdog_limit, [&] { return simulator->is_off("ch1"); })) << simulator->ask("truth");
      }
      if (!std::filesystem::exists(folder + "/run.db")) {
        controller = start({"profile.yaml", "--cell", "lg-m50"});
        continue;
      }
      const Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(folder + "/run.db");
      const bool has_begun = reader && (*reader)->run(1);
      if (has_begun) before = account();
      if (alive) {
        ASSERT_TRUE(has_begun);
        expect_only_grown(*alive, before);
      }
      expect_chain_holds();
      controller = has_begun ? start({"--resume"}) : start({"profile.yaml", "--cell", "lg-m50"});
    }
    expect_exit(*controller, 0);
    EXPECT_TRUE(simulator->is_off("ch1"));
    const Account after = account();
    expect_only_grown(before, after);
    expect_goes_on_exactly(before, after);
    EXPECT_EQ(after.info.status, "completed");
    ASSERT_EQ(after.cycles.size(), 2u);
    EXPECT_EQ(after.steps.back().row.step_count, 6);
    for (const db::EventRow& e : after.events) {
      if (e.kind == "deviation") unseen_Ah += std::abs(e.value.value_or(0));
    }
    // What the cell really got is what the record says, give or take the charge that nobody saw.
    constexpr double capacity_Ah = 4.978;
    const double true_Ah = (simulator->truth("ch1").soc - soc_before) * capacity_Ah;
    EXPECT_NEAR(true_Ah, after.net_Ah(), unseen_Ah + 0.0005) << kills << " kills";
    if (HasFailure()) return;
  }
}

// In lockstep the whole world stands still while nobody drives it: the same cut, without the accidents of real time.
TEST_F(Resume, killed_at_random_moments_in_lockstep_a_run_comes_to_its_end) {
  const std::string longer =
      "profile: Longer\nformat: 1\non_interruption: resume\nrecord: {every_s: 0}\nsteps:\n"
      "  - cycles:\n      times: 3\n      steps:\n"
      "        - cccv_charge: {rate_C: 1, voltage_V: 4.1, until: current_A <= 2 for 5 s, at_most_h: 3}\n"
      "        - rest: {for_min: 10}\n"
      "        - cc_discharge: {rate_C: 1, until: voltage_V <= 3.4, at_most_h: 3}\n";
  std::mt19937_64 bits{2};
  for (int round = 0; round < rounds();) {
    prepare("single", longer);
    std::unique_ptr<Process> controller = start({"profile.yaml", "--cell", "lg-m50"}, "lockstep");
    Account before;
    for (int kills = 0; kills < 3 && round < rounds(); ++kills) {
      const auto has_rows = [&] {
        const Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(folder + "/run.db");
        if (!reader) return controller->has_ended();
        const Result<std::vector<db::StepInfo>> steps = (*reader)->steps(1);
        return controller->has_ended() || (steps && !steps->empty());
      };
      ASSERT_TRUE(eventually(start_limit, has_rows)) << controller->err();
      const Seconds moment{static_cast<double>(bits() % 400) / 1000.0};
      if (eventually(moment, [&] { return controller->has_ended(); })) break;
      const std::optional<Account> alive = account_so_far();
      controller->signal(SIGKILL);
      (void)controller->wait(end_limit);
      ++round;
      before = account();
      if (alive) expect_only_grown(*alive, before);
      expect_chain_holds();
      controller = start({"--resume"}, "lockstep");
    }
    expect_exit(*controller, 0);
    EXPECT_TRUE(simulator->is_off("ch1"));
    const Account after = account();
    expect_only_grown(before, after);
    EXPECT_EQ(after.info.status, "completed");
    EXPECT_EQ(after.cycles.size(), 3u);
    EXPECT_EQ(after.steps.back().row.step_count, 9);
    if (HasFailure()) return;
  }
}

TEST_F(Resume, without_a_rule_and_without_a_person_nothing_goes_on_and_the_output_stays_off) {
  prepare("single", long_charge);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  kill_with_current(*first);
  const std::unique_ptr<Process> second = start({"--resume"});
  expect_exit(*second, 2);
  EXPECT_THAT(second->err(), HasSubstr("--resume-by"));
  EXPECT_THAT(second->err(), HasSubstr("step 1 'cc_charge'"));
  EXPECT_TRUE(simulator->is_off("ch1")) << "OFF came first, whatever was said afterwards";
  EXPECT_EQ(account().info.status, "interrupted");
  const std::unique_ptr<Process> third = start({"--resume", "1", "--resume-by", "stop"});
  expect_exit(*third, 1);
  EXPECT_EQ(account().info.status, "stopped");
  EXPECT_EQ(account().steps.back().end->reason, "interrupted");
}

// The oven that the dead run heated is nobody's any more.
TEST_F(Resume, a_run_that_is_closed_by_the_rule_stop_leaves_no_chamber_running) {
  const std::string warm =
      "profile: Warm\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
      "  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2, temperature_degC: 25}\n";
  prepare("demo", warm);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50", "--channel", "ch1"});
  kill_with_current(*first);
  ASSERT_THAT(simulator->ask("truth"), HasSubstr("\"running\":true")) << "this test needs a chamber that runs";
  const std::unique_ptr<Process> second = start({"--resume", "1", "--resume-by", "stop"});
  expect_exit(*second, 1);
  EXPECT_THAT(simulator->ask("truth"), HasSubstr("\"running\":false"));
  EXPECT_EQ(account().info.status, "stopped");
}

TEST_F(Resume, a_stopped_run_says_how_to_go_on_and_goes_on) {
  prepare("single", brief);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  const auto charging = [&] { return simulator->truth("ch1").current_A > 4.9 || first->has_ended(); };
  ASSERT_TRUE(eventually(start_limit, charging)) << first->err();
  first->signal(SIGTERM);
  expect_exit(*first, 143);
  EXPECT_THAT(first->out(), HasSubstr("resume with: cellrig run --resume 1 --bench"));
  const Account before = account();
  EXPECT_EQ(before.info.status, "stopped");
  const std::unique_ptr<Process> second = start({"--resume", "1"});
  expect_exit(*second, 0);
  const Account after = account();
  expect_only_grown(before, after);
  expect_goes_on_exactly(before, after);
  EXPECT_EQ(after.count("deviation"), 1);
  const auto gap = std::find_if(after.events.begin(), after.events.end(), [](const auto& e) { return e.kind == "deviation"; });
  EXPECT_THAT(gap->message, HasSubstr("operator_intervention"));
  const std::unique_ptr<Process> third = start({"--resume", "1"});
  expect_exit(*third, 2);
  EXPECT_THAT(third->err(), HasSubstr("finished"));
}

// A trip is never resumed without a person.
TEST_F(Resume, a_tripped_run_is_refused_and_nothing_is_switched_on) {
  prepare("single", long_charge);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  const auto charging = [&] { return simulator->truth("ch1").current_A > 4.9 || first->has_ended(); };
  ASSERT_TRUE(eventually(start_limit, charging)) << first->err();
  simulator->fault("thermocouple_open ch1");
  const std::optional<int> ended = first->wait(end_limit);
  ASSERT_TRUE(ended.has_value());
  ASSERT_TRUE(*ended == 3 || *ended == 4) << first->err();
  const std::unique_ptr<Process> second = start({"--resume", "1", "--resume-by", "resume"});
  expect_exit(*second, 2);
  EXPECT_THAT(second->err(), HasSubstr("acknowledged"));
  EXPECT_TRUE(simulator->is_off("ch1"));
}

// The cell is the same, whichever run it tripped in.
TEST_F(Resume, after_a_trip_of_a_later_run_on_the_channel_the_earlier_one_waits_for_a_person) {
  prepare("single", long_charge);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  kill_with_current(*first);
  const std::unique_ptr<Process> later = start({"profile.yaml", "--cell", "lg-m50"});
  const auto charging = [&] { return simulator->truth("ch1").current_A > 4.9 || later->has_ended(); };
  ASSERT_TRUE(eventually(watchdog_limit, [&] { return simulator->is_off("ch1"); }));
  ASSERT_TRUE(eventually(start_limit, charging)) << later->err();
  simulator->fault("trip psb1 cause=over_voltage");
  expect_exit(*later, 3);
  simulator->ask("clear-faults");
  const std::unique_ptr<Process> second =
      start({"--resume", "1", "--resume-by", "resume", "--accept-changed", "run 2 moved next to nothing"});
  expect_exit(*second, 2);
  EXPECT_THAT(second->err(), HasSubstr("ended run 2 and nobody has acknowledged it"));
  EXPECT_TRUE(simulator->is_off("ch1"));
}

// What a later run charged is in the cell, and not in the counters of the earlier one.
TEST_F(Resume, a_run_that_another_one_followed_on_its_channel_is_for_a_person) {
  prepare("single", brief);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  kill_with_current(*first);
  const std::unique_ptr<Process> later = start({"profile.yaml", "--cell", "lg-m50"});
  expect_exit(*later, 0);
  const std::unique_ptr<Process> second = start({"--resume", "1"});
  expect_exit(*second, 2);
  EXPECT_THAT(second->err(), HasSubstr("run 2 on this channel or with this cell came later"));
  EXPECT_TRUE(simulator->is_off("ch1"));
  EXPECT_EQ(account().count("deviation"), 0);
  const std::unique_ptr<Process> third = start({"--resume", "1", "--accept-changed", "0.003 Ah do not matter"});
  expect_exit(*third, 0);
  const Account after = account();
  const auto gap = std::find_if(after.events.begin(), after.events.end(), [](const auto& e) { return e.kind == "deviation"; });
  ASSERT_NE(gap, after.events.end());
  EXPECT_THAT(gap->message, HasSubstr("run 2 on this channel"));
}

}  // namespace
}  // namespace cellrig::test
