// Strict reading of maps from a YAML file: every error names file, line and column, and the nearest word that would be right.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "controller/base/config_error.hpp"

namespace cellrig::sim {

/// Where a number goes and what it may be. The group is a key of the map that is read, or empty for a key of the map itself.
struct NumberField {
  std::string group;
  std::string key;
  double* to;
  bool above_zero = false;  ///< otherwise >= 0 is enough
  double max = std::numeric_limits<double>::infinity();
  bool may_be_missing = false;  ///< then the value stays as it was
  double min = 0.0;
};

class StrictYaml {
 public:
  explicit StrictYaml(std::string path) : path_{std::move(path)} {}

  /// @throws ConfigError for a file that can't be read or is not valid YAML.
  [[nodiscard]] YAML::Node load() const;
  [[nodiscard]] ConfigError error(const YAML::Node& at, const std::string& message) const;
  void require_map(const YAML::Node& node, const YAML::Node& parent, const std::string& what) const;
  /// Also refuses a key that stands twice.
  void refuse_unknown_keys(const YAML::Node& map, const std::string& where, const std::vector<std::string>& known) const;
  [[nodiscard]] double number(const YAML::Node& node, const std::string& what) const;
  [[nodiscard]] bool boolean(const YAML::Node& node, const std::string& what) const;
  /// The position of the node's word in `words`.
  [[nodiscard]] std::size_t word(const YAML::Node& node, const std::string& what, const std::vector<std::string>& words) const;
  /// `where` is the path of the map, for messages: "" or "stress.".
  void read_number(const YAML::Node& map, const std::string& where, const NumberField& field) const;
  /// A map of numbers and of the further keys `others`.
  void read_numbers(const YAML::Node& map, const std::string& where, const std::vector<NumberField>& fields,
                    const std::vector<std::string>& others = {}) const;

 private:
  std::string path_;
};

}  // namespace cellrig::sim
