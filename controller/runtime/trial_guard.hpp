// Looks at what is beside the cycler while a trial lets current flow: contacts, temperature, and every sensor with a limit.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/async/task_group.hpp"
#include "controller/base/limits.hpp"
#include "controller/runtime/bench_instruments.hpp"
#include "controller/runtime/config.hpp"

namespace cellrig {

struct TrialGuardOptions {
  SafetyLimits limits;                   ///< of cell and bench, the tighter
  std::optional<double> stack_area_cm2;  ///< what the force presses; nothing: no pressure is known
  Duration neighbour_period = std::chrono::milliseconds{100};
};

/// * An open contact, one that nothing is known of, and a limit that is not met or not measured are findings.
/// * It never speaks to the channel's own cycler. Other units on the cycler's serial line are asked all the time, as a run would: what
///   they send may count as a sign of life for the cycler's watchdog, and must not in a proof of it.
class TrialGuard {
 public:
  TrialGuard(TimeSource& time, const ChannelConfig& channel, const BenchConfig& bench, BenchInstruments& instruments,
             const TrialGuardOptions& options);

  /// All of it once; an error says why no current may flow.
  [[nodiscard]] Task<Result<void>> look();
  /// Until stop(). `found` is called with the first finding, and once.
  [[nodiscard]] Task<void> run(std::function<void(const Error&)> found);
  void stop();
  /// The instruments that it asks.
  [[nodiscard]] std::set<std::string> watched() const;

 private:
  struct Input {
    Measurand measurand = Measurand::cell_temperature;
    int index = 0;
  };

  void listen_to(const std::optional<InputRef>& input, Measurand measurand);
  [[nodiscard]] Result<void> check_delivery() const;
  [[nodiscard]] Task<Result<void>> read_contacts(std::string module);
  [[nodiscard]] Task<Result<void>> read_sensors(std::string logger);
  [[nodiscard]] Task<void> watch_contacts(std::string module);
  [[nodiscard]] Task<void> watch_sensors(std::string logger);
  [[nodiscard]] Task<void> talk_to_neighbours();
  [[nodiscard]] Task<void> ask(std::string neighbour);
  [[nodiscard]] Task<void> pause(Wait& wake, Duration duration);
  [[nodiscard]] Result<void> judge(Measurand measurand, const Reading& reading) const;
  [[nodiscard]] Result<void> judge_limits(Measurand measurand, double value) const;
  [[nodiscard]] Error refuse(const std::string& what) const;
  void find(const Error& finding);

  TimeSource& time_;
  std::string channel_;
  BenchInstruments& instruments_;
  TrialGuardOptions options_;
  std::map<std::string, std::vector<int>> contacts_;   ///< by module
  std::map<std::string, std::vector<Input>> sensors_;  ///< by logger
  std::vector<std::string> neighbours_;
  std::set<Measurand> delivered_;
  std::function<void(const Error&)> found_;
  std::vector<Wait*> sleepers_;
  TaskGroup tasks_;
  bool stopped_ = false;
  bool is_found_ = false;
};

}  // namespace cellrig
