// What a rehearsal foretold, asked for at a place of a run. Pure: no Qt.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace cellrig::ui {

struct ExpectedPoint {
  double at = 0;
  double voltage_V = 0;              ///< NaN: not known
  double cell_temperature_degC = 0;  ///< NaN: not known
};

/// Of an execution of a step and of those after it, up to the next curve of that step.
struct ExpectedCurve {
  std::int64_t step_id = 0;
  std::int64_t execution = 1;
  bool is_by_charge = false;  ///< `at` counts Ah moved in the step; else seconds since it began
  std::vector<ExpectedPoint> points;
};

/// A place within a step.
struct StepPlace {
  std::int64_t step_id = 0;
  std::int64_t execution = 1;
  double step_time_s = 0;
  double moved_Ah = 0;
};

class ExpectedCurves {
 public:
  ExpectedCurves() = default;
  explicit ExpectedCurves(std::vector<ExpectedCurve> curves);
  [[nodiscard]] bool is_empty() const { return by_step_.empty(); }
  /// Straight between its points; none where nothing was foretold, as beyond the expected end of the step.
  [[nodiscard]] std::optional<ExpectedPoint> at(const StepPlace& place) const;

 private:
  std::map<std::int64_t, std::map<std::int64_t, ExpectedCurve>> by_step_;  ///< by step, then by first execution
};

}  // namespace cellrig::ui
