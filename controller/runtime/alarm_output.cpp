#include "controller/runtime/alarm_output.hpp"

#include <algorithm>
#include <utility>

namespace cellrig {
namespace {

constexpr Duration settle_timeout = std::chrono::seconds{2};
constexpr Duration attempt_timeout = std::chrono::milliseconds{300};
constexpr Duration retry_first = std::chrono::milliseconds{100};
constexpr Duration retry_longest = std::chrono::seconds{1};
constexpr Duration look_every = std::chrono::seconds{5};
constexpr Duration inrush = std::chrono::seconds{1};  ///< what it drives may pull the module down
constexpr Duration patience_at_the_end = std::chrono::seconds{10};

}  // namespace

AlarmAtStart judge_at_start(const AlarmMemory& memory, bool is_found_on) {
  const bool is_wanted = memory.has_open_trip || (memory.was_switched_on && !memory.is_acknowledged);
  const bool is_explained = memory.was_switched_on || memory.is_acknowledged;
  if (is_found_on) return is_wanted || !is_explained ? AlarmAtStart::stays_on : AlarmAtStart::off;
  return is_wanted && memory.was_switched_on ? AlarmAtStart::on_again : AlarmAtStart::off;
}

std::string switched_on_action(const std::string& label) { return "switched on: " + label; }
std::string not_confirmed_on_action(const std::string& label) { return "not confirmed on: " + label; }
std::string switched_off_action(const std::string& label) { return "switched off: " + label; }
std::string acknowledged_action(const std::string& label) { return "acknowledged: " + label; }

// ---- before a run ---------------------------------------------------------------------------------------------------

Task<Result<void>> AlarmOutput::settle(AlarmMemory memory) {
  if (is_wanted_) co_return Result<void>{};  // this very start has switched it on
  const Deadline deadline{time_.now() + settle_timeout};
  const Result<bool> found = co_await relays_.state(wire_.wire.index, deadline);
  if (!found) co_return Error{found.error().fault, named() + " does not say whether it is on: " + found.error().what};
  switch (judge_at_start(memory, *found)) {
    case AlarmAtStart::off: {
      const Result<void> off = co_await off_at_start(*found, memory.was_switched_on);
      co_return off;
    }
    case AlarmAtStart::on_again:
      tell_(db::Severity::alarm, {}, named() + " was found off although a trip that nobody has acknowledged wants it on");
      switch_on("a trip that nobody has acknowledged");
      break;
    case AlarmAtStart::stays_on:
      tell_(db::Severity::warning, {},
            named() + (memory.has_open_trip || memory.was_switched_on
                           ? " stays on: nobody has acknowledged why"
                           : " is on, this record does not say why, and it stays on; once somebody has looked: cellrig doctor "
                             "--acknowledge --db FILE --operator NAME"));
      if (memory.was_switched_on) look_after();  // what it has not asked for, a record leaves to whoever did
      break;
  }
  co_return Result<void>{};
}

Task<Result<void>> AlarmOutput::off_at_start(bool was_on, bool was_remembered) {
  const Deadline deadline{time_.now() + settle_timeout};
  const Result<void> off = co_await relays_.set(wire_.wire.index, false, deadline);
  if (!off) co_return Error{off.error().fault, named() + " did not confirm that it is off: " + off.error().what};
  if (was_on || was_remembered)
    tell_(db::Severity::warning, switched_off_action(wire_.label()),
          named() + (was_on ? " was switched off" : " is off") + ": acknowledged");
  co_return Result<void>{};
}

// ---- on -------------------------------------------------------------------------------------------------------------

void AlarmOutput::switch_on(const std::string& why, Duration head_start) {
  // An earlier run has switched it on; that this one wants it, too, is another thing to acknowledge.
  if (std::exchange(is_inherited_, false))
    tell_(db::Severity::warning, switched_on_action(wire_.label()), named() + " was on already, and is wanted: " + why);
  if (is_standing_down_ && !std::exchange(is_wanted_again_, true)) why_again_ = why;
  if (std::exchange(is_wanted_, true)) return;
  why_ = why;
  tasks_.spawn(keep_on(head_start));
}

void AlarmOutput::look_after() {
  is_wanted_ = is_inherited_ = is_confirmed_ = true;
  why_ = "a trip that nobody has acknowledged";
  tasks_.spawn(keep_on({}));
}

Task<void> AlarmOutput::keep_on(Duration head_start) {
  const TimePoint begins = time_.now() + head_start;
  while (!is_hurried_ && time_.now() < begins) co_await wake_.until(begins);
  for (;;) {
    if (!is_confirmed_) co_await try_until_on();
    if (!is_confirmed_) co_return;  // the end has come, and it was told
    const bool is_lost = co_await has_been_lost();
    if (!is_lost) co_return;
    is_confirmed_ = false;
  }
}

Task<void> AlarmOutput::try_until_on() {
  Duration pause = retry_first;
  bool is_said = false;
  for (;;) {
    const Deadline deadline{time_.now() + attempt_timeout};
    const Result<void> on = co_await relays_.set(wire_.wire.index, true, deadline);
    if (on) {
      is_confirmed_ = true;
      confirmed_at_ = time_.now();
      tell_(db::Severity::warning, switched_on_action(wire_.label()), named() + " was switched on: " + why_);
      co_return;
    }
    if (is_standing_down_) co_return;
    // A contactor of the same module that opens goes first, which is no failure.
    if (!is_said && on.error().fault != Fault::interrupted) {
      is_said = true;
      tell_(db::Severity::alarm, not_confirmed_on_action(wire_.label()),
            named() + " is not confirmed on yet: " + on.error().what + " (wanted: " + why_ + ")");
    }
    if (is_hurried_ || (is_finishing_ && time_.now() >= ends_at_)) {
      tell_(db::Severity::alarm, not_confirmed_on_action(wire_.label()),
            named() + " IS NOT CONFIRMED ON: " + on.error().what + ". Go and look.");
      co_return;
    }
    const TimePoint next = time_.now() + pause;
    pause = std::min(2 * pause, retry_longest);
    while (!is_hurried_ && !is_standing_down_ && time_.now() < next) co_await wake_.until(next);
  }
}

/// False: the end has come, and it was on at a last look. Before the end a module that does not answer says nothing about its output;
/// then it has to.
Task<bool> AlarmOutput::has_been_lost() {
  while (!is_finishing_) {
    const TimePoint next = time_.now() + look_every;
    while (!is_finishing_ && !is_standing_down_ && time_.now() < next) co_await wake_.until(next);
    if (is_standing_down_) co_return false;
    if (is_finishing_) break;
    const Deadline deadline{time_.now() + attempt_timeout};
    const Result<bool> held = co_await relays_.state(wire_.wire.index, deadline);
    if (!held || *held) continue;
    tell_(db::Severity::alarm, not_confirmed_on_action(wire_.label()), named() + " was on and is off again");
    co_return true;
  }
  const TimePoint steady = confirmed_at_ + inrush;
  while (!is_hurried_ && time_.now() < steady) co_await wake_.until(steady);
  if (is_hurried_ || time_.now() >= ends_at_) co_return false;
  const Deadline last{time_.now() + attempt_timeout};
  const Result<bool> held = co_await relays_.state(wire_.wire.index, last);
  if (held && *held) co_return false;
  tell_(db::Severity::alarm, not_confirmed_on_action(wire_.label()),
        named() + (held ? " was on and is off again" : " was on and does not say so any more: " + held.error().what));
  co_return true;
}

Task<Result<void>> AlarmOutput::stand_down() {
  if (!is_wanted_ || is_finishing_ || is_standing_down_) co_return Result<void>{};
  is_standing_down_ = true;
  wake_.wake();
  co_await tasks_.wait();  // nobody switches it on while it is switched off
  const Result<void> off = co_await off_at_start(true, true);
  is_standing_down_ = is_wanted_ = is_confirmed_ = is_inherited_ = false;
  const std::string before = why_;
  if (std::exchange(is_wanted_again_, false)) {
    switch_on(why_again_);
  } else if (!off) {
    switch_on(before);
  }
  co_return off;
}

void AlarmOutput::end_soon() {
  is_finishing_ = true;
  ends_at_ = time_.now() + patience_at_the_end;
  wake_.wake();
}

void AlarmOutput::hurry() {
  is_hurried_ = true;
  wake_.wake();
}

}  // namespace cellrig
