#include "db/analysis/rest.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cellrig::db {

namespace {

constexpr double seconds_per_hour = 3600;

struct Line {
  double slope = 0;
  double slope_uncertainty = 0;
  double residual_variance = 0, time_squares = 0;  ///< of the voltage; sum over the points
};

/// Least squares of the voltage over time. At least three points at different times.
std::optional<Line> line_through(Curve points) {
  const auto n = static_cast<double>(points.size());
  if (points.size() < 3) return std::nullopt;
  double mean_t = 0, mean_v = 0;
  for (const CurvePoint& p : points) mean_t += p.time_s / n, mean_v += p.voltage_V / n;
  double tt = 0, tv = 0, vv = 0;
  for (const CurvePoint& p : points) {
    const double t = p.time_s - mean_t, v = p.voltage_V - mean_v;
    tt += t * t, tv += t * v, vv += v * v;
  }
  if (!(tt > 0)) return std::nullopt;
  const double slope = tv / tt;
  const double residual = std::max(0.0, vv - slope * tv) / (n - 2);
  return Line{slope, std::sqrt(residual / tt), residual, tt};
}

/// How fast the voltage falls in a window.
struct Fall {
  double at_s = 0, width_s = 0;
  double rate = 0;  ///< V/s
  double uncertainty = 0;
  double residual_variance = 0, time_squares = 0;
};

/// The least step between two readings that differ, V: a voltmeter's last digit, or next to nothing.
double digit_of(Curve rest) {
  double least_V = std::numeric_limits<double>::infinity();
  for (std::size_t i = 1; i < rest.size(); ++i) {
    const double apart_V = std::abs(rest[i].voltage_V - rest[i - 1].voltage_V);
    if (apart_V > 0) least_V = std::min(least_V, apart_V);
  }
  return std::isfinite(least_V) ? least_V : 0.0;
}

/// Few points scatter little by chance: no window is surer than the noise of the rest allows. Readings that hardly move all err alike by their
/// last digit, at both ends of a window, however many of them there are; noise greater than a digit takes care of that.
void set_uncertainties(std::vector<Fall>& falls, double digit_V) {
  if (falls.empty()) return;
  std::vector<double> variances;
  for (const Fall& fall : falls) variances.push_back(fall.residual_variance);
  const auto middle = variances.begin() + static_cast<std::ptrdiff_t>(variances.size() / 2);
  std::nth_element(variances.begin(), middle, variances.end());
  const double noise = *middle;
  const bool is_dithered = std::sqrt(noise) > 0.5 * digit_V;
  for (Fall& fall : falls) {
    const double by_noise = std::sqrt(std::max(fall.residual_variance, noise) / fall.time_squares);
    const double by_digit = is_dithered ? 0.0 : std::sqrt(2.0 / 12.0) * digit_V / fall.width_s;
    fall.uncertainty = std::hypot(by_noise, by_digit);
  }
}

/// Straight lines through windows that grow with time, so that a decay over decades is seen evenly.
std::vector<Fall> falls_of(Curve rest, double from_s, double factor) {
  std::vector<Fall> falls;
  std::size_t first = 0;
  while (first < rest.size() && rest[first].time_s < from_s) ++first;
  const Curve looked_at = rest.subspan(first);
  while (first < rest.size()) {
    constexpr std::size_t points_min = 5;
    const double until_s = rest[first].time_s * factor;
    std::size_t end = first;
    while (end < rest.size() && (rest[end].time_s < until_s || end - first < points_min)) ++end;
    const std::optional<Line> line = end - first < points_min ? std::nullopt : line_through(rest.subspan(first, end - first));
    const double from = rest[first].time_s, to = rest[end - 1].time_s;
    if (line) falls.push_back({0.5 * (from + to), to - from, -line->slope, 0, line->residual_variance, line->time_squares});
    first = end;
  }
  set_uncertainties(falls, digit_of(looked_at));
  return falls;
}

constexpr double deviations_min = 5;
constexpr double fall_rate_min = 1e-3 / seconds_per_hour;  ///< V/s; a slower fall is none

/// By what the voltage falls more, up to the end of a window, than it would have at the rate of another one.
double fall_beyond_V(const std::vector<Fall>& falls, std::size_t plateau, std::size_t peak) {
  double more_V = 0;
  for (std::size_t k = plateau + 1; k <= peak; ++k)
    more_V += std::max(0.0, falls[k].rate - falls[plateau].rate) * falls[k].width_s;
  return more_V;
}

/// A rise that is sure, from a plateau on which the voltage does not rise.
bool is_sign(const std::vector<Fall>& falls, std::size_t i, std::size_t j, const PlatingOptions& options) {
  const Fall &plateau = falls[i], &peak = falls[j];
  if (!(peak.rate >= fall_rate_min) || !(plateau.rate >= -2 * plateau.uncertainty)) return false;
  if (!(peak.rate - plateau.rate > deviations_min * std::hypot(peak.uncertainty, plateau.uncertainty))) return false;
  const double least_peak = peak.rate - 2 * peak.uncertainty, most_plateau = plateau.rate + 2 * plateau.uncertainty;
  return least_peak >= options.contrast_min * most_plateau && fall_beyond_V(falls, i, j) >= options.fall_min_V;
}

/// Of the windows in which the voltage falls at all: the contrast that half of them would have shown.
double contrast_seen_from(const std::vector<Fall>& falls) {
  std::vector<double> seen;
  for (const Fall& fall : falls) {
    if (fall.rate >= fall_rate_min) seen.push_back(1 + deviations_min * std::sqrt(2.0) * fall.uncertainty / fall.rate);
  }
  if (seen.empty()) return std::numeric_limits<double>::infinity();
  const auto middle = seen.begin() + static_cast<std::ptrdiff_t>(seen.size() / 2);
  std::nth_element(seen.begin(), middle, seen.end());
  return *middle;
}

}  // namespace

std::vector<RelaxationPoint> relaxation(Volts under_current, Curve rest, std::span<const double> at_s) {
  std::vector<RelaxationPoint> points;
  for (const double at : at_s) {
    const std::optional<VoltageCurrent> then = interpolate(rest, at);
    if (then) points.push_back({at, Volts{then->voltage_V} - under_current});
  }
  return points;
}

std::optional<SelfDischarge> self_discharge(Curve rest, double settled_after_s, std::optional<double> capacity_slope_Ah_per_V) {
  constexpr std::size_t points_min = 10;
  constexpr double share_min = 0.1;
  const auto settled =
      std::lower_bound(rest.begin(), rest.end(), settled_after_s, [](const CurvePoint& p, double t) { return p.time_s < t; });
  const Curve part = rest.subspan(static_cast<std::size_t>(settled - rest.begin()));
  if (part.size() < points_min) return std::nullopt;
  const double whole_s = rest.back().time_s - rest.front().time_s;
  if (!(part.back().time_s - part.front().time_s >= share_min * whole_s)) return std::nullopt;
  const std::optional<Line> line = line_through(part);
  if (!line) return std::nullopt;
  SelfDischarge out{line->slope * seconds_per_hour, line->slope_uncertainty * seconds_per_hour, part.front().time_s,
                    part.back().time_s, std::nullopt};
  if (capacity_slope_Ah_per_V) out.current_A = -out.slope_V_per_h * *capacity_slope_Ah_per_V;
  return out;
}

std::optional<double> self_discharge_current(double charge_before_Ah, double charge_after_Ah, double storage_s) {
  if (!(storage_s > 0)) return std::nullopt;
  return (charge_before_Ah - charge_after_Ah) * seconds_per_hour / storage_s;
}

std::optional<PlatingSignal> plating_signal(Curve rest, const PlatingOptions& options) {
  constexpr std::size_t windows_min = 8;
  const std::vector<Fall> falls = falls_of(rest, options.from_s, options.window_factor);
  if (falls.size() < windows_min) return std::nullopt;
  PlatingSignal best;
  best.resampled_every = options.window_factor;
  best.contrast_seen_from = contrast_seen_from(falls);
  for (std::size_t i = 0; i < falls.size(); ++i) {
    for (std::size_t j = i + 1; j < falls.size(); ++j) {
      if (!is_sign(falls, i, j, options)) continue;
      const Fall &plateau = falls[i], &peak = falls[j];
      const double slow = std::max(plateau.rate, plateau.uncertainty);
      const double contrast = slow > 0 ? peak.rate / slow : std::numeric_limits<double>::infinity();
      if (!(contrast > best.contrast)) continue;
      best.is_found = true;
      best.contrast = contrast;
      best.contrast_uncertainty =
          contrast * std::hypot(peak.uncertainty / peak.rate, slow > 0 ? plateau.uncertainty / slow : 0.0);
      best.plateau_at_s = plateau.at_s;
      best.peak_at_s = peak.at_s;
    }
  }
  return best;
}

}  // namespace cellrig::db
