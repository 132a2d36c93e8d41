#include "db/verdict/life.hpp"

#include <cmath>

namespace cellrig::verdict {

std::optional<Projection> project(const std::vector<LifePoint>& points, double at) {
  const auto n = static_cast<double>(points.size());
  if (points.size() < 3) return std::nullopt;
  double mean_at = 0.0, mean_left = 0.0;
  for (const LifePoint& p : points) {
    mean_at += p.at / n;
    mean_left += p.retention_pct / n;
  }
  double spread = 0.0, together = 0.0;
  for (const LifePoint& p : points) {
    spread += (p.at - mean_at) * (p.at - mean_at);
    together += (p.at - mean_at) * (p.retention_pct - mean_left);
  }
  if (!(spread > 0.0)) return std::nullopt;
  const double slope = together / spread;
  double residual = 0.0;
  for (const LifePoint& p : points) {
    const double apart = p.retention_pct - (mean_left + slope * (p.at - mean_at));
    residual += apart * apart;
  }
  const double dof = n - 2.0;
  const double away = at - mean_at;
  const double half = student_quantile(0.975, dof) * std::sqrt(residual / dof * (1.0 + 1.0 / n + away * away / spread));
  const double middle = mean_left + slope * away;
  return Projection{middle, middle - half, middle + half};
}

LifeVerdict judge_life(const std::vector<LifePoint>& points, double claimed, double limit_pct, double expanded_pct) {
  LifeVerdict verdict;
  if (points.empty()) {
    verdict.decision = Decision::not_run;
    return verdict;
  }
  const Limit limit{Comparator::at_least, limit_pct};
  verdict.reached = points.back().at;
  bool is_reached = false;
  for (const LifePoint& point : points) {
    const Decision here = decide(point.retention_pct, expanded_pct, limit);
    if (here == Decision::fail && !is_reached) {  // one that fails after the claimed count kept the claim
      verdict.decision = Decision::fail;
      verdict.failed_at = point.at;
      return verdict;
    }
    if (point.at >= claimed && !is_reached) {
      is_reached = true;
      verdict.decision = here;
    }
  }
  if (!is_reached) {
    verdict.decision = Decision::inconclusive;
    verdict.projection = project(points, claimed);
  }
  return verdict;
}

std::optional<Extrapolation> extrapolate(const std::vector<LifePoint>& points, double at, double exponent) {
  double squares = 0.0, products = 0.0;
  int count = 0;
  for (const LifePoint& p : points) {
    if (!(p.at > 0.0)) continue;
    const double x = std::pow(p.at, exponent);
    squares += x * x;
    products += x * (100.0 - p.retention_pct);
    ++count;
  }
  if (count < 2 || !(squares > 0.0)) return std::nullopt;
  const double k = products / squares;
  double residual = 0.0;
  for (const LifePoint& p : points) {
    if (!(p.at > 0.0)) continue;
    const double apart = 100.0 - p.retention_pct - k * std::pow(p.at, exponent);
    residual += apart * apart;
  }
  const double dof = count - 1.0;
  const double x = std::pow(at, exponent);
  return Extrapolation{100.0 - k * x, std::sqrt(residual / dof / squares) * x, dof};
}

}  // namespace cellrig::verdict
