#include "db/verdict/lot.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include <array>
#include <cmath>

namespace cellrig::verdict {
namespace {

// Chi-squared of 2 degrees of freedom: its quantiles are -2 log(1 - p).
TEST(VerdictLot, a_spread_is_known_the_better_the_more_cells) {
  const std::array<double, 3> three{4.0, 5.0, 6.0};
  const Estimate spread = relative_spread(*db::lot_spread(three), 0.0);
  EXPECT_DOUBLE_EQ(spread.value, 20.0);
  EXPECT_NEAR(spread.interval.high, 20.0 / std::sqrt(-std::log1p(-one_sided_risk)), 1e-9);
  EXPECT_NEAR(spread.interval.low, 20.0 / std::sqrt(-std::log(one_sided_risk)), 1e-9);
  const Estimate scattered = relative_spread(*db::lot_spread(three), 0.6);
  EXPECT_NEAR(scattered.value, 16.0, 1e-12);  // what measuring adds is not the cells'
  EXPECT_LT(scattered.interval.low, spread.interval.low);
  EXPECT_DOUBLE_EQ(scattered.interval.high, spread.interval.high) << "but it is assumed, and nothing passes by it";
  const std::array<double, 6> six{4.0, 5.0, 6.0, 4.0, 5.0, 6.0};
  EXPECT_LT(relative_spread(*db::lot_spread(six), 0.0).interval.high, spread.interval.high);
}

TEST(VerdictLot, capability_is_to_the_nearer_limit) {
  const std::array<double, 3> cells{9.0, 10.0, 11.0};
  EXPECT_DOUBLE_EQ(capability(*db::lot_spread(cells, {4.0, 13.0})).value, 1.0);
  EXPECT_DOUBLE_EQ(capability(*db::lot_spread(cells, {7.0, 30.0})).value, 1.0);
  EXPECT_GT(capability(*db::lot_spread(cells, {7.0, 30.0})).interval.high, 2.0);
  EXPECT_TRUE(std::isnan(capability(*db::lot_spread(cells)).value));
}

// Coarse readings: most cells are alike to the last digit, and one is at double.
TEST(VerdictLot, a_cell_apart_is_told_where_the_others_are_alike) {
  std::vector<double> cells(22, 5.0);
  EXPECT_TRUE(db::lot_spread(cells)->outliers.empty());
  cells[7] = 10.0;
  EXPECT_EQ(db::lot_spread(cells)->outliers, std::vector<std::size_t>{7});
  EXPECT_EQ(db::lot_spread(cells, {}, 0.005)->outliers, std::vector<std::size_t>{7});
  EXPECT_DOUBLE_EQ(outlier_count(*db::lot_spread(cells, {}, 0.005)).interval.low, 1.0);
  cells[7] = 5.01;  // two deviations of what measuring scatters
  EXPECT_TRUE(db::lot_spread(cells, {}, 0.005)->outliers.empty());
}

std::vector<Grade> graded(const std::vector<double>& values, double expanded, const db::Tolerance& tolerance = {}) {
  std::vector<CellValue> cells;
  for (const double value : values) {
    CellValue cell{.value = value};
    cell.uncertainty.expanded = expanded;
    cells.push_back(cell);
  }
  return grades_of(cells, tolerance);
}

TEST(Grades, follow_the_tolerance_and_nobody_is_sorted_within_his_uncertainty) {
  using enum Grade;
  EXPECT_EQ(graded({5.0, 4.92, 5.12, 4.85, 5.16, 4.86, 4.7, 5.3}, 0.02, {4.85, 5.15}),
            (std::vector{a, b, b, unsure, unsure, unsure, rejected, rejected}));
  EXPECT_EQ(graded({4.9, 5.08}, 0.0, {4.85, 5.15}), (std::vector{b, b})) << "half of the tolerance is 4.925 to 5.075";
  EXPECT_EQ(graded({4.93, 5.07}, 0.0, {4.85, 5.15}), (std::vector{a, a}));
}

TEST(Grades, follow_the_lot_where_there_is_no_tolerance) {
  using enum Grade;
  // Median 5.01, median absolute deviation 0.025: a standard deviation of 0.0371.
  EXPECT_EQ(graded({4.98, 4.99, 5.00, 5.02, 5.03, 4.95, 5.11, 5.2}, 0.0), (std::vector{a, a, a, a, a, b, c, rejected}));
  EXPECT_EQ(graded({5.0, 5.1, 4.9}, 0.0), (std::vector{unsure, unsure, unsure})) << "three are no lot";
  EXPECT_EQ(graded({5.0, 5.0, 5.0, 5.0}, 0.0), (std::vector{a, a, a, a}));
  EXPECT_EQ(graded({5.0, 5.0, 5.0, 5.0, 7.0}, 0.0), (std::vector{a, a, a, a, unsure}));
  EXPECT_EQ(graded({5.0, 5.0, 5.0, 5.0, 5.0001}, 0.01), (std::vector{a, a, a, a, a})) << "what measuring adds is no spread";
  EXPECT_EQ(graded({5.0, NAN, 5.0}, 0.02, {4.85, 5.15}), (std::vector{a, unsure, a})) << "each by itself";
  EXPECT_EQ(graded({5.0, NAN, 5.0, 5.0, 5.0}, 0.0), (std::vector{unsure, unsure, unsure, unsure, unsure}));
}

}  // namespace
}  // namespace cellrig::verdict
