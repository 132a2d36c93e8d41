#include "drivers/instruments/cycler_core.hpp"

#include <algorithm>
#include <utility>

namespace cellrig {

CyclerCore::CyclerCore(TimeSource& time, CyclerCapabilities capabilities, Duration attempt_timeout)
    : time_{time}, capabilities_{std::move(capabilities)}, attempt_timeout_{attempt_timeout} {}

Error CyclerCore::failure(Fault fault, const std::string& what) const { return fail(fault, capabilities_.model + ": " + what); }

Result<CyclerCore::Call> CyclerCore::begin(Deadline deadline) const {
  if (stopping_ > 0) return stopped();
  return Call{deadline, epoch_};
}

bool CyclerCore::may_ask_again(const Call& call, Fault fault) const {
  return fault == Fault::link_lost && !is_stopped(call) && time_.now() < call.deadline.at;
}

Task<Result<void>> CyclerCore::pause(Call call, Duration duration) {
  if (is_stopped(call)) co_return stopped();
  const TimePoint until = std::min(call.deadline.at, time_.now() + duration);
  co_await time_.sleep_until(until);
  if (is_stopped(call)) co_return stopped();
  if (time_.now() >= call.deadline.at) co_return failure(Fault::timeout, "not done in time");
  co_return Result<void>{};
}

void CyclerCore::current_may_reach(Amps magnitude) { last_current_ = std::max(last_current_, magnitude); }

Amps CyclerCore::off_current_threshold() const {
  // 1 % of the set-point, but never less than what the instrument itself may show at no current.
  const double floor_A = capabilities_.current_accuracy.bound_at(0.0) + 2.0 * capabilities_.current_resolution.value();
  return std::max(Amps{0.01 * last_current_.value()}, Amps{floor_A});
}

Task<Result<void>> CyclerCore::output_off(Deadline deadline) {
  const CallScope stopping{stopping_};
  ++epoch_;
  if (calls_ > 0) cut_calls();
  Result<void> done = failure(Fault::timeout, "no time was left to turn the output off");
  for (int attempt = 0; time_.now() < deadline.at; ++attempt) {
    const TimePoint started = time_.now();
    const Deadline attempt_deadline{std::min(deadline.at, started + attempt_timeout_)};
    done = co_await off_by(attempt % off_path_count(), attempt_deadline);
    if (done) break;
    const bool every_path_was_tried = attempt + 1 >= off_path_count();
    const TimePoint next_attempt = std::min(deadline.at, time_.now() + retry_pause);
    if (every_path_was_tried && time_.now() - started < retry_pause) co_await time_.sleep_until(next_attempt);
  }
  if (done) last_current_ = Amps{0.0};
  co_return done;
}

}  // namespace cellrig
