// When a figure that is counted again is another one. Private to db/analysis.
#pragma once

#include <algorithm>
#include <cmath>
#include <string_view>

namespace cellrig::db {

/// A difference is told relative to the written figure, but to no less than this: about zero a share of it means nothing. Far below what a
/// figure of the unit usually is.
[[nodiscard]] constexpr double least_scale(std::string_view unit) {
  if (unit == "ohm") return 1e-4;
  if (unit == "Ah" || unit == "MPa") return 0.01;
  if (unit == "Wh") return 0.03;
  if (unit == "1") return 0.1;
  return 1.0;  // s, degC, K, cycles; V, of which a small one is what two greater ones differ by
}

/// Written so that NaN is a difference.
[[nodiscard]] inline bool differs(double written, double again, std::string_view unit, double tolerance) {
  return !(std::abs(written - again) <= tolerance * std::max(least_scale(unit), std::abs(written)));
}

}  // namespace cellrig::db
