#include "db/analysis/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <set>

#include "db/analysis/cycle_table.hpp"
#include "db/analysis/figure_difference.hpp"

namespace cellrig::db {

namespace {

/// What is told of rows as a meter passes over them. A null pointer: nobody asks.
struct MeterSink {
  std::vector<StepMetricRow>* steps = nullptr;
  std::vector<CycleMetricRow>* cycles = nullptr;
};

/// The stack pressure of one step after the other, read in pages.
class PressureCursor {
 public:
  PressureCursor(Reader& reader, RunKey run) : reader_(reader), run_(run) {}

  Result<void> begin(std::int64_t rowid_before) {
    const Result<AuxRange> range = reader_.aux_range(run_);
    if (!range) return range.error();
    rowid_ = std::max(range->rowid_before, rowid_before);
    rowid_last_ = range->rowid_last;
    return {};
  }

  /// What was measured in this step; steps are asked for in their order.
  template <class Use>
  Result<void> pass(StepKey step, const Use& use) {
    while (true) {
      for (; next_ < page_.size() && page_[next_].step <= step; ++next_) {
        if (page_[next_].step == step) use(page_[next_]);
      }
      if (next_ < page_.size() || rowid_ >= rowid_last_) return {};
      if (const Result<void> done = read_page(); !done) return done;
    }
  }

 private:
  Result<void> read_page() {
    constexpr std::int64_t page_rows = 1 << 16;
    page_.clear();
    next_ = 0;
    const std::int64_t last = std::min(rowid_ + page_rows, rowid_last_);
    const Result<std::uint64_t> visited = reader_.for_each_aux_between(run_, rowid_, last, [this](const AuxView& aux) {
      if (aux.row.quantity != stack_pressure_quantity) return true;
      page_.push_back(AuxRow{aux.row.step, aux.row.test_time_ns, stack_pressure_quantity, aux.row.value});
      return true;
    });
    if (!visited) return visited.error();
    rowid_ = last;
    return {};
  }

  Reader& reader_;
  RunKey run_;
  std::int64_t rowid_ = 0, rowid_last_ = 0;
  std::vector<AuxRow> page_;
  std::size_t next_ = 0;
};

/// Rows of these steps through the meter, in the order of the record. Cycles end where a row of `cycles` says so.
class MeterReplay {
 public:
  MeterReplay(Reader& reader, RunKey run, RunMeter& meter, const MeterSink& sink)
      : reader_(reader), run_(run), meter_(meter), sink_(sink), pressure_(reader, run) {}

  /// The value is the step that has not ended, or 0.
  Result<StepKey> over(std::span<const StepInfo> steps, std::span<const CycleRow> cycles) {
    if (steps.empty()) return StepKey{0};
    if (const Result<void> done = pressure_.begin(steps.front().aux_rowid_before); !done) return done.error();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const StepInfo& step = steps[i];
      if (const Result<void> done = pass(step); !done) return done.error();
      if (!step.end) return step.row.step;
      finish(step);
      const bool is_last_of_cycle =
          step.row.in_cycle && (i + 1 == steps.size() || !steps[i + 1].row.in_cycle || steps[i + 1].row.cycle != step.row.cycle);
      if (is_last_of_cycle) finish_cycle(step.row.cycle, cycles);
    }
    return StepKey{0};
  }

 private:
  Result<void> pass(const StepInfo& step) {
    meter_.begin_step(step.row);
    const Result<std::uint64_t> visited = reader_.for_each_sample_of_step(step.row.step, [this](const SampleView& sample) {
      meter_.add(sample.row);
      return true;
    });
    if (!visited) return visited.error();
    return pressure_.pass(step.row.step, [this](const AuxRow& row) { meter_.add(row); });
  }

  void finish(const StepInfo& step) {
    for (const Metric& metric : meter_.end_step(*step.end)) {
      if (sink_.steps != nullptr) sink_.steps->push_back({step.row.step, metric});
    }
  }

  void finish_cycle(std::int64_t cycle, std::span<const CycleRow> cycles) {
    const auto row = std::find_if(cycles.begin(), cycles.end(), [cycle](const CycleRow& c) { return c.cycle == cycle; });
    if (row == cycles.end()) return;
    for (const Metric& metric : meter_.end_cycle(*row)) {
      if (sink_.cycles != nullptr) sink_.cycles->push_back({cycle, metric});
    }
  }

  Reader& reader_;
  RunKey run_;
  RunMeter& meter_;
  MeterSink sink_;
  PressureCursor pressure_;
};

/// What the meter of a run that goes on keeps of steps and cycles whose rows are not read again.
Result<void> pass_over(Reader& reader, RunKey run, std::span<const StepInfo> steps, std::span<const CycleRow> cycles,
                       std::int64_t replayed_from, RunMeter& meter) {
  const Result<std::vector<StepMetricRow>> figures = reader.step_metrics(run);
  if (!figures) return figures.error();
  std::map<StepKey, std::vector<Metric>> of_step;
  for (const StepMetricRow& row : *figures) {
    const bool is_kept = row.metric.figure == Figure::dc_resistance_ohm || row.metric.figure == Figure::cell_temperature_min_degC;
    if (is_kept) of_step[row.step].push_back(row.metric);
  }
  std::size_t next = 0;
  const auto pass_steps = [&](std::int64_t up_to_cycle) {
    for (; next < steps.size() && (!steps[next].row.in_cycle || steps[next].row.cycle <= up_to_cycle); ++next) {
      if (steps[next].end) meter.pass_step(steps[next].row, of_step[steps[next].row.step]);
    }
  };
  for (const CycleRow& cycle : cycles) {
    if (cycle.cycle >= replayed_from) break;
    pass_steps(cycle.cycle);
    meter.pass_cycle(cycle);
  }
  pass_steps(std::numeric_limits<std::int64_t>::max());
  return {};
}

std::string metric_name(Figure figure, double at) {
  const Definition& d = definition_of(figure);
  if (d.at.empty()) return std::string(d.name);
  char text[32];
  std::snprintf(text, sizeof text, " at %g", at);
  return std::string(d.name) + text;
}

struct MetricKey {
  std::int64_t owner = 0;  ///< step or cycle
  Figure figure{};
  std::int64_t at_millionths = 0;
  auto operator<=>(const MetricKey&) const = default;
};

template <class Rows, class Owner>
std::map<MetricKey, Metric> keyed(const Rows& rows, Owner owner) {
  std::map<MetricKey, Metric> out;
  for (const auto& row : rows) {
    out[{owner(row), row.metric.figure, static_cast<std::int64_t>(std::llround(row.metric.at * 1e6))}] = row.metric;
  }
  return out;
}

void compare_keyed(const std::map<MetricKey, Metric>& stored, const std::map<MetricKey, Metric>& again, const char* what,
                   double tolerance, std::vector<std::string>& differences) {
  for (const auto& [key, metric] : stored) {
    const std::string where = std::string(what) + " " + std::to_string(key.owner) + ": " + metric_name(key.figure, metric.at);
    const auto other = again.find(key);
    if (other == again.end()) {
      differences.push_back(where + " was written, but does not follow from the rows");
      continue;
    }
    if (!differs(metric.value, other->second.value, definition_of(key.figure).unit, tolerance)) continue;
    char text[96];
    std::snprintf(text, sizeof text, " was written as %.12g, the rows give %.12g", metric.value, other->second.value);
    differences.push_back(where + text);
  }
  for (const auto& [key, metric] : again) {
    if (!stored.contains(key)) {
      differences.push_back(std::string(what) + " " + std::to_string(key.owner) + ": " + metric_name(key.figure, metric.at) +
                            " was not written");
    }
  }
}

}  // namespace

Result<RunMetrics> stored_metrics(Reader& reader, RunKey run) {
  Result<std::vector<StepMetricRow>> steps = reader.step_metrics(run);
  if (!steps) return steps.error();
  Result<std::vector<CycleMetricRow>> cycles = reader.cycle_metrics(run);
  if (!cycles) return cycles.error();
  return RunMetrics{std::move(*steps), std::move(*cycles)};
}

Result<RunMetrics> recompute_metrics(Reader& reader, RunKey run) {
  const Result<std::vector<CycleRow>> cycles = recompute_cycles(reader, run);
  if (!cycles) return cycles.error();
  return recompute_metrics(reader, run, *cycles);
}

Result<RunMetrics> recompute_metrics(Reader& reader, RunKey run, std::span<const CycleRow> cycles) {
  const Result<RunInfo> info = reader.run(run);
  if (!info) return info.error();
  const Result<std::vector<StepInfo>> steps = reader.steps(run);
  if (!steps) return steps.error();
  RunMetrics out;
  RunMeter meter(info->row.nominal_capacity_Ah);
  const Result<StepKey> open = MeterReplay(reader, run, meter, {&out.steps, &out.cycles}).over(*steps, cycles);
  if (!open) return open.error();
  return out;
}

std::vector<std::string> compare_metrics(const RunMetrics& stored, const RunMetrics& recomputed, double tolerance) {
  std::vector<std::string> differences;
  const auto step_of = [](const StepMetricRow& row) { return row.step; };
  const auto cycle_of = [](const CycleMetricRow& row) { return row.cycle; };
  compare_keyed(keyed(stored.steps, step_of), keyed(recomputed.steps, step_of), "step", tolerance, differences);
  compare_keyed(keyed(stored.cycles, cycle_of), keyed(recomputed.cycles, cycle_of), "cycle", tolerance, differences);
  return differences;
}

RunMetrics without_unknown(RunMetrics recomputed, const RunMetrics& stored) {
  const auto leave_out = [](auto& rows, const auto& written) {
    if (written.empty()) return;
    std::set<Figure> known;
    for (const auto& row : written) known.insert(row.metric.figure);
    std::erase_if(rows, [&known](const auto& row) { return !known.contains(row.metric.figure); });
  };
  leave_out(recomputed.steps, stored.steps);
  leave_out(recomputed.cycles, stored.cycles);
  return recomputed;
}

Result<std::vector<std::string>> recount(Reader& reader, RunKey run, double tolerance) {
  const Result<std::vector<CycleRow>> cycles = recompute_cycles(reader, run);
  if (!cycles) return cycles.error();
  const Result<RunMetrics> again = recompute_metrics(reader, run, *cycles);
  if (!again) return again.error();
  const Result<std::vector<CycleRow>> written = reader.cycles(run);
  if (!written) return written.error();
  const Result<RunMetrics> stored = stored_metrics(reader, run);
  if (!stored) return stored.error();
  std::vector<std::string> differences = compare_cycles(*written, *cycles, tolerance);
  for (std::string& difference : compare_metrics(*stored, without_unknown(*again, *stored), tolerance))
    differences.push_back(std::move(difference));
  return differences;
}

Result<StepKey> replay_last_cycles(Reader& reader, RunKey run, RunMeter& meter) {
  const Result<std::vector<StepInfo>> steps = reader.steps(run);
  if (!steps) return steps.error();
  const Result<std::vector<CycleRow>> cycles = reader.cycles(run);
  if (!cycles) return cycles.error();
  if (steps->empty()) return StepKey{0};
  // From the last whole cycle on, whose pressure is what the next drift is measured from; without any cycle from the last step on.
  const std::int64_t from_cycle = cycles->empty() ? std::numeric_limits<std::int64_t>::min() : cycles->back().cycle;
  auto first = std::find_if(steps->begin(), steps->end(),
                            [from_cycle](const StepInfo& s) { return s.row.in_cycle && s.row.cycle >= from_cycle; });
  if (first == steps->end()) --first;
  if (first != steps->begin()) --first;  // its last row stands before the first step
  const std::span<const StepInfo> part(first, steps->end());
  const std::int64_t replayed_from = first->row.in_cycle ? first->row.cycle : from_cycle;
  const std::span<const StepInfo> passed(steps->begin(), first);
  if (const Result<void> done = pass_over(reader, run, passed, *cycles, replayed_from, meter); !done) return done.error();
  return MeterReplay(reader, run, meter, {}).over(part, *cycles);
}

}  // namespace cellrig::db
