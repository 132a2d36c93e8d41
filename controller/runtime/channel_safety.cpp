// Every way to OFF of a channel: one at a time, verified, then the second path.
#include <fmt/format.h>

#include "controller/runtime/channel_runner.hpp"

namespace cellrig {
namespace {

constexpr Duration first_path_timeout = std::chrono::seconds{1};
constexpr Duration contactor_timeout = std::chrono::milliseconds{500};
/// After the instrument's own watchdog must have fired, asking again is only to know.
constexpr Duration watchdog_margin = std::chrono::seconds{1};
constexpr Duration retry_pause = std::chrono::milliseconds{200};

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

Task<SafeBy> ChannelRunner::switch_off() {
  const Deadline first{time_.now() + first_path_timeout};
  const Result<void> off = co_await parts_.cycler->output_off(first);
  if (off) co_return SafeBy::instrument;
  say(db::Severity::alarm, "output not confirmed off", off.error().what);
  bool contactor_open = false;
  if (parts_.relays != nullptr) {
    const Deadline second{time_.now() + contactor_timeout};
    contactor_open = co_await open_contactor(second);
  }
  // Keep asking until the instrument's own watchdog must have done it: then we know, or we say that we don't.
  const TimePoint give_up = time_.now() + (contactor_open || hurry_ ? Duration{0} : options_.watchdog_delay + watchdog_margin);
  while (time_.now() < give_up) {
    const TimePoint again = time_.now() + retry_pause;
    const Deadline deadline{std::min(give_up, time_.now() + first_path_timeout)};
    const Result<void> late = co_await parts_.cycler->output_off(deadline);
    if (late) co_return SafeBy::instrument;
    co_await time_.sleep_until(again);
  }
  if (contactor_open) {
    say(db::Severity::alarm, "contactor opened", "the cycler did not confirm OFF; the contactor was opened and confirmed");
    co_return SafeBy::contactor;
  }
  say(db::Severity::alarm, "output state unknown",
      fmt::format("OFF could not be confirmed on any path; the cycler's watchdog ({:g} s) is the last guard. Go and look.",
                  to_seconds(options_.watchdog_delay)));
  co_return SafeBy::nothing;
}

Task<bool> ChannelRunner::open_contactor(Deadline deadline) {
  const Result<void> opened = co_await parts_.relays->set(parts_.contactor, false, deadline);
  if (!opened) say(db::Severity::alarm, "contactor", "the contactor did not confirm that it opened: " + opened.error().what);
  co_return opened.has_value();
}

}  // namespace cellrig
