// Verdicts on lives: what may be said before the claimed number of cycles, or beyond the days that were waited. Pure.
#pragma once

#include <optional>
#include <vector>

#include "db/verdict/decision.hpp"

namespace cellrig::verdict {

/// A reference test: after so many cycles (or days) this much was left of the first one.
struct LifePoint {
  double at = 0.0;
  double retention_pct = 0.0;
  Uncertainty uncertainty{};  ///< of this one: a test that was interrupted is known less well
};

/// A straight line through the points, looked at in one place, with a 95 % band for a further point there.
struct Projection {
  double retention_pct = 0.0, low_pct = 0.0, high_pct = 0.0;
};
/// None with fewer than three points, or all of them in one place. A fade that bends later (a knee) is not foreseen by it.
[[nodiscard]] std::optional<Projection> project(const std::vector<LifePoint>& points, double at);

struct LifeVerdict {
  Decision decision = Decision::inconclusive;
  std::optional<Projection> projection;  ///< at the claimed count, as long as it is not reached
  double reached = 0.0;                  ///< cycles of the last point
  std::optional<double> failed_at;       ///< of the first point that is below the limit beyond doubt, up to the claimed count
};
/// Sequential: FAIL as soon as a point is below the limit beyond doubt, PASS never before the claimed count. A projection decides nothing.
/// * `cells`: one of so many, of which the worst decides: what lies between its doubt and that of the worst is INCONCLUSIVE.
/// * Each look is one more chance to be wrong. All of them together have the risk of one: the looks before the claimed count share half of it by
///   the cycles between them (Lan and DeMets' spending, linear), and that at the claimed count has what is left. So a verdict does not depend on
///   looks to come, and a FAIL stays one.
[[nodiscard]] LifeVerdict judge_life(const std::vector<LifePoint>& points, double claimed, double limit_pct, int cells = 1);
/// As decide_sample(): every life must be kept; a lot on the limit fails no more often than one cell. Empty: not run.
[[nodiscard]] Decision decide_lives(const std::vector<std::vector<LifePoint>>& cells, double claimed, double limit_pct);

/// Loss k t^p with a given p, extrapolated: "20 years" after half a year of storage. dof: points less one.
struct Extrapolation {
  double retention_pct = 0.0;
  double standard_pct = 0.0;
  double dof = infinite_dof;
};
/// None with fewer than two points after the first. `at` in the unit of the points.
[[nodiscard]] std::optional<Extrapolation> extrapolate(const std::vector<LifePoint>& points, double at, double exponent);

}  // namespace cellrig::verdict
