// A stretch of measurements, as the functions of analysis take it: of a step, of a pulse, of a rest. Positive current charges.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "controller/base/result.hpp"
#include "db/reader.hpp"

namespace cellrig::db {

struct CurvePoint {
  double time_s = 0;  ///< from the start of the step, or from wherever the curve begins; ascending
  double voltage_V = 0;
  double current_A = 0;
  double moved_Ah = 0;  ///< net since the curve began; positive into the cell
  double cell_temperature_degC = std::numeric_limits<double>::quiet_NaN();
  bool is_constant_voltage = false;  ///< by the regulator's own word
  bool is_after_gap = false;         ///< nobody knows what flowed before this point
  double waited_s = 0;               ///< of time_s: what the step stood waiting for its chamber or for a person
};
using Curve = std::span<const CurvePoint>;

/// What a curve read from a record holds at most: 64 MiB. A longer step is thinned, every n-th row and the last one kept.
inline constexpr std::size_t curve_points_max = 1U << 20;

struct LoadedCurve {
  std::vector<CurvePoint> points;
  std::size_t thinned_by = 1;  ///< one row in so many was kept
  double waited_s = 0;         ///< up to the end of the step
  /// For whoever looks at what was made of it: "from one row in 4"; empty: from all of them.
  [[nodiscard]] std::string thinning() const;
};
/// The rows of a step, without those that have no voltage or no current.
[[nodiscard]] Result<LoadedCurve> load_curve(Reader& reader, const StepInfo& step, std::size_t points_max = curve_points_max);

/// moved_Ah of every point anew, by the trapezoid, not into a point after a gap.
void integrate_charge(std::span<CurvePoint> points);

struct VoltageCurrent {
  double voltage_V = 0;
  double current_A = 0;
};
/// Straight between the two points around this instant; none outside the curve, or into a point after a gap.
[[nodiscard]] std::optional<VoltageCurrent> interpolate(Curve curve, double time_s);

}  // namespace cellrig::db
