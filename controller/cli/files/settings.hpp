// --set parameter=value, and a profile with its cell and parameters made into a program.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "profiles/compile.hpp"

namespace cellrig::cli {

using Settings = std::map<std::string, std::string>;

/// "name=value" each; "channel:name=value" is kept for that channel only. ConfigError for what is neither.
[[nodiscard]] Settings parse_settings(const std::vector<std::string>& texts, const std::string& channel = "");

/// Of "value" and "channel=value" texts the one for this channel: its own, else the one for all, else `otherwise`.
[[nodiscard]] std::string choose_for(const std::vector<std::string>& assignments, const std::string& channel,
                                     const std::string& otherwise);

[[nodiscard]] Program compile_program(const std::string& profile_file, const std::string& cell_file, const Settings& settings);

}  // namespace cellrig::cli
