// Every way to OFF of a channel: one at a time, verified, then the second path.
#include <fmt/format.h>

#include "controller/runtime/channel_runner.hpp"

namespace cellrig {
namespace {

constexpr Duration path_timeout = std::chrono::seconds{1};
constexpr Duration contactor_timeout = std::chrono::milliseconds{500};
constexpr Duration watchdog_margin = std::chrono::seconds{1};
constexpr Duration overtaken_command_time = std::chrono::milliseconds{100};

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
  if (parts_.relays != nullptr) {
    const Deadline second{time_.now() + contactor_timeout};
    const bool opened = co_await open_contactor(second);
    if (opened) {
      say(db::Severity::alarm, "contactor opened", "the cycler did not confirm OFF; the contactor was opened and confirmed");
      co_return SafeBy::contactor;
    }
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

}  // namespace cellrig
