// Which current does a voltage source with limits drive through a cell? A pure function of the cell's voltage curve.
#pragma once

#include "sim/physics/cell.hpp"

namespace cellrig::sim {

enum class RegulatorMode : unsigned char { off, constant_voltage, constant_current, constant_power, constant_resistance };

/// Limits seen by the cell: charge and discharge in the cell's own direction, all magnitudes finite or infinite, >= 0.
struct RegulatorLimits {
  double voltage_V = 0.0;
  double charge_max_A = 0.0;
  double discharge_max_A = 0.0;
  double charge_max_W = 0.0;
  double discharge_max_W = 0.0;
  double discharge_resistance_ohm = 0.0;  ///< 0 = not in force
};

struct OperatingPoint {
  RegulatorMode mode = RegulatorMode::off;  ///< what is in force: the voltage, or the limit reached before it
  double current_A = 0.0;                   ///< positive charges the cell
  double voltage_V = 0.0;
};

/// The unique operating point. The voltage rises strictly with the current, so the voltage decides the direction and each limit
/// cuts the current; a discharge power that the cell cannot deliver does not limit (the current limit or the voltage does).
/// guess_A starts the search (the last current); at most iteration_max evaluations for each solve, whatever the input.
[[nodiscard]] OperatingPoint operating_point(const VoltageCurve& curve, const RegulatorLimits& limits, double guess_A);

/// By how much, in volts, holding this current breaks the voltage, power or resistance limit; <= 0 when it breaks none.
/// Its zero inside a step is the instant at which the mode changes.
[[nodiscard]] double violation_V(const VoltageCurve& curve, const RegulatorLimits& limits, double current_A);

}  // namespace cellrig::sim
