#include "db/verdict/decision.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace cellrig::verdict {
namespace {

std::string_view capitals(Decision decision) {
  switch (decision) {
    case Decision::pass: return "PASS";
    case Decision::fail: return "FAIL";
    case Decision::inconclusive: return "INCONCLUSIVE";
    case Decision::consistent: return "CONSISTENT";
    case Decision::reported: return "REPORTED";
    case Decision::not_testable: return "NOT TESTABLE";
    case Decision::not_run: return "NOT RUN";
  }
  return "NOT RUN";
}

/// How far the value is on the right side of the limit.
double margin_of(double value, const Limit& limit) {
  switch (limit.comparator) {
    case Comparator::at_least: return value - limit.value;
    case Comparator::within: return limit.value - std::abs(value);
    case Comparator::at_most:
    case Comparator::none: break;
  }
  return limit.value - value;
}

/// The greatest and the least that a margin can be.
struct Margins {
  double worst = 0.0, best = 0.0;
};
Margins margins_of(const Interval& interval, const Limit& limit) {
  const double low = margin_of(interval.low, limit), high = margin_of(interval.high, limit);
  const bool holds_zero = interval.low < 0.0 && interval.high > 0.0;
  if (limit.comparator == Comparator::within && holds_zero) return {std::min(low, high), limit.value};
  return {std::min(low, high), std::max(low, high)};
}

}  // namespace

std::string verdict_text(Decision decision, const Qualifiers& qualifiers) {
  std::string text;
  // What was not run may have a number all the same, of the cells that were.
  if (qualifiers.is_simulated && decision != Decision::not_testable) text += "SIMULATED ";
  if (qualifiers.is_surrogate && decision != Decision::not_testable && decision != Decision::not_run) text += "surrogate ";
  text += capitals(restrict_shortened(decision, qualifiers));
  return text;
}

Decision decide(double value, double expanded, const Limit& limit) {
  if (limit.comparator == Comparator::none) return std::isfinite(value) ? Decision::reported : Decision::inconclusive;
  const double margin = margin_of(value, limit);
  // Written so that what is not a number neither passes nor fails.
  if (expanded >= 0.0 && margin - expanded >= 0.0) return Decision::pass;
  if (expanded >= 0.0 && margin + expanded < 0.0) return Decision::fail;
  return Decision::inconclusive;
}

Decision decide_between(const Interval& interval, const Limit& limit) {
  const bool is_known = std::isfinite(interval.low) && std::isfinite(interval.high) && interval.low <= interval.high;
  if (!is_known) return Decision::inconclusive;
  if (limit.comparator == Comparator::none) return Decision::reported;
  const Margins margins = margins_of(interval, limit);
  if (margins.worst >= 0.0) return Decision::pass;
  if (margins.best < 0.0) return Decision::fail;
  return Decision::inconclusive;
}

Decision restrict_one_sided(Decision decision, bool is_least, Comparator comparator) {
  if (!is_least) return decision;
  if (comparator == Comparator::at_least && decision == Decision::fail) return Decision::inconclusive;
  if (comparator == Comparator::within && decision != Decision::reported) return Decision::inconclusive;
  if (comparator == Comparator::at_most && decision == Decision::pass) return Decision::inconclusive;
  return decision;
}

Decision decide_sample(const std::vector<CellValue>& cells, const Limit& limit) {
  if (cells.empty()) return Decision::not_run;
  const int count = static_cast<int>(cells.size());
  bool all_pass = true;
  for (const CellValue& cell : cells) {
    const double widened = coverage_factor_of_worst(cell.uncertainty.dof, count) * cell.uncertainty.standard;
    const auto decided = [&](double expanded) {
      return restrict_one_sided(decide(cell.value, expanded, limit), cell.is_least, limit.comparator);
    };
    if (decided(widened) == Decision::fail) return Decision::fail;
    const Decision own = decided(cell.uncertainty.expanded);
    all_pass = all_pass && (own == Decision::pass || own == Decision::reported);
  }
  if (!all_pass) return Decision::inconclusive;
  return limit.comparator == Comparator::none ? Decision::reported : Decision::pass;
}

Decision restrict_shortened(Decision decision, const Qualifiers& qualifiers) {
  const bool is_good_news = decision == Decision::pass || decision == Decision::consistent;
  return qualifiers.is_shortened && is_good_news ? Decision::inconclusive : decision;
}

Decision worst_of(const std::vector<Decision>& decisions) {
  constexpr std::array<Decision, 7> from_worst{Decision::fail, Decision::not_run,  Decision::inconclusive, Decision::consistent,
                                               Decision::pass, Decision::reported, Decision::not_testable};
  for (const Decision wanted : from_worst) {
    if (std::find(decisions.begin(), decisions.end(), wanted) != decisions.end()) return wanted;
  }
  return Decision::not_run;
}

double reliability_shown(int cells, double confidence) { return cells > 0 ? std::pow(1.0 - confidence, 1.0 / cells) : 0.0; }

int cells_needed(double reliability, double confidence) {
  return static_cast<int>(std::ceil(std::log(1.0 - confidence) / std::log(reliability) - 1e-9));
}

}  // namespace cellrig::verdict
