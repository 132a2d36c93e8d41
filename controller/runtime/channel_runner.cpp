#include "controller/runtime/channel_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "controller/base/overloaded.hpp"

namespace cellrig {
namespace {

constexpr Duration age_limit_min = std::chrono::seconds{1};
constexpr int age_limit_periods = 3;
/// No measurement may outlast a third of the age limit.
constexpr int measure_share_of_age_limit = 3;
constexpr Duration apply_timeout = std::chrono::seconds{5};
constexpr Duration measure_retry = std::chrono::milliseconds{50};
constexpr Duration long_rest_after = std::chrono::seconds{60};

int direction_of(const Step& step) {
  switch (step.direction) {
    case StepDirection::charge: return +1;
    case StepDirection::discharge: return -1;
    case StepDirection::none: return 0;
  }
  return 0;
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
      limits_{program.limits},
      options_{options},
      listener_{listener},
      machine_{program,
               MachineOptions{std::max<Duration>(
                   age_limit_min, age_limit_periods * std::max(options.control_period, options.control_period_long_rest))}},
      record_{recorder, program},
      interlocks_(parts.interlock_modules),
      wake_{time},
      look_after_wake_{time} {
  limits_.sensors = tighter(limits_.sensors, parts.limits);
}

// ---- limits of time -------------------------------------------------------------------------------------------------

Duration ChannelRunner::period() const {
  const ChannelState& state = machine_.state();
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
    start = input::GoOn{continuation_->rule, !from.waits_for_person()};
    if (from.waits_for_person()) reason_ = "a trip that nobody has acknowledged: " + from.trip;
  }
  co_await perform(start);
  co_await control_loop();
  running_ = false;
  if (door_ != nullptr) door_->leave();
  co_await give_back();
  record_end();
  has_ended_ = true;
  look_after_wake_.wake();
}

/// Nothing is switched on before the supervisor has seen a measurement of its own.
Task<void> ChannelRunner::first_look() {
  while (!must_be_off() && !tripped(std::nullopt)) {
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

void ChannelRunner::add_to_reason(const std::string& what) {
  if (reason_.find(what) != std::string::npos) return;
  reason_ = reason_.empty() ? what : reason_ + "; " + what;
}

void ChannelRunner::count_as_failed(const std::string& what) {
  add_to_reason(what);
  if (outcome_ != Outcome::tripped && outcome_ != Outcome::record_failure) outcome_ = Outcome::instrument_failure;
}

void ChannelRunner::failed_afterwards(const std::string& what) {
  count_as_failed(what);
  say(db::Severity::alarm, "instrument", what);
  record_end();
}

void ChannelRunner::record_end() {
  if (machine_.state().phase != Phase::finished) return;
  record_.finished(output::Finished{outcome_, criteria_met()}, reason_, time_.now(), time_.utc_now());
}

/// The contactor opens, the cycler is given back. What can't be confirmed here makes the run a failure, whatever it was before.
Task<void> ChannelRunner::give_back() {
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
    if (must_be_off()) {
      co_await end_after_trip();
      continue;
    }
    if (granted_) {
      const ChannelInput grant{input::ChamberGranted{*granted_}};
      granted_.reset();
      co_await perform(grant);
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
  if (!supervisor_->is_in_doubt() && observe()) co_await perform_outputs();
  listener_.sample(view());
  if (record_.failed() && !stop_requested_) {
    reason_ = "the record could not be kept: " + record_.failure();
    listener_.message(parts_.name, db::Severity::alarm, reason_);
    stop(Outcome::record_failure);
  }
}

/// The hot path: most observations need no command. True: outputs_ holds one.
bool ChannelRunner::observe() {
  machine_.on(input::Observed{observation_}, time_.now(), outputs_);
  if (std::any_of(outputs_.begin(), outputs_.end(), needs_instrument)) return true;
  (void)note_until_command(outputs_.begin());
  return false;
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
}

bool ChannelRunner::tripped(const std::optional<CyclerReadings>& fresh) {
  const TimePoint now = time_.now();
  supervisor_->set_age_limit(age_limit());
  const Duration asleep = time_.suspended() - suspended_;
  if (!(asleep < age_limit())) {
    supervisor_->trip(TripCause{Hazard::stale_reading, Measurand::voltage, to_seconds(asleep), to_seconds(age_limit()), now});
  }
  if (supervisor_->check(observation_, commanded_, now)) return true;
  if (!fresh || !commanded_.output_on || fresh->voltage.at < commanded_.since) return false;
  if (!fresh->tripped && !fresh->remote) {
    trip_by_instrument(Hazard::instrument_lost_remote);
  } else if (fresh->tripped || !fresh->output_on) {
    trip_by_instrument(Hazard::instrument_protection);
  }
  return supervisor_->tripped().has_value();
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
      next = note_until_command(next + 1);
    }
    if (!answer) co_return;
    tick_now_ = true;  // the first sample of a step follows its acknowledgement at once
    machine_.on(*answer, time_.now(), outputs_);
  }
}

Task<void> ChannelRunner::perform_apply(Setpoint setpoint, int direction) {
  applied_ = false;
  if (supervisor_->check_before(direction, current_bounds(setpoint), observation_, time_.now())) co_return;
  // Nothing is measured meanwhile: it must be done before the readings it was decided on are too old.
  const TimePoint too_old = last_good_ + age_limit() + std::chrono::milliseconds{1};
  const Deadline deadline{std::min(time_.now() + apply_timeout, too_old)};
  // Judged as "either direction" until the instrument holds the new set-point.
  commanded_ = Commanded{true, deadline.at, 0};
  safe_by_ = SafeBy::nothing;
  on_uncertain_ = true;
  const Result<void> done = co_await parts_.cycler->apply(setpoint, deadline);
  applied_ = done.has_value();
  if (applied_) {
    on_uncertain_ = false;
    commanded_ = Commanded{true, time_.now(), direction};
  } else if (!must_be_off()) {
    reason_ = "set-point not accepted: " + done.error().what;
    say(db::Severity::alarm, "instrument", reason_);
    // Whichever exchange told it, a protection that tripped is a trip.
    if (done.error().fault == Fault::protection_tripped) trip_by_instrument(Hazard::instrument_protection);
  }
}

Task<std::optional<ChannelInput>> ChannelRunner::perform_command(const ChannelOutput& o) {
  if (const output::Apply* const apply = std::get_if<output::Apply>(&o)) {
    const Step* const step = machine_.current_step();
    co_await perform_apply(apply->setpoint, step != nullptr ? direction_of(*step) : 0);
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
                   record_.step_started(e, machine_.state(), now, time_.utc_now());
                   point_is_due_ = true;
                   listener_.step_started(view());
                 },
                 [](const output::Apply&) {}, [](const output::OutputOff&) {},
                 [&](const output::RequestChamber& e) {
                   if (door_ != nullptr) return door_->request(e.request, e.temperature);
                   reason_ = "a step asks for a temperature and the channel has no chamber";
                   stop(Outcome::instrument_failure);
                 },
                 [&](const output::Record& e) { record_.sample(e, observation_); },
                 [&](const output::StepEnded& e) { note_end(e); }, [&](const output::CycleEnded& e) { record_.cycle_ended(e); },
                 [&](const output::CriterionJudged& e) { record_.criterion(e, now, time_.utc_now()); },
                 [&](const output::StopHeld& e) { record_.stop_held(e, now, time_.utc_now()); },
                 [&](const output::Finished& e) { outcome_ = e.outcome; },  // recorded when the instruments are given back
             },
             o);
}

void ChannelRunner::note_end(const output::StepEnded& ended) {
  record_.step_ended(ended);
  point_is_due_ = true;
  const Results& results = machine_.state().results;
  const bool is_over = ended.reason == StepEndReason::condition || ended.reason == StepEndReason::time_bound;
  if (is_over && results.has_resistance && record_.step_at(ended.instruction).measure == Measure::resistance) {
    say(db::Severity::info, "resistance",
        fmt::format("{:.6f} Ohm by step '{}'", results.resistance_Ohm, record_.step_at(ended.instruction).name));
  }
  if (ended.reason != StepEndReason::time_bound || machine_.state().phase != Phase::stopping) return;
  const Step& step = record_.step_at(ended.instruction);
  if (step.time_max_is_normal) return;
  reason_ = fmt::format("step '{}' did not reach its end within {:g} h", step.name, to_seconds(step.time_max) / 3600.0);
  say(db::Severity::alarm, "step failed", reason_);
}

// ---- from outside ---------------------------------------------------------------------------------------------------

void ChannelRunner::sensor(Measurand measurand, const Reading& reading) {
  observation_[measurand] = reading;
  if (measurand == Measurand::cell_temperature || measurand == Measurand::gas) watch_heat(measurand, reading);
  if (!running_ || !supervisor_ || must_be_off()) return;
  if (measurand == Measurand::logger_voltage) watch_difference();
  if (!supervisor_->check(observation_, commanded_, time_.now())) return;
  make_safe_soon();
}

void ChannelRunner::trip(const TripCause& cause) {
  if (!supervisor_ || !running_ || must_be_off()) return;
  supervisor_->trip(cause);
  make_safe_soon();
}

void ChannelRunner::stop(Outcome outcome, const std::string& reason) {
  if (stop_requested_) return;
  stop_requested_ = outcome;
  const bool is_over = machine_.state().phase == Phase::finished || (supervisor_ && supervisor_->tripped());
  if (!reason.empty() && !is_over) {
    reason_ = reason;
    record_.event(outcome == Outcome::stopped ? db::Severity::info : db::Severity::alarm, "stop", reason, time_.now(),
                  time_.utc_now());
  }
  if (running_) make_safe_soon();
}

void ChannelRunner::chamber_granted(std::uint32_t request) {
  granted_ = request;
  wake_.wake();
}

void ChannelRunner::remark(db::Severity severity, const std::string& kind, const std::string& text) {
  record_.event(severity, kind, text, time_.now(), time_.utc_now());
}

void ChannelRunner::say(db::Severity severity, const std::string& kind, const std::string& text) {
  record_.event(severity, kind, text, time_.now(), time_.utc_now());
  if (severity != db::Severity::info) listener_.message(parts_.name, severity, text);
}

ChannelView ChannelRunner::view() const {
  const ChannelState& state = machine_.state();
  const Step* const step = machine_.current_step();
  ChannelView v{.channel = parts_.name,
                .step_name = step != nullptr ? std::string_view(step->name) : std::string_view{},
                .phase = state.phase,
                .cycle = state.cycle,
                .step_count = state.step_count,
                .observation = observation_,
                .step_moved = state.step.moved,
                .soc_pct = machine_.soc_pct(),
                .test_time = time_.now() - record_.started()};
  v.step_time = state.step.ran_before_pause + (time_.now() - state.step.started);
  v.state = &state;
  return v;
}

}  // namespace cellrig
