// What the files of accuracy_rows() share. Not for others to include.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "profiles/accuracy.hpp"

namespace cellrig {

/// Three digits are all that an accuracy is good for.
[[nodiscard]] std::string in_brief(double value, std::string_view unit);
[[nodiscard]] std::string percent_of(double share);

/// Compares the uncertainty with the value itself: from a tenth on a warning, beyond the value an error.
void judge_by_value(AccuracyRow& row, const std::string& consequence);

struct Thermometer {
  std::string model;
  Accuracy accuracy;
};
/// On the cell, of this channel.
[[nodiscard]] std::optional<Thermometer> thermometer_of(const CheckContext& context);

/// What the steps ask of the chamber.
struct AskedTemperatures {
  std::optional<Celsius> hottest, coldest, coldest_charge;
};

/// The limits that no step has to itself: of temperatures and sensors. `program` has the bench's limits, too.
[[nodiscard]] std::vector<AccuracyRow> accuracy_rows_of_run(const Program& program, const CheckContext& context,
                                                            const AskedTemperatures& asked);

/// Those of them that a step has tightened for itself; `air`: what the chamber was asked for by then.
[[nodiscard]] std::vector<AccuracyRow> accuracy_rows_of_step(const Program& program, const CheckContext& context,
                                                             const SafetyLimits& limits, std::optional<Celsius> air);

}  // namespace cellrig
