#include "ui/model/choice.hpp"

#include <gtest/gtest.h>

namespace cellrig::ui {
namespace {

using Cycles = std::vector<std::int64_t>;

TEST(Choice, reads_cycles_and_ranges_and_forgives_what_does_not_exist) {
  const Cycles existing{1, 2, 3, 4, 5, 10, 11};
  EXPECT_EQ(chosen_cycles("1, 10", existing), (Cycles{1, 10}));
  EXPECT_EQ(chosen_cycles("3-10;1", existing), (Cycles{1, 3, 4, 5, 10}));
  EXPECT_EQ(chosen_cycles(" 4 ,4, 99", existing), (Cycles{4}));
  EXPECT_TRUE(chosen_cycles("", existing).empty());
  EXPECT_TRUE(chosen_cycles("all, -, 1-, -3", existing).empty());
  // A range over the whole of int64 must not be counted through.
  EXPECT_EQ(chosen_cycles("1-9000000000000000000", existing), existing);
}

TEST(Choice, spreads_a_first_choice_over_the_life_of_a_cell) {
  Cycles existing;
  for (int i = 1; i <= 100; ++i) existing.push_back(i);
  EXPECT_EQ(spread_choice(existing, 4), "1, 34, 67, 100");
  EXPECT_EQ(spread_choice({7}, 4), "7");
  EXPECT_EQ(spread_choice({1, 2}, 4), "1, 2");
  EXPECT_EQ(spread_choice({}, 4), "");
}

TEST(Choice, takes_only_a_completed_run_that_met_its_criteria_for_passed) {
  EXPECT_EQ(verdict_of("completed", true), Verdict::passed);
  EXPECT_EQ(verdict_of("completed", false), Verdict::not_met);
  EXPECT_EQ(verdict_of("tripped", true), Verdict::tripped);
  EXPECT_EQ(verdict_of("record failure", true), Verdict::failed);
  EXPECT_EQ(verdict_of("a word of a newer version", true), Verdict::failed);
}

TEST(Choice, filters_runs_by_cell_profile_verdict_and_day) {
  const RunFacts run{.cell = "LG M50",
                     .cell_id = "SN0042",
                     .profile = "CC-CV cycling",
                     .channel = "ch2",
                     .operator_name = "jane",
                     .verdict = Verdict::passed,
                     .started = UtcTime{1'000}};
  EXPECT_TRUE(RunFilter{}.accepts(run));
  EXPECT_TRUE((RunFilter{.cell = "sn00", .profile = "cycling"}.accepts(run)));
  EXPECT_TRUE((RunFilter{.cell = "m50"}.accepts(run)));
  EXPECT_FALSE((RunFilter{.cell = "FEST"}.accepts(run)));
  EXPECT_FALSE((RunFilter{.verdict = Verdict::tripped}.accepts(run)));
  EXPECT_TRUE((RunFilter{.from = UtcTime{1'000}, .until = UtcTime{1'001}}.accepts(run)));
  EXPECT_FALSE((RunFilter{.until = UtcTime{1'000}}.accepts(run)));
}

}  // namespace
}  // namespace cellrig::ui
