// What a rehearsal foretold, asked for at a place of a run. Pure: no Qt.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace cellrig::ui {

struct ExpectedPoint {
  double at = 0;
  double voltage_V = 0;              ///< NaN: not known
  double cell_temperature_degC = 0;  ///< NaN: not known
};

struct ExpectedCurve {
  std::int64_t step_id = 0;
  std::int64_t execution = 1;
  bool is_by_charge = false;  ///< `at` counts Ah moved in the step; else seconds since it began
  std::vector<ExpectedPoint> points;
};

/// A place within a step, by the step's own clock and counters: over the parts of an interrupted one.
struct StepPlace {
  std::int64_t step_id = 0;
  std::optional<std::int64_t> compared_with;  ///< the execution whose curve the record names; none: nothing was expected
  double step_time_s = 0;
  double moved_Ah = 0;
};

class ExpectedCurves {
 public:
  ExpectedCurves() = default;
  explicit ExpectedCurves(std::vector<ExpectedCurve> curves);
  [[nodiscard]] bool is_empty() const { return curves_.empty(); }
  /// Straight between its points; none where nothing was foretold, as beyond the expected end of the step.
  [[nodiscard]] std::optional<ExpectedPoint> at(const StepPlace& place) const;

 private:
  std::map<std::pair<std::int64_t, std::int64_t>, ExpectedCurve> curves_;  ///< by step and execution
};

}  // namespace cellrig::ui
