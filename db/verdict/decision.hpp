// From a result with its uncertainty to a verdict. Pure, and the only place that may say PASS.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/claim_words.hpp"
#include "db/verdict/uncertainty.hpp"

namespace cellrig::verdict {

enum class Decision : unsigned char {
  pass,
  fail,
  inconclusive,
  consistent,    ///< extrapolated beyond what was tested: the most that can be said
  reported,      ///< nothing to pass: the number is the finding
  not_testable,  ///< not on a cell bench
  not_run,       ///< the run tripped, failed or was stopped, or an input is missing
};

/// What qualifies a verdict wherever it is shown.
struct Qualifiers {
  bool is_simulated = false;  ///< the cell was a model: no evidence about a real one
  bool is_surrogate = false;  ///< something near the statement was tested
  bool is_shortened = false;  ///< fewer cycles or days than claimed
};

/// With all its qualifiers: "PASS", "SIMULATED surrogate FAIL". There is no other way to a text, so that none is ever lost.
[[nodiscard]] std::string verdict_text(Decision decision, const Qualifiers& qualifiers);
struct Limit {
  Comparator comparator = Comparator::none;
  double value = 0.0;
};

/// Guard band (JCGM 106): PASS only when the whole interval value +/- expanded keeps the limit, FAIL only when none of it does.
/// What is not a number is inconclusive.
[[nodiscard]] Decision decide(double value, double expanded, const Limit& limit);

/// Between which values the true one lies; the estimate need not be in the middle.
struct Interval {
  double low = 0.0, high = 0.0;
};
/// The same where few cells leave more room on one side.
[[nodiscard]] Decision decide_between(const Interval& interval, const Limit& limit);

/// What may be said where the true value is known to be `value` or above: PASS of "at least", FAIL of "at most", nothing else. Of "within"
/// nothing.
[[nodiscard]] Decision restrict_one_sided(Decision decision, bool is_least, Comparator comparator);

/// The value of one cell and what is known of it.
struct CellValue {
  double value = 0.0;
  Uncertainty uncertainty;
  bool is_least = false;  ///< the true value is this or above
};
/// Every cell must pass; one that fails fails the sample, judged more widely the more cells there are, so that a lot on the limit
/// fails no more often than one cell. Empty: not run.
[[nodiscard]] Decision decide_sample(const std::vector<CellValue>& cells, const Limit& limit);

/// Nothing may pass that was not tested to its end; a cell that has failed already has failed.
[[nodiscard]] Decision restrict_shortened(Decision decision, const Qualifiers& qualifiers);

/// The worst of several: FAIL, not run, INCONCLUSIVE, CONSISTENT, PASS. What was only reported counts when there is nothing else.
[[nodiscard]] Decision worst_of(const std::vector<Decision>& decisions);

/// Zero-failure demonstration: the share of the population that keeps the limit at least, when all of `cells` do.
[[nodiscard]] double reliability_shown(int cells, double confidence);
/// How many cells without a failure show this reliability.
[[nodiscard]] int cells_needed(double reliability, double confidence);

}  // namespace cellrig::verdict
