#include "ui/review/loaded_run.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "db/analysis/curve.hpp"
#include "db/analysis/overview.hpp"
#include "db/analysis/step_clock.hpp"
#include "ui/model/seconds.hpp"
#include "ui/model/expected.hpp"

namespace cellrig::ui {

namespace {

constexpr Trace::Capacity review_capacity{.recent_points = std::size_t{1} << 19, .history_buckets = std::size_t{1} << 16};
constexpr std::uint64_t rows_between_looks = 4096;
constexpr std::size_t overview_columns = 4096;  // of the widest window
constexpr const char* pressure_quantity = "stack_pressure_MPa";

ExpectedCurves expected_of(const std::vector<db::ExpectedCurveRow>& rows) {
  std::vector<ExpectedCurve> curves;
  for (const db::ExpectedCurveRow& row : rows) {
    ExpectedCurve curve{row.step_id, row.execution, row.coordinate == "charge_Ah", {}};
    for (const db::ExpectedPointRow& p : row.points) curve.points.push_back({p.at, p.voltage_V, p.cell_temperature_degC});
    curves.push_back(std::move(curve));
  }
  return ExpectedCurves{std::move(curves)};
}

// Follows a step's own clock and charge from row to row, over the parts of an interrupted one.
class StepProgress {
 public:
  [[nodiscard]] StepPlace at(const db::SampleView& sample) {
    const db::StepRow& step = sample.step.row;
    if (step.step != step_) begin(step);
    const std::optional<double> clock_s = clock_.at(sample);
    moved_Ah_ = std::max(sample.row.charge_Ah, sample.row.discharge_Ah);
    return {.step_id = step.step_id,
            .compared_with = clock_s ? step.compared_with : std::nullopt,
            .step_time_s = clock_s.value_or(0.0),
            .moved_Ah = moved_before_Ah_ + moved_Ah_};
  }

 private:
  void begin(const db::StepRow& step) {
    const bool goes_on = step_ != 0 && step.step_count == count_;
    moved_before_Ah_ = goes_on ? moved_before_Ah_ + moved_Ah_ : 0.0;
    moved_Ah_ = 0.0;
    step_ = step.step;
    count_ = step.step_count;
  }

  db::StepClock clock_;
  db::StepKey step_ = 0;
  std::int64_t count_ = 0;
  double moved_before_Ah_ = 0.0, moved_Ah_ = 0.0;
};

void append(RunTraces& traces, const db::SampleRow& row) {
  const double t = seconds_of(row.test_time_ns);
  traces.voltage_V->append({t, row.voltage_V});
  traces.current_A->append({t, row.current_A});
  traces.cell_temperature_degC->append({t, row.cell_temperature_degC});
  traces.ambient_temperature_degC->append({t, row.ambient_temperature_degC});
}

void append_expected(RunTraces& traces, const ExpectedCurves& expected, const StepPlace& place, double t) {
  const std::optional<ExpectedPoint> point = expected.at(place);
  if (!point) return;
  traces.expected_voltage_V->append({t, point->voltage_V});
  traces.expected_temperature_degC->append({t, point->cell_temperature_degC});
}

Error cancelled() { return fail(Fault::interrupted, "nobody wants it any more"); }

/// The least where the stretch begins, the most where it ends: a picture of it shows no more.
void append(Trace& trace, const db::OverviewPiece& piece, const db::LeastMost& values) {
  if (std::isnan(values.least)) return;
  trace.append({seconds_of(piece.from_ns), values.least});
  if (piece.to_ns > piece.from_ns) trace.append({seconds_of(piece.to_ns), values.most});
}

void append(RunTraces& traces, const db::OverviewPiece& piece) {
  append(*traces.voltage_V, piece, piece.voltage_V);
  append(*traces.current_A, piece, piece.current_A);
  append(*traces.cell_temperature_degC, piece, piece.cell_temperature_degC);
  append(*traces.ambient_temperature_degC, piece, piece.ambient_temperature_degC);
}

Result<std::shared_ptr<LoadedRun>> load_facts(db::Reader& reader, db::RunKey run) {
  auto loaded = std::make_shared<LoadedRun>();
  Result<db::RunInfo> info = reader.run(run);
  if (!info) return info.error();
  Result<std::vector<db::StepInfo>> steps = reader.steps(run);
  if (!steps) return steps.error();
  Result<std::vector<db::CycleRow>> cycles = reader.cycles(run);
  if (!cycles) return cycles.error();
  Result<std::vector<db::EventRow>> events = reader.events(run);
  if (!events) return events.error();
  loaded->info = std::move(*info);
  loaded->steps = std::move(*steps);
  loaded->cycles = std::move(*cycles);
  loaded->events = std::move(*events);
  loaded->traces = new_traces();
  return loaded;
}

}  // namespace

RunTraces new_traces() {
  const auto one = [] { return std::make_shared<Trace>(review_capacity); };
  return {one(), one(), one(), one(), one(), one(), one()};
}

Result<std::shared_ptr<const LoadedRun>> load_overview(db::Reader& reader, db::RunKey run) {
  Result<std::shared_ptr<LoadedRun>> facts = load_facts(reader, run);
  if (!facts) return facts.error();
  std::shared_ptr<LoadedRun> loaded = std::move(*facts);
  // Of a record without roll-ups an overview would read every row, too.
  bool has_rollups = false;
  const Result<std::uint64_t> looked = reader.for_each_rollup(run, [&has_rollups](const db::RollupRow&) {
    has_rollups = true;
    return false;
  });
  if (!looked) return looked.error();
  if (!has_rollups) return std::shared_ptr<const LoadedRun>{};
  const Result<db::Overview> seen = db::overview(reader, run, {.columns = overview_columns});
  if (!seen) return seen.error();
  if (!seen->is_from_rollups) return std::shared_ptr<const LoadedRun>{};
  loaded->is_overview = true;
  for (const db::OverviewPiece& piece : seen->pieces) append(loaded->traces, piece);
  return std::shared_ptr<const LoadedRun>{std::move(loaded)};
}

Result<std::shared_ptr<const LoadedRun>> load_run(db::Reader& reader, db::RunKey run, const IsCancelled& is_cancelled) {
  Result<std::shared_ptr<LoadedRun>> facts = load_facts(reader, run);
  if (!facts) return facts.error();
  std::shared_ptr<LoadedRun> loaded = std::move(*facts);
  const Result<std::vector<db::ExpectedCurveRow>> curves = reader.expected_curves(run);
  if (!curves) return curves.error();
  const ExpectedCurves expected = expected_of(*curves);
  StepProgress progress;
  std::uint64_t rows = 0;
  bool was_cancelled = false;
  const Result<std::uint64_t> visited = reader.for_each_sample(run, [&](const db::SampleView& sample) {
    append(loaded->traces, sample.row);
    const StepPlace place = progress.at(sample);
    if (!expected.is_empty()) append_expected(loaded->traces, expected, place, seconds_of(sample.row.test_time_ns));
    was_cancelled = ++rows % rows_between_looks == 0 && is_cancelled();
    return !was_cancelled;
  });
  if (!visited) return visited.error();
  if (was_cancelled) return cancelled();
  const Result<std::uint64_t> aux = reader.for_each_aux(run, [&](const db::AuxView& view) {
    if (view.row.quantity == pressure_quantity) {
      loaded->traces.pressure_MPa->append({seconds_of(view.row.test_time_ns), view.row.value});
    }
    was_cancelled = ++rows % rows_between_looks == 0 && is_cancelled();
    return !was_cancelled;
  });
  if (!aux) return aux.error();
  if (was_cancelled) return cancelled();  // half of a quantity is not the whole run
  return std::shared_ptr<const LoadedRun>{std::move(loaded)};
}

Result<std::shared_ptr<const RunTraces>> load_stretch(db::Reader& reader, const StretchOrder& order,
                                                      const IsCancelled& is_cancelled) {
  const Result<std::vector<db::StepInfo>> steps = reader.steps(order.run);
  if (!steps) return steps.error();
  auto traces = std::make_shared<RunTraces>(new_traces());
  for (const db::StepInfo& step : *steps) {
    const double from = seconds_of(step.row.started_test_time_ns);
    const bool is_over_before = step.end && seconds_of(step.end->ended_test_time_ns) < order.window.from;
    if (from > order.window.to || is_over_before) continue;
    std::uint64_t rows = 0;
    const Result<std::uint64_t> visited = reader.for_each_sample_of_step(step.row.step, [&](const db::SampleView& sample) {
      append(*traces, sample.row);
      return ++rows % rows_between_looks != 0 || !is_cancelled();
    });
    if (!visited) return visited.error();
    if (is_cancelled()) return cancelled();
  }
  return std::shared_ptr<const RunTraces>{std::move(traces)};
}

Result<std::vector<CycleCurve>> load_curves(db::Reader& reader, const CurveOrder& order, const IsCancelled& is_cancelled) {
  const Result<std::vector<db::StepInfo>> steps = reader.steps(order.run);
  if (!steps) return steps.error();
  std::vector<CycleCurve> curves;
  for (const std::int64_t cycle : order.cycles) {
    for (const bool is_charge : {true, false}) {
      CycleCurveBuilder builder{order, cycle, is_charge};
      for (const db::StepInfo& step : *steps) {
        if (!is_part_of(step, cycle, is_charge)) continue;
        if (is_cancelled()) return cancelled();
        const Result<db::LoadedCurve> curve = db::load_curve(reader, step);
        if (!curve) return curve.error();
        builder.add_step(curve->points, curve->thinning());
      }
      if (!builder.is_empty()) curves.push_back(builder.curve());
    }
  }
  return curves;
}

}  // namespace cellrig::ui
