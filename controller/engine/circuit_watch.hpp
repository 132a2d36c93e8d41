// Is the cell still in the circuit? An output into an open circuit stands at its compliance voltage, which looks like the end of a step.
#pragma once

#include <optional>

#include "controller/base/time.hpp"
#include "controller/base/units.hpp"
#include "controller/engine/accumulators.hpp"

namespace cellrig {

struct CircuitOptions {
  int polls = 2;                  ///< without the current, in a row: one may be a false reading
  double share = 0.1;             ///< of what flowed: less than this counts as no current
  double flow_min_per_noise = 4;  ///< what flowed must be so much above the noise, or nothing can be told from its absence
  Volts jump{0.5};                ///< of the voltage, when no current ever flowed
  Volts early_jump{0.1};          ///< of the voltage, when a current that has not settled is gone
};

/// Two ways to see it. A current that was there one poll ago and is not there now: no taper is that fast, a healthy one falls by
/// some percent between two polls. And a command that moved the voltage far and no current at all. In the settling time after a command
/// a current in CC counts already, and is missing only where the voltage tells it, too: a full cell takes none either.
/// Contract: look() with every electrical sample, in the order of time. A sample of an output that is off ends what is known of it.
class CircuitWatch {
 public:
  struct Command {
    bool output_on = false;
    TimePoint since{};    ///< when it was acknowledged
    TimePoint changed{};  ///< when another magnitude was, in the same direction
    bool is_constant_current = false;
  };
  struct Finding {
    Amps current;
    Amps bound;  ///< of what should flow at least, with its sign
  };

  CircuitWatch(const CircuitOptions& options, Amps noise, Duration settling)
      : options_{options}, noise_{noise}, settling_{settling} {}

  /// gap_limit: a sample that is so much older tells nothing of this one.
  [[nodiscard]] std::optional<Finding> look(const ElectricalSample& sample, const Command& command, Duration gap_limit);
  /// The current is missing since the last poll or two: whatever ends a step at this voltage or current is not to be believed yet.
  [[nodiscard]] bool is_in_doubt() const { return missing_polls_ > 0; }

 private:
  [[nodiscard]] std::optional<Amps> missing(const ElectricalSample& sample, Duration gap_limit) const;
  void begin(const Command& command);

  CircuitOptions options_;
  Amps noise_;
  Duration settling_;
  TimePoint since_{};
  TimePoint changed_{};
  TimePoint settled_{};                     ///< from here on what flowed tells how much should flow
  bool has_flowed_ = false;                 ///< under the present command
  std::optional<ElectricalSample> before_;  ///< the last one before the present command
  std::optional<ElectricalSample> flow_;    ///< the last one that carried a current worth the name
  std::optional<ElectricalSample> last_;
  int missing_polls_ = 0;
};

}  // namespace cellrig
