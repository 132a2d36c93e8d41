// What a rest tells: polarisation that relaxes, self-discharge, and lithium that was plated and dissolves again.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "controller/base/units.hpp"
#include "db/analysis/curve.hpp"

namespace cellrig::db {

/// Times after the current went off at which relaxation is told, in s.
inline constexpr std::array<double, 6> relaxation_s{0.1, 1, 10, 60, 600, 3600};

struct RelaxationPoint {
  double at_s = 0;
  Volts change;  ///< V(t) - the last voltage under current: negative after a charge
};
/// The rest's time begins when the current went off. Times outside the rest are left out.
[[nodiscard]] std::vector<RelaxationPoint> relaxation(Volts under_current, Curve rest,
                                                      std::span<const double> at_s = relaxation_s);

struct SelfDischarge {
  double slope_V_per_h = 0;              ///< negative: the voltage falls
  double slope_uncertainty_V_per_h = 0;  ///< standard uncertainty of the straight line, from its residuals
  double from_s = 0, to_s = 0;           ///< which part of the rest the line was laid through
  std::optional<double> current_A;       ///< slope x dQ/dV: what leaks, when the cell's dQ/dV is given
};
/// A straight line (least squares) through the rest from `settled_after_s` on. None with fewer than 10 points there, or less than a tenth
/// of the rest left. `capacity_slope_Ah_per_V` is dQ/dV of the cell where it rests.
[[nodiscard]] std::optional<SelfDischarge> self_discharge(Curve rest, double settled_after_s,
                                                          std::optional<double> capacity_slope_Ah_per_V = std::nullopt);
/// From charge instead of voltage: (put in before the storage - got out after it) / storage time, as a mean current, A.
[[nodiscard]] std::optional<double> self_discharge_current(double charge_before_Ah, double charge_after_Ah, double storage_s);

/// Plated lithium is stripped in the rest after a charge: while it is, the voltage falls slowly, then faster again. -dV/dt then has a
/// least value before the end of its decay, followed by a greater one.
struct PlatingSignal {
  bool is_found = false;
  double plateau_at_s = 0;  ///< where the voltage falls most slowly
  double peak_at_s = 0;     ///< where it falls fastest after that: the end of the stripping
  double contrast = 1;      ///< -dV/dt at the peak / at the plateau, or / what of the latter is known where that is nothing
  double contrast_uncertainty = 0;  ///< standard uncertainty, by the noise and the last digit of the voltmeter; 0: none was found
  double contrast_seen_from = 1;    ///< a smaller one would have been hidden, in half of the windows
  double resampled_every = 0;       ///< the width of the windows: this factor in time
  /// Neither found nor to be found: of such a rest nothing can be said.
  [[nodiscard]] bool is_undecided() const { return !is_found && !(contrast_seen_from <= 2.0); }
};
struct PlatingOptions {
  double from_s = 10;          ///< earlier the ohmic and double-layer parts rule
  double window_factor = 1.1;  ///< slopes are of straight lines over windows whose ends stand in this ratio of time
  double contrast_min = 1.1;   ///< a smaller rise is none, even if it is sure
  double fall_min_V =
      1e-3;  ///< by what the voltage falls more than at the rate of the plateau: a chamber that regulates moves less
};
/// The rest's time begins when the charge ended. A sign is one that five standard deviations tell from the noise: each of some thousand pairs
/// of windows could be one. None: a rest too short for 8 windows.
[[nodiscard]] std::optional<PlatingSignal> plating_signal(Curve rest, const PlatingOptions& options = {});

}  // namespace cellrig::db
