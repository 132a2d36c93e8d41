// The ladder of current densities: where the first sign of a soft short shows, whichever it is.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "db/verdict/ladder_signs.hpp"

namespace cellrig::verdict {
namespace {

/// Why nobody knows what a charge gave back; empty: it is known.
std::string broken_pair(const RunFacts& run, std::size_t charge) {
  const auto back = back_of(run, charge);
  if (const Result<void> whole = require_whole(run, run.executions[charge]); !whole) return whole.error().what;
  if (back == run.executions.end()) return {};
  const Result<void> whole = require_whole(run, *back);
  return whole ? std::string{} : whole.error().what;
}

/// The share that a good rung gives back. The reference takes out what the instruments of a bench make of 100 %; it does not excuse a
/// cell that is shorted already.
Result<double> share_wanted(const Measuring& m) {
  const double share_min = m.request.returned_min_pct / 100.0;
  if (m.request.reference.empty()) return share_min;
  const Result<std::size_t> reference = find_first(m.run, m.request.reference);
  if (!reference) return reference.error();
  for (std::size_t i = *reference; i-- > 0;) {
    if (m.run.executions[i].is_rest()) continue;
    if (!m.run.executions[i].is_charge()) break;
    if (const std::string why = broken_pair(m.run, i); !why.empty()) return fail(Fault::refused, why);
    const std::optional<Returned> slow = returned_of(m, i);
    if (!slow) break;
    if (slow->share + slow->expanded < share_min)
      return fail(Fault::refused, fmt::format("the reference itself gives back {:.1f} % only", 100.0 * slow->share));
    return share_min * std::min(1.0, slow->share);
  }
  return fail(Fault::refused, "no charge before '" + m.request.reference + "'");
}

/// As far as the ladder is known.
struct Ladder {
  std::optional<double> best_A, failed_A;
  std::string ended_by;  ///< what was seen at the rung that failed; why nothing is known above, where none did
  std::string unlooked;  ///< of the best rung: which signs are not known, and why
};

/// What one charge of a rung showed.
struct Looked {
  std::string where;  ///< empty: in the one that is watched
  std::vector<Sign> signs;
  std::string unknown;  ///< why there are none
};

/// The one that is watched, then its passes. A pass of which a part is not known is not looked at.
std::vector<Looked> look_at(const Measuring& m, const std::vector<ChargeOfRung>& charges, double wanted) {
  std::vector<Looked> all;
  for (const ChargeOfRung& of : charges) {
    const Execution& e = m.run.executions[of.charge];
    std::string unknown = of.is_watched ? "" : broken_pair(m.run, of.charge);
    std::vector<Sign> signs;
    if (unknown.empty()) signs = signs_of_charge(m, of, wanted);
    all.push_back(
        {of.is_watched ? "" : fmt::format("in '{}' (step {}) ", e.name, e.count), std::move(signs), std::move(unknown)});
  }
  return all;
}

/// Each sign once, of the first charge that shows it.
std::string joined(const std::vector<Looked>& all, Told told) {
  std::string text;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : ", and ") + more; };
  std::vector<std::size_t> named;
  for (const Looked& looked : all) {
    if (told == Told::nothing && !looked.unknown.empty()) add("all of a pass: " + looked.unknown);
    for (std::size_t i = 0; i < looked.signs.size(); ++i) {
      const Sign& sign = looked.signs[i];
      if (sign.told != told || sign.text.empty() || std::find(named.begin(), named.end(), i) != named.end()) continue;
      named.push_back(i);  // the signs of all charges are in the same order
      add(looked.where + sign.text);
    }
  }
  return text;
}

Ladder climb(const Measuring& m, const std::vector<std::size_t>& rungs, double wanted) {
  Ladder ladder{.ended_by = "no rung was bad"};
  std::size_t from = 0;
  for (const std::size_t index : rungs) {
    const Execution& rung = m.run.executions[index];
    if (std::string why = broken_pair(m.run, index); !why.empty()) {
      ladder.ended_by = std::move(why);
      break;
    }
    const std::vector<Looked> all = look_at(m, charges_of_rung(m.run, from, index), wanted);
    from = index + 1;
    if (const std::string seen = joined(all, Told::present); !seen.empty()) {
      ladder.failed_A = rung.mean_A();
      ladder.ended_by = fmt::format("'{}': {}", rung.name, seen);
      break;
    }
    // At its voltage limit the current is the electrodes', and less charge went through the separator than in the other rungs.
    if (rung.ended_by.starts_with("voltage")) {
      ladder.ended_by = fmt::format("'{}' ended by its voltage: it was not carried", rung.name);
      break;
    }
    if (const std::string doubt = joined(all, Told::doubtful); !doubt.empty()) {
      ladder.ended_by = fmt::format("'{}' is not known well enough: {}", rung.name, doubt);
      break;
    }
    const std::string unlooked = joined(all, Told::nothing);
    ladder.unlooked = unlooked.empty() ? "" : fmt::format("'{}': {}", rung.name, unlooked);
    ladder.best_A = rung.mean_A();
  }
  return ladder;
}

}  // namespace

Result<Measured> measure_ladder(const Measuring& m) {
  if (!m.cell.electrode_area_cm2) return fail(Fault::refused, "the cell's file gives no electrode_area_cm2");
  const std::vector<std::size_t> rungs = find_all(m.run, m.request.step);
  if (rungs.empty()) return find_last(m.run, m.request.step).error();
  const Result<double> wanted = share_wanted(m);
  if (!wanted) return wanted.error();
  const Ladder ladder = climb(m, rungs, *wanted);
  if (!ladder.best_A && !ladder.failed_A) return fail(Fault::refused, "no rung was good: " + ladder.ended_by);
  Measured result;
  const double area = *m.cell.electrode_area_cm2;
  const double best_A = ladder.best_A.value_or(0.0);  // below a lowest rung that failed: anything down to nothing
  const double top_A = ladder.failed_A.value_or(best_A);
  result.value = 1000.0 * 0.5 * (best_A + top_A) / area;
  result.budget.push_back({"height of a rung", standard_of_bound(1000.0 * 0.5 * (top_A - best_A) / area), infinite_dof,
                           "it lies between the last good rung and the first bad one"});
  result.budget.push_back({"current", result.value * standard_of_bound(m.instruments.current.bound_at(top_A) / top_A),
                           infinite_dof, "accuracy of the range used"});
  result.is_least = !ladder.failed_A;
  result.note = ladder.failed_A ? "between the last good rung and the first bad one, " + ladder.ended_by
                                : ladder.ended_by + "; the critical current density is this or more";
  if (!ladder.unlooked.empty()) add_note(result, "signs that were not told: " + ladder.unlooked);
  return result;
}

}  // namespace cellrig::verdict
