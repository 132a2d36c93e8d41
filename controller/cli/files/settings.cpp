#include "controller/cli/files/settings.hpp"

#include <utility>

#include "controller/base/config_error.hpp"
#include "profiles/cell.hpp"
#include "profiles/reader.hpp"

namespace cellrig::cli {
namespace {

/// "ch1=x" -> {"ch1", "x"}; "x" -> {"", "x"}.
std::pair<std::string, std::string> split_assignment(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return {"", text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace

std::string choose_for(const std::vector<std::string>& assignments, const std::string& channel, const std::string& otherwise) {
  std::string chosen = otherwise;
  bool own = false;
  for (const std::string& text : assignments) {
    const auto [name, value] = split_assignment(text);
    if (name == channel) {
      chosen = value;
      own = true;
    } else if (name.empty() && !own) {
      chosen = value;
    }
  }
  return chosen;
}

Settings parse_settings(const std::vector<std::string>& texts, const std::string& channel) {
  Settings settings;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) throw ConfigError{SourcePlace{}, "--set " + text + ": write parameter=value"};
    std::string name = text.substr(0, equals);
    if (const std::size_t colon = name.find(':'); colon != std::string::npos) {
      if (name.substr(0, colon) != channel) continue;
      name = name.substr(colon + 1);
    }
    settings[name] = text.substr(equals + 1);
  }
  return settings;
}

Program compile_program(const std::string& profile_file, const std::string& cell_file, const Settings& settings) {
  return compile(read_profile_file(profile_file), read_cell_file(cell_file), settings);
}

}  // namespace cellrig::cli
