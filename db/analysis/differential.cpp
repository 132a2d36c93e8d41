#include "db/analysis/differential.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace cellrig::db {

namespace {

std::string smoothing_text(std::size_t smoothed_over) {
  return smoothed_over > 1 ? "moving mean over " + std::to_string(smoothed_over) + " bins" : "not smoothed";
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

void smooth(std::vector<DifferentialPoint>& points, std::size_t over) {
  if (over < 2 || points.size() < 2) return;
  const std::size_t half = over / 2;
  std::vector<DifferentialPoint> out = points;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::size_t reach = std::min({half, i, points.size() - 1 - i});
    double sum = 0;
    for (std::size_t k = i - reach; k <= i + reach; ++k) sum += points[k].value;
    out[i].value = sum / static_cast<double>(2 * reach + 1);
  }
  points = std::move(out);
}

/// Two neighbouring points between which constant current flowed.
bool counts(const CurvePoint& a, const CurvePoint& b) {
  return !b.is_after_gap && !b.is_constant_voltage && !a.is_constant_voltage;
}

/// Spreads `amount` evenly over [from, to) on the bins.
void spread(std::vector<double>& bins, double origin, double width, double from, double to, double amount) {
  if (from > to) std::swap(from, to);
  const double last = static_cast<double>(bins.size()) - 1e-9;
  const double a = std::clamp((from - origin) / width, 0.0, last);
  const double b = std::clamp((to - origin) / width, 0.0, last);
  const auto first_bin = static_cast<std::size_t>(a);
  const auto last_bin = static_cast<std::size_t>(b);
  if (first_bin == last_bin || !(b > a)) {
    bins[first_bin] += amount;
    return;
  }
  for (std::size_t bin = first_bin; bin <= last_bin; ++bin) {
    const double low = std::max(a, static_cast<double>(bin));
    const double high = std::min(b, static_cast<double>(bin + 1));
    bins[bin] += amount * (high - low) / (b - a);
  }
}

struct Extent {
  double min = 0, max = 0;
};

std::optional<Extent> voltage_extent(Curve curve) {
  std::optional<Extent> extent;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    if (!counts(curve[i - 1], curve[i])) continue;
    for (const double v : {curve[i - 1].voltage_V, curve[i].voltage_V}) {
      if (!extent) extent = Extent{v, v};
      extent->min = std::min(extent->min, v);
      extent->max = std::max(extent->max, v);
    }
  }
  return extent;
}

}  // namespace

std::optional<Differential> dq_dv(Curve curve, const DifferentialOptions& options) {
  const double width = options.voltage_step_V;
  const std::optional<Extent> extent = voltage_extent(curve);
  if (!extent || !(width > 0)) return std::nullopt;
  const double origin = std::floor(extent->min / width + 1e-9) * width;
  const double count = std::floor((extent->max - origin) / width) + 1;
  if (!(count >= 1 && count <= static_cast<double>(differential_bins_max))) return std::nullopt;
  std::vector<double> bins(static_cast<std::size_t>(count), 0.0);
  for (std::size_t i = 1; i < curve.size(); ++i) {
    const CurvePoint& a = curve[i - 1];
    const CurvePoint& b = curve[i];
    if (counts(a, b)) spread(bins, origin, width, a.voltage_V, b.voltage_V, std::abs(b.moved_Ah - a.moved_Ah));
  }
  Differential out;
  for (std::size_t i = 0; i < bins.size(); ++i)
    out.points.push_back({origin + (static_cast<double>(i) + 0.5) * width, bins[i] / width});
  smooth(out.points, options.smoothed_over);
  out.resampling = "charge in bins of " + short_number(1e3 * width) +
                   " mV, straight between rows, constant-voltage parts left out, " + smoothing_text(options.smoothed_over);
  return out;
}

std::optional<Differential> dv_dq(Curve curve, const DifferentialOptions& options) {
  std::vector<CurvePoint> part;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const bool is_kept = !curve[i].is_constant_voltage && (part.empty() || curve[i].moved_Ah != part.back().moved_Ah);
    if (is_kept) part.push_back(curve[i]);
  }
  if (part.size() < 2) return std::nullopt;
  const double start_Ah = part.front().moved_Ah;
  const double moved_Ah = std::abs(part.back().moved_Ah - start_Ah);
  constexpr double bins_by_default = 200;
  const double width = options.charge_step_Ah > 0 ? options.charge_step_Ah : moved_Ah / bins_by_default;
  if (!(moved_Ah > 0) || !(width > 0)) return std::nullopt;
  const double count = std::floor(moved_Ah / width + 1e-9);
  if (!(count >= 1 && count <= static_cast<double>(differential_bins_max))) return std::nullopt;
  auto voltage_at = [&part, start_Ah, at = std::size_t{1}](double charge_Ah) mutable {
    while (at + 1 < part.size() && std::abs(part[at].moved_Ah - start_Ah) < charge_Ah) ++at;
    const double a = std::abs(part[at - 1].moved_Ah - start_Ah), b = std::abs(part[at].moved_Ah - start_Ah);
    const double share = b > a ? std::clamp((charge_Ah - a) / (b - a), 0.0, 1.0) : 1.0;
    return part[at - 1].voltage_V + share * (part[at].voltage_V - part[at - 1].voltage_V);
  };
  Differential out;
  double before_V = voltage_at(0);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const double after_V = voltage_at(static_cast<double>(i + 1) * width);
    out.points.push_back({(static_cast<double>(i) + 0.5) * width, std::abs(after_V - before_V) / width});
    before_V = after_V;
  }
  smooth(out.points, options.smoothed_over);
  out.resampling = "voltage on a grid of " + short_number(width) +
                   " Ah, straight between rows, constant-voltage parts left out, " + smoothing_text(options.smoothed_over);
  return out;
}

std::vector<Peak> peaks_of(const Differential& differential, double prominence_share_min) {
  const std::vector<DifferentialPoint>& p = differential.points;
  double greatest = 0;
  for (const DifferentialPoint& point : p) greatest = std::max(greatest, point.value);
  std::vector<Peak> peaks;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const bool rises = i == 0 || p[i].value > p[i - 1].value;
    std::size_t end = i;  // of a flat top
    while (end + 1 < p.size() && p[end + 1].value == p[i].value) ++end;
    const bool falls = end + 1 == p.size() || p[end + 1].value < p[i].value;
    if (!rises || !falls) continue;
    double low_left = p[i].value, low_right = p[i].value;
    for (std::size_t k = i; k-- > 0 && p[k].value <= p[i].value;) low_left = std::min(low_left, p[k].value);
    for (std::size_t k = end + 1; k < p.size() && p[k].value <= p[i].value; ++k) low_right = std::min(low_right, p[k].value);
    // Beyond the first and the last bin nothing is known: a summit at an edge stands on the low that is known.
    const double foot = i == 0 ? low_right : end + 1 == p.size() ? low_left : std::max(low_left, low_right);
    const double prominence = p[i].value - foot;
    if (prominence > 0 && prominence >= prominence_share_min * greatest) {
      peaks.push_back({0.5 * (p[i].at + p[end].at), p[i].value, prominence});
    }
  }
  return peaks;
}

}  // namespace cellrig::db
