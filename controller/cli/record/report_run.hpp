// A run of the record as a report shows it.
#pragma once

#include <optional>
#include <vector>

#include "controller/cli/record/comparison.hpp"
#include "db/reader.hpp"
#include "db/report/report.hpp"

namespace cellrig::cli {

/// The safety limits that it was guarded by, from the texts of profile and cell as the record keeps them. Empty for a run that was
/// imported, and where a profile needs a table beside it that the record does not have.
[[nodiscard]] std::vector<db::NamedLimit> limits_of(const db::RunInfo& info);

/// Of the cell's file, as the record keeps it.
[[nodiscard]] std::optional<db::CellWindow> window_of(const db::RunInfo& info);

/// It lives as long as the run's reader.
[[nodiscard]] db::ReportRun report_run(const ComparedRun& run, const SummaryWords& words);

}  // namespace cellrig::cli
