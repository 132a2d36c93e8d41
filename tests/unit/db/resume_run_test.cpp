// What a run needs to go on: rows that belong together are stored together, and a run that had ended runs again.
#include <gtest/gtest.h>

#include <array>

#include "db/reader.hpp"
#include "db/recorder.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::simulated;
using test::TempDir;

TEST(ResumeRun, makes_a_run_that_had_ended_run_again_and_ends_it_once_more) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  RunKey run = 0;
  Sums first;
  {
    auto recorder = must(Recorder::open(simulated(path)));
    Player player(*recorder, a_run());
    run = player.run;
    first = player.step({});
    recorder->end_run(RunEndRow{run, player.now_ns, UtcTime{100}, "stopped", "by a person", false});
    must(recorder->close());
  }
  auto recorder = must(Recorder::open(simulated(path)));
  recorder->resume_run(run, "Grace", "lab-7");
  must(recorder->flush());
  {
    const RunInfo info = must(must(Reader::open(path))->run(run));
    EXPECT_EQ(info.status, "running");
    EXPECT_FALSE(info.end.has_value());
  }
  StepRow step{.step = recorder->next_step_key(), .run = run, .step_count = 1};  // the same execution goes on
  recorder->begin_step(step);
  recorder->end_step(StepEndRow{.step = step.step, .ended_test_time_ns = 1, .reason = "condition", .charge_Ah = 0.5});
  recorder->end_run(RunEndRow{run, 2, UtcTime{200}, "completed", "", true});
  must(recorder->close());
  auto reader = must(Reader::open(path));
  EXPECT_EQ(must(reader->run(run)).status, "completed");
  const std::vector<StepInfo> steps = must(reader->steps(run));
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_LT(steps[0].row.step, steps[1].row.step) << "parts of one execution stand in their order";
  EXPECT_EQ(steps[1].run_sums_at_start.charge_Ah, first.charge_Ah);
}

TEST(Hold, keeps_rare_rows_back_until_it_is_released) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(simulated(path)));
  Player player(*recorder, a_run());
  player.begin_step({});
  must(recorder->flush());
  const auto events = [&] { return must(must(Reader::open(path))->events(player.run)).size(); };
  recorder->hold();
  recorder->hold();
  player.event(Severity::trip, "trip", "too hot");
  recorder->release();
  must(recorder->flush());
  EXPECT_EQ(events(), 0U) << "the outer hold still holds";
  recorder->release();
  must(recorder->flush());
  EXPECT_EQ(events(), 1U);
  recorder->release();  // one too many does no harm
  player.event(Severity::info, "note", "later");
  must(recorder->flush());
  EXPECT_EQ(events(), 2U);
}

// A sample never overtakes the step it belongs to, whatever is held.
TEST(Hold, lets_no_sample_overtake_its_step) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(simulated(path)));
  Player player(*recorder, a_run());
  recorder->hold();
  player.begin_step({});
  player.sample({});
  recorder->resume_point(player.run, std::array<std::byte, 1>{});
  recorder->release();
  must(recorder->close());
  auto reader = must(Reader::open(path));
  EXPECT_EQ(must(reader->for_each_sample(player.run, [](const SampleView&) { return true; })), 1U);
  EXPECT_EQ(must(reader->resume_point(player.run))->sample_rowid, 1);
}

}  // namespace
}  // namespace cellrig::db
