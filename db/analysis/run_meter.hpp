// The figures of steps and cycles, from the rows of a run as they come: while they are written, and again from the record.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "db/analysis/definitions.hpp"
#include "db/analysis/life_meter.hpp"
#include "db/analysis/soft_short_watch.hpp"
#include "db/record.hpp"

namespace cellrig::db {

inline constexpr std::string_view stack_pressure_quantity = "stack_pressure_MPa";
/// Times of dc_resistance_ohm, in s after the current changed: those of ISO 12405-4 and HPPC, and 1 s.
inline constexpr std::array<double, 12> meter_resistance_s{0.1, 1, 2, 5, 10, 18, 18.1, 20, 30, 60, 90, 120};
/// charge_time_to_share_s comes at every multiple of this share.
inline constexpr double meter_share_step = 0.05;

/// One run, whatever its length: a few kilobytes. Rows come in the order of the record; those of steps that are not open are passed
/// over. What each figure is, its Definition says.
class RunMeter {
 public:
  explicit RunMeter(double nominal_capacity_Ah) : nominal_Ah_(nominal_capacity_Ah), life_(nominal_capacity_Ah) {}

  void begin_step(const StepRow& step);
  void add(const SampleRow& row);
  void add(const AuxRow& row);
  /// The figures of the step that ended.
  [[nodiscard]] std::vector<Metric> end_step(const StepEndRow& end);
  /// After the last step of the cycle.
  [[nodiscard]] std::vector<Metric> end_cycle(const CycleRow& cycle);
  /// Steps and whole cycles whose rows do not come again: of a run that goes on. In their order, before any of those that do; with the figures
  /// that were stored with the step.
  void pass_step(const StepRow& step, std::span<const Metric> figures);
  void pass_cycle(const CycleRow& cycle) {
    (void)watch_.end_cycle(cycle);
    (void)life_.end_cycle(cycle);
  }

 private:
  struct Span {
    std::optional<double> min, max, last;
    void add(double value);
  };
  struct TimeMean {
    double integral = 0, seconds = 0;
    [[nodiscard]] std::optional<double> mean() const {
      return seconds > 0 ? std::optional<double>{integral / seconds} : std::nullopt;
    }
  };
  /// The last row before the step.
  struct Before {
    double voltage_V = 0, current_A = 0;
    bool has_output = false;
  };
  struct StepState {
    StepRow row;
    std::optional<SampleRow> previous;
    std::optional<Before> before;
    double start_voltage_V = 0;
    Sums sums;
    double cv_Ah = 0, cv_charge_Ah = 0, cv_s = 0;
    double highest_voltage_V = 0, charge_at_highest_Ah = 0;
    bool has_cc_charge = false;
    double fall_max_V = 0, without_rise_Ah = 0;
    std::optional<double> first_temperature_degC;
    Span temperature, pressure, settled_current_A;
    TimeMean temperature_mean, ambient_mean;
    std::size_t next_time = 0;  ///< in the list of times this step is asked at
    std::vector<Metric> timed;
    std::optional<std::int64_t> waits_since_ns;
    double waited_s = 0;
    std::int64_t changed_ns = 0;  ///< when the current did that it begins with
  };
  struct CycleState {
    std::int64_t cycle = 0;
    bool has_step = false;
    double cv_charge_Ah = 0, charge_Ah = 0, cv_s = 0;
    std::optional<std::int64_t> charge_started_ns;
    std::int64_t waited_ns = 0;     ///< since then
    double charge_of_steps_Ah = 0;  ///< of the charging steps that have ended
    std::int64_t shares_reached = 0;
    std::vector<Metric> charge_times;
    Span temperature, pressure;
    TimeMean temperature_mean, ambient_mean;
    std::optional<double> rise_K, charge_end_MPa, discharge_end_MPa;
    double fall_max_V = 0, without_rise_Ah = 0;
  };

  void begin_part(const SampleRow& first);
  void wait(const SampleRow& row);
  void end_wait(std::int64_t at_ns);
  void add_between(const SampleRow& a, const SampleRow& b);
  void add_times(const SampleRow& a, const SampleRow& b);
  void add_resistance(double at_s, double voltage_V, double current_A);
  void add_charge_signs(const SampleRow& a, const SampleRow& b);
  void add_charge_times(const SampleRow& row);
  void fold_into_cycle();
  void add_soft_short(const CycleRow& row, std::vector<Metric>& out);
  [[nodiscard]] bool is_pulse() const;
  [[nodiscard]] bool is_relaxation() const;
  [[nodiscard]] bool is_rest_after_charge(const SampleRow& row) const;

  double nominal_Ah_ = 0;
  std::optional<StepState> step_;
  std::optional<Before> last_row_;
  CycleState cycle_;
  LifeMeter life_;
  SoftShortWatch watch_;
  std::optional<double> discharge_end_before_MPa_;  ///< of the cycle before
};

}  // namespace cellrig::db
