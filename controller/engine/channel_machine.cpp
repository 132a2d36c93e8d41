#include "controller/engine/channel_machine.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "controller/base/overloaded.hpp"
#include "controller/engine/results.hpp"

namespace cellrig {
namespace {

/// Instructions that take no time, in one go. A program of nothing but loops would otherwise hold the control thread.
constexpr int instructions_per_call_max = 100'000;
/// What one instruction may emit at most; the list is handed over before it could overflow.
constexpr std::size_t outputs_per_instruction_max = 4;

}  // namespace

ChannelMachine::ChannelMachine(const Program& program, MachineOptions options) : program_{program}, options_{options} {}

const Step* ChannelMachine::current_step() const {
  return state_.pc < program_.code.size() ? std::get_if<Step>(&program_.code[state_.pc]) : nullptr;
}

bool ChannelMachine::output_wanted() const {
  const Step* const step = current_step();
  if ((state_.phase != Phase::applying && state_.phase != Phase::running) || step == nullptr) return false;
  return step->course ? step->course->setpoint_of(state_.step.course_value).has_value() : step->setpoint.has_value();
}

std::optional<double> ChannelMachine::soc_pct() const {
  if (!state_.soc_known) return std::nullopt;
  const bool is_fixed = program_.soc_reference == SocReference::nominal || program_.soc_reference == SocReference::rated;
  const bool by_reference = !is_fixed && state_.results.has_reference;
  if (!by_reference && program_.soc_reference == SocReference::measured) return std::nullopt;
  const AmpHours given = program_.soc_reference == SocReference::rated ? program_.rated_capacity : program_.nominal_capacity;
  const double capacity_Ah = by_reference ? state_.results.reference_Ah : given.value();
  if (!(capacity_Ah > 0)) return std::nullopt;
  return state_.soc_base_pct + 100.0 * state_.charge_since_soc_Ah / capacity_Ah;
}

bool ChannelMachine::step_is_open() const {
  switch (state_.phase) {
    case Phase::awaiting_chamber:
    case Phase::applying:
    case Phase::running:
    case Phase::pausing:
    case Phase::paused: return true;
    case Phase::idle:
    case Phase::stopping:
    case Phase::tripped:
    case Phase::finished: return false;
  }
  return false;
}

Duration ChannelMachine::step_time() const {
  return state_.phase == Phase::running ? state_.step.ran_before_pause + (now_ - state_.step.started)
                                        : state_.step.ran_before_pause;
}

ChannelOutputs ChannelMachine::on(const ChannelInput& in, TimePoint now) {
  ChannelOutputs out;
  on(in, now, out);
  return out;
}

void ChannelMachine::on(const ChannelInput& in, TimePoint now, ChannelOutputs& out) {
  now_ = now;
  out.clear();
  std::visit(overloaded{
                 [&](const input::Start&) { start(out); },
                 [&](const input::GoOn& i) { go_on(i, out); },
                 [&](const input::Observed& i) { observed(i.observation, out); },
                 [&](const input::Acknowledged& i) { acknowledged(i, out); },
                 [&](const input::ChamberGranted& i) {
                   const Step* const step = current_step();
                   if (i.request != state_.chamber_request) return;
                   state_.chamber_granted = true;
                   state_.chamber_was_held = false;
                   if (state_.phase == Phase::awaiting_chamber && step) command_step(*step, out);
                 },
                 [&](const input::Pause&) { pause(out); },
                 [&](const input::Resume&) { resume(out); },
                 [&](const input::Skip&) { skip(out); },
                 [&](const input::Confirmed&) { confirmed(out); },
                 [&](const input::Stop& i) { stop(i.outcome, out); },
                 [&](const input::Trip& i) { trip(i.outcome, out); },
             },
             in);
}

TimePoint ChannelMachine::wakeup(TimePoint now) const {
  const Step* const step = current_step();
  if (state_.phase != Phase::running || step == nullptr) return TimePoint::max();
  const TimePoint zero = state_.step.started - state_.step.ran_before_pause;
  const TimePoint bound = zero + step->time_max;
  TimePoint next = next_end_instant(program_, *step, now, state_.step);
  if (bound > now) next = std::min(bound, next);
  if (step->course) {
    const TimePoint change = zero + step->course->next_change(now - zero);
    if (change > now) next = std::min(change, next);
  }
  if (state_.step.record_points < step->record_at.size()) {
    const TimePoint point = zero + step->record_at[state_.step.record_points];
    if (point > now) next = std::min(point, next);
  }
  return next;
}

void ChannelMachine::start(ChannelOutputs& out) {
  if (state_.phase != Phase::idle) return;
  state_.pc = 0;
  for (std::size_t i = 0; i < program_.variables.size() && i < variables_max; ++i)
    state_.variables[i] = program_.variables[i].initial;
  run_instructions(out);
}

void ChannelMachine::run_instructions(ChannelOutputs& out) {
  for (int n = 0; n < instructions_per_call_max && !out.full(2 * outputs_per_instruction_max); ++n) {
    if (state_.pc >= program_.code.size()) return finish_with_off(Outcome::completed, out);
    const Instruction& instruction = program_.code[state_.pc];
    if (const Step* const step = std::get_if<Step>(&instruction)) return enter_step(*step, out);
    if (!run_timeless(instruction, out)) return;
  }
  out.push(output::Unusable{state_.pc, output::Unusable::Why::no_step});  // refused by compile()
  finish_with_off(Outcome::failed, out);
}

// ---- entering and leaving a step ------------------------------------------------------------------------------------

void ChannelMachine::enter_step(const Step& step, ChannelOutputs& out) {
  const Amps inherited = state_.step.has_last ? state_.step.last.current : state_.step.inherited;
  const ElectricalSample before = state_.step.last;
  const bool has_before = state_.step.has_last;
  ++state_.step_count;
  state_.step = StepState{};
  state_.step.before_step = before;
  state_.step.has_before_step = has_before;
  if (step.measure == Measure::resistance) state_.results.has_resistance = false;  // that of an earlier pulse is not this one's
  state_.step.inherited = inherited;
  state_.step.begun = now_;
  state_.step.started = now_;
  out.push(output::StepStarted{state_.pc});
  const bool another_temperature = step.chamber_temperature && (!state_.chamber_requested || !state_.chamber_granted ||
                                                                state_.chamber_degC != step.chamber_temperature->value());
  if (another_temperature) return request_chamber(*step.chamber_temperature, out);
  // Lost, or asked for by a step that was left before it was granted: nothing flows in a chamber that is somebody else's.
  if (state_.chamber_lost || (state_.chamber_requested && !state_.chamber_granted))
    return request_chamber(Celsius{state_.chamber_degC}, out);
  command_step(step, out);
}

void ChannelMachine::request_chamber(Celsius temperature, ChannelOutputs& out) {
  const bool waits_on = state_.chamber_was_waited_for && state_.chamber_degC == temperature.value();
  if (!waits_on) state_.chamber_asked = now_;
  state_.chamber_was_waited_for = false;
  state_.chamber_requested = true;
  state_.chamber_granted = false;
  state_.chamber_lost = false;
  if (state_.chamber_degC != temperature.value()) state_.chamber_was_held = false;
  state_.chamber_degC = temperature.value();
  state_.phase = Phase::awaiting_chamber;
  ++state_.chamber_request;
  // No current while the temperature is being changed: what the step before applied ends here.
  out.push(output::OutputOff{++state_.command});
  out.push(output::RequestChamber{state_.chamber_request, temperature, state_.chamber_asked});
}

/// Which way the program came here decides what the chamber was asked for last: nobody knows that before it runs.
bool ChannelMachine::charges_out_of_range(const Step& step) const {
  if (!step.may_charge || !state_.chamber_requested || !program_.charge_temperature_max) return false;
  const Celsius least = step.limits ? step.limits->charge_temperature_min : program_.limits.charge_temperature_min;
  // Written so that NaN is out of range.
  return !(state_.chamber_degC >= least.value() && state_.chamber_degC <= program_.charge_temperature_max->value());
}

void ChannelMachine::refuse_step(const output::Unusable& why, ChannelOutputs& out) {
  out.push(why);
  end_step(StepEndReason::refused, std::nullopt, out);
  finish_with_off(Outcome::failed, out);
}

void ChannelMachine::command_step(const Step& step, ChannelOutputs& out) {
  if (charges_out_of_range(step))
    return refuse_step({state_.pc, output::Unusable::Why::chamber_temperature, state_.chamber_degC}, out);
  std::optional<Setpoint> wanted = step.setpoint;
  if (const std::optional<output::Unusable> why = make_setpoint(step, wanted)) return refuse_step(*why, out);
  state_.phase = Phase::applying;
  state_.step.is_changing = false;
  ++state_.command;
  if (wanted) {
    out.push(output::Apply{state_.command, *wanted});
  } else {
    out.push(output::OutputOff{state_.command});
  }
}

/// Another value of the course is commanded while the step runs on: its clock and its counters do not stand still.
void ChannelMachine::follow_course(const Step& step, ChannelOutputs& out) {
  if (!step.course || state_.step.is_changing) return;
  const Course& course = course_of(step);
  const double value = course.value_at(step_time());
  if (value == state_.step.course_value) return;
  const std::optional<Setpoint> before = course.setpoint_of(state_.step.course_value);
  const std::optional<Setpoint> wanted = course.setpoint_of(value);
  // Each pulse is a set-point of its own, with its own first dip. A drive cycle or a ramp changes all the time.
  state_.step.turns_round = step.course->kind == Course::Kind::pulses || wanted.has_value() != before.has_value() ||
                            (value > 0) != (state_.step.course_value > 0);
  state_.step.course_value = value;
  if (!wanted && !before) return;  // off, and off it stays
  state_.step.is_changing = true;
  ++state_.command;
  if (wanted) {
    out.push(output::Apply{state_.command, *wanted});
  } else {
    out.push(output::OutputOff{state_.command});
  }
}

void ChannelMachine::acknowledged(const input::Acknowledged& answer, ChannelOutputs& out) {
  if (answer.command != state_.command) return;
  switch (state_.phase) {
    case Phase::applying:
      if (!answer.succeeded) return fail_command(out);
      state_.phase = Phase::running;
      state_.step.started = now_;
      state_.step.changed = now_;
      state_.step.inherited = Amps{0.0};
      return;
    case Phase::running:
      if (!state_.step.is_changing) return;
      state_.step.is_changing = false;
      if (state_.step.turns_round) state_.step.changed = now_;
      if (!answer.succeeded) return fail_command(out);
      return;
    case Phase::pausing:
      if (!answer.succeeded) return fail_command(out);
      state_.phase = Phase::paused;
      return;
    case Phase::stopping:
      state_.phase = Phase::finished;
      // An OFF that was not confirmed outweighs everything but a trip.
      if (!answer.succeeded && state_.outcome != Outcome::tripped) state_.outcome = Outcome::instrument_failure;
      out.push(output::Finished{state_.outcome, state_.criteria_met});
      return;
    case Phase::awaiting_chamber:
      if (!answer.succeeded) return fail_command(out);
      state_.step.inherited = Amps{0.0};
      return;
    case Phase::idle:
    case Phase::paused:
    case Phase::tripped:
    case Phase::finished: return;
  }
}

void ChannelMachine::fail_command(ChannelOutputs& out) {
  end_step(StepEndReason::command_failed, std::nullopt, out);
  finish_with_off(Outcome::instrument_failure, out);
}

void ChannelMachine::end_step(StepEndReason reason, const std::optional<EndFound>& found, ChannelOutputs& out) {
  const Step* const step = current_step();
  if (step == nullptr) return;
  const bool is_over =
      reason == StepEndReason::condition || reason == StepEndReason::time_bound || reason == StepEndReason::confirmed;
  if (is_over) keep_results(*step, reason, found);
  if (reason == StepEndReason::skipped) lose_result(*step);
  output::StepEnded ended{.instruction = state_.pc, .reason = reason, .ended = now_, .totals = state_.step};
  if (found) {
    ended.has_end = true;
    ended.end = found->end;
    ended.value = found->value;
    ended.margin = found->margin;
    ended.quantity = found->quantity;
    ended.is_held = found->is_held;
  }
  count_charge_time(*step, now_);
  out.push(ended);
  const bool is_cut_off =
      reason == StepEndReason::stopped || reason == StepEndReason::tripped || reason == StepEndReason::command_failed;
  if (is_cut_off) freeze_clock();
}

// ---- measurements ---------------------------------------------------------------------------------------------------

void ChannelMachine::observed(const Observation& observation, ChannelOutputs& out) {
  const Step* const step = current_step();
  if (step == nullptr) return;
  if (state_.phase == Phase::awaiting_chamber || state_.phase == Phase::paused) return record_waiting(*step, observation, out);
  if (state_.phase != Phase::running) return;
  const Reading& voltage = observation[Measurand::voltage];
  // What was measured before the acknowledgement belongs to the step before.
  if (voltage.at < state_.step.started) return;
  // Where answers take no time it may have been measured in the wait that ended at that very instant.
  if (state_.step.has_waited && voltage.at <= state_.step.last_recorded) return;
  integrate_sample(observation);
  const ConditionInputs inputs{observation, now_, step_time(), state_.step.moved, soc_pct(), state_};
  std::optional<EndFound> found = judge_ends(program_, *step, inputs, state_.step);
  if (!found) found = judge_held_end(*step, observation, state_.step);
  const bool out_of_time = inputs.step_time >= step->time_max;
  record(observation, found || out_of_time, out);
  if (!found && !out_of_time) return follow_course(*step, out);
  if (found) return leave_by(*step, *found, out);
  if (step->time_max_is_normal) {
    end_step(StepEndReason::time_bound, std::nullopt, out);
    ++state_.pc;
    return run_instructions(out);
  }
  end_step(StepEndReason::time_bound, std::nullopt, out);
  // A soak that does not arrive is a chamber that does not do its work: never "start anyway".
  finish_with_off(step->kind == StepKind::soak ? Outcome::instrument_failure : Outcome::failed, out);
}

void ChannelMachine::integrate_sample(const Observation& observation) {
  StepState& step = state_.step;
  const Reading& cell = observation[Measurand::cell_temperature];
  if (cell.usable()) {
    step.cell_temperature.include(cell.value);
    state_.cell_temperature.include(cell.value);
    step.trends.add_temperature(cell.at, cell.value);
    if (state_.in_cycle) state_.cycle_state.cell_temperature.include(cell.value);
  }
  if (!observation[Measurand::voltage].usable() || !observation[Measurand::current].usable()) return;
  if (step.has_last && observation[Measurand::voltage].at <= step.last.at) return;
  const ElectricalSample sample{observation[Measurand::voltage].at, Volts{observation[Measurand::voltage].value},
                                Amps{observation[Measurand::current].value}};
  step.end_wait(sample.at);
  step.after_gap = std::exchange(step.was_paused, false) || (step.has_last && sample.at - step.last.at > options_.gap_limit);
  if (step.after_gap) step.trends.forget_slopes();
  step.trends.add_voltage(sample.at, sample.voltage.value());
  if (step.has_last && !step.after_gap && sample.at > step.last.at) {
    const Throughput moved = integrate(step.last, sample);
    step.moved += moved;
    state_.total += moved;
    if (state_.in_cycle) state_.cycle_state.moved += moved;
    state_.charge_since_soc_Ah += moved.net().value();
    if (observation.output_on && observation.regulation == Regulation::constant_voltage) {
      step.cv_time += sample.at - step.last.at;
      step.cv_charge += moved.charge + moved.discharge;
    }
  }
  step.last = sample;
  step.has_last = true;
}

// ---- a person, the supervisor ---------------------------------------------------------------------------------------

void ChannelMachine::pause(ChannelOutputs& out) {
  if (state_.phase != Phase::running && state_.phase != Phase::applying && state_.phase != Phase::awaiting_chamber) return;
  state_.step.ran_before_pause = step_time();
  state_.step.was_paused = true;  // what flows until the output is off is not counted: a gap
  state_.step.has_before_step = false;
  state_.phase = Phase::pausing;
  out.push(output::OutputOff{++state_.command});
}

void ChannelMachine::resume(ChannelOutputs& out) {
  const Step* const step = current_step();
  if (state_.phase != Phase::paused || step == nullptr) return;
  state_.step.leaf_true = 0;
  if ((step->chamber_temperature || state_.chamber_requested) && !state_.chamber_granted) {
    state_.phase = Phase::awaiting_chamber;  // asked for already
    return;
  }
  command_step(*step, out);
}

void ChannelMachine::skip(ChannelOutputs& out) {
  if (!step_is_open()) return;
  end_step(StepEndReason::skipped, std::nullopt, out);
  ++state_.pc;
  run_instructions(out);
}

void ChannelMachine::confirmed(ChannelOutputs& out) {
  const Step* const step = current_step();
  const bool is_asked = step != nullptr && step->person && step->person->is_confirmed;
  if (!is_asked || state_.phase != Phase::running) return;
  end_step(StepEndReason::confirmed, std::nullopt, out);
  ++state_.pc;
  run_instructions(out);
}

void ChannelMachine::stop(Outcome outcome, ChannelOutputs& out) {
  switch (state_.phase) {
    case Phase::finished:
    case Phase::stopping: return;
    case Phase::tripped: return finish_with_off(state_.outcome, out);
    case Phase::idle:
    case Phase::awaiting_chamber:
    case Phase::applying:
    case Phase::running:
    case Phase::pausing:
    case Phase::paused: break;
  }
  if (step_is_open()) end_step(StepEndReason::stopped, std::nullopt, out);
  finish_with_off(outcome, out);
}

void ChannelMachine::trip(Outcome outcome, ChannelOutputs& out) {
  if (state_.phase == Phase::tripped || state_.phase == Phase::finished) return;
  out.push(output::OutputOff{++state_.command});
  if (step_is_open()) end_step(StepEndReason::tripped, std::nullopt, out);
  state_.phase = Phase::tripped;
  state_.outcome = outcome;
}

void ChannelMachine::finish_with_off(Outcome outcome, ChannelOutputs& out) {
  state_.phase = Phase::stopping;
  state_.outcome = outcome;
  out.push(output::OutputOff{++state_.command});
}

}  // namespace cellrig
