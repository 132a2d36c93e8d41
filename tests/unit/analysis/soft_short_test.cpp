#include "db/analysis/soft_short.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace cellrig::db {
namespace {

TEST(SoftShort, a_healthy_cycle_scores_nothing) {
  const SoftShortScore s = soft_short_score({.charge_Ah = 5.02,
                                             .discharge_Ah = 5.0,
                                             .voltage_fall_max_V = 0.001,
                                             .charge_without_rise_share = 0.02,
                                             .charge_overrun = 1.004,
                                             .charge_slope_least_V_per_s = -0.0005,
                                             .resistance_ratio = 1.01,
                                             .rest_slope_V_per_day = -0.001});
  EXPECT_EQ(s.score, 0);
}

TEST(SoftShort, each_sign_grows_between_its_marks) {
  EXPECT_NEAR(soft_short_score({.charge_Ah = 1.125, .discharge_Ah = 1.0}).excess_charge, 0.5, 1e-12);
  EXPECT_NEAR(soft_short_score({.voltage_fall_max_V = 0.015}).voltage_fall, 0.5, 1e-12);
  EXPECT_NEAR(soft_short_score({.charge_without_rise_share = 0.2}).no_rise, 0.5, 1e-12);
  EXPECT_NEAR(soft_short_score({.resistance_ratio = 0.75}).resistance_fall, 0.5, 1e-12);
  EXPECT_NEAR(soft_short_score({.rest_slope_V_per_day = -0.03}).self_discharge, 0.5, 1e-12);
  EXPECT_NEAR(soft_short_score({.charge_overrun = 1.03}).overrun, 0.5, 1e-12);
  EXPECT_NEAR(soft_short_score({.charge_slope_least_V_per_s = -0.004}).voltage_slope, 0.5, 1e-12);
}

TEST(SoftShort, the_greatest_sign_is_the_score) {
  EXPECT_EQ(soft_short_score({.charge_Ah = 2, .discharge_Ah = 1, .voltage_fall_max_V = 0.01}).score, 1);
  for (const SoftShortSigns& signs :
       {SoftShortSigns{.charge_overrun = 1.02}, SoftShortSigns{.charge_slope_least_V_per_s = -0.003},
        SoftShortSigns{.resistance_ratio = 0.825}, SoftShortSigns{.rest_slope_V_per_day = -0.02}})
    EXPECT_NEAR(soft_short_score(signs).score, 0.25, 1e-12);
  EXPECT_EQ(soft_short_score({.voltage_fall_max_V = std::nan("")}).score, 0) << "nothing measured is no sign";
}

}  // namespace
}  // namespace cellrig::db
