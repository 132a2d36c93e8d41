// Judges the ends of a step. Pure; NaN never satisfies a condition.
#pragma once

#include <optional>

#include "controller/base/observation.hpp"
#include "controller/engine/channel_state.hpp"
#include "controller/engine/program.hpp"

namespace cellrig {

/// The values an end condition may name, at one instant. `state` is the channel whose step is judged.
struct ConditionInputs {
  const Observation& observation;
  TimePoint now{};
  Duration step_time{};
  Throughput step_moved;
  std::optional<double> soc_pct;
  const ChannelState& state;
};

/// Which end holds, and by how much.
struct EndFound {
  std::uint16_t end = 0;                                      ///< index into Step::ends
  double value = 0.0;                                         ///< of the deciding quantity
  double margin = 0.0;                                        ///< value - threshold
  bool is_held = false;                                       ///< by the instrument, short of the threshold: HeldEnd
  ConditionQuantity quantity = ConditionQuantity::voltage_V;  ///< whose value it is
};

[[nodiscard]] std::optional<double> value_of(ConditionQuantity quantity, const ConditionInputs& inputs);

/// Judges every leaf of the step (so that each `for` duration is tracked) and returns the first end that holds.
[[nodiscard]] std::optional<EndFound> judge_ends(const Program& program, const Step& step, const ConditionInputs& inputs,
                                                 StepState& state);

/// The step's HeldEnd, when the instrument says that it regulates the voltage, and has done so for long enough.
[[nodiscard]] std::optional<EndFound> judge_held_end(const Step& step, const Observation& observation, const StepState& state);

/// The first instant after `now` at which a `for` or a step_time condition would hold if nothing changed; max() if none is pending.
[[nodiscard]] TimePoint next_end_instant(const Program& program, const Step& step, TimePoint now, const StepState& state);

}  // namespace cellrig
