// The arguments of a SCPI setting: what it was given, or the error of the standard that says why it is not taken. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "sim/instruments/scpi_text.hpp"

namespace cellrig::sim {

/// The codes and texts of the standard.
namespace scpi_error {
inline constexpr ScpiError parameter_not_allowed{.code = -108, .text = "Parameter not allowed"};
inline constexpr ScpiError missing_parameter{.code = -109, .text = "Missing parameter"};
inline constexpr ScpiError undefined_header{.code = -113, .text = "Undefined header"};
inline constexpr ScpiError suffix_out_of_range{.code = -114, .text = "Header suffix out of range"};
inline constexpr ScpiError command_protected{.code = -203, .text = "Command protected"};
inline constexpr ScpiError settings_conflict{.code = -221, .text = "Settings conflict"};
inline constexpr ScpiError out_of_range{.code = -222, .text = "Data out of range"};
inline constexpr ScpiError too_much_data{.code = -223, .text = "Too much data"};
inline constexpr ScpiError illegal_parameter{.code = -224, .text = "Illegal parameter value"};
inline constexpr ScpiError stale{.code = -230, .text = "Data corrupt or stale"};
}  // namespace scpi_error

template <class T>
struct ScpiArgument {
  std::optional<T> value;
  ScpiError error{};  ///< when there is no value
};

/// Exactly one.
[[nodiscard]] ScpiArgument<std::string_view> parse_only_argument(std::string_view arguments);
[[nodiscard]] ScpiArgument<bool> parse_flag_argument(std::string_view arguments);

struct ScpiRange {
  double low = 0.0, high = 0.0;
};
/// MIN and MAX are numbers, too. Limits with few decimals are no binary numbers: what reads the same is inside.
[[nodiscard]] ScpiArgument<double> parse_number_argument(std::string_view arguments, ScpiRange range, std::string_view unit);

}  // namespace cellrig::sim
