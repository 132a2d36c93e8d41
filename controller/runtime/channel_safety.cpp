// Every way to OFF of a channel: one at a time, verified, then the second path; and who else is told of a trip.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "controller/runtime/channel_runner.hpp"
#include "controller/runtime/constants.hpp"

namespace cellrig {
namespace {

constexpr Duration path_timeout = std::chrono::seconds{1};
constexpr Duration contactor_timeout = std::chrono::milliseconds{500};
constexpr Duration watchdog_margin = std::chrono::seconds{1};
constexpr Duration look_after_period = std::chrono::seconds{2};
constexpr Duration look_after_timeout = std::chrono::seconds{1};
constexpr int on_again_told_max = 10;

}  // namespace

Task<SafeBy> ChannelRunner::make_safe() {
  if (safe_running_) {
    Wait wait{time_};
    safe_waiters_.push_back(&wait);
    co_await wait.until_woken();
    co_return safe_by_;
  }
  safe_running_ = true;
  safe_by_ = co_await switch_off();
  if (safe_by_ != SafeBy::nothing) commanded_ = Commanded{false, time_.now(), 0};
  safe_running_ = false;
  for (Wait* const waiter : safe_waiters_) waiter->wake();
  safe_waiters_.clear();
  co_return safe_by_;
}

Task<bool> ChannelRunner::ask_for_off(Duration timeout) {
  const Deadline deadline{time_.now() + timeout};
  const Result<void> off = co_await parts_.cycler->output_off(deadline);
  if (!off && off_failures_++ == 0) say(db::Severity::alarm, "output not confirmed off", off.error().what);
  co_return off.has_value();
}

Task<SafeBy> ChannelRunner::switch_off() {
  off_failures_ = 0;
  bool off = co_await ask_for_off(path_timeout);
  if (off && on_uncertain_) {
    // An ON that was on its way when it was cut, or whose answer was lost, may be carried out after the OFF that overtook it.
    co_await time_.sleep_for(overtaken_command_time);
    off = co_await ask_for_off(path_timeout);
  }
  if (off) {
    on_uncertain_ = false;
    co_return SafeBy::instrument;
  }
  bool opened = false;
  if (parts_.relays != nullptr) {
    const Deadline second{time_.now() + contactor_timeout};
    opened = co_await open_contactor(second);
  }
  call_people(parts_.name + ": the cycler does not confirm OFF");  // after the contactor, whose module may be the siren's
  if (opened) {
    say(db::Severity::alarm, "contactor opened", "the cycler did not confirm OFF; the contactor was opened and confirmed");
    co_return SafeBy::contactor;
  }
  off = co_await ask_for_off(path_timeout);
  if (off) co_return SafeBy::instrument;
  // Every question feeds the watchdog that is left: be silent until it must have fired, then look.
  co_await time_.sleep_for(options_.watchdog_delay + watchdog_margin);
  off = co_await ask_for_off(path_timeout);
  if (off) {
    say(db::Severity::alarm, "off by the watchdog",
        "the cycler did not confirm OFF when it was told, only after a silence for its watchdog. Go and look.");
    co_return SafeBy::watchdog;
  }
  say(db::Severity::alarm, "output state unknown",
      fmt::format(
          "OFF could not be confirmed on any path, {:g} s of silence for the cycler's own watchdog included. Go and look.",
          to_seconds(options_.watchdog_delay + watchdog_margin)));
  co_return SafeBy::nothing;
}

Task<bool> ChannelRunner::open_contactor(Deadline deadline) {
  const Result<void> opened = co_await parts_.relays->set(parts_.contactor, false, deadline);
  if (!opened) say(db::Severity::alarm, "contactor", "the contactor did not confirm that it opened: " + opened.error().what);
  co_return opened.has_value();
}

// ---- after a trip ---------------------------------------------------------------------------------------------------

Task<void> ChannelRunner::look_after() {
  while (!look_after_ends_) {
    const bool is_due =
        has_ended_ && was_given_back_ && (outcome_ == Outcome::tripped || outcome_ == Outcome::instrument_failure);
    if (!is_due) {
      co_await look_after_wake_.until_woken();
      continue;
    }
    const TimePoint next = time_.now() + look_after_period;
    co_await look_after_wake_.until(next);
    if (!look_after_ends_) co_await look_at_ended();
  }
}

void ChannelRunner::end_look_after() {
  look_after_ends_ = true;
  look_after_wake_.wake();
}

/// An instrument that does not answer energises nothing that could be seen from here; somebody may have taken it away.
Task<void> ChannelRunner::look_at_ended() {
  const Deadline deadline{time_.now() + look_after_timeout};
  const Result<CyclerReadings> readings = co_await parts_.cycler->measure(deadline);
  if (!readings) co_return;
  const double noise_A = supervisor_options().current_noise.value();
  const bool flows = readings->current.usable() && !(std::abs(readings->current.value) <= noise_A);
  if (!readings->output_on && !flows) co_return;
  // No watchdog is left that a question could feed: OFF until it is confirmed, at every look.
  off_failures_ = 1;  // what failed is told below
  const bool off = co_await ask_for_off(path_timeout);
  if (off) {
    const Deadline release_deadline{time_.now() + path_timeout};
    (void)co_await parts_.cycler->release(release_deadline);  // back to whoever uses it now
  }
  // The end of the run stays what it was: this is an event of its own. What comes again and again is told a few times.
  if (++on_again_ > on_again_told_max) co_return;
  const std::string what = fmt::format("after its end the output is on again ({:.3f} A): {}", readings->current.value,
                                       off ? "OFF again, confirmed" : "OFF is not confirmed, and is tried on. Go and look.");
  call_people(parts_.name + ": " + what);
  say(db::Severity::alarm, "on again after the end", what);
}

// ---- who else is told -----------------------------------------------------------------------------------------------

/// Nothing here waits: neighbours and heater are switched off side by side with this output, and before anybody is called.
void ChannelRunner::tell_others(const TripCause& cause) {
  if (is_thermal(cause.hazard) && door_ != nullptr) door_->thermal_trip();
  if (sounds_siren(cause.hazard)) call_people(parts_.name + ": " + describe(cause));
}

void ChannelRunner::call_people(const std::string& why) {
  if (bell_ != nullptr) bell_->ring(why);
}

/// An OFF that was not confirmed makes the run a failure, whatever it was before: its reason says so.
void ChannelRunner::note_off(SafeBy safe) {
  switch (safe) {
    case SafeBy::instrument: return;
    case SafeBy::contactor: return add_to_reason("the cycler did not confirm OFF, the contactor was opened");
    case SafeBy::watchdog: return add_to_reason("the cycler did not confirm OFF until its watchdog had fired");
    case SafeBy::nothing: return add_to_reason("OFF could not be confirmed on any path");
  }
}

/// The way out after a trip or a stop: OFF first, everything else after.
Task<void> ChannelRunner::end_after_trip() {
  if (supervisor_->tripped()) tell_others(*supervisor_->tripped());
  const SafeBy safe = co_await make_safe();
  if (supervisor_->tripped() && machine_.state().phase != Phase::tripped && machine_.state().phase != Phase::finished) {
    const TripCause cause = *supervisor_->tripped();
    reason_ = describe(cause);
    const ChannelRecord::Together together(record_);
    record_.trip(cause, time_.now(), time_.utc_now());
    const bool instrument = is_instrument_failure(cause.hazard);
    listener_.message(parts_.name, instrument ? db::Severity::alarm : db::Severity::trip, reason_);
    const Outcome outcome = instrument ? Outcome::instrument_failure : Outcome::tripped;
    note(ChannelInput{input::Trip{outcome}});
  }
  note_off(safe);
  note(ChannelInput{input::Stop{stop_requested_.value_or(Outcome::stopped)}});
  note(ChannelInput{input::Acknowledged{machine_.state().command, safe == SafeBy::instrument}});
}

/// A cell that runs away does so after its channel has tripped, as a rule: its chamber must know all the same, and so must people.
void ChannelRunner::watch_heat(Measurand measurand, const Reading& reading) {
  if (measurand == Measurand::gas && !reading.usable()) return;  // what is no number is the supervisor's business
  if (!heat_watch_) {
    SafetyLimits limits = limits_;
    limits.cell_temperature_min = Celsius{-std::numeric_limits<double>::infinity()};
    limits.sensors = SensorLimits{.gas_max_ppm = limits_.sensors.gas_max_ppm};
    SupervisorOptions options;
    options.age_limit = options.temperature_age_limit = options.sensor_age_limit = Duration::max();
    heat_watch_.emplace(limits, options, time_.now());
  }
  if (heat_watch_->tripped()) return;
  Observation heat;
  heat[measurand] = reading;
  // A cell that warms by itself: while its run goes on its own supervisor sees that, and one that ended well may be warmed by a neighbour.
  const bool is_suspect = !commanded_.output_on && supervisor_ && supervisor_->tripped();
  for (const Measurand m : {Measurand::ambient_temperature, Measurand::chamber_temperature}) heat[m] = observation_[m];
  const Commanded off{false, is_suspect ? commanded_.since : time_.now(), 0};
  const std::optional<TripCause>& cause = heat_watch_->check(heat, off, time_.now());
  if (!cause || !is_thermal(cause->hazard)) return;
  tell_others(*cause);
  if (running_ && !must_be_off()) return trip(*cause);
  say(db::Severity::alarm, "heat after the end", describe(*cause));
}

/// The control loop may be waiting for a reply that never comes: OFF does not wait for it.
void ChannelRunner::make_safe_soon() {
  if (supervisor_->tripped()) tell_others(*supervisor_->tripped());
  const auto off = [](ChannelRunner* self) -> Task<void> { co_await self->make_safe(); };
  time_.spawn(off(this));
  wake_.wake();
}

}  // namespace cellrig
