// One step of a PyBaMM experiment as its string says it: "Charge at C/10 for 10 hours or until 4.1 V (1 minute period)".
// Stricter than PyBaMM where PyBaMM is silently wrong: a voltage belongs to Hold, a current, rate, power or resistance to
// Charge and Discharge ("Charge at 4.2 V" is a step of -4.2 V there), and every number is a magnitude above zero.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "controller/base/config_error.hpp"
#include "controller/base/time.hpp"
#include "profiles/unit_suffix.hpp"

namespace cellrig {

enum class PybammAction : unsigned char { rest, charge, discharge, hold };

/// Above zero, in Unit::volt, amp, c_rate, watt or ohm; prefixes are worked out.
struct PybammValue {
  double value = 0.0;
  Unit unit = Unit::amp;
};

struct PybammEnd {
  PybammValue value;  ///< volt, amp or c_rate; amp and c_rate are compared with the magnitude of the current
  char comparison{};  ///< '<' or '>'
};

struct PybammStep {
  SourcePlace place;  ///< of its first character
  PybammAction action = PybammAction::rest;
  PybammValue value;  ///< of no meaning for a rest
  std::optional<double> duration_s;
  std::optional<PybammEnd> end;
  std::optional<double> period_s;
  std::optional<double> temperature_degC;  ///< the keyword beside the string; never part of it
};

/// Longer ones are refused, so that a bound that is a tenth longer still is one that a profile may have.
inline constexpr Duration pybamm_duration_max = std::chrono::hours{24 * 300};
inline constexpr std::size_t pybamm_string_length_max = 300;

/// `place` is that of the first character. Throws ConfigError at the character that does not belong, with the nearest valid word.
[[nodiscard]] PybammStep parse_pybamm_step(std::string_view text, const SourcePlace& place);
/// "30 seconds" -> 30. Throws ConfigError.
[[nodiscard]] double parse_pybamm_time(std::string_view text, const SourcePlace& place);
/// "25oC" -> 25, "298.15 K" -> 25. Throws ConfigError.
[[nodiscard]] double parse_pybamm_temperature(std::string_view text, const SourcePlace& place);

/// The normal form: "C/3" for a rate of one over a whole number, otherwise "2C"; milli below a tenth of the unit; a time in the
/// largest of hours, minutes and seconds in which it is whole; '<' and '>' only where PyBaMM would take the other one.
[[nodiscard]] std::string to_pybamm(const PybammStep& step);
[[nodiscard]] std::string to_pybamm_time(double seconds);  ///< "1 hour", "90 seconds"

/// Which way an end without a sign looks: '>' for the voltage of a charge, '<' for that of a discharge and for a current; none for
/// the voltage of a rest or hold, which PyBaMM then ignores.
[[nodiscard]] std::optional<char> pybamm_default_comparison(PybammAction action, Unit unit);

/// How long PyBaMM lets a step run at most: its "for", else 2 h / rate, else 24 h; reaching that ends its experiment. Seconds.
[[nodiscard]] double pybamm_time_max_s(const PybammStep& step);

/// The whole number n of a rate of 1/n, from 2 on; 0 when it is none.
[[nodiscard]] double pybamm_rate_divisor(double rate);

}  // namespace cellrig
