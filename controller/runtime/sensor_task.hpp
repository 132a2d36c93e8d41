// Refreshes what one logger measures for every channel that listens to it.
#pragma once

#include <optional>
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
  std::optional<double> pressed_area_cm2{};  ///< of a force: then its pressure is handed out too
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
  static constexpr Duration age_limit_min = std::chrono::seconds{1};

  void hand_out(const SensorSubscription& subscription, const Reading& reading);

  TimeSource& time_;
  std::string name_;
  Logger& logger_;
  Duration period_;
  RunListener& listener_;
  std::vector<SensorSubscription> subscriptions_;
  std::vector<int> inputs_;        ///< that somebody listens to, rising
  std::vector<Reading> readings_;  ///< of these
  Wait wake_;
  TimePoint last_good_{};
  bool stopped_ = false;
  bool failing_ = false;
};

}  // namespace cellrig
