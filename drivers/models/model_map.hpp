// A map in a model file, read strictly: every key is known and read once, every error names file, line and column.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "controller/base/config_error.hpp"
#include "controller/base/time.hpp"

namespace cellrig {

class ModelMap {
 public:
  /// `name` is how messages call this map. Refuses what is no map and keys that stand twice.
  ModelMap(YAML::Node node, std::string file, std::string name);
  /// The whole file.
  [[nodiscard]] static ModelMap load(const std::string& path);

  /// For what only some models have: a known key from now on.
  [[nodiscard]] bool has(const std::string& key);
  [[nodiscard]] std::string text(const std::string& key);
  [[nodiscard]] double number(const std::string& key);
  [[nodiscard]] double positive_number(const std::string& key);
  /// Decimal, or hexadecimal after 0x: register addresses are quoted either way.
  [[nodiscard]] int integer(const std::string& key, int min, int max);
  [[nodiscard]] bool boolean(const std::string& key);
  [[nodiscard]] Duration milliseconds(const std::string& key);
  [[nodiscard]] Duration seconds(const std::string& key);
  [[nodiscard]] ModelMap map(const std::string& key);
  [[nodiscard]] std::vector<ModelMap> maps(const std::string& key);
  [[nodiscard]] std::vector<int> integers(const std::string& key, int min, int max);
  /// At least one.
  [[nodiscard]] std::vector<std::string> texts(const std::string& key);
  /// Text for people: one text or a list of texts; checked, not used.
  void prose(const std::string& key);
  /// One of `words`; the index of it.
  [[nodiscard]] std::size_t word(const std::string& key, const std::vector<std::string>& words);
  /// The keys, in the order of the file: of maps whose keys are names.
  [[nodiscard]] std::vector<std::string> keys() const;
  /// Refuses every key that nobody read.
  void finish() const;

  [[nodiscard]] SourcePlace place_of(const std::string& key) const;
  [[nodiscard]] SourcePlace place() const { return place_at(node_.Mark()); }

 private:
  [[nodiscard]] YAML::Node value(const std::string& key);
  [[nodiscard]] SourcePlace place_at(const YAML::Mark& mark) const;
  [[nodiscard]] double to_number(const YAML::Node& node, const std::string& key) const;
  [[nodiscard]] int to_integer(const YAML::Node& node, const std::string& key, int min, int max) const;

  YAML::Node node_;
  std::string file_;
  std::string name_;
  std::vector<std::string> read_;
};

}  // namespace cellrig
