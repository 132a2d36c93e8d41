#include "controller/runtime/watchdog_trial.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/runtime/constants.hpp"
#include "controller/runtime/protections.hpp"

namespace cellrig {
namespace {

constexpr Duration off_timeout = std::chrono::seconds{1};
constexpr Duration settle = std::chrono::milliseconds{300};
constexpr Duration look_period_max = std::chrono::milliseconds{200};
constexpr Duration margin = std::chrono::seconds{1};  ///< after the delay: what rounding and latency of an instrument may add
constexpr double talk_delays = 1.5;
constexpr double rate_max_C = 0.2;
constexpr double voltage_swing_V = 0.2;   ///< the set-point's bounds around the voltage that was found
constexpr double window_margin_V = 0.05;  ///< a cell this close to its lower limit is not discharged
constexpr double current_share_of_range = 0.003;
constexpr double floors_of_current = 4.0;  ///< so many times what the cycler may show at no current

}  // namespace

WatchdogTrial::WatchdogTrial(TimeSource& time, const ChannelParts& parts, const WatchdogTrialOptions& options,
                             RunListener& listener)
    : time_{time}, parts_{parts}, options_{options}, listener_{listener}, wake_{time}, tasks_{time} {
  const CyclerCapabilities& can = parts_.cycler->capabilities();
  const double floor_A = floors_of_current * can.current_accuracy.bound_at(0.0);
  current_ = std::max({2 * can.current_limit_min, can.discharge_current_max * current_share_of_range, Amps{floor_A}});
  proof_.channel = parts_.name;
  proof_.delay = options_.delay;
}

Error WatchdogTrial::refuse(const std::string& what) const { return fail(Fault::refused, parts_.name + ": " + what); }

void WatchdogTrial::say(db::Severity severity, const std::string& text) { listener_.message(parts_.name, severity, text); }

void WatchdogTrial::stop() { end(fail(Fault::interrupted, parts_.name + ": stopped")); }

void WatchdogTrial::end(const Error& reason) {
  if (ended_) return;
  ended_ = reason;
  wake_.wake();
  if (running_) tasks_.spawn(cut());
}

/// OFF does not wait for an exchange that is under way. Whether it was heard, make_safe() finds out.
Task<void> WatchdogTrial::cut() {
  const Deadline deadline{time_.now() + off_timeout};
  (void)co_await parts_.cycler->output_off(deadline);
}

Task<Result<void>> WatchdogTrial::sleep(Duration duration) {
  if (!ended_) co_await wake_.until(time_.now() + duration);
  if (ended_) co_return *ended_;
  co_return Result<void>{};
}

Task<Result<WatchdogProof>> WatchdogTrial::run() {
  running_ = true;
  Result<void> done = co_await perform();
  running_ = false;
  if (ended_) done = *ended_;  // and not what it did to the exchange that it cut
  co_await tasks_.wait();
  const Result<void> safe = co_await make_safe();
  if (!safe) co_return safe.error();
  const Result<void> cleared = co_await clear();
  if (!done) co_return done.error();
  if (!cleared) co_return cleared.error();
  co_return proof_;
}

Task<Result<void>> WatchdogTrial::perform() {
  if (ended_) co_return *ended_;
  Result<void> done = co_await close_contactor();
  if (done) done = co_await look_at_cell();
  if (done) done = co_await switch_on();
  if (done) done = co_await talk();
  if (done) done = co_await command_off();
  if (done) done = co_await apply();
  if (done) done = co_await be_silent();
  co_return done;
}

Task<Result<void>> WatchdogTrial::close_contactor() {
  if (parts_.relays == nullptr) co_return Result<void>{};
  const Deadline deadline{time_.now() + command_timeout};
  const Result<void> closed = co_await parts_.relays->set(parts_.contactor, true, deadline);
  if (!closed) co_return Error{closed.error().fault, parts_.name + ": contactor: " + closed.error().what};
  co_return co_await sleep(settle);
}

Task<Result<void>> WatchdogTrial::look_at_cell() {
  const Result<CyclerReadings> readings = co_await look();
  if (!readings) co_return readings.error();
  if (!readings->voltage.usable() || !readings->current.usable()) co_return refuse("the cycler's readings are no numbers");
  if (readings->output_on) co_return refuse("the output is on after it was confirmed off");
  const double found_V = readings->voltage.value;
  const SafetyLimits& limits = options_.limits;
  if (!(found_V >= no_cell_V)) co_return refuse(fmt::format("no cell, or one with reversed polarity: {:.3f} V", found_V));
  const double lowest_V = limits.voltage_min.value() + window_margin_V;
  if (!(found_V >= lowest_V && found_V <= limits.voltage_max.value())) {
    co_return refuse(fmt::format("the cell is at {:.3f} V; for a small discharge it must be at {:.3f} to {:.3f} V", found_V,
                                 lowest_V, limits.voltage_max.value()));
  }
  const Amps most = std::min(Amps{rate_max_C * options_.capacity.value()}, limits.discharge_current_max);
  if (!(current_ <= most)) {
    co_return refuse(
        fmt::format("the smallest current this cycler shows well is {:.3f} A, more than {:.3f} A (0.2C): connect a larger cell",
                    current_.value(), most.value()));
  }
  voltage_min_ = Volts{std::max(limits.voltage_min.value(), found_V - voltage_swing_V)};
  voltage_max_ = Volts{std::min(limits.voltage_max.value(), found_V + voltage_swing_V)};
  co_return Result<void>{};
}

Task<Result<void>> WatchdogTrial::switch_on() {
  const Deadline deadline{time_.now() + command_timeout};
  const Protections guards = protections_for(options_.limits, parts_.cycler->capabilities(), options_.delay);
  Result<void> done = co_await parts_.cycler->arm(guards, deadline);
  if (!done) co_return Error{done.error().fault, parts_.name + ": protections not armed: " + done.error().what};
  if (ended_) co_return *ended_;
  say(db::Severity::info, fmt::format("watchdog trial: {:.3f} A out of the cell, about {:.0f} s", current_.value(),
                                      to_seconds(options_.delay) * (1 + talk_delays) + to_seconds(margin)));
  co_return co_await apply();
}

Task<Result<void>> WatchdogTrial::apply() {
  if (ended_) co_return *ended_;
  const Setpoint setpoint =
      ConstantCurrent{.current = Amps{-current_.value()}, .voltage_min = voltage_min_, .voltage_max = voltage_max_};
  const Deadline deadline{time_.now() + command_timeout};
  const Result<void> done = co_await parts_.cycler->apply(setpoint, deadline);
  if (!done) co_return Error{done.error().fault, parts_.name + ": " + done.error().what};
  co_return co_await sleep(settle);
}

/// What flows must be what was asked for, or this is no trial of a watchdog but a fault.
Result<void> WatchdogTrial::judge(const CyclerReadings& readings) const {
  if (!readings.voltage.usable() || !readings.current.usable()) return refuse("the cycler's readings are no numbers");
  const double allowed_A = parts_.cycler->capabilities().current_accuracy.bound_at(current_.value()) + 0.1 * current_.value();
  if (!(std::abs(readings.current.value + current_.value()) <= allowed_A))
    return refuse(fmt::format("{:.3f} A flow instead of {:.3f} A", readings.current.value, -current_.value()));
  const SafetyLimits& limits = options_.limits;
  if (!(readings.voltage.value >= limits.voltage_min.value() && readings.voltage.value <= limits.voltage_max.value()))
    return refuse(fmt::format("the cell is at {:.3f} V, outside its limits", readings.voltage.value));
  return {};
}

/// Longer than the delay: that the watchdog holds still while it is measured, as it must during a run.
Task<Result<void>> WatchdogTrial::talk() {
  const TimePoint end = time_.now() + from_seconds(talk_delays * to_seconds(options_.delay));
  const Duration period = std::min<Duration>(look_period_max, options_.delay / 4);
  while (true) {
    const Result<CyclerReadings> readings = co_await look();
    if (!readings) co_return readings.error();
    if (!readings->output_on) {
      co_return fail(Fault::device_fault,
                     parts_.name +
                         ": the output went off although it was measured: measuring does not feed its watchdog "
                         "(for an EA set fed_by: scpi in the model file), or a protection tripped");
    }
    const Result<void> expected = judge(*readings);
    if (!expected) co_return expected;
    if (time_.now() >= end) break;
    const Result<void> slept = co_await sleep(period);
    if (!slept) co_return slept;
  }
  proof_.fed_by_measuring = true;
  co_return Result<void>{};
}

/// The command that everything else relies on, given while current flows.
Task<Result<void>> WatchdogTrial::command_off() {
  const TimePoint begun = time_.now();
  const Deadline deadline{begun + off_timeout};
  const Result<void> off = co_await parts_.cycler->output_off(deadline);
  if (!off) co_return Error{off.error().fault, parts_.name + ": OFF while current flowed: " + off.error().what};
  proof_.off_within = time_.now() - begun;
  co_return co_await sleep(settle);
}

Task<Result<void>> WatchdogTrial::be_silent() {
  const TimePoint begun = time_.now();
  say(db::Severity::info, "watchdog trial: silent now");
  const Result<void> slept = co_await sleep(options_.delay + margin);
  if (!slept) co_return slept;
  proof_.silence = time_.now() - begun;
  const Result<CyclerReadings> readings = co_await look();
  if (!readings) co_return readings.error();
  proof_.fired = !readings->output_on;
  co_return Result<void>{};
}

Task<Result<CyclerReadings>> WatchdogTrial::look() {
  constexpr Duration timeout = std::chrono::seconds{1};
  const Deadline deadline{time_.now() + timeout};
  Result<CyclerReadings> readings = co_await parts_.cycler->measure(deadline);
  if (!readings) co_return Error{readings.error().fault, parts_.name + ": " + readings.error().what};
  co_return readings;
}

Task<Result<void>> WatchdogTrial::make_safe() {
  Result<void> off;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Deadline deadline{time_.now() + off_timeout};
    off = co_await parts_.cycler->output_off(deadline);
    if (off) break;
  }
  if (parts_.relays != nullptr) {
    const Deadline deadline{time_.now() + off_timeout};
    const Result<void> opened = co_await parts_.relays->set(parts_.contactor, false, deadline);
    if (!opened) say(db::Severity::alarm, "the contactor did not confirm that it opened: " + opened.error().what);
    if (!off && opened)
      co_return Error{off.error().fault,
                      parts_.name + ": the cycler does not confirm OFF; the contactor was opened: " + off.error().what};
  }
  if (!off) co_return Error{off.error().fault, parts_.name + ": OFF is not confirmed; go and look: " + off.error().what};
  co_return Result<void>{};
}

/// A watchdog that fired has latched a trip. Its cause is known: it was we who kept silent.
Task<Result<void>> WatchdogTrial::clear() {
  const Deadline deadline{time_.now() + command_timeout};
  if (proof_.fired) {
    const Result<void> acknowledged = co_await parts_.cycler->acknowledge_trip(deadline);
    if (!acknowledged)
      co_return Error{acknowledged.error().fault,
                      parts_.name + ": the watchdog's trip stays latched: " + acknowledged.error().what};
  }
  const Result<void> released = co_await parts_.cycler->release(deadline);
  if (!released) co_return Error{released.error().fault, parts_.name + ": could not give it back: " + released.error().what};
  co_return Result<void>{};
}

}  // namespace cellrig
