// A program as a technician reads it: one row per step, with set-point, ends and bound.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "controller/engine/program.hpp"

namespace cellrig {

struct ProgramRow {
  int source_line = 0;
  std::size_t instruction = 0;  ///< index into Program::code
  std::size_t depth = 0;        ///< loops around it
  std::string name;             ///< "cccv_charge", "cycles x 100", "require"
  std::string setpoint;         ///< "1.667 A, 2.49 to 4.205 V", "output off"; empty for what is no step
  std::string ends;             ///< "voltage_V >= 4.2 | soc_pct >= 90"
  std::string bound;            ///< "at most 5 h", "for 1 h"
  std::string notes;            ///< chamber, measure, state of charge
  Duration expected{};          ///< of one pass
};

[[nodiscard]] std::vector<ProgramRow> rows_of(const Program& program);

[[nodiscard]] std::string describe(const Setpoint& setpoint);
[[nodiscard]] std::string describe(Duration duration);  ///< "5 s", "18 min", "8 h", "3.5 days"

/// Name, hash, parameters, limits, the table, and the expected and longest duration.
[[nodiscard]] std::string describe(const Program& program);

}  // namespace cellrig
