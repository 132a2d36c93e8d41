// The columns of a cycle table: which figures, under which names, for the screen, CSV and JSON alike.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "db/analysis/cycle_summary.hpp"

namespace cellrig::cli {

struct CycleColumn {
  std::string name;                  ///< of CSV and JSON, with its unit
  std::string heading;               ///< of the table on a screen; empty: it is not shown there
  std::optional<db::Figure> figure;  ///< its definition; none: the column speaks for itself
  std::optional<double> (*value)(const db::CycleSummaryRow&) = nullptr;  ///< null: the stored figure
  int decimals = 3;                                                      ///< on the screen
  double factor = 1;                                                     ///< on the screen: 100 for percent
};
/// Those of this run: a column without a single value is left out.
[[nodiscard]] std::vector<CycleColumn> cycle_columns(const db::CycleSummary& summary, bool has_window);
[[nodiscard]] std::optional<double> value_of(const CycleColumn& column, const db::CycleSummaryRow& row);

/// Name of the column -> {unit, definition, number}.
[[nodiscard]] boost::json::object definitions_json(const std::vector<CycleColumn>& columns, const db::SummaryOptions& options);
[[nodiscard]] boost::json::object definition_json(db::Figure figure);

}  // namespace cellrig::cli
