// The fixture that presses a cell, and how thick the cell is.
#pragma once

namespace cellrig::sim {

/// Thickness t = empty + swing z q, q the capacity fraction left, plus what stays for each lost fraction.
/// Lithium metal: 4.84 um per mAh/cm2 and layer (computed from 12.97 cm3/mol); graphite cells: 2.3 to 2.5 % of their thickness
/// (published).
struct BreathingParameters {
  double thickness_empty_mm = 0.0;
  double thickness_swing_mm = 0.0;  ///< from empty to full, fresh
  double growth_mm_per_loss = 0.0;  ///< stays: per lost fraction of the capacity
};
[[nodiscard]] double thickness_mm(const BreathingParameters& parameters, double soc, double capacity_fraction);

enum class StackMode : unsigned char {
  constant_pressure,  ///< springs: P0 + k dt / A, nearly constant
  constant_gap,       ///< rigid plates, a soft pad takes the breathing: P0 + E dt / t_pad
  pneumatic,          ///< exactly P0
};

/// dt is counted from the thickness at which the fixture was closed.
struct StackPressureParameters {
  StackMode mode = StackMode::pneumatic;
  double pressure_MPa = 0.5;   ///< P0
  double reference_MPa = 0.5;  ///< where the resistances of the model hold
  double minimum_MPa = 0.0;    ///< below it voids grow while lithium is stripped
  double exponent = 0.5;       ///< charge transfer and fast pair scale with (P / P_ref)^-exponent; published 0.5 (Li6PS5Cl)
  double void_growth_per_cycle = 0.01;  ///< of all resistances, per full discharge below the minimum (assumed)
  double face_area_cm2 = 100.0;
  double spring_N_per_mm = 0.0;
  double pad_modulus_MPa = 0.0;
  double pad_thickness_mm = 5.0;
};

struct StackState {
  double closed_at_mm = 0.0;
  double pressure_MPa = 0.0;
  double void_factor = 1.0;  ///< on all resistances; >= 1
  bool operator==(const StackState&) const = default;
};

[[nodiscard]] StackState close_stack(const StackPressureParameters& parameters, double thickness_mm);
/// discharged: fraction of the fresh capacity discharged during the step.
[[nodiscard]] StackState press(const StackPressureParameters& parameters, const StackState& from, double thickness_mm,
                               double discharged);
[[nodiscard]] double interface_factor(const StackPressureParameters& parameters, double pressure_MPa);
[[nodiscard]] inline bool is_low(const StackPressureParameters& parameters, const StackState& state) {
  return state.pressure_MPa < parameters.minimum_MPa;
}

}  // namespace cellrig::sim
