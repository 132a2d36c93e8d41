#include "sim/instruments/scpi_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

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
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view before = text.substr(0, end);
  if (before.find('"') == std::string_view::npos && before.find('\'') == std::string_view::npos) return end;  // the usual case
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

// ---- numbers in decimal digits. The library's conversion takes care of seventeen digits; of six a multiplication is enough, but where it
// leaves in doubt how the last of them is rounded: that is left to the library.

constexpr int usual_decimals_max = 9;
constexpr int exact_power_max = 22;  // powers of ten that are doubles

constexpr std::array<double, exact_power_max + 1> powers_of_ten{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
double power_of_ten(int exponent) { return powers_of_ten[static_cast<std::size_t>(exponent)]; }

/// Rounded to nearest; nothing where the error of the one multiplication behind it could matter.
std::optional<std::uint64_t> rounded_without_doubt(double product) {
  constexpr double product_max = 1e12;
  constexpr double doubt = 1e-3;  // five times the error of such a product
  if (!(product < product_max)) return std::nullopt;
  const auto whole = static_cast<std::uint64_t>(product);
  const double fraction = product - static_cast<double>(whole);
  if (std::fabs(fraction - 0.5) < doubt) return std::nullopt;
  return whole + (fraction > 0.5 ? 1U : 0U);
}

/// What is written, before it goes to its string in one piece.
class Digits {
 public:
  void put(char c) { text_[size_++] = c; }
  /// `count` digits of `number`, which has no more.
  void put(std::uint64_t number, int count) {
    for (int i = count; i-- > 0; number /= 10) text_[size_ + static_cast<std::size_t>(i)] = static_cast<char>('0' + number % 10);
    size_ += static_cast<std::size_t>(count);
  }
  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 32> text_;
  std::size_t size_ = 0;
};

bool append_fixed_in_integers(std::string& out, double value, int decimals) {
  const double scale = power_of_ten(decimals);
  const std::optional<std::uint64_t> number = rounded_without_doubt(std::fabs(value) * scale);
  if (!number) return false;
  const auto divisor = static_cast<std::uint64_t>(scale);
  const std::uint64_t whole = *number / divisor;
  int count = 1;
  while (whole >= static_cast<std::uint64_t>(power_of_ten(count))) ++count;
  Digits digits;
  if (std::signbit(value)) digits.put('-');
  digits.put(whole, count);
  if (decimals > 0) {
    digits.put('.');
    digits.put(*number % divisor, decimals);
  }
  out.append(digits.text());
  return true;
}

bool append_scientific_in_integers(std::string& out, char sign, double magnitude, int decimals) {
  if (!(magnitude < 1e12) || (magnitude < 1e-12 && magnitude > 0) || decimals < 1 || decimals > usual_decimals_max) return false;
  const double most = power_of_ten(decimals + 1);
  int exponent = 0;
  double product = 0.0;
  if (magnitude > 0) {
    constexpr double log10_of_2 = 0.30102999566398;
    exponent = static_cast<int>(std::floor(std::ilogb(magnitude) * log10_of_2));  // or one less than it is
    const auto scaled = [&] {
      const int shift = decimals - exponent;
      return shift >= 0 ? magnitude * power_of_ten(shift) : magnitude / power_of_ten(-shift);
    };
    product = scaled();
    if (product >= most) {
      ++exponent;
      product = scaled();
    }
  }
  std::optional<std::uint64_t> number = rounded_without_doubt(product);
  if (!number) return false;
  if (*number == static_cast<std::uint64_t>(most)) {  // 9.99999999 has become 10
    *number /= 10;
    ++exponent;
  }
  const auto divisor = static_cast<std::uint64_t>(power_of_ten(decimals));
  Digits digits;
  digits.put(sign);
  digits.put(*number / divisor, 1);
  digits.put('.');
  digits.put(*number % divisor, decimals);
  digits.put('E');
  digits.put(exponent < 0 ? '-' : '+');
  digits.put(static_cast<std::uint64_t>(std::abs(exponent)), 2);
  out.append(digits.text());
  return true;
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

void append_nr3(std::string& out, double value, int decimals) {
  const double magnitude = std::fabs(value);
  const char sign = std::signbit(value) && magnitude > 0 ? '-' : '+';
  if (append_scientific_in_integers(out, sign, magnitude, decimals)) return;
  std::array<char, 32> digits;
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), magnitude, std::chars_format::scientific, decimals);
  if (error != std::errc{}) return;
  std::replace(digits.data(), end, 'e', 'E');
  out.push_back(sign);
  out.append(digits.data(), end);
}

void append_nr1_signed(std::string& out, long value) {
  std::array<char, 24> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{}) return;
  if (value >= 0) out.push_back('+');
  out.append(digits.data(), end);
}

void append_fixed(std::string& out, double value, int decimals) {
  if (!(std::fabs(value) < 1e15)) value = 0;
  const bool is_usual = decimals >= 0 && decimals <= usual_decimals_max;
  const double step = is_usual ? 1.0 / power_of_ten(decimals) : std::pow(10.0, -decimals);
  if (std::fabs(value) < step / 2) value = 0;  // never "-0.00"
  if (is_usual && append_fixed_in_integers(out, value, decimals)) return;
  std::array<char, 64> digits;
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
