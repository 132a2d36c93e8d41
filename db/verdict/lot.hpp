// What the spread of a lot allows to say, with its uncertainty: few cells know little. The spread itself is db/analysis/lot.hpp. Pure.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "db/analysis/lot.hpp"
#include "db/verdict/decision.hpp"
#include "db/verdict/uncertainty.hpp"

namespace cellrig::verdict {

/// What a lot tells of all such cells, and between which values that lies with the probability of k = 2.
struct Estimate {
  double value = 0.0;
  Interval interval;
};
/// Standard deviation over mean in %, with the part that measuring adds (repeatability_standard: of one value) taken off. Of few cells the
/// true one may be much greater, and little less: its square is distributed as chi-squared, of normal cells. That repeatability is assumed:
/// the upper end of the interval does not count on it.
[[nodiscard]] Estimate relative_spread(const db::LotSpread& lot, double repeatability_standard);
/// Cpk (Bissell's approximation of its uncertainty); NaN where all cells are alike.
[[nodiscard]] Estimate capability(const db::LotSpread& lot);

/// How many cells lie apart: those that are told, and in the interval from those that hardly any lot of normal cells of this size would
/// have to those. Of a handful of cells the deviation itself is known badly.
[[nodiscard]] Estimate outlier_count(const db::LotSpread& lot);

/// As a line sorts its cells.
enum class Grade : unsigned char {
  a,         ///< near the middle: within half of the tolerance, or one standard deviation of the lot
  b,         ///< within the tolerance, or two standard deviations
  c,         ///< without a tolerance only: further out, and no outlier
  unsure,    ///< its uncertainty reaches beyond the tolerance, from either side: to be measured again
  rejected,  ///< outside the tolerance with its whole uncertainty; without one an outlier of the lot
};
[[nodiscard]] std::string_view to_string(Grade grade);

/// One grade for each cell, in their order. With both tolerances by them; else by the lot itself, around its median, with the standard
/// deviation that its median absolute deviation tells, or what measuring adds. A lot of fewer than four cells, or with one that gave no number,
/// has no measure of its own: all `unsure`. So is a value that is only the least it can be.
[[nodiscard]] std::vector<Grade> grades_of(std::span<const CellValue> cells, const db::Tolerance& tolerance);

}  // namespace cellrig::verdict
