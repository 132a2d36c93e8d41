// A voltage that jumps while nothing was changed: the reading is another one from there on (a range, a lead, a drift of the instrument), or
// the cell is.
#pragma once

#include <array>
#include <optional>

#include "controller/base/time.hpp"
#include "controller/base/units.hpp"
#include "controller/engine/accumulators.hpp"

namespace cellrig {

struct JumpOptions {
  Volts step{0.02};            ///< off the straight line through the two samples before, at least
  double times_noise = 8;      ///< and so many times as far as samples are from their lines on the average
  int samples_min = 20;        ///< before that average is known
  double quiet_share = 0.25;   ///< of the step: what the voltage may move just before and just after it; else it was a spike
  double same_current = 0.05;  ///< the share by which a current may differ and still be the same
  double reach_max = 2;        ///< times as far as its two samples lie apart a line is trusted; further on it is their noise
  Duration gap_max = std::chrono::seconds{3};  ///< between two samples: over longer ones a cell bends its curve by itself
};

/// Four samples tell: two give the line, the third leaves it, the fourth stays where the third is.
/// Contract: look() with every electrical sample, in the order of time.
class JumpWatch {
 public:
  struct Finding {
    Volts step;  ///< with its sign
    TimePoint at{};
  };

  JumpWatch(const JumpOptions& options, Amps noise) : options_{options}, noise_{noise} {}

  /// `since`: from here on the command is the same, and settled; older samples are forgotten.
  [[nodiscard]] std::optional<Finding> look(const ElectricalSample& sample, TimePoint since);

 private:
  [[nodiscard]] bool is_same_current() const;
  [[nodiscard]] Volts off_the_line(double reach) const;

  JumpOptions options_;
  Amps noise_;
  std::array<ElectricalSample, 4> samples_{};
  std::size_t count_ = 0;
  double usually_off_V_ = 0;  ///< the mean of the magnitudes, the older the less
  int averaged_ = 0;
};

}  // namespace cellrig
