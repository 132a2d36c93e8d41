#include "profiles/accuracy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "profiles/accuracy_parts.hpp"
#include "profiles/check_rules.hpp"
#include "profiles/courses.hpp"
#include "profiles/number.hpp"
#include "profiles/unit_suffix.hpp"

namespace cellrig {
namespace {

const ConditionNode* leaf_of(const Program& program, const EndCondition& end) {
  const ConditionNode& node = program.nodes[end.root];
  return node.kind == ConditionNode::Kind::leaf ? &node : nullptr;
}

/// Whether the step ends although its voltage stands at the set-point's bound.
bool ends_at_the_bound(const Program& program, const Step& step) {
  if (step.time_max_is_normal) return true;
  return std::any_of(step.ends.begin(), step.ends.end(), [&program](const EndCondition& end) {
    const ConditionNode* const leaf = leaf_of(program, end);
    if (leaf == nullptr) return false;
    const bool up = points_up(leaf->comparison);
    return (leaf->quantity == ConditionQuantity::current_A && !up) || (leaf->quantity == ConditionQuantity::cv_time_s && up) ||
           (leaf->quantity == ConditionQuantity::step_time_s && up);
  });
}

class AccuracyCollector {
 public:
  AccuracyCollector(const Program& program, const CheckContext& context)
      : program_{program},
        limits_{program.limits},
        context_{context},
        cycler_{*context.cycler},
        thermometer_{thermometer_of(context)} {}

  std::vector<AccuracyRow> rows() {
    for (std::size_t i = 0; i < program_.code.size(); ++i) {
      if (const Step* step = std::get_if<Step>(&program_.code[i])) take(*step, i);
    }
    for (AccuracyRow& row : accuracy_rows_of_run(program_, context_, asked_)) rows_.push_back(std::move(row));
    return std::move(rows_);
  }

 private:
  void take(const Step& step, std::size_t instruction) {
    at_ = AccuracyStep{instruction, step.name, step.source};
    limits_ = step.limits.value_or(program_.limits);
    if (step.chamber_temperature) {
      air_ = step.chamber_temperature;
      add_chamber(step);
    }
    if (air_ && step.may_charge) asked_.coldest_charge = std::min(asked_.coldest_charge.value_or(*air_), *air_);
    if (step.course) {
      add_face(step, hardest_charge(*step.course), StepDirection::charge);
      add_face(step, hardest_discharge(*step.course), StepDirection::discharge);
    } else {
      add_face(step, step.setpoint, step.direction);
    }
    for (const EndCondition& end : step.ends) add_node(step, end.root);
    if (step.measure == Measure::resistance && step.setpoint) add_resistance(step);
    add_record_changes(step);
    if (!step.limits) return;
    for (AccuracyRow& row : accuracy_rows_of_step(program_, context_, *step.limits, air_)) add(std::move(row));
  }

  void add_face(const Step& step, const std::optional<Setpoint>& setpoint, StepDirection direction) {
    if (!setpoint) return;
    Step face = step;
    face.setpoint = setpoint;
    face.direction = direction;
    add_current(face);
    add_voltage_limit(face);
  }

  void add(AccuracyRow row) {
    row.steps.push_back(at_);
    const auto same = std::find_if(rows_.begin(), rows_.end(), [&row](const AccuracyRow& other) {
      return row.use == other.use && row.subject == other.subject && row.value == other.value &&
             row.uncertainty == other.uncertainty && row.compared_with == other.compared_with &&
             row.compared_to == other.compared_to && row.advice == other.advice && row.severity == other.severity;
    });
    if (same == rows_.end()) {
      rows_.push_back(std::move(row));
    } else {
      same->steps.push_back(at_);
    }
  }

  // ---- what an instrument knows a value to ----

  [[nodiscard]] double current_doubt(double current) const {
    return cycler_.current_accuracy.bound_at(current) + cycler_.current_resolution.value();
  }
  [[nodiscard]] double voltage_doubt(double voltage) const {
    return cycler_.voltage_accuracy.bound_at(voltage) + cycler_.voltage_resolution.value();
  }
  [[nodiscard]] double voltage_gain() const {
    const Accuracy& accuracy = cycler_.voltage_accuracy;
    const double top = limits_.voltage_max.value();
    return (accuracy.bound_at(top) - accuracy.bound_in(accuracy.range_used(top), 0.0)) / top;
  }
  /// With the range set by hand that holds the whole step. Nothing where there is no such choice.
  [[nodiscard]] std::optional<double> current_doubt_by_hand(const Step& step, double current) const {
    const Accuracy& accuracy = cycler_.current_accuracy;
    const std::size_t range = accuracy.range_holding(current_bound(step).value());
    if (accuracy.choice != RangeChoice::by_hand || range == accuracy.finer_count) return std::nullopt;
    return accuracy.bound_in(range, current) + cycler_.current_resolution.value();
  }

  [[nodiscard]] std::string range_advice(const Step& step) const {
    const Accuracy& accuracy = cycler_.current_accuracy;
    const double most = current_bound(step).value();
    const std::size_t range = accuracy.range_holding(most);
    const double end = accuracy.end_of(range);
    if (!(end > 0.0)) return {};
    const std::string name = "range " + with_unit(end, "A");
    if (accuracy.finer_count == 0) return name + ", the only one";
    if (accuracy.choice == RangeChoice::automatic) return name + ", chosen by the instrument";
    if (range == accuracy.finer_count) return name + ", the least that holds it";
    return "set its " + name + " by hand, there " + in_brief(*current_doubt_by_hand(step, most), "A") +
           ": cellrig switches no range and reckons with " + with_unit(accuracy.up_to, "A");
  }

  // ---- steps ----

  void add_current(const Step& step) {
    const double most = current_bound(step).value();
    AccuracyRow row{.use = AccuracyUse::set_current,
                    .instrument = cycler_.model,
                    .subject = "greatest current",
                    .unit = "A",
                    .value = most,
                    .uncertainty = current_doubt(most),
                    .compared_with = most,
                    .compared_to = "the value",
                    .advice = range_advice(step),
                    .is_unverified = cycler_.current_accuracy.is_unverified};
    if (row.uncertainty > accuracy_doubtful_share * most) {
      row.severity = Severity::warning;
      row.message = "'" + cycler_.model + "' knows its current of " + in_brief(most, "A") + " to " +
                    in_brief(row.uncertainty, "A") + " only (" + percent_of(*row.share()) + "), and so its charge and energy" +
                    hint_by_hand(step, most);
    }
    add(row);
    const bool charges = step.direction == StepDirection::charge;
    const double limit = (charges ? limits_.charge_current_max : limits_.discharge_current_max).value();
    if (!(limit > most)) return;
    row.use = AccuracyUse::current_limit;
    row.compared_with = limit - most;
    row.compared_to = "to the safety limit of " + in_brief(limit, "A");
    row.advice.clear();
    row.severity.reset();
    row.message.clear();
    add(std::move(row));
  }

  [[nodiscard]] std::string hint_by_hand(const Step& step, double current) const {
    const std::optional<double> better = current_doubt_by_hand(step, current);
    if (!better) return {};
    const Accuracy& accuracy = cycler_.current_accuracy;
    const double end = accuracy.end_of(accuracy.range_holding(current_bound(step).value()));
    return " in its range of " + with_unit(accuracy.up_to, "A") + "; set to its range of " + with_unit(end, "A") +
           " by hand it knows " + in_brief(*better, "A");
  }

  void add_voltage_limit(const Step& step) {
    const HeldVoltage held = held_voltage(program_, step);
    const bool charges = step.direction == StepDirection::charge;
    const double bound = (charges ? held.max : held.min).value();
    const double limit = (charges ? limits_.voltage_max : limits_.voltage_min).value();
    const double distance = charges ? limit - bound : bound - limit;
    if (!(distance > 0.0)) return;  // does not nest: check_setpoint() says so
    add({.use = AccuracyUse::voltage_limit,
         .instrument = cycler_.model,
         .subject = "voltage held",
         .unit = "V",
         .value = bound,
         .uncertainty = voltage_doubt(bound),
         .compared_with = distance,
         .compared_to = "to the safety limit of " + with_unit(limit, "V"),
         .is_unverified = cycler_.voltage_accuracy.is_unverified});
  }

  void add_node(const Step& step, std::size_t index) {
    const ConditionNode& node = program_.nodes[index];
    if (node.kind == ConditionNode::Kind::leaf) return add_leaf(step, node);
    std::size_t child = node.first_child;
    for (std::size_t i = 0; i < node.child_count; ++i) {
      add_node(step, child);
      child = program_.nodes[child].next_sibling;
    }
  }

  void add_leaf(const Step& step, const ConditionNode& leaf) {
    if (leaf.formula >= 0) return;  // its value is the run's business
    switch (leaf.quantity) {
      case ConditionQuantity::result:
      case ConditionQuantity::variable: return;
      case ConditionQuantity::current_A: return add_current_end(step, leaf);
      case ConditionQuantity::power_W: return add_power_end(step, leaf);
      case ConditionQuantity::voltage_V: return add_voltage_end(step, leaf);
      case ConditionQuantity::voltage_drop_V: return add_voltage_drop(leaf);
      // One count of the voltage from one end of the window to the other.
      case ConditionQuantity::voltage_per_hour_V: return add_voltage_slope(leaf, 6.0, "ten minutes");
      case ConditionQuantity::voltage_per_minute_V: return add_voltage_slope(leaf, 1.0, "one minute");
      case ConditionQuantity::cell_temperature_degC: return add_temperature_end(step, leaf);
      case ConditionQuantity::temperature_rise_K: return add_temperature_rise(leaf);
      case ConditionQuantity::cell_minus_chamber_K:
      case ConditionQuantity::cell_minus_ambient_K: return add_temperature_difference(leaf);
      case ConditionQuantity::stack_force_N:
      case ConditionQuantity::stack_pressure_MPa:
      case ConditionQuantity::gas_ppm: return add_sensor_end(leaf);
      case ConditionQuantity::step_time_s:
      case ConditionQuantity::capacity_Ah:
      case ConditionQuantity::energy_Wh:
      case ConditionQuantity::soc_pct:
      case ConditionQuantity::ambient_temperature_degC:
      case ConditionQuantity::chamber_temperature_degC:
      case ConditionQuantity::logger_voltage_V:
      case ConditionQuantity::cv_time_s:
      case ConditionQuantity::ambient_minus_chamber_K:
      case ConditionQuantity::temperature_per_hour_K:
      case ConditionQuantity::temperature_per_minute_K: return;
    }
  }

  [[nodiscard]] AccuracyRow end_row(AccuracyUse use, const ConditionNode& leaf, std::string_view unit, double doubt) const {
    return {.use = use,
            .instrument = cycler_.model,
            .subject = leaf_text(leaf),
            .unit = std::string{unit},
            .value = leaf.value,
            .uncertainty = doubt,
            .is_unverified = unit == "A" ? cycler_.current_accuracy.is_unverified : cycler_.voltage_accuracy.is_unverified};
  }

  void add_current_end(const Step& step, const ConditionNode& leaf) {
    if (!step.setpoint || leaf.value < 0.0 || leaf.value > current_bound(step).value()) return;  // check_conditions() says so
    AccuracyRow row = end_row(AccuracyUse::current_end, leaf, "A", current_doubt(leaf.value));
    const bool is_told = row.uncertainty <= leaf.value;
    judge_by_value(row, is_told ? "so the step ends early or late" : "so the step may end at once or never");
    if (row.severity) {
      const Accuracy& accuracy = cycler_.current_accuracy;
      const double slack = accuracy_doubtful_share - accuracy.gain_fraction;
      const bool has_one_range = accuracy.finer_count == 0 || accuracy.choice == RangeChoice::by_hand;
      if (has_one_range && slack > 0.0)
        row.advice =
            "a tenth is known from " + in_brief((accuracy.offset + cycler_.current_resolution.value()) / slack, "A") + " on";
      row.message += hint_by_hand(step, leaf.value);
      // Whoever has set it is right, and we cannot see that.
      const std::optional<double> better = current_doubt_by_hand(step, leaf.value);
      if (better && *better <= leaf.value) row.severity = Severity::warning;
    }
    add(std::move(row));
  }

  void add_power_end(const Step& step, const ConditionNode& leaf) {
    if (!step.setpoint || !(leaf.value > 0.0)) return;
    const double voltage = limits_.voltage_max.value();
    const double current = leaf.value / voltage;
    AccuracyRow row =
        end_row(AccuracyUse::power_end, leaf, "W", voltage * current_doubt(current) + current * voltage_doubt(voltage));
    judge_by_value(row, "so the step ends early or late");
    add(std::move(row));
  }

  void add_voltage_end(const Step& step, const ConditionNode& leaf) {
    const bool up = points_up(leaf.comparison);
    const bool towards_bound = step.direction == (up ? StepDirection::charge : StepDirection::discharge);
    const HeldVoltage held = held_voltage(program_, step);
    const double bound =
        towards_bound ? (up ? held.max : held.min).value() : (up ? limits_.voltage_max : limits_.voltage_min).value();
    const double distance = up ? bound - leaf.value : leaf.value - bound;
    if (distance < 0.0) return;  // check_conditions() says so
    AccuracyRow row = end_row(AccuracyUse::voltage_end, leaf, "V", voltage_doubt(leaf.value));
    row.compared_with = distance;
    row.compared_to = (towards_bound ? "to the bound of " : "to the safety limit of ") + with_unit(bound, "V");
    const bool may_be_held = towards_bound && row.uncertainty > distance;
    const bool is_ended_there =
        step.held_end && step.held_end->voltage_V == leaf.value && row.uncertainty - distance <= HeldEnd::short_max_V;
    if (may_be_held && is_ended_there) {
      row.advice = "held short of it for 10 s by '" + cycler_.model + "' it counts as reached, and the record says how far short";
    } else if (may_be_held && !ends_at_the_bound(program_, step)) {
      row.severity = Severity::warning;
      row.message = row.subject + " lies " + with_unit(distance, "V") + " from the " + with_unit(bound, "V") + " that '" +
                    cycler_.model + "' holds by itself, and it knows a voltage to " + in_brief(row.uncertainty, "V") +
                    ": it may stand there and never show the end, until the step's bound fails the run (a second end on "
                    "current_A would end it)";
    }
    add(std::move(row));
  }

  /// A difference of two readings: the offset falls out.
  void add_voltage_drop(const ConditionNode& leaf) {
    if (!points_up(leaf.comparison) || !(leaf.value > 0.0)) return;
    const double resolution = cycler_.voltage_resolution.value();
    AccuracyRow row = end_row(AccuracyUse::voltage_change_end, leaf, "V", 2.0 * resolution + voltage_gain() * leaf.value);
    judge_by_value(row, "so noise may end the step");
    if (row.severity == Severity::error && leaf.value >= resolution) row.severity = Severity::warning;
    add(std::move(row));
  }

  void add_voltage_slope(const ConditionNode& leaf, double per_count, const std::string& window) {
    if (leaf.value == 0.0) return;  // it asks for the sign alone
    AccuracyRow row = end_row(AccuracyUse::voltage_change_end, leaf, "V", per_count * cycler_.voltage_resolution.value());
    row.advice = "one count in " + window;
    judge_by_value(row, "one count in " + window + ": a slower change shows as none");
    if (row.severity) row.severity = Severity::warning;
    add(std::move(row));
  }

  void add_temperature_end(const Step& step, const ConditionNode& leaf) {
    if (!thermometer_) return;
    const bool up = points_up(leaf.comparison);
    AccuracyRow row = end_row(AccuracyUse::temperature_end, leaf, "degC", thermometer_->accuracy.bound_at(leaf.value));
    row.instrument = thermometer_->model;
    row.is_unverified = thermometer_->accuracy.is_unverified;
    double other = (up ? limits_.cell_temperature_max : limits_.cell_temperature_min).value();
    row.compared_to = "to the safety limit of " + with_unit(other, "degC");
    if (air_ && !step.setpoint && context_.chamber) {
      other = air_->value();
      row.uncertainty += context_.chamber->temperature_accuracy.bound_at(other);
      row.instrument += " and " + context_.chamber->model;
      row.is_unverified = row.is_unverified || context_.chamber->temperature_accuracy.is_unverified;
      row.compared_to = "to the chamber's " + with_unit(other, "degC");
    }
    row.compared_with = up ? other - leaf.value : leaf.value - other;
    if (*row.compared_with < 0.0) return;  // check_conditions() says so
    if (row.compared_to.starts_with("to the chamber")) judge_soak(row, other);
    add(std::move(row));
  }

  /// The cell comes near its air slowly, and the air is elsewhere than the chamber says.
  void judge_soak(AccuracyRow& row, double air) const {
    const double margin = *row.compared_with;
    if (margin > context_.chamber->temperature_accuracy.bound_at(air) && margin >= row.uncertainty) return;
    row.severity = Severity::warning;
    row.message = row.subject + " leaves " + in_brief(margin, "K") + " to the chamber's " + with_unit(air, "degC") +
                  ": the cell approaches it slowly, and '" + row.instrument + "' err by up to " + in_brief(row.uncertainty, "K");
  }

  void add_temperature_rise(const ConditionNode& leaf) {
    if (!thermometer_ || !points_up(leaf.comparison) || !(leaf.value > 0.0)) return;
    AccuracyRow row = end_row(AccuracyUse::temperature_end, leaf, "K", thermometer_->accuracy.bound_at(leaf.value));
    row.instrument = thermometer_->model;
    row.is_unverified = thermometer_->accuracy.is_unverified;
    row.advice = "at most: an error that stays falls out of a difference";
    row.compared_with = leaf.value;
    row.compared_to = "the value";
    if (row.uncertainty > leaf.value) {
      row.severity = Severity::warning;
      row.message = row.subject + " lies within the error of '" + row.instrument + "', " + in_brief(row.uncertainty, "K") +
                    ": only a thermometer whose error stays the same can tell it";
    }
    add(std::move(row));
  }

  /// Two thermometers, each with an error of its own: unlike that of a rise nothing of it falls out.
  void add_temperature_difference(const ConditionNode& leaf) {
    if (!thermometer_) return;
    constexpr double room_degC = 25.0;
    const double at = air_ ? air_->value() : room_degC;
    const std::optional<LoggerInput>& air = context_.sensors[static_cast<std::size_t>(Measurand::ambient_temperature)];
    const bool is_chamber = leaf.quantity == ConditionQuantity::cell_minus_chamber_K;
    double other = 0.0;
    if (is_chamber && context_.chamber) other = context_.chamber->temperature_accuracy.bound_at(at);
    if (!is_chamber && air) other = air->accuracy.bound_at(at);
    AccuracyRow row = end_row(AccuracyUse::temperature_end, leaf, "K", thermometer_->accuracy.bound_at(at) + other);
    row.instrument = thermometer_->model;
    row.is_unverified = thermometer_->accuracy.is_unverified;
    row.advice = "the errors of both thermometers";
    row.compared_with = std::abs(leaf.value);
    row.compared_to = "the value";
    if (row.uncertainty > *row.compared_with) {
      row.severity = Severity::warning;
      row.message = row.subject + " lies within the errors of both thermometers, " + in_brief(row.uncertainty, "K") +
                    ": the step may end early or late";
    }
    add(std::move(row));
  }

  void add_sensor_end(const ConditionNode& leaf) {
    const Measurand measurand = *sensor_of(leaf.quantity);
    const std::optional<LoggerInput> sensor = sensor_input(program_, context_, measurand);
    if (!sensor || !(leaf.value > 0.0)) return;
    AccuracyRow row = end_row(AccuracyUse::sensor_end, leaf, to_string(unit_of_name(to_string(leaf.quantity))),
                              sensor->accuracy.bound_at(leaf.value));
    row.instrument = "sensor of " + std::string{name_with_unit(measurand)};
    row.is_unverified = sensor->accuracy.is_unverified;
    judge_by_value(row, "so the step ends early or late");
    add(std::move(row));
  }

  void add_resistance(const Step& step) {
    const double current = current_bound(step).value();
    const double resolved = 2.0 * cycler_.voltage_resolution.value() / current;
    AccuracyRow row{.use = AccuracyUse::resistance,
                    .instrument = cycler_.model,
                    .subject = "measure: resistance",
                    .unit = "Ohm",
                    .uncertainty = resolved,
                    .advice = "the cell's file has no pulse_resistance: below " +
                              in_brief(resolved / accuracy_doubtful_share, "Ohm") + " it is known to less than a tenth",
                    .is_unverified = cycler_.current_accuracy.is_unverified || cycler_.voltage_accuracy.is_unverified};
    if (program_.pulse_resistance) {
      const double least = program_.pulse_resistance->least.value();
      row.value = least;
      row.uncertainty = resolved + least * (voltage_gain() + current_doubt(current) / current);
      judge_by_value(row, "at " + in_brief(current, "A") + " it changes the voltage by " + in_brief(current * least, "V"));
      row.advice = "a change of " + in_brief(current * least, "V") + ", resolved to " +
                   in_brief(2.0 * cycler_.voltage_resolution.value(), "V");
    }
    add(std::move(row));
  }

  void add_record_changes(const Step& step) {
    add_record_change("voltage_change_V", step.record_changes.voltage_V, cycler_.voltage_resolution.value(), "V");
    if (step.setpoint)
      add_record_change("current_change_A", step.record_changes.current_A, cycler_.current_resolution.value(), "A");
  }

  void add_record_change(const std::string& key, double change, double resolution, const std::string& unit) {
    if (!(change > 0.0)) return;
    AccuracyRow row{.use = AccuracyUse::record_change,
                    .instrument = cycler_.model,
                    .subject = key,
                    .unit = unit,
                    .value = change,
                    .uncertainty = resolution,
                    .compared_with = change,
                    .compared_to = "the value",
                    .advice = "its resolution"};
    if (change <= resolution) {
      row.severity = Severity::warning;
      row.message = "'" + key + "' = " + with_unit(change, unit) + " is no more than the resolution of '" + cycler_.model +
                    "', " + with_unit(resolution, unit) + ": noise becomes rows";
    }
    add(std::move(row));
  }

  void add_chamber(const Step& step) {
    const double asked = step.chamber_temperature->value();
    asked_.hottest = std::max(asked_.hottest.value_or(*step.chamber_temperature), *step.chamber_temperature);
    asked_.coldest = std::min(asked_.coldest.value_or(*step.chamber_temperature), *step.chamber_temperature);
    if (!context_.chamber) return;
    const ChamberCapabilities& chamber = *context_.chamber;
    const double room = std::min(asked - chamber.temperature_min.value(), chamber.temperature_max.value() - asked);
    if (room < 0.0) return;  // check_temperature() says so
    add({.use = AccuracyUse::chamber_temperature,
         .instrument = chamber.model,
         .subject = "chamber",
         .unit = "degC",
         .value = asked,
         .uncertainty = chamber.temperature_accuracy.bound_at(asked),
         .compared_with = room,
         .compared_to = "to the end of its range",
         .advice = "range " + format_short(chamber.temperature_min.value()) + " to " +
                   with_unit(chamber.temperature_max.value(), "degC"),
         .is_unverified = chamber.temperature_accuracy.is_unverified});
  }

  const Program& program_;
  SafetyLimits limits_;  ///< of the step that is looked at
  const CheckContext& context_;
  const CyclerCapabilities& cycler_;
  std::optional<Thermometer> thermometer_;
  AccuracyStep at_;
  std::optional<Celsius> air_;  ///< last asked of the chamber
  AskedTemperatures asked_;
  std::vector<AccuracyRow> rows_;
};

}  // namespace

std::optional<double> AccuracyRow::share() const {
  if (!compared_with) return std::nullopt;
  if (*compared_with > 0.0) return uncertainty / *compared_with;
  return uncertainty > 0.0 ? std::numeric_limits<double>::infinity() : 0.0;
}

std::vector<AccuracyRow> accuracy_rows(const Program& compiled, const CheckContext& context) {
  if (!context.cycler) return {};
  const Program program = on_bench(compiled, context);
  return AccuracyCollector{program, context}.rows();
}

}  // namespace cellrig
