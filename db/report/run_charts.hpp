// The charts of a run or of several: course, cycles, charge curves, dQ/dV.
#pragma once

#include <string>
#include <vector>

#include "controller/base/result.hpp"
#include "db/analysis/cycle_summary.hpp"
#include "db/reader.hpp"
#include "db/report/chart.hpp"

namespace cellrig::db {

struct NamedLimit {
  std::string quantity;  ///< voltage_V, current_A, cell_temperature_degC: drawn; others are only listed
  std::string text;      ///< "upper voltage limit"
  double value = 0;
  std::string unit;
};

/// Voltage, current, temperatures and, where there is any, stack pressure over time; steps as bands; what went wrong as marks.
[[nodiscard]] Result<std::string> course_svg(Reader& reader, RunKey run, const std::vector<NamedLimit>& limits);

struct ChartedRun {
  Reader* reader = nullptr;
  std::string name;  ///< in the legend
  const CycleSummary* summary = nullptr;
};
/// Discharge capacity and efficiencies by cycle. Empty with fewer than two cycles in every run.
[[nodiscard]] std::string cycles_svg(const std::vector<ChartedRun>& runs);

struct ChargeCharts {
  std::string voltage_svg;               ///< voltage over charge
  std::string differential_svg;          ///< dQ/dV over voltage
  std::string resampling;                ///< how dQ/dV was made
  std::string voltage_slope_svg;         ///< dV/dQ over charge
  std::string voltage_slope_resampling;  ///< how dV/dQ was made
};
/// Of one run: its first, middle and last cycle. Of several: the first cycle of each. Empty without a charge.
[[nodiscard]] Result<ChargeCharts> charge_charts(const std::vector<ChartedRun>& runs);

}  // namespace cellrig::db
