#include "db/analysis/rest.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::db {

namespace {

constexpr double seconds_per_hour = 3600;

struct Line {
  double slope = 0;
  double slope_uncertainty = 0;
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
  return Line{slope, std::sqrt(residual / tt)};
}

struct Slope {
  double at_s = 0;
  double magnitude = 0;  ///< |dV/dt|, V/s
  double uncertainty = 0;
};

/// Straight lines through windows that grow with time, so that a decay over decades is seen evenly.
std::vector<Slope> slopes_of(Curve rest, double from_s, double factor) {
  std::vector<Slope> slopes;
  std::size_t first = 0;
  while (first < rest.size() && rest[first].time_s < from_s) ++first;
  while (first < rest.size()) {
    constexpr std::size_t points_min = 3;
    const double until_s = rest[first].time_s * factor;
    std::size_t end = first;
    while (end < rest.size() && (rest[end].time_s < until_s || end - first < points_min)) ++end;
    const std::optional<Line> line = line_through(rest.subspan(first, end - first));
    if (line)
      slopes.push_back({0.5 * (rest[first].time_s + rest[end - 1].time_s), std::abs(line->slope), line->slope_uncertainty});
    first = end;
  }
  return slopes;
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
  const std::vector<Slope> slopes = slopes_of(rest, options.from_s, options.window_factor);
  if (slopes.size() < windows_min) return std::nullopt;
  // A decay that has come to its end is noise about zero: a rise counts only where both slopes mean something.
  constexpr double slope_min_V_per_s = 1e-3 / seconds_per_hour;
  constexpr double deviations_min = 3;
  PlatingSignal best;
  best.resampled_every = options.window_factor;
  const Slope* least = &slopes.front();
  for (const Slope& slope : slopes) {
    if (slope.magnitude < least->magnitude) least = &slope;
    if (least->magnitude < slope_min_V_per_s) break;
    const double rise = slope.magnitude - least->magnitude;
    const double contrast = slope.magnitude / least->magnitude;
    if (!(rise > deviations_min * std::hypot(slope.uncertainty, least->uncertainty)) || contrast <= best.contrast) continue;
    best.contrast = contrast;
    best.plateau_at_s = least->at_s;
    best.peak_at_s = slope.at_s;
  }
  best.is_found = best.contrast >= options.contrast_min;
  return best;
}

}  // namespace cellrig::db
