// A step as its Step Count tells it: one that was interrupted and went on has rows in several parts and is one step all the same.
#pragma once

#include <algorithm>
#include <cstdint>

#include "db/reader.hpp"

namespace cellrig::db {

/// Time and sums since the step began, over all of its parts. The gap has no test time, and nothing is counted across it.
class WholeStep {
 public:
  /// Rows come in their order, every one of them, from the first of the run.
  void pass(const SampleView& sample) {
    const StepRow& step = sample.step.row;
    const SampleRow& row = sample.row;
    if (step.step != step_) begin(sample.step);
    time_ns_ = row.test_time_ns - started_ns_;
    sums_ = {before_.charge_Ah + row.charge_Ah, before_.discharge_Ah + row.discharge_Ah, before_.charge_Wh + row.charge_Wh,
             before_.discharge_Wh + row.discharge_Wh};
  }

  [[nodiscard]] std::int64_t time_ns() const { return time_ns_; }
  [[nodiscard]] const Sums& sums() const { return sums_; }

 private:
  /// What the parts before moved is in the sums of the run: after their last row more may have flowed, which no row shows.
  void begin(const StepInfo& info) {
    const StepRow& step = info.row;
    const Sums& at_start = info.run_sums_at_start;
    if (step_ == 0 || step.step_count != count_) {
      started_ns_ = step.started_test_time_ns;
      run_before_ = at_start;
      sums_ = Sums{};
    }
    // Never less than the last row said, not by a rounding either: nothing of it goes back.
    before_ = {std::max(sums_.charge_Ah, at_start.charge_Ah - run_before_.charge_Ah),
               std::max(sums_.discharge_Ah, at_start.discharge_Ah - run_before_.discharge_Ah),
               std::max(sums_.charge_Wh, at_start.charge_Wh - run_before_.charge_Wh),
               std::max(sums_.discharge_Wh, at_start.discharge_Wh - run_before_.discharge_Wh)};
    step_ = step.step;
    count_ = step.step_count;
  }

  StepKey step_ = 0;
  std::int64_t count_ = 0, started_ns_ = 0, time_ns_ = 0;
  Sums run_before_;  ///< of the run when its first part began
  Sums before_;      ///< of the parts before this one
  Sums sums_;
};

}  // namespace cellrig::db
