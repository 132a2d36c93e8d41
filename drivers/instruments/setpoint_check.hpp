// What no driver may pass on to an instrument, whatever the make. Pure.
#pragma once

#include "controller/base/capabilities.hpp"
#include "controller/base/limits.hpp"
#include "controller/base/result.hpp"
#include "controller/base/setpoint.hpp"

namespace cellrig {

/// Refused: values that are not finite, zero current or power, bounds in the wrong order, and anything beyond the instrument's
/// range or the protections that were armed.
[[nodiscard]] Result<void> check_setpoint(const Setpoint& setpoint, const CyclerCapabilities& capabilities,
                                          const Protections& armed);

/// Refused: values that are not finite, bounds in the wrong order, negative currents, a watchdog the instrument does not have.
[[nodiscard]] Result<void> check_protections(const Protections& protections, const CyclerCapabilities& capabilities);

/// The two voltages and the two current magnitudes a set-point allows.
struct SetpointBounds {
  Volts voltage_min, voltage_max;
  Amps charge_current_max, discharge_current_max;
};
[[nodiscard]] SetpointBounds bounds_of(const Setpoint& setpoint);

/// The one bound the current runs towards, for an instrument that regulates a voltage within two current limits; the other is the
/// end condition's and the protections' affair.
[[nodiscard]] Volts regulated_voltage(const SetpointBounds& bounds);

/// To whole steps, towards the safe side: a protection is never set beyond the bound that was asked for.
[[nodiscard]] double rounded_down(double value, double step);
[[nodiscard]] double rounded_up(double value, double step);

/// For watchdogs that are set in seconds; refused below one.
[[nodiscard]] Result<int> whole_seconds(Duration delay);

}  // namespace cellrig
