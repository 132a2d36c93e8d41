// Runs side by side: one figure a line, one run a column. Shared by `compare` and `report`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/cli/record/reference_option.hpp"
#include "controller/cli/record/run_filter.hpp"
#include "db/analysis/cycle_summary.hpp"
#include "db/analysis/lot.hpp"

namespace cellrig::cli {

struct ComparedRun {
  OpenRun run;
  db::CycleSummary summary;
};

struct ComparisonLine {
  std::string name;   ///< with its unit, as in CSV and JSON
  std::string label;  ///< in words
  int decimals = 3;
  double factor = 1;                          ///< on the screen
  std::vector<std::optional<double>> values;  ///< a run each
  std::optional<db::LotSpread> spread;        ///< of the runs that have one, when two or more do
};

struct RunComparison {
  std::vector<ComparedRun> runs;
  std::vector<ComparisonLine> lines;
  std::vector<std::string> differences;  ///< what was not the same when they were run, in sentences; empty: nothing
};

/// Tolerances by name of the figure, for Cpk. ConfigError for a name that no line has.
[[nodiscard]] RunComparison compare_runs(const std::vector<OpenRun>& runs, const SummaryWords& words,
                                         const std::map<std::string, db::Tolerance>& tolerances);

}  // namespace cellrig::cli
