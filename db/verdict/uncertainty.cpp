#include "db/verdict/uncertainty.hpp"

#include <cmath>

namespace cellrig::verdict {

Uncertainty combine(const std::vector<Contribution>& budget) {
  double squares = 0.0, fourth_powers = 0.0;
  for (const Contribution& input : budget) {
    const double square = input.standard * input.standard;
    squares += square;
    if (std::isfinite(input.dof)) fourth_powers += square * square / input.dof;
  }
  Uncertainty result;
  result.standard = std::sqrt(squares);
  result.dof = fourth_powers > 0.0 ? squares * squares / fourth_powers : infinite_dof;
  result.coverage = coverage_factor(result.dof);
  result.expanded = result.coverage * result.standard;
  return result;
}

double standard_of_bound(double bound) { return std::abs(bound) / std::sqrt(3.0); }

RangeBound range_bound(const Accuracy& accuracy, double value) {
  const std::size_t range = accuracy.range_used(value);
  if (range < accuracy.finer_count) return {accuracy.finer[range].gain_fraction, accuracy.finer[range].offset, range};
  return {accuracy.gain_fraction, accuracy.offset, range};
}

double relative_standard_of_ratio(const Accuracy& accuracy, double numerator, double denominator) {
  const RangeBound above = range_bound(accuracy, numerator);
  const RangeBound below = range_bound(accuracy, denominator);
  if (above.range == below.range) return standard_of_bound(above.offset * (1.0 / numerator - 1.0 / denominator));
  return std::hypot(standard_of_bound(accuracy.bound_at(numerator) / numerator),
                    standard_of_bound(accuracy.bound_at(denominator) / denominator));
}

}  // namespace cellrig::verdict
