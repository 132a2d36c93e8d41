// What a run's rows tell of a soft short beside the charge itself: overrun, slopes, a resistance that falls. Goes along with RunMeter.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "db/analysis/definitions.hpp"
#include "db/record.hpp"

namespace cellrig::db {

/// A step's first dc_resistance_ohm that comes early enough to be mostly ohmic.
struct StepResistance {
  double at_s = 0, ohm = 0;
};
[[nodiscard]] std::optional<StepResistance> early_resistance(std::span<const Metric> figures);

/// Signs of one cycle; what the record does not know of it is empty.
struct CycleSigns {
  std::optional<double> charge_overrun;  ///< charge / the discharge before it
  std::optional<double> charge_slope_least_V_per_s;
  std::optional<double> resistance_ratio_least;
  std::optional<double> rest_slope_V_per_day;
};

/// One run, whatever its length: a few kilobytes.
class SoftShortWatch {
 public:
  void begin_step(const StepRow& step);
  /// Two rows that follow each other, both charging under the same constant current.
  void add_charge(const SampleRow& a, const SampleRow& b);
  /// What follows does not continue a charge under constant current.
  void break_charge() { charge_from_.reset(); }
  /// A row of a rest right after a charge.
  void add_rest(const SampleRow& row);
  /// `figures` are those of the step, `temperature_degC` its lowest.
  void end_step(std::span<const Metric> figures, std::optional<double> temperature_degC);
  /// A whole step whose rows do not come again; in its place in the order.
  void pass_step(const StepRow& step, std::span<const Metric> figures, std::optional<double> temperature_degC) {
    begin_step(step);
    end_step(figures, temperature_degC);
  }
  /// After the last step of the cycle.
  [[nodiscard]] CycleSigns end_cycle(const CycleRow& cycle);

 private:
  struct Point {
    std::int64_t at_ns = 0;
    double voltage_V = 0;
  };
  struct Seen {
    double ohm = 0;
    std::optional<double> temperature_degC;
  };
  /// Pulses of one step of the program, which come at the same state of charge in each cycle.
  struct Pulse {
    std::int64_t step_id = 0;
    double at_s = 0;
    std::vector<Seen> before;  ///< the last few cycles
    std::optional<Seen> now;   ///< the first one of this cycle
  };

  [[nodiscard]] std::optional<double> rest_slope_V_per_day() const;
  void add_resistance(const StepResistance& resistance, std::optional<double> temperature_degC);
  [[nodiscard]] std::optional<double> end_resistances();

  StepRow step_;
  std::optional<Point> charge_from_;
  std::vector<Point> rest_;
  std::size_t rest_every_ = 1, rest_passed_ = 0;
  std::optional<double> slope_least_V_per_s_;  ///< of the step

  std::optional<std::int64_t> cycle_;
  std::optional<bool> began_with_discharge_;  ///< empty: nothing moved yet
  CycleSigns signs_;
  std::vector<Pulse> pulses_;
  std::optional<std::pair<std::int64_t, double>> discharge_before_;  ///< the last cycle and its discharge in Ah
};

}  // namespace cellrig::db
