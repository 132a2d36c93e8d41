#include "sim/instruments/scpi_arguments.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::sim {

ScpiArgument<std::string_view> parse_only_argument(std::string_view arguments) {
  const std::string_view argument = next_argument(arguments);
  if (argument.empty()) return {.value = {}, .error = scpi_error::missing_parameter};
  if (!arguments.empty()) return {.value = {}, .error = scpi_error::parameter_not_allowed};
  return {.value = argument};
}

ScpiArgument<bool> parse_flag_argument(std::string_view arguments) {
  const ScpiArgument<std::string_view> text = parse_only_argument(arguments);
  if (!text.value) return {.value = {}, .error = text.error};
  return {.value = parse_bool(*text.value), .error = scpi_error::illegal_parameter};
}

ScpiArgument<double> parse_number_argument(std::string_view arguments, ScpiRange range, std::string_view unit) {
  const ScpiArgument<std::string_view> text = parse_only_argument(arguments);
  if (!text.value) return {.value = {}, .error = text.error};
  if (matches_keyword(*text.value, "MAXimum")) return {.value = range.high};
  if (matches_keyword(*text.value, "MINimum")) return {.value = range.low};
  const std::optional<double> number = parse_number(*text.value, unit);
  if (!number) return {.value = {}, .error = scpi_error::illegal_parameter};
  const double tolerance = 1e-9 * std::max(1.0, std::fabs(*number));
  const bool is_inside = *number >= range.low - tolerance && *number <= range.high + tolerance;
  if (!is_inside) return {.value = {}, .error = scpi_error::out_of_range};
  return {.value = std::clamp(*number, range.low, range.high)};
}

}  // namespace cellrig::sim
