#include "drivers/instruments/chamber_core.hpp"

#include <algorithm>

namespace cellrig {

Error ChamberCore::failure(Fault fault, const std::string& what) const { return fail(fault, capabilities_.model + ": " + what); }

Result<ChamberCore::Call> ChamberCore::begin(Deadline deadline) const {
  if (stopping_ > 0) return stopped();
  return Call{deadline, epoch_};
}

bool ChamberCore::may_ask_again(const Call& call, Fault fault) const {
  return fault == Fault::link_lost && !is_stopped(call) && time_.now() < call.deadline.at;
}

Result<void> ChamberCore::judge_limits(const ChamberLimits& limits) const {
  const bool is_in_order = limits.setpoint_min < limits.setpoint_max;
  const bool is_possible =
      limits.setpoint_min >= capabilities_.temperature_min && limits.setpoint_max <= capabilities_.temperature_max;
  if (is_in_order && is_possible) return {};
  return refused("the set-point limits are in the wrong order or outside the chamber's range");
}

Result<void> ChamberCore::judge_setpoint(Celsius setpoint) const {
  if (!armed_) return refused("its limits are not armed");
  if (setpoint >= armed_->setpoint_min && setpoint <= armed_->setpoint_max) return {};
  return refused("the set-point is outside its limits");
}

Reading ChamberCore::temperature_reading(double degC, bool is_plausible, TimePoint at) {
  return {.value = is_plausible ? degC : 0.0, .at = at, .quality = is_plausible ? Quality::good : Quality::bad};
}

Task<Result<void>> ChamberCore::stop(Deadline deadline) {
  const CallScope stopping{stopping_};
  ++epoch_;
  if (calls_ > 0) cut_calls();
  Result<void> done = failure(Fault::timeout, "no time was left to stop the chamber");
  for (int attempt = 0; time_.now() < deadline.at; ++attempt) {
    const Call call{deadline, epoch_};
    const Result<void> tried = co_await stop_once(call, attempt);
    if (tried) co_return tried;
    // A try that ran out of time says less than one that was answered.
    if (attempt == 0 || tried.error().fault != Fault::timeout) done = tried;
    const TimePoint next_attempt = std::min(deadline.at, time_.now() + retry_pause);
    co_await time_.sleep_until(next_attempt);
  }
  co_return done;
}

}  // namespace cellrig
