#include "db/verdict/life.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

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

namespace {

/// How much of the risk of one judgement each look may spend, so that all of them together spend no more.
class LookShares {
 public:
  explicit LookShares(double claimed) : claimed_{claimed} {}
  /// Of the next look, at so many cycles.
  [[nodiscard]] double next(double at) {
    if (at >= claimed_) return 1.0 - spent_;
    const double share = early_share * std::max(0.0, at - before_) / claimed_;
    before_ = std::max(before_, at);
    spent_ += share;
    return share;
  }

 private:
  static constexpr double early_share = 0.5;  ///< of the looks before the claimed count
  double claimed_;
  double before_ = 0.0, spent_ = 0.0;
};

/// One of so many judgements that have the risk of one together.
bool fails(const LifePoint& point, const Limit& limit, double judgements) {
  const Uncertainty& u = point.uncertainty;
  if (decide(point.retention_pct, u.expanded, limit) != Decision::fail || !std::isfinite(judgements)) return false;
  const double widened = judgements > 1.0 ? coverage_factor_of_worst(u.dof, judgements) * u.standard : 0.0;
  return decide(point.retention_pct, std::max(u.expanded, widened), limit) == Decision::fail;
}

}  // namespace

LifeVerdict judge_life(const std::vector<LifePoint>& points, double claimed, double limit_pct, int cells) {
  LifeVerdict verdict;
  if (points.empty()) {
    verdict.decision = Decision::not_run;
    return verdict;
  }
  const Limit limit{Comparator::at_least, limit_pct};
  verdict.reached = points.back().at;
  LookShares shares{claimed};
  for (const LifePoint& point : points) {
    const double share = shares.next(point.at);
    if (fails(point, limit, share > 0.0 ? cells / share : std::numeric_limits<double>::infinity())) {
      verdict.decision = Decision::fail;
      verdict.failed_at = point.at;
      return verdict;
    }
    if (!(point.at >= claimed)) continue;
    verdict.decision = decide(point.retention_pct, point.uncertainty.expanded, limit) == Decision::pass ? Decision::pass
                                                                                                        : Decision::inconclusive;
    return verdict;  // one that fails after the claimed count kept the claim
  }
  verdict.decision = Decision::inconclusive;
  verdict.projection = project(points, claimed);
  return verdict;
}

Decision decide_lives(const std::vector<std::vector<LifePoint>>& cells, double claimed, double limit_pct) {
  std::vector<Decision> decisions;
  for (const std::vector<LifePoint>& points : cells)
    decisions.push_back(judge_life(points, claimed, limit_pct, static_cast<int>(cells.size())).decision);
  return worst_of(decisions);
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
