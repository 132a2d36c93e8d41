// cellrig-sim as a process of its own, and what a benchmark wants to know of the traffic with it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace cellrig::bench {

class SimulatorProcess {
 public:
  /// Returns once every port listens. @throws std::runtime_error
  SimulatorProcess(const std::string& program, const std::string& bench_file);
  ~SimulatorProcess();
  SimulatorProcess(const SimulatorProcess&) = delete;
  SimulatorProcess& operator=(const SimulatorProcess&) = delete;

  [[nodiscard]] const std::string& ready_file() const { return ready_file_; }
  [[nodiscard]] double cpu_s() const;  ///< of its whole life so far

 private:
  std::string ready_file_;
  pid_t pid_ = -1;
};

/// Stands between LockstepTime and the simulator's back door and counts the lines. It costs time: count in one run, measure in another.
class BackDoorCounter {
 public:
  /// Writes a ready file of its own, which names this proxy as the back door.
  explicit BackDoorCounter(const std::string& ready_file);
  ~BackDoorCounter();
  BackDoorCounter(const BackDoorCounter&) = delete;
  BackDoorCounter& operator=(const BackDoorCounter&) = delete;

  [[nodiscard]] const std::string& ready_file() const { return ready_file_; }
  [[nodiscard]] std::uint64_t round_trips() const { return answers_; }

 private:
  void forward();

  std::string ready_file_;
  std::uint16_t simulator_port_ = 0;
  int listener_ = -1;
  int stop_event_ = -1;
  std::atomic<std::uint64_t> answers_{0};
  std::thread thread_;
};

}  // namespace cellrig::bench
