// What may go wrong with a cell on a bench, and how it is told.
#pragma once

#include <string>
#include <string_view>

#include "controller/base/observation.hpp"
#include "controller/base/time.hpp"

namespace cellrig {

enum class Hazard : unsigned char {
  over_voltage,
  under_voltage,
  over_current_charge,
  over_current_discharge,
  over_temperature,
  under_temperature,
  cold_charging,
  temperature_rate,         ///< thermal runaway begins
  overcharge,               ///< too much charge went in
  wrong_direction,          ///< the current's sign is not the commanded one
  off_command,              ///< the cycler regulates a current, and it is not the commanded one
  current_without_command,  ///< the output should be off
  frozen_reading,           ///< charge flows and no digit moves; in CC, no digit of the voltage for five times as long
  still_reading,            ///< its last digits always moved by noise, and now they do not
  stale_reading,            ///< too old to act on
  bad_reading,              ///< answered, but no number: NaN, overload, open sensor
  instrument_protection,    ///< the instrument turned itself off
  instrument_lost_remote,   ///< somebody else controls it, or it rebooted
  outside_request,          ///< another channel of the same chamber, or the bench, asks for OFF
  chamber_failure,          ///< the chamber did not take the temperature it was given
  interlock_open,           ///< a contact is open, or nothing is known of it
  stack_pressure,           ///< the cell is pressed too hard or too little
  gas,                      ///< the cell may vent: the whole chamber
  voltage_disagreement,     ///< the cycler and a second voltmeter do not agree (sense lead)
  open_circuit,             ///< the current is gone though the output drives it: a lead, a tab, the cell's own switch
  chamber_runaway,   ///< its air leaves the band around the temperature it was given, or the bench's limits: the whole chamber
  chamber_behind,    ///< its air does not get to the temperature it was given
  no_rise,           ///< charge goes in and the voltage does not rise
  voltage_step,      ///< the voltage falls at once at the same current
  no_taper,          ///< the current does not fall at a constant voltage
  rest_decay,        ///< the voltage goes on falling at rest
  self_heating,      ///< the cell warms without a current: the whole chamber
  unexplained_heat,  ///< the cell warms faster than its current can: the whole chamber
  energy_balance,    ///< more energy came out of it than went in
};

[[nodiscard]] std::string_view to_string(Hazard hazard);
/// Hazards for which the whole chamber is made safe: every channel off, heater off, exhaust and fan on.
[[nodiscard]] bool is_thermal(Hazard hazard);
/// Hazards that mean "an instrument or its link failed" (exit code 4) rather than "the cell left its limits" (3).
[[nodiscard]] bool is_instrument_failure(Hazard hazard);
/// Hazards that call people: the siren. It also sounds when a cycler does not confirm OFF, when a chamber does not confirm that it
/// stopped, and for every thermal hazard of a cell whose run is over.
[[nodiscard]] bool sounds_siren(Hazard hazard);

struct TripCause {
  Hazard hazard = Hazard::bad_reading;
  Measurand measurand = Measurand::voltage;
  double value = 0.0;
  double limit = 0.0;
  TimePoint at{};
};

/// "over-voltage: voltage_V 4.2510 above 4.2500"
[[nodiscard]] std::string describe(const TripCause& cause);

}  // namespace cellrig
