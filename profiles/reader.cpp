#include "profiles/reader.hpp"

#include <array>
#include <cctype>
#include <utility>

#include "profiles/number.hpp"
#include "profiles/step_words.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig {
namespace {

Expression read_expression(const YamlEntry& entry) {
  if (!entry.value.is_scalar()) {
    throw ConfigError{entry.value.place().line > 0 ? entry.value.place() : entry.place,
                      "'" + entry.key + "' needs a number or an expression"};
  }
  return parse_expression(entry.value.scalar(), entry.value.place());
}

Field read_field(const YamlEntry& entry) { return Field{entry.key, entry.place, read_expression(entry)}; }

// Names go into reports, file names and terminals.
std::string read_name(const YamlEntry& entry) {
  const std::string& name = as_text(entry.value, entry.key);
  if (name.empty() || name.size() > name_length_max) {
    throw ConfigError{entry.value.place(),
                      "'" + entry.key + "' must have 1 to " + std::to_string(name_length_max) + " characters"};
  }
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20) throw ConfigError{entry.value.place(), "'" + entry.key + "' must be one line"};
  }
  return name;
}

std::string read_source(const YamlEntry& entry) {
  if (!entry.value.is_sequence()) return as_text(entry.value, entry.key);
  std::string joined;
  for (const YamlNode& line : entry.value.items()) joined += (joined.empty() ? "" : "\n") + as_text(line, entry.key);
  return joined;
}

void require_parameter_name(const YamlEntry& entry) {
  bool is_word = std::isalpha(static_cast<unsigned char>(entry.key.front())) != 0 && entry.key.size() <= name_length_max;
  for (const char c : entry.key) is_word = is_word && (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_');
  if (!is_word) {
    throw ConfigError{
        entry.place,
        "'" + entry.key + "' is no parameter name: letters, digits and '_', a letter first, its unit last (charge_rate_C)"};
  }
}

ParameterSpec read_parameter(const YamlEntry& entry) {
  require_parameter_name(entry);
  ParameterSpec parameter;
  parameter.name = entry.key;
  parameter.place = entry.place;
  if (!entry.value.is_map()) {
    parameter.default_value = read_expression(entry);
    return parameter;
  }
  const YamlMap map{entry.value, "parameter " + entry.key, {"default", "min", "max", "description"}};
  parameter.default_value = read_expression(map.required("default"));
  if (const YamlEntry* min = map.find("min")) parameter.min = read_expression(*min);
  if (const YamlEntry* max = map.find("max")) parameter.max = read_expression(*max);
  parameter.description = map.text_or("description", "");
  return parameter;
}

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

ConditionSpec read_condition(const YamlNode& node, std::size_t depth) {
  if (depth > condition_depth_max) {
    throw ConfigError{node.place(), "conditions nested deeper than " + std::to_string(condition_depth_max) + " levels"};
  }
  if (node.is_map()) return read_group(node, depth);
  return parse_condition(as_text(node, "until"), node.place());
}

/// A list, and {any: [...]} on its own, become several ends: the record then says which one it was.
std::vector<ConditionSpec> read_until(const YamlEntry& entry) {
  if (entry.value.is_sequence()) return read_conditions(entry.value, entry.key, 1);
  ConditionSpec condition = read_condition(entry.value, 1);
  if (condition.kind == ConditionNode::Kind::any_of) return std::move(condition.children);
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

void require_setpoint(const StepSpec& step) {
  switch (step.kind) {
    case StepKind::rest: return;
    case StepKind::soak: return require_one(step, {"temperature_degC"});
    case StepKind::cc: return require_one(step, {"rate_C", "current_A"});
    case StepKind::cccv: require_one(step, {"rate_C", "current_A"}); return require_one(step, {"voltage_V"});
    case StepKind::cv: require_one(step, {"voltage_V"}); return require_one(step, {"rate_max_C", "current_max_A"});
    case StepKind::cp: (void)one_of(step, {"rate_max_C", "current_max_A"}); return require_one(step, {"power_W"});
    case StepKind::cr: (void)one_of(step, {"rate_max_C", "current_max_A"}); return require_one(step, {"resistance_Ohm"});
  }
}

StepSpec read_step(const YamlEntry& entry, const StepWord& word) {
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
    } else {
      step.fields.push_back(read_field(given));
    }
  }
  require_setpoint(step);
  require_bounds(step);
  return step;
}

// ---- the sequence ---------------------------------------------------------------------------------------------------

class SequenceReader {
 public:
  std::vector<ItemSpec> read(const YamlNode& node, std::size_t depth) {
    std::vector<ItemSpec> sequence;
    for (const YamlNode& item : as_list(node, "steps")) sequence.push_back(read_item(item, depth));
    if (sequence.empty()) throw ConfigError{node.place(), "'steps' lists no step"};
    return sequence;
  }

 private:
  ItemSpec read_item(const YamlNode& node, std::size_t depth) {
    if (++count_ > items_max) throw ConfigError{node.place(), "more than " + std::to_string(items_max) + " steps"};
    if (node.is_scalar()) {
      throw ConfigError{node.place(), "'" + node.scalar() + "' needs its keys: write '" + node.scalar() + ": {...}'"};
    }
    if (!node.is_map()) throw ConfigError{node.place(), "a step is one word with its keys: 'rest: {for_min: 60}'"};
    const YamlEntry& entry = node.entries().front();
    if (node.entries().size() > 1) {
      const YamlEntry& second = node.entries()[1];
      throw ConfigError{second.place, "'" + second.key + "' stands beside '" + entry.key +
                                          "': indent the keys of a step below its word, and begin each step with '-'"};
    }
    if (entry.key == "cycles" || entry.key == "repeat") return ItemSpec{read_loop(entry, depth)};
    if (entry.key == "stop_if" || entry.key == "require") {
      return ItemSpec{
          ResultSpec{entry.key == "require", parse_result_condition(as_text(entry.value, entry.key), entry.value.place())}};
    }
    const StepWord* word = find_step_word(entry.key);
    if (word == nullptr)
      throw ConfigError{entry.place, "unknown step '" + entry.key + "'" + suggestion(entry.key, instruction_words())};
    return ItemSpec{read_step(entry, *word)};
  }

  LoopSpec read_loop(const YamlEntry& entry, std::size_t depth) {
    if (depth >= loop_depth_max)
      throw ConfigError{entry.place, "loops nested deeper than " + std::to_string(loop_depth_max) + " levels"};
    LoopSpec loop;
    loop.place = entry.place;
    loop.counts_cycles = entry.key == "cycles";
    if (loop.counts_cycles && inside_cycles_) {
      throw ConfigError{entry.place, "'cycles' inside 'cycles' would count a cycle twice: make the outer loop a 'repeat'"};
    }
    std::vector<std::string> keys{"times", "steps"};
    if (loop.counts_cycles) keys.emplace_back("reference");
    const YamlMap map{entry.value, entry.key, keys};
    loop.is_reference = map.boolean_or("reference", false);
    loop.times = read_expression(map.required("times"));
    const bool was_inside = std::exchange(inside_cycles_, inside_cycles_ || loop.counts_cycles);
    loop.body = read(map.required("steps").value, depth + 1);
    inside_cycles_ = was_inside;
    return loop;
  }

  std::size_t count_ = 0;
  bool inside_cycles_ = false;
};

void read_format(const YamlMap& map) {
  const YamlEntry& entry = map.required("format");
  if (as_integer(entry.value, "format") != profile_format) {
    throw ConfigError{entry.value.place(), "format " + entry.value.scalar() + " is not known here, this program reads format " +
                                               std::to_string(profile_format)};
  }
}

std::vector<ParameterSpec> read_parameters(const YamlEntry& entry) {
  if (!entry.value.is_map()) throw ConfigError{entry.place, "'parameters' must be names with values"};
  if (entry.value.entries().size() > parameters_max) {
    throw ConfigError{entry.place, "more than " + std::to_string(parameters_max) + " parameters"};
  }
  std::vector<ParameterSpec> parameters;
  for (const YamlEntry& parameter : entry.value.entries()) parameters.push_back(read_parameter(parameter));
  return parameters;
}

}  // namespace

Profile read_profile(std::string_view text, const std::string& file) {
  const YamlNode root = read_yaml(text, file, YamlBounds{.bytes_max = profile_bytes_max});
  const YamlMap map{
      root,
      "a profile",
      {"profile", "format", "description", "source", "parameters", "record", "limits", "chamber", "on_interruption", "steps"}};
  Profile profile;
  profile.file = file;
  profile.text = std::string{text};
  profile.name = read_name(map.required("profile"));
  read_format(map);
  profile.description = map.text_or("description", "");
  if (const YamlEntry* source = map.find("source")) profile.source = read_source(*source);
  if (const YamlEntry* parameters = map.find("parameters")) profile.parameters = read_parameters(*parameters);
  if (const YamlEntry* record = map.find("record")) {
    profile.record = read_record(*record);
  }
  if (const YamlEntry* limits = map.find("limits")) {
    const YamlMap known{limits->value, "limits", limit_keys()};
    for (const YamlEntry& limit : limits->value.entries()) profile.limits.push_back(read_field(limit));
  }
  if (const YamlEntry* chamber = map.find("chamber")) {
    profile.chamber_temperature =
        read_field(YamlMap{chamber->value, "chamber", {"temperature_degC"}}.required("temperature_degC"));
  }
  if (const YamlEntry* rule = map.find("on_interruption")) profile.on_interruption = read_interruption_rule(*rule);
  profile.steps = SequenceReader{}.read(map.required("steps").value, 0);
  return profile;
}

Profile read_profile_file(const std::filesystem::path& path) {
  return read_profile(read_text_file(path, profile_bytes_max), path.string());
}

}  // namespace cellrig
