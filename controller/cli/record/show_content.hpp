// What `cellrig show` shows of a run, and its JSON.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "db/reader.hpp"

namespace cellrig::cli {

/// What a sensor beside the cycler went through in a run.
struct SensorSummary {
  std::uint64_t rows = 0;
  double min = 0, max = 0, last = 0;
};

struct RunContent {
  std::vector<db::StepInfo> steps;
  std::vector<db::CycleRow> cycles;
  std::vector<db::EventRow> events;
  std::vector<db::DeviationRow> deviations;
  std::vector<db::AcknowledgementRow> acknowledgements;
  std::map<std::string, SensorSummary> sensors;
  std::size_t expected_curves = 0;  ///< 0: it was compared with no rehearsal
  std::map<db::StepKey, double> waited_s;
  std::vector<db::StepMetricRow> step_figures;
  std::vector<db::CycleMetricRow> cycle_figures;
};

[[nodiscard]] std::vector<const db::EventRow*> divergences_of(const RunContent& content);
/// One run: steps and cycles with all the figures that are stored with them, by the names of the definitions.
[[nodiscard]] boost::json::object json_of(const db::RunInfo& info, const RunContent& content);

}  // namespace cellrig::cli
