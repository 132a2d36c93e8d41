#include "db/verdict/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "db/verdict/uncertainty.hpp"

namespace cellrig::verdict {
namespace {

// Published tables: what a wrong quantile would do to every verdict.
TEST(VerdictStatistics, quantiles_are_those_of_the_tables) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959964, 1e-6);
  EXPECT_NEAR(student_quantile(0.975, 1), 12.7062, 1e-3);
  EXPECT_NEAR(student_quantile(0.975, 2), 4.30265, 1e-4);
  EXPECT_NEAR(student_quantile(0.975, 10), 2.22814, 1e-4);
  EXPECT_NEAR(student_quantile(0.95, 5), 2.01505, 1e-4);
  EXPECT_NEAR(student_quantile(0.025, 10), -2.22814, 1e-4);
  EXPECT_NEAR(student_cdf(0.0, 3), 0.5, 1e-12);
  EXPECT_TRUE(std::isnan(normal_quantile(0.0)));
  EXPECT_TRUE(std::isnan(student_quantile(1.5, 3)));
}

// GUM, table G.2, for 95.45 %.
TEST(VerdictStatistics, few_degrees_of_freedom_widen_the_interval) {
  EXPECT_NEAR(coverage_factor(infinite_dof), 2.0, 1e-6);
  EXPECT_NEAR(coverage_factor(2), 4.53, 0.005);
  EXPECT_NEAR(coverage_factor(4), 2.87, 0.005);
  EXPECT_NEAR(coverage_factor(50), 2.05, 0.005);
  EXPECT_GT(coverage_factor_of_worst(infinite_dof, 22), 2.9);
  EXPECT_DOUBLE_EQ(coverage_factor_of_worst(infinite_dof, 1), coverage_factor(infinite_dof));
}

TEST(VerdictUncertainty, a_budget_adds_up_as_a_root_of_squares) {
  const Uncertainty sum = combine({{"a", 3.0}, {"b", 4.0}});
  EXPECT_DOUBLE_EQ(sum.standard, 5.0);
  EXPECT_DOUBLE_EQ(sum.expanded, 5.0 * sum.coverage);
  EXPECT_FALSE(std::isfinite(sum.dof));
  EXPECT_DOUBLE_EQ(combine({}).expanded, 0.0);
}

// GUM H.1.6: u = 32 nm of 25 (18), 9.7 (25.6), 2.9 (50), 16.6 (2) and parts known well: 16 degrees of freedom.
TEST(VerdictUncertainty, effective_degrees_of_freedom_are_those_of_welch_and_satterthwaite) {
  const Uncertainty length =
      combine({{"standard", 25.0, 18.0}, {"difference", 9.7, 25.6}, {"expansion", 2.9, 50.0}, {"temperature", 16.6, 2.0}});
  EXPECT_NEAR(length.standard, 31.7, 0.2);
  EXPECT_NEAR(length.dof, 16.0, 1.0);
}

TEST(VerdictUncertainty, a_ratio_in_one_range_keeps_what_the_offset_differs_by) {
  Accuracy accuracy;
  accuracy.gain_fraction = 0.01;
  accuracy.offset = 0.1;
  EXPECT_DOUBLE_EQ(relative_standard_of_ratio(accuracy, 5.0, 5.0), 0.0);
  EXPECT_NEAR(relative_standard_of_ratio(accuracy, 5.0, 10.0), 0.1 * 0.1 / std::sqrt(3.0), 1e-12);
  accuracy.finer[0] = {6.0, 0.002, 0.01};
  accuracy.finer_count = 1;  // 5 is in the finer range, 10 is not: nothing cancels
  EXPECT_NEAR(relative_standard_of_ratio(accuracy, 5.0, 10.0), std::hypot(0.02 / 5.0, 0.2 / 10.0) / std::sqrt(3.0), 1e-12);
}

// The usual tables (NIST/SEMATECH e-Handbook 1.3.6.7.4).
TEST(VerdictStatistics, chi_squared_is_that_of_the_tables) {
  EXPECT_NEAR(chi_squared_quantile(0.95, 1.0), 3.841, 5e-4);
  EXPECT_NEAR(chi_squared_quantile(0.975, 7.0), 16.013, 5e-4);
  EXPECT_NEAR(chi_squared_quantile(0.025, 7.0), 1.690, 5e-4);
  EXPECT_NEAR(chi_squared_quantile(0.99, 21.0), 38.932, 5e-4);
  EXPECT_NEAR(chi_squared_quantile(0.01, 21.0), 8.897, 5e-4);
  EXPECT_NEAR(chi_squared_quantile(0.05, 100.0), 77.929, 5e-4);
  EXPECT_NEAR(chi_squared_quantile(0.999, 100.0), 149.449, 5e-4);
  for (const double p : {0.001, 0.3, 0.9999}) EXPECT_NEAR(chi_squared_cdf(chi_squared_quantile(p, 49.0), 49.0), p, 1e-12);
  EXPECT_EQ(chi_squared_cdf(-1.0, 5.0), 0.0);
  EXPECT_TRUE(std::isnan(chi_squared_quantile(1.0, 5.0)));
}

}  // namespace
}  // namespace cellrig::verdict
