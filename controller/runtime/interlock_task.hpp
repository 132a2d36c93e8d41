// Polls the contacts of one module, faster than any sensor, and tells the channels that are bound to them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/async/time_source.hpp"
#include "controller/runtime/channel_runner.hpp"
#include "controller/runtime/sensor_sink.hpp"
#include "drivers/instruments/logger.hpp"

namespace cellrig {

/// What a channel is told is one word for all its contacts on this module: closed, open, or (after a silence) unknown.
/// One lost answer is asked for again; the age limit is what trips, and it is short.
class InterlockTask {
 public:
  InterlockTask(TimeSource& time, std::string name, Contacts& contacts, const ChannelOptions& options, RunListener& listener);
  /// `source` numbers this module among those of the channel.
  /// While it runs: contacts that were declared.
  void subscribe(SensorSink& channel, std::size_t source, int input);
  void unsubscribe(const SensorSink& channel);
  /// Before run(): a contact that somebody will be bound to.
  void declare(int input);
  /// One exchange; before the run, and then once per period. While it runs: the next one of its own, at once.
  [[nodiscard]] Task<Result<void>> refresh();
  [[nodiscard]] bool is_running() const { return is_running_; }
  /// Until stop().
  [[nodiscard]] Task<void> run();
  void stop();
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  struct Subscription {
    SensorSink* channel = nullptr;
    std::size_t source = 0;
    std::vector<int> inputs;
  };
  Task<Result<void>> exchange();
  void hand_out(TimePoint at);
  void hand_out_unknown();
  void say_open(const Subscription& subscription, int input);

  TimeSource& time_;
  std::string name_;
  Contacts& contacts_;
  Duration period_, age_limit_;
  RunListener& listener_;
  std::vector<Subscription> subscriptions_;
  std::size_t count_ = 0;
  std::vector<char> closed_;  ///< by input; of the last answer
  Wait wake_;
  TimePoint last_good_{};
  std::uint64_t exchanges_ = 0;  ///< that ended
  Result<void> last_;            ///< of them
  bool is_running_ = false;
  bool stopped_ = false;
  bool failing_ = false;
  bool open_said_ = false;
};

}  // namespace cellrig
