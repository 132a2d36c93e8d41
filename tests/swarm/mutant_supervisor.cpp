// A supervisor with one of its rows removed, loosened or turned round, for a program that is linked with --wrap: what it is built
// with, or what it is shown, is changed on the way. CELLRIG_MUTANT says how; without it nothing is.
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

#include "controller/engine/chamber_watch.hpp"
#include "controller/engine/safety_supervisor.hpp"

namespace cellrig {
namespace {

constexpr double removed = std::numeric_limits<double>::infinity();

std::string_view mutant() {
  const char* const name = std::getenv("CELLRIG_MUTANT");
  return name == nullptr ? std::string_view{} : std::string_view{name};
}

/// "over_voltage removed": the row and what is done to it.
bool is(std::string_view row, std::string_view what) {
  const std::string name = std::string(row) + " " + std::string(what);
  return mutant() == name;
}

/// An upper bound: gone, a little too high, or tripping where it should not.
template <class Unit>
void upper(std::string_view row, Unit& limit, double looser, double turned) {
  if (is(row, "removed")) limit = Unit{removed};
  if (is(row, "loosened")) limit = Unit{limit.value() + looser};
  if (is(row, "turned")) limit = Unit{turned};
}

template <class Unit>
void lower(std::string_view row, Unit& limit, double looser, double turned) {
  if (is(row, "removed")) limit = Unit{-removed};
  if (is(row, "loosened")) limit = Unit{limit.value() - looser};
  if (is(row, "turned")) limit = Unit{turned};
}

/// Removed, or so much further out.
void sensor(std::string_view row, std::optional<double>& limit, double looser) {
  if (!limit) return;
  if (is(row, "loosened")) *limit += looser;
  if (is(row, "removed")) limit.reset();
}

/// What a cell takes at its temperature: gone, or a fifth more.
void rates(std::string_view row, CurrentByTemperature& table) {
  if (is(row, "removed")) table = {};
  if (!is(row, "loosened")) return;
  CurrentByTemperature looser;
  for (const CurrentByTemperature::Point& point : table.points()) (void)looser.add({point.temperature, 1.2 * point.current});
  table = looser;
}

SafetyLimits mutated(SafetyLimits limits) {
  sensor("stack_pressure_max", limits.sensors.stack_pressure_max_MPa, 1.0);
  sensor("stack_pressure_min", limits.sensors.stack_pressure_min_MPa, -1.0);
  rates("charge_rates", limits.charge_current_by_temperature);
  rates("discharge_rates", limits.discharge_current_by_temperature);
  sensor("gas", limits.sensors.gas_max_ppm, 40.0);
  sensor("voltage_difference", limits.sensors.voltage_difference_max_V, 0.3);
  upper("over_voltage", limits.voltage_max, 0.1, 1.0);
  lower("under_voltage", limits.voltage_min, 0.1, 9.0);
  upper("over_current_charge", limits.charge_current_max, 1.0, -1.0);
  upper("over_current_discharge", limits.discharge_current_max, 1.0, -1.0);
  upper("over_temperature", limits.cell_temperature_max, 3.0, -50.0);
  lower("under_temperature", limits.cell_temperature_min, 3.0, 90.0);
  lower("cold_charging", limits.charge_temperature_min, 3.0, 90.0);
  upper("overcharge", limits.charge_capacity_max, 1.0, -1.0);
  return limits;
}

LeakOptions mutated(LeakOptions options) {
  if (is("no_rise", "removed")) options.rise_stretch = removed;
  if (is("no_rise", "loosened")) options.rise_stretch *= 2;
  if (is("no_rise", "turned")) options.rise_min = Volts{0.1};
  if (is("voltage_step", "removed")) options.step = options.step_discharge = Volts{removed};
  if (is("voltage_step", "loosened")) options.step = options.step_discharge = 3.0 * options.step;
  if (is("voltage_step", "turned")) options.step_polls = 1;
  if (is("no_taper", "removed")) options.taper_share = removed;
  if (is("no_taper", "loosened")) options.taper_rate_min_C *= 5;
  if (is("no_taper", "turned")) options.taper_share = 0.5;
  if (is("rest_decay", "removed")) options.decay_min = Volts{removed};
  if (is("rest_decay", "loosened")) options.decay_min = 4.0 * options.decay_min;
  if (is("rest_decay", "turned")) {  // what relaxes, too
    options.decay_share = 0.0;
    options.decay_min = Volts{0.001};
  }
  if (is("rest_share", "removed")) options.decay_share = 0.0;
  return options;
}

SelfHeatingOptions mutated(SelfHeatingOptions options) {
  if (is("self_heating", "removed")) options.rise_K = removed;
  if (is("self_heating", "loosened")) options.rise_K *= 2;
  if (is("self_heating", "turned")) options.settled = Duration{};
  return options;
}

HeatBalanceOptions mutated(HeatBalanceOptions options) {
  if (is("unexplained_heat", "removed")) options.bins = std::numeric_limits<int>::max();
  if (is("unexplained_heat", "loosened")) options.tolerance_K_per_s *= 3;
  if (is("unexplained_heat", "turned")) options.bins = 1;
  if (is("heat_surroundings", "removed")) options.warmer_K = -removed;
  if (is("heat_memory", "removed")) options.heat_memory_bins = 1;
  return options;
}

EnergyBalanceOptions mutated(EnergyBalanceOptions options) {
  if (is("energy_balance", "removed")) options.excess_max = removed;
  if (is("energy_balance", "loosened")) options.excess_max *= 3;
  if (is("energy_balance", "turned")) options.excess_max = -0.1;
  return options;
}

SupervisorOptions mutated(SupervisorOptions options) {
  constexpr Duration never = std::chrono::hours{24 * 365};
  if (is("stale_temperature", "removed")) options.temperature_age_limit = never;
  if (is("stale_temperature", "loosened")) options.temperature_age_limit *= 3;
  if (is("sensor_age", "removed")) options.sensor_age_limit = never;
  if (is("sensor_age", "loosened")) options.sensor_age_limit *= 3;
  if (is("temperature_required", "removed")) options.cell_temperature_required = false;
  if (is("direction_and_no_command", "removed")) options.settling = never;
  if (is("current_noise", "loosened")) options.current_noise = Amps{1.0};
  if (is("frozen_reading", "removed")) options.frozen_charge_max = AmpHours{removed};
  if (is("frozen_reading", "loosened")) options.frozen_charge_max = 3.0 * options.frozen_charge_max;
  if (is("off_command", "removed")) options.off_command_polls = std::numeric_limits<int>::max();
  if (is("off_command", "loosened")) options.off_command_share *= 3;
  if (is("still_voltage", "removed")) options.voltage_stands = never;
  if (is("still_voltage", "loosened")) options.voltage_stands *= 3;
  if (is("still_temperature", "removed")) options.temperature_stands = never;
  if (is("still_temperature", "loosened")) options.temperature_stands *= 3;
  if (is("temperature_rate", "removed")) options.temperature_rate_max_K_per_s = removed;
  if (is("temperature_rate", "loosened")) options.temperature_rate_hold *= 3;
  options.leak = mutated(options.leak);
  options.self_heating = mutated(options.self_heating);
  options.heat = mutated(options.heat);
  options.energy = mutated(options.energy);
  if (is("open_circuit", "removed")) options.circuit.polls = std::numeric_limits<int>::max();
  if (is("open_circuit", "loosened")) options.circuit.polls *= 3;
  if (is("open_circuit", "turned")) options.circuit.share = 1.0;
  return options;
}

ChamberWatchOptions mutated(ChamberWatchOptions options) {
  if (is("chamber_band", "removed")) options.tolerance_K = removed;
  if (is("chamber_band", "loosened")) options.tolerance_K *= 2;
  if (is("chamber_band", "turned")) options.tolerance_K = -1.0;
  if (is("chamber_alarm", "removed")) options.alarm_after = std::chrono::hours{24 * 365};
  if (is("chamber_hold", "loosened")) options.hold *= 3;
  if (is("chamber_hold", "removed")) options.hold = Duration{};
  if (is("chamber_limit", "removed")) options.limit_margin_K = removed;
  if (is("chamber_ramp", "removed")) options.slowest_share = 0.0;
  if (is("chamber_ramp", "turned")) options.slowest_share = 1.5;
  return options;
}

/// What is old looks fresh, what is no number looks like one, and what flows while the output is off like nothing.
Observation mutated(Observation seen, const Commanded& commanded, TimePoint now) {
  if (is("current_without_command", "removed") && !commanded.output_on) seen[Measurand::current].value = 0.0;
  for (const Measurand m : {Measurand::voltage, Measurand::current}) {
    if (is("stale_reading", "removed") && seen[m].quality != Quality::missing) seen[m].at = now;
    if (is("stale_reading", "loosened")) seen[m].at = now - (now - seen[m].at) / 3;
  }
  Reading& interlock = seen[Measurand::interlock];
  if (is("interlock", "removed") && interlock.quality != Quality::missing) interlock = {1.0, now, Quality::good};
  if (is("interlock", "loosened")) interlock.at = now - (now - interlock.at) / 3;
  constexpr double harmless[] = {3.7, 0.0, 25.0, 25.0, 25.0};
  for (std::size_t i = 0; i < measurand_count; ++i) {
    Reading& reading = seen.readings[i];
    if (!is("bad_reading", "removed") || reading.quality == Quality::missing || reading.usable()) continue;
    reading.quality = Quality::good;
    reading.value = harmless[i];
  }
  return seen;
}

Commanded mutated(Commanded commanded) {
  if (is("wrong_direction", "removed")) commanded.direction = 0;
  return commanded;
}

/// Of what is found outside the supervisor: it is not told.
bool is_kept_quiet(Hazard hazard) {
  return (is("instrument_protection", "removed") && hazard == Hazard::instrument_protection) ||
         (is("lost_remote", "removed") && hazard == Hazard::instrument_lost_remote);
}

}  // namespace
}  // namespace cellrig

// The names are those of SafetySupervisor's constructor, set_limits(), trip() and check(), of ChamberWatch's constructor, and of what a hazard's row says: when one of them changes, nothing is
// wrapped any more, every mutant survives, and mutants.py says so.
extern "C" {
using Supervisor = cellrig::SafetySupervisor;
using Cause = std::optional<cellrig::TripCause>;
#define CELLRIG_CONSTRUCTOR \
  _ZN7cellrig16SafetySupervisorC1ERKNS_12SafetyLimitsERKNS_17SupervisorOptionsENSt6chrono10time_pointINS_8RigClockENS7_8durationIlSt5ratioILl1ELl1000000000EEEEEERKNS_11ChargeGuardE
#define CELLRIG_CHECK \
  _ZN7cellrig16SafetySupervisor5checkERKNS_11ObservationERKNS_9CommandedENSt6chrono10time_pointINS_8RigClockENS7_8durationIlSt5ratioILl1ELl1000000000EEEEEE
#define CELLRIG_SET_LIMITS _ZN7cellrig16SafetySupervisor10set_limitsERKNS_12SafetyLimitsE
#define CELLRIG_CHAMBER _ZN7cellrig12ChamberWatchC1ERKNS_11ChamberRampERKNS0_5RangeERKNS_19ChamberWatchOptionsE
#define CELLRIG_JOINED(a, b) a##b
#define CELLRIG_JOIN(a, b) CELLRIG_JOINED(a, b)

void CELLRIG_JOIN(__real_, CELLRIG_CONSTRUCTOR)(Supervisor*, const cellrig::SafetyLimits&, const cellrig::SupervisorOptions&,
                                                cellrig::TimePoint, const cellrig::ChargeGuard&);
void CELLRIG_JOIN(__wrap_, CELLRIG_CONSTRUCTOR)(Supervisor* self, const cellrig::SafetyLimits& limits,
                                                const cellrig::SupervisorOptions& options, cellrig::TimePoint start,
                                                const cellrig::ChargeGuard& guard) {
  CELLRIG_JOIN(__real_, CELLRIG_CONSTRUCTOR)(self, cellrig::mutated(limits), cellrig::mutated(options), start, guard);
}

void CELLRIG_JOIN(__real_, CELLRIG_SET_LIMITS)(Supervisor*, const cellrig::SafetyLimits&);
void CELLRIG_JOIN(__wrap_, CELLRIG_SET_LIMITS)(Supervisor* self, const cellrig::SafetyLimits& limits) {
  CELLRIG_JOIN(__real_, CELLRIG_SET_LIMITS)(self, cellrig::mutated(limits));
}

const Cause& CELLRIG_JOIN(__real_, CELLRIG_CHECK)(Supervisor*, const cellrig::Observation&, const cellrig::Commanded&,
                                                  cellrig::TimePoint);
const Cause& CELLRIG_JOIN(__wrap_, CELLRIG_CHECK)(Supervisor* self, const cellrig::Observation& seen,
                                                  const cellrig::Commanded& commanded, cellrig::TimePoint now) {
  return CELLRIG_JOIN(__real_, CELLRIG_CHECK)(self, cellrig::mutated(seen, commanded, now), cellrig::mutated(commanded), now);
}

const cellrig::TripCause& __real__ZN7cellrig16SafetySupervisor4tripERKNS_9TripCauseE(Supervisor*, const cellrig::TripCause&);
const cellrig::TripCause& __wrap__ZN7cellrig16SafetySupervisor4tripERKNS_9TripCauseE(Supervisor* self,
                                                                                     const cellrig::TripCause& cause) {
  if (cellrig::is_kept_quiet(cause.hazard)) return cause;
  return __real__ZN7cellrig16SafetySupervisor4tripERKNS_9TripCauseE(self, cause);
}

bool __real__ZN7cellrig10is_thermalENS_6HazardE(cellrig::Hazard);
bool __wrap__ZN7cellrig10is_thermalENS_6HazardE(cellrig::Hazard hazard) {
  return !cellrig::is("whole_chamber", "removed") && __real__ZN7cellrig10is_thermalENS_6HazardE(hazard);
}
bool __real__ZN7cellrig12sounds_sirenENS_6HazardE(cellrig::Hazard);
bool __wrap__ZN7cellrig12sounds_sirenENS_6HazardE(cellrig::Hazard hazard) {
  return !cellrig::is("siren", "removed") && __real__ZN7cellrig12sounds_sirenENS_6HazardE(hazard);
}
bool __real__ZN7cellrig21is_instrument_failureENS_6HazardE(cellrig::Hazard);
bool __wrap__ZN7cellrig21is_instrument_failureENS_6HazardE(cellrig::Hazard hazard) {
  return !cellrig::is("instrument_failure", "removed") && __real__ZN7cellrig21is_instrument_failureENS_6HazardE(hazard);
}

void CELLRIG_JOIN(__real_, CELLRIG_CHAMBER)(cellrig::ChamberWatch*, const cellrig::ChamberRamp&,
                                            const cellrig::ChamberWatch::Range&, const cellrig::ChamberWatchOptions&);
void CELLRIG_JOIN(__wrap_, CELLRIG_CHAMBER)(cellrig::ChamberWatch* self, const cellrig::ChamberRamp& ramp,
                                            const cellrig::ChamberWatch::Range& limits,
                                            const cellrig::ChamberWatchOptions& options) {
  CELLRIG_JOIN(__real_, CELLRIG_CHAMBER)(self, ramp, limits, cellrig::mutated(options));
}
}
