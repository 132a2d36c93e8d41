#include "profiles/reader.hpp"

#include <array>
#include <cctype>
#include <utility>

#include "profiles/expect.hpp"
#include "profiles/number.hpp"
#include "profiles/reader_parts.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig {

Expression read_expression(const YamlEntry& entry) {
  if (!entry.value.is_scalar()) {
    throw ConfigError{entry.value.place().line > 0 ? entry.value.place() : entry.place,
                      "'" + entry.key + "' needs a number or an expression"};
  }
  return parse_expression(entry.value.scalar(), entry.value.place());
}

Field read_field(const YamlEntry& entry) { return Field{entry.key, entry.place, read_expression(entry)}; }

std::string read_name(const YamlEntry& entry, std::size_t length_max) {
  const std::string& name = as_text(entry.value, entry.key);
  const std::size_t most = length_max == 0 ? name_length_max : length_max;
  if (name.empty() || name.size() > most)
    throw ConfigError{entry.value.place(), "'" + entry.key + "' must have 1 to " + std::to_string(most) + " characters"};

  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20) throw ConfigError{entry.value.place(), "'" + entry.key + "' must be one line"};
  }
  return name;
}

std::string AttachmentReader::text(std::string& path, const SourcePlace& place) const {
  const std::filesystem::path given{path};
  if (path.empty() || given.is_absolute()) throw ConfigError{place, "write the path of a file from the folder of this profile"};
  path = (std::filesystem::path{folder} / given).lexically_normal().generic_string();
  if (found.size() >= attachments_max && found.count(path) == 0)
    throw ConfigError{place, "more than " + std::to_string(attachments_max) + " attached files"};
  try {
    return found[path] = read(path);
  } catch (const ConfigError& error) {
    found.erase(path);
    throw ConfigError{place, "'" + path + "' " + error.message()};
  }
}

namespace {

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

/// Its bounds are asked for: what a run may do is known before it runs.
VariableSpec read_variable(const YamlEntry& entry) {
  require_parameter_name(entry);
  const YamlMap map{entry.value, "variable " + entry.key, {"start", "min", "max"}};
  return VariableSpec{entry.key, entry.place, read_expression(map.required("start")), read_expression(map.required("min")),
                      read_expression(map.required("max"))};
}

SocReference read_soc_reference(const YamlEntry& entry) {
  const std::string& word = as_text(entry.value, entry.key);
  if (word == "latest") return SocReference::latest;
  if (word == "nominal") return SocReference::nominal;
  if (word == "measured") return SocReference::measured;
  if (word == "rated") return SocReference::rated;
  throw ConfigError{entry.value.place(),
                    "unknown reference '" + word + "'" + suggestion(word, {"latest", "nominal", "measured", "rated"})};
}

// ---- the sequence ---------------------------------------------------------------------------------------------------

class SequenceReader {
 public:
  explicit SequenceReader(const AttachmentReader& files) : files_{files} {}

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
    if (entry.key == "stop_if" || entry.key == "require" || entry.key == "leave_if") return ItemSpec{read_result(entry, depth)};
    if (entry.key == "set") return ItemSpec{read_set(entry)};
    if (entry.key == "mark") return ItemSpec{MarkSpec{read_name(entry, message_length_max)}};
    if (entry.key == "advance_cycle") {
      (void)YamlMap{entry.value, entry.key, {}};
      return ItemSpec{AdvanceSpec{entry.place}};
    }
    if (entry.key == "profile") return ItemSpec{read_sub_profile(entry)};
    const StepWord* word = find_step_word(entry.key);
    if (word == nullptr)
      throw ConfigError{entry.place, "unknown step '" + entry.key + "'" + suggestion(entry.key, instruction_words())};
    return ItemSpec{read_step(entry, *word, files_)};
  }

  ResultSpec read_result(const YamlEntry& entry, std::size_t depth) {
    if (entry.key == "leave_if" && depth == 0) throw ConfigError{entry.place, "'leave_if' stands in no loop that it could leave"};
    const ResultSpec::Role role = entry.key == "require"   ? ResultSpec::Role::require
                                  : entry.key == "stop_if" ? ResultSpec::Role::stop_if
                                                           : ResultSpec::Role::leave_if;
    return ResultSpec{role, parse_result_condition(as_text(entry.value, entry.key), entry.value.place())};
  }

  static SetSpec read_set(const YamlEntry& entry) {
    if (!entry.value.is_map()) throw ConfigError{entry.place, "'set' needs names with values: set: {target_Ah: 2.5}"};
    SetSpec set;
    for (const YamlEntry& value : entry.value.entries()) set.values.push_back(read_field(value));
    return set;
  }

  SubProfileSpec read_sub_profile(const YamlEntry& entry) {
    if (files_.depth + 1 > sub_profile_depth_max)
      throw ConfigError{entry.place, "profiles within profiles deeper than " + std::to_string(sub_profile_depth_max) + " levels"};
    const YamlMap map{entry.value, "profile", {"file", "with"}};
    std::string path = map.text("file");
    const std::string text = files_.text(path, map.required("file").value.place());
    const std::size_t slash = path.rfind('/');
    const AttachmentReader inner{files_.read, slash == std::string::npos ? "" : path.substr(0, slash + 1), files_.found,
                                 files_.depth + 1};
    SubProfileSpec sub;
    sub.place = entry.place;
    sub.profile = std::make_shared<const Profile>(read_profile_with(text, path, inner));
    if (const YamlEntry* with = map.find("with")) {
      if (!with->value.is_map()) throw ConfigError{with->place, "'with' needs parameters with values"};
      for (const YamlEntry& value : with->value.entries()) sub.parameters.push_back(read_field(value));
    }
    return sub;
  }

  std::shared_ptr<const DiagnosticsSpec> read_diagnostics(const YamlEntry& entry, std::size_t depth) {
    const YamlMap map{entry.value, entry.key, {"every_cycles", "each_fade_pct", "after_alarm", "steps"}};
    auto diagnostics = std::make_shared<DiagnosticsSpec>();
    diagnostics->place = entry.place;
    if (const YamlEntry* every = map.find("every_cycles")) diagnostics->every_cycles = read_expression(*every);
    if (const YamlEntry* fade = map.find("each_fade_pct")) diagnostics->fade_pct = read_expression(*fade);
    diagnostics->after_alarm = map.boolean_or("after_alarm", false);
    if (!diagnostics->every_cycles && !diagnostics->fade_pct && !diagnostics->after_alarm)
      throw ConfigError{entry.place, "'diagnostics' needs 'every_cycles', 'each_fade_pct' or 'after_alarm'"};
    diagnostics->body = read(map.required("steps").value, depth + 1);
    return diagnostics;
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
    if (loop.counts_cycles) keys.insert(keys.end(), {"reference", "diagnostics"});
    const YamlMap map{entry.value, entry.key, keys};
    loop.is_reference = map.boolean_or("reference", false);
    loop.times = read_expression(map.required("times"));
    const bool was_inside = std::exchange(inside_cycles_, inside_cycles_ || loop.counts_cycles);
    loop.body = read(map.required("steps").value, depth + 1);
    inside_cycles_ = was_inside;
    // Between two cycles, so they may hold cycles of their own; two loops are around them.
    if (const YamlEntry* const given = map.find("diagnostics")) loop.diagnostics = read_diagnostics(*given, depth + 1);
    return loop;
  }

  const AttachmentReader& files_;
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

std::vector<ItemSpec> read_steps(const YamlNode& node, const AttachmentReader& files) {
  return SequenceReader{files}.read(node, 0);
}

Profile read_profile_with(std::string_view text, const std::string& file, const AttachmentReader& files) {
  const YamlNode root = read_yaml(text, file, YamlBounds{.bytes_max = profile_bytes_max});
  const YamlMap map{root,
                    "a profile",
                    {"profile", "format", "description", "source", "parameters", "variables", "record", "limits", "chamber",
                     "expect", "rate_of", "soc_of", "on_interruption", "steps"}};
  Profile profile;
  profile.file = file;
  profile.text = std::string{text};
  profile.name = read_name(map.required("profile"));
  read_format(map);
  profile.description = map.text_or("description", "");
  if (const YamlEntry* source = map.find("source")) profile.source = read_source(*source);
  if (const YamlEntry* parameters = map.find("parameters")) profile.parameters = read_parameters(*parameters);
  if (const YamlEntry* variables = map.find("variables")) {
    if (!variables->value.is_map()) throw ConfigError{variables->place, "'variables' must be names with start, min and max"};
    for (const YamlEntry& variable : variables->value.entries()) profile.variables.push_back(read_variable(variable));
    if (profile.variables.size() > variables_max)
      throw ConfigError{variables->place, "more than " + std::to_string(variables_max) + " variables"};
  }
  if (const YamlEntry* record = map.find("record")) profile.record = read_record(*record);
  if (const YamlEntry* rate = map.find("rate_of")) profile.rate_of = read_rate_reference(*rate);
  if (const YamlEntry* soc = map.find("soc_of")) profile.soc_of = read_soc_reference(*soc);
  if (const YamlEntry* limits = map.find("limits")) {
    const YamlMap known{limits->value, "limits", limit_keys()};
    for (const YamlEntry& limit : limits->value.entries()) profile.limits.push_back(read_field(limit));
  }
  if (const YamlEntry* chamber = map.find("chamber")) {
    profile.chamber_temperature =
        read_field(YamlMap{chamber->value, "chamber", {"temperature_degC"}}.required("temperature_degC"));
  }
  if (const YamlEntry* expect = map.find("expect")) profile.expect = read_expect(*expect);
  if (const YamlEntry* rule = map.find("on_interruption")) profile.on_interruption = read_interruption_rule(*rule);
  profile.steps = read_steps(map.required("steps").value, files);
  return profile;
}

Profile read_profile(std::string_view text, const std::string& file, const ReadAttachment& read) {
  const Bundle bundle = split_bundle(text);
  std::map<std::string, std::string> found;
  const AttachmentReader files{[&](const std::string& path) {
                                 const auto attached = bundle.files.find(path);
                                 return attached != bundle.files.end() ? attached->second : read(path);
                               },
                               "", found};
  Profile profile = read_profile_with(bundle.main, file, files);
  profile.attachments = std::move(found);
  return profile;
}

Profile read_profile(std::string_view text, const std::string& file) {
  const std::filesystem::path folder = std::filesystem::path{file}.parent_path();
  return read_profile(text, file, [&](const std::string& path) { return read_text_file(folder / path, attachment_bytes_max); });
}

Profile read_profile_file(const std::filesystem::path& path) {
  return read_profile(read_text_file(path, profile_bytes_max), path.string());
}

}  // namespace cellrig
