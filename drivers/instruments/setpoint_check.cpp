#include "drivers/instruments/setpoint_check.hpp"

#include <algorithm>
#include <cmath>

#include "controller/base/overloaded.hpp"

namespace cellrig {
namespace {

constexpr double division_noise = 1e-6;

Error refused(const char* what) { return fail(Fault::refused, what); }

// Comparisons are written so that NaN is refused.
Result<void> check_own_sense(const Setpoint& setpoint) {
  const auto is_finite = [](auto quantity) { return std::isfinite(quantity.value()); };
  return std::visit(
      overloaded{
          [&](const ConstantCurrent& s) -> Result<void> {
            if (!is_finite(s.current) || s.current == Amps{0.0})
              return refused("a constant current must be a number other than zero");
            return {};
          },
          [&](const ConstantVoltage& s) -> Result<void> {
            if (!(s.current_min <= Amps{0.0}) || !(s.current_max >= Amps{0.0}) || !(s.current_min < s.current_max)) {
              return refused("a constant voltage needs current limits on both sides of zero, and one of them open");
            }
            return {};
          },
          [&](const ConstantPower& s) -> Result<void> {
            if (!is_finite(s.power) || s.power == Watts{0.0}) return refused("a constant power must be a number other than zero");
            if (!(s.current_limit > Amps{0.0})) return refused("a constant power needs a current limit");
            return {};
          },
          [&](const ConstantResistance& s) -> Result<void> {
            if (!is_finite(s.resistance) || !(s.resistance > Ohms{0.0})) return refused("a resistance must be greater than zero");
            if (!(s.current_limit > Amps{0.0})) return refused("a constant resistance needs a current limit");
            return {};
          },
      },
      setpoint);
}

}  // namespace

SetpointBounds bounds_of(const Setpoint& setpoint) {
  const auto directed = [](bool charges, Amps magnitude, Volts low, Volts high) {
    return SetpointBounds{.voltage_min = low,
                          .voltage_max = high,
                          .charge_current_max = charges ? magnitude : Amps{0.0},
                          .discharge_current_max = charges ? Amps{0.0} : magnitude};
  };
  return std::visit(
      overloaded{
          [&](const ConstantCurrent& s) { return directed(s.current > Amps{0.0}, abs(s.current), s.voltage_min, s.voltage_max); },
          [&](const ConstantVoltage& s) {
            return SetpointBounds{.voltage_min = s.voltage,
                                  .voltage_max = s.voltage,
                                  .charge_current_max = s.current_max,
                                  .discharge_current_max = abs(s.current_min)};
          },
          [&](const ConstantPower& s) { return directed(s.power > Watts{0.0}, s.current_limit, s.voltage_min, s.voltage_max); },
          [&](const ConstantResistance& s) { return directed(false, s.current_limit, s.voltage_min, s.voltage_max); },
      },
      setpoint);
}

Volts regulated_voltage(const SetpointBounds& bounds) {
  return bounds.charge_current_max == Amps{0.0} ? bounds.voltage_min : bounds.voltage_max;
}

// A value that is a whole number of steps but for the last bit is that number.
double rounded_down(double value, double step) { return std::floor(value / step + division_noise) * step; }

double rounded_up(double value, double step) { return std::ceil(value / step - division_noise) * step; }

Result<int> whole_seconds(Duration delay) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(delay).count();
  if (seconds < 1) return refused("the watchdog's shortest delay is one second");
  return static_cast<int>(seconds);
}

Result<void> check_setpoint(const Setpoint& setpoint, const CyclerCapabilities& capabilities, const Protections& armed) {
  if (const Result<void> sense = check_own_sense(setpoint); !sense) return sense;
  const SetpointBounds bounds = bounds_of(setpoint);
  if (!(bounds.voltage_min <= bounds.voltage_max)) return refused("the voltage bounds of the set-point are in the wrong order");
  if (!(bounds.voltage_min >= capabilities.voltage_min) || !(bounds.voltage_max <= capabilities.voltage_max)) {
    return refused("the voltage of the set-point is outside the instrument's range");
  }
  if (!(bounds.charge_current_max <= capabilities.charge_current_max) ||
      !(bounds.discharge_current_max <= capabilities.discharge_current_max)) {
    return refused("the current of the set-point is outside the instrument's range");
  }
  if (!(bounds.voltage_min >= armed.under_voltage) || !(bounds.voltage_max <= armed.over_voltage)) {
    return refused("the voltage of the set-point is outside the armed protections");
  }
  if (!(bounds.charge_current_max <= armed.charge_current_max) ||
      !(bounds.discharge_current_max <= armed.discharge_current_max)) {
    return refused("the current of the set-point is outside the armed protections");
  }
  if (const auto* power = std::get_if<ConstantPower>(&setpoint)) {
    if (!(abs(power->power) <= capabilities.power_max))
      return refused("the power of the set-point is outside the instrument's range");
  }
  return {};
}

Result<void> check_protections(const Protections& protections, const CyclerCapabilities& capabilities) {
  if (!std::isfinite(protections.over_voltage.value()) || !std::isfinite(protections.under_voltage.value()) ||
      !(protections.under_voltage >= Volts{0.0}) || !(protections.under_voltage < protections.over_voltage)) {
    return refused("the voltage protections are no numbers or in the wrong order");
  }
  if (!(protections.over_voltage <= capabilities.over_voltage_protection_max)) {
    return refused("the over-voltage protection is above what the instrument can watch");
  }
  if (!std::isfinite(protections.charge_current_max.value()) || !(protections.charge_current_max >= Amps{0.0}) ||
      !std::isfinite(protections.discharge_current_max.value()) || !(protections.discharge_current_max >= Amps{0.0})) {
    return refused("the current protections must be magnitudes");
  }
  if (capabilities.has_watchdog &&
      (protections.watchdog_delay < capabilities.watchdog_min || protections.watchdog_delay > capabilities.watchdog_max)) {
    return refused("the instrument's watchdog cannot be set to this delay");
  }
  return {};
}

}  // namespace cellrig
