// Is this the cell of the cell file? A short pulse before the first step, and the resistance that it shows.
#pragma once

#include <string>

#include "controller/base/limits.hpp"
#include "controller/base/observation.hpp"
#include "controller/base/pulse_resistance.hpp"
#include "controller/base/result.hpp"
#include "controller/base/setpoint.hpp"
#include "controller/engine/accumulators.hpp"

namespace cellrig {

/// What a pulse would be given to, and by.
struct PulseCase {
  Volts voltage;  ///< at rest
  Reading cell_temperature;
  SafetyLimits limits;
  AmpHours nominal_capacity;
  Amps noise;               ///< of the cycler's current
  Amps cycler_current_max;  ///< discharging, magnitude: a smaller pulse than the file asks for is one, too
};

/// Either a pulse, or why there is none.
struct PulsePlan {
  ConstantCurrent setpoint{};
  std::string why_not;
};

/// It discharges: a cell of which nobody knows yet what it is gets no charge. There is none where the file does not give the cell's resistance (colder,
/// warmer, nearly empty), where the cell must not be given the current, or the cycler cannot tell it from nothing.
[[nodiscard]] PulsePlan plan_pulse(const PulseResistance& expected, const PulseCase& state);

/// What the record says of it; refused: not this cell, or not this wiring.
[[nodiscard]] Result<std::string> judge_pulse(const PulseResistance& expected, Amps commanded, const ElectricalSample& before,
                                              const ElectricalSample& after);

}  // namespace cellrig
