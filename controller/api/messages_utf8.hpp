// Which bytes are text.
#pragma once

#include <cstddef>
#include <string_view>

namespace cellrig::api {

/// How many bytes at the beginning of `text` are one well-formed UTF-8 character; 0: none are.
[[nodiscard]] std::size_t utf8_length(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace cellrig::api
