#include "controller/engine/resume_point.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "controller/base/overloaded.hpp"

namespace cellrig {
namespace {

/// The largest current that a set-point lets flow, in the direction it is meant for.
Amps current_bound(const Step& step) {
  const double sign = step.direction == StepDirection::discharge ? -1.0 : 1.0;
  const Setpoint& setpoint = *step.setpoint;
  // Known only when it ran: the most that it may have been.
  if (step.magnitude && !std::holds_alternative<ConstantPower>(setpoint)) return sign * Amps{step.magnitude->max};
  if (step.course && step.course->of_measured)
    return step.course->greatest_charge() > Amps{} ? step.course->of_measured->charge_max
                                                   : -step.course->of_measured->discharge_max;
  if (step.current_bound) return sign * Amps{step.current_bound->max};
  if (step.course) return step.course->greatest_charge() > Amps{} ? step.course->greatest_charge() : -step.course->discharge_max;
  return std::visit(overloaded{
                        [](const ConstantCurrent& s) { return s.current; },
                        [sign](const ConstantVoltage& s) { return sign < 0 ? s.current_min : s.current_max; },
                        [sign](const ConstantPower& s) { return sign * s.current_limit; },
                        [sign](const ConstantResistance& s) { return sign * s.current_limit; },
                    },
                    setpoint);
}

}  // namespace

Amps worse_of(Amps a, Amps b) {
  const bool one_charges = a.value() > 0 || b.value() > 0;
  return one_charges ? std::max(a, b) : std::min(a, b);
}

ResumePoint shifted(const ResumePoint& point, Duration by) {
  ResumePoint moved = point;
  StepState& step = moved.channel.step;
  for (TimePoint* const instant :
       {&step.begun, &step.started, &step.changed, &step.waits_since, &step.last.at, &step.last_recorded, &step.before_step.at})
    *instant += by;
  step.trends.shift(by);
  for (TimePoint& instant : step.true_since) instant += by;
  moved.channel.cycle_state.started += by;
  moved.channel.chamber_asked += by;
  return moved;
}

std::optional<ResumePoint> resume_point_of(std::span<const std::byte> bytes, std::string& why_not) {
  std::uint32_t version = 0;
  if (bytes.size() < sizeof version) {
    why_not = "its resume point is cut off";
    return std::nullopt;
  }
  std::memcpy(&version, bytes.data(), sizeof version);
  if (version != ChannelState::current_version) {
    why_not = "its resume point is of version " + std::to_string(version) + ", this program goes on from version " +
              std::to_string(ChannelState::current_version) +
              " only: resume it with the cellrig that wrote it, unless a newer one has opened this database for writing since";
    return std::nullopt;
  }
  if (bytes.size() != sizeof(ResumePoint)) {
    why_not = "its resume point has " + std::to_string(bytes.size()) + " bytes instead of " + std::to_string(sizeof(ResumePoint));
    return std::nullopt;
  }
  ResumePoint point;
  std::memcpy(&point, bytes.data(), sizeof point);
  return point;
}

std::string misfit(const Program& program, const ChannelState& state) {
  if (state.phase > Phase::finished || state.outcome > Outcome::record_failure) return "a phase that does not exist";
  if (state.pc > program.code.size()) return "an instruction behind the end of the program";
  if (state.loop_depth > loop_depth_max) return "more loops than can be";
  for (std::size_t i = 0; i < state.loop_depth; ++i) {
    const LoopState& loop = state.loops[i];
    const bool is_loop = loop.begin < program.code.size() && std::holds_alternative<LoopBegin>(program.code[loop.begin]);
    if (!is_loop) return "a loop that is none";
    if (loop.passes > std::get<LoopBegin>(program.code[loop.begin]).times) return "more passes of a loop than there are";
  }
  for (std::size_t i = 0; i < program.variables.size() && i < variables_max; ++i) {
    const double value = state.variables[i];
    const bool is_within = value >= program.variables[i].min && value <= program.variables[i].max;
    if (state.step_count > 0 && !is_within) return "a variable beyond its bounds";
  }
  const bool is_in_step = state.step_count > 0 && state.phase != Phase::stopping && state.phase != Phase::finished;
  if (is_in_step && !(state.pc < program.code.size() && std::holds_alternative<Step>(program.code[state.pc])))
    return "a step that is none";
  const bool counts = std::isfinite(state.total.charge.value()) && std::isfinite(state.step.moved.charge.value()) &&
                      std::isfinite(state.total.discharge.value()) && std::isfinite(state.step.moved.discharge.value());
  return counts ? "" : "a charge that is no number";
}

TimePoint seen_until(const StepState& step) { return step.has_last ? std::max(step.last.at, step.begun) : step.begun; }

void catch_up(ResumePoint& point, const RowSeen& row) {
  ChannelState& state = point.channel;
  StepState& step = state.step;
  if (step.has_last && row.sample.at <= step.last.at) return;
  if (state.phase == Phase::applying) {  // the first row of a step follows the acknowledgement at once
    state.phase = Phase::running;
    step.started = row.sample.at;
    step.changed = row.sample.at;
    step.inherited = Amps{0.0};
  }
  step.end_wait(row.sample.at);
  Throughput moved = step.before.moved;
  moved += row.step_moved;
  const Throughput more = moved - step.moved;
  if (step.has_last && row.constant_voltage) {
    step.cv_time += row.sample.at - step.last.at;
    step.cv_charge += more.charge + more.discharge;
  }
  step.moved = moved;
  state.total += more;
  if (state.in_cycle) state.cycle_state.moved += more;
  state.charge_since_soc_Ah += more.net().value();
  point.guard.net_Ah += more.net().value();
  point.guard.charged_Ah += more.charge.value();
  point.guard.lowest_net_Ah = std::min(point.guard.lowest_net_Ah, point.guard.net_Ah);
  if (row.cell_degC) {
    step.cell_temperature.include(*row.cell_degC);
    state.cell_temperature.include(*row.cell_degC);
    if (state.in_cycle) state.cycle_state.cell_temperature.include(*row.cell_degC);
  }
  step.last = row.sample;
  step.has_last = true;
}

UnseenCharge unseen_charge(const Program& program, const ChannelState& state, Duration time) {
  const Step* const step = state.pc < program.code.size() ? std::get_if<Step>(&program.code[state.pc]) : nullptr;
  UnseenCharge unseen{state.step.inherited, time};
  if (state.step.has_last) unseen.current = worse_of(unseen.current, state.step.last.current);
  if (step == nullptr || !step->setpoint || state.phase == Phase::awaiting_chamber) return unseen;
  // Once the voltage is regulated the current falls: the measured one is the bound. Before, it may yet rise to its limit.
  const bool is_known = state.phase != Phase::applying && state.step.has_last && state.step.cv_time > Duration::zero() &&
                        std::holds_alternative<ConstantVoltage>(*step->setpoint);
  if (!is_known) unseen.current = worse_of(unseen.current, current_bound(*step));
  return unseen;
}

}  // namespace cellrig
