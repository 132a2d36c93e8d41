// The set-point of a step whose current or power hangs on what the run has measured. Pure.
#pragma once

#include <optional>

#include "controller/engine/channel_state.hpp"
#include "controller/engine/program.hpp"

namespace cellrig {

/// The expected set-point with its current or power as it is known now; the direction stays.
[[nodiscard]] Setpoint with_magnitude(Setpoint setpoint, double magnitude);
/// The same with the bound of its current.
[[nodiscard]] Setpoint with_current_bound(Setpoint setpoint, Amps bound);

/// Whether some of it is known only in the run: the program holds what is expected.
[[nodiscard]] inline bool is_known_in_the_run(const Step& step) {
  return step.magnitude || step.current_bound || step.course_scale;
}
/// The step as it is commanded; nothing where a result in it is not known. Nobody has judged it here.
[[nodiscard]] std::optional<Step> as_known(const Step& step, const Program& program, const ChannelState& state);

}  // namespace cellrig
