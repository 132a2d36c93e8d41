#include "profiles/compile.hpp"

#include <algorithm>
#include <cmath>

#include "profiles/attachments.hpp"
#include "profiles/canonical.hpp"
#include "profiles/compiler.hpp"
#include "profiles/expect.hpp"
#include "profiles/formulas.hpp"
#include "profiles/number.hpp"
#include "profiles/sensor_limits.hpp"
#include "profiles/tighten.hpp"

namespace cellrig {
namespace {

// ---- parameters -----------------------------------------------------------------------------------------------------

void require_known_overrides(const Profile& profile, const std::map<std::string, std::string>& overrides) {
  std::vector<std::string> known;
  for (const ParameterSpec& parameter : profile.parameters) known.push_back(parameter.name);
  for (const auto& [name, value] : overrides) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw ConfigError{SourcePlace{"--set " + name + "=" + value, 0, 0},
                        "the profile has no parameter '" + name + "'" + suggestion(name, known)};
    }
  }
}

}  // namespace

double parameter_value(const ParameterSpec& parameter, const Cell& cell, const Expression* override_value,
                       const Names& names_of_override) {
  const Expression& given = override_value != nullptr ? *override_value : parameter.default_value;
  const Unit unit = unit_of_name(parameter.name);
  const double value = evaluate(given, override_value != nullptr ? names_of_override : cell.names, unit, parameter.name);
  const auto refuse = [&](const Expression& bound, double limit, const std::string& word) {
    throw ConfigError{given.place, "parameter '" + parameter.name + "' = " + format_short(value) + " is " + word + " of " +
                                       format_short(limit) + " (" + to_string(bound.place) + ")"};
  };
  if (parameter.min) {
    if (const double min = evaluate(*parameter.min, cell.names, unit, "min"); !(value >= min))
      refuse(*parameter.min, min, "below its min");
  }
  if (parameter.max) {
    if (const double max = evaluate(*parameter.max, cell.names, unit, "max"); !(value <= max))
      refuse(*parameter.max, max, "above its max");
  }
  return value;
}

Duration duration_of(double seconds, Duration max, const Expression& expression, const std::string& what) {
  if (!(seconds >= 0.0))
    throw ConfigError{expression.place, "'" + what + "' must not be negative, found " + format_short(seconds) + " s"};
  if (!(seconds <= to_seconds(max))) {
    throw ConfigError{expression.place,
                      "'" + what + "' is longer than the " + format_short(to_seconds(max) / 3600.0) + " h allowed here"};
  }
  return from_seconds(seconds);
}

Duration duration_of(const Field& field, Duration max, const Names& names) {
  return duration_of(value_of(field, names) * seconds_per(unit_of_name(field.key)), max, field.value, field.key);
}

namespace {

bool begins_with_loop(const Profile& profile) {
  for (const ItemSpec& item : profile.steps) {
    if (std::holds_alternative<StepSpec>(item.what)) return false;
    if (std::holds_alternative<LoopSpec>(item.what)) return true;
    if (const SubProfileSpec* const sub = std::get_if<SubProfileSpec>(&item.what)) return begins_with_loop(*sub->profile);
  }
  return false;
}

}  // namespace

Compiler::Compiler(const Profile& profile, const Cell& cell, const std::map<std::string, std::string>& overrides)
    : profile_{profile}, cell_{cell} {
  here_.profile = &profile;
  here_.names = cell.names;
  require_known_overrides(profile, overrides);
  std::map<std::string, double> values;
  for (const ParameterSpec& parameter : profile.parameters) {
    std::optional<Expression> given;
    if (const auto found = overrides.find(parameter.name); found != overrides.end())
      given = parse_expression(found->second, SourcePlace{"--set " + found->first + "=" + found->second, 0, 0});
    values[parameter.name] = parameter_value(parameter, cell, given ? &*given : nullptr, cell.names);
  }
  for (const auto& [name, value] : values) {
    here_.names["parameters." + name] = value;
    program_.parameters_text += name + " = " + format_number(value) + "\n";
  }
}

namespace {}  // namespace

Program Compiler::compile() {
  program_.name = profile_.name;
  program_.cell_name = cell_.name;
  program_.source_text = join_bundle({profile_.text, profile_.attachments});
  program_.nominal_capacity = cell_.nominal_capacity;
  program_.pressed_area_cm2 = cell_.pressed_area_cm2;
  program_.pulse_resistance = cell_.pulse_resistance;
  program_.soc_reference = profile_.soc_of;
  if (program_.soc_reference == SocReference::rated) program_.rated_capacity = cell_.rated_capacity;
  program_.charge_temperature_max = cell_.charge_temperature_max;
  program_.limits = tightened_limits(profile_.limits, cell_.limits, cell_, here_.names);
  program_.expectation = expectation_of(profile_.expect, here_.names);
  find_limit_sources();
  add_variables();
  if (profile_.record) set_record(*profile_.record, here_.record);
  begin_chamber();
  append(profile_.steps);
  if (!pending_.empty()) resolve_targets(0, {});
  const bool has_step = std::any_of(program_.code.begin(), program_.code.end(),
                                    [](const Instruction& i) { return std::holds_alternative<Step>(i); });
  if (!has_step) throw ConfigError{SourcePlace{profile_.file, 0, 0}, "no step is left to run"};
  require_steps_between();
  find_needs();
  program_.hash = sha256_hex(canonical_text(program_));
  return std::move(program_);
}

/// What takes no time is done in one go, and one go has an end.
void Compiler::require_steps_between() const {
  constexpr std::size_t timeless_max = 20;
  std::size_t in_a_row = 0;
  for (const Instruction& instruction : program_.code) {
    const bool is_loop = std::holds_alternative<LoopBegin>(instruction) || std::holds_alternative<LoopEnd>(instruction);
    in_a_row = std::holds_alternative<Step>(instruction) ? 0 : is_loop ? in_a_row : in_a_row + 1;
    if (in_a_row > timeless_max)
      throw ConfigError{SourcePlace{profile_.file, 0, 0},
                        "more than " + std::to_string(timeless_max) +
                            " of require, stop_if, leave_if, set and mark in a row: put a step between them"};
  }
}

void Compiler::add_variables() {
  for (const VariableSpec& spec : profile_.variables) {
    const Unit unit = unit_of_name(spec.name);
    Variable variable{spec.name, evaluate(spec.initial, here_.names, unit, "start"), evaluate(spec.min, here_.names, unit, "min"),
                      evaluate(spec.max, here_.names, unit, "max")};
    if (!(variable.min <= variable.initial && variable.initial <= variable.max)) {
      throw ConfigError{spec.initial.place, "variable '" + spec.name + "' starts at " + format_short(variable.initial) +
                                                ", outside its bounds of " + format_short(variable.min) + " to " +
                                                format_short(variable.max)};
    }
    program_.variables.push_back(std::move(variable));
  }
  here_.expected = here_.names;
  here_.expected.merge(run_time_names(cell_.nominal_capacity.value(), program_.variables));
}

// A request belongs to a step. When the first step is inside a loop, it would be repeated with every pass: then a step of
// its own carries it, and one second is the shortest honest rest.
void Compiler::begin_chamber() {
  if (!here_.profile->chamber_temperature) return;
  pending_temperature_ = Celsius{value_of(*here_.profile->chamber_temperature, here_.names)};
  if (!begins_with_loop(*here_.profile)) return;
  Step step;
  step.name = "chamber";
  step.time_max = std::chrono::seconds{1};
  step.time_max_is_normal = true;
  here_.record.give_to(step);
  step.on_interruption = here_.profile->on_interruption;
  step.source = spot_of(here_.profile->chamber_temperature->place);
  take_temperature(step);
  program_.code.emplace_back(std::move(step));
}

void Compiler::find_limit_sources() {
  for (const SensorLimitKey& key : sensor_limit_table()) {
    if (!(program_.limits.sensors.*key.limit)) continue;
    const auto given =
        std::find_if(profile_.limits.begin(), profile_.limits.end(), [&key](const Field& field) { return field.key == key.key; });
    const bool is_by_profile = given != profile_.limits.end();
    program_.sensor_limit_sources.push_back(
        {std::string{key.key}, is_by_profile ? given->value.place : cell_.place_of("limits." + std::string{key.key}),
         is_by_profile});
  }
}

void Compiler::find_needs() {
  constexpr auto peak = static_cast<std::uint8_t>(ResultQuantity::cell_temperature_peak_degC);
  for (const Formula& formula : program_.formulas) {
    for (const Formula::Operation& operation : formula.postfix) {
      const bool is_peak = operation.kind == Formula::Operation::Kind::result && operation.operand == peak;
      program_.needs_cell_temperature = program_.needs_cell_temperature || is_peak;
    }
  }
  for (const ConditionNode& node : program_.nodes) {
    if (node.kind != ConditionNode::Kind::leaf) continue;
    if (node.quantity == ConditionQuantity::result && node.operand == peak) program_.needs_cell_temperature = true;
    program_.needs_chamber = program_.needs_chamber || needs_chamber_reading(node.quantity);
    program_.needs_cell_temperature = program_.needs_cell_temperature || needs_sensor(node.quantity, Measurand::cell_temperature);
  }
  for (const Instruction& instruction : program_.code) {
    const Step* step = std::get_if<Step>(&instruction);
    program_.needs_chamber = program_.needs_chamber || (step != nullptr && step->chamber_temperature.has_value());
    const StopIf* const stop = std::get_if<StopIf>(&instruction);
    const Require* const require = std::get_if<Require>(&instruction);
    const LeaveIf* const leave = std::get_if<LeaveIf>(&instruction);
    const ResultCondition* const result = stop != nullptr      ? &stop->condition
                                          : require != nullptr ? &require->condition
                                          : leave != nullptr   ? &leave->condition
                                                               : nullptr;
    const bool is_peak = result != nullptr && result->quantity == ResultQuantity::cell_temperature_peak_degC;
    program_.needs_cell_temperature = program_.needs_cell_temperature || is_peak;
  }
  program_.needs_cell_temperature = program_.needs_cell_temperature || step_limits_temperature_;
  // Whoever tightens a temperature limit relies on its being measured.
  for (const Field& limit : profile_.limits) {
    program_.needs_cell_temperature = program_.needs_cell_temperature || unit_of_name(limit.key) == Unit::celsius;
  }
}

Program compile(const Profile& profile, const Cell& cell, const std::map<std::string, std::string>& overrides) {
  return Compiler{profile, cell, overrides}.compile();
}

}  // namespace cellrig
