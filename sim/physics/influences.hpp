// What the slow processes of a cell make of its fast model: a value, handed over at their own, longer steps.
#pragma once

namespace cellrig::sim {

/// The defaults change nothing.
struct CellInfluences {
  double capacity_fraction = 1.0;  ///< of the fresh capacity
  double resistance_factor = 1.0;  ///< on every resistance but the metal's: ageing
  double interface_factor = 1.0;   ///< besides, on charge transfer and fast pair: stack pressure
  double self_discharge_A = 0.0;   ///< >= 0: drains the cell by chemistry; no voltage drop
  double short_current_A = 0.0;    ///< >= 0: flows through the inside besides the terminal current (a soft short)
  double voltage_offset_V = 0.0;   ///< on the open-circuit voltage: the plateau while plated lithium dissolves
  double heat_W = 0.0;             ///< into the core: of a short and of reactions
  bool operator==(const CellInfluences&) const = default;
};

}  // namespace cellrig::sim
