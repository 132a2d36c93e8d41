// Performs what the chamber's machine decided, and hands its temperature to the channels in it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/async/task_group.hpp"
#include "controller/engine/chamber_machine.hpp"
#include "controller/engine/chamber_watch.hpp"
#include "controller/runtime/alarm_output.hpp"
#include "controller/runtime/channel_runner.hpp"
#include "drivers/instruments/chamber.hpp"

namespace cellrig {

struct ChamberTaskOptions {
  ChamberLimits limits;
  Duration period{};          ///< how often it is looked at
  Duration wait_max{};        ///< that a channel may wait for others
  bool looks_always = false;  ///< also while nobody asks for a temperature: for those who watch
};

/// What of a chamber is worth showing.
struct ChamberLook {
  std::optional<Celsius> setpoint;  ///< confirmed
  std::optional<Reading> actual;
  bool is_running = false, is_not_stopped = false, is_tripped = false;
  std::vector<std::string> held_by;
  struct Waiting {
    std::string channel;
    Celsius temperature;
    std::string why;
  };
  std::vector<Waiting> waiting;
};

class ChamberTask {
 public:
  ChamberTask(TimeSource& time, std::string name, Chamber& chamber, const ChamberTaskOptions& options, RunListener& listener);
  ~ChamberTask();

  /// A channel that lives in this chamber, its output off: before run() or during it. Sets its door. One of this name that was here
  /// before has left by then, and is forgotten.
  /// asks: its program wants temperatures; a chamber that nobody asks is only told of thermal trips.
  /// held: its interrupted run had this temperature.
  void add(ChannelRunner& channel, bool asks, std::optional<Celsius> held);
  /// It is about to be destroyed. If it has not left yet, it leaves now.
  void forget(const ChannelRunner& channel);
  /// A channel that left without a confirmed OFF has it now: the chamber may move again.
  void confirmed_off(const std::string& channel);
  /// An output between runs is not known to be off any more: the chamber stays where it is.
  void may_be_on(const std::string& channel);
  void set_wait_max(Duration wait_max) { wait_max_ = wait_max; }

  /// Before run(): what a thermal trip switches on, when the heater is off or has had its time; and who is called when it stays on.
  void set_alarms(std::vector<AlarmOutput*> ventilation, Bell* bell) {
    ventilation_ = std::move(ventilation);
    bell_ = bell;
  }

  /// Identity, limits and alarms written and read back. While it runs: by its own task, unless the chamber works already.
  [[nodiscard]] Task<Result<void>> prepare();
  /// A cell of this channel, which has no run, is hot: as a thermal trip of a channel that has one.
  void heat_beside(const std::string& channel) { decide(chamber_input::ThermalTrip{place_of(channel)}); }
  /// A person stops it, at once. Its channels are the business of whoever was told.
  void emergency_stop();
  /// A person has looked at what tripped it. False: channels live in it.
  [[nodiscard]] bool clear_trip();
  [[nodiscard]] bool tripped() const { return machine_ && machine_->tripped(); }
  [[nodiscard]] ChamberLook look() const;
  [[nodiscard]] Task<void> run();  ///< until stop(); leaves the chamber stopped
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

  struct PresentWait {
    std::optional<TimePoint> since;
    std::string why;
  };

  Task<Result<void>> identify_and_arm();
  std::uint32_t place_of(const std::string& channel);
  void decide(const ChamberInput& input);
  void begin_wait(const chamber_output::Waits& waits);
  void end_wait(std::uint32_t channel);
  void end_long_waits();
  [[nodiscard]] std::string describe_wait(const chamber_output::Waits& waits) const;
  Task<void> perform(const ChamberOutput& output);
  Task<void> run_at(const chamber_output::Run& run);
  Task<void> halt();
  Task<bool> try_halt(int attempt, bool command_may_follow);
  Task<void> halt_at_once();
  Task<void> ventilate();
  Task<void> refresh();
  void judge(const Result<ChamberReadings>& readings);
  void leaves_its_band(const TripCause& cause);
  void tell_of_leaving(const Reading& air);
  void fails(const std::string& what);
  void say(db::Severity severity, const std::string& what);
  void warn_of_limits();
  [[nodiscard]] bool is_silent_for_long() const;

  TimeSource& time_;
  std::string name_;
  Chamber& chamber_;
  ChamberLimits limits_;
  Duration period_, wait_max_;
  RunListener& listener_;
  std::vector<ChannelRunner*> channels_;  ///< by place; null: nobody is there now
  std::vector<std::string> names_;        ///< of who has or had the place
  std::vector<std::unique_ptr<Door>> doors_;
  std::vector<std::optional<Celsius>> held_;  ///< by channel, before an interruption
  std::vector<PresentWait> waits_;            ///< by channel
  std::unique_ptr<ChamberMachine> machine_;
  std::deque<ChamberOutput> queue_;
  Wait wake_;
  bool stopped_ = false;
  bool failing_ = false;      ///< a warning was said
  bool failed_ = false;       ///< an alarm was said
  bool limits_said_ = false;  ///< that nobody but us keeps them
  bool asked_ = false;
  bool looks_always_ = false;
  bool is_running_ = false;  ///< run() is
  bool prepare_wanted_ = false;
  std::uint64_t preparations_ = 0;  ///< that ended
  Result<void> prepared_;           ///< the last of them
  std::optional<Reading> last_temperature_;
  bool hurry_ = false;
  State state_ = State::idle;
  Celsius setpoint_;
  ChamberWatch watch_;
  bool leaving_said_ = false;         ///< since its air was in the band last
  std::optional<TripCause> runaway_;  ///< of its air, which is why it was stopped
  int halting_ = 0;                   ///< stops under way
  TaskGroup urgent_;                  ///< stops that waited for nothing
  std::vector<AlarmOutput*> ventilation_;
  Bell* bell_ = nullptr;
  Wait halted_;  ///< after a thermal trip
  TimePoint last_good_{};
};

}  // namespace cellrig
