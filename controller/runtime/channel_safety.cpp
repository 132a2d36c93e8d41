// Every way to OFF of a channel: one at a time, verified, then the second path; and who else is told of a trip.
#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "controller/runtime/channel_runner.hpp"
#include "controller/runtime/constants.hpp"
#include "controller/runtime/heat_watch.hpp"
#include "controller/runtime/output_watch.hpp"
#include "controller/runtime/resume.hpp"

namespace cellrig {

namespace {

constexpr Duration look_after_period = std::chrono::seconds{2};
constexpr int on_again_told_max = 10;
constexpr Duration on_again_told_every = std::chrono::minutes{1};  ///< beyond these

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
  bool off = co_await ask_for_off(off_path_timeout);
  if (off && on_uncertain_) {
    // An ON that was on its way when it was cut, or whose answer was lost, may be carried out after the OFF that overtook it.
    co_await time_.sleep_for(overtaken_command_time);
    off = co_await ask_for_off(off_path_timeout);
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
  off = co_await ask_for_off(off_path_timeout);
  if (off) co_return SafeBy::instrument;
  // Every question feeds the watchdog that is left: be silent until it must have fired, then look.
  co_await time_.sleep_for(options_.watchdog_delay + watchdog_margin);
  off = co_await ask_for_off(off_path_timeout);
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
  charge_again_ += charge_since_.count_until(time_.now());
  if (charge_again_ > AmpHours{}) on_again("nobody looks at the output any more", std::exchange(charge_again_, AmpHours{}));
}

void ChannelRunner::end_look_after() {
  look_after_ends_ = true;
  look_after_wake_.wake();
}

Task<void> ChannelRunner::look_at_ended() {
  const OutputLook look = co_await look_at_output(time_, *parts_.cycler, supervisor_options().current_noise);
  parts_.cycler->hang_up();  // it was given back: whoever uses it now may need the connection
  doubts_ = doubts_after(look, doubts_);
  const bool is_trouble = look.was_on || (look.is_doubtful() && doubts_ >= output_doubts_max);
  charge_again_ += charge_since_.count(look, time_.now());
  if (!is_trouble) {
    if (charge_again_ > AmpHours{}) on_again("the output is off now", std::exchange(charge_again_, AmpHours{}));
    co_return;
  }
  // The end of the run stays what it was: this is an event of its own. What comes again and again is told a few times.
  if (++on_again_ > on_again_told_max && time_.now() - told_again_at_ < on_again_told_every) co_return;
  told_again_at_ = time_.now();
  const std::string what = describe(look);
  call_people(parts_.name + ": " + what);
  on_again(what, std::exchange(charge_again_, AmpHours{}));
  listener_.message(parts_.name, db::Severity::alarm, what);
}

void ChannelRunner::on_again(const std::string& what, AmpHours charge) {
  machine_.note_alarm();
  record_.on_again(what, charge, time_.now(), time_.utc_now());
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

Amps ChannelRunner::may_flow() const {
  Amps most = unseen_charge(program_, machine_.state(), Duration::zero()).current;
  // What tripped it never came to the engine, and may be more than was commanded.
  const Reading& seen = observation_[Measurand::current];
  if (seen.usable()) most = worse_of(most, Amps{seen.value});
  // An answer that is no number may be one beyond the range.
  if (seen.quality == Quality::bad) most = worse_of(most, parts_.cycler->capabilities().charge_current_max);
  return most;
}

/// From its last measurement until its OFF was confirmed, or until nobody tries any more. Where one was, whoever goes on counts some time of
/// what was commanded in any case: what that covers is not told.
void ChannelRunner::tell_late_off() {
  if (outcome_ == Outcome::completed || outcome_ == Outcome::failed) return;  // nobody goes on with it
  const Amps most = may_flow();
  if (!(most > supervisor_options().current_noise)) return;
  const bool is_off = safe_by_ != SafeBy::nothing;
  const Duration time = (is_off ? commanded_.since : time_.now()) - current_seen_at_;
  const AmpHours charge{most.value() * to_seconds(time) / 3600.0};
  const Duration counted = outcome_ == Outcome::stopped ? stop_time_max : options_.watchdog_delay;
  const AmpHours covered = unseen_charge(program_, machine_.state(), is_off ? counted : Duration::zero()).went_in_max();
  if (!(charge > covered)) return;
  const std::string what =
      is_off ? "from its last measurement until it was off" : "since its last measurement, and OFF is not confirmed,";
  record_.late_off(fmt::format("{} up to {:.3f} A may have flowed for {:.1f} s", what, most.value(), to_seconds(time)), charge,
                   time_.now(), time_.utc_now());
}

/// The way out after a trip or a stop: OFF first, everything else after.
Task<void> ChannelRunner::end_after_trip() {
  if (supervisor_->tripped()) tell_others(*supervisor_->tripped());
  if (door_ != nullptr) door_->withdraw();
  if (!safe_running_) send_off();
  keep_trip();
  const SafeBy safe = co_await make_safe();
  if (safe == SafeBy::instrument && unseen_since_on_ && !supervisor_->tripped() && !hurry_) co_await look_for_protection();
  keep_trip();
  if (supervisor_->tripped() && is_under_way()) {
    const bool is_instrument = is_instrument_failure(supervisor_->tripped()->hazard);
    note(ChannelInput{input::Trip{is_instrument ? Outcome::instrument_failure : Outcome::tripped}});
  }
  note_off(safe);
  note(ChannelInput{input::Stop{stop_requested_.value_or(Outcome::stopped)}});
  note(ChannelInput{input::Acknowledged{machine_.state().command, safe == SafeBy::instrument}});
}

bool ChannelRunner::is_under_way() const {
  const Phase phase = machine_.state().phase;
  return phase != Phase::tripped && phase != Phase::finished;
}

/// Once, while OFF is on its way: where OFF fails it takes seconds, and who finds this record after a crash must know of the trip.
void ChannelRunner::keep_trip() {
  if (trip_is_kept_ || !supervisor_->tripped() || !is_under_way()) return;
  trip_is_kept_ = true;
  const TripCause& cause = *supervisor_->tripped();
  reason_ = describe(cause);
  const ChannelRecord::Together together(record_);
  if (record_.holds_back()) hold_back();
  record_.trip(cause, time_.now(), time_.utc_now());
  listener_.message(parts_.name, db::Severity::trip, reason_);
}

/// A stop cuts the exchange that would have told: one look more, with the output off, whether the instrument's own protection was first.
Task<void> ChannelRunner::look_for_protection() {
  unseen_since_on_ = false;
  const Deadline deadline{time_.now() + off_path_timeout};
  const Result<CyclerReadings> last = co_await parts_.cycler->measure(deadline);
  if (!last || !last->tripped) co_return;
  trip_by_instrument(Hazard::instrument_protection);
  tell_others(*supervisor_->tripped());
}

/// A cell that runs away does so after its channel has tripped, as a rule: its chamber must know all the same, and so must people.
void ChannelRunner::watch_heat(Measurand measurand, const Reading& reading) {
  if (measurand == Measurand::gas && !reading.usable()) return;  // what is no number is the supervisor's business
  if (!heat_watch_) heat_watch_.emplace(make_heat_watch(limits_, time_.now()));
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
  // The first-out cause of the run stays what it was; that a cell was hot waits for a person like any other trip.
  const std::string text = describe(*cause);
  record_.event(db::Severity::alarm, std::string(db::heat_after_end_event), text, time_.now(), time_.utc_now());
  machine_.note_alarm();
  listener_.message(parts_.name, db::Severity::trip, text);
}

void ChannelRunner::send_off() {
  const auto off = [](ChannelRunner* self) -> Task<void> { co_await self->make_safe(); };
  urgent_.spawn(off(this));
}

/// The control loop may be waiting for a reply that never comes: OFF does not wait for it.
void ChannelRunner::make_safe_soon() {
  if (supervisor_->tripped()) tell_others(*supervisor_->tripped());
  if (door_ != nullptr) door_->withdraw();
  send_off();
  keep_trip();
  wake_.wake();
}

}  // namespace cellrig
