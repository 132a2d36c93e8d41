// What the files of measure() share. Private to db/verdict.
#pragma once

#include "db/verdict/measure.hpp"
#include "db/verdict/window_ends.hpp"

namespace cellrig::verdict {

inline constexpr double seconds_per_day = 86400.0;

/// Everything a measurement is made from.
struct Measuring {
  const RunFacts& run;
  const MeasureRequest& request;
  const Instruments& instruments;
  const CellFacts& cell;
};

/// Relative standard uncertainty of the charge of an execution by its current's accuracy.
[[nodiscard]] double relative_of_current(const Instruments& instruments, const Execution& e);
[[nodiscard]] double relative_of_voltage(const Instruments& instruments, const Execution& e);
/// Of a duration: the end is seen at the next look only. In seconds.
[[nodiscard]] double standard_of_time_s(const Instruments& instruments);
/// What the voltmeter's error moves the ends of a discharge's window by: |dQ/dlimit| u(limit) of both, in Ah; of its energy in Wh.
[[nodiscard]] Result<double> standard_of_window(const Measuring& m, std::size_t index, bool is_energy);

/// Name of what the voltmeter does at the limits: whoever adds up several tests counts it with its sign.
inline constexpr const char* ends_of_window = "ends of the window";

/// Repeatability of a relative kind: from the executions of the run itself where it repeats them, else as assumed. In % of the value.
[[nodiscard]] Contribution repeatability(const Measuring& m, const std::string& name, double value);
/// One more sentence on what the number does not say.
void add_note(Measured& result, const std::string& text);
/// Refuses these executions where one of them is a part of its step only.
[[nodiscard]] Result<void> require_all_whole(const RunFacts& run, const std::vector<std::size_t>& indices);
/// Adds to a value of charge or per cent what moved unseen in these executions, relative to their charge, and says so.
[[nodiscard]] Result<void> add_unseen(const Measuring& m, const std::vector<std::size_t>& indices, Measured& result);
/// The worst of several, with a doubt that reaches as far as that of any: one that is less bad may be less well known. Not empty.
[[nodiscard]] Measured worst_of(const std::vector<Measured>& all, bool is_greatest);
/// Adds what the thermometer's error is worth, where the statement says how the value follows the temperature.
void add_temperature(const Measuring& m, Measured& result);

/// What the voltmeter's standard uncertainty moves a ratio of two windows by at their ends, with its sign: one instrument reads all of them.
struct EndShift {
  double bottom = 0.0, top = 0.0;
};

/// What was left at each reference test, by cycles or days, one entry of each list per test.
struct Course {
  std::vector<LifePoint> points;
  std::vector<Measured> tests;
  std::vector<EndShift> ends;  ///< of the retention, in %
  std::string left_out;        ///< which of them is a part only
};
/// Of these executions of a reference, over the first of them.
[[nodiscard]] Result<Course> course_of(const Measuring& m, const std::vector<std::size_t>& references, bool by_days);

/// One pulse, as a resistance is measured.
struct PulseResistance {
  double ohm = 0.0;
  double relative_noise = 0.0;  ///< standard uncertainty without the gains, which pulses of one range share
  double change_V = 0.0;        ///< signed
  double after_s = 0.0;         ///< since the step began
  std::optional<double> temperature_degC;
};
/// Refuses what no resistance can be made of: an interruption, a current that did not change.
[[nodiscard]] Result<PulseResistance> pulse_resistance(const Measuring& m, std::size_t index);
/// Of one pulse: what contacts and its state of charge make of it, in % of the resistance.
[[nodiscard]] double pulse_repeatability_pct(const Measuring& m);

/// In mV/s: the least slope of the voltage over `window_s` of constant charging current, of these executions.
[[nodiscard]] Result<Measured> slope_of_charges(const Measuring& m, const std::vector<std::size_t>& indices);
/// In mV/day: the slope of the voltage over the last `last_h` hours of these rests, the least of them.
[[nodiscard]] Result<Measured> slope_of_rests(const Measuring& m, const std::vector<std::size_t>& indices);

[[nodiscard]] Result<Measured> measure_charge(const Measuring& m);
[[nodiscard]] Result<Measured> measure_ratio(const Measuring& m);
[[nodiscard]] Result<Measured> measure_retention(const Measuring& m);
[[nodiscard]] Result<Measured> measure_loss_exponent(const Measuring& m);
[[nodiscard]] Result<Measured> measure_efficiency(const Measuring& m);
[[nodiscard]] Result<Measured> measure_self_discharge(const Measuring& m);
[[nodiscard]] Result<Measured> measure_charge_excess(const Measuring& m);
[[nodiscard]] Result<Measured> measure_time(const Measuring& m);
[[nodiscard]] Result<Measured> measure_extreme(const Measuring& m);
[[nodiscard]] Result<Measured> measure_voltage_slope(const Measuring& m);
[[nodiscard]] Result<Measured> measure_rest_slope(const Measuring& m);
[[nodiscard]] Result<Measured> measure_resistance(const Measuring& m);
[[nodiscard]] Result<Measured> measure_growth_exponent(const Measuring& m);
[[nodiscard]] Result<Measured> measure_pressure_exponent(const Measuring& m);
[[nodiscard]] Result<Measured> measure_ladder(const Measuring& m);

}  // namespace cellrig::verdict
