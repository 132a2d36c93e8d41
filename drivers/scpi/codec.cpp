#include "drivers/scpi/codec.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

namespace cellrig::scpi {
namespace {

/// The least magnitude that means "no number": a little below 9.9E37, which a box may print with fewer digits.
constexpr double overload_threshold = 9.8e37;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }
char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

Error malformed(std::string_view expected, std::string_view text) {
  return fail(Fault::malformed, "expected " + std::string(expected) + ", got " + quoted(text));
}

std::size_t digits_at(std::string_view text, std::size_t from) {
  std::size_t n = 0;
  while (from + n < text.size() && is_digit(text[from + n])) ++n;
  return n;
}

/// Length of the NR1/NR2/NR3 at the start of `text` behind its sign; 0 when there is none.
std::size_t number_length(std::string_view text) {
  std::size_t at = digits_at(text, 0);
  std::size_t mantissa_digits = at;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = digits_at(text, at + 1);
    mantissa_digits += fraction;
    at += 1 + fraction;
  }
  if (mantissa_digits == 0) return 0;
  if (at < text.size() && to_upper(text[at]) == 'E') {
    std::size_t exponent = at + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    const std::size_t digits = digits_at(text, exponent);
    if (digits == 0) return 0;  // "5E" and "5EV" are nothing
    at = exponent + digits;
  }
  return at;
}

/// The value of a number that has so few digits and so small an exponent that nothing is rounded but the one operation; nothing otherwise.
std::optional<double> short_number(std::string_view text) {
  constexpr std::array<double, 23> exact_powers{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  constexpr int exact_digits = 15;
  std::uint64_t mantissa = 0;
  int digits = 0, exponent = 0;
  bool is_fraction = false;
  std::size_t at = 0;
  for (; at < text.size() && (is_digit(text[at]) || text[at] == '.'); ++at) {
    is_fraction = is_fraction || text[at] == '.';
    if (text[at] == '.') continue;
    if (++digits > exact_digits) return std::nullopt;
    mantissa = 10 * mantissa + static_cast<std::uint64_t>(text[at] - '0');
    exponent -= is_fraction ? 1 : 0;
  }
  if (at < text.size()) {
    ++at;  // the E
    const bool is_negative = text[at] == '-';
    if (!is_digit(text[at])) ++at;
    int given = 0;
    for (; at < text.size() && given < static_cast<int>(exact_powers.size()); ++at) given = 10 * given + (text[at] - '0');
    if (at < text.size()) return std::nullopt;
    exponent += is_negative ? -given : given;
  }
  const auto power = static_cast<std::size_t>(exponent < 0 ? -exponent : exponent);
  if (power >= exact_powers.size()) return std::nullopt;
  const auto whole = static_cast<double>(mantissa);
  return exponent < 0 ? whole / exact_powers[power] : whole * exact_powers[power];
}

bool is_word_for_no_number(std::string_view text) {
  constexpr std::array<std::string_view, 8> words{"NAN", "INF", "+INF", "-INF", "NINF", "OVLD", "+OVLD", "-OVLD"};
  return std::any_of(words.begin(), words.end(), [text](std::string_view word) { return equal_ignoring_case(word, text); });
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t shown_max = 40;
  return "'" + printable(text.substr(0, shown_max)) + (text.size() > shown_max ? "...'" : "'");
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return to_upper(x) == to_upper(y); });
}

Result<Number> parse_number(std::string_view text, std::string_view unit) {
  const std::string_view whole = trimmed(text);
  std::string_view rest = whole;
  const bool is_negative = !rest.empty() && rest.front() == '-';
  if (!rest.empty() && (rest.front() == '-' || rest.front() == '+')) rest.remove_prefix(1);
  const std::size_t length = number_length(rest);
  if (length == 0 && is_word_for_no_number(whole)) return Number{};
  if (length == 0) return malformed("a number", text);
  double magnitude = 0.0;
  std::errc error{};
  if (const std::optional<double> value = short_number(rest.substr(0, length))) {
    magnitude = *value;
  } else {
    const auto converted = std::from_chars(rest.data(), rest.data() + length, magnitude);
    error = converted.ec;
    if (error == std::errc::invalid_argument || converted.ptr != rest.data() + length) return malformed("a number", text);
  }
  const std::string_view suffix = trimmed(rest.substr(length));
  if (!suffix.empty() && (unit.empty() || !equal_ignoring_case(suffix, unit))) {
    return malformed(unit.empty() ? std::string("a number") : "a number in " + std::string(unit), text);
  }
  if (error == std::errc::result_out_of_range) return Number{};  // 1E400
  if (!(magnitude < overload_threshold)) return Number{};
  return Number{.value = is_negative ? -magnitude : magnitude, .quality = Quality::good};
}

Result<double> parse_setting(std::string_view text, std::string_view unit) {
  const Result<Number> number = parse_number(text, unit);
  if (!number) return number.error();
  if (number->quality != Quality::good) return malformed("a finite number", text);
  return number->value;
}

Result<int> parse_integer(std::string_view text) {
  std::string_view digits = trimmed(text);
  if (!digits.empty() && digits.front() == '+') {
    digits.remove_prefix(1);
    if (!digits.empty() && digits.front() == '-') return malformed("an integer", text);
  }
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return malformed("an integer", text);
  return value;
}

Result<bool> parse_boolean(std::string_view text) {
  const std::string_view word = trimmed(text);
  if (word == "1" || equal_ignoring_case(word, "ON")) return true;
  if (word == "0" || equal_ignoring_case(word, "OFF")) return false;
  return malformed("0, 1, ON or OFF", text);
}

Result<ErrorEntry> parse_error_entry(std::string_view text) {
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos) return malformed("an error entry", text);
  const Result<int> code = parse_integer(text.substr(0, comma));
  const std::string_view quoted_text = trimmed(text.substr(comma + 1));
  if (!code || quoted_text.size() < 2 || quoted_text.front() != '"' || quoted_text.back() != '"') {
    return malformed("an error entry", text);
  }
  ErrorEntry entry{.code = *code, .text = {}};
  const std::string_view inner = quoted_text.substr(1, quoted_text.size() - 2);
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] == '"' && (i + 1 == inner.size() || inner[++i] != '"')) return malformed("an error entry", text);
    entry.text += inner[i];
  }
  entry.text = printable(entry.text);
  return entry;
}

Result<InstrumentIdentity> parse_identity(std::string_view text) {
  std::array<std::string_view, 4> fields;
  std::string_view rest = text;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t comma = rest.find(',');
    if (comma == std::string_view::npos && i + 1 < fields.size()) return malformed("maker,model,serial,firmware", text);
    fields[i] = trimmed(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  if (fields[0].empty() || fields[1].empty()) return malformed("maker,model,serial,firmware", text);
  return InstrumentIdentity{.maker = printable(fields[0]),
                            .model = printable(fields[1]),
                            .serial = printable(fields[2]),
                            .firmware = printable(fields[3])};
}

Result<std::vector<std::string_view>> split_reply(std::string_view reply, std::size_t count) {
  std::vector<std::string_view> values;
  values.reserve(count);
  while (values.size() + 1 < count) {
    const std::size_t separator = reply.find(';');
    if (separator == std::string_view::npos) return malformed(std::to_string(count) + " values", reply);
    values.push_back(trimmed(reply.substr(0, separator)));
    reply.remove_prefix(separator + 1);
  }
  values.push_back(trimmed(reply));
  return values;
}

std::string format_number(double value, int digits) {
  std::array<char, 512> buffer{};  // the longest double has 309 digits before the point
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, digits).ptr;
  return std::string(buffer.data(), end);
}

}  // namespace cellrig::scpi
