// The report of a run, of a comparison, or of a verdict: one HTML file that needs nothing else and prints well.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/base/result.hpp"
#include "db/analysis/cycle_summary.hpp"
#include "db/reader.hpp"
#include "db/report/run_charts.hpp"

namespace cellrig::db {

struct ReportTable {
  std::vector<std::string> headings;  ///< '>' in front: a column of numbers
  std::vector<std::vector<std::string>> rows;
  std::string note;  ///< below it; may be empty
};

struct ReportTile {
  std::string value;  ///< "4.912 Ah"
  std::string label;  ///< "discharge capacity, first cycle"
};

/// A part of the caller's own: a comparison, a verdict. Its text is escaped; its svg is not.
struct ReportSection {
  std::string title;
  std::string text;
  ReportTable table;
  std::string svg;
  bool is_sub = false;  ///< a part of the one before
};

/// The cell's own window, not the limits of a supervisor around it.
struct CellWindow {
  double voltage_min_V = 0, voltage_max_V = 0;
};

struct ReportRun {
  Reader* reader = nullptr;
  std::string name;  ///< "3", or "other.db:3"
  CycleSummary summary;
  std::string reference_text;          ///< what retention is a share of
  std::vector<NamedLimit> limits;      ///< empty: not known to the caller
  std::vector<ReportTile> results;     ///< shown large, after those that every run has
  std::optional<CellWindow> window{};  ///< of the cell's file; none: not known to the caller
};

struct ReportInput {
  std::string title;     ///< empty: made of the runs
  std::string subtitle;  ///< may be empty
  std::string made;      ///< "2026-11-30 23:05 UTC by cellrig 1.0"
  std::string verdict;   ///< "PASS", "FAIL", "SIMULATED PASS"; empty: none. Green and red are for a bare one
  std::string notice;    ///< what nobody may overlook; may be empty
  std::vector<ReportRun> runs;
  std::vector<ReportSection> sections;  ///< before the runs
};

inline constexpr std::size_t report_steps_max = 80;
inline constexpr std::size_t report_cycles_max = 80;
inline constexpr std::size_t report_events_max = 60;

/// The whole page. Whatever is simulated or imported says so on top.
[[nodiscard]] Result<std::string> report_html(const ReportInput& input);

[[nodiscard]] std::string_view report_style();
[[nodiscard]] std::string table_html(const ReportTable& table);

}  // namespace cellrig::db
