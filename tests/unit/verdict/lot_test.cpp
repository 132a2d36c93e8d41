#include "db/verdict/lot.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace cellrig::verdict {
namespace {

TEST(VerdictLot, a_spread_is_known_the_better_the_more_cells) {
  const std::array<double, 3> three{4.0, 5.0, 6.0};
  const Estimate spread = relative_spread(*db::lot_spread(three), 0.0);
  EXPECT_DOUBLE_EQ(spread.value, 20.0);
  EXPECT_DOUBLE_EQ(spread.standard, 10.0);
  EXPECT_DOUBLE_EQ(spread.dof, 2.0);
  EXPECT_NEAR(relative_spread(*db::lot_spread(three), 0.6).value, 16.0, 1e-12);  // what measuring adds is not the cells'
  const std::array<double, 6> six{4.0, 5.0, 6.0, 4.0, 5.0, 6.0};
  EXPECT_LT(relative_spread(*db::lot_spread(six), 0.0).standard, spread.standard);
}

TEST(VerdictLot, capability_is_to_the_nearer_limit) {
  const std::array<double, 3> cells{9.0, 10.0, 11.0};
  EXPECT_DOUBLE_EQ(capability(*db::lot_spread(cells, {4.0, 13.0})).value, 1.0);
  EXPECT_DOUBLE_EQ(capability(*db::lot_spread(cells, {7.0, 30.0})).value, 1.0);
  EXPECT_GT(capability(*db::lot_spread(cells, {7.0, 30.0})).standard, 0.3);
  EXPECT_TRUE(std::isnan(capability(*db::lot_spread(cells)).value));
}

}  // namespace
}  // namespace cellrig::verdict
