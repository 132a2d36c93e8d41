// What a cell's rested voltage says about its state of charge, by the table in its file. The table serves the simulator, too; here it
// only judges which cell is connected.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/config_error.hpp"

namespace cellrig {

/// Open-circuit voltages from empty to full, evenly apart, at least two. They never fall, and may stand still.
struct OpenCircuitTable {
  std::vector<double> voltage_V;

  /// The least and the greatest state of charge, in percent, at which the voltage may lie in this range; where it lies beyond the
  /// table, below 0 or above 100.
  struct Range {
    double min_pct = 0.0;
    double max_pct = 0.0;
  };
  [[nodiscard]] Range charge_at(double voltage_min_V, double voltage_max_V) const;
};

/// `model: tables: open_circuit_voltage_V` of a cell file; nothing when it has none. Throws ConfigError for a table that is none.
[[nodiscard]] std::optional<OpenCircuitTable> read_open_circuit_table(std::string_view text, const std::string& file);

}  // namespace cellrig
