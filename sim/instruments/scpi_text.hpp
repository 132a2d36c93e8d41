// SCPI on the instrument's side of the wire: lines out of bytes, program message units out of lines, numbers in and out.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace cellrig::sim {

inline constexpr double scpi_not_a_number = 9.91e37;  // SCPI 1999, 7.2.1.5

/// Upper case, whatever the locale.
[[nodiscard]] constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

/// Collects one line per connection, ended by LF (a CR before it is dropped). Holds at most `line_size_max` bytes: a longer
/// line is thrown away up to its LF and handed out as overflowed.
class ScpiLineBuffer {
 public:
  static constexpr std::size_t line_size_max = 4096;

  struct Line {
    std::string_view text;  ///< valid until the next call
    bool overflowed = false;
  };

  /// Takes bytes from the front of `bytes` up to the next LF; nothing when there is none (then all bytes are taken).
  std::optional<Line> next(std::string_view& bytes);
  [[nodiscard]] std::size_t buffered() const { return partial_.size(); }

 private:
  std::string partial_;
  std::string line_;
  bool overflowed_ = false;
};

/// One program message unit: "VOLT:LIM 4.2" or "VOLT? MAX".
struct ScpiUnit {
  std::string_view header;  ///< without the question mark; empty when the unit is blank
  std::string_view arguments;
  bool query = false;
};

/// Takes the next unit from the front of `message`, up to a ';' outside quotes. False when the message is used up.
bool next_unit(std::string_view& message, ScpiUnit& unit);

/// Takes the next argument from the front of `arguments`, up to a ',' outside quotes, without blanks around it.
std::string_view next_argument(std::string_view& arguments);

[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);

/// "MAX" and "MAXimum" match the form "MAXimum" in any letter case.
[[nodiscard]] bool matches_keyword(std::string_view text, std::string_view form);

/// A decimal number with '.', optionally followed by the unit `unit` ("4.2", "+4.2E0", "4.2 V"). Nothing else is a number:
/// no comma, no NaN, no hexadecimal. Independent of the locale.
[[nodiscard]] std::optional<double> parse_number(std::string_view text, std::string_view unit = {});

/// 0, 1, ON, OFF; other numbers count as on when they are not 0 after rounding.
[[nodiscard]] std::optional<bool> parse_bool(std::string_view text);

/// "+8.160000E+01": sign, seven significant digits, an exponent of two digits.
void append_nr3(std::string& out, double value, int decimals = 6);
/// "+8192".
void append_nr1_signed(std::string& out, long value);
/// "-8.00": fixed point without a forced sign.
void append_fixed(std::string& out, double value, int decimals);

struct ScpiError {
  int code = 0;
  std::string_view text;  ///< of static storage
};

/// First in, first out; when it is full the newest entry is replaced by -350.
class ScpiErrorQueue {
 public:
  static constexpr std::size_t length_max = 20;

  void push(ScpiError error);
  /// Code 0 and "No error" when it is empty.
  ScpiError pop();
  void clear() { errors_.clear(); }
  [[nodiscard]] bool empty() const { return errors_.empty(); }

 private:
  std::deque<ScpiError> errors_;
};

}  // namespace cellrig::sim
