// What people write into a name or a reason.
#pragma once

#include <string_view>

namespace cellrig {

/// Also what holds nothing but blanks: no name and no reason.
[[nodiscard]] inline bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

}  // namespace cellrig
