// SCPI text to values and back. Pure and without locale: "4,20" is no number here, in any country.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/observation.hpp"
#include "controller/base/result.hpp"
#include "drivers/instruments/identity.hpp"

namespace cellrig::scpi {

/// A number as an instrument means it: SCPI writes 9.91E37 for "not a number" and +-9.9E37 for overload.
struct Number {
  double value = 0.0;  ///< meaningless unless quality is good
  Quality quality = Quality::bad;
};

/// NR1, NR2 and NR3 with optional sign, blanks around, and optionally followed by `unit` ("5.00 A", when unit is "A").
/// 9.91E37, +-9.9E37 and beyond, and the words NAN, INF, NINF, OVLD are Quality::bad; what is no number at all is malformed.
[[nodiscard]] Result<Number> parse_number(std::string_view text, std::string_view unit = {});

/// A finite number, or malformed: for settings read back, where "not a number" is no answer.
[[nodiscard]] Result<double> parse_setting(std::string_view text, std::string_view unit = {});

/// NR1 within an int: "+8192", "0".
[[nodiscard]] Result<int> parse_integer(std::string_view text);

/// 0, 1, OFF, ON in any case.
[[nodiscard]] Result<bool> parse_boolean(std::string_view text);

struct ErrorEntry {
  int code = 0;
  std::string text;
};
/// `-113,"Undefined header"`, `+0,"No error"`, `0, "No error"`; quotes doubled inside stand for one. Its text is printable().
[[nodiscard]] Result<ErrorEntry> parse_error_entry(std::string_view text);

/// Four fields, or five (EA appends a user text): maker, model, serial, firmware, each printable(): they go into messages, JSON and
/// the record.
[[nodiscard]] Result<InstrumentIdentity> parse_identity(std::string_view text);

/// The values of a compound reply. Splits at most count - 1 times, because the last may itself contain ';'.
/// Fewer values than asked for is malformed.
[[nodiscard]] Result<std::vector<std::string_view>> split_reply(std::string_view reply, std::size_t count);

/// `value` with `digits` decimals and a '.', for commands.
[[nodiscard]] std::string format_number(double value, int digits);

/// With '?' for each byte that is no printable ASCII: an instrument's own words spoil no terminal and are always UTF-8.
[[nodiscard]] std::string printable(std::string_view text);
/// What may stand in an error message: printable() and short.
[[nodiscard]] std::string quoted(std::string_view text);
[[nodiscard]] std::string_view trimmed(std::string_view text);
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace cellrig::scpi
