// What a report says of one run. Private to report/.
#pragma once

#include <string>

#include "db/report/report.hpp"

namespace cellrig::db {

/// How it ended, and whether its criteria were met.
[[nodiscard]] std::string run_badges(const RunInfo& info);
[[nodiscard]] std::string charge_charts_html(const ChargeCharts& charts);
/// Alone: with curves, cycles and steps, under headings of the page. Among others: what identifies it, under a heading of its own.
[[nodiscard]] Result<std::string> run_section_html(const ReportRun& run, bool is_alone);

}  // namespace cellrig::db
