#include "controller/cli/verify/statement_conclusion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "db/verdict/lot.hpp"

namespace cellrig::cli {
namespace {

using verdict::Decision;
using verdict::Measured;

constexpr std::size_t outliers_cells_min = 8;  ///< the median of fewer absolute deviations says little

bool is_worse(double value, double than, Comparator comparator) {
  if (comparator == Comparator::within) return std::abs(value) > std::abs(than);
  return comparator == Comparator::at_most ? value > than : value < than;
}

bool is_of_mass(ClaimQuantity quantity) {
  return quantity == ClaimQuantity::specific_energy || quantity == ClaimQuantity::specific_power;
}

std::vector<std::string> cells_seen_twice(const std::vector<CellVerdict>& cells) {
  std::set<std::string> seen, twice;
  for (const CellVerdict& cell : cells) {
    if (!cell.cell_id.empty() && !seen.insert(cell.cell_id).second) twice.insert(cell.cell_id);
  }
  return {twice.begin(), twice.end()};
}

/// Of a cell with several runs the last one that gave a number.
std::vector<verdict::CellValue> one_of_each(const std::vector<CellVerdict>& cells) {
  std::vector<verdict::CellValue> values;
  std::set<std::string> seen;
  for (auto cell = cells.rbegin(); cell != cells.rend(); ++cell) {
    if (!cell->measured || (!cell->cell_id.empty() && !seen.insert(cell->cell_id).second)) continue;
    values.push_back({cell->measured->value, cell->uncertainty, cell->measured->is_least});
  }
  std::reverse(values.begin(), values.end());
  return values;
}

void show_worst(const ClaimStatement& s, const std::vector<verdict::CellValue>& values, StatementVerdict& result) {
  for (const verdict::CellValue& cell : values) {
    if (result.value && !is_worse(cell.value, *result.value, s.comparator)) continue;
    result.value = cell.value;
    result.expanded = cell.uncertainty.expanded;
  }
}

void note_life(const ClaimStatement& s, StatementVerdict& result) {
  if (const std::string life = life_text(s, result.cells.front()); !life.empty()) result.remark = life;
}

Decision decide_cells(const ClaimStatement& s, const std::vector<verdict::CellValue>& values, const StatementVerdict& result) {
  if (is_life(s) && s.comparator != Comparator::none) {
    std::vector<std::vector<verdict::LifePoint>> lives;
    for (const CellVerdict& cell : result.cells) {
      if (cell.measured) lives.push_back(cell.measured->life);
    }
    return verdict::decide_lives(lives, s.cycles, s.value);
  }
  const Decision sample = verdict::decide_sample(values, {s.comparator, s.value});
  // The most that can be said of twenty years after months.
  return s.quantity == ClaimQuantity::retention_extrapolated && sample == Decision::pass ? Decision::consistent : sample;
}

void conclude_cells(const ClaimStatement& s, double confidence, const std::vector<verdict::CellValue>& values, bool is_complete,
                    StatementVerdict& result) {
  show_worst(s, values, result);
  const Decision sample = decide_cells(s, values, result);
  result.decision = is_complete || sample == Decision::fail ? sample : Decision::not_run;
  if (verdict::restrict_shortened(result.decision, result.qualifiers) == Decision::pass)
    result.reliability = verdict::reliability_shown(static_cast<int>(one_of_each(result.cells).size()), confidence);
  if (is_life(s) && !result.cells.empty()) note_life(s, result);
}

/// Each cell that gave a number, also one that was measured twice.
void grade_cells(const ClaimStatement& s, StatementVerdict& result) {
  std::vector<verdict::CellValue> values;
  for (const CellVerdict& cell : result.cells) {
    if (cell.measured) values.push_back({cell.measured->value, cell.uncertainty, cell.measured->is_least});
  }
  const std::vector<verdict::Grade> grades = verdict::grades_of(values, {s.tolerance_low, s.tolerance_high});
  std::map<std::string, int> counts;
  std::size_t next = 0;
  for (CellVerdict& cell : result.cells) {
    if (!cell.measured) continue;
    cell.grade = verdict::to_string(grades[next++]);
    ++counts[cell.grade];
  }
  std::string text;
  for (const auto& [grade, count] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, grade);
  if (!text.empty() && values.size() > 1) add_remark(result, "graded: " + text);
}

void conclude_spread(const ClaimStatement& s, const std::vector<verdict::CellValue>& values, StatementVerdict& result) {
  std::vector<double> numbers;
  for (const verdict::CellValue& cell : values) numbers.push_back(cell.value);
  db::Tolerance tolerance;
  if (s.statistic == LotStatistic::capability) tolerance = {s.tolerance_low, s.tolerance_high};
  const double mean =
      numbers.empty() ? 0.0 : std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
  const double repeatability = s.repeatability_pct / 100.0 * std::abs(mean);
  const std::optional<db::LotSpread> lot = db::lot_spread(numbers, tolerance, repeatability);
  if (!lot) {
    result.decision = Decision::inconclusive;
    result.remark = "a spread needs at least two cells: --cells 22";
    return;
  }
  const verdict::Estimate estimate = s.statistic == LotStatistic::capability ? verdict::capability(*lot)
                                     : s.statistic == LotStatistic::outliers ? verdict::outlier_count(*lot)
                                                                             : verdict::relative_spread(*lot, repeatability);
  result.value = estimate.value;
  result.interval = estimate.interval;
  result.expanded = std::max(estimate.interval.high - estimate.value, estimate.value - estimate.interval.low);
  result.decision = verdict::decide_between(estimate.interval, {s.comparator, s.value});
  result.remark = fmt::format("{} cells: mean {:.5g}, standard deviation {:.3g}, {:.5g} to {:.5g}", lot->count, lot->mean,
                              lot->standard_deviation, lot->min, lot->max);
  const auto is_open = [](const verdict::CellValue& cell) { return cell.is_least; };
  if (const auto open = std::count_if(values.begin(), values.end(), is_open); open > 0) {
    result.decision = Decision::inconclusive;
    result.remark += fmt::format("; of {} of them a bound only is known, and how far cells lie apart is not", open);
  }
  if (s.statistic == LotStatistic::outliers && lot->count < outliers_cells_min) {
    result.decision = Decision::inconclusive;
    result.remark += fmt::format("; outliers are told from {} cells on", outliers_cells_min);
  }
  for (const std::size_t outlier : lot->outliers)
    result.remark += fmt::format("; cell {} lies apart, by {:.1f} deviations", outlier + 1, lot->scores[outlier]);
}

void conclude_lot(const ClaimStatement& s, const std::vector<verdict::CellValue>& values, bool is_complete,
                  StatementVerdict& result) {
  const std::string missing = is_complete ? std::string{} : result.remark;
  conclude_spread(s, values, result);
  grade_cells(s, result);
  if (is_complete) return;
  if (result.decision != Decision::fail) result.decision = Decision::not_run;
  result.remark =
      fmt::format("{} of {} cells gave a number{}{}", values.size(), result.cells.size(), missing.empty() ? "" : ": ", missing);
}

/// A mass that comes from a file is a number of that file. A simulated cell has no other.
void conclude_unweighed(StatementVerdict& result) {
  std::set<std::string> whose;
  bool is_real = false;
  for (const CellVerdict& cell : result.cells) {
    if (!cell.measured) continue;
    whose.insert(cell.unweighed.begin(), cell.unweighed.end());
    is_real = is_real || cell.lacks_mass;
  }
  if (whose.empty()) return;
  if (!is_real) return add_remark(result, "the mass is that of the model's file, nobody weighed it");
  if (result.decision == Decision::pass || result.decision == Decision::fail) result.decision = Decision::inconclusive;
  result.reliability = 0.0;
  for (const std::string& one : whose) {
    add_remark(result, fmt::format("{} was not weighed, its mass is its file's: give --measured mass_g=... "
                                   "(mass_g:CELL-ID=... for several)",
                                   one));
  }
}

}  // namespace

bool is_life(const ClaimStatement& statement) { return statement.quantity == ClaimQuantity::retention && statement.cycles > 0.0; }

void add_remark(StatementVerdict& result, const std::string& text) {
  result.remark += (result.remark.empty() ? "" : "; ") + text;
}

void note_mass(const ClaimStatement& s, bool is_weighed, bool is_simulated, const std::string& whose, CellVerdict& cell) {
  if (!is_of_mass(s.quantity) || is_weighed) return;
  cell.unweighed.insert(whose);
  cell.lacks_mass = cell.lacks_mass || !is_simulated;
}

void judge_cell(const ClaimStatement& s, double limit, const Result<Measured>& measured, CellVerdict& cell) {
  if (!measured) {
    cell.problem = measured.error().what;
    return;
  }
  cell.measured = *measured;
  cell.uncertainty = verdict::combine(measured->budget);
  if (is_life(s)) {
    const verdict::LifeVerdict life = verdict::judge_life(measured->life, s.cycles, limit);
    cell.projection = life.projection;
    cell.reached = life.reached;
    if (s.comparator != Comparator::none) {
      cell.decision = life.decision;
      cell.failed_at = life.failed_at;
      return;
    }
  }
  cell.decision = verdict::restrict_one_sided(verdict::decide(measured->value, cell.uncertainty.expanded, {s.comparator, limit}),
                                              measured->is_least, s.comparator);
  if (cell.lacks_mass && cell.decision != Decision::reported) cell.decision = Decision::inconclusive;
  // The most that can be said of twenty years after months.
  if (s.quantity == ClaimQuantity::retention_extrapolated && cell.decision == Decision::pass)
    cell.decision = Decision::consistent;
}

void conclude_statement(const ClaimStatement& s, double confidence, StatementVerdict& result) {
  std::vector<verdict::CellValue> values;
  bool is_complete = !result.cells.empty();
  for (const CellVerdict& cell : result.cells) {
    if (cell.measured) {
      values.push_back({cell.measured->value, cell.uncertainty, cell.measured->is_least});
    } else {
      is_complete = false;
      result.remark = cell.problem;
    }
  }
  const std::vector<std::string> twice = cells_seen_twice(result.cells);
  if (s.statistic != LotStatistic::each_cell) {
    for (CellVerdict& cell : result.cells) {  // the limit is the lot's: one cell's own number keeps or breaks nothing
      if (cell.measured) cell.decision = Decision::reported;
    }
    conclude_lot(s, twice.empty() ? values : one_of_each(result.cells), is_complete, result);
  } else {
    conclude_cells(s, confidence, values, is_complete, result);
  }
  for (const std::string& id : twice) add_remark(result, fmt::format("several runs are of cell '{}': it counts as one", id));
  conclude_unweighed(result);
}

}  // namespace cellrig::cli
