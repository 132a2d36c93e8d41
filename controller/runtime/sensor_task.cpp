#include "controller/runtime/sensor_task.hpp"

#include <algorithm>
#include <cassert>

#include "controller/runtime/constants.hpp"

namespace cellrig {
namespace {
constexpr Duration identify_again = std::chrono::seconds{10};
constexpr Duration identify_timeout = std::chrono::seconds{2};
constexpr Duration verify_every = std::chrono::seconds{30};
constexpr std::uint64_t cuts_max = 5;
constexpr Duration poll_for_exchange = std::chrono::milliseconds{10};
}  // namespace

SensorTask::SensorTask(TimeSource& time, std::string name, Logger& logger, Duration period, RunListener& listener)
    : time_{time}, name_{std::move(name)}, logger_{logger}, period_{period}, listener_{listener}, wake_{time} {}

void SensorTask::declare(int input) {
  const auto at = std::lower_bound(inputs_.begin(), inputs_.end(), input);
  if (at != inputs_.end() && *at == input) return;
  assert(!is_running_);  // an exchange under way writes into both
  inputs_.insert(at, input);
  readings_.resize(inputs_.size());
}

void SensorTask::subscribe(const SensorSubscription& subscription) {
  declare(subscription.input);
  subscriptions_.push_back(subscription);
}

void SensorTask::unsubscribe(const SensorSink& channel) {
  std::erase_if(subscriptions_, [&channel](const SensorSubscription& s) { return s.channel == &channel; });
}

void SensorTask::hand_out(const SensorSubscription& subscription, const Reading& reading) {
  subscription.channel->sensor(subscription.measurand, reading);
  if (!subscription.pressed_area_cm2) return;
  Reading pressure = reading;
  pressure.value = reading.value / (*subscription.pressed_area_cm2 * mm2_per_cm2);
  subscription.channel->sensor(Measurand::stack_pressure, pressure);
}

/// Two exchanges at once would be two questions on one wire.
Task<Result<void>> SensorTask::refresh() {
  if (!is_running_) {
    Result<void> done = co_await exchange();
    co_return done;
  }
  // The one under way may have begun before whoever asks came to listen.
  std::uint64_t wanted = exchanges_ + 2;
  const std::uint64_t most = wanted + cuts_max;
  while (is_running_ && exchanges_ < wanted) {
    wake_.wake();
    co_await time_.sleep_for(poll_for_exchange);
    // A contactor of the same module that opens goes first, which is no failure.
    const bool is_cut = exchanges_ >= wanted && !last_ && last_.error().fault == Fault::interrupted;
    if (is_cut && wanted < most) wanted = exchanges_ + 1;
  }
  if (!is_running_) co_return fail(Fault::interrupted, name_ + " is no longer read");
  co_return last_;
}

Task<Result<void>> SensorTask::exchange() {
  const Deadline deadline{time_.now() + std::max(age_limit_min, 3 * period_) / 3};
  const Result<void> measured = co_await logger_.measure_inputs(inputs_, readings_, deadline);
  if (!measured) {
    tell_failure(measured.error());
    // An old value must not end a step, or stand in the record as if it were of now. The cell's own trips the channel by its age.
    const Reading missing{.at = time_.now(), .quality = Quality::missing};
    const bool is_old = !(time_.now() - last_good_ <= std::max(age_limit_min, 3 * period_));
    for (const SensorSubscription& s : subscriptions_) {
      if (is_old && s.measurand != Measurand::cell_temperature) hand_out(s, missing);
    }
    co_return measured;
  }
  failing_ = false;
  last_good_ = time_.now();
  for (const SensorSubscription& s : subscriptions_) {
    const auto at = std::lower_bound(inputs_.begin(), inputs_.end(), s.input);
    hand_out(s, readings_[static_cast<std::size_t>(at - inputs_.begin())]);
  }
  co_return measured;
}

void SensorTask::tell_failure(const Error& error) {
  if (failing_ || error.fault == Fault::interrupted) return;
  const std::string text = "measurement failed: " + error.what;
  listener_.message(name_, db::Severity::warning, text);
  for (const SensorSubscription& s : subscriptions_) s.channel->remark(db::Severity::warning, "logger", name_ + ": " + text);
  failing_ = true;
}

/// Some measure nothing before they were asked who they are, and again after they were without power.
Task<Result<void>> SensorTask::identify() {
  if (is_identified_ || time_.now() < next_identify_) co_return Result<void>{};
  next_identify_ = time_.now() + identify_again;
  const Deadline deadline{time_.now() + identify_timeout};
  const Result<InstrumentIdentity> identity = co_await logger_.identify(deadline);
  is_identified_ = identity.has_value();
  is_refused_ = is_refused_ && !is_identified_;
  if (!identity) co_return identity.error();
  co_return Result<void>{};
}

/// No lease keeps others from a logger: two may read one, and a program of its maker may set it up anew. That is found out.
Task<void> SensorTask::verify() {
  if (time_.now() < next_verify_) co_return;
  next_verify_ = time_.now() + verify_every;
  const Deadline deadline{time_.now() + std::max(age_limit_min, 3 * period_) / 3};
  const Result<void> same = co_await logger_.verify(deadline);
  if (same || same.error().fault != Fault::refused) co_return;
  tell_failure(same.error());
  is_identified_ = false;
  is_refused_ = true;  // it measures nothing any more until it was asked who it is, and set up anew
}

Task<void> SensorTask::run() {
  is_running_ = true;
  next_verify_ = time_.now() + verify_every;
  TimePoint next = time_.now();
  while (!stopped_) {
    Result<void> known;
    if (identifies_ || is_refused_) known = co_await identify();
    last_ = co_await exchange();
    is_identified_ = is_identified_ && last_.has_value();
    if (!known && !last_) last_ = known;
    ++exchanges_;
    if (last_) co_await verify();
    next = std::clamp(next + period_, time_.now(), time_.now() + period_);  // also when it was woken early
    if (!stopped_) co_await wake_.until(next);
  }
  is_running_ = false;
}

void SensorTask::stop() {
  stopped_ = true;
  wake_.wake();
}

}  // namespace cellrig
