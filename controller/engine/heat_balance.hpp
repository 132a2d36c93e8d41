// Does the cell make more heat than its current can? What a current turns into heat, it first put in or drew.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "controller/base/observation.hpp"
#include "controller/base/time.hpp"
#include "controller/base/units.hpp"
#include "controller/engine/accumulators.hpp"
#include "controller/engine/hazard.hpp"

namespace cellrig {

struct HeatBalanceOptions {
  double heat_capacity_J_per_K = 0.0;       ///< of the cell, the least it can be; 0: not known, and nothing is judged
  Volts voltage_min, voltage_max;           ///< its open-circuit voltage lies between them
  Volts entropic{0.1};                      ///< T dU/dT: 298 K times 0.3 mV/K, the most of the cells we know
  Duration bin = std::chrono::seconds{30};  ///< over which temperatures are averaged
  int bins = 3;                             ///< above the bound in a row: a thermocouple that falls back into its place takes two
  std::size_t heat_memory_bins = 20;        ///< heat of the core comes out so much later
  double warmer_K = 3.0;                    ///< than all that is around it: neither thermometer is right to a kelvin
  double tolerance_K_per_s = 1.0 / 60.0;    ///< more than the drift and the noise of a thermocouple
};

/// An upper bound that needs no resistance: of each ampere no more becomes heat than the whole voltage window has left on that side, and no
/// part of the cell may warm faster than that heat warms the lightest cell of its mass. Cooling only makes it slower. Judged while the cell is
/// warmer than all that was measured around it for an hour, so that no heat flows in.
/// Contract: look() with every electrical sample, in the order of time. Readings of the temperature may be slower.
class HeatBalance {
 public:
  struct State {
    Reading cell;
    std::optional<double> surroundings_degC;  ///< the warmest that is measured; nothing: not judged
  };

  explicit HeatBalance(const HeatBalanceOptions& options) : options_{options} {}

  [[nodiscard]] std::optional<TripCause> look(const ElectricalSample& sample, const State& state);

 private:
  struct Bin {
    TimePoint begin{};
    double seconds = 0, sum_degC = 0;  ///< of the readings, from begin
    int count = 0;
    double heat_max_W = 0;
    std::optional<double> warmest_around_degC;
  };
  struct Past {
    double heat_max_W = 0;
    std::optional<double> warmest_around_degC;
  };

  [[nodiscard]] double heat_bound_W(const ElectricalSample& sample) const;
  [[nodiscard]] std::optional<TripCause> close_bin();
  [[nodiscard]] double heat_max_W() const;
  [[nodiscard]] bool is_warmer_than_all_around(double cell_degC) const;

  HeatBalanceOptions options_;
  Bin bin_;
  std::array<Past, 120> past_{};  ///< an hour of bins, a ring
  std::size_t newest_ = 0;
  std::optional<Reading> last_mean_;
  TimePoint last_at_{};  ///< of the last reading of the temperature
  int above_ = 0;
};

}  // namespace cellrig
