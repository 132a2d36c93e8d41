// What a process that dies takes with it: rows that no commit has taken along yet, and nothing else.
#include "tests/swarm/uncommitted_tail.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/async/virtual_time.hpp"
#include "controller/runtime/null_recorder.hpp"
#include "tests/swarm/plan.hpp"
#include "tests/swarm/swarm_run.hpp"

namespace cellrig::swarm {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class UncommittedTailTest : public testing::Test {
 protected:
  struct Kept final : NullRecorder {
    using NullRecorder::append;
    void append(const db::SampleRow& row) override { rows.push_back(row.test_time_ns); }
    void append(const db::EventRow& row) override { rows.push_back(-row.test_time_ns); }
    void resume_point(db::RunKey run, std::span<const std::byte>) override { rows.push_back(1000 * run); }
    std::vector<std::int64_t> rows;
  };

  void sample(std::int64_t number) { tail.append(db::SampleRow{.test_time_ns = number}); }
  void event(std::int64_t number) { tail.append(db::EventRow{.test_time_ns = number}); }
  void pass(Duration duration) { time.suspend(duration); }

  VirtualTime time;
  Kept kept;
  double moved_Ah = 0;
  UncommittedTail tail{time, kept, [this] { return UncommittedTail::Moved{{"ch1", moved_Ah}}; }};
};

TEST_F(UncommittedTailTest, is_lost_with_its_process_as_far_as_it_is_younger_than_a_commit) {
  sample(1);
  pass(200ms);
  sample(2);
  pass(100ms);
  tail.lose();
  EXPECT_THAT(kept.rows, ElementsAre(1));
  EXPECT_EQ(tail.lost(), 1U);
  sample(3);
  EXPECT_TRUE(tail.close());
  EXPECT_THAT(kept.rows, ElementsAre(1, 3)) << "a new process begins anew";
}

TEST_F(UncommittedTailTest, is_taken_along_in_order_by_what_commits) {
  sample(1);
  event(2);
  EXPECT_THAT(kept.rows, ElementsAre(1, -2));
  sample(3);
  tail.resume_point(4, {});
  tail.lose();
  EXPECT_THAT(kept.rows, ElementsAre(1, -2, 3, 4000));
  EXPECT_EQ(tail.lost(), 0U);
}

// All of it or nothing, as one transaction.
TEST_F(UncommittedTailTest, waits_while_rows_are_held_together) {
  tail.hold();
  event(1);
  pass(1s);
  sample(2);
  EXPECT_THAT(kept.rows, IsEmpty());
  tail.release();
  EXPECT_THAT(kept.rows, ElementsAre(-1, 2));
  tail.hold();
  event(3);
  tail.lose();
  EXPECT_EQ(tail.lost(), 1U);
  EXPECT_THAT(kept.rows, ElementsAre(-1, 2));
}

TEST_F(UncommittedTailTest, remembers_what_had_moved_when_a_row_was_told) {
  moved_Ah = 1.0;
  sample(1);
  moved_Ah = 2.0;
  pass(1s);
  EXPECT_TRUE(tail.flush());
  EXPECT_EQ(tail.moved_when_told("ch1"), 1.0);
}

// I8 with a record that ends before its process does. Every measurement is a row, so that a death meets some.
TEST(SwarmDeath, takes_rows_with_it_and_the_run_goes_on_all_the_same) {
  const std::string interval = "record: {every_s: 10}";
  std::uint64_t lost = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Plan plan = draw_plan(seed, PlanOptions{.family = Family::fast_charge, .fault = "F37", .control_period = 100ms});
    for (ChannelPlan& channel : plan.channels) {
      const std::size_t at = channel.profile.find(interval);
      if (at != std::string::npos) channel.profile.replace(at, interval.size(), "record: {every_s: 0}");
    }
    const RunReport report = run_plan(plan, Recording::sqlite);
    EXPECT_FALSE(report.violation) << "seed " << seed << ": " << report.violation->what;
    lost += report.rows_lost;
  }
  EXPECT_GT(lost, 0U) << "these seeds need a death right after a row";
}

}  // namespace
}  // namespace cellrig::swarm
