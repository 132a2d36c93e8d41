// Refreshes the temperatures of every channel that listens to one logger.
#pragma once

#include <string>
#include <vector>

#include "controller/async/time_source.hpp"
#include "controller/runtime/channel_runner.hpp"
#include "drivers/instruments/logger.hpp"

namespace cellrig {

struct SensorSubscription {
  ChannelRunner* channel = nullptr;
  Measurand measurand = Measurand::cell_temperature;
  int input = 0;
};

class SensorTask {
 public:
  SensorTask(TimeSource& time, std::string name, Logger& logger, Duration period, RunListener& listener);
  void subscribe(const SensorSubscription& subscription);
  /// One exchange; its readings are handed out. Before the run, and then once per period.
  [[nodiscard]] Task<Result<void>> refresh();
  /// Until stop().
  [[nodiscard]] Task<void> run();
  void stop();
  [[nodiscard]] Logger& logger() { return logger_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  TimeSource& time_;
  std::string name_;
  Logger& logger_;
  Duration period_;
  RunListener& listener_;
  std::vector<SensorSubscription> subscriptions_;
  std::vector<Reading> readings_;
  Wait wake_;
  TimePoint last_good_{};
  bool stopped_ = false;
  bool failing_ = false;
};

}  // namespace cellrig
