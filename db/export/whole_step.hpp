// A step as its Step Count tells it: one that was interrupted and went on has rows in several parts and is one step all the same.
#pragma once

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
    if (step.step != step_) begin(step);
    time_ns_ = row.test_time_ns - started_ns_;
    sums_ = {before_.charge_Ah + row.charge_Ah, before_.discharge_Ah + row.discharge_Ah, before_.charge_Wh + row.charge_Wh,
             before_.discharge_Wh + row.discharge_Wh};
  }

  [[nodiscard]] std::int64_t time_ns() const { return time_ns_; }
  [[nodiscard]] const Sums& sums() const { return sums_; }

 private:
  void begin(const StepRow& step) {
    const bool goes_on = step_ != 0 && step.step_count == count_;
    before_ = goes_on ? sums_ : Sums{};
    if (!goes_on) started_ns_ = step.started_test_time_ns;
    step_ = step.step;
    count_ = step.step_count;
  }

  StepKey step_ = 0;
  std::int64_t count_ = 0, started_ns_ = 0, time_ns_ = 0;
  Sums before_;  ///< of the parts before this one
  Sums sums_;
};

}  // namespace cellrig::db
