// The one exception of start-up: a file a person wrote is wrong, and here is where.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cellrig {

struct SourcePlace {
  std::string file;
  int line = 0;    ///< 1-based; 0 = the whole file
  int column = 0;  ///< 1-based; 0 = the whole line
};

[[nodiscard]] std::string to_string(const SourcePlace& place);

/// Thrown only while configuration is read. what() is "file:line:column: message".
class ConfigError : public std::runtime_error {
 public:
  ConfigError(SourcePlace place, const std::string& message);
  [[nodiscard]] const SourcePlace& place() const { return place_; }
  [[nodiscard]] const std::string& message() const { return message_; }

 private:
  SourcePlace place_;
  std::string message_;
};

/// The word of `known` nearest to `word` by edit distance, or empty when none is near enough to be meant.
[[nodiscard]] std::string nearest_word(std::string_view word, const std::vector<std::string>& known);

/// ", did you mean 'x'?" or, when nothing is near, " (known: a, b, c)".
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string>& known);

}  // namespace cellrig
