// When an interrupted run goes on only after somebody said so, or not at all.
#include <fmt/format.h>

#include "controller/runtime/channel_record.hpp"
#include "controller/runtime/resume.hpp"
#include "tests/crash/resume_fixture.hpp"
#include "tests/program/shifted_clocks.hpp"

namespace cellrig::test {
namespace {

TEST_F(Resume, whoever_is_alive_is_not_resumed) {
  prepare("single", long_charge);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  const auto charging = [&] { return simulator->truth("ch1").current_A > 4.9 || first->has_ended(); };
  ASSERT_TRUE(eventually(start_limit, charging)) << first->err();
  const auto expect_refused = [&] {
    const std::unique_ptr<Process> another = start({"--resume", "1", "--resume-by", "resume"});
    expect_exit(*another, 4);
    EXPECT_THAT(another->err(), HasSubstr("already controlled"));
    EXPECT_GT(simulator->truth("ch1").current_A, 4.9) << "the one that runs was disturbed";
  };
  expect_refused();
  kill_with_current(*first);
  const std::unique_ptr<Process> second = start({"--resume", "1", "--resume-by", "resume"});
  const auto charging_again = [&] { return account().count("deviation") > 0 && simulator->truth("ch1").current_A > 4.9; };
  ASSERT_TRUE(eventually(start_limit, charging_again)) << second->err();
  expect_refused();
  second->signal(SIGTERM);
  expect_exit(*second, 143);
}

TEST_F(Resume, two_channels_stopped_together_go_on_together) {
  prepare("demo", brief);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50", "--channel", "ch1", "--channel", "ch2"});
  const auto charging = [&] {
    return first->has_ended() || (simulator->truth("ch1").current_A > 4.9 && simulator->truth("ch2").current_A > 4.9);
  };
  ASSERT_TRUE(eventually(start_limit, charging)) << first->err();
  first->signal(SIGINT);
  expect_exit(*first, 130);
  EXPECT_THAT(first->out(), HasSubstr("--resume 1,2"));
  const std::unique_ptr<Process> second = start({"--resume", "1,2"});
  expect_exit(*second, 0);
  for (const char* channel : {"ch1", "ch2"}) EXPECT_TRUE(simulator->is_off(channel));
  const std::unique_ptr<db::Reader> reader = std::move(db::Reader::open(folder + "/run.db").value());
  for (const db::RunKey run : {1, 2}) EXPECT_EQ(reader->run(run).value().status, "completed");
}

// A person at a terminal is asked, and answers.
TEST_F(Resume, a_terminal_is_asked_until_the_answer_is_a_rule) {
  prepare("single", brief.substr(0, brief.find("on_interruption")) + brief.substr(brief.find("record")));
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  kill_with_current(*first);
  const std::unique_ptr<Process> second = start({"--resume"}, "real", Errors::terminal);
  const auto asked = [&](const std::string& part) {
    return eventually(start_limit, [&] { return second->err().find(part) != std::string::npos || second->has_ended(); });
  };
  ASSERT_TRUE(asked("stop? ")) << second->err();
  EXPECT_TRUE(simulator->is_off("ch1")) << "OFF does not wait for an answer";
  second->type("redo_stop\n");
  ASSERT_TRUE(asked("did you mean 'redo_step'")) << second->err();
  second->type("redo_step\n");
  expect_exit(*second, 0);
  EXPECT_EQ(account().steps.back().row.step_count, 2);
}

// The instrument lost its power while nobody looked: it forgot protections and watchdog, and gets them again before the first ampere.
TEST_F(Resume, an_instrument_that_lost_its_power_meanwhile_is_armed_again) {
  prepare("single", brief);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  kill_with_current(*first);
  simulator->fault("reboot psb1");
  const std::unique_ptr<Process> second = start({"--resume"});
  expect_exit(*second, 0);
  EXPECT_EQ(account().info.status, "completed");
}

// A watchdog is a promise of the instrument. When the output is found on, it was not kept, and the bound is the time on the clock.
TEST_F(Resume, an_output_found_on_after_its_watchdog_is_for_a_person_and_all_that_time_counts) {
  prepare("single", long_charge);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  simulator->fault("clear_watchdog psb1");
  kill_with_current(*first);
  const double soc_at_death = simulator->truth("ch1").soc;
  let_flow_beyond_watchdog();
  EXPECT_GT(simulator->truth("ch1").current_A, 4.9) << "this test needs a watchdog that does not fire";
  const std::unique_ptr<Process> second = start({"--resume", "--resume-by", "resume"});
  expect_exit(*second, 2);
  EXPECT_THAT(second->err(), HasSubstr("the output was found on"));
  EXPECT_THAT(second->err(), HasSubstr("--accept-changed"));
  EXPECT_TRUE(simulator->is_off("ch1")) << "OFF came first, whatever was said afterwards";
  const double true_Ah = (simulator->truth("ch1").soc - soc_at_death) * 4.978;
  // The second start finds it off, as the first one left it: what that one saw is not forgotten.
  const std::unique_ptr<Process> third = start({"--resume", "--resume-by", "resume"});
  expect_exit(*third, 2);
  EXPECT_THAT(third->err(), HasSubstr("was found on by an earlier start"));
  EXPECT_EQ(account().count("deviation"), 0);
  const std::unique_ptr<Process> fourth =
      start({"--resume", "--resume-by", "resume", "--accept-changed", "the cell was looked at"});
  ASSERT_TRUE(eventually(start_limit, [&] { return account().count("deviation") > 0 || fourth->has_ended(); }));
  fourth->signal(SIGTERM);
  (void)fourth->wait(end_limit);
  const Account after = account();
  const auto gap = std::find_if(after.events.begin(), after.events.end(), [](const auto& e) { return e.kind == "deviation"; });
  ASSERT_NE(gap, after.events.end()) << fourth->err();
  EXPECT_GE(gap->value.value(), true_Ah) << "the bound is one";
  EXPECT_THAT(gap->message, HasSubstr("found on"));
  EXPECT_THAT(gap->message, HasSubstr("the cell was looked at"));
}

// Its first start sees it on and cannot switch it off; the second finds it off, and nobody knows since when.
TEST_F(Resume, an_output_that_an_earlier_start_could_not_switch_off_counts_until_it_was_off) {
  prepare("single", long_charge);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  simulator->fault("clear_watchdog psb1");
  kill_with_current(*first);
  const double soc_at_death = simulator->truth("ch1").soc;
  simulator->fault("ignore_off psb1");
  const std::unique_ptr<Process> second = start({"--resume", "--resume-by", "resume"});
  expect_exit(*second, 4);
  EXPECT_THAT(second->err(), HasSubstr("did not confirm OFF"));
  let_flow_beyond_watchdog();
  simulator->fault("ignore_off psb1 on=false");
  simulator->fault("reboot psb1");  // somebody pulls its plug
  ASSERT_TRUE(eventually(start_limit, [&] { return simulator->is_off("ch1"); }));
  const double true_Ah = (simulator->truth("ch1").soc - soc_at_death) * 4.978;
  const std::unique_ptr<Process> third = start({"--resume", "--resume-by", "resume"});
  expect_exit(*third, 2);
  EXPECT_THAT(third->err(), HasSubstr("an earlier start found the output on, and its OFF was not confirmed"));
  const std::unique_ptr<Process> fourth =
      start({"--resume", "--resume-by", "resume", "--accept-changed", "the cell was looked at"});
  ASSERT_TRUE(eventually(start_limit, [&] { return account().count("deviation") > 0 || fourth->has_ended(); }));
  fourth->signal(SIGTERM);
  (void)fourth->wait(end_limit);
  const Account after = account();
  const auto gap = std::find_if(after.events.begin(), after.events.end(), [](const auto& e) { return e.kind == "deviation"; });
  ASSERT_NE(gap, after.events.end()) << fourth->err();
  EXPECT_GE(gap->value.value(), true_Ah);
}

// The same where its first start got no answer at all.
TEST_F(Resume, an_output_that_did_not_answer_an_earlier_start_is_for_a_person) {
  prepare("single", long_charge);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  simulator->fault("clear_watchdog psb1");
  kill_with_current(*first);
  let_flow_beyond_watchdog();
  simulator->fault("refuse psb1 for_s=1000");
  simulator->fault("close psb1");
  const std::unique_ptr<Process> second = start({"--resume", "--resume-by", "resume", "--wait-for-cycler-s", "1"});
  expect_exit(*second, 4);
  EXPECT_THAT(second->err(), HasSubstr("the cycler was not reached after"));
  EXPECT_GT(simulator->truth("ch1").current_A, 4.9) << "this test needs an output that is out of reach";
  simulator->ask("clear-faults");
  simulator->fault("reboot psb1");
  const std::unique_ptr<Process> third = start({"--resume", "--resume-by", "resume"});
  expect_exit(*third, 2);
  EXPECT_THAT(third->err(), HasSubstr("its instrument did not answer"));
}

/// Killed an hour ago, by its clock, and its watchdog has not fired.
class ResumeLater : public Resume {
 protected:
  void leave_on(const std::vector<std::string>& words, const std::vector<std::string>& cyclers) {
    const std::unique_ptr<Process> first = start(words);
    for (const std::string& cycler : cyclers) simulator->fault("clear_watchdog " + cycler);
    kill_with_current(*first);
    set_clocks(folder + "/clocks", 3600, 0);
    environment = shifted_clocks(folder + "/clocks");
  }
  void expect_known(const std::string& run) {
    const std::unique_ptr<Process> next = start({"--resume", run, "--resume-by", "resume"});
    expect_exit(*next, 2);
    EXPECT_THAT(next->err(), HasSubstr("found on by an earlier start although its watchdog should have fired"));
  }
};

// Whoever switches it off is the last one who can see it.
TEST_F(ResumeLater, what_off_has_seen_is_known_to_whoever_goes_on) {
  prepare("single", long_charge);
  leave_on({"profile.yaml", "--cell", "lg-m50"}, {"psb1"});
  const Finished off =
      cellrig({"off", "--bench", simulator->bench_file(), "--simulator", simulator->ready_file(), "--db", "run.db"},
              with_leases({.folder = folder, .environment = environment}));
  EXPECT_EQ(off.exit_code, 0) << off.err;
  EXPECT_THAT(off.err, HasSubstr("ch1 was on, with +5"));
  expect_known("1");
}

TEST_F(ResumeLater, what_doctor_has_seen_is_known_to_whoever_goes_on) {
  prepare("single", long_charge);
  leave_on({"profile.yaml", "--cell", "lg-m50"}, {"psb1"});
  const Finished doctor = cellrig({"doctor", "--bench", simulator->bench_file(), "--simulator", simulator->ready_file(),
                                   "--acknowledge", "--operator", "jane", "--db", "run.db"},
                                  with_leases({.folder = folder, .environment = environment}));
  EXPECT_EQ(doctor.exit_code, 0) << doctor.err;
  EXPECT_THAT(doctor.out, HasSubstr("before it the output was on, with +5"));
  expect_known("1");
}

// Refused after its OFF, before it opened the database.
TEST_F(ResumeLater, what_doctor_has_seen_before_a_file_that_it_cannot_read_is_known_to_whoever_goes_on) {
  prepare("single", long_charge);
  leave_on({"profile.yaml", "--cell", "lg-m50"}, {"psb1"});
  const Finished doctor = cellrig({"doctor", "--bench", simulator->bench_file(), "--simulator", simulator->ready_file(), "--cell",
                                   "none.yaml", "--acknowledge", "--operator", "jane", "--db", "run.db"},
                                  with_leases({.folder = folder, .environment = environment}));
  EXPECT_EQ(doctor.exit_code, 2) << doctor.err;
  EXPECT_TRUE(simulator->is_off("ch1"));
  expect_known("1");
}

TEST_F(ResumeLater, what_a_call_has_seen_that_is_refused_is_known_to_whoever_goes_on) {
  const std::vector<std::vector<std::string>> refused{{"none.yaml", "--cell", "lg-m50"}, {"--resume", "9"}};
  for (const std::vector<std::string>& words : refused) {
    prepare("single", long_charge);
    environment.clear();
    leave_on({"profile.yaml", "--cell", "lg-m50"}, {"psb1"});
    expect_exit(*start(words), 2);
    EXPECT_TRUE(simulator->is_off("ch1"));
    expect_known("1");
  }
}

TEST_F(ResumeLater, of_two_runs_that_are_refused_together_both_are_known) {
  prepare("demo", long_charge);
  leave_on({"profile.yaml", "--cell", "lg-m50", "--channel", "ch1", "--channel", "ch2"}, {"psb1", "aps1"});
  ASSERT_GT(simulator->truth("ch2").current_A, 4.9);
  expect_exit(*start({"--resume", "1,2", "--resume-by", "resume"}), 2);
  expect_known("1");
  expect_known("2");
}

// What is counted once is counted.
TEST_F(ResumeLater, what_was_found_when_the_run_was_closed_is_not_found_again) {
  prepare("single", long_charge);
  leave_on({"profile.yaml", "--cell", "lg-m50"}, {"psb1"});
  expect_exit(*start({"--resume", "--resume-by", "stop"}), 1);
  const std::unique_ptr<Process> third = start({"--resume", "1", "--resume-by", "resume"});
  ASSERT_TRUE(eventually(start_limit, [&] { return account().count("deviation") > 1 || third->has_ended(); }));
  EXPECT_FALSE(third->has_ended()) << third->err();
  third->signal(SIGTERM);
  (void)third->wait(end_limit);
  const Account after = account();
  const auto last = std::find_if(after.events.rbegin(), after.events.rend(), [](const auto& e) { return e.kind == "deviation"; });
  ASSERT_NE(last, after.events.rend());
  EXPECT_LT(last->value.value_or(0), 0.01);
}

// A machine without power may come back with an older clock.
TEST_F(Resume, where_the_clock_was_set_back_nobody_can_say_for_how_long_and_nothing_is_forgotten) {
  prepare("single", long_charge);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  simulator->fault("clear_watchdog psb1");
  kill_with_current(*first);
  set_clocks(folder + "/clocks", -86'400, 0);
  environment = shifted_clocks(folder + "/clocks");
  const std::unique_ptr<Process> second = start({"--resume", "--resume-by", "resume"});
  expect_exit(*second, 2);
  EXPECT_THAT(second->err(), HasSubstr("for how long nobody can say"));
  EXPECT_TRUE(simulator->is_off("ch1"));
  const std::unique_ptr<Process> third = start({"--resume", "--resume-by", "resume"});
  expect_exit(*third, 2);
  EXPECT_THAT(third->err(), HasSubstr("found on by an earlier start"));
}

// Two runs go on together, or none: what the start saw of one is not lost because of the other.
TEST_F(Resume, what_was_found_on_one_channel_is_kept_although_another_one_ended_the_start) {
  prepare("demo", long_charge);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50", "--channel", "ch1", "--channel", "ch2"});
  const auto charging = [&] {
    return first->has_ended() || (simulator->truth("ch1").current_A > 4.9 && simulator->truth("ch2").current_A > 4.9);
  };
  ASSERT_TRUE(eventually(start_limit, charging)) << first->err();
  simulator->fault("clear_watchdog psb1");
  kill_with_current(*first);
  let_flow_beyond_watchdog();
  simulator->fault("refuse aps1 for_s=1000");
  simulator->fault("close aps1");
  const std::unique_ptr<Process> second = start({"--resume", "1,2", "--resume-by", "resume", "--wait-for-cycler-s", "0"});
  expect_exit(*second, 4);
  EXPECT_TRUE(simulator->is_off("ch1"));
  const std::unique_ptr<Process> third = start({"--resume", "1", "--resume-by", "resume"});
  expect_exit(*third, 2);
  EXPECT_THAT(third->err(), HasSubstr("found on by an earlier start although its watchdog should have fired"));
}

// F37 during F02: where nothing answers, OFF takes seconds. Who dies in the midst of it has tripped all the same.
TEST_F(Resume, a_trip_whose_off_was_under_way_when_the_process_died_waits_for_a_person) {
  prepare("single", long_charge);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  const auto charging = [&] { return simulator->truth("ch1").current_A > 4.9 || first->has_ended(); };
  ASSERT_TRUE(eventually(start_limit, charging)) << first->err();
  simulator->fault("drop psb1 count=for_ever");
  EXPECT_TRUE(eventually(Seconds{5}, [&] { return account().count("trip") > 0; })) << "it is kept before OFF has ended";
  ASSERT_FALSE(first->has_ended());
  first->signal(SIGKILL);
  (void)first->wait(end_limit);
  EXPECT_FALSE(account().info.end) << "this test needs a process that dies before its run has ended";
  simulator->ask("clear-faults");
  ASSERT_TRUE(eventually(watchdog_limit, [&] { return simulator->is_off("ch1"); }));
  const std::vector<std::vector<std::string>> starts{{"--resume", "1", "--resume-by", "resume"},
                                                     {"profile.yaml", "--cell", "lg-m50"}};
  for (const std::vector<std::string>& words : starts) {
    const std::unique_ptr<Process> second = start(words);
    expect_exit(*second, 2);
    EXPECT_THAT(second->err(), HasSubstr("nobody has acknowledged"));
    EXPECT_TRUE(simulator->is_off("ch1"));
  }
}

// A stop is a person's word, also when the process that heard it dies before the output is off.
TEST_F(Resume, a_stop_that_did_not_come_to_its_end_is_not_undone_by_itself) {
  prepare("single", brief);
  (void)file_with(
      "profile: Long\nformat: 1\non_interruption: resume\nsteps:\n  - cc_charge: {rate_C: 1, until: step_time_s >= 3000, "
      "at_most_h: 1}\n",
      "profile.yaml", folder);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  const auto charging = [&] { return simulator->truth("ch1").current_A > 4.9 || first->has_ended(); };
  ASSERT_TRUE(eventually(start_limit, charging)) << first->err();
  simulator->fault("drop psb1 count=for_ever");
  first->signal(SIGINT);
  EXPECT_TRUE(eventually(Seconds{5}, [&] { return account().count("stop") > 0; }));
  ASSERT_FALSE(first->has_ended());
  first->signal(SIGKILL);
  (void)first->wait(end_limit);
  simulator->ask("clear-faults");
  ASSERT_TRUE(eventually(watchdog_limit, [&] { return simulator->is_off("ch1"); }));
  const std::unique_ptr<Process> second = start({"--resume"});
  expect_exit(*second, 2);
  EXPECT_THAT(second->err(), HasSubstr("it was being stopped when its process died"));
  EXPECT_TRUE(simulator->is_off("ch1"));
  const std::unique_ptr<Process> third = start({"--resume", "--accept-changed", "the cell was looked at"});
  const auto charging_again = [&] { return simulator->truth("ch1").current_A > 4.9 || third->has_ended(); };
  EXPECT_TRUE(eventually(start_limit, charging_again));
  third->signal(SIGTERM);
  expect_exit(*third, 143);
}

// The deviation says that all of it is counted, and clears the next start's view of it: then it must stand in the guard.
TEST_F(Resume, what_nobody_saw_is_in_the_overcharge_guard_also_of_a_run_that_is_only_closed) {
  prepare("single", long_charge);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  simulator->fault("clear_watchdog psb1");
  kill_with_current(*first);
  const double soc_at_death = simulator->truth("ch1").soc;
  const auto net_Ah = [&] {
    const std::unique_ptr<db::Reader> reader = std::move(db::Reader::open(folder + "/run.db").value());
    return find_interrupted(*reader, 1).value().point.guard.net_Ah;
  };
  const double before_Ah = net_Ah();
  let_flow_beyond_watchdog();
  const std::unique_ptr<Process> second = start({"--resume", "1", "--resume-by", "stop"});
  expect_exit(*second, 1);
  const double true_Ah = (simulator->truth("ch1").soc - soc_at_death) * 4.978;
  EXPECT_GT(true_Ah, 0.01) << "this test needs charge that nobody saw";
  EXPECT_GE(net_Ah(), before_Ah + true_Ah);
}

TEST_F(Resume, another_cell_is_refused_unless_a_person_says_why) {
  prepare("single", brief);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50", "--cell-id", "A1"});
  kill_with_current(*first);
  const std::unique_ptr<Process> second = start({"--resume", "--cell-id", "B2"});
  expect_exit(*second, 2);
  EXPECT_THAT(second->err(), HasSubstr("'A1', not of 'B2'"));
  const std::unique_ptr<Process> third = start({"--resume", "--cell-id", "B2", "--accept-changed", "label was misread"});
  expect_exit(*third, 0);
  const Account after = account();
  const auto gap = std::find_if(after.events.begin(), after.events.end(), [](const auto& e) { return e.kind == "deviation"; });
  ASSERT_NE(gap, after.events.end());
  EXPECT_THAT(gap->message, HasSubstr("label was misread"));
}

// What guarded the cell at the start guards it to the end, unless a person says why not.
TEST_F(Resume, a_bench_file_without_the_sensor_it_began_with_is_refused_unless_a_person_says_why) {
  prepare("single", brief);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  kill_with_current(*first);
  std::ifstream file(simulator->bench_file());
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string sensor = "    cell_temperature: {logger: adam, input: 0}\n";
  ASSERT_THAT(text, HasSubstr(sensor));
  std::string blind = text;
  bench_file = file_with(blind.erase(text.find(sensor), sensor.size()), "blind.yaml", folder);
  const std::unique_ptr<Process> second = start({"--resume"});
  expect_exit(*second, 2);
  EXPECT_THAT(second->err(), HasSubstr("the bench file has changed: cell_temperature was adam"));
  EXPECT_THAT(second->err(), HasSubstr("now none"));
  EXPECT_TRUE(simulator->is_off("ch1"));
  const std::unique_ptr<Process> blindly = start({"--resume", "--accept-changed", "the thermocouple is broken"});
  expect_exit(*blindly, 2);
  EXPECT_THAT(blindly->err(), HasSubstr("a temperature that nobody measures")) << "a reason does not replace the check";
  bench_file = file_with(text + "watchdog_s: 4\n", "quicker.yaml", folder);
  const std::unique_ptr<Process> third = start({"--resume", "--accept-changed", "a shorter watchdog"});
  expect_exit(*third, 0);
  const Account after = account();
  const auto gap = std::find_if(after.events.begin(), after.events.end(), [](const auto& e) { return e.kind == "deviation"; });
  ASSERT_NE(gap, after.events.end());
  EXPECT_THAT(gap->message, HasSubstr("watchdog_s was 5, now 4"));
  EXPECT_THAT(gap->message, HasSubstr("a shorter watchdog"));
}

// Another version of cellrig: its program, or its resume point, is not ours.
TEST_F(Resume, a_run_of_another_version_is_refused) {
  prepare("single", brief);
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  kill_with_current(*first);
  const auto expect_refused_after = [&](const std::string& change, const std::string& part) {
    {
      db::Connection connection = std::move(db::Connection::open(folder + "/run.db", db::OpenMode::write).value());
      ASSERT_TRUE(connection.execute(change, "changing the record"));
    }
    const std::unique_ptr<Process> refused = start({"--resume"});
    expect_exit(*refused, 2);
    EXPECT_THAT(refused->err(), HasSubstr(part));
    EXPECT_TRUE(simulator->is_off("ch1"));
  };
  expect_refused_after("UPDATE profile SET program_hash = 'abc'", "was of program abc");
  expect_refused_after("UPDATE resume_point SET state = x'09000000'", "resume point is of version 9");
}

// Whoever cannot go on with it can close it, and takes nothing from whoever can.
TEST_F(Resume, a_run_of_another_version_is_closed_by_stop_and_what_nobody_saw_is_not_lost) {
  prepare("single", long_charge);
  const auto change = [this](const std::string& sql) {
    db::Connection connection = std::move(db::Connection::open(folder + "/run.db", db::OpenMode::write).value());
    ASSERT_TRUE(connection.execute(sql, "changing the record"));
  };
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  kill_with_current(*first);
  const double flowed_Ah = account().samples.back().charge_Ah;
  change("UPDATE resume_point SET state = CAST(x'09000000' || substr(state, 5) AS BLOB)");
  expect_exit(*start({"--resume", "--resume-by", "stop"}), 1);
  const Account closed = account();
  EXPECT_EQ(closed.info.status, "stopped");
  EXPECT_EQ(closed.steps.back().end->reason, "interrupted");
  EXPECT_NEAR(closed.steps.back().end->charge_Ah, flowed_Ah, 1e-12) << "by its rows";
  ASSERT_EQ(closed.count("deviation"), 1U);
  const auto kept =
      std::find_if(closed.events.begin(), closed.events.end(), [](const auto& e) { return e.kind == on_again_event; });
  ASSERT_NE(kept, closed.events.end());
  EXPECT_THAT(kept->message, HasSubstr("resume point is of version 9"));
  EXPECT_GE(kept->value.value_or(0), 5.0 * 5.0 / 3600) << "as long as the watchdog takes, what was measured last";
  change("UPDATE resume_point SET state = CAST(x'" + fmt::format("{:02x}000000", ChannelState::current_version) +
         "' || substr(state, 5) AS BLOB)");
  const std::unique_ptr<db::Reader> reader = std::move(db::Reader::open(folder + "/run.db").value());
  const Interrupted left = find_interrupted(*reader, 1).value();
  EXPECT_TRUE(left.unreadable.empty());
  EXPECT_EQ(left.charge_after_end.value(), *kept->value) << "the version that can go on counts it";
  change("UPDATE profile SET program_hash = 'abc'");
  expect_exit(*start({"--resume", "1", "--resume-by", "stop"}), 1);
  EXPECT_EQ(account().info.status, "stopped");
  EXPECT_GE(find_interrupted(*reader, 1).value().charge_after_end.value(), *kept->value) << "closed twice, lost never";
}

TEST_F(Resume, what_cannot_be_resumed_is_told_in_words) {
  prepare("single", brief);
  const std::unique_ptr<Process> no_database = start({"--resume"});
  expect_exit(*no_database, 2);
  EXPECT_THAT(no_database->err(), HasSubstr("no such database"));
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
  kill_with_current(*first);
  const std::vector<std::pair<std::vector<std::string>, std::string>> mistakes{
      {{"--resume", "7"}, "no run 7"},
      {{"--resume", "x"}, "a run is a number"},
      {{"--resume", "1", "profile.yaml"}, "from the record"},
      {{"--resume", "1", "--set", "a=1"}, "from the record"},
      {{"--resume", "1,1"}, "one program per output"},
      {{"--resume-by", "resume", "profile.yaml"}, "belong to --resume"},
      {{"--resume", "1", "--resume-by", "redo"}, "redo"},
  };
  for (const auto& [words, part] : mistakes) {
    const std::unique_ptr<Process> refused = start(words);
    expect_exit(*refused, 2);
    EXPECT_THAT(refused->err(), HasSubstr(part));
  }
}

}  // namespace
}  // namespace cellrig::test
