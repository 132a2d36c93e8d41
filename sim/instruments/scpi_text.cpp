#include "sim/instruments/scpi_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace cellrig::sim {
namespace {

// IEEE 488.2 counts every control character but LF as white space.
constexpr bool is_blank(char c) { return c >= '\0' && c <= ' '; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Where `separator` first stands outside quotes; the size of `text` when it doesn't.
std::size_t find_unquoted(std::string_view text, char separator) {
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == separator) {
      return i;
    }
  }
  return text.size();
}

}  // namespace

std::optional<ScpiLineBuffer::Line> ScpiLineBuffer::next(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  const bool complete = end != std::string_view::npos;
  const std::string_view piece = bytes.substr(0, end);
  if (complete && partial_.empty() && !overflowed_ && piece.size() <= line_size_max) {  // the usual case: no copy
    bytes.remove_prefix(end + 1);
    return Line{.text = trimmed(piece), .overflowed = false};
  }
  if (overflowed_ || partial_.size() + piece.size() > line_size_max) {
    overflowed_ = true;
    partial_.clear();
  } else {
    partial_.append(piece);
  }
  bytes.remove_prefix(complete ? end + 1 : bytes.size());
  if (!complete) return std::nullopt;
  line_.swap(partial_);
  partial_.clear();
  const bool overflowed = overflowed_;
  overflowed_ = false;
  return Line{.text = overflowed ? std::string_view{} : trimmed(line_), .overflowed = overflowed};
}

bool next_unit(std::string_view& message, ScpiUnit& unit) {
  if (message.empty()) return false;
  const std::size_t end = find_unquoted(message, ';');
  const std::string_view text = trimmed(message.substr(0, end));
  message.remove_prefix(end < message.size() ? end + 1 : end);
  std::size_t header_size = 0;
  while (header_size < text.size() && !is_blank(text[header_size])) ++header_size;
  unit.header = text.substr(0, header_size);
  unit.arguments = trimmed(text.substr(header_size));
  unit.query = unit.header.ends_with('?');
  if (unit.query) unit.header.remove_suffix(1);
  return true;
}

std::string_view next_argument(std::string_view& arguments) {
  const std::size_t end = find_unquoted(arguments, ',');
  const std::string_view argument = trimmed(arguments.substr(0, end));
  arguments.remove_prefix(end < arguments.size() ? end + 1 : end);
  return argument;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (upper(a[i]) != upper(b[i])) return false;
  }
  return true;
}

bool matches_keyword(std::string_view text, std::string_view form) {
  std::size_t short_size = 0;
  while (short_size < form.size() && !(form[short_size] >= 'a' && form[short_size] <= 'z')) ++short_size;
  return equals_ignoring_case(text, form) || equals_ignoring_case(text, form.substr(0, short_size));
}

std::optional<double> parse_number(std::string_view text, std::string_view unit) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  const std::string_view rest = trimmed(text.substr(static_cast<std::size_t>(end - text.data())));
  if (!rest.empty() && (unit.empty() || !equals_ignoring_case(rest, unit))) return std::nullopt;
  return value;
}

std::optional<bool> parse_bool(std::string_view text) {
  if (equals_ignoring_case(text, "ON")) return true;
  if (equals_ignoring_case(text, "OFF")) return false;
  const std::optional<double> number = parse_number(text);
  if (!number) return std::nullopt;
  return std::fabs(*number) >= 0.5;
}

void append_nr3(std::string& out, double value) {
  std::array<char, 32> digits;
  const double magnitude = std::fabs(value);
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), magnitude, std::chars_format::scientific, 6);
  if (error != std::errc{}) return;
  out.push_back(std::signbit(value) && magnitude > 0 ? '-' : '+');
  for (const char* c = digits.data(); c != end; ++c) out.push_back(*c == 'e' ? 'E' : *c);
}

void append_nr1_signed(std::string& out, long value) {
  std::array<char, 24> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{}) return;
  if (value >= 0) out.push_back('+');
  out.append(digits.data(), end);
}

void append_fixed(std::string& out, double value, int decimals) {
  std::array<char, 64> digits;
  if (!(std::fabs(value) < 1e15)) value = 0;
  const double step = std::pow(10.0, -decimals);
  if (std::fabs(value) < step / 2) value = 0;  // never "-0.00"
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed, decimals);
  if (error != std::errc{}) return;
  out.append(digits.data(), end);
}

void ScpiErrorQueue::push(ScpiError error) {
  if (errors_.size() < length_max) {
    errors_.push_back(error);
  } else {
    errors_.back() = {.code = -350, .text = "Queue overflow"};
  }
}

ScpiError ScpiErrorQueue::pop() {
  if (errors_.empty()) return {.code = 0, .text = "No error"};
  const ScpiError error = errors_.front();
  errors_.pop_front();
  return error;
}

}  // namespace cellrig::sim
