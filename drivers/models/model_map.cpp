#include "drivers/models/model_map.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace cellrig {
namespace {

constexpr std::size_t file_size_max = 1024 * 1024;

template <class Number>
bool parse(std::string_view text, Number& into) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size();
}

bool parse_integer(std::string_view text, int& into) {
  if (!text.starts_with("0x")) return parse(text, into);
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), into, 16);
  return error == std::errc{} && end == text.data() + text.size() && into >= 0;
}

/// Driver, capabilities and check read the same file, each for what it needs: it is parsed once, as long as its text stays the same. Nobody
/// changes a node.
YAML::Node parsed(const std::string& path, const std::string& text) {
  struct Known {
    std::string text;
    YAML::Node root;
  };
  constexpr std::size_t known_max = 64;
  thread_local std::map<std::string, Known> known;
  const auto found = known.find(path);
  if (found != known.end() && found->second.text == text) return found->second.root;
  YAML::Node root = YAML::Load(text);
  if (known.size() >= known_max) known.clear();
  known.insert_or_assign(path, Known{text, root});
  return root;
}

}  // namespace

ModelMap::ModelMap(YAML::Node node, std::string file, std::string name)
    : node_{std::move(node)}, file_{std::move(file)}, name_{std::move(name)} {
  if (!node_.IsMap()) throw ConfigError{place(), name_ + " must be a map of keys and values"};
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : std::string{};
    if (!seen.insert(key).second) throw ConfigError{place_at(entry.first.Mark()), name_ + ": '" + key + "' stands twice"};
  }
}

ModelMap ModelMap::load(const std::string& path) {
  std::ifstream stream{path};
  if (!stream) throw ConfigError{SourcePlace{.file = path}, "the model file cannot be read"};
  std::ostringstream text;
  text << stream.rdbuf();
  if (text.str().size() > file_size_max) throw ConfigError{SourcePlace{.file = path}, "this is too large for a model file"};
  try {
    return ModelMap{parsed(path, text.str()), path, "the model file"};
  } catch (const YAML::Exception& error) {
    const SourcePlace place{.file = path, .line = error.mark.line + 1, .column = error.mark.column + 1};
    throw ConfigError{place, error.msg};
  }
}

SourcePlace ModelMap::place_at(const YAML::Mark& mark) const {
  if (mark.is_null()) return SourcePlace{.file = file_};
  return SourcePlace{.file = file_, .line = mark.line + 1, .column = mark.column + 1};
}

SourcePlace ModelMap::place_of(const std::string& key) const {
  for (const auto& entry : node_) {
    if (entry.first.IsScalar() && entry.first.Scalar() == key) return place_at(entry.second.Mark());
  }
  return place();
}

bool ModelMap::has(const std::string& key) {
  read_.push_back(key);
  return std::any_of(node_.begin(), node_.end(),
                     [&](const auto& entry) { return entry.first.IsScalar() && entry.first.Scalar() == key; });
}

YAML::Node ModelMap::value(const std::string& key) {
  read_.push_back(key);
  for (const auto& entry : node_) {
    if (entry.first.IsScalar() && entry.first.Scalar() == key) return entry.second;
  }
  throw ConfigError{place(), name_ + ": '" + key + "' is missing"};
}

std::string ModelMap::text(const std::string& key) {
  const YAML::Node node = value(key);
  if (!node.IsScalar() || node.Scalar().empty())
    throw ConfigError{place_at(node.Mark()), name_ + ": '" + key + "' must be a text"};
  return node.Scalar();
}

double ModelMap::to_number(const YAML::Node& node, const std::string& key) const {
  double number = 0.0;
  if (!node.IsScalar() || !parse(node.Scalar(), number) || !std::isfinite(number)) {
    throw ConfigError{place_at(node.Mark()), name_ + ": '" + key + "' must be a number"};
  }
  return number;
}

int ModelMap::to_integer(const YAML::Node& node, const std::string& key, int min, int max) const {
  int number = 0;
  if (!node.IsScalar() || !parse_integer(node.Scalar(), number) || number < min || number > max) {
    throw ConfigError{place_at(node.Mark()),
                      name_ + ": '" + key + "' must be an integer from " + std::to_string(min) + " to " + std::to_string(max)};
  }
  return number;
}

double ModelMap::number(const std::string& key) { return to_number(value(key), key); }

double ModelMap::positive_number(const std::string& key) {
  const double result = number(key);
  if (!(result > 0.0)) throw ConfigError{place_of(key), name_ + ": '" + key + "' must be greater than zero"};
  return result;
}

int ModelMap::integer(const std::string& key, int min, int max) { return to_integer(value(key), key, min, max); }

bool ModelMap::boolean(const std::string& key) {
  const YAML::Node node = value(key);
  if (node.IsScalar() && node.Scalar() == "true") return true;
  if (node.IsScalar() && node.Scalar() == "false") return false;
  throw ConfigError{place_at(node.Mark()), name_ + ": '" + key + "' must be true or false"};
}

Duration ModelMap::milliseconds(const std::string& key) { return std::chrono::milliseconds{integer(key, 0, 3'600'000)}; }

Duration ModelMap::seconds(const std::string& key) { return std::chrono::seconds{integer(key, 0, 1'000'000)}; }

ModelMap ModelMap::map(const std::string& key) { return ModelMap{value(key), file_, key}; }

std::vector<ModelMap> ModelMap::maps(const std::string& key) {
  const YAML::Node node = value(key);
  if (!node.IsSequence()) throw ConfigError{place_at(node.Mark()), name_ + ": '" + key + "' must be a list"};
  std::vector<ModelMap> result;
  for (const auto& item : node) result.emplace_back(item, file_, key);
  return result;
}

std::vector<int> ModelMap::integers(const std::string& key, int min, int max) {
  const YAML::Node node = value(key);
  if (!node.IsSequence()) throw ConfigError{place_at(node.Mark()), name_ + ": '" + key + "' must be a list of integers"};
  std::vector<int> result;
  for (const auto& item : node) result.push_back(to_integer(item, key, min, max));
  return result;
}

std::vector<std::string> ModelMap::texts(const std::string& key) {
  const YAML::Node node = value(key);
  std::vector<std::string> result;
  if (node.IsSequence()) {
    for (const auto& item : node) {
      if (!item.IsScalar() || item.Scalar().empty())
        throw ConfigError{place_at(item.Mark()), name_ + ": '" + key + "' must be a list of texts"};
      result.push_back(item.Scalar());
    }
  }
  if (result.empty()) throw ConfigError{place_at(node.Mark()), name_ + ": '" + key + "' must be a list of texts"};
  return result;
}

void ModelMap::prose(const std::string& key) {
  const YAML::Node node = value(key);
  if (node.IsScalar()) return;
  if (!node.IsSequence()) throw ConfigError{place_at(node.Mark()), name_ + ": '" + key + "' must be text or a list of texts"};
  for (const auto& item : node) {
    if (!item.IsScalar()) throw ConfigError{place_at(item.Mark()), name_ + ": '" + key + "' must be a list of texts"};
  }
}

std::size_t ModelMap::word(const std::string& key, const std::vector<std::string>& words) {
  const std::string found = text(key);
  const auto position = std::find(words.begin(), words.end(), found);
  if (position == words.end()) {
    throw ConfigError{place_of(key), name_ + ": unknown " + key + " '" + found + "'" + suggestion(found, words)};
  }
  return static_cast<std::size_t>(position - words.begin());
}

std::vector<std::string> ModelMap::keys() const {
  std::vector<std::string> result;
  for (const auto& entry : node_) result.push_back(entry.first.IsScalar() ? entry.first.Scalar() : std::string{});
  return result;
}

void ModelMap::finish() const {
  for (const auto& entry : node_) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : std::string{};
    if (std::find(read_.begin(), read_.end(), key) != read_.end()) continue;
    throw ConfigError{place_at(entry.first.Mark()), name_ + ": unknown key '" + key + "'" + suggestion(key, read_)};
  }
}

}  // namespace cellrig
