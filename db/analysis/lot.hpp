// Spread of a lot of cells.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace cellrig::db {

struct Tolerance {
  std::optional<double> lower, upper;  ///< of the figure, in its unit; at least one for Cpk
};
struct LotSpread {
  std::size_t count = 0;
  double mean = 0;
  double standard_deviation = 0;  ///< of the sample (n - 1)
  double median = 0;
  double min = 0, max = 0;
  double spread_share = 0;             ///< (max - min) / mean
  std::optional<double> cp;            ///< (upper - lower) / (6 s), with both limits
  std::optional<double> cpk;           ///< min(upper - mean, mean - lower) / (3 s), of the limits that are given
  std::optional<double> cpk_lower_95;  ///< one-sided 95 % lower bound (Bissell): what so few cells allow to say
  std::vector<std::size_t> outliers;   ///< modified z-score (median, MAD) above 3.5: indices
};
/// None with fewer than two finite values, or any that is not finite.
[[nodiscard]] std::optional<LotSpread> lot_spread(std::span<const double> values, const Tolerance& tolerance = {});

}  // namespace cellrig::db
