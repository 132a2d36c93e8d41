#include "sim/physics/soft_short.hpp"

#include <algorithm>
#include <cmath>

#include "sim/physics/arrhenius.hpp"

namespace cellrig::sim {

double critical_current_mA_per_cm2(const SoftShortParameters& p, double core_degC, double pressure_ratio) {
  const double inverse_K = 1.0 / (core_degC + zero_celsius_K) - 1.0 / reference_temperature_K;
  const double slow_down = std::exp(p.critical_activation_J_per_mol / gas_constant_J_per_mol_K * inverse_K);
  return p.critical_current_mA_per_cm2 / slow_down * std::sqrt(std::max(pressure_ratio, 0.0));
}

SoftShortState grow(const SoftShortParameters& p, const SoftShortState& from, const SoftShortStep& step) {
  SoftShortState to = from;
  if (step.current_A > 0 && p.growth_S_per_s > 0) {
    const double density = 1000.0 * step.current_A / step.electrode_area_cm2;
    const double excess = density / std::max(critical_current_mA_per_cm2(p, step.core_degC, step.pressure_ratio), 1e-9) - 1.0;
    if (excess > 0) to.conductance_S += p.growth_S_per_s * excess * excess * step.duration_s;
  }
  if (is_hard(p, to)) to.conductance_S *= std::exp(hard_short_growth_per_s * step.duration_s);
  to.conductance_S = std::min(to.conductance_S, std::max(hard_short_end_S, from.conductance_S));
  return to;
}

}  // namespace cellrig::sim
