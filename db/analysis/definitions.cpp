#include "db/analysis/definitions.hpp"

#include <algorithm>
#include <array>

namespace cellrig::db {

namespace {

constexpr std::string_view since_current_s = "time since the current changed / s";
constexpr std::string_view since_off_s = "time since the current went off / s";
constexpr std::string_view share_of_first = "share of first_capacity_Ah / 1";
constexpr std::string_view share_of_first_reference = "share of first_reference_capacity_Ah / 1";
constexpr std::string_view share_of_nominal = "share of the nominal capacity / 1";

constexpr std::array step_definitions{
    Definition{Figure::mean_voltage_V, "mean_voltage_V", "V", "", "energy / charge of the step in its own direction"},
    Definition{Figure::start_voltage_V, "start_voltage_V", "V", "", "voltage of the step's first row"},
    Definition{Figure::end_voltage_V, "end_voltage_V", "V", "", "voltage of the step's last row"},
    Definition{
        Figure::cv_charge_share, "cv_charge_share", "1", "",
        "charge moved between rows of which the later is regulated to constant voltage, by the regulator's own word, / all "
        "charge moved in the step; straight between rows, never into a row after a gap"},
    Definition{Figure::cv_time_s, "cv_time_s", "s", "",
               "time between rows of which the later is regulated to constant voltage, by the regulator's own word"},
    Definition{Figure::dc_resistance_ohm, "dc_resistance_ohm", "ohm", since_current_s,
               "(V(t) - V0) / (I(t) - I0) of a step with current after one without: V0 and I0 are the last row before it, V and "
               "I straight "
               "between the rows around t. Only under constant current, and for a change of at least 2 % of the nominal capacity "
               "an hour. Of a step that waited first the time counts from its first row after that"},
    Definition{Figure::relaxation_V, "relaxation_V", "V", since_off_s,
               "V(t) - the last voltage under current, in a rest: the polarisation that has gone by then, negative after a "
               "charge. Straight "
               "between the rows around t"},
    Definition{Figure::cell_temperature_min_degC, "cell_temperature_min_degC", "degC", "",
               "lowest cell temperature of the step's rows"},
    Definition{Figure::cell_temperature_mean_degC, "cell_temperature_mean_degC", "degC", "",
               "cell temperature averaged over time (trapezoids) within the step"},
    Definition{Figure::cell_temperature_max_degC, "cell_temperature_max_degC", "degC", "",
               "highest cell temperature of the step's rows"},
    Definition{Figure::temperature_rise_K, "temperature_rise_K", "K", "",
               "highest cell temperature of the step's rows - the first one"},
    Definition{Figure::voltage_fall_max_V, "voltage_fall_max_V", "V", "",
               "largest fall of the voltage from one row to the next while a constant current charged; the current of both rows "
               "within 1 %"},
    Definition{Figure::charge_without_rise_Ah, "charge_without_rise_Ah", "Ah", "",
               "most charge put in under constant current between two new highest voltages of the step"},
    Definition{Figure::pressure_min_MPa, "pressure_min_MPa", "MPa", "", "lowest stack pressure measured in the step"},
    Definition{Figure::pressure_max_MPa, "pressure_max_MPa", "MPa", "", "highest stack pressure measured in the step"},
    Definition{Figure::pressure_end_MPa, "pressure_end_MPa", "MPa", "", "last stack pressure measured in the step"},
    Definition{
        Figure::waited_s, "waited_s", "s", "",
        "time that the step stood waiting with the output off, for its chamber or paused: up to the first row after its waiting "
        "rows, from the row before them or the step's beginning. Waiting rows are of no other figure"},
};

constexpr std::array cycle_definitions{
    Definition{Figure::coulombic_efficiency, "coulombic_efficiency", "1", "",
               "discharge / charge of the same cycle, in Ah, by the program's own cycle counter"},
    Definition{Figure::energy_efficiency, "energy_efficiency", "1", "", "discharge / charge of the same cycle, in Wh"},
    Definition{Figure::voltage_efficiency, "voltage_efficiency", "1", "",
               "mean discharge voltage / mean charge voltage = energy efficiency / coulombic efficiency"},
    Definition{Figure::charge_mean_voltage_V, "charge_mean_voltage_V", "V", "", "charge energy / charge of the cycle"},
    Definition{Figure::discharge_mean_voltage_V, "discharge_mean_voltage_V", "V", "",
               "discharge energy / discharge of the cycle"},
    Definition{Figure::voltage_hysteresis_V, "voltage_hysteresis_V", "V", "",
               "mean charge voltage - mean discharge voltage: the polarisation of the whole cycle"},
    Definition{Figure::cycle_cv_charge_share, "cycle_cv_charge_share", "1", "",
               "charge put in under constant voltage / all charge put in, in the cycle's charging steps"},
    Definition{Figure::cycle_cv_time_s, "cycle_cv_time_s", "s", "", "time under constant voltage in the cycle's charging steps"},
    Definition{Figure::charge_time_to_share_s, "charge_time_to_share_s", "s", share_of_nominal,
               "time from the start of the cycle's first charging step until the charging steps have put in this share of the "
               "nominal capacity; rests between count, waiting for a chamber or paused does not. For a cell that began empty the "
               "share is its state of charge"},
    Definition{Figure::cycle_temperature_min_degC, "cell_temperature_min_degC", "degC", "",
               "lowest cell temperature of the cycle's rows"},
    Definition{Figure::cycle_temperature_mean_degC, "cell_temperature_mean_degC", "degC", "",
               "cell temperature averaged over time (trapezoids) within the cycle's steps"},
    Definition{Figure::cycle_temperature_max_degC, "cell_temperature_max_degC", "degC", "",
               "highest cell temperature of the cycle's rows"},
    Definition{Figure::ambient_temperature_mean_degC, "ambient_temperature_mean_degC", "degC", "",
               "ambient temperature averaged over time (trapezoids) within the cycle's steps"},
    Definition{Figure::cycle_temperature_rise_K, "temperature_rise_K", "K", "",
               "largest rise within one charging step of the cycle: its highest cell temperature - its first"},
    Definition{Figure::charge_end_pressure_MPa, "charge_end_pressure_MPa", "MPa", "",
               "last stack pressure measured in the cycle's charging steps"},
    Definition{Figure::discharge_end_pressure_MPa, "discharge_end_pressure_MPa", "MPa", "",
               "last stack pressure measured in the cycle's discharging steps"},
    Definition{Figure::breathing_MPa, "breathing_MPa", "MPa", "", "highest - lowest stack pressure measured in the cycle"},
    Definition{Figure::pressure_drift_MPa, "pressure_drift_MPa", "MPa", "",
               "stack pressure at the end of discharge - the same of the cycle before: what does not come back"},
    Definition{
        Figure::soft_short_score, "soft_short_score", "1", "",
        "the greatest of three signs, each growing straight from 0 to 1: charge / discharge of the cycle from 1.05 to 1.2; the "
        "largest "
        "fall of the voltage between two rows under constant charging current from 5 mV to 25 mV; charge without a new highest "
        "voltage from 10 % to 30 % of the nominal capacity. A fall is one between two rows, whatever time lies between them: "
        "thinned rows show fewer and greater ones. soft_short_score_of_all_signs has more of them"},
    Definition{Figure::retention_of_first, "retention_of_first", "1", "",
               "discharge of the cycle / first_capacity_Ah; of cycles with any discharge"},
    Definition{
        Figure::first_capacity_Ah, "first_capacity_Ah", "Ah", "",
        "the reference of retention_of_first: discharge of the run's first cycle with any, whatever its rate. It stands with "
        "every cycle that is compared with it"},
    Definition{Figure::retention_of_nominal, "retention_of_nominal", "1", "",
               "discharge of the cycle / the nominal capacity of the cell's file; of cycles with any discharge"},
    Definition{Figure::cycles_to_share_of_first, "cycles_to_share_of_first", "cycle", share_of_first,
               "number of the first cycle whose discharge is below this share of first_capacity_Ah and one of the two after it "
               "too (2 of "
               "3, of cycles with any discharge). It stands with the cycle that showed it, once in a run"},
    Definition{Figure::retention_of_first_reference, "retention_of_first_reference", "1", "",
               "discharge of a reference cycle / first_reference_capacity_Ah; other cycles have none"},
    Definition{Figure::first_reference_capacity_Ah, "first_reference_capacity_Ah", "Ah", "",
               "the reference of retention_of_first_reference: discharge of the run's first reference cycle with any"},
    Definition{Figure::cycles_to_share_of_first_reference, "cycles_to_share_of_first_reference", "cycle",
               share_of_first_reference,
               "number of the first reference cycle whose discharge is below this share of first_reference_capacity_Ah and one "
               "of the two "
               "reference cycles after it too (2 of 3). It stands with the cycle that showed it, once in a run"},
    Definition{Figure::charge_overrun, "charge_overrun", "1", "",
               "charge of the cycle / the discharge before it: of the cycle before, or of the same one where it began with its "
               "discharge"},
    Definition{
        Figure::charge_slope_least_V_per_s, "charge_slope_least_V_per_s", "V/s", "",
        "steepest fall of the voltage under constant charging current: the least change over stretches of 10 s that follow "
        "each other, or of two rows further apart, / its time. Above zero: it rose everywhere"},
    Definition{
        Figure::resistance_ratio_least, "resistance_ratio_least", "1", "",
        "least of: the first dc_resistance_ohm within 10 s of a step / the median of that of the same step of the program in "
        "up to five cycles before, at least three, whose lowest cell temperature in that step was within 3 K. Of a step that "
        "comes several times in a cycle the first one"},
    Definition{
        Figure::rest_slope_V_per_day, "rest_slope_V_per_day", "V/day", "",
        "slope of the voltage in the second half of a rest of 20 h and more that follows a charge: a straight line through its "
        "rows, thinned evenly to some hundred; the least of the cycle's"},
    Definition{
        Figure::soft_short_score_of_all_signs, "soft_short_score_of_all_signs", "1", "",
        "the greatest of seven signs, each growing straight from 0 to 1: charge / discharge of the cycle from 1.05 to 1.2; "
        "charge_overrun from 1.01 to 1.05; the largest fall of the voltage between two rows under constant charging current "
        "from 5 mV to 25 mV; charge_slope_least_V_per_s from -2 mV/s to -6 mV/s; charge without a new highest voltage from 10 % "
        "to 30 % of the nominal capacity; resistance_ratio_least from 0.9 to 0.6; rest_slope_V_per_day from -10 mV to -50 mV a "
        "day. What a cycle does not have scores nothing. A fall between two rows counts whatever time lies between them: thinned "
        "rows show fewer and greater ones"},
};

constexpr std::array life_definitions{
    Definition{Figure::retention_first, "retention", "1", "", "discharge capacity / that of the first cycle asked about"},
    Definition{Figure::retention_cycle, "retention", "1", "", "discharge capacity / that of a stated cycle"},
    Definition{Figure::retention_median, "retention", "1", "",
               "discharge capacity / the median of the first cycles, of a stated number"},
    Definition{Figure::retention_rated, "retention", "1", "", "discharge capacity / a stated rated capacity"},
    Definition{Figure::equivalent_full_cycles_two_way, "equivalent_full_cycles", "1", "",
               "(charge + discharge) / (2 x nominal capacity), in Ah since the run began, cycles only"},
    Definition{Figure::equivalent_full_cycles_discharge, "equivalent_full_cycles_discharge", "1", "",
               "discharge / nominal capacity, in Ah since the run began, cycles only"},
    Definition{Figure::cycles_to_share, "cycles_to_share", "1", "share of the reference capacity / 1",
               "first cycle whose capacity is below this share of the reference and one of the two after it too (2 of 3: one odd "
               "cycle is no end of life)"},
    Definition{
        Figure::charge_window_time_s, "charge_window_time_s", "s", "",
        "time between two states of charge, counted from a stated state of charge at the start of the charge with a stated "
        "reference capacity; rests inside the window count"},
};

constexpr std::size_t definition_count = step_definitions.size() + cycle_definitions.size() + life_definitions.size();

constexpr std::array<Definition, definition_count> all_definitions = [] {
  std::array<Definition, definition_count> joined{};
  std::size_t at = 0;
  for (const Definition& d : step_definitions) joined[at++] = d;
  for (const Definition& d : cycle_definitions) joined[at++] = d;
  for (const Definition& d : life_definitions) joined[at++] = d;
  return joined;
}();

}  // namespace

std::span<const Definition> definitions() { return all_definitions; }

const Definition* find_definition(std::int64_t number) {
  const auto found = std::find_if(all_definitions.begin(), all_definitions.end(),
                                  [number](const Definition& d) { return static_cast<std::int64_t>(d.figure) == number; });
  return found == all_definitions.end() ? nullptr : &*found;
}

const Definition* find_definition(std::string_view name) {
  const auto found =
      std::find_if(all_definitions.begin(), all_definitions.end(), [name](const Definition& d) { return d.name == name; });
  return found == all_definitions.end() ? nullptr : &*found;
}

const Definition& definition_of(Figure figure) {
  const Definition* const found = find_definition(static_cast<std::int64_t>(figure));
  return found != nullptr ? *found : all_definitions.front();  // every figure has one: a test says so
}

}  // namespace cellrig::db
