#include "sim/physics/plating.hpp"

#include <algorithm>
#include <cmath>

#include "sim/physics/arrhenius.hpp"

namespace cellrig::sim {
namespace {

constexpr double fullest_share = 0.05;  // of the limit that is left in a full cell
constexpr double emptiest_soc = 0.1;

}  // namespace

double plating_limit_A(const PlatingParameters& p, double capacity_Ah, double soc, double temperature_degC) {
  const double inverse_K = 1.0 / (temperature_degC + zero_celsius_K) - 1.0 / reference_temperature_K;
  const double slow_down = std::exp(p.limit_activation_J_per_mol / gas_constant_J_per_mol_K * inverse_K);
  return p.limit_rate_C * capacity_Ah / slow_down * std::max(fullest_share, 1.0 + emptiest_soc - soc);
}

PlatingState plate(const PlatingParameters& p, const PlatingState& from, const PlatingStep& step) {
  PlatingState to = from;
  if (step.current_A > 0) {
    const double beyond_A = step.current_A - plating_limit_A(p, step.capacity_Ah, step.soc, step.core_degC);
    if (!(beyond_A > 0)) return to;
    const double plated_Ah = p.share * beyond_A * step.duration_s / seconds_per_hour;
    to.lost_Ah += plated_Ah * p.lost_share;
    to.plated_Ah += plated_Ah * (1.0 - p.lost_share);
    to.stripping_Ah_per_s = to.plated_Ah / p.stripping_s;
    return to;
  }
  to.plated_Ah = std::max(0.0, from.plated_Ah - from.stripping_Ah_per_s * step.duration_s);
  if (to.plated_Ah == 0.0) to.stripping_Ah_per_s = 0.0;
  return to;
}

double stripping_offset_V(const PlatingParameters& p, const PlatingState& state, double current_A) {
  if (current_A > 0 || !(state.plated_Ah > 0) || !(state.stripping_Ah_per_s > 0)) return 0.0;
  // Flat until the last tenth: the signature that differential voltage analysis looks for.
  const double left = state.plated_Ah / (state.stripping_Ah_per_s * p.stripping_s);
  return p.stripping_voltage_V * std::min(1.0, left / 0.1);
}

}  // namespace cellrig::sim
