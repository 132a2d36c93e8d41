#include "controller/engine/known_setpoint.hpp"

#include <cmath>

#include "controller/base/overloaded.hpp"
#include "controller/engine/results.hpp"

namespace cellrig {

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

std::optional<Step> as_known(const Step& step, const Program& program, const ChannelState& state) {
  Step known = step;
  const auto found = [&](std::size_t formula) { return value_of(program.formulas[formula], state); };
  if (step.course && step.course_scale) {
    const std::optional<double> factor = found(*step.course_scale);
    if (!factor) return std::nullopt;
    known.course = step.course->scaled(*factor);
  }
  if (step.setpoint && step.magnitude) {
    const std::optional<double> magnitude = found(step.magnitude->formula);
    if (!magnitude) return std::nullopt;
    known.setpoint = with_magnitude(*known.setpoint, *magnitude);
  }
  if (step.setpoint && step.current_bound) {
    const std::optional<double> bound = found(step.current_bound->formula);
    if (!bound) return std::nullopt;
    known.setpoint = with_current_bound(*known.setpoint, Amps{*bound});
  }
  return known;
}

}  // namespace cellrig
