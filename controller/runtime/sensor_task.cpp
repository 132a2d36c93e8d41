#include "controller/runtime/sensor_task.hpp"

#include <algorithm>

#include "controller/runtime/constants.hpp"

namespace cellrig {
SensorTask::SensorTask(TimeSource& time, std::string name, Logger& logger, Duration period, RunListener& listener)
    : time_{time}, name_{std::move(name)}, logger_{logger}, period_{period}, listener_{listener}, wake_{time} {}

void SensorTask::subscribe(const SensorSubscription& subscription) {
  subscriptions_.push_back(subscription);
  const auto at = std::lower_bound(inputs_.begin(), inputs_.end(), subscription.input);
  if (at == inputs_.end() || *at != subscription.input) inputs_.insert(at, subscription.input);
  readings_.resize(inputs_.size());
}

void SensorTask::hand_out(const SensorSubscription& subscription, const Reading& reading) {
  subscription.channel->sensor(subscription.measurand, reading);
  if (!subscription.pressed_area_cm2) return;
  Reading pressure = reading;
  pressure.value = reading.value / (*subscription.pressed_area_cm2 * mm2_per_cm2);
  subscription.channel->sensor(Measurand::stack_pressure, pressure);
}

Task<Result<void>> SensorTask::refresh() {
  const Deadline deadline{time_.now() + std::max(age_limit_min, 3 * period_) / 3};
  const Result<void> measured = co_await logger_.measure_inputs(inputs_, readings_, deadline);
  if (!measured) {
    if (!failing_ && measured.error().fault != Fault::interrupted) {
      const std::string text = "measurement failed: " + measured.error().what;
      listener_.message(name_, db::Severity::warning, text);
      for (const SensorSubscription& s : subscriptions_) s.channel->remark(db::Severity::warning, "logger", name_ + ": " + text);
      failing_ = true;
    }
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

Task<void> SensorTask::run() {
  TimePoint next = time_.now();
  while (!stopped_) {
    (void)co_await refresh();
    next = std::max(next + period_, time_.now());
    if (!stopped_) co_await wake_.until(next);
  }
}

void SensorTask::stop() {
  stopped_ = true;
  wake_.wake();
}

}  // namespace cellrig
