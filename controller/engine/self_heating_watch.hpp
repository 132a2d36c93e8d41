// Does the cell make heat without a current? Then something inside it reacts, or it is short-circuited where no voltage shows it.
#pragma once

#include <optional>

#include "controller/base/observation.hpp"
#include "controller/base/time.hpp"
#include "controller/engine/hazard.hpp"

namespace cellrig {

struct SelfHeatingOptions {
  Duration settled = std::chrono::minutes{30};  ///< of a rest: the heat of its core comes out first
  Duration hold = std::chrono::minutes{1};      ///< above the bound: one false reading is none
  double rise_K = 3.0;                          ///< above its coldest in this rest, and above the warmest of what surrounds it
};

/// I²R is nothing at rest, so that nothing but its surroundings may warm the cell. Where nobody measures those nothing is judged.
/// Contract: look() while the output is commanded off, in the order of time; the same reading may be shown again.
class SelfHeatingWatch {
 public:
  struct State {
    TimePoint since{};  ///< when OFF was acknowledged
    Reading cell;
    std::optional<double> surroundings_degC;  ///< the warmer of the air beside the cell and in its chamber
  };

  explicit SelfHeatingWatch(const SelfHeatingOptions& options) : options_{options} {}

  [[nodiscard]] std::optional<TripCause> look(const State& state);

 private:
  SelfHeatingOptions options_;
  TimePoint since_{};
  std::optional<double> coldest_degC_, warmest_around_degC_;
  std::optional<TimePoint> above_since_;
};

}  // namespace cellrig
