#include "db/analysis/cycle_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>

#include "db/analysis/figure_difference.hpp"
#include "db/analysis/step_totals.hpp"

namespace cellrig::db {

namespace {

/// From its beginning to its end, but for what it stood waiting with the output off.
double seconds_at_work(const StepInfo& step, const StepTotals& result) {
  const std::int64_t ended_ns = step.end->ended_test_time_ns;
  const std::int64_t still_waiting_ns = result.waits_since_ns ? ended_ns - *result.waits_since_ns : 0;
  return static_cast<double>(ended_ns - step.row.started_test_time_ns - result.waited_ns - still_waiting_ns) / 1e9;
}

void add_step(CycleRow& cycle, const StepInfo& step, const StepTotals& result) {
  cycle.is_reference = cycle.is_reference || step.row.is_reference;
  cycle.ended_test_time_ns = step.end->ended_test_time_ns;
  cycle.charge_Ah += result.sums.charge_Ah;
  cycle.discharge_Ah += result.sums.discharge_Ah;
  cycle.charge_Wh += result.sums.charge_Wh;
  cycle.discharge_Wh += result.sums.discharge_Wh;
  if (step.row.type.ends_with("_CHG")) cycle.charge_time_s += seconds_at_work(step, result);
  if (result.cell_temperature_max_degC) {
    const double hottest = *result.cell_temperature_max_degC;
    cycle.cell_temperature_max_degC = std::max(cycle.cell_temperature_max_degC.value_or(hottest), hottest);
  }
}

/// One that was cut off or skipped has no result.
bool came_to_its_end(const StepEndRow& end) { return end.reason == "condition" || end.reason == "time bound"; }

/// A step that was interrupted and went on has a row for each part, all with the same count: what all of them moved. One that was done
/// again from the middle is a remainder.
class Executions {
 public:
  void add(const StepInfo& step, const StepTotals& result) {
    if (last_ == nullptr || step.row.step_count != last_->row.step_count) {
      is_remainder_ = is_done_again(step) && (is_remainder_ || moved_Ah_ > 0);
      net_Ah_ = moved_Ah_ = 0;
    }
    last_ = &step;
    net_Ah_ += result.sums.charge_Ah - result.sums.discharge_Ah;
    moved_Ah_ += result.sums.charge_Ah + result.sums.discharge_Ah;
  }
  /// What a reference measured; none where this was none, or did not come to its end.
  [[nodiscard]] std::optional<double> reference_Ah() const {
    if (!last_->row.measures_reference || !came_to_its_end(*last_->end) || is_remainder_) return std::nullopt;
    return std::abs(net_Ah_);
  }

 private:
  [[nodiscard]] bool is_done_again(const StepInfo& step) const {
    if (last_ == nullptr || !last_->end) return false;
    if (last_->row.step_id != step.row.step_id || last_->row.cycle != step.row.cycle) return false;
    return !came_to_its_end(*last_->end) && last_->end->reason != "skipped";
  }

  const StepInfo* last_ = nullptr;
  double net_Ah_ = 0, moved_Ah_ = 0;
  bool is_remainder_ = false;
};

/// A trip, a stop or a failure in a run's last cycle: what came of it is no cycle. Where another step follows, the cycle had ended.
bool was_cut_off(const RunInfo& info, const StepInfo& last) {
  if (info.status == "completed" || info.status == imported_time_source) return false;
  // A run fails by a step that did not come to its end, or between two steps: then its cycle is whole.
  if (info.status == "failed") return last.end->reason != "condition";
  return info.end || (!came_to_its_end(*last.end) && last.end->reason != "skipped");
}

}  // namespace

Result<std::vector<CycleRow>> recompute_cycles(Reader& reader, RunKey run) {
  const Result<RunInfo> info = reader.run(run);
  if (!info) return info.error();
  const Result<std::vector<StepInfo>> steps = reader.steps(run);
  if (!steps) return steps.error();
  StepTotalsCounter counter(*steps);
  const Result<std::uint64_t> counted = reader.for_each_page(run, [&counter](const SampleColumns& rows) { counter.add(rows); });
  if (!counted) return counted.error();
  std::vector<CycleRow> cycles;
  std::optional<double> first_reference_Ah;
  Executions executions;
  for (const StepInfo& step : *steps) {
    if (!step.row.in_cycle) continue;
    if (cycles.empty() || cycles.back().cycle != step.row.cycle) {
      CycleRow cycle;
      cycle.run = run;
      cycle.cycle = step.row.cycle;
      cycle.started_test_time_ns = step.row.started_test_time_ns;
      cycles.push_back(cycle);
    }
    if (!step.end) {
      cycles.pop_back();
      break;
    }
    const auto found = counter.totals().find(step.row.step);
    const StepTotals result = found == counter.totals().end() ? StepTotals{} : found->second;
    CycleRow& cycle = cycles.back();
    add_step(cycle, step, result);
    executions.add(step, result);
    const std::optional<double> reference_Ah = executions.reference_Ah();
    if (!first_reference_Ah) first_reference_Ah = reference_Ah;
    if (reference_Ah && *first_reference_Ah > 0) cycle.retention = *reference_Ah / *first_reference_Ah;
  }
  const bool ends_in_cycle = !cycles.empty() && steps->back().end && steps->back().row.in_cycle;
  if (ends_in_cycle && was_cut_off(*info, steps->back())) cycles.pop_back();
  for (CycleRow& cycle : cycles) {
    if (cycle.charge_Ah > 0) cycle.coulombic_efficiency = cycle.discharge_Ah / cycle.charge_Ah;
    if (cycle.charge_Wh > 0) cycle.energy_efficiency = cycle.discharge_Wh / cycle.charge_Wh;
  }
  return cycles;
}

namespace {

class Comparison {
 public:
  explicit Comparison(double tolerance) : tolerance_(tolerance) {}

  void figure(const CycleRow& cycle, const char* name, std::string_view unit, double live, double recomputed) {
    if (!differs(live, recomputed, unit, tolerance_)) return;
    char text[160];
    std::snprintf(text, sizeof text, "cycle %lld: %s was written as %.12g, the rows give %.12g",
                  static_cast<long long>(cycle.cycle), name, live, recomputed);
    differences_.emplace_back(text);
  }
  void figure(const CycleRow& cycle, const char* name, std::string_view unit, std::optional<double> live,
              std::optional<double> recomputed) {
    if (live && recomputed) {
      figure(cycle, name, unit, *live, *recomputed);
    } else if (live.has_value() != recomputed.has_value()) {
      say(cycle, std::string(name) + (live ? " was written, but does not follow from the rows" : " was not written"));
    }
  }
  void say(const CycleRow& cycle, const std::string& what) {
    differences_.push_back("cycle " + std::to_string(cycle.cycle) + ": " + what);
  }
  [[nodiscard]] std::vector<std::string> take() { return std::move(differences_); }

 private:
  double tolerance_;
  std::vector<std::string> differences_;
};

}  // namespace

std::vector<std::string> compare_cycles(const std::vector<CycleRow>& live, const std::vector<CycleRow>& recomputed,
                                        double tolerance) {
  Comparison compare(tolerance);
  for (const CycleRow& a : live) {
    const auto b = std::find_if(recomputed.begin(), recomputed.end(), [&](const CycleRow& r) { return r.cycle == a.cycle; });
    if (b == recomputed.end()) {
      compare.say(a, "was written, but has no rows");
      continue;
    }
    if (a.is_reference != b->is_reference) compare.say(a, "is_reference differs");
    compare.figure(a, "start (s)", "s", static_cast<double>(a.started_test_time_ns) / 1e9,
                   static_cast<double>(b->started_test_time_ns) / 1e9);
    compare.figure(a, "end (s)", "s", static_cast<double>(a.ended_test_time_ns) / 1e9,
                   static_cast<double>(b->ended_test_time_ns) / 1e9);
    compare.figure(a, "charge (Ah)", "Ah", a.charge_Ah, b->charge_Ah);
    compare.figure(a, "discharge (Ah)", "Ah", a.discharge_Ah, b->discharge_Ah);
    compare.figure(a, "charge (Wh)", "Wh", a.charge_Wh, b->charge_Wh);
    compare.figure(a, "discharge (Wh)", "Wh", a.discharge_Wh, b->discharge_Wh);
    compare.figure(a, "coulombic efficiency", "1", a.coulombic_efficiency, b->coulombic_efficiency);
    compare.figure(a, "energy efficiency", "1", a.energy_efficiency, b->energy_efficiency);
    compare.figure(a, "charge time (s)", "s", a.charge_time_s, b->charge_time_s);
    compare.figure(a, "highest cell temperature (degC)", "degC", a.cell_temperature_max_degC, b->cell_temperature_max_degC);
    if (a.retention && b->retention) compare.figure(a, "retention", "1", a.retention, b->retention);
  }
  for (const CycleRow& b : recomputed) {
    const bool is_written = std::any_of(live.begin(), live.end(), [&b](const CycleRow& a) { return a.cycle == b.cycle; });
    if (!is_written) compare.say(b, "follows from the rows and was not written");
  }
  return compare.take();
}

}  // namespace cellrig::db
