// The unit at the end of a name: voltage_max_V is in volts. What may be written where is judged by it.
#pragma once

#include <string_view>

namespace cellrig {

enum class Unit : unsigned char {
  none,  ///< a count or a plain factor: cycles_per_block
  volt,
  amp,
  amp_hour,
  watt,
  watt_hour,
  ohm,
  c_rate,
  celsius,
  percent,
  second,
  minute,
  hour,
  kilogram,
  square_centimetre,
  newton,
  megapascal,
  parts_per_million,
  kelvin,  ///< a difference of temperatures
};

/// By the part after the last '_'; Unit::none when that is no unit ("cycles_per_block").
[[nodiscard]] Unit unit_of_name(std::string_view name);

/// Of seconds, minutes and hours; 1 for any other.
[[nodiscard]] constexpr double seconds_per(Unit unit) { return unit == Unit::hour ? 3600.0 : unit == Unit::minute ? 60.0 : 1.0; }

/// "V", "degC", "C" ...; "no unit" for Unit::none.
[[nodiscard]] std::string_view to_string(Unit unit);

/// Whether a number times something in `a` can be in `b`: minutes and seconds, and Ah and A (a capacity divided by hours).
[[nodiscard]] bool is_same_dimension(Unit a, Unit b);

}  // namespace cellrig
