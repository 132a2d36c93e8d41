// What the spread of a lot allows to say, with its uncertainty: few cells know little. The spread itself is db/analysis/lot.hpp. Pure.
#pragma once

#include "db/analysis/lot.hpp"
#include "db/verdict/uncertainty.hpp"

namespace cellrig::verdict {

struct Estimate {
  double value = 0.0;
  double standard = 0.0;
  double dof = infinite_dof;
};
/// Standard deviation over mean in %, with the part that measuring adds (repeatability_standard: of one value) taken off.
[[nodiscard]] Estimate relative_spread(const db::LotSpread& lot, double repeatability_standard);
/// Cpk (Bissell's approximation of its uncertainty); NaN where all cells are alike.
[[nodiscard]] Estimate capability(const db::LotSpread& lot);

}  // namespace cellrig::verdict
