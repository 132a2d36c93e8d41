// Set-points, temperatures and durations against the safety limits and against what the instruments can do.
#include <algorithm>
#include <cmath>
#include <string>

#include "controller/base/overloaded.hpp"
#include "profiles/cell.hpp"
#include "profiles/check_rules.hpp"
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
    const Amps most = current_bound(step_);
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
  }

  void check_current() {
    const Amps most = current_bound(step_);
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
    const Amps most = current_bound(step_);
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

SourceSpot first_spot_with_chamber(const Program& program) {
  for (const Instruction& instruction : program.code) {
    const Step* step = std::get_if<Step>(&instruction);
    if (step != nullptr && step->chamber_temperature) return step->source;
  }
  return {};
}

bool names_quantity(const Program& program, ConditionQuantity quantity) {
  return std::any_of(program.nodes.begin(), program.nodes.end(), [quantity](const ConditionNode& node) {
    return node.kind == ConditionNode::Kind::leaf && node.quantity == quantity;
  });
}

}  // namespace

HeldVoltage held_voltage(const Program& program, const Step& step) {
  const SafetyLimits& limits = program.limits;
  if (!step.setpoint) return {limits.voltage_min, limits.voltage_max};
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
  const CurrentBounds bounds = current_bounds(*step.setpoint);
  return std::max(bounds.charge, bounds.discharge);
}

void check_setpoint(const StepVisit& visit, FindingSink& sink) {
  if (visit.step.setpoint) SetpointChecker{visit, sink}.check();
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
  if (step.direction != StepDirection::charge) return;
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

void check_bench(const Program& program, const CheckContext& context, FindingSink& sink) {
  if (!context.cycler) return;
  const CyclerCapabilities& cycler = *context.cycler;
  if (program.limits.voltage_max > cycler.over_voltage_protection_max) {
    sink.error(SourceSpot{}, "the safety limit of " + with_unit(program.limits.voltage_max.value(), "V") +
                                 " is beyond the over-voltage protection of '" + cycler.model + "', which can be set up to " +
                                 with_unit(cycler.over_voltage_protection_max.value(), "V"));
  }
  if (program.needs_chamber && !context.chamber) {
    sink.error(first_spot_with_chamber(program), "the profile needs a chamber, this channel has none");
  }
  if (program.needs_chamber && context.chamber && !context.chamber->has_own_limits) {
    sink.warning(SourceSpot{},
                 "the controller of '" + context.chamber->model +
                     "' keeps no set-point limits: only cellrig does, while it runs; is the chamber's own limiter set?");
  }
  const bool has_thermometer = context.logger && context.logger->temperature_channels > 0;
  if (program.needs_cell_temperature && !has_thermometer)
    sink.error(SourceSpot{}, "the profile needs the cell's temperature, this channel has no logger for it");
  if (names_quantity(program, ConditionQuantity::ambient_temperature_degC) && !has_thermometer) {
    sink.error(SourceSpot{}, "the profile needs the ambient temperature, this channel has no logger for it");
  }
}

}  // namespace cellrig
