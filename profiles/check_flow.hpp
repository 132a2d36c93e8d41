// Every way that a run may take through a program, and what is known on it. Not for others to include.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <tuple>
#include <vector>

#include "controller/engine/program.hpp"

namespace cellrig {

/// What a run has measured, as far as results hang on it.
struct MeasuredSoFar {
  bool reference = false, test = false, charge_time = false, resistance = false;
  bool cycles = false, cycle_ended = false;
  [[nodiscard]] auto key() const { return std::tie(reference, test, charge_time, resistance, cycles, cycle_ended); }
};

/// Diagnostics that a run is in.
struct OpenDiagnostics {
  std::size_t begin = 0, end = 0;  ///< instructions
  std::optional<Celsius> before;   ///< the temperature that they give back; none: nothing was asked of the chamber
};

/// What is known where a run has come to.
struct FlowFacts {
  std::optional<Celsius> temperature;        ///< last requested of the chamber
  std::vector<OpenDiagnostics> diagnostics;  ///< the innermost last
  bool cell_may_be_cold = false;             ///< it was below the charging minimum, and no step has waited until it was warm
  bool soc_is_known = false;
  bool waited_in_vain = false;    ///< for a state of charge that nobody knew: such a way shows nothing
  std::optional<double> soc_pct;  ///< where the forecast believes it to be: of the way that was followed first
  MeasuredSoFar measured;
};

/// How a run leaves a step.
struct StepExit {
  const EndCondition* guard = nullptr;  ///< the end that leads elsewhere; null: on to the next instruction
};

struct FlowJudge {
  /// A step on one of the ways to it.
  std::function<void(std::size_t instruction, const FlowFacts& facts)> step;
  /// What is known when it has ended so.
  std::function<FlowFacts(const Step& step, const FlowFacts& before, const StepExit& exit)> after;
  /// An instruction that takes no time.
  std::function<void(std::size_t instruction, const FlowFacts& facts)> timeless;
};

struct FlowResult {
  std::vector<bool> reached;  ///< by instruction
  bool is_complete = true;    ///< false: there are more ways than flow_states_max
};
inline constexpr std::size_t flow_states_max = 100'000;

/// Follows all of them: ends with their targets, leave_if and stop_if held or not, diagnostics due or not, and each loop once and once more,
/// from where its first pass ended. Ways that meet with the same facts go on as one.
[[nodiscard]] FlowResult follow_program(const Program& program, const FlowJudge& judge);

}  // namespace cellrig
