// Lithium that plates on graphite when a cell is charged faster than its temperature and SoC allow.
#pragma once

namespace cellrig::sim {

/// Assumed throughout, after the general observation that plating begins at high rate, high SoC and in the cold.
struct PlatingParameters {
  double limit_rate_C = 2.0;  ///< charge rate up to which nothing plates: 25 degC, SoC 10 % and less
  double limit_activation_J_per_mol = 45'000.0;
  double share = 0.3;                 ///< of the current beyond the limit that plates
  double lost_share = 0.01;           ///< of the plated charge that is lost for good
  double stripping_voltage_V = 0.02;  ///< by which the rest voltage stays high while plated lithium dissolves
  double stripping_s = 300.0;         ///< how long that takes
};

struct PlatingState {
  double plated_Ah = 0.0;  ///< that dissolves again at rest and on discharge
  double stripping_Ah_per_s = 0.0;
  double lost_Ah = 0.0;
  bool operator==(const PlatingState&) const = default;
};

/// The current at which plating begins, A: I25 a(E, T)^-1 max(0.05, 1.1 - z).
[[nodiscard]] double plating_limit_A(const PlatingParameters& parameters, double capacity_Ah, double soc,
                                     double temperature_degC);

struct PlatingStep {
  double duration_s;
  double current_A;  ///< mean; positive charges
  double soc;
  double core_degC;
  double capacity_Ah;  ///< fresh: defines 1C
};
[[nodiscard]] PlatingState plate(const PlatingParameters& parameters, const PlatingState& from, const PlatingStep& step);
/// On the open-circuit voltage, V: the plateau at rest and on discharge, nothing on charge.
[[nodiscard]] double stripping_offset_V(const PlatingParameters& parameters, const PlatingState& state, double current_A);

}  // namespace cellrig::sim
