// One step of a profile: its keys, its ends, what bounds it.
#include <algorithm>
#include <array>
#include <utility>

#include "profiles/number.hpp"
#include "profiles/reader.hpp"
#include "profiles/reader_parts.hpp"
#include "profiles/sensor_limits.hpp"

namespace cellrig {
namespace {

// ---- conditions -----------------------------------------------------------------------------------------------------

ConditionSpec read_condition(const YamlNode& node, std::size_t depth);

std::vector<ConditionSpec> read_conditions(const YamlNode& node, const std::string& what, std::size_t depth) {
  std::vector<ConditionSpec> conditions;
  for (const YamlNode& item : as_list(node, what)) conditions.push_back(read_condition(item, depth));
  if (conditions.empty()) throw ConfigError{node.place(), "'" + what + "' lists no condition"};
  return conditions;
}

ConditionSpec read_group(const YamlNode& node, std::size_t depth) {
  const YamlMap map{node, "a group of conditions", {"any", "all"}};
  if (node.entries().size() != 1) throw ConfigError{node.place(), "a group of conditions is either {any: [...]} or {all: [...]}"};
  const YamlEntry& entry = node.entries().front();
  ConditionSpec group;
  group.kind = entry.key == "all" ? ConditionNode::Kind::all_of : ConditionNode::Kind::any_of;
  group.place = entry.place;
  group.children = read_conditions(entry.value, entry.key, depth + 1);
  for (const ConditionSpec& child : group.children) group.text += (group.text.empty() ? "" : "; ") + child.text;
  group.text = entry.key + " of (" + group.text + ")";
  return group;
}

/// {when: CONDITION, then: next, end, fail or the name of a later step}
ConditionSpec read_branch(const YamlNode& node, std::size_t depth) {
  const YamlMap map{node, "a condition with a target", {"when", "then"}};
  ConditionSpec condition = read_condition(map.required("when").value, depth);
  const YamlEntry& target = map.required("then");
  condition.then = as_text(target.value, "then");
  condition.then_place = target.value.place();
  return condition;
}

ConditionSpec read_condition(const YamlNode& node, std::size_t depth) {
  if (depth > condition_depth_max) {
    throw ConfigError{node.place(), "conditions nested deeper than " + std::to_string(condition_depth_max) + " levels"};
  }
  const bool is_branch = node.is_map() && std::any_of(node.entries().begin(), node.entries().end(), [](const YamlEntry& entry) {
                           return entry.key == "when" || entry.key == "then";
                         });
  if (is_branch && depth > 1) throw ConfigError{node.place(), "'then' belongs to a whole end of the step, not to a part of one"};
  if (is_branch) return read_branch(node, depth);
  if (node.is_map()) return read_group(node, depth);
  return parse_condition(as_text(node, "until"), node.place());
}

/// A list, and {any: [...]} on its own, become several ends: the record then says which one it was.
std::vector<ConditionSpec> read_until(const YamlEntry& entry) {
  if (entry.value.is_sequence()) return read_conditions(entry.value, entry.key, 1);
  ConditionSpec condition = read_condition(entry.value, 1);
  if (condition.kind == ConditionNode::Kind::any_of && condition.then.empty()) return std::move(condition.children);
  std::vector<ConditionSpec> conditions;
  conditions.push_back(std::move(condition));
  return conditions;
}

// ---- steps ----------------------------------------------------------------------------------------------------------

Measure read_measure(const YamlEntry& entry, const StepWord& word) {
  const std::string& text = as_text(entry.value, entry.key);
  if (text == "reference") return Measure::reference;
  if (text == "test") return Measure::test;
  if (text == "charge_time") {
    if (word.direction != StepDirection::charge)
      throw ConfigError{entry.value.place(), "'charge_time' is measured by a charge step"};
    return Measure::charge_time;
  }
  if (text == "resistance") return Measure::resistance;
  throw ConfigError{entry.value.place(),
                    "unknown measure '" + text + "'" + suggestion(text, {"reference", "test", "charge_time", "resistance"})};
}

}  // namespace

RecordSpec read_record(const YamlEntry& entry) {
  const YamlMap map{entry.value, entry.key, record_keys()};
  RecordSpec record;
  for (const YamlEntry& given : entry.value.entries()) {
    if (given.key != "at_s") {
      record.fields.push_back(read_field(given));
      continue;
    }
    record.at_place = given.place;
    for (const YamlNode& item : as_list(given.value, given.key)) {
      record.at_s.push_back(read_expression(YamlEntry{given.key, given.place, item}));
    }
  }
  return record;
}

InterruptionRule read_interruption_rule(const YamlEntry& entry) {
  const std::string& word = as_text(entry.value, entry.key);
  if (const std::optional<InterruptionRule> rule = interruption_rule(word)) return *rule;
  std::vector<std::string> words;
  for (std::size_t i = 0; i < interruption_rule_count; ++i) words.emplace_back(to_string(static_cast<InterruptionRule>(i)));
  throw ConfigError{entry.value.place(), "unknown rule '" + word + "' for '" + entry.key + "'" + suggestion(word, words)};
}

RateReference read_rate_reference(const YamlEntry& entry) {
  const std::string& word = as_text(entry.value, entry.key);
  if (word == "nominal") return RateReference::nominal;
  if (word == "rated") return RateReference::rated;
  if (word == "measured") return RateReference::measured;
  throw ConfigError{entry.value.place(), "unknown capacity '" + word + "'" + suggestion(word, {"nominal", "rated", "measured"})};
}

namespace {

/// At most one of `keys` is given. Returns it, or nullptr.
const Field* one_of(const StepSpec& step, std::initializer_list<std::string_view> keys) {
  const Field* found = nullptr;
  for (const std::string_view key : keys) {
    const Field* field = step.find(key);
    if (field != nullptr && found != nullptr) {
      throw ConfigError{field->place, "'" + field->key + "' and '" + found->key + "' say the same thing: give one of them"};
    }
    if (field != nullptr) found = field;
  }
  return found;
}

void require_bounds(const StepSpec& step) {
  const Field* bound = one_of(step, {"at_most_s", "at_most_min", "at_most_h"});
  const Field* duration = one_of(step, {"for_s", "for_min", "for_h"});
  const StepWord* const word = find_step_word(step.word);
  if (step.kind == StepKind::course && !is_ramp(*word)) return;  // as long as its table
  if (step.kind == StepKind::person) {
    if (bound == nullptr) throw ConfigError{step.place, step.word + " needs a bound: 'at_most_s', 'at_most_min' or 'at_most_h'"};
    return;
  }
  if (is_ramp(*word)) {
    if (duration == nullptr) throw ConfigError{step.place, step.word + " needs its duration: 'for_s', 'for_min' or 'for_h'"};
    if (bound != nullptr)
      throw ConfigError{bound->place,
                        "'" + bound->key + "' and '" + duration->key + "' exclude each other: the ramp ends by itself"};
    return;
  }
  const bool is_idle = step.kind == StepKind::rest || step.kind == StepKind::soak;
  if (is_idle) {
    if (duration == nullptr && step.until.empty()) {
      throw ConfigError{step.place, step.word + " needs a duration ('for_s', 'for_min' or 'for_h') or an end ('until')"};
    }
    if (duration != nullptr && bound != nullptr) {
      throw ConfigError{bound->place,
                        "'" + bound->key + "' and '" + duration->key + "' exclude each other: 'for' already bounds the step"};
    }
    if (duration == nullptr && bound == nullptr) {
      throw ConfigError{step.place, step.word + " with 'until' needs a bound: 'at_most_s', 'at_most_min' or 'at_most_h'"};
    }
    return;
  }
  if (step.until.empty()) throw ConfigError{step.place, step.word + " needs an end: 'until'"};
  if (bound == nullptr) throw ConfigError{step.place, step.word + " needs a bound: 'at_most_s', 'at_most_min' or 'at_most_h'"};
}

void require_one(const StepSpec& step, std::initializer_list<std::string_view> keys) {
  if (one_of(step, keys) != nullptr) return;
  std::string list;
  for (const std::string_view key : keys) list += (list.empty() ? "'" : " or '") + std::string{key} + "'";
  throw ConfigError{step.place, step.word + " needs " + list};
}

void require_course(const StepSpec& step) {
  (void)one_of(step, {"rate_max_C", "current_max_A"});
  if (step.word == "pulse_train") {
    if (step.pulses.empty())
      throw ConfigError{step.place, "pulse_train needs 'pulses': [{discharge_rate_C: 1, for_s: 10}, {for_s: 40}]"};
    return;
  }
  if (step.word == "drive_cycle") {
    if (!step.table)
      throw ConfigError{step.place, "drive_cycle needs 'file': a table with the columns time_s and current_A, power_W or rate_C"};
    return;
  }
  if (step.word == "voltage_ramp") {
    require_one(step, {"from_voltage_V"});
    require_one(step, {"to_voltage_V"});
    return require_one(step, {"rate_max_C", "current_max_A"});
  }
  require_one(step, {"from_rate_C", "from_current_A"});
  require_one(step, {"to_rate_C", "to_current_A"});
}

std::vector<PulseSpec> read_pulses(const YamlEntry& entry) {
  constexpr std::size_t pulses_max = 1000;
  std::vector<PulseSpec> pulses;
  for (const YamlNode& item : as_list(entry.value, entry.key)) {
    const YamlMap map{
        item,
        "a pulse",
        {"charge_rate_C", "charge_current_A", "discharge_rate_C", "discharge_current_A", "for_s", "for_min", "for_h"}};
    PulseSpec pulse;
    pulse.place = item.place();
    std::size_t currents = 0, durations = 0;
    for (const YamlEntry& given : item.entries()) {
      (given.key.starts_with("for_") ? durations : currents) += 1;
      pulse.fields.push_back(read_field(given));
    }
    if (durations != 1) throw ConfigError{pulse.place, "a pulse needs one duration: 'for_s', 'for_min' or 'for_h'"};
    if (currents > 1) throw ConfigError{pulse.place, "a pulse has one current, or none for a rest"};
    pulses.push_back(std::move(pulse));
  }
  if (pulses.size() > pulses_max) throw ConfigError{entry.place, "more than " + std::to_string(pulses_max) + " pulses"};
  return pulses;
}

AtLimit read_at_limit(const YamlEntry& entry) {
  const std::string& word = as_text(entry.value, entry.key);
  if (word == "hold") return AtLimit::hold;
  if (word == "end") return AtLimit::end;
  if (word == "fail") return AtLimit::fail;
  throw ConfigError{entry.value.place(),
                    "unknown rule '" + word + "' for 'at_limit'" + suggestion(word, {"hold", "end", "fail"})};
}

DriveTable read_table(const YamlEntry& entry, const AttachmentReader& files) {
  std::string path = as_text(entry.value, entry.key);
  const std::string text = files.text(path, entry.value.place());
  return read_drive_table(text, path);
}

/// The keys that only some words have and whose values are no expressions. False: it is another one.
bool read_special(const YamlEntry& given, const AttachmentReader& files, StepSpec& step) {
  if (given.key == "pulses") {
    step.pulses = read_pulses(given);
  } else if (given.key == "file") {
    step.table = read_table(given, files);
  } else if (given.key == "at_limit") {
    step.at_limit = read_at_limit(given);
  } else if (given.key == "message") {
    step.message = read_name(given, message_length_max);
  } else if (given.key == "limits") {
    const YamlMap known{given.value, "limits", limit_keys()};
    for (const YamlEntry& limit : given.value.entries()) {
      if (limit.key == "charge_capacity_max_Ah")
        throw ConfigError{limit.place, "'" + limit.key + "' holds for the whole run: give it to the profile"};
      step.limits.push_back(read_field(limit));
    }
  } else if (given.key == "rate_of") {
    step.rate_of = read_rate_reference(given);
  } else {
    return false;
  }
  return true;
}

void require_setpoint(const StepSpec& step) {
  switch (step.kind) {
    case StepKind::rest: return;
    case StepKind::soak: return require_one(step, {"temperature_degC"});
    case StepKind::cc: return require_one(step, {"rate_C", "current_A"});
    case StepKind::cccv: require_one(step, {"rate_C", "current_A"}); return require_one(step, {"voltage_V"});
    case StepKind::cv: require_one(step, {"voltage_V"}); return require_one(step, {"rate_max_C", "current_max_A"});
    case StepKind::cp: (void)one_of(step, {"rate_max_C", "current_max_A"}); return require_one(step, {"power_W"});
    case StepKind::cr: (void)one_of(step, {"rate_max_C", "current_max_A"}); return require_one(step, {"resistance_Ohm"});
    case StepKind::course: return require_course(step);
    case StepKind::person:
      if (step.word == "set_pressure") {
        (void)one_of(step, {"hold_s", "hold_min"});
        return require_one(step, {"pressure_MPa"});
      }
      if (step.message.empty()) throw ConfigError{step.place, step.word + " needs 'message': what the person is to do"};
      return;
  }
}

}  // namespace

StepSpec read_step(const YamlEntry& entry, const StepWord& word, const AttachmentReader& files) {
  StepSpec step;
  step.place = entry.place;
  step.word = std::string{word.word};
  step.name = step.word;
  step.kind = word.kind;
  step.direction = word.direction;
  const YamlMap map{entry.value, step.word, keys_of(word)};
  for (const YamlEntry& given : entry.value.entries()) {
    if (given.key == "name") {
      step.name = read_name(given);
    } else if (given.key == "until") {
      step.until = read_until(given);
    } else if (given.key == "measure") {
      step.measure = read_measure(given, word);
    } else if (given.key == "record") {
      step.record = read_record(given);
    } else if (given.key == "on_interruption") {
      step.on_interruption = read_interruption_rule(given);
    } else if (!read_special(given, files, step)) {
      step.fields.push_back(read_field(given));
    }
  }
  require_setpoint(step);
  require_bounds(step);
  return step;
}

}  // namespace cellrig
