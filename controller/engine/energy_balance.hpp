// Does a cell give back more energy than it took? None does: then a current, a voltage or a sign that was measured is wrong.
#pragma once

#include <optional>

#include "controller/base/units.hpp"
#include "controller/engine/accumulators.hpp"
#include "controller/engine/hazard.hpp"

namespace cellrig {

struct EnergyBalanceOptions {
  AmpHours capacity{5.0};
  double turn = 0.05;        ///< of the capacity: so far back makes a loop; pulses and noise are parts of one
  double excess_max = 0.03;  ///< of the energy of a loop's first half: more than instruments and relaxation can do
};

/// A loop begins where the charge turns, goes one way, turns, and comes back to where it began: there the cell holds what it held before, and
/// the net energy that went in is its heat.
/// Contract: look() with what moved between any two samples, in the order of time.
class EnergyBalance {
 public:
  explicit EnergyBalance(const EnergyBalanceOptions& options) : options_{options} {}

  [[nodiscard]] std::optional<TripCause> look(const ElectricalSample& sample, const Throughput& moved);

 private:
  struct Point {
    double Ah = 0, Wh = 0;  ///< net, since the beginning
  };
  struct Loop {
    Point begin, turn;
  };

  [[nodiscard]] std::optional<TripCause> close_loop(const ElectricalSample& sample);

  EnergyBalanceOptions options_;
  Point now_, last_turn_, farthest_;
  int direction_ = 0;  ///< +1: charge goes in
  std::optional<Loop> loop_;
};

}  // namespace cellrig
