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
  std::vector<double> scores;          ///< modified z-score of each (median, MAD): how far it lies apart
  std::vector<std::size_t> outliers;   ///< those above 3.5: indices
};
inline constexpr double outlier_score = 3.5;

/// None with fewer than two finite values, or any that is not finite. `deviation_min`: what measuring alone scatters, as a standard
/// deviation; no score counts in less. Where more than half of the values are equal and nothing is known of it, the mean of the
/// distances stands in for their median.
[[nodiscard]] std::optional<LotSpread> lot_spread(std::span<const double> values, const Tolerance& tolerance = {},
                                                  double deviation_min = 0);

}  // namespace cellrig::db
