#include "sim/physics/runaway.hpp"

#include <algorithm>
#include <cmath>

#include "sim/physics/arrhenius.hpp"
#include "sim/physics/step_rule.hpp"

namespace cellrig::sim {
namespace {

constexpr double onset_rate_K_per_s = 0.02 / 60.0;
constexpr double minute_rate_K_per_s = 1.0 / 60.0;
constexpr double first_energy_J_per_mol = 135'080.0;  // published: decomposition of the surface layer (Hatchard, Kim)
constexpr double rate_max_K_per_s = 200.0;
constexpr double collapse_S_per_Ah_s = 250.0;  // the voltage is gone within 1 to 5 s, whatever the size of the cell
constexpr double collapsed_S_per_Ah = 500.0;
constexpr double cap_s = 1.0;          // hot gas carries away what would heat beyond the end
constexpr double box_L = 60.0;         // air around the cell, as in the chamber model
constexpr double exchange_s = 1800.0;  // its air is renewed in this time (assumed)
constexpr double gas_time_s = 10.0;    // over which the gas of a stage comes out (assumed)
constexpr double watch_from_K = 20.0;  // below the onset by more than this nothing is computed
constexpr double warm_step_s = 1.0;
constexpr double event_step_s = 0.1;

double inverse_K(double degC) { return 1.0 / (degC + zero_celsius_K); }

double first_rate_K_per_s(const RunawayParameters& p, double degC) {
  return onset_rate_K_per_s *
         std::exp(first_energy_J_per_mol / gas_constant_J_per_mol_K * (inverse_K(p.onset_degC) - inverse_K(degC)));
}

double second_rate_K_per_s(const RunawayParameters& p, double degC) {
  const double slope_K = std::log(1.0 / minute_rate_K_per_s) / (inverse_K(p.minute_rate_degC) - inverse_K(p.second_rate_degC));
  return std::min(rate_max_K_per_s, std::exp(slope_K * (inverse_K(p.second_rate_degC) - inverse_K(degC))));
}

/// Uses up at most what is left; the adiabatic rise during the step.
double consume(double rate_K_per_s, double rise_K, double& left, double duration_s) {
  const double before = left;
  left = before * std::exp(-rate_K_per_s / rise_K * duration_s);
  return (before - left) * rise_K;
}

/// The same for the reaction that feeds itself; the conversion is held during the step.
double feed(const SelfFeedingReaction& p, double degC, double& left, double duration_s) {
  const double to_convert = 1.0 - p.converted_at_start;
  const double converted = 1.0 - left * to_convert;
  const double rate_per_s = p.rate_per_s * std::exp(-p.energy_J_per_mol / gas_constant_J_per_mol_K * inverse_K(degC)) * converted;
  const double rise_K = p.rise_K * to_convert;
  return consume(rate_per_s * rise_K, rise_K, left, duration_s);
}

RunawayStage stage_of(const RunawayParameters& p, const RunawayState& from, double degC, double rate_K_per_s) {
  RunawayStage stage = from.stage;
  if (degC > p.onset_degC && rate_K_per_s > onset_rate_K_per_s) stage = std::max(stage, RunawayStage::warning);
  if (degC > p.venting_degC) stage = std::max(stage, RunawayStage::venting);
  if (rate_K_per_s > 1.0) stage = RunawayStage::runaway;
  return stage;
}

}  // namespace

RunawayState react(const RunawayParameters& p, const RunawayState& from, const RunawayStep& step) {
  if (from.stage == RunawayStage::none && step.core_degC < p.onset_degC - watch_from_K) return from;
  RunawayState to = from;
  double rise_K = 0.0;
  if (p.cathode) {
    rise_K = feed(*p.cathode, step.core_degC, to.second_left, step.duration_s);
  } else {
    const double second_rise_K = std::max(1.0, p.end_degC - p.second_rate_degC);
    rise_K = consume(first_rate_K_per_s(p, step.core_degC), p.onset_rise_K, to.first_left, step.duration_s) +
             consume(second_rate_K_per_s(p, step.core_degC), second_rise_K, to.second_left, step.duration_s);
  }
  const double rate = rise_K / step.duration_s;
  to.heat_W = rate * step.heat_capacity_J_per_K;
  to.stage = stage_of(p, from, step.core_degC, rate);
  const double decay = std::exp(-step.duration_s / exchange_s);
  double gas_end_L = 0.0;
  if (to.stage >= RunawayStage::venting) gas_end_L = p.vented_gas_L * step.capacity_Ah;
  if (to.stage == RunawayStage::runaway) {
    gas_end_L = p.runaway_gas_L * step.capacity_Ah;
    to.short_S =
        std::min(collapsed_S_per_Ah * step.capacity_Ah, to.short_S + collapse_S_per_Ah_s * step.capacity_Ah * step.duration_s);
    if (step.core_degC > p.end_degC) to.heat_W -= step.heat_capacity_J_per_K * (step.core_degC - p.end_degC) / cap_s;
  }
  const double released_L = std::max(0.0, gas_end_L - from.gas_L) * -std::expm1(-step.duration_s / gas_time_s);
  to.gas_L += released_L;
  to.gas_ppm = std::min(1e6, from.gas_ppm * decay + released_L / box_L * 1e6);
  return to;
}

double runaway_step_max_s(const RunawayParameters& p, const RunawayState& state, double core_degC) {
  if (state.stage == RunawayStage::runaway && (state.second_left > 0.001 || core_degC > p.minute_rate_degC)) return event_step_s;
  if (core_degC < p.onset_degC - watch_from_K) return StepRule::quiet_step_s;
  return core_degC > p.minute_rate_degC ? event_step_s : warm_step_s;
}

}  // namespace cellrig::sim
