#include "db/verdict/power_law.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::verdict {
namespace {

/// log y = level + exponent (log x - middle): level and exponent do not go together.
struct Law {
  double middle = 0.0, level = 0.0, exponent = 0.0;
  [[nodiscard]] double at(double x) const { return std::exp(level + exponent * (std::log(x) - middle)); }
};

/// Squares of log x about its weighted mean. A weight: of the logarithm of a point.
struct Spread {
  double middle = 0.0, sum = 0.0, squares = 0.0;
};

Spread spread_of(const std::vector<PowerPoint>& points, const std::vector<double>& weights) {
  Spread spread;
  for (std::size_t i = 0; i < points.size(); ++i) {
    spread.sum += weights[i];
    spread.middle += weights[i] * std::log(points[i].x);
  }
  spread.middle /= spread.sum;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double apart = std::log(points[i].x) - spread.middle;
    spread.squares += weights[i] * apart * apart;
  }
  return spread;
}

double chi_squared_of(const std::vector<PowerPoint>& points, const Law& law) {
  double sum = 0.0;
  for (const PowerPoint& p : points) {
    const double apart = (p.y - law.at(p.x)) / p.standard;
    sum += apart * apart;
  }
  return sum;
}

std::vector<double> weights_of(const std::vector<PowerPoint>& points, const Law& law) {
  std::vector<double> weights;
  for (const PowerPoint& p : points) {
    const double relative = p.standard / law.at(p.x);
    weights.push_back(1.0 / (relative * relative));
  }
  return weights;
}

/// The line of log y over log x.
Law line_of(const std::vector<PowerPoint>& points) {
  std::vector<double> weights;
  for (const PowerPoint& p : points) weights.push_back(p.y / p.standard * p.y / p.standard);
  const Spread spread = spread_of(points, weights);
  Law law{.middle = spread.middle};
  for (std::size_t i = 0; i < points.size(); ++i) {
    law.level += weights[i] * std::log(points[i].y) / spread.sum;
    law.exponent += weights[i] * (std::log(points[i].x) - spread.middle) * std::log(points[i].y) / spread.squares;
  }
  return law;
}

/// One step of Gauss and Newton: the law as a straight line about itself.
Law step_from(const std::vector<PowerPoint>& points, const Law& law) {
  const std::vector<double> weights = weights_of(points, law);
  const Spread spread = spread_of(points, weights);
  Law next{.middle = spread.middle, .level = law.level + law.exponent * (spread.middle - law.middle), .exponent = law.exponent};
  double level = 0.0, exponent = 0.0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double apart = points[i].y / law.at(points[i].x) - 1.0;
    level += weights[i] * apart / spread.sum;
    exponent += weights[i] * (std::log(points[i].x) - spread.middle) * apart / spread.squares;
  }
  next.level += level;
  next.exponent += exponent;
  return next;
}

/// Between two laws.
Law between(const Law& from, const Law& to, double share) {
  const double from_level = from.level + from.exponent * (to.middle - from.middle);
  return {to.middle, from_level + share * (to.level - from_level), from.exponent + share * (to.exponent - from.exponent)};
}

std::optional<Law> settled_law(const std::vector<PowerPoint>& points) {
  constexpr int steps_max = 100, halvings_max = 40;
  constexpr double settled = 1e-10;  // of the exponent
  Law law = line_of(points);
  double here = chi_squared_of(points, law);
  for (int step = 0; step < steps_max; ++step) {
    const Law whole = step_from(points, law);
    Law next = whole;
    double there = chi_squared_of(points, next);
    double share = 1.0;
    for (int i = 0; i < halvings_max && !(there <= here * (1.0 + 1e-12) + 1e-12); ++i) {
      share *= 0.5;
      next = between(law, whole, share);
      there = chi_squared_of(points, next);
    }
    if (!std::isfinite(there) || !std::isfinite(next.exponent)) return std::nullopt;
    const bool is_settled = std::abs(next.exponent - law.exponent) <= settled * std::max(1.0, std::abs(law.exponent));
    law = next;
    here = there;
    if (is_settled) return law;
  }
  return std::nullopt;
}

bool is_usable(const PowerPoint& p) {
  return p.x > 0.0 && p.y > 0.0 && p.standard > 0.0 && std::isfinite(p.x) && std::isfinite(p.y) && std::isfinite(p.standard);
}

}  // namespace

std::optional<PowerFit> fit_power_law(const std::vector<PowerPoint>& points) {
  if (points.size() < power_points_min || !std::all_of(points.begin(), points.end(), is_usable)) return std::nullopt;
  const auto [least, greatest] =
      std::minmax_element(points.begin(), points.end(), [](const PowerPoint& a, const PowerPoint& b) { return a.x < b.x; });
  if (!(std::log(greatest->x / least->x) > 1e-9)) return std::nullopt;
  const std::optional<Law> law = settled_law(points);
  if (!law) return std::nullopt;
  const std::vector<double> weights = weights_of(points, *law);
  const Spread spread = spread_of(points, weights);
  PowerFit fit;
  fit.exponent = law->exponent;
  fit.factor = law->at(1.0);
  fit.dof = static_cast<double>(points.size()) - 2.0;
  fit.standard_by_points = 1.0 / std::sqrt(spread.squares);
  fit.standard_by_scatter = std::sqrt(chi_squared_of(points, *law) / fit.dof / spread.squares);
  for (std::size_t i = 0; i < points.size(); ++i)
    fit.leverage.push_back(weights[i] * (std::log(points[i].x) - spread.middle) / (spread.squares * law->at(points[i].x)));
  return fit;
}

}  // namespace cellrig::verdict
