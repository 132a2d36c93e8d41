#include "db/verdict/life.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace cellrig::verdict {
namespace {

/// Each of them known as well as the others.
std::vector<LifePoint> known(std::vector<LifePoint> points, double standard = 0.15) {
  for (LifePoint& point : points) point.uncertainty = {.standard = standard, .expanded = 2.0 * standard};
  return points;
}

// However good it looks.
TEST(VerdictLife, never_passes_before_the_claimed_count) {
  std::vector<LifePoint> points;
  for (int block = 0; block < 12; ++block) {
    points.push_back({50.0 * block, 100.0 - 0.1 * block});
    EXPECT_EQ(judge_life(known(points), 600.0, 80.0).decision, Decision::inconclusive) << block;
  }
  points.push_back({600.0, 98.8});
  EXPECT_EQ(judge_life(known(points), 600.0, 80.0).decision, Decision::pass);
}

TEST(VerdictLife, fails_as_soon_as_it_is_beyond_doubt) {
  const std::vector<LifePoint> points{{0, 100}, {100, 90}, {200, 79.9}, {300, 79.0}, {350, 70.0}};
  const LifeVerdict verdict = judge_life(known(points), 600.0, 80.0);
  EXPECT_EQ(verdict.decision, Decision::fail);
  EXPECT_EQ(verdict.failed_at, 300.0);
  EXPECT_DOUBLE_EQ(verdict.reached, 350.0) << "it was run further, and its value is the last one";
  EXPECT_FALSE(judge_life(known({{0, 100}, {600, 85}}), 600.0, 80.0).failed_at);
}

TEST(VerdictLife, what_happens_after_the_claimed_count_breaks_no_claim) {
  EXPECT_EQ(judge_life(known({{0, 100}, {600, 85}, {900, 60}}), 600.0, 80.0).decision, Decision::pass);
  EXPECT_EQ(judge_life(known({{0, 100}, {600, 80.1}, {900, 60}}), 600.0, 80.0).decision, Decision::inconclusive);
  EXPECT_EQ(judge_life({}, 600.0, 80.0).decision, Decision::not_run);
}

// A reference test that was interrupted reads low, and is known badly: that is no end of a life.
TEST(VerdictLife, fails_by_no_point_that_is_known_too_badly_for_it) {
  std::vector<LifePoint> points = known({{0, 100}, {300, 76}, {600, 84}});
  EXPECT_EQ(judge_life(points, 600.0, 80.0).decision, Decision::fail);
  points[1].uncertainty = {.standard = 2.5, .expanded = 5.0};
  EXPECT_EQ(judge_life(points, 600.0, 80.0).decision, Decision::pass);
  points[2].uncertainty = points[1].uncertainty;
  EXPECT_EQ(judge_life(points, 600.0, 80.0).decision, Decision::inconclusive);
}

// 12 looks at what stays on its limit are 12 chances to be wrong. Each of the 11 before the claimed count has a 24th of the risk of one: it is kept by
// 0.97725^(1/24) of a normal error, 3.1028 standard uncertainties. The last has the rest, 13/24: 2.2449.
TEST(VerdictLife, each_look_spends_a_share_of_the_risk) {
  const auto with = [](double at, double left_pct) {
    std::vector<LifePoint> points;
    for (int cycle = 0; cycle <= 600; cycle += 50) points.push_back({double(cycle), cycle == at ? left_pct : 80.0});
    return judge_life(known(points, 0.1), 600.0, 80.0);
  };
  for (const double early : {50.0, 300.0, 550.0}) {
    EXPECT_EQ(with(early, 80.0 - 0.3102).decision, Decision::inconclusive) << early;
    EXPECT_EQ(with(early, 80.0 - 0.3111).failed_at, early);
  }
  EXPECT_EQ(with(600.0, 80.0 - 0.2243).decision, Decision::inconclusive);
  EXPECT_EQ(with(600.0, 80.0 - 0.2251).decision, Decision::fail);
}

// Two looks right after each other are hardly more than one, and what is to come changes nothing.
TEST(VerdictLife, looks_one_after_another_spend_by_the_cycles_between_them_and_a_fail_stays_one) {
  EXPECT_EQ(judge_life(known({{0, 100}, {300, 80}, {300, 79.0}}, 0.1), 600.0, 80.0).decision, Decision::inconclusive)
      << "no share is left";
  std::vector<LifePoint> points{{0, 100}, {300, 79.7}};
  ASSERT_EQ(judge_life(known(points, 0.1), 600.0, 80.0).decision, Decision::fail);
  for (int cycle = 301; cycle <= 600; ++cycle) {
    points.push_back({double(cycle), 85.0});
    EXPECT_EQ(judge_life(known(points, 0.1), 600.0, 80.0).failed_at, 300.0);
  }
}

TEST(VerdictLife, of_a_lot_fails_only_where_the_worst_of_so_many_lies_below) {
  std::vector<std::vector<LifePoint>> lot(22, known({{0, 100}, {600, 85}}));
  EXPECT_EQ(decide_lives(lot, 600.0, 80.0), Decision::pass);
  lot[5] = known({{0, 100}, {600, 79.65}});
  EXPECT_EQ(judge_life(lot[5], 600.0, 80.0).decision, Decision::fail);
  EXPECT_EQ(decide_lives({lot[5]}, 600.0, 80.0), Decision::fail) << "alone it has failed";
  EXPECT_EQ(decide_lives(lot, 600.0, 80.0), Decision::inconclusive) << "of 22 on the limit one is nearly always so far below";
  lot[5] = known({{0, 100}, {600, 79.4}});
  EXPECT_EQ(decide_lives(lot, 600.0, 80.0), Decision::fail);
  EXPECT_EQ(decide_lives({}, 600.0, 80.0), Decision::not_run);
}

TEST(VerdictLife, projects_with_a_band_that_grows_with_the_distance) {
  const std::vector<LifePoint> points{{0, 100.0}, {50, 98.1}, {100, 95.9}, {150, 94.0}};
  const std::optional<Projection> near = project(points, 200.0);
  const std::optional<Projection> far = project(points, 600.0);
  ASSERT_TRUE(near && far);
  EXPECT_NEAR(far->retention_pct, 75.8, 0.5);
  EXPECT_GT(far->high_pct - far->low_pct, near->high_pct - near->low_pct);
  EXPECT_FALSE(project({{0, 100}, {50, 98}}, 600.0));
  EXPECT_FALSE(project({{5, 100}, {5, 98}, {5, 99}}, 600.0));
}

TEST(VerdictLife, extrapolates_by_the_law_it_names) {
  std::vector<LifePoint> points{{0, 100}};
  for (const double days : {28.0, 56.0, 84.0, 112.0}) points.push_back({days, 100.0 - 0.2 * std::sqrt(days)});
  const std::optional<Extrapolation> far = extrapolate(points, 7305.0, 0.5);
  ASSERT_TRUE(far);
  EXPECT_NEAR(far->retention_pct, 100.0 - 0.2 * std::sqrt(7305.0), 1e-9);
  EXPECT_NEAR(far->standard_pct, 0.0, 1e-9);
  EXPECT_FALSE(extrapolate({{0, 100}, {28, 99}}, 7305.0, 0.5));
}

}  // namespace
}  // namespace cellrig::verdict
