// Performs what the chamber's machine decided, and hands its temperature to the channels in it.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "controller/async/task_group.hpp"
#include "controller/engine/chamber_machine.hpp"
#include "controller/engine/chamber_watch.hpp"
#include "controller/runtime/alarm_output.hpp"
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

  /// Before run(): what a thermal trip switches on, when the heater is off or has had its time; and who is called when it stays on.
  void set_alarms(std::vector<AlarmOutput*> ventilation, Bell* bell) {
    ventilation_ = std::move(ventilation);
    bell_ = bell;
  }

  [[nodiscard]] Task<Result<void>> prepare();  ///< identity, limits and alarms written and read back
  [[nodiscard]] Task<void> run();              ///< until stop(); leaves the chamber stopped
  void stop();
  void hurry() { hurry_ = true; }
  [[nodiscard]] bool left_running() const { return state_ == State::not_stopped; }  ///< it did not confirm that it stopped
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  static constexpr Duration age_limit_min = std::chrono::seconds{3};
  static constexpr int age_limit_periods = 3;

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
  Task<void> halt_at_once();
  Task<void> ventilate();
  Task<void> refresh();
  void judge(const Result<ChamberReadings>& readings);
  void leaves_its_band(const TripCause& cause);
  void fails(const std::string& what);
  void say(db::Severity severity, const std::string& what);
  void warn_of_limits();
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
  bool failing_ = false;      ///< a warning was said
  bool failed_ = false;       ///< an alarm was said
  bool limits_said_ = false;  ///< that nobody but us keeps them
  bool asked_ = false;
  bool hurry_ = false;
  State state_ = State::idle;
  Celsius setpoint_;
  ChamberWatch watch_;
  std::optional<TripCause> runaway_;  ///< of its air, which is why it was stopped
  TaskGroup urgent_;                  ///< stops that waited for nothing
  std::vector<AlarmOutput*> ventilation_;
  Bell* bell_ = nullptr;
  Wait halted_;  ///< after a thermal trip
  TimePoint last_good_{};
};

}  // namespace cellrig
