#include "sim/strict_yaml.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace cellrig::sim {

YAML::Node StrictYaml::load() const {
  try {
    return YAML::LoadFile(path_);
  } catch (const YAML::BadFile&) {
    throw ConfigError{SourcePlace{path_, 0, 0}, "cannot read this cell file"};
  } catch (const YAML::ParserException& problem) {
    throw ConfigError{SourcePlace{path_, problem.mark.line + 1, problem.mark.column + 1}, "not valid YAML: " + problem.msg};
  }
}

ConfigError StrictYaml::error(const YAML::Node& at, const std::string& message) const {
  const YAML::Mark mark = at.Mark();
  return ConfigError{SourcePlace{path_, mark.line + 1, mark.column + 1}, message};
}

void StrictYaml::require_map(const YAML::Node& node, const YAML::Node& parent, const std::string& what) const {
  if (!node) throw error(parent, "missing key " + what);
  if (!node.IsMap()) throw error(node, what + " must be a map of keys and values");
}

void StrictYaml::refuse_unknown_keys(const YAML::Node& map, const std::string& where,
                                     const std::vector<std::string>& known) const {
  std::set<std::string> seen;
  for (const auto& entry : map) {
    if (!entry.first.IsScalar()) throw error(entry.first, "a key of " + where + " must be a word");
    const std::string& key = entry.first.Scalar();
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw error(entry.first, "unknown key '" + key + "' in " + where + suggestion(key, known));
    }
    if (!seen.insert(key).second) throw error(entry.first, "key '" + key + "' stands twice in " + where);
  }
}

double StrictYaml::number(const YAML::Node& node, const std::string& what) const {
  double value = 0.0;
  if (!node.IsScalar() || !YAML::convert<double>::decode(node, value) || !std::isfinite(value)) {
    throw error(node, what + " must be a finite number" + (node.IsScalar() ? ", got '" + node.Scalar() + "'" : ""));
  }
  return value;
}

bool StrictYaml::boolean(const YAML::Node& node, const std::string& what) const {
  if (!node.IsScalar() || (node.Scalar() != "true" && node.Scalar() != "false")) throw error(node, what + " is true or false");
  return node.Scalar() == "true";
}

std::size_t StrictYaml::word(const YAML::Node& node, const std::string& what, const std::vector<std::string>& words) const {
  if (!node.IsScalar()) throw error(node, what + " must be a word");
  const auto found = std::find(words.begin(), words.end(), node.Scalar());
  if (found == words.end()) throw error(node, "unknown " + what + " '" + node.Scalar() + "'" + suggestion(node.Scalar(), words));
  return static_cast<std::size_t>(found - words.begin());
}

void StrictYaml::read_number(const YAML::Node& map, const std::string& where, const NumberField& field) const {
  const std::string what = where + (field.group.empty() ? "" : field.group + ".") + field.key;
  const YAML::Node node = map[field.key];
  if (!node) {
    if (field.may_be_missing) return;
    throw error(map, "missing key '" + what + "'");
  }
  const double value = number(node, what);
  if (field.above_zero && !(value > 0)) throw error(node, what + " must be above zero");
  if (field.min >= 0 && !(value >= 0)) throw error(node, what + " must not be negative");
  if (!(value >= field.min && value <= field.max)) throw error(node, what + " is out of range");
  *field.to = value;
}

void StrictYaml::read_numbers(const YAML::Node& map, const std::string& where, const std::vector<NumberField>& fields,
                              const std::vector<std::string>& others) const {
  std::vector<std::string> known = others;
  for (const NumberField& field : fields) known.push_back(field.key);
  require_map(map, map, "'" + where + "'");
  refuse_unknown_keys(map, where, known);
  for (const NumberField& field : fields) read_number(map, where + ".", field);
}

}  // namespace cellrig::sim
