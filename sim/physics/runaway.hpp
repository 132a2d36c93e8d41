// Thermal runaway as an event of three stages: warning, venting, runaway. Enough to try a bench's alarms; no safety statement
// about any cell.
#pragma once

#include <optional>

namespace cellrig::sim {

enum class RunawayStage : unsigned char {
  none,
  warning,  ///< heats itself by more than 0.02 K/min above the onset
  venting,  ///< gas comes out
  runaway,  ///< more than 1 K/s: the voltage collapses, the temperature goes to its end
};

/// One reaction that feeds itself: a' = k(T) a (1 - a), and the cell's temperature rises with a.
struct SelfFeedingReaction {
  double rate_per_s = 2.55e14;
  double energy_J_per_mol = 159'000.0;
  double converted_at_start = 0.04;
  double rise_K = 290.0;  ///< adiabatic, for all of it
};

/// Two exotherms, each with a limited heat. The first heats by 0.02 K/min at the onset. The second heats by 1 K/min and by 1 K/s
/// at the two temperatures given, which are computed results of reaction models; its slope between them is no activation energy of
/// a reaction.
struct RunawayParameters {
  bool active = true;
  double onset_degC = 91.0;
  double minute_rate_degC = 149.0;  ///< 1 K/min, adiabatic
  double second_rate_degC = 162.0;  ///< 1 K/s, adiabatic
  double end_degC = 800.0;          ///< to which the second exotherm heats (capped: venting carries heat away)
  double onset_rise_K = 20.0;       ///< heat of the first exotherm, as an adiabatic rise (assumed)
  double venting_degC = 130.0;
  double vented_gas_L = 0.1;   ///< per Ah, while venting
  double runaway_gas_L = 1.5;  ///< per Ah, in the runaway (assumed: order of 1 to 2 L/Ah)
  /// Takes the place of both exotherms: a cell with nothing but its cathode to burn. Two rates of an adiabatic curve do not know
  /// that such a reaction has to get going first, nor that it uses itself up in an oven that carries heat away.
  std::optional<SelfFeedingReaction> cathode{};
};

struct RunawayState {
  RunawayStage stage = RunawayStage::none;
  double first_left = 1.0;  ///< fraction of the first exotherm's heat
  double second_left = 1.0;
  double heat_W = 0.0;
  double short_S = 0.0;  ///< the collapse of the voltage
  double gas_L = 0.0;    ///< released so far
  double gas_ppm = 0.0;  ///< beside the cell
  bool operator==(const RunawayState&) const = default;
};

struct RunawayStep {
  double duration_s;
  double core_degC;
  double heat_capacity_J_per_K;
  double capacity_Ah;
};
[[nodiscard]] RunawayState react(const RunawayParameters& parameters, const RunawayState& from, const RunawayStep& step);
/// The longest step that follows the event, s.
[[nodiscard]] double runaway_step_max_s(const RunawayParameters& parameters, const RunawayState& state, double core_degC);

}  // namespace cellrig::sim
