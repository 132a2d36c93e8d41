#include "profiles/compile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "controller/base/overloaded.hpp"
#include "profiles/canonical.hpp"
#include "profiles/number.hpp"
#include "profiles/sensor_limits.hpp"
#include "profiles/setpoints.hpp"

namespace cellrig {
namespace {

SourceSpot spot_of(const SourcePlace& place) { return SourceSpot{place.line, place.column}; }

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

double parameter_value(const ParameterSpec& parameter, const Cell& cell, const std::map<std::string, std::string>& overrides) {
  Expression given = parameter.default_value;
  if (const auto found = overrides.find(parameter.name); found != overrides.end()) {
    given = parse_expression(found->second, SourcePlace{"--set " + found->first + "=" + found->second, 0, 0});
  }
  const Unit unit = unit_of_name(parameter.name);
  const double value = evaluate(given, cell.names, unit, parameter.name);
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

// ---- limits ---------------------------------------------------------------------------------------------------------

/// One safety limit that a profile may tighten: the owner of the number, and which way is tighter.
struct LimitSlot {
  double value = 0.0;
  bool is_upper = false;
  std::string cell_key;  ///< in Cell::places
};

LimitSlot limit_slot(const std::string& key, const SafetyLimits& limits) {
  if (key == "voltage_min_V") return {limits.voltage_min.value(), false, "limits." + key};
  if (key == "voltage_max_V") return {limits.voltage_max.value(), true, "limits." + key};
  if (key == "charge_current_max_A") return {limits.charge_current_max.value(), true, "limits." + key};
  if (key == "discharge_current_max_A") return {limits.discharge_current_max.value(), true, "limits." + key};
  if (key == "cell_temperature_min_degC") return {limits.cell_temperature_min.value(), false, key};
  if (key == "cell_temperature_max_degC") return {limits.cell_temperature_max.value(), true, key};
  if (key == "charge_temperature_min_degC") return {limits.charge_temperature_min.value(), false, key};
  return {limits.charge_capacity_max.value(), true, "limits." + key};
}

[[noreturn]] void refuse_wider(const Field& field, double value, double limit, const Cell& cell, const std::string& cell_key) {
  throw ConfigError{field.value.place, "'" + field.key + "' = " + format_short(value) + " widens the cell's limit of " +
                                           format_short(limit) + " (" + to_string(cell.place_of(cell_key)) +
                                           "): a profile may only tighten it"};
}

void set_limit(const std::string& key, double value, SafetyLimits& limits) {
  if (key == "voltage_min_V") limits.voltage_min = Volts{value};
  if (key == "voltage_max_V") limits.voltage_max = Volts{value};
  if (key == "charge_current_max_A") limits.charge_current_max = Amps{value};
  if (key == "discharge_current_max_A") limits.discharge_current_max = Amps{value};
  if (key == "cell_temperature_min_degC") limits.cell_temperature_min = Celsius{value};
  if (key == "cell_temperature_max_degC") limits.cell_temperature_max = Celsius{value};
  if (key == "charge_temperature_min_degC") limits.charge_temperature_min = Celsius{value};
  if (key == "charge_capacity_max_Ah") limits.charge_capacity_max = AmpHours{value};
}

/// Where the cell's file has none, the profile may bring one.
void tighten_sensor_limit(const SensorLimitKey& key, const Field& field, double value, const Cell& cell, SensorLimits& into) {
  const std::optional<double>& owned = cell.limits.sensors.*key.limit;
  if (owned && (key.is_upper ? !(value <= *owned) : !(value >= *owned)))
    refuse_wider(field, value, *owned, cell, "limits." + field.key);
  set_sensor_limit(key, value, field.value.place, into);
}

SafetyLimits tightened_limits(const Profile& profile, const Cell& cell, const Names& names) {
  SafetyLimits limits = cell.limits;
  for (const Field& field : profile.limits) {
    const double value = value_of(field, names);
    if (const SensorLimitKey* const sensor = find_sensor_limit(field.key)) {
      tighten_sensor_limit(*sensor, field, value, cell, limits.sensors);
      continue;
    }
    const LimitSlot slot = limit_slot(field.key, cell.limits);
    if (slot.is_upper ? !(value <= slot.value) : !(value >= slot.value))
      refuse_wider(field, value, slot.value, cell, slot.cell_key);
    set_limit(field.key, value, limits);
  }
  const auto require_order = [&](bool holds, const std::string& what) {
    if (!holds) throw ConfigError{profile.limits.front().value.place, "the limits leave no " + what};
  };
  require_order(limits.voltage_min < limits.voltage_max, "voltage window");
  require_order(limits.cell_temperature_min < limits.cell_temperature_max, "temperature window");
  require_order(limits.charge_current_max > Amps{0.0} && limits.discharge_current_max > Amps{0.0}, "current");
  return limits;
}

// ---- instructions ---------------------------------------------------------------------------------------------------

Duration duration_of(double seconds, Duration max, const Expression& expression, const std::string& what) {
  if (!(seconds >= 0.0))
    throw ConfigError{expression.place, "'" + what + "' must not be negative, found " + format_short(seconds) + " s"};
  if (!(seconds <= to_seconds(max))) {
    throw ConfigError{expression.place,
                      "'" + what + "' is longer than the " + format_short(to_seconds(max) / 3600.0) + " h allowed here"};
  }
  return from_seconds(seconds);
}

double seconds_per(Unit unit) { return unit == Unit::hour ? 3600.0 : unit == Unit::minute ? 60.0 : 1.0; }

Duration duration_of(const Field& field, Duration max, const Names& names) {
  return duration_of(value_of(field, names) * seconds_per(unit_of_name(field.key)), max, field.value, field.key);
}

bool begins_with_loop(const Profile& profile) {
  for (const ItemSpec& item : profile.steps) {
    if (std::holds_alternative<StepSpec>(item.what)) return false;
    if (std::holds_alternative<LoopSpec>(item.what)) return true;
  }
  return false;
}

/// The rows of a step, as the profile and the step say it.
struct RecordRule {
  Duration interval = record_interval_default;
  RecordChanges changes;
  std::vector<Duration> at;
  void give_to(Step& step) const {
    step.record_interval = interval;
    step.record_changes = changes;
    step.record_at = at;
  }
};

class Compiler {
 public:
  Compiler(const Profile& profile, const Cell& cell, const std::map<std::string, std::string>& overrides)
      : profile_{profile}, cell_{cell}, names_{cell.names} {
    require_known_overrides(profile, overrides);
    std::map<std::string, double> values;
    for (const ParameterSpec& parameter : profile.parameters)
      values[parameter.name] = parameter_value(parameter, cell, overrides);
    for (const auto& [name, value] : values) {
      names_["parameters." + name] = value;
      program_.parameters_text += name + " = " + format_number(value) + "\n";
    }
  }

  Program compile() {
    program_.name = profile_.name;
    program_.cell_name = cell_.name;
    program_.source_text = profile_.text;
    program_.nominal_capacity = cell_.nominal_capacity;
    program_.pressed_area_cm2 = cell_.pressed_area_cm2;
    program_.pulse_resistance = cell_.pulse_resistance;
    program_.limits = tightened_limits(profile_, cell_, names_);
    find_limit_sources();
    if (profile_.record) set_record(*profile_.record, record_);
    begin_chamber();
    append(profile_.steps);
    const bool has_step = std::any_of(program_.code.begin(), program_.code.end(),
                                      [](const Instruction& i) { return std::holds_alternative<Step>(i); });
    if (!has_step) throw ConfigError{SourcePlace{profile_.file, 0, 0}, "no step is left to run"};
    find_needs();
    program_.hash = sha256_hex(canonical_text(program_));
    return std::move(program_);
  }

 private:
  StepScope scope() const { return StepScope{cell_, program_.limits, names_}; }

  // A request belongs to a step. When the first step is inside a loop, it would be repeated with every pass: then a step of
  // its own carries it, and one second is the shortest honest rest.
  void begin_chamber() {
    if (!profile_.chamber_temperature) return;
    pending_temperature_ = Celsius{value_of(*profile_.chamber_temperature, names_)};
    if (!begins_with_loop(profile_)) return;
    Step step;
    step.name = "chamber";
    step.time_max = std::chrono::seconds{1};
    step.time_max_is_normal = true;
    record_.give_to(step);
    step.on_interruption = profile_.on_interruption;
    step.source = spot_of(profile_.chamber_temperature->place);
    take_temperature(step);
    program_.code.emplace_back(std::move(step));
  }

  void append(const std::vector<ItemSpec>& items) {
    for (const ItemSpec& item : items) {
      std::visit(overloaded{
                     [this](const StepSpec& step) { append_step(step); },
                     [this](const LoopSpec& loop) { append_loop(loop); },
                     [this](const ResultSpec& result) { append_result(result); },
                 },
                 item.what);
    }
  }

  // Zero passes are a value: the body is still compiled, so that its mistakes show, and then dropped.
  void append_loop(const LoopSpec& loop) {
    const double times = evaluate(loop.times, names_, Unit::none, "times");
    if (!(times >= 0.0 && times <= static_cast<double>(loop_times_max)) || times != std::floor(times)) {
      throw ConfigError{loop.times.place, "'times' must be a whole number from 0 to " + std::to_string(loop_times_max) +
                                              ", found " + format_short(times)};
    }
    const std::size_t begin = program_.code.size();
    const std::size_t nodes = program_.nodes.size();
    program_.code.emplace_back(LoopBegin{
        .times = static_cast<std::uint64_t>(times), .counts_cycles = loop.counts_cycles, .is_reference = loop.is_reference});
    append(loop.body);
    if (times == 0.0) {
      program_.code.resize(begin);
      program_.nodes.resize(nodes);
      return;
    }
    std::get<LoopBegin>(program_.code[begin]).end = program_.code.size();
    program_.code.emplace_back(LoopEnd{begin});
  }

  void append_result(const ResultSpec& spec) {
    const ResultConditionSpec& given = spec.condition;
    const std::string word{to_string(given.quantity)};
    ResultCondition condition;
    condition.quantity = given.quantity;
    condition.comparison = given.comparison;
    condition.value = evaluate(given.value, names_, unit_of_name(word), word);
    condition.text = word + " " + std::string{to_string(given.comparison)} + " " + format_short(condition.value);
    condition.source = spot_of(given.place);
    if (spec.is_requirement) {
      program_.code.emplace_back(Require{std::move(condition)});
    } else {
      program_.code.emplace_back(StopIf{std::move(condition)});
    }
  }

  void append_step(const StepSpec& spec) {
    Step step;
    step.name = spec.name;
    step.kind = spec.kind;
    step.direction = spec.direction;
    step.measure = spec.measure;
    step.source = spot_of(spec.place);
    RecordRule record = record_;
    if (spec.record) set_record(*spec.record, record);
    record.give_to(step);
    step.on_interruption = spec.on_interruption.value_or(profile_.on_interruption);
    if (const Field* field = spec.find("record_every_s")) {
      if (spec.record)
        throw ConfigError{field->place, "'record_every_s' and 'record' exclude each other: write {every_s: ...} there"};
      step.record_interval = duration_of(*field, record_interval_max, names_);
    }
    set_bound(spec, step);
    set_temperature(spec, step);
    set_soc(spec, step);
    step.setpoint = make_setpoint(spec, scope());
    std::size_t leaves = 0;
    for (const ConditionSpec& condition : spec.until) {
      EndCondition end;
      end.root = append_condition(condition, leaves);
      end.text = resolved_text(condition);
      step.ends.push_back(std::move(end));
    }
    program_.code.emplace_back(std::move(step));
  }

  void set_record(const RecordSpec& spec, RecordRule& rule) const {
    for (const Field& field : spec.fields) {
      if (field.key == "every_s") {
        rule.interval = duration_of(field, record_interval_max, names_);
        continue;
      }
      const double change = value_of(field, names_);
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
      const double seconds = evaluate(time, names_, Unit::second, "at_s");
      rule.at.push_back(duration_of(seconds, step_duration_max, time, "at_s"));
    }
    std::sort(rule.at.begin(), rule.at.end());
  }

  void set_bound(const StepSpec& spec, Step& step) const {
    for (const char* key : {"for_s", "for_min", "for_h", "at_most_s", "at_most_min", "at_most_h"}) {
      const Field* field = spec.find(key);
      if (field == nullptr) continue;
      step.time_max = duration_of(*field, step_duration_max, names_);
      step.time_max_is_normal = field->key.starts_with("for_");
      if (!step.time_max_is_normal && step.time_max <= Duration::zero()) {
        throw ConfigError{field->value.place, "'" + field->key + "' must be above zero: no step can end within no time"};
      }
    }
  }

  void set_temperature(const StepSpec& spec, Step& step) {
    if (const Field* field = spec.find("temperature_degC")) {
      pending_temperature_ = Celsius{value_of(*field, names_)};
      take_temperature(step);
    } else if (pending_temperature_) {
      take_temperature(step);
    }
    if (spec.direction != StepDirection::charge || !temperature_ || *temperature_ <= cell_.charge_temperature_max) return;
    throw ConfigError{spec.place, spec.word + " at a chamber temperature of " + format_short(temperature_->value()) +
                                      " degC is above the cell's charge_temperature_max_degC = " +
                                      format_short(cell_.charge_temperature_max.value()) + " (" +
                                      to_string(cell_.place_of("charge_temperature_max_degC")) + ")"};
  }

  void take_temperature(Step& step) {
    step.chamber_temperature = pending_temperature_;
    temperature_ = pending_temperature_;
    pending_temperature_.reset();
  }

  void set_soc(const StepSpec& spec, Step& step) const {
    const Field* field = spec.find("sets_soc_pct");
    if (field == nullptr) return;
    const double soc = value_of(*field, names_);
    if (!(soc >= 0.0 && soc <= 100.0))
      throw ConfigError{field->value.place, "'sets_soc_pct' must lie between 0 and 100, found " + format_short(soc)};
    step.sets_soc_pct = soc;
  }

  std::uint16_t append_condition(const ConditionSpec& spec, std::size_t& leaves) {
    const std::size_t index = program_.nodes.size();
    if (index >= std::numeric_limits<std::uint16_t>::max()) throw ConfigError{spec.place, "too many conditions in one profile"};
    program_.nodes.emplace_back();
    ConditionNode node;
    node.kind = spec.kind;
    if (spec.kind == ConditionNode::Kind::leaf) {
      if (leaves >= leaves_per_step_max) {
        throw ConfigError{spec.place, "more than " + std::to_string(leaves_per_step_max) + " conditions in one step"};
      }
      node.quantity = spec.quantity;
      node.comparison = spec.comparison;
      node.value = value_of(spec, scope());
      node.hold = hold_of(spec);
      node.leaf_index = static_cast<std::uint8_t>(leaves++);
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

  Duration hold_of(const ConditionSpec& spec) const {
    if (!spec.hold) return Duration::zero();
    const double written = evaluate(*spec.hold, names_, spec.hold_unit, "for");
    return duration_of(written * seconds_per(spec.hold_unit), step_duration_max, *spec.hold, "for");
  }

  /// What the record says: the profile's words with the numbers worked out.
  std::string resolved_text(const ConditionSpec& spec) const {
    if (spec.kind != ConditionNode::Kind::leaf) {
      std::string list;
      for (const ConditionSpec& child : spec.children) list += (list.empty() ? "" : "; ") + resolved_text(child);
      return (spec.kind == ConditionNode::Kind::all_of ? "all of (" : "any of (") + list + ")";
    }
    const double value = evaluate(spec.value, names_, unit_of_name(spec.quantity_word), spec.quantity_word);
    std::string text = spec.quantity_word + " " + std::string{to_string(spec.comparison)} + " " + format_short(value);
    if (spec.hold) {
      text += " for " + format_short(evaluate(*spec.hold, names_, spec.hold_unit, "for")) + " " +
              std::string{to_string(spec.hold_unit)};
    }
    return text;
  }

  void find_limit_sources() {
    for (const SensorLimitKey& key : sensor_limit_table()) {
      if (!(program_.limits.sensors.*key.limit)) continue;
      const auto given = std::find_if(profile_.limits.begin(), profile_.limits.end(),
                                      [&key](const Field& field) { return field.key == key.key; });
      const bool is_by_profile = given != profile_.limits.end();
      program_.sensor_limit_sources.push_back(
          {std::string{key.key}, is_by_profile ? given->value.place : cell_.place_of("limits." + std::string{key.key}),
           is_by_profile});
    }
  }

  void find_needs() {
    for (const ConditionNode& node : program_.nodes) {
      if (node.kind != ConditionNode::Kind::leaf) continue;
      program_.needs_chamber = program_.needs_chamber || node.quantity == ConditionQuantity::chamber_temperature_degC;
      program_.needs_cell_temperature =
          program_.needs_cell_temperature || sensor_of(node.quantity) == Measurand::cell_temperature;
    }
    for (const Instruction& instruction : program_.code) {
      const Step* step = std::get_if<Step>(&instruction);
      program_.needs_chamber = program_.needs_chamber || (step != nullptr && step->chamber_temperature.has_value());
      const StopIf* const stop = std::get_if<StopIf>(&instruction);
      const Require* const require = std::get_if<Require>(&instruction);
      const ResultCondition* const result = stop != nullptr      ? &stop->condition
                                            : require != nullptr ? &require->condition
                                                                 : nullptr;
      const bool is_peak = result != nullptr && result->quantity == ResultQuantity::cell_temperature_peak_degC;
      program_.needs_cell_temperature = program_.needs_cell_temperature || is_peak;
    }
    // Whoever tightens a temperature limit relies on its being measured.
    for (const Field& limit : profile_.limits) {
      program_.needs_cell_temperature = program_.needs_cell_temperature || unit_of_name(limit.key) == Unit::celsius;
    }
  }

  const Profile& profile_;
  const Cell& cell_;
  Names names_;
  Program program_;
  RecordRule record_;
  std::optional<Celsius> pending_temperature_;  ///< asked for, not yet carried by a step
  std::optional<Celsius> temperature_;          ///< the last one asked for
};

}  // namespace

Program compile(const Profile& profile, const Cell& cell, const std::map<std::string, std::string>& overrides) {
  return Compiler{profile, cell, overrides}.compile();
}

}  // namespace cellrig
