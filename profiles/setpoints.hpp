// Works out the set-point of a step so that it is safe by itself: both voltage bounds lie just beyond the step's own end and
// inside the safety limit, and the instrument holds them without us.
#pragma once

#include <optional>

#include "controller/base/limits.hpp"
#include "controller/base/setpoint.hpp"
#include "profiles/cell.hpp"
#include "profiles/model.hpp"

namespace cellrig {

inline constexpr Volts bound_beyond_end{0.005};    ///< from a voltage end condition to the set-point's bound
inline constexpr Volts bound_beyond_cell{0.010};   ///< no bound is further outside the cell's own window than this
inline constexpr Volts bound_inside_limit{0.002};  ///< every bound that we choose stays this far inside the safety limit

/// What the numbers of a step refer to.
struct StepScope {
  const Cell& cell;
  const SafetyLimits& limits;  ///< the tighter of cell and profile
  const Names& names;
  AmpHours rate_capacity;  ///< what 1C is; of a measured capacity the expected one
  bool rates_are_measured = false;
};

/// The value of a field in the unit of its key.
[[nodiscard]] double value_of(const Field& field, const Names& names);

/// The value that the engine compares: rate_C in A, step_time_min in s ...
[[nodiscard]] double value_of(const ConditionSpec& leaf, const StepScope& scope);

struct VoltageBounds {
  Volts min;
  Volts max;
};
/// Of a ramp, pulse train or drive cycle: `voltage_min_V` and `voltage_max_V`, or the cell's own window. Where the step is to end there
/// the instrument's bounds lie just beyond.
[[nodiscard]] VoltageBounds bounds_of_course(const StepSpec& step, const StepScope& scope);
/// Where a drive cycle reaches its limits, as the profile says it.
[[nodiscard]] VoltageBounds limits_of_course(const StepSpec& step, const StepScope& scope);

/// none for rest, soak and what a person does; courses have their own. Throws ConfigError: a current or rate that the cell does not allow, a voltage outside its window.
[[nodiscard]] std::optional<Setpoint> make_setpoint(const StepSpec& step, const StepScope& scope);

}  // namespace cellrig
