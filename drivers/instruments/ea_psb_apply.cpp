// EaPsbCycler: putting a set-point into force, and turning the output off.
#include <algorithm>
#include <array>
#include <cmath>

#include "drivers/instruments/ea_psb.hpp"
#include "drivers/scpi/codec.hpp"

namespace cellrig {
namespace {

/// Public drivers wait 50 ms before they read back; how long a unit really needs is unverified.
constexpr Duration readback_lag_max = std::chrono::milliseconds{250};

constexpr std::array<ea_psb::SetValue, 4> adjustable{ea_psb::sink_power, ea_psb::sink_current, ea_psb::source_current,
                                                     ea_psb::source_power};

bool holds(std::span<const std::uint16_t> held, const ea_psb::Settings& settings) {
  using namespace ea_psb;
  return held[sink_power] == settings.sink_power && held[sink_current] == settings.sink_current &&
         held[voltage] == settings.voltage && held[source_current] == settings.source_current &&
         held[source_power] == settings.source_power &&
         (!settings.sink_resistance || held[sink_resistance] == *settings.sink_resistance);
}

}  // namespace

Task<Result<void>> EaPsbCycler::apply(const Setpoint& setpoint, Deadline deadline) {
  const CallScope in_call{calls_};
  const Result<Call> begun = begin(deadline);
  if (!begun) co_return begun.error();
  const Call call = *begun;
  if (!armed_) co_return refused("protections are not armed");
  const Result<ea_psb::Settings> settings = ea_psb::plan_setpoint(setpoint, model_, armed_->protections);
  if (!settings) co_return settings.error();
  const Result<ea_psb::State> before = co_await ready_for_setpoint(call);
  if (!before) co_return before.error();
  if (!before->output_on) {
    current_is_bounded_by(Amps{0.0});
    in_force_.reset();  // it goes on by way of no current, whoever switched it off
  }
  current_may_reach(settings->current_max);
  const Result<void> done = co_await put_into_force(call, *settings);
  if (done) current_is_bounded_by(settings->current_max);
  if (done || done.error().fault != Fault::refused) co_return done;
  const Result<Status> status = co_await read_status(call);
  if (status && status->state.alarm) co_return tripped(status->state, "");  // it takes nothing until that is acknowledged
  co_return done;
}

Task<Result<void>> EaPsbCycler::put_into_force(Call call, const ea_psb::Settings& settings) {
  const bool is_small = is_small_change(settings);
  const std::optional<ea_psb::SetValue> one = is_small ? changed_value(settings) : std::nullopt;
  in_force_.reset();
  Result<void> done;
  if (!is_small) done = co_await write_settings(call, settings);
  if (one) done = co_await write(call, set_value_address(*one), ea_psb::raw_of(settings, *one));
  if (!done) co_return done;
  done = co_await verify_settings(call, settings);
  if (!done) co_return done;
  done = co_await switch_on(call);
  if (done) in_force_ = settings;
  co_return done;
}

/// Another current or power under the voltage that is held is one write, or none where the instrument's counts are the same, and what
/// flows is not interrupted. Everything else goes by way of no current; also after any doubt about what is in force.
bool EaPsbCycler::is_small_change(const ea_psb::Settings& settings) const {
  using namespace ea_psb;
  if (!in_force_ || verify_needed_ || resistance_mode_ || settings.sink_resistance || in_force_->sink_resistance) return false;
  if (settings.voltage != in_force_->voltage) return false;
  int changes = 0;
  for (const SetValue which : adjustable) changes += raw_of(settings, which) != raw_of(*in_force_, which) ? 1 : 0;
  return changes <= 1;
}

std::optional<ea_psb::SetValue> EaPsbCycler::changed_value(const ea_psb::Settings& settings) const {
  for (const ea_psb::SetValue which : adjustable) {
    if (ea_psb::raw_of(settings, which) != ea_psb::raw_of(*in_force_, which)) return which;
  }
  return std::nullopt;
}

Error EaPsbCycler::tripped(const ea_psb::State& state, std::string_view more) const {
  return failure(Fault::protection_tripped, "alarm: " + std::string(state.alarm_cause) + std::string(more));
}

/// Remote still held, no alarm, and after any trouble on the link: protections and watchdog still as armed.
Task<Result<ea_psb::State>> EaPsbCycler::ready_for_setpoint(Call call) {
  const Result<Status> status = co_await read_status(call);
  if (!status) co_return status.error();
  if (!status->state.remote) co_return refused("it is no longer under remote control; protections must be armed again");
  if (status->state.alarm) co_return tripped(status->state, "");
  if (verify_needed_) {
    const Result<void> verified = co_await verify_armed(call);
    if (!verified) co_return verified.error();
  }
  co_return status->state;
}

// Safe after each single write: no current in either direction until everything that bounds it is in place.
Task<Result<void>> EaPsbCycler::write_settings(Call call, const ea_psb::Settings& settings) {
  using namespace ea_psb;
  struct Step {
    SetValue which;
    std::uint16_t raw;
  };
  constexpr std::array<SetValue, 2> currents{sink_current, source_current};
  for (const SetValue current : currents) {
    const Result<void> zeroed = co_await write(call, set_value_address(current), 0);
    if (!zeroed) co_return zeroed;
  }
  const bool wants_resistance = settings.sink_resistance.has_value();
  if (wants_resistance != resistance_mode_) {
    const Result<void> switched = co_await write_coil(call, model_.registers.resistance_mode_coil, wants_resistance);
    if (!switched) co_return switched;
    resistance_mode_ = wants_resistance;
  }
  const std::array<Step, 6> steps{
      Step{voltage, settings.voltage},           Step{sink_power, settings.sink_power},
      Step{source_power, settings.source_power}, Step{sink_resistance, settings.sink_resistance.value_or(0)},
      Step{sink_current, settings.sink_current}, Step{source_current, settings.source_current}};
  for (const Step& step : steps) {
    const bool is_current = step.which == sink_current || step.which == source_current;
    if (is_current && step.raw == 0) continue;  // is zero already
    if (step.which == sink_resistance && !wants_resistance) continue;
    const Result<void> written = co_await write(call, set_value_address(step.which), step.raw);
    if (!written) co_return written;
  }
  co_return Result<void>{};
}

// A read-back may lag behind its write: it is asked again, for a while, before it is taken for a refusal.
Task<Result<void>> EaPsbCycler::verify_settings(Call call, const ea_psb::Settings& settings) {
  SetValues held{};
  const std::size_t count = settings.sink_resistance ? 7 : 5;  // the resistances stand at the end
  const std::span<std::uint16_t> wanted = std::span{held}.first(count);
  const TimePoint give_up = time_.now() + readback_lag_max;
  while (true) {
    const Result<void> done = co_await read(call, model_.registers.set_values, wanted);
    if (!done) co_return done;
    if (holds(held, settings)) break;
    if (time_.now() >= give_up) co_return refused("it does not hold the set-point it was given");
    const Result<void> paused = co_await pause(call, state_poll);
    if (!paused) co_return paused;
  }
  if (settings.sink_resistance) {
    const Result<bool> mode = co_await read_coil(call, model_.registers.resistance_mode_coil);
    if (!mode) co_return mode.error();
    if (!*mode) co_return refused("it did not enter resistance mode");
  }
  co_return Result<void>{};
}

Task<Result<void>> EaPsbCycler::switch_on(Call call) {
  Result<Status> status = co_await read_status(call);
  if (!status) co_return status.error();
  if (!status->state.output_on) {
    const Result<void> written = co_await write_coil(call, model_.registers.output_coil, true);
    if (!written) co_return written;
  }
  while (true) {
    status = co_await read_status(call);
    if (!status) co_return status.error();
    const ea_psb::State& state = status->state;
    if (state.alarm) co_return tripped(state, "");
    if (!state.remote) co_return refused("remote control was lost while the output was switched on");
    if (state.output_on) co_return Result<void>{};
    const Result<void> paused = co_await pause(call, state_poll);
    if (!paused) co_return failure(paused.error().fault, "the output does not go on");
  }
}

void EaPsbCycler::cut_calls() {
  verify_needed_ = true;
  in_force_.reset();
  bus_->cut();
  scpi_.cut();
}

/// Modbus and SCPI in turn.
Task<Result<void>> EaPsbCycler::off_by(int path, Deadline attempt) {
  in_force_.reset();
  const Call call = call_of_off(attempt);
  if (path == 0) co_return co_await off_by_modbus(call);
  co_return co_await off_by_scpi(call);
}

// Being refused is no failure by itself: out of remote mode the instrument refuses, and may be off all the same.
// Its state decides.
Task<Result<void>> EaPsbCycler::off_by_modbus(Call call) {
  const ModbusBus::Urgent urgent{*bus_};
  const modbus::PercentScale current{model_.nominal_current.value(), ea_psb::raw_full_scale};
  while (true) {
    // Again in every round: an instrument that says "off" while current flows may have come on behind its own back.
    const Result<void> written = co_await write_coil(call, model_.registers.output_coil, false);
    if (!written && written.error().fault != Fault::refused && written.error().fault != Fault::busy) co_return written;
    const Result<Status> status = co_await read_status(call);
    if (!status) co_return status.error();
    const ea_psb::State& state = status->state;
    const bool current_is_gone =
        state.current_raw != ea_psb::raw_saturated && current.to_value(state.current_raw) < off_current_threshold().value();
    if (!state.output_on && current_is_gone) co_return Result<void>{};
    if (state.output_on && !state.remote) {
      // A refusal here is the panel's lock; the next round writes, looks and asks again.
      const Result<void> taken = co_await write_coil(call, model_.registers.remote_coil, true);
      if (!taken && taken.error().fault != Fault::refused && taken.error().fault != Fault::busy) co_return taken;
    }
    const Result<void> paused = co_await pause(call, state_poll);
    if (paused) continue;
    if (paused.error().fault == Fault::interrupted) co_return paused;
    co_return failure(Fault::device_fault,
                      state.output_on ? "the output does not go off" : "the output is off, but current flows");
  }
}

Task<Result<void>> EaPsbCycler::off_by_scpi(Call call) {
  while (true) {
    Result<std::string> reply = co_await ask(call, "OUTP OFF;OUTP?");
    if (!reply) co_return reply.error();
    const Result<bool> on = scpi::parse_boolean(*reply);
    if (!on) co_return misunderstood(on.error());
    if (*on) {  // out of remote mode the command is ignored
      reply = co_await ask(call, "SYST:LOCK ON;*STB?");
      if (!reply) co_return reply.error();
    } else {
      reply = co_await ask(call, "MEAS:CURR?");
      if (!reply) co_return reply.error();
      const Result<scpi::Number> current = scpi::parse_number(*reply, "A");
      if (!current) co_return misunderstood(current.error());
      if (current->quality == Quality::good && std::abs(current->value) < off_current_threshold().value())
        co_return Result<void>{};
    }
    const Result<void> paused = co_await pause(call, state_poll);
    if (paused) continue;
    if (paused.error().fault == Fault::interrupted) co_return paused;
    co_return failure(Fault::device_fault, "the output does not go off");
  }
}

}  // namespace cellrig
