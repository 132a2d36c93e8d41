// dQ/dV and dV/dQ of a charge or a discharge. The resampling is part of the result.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "db/analysis/curve.hpp"

namespace cellrig::db {

struct DifferentialOptions {
  double voltage_step_V = 0.005;  ///< width of a bin of dQ/dV
  double charge_step_Ah = 0;      ///< width of a bin of dV/dQ; 0: a two-hundredth of what the curve moved
  std::size_t smoothed_over = 1;  ///< bins in the moving mean, odd; 1: not smoothed
};
inline constexpr std::size_t differential_bins_max = 20'000;

struct DifferentialPoint {
  double at = 0;     ///< middle of the bin: V for dQ/dV, Ah for dV/dQ
  double value = 0;  ///< Ah/V, or V/Ah
};
struct Differential {
  std::vector<DifferentialPoint> points;
  std::string resampling;  ///< how, in words: "charge in bins of 5 mV, straight between rows, not smoothed"
};
/// The charge between two points is spread evenly over the voltages between them: the sum of all bins is what the curve moved while
/// its current flowed under constant current. Constant-voltage parts are left out: there dQ/dV has no end. Positive for both directions. None:
/// fewer than two points, or more bins than differential_bins_max.
[[nodiscard]] std::optional<Differential> dq_dv(Curve curve, const DifferentialOptions& options = {});
/// The voltage is sampled on a grid of charge, straight between points, and divided by the grid's step.
[[nodiscard]] std::optional<Differential> dv_dq(Curve curve, const DifferentialOptions& options = {});

struct Peak {
  double at = 0;
  double value = 0;
  double prominence = 0;  ///< above the higher of the two lows beside it
};
/// Local maxima with at least this share of the greatest value as prominence, ascending in `at`.
[[nodiscard]] std::vector<Peak> peaks_of(const Differential& differential, double prominence_share_min = 0.05);

}  // namespace cellrig::db
