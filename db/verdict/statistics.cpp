#include "db/verdict/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::verdict {
namespace {

constexpr int fraction_steps_max = 300;
constexpr int series_terms_max = 2000;  ///< some root of the degrees of freedom are needed
constexpr int bisections = 200;
constexpr double tiny = 1e-300;

/// The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), by Lentz's method.
double beta_fraction(double a, double b, double x) {
  double c = 1.0;
  double d = 1.0 - (a + b) * x / (a + 1.0);
  d = 1.0 / (std::abs(d) < tiny ? tiny : d);
  double value = d;
  for (int m = 1; m <= fraction_steps_max; ++m) {
    const double twice = 2.0 * m;
    for (const double term :
         {m * (b - m) * x / ((a + twice - 1.0) * (a + twice)), -(a + m) * (a + b + m) * x / ((a + twice) * (a + twice + 1.0))}) {
      d = 1.0 + term * d;
      d = 1.0 / (std::abs(d) < tiny ? tiny : d);
      c = 1.0 + term / c;
      if (std::abs(c) < tiny) c = tiny;
      value *= c * d;
    }
    if (std::abs(c * d - 1.0) < 1e-15) break;
  }
  return value;
}

double regularised_beta(double a, double b, double x) {
  if (!(x > 0.0)) return 0.0;
  if (!(x < 1.0)) return 1.0;
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1.0) / (a + b + 2.0)) return front * beta_fraction(a, b, x) / a;
  return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b;
}

/// The lower incomplete gamma function over the complete one: its series (Abramowitz and Stegun 6.5.29) below the middle, the
/// continued fraction (6.5.31), by Lentz's method, above.
double regularised_gamma(double a, double x) {
  if (!(x > 0.0)) return 0.0;
  const double front = std::exp(a * std::log(x) - x - std::lgamma(a));
  if (x < a + 1.0) {
    double term = 1.0 / a, sum = term;
    for (int n = 1; n <= series_terms_max && term > 1e-16 * sum; ++n) {
      term *= x / (a + n);
      sum += term;
    }
    return front * sum;
  }
  double b = x + 1.0 - a, c = 1.0 / tiny, d = 1.0 / b, value = d;
  for (int n = 1; n <= series_terms_max; ++n) {
    const double numerator = -n * (n - a);
    b += 2.0;
    d = numerator * d + b;
    d = 1.0 / (std::abs(d) < tiny ? tiny : d);
    c = b + numerator / c;
    if (std::abs(c) < tiny) c = tiny;
    value *= c * d;
    if (std::abs(c * d - 1.0) < 1e-15) break;
  }
  return 1.0 - front * value;
}

/// Where a rising function passes p; it is exact to the last digits, and never leaves its bracket.
template <class Cdf>
double invert(const Cdf& cdf, double p) {
  if (!(p > 0.0) || !(p < 1.0)) return std::numeric_limits<double>::quiet_NaN();
  double low = -1.0, high = 1.0;
  while (cdf(low) > p) low *= 2.0;
  while (cdf(high) < p) high *= 2.0;
  for (int i = 0; i < bisections && low < high; ++i) {
    const double middle = 0.5 * (low + high);
    if (middle == low || middle == high) break;
    (cdf(middle) < p ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

double normal_quantile(double p) {
  return invert([](double x) { return normal_cdf(x); }, p);
}

double student_cdf(double t, double dof) {
  if (!std::isfinite(dof)) return normal_cdf(t);
  const double tail = 0.5 * regularised_beta(dof / 2.0, 0.5, dof / (dof + t * t));
  return t > 0.0 ? 1.0 - tail : tail;
}

double student_quantile(double p, double dof) {
  if (!std::isfinite(dof)) return normal_quantile(p);
  return invert([dof](double t) { return student_cdf(t, dof); }, p);
}

double chi_squared_cdf(double x, double dof) { return regularised_gamma(dof / 2.0, x / 2.0); }

double chi_squared_quantile(double p, double dof) {
  return invert([dof](double x) { return chi_squared_cdf(x, dof); }, p);
}

double coverage_factor(double dof) { return std::max(2.0, student_quantile(1.0 - one_sided_risk, dof)); }

double coverage_factor_of_worst(double dof, double count) {
  if (!(count > 1.0)) return coverage_factor(dof);
  const double kept_by_each = std::pow(1.0 - one_sided_risk, 1.0 / count);
  return std::max(2.0, student_quantile(kept_by_each, dof));
}

}  // namespace cellrig::verdict
