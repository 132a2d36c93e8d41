// A start that dies in the moment after its first OFF. What it saw right before that nobody can see any more.
#include "controller/runtime/resume.hpp"
#include "tests/crash/resume_fixture.hpp"
#include "tests/program/shifted_clocks.hpp"

namespace cellrig::test {
namespace {

class StartThatDies : public Resume {
 protected:
  /// A run whose process was killed an hour ago, by its clock, and whose watchdog has not fired.
  void SetUp() override {
    prepare("single", long_charge);
    const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50"});
    simulator->fault("clear_watchdog psb1");
    kill_with_current(*first);
    set_clocks(folder + "/clocks", 3600, 0);
    environment = shifted_clocks(folder + "/clocks");
    ASSERT_GT(simulator->truth("ch1").current_A, 4.9) << "this test needs a watchdog that does not fire";
  }
  /// Killed when its OFF was confirmed and its note was not kept: a transaction of somebody else is in its way.
  void die_before_the_note(const std::vector<std::string>& words) {
    db::Connection holds = std::move(db::Connection::open(folder + "/run.db", db::OpenMode::write).value());
    ASSERT_TRUE(holds.execute("BEGIN IMMEDIATE", "holding the record"));
    const std::unique_ptr<Process> dies = start(words);
    ASSERT_TRUE(eventually(start_limit, [&] { return simulator->is_off("ch1") || dies->has_ended(); }));
    EXPECT_TRUE(simulator->is_off("ch1")) << "OFF waits for no record: " << dies->err();
    ASSERT_FALSE(dies->has_ended()) << "this test needs a start that waits for its record: " << dies->err();
    dies->signal(SIGKILL);
    (void)dies->wait(end_limit);
    ASSERT_TRUE(holds.execute("ROLLBACK", "letting go of the record"));
  }
  [[nodiscard]] std::size_t events_of_the_bench() const {
    return db::Reader::open(folder + "/run.db").value()->events(0).value().size();
  }
};

TEST_F(StartThatDies, between_its_look_and_its_note_leaves_the_output_off_and_the_record_as_it_was) {
  const Account before = account();
  ASSERT_NO_FATAL_FAILURE(die_before_the_note({"--resume", "1", "--resume-by", "resume"}));
  EXPECT_EQ(events_of_the_bench(), 0U) << "this test needs a death before the note";
  EXPECT_TRUE(simulator->is_off("ch1"));
  expect_chain_holds();
  const Account after = account();
  EXPECT_EQ(after.events.size(), before.events.size());
  EXPECT_EQ(after.info.status, before.info.status);
  expect_only_grown(before, after);
}

// It finds the output off, and can only believe the watchdog: at least that is counted, and nothing of the record is lost.
TEST_F(StartThatDies, between_its_look_and_its_note_leaves_the_next_one_at_least_what_the_watchdog_allows) {
  ASSERT_NO_FATAL_FAILURE(die_before_the_note({"--resume", "1", "--resume-by", "resume"}));
  const Account before = account();
  const std::unique_ptr<Process> next = start({"--resume", "1", "--resume-by", "resume"});
  const auto goes_on = [&] { return account().count("deviation") > 0 || next->has_ended(); };
  ASSERT_TRUE(eventually(start_limit, goes_on)) << next->err();
  next->signal(SIGTERM);
  (void)next->wait(end_limit);
  EXPECT_TRUE(simulator->is_off("ch1"));
  const Account after = account();
  const auto gap = std::find_if(after.events.begin(), after.events.end(), [](const auto& e) { return e.kind == "deviation"; });
  ASSERT_NE(gap, after.events.end()) << next->err();
  EXPECT_GE(gap->value.value_or(0), 5.0 * 5.0 / 3600);
  expect_only_grown(before, after);
  expect_goes_on_exactly(before, after);
  expect_chain_holds();
}

// A start that is not its own: of another profile, on the same output.
TEST_F(StartThatDies, of_a_new_run_between_its_look_and_its_note_begins_none) {
  ASSERT_NO_FATAL_FAILURE(die_before_the_note({"profile.yaml", "--cell", "lg-m50"}));
  EXPECT_TRUE(simulator->is_off("ch1"));
  EXPECT_EQ(db::Reader::open(folder + "/run.db").value()->runs().value().size(), 1U);
  EXPECT_EQ(events_of_the_bench(), 0U);
  expect_chain_holds();
}

// Its trip came a second and a half after its last row, and each OFF that it tried has fed the watchdog: the current ends eight seconds after that
// row.
TEST_F(Resume, killed_in_the_midst_of_an_off_that_nobody_answers_counts_until_the_watchdog_that_this_has_fed) {
  prepare("single", long_charge);
  const double soc_at_first = simulator->truth("ch1").soc;
  const std::unique_ptr<Process> first = start({"profile.yaml", "--cell", "lg-m50", "--control-period-s", "0.5"});
  const auto charging = [&] { return simulator->truth("ch1").soc > soc_at_first + 0.0003 || first->has_ended(); };
  ASSERT_TRUE(eventually(start_limit, charging)) << first->err();
  ASSERT_FALSE(first->has_ended()) << first->err();
  simulator->fault("ignore_off psb1");
  simulator->fault("drop psb1 count=for_ever");
  ASSERT_TRUE(eventually(start_limit, [&] { return account().count("output not confirmed off") > 0 || first->has_ended(); }));
  const double soc_at_second_off = simulator->truth("ch1").soc;
  const double of_its_second = 5.0 * 0.8 / 3600 / 4.978;
  const auto is_tried_again = [&] { return simulator->truth("ch1").soc > soc_at_second_off + of_its_second; };
  ASSERT_TRUE(eventually(start_limit, is_tried_again)) << simulator->ask("truth");
  first->signal(SIGKILL);
  (void)first->wait(end_limit);
  const Account died = account();
  ASSERT_FALSE(died.info.end) << "this test needs a process that dies before its run has ended";
  ASSERT_EQ(died.count("trip"), 1);
  simulator->ask("clear-faults");
  ASSERT_TRUE(eventually(watchdog_limit, [&] { return simulator->is_off("ch1"); }));
  const double true_Ah = (simulator->truth("ch1").soc - soc_at_first) * 4.978;
  const auto guarded_Ah = [&] {
    return find_interrupted(*db::Reader::open(folder + "/run.db").value(), 1).value().point.guard.net_Ah;
  };
  const double measured_Ah = guarded_Ah();
  EXPECT_GT(true_Ah, measured_Ah + 5.0 * 7.2 / 3600) << "this test needs more than seven seconds that nobody measured";
  const Finished acknowledged =
      cellrig({"db", "acknowledge", "--db", "run.db", "--run", "1", "--operator", "jane", "--reason", "the cable was loose"},
              ProcessOptions{.folder = folder});
  ASSERT_EQ(acknowledged.exit_code, 0) << acknowledged.err;
  const std::unique_ptr<Process> second = start({"--resume", "1", "--resume-by", "stop"});
  expect_exit(*second, 1);
  EXPECT_GE(guarded_Ah(), true_Ah * 0.98);
  EXPECT_LE(guarded_Ah(), measured_Ah + 5.5 * 16 / 3600) << "a bound, and not a wild one";
}

}  // namespace
}  // namespace cellrig::test
