#include "controller/engine/channel_machine.hpp"

#include <cmath>
#include <utility>

#include "controller/base/overloaded.hpp"

namespace cellrig {
namespace {

/// Instructions that take no time, in one go. A program of nothing but loops would otherwise hold the control thread.
constexpr double cycle_charge_min_of_nominal = 0.001;
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
  return (state_.phase == Phase::applying || state_.phase == Phase::running) && step != nullptr && step->setpoint.has_value();
}

std::optional<double> ChannelMachine::soc_pct() const {
  if (!state_.soc_known) return std::nullopt;
  const double capacity_Ah = state_.results.has_reference ? state_.results.reference_Ah : program_.nominal_capacity.value();
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
                   if (state_.phase == Phase::awaiting_chamber && step) command_step(*step, out);
                 },
                 [&](const input::Pause&) { pause(out); },
                 [&](const input::Resume&) { resume(out); },
                 [&](const input::Skip&) { skip(out); },
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
  if (state_.step.record_points < step->record_at.size()) {
    const TimePoint point = zero + step->record_at[state_.step.record_points];
    if (point > now) next = std::min(point, next);
  }
  return next;
}

void ChannelMachine::start(ChannelOutputs& out) {
  if (state_.phase != Phase::idle) return;
  state_.pc = 0;
  run_instructions(out);
}

void ChannelMachine::run_instructions(ChannelOutputs& out) {
  for (int n = 0; n < instructions_per_call_max && !out.full(2 * outputs_per_instruction_max); ++n) {
    if (state_.pc >= program_.code.size()) return finish_with_off(Outcome::completed, out);
    const Instruction& instruction = program_.code[state_.pc];
    if (const Step* const step = std::get_if<Step>(&instruction)) return enter_step(*step, out);
    if (const LoopBegin* const loop = std::get_if<LoopBegin>(&instruction)) {
      begin_pass(*loop);
    } else if (std::holds_alternative<LoopEnd>(instruction)) {
      end_pass(out);
    } else if (const StopIf* const stop_if = std::get_if<StopIf>(&instruction)) {
      if (stop_holds(*stop_if, out)) return finish_with_off(Outcome::completed, out);
      ++state_.pc;
    } else if (const Require* const require = std::get_if<Require>(&instruction)) {
      judge(*require, out);
      ++state_.pc;
    }
  }
  finish_with_off(Outcome::failed, out);  // a program that goes on without a step in it is refused by check
}

void ChannelMachine::begin_pass(const LoopBegin& loop) {
  if (loop.times == 0 || state_.loop_depth >= loop_depth_max) {
    state_.pc = static_cast<std::uint32_t>(loop.end) + 1;
    return;
  }
  state_.loops[state_.loop_depth++] = LoopState{.begin = state_.pc, .passes = 1};
  ++state_.pc;
  if (!loop.counts_cycles) return;
  ++state_.cycle;
  state_.in_cycle = true;
  state_.cycle_is_reference = loop.is_reference;
  state_.cycle_state = CycleState{};
  state_.cycle_state.started = now_;
}

void ChannelMachine::end_pass(ChannelOutputs& out) {
  if (state_.loop_depth == 0) {
    ++state_.pc;
    return;
  }
  LoopState& pass = state_.loops[state_.loop_depth - 1u];
  const LoopBegin& loop = std::get<LoopBegin>(program_.code[pass.begin]);
  if (loop.counts_cycles) end_cycle(out);
  if (pass.passes >= loop.times) {
    --state_.loop_depth;
    ++state_.pc;
    return;
  }
  const std::uint64_t passes = pass.passes + 1;
  const std::uint32_t begin = pass.begin;
  --state_.loop_depth;
  state_.pc = begin;
  begin_pass(loop);
  state_.loops[state_.loop_depth - 1u].passes = passes;
}

void ChannelMachine::end_cycle(ChannelOutputs& out) {
  if (!state_.in_cycle) return;
  Results& results = state_.results;
  const Throughput& moved = state_.cycle_state.moved;
  // What an offset of the cycler brings together in a cycle without a charge is none.
  const bool was_charged = moved.charge.value() >= cycle_charge_min_of_nominal * program_.nominal_capacity.value();
  results.has_coulombic = was_charged;
  if (results.has_coulombic) results.coulombic_efficiency = moved.discharge.value() / moved.charge.value();
  results.has_energy = was_charged && moved.charge_energy.value() > 0;
  if (results.has_energy) results.energy_efficiency = moved.discharge_energy.value() / moved.charge_energy.value();
  const double retention = results.reference_first_Ah > 0 ? state_.cycle_state.reference_Ah / results.reference_first_Ah : 0.0;
  out.push(output::CycleEnded{state_.cycle, state_.cycle_is_reference, now_, state_.cycle_state, retention});
  state_.in_cycle = false;
}

bool ChannelMachine::stop_holds(const StopIf& stop_if, ChannelOutputs& out) {
  const std::optional<double> value = result(stop_if.condition.quantity);
  if (!value || !compare(*value, stop_if.condition.comparison, stop_if.condition.value)) return false;
  out.push(output::StopHeld{state_.pc, *value});
  end_cycle(out);  // the profile stops here on purpose: the cycle counts. One that is cut off by a stop or trip does not.
  return true;
}

void ChannelMachine::judge(const Require& require, ChannelOutputs& out) {
  const ResultCondition& condition = require.condition;
  const std::optional<double> value = result(condition.quantity);
  const bool met = value && compare(*value, condition.comparison, condition.value);
  state_.criteria_met = state_.criteria_met && met;
  out.push(
      output::CriterionJudged{state_.pc, met, value.has_value(), value.value_or(0.0), value.value_or(0.0) - condition.value});
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
  if (state_.chamber_lost) return request_chamber(Celsius{state_.chamber_degC}, out);
  command_step(step, out);
}

void ChannelMachine::request_chamber(Celsius temperature, ChannelOutputs& out) {
  state_.chamber_requested = true;
  state_.chamber_granted = false;
  state_.chamber_lost = false;
  state_.chamber_degC = temperature.value();
  state_.phase = Phase::awaiting_chamber;
  ++state_.chamber_request;
  // No current while the temperature is being changed: what the step before applied ends here.
  out.push(output::OutputOff{++state_.command});
  out.push(output::RequestChamber{state_.chamber_request, temperature});
}

void ChannelMachine::command_step(const Step& step, ChannelOutputs& out) {
  state_.phase = Phase::applying;
  ++state_.command;
  if (step.setpoint) {
    out.push(output::Apply{state_.command, *step.setpoint});
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
      state_.step.inherited = Amps{0.0};
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
    case Phase::running:
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
  if (reason == StepEndReason::condition || reason == StepEndReason::time_bound) keep_results(*step, reason);
  output::StepEnded ended{.instruction = state_.pc, .reason = reason, .ended = now_, .totals = state_.step};
  if (found) {
    ended.has_end = true;
    ended.end = found->end;
    ended.value = found->value;
    ended.margin = found->margin;
  }
  if (state_.in_cycle && step->direction == StepDirection::charge) state_.cycle_state.charge_time += now_ - state_.step.begun;
  out.push(ended);
  const bool is_cut_off =
      reason == StepEndReason::stopped || reason == StepEndReason::tripped || reason == StepEndReason::command_failed;
  if (is_cut_off) freeze_clock();
}

// ---- measurements ---------------------------------------------------------------------------------------------------

void ChannelMachine::observed(const Observation& observation, ChannelOutputs& out) {
  const Step* const step = current_step();
  if (state_.phase != Phase::running || step == nullptr) return;
  const Reading& voltage = observation[Measurand::voltage];
  // What was measured before the acknowledgement belongs to the step before.
  if (voltage.at < state_.step.started) return;
  integrate_sample(observation);
  const ConditionInputs inputs{observation, now_, step_time(), state_.step.moved, soc_pct(), state_.step};
  const std::optional<EndFound> found = judge_ends(program_, *step, inputs, state_.step);
  const bool out_of_time = inputs.step_time >= step->time_max;
  record(observation, found || out_of_time, out);
  if (!found && !out_of_time) return;
  if (found || step->time_max_is_normal) {
    end_step(found ? StepEndReason::condition : StepEndReason::time_bound, found, out);
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
