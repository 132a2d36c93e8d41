#include "controller/runtime/output_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "controller/runtime/heat_watch.hpp"

namespace cellrig {
namespace {

constexpr Duration output_look_timeout = std::chrono::seconds{1};
constexpr Duration off_retry_period = std::chrono::seconds{60};
constexpr int told_max = 10;
const std::string was_on_longer = "after its end the output was on for longer than was told; it is off now, or is left to others";
const std::string may_still_flow =
    "after its end OFF is not confirmed: what was commanded or measured last may flow on. Go and look.";
constexpr Duration sensor_gap_max = std::chrono::seconds{3};
constexpr Duration sensor_warms_max = std::chrono::seconds{30};  ///< from the room's temperature to that of what it was put on
constexpr Duration unanswered_max = std::chrono::minutes{1};
/// OFF is late by at most this, as that of a start.
constexpr Duration look_before_off_timeout = std::chrono::milliseconds{200};

Task<OutputLook> measure_output(TimeSource& time, Cycler& cycler, Amps noise, Duration timeout) {
  OutputLook look;
  const Deadline deadline{time.now() + timeout};
  const Result<CyclerReadings> readings = co_await cycler.measure(deadline);
  if (!readings) co_return look;
  look.readings = *readings;
  const bool flows = readings->current.usable() && !(std::abs(readings->current.value) <= noise.value());
  look.was_on = readings->output_on || flows;
  co_return look;
}

Amps noise_of(const Cycler& cycler) {
  return Amps{std::max(2 * cycler.capabilities().current_accuracy.offset, cycler.off_current_threshold().value())};
}

}  // namespace

Task<OutputLook> look_at_output(TimeSource& time, Cycler& cycler, Amps noise) {
  OutputLook look = co_await measure_output(time, cycler, noise, output_look_timeout);
  if (!look.readings || (!look.was_on && look.readings->current.usable())) co_return look;
  // No watchdog is left that a question could feed: OFF until it is confirmed, at every look.
  const Deadline off_deadline{time.now() + output_look_timeout};
  const Result<void> off = co_await cycler.output_off(off_deadline);
  look.is_off_again = off.has_value();
  if (off) {
    const Deadline release_deadline{time.now() + output_look_timeout};
    (void)co_await cycler.release(release_deadline);  // back to whoever uses it now
  }
  co_return look;
}

std::string describe(const OutputLook& look) {
  if (look.is_doubtful())
    return "after its end nobody knows whether current flows: its reading is no number, and OFF is not confirmed. Go and look.";
  return fmt::format("after its end the output is on again ({:.3f} A): {}", look.readings ? look.readings->current.value : 0.0,
                     look.is_off_again ? "OFF again, confirmed" : "OFF is not confirmed, and is tried on. Go and look.");
}

void ChargeSince::begin(TimePoint since, Amps may_flow) {
  counted_until_ = since;
  flows_ = may_flow;
}

AmpHours ChargeSince::counted(Amps current, TimePoint now) {
  const double seconds = to_seconds(now - std::exchange(counted_until_, now));
  return AmpHours{std::max(current.value(), 0.0) * seconds / 3600.0};
}

Amps ChargeSince::seen_by(const OutputLook& look) const {
  if (!look.was_on) return Amps{};
  return look.readings->current.usable() ? Amps{look.readings->current.value} : unknown_;
}

void ChargeSince::raise(const OutputLook& look) { flows_ = std::max(flows_, seen_by(look)); }

AmpHours ChargeSince::count(const OutputLook& look, TimePoint now) {
  if (!look.readings || look.is_doubtful()) return {};  // the next look that tells counts for this time, too
  const Amps seen = seen_by(look);
  const AmpHours charge = counted(std::max(flows_, seen), now);
  flows_ = look.is_off_again ? Amps{} : seen;
  return charge;
}

AmpHours ChargeSince::count_until(TimePoint now) { return counted(flows_, now); }

OutputWatch::OutputWatch(TimeSource& time, std::string channel, Cycler& cycler, Duration period, HeatLimits heat, Told told)
    : time_{time},
      channel_{std::move(channel)},
      cycler_{cycler},
      period_{period},
      heat_{heat},
      told_{std::move(told)},
      wake_{time},
      idle_{time},
      charge_since_{cycler.capabilities().charge_current_max} {}

void OutputWatch::sensor(Measurand measurand, const Reading& reading) {
  observation_[measurand] = reading;
  const bool is_heat = measurand == Measurand::cell_temperature || measurand == Measurand::gas;
  if (!is_heat || !reading.usable()) return;
  if (measurand == Measurand::cell_temperature) note_gap(reading.at);
  if (!is_heat_minded_) return;
  if (!heat_watch_) {
    SafetyLimits limits{};
    limits.cell_temperature_max = heat_.cell_temperature_max;
    limits.sensors = heat_.sensors;
    heat_watch_.emplace(make_heat_watch(limits, time_.now()));
  }
  if (heat_watch_->tripped()) return;
  Observation heat;
  heat[measurand] = reading;
  // At rest since now: that it warms by itself is not asked of a cell that others may warm.
  const Commanded off{false, time_.now(), 0};
  const std::optional<TripCause> cause = heat_watch_->check(heat, off, time_.now());
  if (!cause) return;
  if (cause->hazard == Hazard::temperature_rate && reading.at - came_back_at_ <= sensor_warms_max) return heat_watch_.reset();
  told_.is_hot(*cause);
}

/// Somebody has put the sensor on this cell, which he may do while no run needs it: how fast it warms is at first its own affair. How warm
/// it is is the cell's.
void OutputWatch::note_gap(TimePoint at) {
  if (heat_seen_at_ && at - *heat_seen_at_ > sensor_gap_max) came_back_at_ = at;
  heat_seen_at_ = at;
}

void OutputWatch::mind_heat(bool is_minded) {
  is_heat_minded_ = is_minded;
  heat_watch_.reset();
}

void OutputWatch::interlock(std::size_t module, const Reading& reading) {
  interlocks_[module] = reading;
  Reading worst = reading;
  for (const auto& [other, its] : interlocks_) {
    if (its.quality != Quality::good || its.value < 1.0) worst = its;
  }
  observation_[Measurand::interlock] = worst;
}

Task<void> OutputWatch::run() {
  TimePoint next = time_.now();
  while (!stopped_) {
    if (is_held_) {
      co_await wake_.until_woken();
      next = time_.now() + (is_known_off_ ? Duration::zero() : off_retry_period);
      continue;
    }
    if (time_.now() < next) {
      co_await wake_.until(next);
      continue;
    }
    is_busy_ = true;
    if (is_known_off_) {
      co_await look();
    } else {
      co_await try_off();
    }
    is_busy_ = false;
    idle_.wake();
    next = time_.now() + (is_known_off_ ? period_ : off_retry_period);
  }
  if (is_held_) co_return;
  if (!is_known_off()) co_await try_off();
  tell_rest();
}

Task<void> OutputWatch::look() {
  const OutputLook look = co_await look_at_output(time_, cycler_, noise_of(cycler_));
  if (look.readings) {
    observation_[Measurand::voltage] = look.readings->voltage;
    observation_[Measurand::current] = look.readings->current;
    observation_.regulation = look.readings->regulation;
    observation_.output_on = look.was_on && !look.is_off_again;
    is_tripped_ = look.readings->tripped;
  }
  judge_silence(look);
  co_await judge(look);
  told_.looked();
}

/// Somebody may have switched it off or taken it away, which is no alarm; that it is safe nobody knows.
void OutputWatch::judge_silence(const OutputLook& look) {
  if (look.readings) {
    answered_at_ = time_.now();
    is_silence_told_ = false;
  } else if (!is_silence_told_ && time_.now() - answered_at_ >= unanswered_max) {
    is_silence_told_ = true;
    told_.is_silent("its cycler does not answer any more: nobody knows whether its output is still off");
  }
}

Task<void> OutputWatch::judge(const OutputLook& look) {
  doubts_ = doubts_after(look, doubts_);
  const bool is_in_doubt = look.is_doubtful() && doubts_ >= output_doubts_max;
  charge_again_ += charge_since_.count(look, time_.now());
  if (look.was_on || is_in_doubt) {
    on_again_ = std::min(on_again_ + 1, told_max + 1);
    if (on_again_ <= told_max || time_.now() - told_at_ >= off_retry_period) {
      told_at_ = time_.now();
      told_.was_on_again(describe(look), std::exchange(charge_again_, AmpHours{}));
    }
  }
  if (!look.was_on && charge_again_ > AmpHours{}) told_.was_on_again(was_on_longer, std::exchange(charge_again_, AmpHours{}));
  const bool is_off_now = look.readings && !look.is_doubtful() && (!look.was_on || look.is_off_again);
  const bool is_not_off_now = is_in_doubt || (look.was_on && !look.is_off_again);
  if (is_not_off_now && !std::exchange(is_not_off_, true)) told_.is_not_off();
  if (is_not_off_ && is_off_now) {
    is_not_off_ = false;
    told_.is_off();
  } else if (is_not_off_ && !look.readings) {
    co_await try_off();  // it does not answer any more, and was on
  }
}

/// The question feeds a watchdog no more than the OFF that follows it at once.
Task<void> OutputWatch::try_off() {
  const OutputLook look = co_await measure_output(time_, cycler_, noise_of(cycler_), look_before_off_timeout);
  charge_since_.raise(look);
  const Deadline deadline{time_.now() + output_look_timeout};
  const Result<void> off = co_await cycler_.output_off(deadline);
  charge_again_ += charge_since_.count_until(time_.now());  // seen off by no look: this OFF came first
  if (!off) {
    // At each try, so that whoever goes on with the run knows of it when this process dies.
    if (charge_again_ > AmpHours{}) told_.was_on_again(may_still_flow, std::exchange(charge_again_, AmpHours{}));
    co_return;
  }
  charge_since_.begin(time_.now());
  const Deadline release_deadline{time_.now() + output_look_timeout};
  const Result<void> released = co_await cycler_.release(release_deadline);
  if (!released) co_return;
  is_known_off_ = true;
  is_not_off_ = false;
  answered_at_ = time_.now();
  told_.is_off();
}

void OutputWatch::stop() {
  stopped_ = true;
  wake_.wake();
}

Task<void> OutputWatch::hold() {
  is_held_ = true;
  while (is_busy_) co_await idle_.until_woken();
  idle_.forget();
  tell_rest();
}

/// Nobody looks from now on, and what flowed until now belongs into the record.
void OutputWatch::tell_rest() {
  charge_again_ += charge_since_.count_until(time_.now());
  if (charge_again_ > AmpHours{}) told_.was_on_again(was_on_longer, std::exchange(charge_again_, AmpHours{}));
}

void OutputWatch::let_go_in_doubt(TimePoint since, Amps may_flow) {
  let_go(false);
  charge_since_.begin(since, may_flow);
}

void OutputWatch::let_go_in_doubt() {
  const ChargeSince kept = charge_since_;
  let_go(false);
  charge_since_ = kept;
}

void OutputWatch::let_go(bool is_known_off) {
  is_held_ = false;
  is_known_off_ = is_known_off;
  is_not_off_ = false;
  on_again_ = doubts_ = 0;
  charge_since_.begin(time_.now());
  charge_again_ = AmpHours{};
  answered_at_ = time_.now();
  is_silence_told_ = false;
  wake_.wake();
}

void OutputWatch::let_go_as_before() {
  is_held_ = false;
  wake_.wake();
}

}  // namespace cellrig
