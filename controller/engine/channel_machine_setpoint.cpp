// What a step begins with, when some of it is known only now: judged before anything is switched on.
#include <algorithm>
#include <cmath>

#include "controller/base/overloaded.hpp"
#include "controller/engine/channel_machine.hpp"
#include "controller/engine/results.hpp"

namespace cellrig {
namespace {

/// The expected set-point with its current or power as it is known now; the direction stays.
Setpoint with_magnitude(Setpoint setpoint, double magnitude) {
  std::visit(overloaded{
                 [magnitude](ConstantCurrent& s) { s.current = Amps{std::copysign(magnitude, s.current.value())}; },
                 [magnitude](ConstantVoltage& s) {
                   if (s.current_max > Amps{}) s.current_max = Amps{magnitude};
                   if (s.current_min < Amps{}) s.current_min = Amps{-magnitude};
                 },
                 [magnitude](ConstantPower& s) { s.power = Watts{std::copysign(magnitude, s.power.value())}; },
                 [magnitude](ConstantResistance& s) { s.resistance = Ohms{magnitude}; },
             },
             setpoint);
  return setpoint;
}

Setpoint with_current_bound(Setpoint setpoint, Amps bound) {
  std::visit(overloaded{
                 [](const ConstantCurrent&) {},
                 [bound](ConstantVoltage& s) {
                   if (s.current_max > Amps{}) s.current_max = bound;
                   if (s.current_min < Amps{}) s.current_min = -bound;
                 },
                 [bound](ConstantPower& s) { s.current_limit = bound; },
                 [bound](ConstantResistance& s) { s.current_limit = bound; },
             },
             setpoint);
  return setpoint;
}

/// A rounding must not refuse what is allowed to the last digit.
constexpr double rounding = 1e-9;

}  // namespace

/// What of the set-point nobody knew before is judged here: nothing is switched on by a number that nobody has judged.
std::optional<output::Unusable> ChannelMachine::make_setpoint(const Step& step, std::optional<Setpoint>& wanted) {
  scaled_.reset();
  if (step.course) {
    if (std::optional<output::Unusable> why = judge_course(step)) return why;
    state_.step.course_value = course_of(step).value_at(state_.step.ran_before_pause);
    wanted = course_of(step).setpoint_of(state_.step.course_value);
    return std::nullopt;
  }
  double value = 0.0;
  if (step.magnitude) {
    if (std::optional<output::Unusable> why = judge_magnitude(step, *step.magnitude, value)) return why;
    wanted = with_magnitude(*step.setpoint, value);
  }
  if (step.current_bound) {
    if (std::optional<output::Unusable> why = judge_magnitude(step, *step.current_bound, value)) return why;
    wanted = with_current_bound(*wanted, Amps{value});
  }
  return std::nullopt;
}

/// Within what the program allows and what bench and cycler do.
std::optional<output::Unusable> ChannelMachine::judge_magnitude(const Step& step, const Magnitude& magnitude,
                                                                double& value) const {
  output::Unusable why{state_.pc, output::Unusable::Why::not_known, 0.0, static_cast<std::int16_t>(magnitude.formula)};
  const std::optional<double> found = value_of(program_.formulas[magnitude.formula], state_);
  if (!found) return why;
  const bool is_power = step.kind == StepKind::cp && step.magnitude && step.magnitude->formula == magnitude.formula;
  const Amps here = step.direction == StepDirection::charge ? options_.charge_max : options_.discharge_max;
  why.most = std::min(magnitude.max, is_power ? options_.power_max.value() : here.value());
  why.least = is_power ? 0.0 : options_.current_min.value();
  why.value = value = *found;
  why.why = output::Unusable::Why::out_of_bounds;
  // Written so that NaN is refused.
  if (!(value > 0.0 && value >= why.least && value <= why.most)) return why;
  return std::nullopt;
}

/// The same of every value that a course with rates of the measured capacity will ask for.
std::optional<output::Unusable> ChannelMachine::judge_course(const Step& step) {
  if (!step.course_scale) return std::nullopt;
  output::Unusable why{state_.pc, output::Unusable::Why::not_known, 0.0, static_cast<std::int16_t>(*step.course_scale)};
  const std::optional<double> factor = value_of(program_.formulas[*step.course_scale], state_);
  if (!factor || !(*factor > 0.0)) return why;
  scaled_ = step.course->scaled(*factor);
  why.why = output::Unusable::Why::out_of_bounds;
  for (const bool charges : {true, false}) {
    Amps allowed =
        charges ? std::min(scaled_->charge_max, options_.charge_max) : std::min(scaled_->discharge_max, options_.discharge_max);
    if (step.limits) allowed = std::min(allowed, charges ? step.limits->charge_current_max : step.limits->discharge_current_max);
    why.value = scaled_->asked_for(charges).value();
    why.most = allowed.value();
    if (!(why.value <= why.most * (1.0 + rounding))) return why;
  }
  return std::nullopt;
}

}  // namespace cellrig
