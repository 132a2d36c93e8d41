#include "sim/physics/regulator.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::sim {
namespace {

constexpr int iteration_max = 80;
constexpr double voltage_tolerance_V = 1e-11;

struct Sample {
  double value;
  double slope;
};

/// Root of an increasing function with value(low) <= 0 <= value(high): Newton, safeguarded by the bracket. Newton alone
/// diverges in the cold, where asinh meets a huge overpotential (docs/cell-model.md, "Numerics").
template <class Function>
double bracketed_root(Function function, double low, double high, double guess, double tolerance) {
  double x = guess > low && guess < high ? guess : 0.5 * (low + high);
  for (int i = 0; i < iteration_max; ++i) {
    const Sample sample = function(x);
    if (!(std::abs(sample.value) > tolerance)) return x;  // also ends on NaN
    (sample.value < 0 ? low : high) = x;
    if (high - low <= 1e-13 * (std::abs(low) + std::abs(high))) break;
    const double newton = x - sample.value / sample.slope;
    const double middle = 0.5 * (low + high);
    // Every third step halves the bracket: the worst case stays a bisection.
    x = newton > low && newton < high && i % 3 != 2 ? newton : middle;
  }
  return x;
}

/// Smallest x in [0, x_max] with x V(-x) = power, or x_max when the cell cannot deliver it. x V(-x) is concave, so Newton
/// from the left never passes the root.
double discharge_power_limit(const VoltageCurve& curve, double x_max, double power_W) {
  double x = 0.0;
  for (int i = 0; i < iteration_max; ++i) {
    const double voltage = curve.voltage_V(-x);
    const double slope = voltage - x * curve.slope_ohm(-x);
    const double missing_W = power_W - x * voltage;
    if (!(missing_W > 1e-10 * (1.0 + power_W))) return x;
    if (!(slope > 0)) return x_max;  // beyond the maximum power point: not reachable
    x += missing_W / slope;
    if (!(x < x_max)) return x_max;
  }
  return x;
}

struct Limited {
  double magnitude_A;
  RegulatorMode mode;
};

Limited charge_limit(const VoltageCurve& curve, const RegulatorLimits& limits, double guess_A) {
  const double current = limits.charge_max_A;
  if (!(current * curve.voltage_V(current) > limits.charge_max_W)) return {current, RegulatorMode::constant_current};
  const auto excess = [&](double x) {
    const double voltage = curve.voltage_V(x);
    return Sample{x * voltage - limits.charge_max_W, voltage + x * curve.slope_ohm(x)};
  };
  return {bracketed_root(excess, 0.0, current, guess_A, voltage_tolerance_V * (1.0 + current)), RegulatorMode::constant_power};
}

Limited discharge_limit(const VoltageCurve& curve, const RegulatorLimits& limits, double guess_A) {
  Limited limited{limits.discharge_max_A, RegulatorMode::constant_current};
  if (limits.discharge_resistance_ohm > 0) {
    const double resistance = limits.discharge_resistance_ohm;
    if (!(curve.rest_voltage_V() > 0)) return {0.0, RegulatorMode::constant_resistance};
    if (limited.magnitude_A * resistance > curve.voltage_V(-limited.magnitude_A)) {
      const auto excess = [&](double x) {
        return Sample{x * resistance - curve.voltage_V(-x), resistance + curve.slope_ohm(-x)};
      };
      limited = {bracketed_root(excess, 0.0, limited.magnitude_A, -guess_A, voltage_tolerance_V),
                 RegulatorMode::constant_resistance};
    }
  }
  // Power rises with the current up to its maximum only, so that a current limit beyond the maximum says nothing here:
  // search whenever the open-circuit voltage would already be enough.
  if (limited.magnitude_A * curve.rest_voltage_V() > limits.discharge_max_W) {
    const double current = discharge_power_limit(curve, limited.magnitude_A, limits.discharge_max_W);
    if (current < limited.magnitude_A) limited = {current, RegulatorMode::constant_power};
  }
  return limited;
}

}  // namespace

OperatingPoint operating_point(const VoltageCurve& curve, const RegulatorLimits& limits, double guess_A) {
  const bool charging = limits.voltage_V > curve.rest_voltage_V();
  const Limited limited = charging ? charge_limit(curve, limits, guess_A) : discharge_limit(curve, limits, guess_A);
  const double end_A = charging ? limited.magnitude_A : -limited.magnitude_A;
  const double end_V = curve.voltage_V(end_A);
  if (charging ? !(end_V > limits.voltage_V) : !(end_V < limits.voltage_V)) return {limited.mode, end_A, end_V};

  const auto error = [&](double current) {
    return Sample{curve.voltage_V(current) - limits.voltage_V, curve.slope_ohm(current)};
  };
  const double current = charging ? bracketed_root(error, 0.0, end_A, guess_A, voltage_tolerance_V)
                                  : bracketed_root(error, end_A, 0.0, guess_A, voltage_tolerance_V);
  return {RegulatorMode::constant_voltage, current, curve.voltage_V(current)};
}

double violation_V(const VoltageCurve& curve, const RegulatorLimits& limits, double current_A) {
  const double voltage = curve.voltage_V(current_A);
  if (current_A > 0) return std::max(voltage - limits.voltage_V, voltage - limits.charge_max_W / current_A);
  if (current_A == 0.0) return 0.0;
  const double power_excess = voltage + limits.discharge_max_W / current_A;
  const double resistance_excess =
      limits.discharge_resistance_ohm > 0 ? -current_A * limits.discharge_resistance_ohm - voltage : power_excess;
  return std::max({limits.voltage_V - voltage, power_excess, resistance_excess});
}

}  // namespace cellrig::sim
