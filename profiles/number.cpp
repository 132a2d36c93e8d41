#include "profiles/number.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <system_error>

namespace cellrig {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_at(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - from;
}

// Only called when `text` is no number: finds the sentence that helps most.
std::string why_no_number(std::string_view text) {
  const std::string quoted = "'" + std::string{text} + "'";
  if (text.empty()) return "expected a number, found nothing";
  std::string lower{text};
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::string bare = lower.front() == '-' || lower.front() == '+' || lower.front() == '.' ? lower.substr(1) : lower;
  if (bare.starts_with("nan") || bare.starts_with("inf") || bare.starts_with(".inf")) {
    return quoted + " is refused: a number here must be finite";
  }
  if (const std::size_t comma = text.find(','); comma != std::string_view::npos) {
    std::string repaired{text};
    repaired[comma] = '.';
    const bool is_repaired = number_length(repaired) == repaired.size();
    return quoted + " is no number: the decimal point is '.'" + (is_repaired ? ", did you mean '" + repaired + "'?" : "");
  }
  if (text.front() == '.' && digits_at(text, 1) > 0) return quoted + " is no number, did you mean '0" + std::string{text} + "'?";
  const std::size_t sign = text.front() == '-' || text.front() == '+' ? 1 : 0;
  if (const std::size_t length = number_length(text.substr(sign)); length > 0) {
    return quoted + " is no number: write " + std::string{text.substr(0, sign + length)} + " alone, its unit is part of the key";
  }
  return quoted + " is no number";
}

}  // namespace

std::size_t number_length(std::string_view text) {
  std::size_t length = digits_at(text, 0);
  if (length == 0) return 0;
  if (length < text.size() && text[length] == '.') {
    const std::size_t fraction = digits_at(text, length + 1);
    if (fraction == 0) return length;
    length += 1 + fraction;
  }
  if (length < text.size() && (text[length] == 'e' || text[length] == 'E')) {
    std::size_t exponent = length + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    if (const std::size_t digits = digits_at(text, exponent); digits > 0) length = exponent + digits;
  }
  return length;
}

double parse_number(std::string_view text, const SourcePlace& place) {
  const std::size_t sign = !text.empty() && (text.front() == '-' || text.front() == '+') ? 1 : 0;
  const std::string_view digits = text.substr(sign);
  if (digits.empty() || number_length(digits) != digits.size()) throw ConfigError{place, why_no_number(text)};
  double value = 0.0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || !std::isfinite(value)) {
    throw ConfigError{place, "'" + std::string{text} + "' is beyond the range of a number"};
  }
  return text.front() == '-' ? -value : value;
}

std::string format_number(double value) {
  std::array<char, 40> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value == 0.0 ? 0.0 : value);
  return error == std::errc{} ? std::string{buffer.data(), end} : std::string{"?"};
}

std::string format_short(double value) {
  std::array<char, 40> buffer{};
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value == 0.0 ? 0.0 : value, std::chars_format::general, 6);
  return error == std::errc{} ? std::string{buffer.data(), end} : std::string{"?"};
}

double round_to_digits(double value, int digits) {
  if (!std::isfinite(value)) return value;
  std::array<char, 40> buffer{};
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific, digits - 1);
  double rounded = value;
  if (error == std::errc{}) std::from_chars(buffer.data(), end, rounded);
  return rounded;
}

std::string with_unit(double value, std::string_view unit) { return format_short(value) + " " + std::string{unit}; }

}  // namespace cellrig
