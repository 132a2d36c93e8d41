// The text a program is known by: equal texts run and record alike.
#pragma once

#include <string>
#include <string_view>

#include "controller/engine/program.hpp"

namespace cellrig {

/// Everything that decides how the program runs and what is recorded of it: names, parameters, limits, instructions,
/// conditions, with exact numbers. Not the profile's own text, comments, description or line numbers.
[[nodiscard]] std::string canonical_text(const Program& program);

/// SHA-256 of `text`, 64 hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::string_view text);

}  // namespace cellrig
