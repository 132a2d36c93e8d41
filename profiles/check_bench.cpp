// Set-points, temperatures and durations against the safety limits and against what the instruments can do.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "controller/base/overloaded.hpp"
#include "profiles/cell.hpp"
#include "profiles/check_rules.hpp"
#include "profiles/courses.hpp"
#include "profiles/describe.hpp"
#include "profiles/estimate.hpp"
#include "profiles/number.hpp"

namespace cellrig {
namespace {

class SetpointChecker {
 public:
  SetpointChecker(const StepVisit& visit, FindingSink& sink)
      : visit_{visit},
        program_{visit.program},
        limits_{visit.program.limits},
        step_{visit.step},
        cycler_{visit.context.cycler},
        sink_{sink} {}

  void check() {
    check_voltage_nesting();
    check_current_nesting();
    check_current_at_temperature();
    if (!cycler_) return;
    check_mode();
    check_current();
    check_voltage();
    check_power();
  }

 private:
  void error(const std::string& message) { sink_.error(step_.source, step_.name + ": " + message); }
  void warning(const std::string& message) { sink_.warning(step_.source, step_.name + ": " + message); }
  [[nodiscard]] bool charges() const { return step_.direction == StepDirection::charge; }
  /// This way: a course may ask for more the other way.
  [[nodiscard]] Amps most_current() const {
    if (!step_.course) return current_bound(step_);
    const CurrentBounds bounds = current_bounds(*step_.setpoint);
    return charges() ? bounds.charge : bounds.discharge;
  }
  [[nodiscard]] std::string cycler_name() const { return "the cycler ('" + cycler_->model + "')"; }
  [[nodiscard]] std::string as_rate(Amps current) const {
    return with_unit(current.value(), "A") + " (" + format_short(current.value() / program_.nominal_capacity.value()) + " C)";
  }

  /// The instrument regulates to the bound with its own error: the true voltage may lie that much beyond it.
  void check_voltage_nesting() {
    const HeldVoltage held = held_voltage(program_, step_);
    const double needed_up =
        cycler_ ? cycler_->voltage_accuracy.bound_at(held.max.value()) + cycler_->voltage_resolution.value() : 0.0;
    const double needed_down =
        cycler_ ? cycler_->voltage_accuracy.bound_at(held.min.value()) + cycler_->voltage_resolution.value() : 0.0;
    if (charges())
      check_bound(held.max.value(), limits_.voltage_max.value(), limits_.voltage_max.value() - held.max.value(), needed_up);
    if (!charges())
      check_bound(held.min.value(), limits_.voltage_min.value(), held.min.value() - limits_.voltage_min.value(), needed_down);
  }

  void check_bound(double bound, double limit, double distance, double needed) {
    const std::string both =
        "the set-point's bound of " + with_unit(bound, "V") + " and the safety limit of " + with_unit(limit, "V");
    if (!(distance > 0.0)) {
      error(both + " do not nest: the bound lies at or beyond the limit");
    } else if (distance < needed) {
      error(both + " do not nest: they are " + with_unit(distance, "V") + " apart, accuracy and resolution of '" +
            cycler_->model + "' need " + with_unit(needed, "V") +
            " (another range, or limits.voltage_max_V and voltage_min_V in the cell's file)");
    }
  }

  void check_current_nesting() {
    const Amps most = most_current();
    const Amps limit = charges() ? limits_.charge_current_max : limits_.discharge_current_max;
    const double error_bound =
        cycler_ ? cycler_->current_accuracy.bound_at(most.value()) + cycler_->current_resolution.value() : 0.0;
    if (!(most.value() + error_bound < limit.value())) {
      error("the set-point's current of " + as_rate(most) + " and the safety limit of " + with_unit(limit.value(), "A") +
            " do not nest" + (error_bound > 0.0 ? ", accuracy and resolution of " + with_unit(error_bound, "A") + " added" : ""));
    }
  }

  /// The cell's limit at the temperature that the profile asks of the chamber. Who knows no temperature has the least of all,
  /// like the supervisor.
  void check_current_at_temperature() {
    check_current_at_temperature(true, limits_.charge_current_by_temperature);
    check_current_at_temperature(false, limits_.discharge_current_by_temperature);
  }

  void check_current_at_temperature(bool charging, const CurrentByTemperature& table) {
    const CurrentBounds bounds = current_bounds(*step_.setpoint);
    const Amps most = charging ? bounds.charge : bounds.discharge;
    if (table.empty() || most == Amps{}) return;
    const bool has_thermometer = !cycler_ || (visit_.context.logger && visit_.context.logger->temperature_channels > 0);
    if (has_thermometer && !visit_.temperature) return;  // the room's: the supervisor follows what is measured
    // Colder than any charge may be: check_temperature() says so.
    if (charging && visit_.temperature && *visit_.temperature < limits_.charge_temperature_min) return;
    const Amps limit = has_thermometer ? table.at(*visit_.temperature) : table.least();
    const Amps allowed = limit / safety_current_factor;
    const Amps doubt{cycler_ ? cycler_->current_accuracy.bound_at(most.value()) + cycler_->current_resolution.value() : 0.0};
    const std::string where = has_thermometer ? "at " + with_unit(visit_.temperature->value(), "degC")
                                              : "at a temperature that nobody measures on this channel";
    const std::string what = as_rate(most) + " is more than the cell may be " + (charging ? "charged" : "discharged") + " with ";
    const double rounding = 1e-9;
    if (!(most <= allowed * (1.0 + rounding))) return error(what + where + ", " + as_rate(allowed));
    if (!(most + doubt < limit)) {
      return error("the set-point's current of " + as_rate(most) + " and the safety limit of " + with_unit(limit.value(), "A") +
                   " " + where + " do not nest, accuracy and resolution of " + with_unit(doubt.value(), "A") + " added");
    }
    if (has_thermometer) warn_of_less(most + doubt, table);
  }

  /// Chamber and thermometer err: a cell at the edge of its map may be measured a little colder or warmer.
  void warn_of_less(Amps most, const CurrentByTemperature& table) {
    const Celsius asked = *visit_.temperature;
    const auto error_of = [&](const auto& instrument) {
      return instrument ? instrument->temperature_accuracy.bound_at(asked.value()) : 0.0;
    };
    const Celsius doubt{error_of(visit_.context.chamber) + error_of(visit_.context.logger)};
    const Amps least = table.least_between(asked - doubt, asked + doubt);
    if (most < least) return;
    warning("at " + with_unit(asked.value(), "degC") + " the channel may trip: chamber and thermometer err by up to " +
            with_unit(doubt.value(), "K") + ", and within that the safety limit falls to " + with_unit(least.value(), "A"));
  }

  void check_mode() {
    if (step_.kind == StepKind::cp && !cycler_->has_constant_power) error(cycler_name() + " has no constant-power mode");
    if (step_.kind == StepKind::cr && !cycler_->has_constant_resistance)
      error(cycler_name() + " has no constant-resistance mode");
    if (const ConstantResistance* constant = std::get_if<ConstantResistance>(&*step_.setpoint)) check_resistance(*constant);
  }

  void check_resistance(const ConstantResistance& constant) {
    const double asked = constant.resistance.value();
    const double least = cycler_->resistance_min.value(), most = cycler_->resistance_max.value();
    if (cycler_->has_constant_resistance && ((least > 0.0 && asked < least) || (most > 0.0 && asked > most))) {
      error(with_unit(asked, "Ohm") + " is outside the range of " + cycler_name() + ", " + format_short(least) + " to " +
            with_unit(most, "Ohm"));
    }
    const double at_top = constant.voltage_max.value() / asked;
    if (at_top > constant.current_limit.value()) {
      warning("near " + with_unit(constant.voltage_max.value(), "V") + " the resistance needs more than its current limit of " +
              with_unit(constant.current_limit.value(), "A") + ": the cell sees a greater one");
    }
  }

  void check_current() {
    const Amps most = most_current();
    const Amps available = charges() ? cycler_->charge_current_max : cycler_->discharge_current_max;
    if (!(most <= available))
      error(as_rate(most) + " is beyond " + cycler_name() + ", which " + (charges() ? "charges" : "discharges") +
            " with at most " + as_rate(available));
    if (most < cycler_->current_limit_min) {
      error(as_rate(most) + " is below the smallest current limit of " + cycler_name() + ", " +
            with_unit(cycler_->current_limit_min.value(), "A"));
    }
  }

  void check_voltage() {
    const HeldVoltage held = held_voltage(program_, step_);
    if (held.max > cycler_->voltage_max)
      error(with_unit(held.max.value(), "V") + " is beyond " + cycler_name() + ", which reaches " +
            with_unit(cycler_->voltage_max.value(), "V"));
    if (held.min < cycler_->voltage_min)
      error(with_unit(held.min.value(), "V") + " is below the " + with_unit(cycler_->voltage_min.value(), "V") + " of " +
            cycler_name());
  }

  void check_power() {
    const HeldVoltage held = held_voltage(program_, step_);
    const Amps most = most_current();
    double power = (most * held.max).value();
    if (const ConstantPower* constant = std::get_if<ConstantPower>(&*step_.setpoint)) {
      power = std::abs(constant->power.value());
      if (power / held.min.value() > most.value()) {
        warning("near " + with_unit(held.min.value(), "V") + " the power needs more than its current limit of " +
                with_unit(most.value(), "A") + " and will fall");
      }
    }
    if (power > cycler_->power_max.value()) {
      error(with_unit(power, "W") + " is beyond " + cycler_name() + ", which has " + with_unit(cycler_->power_max.value(), "W"));
    }
  }

  const StepVisit& visit_;
  const Program& program_;
  const SafetyLimits& limits_;
  const Step& step_;
  const std::optional<CyclerCapabilities>& cycler_;
  FindingSink& sink_;
};

template <class Predicate>
SourceSpot first_spot(const Program& program, const Predicate& is_it) {
  for (const Instruction& instruction : program.code) {
    const Step* step = std::get_if<Step>(&instruction);
    if (step != nullptr && is_it(*step)) return step->source;
  }
  return {};
}

bool names_measurand(const Program& program, std::size_t index, Measurand measurand) {
  const ConditionNode& node = program.nodes[index];
  if (node.kind == ConditionNode::Kind::leaf) return needs_sensor(node.quantity, measurand);
  std::size_t child = node.first_child;
  for (std::size_t i = 0; i < node.child_count; ++i) {
    if (names_measurand(program, child, measurand)) return true;
    child = program.nodes[child].next_sibling;
  }
  return false;
}

/// The first step with an end on it; line 0: none has.
SourceSpot first_spot_naming(const Program& program, Measurand measurand) {
  return first_spot(program, [&](const Step& step) {
    return std::any_of(step.ends.begin(), step.ends.end(),
                       [&](const EndCondition& end) { return names_measurand(program, end.root, measurand); });
  });
}

/// Seconds that the air needs at the model's rate, were it to begin at once.
double ramp_seconds(const ChamberRamp& ramp, double from, double to) {
  const double rate = to > from ? ramp.heating_K_per_min : ramp.cooling_K_per_min;
  return std::abs(to - from) / rate * 60.0;
}

/// The least time in which an end can hold, as far as it hangs on the air's temperature; 0 where it does not.
double least_seconds(const Program& program, std::size_t index, const ChamberRamp& ramp, double from) {
  const ConditionNode& node = program.nodes[index];
  if (node.kind == ConditionNode::Kind::leaf) {
    const bool is_temperature = node.quantity == ConditionQuantity::cell_temperature_degC ||
                                node.quantity == ConditionQuantity::ambient_temperature_degC ||
                                node.quantity == ConditionQuantity::chamber_temperature_degC;
    const double hold = to_seconds(node.hold);
    if (!is_temperature) return hold;
    const bool is_there = points_up(node.comparison) ? from >= node.value : from <= node.value;
    return hold + (is_there ? 0.0 : ramp_seconds(ramp, from, node.value));
  }
  const bool all = node.kind == ConditionNode::Kind::all_of;
  double decided = all ? 0.0 : std::numeric_limits<double>::infinity();
  std::size_t child = node.first_child;
  for (std::size_t i = 0; i < node.child_count; ++i) {
    const double seconds = least_seconds(program, child, ramp, from);
    decided = all ? std::max(decided, seconds) : std::min(decided, seconds);
    child = program.nodes[child].next_sibling;
  }
  return decided;
}

}  // namespace

HeldVoltage held_voltage(const Program& program, const Step& step) {
  const SafetyLimits& limits = program.limits;
  if (!step.setpoint) return {limits.voltage_min, limits.voltage_max};
  if (step.course) return {step.course->voltage_min, step.course->voltage_max};
  return std::visit(overloaded{
                        [](const ConstantCurrent& s) {
                          return HeldVoltage{s.voltage_min, s.voltage_max};
                        },
                        // Regulating to one voltage, the cell comes from below when it is charged and from above otherwise.
                        [&](const ConstantVoltage& s) {
                          return step.direction == StepDirection::charge
                                     ? HeldVoltage{std::min(limits.voltage_min, s.voltage), s.voltage}
                                     : HeldVoltage{s.voltage, std::max(limits.voltage_max, s.voltage)};
                        },
                        [](const ConstantPower& s) {
                          return HeldVoltage{s.voltage_min, s.voltage_max};
                        },
                        [](const ConstantResistance& s) {
                          return HeldVoltage{s.voltage_min, s.voltage_max};
                        },
                    },
                    *step.setpoint);
}

Amps current_bound(const Step& step) {
  if (!step.setpoint) return Amps{0.0};
  if (step.course) {
    Amps most{};
    for (const std::optional<Setpoint>& face : {hardest_charge(*step.course), hardest_discharge(*step.course)}) {
      if (face) most = std::max({most, current_bounds(*face).charge, current_bounds(*face).discharge});
    }
    return most;
  }
  const CurrentBounds bounds = current_bounds(*step.setpoint);
  return std::max(bounds.charge, bounds.discharge);
}

namespace {

/// The step with this set-point and direction, as if it had no other.
void check_face(const StepVisit& visit, const std::optional<Setpoint>& setpoint, StepDirection direction, FindingSink& sink) {
  if (!setpoint) return;
  Step face = visit.step;
  face.setpoint = setpoint;
  face.direction = direction;
  if (std::holds_alternative<ConstantPower>(*setpoint)) face.kind = StepKind::cp;
  const StepVisit there{visit.program,          visit.context,      face,          visit.temperature,  visit.temperature_before,
                        visit.cell_may_be_cold, visit.soc_is_known, visit.soc_pct, visit.has_known_soc};
  SetpointChecker{there, sink}.check();
}

}  // namespace

namespace {

/// The cycler holds no current below its least limit: a value of the course between it and none would be refused in the middle of the run.
void check_smallest(const StepVisit& visit, FindingSink& sink) {
  const Course& course = *visit.step.course;
  if (!visit.context.cycler || course.quantity == Course::Quantity::voltage) return;
  const CyclerCapabilities& cycler = *visit.context.cycler;
  const double least_A = std::max(cycler.current_limit_min, cycler.current_resolution).value();
  const bool is_power = course.quantity == Course::Quantity::power;
  const double least = is_power ? least_A * course.voltage_min.value() : least_A;
  if (const std::optional<CoursePoint> found = course.first_below(least)) {
    sink.error(visit.step.source, visit.step.name + ": " + with_unit(found->value, is_power ? "W" : "A") + " at " +
                                      describe(found->at) + " is below the smallest current limit of the cycler ('" +
                                      cycler.model + "'), " + with_unit(least_A, "A"));
  }
}

}  // namespace

void check_setpoint(const StepVisit& visit, FindingSink& sink) {
  if (!visit.step.course) return check_face(visit, visit.step.setpoint, visit.step.direction, sink);
  check_smallest(visit, sink);
  check_face(visit, hardest_charge(*visit.step.course), StepDirection::charge, sink);
  check_face(visit, hardest_discharge(*visit.step.course), StepDirection::discharge, sink);
}

void check_temperature(const StepVisit& visit, FindingSink& sink) {
  const Step& step = visit.step;
  const SafetyLimits& limits = visit.program.limits;
  if (step.chamber_temperature) {
    const double asked = step.chamber_temperature->value();
    const std::string request = step.name + ": the chamber temperature of " + with_unit(asked, "degC");
    double accuracy = 0.0;
    if (visit.context.chamber) {
      const ChamberCapabilities& chamber = *visit.context.chamber;
      accuracy = chamber.temperature_accuracy.bound_at(asked);
      if (asked < chamber.temperature_min.value() || asked > chamber.temperature_max.value()) {
        sink.error(step.source, request + " is outside the range of '" + chamber.model + "', " +
                                    format_short(chamber.temperature_min.value()) + " to " +
                                    with_unit(chamber.temperature_max.value(), "degC"));
      }
    }
    if (!(asked + accuracy < limits.cell_temperature_max.value())) {
      sink.error(step.source, request + " does not nest inside the cell's upper limit of " +
                                  with_unit(limits.cell_temperature_max.value(), "degC"));
    }
    if (!(asked - accuracy > limits.cell_temperature_min.value())) {
      sink.error(step.source, request + " does not nest inside the cell's lower limit of " +
                                  with_unit(limits.cell_temperature_min.value(), "degC"));
    }
  }
  if (!step.may_charge) return;
  if (const auto& most = visit.program.charge_temperature_max; most && visit.temperature && *visit.temperature > *most) {
    sink.error(step.source, step.name + ": charging at a chamber temperature of " +
                                with_unit(visit.temperature->value(), "degC") + " is above the cell's maximum for charging, " +
                                with_unit(most->value(), "degC"));
  }
  const double charge_min = limits.charge_temperature_min.value();
  if (visit.temperature && visit.temperature->value() < charge_min) {
    sink.error(step.source, step.name + ": charging at a chamber temperature of " +
                                with_unit(visit.temperature->value(), "degC") + " is below the cell's minimum for charging, " +
                                with_unit(charge_min, "degC"));
  } else if (visit.cell_may_be_cold) {
    // Only a warning: a long timed soak may do, and the supervisor trips before a cold cell is charged for long.
    sink.warning(step.source, step.name + ": the cell may still be colder than the " + with_unit(charge_min, "degC") +
                                  " it needs for charging: first 'soak' until cell_temperature_degC is above");
  }
}

void check_duration(const StepVisit& visit, FindingSink& sink) {
  const Step& step = visit.step;
  if (!step.setpoint || step.time_max_is_normal) return;
  const StepForecast likely = forecast(visit.program, step, visit.soc_pct);
  const double bound = to_seconds(step.time_max);
  constexpr double doubt = 0.9;  // the forecast is rough
  if (!likely.seconds || bound >= doubt * *likely.seconds) return;
  sink.warning(step.source, step.name + ": at this rate the end takes about " +
                                describe(from_seconds(std::min(*likely.seconds, 1e9))) + ", the step's bound is " +
                                describe(step.time_max) + ": the run may fail there");
}

void check_ramp(const StepVisit& visit, FindingSink& sink) {
  const Step& step = visit.step;
  if (step.kind != StepKind::soak || !step.chamber_temperature || !visit.context.chamber) return;
  // Where nobody has asked yet it stands at the room's temperature; the nearest that a room has.
  constexpr double room_min_degC = 15.0, room_max_degC = 30.0;
  const ChamberRamp& ramp = visit.context.chamber->ramp;
  const double asked = step.chamber_temperature->value();
  const double from =
      visit.temperature_before ? visit.temperature_before->value() : std::clamp(asked, room_min_degC, room_max_degC);
  double needed = ramp_seconds(ramp, from, asked);
  if (!step.time_max_is_normal) {
    if (step.ends.empty()) return;
    needed = std::numeric_limits<double>::infinity();
    for (const EndCondition& end : step.ends) needed = std::min(needed, least_seconds(visit.program, end.root, ramp, from));
  }
  if (!(needed > to_seconds(step.time_max))) return;
  const double rate = asked > from ? ramp.heating_K_per_min : ramp.cooling_K_per_min;
  const std::string way = "from " + format_short(from) + " to " + with_unit(asked, "degC") + " with the " + with_unit(rate, "K") +
                          " per minute of '" + visit.context.chamber->model + "'";
  const std::string needs = describe(from_seconds(std::min(needed, 1e9)));
  sink.warning(step.source, step.time_max_is_normal
                                ? step.name + ": its " + describe(step.time_max) + " are over before the air is there: " + needs +
                                      " at best " + way
                                : step.name + ": its end takes " + needs + " at best, " + way + ", the step's bound is " +
                                      describe(step.time_max) + ": the run may fail there");
}

void check_bench(const Program& program, const CheckContext& context, FindingSink& sink) {
  if (!context.cycler) return;
  const CyclerCapabilities& cycler = *context.cycler;
  if (program.limits.voltage_max > cycler.over_voltage_protection_max) {
    sink.error(first_spot(program, [](const Step& step) { return step.setpoint.has_value(); }),
               "the safety limit of " + with_unit(program.limits.voltage_max.value(), "V") +
                   " is beyond the over-voltage protection of '" + cycler.model + "', which can be set up to " +
                   with_unit(cycler.over_voltage_protection_max.value(), "V"));
  }
  if (program.needs_chamber && !context.chamber) {
    sink.error(first_spot(program, [](const Step& step) { return step.chamber_temperature.has_value(); }),
               "the profile needs a chamber, this channel has none");
  }
  if (program.needs_chamber && context.chamber && !context.chamber->has_own_limits) {
    sink.warning(SourceSpot{},
                 "the controller of '" + context.chamber->model +
                     "' keeps no set-point limits: only cellrig does, while it runs; is the chamber's own limiter set?");
  }
  const bool has_thermometer = context.logger && context.logger->temperature_channels > 0;
  if (program.needs_cell_temperature && !has_thermometer)
    sink.error(first_spot_naming(program, Measurand::cell_temperature),
               "the profile needs the cell's temperature, this channel has no logger for it");
  const SourceSpot ambient = first_spot_naming(program, Measurand::ambient_temperature);
  const bool has_air = has_thermometer && context.sensors[static_cast<std::size_t>(Measurand::ambient_temperature)];
  if (ambient.line > 0 && !has_air)
    sink.error(ambient, "the profile needs the ambient temperature, this channel has no logger for it");
}

}  // namespace cellrig
