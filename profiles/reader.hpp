// Reads a profile. The words and the shape are checked here; what needs the cell or the parameters is checked by compile().
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "profiles/attachments.hpp"
#include "profiles/model.hpp"

namespace cellrig {

inline constexpr int profile_format = 1;
inline constexpr std::size_t profile_bytes_max = 256 * 1024;
inline constexpr std::size_t items_max = 1000;  ///< steps, loops and criteria of one profile
inline constexpr std::size_t parameters_max = 200;
inline constexpr std::size_t name_length_max = 80;
inline constexpr std::size_t message_length_max = 200;  ///< of marks and of what a person is asked
inline constexpr std::size_t attachment_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t attachments_max = 32;
inline constexpr std::size_t sub_profile_depth_max = 4;

/// `file` is the name that errors show. Throws ConfigError with file, line, column and the nearest valid word.
/// What it names is read from its folder, unless `text` is a bundle that has it (attachments.hpp).
[[nodiscard]] Profile read_profile(std::string_view text, const std::string& file);
/// The same with attachments from elsewhere.
[[nodiscard]] Profile read_profile(std::string_view text, const std::string& file, const ReadAttachment& read);
[[nodiscard]] Profile read_profile_file(const std::filesystem::path& path);

}  // namespace cellrig
