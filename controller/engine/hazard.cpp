#include "controller/engine/hazard.hpp"

#include <array>
#include <cmath>
#include <cstdio>

#include "controller/engine/hazard_table.hpp"

namespace cellrig {
namespace {

using enum HazardSeverity;
using enum HazardAction;

// The siren is for what a person must not sleep through: heat, gas, and a cell that is full of charge, or shorts inside, or carries a
// current that nobody asked for. Not for a limit that OFF has kept, a reading that is missing, a door, a press, or a leak so slow that
// it is in the morning's list; who cries wolf is unplugged.
constexpr std::array<HazardRow, hazard_count> hazards{{
    {Hazard::over_voltage, "H1", "over-voltage", limit, channel_off},
    {Hazard::under_voltage, "H1", "under-voltage", limit, channel_off},
    {Hazard::over_current_charge, "H3", "charge current too high", limit, channel_off},
    {Hazard::over_current_discharge, "H3", "discharge current too high", limit, channel_off},
    {Hazard::over_temperature, "H4", "cell too hot", people, chamber_safe},
    {Hazard::under_temperature, "H4", "cell too cold", limit, channel_off},
    {Hazard::cold_charging, "H10", "charging a cell that is too cold", limit, channel_off},
    {Hazard::temperature_rate, "H5", "cell heats too fast", people, chamber_safe},
    {Hazard::overcharge, "H2", "more charge went in than the cell can hold", people, channel_off},
    {Hazard::wrong_direction, "H3", "current flows against the command", limit, channel_off},
    {Hazard::off_command, "H3", "the current is not the commanded one", instrument, channel_off},
    {Hazard::current_without_command, "H14", "current flows while the output should be off", people, channel_off},
    {Hazard::frozen_reading, "H2", "the readings stand still while charge flows", instrument, channel_off},
    {Hazard::still_reading, "H2", "the reading stands still though its digits always moved", instrument, channel_off},
    {Hazard::stale_reading, "H12", "no fresh reading", instrument, channel_off},
    {Hazard::bad_reading, "H2", "the reading is not a number", instrument, channel_off},
    {Hazard::instrument_protection, "H1", "the instrument's own protection turned the output off", limit, channel_off},
    {Hazard::instrument_lost_remote, "H12", "the instrument is no longer under our control", instrument, channel_off},
    {Hazard::outside_request, "-", "another channel or the bench asked for OFF", limit, channel_off},
    {Hazard::chamber_failure, "H11", "the chamber does not run at the temperature it was given", instrument, channel_off},
    {Hazard::interlock_open, "-", "interlock open", limit, channel_off},
    {Hazard::stack_pressure, "-", "stack pressure out of its limits", limit, channel_off},
    {Hazard::gas, "H5", "gas beside the cell", people, chamber_safe},
    {Hazard::voltage_disagreement, "H8", "the cycler and the second voltmeter disagree", limit, channel_off},
    {Hazard::open_circuit, "H7", "the circuit of the cell is open", limit, channel_off},
    {Hazard::chamber_runaway, "H11", "the chamber runs away from the temperature it was given", people, chamber_safe},
    {Hazard::chamber_behind, "H11", "the chamber does not get to the temperature it was given", instrument, channel_off},
    {Hazard::no_rise, "H6", "the voltage does not rise while charge goes in: internal short, quarantine the cell", people,
     channel_off},
    {Hazard::voltage_step, "H6", "the voltage fell at once at the same current: internal short, quarantine the cell", people,
     channel_off},
    {Hazard::no_taper, "H6", "the current does not taper at a constant voltage: internal short, quarantine the cell", limit,
     channel_off},
    {Hazard::rest_decay, "H6", "the voltage goes on falling at rest: internal short or a drain outside, quarantine the cell",
     limit, channel_off},
    {Hazard::self_heating, "H5", "the cell warms by itself at rest: quarantine the cell", people, chamber_safe},
    {Hazard::unexplained_heat, "H5", "the cell warms faster than its current can warm it: quarantine the cell", people,
     chamber_safe},
    {Hazard::energy_balance, "H3", "more energy came out of the cell than went in: a reading is wrong", limit, channel_off},
}};

constexpr Duration at_once(const SafetyLimits&) { return Duration{}; }
Duration pressure_hold(const SafetyLimits& l) { return from_seconds(l.sensors.stack_pressure_for_s.value_or(0.0)); }
Duration gas_hold(const SafetyLimits& l) { return from_seconds(l.sensors.gas_for_s.value_or(0.0)); }

using Given = std::optional<double>;

constexpr std::array<LimitRow, limit_count> limits{{
    {Hazard::over_voltage, Measurand::voltage, Bound::at_most, false,
     [](const SafetyLimits& l, const CurrentBounds&) -> Given { return l.voltage_max.value(); }, at_once},
    {Hazard::under_voltage, Measurand::voltage, Bound::at_least, false,
     [](const SafetyLimits& l, const CurrentBounds&) -> Given { return l.voltage_min.value(); }, at_once},
    {Hazard::over_current_charge, Measurand::current, Bound::at_most, false,
     [](const SafetyLimits&, const CurrentBounds& c) -> Given { return c.charge.value(); }, at_once},
    {Hazard::over_current_discharge, Measurand::current, Bound::at_least, false,
     [](const SafetyLimits&, const CurrentBounds& c) -> Given { return -c.discharge.value(); }, at_once},
    {Hazard::over_temperature, Measurand::cell_temperature, Bound::at_most, false,
     [](const SafetyLimits& l, const CurrentBounds&) -> Given { return l.cell_temperature_max.value(); }, at_once},
    {Hazard::under_temperature, Measurand::cell_temperature, Bound::at_least, false,
     [](const SafetyLimits& l, const CurrentBounds&) -> Given { return l.cell_temperature_min.value(); }, at_once},
    {Hazard::stack_pressure, Measurand::stack_pressure, Bound::at_least, true,
     [](const SafetyLimits& l, const CurrentBounds&) { return l.sensors.stack_pressure_min_MPa; }, pressure_hold},
    {Hazard::stack_pressure, Measurand::stack_pressure, Bound::at_most, true,
     [](const SafetyLimits& l, const CurrentBounds&) { return l.sensors.stack_pressure_max_MPa; }, pressure_hold},
    {Hazard::gas, Measurand::gas, Bound::at_most, true,
     [](const SafetyLimits& l, const CurrentBounds&) { return l.sensors.gas_max_ppm; }, gas_hold},
}};

const HazardRow& row_of(Hazard hazard) { return hazards[static_cast<std::size_t>(hazard)]; }

}  // namespace

const std::array<HazardRow, hazard_count>& hazard_table() { return hazards; }
const std::array<LimitRow, limit_count>& limit_table() { return limits; }

std::string_view to_string(Hazard hazard) { return row_of(hazard).text; }
bool is_thermal(Hazard hazard) { return row_of(hazard).action == chamber_safe; }
bool is_instrument_failure(Hazard hazard) { return row_of(hazard).severity == instrument; }
bool sounds_siren(Hazard hazard) { return row_of(hazard).severity == people; }

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
    case Hazard::still_reading: return text + ": " + name + with(" for %.1f s, limit %.1f s").substr(text.size() + 2);
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
    case Hazard::off_command:
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
