// A simulated bench and drivers on it, over three kinds of links. Test bodies are plain sequences: a call runs the rig's time until
// its task is over, and between calls time stands still (but for real time, of course).
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "controller/async/task.hpp"
#include "controller/async/time_source.hpp"
#include "controller/cli/bench/instruments.hpp"
#include "controller/runtime/bench_run.hpp"
#include "controller/runtime/config.hpp"
#include "sim/bench.hpp"
#include "sim/net/server.hpp"

namespace cellrig::test {

enum class LinkKind : unsigned char {
  memory,    ///< in-process links, virtual time
  lockstep,  ///< real sockets, simulated time: every wait is exact and costs nothing
  real,      ///< real sockets, the machine's own time: for few and short cases
};
[[nodiscard]] std::string to_string(LinkKind kind);
inline const auto link_name = [](const ::testing::TestParamInfo<LinkKind>& tested) { return "over_" + to_string(tested.param); };

/// What really happens in a cell and at its terminals; the extremes since the bench was made.
struct ChannelTruth {
  double voltage_V = 0.0, current_A = 0.0, terminal_voltage_V = 0.0;
  double voltage_max_V = 0.0, voltage_min_V = 0.0, current_max_A = 0.0, current_min_A = 0.0;
  double surface_temperature_degC = 0.0, ambient_temperature_degC = 0.0;
  double pressure_MPa = 0.0, gas_ppm = 0.0;  ///< 0 where the cell file knows none
  bool output_on = false, contactor_closed = false;
};

struct ChamberTruth {
  double air_temperature_degC = 0.0, setpoint_degC = 0.0;
  bool running = false;
};

/// A task under way. finish() runs the rig's time until it is over.
template <class T>
class Pending {
 public:
  struct State {
    std::optional<T> result;
    bool is_awaited = false;
  };
  Pending(TimeSource& time, std::shared_ptr<State> state) : time_{&time}, state_{std::move(state)} {}
  [[nodiscard]] bool is_over() const { return state_->result.has_value(); }
  T finish() {
    state_->is_awaited = true;
    if (!is_over()) run();
    return *state_->result;
  }

 private:
  /// After a failure nobody waits for what is under way, and the instruments that it is about may go before the time it waits on.
  void run() {
    try {
      time_->run();
    } catch (...) {
      time_->drop_tasks();
      throw;
    }
  }

  TimeSource* time_;
  std::shared_ptr<State> state_;
};

/// Where the simulator is asked and changed behind the drivers' backs.
class BackDoor {
 public:
  virtual ~BackDoor() = default;
  [[nodiscard]] virtual std::string ask(const std::string& line) = 0;
};

class ContractRig {
 public:
  ContractRig(LinkKind kind, const std::string& bench_text);
  ~ContractRig();
  ContractRig(const ContractRig&) = delete;
  ContractRig& operator=(const ContractRig&) = delete;

  [[nodiscard]] TimeSource& time() { return *time_; }
  [[nodiscard]] cli::LinkMaker& links() { return *links_; }
  [[nodiscard]] const BenchConfig& config() const { return config_; }
  /// The drivers of one channel, on links of their own, as another process would make them.
  [[nodiscard]] BenchInstruments make_instruments(const std::string& channel);

  [[nodiscard]] Deadline in(Duration duration) { return Deadline{time_->now() + duration}; }
  /// Lets the rig's time pass.
  void pass(Duration duration);
  /// Runs a task to its end.
  template <class T>
  T call(Task<T> task) {
    return start(std::move(task)).finish();
  }
  /// Starts a task, which goes on whenever the rig's time passes. It must be finished before the rig ends.
  template <class T>
  [[nodiscard]] Pending<T> start(Task<T> task) {
    const auto state = std::make_shared<typename Pending<T>::State>();
    time_->spawn(keep(time_.get(), std::move(task), state));
    return Pending<T>{*time_, state};
  }

  /// An order in the simulator's own words: "drop psb1.modbus count=2".
  void fault(const std::string& order);
  void clear_faults();
  [[nodiscard]] ChannelTruth truth(const std::string& channel);
  [[nodiscard]] ChamberTruth chamber_truth(const std::string& chamber);

 private:
  template <class T>
  static Task<void> keep(TimeSource* time, Task<T> task, std::shared_ptr<typename Pending<T>::State> state) {
    T result = co_await std::move(task);
    state->result.emplace(std::move(result));
    if (state->is_awaited) time->stop();
  }
  static Task<bool> wait_until(TimeSource* time, TimePoint due) {
    co_await time->sleep_until(due);
    co_return true;
  }

  BenchConfig config_;
  std::unique_ptr<sim::SimulatedBench> bench_;
  std::unique_ptr<sim::SimServer> server_;
  std::unique_ptr<TimeSource> time_;
  std::unique_ptr<BackDoor> back_door_;
  std::unique_ptr<cli::LinkMaker> links_;
};

}  // namespace cellrig::test
