// How far a run may be from what its rehearsal foretold: the band around the expected curves.
#pragma once

#include "controller/base/time.hpp"

namespace cellrig {

/// The defaults are wider than what a healthy cell of the same kind and a calibrated instrument bring together: a 60 V cycler is wrong by
/// up to 32 mV, cells of one batch differ by a few per cent in resistance (some 15 mV at 1C), a thermocouple by 1 to 2 K.
struct Expectation {
  double voltage_V = 0.05;                   ///< on either side
  double temperature_K = 5.0;                ///< on either side, of the rise over the surroundings
  double capacity_pct = 5.0;                 ///< of the nominal capacity
  Duration hold = std::chrono::seconds{30};  ///< outside for so long, seen, without a reading inside
  bool stops = false;                        ///< the channel is stopped; otherwise it is a warning

  [[nodiscard]] bool operator==(const Expectation&) const = default;
};

}  // namespace cellrig
