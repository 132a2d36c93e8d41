// How a machine goes on from a state that another one left behind.
#include "controller/engine/channel_machine.hpp"

namespace cellrig {

void ChannelMachine::go_on(const input::GoOn& how, ChannelOutputs& out) {
  const bool is_over = state_.phase == Phase::stopping || state_.phase == Phase::finished;
  const bool is_tripped = state_.outcome == Outcome::tripped || state_.outcome == Outcome::instrument_failure;
  // Only the end of the run was still to be written.
  if (is_over && (state_.outcome == Outcome::completed || state_.outcome == Outcome::failed))
    return finish_with_off(state_.outcome, out);
  if (is_tripped && !how.trip_acknowledged) return finish_with_off(state_.outcome, out);
  const bool was_paused = state_.phase == Phase::pausing || state_.phase == Phase::paused;
  state_.outcome = Outcome::none;
  state_.chamber_lost = state_.chamber_requested;
  state_.chamber_was_held = state_.chamber_was_held || (state_.chamber_requested && state_.chamber_granted);
  state_.chamber_was_waited_for = state_.chamber_requested && !state_.chamber_granted;
  state_.chamber_granted = false;
  const Step* const step = state_.step_count > 0 ? current_step() : nullptr;
  if (step != nullptr) count_time_seen();
  const bool is_held = how.rule != InterruptionRule::ask && how.rule != InterruptionRule::stop && was_paused && how.stays_paused;
  if (is_held && step != nullptr) return continue_step(*step, true, out);
  const bool is_done_again = step != nullptr && step->kind == StepKind::soak && how.rule == InterruptionRule::resume;
  switch (is_done_again ? InterruptionRule::redo_step : how.rule) {
    case InterruptionRule::ask:
    case InterruptionRule::stop: return finish_with_off(Outcome::stopped, out);
    case InterruptionRule::resume:
      if (step != nullptr) return continue_step(*step, false, out);
      break;
    case InterruptionRule::redo_step: {
      if (step == nullptr) break;
      const bool is_remainder = state_.step.is_remainder || has_begun_in_earnest(*step);
      enter_step(*step, out);
      state_.step.is_remainder = is_remainder;
      state_.step.has_before_step = false;  // what was measured before the interruption is not right before it
      return;
    }
    case InterruptionRule::skip_step:
      if (step != nullptr) {
        lose_result(*step);
        ++state_.pc;
      }
      run_instructions(out);
      state_.step.has_before_step = false;
      return;
  }
  run_instructions(out);
}

/// A rest that is done again is whole, and so is a step that still waited for its chamber.
bool ChannelMachine::has_begun_in_earnest(const Step& step) const {
  const Throughput& moved = state_.step.moved;
  const bool has_moved = moved.charge.value() > 0 || moved.discharge.value() > 0;
  return (step.setpoint || step.course) && (has_moved || state_.phase != Phase::awaiting_chamber);
}

/// A step's clock counts what somebody saw: up to the last measurement.
void ChannelMachine::count_time_seen() {
  StepState& step = state_.step;
  const Step* const program_step = current_step();
  const TimePoint seen = step.has_last ? step.last.at : step.begun;
  if (state_.phase == Phase::running && seen > step.started) step.ran_before_pause += seen - step.started;
  if (seen > step.begun) count_charge_time(*program_step, seen);
  forget_time();
}

/// As the rows say it: while a step waits it charges nothing.
void ChannelMachine::count_charge_time(const Step& step, TimePoint until) {
  if (!state_.in_cycle || step.direction != StepDirection::charge) return;
  state_.step.end_wait(until);
  state_.cycle_state.charge_time += until - state_.step.begun - state_.step.waited;
}

/// What was counted is not counted again.
void ChannelMachine::forget_time() {
  StepState& step = state_.step;
  step.begun = step.started = now_;
  step.waited = Duration::zero();
  step.is_waiting = false;
}

/// A step that is cut off may go on later: what it ran is kept, and its time on the clock ends here.
void ChannelMachine::freeze_clock() {
  state_.step.ran_before_pause = step_time();
  forget_time();
}

/// is_held: it stays paused, and nothing is applied. The chamber is asked for all the same, so that it is there when the person comes.
void ChannelMachine::continue_step(const Step& step, bool is_held, ChannelOutputs& out) {
  StepState& s = state_.step;
  s.before = StepPart{s.moved, s.cv_time, s.cv_charge};
  s.inherited = Amps{0.0};
  s.leaf_true = 0;
  s.is_changing = false;
  s.trends.forget_slopes();
  s.trends.has_voltage = false;  // a cell that has rested meanwhile is lower, and has not dropped
  s.has_before_step = false;
  s.was_paused = true;  // nothing is integrated across the gap
  s.recorded_any = false;
  out.push(output::StepStarted{state_.pc, true});
  if (state_.chamber_lost) {
    request_chamber(Celsius{state_.chamber_degC}, out);
    if (is_held) state_.phase = Phase::pausing;  // its OFF is under way
    return;
  }
  if (!is_held) return command_step(step, out);
  state_.phase = Phase::pausing;
  out.push(output::OutputOff{++state_.command});
}

}  // namespace cellrig
