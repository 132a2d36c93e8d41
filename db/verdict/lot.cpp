#include "db/verdict/lot.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace cellrig::verdict {
namespace {

constexpr std::size_t lot_min = 4;
constexpr double deviation_per_mad = 1.4826;  ///< of a normal distribution

Grade within_tolerance(const CellValue& cell, double lower, double upper) {
  const double u = cell.uncertainty.expanded;
  const bool is_inside = cell.value - u >= lower && cell.value + u <= upper;
  const bool is_outside = cell.value + u < lower || cell.value - u > upper;
  if (!is_inside) return is_outside ? Grade::rejected : Grade::unsure;
  const double middle = 0.5 * (lower + upper);
  return std::abs(cell.value - middle) <= 0.25 * (upper - lower) ? Grade::a : Grade::b;
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

/// What measuring adds is no spread of the cells: the deviation is no less than a typical standard uncertainty.
std::vector<Grade> within_lot(std::span<const CellValue> cells) {
  std::vector<double> values, apart, standards;
  for (const CellValue& cell : cells) {
    values.push_back(cell.value);
    standards.push_back(0.5 * cell.uncertainty.expanded);
  }
  const double median = median_of(values);
  for (const double value : values) apart.push_back(std::abs(value - median));
  const double deviation = std::max(deviation_per_mad * median_of(apart), median_of(standards));
  std::vector<Grade> grades;
  for (const double distance : apart) {
    if (!(deviation > 0.0)) {  // most are alike to the last digit: of one that is not nobody knows how far is far
      grades.push_back(distance > 0.0 ? Grade::unsure : Grade::a);
      continue;
    }
    const double z = distance / deviation;
    grades.push_back(z <= 1.0 ? Grade::a : z <= 2.0 ? Grade::b : z <= db::outlier_score ? Grade::c : Grade::rejected);
  }
  return grades;
}

}  // namespace

std::string_view to_string(Grade grade) {
  switch (grade) {
    case Grade::a: return "A";
    case Grade::b: return "B";
    case Grade::c: return "C";
    case Grade::unsure: return "measure again";
    case Grade::rejected: return "rejected";
  }
  return "";
}

std::vector<Grade> grades_of(std::span<const CellValue> cells, const db::Tolerance& tolerance) {
  const auto is_known = [](const CellValue& c) {
    return std::isfinite(c.value) && std::isfinite(c.uncertainty.expanded) && !c.is_least;
  };
  const bool has_tolerance = tolerance.lower && tolerance.upper && *tolerance.lower < *tolerance.upper;
  const bool is_lot = cells.size() >= lot_min && std::all_of(cells.begin(), cells.end(), is_known);
  if (!has_tolerance) return is_lot ? within_lot(cells) : std::vector<Grade>(cells.size(), Grade::unsure);
  std::vector<Grade> grades;
  for (const CellValue& cell : cells)
    grades.push_back(is_known(cell) ? within_tolerance(cell, *tolerance.lower, *tolerance.upper) : Grade::unsure);
  return grades;
}

Estimate relative_spread(const db::LotSpread& lot, double repeatability_standard) {
  const double dof = static_cast<double>(lot.count) - 1.0;
  const double percent = 100.0 / std::abs(lot.mean);
  const auto own = [&](double deviation) {
    return percent * std::sqrt(std::max(0.0, deviation * deviation - repeatability_standard * repeatability_standard));
  };
  const auto at = [&](double chance) { return lot.standard_deviation * std::sqrt(dof / chi_squared_quantile(chance, dof)); };
  return {own(lot.standard_deviation), {own(at(1.0 - one_sided_risk)), percent * at(one_sided_risk)}};
}

Estimate outlier_count(const db::LotSpread& lot) {
  const auto n = static_cast<double>(lot.count);
  // The greatest of n, by a deviation that scatters the more the fewer they are: this factor was found by drawing normal lots.
  const double sure = std::max(db::outlier_score, normal_quantile(1.0 - one_sided_risk / (2.0 * n)) * (1.0 + 10.0 / n));
  const auto told = static_cast<double>(lot.outliers.size());
  const auto beyond = std::count_if(lot.scores.begin(), lot.scores.end(), [sure](double score) { return score > sure; });
  return {told, {static_cast<double>(beyond), told}};
}

Estimate capability(const db::LotSpread& lot) {
  constexpr double not_known = std::numeric_limits<double>::quiet_NaN();
  if (!lot.cpk || !(lot.standard_deviation > 0.0)) return {not_known, {not_known, not_known}};
  const auto n = static_cast<double>(lot.count);
  const double cpk = *lot.cpk;
  const double expanded = coverage_factor(n - 1.0) * std::sqrt(1.0 / (9.0 * n) + cpk * cpk / (2.0 * (n - 1.0)));
  return {cpk, {cpk - expanded, cpk + expanded}};
}

}  // namespace cellrig::verdict
