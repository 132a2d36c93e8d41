// Resistance and power from current pulses.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "controller/base/units.hpp"
#include "db/analysis/curve.hpp"

namespace cellrig::db {

/// Evaluation times of ISO 12405-4 in s after the pulse began.
inline constexpr std::array<double, 11> iso_12405_4_discharge_s{0.1, 2, 5, 10, 18, 18.1, 20, 30, 60, 90, 120};
inline constexpr std::array<double, 4> iso_12405_4_charge_s{0.1, 2, 10, 20};
/// USABC's HPPC: the end of its short pulse.
inline constexpr std::array<double, 4> hppc_s{0.1, 2, 10, 30};

struct BeforePulse {
  Volts voltage;  ///< the last measurement before the current changed
  Amps current;
};
struct PulseResistancePoint {
  double at_s = 0;
  Ohms resistance;
  Amps current;
  Volts voltage;
  bool is_limited = false;  ///< the voltage limit reduced the current by then: not the resistance of the ordered pulse
};
/// R(t) = (V(t) - V0) / (I(t) - I0), V and I straight between the points around t. Times outside the curve are left out, and
/// those at which the current differs from the one before by less than `current_step_min`. The curve's time begins with the pulse.
[[nodiscard]] std::vector<PulseResistancePoint> pulse_resistance(const BeforePulse& before, Curve pulse,
                                                                 std::span<const double> at_s,
                                                                 Amps current_step_min = Amps{1e-3});

/// The instantaneous part: the first point whose current is within 1 % of the median of the pulse.
[[nodiscard]] std::optional<PulseResistancePoint> instantaneous_resistance(const BeforePulse& before, Curve pulse);

struct PowerLimits {
  Volts voltage_min, voltage_max;
};
/// HPPC (USABC): Vmin (OCV - Vmin) / R when discharging, Vmax (Vmax - OCV) / R when charging. None when the cell stands outside its
/// window already, or for a resistance that is not above 0.
[[nodiscard]] std::optional<Watts> hppc_discharge_power(Volts open_circuit, Ohms resistance, const PowerLimits& limits);
[[nodiscard]] std::optional<Watts> hppc_charge_power(Volts open_circuit, Ohms resistance, const PowerLimits& limits);
/// ISO 12405-4: the power really moved at these times of the pulse, V I, positive into the cell.
struct PulsePowerPoint {
  double at_s = 0;
  Watts power;
  bool is_limited = false;
};
[[nodiscard]] std::vector<PulsePowerPoint> pulse_power(Curve pulse, std::span<const double> at_s);

}  // namespace cellrig::db
