#include "profiles/setpoints.hpp"

#include <algorithm>
#include <string>

#include "profiles/formulas.hpp"
#include "profiles/number.hpp"

namespace cellrig {
namespace {

double positive(const Field& field, const Names& names, const std::string& when_zero) {
  const double value = value_of(field, names);
  if (value > 0.0) return value;
  const std::string hint =
      value == 0.0 ? when_zero : ": charge and discharge are told apart by the step's word, the value is a magnitude";
  throw ConfigError{field.value.place, "'" + field.key + "' must be above zero, found " + format_short(value) + hint};
}

/// The magnitude of a current, given as a rate or in A, within what the cell allows.
Amps current_of(const Field& field, const StepSpec& step, const StepScope& scope) {
  const bool is_rate = unit_of_name(field.key) == Unit::c_rate;
  const double given = positive(field, scope.names, ": no current is a rest");
  const Amps current = is_rate ? Amps{given * scope.rate_capacity.value()} : Amps{given};
  const bool charges = step.direction == StepDirection::charge;
  const std::string key = charges ? "charge_rate_max_C" : "discharge_rate_max_C";
  const double rate_max = charges ? scope.cell.charge_rate_max_C : scope.cell.discharge_rate_max_C;
  const double rate = current / scope.cell.current_at(1.0);
  // A hair of tolerance: 2C written as 10 A of a 5 Ah cell must not fail by a rounding.
  if (!(rate <= rate_max * (1.0 + 1e-9))) {
    throw ConfigError{field.value.place, "'" + field.key + "' = " + format_short(given) +
                                             (is_rate ? "" : " (" + with_unit(rate, "C") + ")") + " is beyond the cell's " + key +
                                             " = " + format_short(rate_max) + " (" + to_string(scope.cell.place_of(key)) + ")"};
  }
  return current;
}

/// A voltage that the profile asks the instrument to hold. It lies within the cell's own window.
Volts cell_voltage(const Field& field, const StepScope& scope) {
  const Volts voltage{value_of(field, scope.names)};
  const auto refuse = [&](const std::string& key, Volts limit, const std::string& side) {
    throw ConfigError{field.value.place, "'" + field.key + "' = " + with_unit(voltage.value(), "V") + " is " + side +
                                             " the cell's " + key + " = " + with_unit(limit.value(), "V") + " (" +
                                             to_string(scope.cell.place_of(key)) + ")"};
  };
  constexpr Volts rounding{1e-9};
  if (!(voltage <= scope.cell.voltage_max + rounding)) refuse("voltage_max_V", scope.cell.voltage_max, "above");
  if (!(voltage >= scope.cell.voltage_min - rounding)) refuse("voltage_min_V", scope.cell.voltage_min, "below");
  return voltage;
}

/// The outermost voltage among the ends that point in the step's direction.
void outermost_end(const std::vector<ConditionSpec>& conditions, bool upward, const StepScope& scope,
                   std::optional<Volts>& found) {
  for (const ConditionSpec& condition : conditions) {
    if (condition.kind != ConditionNode::Kind::leaf) {
      outermost_end(condition.children, upward, scope, found);
      continue;
    }
    const bool points_up = condition.comparison == Comparison::at_least || condition.comparison == Comparison::above;
    if (condition.quantity != ConditionQuantity::voltage_V || points_up != upward) continue;
    if (is_run_time(condition.value)) continue;  // it may come to lie anywhere in the cell's window
    const Volts value{value_of(condition, scope)};
    if (!found || (upward ? value > *found : value < *found)) found = value;
  }
}

VoltageBounds widest_bounds(const StepScope& scope) {
  return {std::max(scope.cell.voltage_min - bound_beyond_cell, scope.limits.voltage_min + bound_inside_limit),
          std::min(scope.cell.voltage_max + bound_beyond_cell, scope.limits.voltage_max - bound_inside_limit)};
}

/// Just beyond the step's own end; without a voltage end the cell's own window, where the instrument tapers.
VoltageBounds bounds_of(const StepSpec& step, const StepScope& scope) {
  const VoltageBounds widest = widest_bounds(scope);
  VoltageBounds bounds = widest;
  const bool charges = step.direction == StepDirection::charge;
  std::optional<Volts> end;
  outermost_end(step.until, charges, scope, end);
  if (charges) {
    const Field* given = step.find("voltage_max_V");
    bounds.max = end ? *end + bound_beyond_end : scope.cell.voltage_max;
    bounds.max = given != nullptr ? cell_voltage(*given, scope) : std::min(bounds.max, widest.max);
  } else {
    const Field* given = step.find("voltage_min_V");
    bounds.min = end ? *end - bound_beyond_end : scope.cell.voltage_min;
    bounds.min = given != nullptr ? cell_voltage(*given, scope) : std::max(bounds.min, widest.min);
  }
  if (!(bounds.min < bounds.max)) {
    throw ConfigError{step.place, step.word + " leaves no voltage between its bounds, " + with_unit(bounds.min.value(), "V") +
                                      " and " + with_unit(bounds.max.value(), "V")};
  }
  return bounds;
}

/// The step's own bound of the current, otherwise the cell's.
Amps current_limit_of(const StepSpec& step, const StepScope& scope) {
  if (const Field* given = step.first_of({"rate_max_C", "current_max_A"})) return current_of(*given, step, scope);
  const bool charges = step.direction == StepDirection::charge;
  return scope.cell.current_at(charges ? scope.cell.charge_rate_max_C : scope.cell.discharge_rate_max_C);
}

Setpoint constant_current(const StepSpec& step, const StepScope& scope) {
  const VoltageBounds bounds = bounds_of(step, scope);
  const Amps magnitude = current_of(*step.first_of({"rate_C", "current_A"}), step, scope);
  return ConstantCurrent{.current = step.direction == StepDirection::charge ? magnitude : -magnitude,
                         .voltage_min = bounds.min,
                         .voltage_max = bounds.max};
}

Setpoint constant_voltage(const StepSpec& step, const StepScope& scope) {
  const Amps magnitude = current_of(*step.first_of({"rate_C", "current_A", "rate_max_C", "current_max_A"}), step, scope);
  const bool charges = step.direction == StepDirection::charge;
  return ConstantVoltage{.voltage = cell_voltage(*step.find("voltage_V"), scope),
                         .current_min = charges ? Amps{0.0} : -magnitude,
                         .current_max = charges ? magnitude : Amps{0.0}};
}

Setpoint constant_power(const StepSpec& step, const StepScope& scope) {
  const VoltageBounds bounds = bounds_of(step, scope);
  const double magnitude = positive(*step.find("power_W"), scope.names, ": no power is a rest");
  return ConstantPower{.power = Watts{step.direction == StepDirection::charge ? magnitude : -magnitude},
                       .voltage_min = bounds.min,
                       .voltage_max = bounds.max,
                       .current_limit = current_limit_of(step, scope)};
}

Setpoint constant_resistance(const StepSpec& step, const StepScope& scope) {
  const VoltageBounds bounds = bounds_of(step, scope);
  return ConstantResistance{
      .resistance = Ohms{positive(*step.find("resistance_Ohm"), scope.names, ": that would be a short circuit")},
      .voltage_min = bounds.min,
      .voltage_max = bounds.max,
      .current_limit = current_limit_of(step, scope)};
}

}  // namespace

VoltageBounds limits_of_course(const StepSpec& step, const StepScope& scope) {
  VoltageBounds limits{scope.cell.voltage_min, scope.cell.voltage_max};
  if (const Field* given = step.find("voltage_min_V")) limits.min = cell_voltage(*given, scope);
  if (const Field* given = step.find("voltage_max_V")) limits.max = cell_voltage(*given, scope);
  if (step.word == "voltage_ramp") {
    const Volts from = cell_voltage(*step.find("from_voltage_V"), scope), to = cell_voltage(*step.find("to_voltage_V"), scope);
    limits = {std::min(from, to), std::max(from, to)};
  }
  if (step.word == "voltage_ramp" ? limits.min == limits.max : !(limits.min < limits.max)) {
    throw ConfigError{step.place, step.word + " leaves no voltage between its bounds, " + with_unit(limits.min.value(), "V") +
                                      " and " + with_unit(limits.max.value(), "V")};
  }
  return limits;
}

VoltageBounds bounds_of_course(const StepSpec& step, const StepScope& scope) {
  const VoltageBounds limits = limits_of_course(step, scope), widest = widest_bounds(scope);
  if (step.at_limit == AtLimit::hold) return limits;
  return {std::max(limits.min - bound_beyond_end, widest.min), std::min(limits.max + bound_beyond_end, widest.max)};
}

double value_of(const Field& field, const Names& names) {
  return evaluate(field.value, names, unit_of_name(field.key), field.key);
}

double value_of(const ConditionSpec& leaf, const StepScope& scope) {
  const double written = evaluate(leaf.value, scope.names, unit_of_name(leaf.quantity_word), leaf.quantity_word);
  const double nominal = scope.cell.nominal_capacity.value();
  const double rate = scope.rate_capacity.value();
  switch (leaf.scale) {
    case ConditionScale::as_written: return written;
    case ConditionScale::minutes: return written * 60.0;
    case ConditionScale::hours: return written * 3600.0;
    case ConditionScale::nominal_capacity: return written * rate;
    case ConditionScale::nominal_percent: return written / 100.0 * nominal;
  }
  return written;
}

std::optional<Setpoint> make_setpoint(const StepSpec& step, const StepScope& scope) {
  switch (step.kind) {
    case StepKind::rest:
    case StepKind::course:
    case StepKind::person:
    case StepKind::soak: return std::nullopt;
    case StepKind::cc: return constant_current(step, scope);
    case StepKind::cv:
    case StepKind::cccv: return constant_voltage(step, scope);
    case StepKind::cp: return constant_power(step, scope);
    case StepKind::cr: return constant_resistance(step, scope);
  }
  return std::nullopt;
}

}  // namespace cellrig
