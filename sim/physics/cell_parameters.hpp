// What makes one cell differ from another. Read from profiles/cells/*.yaml by sim/cell_file.
#pragma once

#include <string>

#include "sim/physics/life_parameters.hpp"
#include "sim/physics/ocv_table.hpp"

namespace cellrig::sim {

/// A resistance in parallel with a capacitance; u' = (I R(T) - u) / tau (docs/cell-model.md, equation 3).
struct RcPair {
  double resistance_ohm = 0.0;  ///< at 25 degC
  double time_constant_s = 1.0;
  double activation_J_per_mol = 0.0;
};

/// Parameters of the electro-thermal model at 25 degC; the equation numbers are those of docs/cell-model.md.
struct CellParameters {
  std::string name;
  double capacity_Ah = 0.0;  ///< cyclable charge between SoC 0 and 1 (equation 1)
  double voltage_min_V = 0.0;
  double voltage_max_V = 0.0;
  double mass_kg = 0.0;
  double electrode_area_cm2 = 0.0;

  OcvTable open_circuit_voltage_V;
  OcvTable entropic_coefficient_V_per_K;
  OcvTable half_hysteresis_V;
  double hysteresis_scale = 1.0;  ///< multiplies the half-hysteresis table
  double hysteresis_rate = 0.0;   ///< equation 4, per unit of SoC

  double metal_resistance_ohm = 0.0;  ///< current collectors and tabs: no temperature or ageing factor
  double electrolyte_resistance_ohm = 0.0;
  double electrolyte_activation_J_per_mol = 0.0;
  double charge_resistance_factor = 1.0;  ///< equation 10: multiplies resistances while charging

  double exchange_current_A = 1.0;  ///< equation 5
  double charge_transfer_activation_J_per_mol = 0.0;
  double low_soc_charge_transfer_rise = 0.0;  ///< "rsd": how much the charge transfer slows down near empty

  RcPair fast_pair;
  RcPair slow_pair;

  double diffusion_gain = 0.0;  ///< equation 2: surface SoC moved per unit of SoC charged
  double diffusion_time_constant_s = 1.0;
  double diffusion_activation_J_per_mol = 0.0;

  double inaccessible_soc = 0.0;  ///< equation 7: shift of the SoC at 25 degC, empty cell
  double inaccessible_activation_J_per_mol = 0.0;
  double inaccessible_width_soc = 1.0;

  double core_heat_capacity_J_per_K = 1.0;  ///< equation 9
  double surface_heat_capacity_J_per_K = 1.0;
  double core_to_surface_K_per_W = 1.0;
  double surface_to_ambient_W_per_K = 1.0;  ///< free convection in the fixture; at least 1e-6

  double plates_to_ambient_W_per_K = 0.0;  ///< between cooled plates; 0 = the file does not say

  LifeParameters life;  ///< slow processes; empty = the cell stays as it is
};

}  // namespace cellrig::sim
