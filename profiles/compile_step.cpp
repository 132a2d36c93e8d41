// One step: its set-point, its ends, its rows, its bound.
#include <algorithm>
#include <cmath>
#include <limits>

#include "profiles/check_rules.hpp"
#include "profiles/compiler.hpp"
#include "profiles/courses.hpp"
#include "profiles/formulas.hpp"
#include "profiles/number.hpp"
#include "profiles/tighten.hpp"

namespace cellrig {
namespace {

constexpr double pressure_tolerance_share = 0.05;
constexpr double pressure_hold_s = 10.0;

const Field* magnitude_field(const StepSpec& spec) {
  if (spec.kind != StepKind::cc && spec.kind != StepKind::cccv && spec.kind != StepKind::cp) return nullptr;
  return spec.first_of({"rate_C", "current_A", "power_W"});
}

}  // namespace

/// With likely values for what is known only while the program runs.
StepScope Compiler::scope(RateReference reference) const {
  return StepScope{cell_, step_limits_ != nullptr ? *step_limits_ : program_.limits, here_.expected,
                   reference == RateReference::rated ? cell_.rated_capacity : cell_.nominal_capacity,
                   reference == RateReference::measured};
}

void Compiler::append_step(const StepSpec& spec) {
  Step step;
  step.name = spec.name;
  step.kind = spec.kind;
  step.direction = spec.direction;
  step.measure = spec.measure;
  step.source = spot_of(spec.place);
  RecordRule record = here_.record;
  if (spec.record) set_record(*spec.record, record);
  record.give_to(step);
  step.on_interruption = spec.on_interruption.value_or(here_.profile->on_interruption);
  if (const Field* field = spec.find("record_every_s")) {
    if (spec.record)
      throw ConfigError{field->place, "'record_every_s' and 'record' exclude each other: write {every_s: ...} there"};
    step.record_interval = duration_of(*field, record_interval_max, here_.names);
  }
  for (const Field& limit : spec.limits)
    step_limits_temperature_ = step_limits_temperature_ || unit_of_name(limit.key) == Unit::celsius;
  if (!spec.limits.empty()) step.limits = tightened_limits(spec.limits, program_.limits, cell_, here_.names);
  const std::optional<SafetyLimits> limits = step.limits;
  step_limits_ = limits ? &*limits : nullptr;
  step_rate_ = rate_of(spec);
  refuse_run_time(spec);
  set_bound(spec, step);
  set_temperature(spec, step);
  set_soc(spec, step);
  set_setpoint(spec, step);
  step.may_charge = step.course ? step.course->greatest_charge() > Amps{} : step.direction == StepDirection::charge;
  judge_warmth(spec, step);
  program_.code.emplace_back(std::move(step));
  Step& added = std::get<Step>(program_.code.back());
  add_ends(spec, added);
  find_held_end(added);
  step_limits_ = nullptr;
}

/// Everywhere but in the current or power of a step and in its conditions a number must be known before anything runs.
void Compiler::refuse_run_time(const StepSpec& spec) const {
  const Field* const magnitude = magnitude_field(spec);
  for (const Field& field : spec.fields) {
    if (&field != magnitude && is_run_time(field.value)) (void)value_of(field, here_.names);  // says which name, and why not
  }
}

void Compiler::set_setpoint(const StepSpec& spec, Step& step) {
  if (spec.kind == StepKind::course) return set_course(spec, step);
  if (spec.kind == StepKind::person) return set_task(spec, step);
  step.setpoint = make_setpoint(spec, scope(step_rate_));
  set_magnitude(spec, step);
  const Field* const bound = spec.find("rate_max_C");
  if (bound == nullptr || step_rate_ != RateReference::measured) return;
  Formula formula = make_formula(bound->value, here_.names, program_.variables);
  multiply_by(formula, ResultQuantity::reference_capacity_Ah);
  formula.text += " of the measured capacity";
  step.current_bound = Magnitude{static_cast<std::uint16_t>(add_formula(std::move(formula))), current_max(spec, step).value()};
}

/// A current or power that is known only when the step begins. It may become what the cell allows at most, and no more.
void Compiler::set_magnitude(const StepSpec& spec, Step& step) {
  const Field* const field = magnitude_field(spec);
  if (field == nullptr) return;
  const bool is_rate = unit_of_name(field->key) == Unit::c_rate;
  const bool by_measured = is_rate && step_rate_ == RateReference::measured;
  if (!is_run_time(field->value) && !by_measured) return;
  Formula formula = make_formula(field->value, here_.names, program_.variables);
  if (by_measured) {
    multiply_by(formula, ResultQuantity::reference_capacity_Ah);
    formula.text += " of the measured capacity";
  } else if (is_rate) {
    multiply_by(formula, scope(step_rate_).rate_capacity.value());
  }
  step.magnitude = Magnitude{static_cast<std::uint16_t>(add_formula(std::move(formula))), magnitude_max(spec, step)};
}

/// The least of what the cell, the profile and the step allow; as far inside a safety limit as the cell's own rates are inside its. With a
/// hair of tolerance, as for what is known before.
Amps Compiler::current_max(const StepSpec& spec, const Step& step) const {
  const bool charges = spec.direction == StepDirection::charge;
  const SafetyLimits& limits = step.limits ? *step.limits : program_.limits;
  const Amps by_limit = (charges ? limits.charge_current_max : limits.discharge_current_max) / safety_current_factor;
  const Amps most = std::min(cell_.current_at(charges ? cell_.charge_rate_max_C : cell_.discharge_rate_max_C), by_limit);
  return most * (1.0 + 1e-9);
}

double Compiler::magnitude_max(const StepSpec& spec, const Step& step) const {
  const double most = current_max(spec, step).value();
  return spec.kind == StepKind::cp ? most * cell_.voltage_max.value() : most;
}

void Compiler::set_course(const StepSpec& spec, Step& step) {
  const StepScope outer = scope(step_rate_);
  const StepScope here{cell_, outer.limits, here_.names, outer.rate_capacity, outer.rates_are_measured};
  step.course = make_course(spec, here, step.time_max);
  const Course& course = *step.course;
  step.setpoint = hardest_charge(course);
  if (!step.setpoint) step.setpoint = hardest_discharge(course);
  if (!step.setpoint) throw ConfigError{spec.place, spec.word + " never asks for a current: write a 'rest'"};
  if (course.of_measured) {
    Formula scale;
    scale.postfix = {{.kind = Formula::Operation::Kind::number, .number = 1.0 / cell_.nominal_capacity.value()}};
    multiply_by(scale, ResultQuantity::reference_capacity_Ah);
    scale.text = "a current by the measured capacity";
    scale.source = spot_of(spec.place);
    step.course_scale = static_cast<std::uint16_t>(add_formula(std::move(scale)));
  }
  if (course.kind == Course::Kind::ramp) return;
  const double passes = static_cast<double>(course_passes(spec, here));
  if (passes * to_seconds(course.period) > to_seconds(step_duration_max))
    throw ConfigError{spec.place, spec.word + " would last longer than a year"};
  step.time_max = from_seconds(passes * to_seconds(course.period));
  step.time_max_is_normal = true;
}

void Compiler::set_task(const StepSpec& spec, Step& step) {
  PersonTask task;
  task.message = spec.message;
  if (const Field* const field = spec.find("pressure_MPa")) {
    task.stack_pressure_MPa = value_of(*field, here_.names);
    if (!(*task.stack_pressure_MPa > 0.0)) throw ConfigError{field->value.place, "'pressure_MPa' must be above zero"};
    task.is_confirmed = false;  // the load cell tells
    if (task.message.empty()) task.message = "set the fixture to " + with_unit(*task.stack_pressure_MPa, "MPa");
  }
  step.person = std::move(task);
}

// ---- ends -----------------------------------------------------------------------------------------------------------

void Compiler::add_ends(const StepSpec& spec, Step& step) {
  std::size_t leaves = 0;
  for (const ConditionSpec& condition : spec.until) add_end(step, condition, leaves);
  if (spec.table && spec.at_limit != AtLimit::hold) add_limit_ends(spec, step, leaves);
  if (step.person && step.person->stack_pressure_MPa) add_pressure_ends(spec, step, leaves);
}

void Compiler::add_end(Step& step, const ConditionSpec& condition, std::size_t& leaves) {
  EndCondition end;
  end.root = append_condition(condition, leaves);
  end.text = resolved_text(condition);
  step.ends.push_back(std::move(end));
  if (!condition.then.empty()) set_target(condition, step);
}

/// The outermost voltage that ends the step by itself, at once, in its direction; the bound of the set-point lies there or beyond.
void Compiler::find_held_end(Step& step) const {
  const bool is_upper = step.direction == StepDirection::charge;
  if (step.kind == StepKind::cccv || step.kind == StepKind::cv || !step.setpoint || step.course) return;
  const HeldVoltage bounds = held_voltage(program_, step);
  const auto consider = [&](std::size_t end, const ConditionNode& leaf) {
    const bool points_up = leaf.comparison == Comparison::at_least || leaf.comparison == Comparison::above;
    const bool is_plain = leaf.kind == ConditionNode::Kind::leaf && leaf.quantity == ConditionQuantity::voltage_V &&
                          leaf.formula < 0 && leaf.hold == Duration::zero() && leaf.blank == Duration::zero();
    if (!is_plain || points_up != is_upper) return;
    const double bound = (is_upper ? bounds.max : bounds.min).value();
    if (is_upper ? bound < leaf.value : bound > leaf.value) return;
    const bool is_outer =
        !step.held_end || (is_upper ? leaf.value > step.held_end->voltage_V : leaf.value < step.held_end->voltage_V);
    if (is_outer) step.held_end = HeldEnd{static_cast<std::uint16_t>(end), leaf.value, is_upper};
  };
  for (std::size_t end = 0; end < step.ends.size(); ++end) {
    const ConditionNode& root = program_.nodes[step.ends[end].root];
    consider(end, root);
    if (root.kind != ConditionNode::Kind::any_of) continue;
    std::uint16_t child = root.first_child;
    for (std::uint16_t n = 0; n < root.child_count; ++n) {
      consider(end, program_.nodes[child]);
      child = program_.nodes[child].next_sibling;
    }
  }
}

void Compiler::set_target(const ConditionSpec& spec, Step& step) {
  EndCondition& end = step.ends.back();
  if (spec.then == "next") return;
  end.text += " -> " + spec.then;
  if (spec.then == "end") {
    end.target = EndCondition::Target::end_run;
  } else if (spec.then == "fail") {
    end.target = EndCondition::Target::failure;
  } else {
    end.target = EndCondition::Target::step;
    pending_.push_back({program_.code.size() - 1, step.ends.size() - 1, spec.then, spec.then_place});
  }
}

void Compiler::add_plain_end(Step& step, const ConditionNode& leaf, EndCondition::Target target) {
  EndCondition end;
  end.root = static_cast<std::uint16_t>(program_.nodes.size());
  end.text =
      std::string{to_string(leaf.quantity)} + " " + std::string{to_string(leaf.comparison)} + " " + format_short(leaf.value);
  if (target == EndCondition::Target::failure) end.text += " -> fail";
  end.target = target;
  program_.nodes.push_back(leaf);
  step.ends.push_back(std::move(end));
}

void Compiler::add_limit_ends(const StepSpec& spec, Step& step, std::size_t& leaves) {
  const VoltageBounds limits = limits_of_course(spec, scope(step_rate_));
  const EndCondition::Target target = spec.at_limit == AtLimit::fail ? EndCondition::Target::failure : EndCondition::Target::next;
  if (leaves + 2 > leaves_per_step_max || program_.nodes.size() + 2 > std::numeric_limits<std::uint16_t>::max())
    throw ConfigError{spec.place, "too many conditions"};
  const auto leaf = [&leaves](Comparison comparison, Volts value) {
    ConditionNode node;
    node.quantity = ConditionQuantity::voltage_V;
    node.comparison = comparison;
    node.value = value.value();
    node.leaf_index = static_cast<std::uint8_t>(leaves++);
    return node;
  };
  add_plain_end(step, leaf(Comparison::at_most, limits.min), target);
  add_plain_end(step, leaf(Comparison::at_least, limits.max), target);
}

/// Within the tolerance for so long, without a reading outside.
void Compiler::add_pressure_ends(const StepSpec& spec, Step& step, std::size_t& leaves) {
  const double wanted = *step.person->stack_pressure_MPa;
  const Field* const field = spec.find("tolerance_MPa");
  const double tolerance = field != nullptr ? value_of(*field, here_.names) : pressure_tolerance_share * wanted;
  if (!(tolerance > 0.0 && tolerance < wanted))
    throw ConfigError{field != nullptr ? field->value.place : spec.place, "'tolerance_MPa' must lie between 0 and the pressure"};
  const Field* const given = spec.first_of({"hold_s", "hold_min"});
  const double hold_s =
      given != nullptr ? value_of(*given, here_.names) * seconds_per(unit_of_name(given->key)) : pressure_hold_s;
  if (!(hold_s >= 0.0 && from_seconds(std::min(hold_s, 1e9)) < step.time_max))
    throw ConfigError{
        given != nullptr ? given->value.place : spec.place,
        "the pressure must hold for " + format_short(hold_s) + " s: that must be 0 or more, and less than the bound of the step"};
  if (leaves + 2 > leaves_per_step_max || program_.nodes.size() + 3 > std::numeric_limits<std::uint16_t>::max())
    throw ConfigError{spec.place, "too many conditions"};
  ConditionNode both{.kind = ConditionNode::Kind::all_of};
  both.first_child = static_cast<std::uint16_t>(program_.nodes.size() + 1);
  both.child_count = 2;
  EndCondition end;
  end.root = static_cast<std::uint16_t>(program_.nodes.size());
  end.text = "stack_pressure_MPa within " + format_short(tolerance) + " of " + format_short(wanted) + " for " +
             format_short(hold_s) + " s";
  program_.nodes.push_back(both);
  for (const Comparison comparison : {Comparison::at_least, Comparison::at_most}) {
    ConditionNode leaf;
    leaf.quantity = ConditionQuantity::stack_pressure_MPa;
    leaf.comparison = comparison;
    leaf.value = comparison == Comparison::at_least ? wanted - tolerance : wanted + tolerance;
    leaf.hold = from_seconds(hold_s);
    leaf.leaf_index = static_cast<std::uint8_t>(leaves++);
    if (comparison == Comparison::at_least) leaf.next_sibling = static_cast<std::uint16_t>(program_.nodes.size() + 1);
    program_.nodes.push_back(leaf);
  }
  step.ends.push_back(std::move(end));
}

std::uint16_t Compiler::append_condition(const ConditionSpec& spec, std::size_t& leaves) {
  const std::size_t index = program_.nodes.size();
  if (index >= std::numeric_limits<std::uint16_t>::max()) throw ConfigError{spec.place, "too many conditions in one profile"};
  program_.nodes.emplace_back();
  ConditionNode node;
  node.kind = spec.kind;
  if (spec.kind == ConditionNode::Kind::leaf) {
    node = leaf_of(spec, leaves);
  } else {
    node.first_child = static_cast<std::uint16_t>(index + 1);
    node.child_count = static_cast<std::uint16_t>(spec.children.size());
    std::uint16_t last = 0;
    for (std::size_t i = 0; i < spec.children.size(); ++i) {
      const std::uint16_t child = append_condition(spec.children[i], leaves);
      if (i > 0) program_.nodes[last].next_sibling = child;
      last = child;
    }
  }
  program_.nodes[index] = node;
  return static_cast<std::uint16_t>(index);
}

ConditionNode Compiler::leaf_of(const ConditionSpec& spec, std::size_t& leaves) {
  if (leaves >= leaves_per_step_max)
    throw ConfigError{spec.place, "more than " + std::to_string(leaves_per_step_max) + " conditions in one step"};
  ConditionNode node;
  node.quantity = spec.quantity;
  node.comparison = spec.comparison;
  if (spec.result) node.operand = *spec.result;
  if (spec.quantity == ConditionQuantity::variable) node.operand = variable_named(spec.quantity_word, spec.place);
  node.value = value_of(spec, scope(step_rate_));
  const bool is_rate = spec.scale == ConditionScale::nominal_capacity;
  const bool by_measured = is_rate && step_rate_ == RateReference::measured;
  if (is_run_time(spec.value) || by_measured) {
    Formula formula = make_formula(spec.value, here_.names, program_.variables);
    switch (spec.scale) {
      case ConditionScale::as_written: break;
      case ConditionScale::minutes: multiply_by(formula, 60.0); break;
      case ConditionScale::hours: multiply_by(formula, 3600.0); break;
      case ConditionScale::nominal_capacity:
        if (by_measured)
          multiply_by(formula, ResultQuantity::reference_capacity_Ah);
        else
          multiply_by(formula, scope(step_rate_).rate_capacity.value());
        break;
      case ConditionScale::nominal_percent: multiply_by(formula, cell_.nominal_capacity.value() / 100.0); break;
    }
    node.formula = add_formula(std::move(formula));
  }
  node.hold = clause_of(spec.hold, spec.hold_unit, "for");
  node.blank = clause_of(spec.blank, spec.blank_unit, "after");
  node.leaf_index = static_cast<std::uint8_t>(leaves++);
  return node;
}

Duration Compiler::clause_of(const std::optional<Expression>& clause, Unit unit, const std::string& word) const {
  if (!clause) return Duration::zero();
  const double written = evaluate(*clause, here_.names, unit, word);
  return duration_of(written * seconds_per(unit), step_duration_max, *clause, word);
}

/// What the record says: the profile's words with the numbers worked out.
std::string Compiler::resolved_text(const ConditionSpec& spec) const {
  if (spec.kind != ConditionNode::Kind::leaf) {
    std::string list;
    for (const ConditionSpec& child : spec.children) list += (list.empty() ? "" : "; ") + resolved_text(child);
    return (spec.kind == ConditionNode::Kind::all_of ? "all of (" : "any of (") + list + ")";
  }
  std::string text = spec.quantity_word + " " + std::string{to_string(spec.comparison)} + " ";
  if (is_run_time(spec.value)) {
    text += spec.value.text;
  } else {
    text += format_short(evaluate(spec.value, here_.names, unit_of_name(spec.quantity_word), spec.quantity_word));
  }
  if (spec.scale == ConditionScale::nominal_capacity && step_rate_ != RateReference::nominal)
    text += step_rate_ == RateReference::rated ? " (rated)" : " (measured)";
  const auto add = [&](const std::optional<Expression>& clause, Unit unit, const std::string& word) {
    if (clause)
      text += " " + word + " " + format_short(evaluate(*clause, here_.names, unit, word)) + " " + std::string{to_string(unit)};
  };
  add(spec.blank, spec.blank_unit, "after");
  add(spec.hold, spec.hold_unit, "for");
  return text;
}

// ---- rows, bounds, temperature --------------------------------------------------------------------------------------

void Compiler::set_record(const RecordSpec& spec, RecordRule& rule) const {
  for (const Field& field : spec.fields) {
    if (field.key == "every_s") {
      rule.interval = duration_of(field, record_interval_max, here_.names);
      continue;
    }
    if (field.key == "before_event_s") {
      rule.before = duration_of(field, record_before_max, here_.names);
      continue;
    }
    const double change = value_of(field, here_.names);
    if (!(change > 0.0)) throw ConfigError{field.value.place, "'" + field.key + "' must be above zero"};
    if (field.key == "voltage_change_V") rule.changes.voltage_V = change;
    if (field.key == "current_change_A") rule.changes.current_A = change;
    if (field.key == "temperature_change_K") rule.changes.temperature_K = change;
    if (field.key == "capacity_change_Ah") rule.changes.capacity_Ah = change;
  }
  if (!spec.at_place) return;
  if (spec.at_s.size() > record_points_max)
    throw ConfigError{*spec.at_place, "more than " + std::to_string(record_points_max) + " times in 'at_s'"};
  rule.at.clear();
  for (const Expression& time : spec.at_s) {
    const double seconds = evaluate(time, here_.names, Unit::second, "at_s");
    rule.at.push_back(duration_of(seconds, step_duration_max, time, "at_s"));
  }
  std::sort(rule.at.begin(), rule.at.end());
}

void Compiler::set_bound(const StepSpec& spec, Step& step) const {
  for (const char* key : {"for_s", "for_min", "for_h", "at_most_s", "at_most_min", "at_most_h"}) {
    const Field* field = spec.find(key);
    if (field == nullptr) continue;
    step.time_max = duration_of(*field, step_duration_max, here_.names);
    step.time_max_is_normal = field->key.starts_with("for_");
    if (!step.time_max_is_normal && step.time_max <= Duration::zero()) {
      throw ConfigError{field->value.place, "'" + field->key + "' must be above zero: no step can end within no time"};
    }
  }
}

void Compiler::set_temperature(const StepSpec& spec, Step& step) {
  if (const Field* field = spec.find("temperature_degC")) {
    pending_temperature_ = Celsius{value_of(*field, here_.names)};
    take_temperature(step);
  } else if (pending_temperature_) {
    take_temperature(step);
  }
}

/// As the text has it; a way through the program that nobody can know before is judged when it is taken.
void Compiler::judge_warmth(const StepSpec& spec, const Step& step) const {
  if (!step.may_charge || !temperature_ || *temperature_ <= cell_.charge_temperature_max) return;
  throw ConfigError{spec.place, spec.word + " at a chamber temperature of " + format_short(temperature_->value()) +
                                    " degC is above the cell's charge_temperature_max_degC = " +
                                    format_short(cell_.charge_temperature_max.value()) + " (" +
                                    to_string(cell_.place_of("charge_temperature_max_degC")) + ")"};
}

void Compiler::take_temperature(Step& step) {
  step.chamber_temperature = pending_temperature_;
  temperature_ = pending_temperature_;
  pending_temperature_.reset();
}

void Compiler::set_soc(const StepSpec& spec, Step& step) const {
  const Field* field = spec.find("sets_soc_pct");
  if (field == nullptr) return;
  if (spec.table && spec.at_limit == AtLimit::end)
    throw ConfigError{
        field->place,
        "'sets_soc_pct' of a drive_cycle that ends at either limit: which one? Give the end under 'until', and at_limit: hold"};
  const double soc = value_of(*field, here_.names);
  if (!(soc >= 0.0 && soc <= 100.0))
    throw ConfigError{field->value.place, "'sets_soc_pct' must lie between 0 and 100, found " + format_short(soc)};
  step.sets_soc_pct = soc;
}

}  // namespace cellrig
