// Performs what the chamber's machine decided, and hands its temperature to the channels in it.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "controller/async/task_group.hpp"
#include "controller/engine/chamber_machine.hpp"
#include "controller/runtime/channel_runner.hpp"
#include "drivers/instruments/chamber.hpp"

namespace cellrig {

class ChamberTask {
 public:
  ChamberTask(TimeSource& time, std::string name, Chamber& chamber, const ChamberLimits& limits, Duration period,
              RunListener& listener);
  ~ChamberTask();

  /// Before run(): a channel that lives in this chamber. Sets its door.
  /// asks: its program wants temperatures; a chamber that nobody asks is only told of thermal trips.
  void add(ChannelRunner& channel, bool asks);

  [[nodiscard]] Task<Result<void>> prepare();  ///< identity, limits and alarms written and read back
  [[nodiscard]] Task<void> run();              ///< until stop(); leaves the chamber stopped
  void stop();
  void hurry() { hurry_ = true; }
  [[nodiscard]] bool left_running() const { return state_ == State::not_stopped; }  ///< it did not confirm that it stopped
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  class Door;
  enum class State : unsigned char {
    idle,         ///< not ours to stop: never asked to run, or it confirmed that it stopped
    starting,     ///< run() is under way
    running,      ///< it confirmed that it runs
    uncertain,    ///< run() failed: it may run
    not_stopped,  ///< it did not confirm that it stopped
  };

  void decide(const ChamberInput& input);
  Task<void> perform(const ChamberOutput& output);
  Task<void> run_at(const chamber_output::Run& run);
  Task<void> halt();
  Task<void> refresh();
  void judge(const Result<ChamberReadings>& readings);
  void fails(const std::string& what);
  void say(db::Severity severity, const std::string& what);
  [[nodiscard]] bool is_silent_for_long() const;

  TimeSource& time_;
  std::string name_;
  Chamber& chamber_;
  ChamberLimits limits_;
  Duration period_;
  RunListener& listener_;
  std::vector<ChannelRunner*> channels_;
  std::vector<std::unique_ptr<Door>> doors_;
  std::unique_ptr<ChamberMachine> machine_;
  std::deque<ChamberOutput> queue_;
  Wait wake_;
  bool stopped_ = false;
  bool failing_ = false;  ///< a warning was said
  bool failed_ = false;   ///< an alarm was said
  bool asked_ = false;
  bool hurry_ = false;
  State state_ = State::idle;
  Celsius setpoint_;
  TaskGroup urgent_;  ///< stops that waited for nothing
  TimePoint last_good_{};
};

}  // namespace cellrig
