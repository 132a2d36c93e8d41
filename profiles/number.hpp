// Numbers as people write them into configuration, read strictly and without a locale.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "controller/base/config_error.hpp"

namespace cellrig {

/// How many characters at the start of `text` form an unsigned number `digits[.digits][e[+-]digits]`; 0 = none.
[[nodiscard]] std::size_t number_length(std::string_view text);

/// `[+-]digits[.digits][e[+-]digits]` and nothing else. Throws ConfigError with a hint: "4,2", "4.2 V", ".5", "nan", "1e999".
[[nodiscard]] double parse_number(std::string_view text, const SourcePlace& place);

/// The shortest text that reads back as the same number; "." is the decimal point whatever the locale.
[[nodiscard]] std::string format_number(double value);

/// Six significant digits, for messages and tables.
[[nodiscard]] std::string format_short(double value);
/// The nearest number with so many significant digits.
[[nodiscard]] double round_to_digits(double value, int digits);
/// "4.2 V": as format_short(), with its unit.
[[nodiscard]] std::string with_unit(double value, std::string_view unit);

}  // namespace cellrig
