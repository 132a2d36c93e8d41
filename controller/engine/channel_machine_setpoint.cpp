// What a step begins with, when some of it is known only now: judged before anything is switched on.
#include <algorithm>
#include <cmath>

#include "controller/base/overloaded.hpp"
#include "controller/engine/channel_machine.hpp"
#include "controller/engine/known_setpoint.hpp"
#include "controller/engine/results.hpp"

namespace cellrig {
namespace {

/// A rounding must not refuse what is allowed to the last digit.
constexpr double rounding = 1e-9;

/// The most that the cell stands at while the set-point is in force: regulated down to a voltage, it comes from above.
Volts greatest_voltage(const Setpoint& setpoint, StepDirection direction, Volts limit) {
  return std::visit(
      overloaded{
          [&](const ConstantVoltage& s) { return direction == StepDirection::charge ? s.voltage : std::max(limit, s.voltage); },
          [](const auto& s) { return s.voltage_max; },
      },
      setpoint);
}

/// Of a course of voltages the greatest of them; any other is held within its bounds.
Volts greatest_voltage(const Course& course) {
  if (course.quantity != Course::Quantity::voltage) return course.voltage_max;
  double most = 0.0;
  for (const CoursePoint& point : course.points) most = std::max(most, point.value);
  return Volts{most};
}

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
  // A current at the greatest voltage is a power, and the least current at the lowest one is the least power.
  const bool flows_by_power = std::holds_alternative<ConstantPower>(*step.setpoint);
  const double by_power =
      options_.power_max.value() / greatest_voltage(*step.setpoint, step.direction, program_.limits.voltage_max).value();
  why.most = std::min(magnitude.max, is_power         ? options_.power_max.value()
                                     : flows_by_power ? here.value()
                                                      : std::min(here.value(), by_power));
  why.least = options_.current_min.value();
  if (is_power) why.least *= std::get<ConstantPower>(*step.setpoint).voltage_min.value();
  why.value = value = *found;
  why.why = output::Unusable::Why::out_of_bounds;
  // Written so that NaN is refused.
  if (!(value > 0.0 && value >= why.least * (1.0 - rounding) && value <= why.most * (1.0 + rounding))) return why;
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
    if (scaled_->quantity != Course::Quantity::power)
      why.most = std::min(why.most, options_.power_max.value() / greatest_voltage(*scaled_).value());
    if (!(why.value <= why.most * (1.0 + rounding))) return why;
  }
  why.least = options_.current_min.value();
  if (scaled_->quantity == Course::Quantity::voltage) {
    why.value = std::min(scaled_->charge_max, scaled_->discharge_max).value();
    return why.value < why.least * (1.0 - rounding) ? std::optional{why} : std::nullopt;
  }
  if (scaled_->quantity == Course::Quantity::power) why.least *= scaled_->voltage_min.value();
  const std::optional<CoursePoint> tiny = scaled_->first_below(why.least * (1.0 - rounding));
  if (!tiny) return std::nullopt;
  why.value = std::abs(tiny->value);
  return why;
}

}  // namespace cellrig
