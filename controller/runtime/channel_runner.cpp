#include "controller/runtime/channel_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "controller/base/overloaded.hpp"
#include "controller/runtime/constants.hpp"

namespace cellrig {
namespace {

/// No measurement may outlast a third of the age limit.
constexpr int measure_share_of_age_limit = 3;
constexpr Duration apply_timeout = std::chrono::seconds{5};
constexpr Duration measure_retry = std::chrono::milliseconds{50};
constexpr Duration long_rest_after = std::chrono::seconds{60};
constexpr Duration limits_settling = std::chrono::seconds{2};  ///< as the supervisor gives a command

int direction_of(const Step& step) {
  switch (step.direction) {
    case StepDirection::charge: return +1;
    case StepDirection::discharge: return -1;
    case StepDirection::none: return 0;
  }
  return 0;
}

/// A course charges and discharges in one step: its set-point tells.
int direction_of(const Step* step, const Setpoint& setpoint) {
  if (step == nullptr) return 0;
  if (!step->course) return direction_of(*step);
  const CurrentBounds bounds = current_bounds(setpoint);
  const bool charges = bounds.charge > Amps{}, discharges = bounds.discharge > Amps{};
  return charges == discharges ? 0 : charges ? +1 : -1;
}

/// A current that is known only when its step begins must nest within the limits as `check` wants it of the others.
Amps nested(Amps limit, const CyclerCapabilities& cycler) {
  return limit - Amps{cycler.current_accuracy.bound_at(limit.value()) + cycler.current_resolution.value()};
}

MachineOptions machine_options(const ChannelParts& parts, const SafetyLimits& limits, const ChannelOptions& options) {
  const CyclerCapabilities& cycler = parts.cycler->capabilities();
  MachineOptions made;
  made.gap_limit =
      std::max<Duration>(age_limit_min, age_limit_periods * std::max(options.control_period, options.control_period_long_rest));
  made.charge_max = std::min(nested(limits.charge_current_max, cycler), cycler.charge_current_max);
  made.discharge_max = std::min(nested(limits.discharge_current_max, cycler), cycler.discharge_current_max);
  made.current_min = std::max(cycler.current_limit_min, cycler.current_resolution);
  if (cycler.power_max > Watts{}) made.power_max = cycler.power_max;
  return made;
}

bool needs_instrument(const ChannelOutput& o) {
  return std::holds_alternative<output::Apply>(o) || std::holds_alternative<output::OutputOff>(o);
}

}  // namespace

ChannelRunner::ChannelRunner(TimeSource& time, const ChannelParts& parts, const Program& program, const ChannelOptions& options,
                             db::Recorder& recorder, RunListener& listener)
    : time_{time},
      parts_{parts},
      program_{program},
      limits_{tighter(program.limits, parts.limits)},
      options_{options},
      listener_{listener},
      machine_{program, machine_options(parts, limits_, options)},
      record_{recorder, program},
      interlocks_(parts.interlock_modules),
      wake_{time},
      look_after_wake_{time},
      charge_since_{parts.cycler->capabilities().charge_current_max},
      urgent_{time} {}

// ---- limits of time -------------------------------------------------------------------------------------------------

Duration ChannelRunner::period() const {
  const ChannelState& state = machine_.state();
  // Others may have the chamber for days.
  if (state.phase == Phase::awaiting_chamber && !commanded_.output_on) return options_.control_period_off;
  if (state.phase != Phase::running || machine_.output_wanted()) return options_.control_period;
  const bool long_rest =
      time_.now() - state.step.started >= long_rest_after && machine_.wakeup(time_.now()) - time_.now() >= long_rest_after;
  return long_rest ? options_.control_period_long_rest : options_.control_period_off;
}

Duration ChannelRunner::age_limit() const {
  const Duration longest = machine_.output_wanted() || commanded_.output_on
                               ? options_.control_period
                               : std::max(options_.control_period_off, options_.control_period_long_rest);
  return std::max<Duration>(age_limit_min, age_limit_periods * longest);
}

Deadline ChannelRunner::measure_deadline() const {
  const TimePoint now = time_.now();
  const Duration limit = age_limit();
  const TimePoint soon = now + limit / measure_share_of_age_limit;
  const TimePoint too_old = last_good_ + limit + std::chrono::milliseconds{1};
  return Deadline{too_old > now ? std::min(soon, too_old) : soon};
}

SupervisorOptions ChannelRunner::supervisor_options() const {
  const Accuracy& accuracy = parts_.cycler->capabilities().current_accuracy;
  SupervisorOptions options;
  options.age_limit = age_limit();
  options.temperature_age_limit = std::max<Duration>(age_limit_min, age_limit_periods * options_.sensor_period);
  options.cell_temperature_required = parts_.has_cell_temperature;
  options.sensor_age_limit = options.temperature_age_limit;
  options.interlock_required = parts_.interlock_modules > 0;
  options.interlock_age_limit = options_.interlock_age_limit();
  options.current_noise = Amps{std::max(2 * accuracy.offset, parts_.cycler->off_current_threshold().value())};
  options.leak.capacity = options_.nominal_capacity;
  options.energy.capacity = options_.nominal_capacity;
  options.frozen_charge_max = limits_.still_share * options_.nominal_capacity;
  return options;
}

// ---- the run --------------------------------------------------------------------------------------------------------

Task<void> ChannelRunner::run(db::RunKey run) {
  begin(run);
  co_await first_look();
  if (program_.pulse_resistance && is_to_go_on() && !must_be_off()) co_await check_pulse();
  ChannelInput start{input::Start{}};
  if (continuation_ != nullptr) {
    const Interrupted& from = continuation_->run;
    start = input::GoOn{continuation_->rule, !from.waits_for_person(), continuation_->stays_paused};
    if (from.waits_for_person()) reason_ = "a trip that nobody has acknowledged: " + from.trip;
  }
  co_await perform(start);
  co_await control_loop();
  running_ = false;
  waits_.clear();
  co_await urgent_.wait();  // they refer to this object
  if (door_ != nullptr) door_->leave(safe_by_ != SafeBy::nothing);
  co_await give_back();
  tell_late_off();
  record_end();
  has_ended_ = true;
  charge_since_.begin(time_.now());
  look_after_wake_.wake();
}

/// Nothing is switched on before the supervisor has seen a measurement of its own.
Task<void> ChannelRunner::first_look() {
  while (!must_be_off() && !tripped(std::nullopt)) {
    last_cycle_ = time_.now();
    const Deadline deadline = measure_deadline();
    const Result<CyclerReadings> readings = co_await parts_.cycler->measure(deadline);
    if (readings) {
      merge(*readings);
      (void)tripped(*readings);
      co_return;
    }
    co_await time_.sleep_for(measure_retry);
  }
}

void ChannelRunner::record_end() {
  if (machine_.state().phase != Phase::finished) return;
  record_.finished(output::Finished{outcome_, criteria_met()}, reason_, time_.now(), time_.utc_now());
}

/// The contactor opens, the cycler is given back. What can't be confirmed here makes the run a failure, whatever it was before.
Task<void> ChannelRunner::give_back() {
  last_cycle_ = time_.now();
  if (parts_.relays != nullptr) {
    const Deadline deadline{time_.now() + std::chrono::seconds{1}};
    const bool opened = co_await open_contactor(deadline);
    if (!opened) count_as_failed("the contactor did not confirm that it opened");
  }
  if (safe_by_ != SafeBy::instrument || hurry_) co_return;
  const Deadline deadline{time_.now() + std::chrono::seconds{2}};
  const Result<void> released = co_await parts_.cycler->release(deadline);
  was_given_back_ = released.has_value();
  if (released) co_return;
  say(db::Severity::warning, "instrument", "could not give the cycler back: " + released.error().what);
  last_cycle_ = time_.now();
  const SafeBy safe = co_await make_safe();
  if (safe != SafeBy::instrument) count_as_failed("the output was no longer confirmed off at the end");
}

Task<void> ChannelRunner::control_loop() {
  TimePoint next = time_.now();
  while (machine_.state().phase != Phase::finished) {
    if (!std::exchange(tick_now_, false) && !must_be_off()) {
      const TimePoint due = std::min(next, machine_.wakeup(time_.now()));
      co_await wake_.until(due);
    }
    last_cycle_ = time_.now();
    if (must_be_off()) {
      co_await end_after_trip();
      continue;
    }
    if (ordered_) {
      co_await carry_out_order();
      continue;
    }
    // What comes from outside may lead to a set-point at once: it is decided on a measurement of now.
    if (granted_ || is_confirmed_) co_await first_look();
    if (must_be_off()) continue;
    if (granted_) {
      const ChannelInput grant{input::ChamberGranted{*granted_}};
      granted_.reset();
      point_is_due_ = true;  // from here on it holds the temperature
      co_await perform(grant);
      continue;
    }
    if (std::exchange(is_confirmed_, false)) {
      const ChannelInput confirmed{input::Confirmed{}};
      co_await perform(confirmed);
      continue;
    }
    if (time_.now() >= next) {
      listener_.cycle_begins(parts_.name, time_.now() - next);
      next += period();
      if (next <= time_.now()) {
        periods_missed_ += static_cast<std::uint64_t>((time_.now() - next) / period()) + 1;
        next = time_.now() + period();
      }
    }
    co_await control_cycle();
    next = std::min(next, time_.now() + period());
  }
}

Task<void> ChannelRunner::control_cycle() {
  // Before asking again: a gap of our own (a slow command, SIGSTOP, suspend) must not be hidden by the fresh answer after it.
  if (tripped(std::nullopt)) {
    co_await end_after_trip();
    co_return;
  }
  watch_clock();
  const Deadline deadline = measure_deadline();
  const Result<CyclerReadings> readings = co_await parts_.cycler->measure(deadline);
  // And again: a gap inside the exchange ends with an answer that looks half as old as it is.
  if (tripped(std::nullopt)) {
    co_await end_after_trip();
    co_return;
  }
  std::optional<CyclerReadings> fresh;
  if (readings) {
    fresh = *readings;
    merge(*fresh);
    unseen_since_on_ = commanded_.output_on;
    choose_limits(fresh->voltage.at);
    measure_failures_ = 0;
  } else if (readings.error().fault != Fault::interrupted && ++measure_failures_ == 1) {
    say(db::Severity::warning, "instrument", "measurement failed: " + readings.error().what);
  }
  if (tripped(fresh)) {
    co_await end_after_trip();
    co_return;
  }
  if (!fresh || must_be_off()) co_return;
  ++samples_;
  // A voltage or a current that the supervisor doubts ends no step; the next sample tells.
  if (!supervisor_->is_in_doubt()) {
    const std::uint64_t step_count = machine_.state().step_count;
    const bool is_command_due = observe();
    look_at_step(step_count);
    if (is_command_due) co_await perform_outputs();
  }
  listener_.sample(view());
  if ((record_.failed() || record_.behind() > db::behind_max) && !stop_requested_) {
    reason_ = record_.failed() ? "the record could not be kept: " + record_.failure()
                               : fmt::format("the record could not be kept: its disk has not answered for {:.0f} s",
                                             to_seconds(record_.behind()));
    listener_.message(parts_.name, db::Severity::alarm, reason_);
    stop(Outcome::record_failure);
  }
}

/// The hot path: most observations need no command. True: outputs_ holds one.
bool ChannelRunner::observe() {
  machine_.on(input::Observed{observation_}, time_.now(), outputs_);
  const bool is_row = std::any_of(outputs_.begin(), outputs_.end(),
                                  [](const ChannelOutput& o) { return std::holds_alternative<output::Record>(o); });
  if (record_.holds_back() && !is_row) hold_back();
  if (std::any_of(outputs_.begin(), outputs_.end(), needs_instrument)) return true;
  (void)note_until_command(outputs_.begin());
  return false;
}

/// What is no row now may become one by what comes next. Of a step that ends the last measurement is a row.
void ChannelRunner::hold_back() {
  const StepState& state = machine_.state().step;
  if (machine_.state().phase != Phase::running || observation_[Measurand::voltage].at < state.started) return;
  record_.hold_back(observation_, state.moved - state.before.moved);
}

/// What needs no instrument, up to the next command: stored together with the resume point it leads to.
const ChannelOutput* ChannelRunner::note_until_command(const ChannelOutput* at) {
  const ChannelRecord::Together together(record_);
  for (; at != outputs_.end() && !needs_instrument(*at); ++at) note(*at);
  keep_point();
  return at;
}

void ChannelRunner::merge(const CyclerReadings& readings) {
  observation_[Measurand::voltage] = readings.voltage;
  observation_[Measurand::current] = readings.current;
  observation_.regulation = readings.regulation;
  observation_.output_on = readings.output_on;
  last_good_ = readings.voltage.at;
  if (readings.current.usable()) current_seen_at_ = readings.current.at;
  watch_jump();
}

bool ChannelRunner::tripped(const std::optional<CyclerReadings>& fresh) {
  const TimePoint now = time_.now();
  supervisor_->set_age_limit(age_limit());
  const Duration asleep = time_.suspended() - suspended_;
  if (!(asleep < age_limit())) {
    supervisor_->trip(TripCause{Hazard::stale_reading, Measurand::voltage, to_seconds(asleep), to_seconds(age_limit()), now});
  }
  if (supervisor_->check(observation_, commanded_, now)) return true;
  if (!fresh || fresh->voltage.at < commanded_.since) return false;
  // With the output off, too: the OFF at the end of a step may come a moment after the protection.
  if (fresh->tripped) {
    trip_by_instrument(Hazard::instrument_protection);
  } else if (commanded_.output_on && !fresh->remote) {
    trip_by_instrument(Hazard::instrument_lost_remote);
  } else if (commanded_.output_on && !fresh->output_on) {
    trip_by_instrument(Hazard::instrument_protection);
  }
  return supervisor_->tripped().has_value();
}

/// A step's own limits on current and voltage hold for what was measured while its set-point was in force and has settled: what the step
/// before left is none of its business. Those on temperatures and on sensors hold before its current flows. Those of cell and profile hold
/// all the time.
void ChannelRunner::choose_limits(TimePoint measured) {
  const Step* const step = machine_.current_step();
  const ChannelState& state = machine_.state();
  const bool is_running = state.phase == Phase::running;
  const bool is_in_force = step != nullptr && step->limits && (is_running || state.phase == Phase::applying);
  const bool has_settled = is_in_force && is_running && measured >= state.step.started + limits_settling;
  const SafetyLimits* const wanted = is_in_force ? &*step->limits : nullptr;
  if (wanted == step_limits_ && has_settled == step_limits_have_settled_) return;
  step_limits_ = wanted;
  step_limits_have_settled_ = has_settled;
  supervisor_->set_limits(limits_now());
}

void ChannelRunner::trip_by_instrument(Hazard hazard) {
  supervisor_->trip(TripCause{hazard, Measurand::voltage, observation_[Measurand::voltage].value, 0.0, time_.now()});
}

// ---- performing -----------------------------------------------------------------------------------------------------

Task<void> ChannelRunner::perform(ChannelInput in) {
  machine_.on(in, time_.now(), outputs_);
  co_await perform_outputs();
}

/// outputs_ is not touched by anybody else while a command is under way: a stop or trip only sets a flag and switches off.
Task<void> ChannelRunner::perform_outputs() {
  for (;;) {
    std::optional<ChannelInput> answer;
    const ChannelOutput* next = note_until_command(outputs_.begin());
    while (next != outputs_.end()) {
      if (must_be_off()) co_return;  // what was decided before the stop is not carried out after it
      answer = co_await perform_command(*next);
      if (must_be_off()) co_return;
      if (!std::get<input::Acknowledged>(*answer).succeeded) break;  // a chamber is not asked for while the output may be on
      next = note_until_command(next + 1);
    }
    if (!answer) co_return;
    tick_now_ = true;  // the first sample of a step follows its acknowledgement at once
    machine_.on(*answer, time_.now(), outputs_);
    ask_person();
    // Nothing is measured for the record while it waits: that nothing flows must stand in it now.
    point_is_due_ = point_is_due_ || machine_.state().phase == Phase::awaiting_chamber;
  }
}

/// The voltage that a course holds now; nothing: it steers the current, or there is no course.
std::optional<double> ChannelRunner::swept_voltage(const Setpoint& setpoint) const {
  const Step* const step = machine_.current_step();
  const ConstantVoltage* const held = std::get_if<ConstantVoltage>(&setpoint);
  return step != nullptr && step->course && held != nullptr ? std::optional{held->voltage.value()} : std::nullopt;
}

bool ChannelRunner::is_small_sweep(const Setpoint& setpoint) const {
  constexpr double small_V = 0.01;
  const std::optional<double> now = swept_voltage(setpoint);
  return now && swept_V_ && std::abs(*now - *swept_V_) < small_V;
}

Task<void> ChannelRunner::perform_apply(Setpoint setpoint, int direction) {
  applied_ = false;
  choose_limits(last_good_);  // those of the step before are over
  const CurrentBounds bounds = current_bounds(setpoint);
  // Within a step that runs a limit may be left for as long as it may, also where a pulse train has its output off.
  const bool is_under_way = commanded_.output_on || machine_.state().phase == Phase::running;
  if (supervisor_->check_before(direction, bounds, observation_, time_.now(), is_under_way)) co_return;
  // Nothing is measured meanwhile: it must be done before the readings it was decided on are too old.
  const TimePoint too_old = last_good_ + age_limit() + std::chrono::milliseconds{1};
  const Deadline deadline{std::min(time_.now() + apply_timeout, too_old)};
  // Judged as "either direction" until the instrument holds the new set-point.
  const Commanded before = commanded_;
  commanded_ = Commanded{true, deadline.at, 0};
  safe_by_ = SafeBy::nothing;
  on_uncertain_ = unseen_since_on_ = true;
  const Result<void> done = co_await parts_.cycler->apply(setpoint, deadline);
  applied_ = done.has_value();
  if (applied_) {
    on_uncertain_ = false;
    commanded_ = Commanded{true, time_.now(), direction, {}, !std::holds_alternative<ConstantCurrent>(setpoint), bounds};
    // Another value in the same direction: what is judged by sign and by time goes on. A sweep of the voltage hardly changes what flows.
    if (before.output_on && before.direction == direction) {
      commanded_.since = before.since;
      commanded_.changed = is_small_sweep(setpoint) ? before.changed : time_.now();
    }
    swept_V_ = swept_voltage(setpoint);
  } else if (const bool is_trip = done.error().fault == Fault::protection_tripped; is_trip || !must_be_off()) {
    const std::string what = "set-point not accepted: " + done.error().what;
    if (!must_be_off()) reason_ = what;
    say(db::Severity::alarm, "instrument", what);
    // Whichever exchange told it, a protection that tripped is a trip; also to somebody who has just asked for a stop.
    if (is_trip) trip_by_instrument(Hazard::instrument_protection);
  }
}

Task<std::optional<ChannelInput>> ChannelRunner::perform_command(const ChannelOutput& o) {
  if (const output::Apply* const apply = std::get_if<output::Apply>(&o)) {
    co_await perform_apply(apply->setpoint, direction_of(machine_.current_step(), apply->setpoint));
    const input::Acknowledged answer{apply->command, applied_};
    co_return std::optional<ChannelInput>(answer);
  }
  const std::uint32_t command = std::get<output::OutputOff>(o).command;
  const SafeBy safe = co_await make_safe();
  if (!must_be_off()) note_off(safe);
  const input::Acknowledged answer{command, safe == SafeBy::instrument};
  co_return std::optional<ChannelInput>(answer);
}

void ChannelRunner::note(const ChannelInput& in) {
  const ChannelRecord::Together together(record_);
  machine_.on(in, time_.now(), outputs_);
  for (const ChannelOutput& o : outputs_) {
    if (!needs_instrument(o)) note(o);
  }
  keep_point();
}

void ChannelRunner::note(const ChannelOutput& o) {
  const TimePoint now = time_.now();
  std::visit(overloaded{
                 [&](const output::StepStarted& e) {
                   std::optional<Detour> detour;
                   if (follower_) detour = follower_->begin_step(e.instruction, e.continues, machine_.state());
                   record_.step_started(e, machine_.state(), now, time_.utc_now(),
                                        follower_ ? follower_->compared_with() : std::nullopt);
                   note_detour(detour);
                   point_is_due_ = true;
                   listener_.step_started(view());
                 },
                 [](const output::Apply&) {}, [](const output::OutputOff&) {},
                 [&](const output::RequestChamber& e) {
                   if (door_ != nullptr) return door_->request(e.request, e.temperature, e.since);
                   reason_ = "a step asks for a temperature and the channel has no chamber";
                   stop(Outcome::instrument_failure);
                 },
                 [&](const output::Record& e) { record_.sample(e, observation_); },
                 [&](const output::StepEnded& e) { note_end(e); }, [&](const output::CycleEnded& e) { record_.cycle_ended(e); },
                 [&](const output::CriterionJudged& e) { record_.criterion(e, now, time_.utc_now()); },
                 [&](const output::StopHeld& e) { record_.stop_held(e, now, time_.utc_now()); },
                 [&](const output::LoopLeft& e) { record_.loop_left(e, now, time_.utc_now()); },
                 [&](const output::VariableSet& e) { record_.variable_set(e, now, time_.utc_now()); },
                 [&](const output::Marked& e) { record_.marked(e, now, time_.utc_now()); },
                 [&](const output::DiagnosticsBegun& e) { record_.diagnostics_begun(e, now, time_.utc_now()); },
                 [&](const output::Unusable& e) {
                   reason_ = record_.why_unusable(e);
                   say(db::Severity::alarm, "step failed", reason_);
                 },
                 [&](const output::Finished& e) { outcome_ = e.outcome; },  // recorded when the instruments are given back
             },
             o);
}

}  // namespace cellrig
