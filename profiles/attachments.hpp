// The files that a profile names - drive cycles, other profiles - and how all of them are kept as one text in the record.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace cellrig {

/// The text of a file, by its path from the folder of the profile. Throws ConfigError.
using ReadAttachment = std::function<std::string(const std::string& path)>;

struct Bundle {
  std::string main;
  std::map<std::string, std::string> files;
};

/// A text without attachments is its own bundle. After the main text each file follows a line `#attached BYTES PATH`.
[[nodiscard]] Bundle split_bundle(std::string_view text);
[[nodiscard]] std::string join_bundle(const Bundle& bundle);

}  // namespace cellrig
