// A power law laid through points that are known with an uncertainty each. Pure.
#pragma once

#include <optional>
#include <vector>

namespace cellrig::verdict {

/// One point of y = a x^p. `standard`: of y, its own: what all points share is no scatter, and goes through the leverages.
struct PowerPoint {
  double x = 0.0, y = 0.0;
  double standard = 0.0;
};

struct PowerFit {
  double exponent = 0.0, factor = 0.0;  ///< y = factor x^exponent
  double standard_by_points = 0.0;      ///< of the exponent, by the uncertainties of the points
  double standard_by_scatter = 0.0;     ///< of the exponent, by how far the points lie from the law
  double dof = 0.0;                     ///< of the scatter: points less two
  std::vector<double> leverage;         ///< of each point: what the exponent changes by per change of its y
};

inline constexpr std::size_t power_points_min = 3;

/// Least squares weighted by the points' uncertainties (GUM, H.3 with weights), from the line of log y over log x on: the distances that count
/// are those of y, so that a small y with a wide error does not pull as its logarithm would.
/// None with fewer than three points, with x or y or a standard uncertainty that is not above zero, with all x alike, or where no law
/// is found in a bounded number of steps.
[[nodiscard]] std::optional<PowerFit> fit_power_law(const std::vector<PowerPoint>& points);

}  // namespace cellrig::verdict
