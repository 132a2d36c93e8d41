// Can each end be reached, and does it lie inside the safety limit?
#include <algorithm>
#include <cmath>
#include <string>

#include "profiles/accuracy_parts.hpp"
#include "profiles/check_rules.hpp"
#include "profiles/describe.hpp"
#include "profiles/number.hpp"
#include "profiles/unit_suffix.hpp"

namespace cellrig {
namespace {

class LeafChecker {
 public:
  /// `decides`: when it holds it ends the step by itself, it is no part of an `all`.
  LeafChecker(const StepVisit& visit, const ConditionNode& leaf, bool decides, FindingSink& sink)
      : visit_{visit},
        step_{visit.step},
        limits_{visit.program.limits},
        leaf_{leaf},
        sink_{sink},
        decides_{decides},
        up_{points_up(leaf.comparison)},
        text_{leaf_text(leaf)} {}

  void check() {
    if (leaf_.hold >= step_.time_max && leaf_.hold > Duration::zero()) {
      error("must hold for " + describe(leaf_.hold) + ", but the step lasts at most " + describe(step_.time_max));
    }
    if (leaf_.blank + leaf_.hold >= step_.time_max && leaf_.blank > Duration::zero())
      return error("is judged after " + describe(leaf_.blank + leaf_.hold) + ", but the step lasts at most " +
                   describe(step_.time_max));
    if (const Duration longest = longest_pulse(); leaf_.blank > Duration::zero() && leaf_.blank + leaf_.hold >= longest)
      return error("is judged after " + describe(leaf_.blank + leaf_.hold) +
                   ", which begins anew with each pulse, and none lasts longer than " + describe(longest));
    if (leaf_.formula >= 0) return;  // its value is the run's business
    switch (leaf_.quantity) {
      case ConditionQuantity::result:
      case ConditionQuantity::variable: return;
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
      case ConditionQuantity::temperature_rise_K: return check_rise();
      case ConditionQuantity::cell_minus_chamber_K:
      case ConditionQuantity::cell_minus_ambient_K:
      case ConditionQuantity::ambient_minus_chamber_K: return check_difference();
    }
  }

 private:
  static constexpr double rounding = 1e-9;
  static constexpr double coldest_degC = -100.0;

  /// What a run may bring: of a value that is known only then, the most that it may become.
  [[nodiscard]] Amps most_current() const {
    if (step_.course && step_.course->of_measured)
      return std::max(step_.course->of_measured->charge_max, step_.course->of_measured->discharge_max);
    if (step_.current_bound) return Amps{step_.current_bound->max};
    const bool is_current = step_.magnitude && step_.kind != StepKind::cp;
    return is_current ? Amps{step_.magnitude->max} : current_bound(step_);
  }

  /// Of a pulse train; of other steps, as long as they may last.
  [[nodiscard]] Duration longest_pulse() const {
    if (!step_.course || step_.course->kind != Course::Kind::pulses) return step_.time_max;
    const Course& train = *step_.course;
    Duration longest{};
    for (std::size_t i = 0; i < train.points.size(); ++i) {
      const bool is_last = i + 1 == train.points.size();
      longest = std::max(longest, (is_last ? train.period : train.points[i + 1].at) - train.points[i].at);
    }
    return longest;
  }
  void error(const std::string& why) { sink_.error(step_.source, text_ + " " + why); }
  void warning(const std::string& why) { sink_.warning(step_.source, text_ + " " + why); }
  void holds_at_once(const std::string& why) { error("holds from the start: " + why); }
  void never_reached(const std::string& why) { error("can never be reached: " + why); }
  /// Upward from zero: true before anything has happened.
  [[nodiscard]] bool holds_at_zero() const { return compare(0.0, leaf_.comparison, leaf_.value); }

  [[nodiscard]] bool is_strict() const { return leaf_.comparison == Comparison::above || leaf_.comparison == Comparison::below; }
  /// Whether a value that grows to `top` satisfies an upward condition.
  [[nodiscard]] bool is_beyond_top(double top) const {
    return is_strict() ? leaf_.value >= top - rounding : leaf_.value > top + rounding;
  }
  [[nodiscard]] bool is_beyond_bottom(double bottom) const {
    return is_strict() ? leaf_.value <= bottom + rounding : leaf_.value < bottom - rounding;
  }

  void check_step_time() {
    if (!up_ || (leaf_.hold == Duration::zero() && holds_at_zero())) return holds_at_once("the step's time begins at 0");
    if (leaf_.value < to_seconds(step_.time_max)) return;
    never_reached(step_.time_max_is_normal ? "the step ends after " + describe(step_.time_max)
                                           : "the step's bound of " + describe(step_.time_max) + " comes first");
  }

  // A grid of three: beyond what the instrument holds, too near the safety limit to tell apart, or against the direction.
  void check_voltage() {
    const double opposite = (up_ ? limits_.voltage_min : limits_.voltage_max).value();
    if (up_ ? leaf_.value <= opposite : leaf_.value >= opposite)
      return holds_at_once("the safety limit of " + with_unit(opposite, "V") + " allows nothing else");
    if (const std::optional<CyclerCapabilities>& cycler = visit_.context.cycler;
        cycler && (leaf_.value > cycler->voltage_max.value() || leaf_.value < cycler->voltage_min.value())) {
      return error("lies outside what '" + cycler->model + "' measures, " + format_short(cycler->voltage_min.value()) + " to " +
                   with_unit(cycler->voltage_max.value(), "V"));
    }
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
    const double most = most_current().value();
    if (up_) {
      if (is_beyond_top(most))
        never_reached(step_.setpoint ? "the set-point allows " + with_unit(most, "A") : "the output is off");
      else if (holds_at_zero())
        holds_at_once("a current is compared by its magnitude");
      return;
    }
    if (leaf_.value < 0.0 || (is_strict() && leaf_.value == 0.0)) return never_reached("a current is compared by its magnitude");
    if (leaf_.value >= most) {
      return holds_at_once(step_.setpoint ? "the step's current is at most " + with_unit(most, "A") : "the output is off");
    }
    if (step_.kind == StepKind::cc && !ends_at_voltage()) {
      warning("waits for a taper: a constant current of " + with_unit(most, "A") +
              " only falls when the voltage bound is reached");
    }
    // With a cycler check_accuracy() knows better.
    if (!visit_.context.cycler && leaf_.value == 0.0)
      warning("waits for exactly no current: noise alone may keep it from holding");
  }

  /// Then the taper is for a step that stands at its bound and does not show it.
  [[nodiscard]] bool ends_at_voltage() const {
    return std::any_of(step_.ends.begin(), step_.ends.end(), [this](const EndCondition& end) {
      const ConditionNode& node = visit_.program.nodes[end.root];
      return node.kind == ConditionNode::Kind::leaf && node.quantity == ConditionQuantity::voltage_V &&
             points_up(node.comparison) == (step_.direction == StepDirection::charge);
    });
  }

  void check_moved() {
    const bool is_charge = leaf_.quantity == ConditionQuantity::capacity_Ah;
    if (!up_) return leaf_.value < 0.0 ? never_reached("it is a magnitude") : holds_at_once("it counts from 0 in every step");
    if (leaf_.value < 0.0 || (!is_strict() && leaf_.value == 0.0)) return holds_at_once("it counts from 0 in every step");
    if (!step_.setpoint) return never_reached("the output is off");
    const double most_Ah = limits_.charge_capacity_max.value();
    const double most = is_charge ? most_Ah : most_Ah * limits_.voltage_max.value();
    if (step_.direction == StepDirection::charge && leaf_.value >= most) {
      error("does not nest: the overcharge guard trips at " + with_unit(most_Ah, "Ah"));
    } else if (leaf_.value > most) {
      warning("is more than the cell is expected to hold");
    }
    check_moved_in_time(is_charge);
  }

  /// At the greatest current, and voltage, for as long as the step may last.
  void check_moved_in_time(bool is_charge) {
    const double current = most_current().value();
    const double fastest = is_charge ? current : current * limits_.voltage_max.value();
    const double moved = fastest * to_seconds(step_.time_max) / 3600.0;
    if (leaf_.value <= moved * (1.0 + rounding)) return;
    never_reached(with_unit(current, "A") + " move " + with_unit(moved, is_charge ? "Ah" : "Wh") + " at most in " +
                  describe(step_.time_max));
  }

  void check_soc() {
    if (!visit_.soc_is_known && !visit_.has_known_soc) return error("cannot be judged: no step before it has 'sets_soc_pct'");
    if (!visit_.soc_is_known)
      return warning("may not be known here, and then the step waits in vain: a way to it leads past 'sets_soc_pct'" +
                     std::string{visit_.program.soc_reference == SocReference::measured ? " or 'measure: reference'" : ""});
    if (!step_.setpoint) return never_reached("the output is off");
    if (step_.direction == StepDirection::charge && !up_) return error("looks for a falling state of charge in a charge");
    if (step_.direction == StepDirection::discharge && up_) return error("looks for a rising state of charge in a discharge");
    if (leaf_.value > 100.0 || leaf_.value < 0.0) warning("lies outside 0 to 100 %");
    constexpr double doubt_pct = 1.0;  // the forecast is rough: a stage that ends there hands over to one that may be empty
    const double beyond = visit_.soc_pct ? (up_ ? *visit_.soc_pct - leaf_.value : leaf_.value - *visit_.soc_pct) : 0.0;
    if (decides_ && beyond > doubt_pct)
      warning("may hold from the start: the state of charge is about " + with_unit(*visit_.soc_pct, "%") + " by then");
  }

  void check_cell_temperature() {
    const double limit = (up_ ? limits_.cell_temperature_max : limits_.cell_temperature_min).value();
    if (up_ ? leaf_.value >= limit : leaf_.value <= limit) {
      return error("does not nest: the safety limit of " + with_unit(limit, "degC") + " trips the channel first");
    }
    const double from_limit = up_ ? limit - leaf_.value : leaf_.value - limit;
    if (const double needed = thermometer_error(leaf_.value); from_limit < needed) {
      return error("does not nest: it lies " + with_unit(from_limit, "K") + " from the safety limit of " +
                   with_unit(limit, "degC") + ", less than the accuracy of its thermometer, " + with_unit(needed, "K"));
    }
    if (visit_.context.logger) {
      const LoggerCapabilities& logger = *visit_.context.logger;
      if (leaf_.value > logger.temperature_max.value() || leaf_.value < logger.temperature_min.value()) {
        return error("lies outside the range of logger '" + logger.model + "'");
      }
    }
    if (!visit_.temperature || step_.setpoint) return;  // under current the cell warms itself
    const double air = visit_.temperature->value();
    check_present_temperature();
    if (up_ ? is_beyond_top(air) : is_beyond_bottom(air)) {
      const std::string why = "the chamber is asked for " + with_unit(air, "degC");
      return step_.kind == StepKind::soak ? never_reached(why) : warning("may never be reached: " + why);
    }
    const double margin = up_ ? air - leaf_.value : leaf_.value - air;
    // With a bench check_accuracy() knows better.
    if (margin <= 0.0 && !visit_.context.cycler) {
      warning("leaves " + with_unit(margin, "K") + " to the chamber's " + with_unit(air, "degC") +
              ": the cell approaches it slowly");
    }
  }

  [[nodiscard]] double thermometer_error(double temperature) const {
    const std::optional<Thermometer> thermometer = thermometer_of(visit_.context);
    return thermometer ? thermometer->accuracy.bound_at(temperature) : 0.0;
  }

  /// A soak on its way elsewhere that is content with where it comes from.
  void check_present_temperature() {
    if (!decides_ || step_.kind != StepKind::soak || !visit_.temperature_before) return;
    if (*visit_.temperature_before == *visit_.temperature) return;
    const double before = visit_.temperature_before->value();
    if (compare(before, leaf_.comparison, leaf_.value))
      warning("may hold from the start: the cell comes from " + with_unit(before, "degC"));
  }

  void check_rise() {
    if (holds_at_zero() && (up_ || decides_)) return holds_at_once("it counts from the step's first measurement");
    const double most = limits_.cell_temperature_max.value() - limits_.cell_temperature_min.value();
    if (up_ ? is_beyond_top(most) : -leaf_.value > most)
      never_reached("the safety limits leave " + with_unit(most, "K") + " between them");
  }

  /// A step begins when the chamber runs and not when it has arrived: everything is at the old temperature still, and nothing differs. Later
  /// the cell lags behind from one side. In a group the other conditions wait as well, each for its time.
  void check_difference() {
    const double most = limits_.cell_temperature_max.value() - coldest_degC;
    if (std::abs(leaf_.value) > most)
      return never_reached("no two temperatures of a cell and what is around it are so far apart");
    if (!visit_.temperature || visit_.temperature_before == visit_.temperature) return;
    const bool is_at_once = leaf_.hold == Duration::zero() && leaf_.blank == Duration::zero();
    if (!decides_ && !is_at_once) return;
    if (decides_ && is_at_once && holds_at_zero())
      return warning(
          "may hold from the start: while the chamber is still where it comes from nothing differs; let it hold 'for' a time");
    if (!visit_.temperature_before || leaf_.quantity == ConditionQuantity::ambient_minus_chamber_K) return;
    const double lags = visit_.temperature_before->value() - visit_.temperature->value();
    if (compare(lags, leaf_.comparison, leaf_.value))
      warning("may hold from the start: the cell comes from " + with_unit(visit_.temperature_before->value(), "degC"));
  }

  void check_needs_output() {
    if (!step_.setpoint) return up_ ? never_reached("the output is off") : warning("holds from the start: the output is off");
    if (leaf_.quantity == ConditionQuantity::cv_time_s) {
      if (!up_) return warning("holds from the start: it counts from 0 in every step");
      if (leaf_.value <= 0.0 && holds_at_zero()) return holds_at_once("it counts from 0 in every step");
      if (leaf_.value >= to_seconds(step_.time_max)) never_reached("the step lasts at most " + describe(step_.time_max));
      return;
    }
    const double most = limits_.voltage_max.value() * most_current().value();
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
    if (const std::optional<ChamberCapabilities>& chamber = visit_.context.chamber) {
      const double end = (up_ ? chamber->temperature_max : chamber->temperature_min).value();
      if (up_ ? is_beyond_top(end) : is_beyond_bottom(end))
        return never_reached("the range of '" + chamber->model + "' ends at " + with_unit(end, "degC"));
    }
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
  bool decides_;
  bool up_;
  std::string text_;
};

/// Two temperatures that are compared, and neither `for` nor `after` beside it.
bool is_difference_at_once(const ConditionNode& node) {
  if (node.kind != ConditionNode::Kind::leaf || node.formula >= 0) return false;
  const bool is_difference = node.quantity == ConditionQuantity::cell_minus_chamber_K ||
                             node.quantity == ConditionQuantity::cell_minus_ambient_K ||
                             node.quantity == ConditionQuantity::ambient_minus_chamber_K;
  return is_difference && node.hold == Duration::zero() && node.blank == Duration::zero() &&
         compare(0.0, node.comparison, node.value);
}

/// Then each of them is met at the same moment, and the group waits for nothing: as if each decided.
bool holds_where_nothing_differs(const Program& program, const ConditionNode& group) {
  std::size_t child = group.first_child;
  for (std::size_t i = 0; i < group.child_count; ++i) {
    if (!is_difference_at_once(program.nodes[child])) return false;
    child = program.nodes[child].next_sibling;
  }
  return true;
}

void check_node(const StepVisit& visit, std::size_t index, bool decides, FindingSink& sink) {
  const ConditionNode& node = visit.program.nodes[index];
  if (node.kind == ConditionNode::Kind::leaf) {
    LeafChecker{visit, node, decides, sink}.check();
    return;
  }
  if (node.kind == ConditionNode::Kind::all_of && node.child_count > 1)
    decides = decides && holds_where_nothing_differs(visit.program, node);
  std::size_t child = node.first_child;
  for (std::size_t i = 0; i < node.child_count; ++i) {
    check_node(visit, child, decides, sink);
    child = visit.program.nodes[child].next_sibling;
  }
}

}  // namespace

std::string leaf_text(const ConditionNode& leaf) {
  return "'" + std::string{to_string(leaf.quantity)} + " " + std::string{to_string(leaf.comparison)} + " " +
         format_short(leaf.value) + "'";
}

namespace {

/// A step that a load cell ends, where none is: said once, with what to do, instead of for each of its ends.
bool lacks_load_cell(const StepVisit& visit, FindingSink& sink) {
  const bool is_pressed = visit.step.person && visit.step.person->stack_pressure_MPa;
  if (!is_pressed || !visit.context.cycler || sensor_input(visit.program, visit.context, Measurand::stack_pressure)) return false;
  const bool has_force = visit.context.sensors[static_cast<std::size_t>(Measurand::stack_force)].has_value();
  sink.error(
      visit.step.source,
      visit.step.name + ": the load cell of this channel tells when the pressure is set, and " +
          (has_force ? "nobody knows the pressed area: give 'area_cm2' beside its stack_force in the bench file, or length "
                       "and width in the cell's file"
                     : "it has none: give the channel 'stack_force: {logger: NAME, input: N, area_cm2: AREA}' in the bench "
                       "file; a fixture that only a person reads is set in a 'wait_for_person'"));
  return true;
}

}  // namespace

void check_conditions(const StepVisit& visit, FindingSink& sink) {
  if (lacks_load_cell(visit, sink)) return;
  for (const EndCondition& end : visit.step.ends) check_node(visit, end.root, true, sink);
}

}  // namespace cellrig
