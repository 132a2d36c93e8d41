#include "db/verdict/decision.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace cellrig::verdict {
namespace {

constexpr Limit at_least_80{Comparator::at_least, 80.0};
constexpr Limit at_most_18{Comparator::at_most, 18.0};

CellValue cell(double value, double standard) { return {value, combine({{"all", standard}})}; }

// The guard band: what lies within the uncertainty of the limit is no verdict.
TEST(VerdictDecision, only_what_is_beyond_doubt_is_decided) {
  EXPECT_EQ(decide(82.0, 1.0, at_least_80), Decision::pass);
  EXPECT_EQ(decide(81.0, 1.0, at_least_80), Decision::pass);
  EXPECT_EQ(decide(80.5, 1.0, at_least_80), Decision::inconclusive);
  EXPECT_EQ(decide(79.0, 1.0, at_least_80), Decision::inconclusive);
  EXPECT_EQ(decide(78.9, 1.0, at_least_80), Decision::fail);
  EXPECT_EQ(decide(17.0, 0.5, at_most_18), Decision::pass);
  EXPECT_EQ(decide(18.2, 0.5, at_most_18), Decision::inconclusive);
  EXPECT_EQ(decide(18.6, 0.5, at_most_18), Decision::fail);
  EXPECT_EQ(decide(3.0, 0.5, {}), Decision::reported);
}

TEST(VerdictDecision, what_is_not_a_number_passes_nothing) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(decide(nan, 1.0, at_least_80), Decision::inconclusive);
  EXPECT_EQ(decide(90.0, nan, at_least_80), Decision::inconclusive);
  EXPECT_EQ(decide(90.0, -1.0, at_least_80), Decision::inconclusive);
  EXPECT_EQ(decide(nan, 1.0, {}), Decision::inconclusive);
}

TEST(VerdictDecision, a_sample_passes_when_every_cell_does) {
  EXPECT_EQ(decide_sample({}, at_least_80), Decision::not_run);
  EXPECT_EQ(decide_sample({cell(85, 1), cell(84, 1)}, at_least_80), Decision::pass);
  EXPECT_EQ(decide_sample({cell(85, 1), cell(81, 1)}, at_least_80), Decision::inconclusive);
  EXPECT_EQ(decide_sample({cell(85, 1), cell(70, 1)}, at_least_80), Decision::fail);
  // One of 22 a little below: a lot on the limit has one like that nearly every time.
  std::vector<CellValue> lot(22, cell(85, 1));
  lot[3] = cell(77.5, 1);
  EXPECT_EQ(decide_sample(lot, at_least_80), Decision::inconclusive);
  lot[3] = cell(76.5, 1);
  EXPECT_EQ(decide_sample(lot, at_least_80), Decision::fail);
}

// A resistance that has fallen by a fifth has changed, too.
TEST(VerdictDecision, within_is_either_way) {
  const Limit within_5{Comparator::within, 5.0};
  EXPECT_EQ(decide(-20.0, 1.0, within_5), Decision::fail);
  EXPECT_EQ(decide(20.0, 1.0, within_5), Decision::fail);
  EXPECT_EQ(decide(-4.0, 0.5, within_5), Decision::pass);
  EXPECT_EQ(decide(-0.9, 4.7, within_5), Decision::inconclusive);
  EXPECT_EQ(decide(0.0, 9.0, within_5), Decision::inconclusive);
  EXPECT_EQ(decide(std::nan(""), 1.0, within_5), Decision::inconclusive);
  EXPECT_EQ(decide_between({-4.9, 4.0}, within_5), Decision::pass);
  EXPECT_EQ(decide_between({-9.0, 9.0}, within_5), Decision::inconclusive);
  EXPECT_EQ(decide_between({-9.0, -6.0}, within_5), Decision::fail);
  EXPECT_EQ(restrict_one_sided(Decision::pass, true, Comparator::within), Decision::inconclusive);
}

TEST(VerdictDecision, an_interval_that_is_not_even_keeps_or_breaks_a_limit_as_a_whole) {
  EXPECT_EQ(decide_between({0.8, 1.6}, {Comparator::at_most, 1.6}), Decision::pass);
  EXPECT_EQ(decide_between({0.8, 1.6}, {Comparator::at_most, 1.5}), Decision::inconclusive);
  EXPECT_EQ(decide_between({0.8, 1.6}, {Comparator::at_most, 0.7}), Decision::fail);
  EXPECT_EQ(decide_between({0.8, 1.6}, {Comparator::at_least, 0.8}), Decision::pass);
  EXPECT_EQ(decide_between({0.8, 1.6}, {Comparator::none, 0.0}), Decision::reported);
  EXPECT_EQ(decide_between({std::nan(""), 1.6}, {Comparator::at_most, 2.0}), Decision::inconclusive);
}

// Wherever a verdict is shown it passes through here.
TEST(VerdictDecision, no_text_says_pass_of_what_was_simulated_or_shortened) {
  EXPECT_EQ(verdict_text(Decision::pass, {}), "PASS");
  EXPECT_EQ(verdict_text(Decision::pass, {.is_simulated = true}), "SIMULATED PASS");
  EXPECT_EQ(verdict_text(Decision::fail, {.is_simulated = true, .is_surrogate = true}), "SIMULATED surrogate FAIL");
  EXPECT_EQ(verdict_text(Decision::pass, {.is_shortened = true}), "INCONCLUSIVE");
  EXPECT_EQ(verdict_text(Decision::consistent, {.is_simulated = true, .is_shortened = true}), "SIMULATED INCONCLUSIVE");
  EXPECT_EQ(verdict_text(Decision::fail, {.is_shortened = true}), "FAIL");
  EXPECT_EQ(verdict_text(Decision::not_testable, {.is_simulated = true}), "NOT TESTABLE");
  EXPECT_EQ(verdict_text(Decision::not_run, {.is_simulated = true}), "SIMULATED NOT RUN") << "21 of 22 cells have a number";
  EXPECT_EQ(verdict_text(Decision::not_run, {}), "NOT RUN");
}

TEST(VerdictDecision, the_worst_of_several_counts) {
  EXPECT_EQ(worst_of({Decision::pass, Decision::fail, Decision::inconclusive}), Decision::fail);
  EXPECT_EQ(worst_of({Decision::pass, Decision::not_run}), Decision::not_run);
  EXPECT_EQ(worst_of({Decision::pass, Decision::reported, Decision::not_testable}), Decision::pass);
  EXPECT_EQ(worst_of({Decision::not_testable}), Decision::not_testable);
  EXPECT_EQ(worst_of({}), Decision::not_run);
}

// Zero failures in three cells show 46 % at 90 % confidence; 90/90 needs 22.
TEST(VerdictDecision, few_cells_show_little) {
  EXPECT_NEAR(reliability_shown(3, 0.9), 0.464, 0.001);
  EXPECT_NEAR(reliability_shown(22, 0.9), 0.9006, 0.001);
  EXPECT_DOUBLE_EQ(reliability_shown(0, 0.9), 0.0);
  EXPECT_EQ(cells_needed(0.9, 0.9), 22);
}

}  // namespace
}  // namespace cellrig::verdict
