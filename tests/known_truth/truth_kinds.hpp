// Each quantity of a claim measured on a cell whose true value is known, by a bench whose errors are drawn as their makers bound them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "db/verdict/measure.hpp"
#include "sim/cell_draw.hpp"
#include "sim/instruments/ea_psb.hpp"
#include "sim/measurement_draw.hpp"

namespace cellrig::verdict::test {

/// One cycler of the series with one cell on it. What it regulates it regulates to its own readings: the truth is elsewhere.
class DrawnBench {
 public:
  explicit DrawnBench(std::uint64_t seed) : random_{seed} {
    const sim::CyclerMeasurement drawn = sim::draw_cycler(sim::accuracy_of(sim::EaPsbConfig{}), random_);
    current_ = drawn.current.ranges.front();
    voltage_ = drawn.voltage.ranges.front();
    thermometer_K_ = even();
  }
  [[nodiscard]] double true_A(double read_A) const { return (read_A - current_.offset) / (1.0 + current_.gain_fraction); }
  [[nodiscard]] double true_V(double read_V) const { return (read_V - voltage_.offset) / (1.0 + voltage_.gain_fraction); }
  [[nodiscard]] double read_V(double true_V) const { return true_V * (1.0 + voltage_.gain_fraction) + voltage_.offset; }
  [[nodiscard]] double read_A(double true_A) const { return true_A * (1.0 + current_.gain_fraction) + current_.offset; }
  [[nodiscard]] double read_degC(double true_degC) const { return true_degC + thermometer_K_; }
  /// One measurement is never quite like the next.
  [[nodiscard]] double scatter(double relative) { return 1.0 + error(relative); }
  /// With this standard deviation.
  [[nodiscard]] double error(double standard) { return standard * sim::draw_normal(random_); }
  /// Anywhere from -1 to 1.
  [[nodiscard]] double even() { return 2.0 * random_.uniform() - 1.0; }

 private:
  sim::Random random_;
  sim::RangeErrors current_, voltage_;
  double thermometer_K_ = 0.0;
};

/// What is measured of a cell whose true value is `truth`.
struct TruthKind {
  std::string name;
  ClaimQuantity quantity = ClaimQuantity::capacity;
  double limit = 0.0;
  Comparator comparator = Comparator::at_least;
  std::function<Measured(DrawnBench&, double truth)> measured;
};
[[nodiscard]] std::vector<TruthKind> truth_kinds();

/// The exponent of a resistance that grows by so much in a year, with a pulse every four weeks. The first one is read once only, and all growths
/// hang on it.
[[nodiscard]] Measured growth_exponent(DrawnBench& bench, double truth, double growth_pct);

/// Quantities without a limit that a true value could lie on, and why. Every other one has a kind above.
[[nodiscard]] std::map<ClaimQuantity, std::string> quantities_without_truth();

}  // namespace cellrig::verdict::test
