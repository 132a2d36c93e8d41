#include "db/analysis/charge.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::db {

namespace {

constexpr double seconds_per_hour = 3600;

Moved moved_between(const CurvePoint& a, const CurvePoint& b) {
  return moved_over({.hours = (b.time_s - a.time_s) / seconds_per_hour,
                     .voltage_from_V = a.voltage_V,
                     .voltage_to_V = b.voltage_V,
                     .current_from_A = a.current_A,
                     .current_to_A = b.current_A});
}

/// Where the charge since the curve began reaches `level_Ah`: the time, straight between two points.
std::optional<double> time_at_charge(Curve curve, double level_Ah) {
  if (curve.empty()) return std::nullopt;
  const double start_Ah = curve.front().moved_Ah;
  if (level_Ah <= 0) return level_Ah == 0 ? std::optional<double>{curve.front().time_s} : std::nullopt;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    const double a = curve[i - 1].moved_Ah - start_Ah;
    const double b = curve[i].moved_Ah - start_Ah;
    if (b < level_Ah) continue;
    const double share = b > a ? (level_Ah - a) / (b - a) : 1.0;
    return curve[i - 1].time_s + share * (curve[i].time_s - curve[i - 1].time_s);
  }
  return std::nullopt;
}

}  // namespace

Sums integrate(Curve curve) {
  Sums sums;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    if (!curve[i].is_after_gap) sums += moved_between(curve[i - 1], curve[i]);
  }
  return sums;
}

Efficiencies efficiencies(const Sums& sums) {
  Efficiencies out;
  if (sums.charge_Ah > 0) {
    out.coulombic = sums.discharge_Ah / sums.charge_Ah;
    out.charge_mean_voltage_V = sums.charge_Wh / sums.charge_Ah;
  }
  if (sums.charge_Wh > 0) out.energy = sums.discharge_Wh / sums.charge_Wh;
  if (sums.discharge_Ah > 0) out.discharge_mean_voltage_V = sums.discharge_Wh / sums.discharge_Ah;
  if (out.charge_mean_voltage_V && out.discharge_mean_voltage_V) {
    out.hysteresis_V = *out.charge_mean_voltage_V - *out.discharge_mean_voltage_V;
    if (*out.charge_mean_voltage_V > 0) out.voltage = *out.discharge_mean_voltage_V / *out.charge_mean_voltage_V;
  }
  return out;
}

CvShare cv_share(Curve curve) {
  CvShare share;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    if (curve[i].is_after_gap) continue;
    const double seconds = curve[i].time_s - curve[i - 1].time_s;
    const Moved moved = moved_between(curve[i - 1], curve[i]);
    (curve[i].is_constant_voltage ? share.cv_Ah : share.cc_Ah) += moved.charge_Ah + moved.discharge_Ah;
    (curve[i].is_constant_voltage ? share.cv_time_s : share.cc_time_s) += seconds;
  }
  return share;
}

std::optional<ChargeTime> charge_time(Curve curve, const SocWindow& window) {
  if (!(window.reference_Ah > 0) || !(window.to_pct > window.from_pct)) return std::nullopt;
  const auto level_Ah = [&window](double soc_pct) { return (soc_pct - window.start_pct) / 100 * window.reference_Ah; };
  const std::optional<double> from_s = time_at_charge(curve, level_Ah(window.from_pct));
  const std::optional<double> to_s = time_at_charge(curve, level_Ah(window.to_pct));
  if (!from_s || !to_s) return std::nullopt;
  ChargeTime out;
  out.seconds = *to_s - *from_s;
  out.cell_temperature_max_degC = std::nan("");
  std::optional<double> at_start;
  for (const CurvePoint& point : curve) {
    if (!std::isfinite(point.cell_temperature_degC) || point.time_s > *to_s) continue;
    if (point.time_s <= *from_s || !at_start) at_start = point.cell_temperature_degC;
    if (point.time_s >= *from_s)
      out.cell_temperature_max_degC = std::fmax(out.cell_temperature_max_degC, point.cell_temperature_degC);
  }
  if (at_start) out.cell_temperature_max_degC = std::fmax(out.cell_temperature_max_degC, *at_start);
  out.cell_temperature_rise_K = at_start ? out.cell_temperature_max_degC - *at_start : std::nan("");
  if (out.seconds > 0) out.mean_rate_C = (window.to_pct - window.from_pct) / 100 * seconds_per_hour / out.seconds;
  return out;
}

std::optional<double> charge_after(Curve curve, double seconds) {
  if (curve.empty() || seconds < 0) return std::nullopt;
  const double until_s = curve.front().time_s + seconds;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    if (curve[i].time_s < until_s) continue;
    if (i == 0) return 0.0;
    const CurvePoint& a = curve[i - 1];
    const CurvePoint& b = curve[i];
    const double share = b.time_s > a.time_s ? (until_s - a.time_s) / (b.time_s - a.time_s) : 1.0;
    return a.moved_Ah + share * (b.moved_Ah - a.moved_Ah) - curve.front().moved_Ah;
  }
  return std::nullopt;
}

}  // namespace cellrig::db
