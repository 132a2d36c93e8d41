// The deadline of one fault on one channel, by the simulated truth: it runs from where the truth shows what the yardstick counts from,
// and ends with the current. What goes away by itself before it had to be noticed is no case.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "controller/base/time.hpp"
#include "tests/swarm/fault_menu.hpp"

namespace cellrig::swarm {

/// One look at a channel.
struct FaultTruth {
  TimePoint now{};
  double voltage_V = 0, current_A = 0;  ///< of the cell
  double peak_V = 0;                    ///< the highest voltage so far, between the looks too
  bool flows = false;                   ///< more than 1 % of the set current
  bool is_on = false;                   ///< output and contactor
  bool is_constant_current = false;
  bool circuit_is_open = false;
  bool is_wanted = false;  ///< the rig says that its step has a set-point, and nobody has asked for a stop
  bool is_watched = true;  ///< false: its run has ended in order, and nobody looks at it any more (docs/safety.md)
  bool is_over = false;    ///< the channel tripped, or its run has ended
  TimePoint commanded{};   ///< something else than before
  std::optional<double> tip_degC;
  double air_degC = 0;                ///< of its chamber
  std::optional<double> wanted_degC;  ///< what its chamber was told; nothing: it does not run
  TimePoint wanted_since{};
};

struct FaultBounds {
  Duration period{}, off_period{}, sensor_period{}, age_limit{}, watchdog_delay{};
  double voltage_max_V = 0;
  double still_Ah = 0;  ///< charge that may flow while no digit moves
  double one_C_A = 0;
  std::optional<int> alike_by_chance;  ///< readings of a voltage, by their own noise; nothing: it has too little to be known
};

class FaultClock {
 public:
  /// How long the current went on.
  struct Answer {
    Duration flowed{}, deadline{};
  };

  /// `before`: the last look without it. `gap`: how long the controller stands still, where it does.
  void begin(Reaction reaction, const FaultBounds& bounds, const FaultTruth& before, Duration gap);
  /// What it did has ended, noticed or not.
  void end();
  /// `way`: from the decision to no current; nothing: no way is left, and nobody can be blamed. True: it is late, by this look.
  [[nodiscard]] bool look(const FaultTruth& truth, std::optional<Duration> way);
  /// False: look() would do nothing.
  [[nodiscard]] bool is_looking() const { return has_clock(reaction_) && !answer_; }
  /// Between begin() and the answer: look often.
  [[nodiscard]] bool is_running() const { return since_.has_value() && !answer_; }
  [[nodiscard]] const std::optional<Answer>& answer() const { return answer_; }

 private:
  [[nodiscard]] bool shows(const FaultTruth& truth);
  [[nodiscard]] bool ended_between_looks(const FaultTruth& last, const FaultTruth& truth) const;
  [[nodiscard]] bool falls(const FaultTruth& truth) const;
  [[nodiscard]] bool stands_still(const FaultTruth& truth) const;
  [[nodiscard]] bool leaves_band(const FaultTruth& truth) const;
  [[nodiscard]] bool warms_fast(const FaultTruth& truth);
  [[nodiscard]] bool is_energised(const FaultTruth& truth) const {
    return reaction_ == Reaction::circuit_opens ? truth.is_on : truth.flows;
  }
  [[nodiscard]] bool is_answer(const FaultTruth& truth) const;
  [[nodiscard]] Duration deadline(Duration way) const;

  Reaction reaction_ = Reaction::none;
  FaultBounds bounds_;
  FaultTruth before_;
  FaultTruth last_;  ///< the look before this one
  Duration gap_{};
  std::deque<std::pair<TimePoint, double>> tips_;  ///< of the last second and a little
  std::optional<TimePoint> since_;
  TimePoint last_energised_{};
  std::optional<Answer> answer_;
};

}  // namespace cellrig::swarm
