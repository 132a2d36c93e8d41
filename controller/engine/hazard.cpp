#include "controller/engine/hazard.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace cellrig {
namespace {

struct HazardRow {
  Hazard hazard;
  std::string_view text;
  bool thermal;
  bool instrument;
  bool siren;
};

// The siren is for what a person must not sleep through: heat, gas, and a cell that is full of charge, or shorts inside, or carries a
// current that nobody asked for. Not for a limit that OFF has kept, a reading that is missing, a door, a press, or a leak so slow that
// it is in the morning's list; who cries wolf is unplugged.
constexpr std::array<HazardRow, 32> hazard_table{{
    {Hazard::over_voltage, "over-voltage", false, false, false},
    {Hazard::under_voltage, "under-voltage", false, false, false},
    {Hazard::over_current_charge, "charge current too high", false, false, false},
    {Hazard::over_current_discharge, "discharge current too high", false, false, false},
    {Hazard::over_temperature, "cell too hot", true, false, true},
    {Hazard::under_temperature, "cell too cold", false, false, false},
    {Hazard::cold_charging, "charging a cell that is too cold", false, false, false},
    {Hazard::temperature_rate, "cell heats too fast", true, false, true},
    {Hazard::overcharge, "more charge went in than the cell can hold", false, false, true},
    {Hazard::wrong_direction, "current flows against the command", false, false, false},
    {Hazard::current_without_command, "current flows while the output should be off", false, false, true},
    {Hazard::frozen_reading, "the readings stand still while charge flows", false, true, false},
    {Hazard::stale_reading, "no fresh reading", false, true, false},
    {Hazard::bad_reading, "the reading is not a number", false, true, false},
    {Hazard::instrument_protection, "the instrument's own protection turned the output off", false, false, false},
    {Hazard::instrument_lost_remote, "the instrument is no longer under our control", false, true, false},
    {Hazard::outside_request, "another channel or the bench asked for OFF", false, false, false},
    {Hazard::chamber_failure, "the chamber does not run at the temperature it was given", false, true, false},
    {Hazard::interlock_open, "interlock open", false, false, false},
    {Hazard::stack_pressure, "stack pressure out of its limits", false, false, false},
    {Hazard::gas, "gas beside the cell", true, false, true},
    {Hazard::voltage_disagreement, "the cycler and the second voltmeter disagree", false, false, false},
    {Hazard::open_circuit, "the circuit of the cell is open", false, false, false},
    {Hazard::chamber_runaway, "the chamber runs away from the temperature it was given", true, false, true},
    {Hazard::chamber_behind, "the chamber does not get to the temperature it was given", false, true, false},
    {Hazard::no_rise, "the voltage does not rise while charge goes in: internal short, quarantine the cell", false, false, true},
    {Hazard::voltage_step, "the voltage fell at once at the same current: internal short, quarantine the cell", false, false,
     true},
    {Hazard::no_taper, "the current does not taper at a constant voltage: internal short, quarantine the cell", false, false,
     false},
    {Hazard::rest_decay, "the voltage goes on falling at rest: internal short or a drain outside, quarantine the cell", false,
     false, false},
    {Hazard::self_heating, "the cell warms by itself at rest: quarantine the cell", true, false, true},
    {Hazard::unexplained_heat, "the cell warms faster than its current can warm it: quarantine the cell", true, false, true},
    {Hazard::energy_balance, "more energy came out of the cell than went in: a reading is wrong", false, false, false},
}};

const HazardRow& row_of(Hazard hazard) { return hazard_table[static_cast<std::size_t>(hazard)]; }

}  // namespace

std::string_view to_string(Hazard hazard) { return row_of(hazard).text; }
bool is_thermal(Hazard hazard) { return row_of(hazard).thermal; }
bool is_instrument_failure(Hazard hazard) { return row_of(hazard).instrument; }
bool sounds_siren(Hazard hazard) { return row_of(hazard).siren; }

std::string describe(const TripCause& cause) {
  const std::string text{to_string(cause.hazard)};
  const std::string name{name_with_unit(cause.measurand)};
  const auto with = [&](const char* format) {
    char buffer[120];
    std::snprintf(buffer, sizeof buffer, format, cause.value, cause.limit);
    return text + ": " + buffer;
  };
  switch (cause.hazard) {
    case Hazard::instrument_protection:
    case Hazard::instrument_lost_remote:
    case Hazard::outside_request:
    case Hazard::chamber_failure: return text;
    case Hazard::stale_reading: return text + ": " + name + with(" is %.1f s old, limit %.1f s").substr(text.size() + 2);
    case Hazard::bad_reading: return text + ": " + name + " (open sensor, overload or NaN)";
    case Hazard::overcharge: return with("%.3f Ah net, limit %.3f Ah");
    case Hazard::unexplained_heat: return with("%.4f K/s, limit %.4f K/s");
    case Hazard::energy_balance: return with("%.4f Wh net in a closed loop, limit %.4f Wh");
    case Hazard::temperature_rate: return with("%.2f K/s, limit %.2f K/s");
    case Hazard::interlock_open:
      return std::isfinite(cause.value) ? text : text + ": nothing fresh is known of its contacts, which counts as open";
    case Hazard::voltage_disagreement: return with("%.4f V apart, limit %.4f V");
    case Hazard::frozen_reading: return with("%.4f V did not change while %.3f Ah flowed");
    case Hazard::over_voltage:
    case Hazard::under_voltage:
    case Hazard::over_current_charge:
    case Hazard::over_current_discharge:
    case Hazard::over_temperature:
    case Hazard::under_temperature:
    case Hazard::cold_charging:
    case Hazard::wrong_direction:
    case Hazard::current_without_command:
    case Hazard::stack_pressure:
    case Hazard::gas:
    case Hazard::open_circuit:
    case Hazard::chamber_runaway:
    case Hazard::chamber_behind:
    case Hazard::no_rise:
    case Hazard::voltage_step:
    case Hazard::no_taper:
    case Hazard::rest_decay:
    case Hazard::self_heating:
      return text + ": " + name +
             with(cause.value > cause.limit ? " %.4f above %.4f" : " %.4f below %.4f").substr(text.size() + 2);
  }
  return text;
}

}  // namespace cellrig
