// Which state of charge a person expects of the cell that is connected: another one is another cell, or another story.
#pragma once

#include <string>

#include "controller/base/capabilities.hpp"
#include "controller/base/result.hpp"
#include "profiles/open_circuit.hpp"

namespace cellrig {

struct ExpectedCharge {
  double min_pct = 0.0;
  double max_pct = 100.0;
  OpenCircuitTable table;
};

/// "40..60" or "50" (then 5 to either side). ConfigError for everything else.
[[nodiscard]] ExpectedCharge parse_expected_charge(const std::string& text, OpenCircuitTable table);

/// Refused when the voltage, with what the cycler may be wrong by and what a cell that has not rested for hours is away from its
/// rested voltage, fits no state of charge that is expected. Where the table is flat that says little.
[[nodiscard]] Result<void> judge_charge(const ExpectedCharge& expected, double voltage_V, const Accuracy& accuracy);

}  // namespace cellrig
