// How well the instruments of a channel know each number that decides something in a program: ends, set-points, limits, results.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "profiles/check.hpp"

namespace cellrig {

/// What a number is for. to_string() gives the stable words of `check --json`.
enum class AccuracyUse : unsigned char {
  set_current,    ///< the greatest current of a step
  current_limit,  ///< from the greatest current to the safety limit
  voltage_limit,  ///< from the voltage bound of the set-point to the safety limit
  current_end,    ///< a taper
  power_end,
  voltage_end,
  voltage_change_end,  ///< a drop or a slope
  temperature_end,
  sensor_end,           ///< on a force, a pressure, a gas
  resistance,           ///< measure: resistance
  record_change,        ///< a row per change
  chamber_temperature,  ///< asked of the chamber
  temperature_limit,
  sensor_limit,  ///< pressure, gas, second voltmeter
};
[[nodiscard]] std::string_view to_string(AccuracyUse use);

struct AccuracyStep {
  std::size_t instruction = 0;  ///< index into Program::code
  std::string name;
  SourceSpot source;
};

struct AccuracyRow {
  std::vector<AccuracyStep> steps{};  ///< that have all of this in common; empty: the whole run
  AccuracyUse use = AccuracyUse::set_current;
  std::string instrument{};  ///< model, or "A and B" where two errors add
  std::string subject{};     ///< "'current_A <= 0.25'", "greatest current"
  std::string unit{};
  std::optional<double> value{};          ///< none: it is not known beforehand
  double uncertainty = 0.0;               ///< gain, offset and resolution at the value, in the range that measures it
  std::optional<double> compared_with{};  ///< what the uncertainty is a part of; none: nothing to compare with
  std::string compared_to{};              ///< in words: "the value", "to the bound of 2.495 V"
  std::string advice{};                   ///< range and what else to know; may be empty
  bool is_unverified = false;             ///< the model file says so of an accuracy used here
  std::optional<Severity> severity{};     ///< none: nothing to find here, or another rule of check() finds it
  std::string message{};                  ///< of the finding
  std::optional<SourcePlace> place{};     ///< of the finding, where it is not the first step

  /// Of `compared_with`, 1 = all of it; none where there is nothing to compare with. May be infinite.
  [[nodiscard]] std::optional<double> share() const;
};

inline constexpr double accuracy_doubtful_share = 0.1;  ///< of the value: from here on it is worth a warning

/// In the order of the steps, then of the run. Empty without a cycler. Limits are those of cell, profile and bench together.
[[nodiscard]] std::vector<AccuracyRow> accuracy_rows(const Program& program, const CheckContext& context);

/// A table for people; empty without rows.
[[nodiscard]] std::string describe(const std::vector<AccuracyRow>& rows);

}  // namespace cellrig
