#include "sim/physics/stack_pressure.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::sim {
namespace {

constexpr double pressure_floor_MPa = 0.01;  // a cell in a loose fixture still touches itself
constexpr double mm2_per_cm2 = 100.0;

}  // namespace

double thickness_mm(const BreathingParameters& p, double soc, double capacity_fraction) {
  return p.thickness_empty_mm + p.thickness_swing_mm * soc * capacity_fraction +
         p.growth_mm_per_loss * std::max(0.0, 1.0 - capacity_fraction);
}

StackState close_stack(const StackPressureParameters& p, double thickness) { return {thickness, p.pressure_MPa, 1.0}; }

StackState press(const StackPressureParameters& p, const StackState& from, double thickness, double discharged) {
  StackState to = from;
  const double change_mm = thickness - from.closed_at_mm;
  double pressure = p.pressure_MPa;
  switch (p.mode) {
    case StackMode::pneumatic: break;
    case StackMode::constant_pressure: pressure += p.spring_N_per_mm * change_mm / (p.face_area_cm2 * mm2_per_cm2); break;
    case StackMode::constant_gap: pressure += p.pad_modulus_MPa * change_mm / p.pad_thickness_mm; break;
  }
  to.pressure_MPa = std::max(pressure, 0.0);
  if (is_low(p, to) && discharged > 0) to.void_factor *= 1.0 + p.void_growth_per_cycle * discharged;
  return to;
}

double interface_factor(const StackPressureParameters& p, double pressure_MPa) {
  return std::pow(std::max(pressure_MPa, pressure_floor_MPa) / p.reference_MPa, -p.exponent);
}

}  // namespace cellrig::sim
