// Polls the contacts of one module, faster than any sensor, and tells the channels that are bound to them.
#pragma once

#include <string>
#include <vector>

#include "controller/async/time_source.hpp"
#include "controller/runtime/channel_runner.hpp"
#include "drivers/instruments/logger.hpp"

namespace cellrig {

/// What a channel is told is one word for all its contacts on this module: closed, open, or (after a silence) unknown.
/// One lost answer is asked for again; the age limit is what trips, and it is short.
class InterlockTask {
 public:
  InterlockTask(TimeSource& time, std::string name, Contacts& contacts, const ChannelOptions& options, RunListener& listener);
  /// `source` numbers this module among those of the channel.
  void subscribe(ChannelRunner& channel, std::size_t source, int input);
  /// One exchange; before the run, and then once per period.
  [[nodiscard]] Task<Result<void>> refresh();
  /// Until stop().
  [[nodiscard]] Task<void> run();
  void stop();
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  struct Subscription {
    ChannelRunner* channel = nullptr;
    std::size_t source = 0;
    std::vector<int> inputs;
  };
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
  bool stopped_ = false;
  bool failing_ = false;
  bool open_said_ = false;
};

}  // namespace cellrig
