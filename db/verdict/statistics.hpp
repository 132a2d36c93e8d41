// Distributions that a verdict needs. Pure.
#pragma once

#include <limits>

namespace cellrig::verdict {

inline constexpr double infinite_dof = std::numeric_limits<double>::infinity();

[[nodiscard]] double normal_cdf(double x);
/// 0 < p < 1; NaN otherwise.
[[nodiscard]] double normal_quantile(double p);

/// Student's t; dof > 0, infinite_dof is the normal distribution.
[[nodiscard]] double student_cdf(double t, double dof);
[[nodiscard]] double student_quantile(double p, double dof);

/// Of a sum of so many squares of normal numbers; dof > 0, finite.
[[nodiscard]] double chi_squared_cdf(double x, double dof);
[[nodiscard]] double chi_squared_quantile(double p, double dof);

/// Chance that a value lies within k = 2 of a normal distribution: the probability that all coverage factors here keep.
inline constexpr double coverage_probability = 0.954499736;
/// Chance of an error to one side of that interval: 2.275 %.
inline constexpr double one_sided_risk = (1.0 - coverage_probability) / 2.0;

/// As wide as k = 2, but for an estimate of few degrees of freedom: 2 for many, 2.87 for 4, 4.53 for 2 (GUM, table G.2).
[[nodiscard]] double coverage_factor(double dof);
/// One-sided, for the worst of `count` independent judgements at the risk of one (Sidak). Also of shares of a judgement: one that may
/// spend a tenth of the risk is one of ten.
[[nodiscard]] double coverage_factor_of_worst(double dof, double count);

}  // namespace cellrig::verdict
