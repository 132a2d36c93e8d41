#include "db/verdict/life.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace cellrig::verdict {
namespace {

// However good it looks.
TEST(VerdictLife, never_passes_before_the_claimed_count) {
  std::vector<LifePoint> points;
  for (int block = 0; block < 12; ++block) {
    points.push_back({50.0 * block, 100.0 - 0.1 * block});
    EXPECT_EQ(judge_life(points, 600.0, 80.0, 0.3).decision, Decision::inconclusive) << block;
  }
  points.push_back({600.0, 98.8});
  EXPECT_EQ(judge_life(points, 600.0, 80.0, 0.3).decision, Decision::pass);
}

TEST(VerdictLife, fails_as_soon_as_it_is_beyond_doubt) {
  const std::vector<LifePoint> points{{0, 100}, {100, 90}, {200, 79.9}, {300, 79.0}, {350, 70.0}};
  const LifeVerdict verdict = judge_life(points, 600.0, 80.0, 0.3);
  EXPECT_EQ(verdict.decision, Decision::fail);
  EXPECT_EQ(verdict.failed_at, 300.0);
  EXPECT_DOUBLE_EQ(verdict.reached, 350.0) << "it was run further, and its value is the last one";
  EXPECT_FALSE(judge_life({{0, 100}, {600, 85}}, 600.0, 80.0, 0.3).failed_at);
}

TEST(VerdictLife, what_happens_after_the_claimed_count_breaks_no_claim) {
  EXPECT_EQ(judge_life({{0, 100}, {600, 85}, {900, 60}}, 600.0, 80.0, 0.3).decision, Decision::pass);
  EXPECT_EQ(judge_life({{0, 100}, {600, 80.1}, {900, 60}}, 600.0, 80.0, 0.3).decision, Decision::inconclusive);
  EXPECT_EQ(judge_life({}, 600.0, 80.0, 0.3).decision, Decision::not_run);
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
