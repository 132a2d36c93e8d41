// Refreshes what one logger measures for every channel that listens to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/async/time_source.hpp"
#include "controller/runtime/listener.hpp"
#include "controller/runtime/sensor_sink.hpp"
#include "drivers/instruments/logger.hpp"

namespace cellrig {

struct SensorSubscription {
  SensorSink* channel = nullptr;
  Measurand measurand = Measurand::cell_temperature;
  int input = 0;
  std::optional<double> pressed_area_cm2{};  ///< of a force: then its pressure is handed out too
};

class SensorTask {
 public:
  SensorTask(TimeSource& time, std::string name, Logger& logger, Duration period, RunListener& listener);
  /// Before run(): an input that somebody will listen to.
  void declare(int input);
  /// At any moment; while it runs, to inputs that were declared.
  void subscribe(const SensorSubscription& subscription);
  void unsubscribe(const SensorSink& channel);
  /// One exchange; its readings are handed out. While it runs: the next one of its own, at once.
  [[nodiscard]] Task<Result<void>> refresh();
  [[nodiscard]] bool is_running() const { return is_running_; }
  /// Before run(): nobody else asks who it is. At the beginning and after each failure, not more often than every ten seconds.
  void identify_by_itself() { identifies_ = true; }
  /// Until stop().
  [[nodiscard]] Task<void> run();
  void stop();
  [[nodiscard]] Logger& logger() { return logger_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  static constexpr Duration age_limit_min = std::chrono::seconds{1};

  Task<Result<void>> exchange();
  Task<Result<void>> identify();
  Task<void> verify();
  void tell_failure(const Error& error);
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
  std::uint64_t exchanges_ = 0;  ///< that ended
  Result<void> last_;            ///< of them
  bool is_running_ = false;
  bool identifies_ = false, is_identified_ = false;
  bool is_refused_ = false;  ///< somebody has set it up anew
  TimePoint next_identify_{}, next_verify_{};
  bool stopped_ = false;
  bool failing_ = false;
};

}  // namespace cellrig
