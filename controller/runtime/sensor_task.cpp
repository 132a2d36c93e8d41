#include "controller/runtime/sensor_task.hpp"

#include <algorithm>

namespace cellrig {
namespace {
constexpr Duration age_limit_min = std::chrono::seconds{1};
}

SensorTask::SensorTask(TimeSource& time, std::string name, Logger& logger, Duration period, RunListener& listener)
    : time_{time}, name_{std::move(name)}, logger_{logger}, period_{period}, listener_{listener}, wake_{time} {}

void SensorTask::subscribe(const SensorSubscription& subscription) {
  subscriptions_.push_back(subscription);
  readings_.resize(std::max(readings_.size(), static_cast<std::size_t>(subscription.input) + 1));
}

Task<Result<void>> SensorTask::refresh() {
  const Deadline deadline{time_.now() + std::max(age_limit_min, 3 * period_) / 3};
  const Result<void> measured = co_await logger_.measure(readings_, deadline);
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
      if (is_old && s.measurand != Measurand::cell_temperature) s.channel->sensor(s.measurand, missing);
    }
    co_return measured;
  }
  failing_ = false;
  last_good_ = time_.now();
  for (const SensorSubscription& s : subscriptions_) s.channel->sensor(s.measurand, readings_[static_cast<std::size_t>(s.input)]);
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
