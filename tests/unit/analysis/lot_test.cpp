#include "db/analysis/lot.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace cellrig::db {
namespace {

TEST(LotSpread, of_known_values) {
  const std::array values{4.9, 5.0, 5.1, 5.0, 5.0};
  const auto lot = lot_spread(values, {.lower = 4.8, .upper = 5.3});
  ASSERT_TRUE(lot);
  EXPECT_DOUBLE_EQ(lot->mean, 5.0);
  EXPECT_NEAR(lot->standard_deviation, std::sqrt(0.02 / 4), 1e-12);
  EXPECT_NEAR(lot->spread_share, 0.04, 1e-12);
  EXPECT_NEAR(*lot->cp, 0.5 / (6 * std::sqrt(0.005)), 1e-12);
  EXPECT_NEAR(*lot->cpk, 0.2 / (3 * std::sqrt(0.005)), 1e-12) << "the nearer limit";
  EXPECT_LT(*lot->cpk_lower_95, *lot->cpk);
  EXPECT_DOUBLE_EQ(lot->median, 5.0);
}

TEST(LotSpread, with_one_limit_has_a_cpk_and_no_cp) {
  const std::array values{1.0, 2.0, 3.0};
  const auto lot = lot_spread(values, {.upper = 5.0});
  EXPECT_FALSE(lot->cp);
  EXPECT_NEAR(*lot->cpk, 1.0, 1e-12);
  EXPECT_FALSE(lot_spread(values)->cpk);
}

// Thirty cells support a capability of 1.33 only down to some 1.04: the sample's own uncertainty.
TEST(LotSpread, says_what_so_few_cells_allow_to_say) {
  std::vector<double> values;
  for (int i = 0; i < 30; ++i) values.push_back(i % 2 == 0 ? 1.0 : -1.0);
  const double s = std::sqrt(30.0 / 29);
  const auto lot = lot_spread(values, {.lower = -4 * s, .upper = 4 * s});
  EXPECT_NEAR(*lot->cpk, 4.0 / 3, 1e-9);
  EXPECT_NEAR(*lot->cpk_lower_95, 1.33333 - 1.64485 * std::sqrt(1.0 / 270 + 1.77778 / 58), 1e-4);
}

TEST(LotSpread, names_the_odd_one_out) {
  const std::array values{5.00, 5.01, 4.99, 5.02, 4.98, 4.50};
  const auto lot = lot_spread(values);
  ASSERT_EQ(lot->outliers.size(), 1U);
  EXPECT_EQ(lot->outliers[0], 5U);
}

TEST(LotSpread, refuses_what_is_no_lot) {
  EXPECT_FALSE(lot_spread(std::array{1.0}));
  EXPECT_FALSE(lot_spread(std::array{1.0, std::nan("")}));
  const auto equal = lot_spread(std::array{2.0, 2.0}, {.lower = 1.0, .upper = 3.0});
  ASSERT_TRUE(equal);
  EXPECT_FALSE(equal->cpk) << "no spread: no finite capability";
}

}  // namespace
}  // namespace cellrig::db
