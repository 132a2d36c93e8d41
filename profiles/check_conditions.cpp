// Can each end be reached, and does it lie inside the safety limit?
#include <cmath>
#include <string>

#include "profiles/check_rules.hpp"
#include "profiles/describe.hpp"
#include "profiles/number.hpp"
#include "profiles/unit_suffix.hpp"

namespace cellrig {
namespace {

class LeafChecker {
 public:
  LeafChecker(const StepVisit& visit, const ConditionNode& leaf, FindingSink& sink)
      : visit_{visit},
        step_{visit.step},
        limits_{visit.program.limits},
        leaf_{leaf},
        sink_{sink},
        up_{points_up(leaf.comparison)} {
    text_ = "'" + std::string{to_string(leaf.quantity)} + " " + std::string{to_string(leaf.comparison)} + " " +
            format_short(leaf.value) + "'";
  }

  void check() {
    if (leaf_.hold >= step_.time_max && leaf_.hold > Duration::zero()) {
      error("must hold for " + describe(leaf_.hold) + ", but the step lasts at most " + describe(step_.time_max));
    }
    switch (leaf_.quantity) {
      case ConditionQuantity::step_time_s: return check_step_time();
      case ConditionQuantity::voltage_V: return check_voltage();
      case ConditionQuantity::current_A: return check_current();
      case ConditionQuantity::capacity_Ah:
      case ConditionQuantity::energy_Wh: return check_moved();
      case ConditionQuantity::soc_pct: return check_soc();
      case ConditionQuantity::cell_temperature_degC: return check_cell_temperature();
      case ConditionQuantity::ambient_temperature_degC: return;
      case ConditionQuantity::chamber_temperature_degC: return check_chamber_temperature();
      case ConditionQuantity::logger_voltage_V:
      case ConditionQuantity::stack_force_N:
      case ConditionQuantity::stack_pressure_MPa:
      case ConditionQuantity::gas_ppm: return check_sensor();
      case ConditionQuantity::power_W:
      case ConditionQuantity::cv_time_s: return check_needs_output();
      case ConditionQuantity::voltage_drop_V: return check_drop();
      case ConditionQuantity::voltage_per_hour_V:
      case ConditionQuantity::temperature_per_hour_K: return check_slope(std::chrono::minutes{10});
      case ConditionQuantity::voltage_per_minute_V:
      case ConditionQuantity::temperature_per_minute_K: return check_slope(std::chrono::minutes{1});
      case ConditionQuantity::temperature_rise_K: return;
    }
  }

 private:
  static constexpr double rounding = 1e-9;

  void error(const std::string& why) { sink_.error(step_.source, text_ + " " + why); }
  void warning(const std::string& why) { sink_.warning(step_.source, text_ + " " + why); }
  void holds_at_once(const std::string& why) { error("holds from the start: " + why); }
  void never_reached(const std::string& why) { error("can never be reached: " + why); }

  [[nodiscard]] bool is_strict() const { return leaf_.comparison == Comparison::above || leaf_.comparison == Comparison::below; }
  /// Whether a value that grows to `top` satisfies an upward condition.
  [[nodiscard]] bool is_beyond_top(double top) const {
    return is_strict() ? leaf_.value >= top - rounding : leaf_.value > top + rounding;
  }
  [[nodiscard]] bool is_beyond_bottom(double bottom) const {
    return is_strict() ? leaf_.value <= bottom + rounding : leaf_.value < bottom - rounding;
  }

  void check_step_time() {
    if (!up_) return holds_at_once("the step's time begins at 0");
    if (leaf_.value < to_seconds(step_.time_max)) return;
    never_reached(step_.time_max_is_normal ? "the step ends after " + describe(step_.time_max)
                                           : "the step's bound of " + describe(step_.time_max) + " comes first");
  }

  // A grid of three: beyond what the instrument holds, too near the safety limit to tell apart, or against the direction.
  void check_voltage() {
    const HeldVoltage held = held_voltage(visit_.program, step_);
    const double bound = (up_ ? held.max : held.min).value();
    const std::string holder = step_.setpoint ? "the set-point holds the voltage at " : "the safety limit is ";
    if (up_ ? is_beyond_top(bound) : is_beyond_bottom(bound)) return never_reached(holder + with_unit(bound, "V"));
    const double limit = (up_ ? limits_.voltage_max : limits_.voltage_min).value();
    if (up_ ? leaf_.value >= limit : leaf_.value <= limit) {
      return error("does not nest: the safety limit of " + with_unit(limit, "V") + " trips the channel first");
    }
    if (visit_.context.cycler) {
      const CyclerCapabilities& cycler = *visit_.context.cycler;
      const double needed = cycler.voltage_accuracy.bound_at(leaf_.value) + cycler.voltage_resolution.value();
      const double distance = up_ ? limit - leaf_.value : leaf_.value - limit;
      if (distance < needed) {
        return error("does not nest: it lies " + with_unit(distance, "V") + " from the safety limit of " + with_unit(limit, "V") +
                     ", less than the accuracy and resolution of '" + cycler.model + "', " + with_unit(needed, "V"));
      }
    }
    if (step_.direction == StepDirection::charge && !up_)
      warning("looks for a falling voltage in a charge: it holds at once or hardly ever");
    if (step_.direction == StepDirection::discharge && up_)
      warning("looks for a rising voltage in a discharge: it holds at once or hardly ever");
  }

  void check_current() {
    const double most = current_bound(step_).value();
    if (up_) {
      if (is_beyond_top(most))
        never_reached(step_.setpoint ? "the set-point allows " + with_unit(most, "A") : "the output is off");
      return;
    }
    if (leaf_.value < 0.0 || (is_strict() && leaf_.value == 0.0)) return never_reached("a current is compared by its magnitude");
    if (leaf_.value >= most) {
      return holds_at_once(step_.setpoint ? "the step's current is at most " + with_unit(most, "A") : "the output is off");
    }
    if (step_.kind == StepKind::cc) {
      warning("waits for a taper: a constant current of " + with_unit(most, "A") +
              " only falls when the voltage bound is reached");
    }
    check_taper_accuracy();
  }

  void check_taper_accuracy() {
    if (!visit_.context.cycler) {
      if (leaf_.value == 0.0) warning("waits for exactly no current: noise alone may keep it from holding");
      return;
    }
    const CyclerCapabilities& cycler = *visit_.context.cycler;
    const double accuracy = cycler.current_accuracy.bound_at(leaf_.value);
    if (leaf_.value < cycler.current_resolution.value()) {
      error("lies below the current resolution of '" + cycler.model + "', " + with_unit(cycler.current_resolution.value(), "A"));
    } else if (leaf_.value < accuracy) {
      warning("lies below the current accuracy of '" + cycler.model + "', " + with_unit(accuracy, "A") +
              ": the end is not well defined");
    }
  }

  void check_moved() {
    const bool is_charge = leaf_.quantity == ConditionQuantity::capacity_Ah;
    if (!up_) return leaf_.value < 0.0 ? never_reached("it is a magnitude") : holds_at_once("it counts from 0 in every step");
    if (leaf_.value < 0.0 || (!is_strict() && leaf_.value == 0.0)) return holds_at_once("it counts from 0 in every step");
    if (!step_.setpoint) return never_reached("the output is off");
    if (!is_charge) return;
    const double most = limits_.charge_capacity_max.value();
    if (step_.direction == StepDirection::charge && leaf_.value >= most) {
      error("does not nest: the overcharge guard trips at " + with_unit(most, "Ah"));
    } else if (leaf_.value > most) {
      warning("is more than the cell is expected to hold");
    }
  }

  void check_soc() {
    if (!visit_.soc_is_known) return error("cannot be judged: no step before it has 'sets_soc_pct'");
    if (!step_.setpoint) return never_reached("the output is off");
    if (step_.direction == StepDirection::charge && !up_) return error("looks for a falling state of charge in a charge");
    if (step_.direction == StepDirection::discharge && up_) return error("looks for a rising state of charge in a discharge");
    if (leaf_.value > 100.0 || leaf_.value < 0.0) warning("lies outside 0 to 100 %");
  }

  void check_cell_temperature() {
    const double limit = (up_ ? limits_.cell_temperature_max : limits_.cell_temperature_min).value();
    if (up_ ? leaf_.value >= limit : leaf_.value <= limit) {
      return error("does not nest: the safety limit of " + with_unit(limit, "degC") + " trips the channel first");
    }
    if (visit_.context.logger) {
      const LoggerCapabilities& logger = *visit_.context.logger;
      if (leaf_.value > logger.temperature_max.value() || leaf_.value < logger.temperature_min.value()) {
        return error("lies outside the range of logger '" + logger.model + "'");
      }
    }
    if (!visit_.temperature || step_.setpoint) return;  // under current the cell warms itself
    const double air = visit_.temperature->value();
    if (up_ ? is_beyond_top(air) : is_beyond_bottom(air)) {
      const std::string why = "the chamber is asked for " + with_unit(air, "degC");
      return step_.kind == StepKind::soak ? never_reached(why) : warning("may never be reached: " + why);
    }
    const double margin = up_ ? air - leaf_.value : leaf_.value - air;
    const double accuracy = visit_.context.chamber ? visit_.context.chamber->temperature_accuracy.bound_at(air) : 0.0;
    if (margin <= accuracy) {
      warning("leaves " + with_unit(margin, "degC") + " to the chamber's " + with_unit(air, "degC") +
              ": the cell approaches it slowly, and the chamber is accurate to " + with_unit(accuracy, "degC"));
    }
  }

  void check_needs_output() {
    if (!step_.setpoint) return up_ ? never_reached("the output is off") : warning("holds from the start: the output is off");
    if (leaf_.quantity == ConditionQuantity::cv_time_s) {
      if (!up_) return warning("holds from the start: it counts from 0 in every step");
      if (leaf_.value >= to_seconds(step_.time_max)) never_reached("the step lasts at most " + describe(step_.time_max));
      return;
    }
    const double most = limits_.voltage_max.value() * current_bound(step_).value();
    if (up_ && is_beyond_top(most)) return never_reached("the set-point and the voltage limit allow " + with_unit(most, "W"));
    if (!up_ && leaf_.value >= most) holds_at_once("the set-point and the voltage limit allow " + with_unit(most, "W"));
  }

  /// A drop is never below zero. One that holds at once may still be half of a group.
  void check_drop() {
    if (!up_ && (leaf_.value < 0.0 || (is_strict() && leaf_.value == 0.0))) return never_reached("a drop is never below 0");
    if (!up_ || leaf_.value < 0.0 || (!is_strict() && leaf_.value == 0.0))
      warning("holds from the start: the greatest voltage of a step is its first one");
  }

  void check_slope(Duration window) {
    if (step_.time_max < window)
      never_reached("it is known after " + describe(window) + ", and the step lasts at most " + describe(step_.time_max));
  }

  /// Whether somebody measures it, reaches that far, and the safety limit leaves room.
  void check_sensor() {
    if (!visit_.context.cycler) return;
    const Measurand measurand = *sensor_of(leaf_.quantity);
    const std::optional<LoggerInput> sensor = sensor_input(visit_.program, visit_.context, measurand);
    if (!sensor) return error("can never be judged: no sensor of this channel delivers it");
    const std::string unit{to_string(unit_of_name(to_string(leaf_.quantity)))};
    if (!(leaf_.value >= sensor->min && leaf_.value <= sensor->max)) {
      return error("lies outside the range of its sensor, " + format_short(sensor->min) + " to " + with_unit(sensor->max, unit));
    }
    const SensorLimits& limits = limits_.sensors;
    std::optional<double> limit;
    if (measurand == Measurand::stack_pressure) limit = up_ ? limits.stack_pressure_max_MPa : limits.stack_pressure_min_MPa;
    if (measurand == Measurand::gas && up_) limit = limits.gas_max_ppm;
    if (!limit) return;
    if (up_ ? leaf_.value >= *limit : leaf_.value <= *limit)
      return error("does not nest: the safety limit of " + with_unit(*limit, unit) + " trips the channel first");
    const double distance = std::abs(*limit - leaf_.value);
    const double needed = sensor->accuracy.bound_at(leaf_.value);
    if (distance < needed) {
      error("does not nest: it lies " + with_unit(distance, unit) + " from the safety limit of " + with_unit(*limit, unit) +
            ", less than the accuracy of its sensor, " + with_unit(needed, unit));
    }
  }

  void check_chamber_temperature() {
    if (!visit_.temperature) return;
    const double asked = visit_.temperature->value();
    if (up_ ? is_beyond_top(asked) : is_beyond_bottom(asked))
      warning("may never be reached: the chamber is asked for " + with_unit(asked, "degC"));
  }

  const StepVisit& visit_;
  const Step& step_;
  const SafetyLimits& limits_;
  const ConditionNode& leaf_;
  FindingSink& sink_;
  bool up_;
  std::string text_;
};

void check_node(const StepVisit& visit, std::size_t index, FindingSink& sink) {
  const ConditionNode& node = visit.program.nodes[index];
  if (node.kind == ConditionNode::Kind::leaf) {
    LeafChecker{visit, node, sink}.check();
    return;
  }
  std::size_t child = node.first_child;
  for (std::size_t i = 0; i < node.child_count; ++i) {
    check_node(visit, child, sink);
    child = visit.program.nodes[child].next_sibling;
  }
}

}  // namespace

void check_conditions(const StepVisit& visit, FindingSink& sink) {
  for (const EndCondition& end : visit.step.ends) check_node(visit, end.root, sink);
}

}  // namespace cellrig
