// The figures of a whole run: as they were stored, and computed once more from its rows.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "controller/base/result.hpp"
#include "db/analysis/run_meter.hpp"
#include "db/reader.hpp"

namespace cellrig::db {

struct RunMetrics {
  std::vector<StepMetricRow> steps;
  std::vector<CycleMetricRow> cycles;
};
[[nodiscard]] Result<RunMetrics> stored_metrics(Reader& reader, RunKey run);

/// From the samples, auxiliary samples and steps alone; cycles from recompute_cycles(). Steps that have not ended are left out, and cycles
/// with one. With every observation recorded it gives what was stored while it ran; thinned, sums and times differ as recompute_cycles() says.
[[nodiscard]] Result<RunMetrics> recompute_metrics(Reader& reader, RunKey run);

/// The same with the cycle table that recompute_cycles() gave.
[[nodiscard]] Result<RunMetrics> recompute_metrics(Reader& reader, RunKey run, std::span<const CycleRow> cycles);

/// Without the figures that no cycle (no step) of what is stored has: the version that wrote it did not know them.
[[nodiscard]] RunMetrics without_unknown(RunMetrics recomputed, const RunMetrics& stored);

/// One sentence for each figure that differs by more than `tolerance`, relative to the stored figure (about zero: least_scale()).
[[nodiscard]] std::vector<std::string> compare_metrics(const RunMetrics& stored, const RunMetrics& recomputed, double tolerance);

/// Cycles and figures of a whole run counted again: a sentence for each that differs from what was written while it ran, by more than
/// `tolerance`, relative to what was written (about zero: least_scale()); without_unknown(). Empty: the same.
[[nodiscard]] Result<std::vector<std::string>> recount(Reader& reader, RunKey run, double tolerance);

/// Brings the meter of a run that goes on to where it stood, from the cycle before the last one on. The value is the step that nobody
/// ended, or 0.
[[nodiscard]] Result<StepKey> replay_last_cycles(Reader& reader, RunKey run, RunMeter& meter);

}  // namespace cellrig::db
