#include "db/analysis/pulse.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::db {

namespace {

/// Regulated to its voltage limit by this instant: by the regulator's word at the next point.
bool is_limited_at(Curve pulse, double at_s) {
  const auto next =
      std::lower_bound(pulse.begin(), pulse.end(), at_s, [](const CurvePoint& p, double t) { return p.time_s < t; });
  return std::any_of(pulse.begin(), next == pulse.end() ? next : next + 1,
                     [](const CurvePoint& p) { return p.is_constant_voltage; });
}

PulseResistancePoint resistance_of(const BeforePulse& before, const VoltageCurrent& then, double at_s) {
  PulseResistancePoint point;
  point.at_s = at_s;
  point.resistance = Ohms{(then.voltage_V - before.voltage.value()) / (then.current_A - before.current.value())};
  point.current = Amps{then.current_A};
  point.voltage = Volts{then.voltage_V};
  return point;
}

}  // namespace

std::vector<PulseResistancePoint> pulse_resistance(const BeforePulse& before, Curve pulse, std::span<const double> at_s,
                                                   Amps current_step_min) {
  std::vector<PulseResistancePoint> points;
  for (const double at : at_s) {
    const std::optional<VoltageCurrent> then = interpolate(pulse, at);
    if (!then || !(std::abs(then->current_A - before.current.value()) >= current_step_min.value())) continue;
    PulseResistancePoint point = resistance_of(before, *then, at);
    point.is_limited = is_limited_at(pulse, at);
    points.push_back(point);
  }
  return points;
}

std::optional<PulseResistancePoint> instantaneous_resistance(const BeforePulse& before, Curve pulse) {
  if (pulse.empty()) return std::nullopt;
  std::vector<double> currents;
  for (const CurvePoint& point : pulse) currents.push_back(point.current_A);
  const auto middle = currents.begin() + static_cast<std::ptrdiff_t>(currents.size() / 2);
  std::nth_element(currents.begin(), middle, currents.end());
  constexpr double within = 0.01;
  for (const CurvePoint& point : pulse) {
    if (!(std::abs(point.current_A - *middle) <= within * std::abs(*middle))) continue;
    if (point.current_A == before.current.value()) return std::nullopt;
    PulseResistancePoint found = resistance_of(before, {point.voltage_V, point.current_A}, point.time_s);
    found.is_limited = is_limited_at(pulse, point.time_s);
    return found;
  }
  return std::nullopt;
}

std::optional<Watts> hppc_discharge_power(Volts open_circuit, Ohms resistance, const PowerLimits& limits) {
  if (!(resistance.value() > 0) || !(open_circuit > limits.voltage_min)) return std::nullopt;
  return limits.voltage_min * ((open_circuit - limits.voltage_min) / resistance);
}

std::optional<Watts> hppc_charge_power(Volts open_circuit, Ohms resistance, const PowerLimits& limits) {
  if (!(resistance.value() > 0) || !(open_circuit < limits.voltage_max)) return std::nullopt;
  return limits.voltage_max * ((limits.voltage_max - open_circuit) / resistance);
}

std::vector<PulsePowerPoint> pulse_power(Curve pulse, std::span<const double> at_s) {
  std::vector<PulsePowerPoint> points;
  for (const double at : at_s) {
    const std::optional<VoltageCurrent> then = interpolate(pulse, at);
    if (!then) continue;
    points.push_back({at, Volts{then->voltage_V} * Amps{then->current_A}, is_limited_at(pulse, at)});
  }
  return points;
}

}  // namespace cellrig::db
