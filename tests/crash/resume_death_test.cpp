// A start that dies in the moment after its first OFF. What it saw right before that nobody can see any more.
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

}  // namespace
}  // namespace cellrig::test
