// A run as Review shows it, read from a database. Pure: no Qt. Runs on the reading thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "db/reader.hpp"
#include "ui/chart/trace.hpp"
#include "ui/review/cycle_curve.hpp"

namespace cellrig::ui {

/// Rows of a run against test time in seconds. Shared with the charts, never changed after it was read.
struct RunTraces {
  std::shared_ptr<Trace> voltage_V, current_A, cell_temperature_degC, ambient_temperature_degC, pressure_MPa;
  std::shared_ptr<Trace> expected_voltage_V, expected_temperature_degC;
};

/// Empty ones, as large as Review keeps them.
[[nodiscard]] RunTraces new_traces();

struct LoadedRun {
  db::RunInfo info;
  std::vector<db::StepInfo> steps;
  std::vector<db::CycleRow> cycles;
  std::vector<db::EventRow> events;
  RunTraces traces;
  bool is_thinned = false;   ///< of the service: every least and most is there, but not every row; a zoom fetches more
  bool is_overview = false;  ///< its traces are the least and the most of each stretch; nothing is laid under them
};

/// Returns true when nobody wants the result any more.
using IsCancelled = std::function<bool()>;

/// What a long run looks like, from the roll-ups that were written with it: soon there, whatever its length. Null: it is short, and as soon read.
[[nodiscard]] Result<std::shared_ptr<const LoadedRun>> load_overview(db::Reader& reader, db::RunKey run);

/// Everything of a run; memory is bounded by Trace::Capacity, whatever its length. Error: what the reader says; Fault::interrupted: cancelled.
[[nodiscard]] Result<std::shared_ptr<const LoadedRun>> load_run(db::Reader& reader, db::RunKey run,
                                                                const IsCancelled& is_cancelled);

/// The rows of a stretch as they stand, for a zoom into a run whose traces were rolled up. Reads the steps that overlap it.
struct StretchOrder {
  db::RunKey run = 0;
  Window window;
};
[[nodiscard]] Result<std::shared_ptr<const RunTraces>> load_stretch(db::Reader& reader, const StretchOrder& order,
                                                                    const IsCancelled& is_cancelled);

[[nodiscard]] Result<std::vector<CycleCurve>> load_curves(db::Reader& reader, const CurveOrder& order,
                                                          const IsCancelled& is_cancelled);

}  // namespace cellrig::ui
