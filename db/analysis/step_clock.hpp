// The step's own clock along the rows of a run: over the parts of a step that was interrupted, and standing still while the step waits with its
// output off, for its chamber or paused.
#pragma once

#include <cstdint>
#include <optional>

#include "db/reader.hpp"

namespace cellrig::db {

class StepClock {
 public:
  /// Seconds at this row; none while the step waits. Rows come in their order, from the first of the run or of a step.
  [[nodiscard]] std::optional<double> at(const SampleView& sample) {
    const StepRow& step = sample.step.row;
    if (step.step != step_) begin(step);
    const bool is_waiting = (sample.row.flags & sample_flag::waiting) != 0;
    if (!is_waiting && !was_waiting_) clock_ns_ += sample.row.test_time_ns - last_ns_;
    was_waiting_ = is_waiting;
    last_ns_ = sample.row.test_time_ns;
    if (is_waiting) return std::nullopt;
    return static_cast<double>(clock_ns_) * 1e-9;
  }

 private:
  void begin(const StepRow& step) {
    const bool goes_on = step_ != 0 && step.step_count == count_;
    if (!goes_on) clock_ns_ = 0;
    was_waiting_ = false;
    last_ns_ = step.started_test_time_ns;
    step_ = step.step;
    count_ = step.step_count;
  }

  StepKey step_ = 0;
  std::int64_t count_ = 0, clock_ns_ = 0, last_ns_ = 0;
  bool was_waiting_ = false;
};

}  // namespace cellrig::db
