// Runs made up step by step, for what is measured on them.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "db/verdict/measure.hpp"

namespace cellrig::verdict::test {

/// Straight lines, of the voltage one or two.
struct PlayedStep {
  std::string name;
  double seconds = 3600.0;
  double from_V = 3.7, to_V = 3.7;
  double from_A = 0.0, to_A = 0.0;        ///< as read
  double knee_share = 0.0, knee_V = 0.0;  ///< of the step, where its voltage bends; 0: it is one straight line
  std::string ended_by = "soc_pct >= 0";
  bool is_reference = false;
  std::int64_t cycle = 0;
  double cv_seconds = 0.0;
  double temperature_max_degC = 25.0;
  double stack_pressure_MPa = 0.0;  ///< as read; 0: no load cell
  double pressure_swing_MPa = 0.0;  ///< to either side of that
  bool was_skipped = false;
  bool has_gap = false;     ///< before the sample in the middle
  bool is_in_two = false;   ///< was interrupted and went on
  bool is_cut_off = false;  ///< was interrupted, and did not go on: the next one of this name does it again
};

using RowsOfSteps = std::map<db::StepKey, std::vector<db::SampleRow>>;

/// These rows are the run's; they must outlive the answer.
[[nodiscard]] inline RunFacts with_rows(RunFacts facts, const RowsOfSteps& rows) {
  facts.visit = [&rows](db::StepKey step, const std::function<bool(const db::SampleRow&)>& visit) -> Result<void> {
    for (const db::SampleRow& row : rows.at(step)) {
      if (!visit(row)) break;
    }
    return {};
  };
  return facts;
}

class Play {
 public:
  /// `curve`: its samples from the beginning of the step, in place of straight lines; their charge is that of the step.
  void add(const PlayedStep& step, std::vector<db::SampleRow> curve = {}) {
    constexpr int samples = 100;
    Execution e;
    e.name = step.name;
    e.ended_by = step.ended_by;
    e.count = static_cast<std::int64_t>(facts_.executions.size()) + 1;
    e.cycle = step.cycle;
    e.is_reference = step.is_reference;
    e.has_ended = !step.was_skipped && !step.is_cut_off;
    e.was_cut_off = step.is_cut_off;
    const auto same = std::find_if(facts_.executions.begin(), facts_.executions.end(),
                                   [&step](const Execution& other) { return other.name == step.name; });
    e.step_id = same == facts_.executions.end() ? e.count : same->step_id;
    e.was_skipped = step.was_skipped;
    e.parts = {e.count};
    if (step.is_in_two) e.parts.push_back(1000 + e.count);  // without samples of its own
    rows_[1000 + e.count];
    e.started_s = now_s_;
    e.seconds = step.seconds;
    e.ended_s = now_s_ += step.seconds;
    e.cv_seconds = step.cv_seconds;
    e.cell_temperature_max_degC = step.temperature_max_degC;
    if (step.stack_pressure_MPa != 0.0) {
      e.stack_pressure_min_MPa = step.stack_pressure_MPa - step.pressure_swing_MPa;
      e.stack_pressure_max_MPa = step.stack_pressure_MPa + step.pressure_swing_MPa;
    }
    const double hours = step.seconds / 3600.0;
    e.type = step.from_A > 0.5 ? "CC_CHG" : step.from_A < -0.5 ? "CC_DCH" : "REST";
    const double mean_A = 0.5 * (step.from_A + step.to_A);
    const double bend_V = step.knee_share > 0.0 ? step.knee_V : step.to_V;
    const double before = step.knee_share > 0.0 ? step.knee_share : 1.0;
    const double mean_V = before * 0.5 * (step.from_V + bend_V) + (1.0 - before) * 0.5 * (bend_V + step.to_V);
    (mean_A > 0 ? e.charge_Ah : e.discharge_Ah) = std::abs(mean_A) * hours;
    (mean_A > 0 ? e.charge_Wh : e.discharge_Wh) = std::abs(mean_A) * mean_V * hours;
    std::vector<db::SampleRow>& rows = rows_[e.count];
    for (int i = 0; i <= samples; ++i) {
      const double share = static_cast<double>(i) / samples;
      db::SampleRow row;
      row.test_time_ns = static_cast<std::int64_t>((e.started_s + share * step.seconds) * 1e9);
      row.voltage_V = share <= before ? step.from_V + share / before * (bend_V - step.from_V)
                                      : bend_V + (share - before) / (1.0 - before) * (step.to_V - bend_V);
      row.current_A = step.from_A + share * (step.to_A - step.from_A);
      row.charge_Ah = share * e.charge_Ah;
      row.discharge_Ah = share * e.discharge_Ah;
      if (step.has_gap && i == samples / 2) row.flags = db::sample_flag::after_gap;
      rows.push_back(row);
    }
    if (!curve.empty()) {
      (mean_A > 0 ? e.charge_Ah : e.discharge_Ah) = mean_A > 0 ? curve.back().charge_Ah : curve.back().discharge_Ah;
      for (db::SampleRow& row : curve) row.test_time_ns += static_cast<std::int64_t>(e.started_s * 1e9);
      rows = std::move(curve);
    }
    facts_.executions.push_back(std::move(e));
    note_interruptions(facts_.executions);
  }

  void disturb(Disturbance disturbance) { facts_.disturbances.push_back(std::move(disturbance)); }

  [[nodiscard]] RunFacts facts() const { return with_rows(facts_, rows_); }

 private:
  RunFacts facts_;
  RowsOfSteps rows_;
  double now_s_ = 0.0;
};

}  // namespace cellrig::verdict::test
