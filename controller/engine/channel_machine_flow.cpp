// Instructions that take no time: loops, cycles, criteria, variables, marks, diagnostics, and where a step's end leads.
#include <algorithm>
#include <cmath>
#include <limits>

#include "controller/base/overloaded.hpp"
#include "controller/engine/channel_machine.hpp"
#include "controller/engine/results.hpp"

namespace cellrig {
namespace {

/// What an offset of the cycler brings together in a cycle without a charge is none.
constexpr double cycle_charge_min_of_nominal = 0.001;

}  // namespace

/// False: the program does not go on here.
bool ChannelMachine::run_timeless(const Instruction& instruction, ChannelOutputs& out) {
  const auto next = [this] {
    ++state_.pc;
    return true;
  };
  return std::visit(overloaded{
                        [](const Step&) { return false; },
                        [&](const LoopBegin& loop) {
                          if (loop.diagnostics >= 0)
                            state_.diagnostics[static_cast<std::size_t>(loop.diagnostics) % diagnostics_max] = DiagnosticsState{};
                          begin_pass(loop);
                          return true;
                        },
                        [&](const LoopEnd&) {
                          end_pass(out);
                          return true;
                        },
                        [&](const StopIf& stop_if) {
                          if (!stop_holds(stop_if, out)) return next();
                          finish_with_off(Outcome::completed, out);
                          return false;
                        },
                        [&](const Require& require) {
                          judge(require, out);
                          return next();
                        },
                        [&](const LeaveIf& leave) { return leave_loop(leave, out) || next(); },
                        [&](const SetVariable& set) {
                          if (set_variable(set, out)) return next();
                          finish_with_off(Outcome::failed, out);
                          return false;
                        },
                        [&](const Mark&) {
                          out.push(output::Marked{state_.pc});
                          return next();
                        },
                        [&](const AdvanceCycle&) {
                          const bool is_reference = state_.cycle_is_reference;
                          const bool goes_on = state_.in_cycle;
                          end_cycle(out);
                          begin_cycle(goes_on && is_reference);
                          return next();
                        },
                        [&](const Diagnostics& diagnostics) {
                          enter_diagnostics(diagnostics, out);
                          return true;
                        },
                        [&](const DiagnosticsEnd& end) {
                          end_diagnostics(end);
                          return next();
                        },
                    },
                    instruction);
}

// ---- loops and cycles -----------------------------------------------------------------------------------------------

void ChannelMachine::begin_cycle(bool is_reference) {
  ++state_.cycle;
  state_.in_cycle = true;
  state_.cycle_is_reference = is_reference;
  state_.cycle_state = CycleState{};
  state_.cycle_state.started = now_;
}

void ChannelMachine::begin_pass(const LoopBegin& loop) {
  if (loop.times == 0 || state_.loop_depth >= loop_depth_max) {
    state_.pc = static_cast<std::uint32_t>(loop.end) + 1;
    return;
  }
  state_.loops[state_.loop_depth++] = LoopState{.begin = state_.pc, .passes = 1};
  ++state_.pc;
  if (loop.counts_cycles) begin_cycle(loop.is_reference);
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
  const bool was_charged = moved.charge.value() >= cycle_charge_min_of_nominal * program_.nominal_capacity.value();
  results.has_coulombic = was_charged;
  if (results.has_coulombic) results.coulombic_efficiency = moved.discharge.value() / moved.charge.value();
  results.has_energy = was_charged && moved.charge_energy.value() > 0;
  if (results.has_energy) results.energy_efficiency = moved.discharge_energy.value() / moved.charge_energy.value();
  const double retention = results.reference_first_Ah > 0 ? state_.cycle_state.reference_Ah / results.reference_first_Ah : 0.0;
  count_for_diagnostics();
  out.push(output::CycleEnded{state_.cycle, state_.cycle_is_reference, now_, state_.cycle_state, retention});
  state_.in_cycle = false;
}

/// Leaves loops from the inside until so many are left. A cycle that is left on purpose counts.
void ChannelMachine::pop_loops(std::size_t depth, ChannelOutputs& out) {
  while (state_.loop_depth > depth) {
    const LoopState& pass = state_.loops[--state_.loop_depth];
    if (std::get<LoopBegin>(program_.code[pass.begin]).counts_cycles) end_cycle(out);
  }
}

bool ChannelMachine::leave_loop(const LeaveIf& leave, ChannelOutputs& out) {
  if (state_.loop_depth <= leave.loop) return false;
  const std::optional<double> value = compared_value(leave.condition, state_);
  const std::optional<double> threshold = threshold_of(leave.condition, program_, state_);
  if (!value || !threshold || !compare(*value, leave.condition.comparison, *threshold)) return false;
  out.push(output::LoopLeft{state_.pc, *value, *threshold});
  const LoopBegin& loop = std::get<LoopBegin>(program_.code[state_.loops[leave.loop].begin]);
  pop_loops(leave.loop, out);
  state_.pc = static_cast<std::uint32_t>(loop.end) + 1;
  close_left_diagnostics();
  return true;
}

/// The step has ended by a condition, which says where the run goes on.
void ChannelMachine::leave_by(const Step& step, const EndFound& found, ChannelOutputs& out) {
  const EndCondition& end = step.ends[found.end];
  end_step(StepEndReason::condition, found, out);
  switch (end.target) {
    case EndCondition::Target::next: ++state_.pc; break;
    case EndCondition::Target::step:
      pop_loops(end.loop_depth, out);
      state_.pc = end.instruction;
      close_left_diagnostics();
      break;
    case EndCondition::Target::end_run: end_cycle(out); return finish_with_off(Outcome::completed, out);
    case EndCondition::Target::failure: return finish_with_off(Outcome::failed, out);
  }
  run_instructions(out);
}

// ---- criteria and variables -----------------------------------------------------------------------------------------

bool ChannelMachine::stop_holds(const StopIf& stop_if, ChannelOutputs& out) {
  const std::optional<double> value = compared_value(stop_if.condition, state_);
  const std::optional<double> threshold = threshold_of(stop_if.condition, program_, state_);
  // Not known yet: nothing to stop for. Lost: what was to keep the run from going on cannot be asked any more.
  const bool is_blind = stop_if.condition.variable < 0 && is_lost(stop_if.condition.quantity, state_.results);
  const bool holds = value && threshold && compare(*value, stop_if.condition.comparison, *threshold);
  if (!is_blind && !holds) return false;
  if (is_blind) state_.criteria_met = false;
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  out.push(output::StopHeld{state_.pc, value.value_or(unknown), threshold.value_or(unknown)});
  end_cycle(out);  // the profile stops here on purpose: the cycle counts. One that is cut off by a stop or trip does not.
  return true;
}

void ChannelMachine::judge(const Require& require, ChannelOutputs& out) {
  const ResultCondition& condition = require.condition;
  const std::optional<double> value = compared_value(condition, state_);
  const std::optional<double> threshold = threshold_of(condition, program_, state_);
  const bool known = value && threshold;
  const bool met = known && compare(*value, condition.comparison, *threshold);
  state_.criteria_met = state_.criteria_met && met;
  out.push(output::CriterionJudged{state_.pc, met, known, value.value_or(0.0), known ? *value - *threshold : 0.0});
}

bool ChannelMachine::set_variable(const SetVariable& set, ChannelOutputs& out) {
  const Variable& variable = program_.variables[set.variable];
  const std::optional<double> value = value_of(program_.formulas[set.formula], state_);
  const bool is_within = value && *value >= variable.min && *value <= variable.max;
  if (!is_within) {
    const auto why = value ? output::Unusable::Why::out_of_bounds : output::Unusable::Why::not_known;
    out.push(output::Unusable{state_.pc, why, value.value_or(0.0)});
    return false;
  }
  state_.variables[set.variable] = *value;
  out.push(output::VariableSet{set.variable, *value});
  return true;
}

// ---- diagnostics ----------------------------------------------------------------------------------------------------

void ChannelMachine::note_alarm() {
  for (DiagnosticsState& since : state_.diagnostics) since.alarm = true;
}

void ChannelMachine::count_for_diagnostics() {
  if (state_.cycle_is_reference) return;
  const double discharged_Ah = state_.cycle_state.moved.discharge.value();
  const bool was_discharged = discharged_Ah >= cycle_charge_min_of_nominal * program_.nominal_capacity.value();
  for (DiagnosticsState& since : state_.diagnostics) {
    ++since.cycles;
    if (!was_discharged) continue;
    if (!since.has_first) since.first_Ah = discharged_Ah;
    since.has_first = true;
    since.last_Ah = discharged_Ah;
  }
}

void ChannelMachine::enter_diagnostics(const Diagnostics& diagnostics, ChannelOutputs& out) {
  DiagnosticsState& since = state_.diagnostics[diagnostics.slot];
  const double fade_pct = since.has_first ? 100.0 * (1.0 - since.last_Ah / since.first_Ah) : 0.0;
  std::optional<output::DiagnosticsBegun> begun;
  if (diagnostics.after_alarm && since.alarm) begun = output::DiagnosticsBegun{state_.pc, output::DiagnosticsReason::alarm, 0.0};
  if (diagnostics.fade_pct > 0 && fade_pct >= diagnostics.fade_pct)
    begun = output::DiagnosticsBegun{state_.pc, output::DiagnosticsReason::fade, fade_pct};
  if (diagnostics.every_cycles > 0 && since.cycles >= diagnostics.every_cycles)
    begun = output::DiagnosticsBegun{state_.pc, output::DiagnosticsReason::cycles, static_cast<double>(since.cycles)};
  if (!begun) {
    state_.pc = static_cast<std::uint32_t>(diagnostics.end);
    return;
  }
  out.push(*begun);
  since = DiagnosticsState{};
  since.is_open = true;
  since.had_chamber = state_.chamber_requested;
  since.chamber_degC = state_.chamber_degC;
  ++state_.pc;
}

/// A jump out of them ends them, too: the inner ones first, so that what the outer ones give back counts.
void ChannelMachine::close_left_diagnostics() {
  for (std::size_t i = program_.code.size(); i-- > 0;) {
    const Diagnostics* const diagnostics = std::get_if<Diagnostics>(&program_.code[i]);
    if (diagnostics == nullptr || !state_.diagnostics[diagnostics->slot].is_open) continue;
    if (state_.pc <= i || state_.pc >= diagnostics->end) end_diagnostics(DiagnosticsEnd{diagnostics->slot});
  }
}

void ChannelMachine::end_diagnostics(const DiagnosticsEnd& end) {
  const DiagnosticsState before = state_.diagnostics[end.slot];
  state_.diagnostics[end.slot] = DiagnosticsState{};
  if (!before.had_chamber || before.chamber_degC == state_.chamber_degC) return;
  state_.chamber_degC = before.chamber_degC;
  state_.chamber_granted = false;
  state_.chamber_lost = true;  // the next step asks for it
}

}  // namespace cellrig
