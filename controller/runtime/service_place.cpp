#include "controller/runtime/service_place.hpp"

#include <fmt/format.h>

#include <cmath>

#include "controller/runtime/channel_record.hpp"

namespace cellrig {
namespace {

std::optional<double> value_of_reading(const Observation& observation, Measurand measurand) {
  const Reading& reading = observation[measurand];
  return reading.usable() ? std::optional{reading.value} : std::nullopt;
}

const char* regulation_text(Regulation regulation) {
  switch (regulation) {
    case Regulation::off: return "off";
    case Regulation::constant_current: return "cc";
    case Regulation::constant_voltage: return "cv";
    case Regulation::constant_power: return "cp";
    case Regulation::constant_resistance: return "cr";
  }
  return "off";
}

ChannelCondition condition_of_run(const ChannelRunner& runner) {
  if (runner.is_stopping()) return ChannelCondition::stopping;
  const Step* const step = runner.current_step();
  switch (runner.state().phase) {
    case Phase::idle: return ChannelCondition::starting;
    case Phase::awaiting_chamber: return ChannelCondition::waiting;
    case Phase::pausing:
    case Phase::paused: return ChannelCondition::paused;
    case Phase::stopping:
    case Phase::tripped:
    case Phase::finished: return ChannelCondition::stopping;
    case Phase::applying:
    case Phase::running: break;
  }
  if (step != nullptr && step->person && step->person->is_confirmed) return ChannelCondition::waiting;
  const bool is_rest = step != nullptr && !step->setpoint && !step->course;
  return is_rest ? ChannelCondition::resting : ChannelCondition::running;
}

ChannelCondition condition_of_end(const Place& place) {
  switch (place.outcome) {
    case Outcome::completed:
    case Outcome::failed: return ChannelCondition::finished;
    case Outcome::stopped: return ChannelCondition::stopped;
    case Outcome::tripped: return place.trip ? ChannelCondition::tripped : ChannelCondition::stopped;
    case Outcome::none:
    case Outcome::instrument_failure:
    case Outcome::record_failure: return ChannelCondition::failed;
  }
  return ChannelCondition::failed;
}

ChannelCondition condition_of(const Place& place) {
  if (const ChannelRunner* const runner = place.runner()) return condition_of_run(*runner);
  if (place.is_not_safe) return ChannelCondition::not_safe;
  switch (place.stage) {
    case Place::Stage::idle: return place.trip ? ChannelCondition::tripped : ChannelCondition::idle;
    case Place::Stage::preparing:
    case Place::Stage::starting:
    case Place::Stage::running: return ChannelCondition::starting;
    case Place::Stage::ended: return condition_of_end(place);
  }
  return ChannelCondition::idle;
}

/// Nothing where a program counts its cycles by itself, or without an end.
std::optional<std::uint64_t> cycles_of(const Program& program) {
  constexpr std::uint64_t endless = 1'000'000;
  std::vector<std::uint64_t> factors{1};
  std::uint64_t cycles = 0;
  for (const Instruction& instruction : program.code) {
    if (std::holds_alternative<AdvanceCycle>(instruction)) return std::nullopt;
    if (const LoopBegin* const loop = std::get_if<LoopBegin>(&instruction)) {
      if (loop->times >= endless || factors.back() >= endless) return std::nullopt;
      factors.push_back(factors.back() * loop->times);
      if (loop->counts_cycles) cycles += factors.back();
    } else if (std::holds_alternative<LoopEnd>(instruction) && factors.size() > 1) {
      factors.pop_back();
    }
  }
  return cycles > 0 ? std::optional{cycles} : std::nullopt;
}

void add_time_left(const Place& place, const ChannelState& state, UtcTime utc, Duration in_step, ChannelStatus& status) {
  ProgramPosition position{.instruction = state.pc, .in_step = in_step};
  for (std::size_t i = 0; i < state.loop_depth; ++i) position.passes.push_back(state.loops[i].passes);
  status.time_left = estimate_remaining(*place.program, place.estimated, position);
  status.ends = UtcTime{utc.ns_since_epoch + status.time_left->count()};
}

void add_run(const Place& place, const ChannelRunner& runner, UtcTime utc, ChannelStatus& status) {
  const ChannelState& state = runner.state();
  const ChannelView view = runner.view();
  status.step_count = state.step_count;
  status.cycle = state.cycle;
  status.soc_pct = view.soc_pct;
  status.charge_Ah = state.step.moved.charge.value();
  status.discharge_Ah = state.step.moved.discharge.value();
  status.criteria_met = runner.criteria_met();
  if (!place.runner()) return;  // what follows is of now
  status.test_time = view.test_time;
  status.step_time = state.phase == Phase::running ? view.step_time : state.step.ran_before_pause;
  status.limits = runner.limits_in_force();
  status.run_limits = runner.limits_of_run();
  if (!view.waits.empty()) status.waits_for = view.waits;
  if (const Step* const step = runner.current_step()) {
    status.step_name = step->name;
    status.step_type = bdf_step_type(*step);
    if (step->person && step->person->is_confirmed && state.phase == Phase::running) status.asks_person = step->person->message;
  }
  if (const std::optional<TripCause> cause = runner.trip_cause()) status.trip = trip_status(*cause);
  add_time_left(place, state, utc, *status.step_time, status);
}

std::string text_of(const ChannelStatus& status, const Place& place) {
  switch (status.condition) {
    case ChannelCondition::idle: return "idle";
    case ChannelCondition::starting: return place.doing.empty() ? "starting" : place.doing;
    case ChannelCondition::running:
    case ChannelCondition::resting: return status.step_name;
    case ChannelCondition::waiting:
      return !status.asks_person.empty() ? "asks: " + status.asks_person
             : !status.waits_for.empty() ? status.waits_for
                                         : "waits for its chamber";
    case ChannelCondition::paused: return "paused in " + status.step_name;
    case ChannelCondition::stopping: return "switching off";
    case ChannelCondition::finished: return place.outcome == Outcome::completed ? "completed" : "ended: " + place.reason;
    case ChannelCondition::stopped: return place.reason.empty() ? "stopped" : place.reason;
    case ChannelCondition::tripped: return status.trip ? status.trip->text : place.reason;
    case ChannelCondition::failed: return place.reason;
    case ChannelCondition::not_safe: return "the output is not known to be off. Go and look.";
  }
  return {};
}

}  // namespace

/// The oldest ones are counted as if they had been told later: then perhaps twice, and never not at all.
void ToldCharge::add(TimePoint now, AmpHours charge) {
  if (!(charge > AmpHours{})) return;
  told_.push_back({now, charge});
  if (told_.size() <= kept_max) return;
  told_[1].charge += told_[0].charge;
  told_.pop_front();
}

AmpHours ToldCharge::since(TimePoint from) const {
  AmpHours sum;
  for (const Told& told : told_) sum += told.at >= from ? told.charge : AmpHours{};
  return sum;
}

std::string what_to_do(Hazard hazard) {
  switch (hazard) {
    case Hazard::over_temperature:
    case Hazard::temperature_rate:
    case Hazard::self_heating:
    case Hazard::unexplained_heat:
    case Hazard::gas:
      return "Keep away from the cell and let it cool. Nobody opens the chamber before the temperature falls and the air is "
             "clear.";
    case Hazard::over_voltage:
    case Hazard::overcharge:
    case Hazard::under_voltage: return "Leave the cell alone until it rests; measure its voltage by hand before it is touched.";
    case Hazard::over_current_charge:
    case Hazard::over_current_discharge:
    case Hazard::off_command:
    case Hazard::wrong_direction:
    case Hazard::current_without_command: return "Look at the wiring and at the cycler's own display; is the output off?";
    case Hazard::under_temperature:
    case Hazard::cold_charging: return "Warm the cell above its limit before it is charged; look at its thermocouple.";
    case Hazard::frozen_reading:
    case Hazard::still_reading:
    case Hazard::stale_reading:
    case Hazard::bad_reading: return "Look at the instrument, its cable and its sensor.";
    case Hazard::instrument_protection: return "Read on the cycler which protection fired, and why.";
    case Hazard::instrument_lost_remote: return "Somebody took the cycler at its panel, or it was switched off: find out who.";
    case Hazard::outside_request: return "Look at the neighbour that tripped first.";
    case Hazard::chamber_failure:
    case Hazard::chamber_runaway:
    case Hazard::chamber_behind: return "Look at the chamber: does it run, is its door closed, does it alarm?";
    case Hazard::interlock_open: return "Close the door or the contact, and look why it opened.";
    case Hazard::stack_pressure: return "Look at the press: the cell swells, or the force is gone.";
    case Hazard::voltage_disagreement: return "Look at the sense leads: two voltmeters at one cell do not agree.";
    case Hazard::open_circuit: return "Look at leads, tabs and fuse: the current found no way.";
    case Hazard::no_rise:
    case Hazard::voltage_step:
    case Hazard::no_taper:
    case Hazard::rest_decay:
    case Hazard::energy_balance:
      return "The cell may have an internal short: leave it in a safe place and watch its temperature before anything else.";
  }
  return "Look at the cell and the bench.";
}

std::string unit_of(Measurand measurand) {
  const std::string name{name_with_unit(measurand)};
  if (measurand == Measurand::interlock) return {};
  return name.substr(name.rfind('_') + 1);
}

TripStatus trip_status(const TripCause& cause) {
  TripStatus trip{
      .hazard = std::string(to_string(cause.hazard)), .text = describe(cause), .what_to_do = what_to_do(cause.hazard)};
  if (std::isfinite(cause.value)) trip.value = cause.value;
  if (std::isfinite(cause.limit)) trip.limit = cause.limit;
  return trip;
}

ChannelStatus channel_status(const Place& place, TimePoint now, UtcTime utc) {
  ChannelStatus status{.channel = place.config.name, .condition = condition_of(place)};
  status.run = place.run;
  status.cell = place.cell;
  status.cell_id = place.cell_id;
  status.profile = place.profile;
  status.operator_name = place.operator_name;
  status.started = place.started;
  status.chamber = place.config.chamber;
  status.trip = place.trip;
  status.reason = place.reason;
  status.criteria_met = place.criteria_met;
  status.is_interrupted = place.is_interrupted && !place.is_busy();
  status.fencing_token = place.token;
  if (place.program) status.cycle_count = cycles_of(*place.program);
  const bool is_on_bench = place.job != nullptr && place.job->runner != nullptr;
  if (is_on_bench && place.stage != Place::Stage::starting) add_run(place, *place.job->runner, utc, status);
  if (place.stage == Place::Stage::preparing || place.stage == Place::Stage::starting) status.waits_for = place.doing;
  const Observation& seen = place.runner() != nullptr ? place.runner()->observation() : place.watch->observation();
  status.voltage_V = value_of_reading(seen, Measurand::voltage);
  status.current_A = value_of_reading(seen, Measurand::current);
  status.cell_temperature_degC = value_of_reading(seen, Measurand::cell_temperature);
  status.ambient_temperature_degC = value_of_reading(seen, Measurand::ambient_temperature);
  status.pressure_MPa = value_of_reading(seen, Measurand::stack_pressure);
  status.gas_ppm = value_of_reading(seen, Measurand::gas);
  const Reading& voltage = seen[Measurand::voltage];
  if (voltage.quality != Quality::missing) {
    status.age = now - voltage.at;
    status.is_output_on = seen.output_on;
    status.regulation = regulation_text(seen.regulation);
  }
  status.text = text_of(status, place);
  return status;
}

}  // namespace cellrig
