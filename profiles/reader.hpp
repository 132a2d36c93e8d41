// Reads a profile. The words and the shape are checked here; what needs the cell or the parameters is checked by compile().
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "profiles/model.hpp"

namespace cellrig {

inline constexpr int profile_format = 1;
inline constexpr std::size_t profile_bytes_max = 256 * 1024;
inline constexpr std::size_t items_max = 1000;  ///< steps, loops and criteria of one profile
inline constexpr std::size_t parameters_max = 200;
inline constexpr std::size_t name_length_max = 80;

/// `file` is the name that errors show. Throws ConfigError with file, line, column and the nearest valid word.
[[nodiscard]] Profile read_profile(std::string_view text, const std::string& file);
[[nodiscard]] Profile read_profile_file(const std::filesystem::path& path);

}  // namespace cellrig
