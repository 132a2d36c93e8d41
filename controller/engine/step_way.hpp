// Which way a run came to the step that it is in. Two runs that came the same way find their cells in the same state, as far as a profile can
// say: what a rehearsal foretold of a step, it foretold for that way.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "controller/engine/channel_machine.hpp"

namespace cellrig {

/// The passes of the loops around a step, from the outermost: in which order a step is executed on one way.
using LoopPasses = std::vector<std::uint64_t>;
[[nodiscard]] LoopPasses passes_of(const ChannelState& state);

/// One execution of a step.
struct StepEntry {
  std::uint32_t instruction = 0;
  std::uint64_t execution = 1;       ///< of that step in the run, from 1
  std::optional<std::uint64_t> way;  ///< none: nobody knows in which state the step found the cell
  LoopPasses passes;
};

/// Does this end say where the cell stands: a voltage, or a current at a voltage that is held? A pulse that meets a voltage says more about the
/// resistance than about the charge.
[[nodiscard]] bool names_state(const Program& program, const output::StepEnded& ended);

/// By itself, and on to the next step: what a rehearsal's end and a run's can be compared by.
[[nodiscard]] bool reaches_its_end(const Step& step, const output::StepEnded& ended);

/// Contract: begin_step() and end_step() of each step, in their order; go_on() where the run was interrupted.
/// * A way begins with the run, and anew where a step has ended at a voltage (full, empty): what came before matters no longer. In between each
///   step that was entered is part of it, and so is, from an end at a voltage on, the temperature that was asked for last.
/// * Passes of loops are no part of it: a later pass goes the same way with an older cell.
/// * After a step that was skipped, or that was begun anew after an interruption with a current, nobody knows the way until a step has ended
///   at a voltage.
class StepWay {
 public:
  enum class Lost : unsigned char { no, by_skip, by_interruption };

  /// `program` must outlive it.
  explicit StepWay(const Program& program) : program_{&program} {}

  /// `continues`: an execution that was interrupted.
  [[nodiscard]] StepEntry begin_step(std::uint32_t instruction, bool continues, LoopPasses passes = {});
  void end_step(const output::StepEnded& ended);
  void go_on() { has_gone_on_ = true; }
  [[nodiscard]] Lost lost() const { return lost_; }                                  ///< why the present step's way is not known
  [[nodiscard]] std::optional<std::uint32_t> previous() const { return previous_; }  ///< the step before the present one

 private:
  void lose(Lost why);

  const Program* program_;
  std::map<std::uint32_t, std::uint64_t> executions_;
  std::optional<std::uint64_t> way_ = 0, here_;
  Lost lost_ = Lost::no;
  std::optional<std::uint32_t> present_, previous_;
  bool is_open_ = false, has_gone_on_ = false;
  std::optional<double> chamber_degC_;
};

}  // namespace cellrig
