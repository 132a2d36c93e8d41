#include "db/verdict/lot.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cellrig::verdict {

Estimate relative_spread(const db::LotSpread& lot, double repeatability_standard) {
  const double dof = static_cast<double>(lot.count) - 1.0;
  const double deviation = lot.standard_deviation, mean = std::abs(lot.mean);
  const double own = std::sqrt(std::max(0.0, deviation * deviation - repeatability_standard * repeatability_standard));
  return {100.0 * own / mean, 100.0 * deviation / std::sqrt(2.0 * dof) / mean, dof};
}

Estimate capability(const db::LotSpread& lot) {
  constexpr double not_known = std::numeric_limits<double>::quiet_NaN();
  if (!lot.cpk || !(lot.standard_deviation > 0.0)) return {not_known, not_known, 1.0};
  const auto n = static_cast<double>(lot.count);
  const double cpk = *lot.cpk;
  return {cpk, std::sqrt(1.0 / (9.0 * n) + cpk * cpk / (2.0 * (n - 1.0))), n - 1.0};
}

}  // namespace cellrig::verdict
