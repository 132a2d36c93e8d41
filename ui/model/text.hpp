// Numbers, durations and instants as people read and type them.
#pragma once

#include <QString>
#include <optional>
#include <string>

#include "controller/base/time.hpp"

namespace cellrig::ui {

[[nodiscard]] QString to_text(const std::string& utf8);
/// With a decimal point whatever the desktop's language: figures go into lab books and spreadsheets of several countries.
[[nodiscard]] QString number_text(double value, int decimals);
/// "–" when it is not known.
[[nodiscard]] QString number_text(std::optional<double> value, int decimals);
/// "3.742 V", "– V".
[[nodiscard]] QString with_unit(std::optional<double> value, int decimals, const QString& unit);
/// "Voltage, V"; without a unit only the quantity.
[[nodiscard]] QString with_unit_caption(const QString& quantity, const QString& unit);
/// "98.4 %" of 0.984; "–" when it is not known.
[[nodiscard]] QString percent_text(std::optional<double> share, int decimals);

/// "12.5 s", "3:20 min", "4:05:30 h", "12 d 4 h".
[[nodiscard]] QString duration_text(double seconds);
[[nodiscard]] QString duration_text(std::optional<double> seconds);
/// Local time: "2026-11-30 22:17:10"; "–" for none.
[[nodiscard]] QString instant_text(std::optional<UtcTime> utc);
/// "22:17:10", with the date in front unless it is today (`now`).
[[nodiscard]] QString clock_text(UtcTime utc, UtcTime now);
[[nodiscard]] UtcTime utc_now();

/// "3.7", "3,7", " -1,5e3 ": none when it is no number. A comma is a decimal comma as long as there is no point; "1,234.5" is refused,
/// because nobody knows what was meant.
[[nodiscard]] std::optional<double> parse_number(const QString& text);
/// The same text with a decimal point, when it is a number; anything else comes back as it was (an expression of the profile language).
[[nodiscard]] QString with_decimal_point(const QString& text);

}  // namespace cellrig::ui
