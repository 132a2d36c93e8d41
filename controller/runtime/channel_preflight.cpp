// What must be true of a channel before the first ampere.
#include <fmt/format.h>

#include <cmath>

#include "controller/runtime/channel_runner.hpp"
#include "controller/runtime/constants.hpp"
#include "controller/runtime/protections.hpp"

namespace cellrig {
namespace {

constexpr Duration relay_timeout = std::chrono::seconds{2};
constexpr Duration contactor_pause = std::chrono::milliseconds{50};
constexpr Duration measure_pause = std::chrono::milliseconds{5};
constexpr Duration settle_after_contactor = std::chrono::milliseconds{300};
constexpr double plausible_temperature_gap_K = 60.0;

}  // namespace

Task<Result<void>> ChannelRunner::secure() {
  const SafeBy safe = co_await make_safe();
  if (safe == SafeBy::nothing) co_return fail(Fault::device_fault, parts_.name + ": the output could not be confirmed off");
  if (parts_.relays != nullptr) {
    const Deadline deadline{time_.now() + relay_timeout};
    const bool open = co_await open_contactor(deadline);
    if (!open) co_return fail(Fault::device_fault, parts_.name + ": the contactor could not be confirmed open");
  }
  if (safe == SafeBy::watchdog)
    co_return fail(Fault::device_fault, parts_.name + ": the cycler was off only after a silence for its watchdog");
  if (safe == SafeBy::contactor)
    co_return fail(Fault::device_fault, parts_.name + ": the cycler does not confirm OFF; the contactor was opened");
  co_return Result<void>{};
}

Task<Result<InstrumentIdentity>> ChannelRunner::identify() {
  const Deadline deadline{time_.now() + command_timeout};
  Result<InstrumentIdentity> identity = co_await parts_.cycler->identify(deadline);
  co_return identity;
}

Protections ChannelRunner::protections() const {
  return protections_for(limits_, parts_.cycler->capabilities(), options_.watchdog_delay);
}

Task<Result<void>> ChannelRunner::connect_cell() {
  Result<void> sensors = check_sensors();
  if (!sensors) co_return sensors;
  if (!parts_.has_cell_temperature) {
    listener_.message(parts_.name, db::Severity::warning, "no thermocouple on the cell: nothing guards its temperature");
  }
  if (parts_.relays != nullptr) {
    const Deadline deadline{time_.now() + relay_timeout};
    Result<void> closed = co_await parts_.relays->set(parts_.contactor, true, deadline);
    // Another contactor of its module that opens goes first.
    while (!closed && closed.error().fault == Fault::interrupted && time_.now() < deadline.at && !stop_requested_) {
      co_await time_.sleep_for(contactor_pause);
      closed = co_await parts_.relays->set(parts_.contactor, true, deadline);
    }
    if (!closed) co_return Error{closed.error().fault, parts_.name + ": contactor: " + closed.error().what};
    co_await time_.sleep_for(settle_after_contactor);
  }
  Result<void> cell = co_await check_cell();
  co_return cell;
}

Task<Result<void>> ChannelRunner::arm() {
  const Deadline deadline{time_.now() + command_timeout};
  const Protections guards = protections();
  const Result<void> armed = co_await parts_.cycler->arm(guards, deadline);
  if (!armed) co_return Error{armed.error().fault, parts_.name + ": protections not armed: " + armed.error().what};
  co_return Result<void>{};
}

Task<void> ChannelRunner::keep_alive() {
  const Deadline deadline{time_.now() + relay_timeout};
  (void)co_await parts_.cycler->measure(deadline);  // whatever it says, the control loop will ask again
}

Task<void> ChannelRunner::release_unused() {
  const Deadline deadline{time_.now() + relay_timeout};
  const Result<void> released = co_await parts_.cycler->release(deadline);
  if (!released)
    listener_.message(parts_.name, db::Severity::warning, "could not give the cycler back: " + released.error().what);
}

Task<Result<void>> ChannelRunner::check_cell() {
  const Deadline deadline{time_.now() + command_timeout};
  const Result<CyclerReadings> readings = co_await parts_.cycler->measure(deadline);
  if (!readings) co_return Error{readings.error().fault, parts_.name + ": " + readings.error().what};
  if (!readings->voltage.usable() || !readings->current.usable()) co_return refused("the cycler's readings are no numbers");
  if (readings->output_on) co_return refused("the output is on after it was confirmed off");
  if (!(abs(Amps{readings->current.value}) <= parts_.cycler->off_current_threshold())) {
    co_return refused(fmt::format("{:.3f} A flow although the output is off", readings->current.value));
  }
  const double ocv = readings->voltage.value;
  const SafetyLimits& limits = limits_;
  if (ocv < -no_cell_V) co_return refused(fmt::format("the cell is connected with reversed polarity ({:.3f} V)", ocv));
  if (!(ocv >= no_cell_V))
    co_return refused(
        fmt::format("no cell, or one with reversed polarity: {:.3f} V at the sense leads (leads, contactor, fuse?)", ocv));
  if (!(ocv >= limits.voltage_min.value() && ocv <= limits.voltage_max.value())) {
    co_return refused(
        fmt::format("open-circuit voltage {:.3f} V is outside {:.3f} to {:.3f} V: is this the cell of the cell file?", ocv,
                    limits.voltage_min.value(), limits.voltage_max.value()));
  }
  if (options_.expected_charge) {
    const Result<void> charge = judge_charge(*options_.expected_charge, ocv, parts_.cycler->capabilities().voltage_accuracy);
    if (!charge) co_return refused(charge.error().what);
  }
  if (!parts_.has_cell_temperature) co_return Result<void>{};
  const Reading& cell = observation_[Measurand::cell_temperature];
  if (!cell.usable()) co_return refused("the cell's thermocouple gives no temperature (open or not connected?)");
  if (!(cell.value >= limits.cell_temperature_min.value() && cell.value <= limits.cell_temperature_max.value())) {
    co_return refused(fmt::format("the cell is at {:.1f} degC, allowed are {:.1f} to {:.1f} degC", cell.value,
                                  limits.cell_temperature_min.value(), limits.cell_temperature_max.value()));
  }
  const Reading& ambient = observation_[Measurand::ambient_temperature];
  if (parts_.has_ambient_temperature && ambient.usable() &&
      !(std::abs(cell.value - ambient.value) <= plausible_temperature_gap_K)) {
    co_return refused(fmt::format("cell ({:.1f} degC) and air ({:.1f} degC) cannot both be right", cell.value, ambient.value));
  }
  co_return Result<void>{};
}

/// The first current of a run, and all that guards a step guards it.
Task<void> ChannelRunner::check_pulse() {
  const PulseResistance& expected = *program_.pulse_resistance;
  const Reading& voltage = observation_[Measurand::voltage];
  const Reading& current = observation_[Measurand::current];
  ElectricalSample before{voltage.at, Volts{voltage.value}, Amps{current.value}};
  const PulsePlan plan = plan_pulse(expected, {.voltage = before.voltage,
                                               .cell_temperature = observation_[Measurand::cell_temperature],
                                               .limits = limits_,
                                               .nominal_capacity = options_.nominal_capacity,
                                               .noise = supervisor_options().current_noise,
                                               .cycler_current_max = parts_.cycler->capabilities().discharge_current_max});
  if (!plan.why_not.empty()) {
    say(db::Severity::warning, "pulse resistance", "not measured: " + plan.why_not);
    co_return;
  }
  co_await perform_apply(plan.setpoint, -1);
  std::optional<ElectricalSample> after;
  before.at = commanded_.since;
  if (applied_) after = co_await hold_pulse(expected.lasts);
  const SafeBy safe = co_await make_safe();
  if (must_be_off()) co_return;
  note_off(safe);
  if (safe != SafeBy::instrument || !after) {
    stop(Outcome::instrument_failure, "no pulse could be given before the start" + (reason_.empty() ? "" : "; " + reason_));
    co_return;
  }
  const Result<std::string> judged = judge_pulse(expected, plan.setpoint.current, before, *after);
  if (judged) say(db::Severity::info, "pulse resistance", *judged);
  if (!judged) stop(Outcome::instrument_failure, judged.error().what);
  if (record_.failed()) stop(Outcome::record_failure, "the record could not be kept: " + record_.failure());
  if (record_.behind() > db::behind_max) stop(Outcome::record_failure, "the record could not be kept: its disk does not answer");
}

/// Measured as in a step, until the pulse has lasted. Nothing: it had to end earlier, or its end could not be measured.
Task<std::optional<ElectricalSample>> ChannelRunner::hold_pulse(Duration lasts) {
  const TimePoint end = commanded_.since + lasts;
  std::optional<ElectricalSample> last;
  while (!must_be_off() && !tripped(std::nullopt) && (!last || last->at < end)) {
    co_await time_.sleep_for(std::clamp<Duration>(end - time_.now(), measure_pause, options_.control_period));
    if (must_be_off()) break;
    last_cycle_ = time_.now();
    const Deadline deadline = measure_deadline();
    const Result<CyclerReadings> readings = co_await parts_.cycler->measure(deadline);
    if (!readings) continue;  // for how long, its age decides
    merge(*readings);
    if (tripped(*readings)) break;
    last = ElectricalSample{readings->voltage.at, Volts{readings->voltage.value}, Amps{readings->current.value}};
  }
  if (must_be_off()) last.reset();
  co_return last;
}

}  // namespace cellrig
