// Dendrites through a separator or a solid electrolyte: a conductance that grows above a critical current density.
#pragma once

namespace cellrig::sim {

/// j_c = j_c0 a(E, T)^-1 (P / P_ref)^0.5; on charge dG/dt = growth max(0, j / j_c - 1)^2. Heals not at all while discharging.
/// Critical currents of bare garnet are published (0.3 to 0.7 mA/cm2); what a product stands is what a bench is to find out,
/// so that the numbers of a cell file are assumed.
struct SoftShortParameters {
  double critical_current_mA_per_cm2 = 0.0;
  double critical_activation_J_per_mol = 0.0;
  double growth_S_per_s = 0.0;
  double hard_S = 1.0;  ///< beyond it the short is called hard, and goes on growing by itself to hard_end_S
};

struct SoftShortState {
  double conductance_S = 0.0;
  bool operator==(const SoftShortState&) const = default;
};

inline constexpr double hard_short_growth_per_s = 0.5;  ///< relative, once hard (assumed)
inline constexpr double hard_short_end_S = 50.0;        ///< some 20 mohm (assumed)

struct SoftShortStep {
  double duration_s;
  double current_A;  ///< positive charges
  double electrode_area_cm2;
  double core_degC;
  double pressure_ratio;  ///< P / P_ref; 1 without stack pressure
};
[[nodiscard]] double critical_current_mA_per_cm2(const SoftShortParameters& parameters, double core_degC, double pressure_ratio);
[[nodiscard]] SoftShortState grow(const SoftShortParameters& parameters, const SoftShortState& from, const SoftShortStep& step);
[[nodiscard]] inline bool is_hard(const SoftShortParameters& parameters, const SoftShortState& state) {
  return state.conductance_S > parameters.hard_S;
}

}  // namespace cellrig::sim
