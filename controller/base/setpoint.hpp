// Energising set-points. Each is safe by itself: the instrument holds the voltage bounds without us.
// There is no "zero current" set-point: no current means output off.
#pragma once

#include <algorithm>
#include <variant>

#include "controller/base/overloaded.hpp"
#include "controller/base/units.hpp"

namespace cellrig {

/// Current > 0 charges until voltage_max, where the instrument reduces the current by itself; < 0 discharges until voltage_min.
struct ConstantCurrent {
  Amps current;
  Volts voltage_min;
  Volts voltage_max;
};

/// Regulates to `voltage`; the current stays within [current_min, current_max], current_min <= 0 <= current_max.
/// CC-CV charge is this with current_min = 0 and current_max = the CC current.
struct ConstantVoltage {
  Volts voltage;
  Amps current_min;
  Amps current_max;
};

/// Power > 0 charges, < 0 discharges. current_limit is a magnitude.
struct ConstantPower {
  Watts power;
  Volts voltage_min;
  Volts voltage_max;
  Amps current_limit;
};

/// Discharge through a resistance until voltage_min. current_limit is a magnitude.
struct ConstantResistance {
  Ohms resistance;
  Volts voltage_min;
  Volts voltage_max;
  Amps current_limit;
};

using Setpoint = std::variant<ConstantCurrent, ConstantVoltage, ConstantPower, ConstantResistance>;

/// The most that a set-point allows in each direction, magnitudes.
struct CurrentBounds {
  Amps charge;
  Amps discharge;
};

[[nodiscard]] inline CurrentBounds current_bounds(const Setpoint& setpoint) {
  const auto one_way = [](bool charges, Amps most) {
    return charges ? CurrentBounds{most, Amps{}} : CurrentBounds{Amps{}, most};
  };
  return std::visit(overloaded{
                        [&](const ConstantCurrent& s) { return one_way(s.current > Amps{}, abs(s.current)); },
                        [](const ConstantVoltage& s) {
                          return CurrentBounds{std::max(s.current_max, Amps{}), std::max(-s.current_min, Amps{})};
                        },
                        [&](const ConstantPower& s) { return one_way(s.power > Watts{}, s.current_limit); },
                        [&](const ConstantResistance& s) { return one_way(false, s.current_limit); },
                    },
                    setpoint);
}

}  // namespace cellrig
