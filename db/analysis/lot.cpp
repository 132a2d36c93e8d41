#include "db/analysis/lot.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::db {

namespace {

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

/// Iglewicz and Hoaglin: 0.6745 (x - median) / MAD, and without a MAD (x - median) / (1.2533 mean distance): both are the standard
/// deviation of normal values.
std::vector<double> scores_of(std::span<const double> values, double median, double deviation_min) {
  constexpr double per_mad = 1 / 0.6745, per_mean = 1.2533141;
  std::vector<double> distances;
  double mean = 0;
  for (const double value : values) {
    distances.push_back(std::abs(value - median));
    mean += distances.back() / static_cast<double>(values.size());
  }
  double deviation = std::max(per_mad * median_of(distances), deviation_min);
  if (!(deviation > 0)) deviation = per_mean * mean;
  if (!(deviation > 0)) return std::vector<double>(values.size(), 0.0);  // all are alike
  for (double& distance : distances) distance /= deviation;
  return distances;
}

}  // namespace

std::optional<LotSpread> lot_spread(std::span<const double> values, const Tolerance& tolerance, double deviation_min) {
  if (values.size() < 2) return std::nullopt;
  if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); })) return std::nullopt;
  LotSpread lot;
  lot.count = values.size();
  const auto n = static_cast<double>(values.size());
  for (const double value : values) lot.mean += value / n;
  double squares = 0;
  for (const double value : values) squares += (value - lot.mean) * (value - lot.mean);
  lot.standard_deviation = std::sqrt(squares / (n - 1));
  lot.median = median_of({values.begin(), values.end()});
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  lot.min = *least;
  lot.max = *most;
  if (lot.mean != 0) lot.spread_share = (lot.max - lot.min) / std::abs(lot.mean);
  lot.scores = scores_of(values, lot.median, deviation_min);
  for (std::size_t i = 0; i < lot.scores.size(); ++i) {
    if (lot.scores[i] > outlier_score) lot.outliers.push_back(i);
  }
  const double s = lot.standard_deviation;
  if (!(s > 0)) return lot;
  if (tolerance.lower && tolerance.upper) lot.cp = (*tolerance.upper - *tolerance.lower) / (6 * s);
  if (tolerance.upper) lot.cpk = (*tolerance.upper - lot.mean) / (3 * s);
  if (tolerance.lower) lot.cpk = std::min(lot.cpk.value_or(HUGE_VAL), (lot.mean - *tolerance.lower) / (3 * s));
  if (lot.cpk) {
    constexpr double normal_95 = 1.6448536269514722;
    lot.cpk_lower_95 = *lot.cpk - normal_95 * std::sqrt(1 / (9 * n) + *lot.cpk * *lot.cpk / (2 * (n - 1)));
  }
  return lot;
}

}  // namespace cellrig::db
