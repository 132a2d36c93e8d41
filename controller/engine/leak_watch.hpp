// Does the cell leak inside? What a short between its electrodes does to a charge, to a constant voltage and to a rest.
#pragma once

#include <optional>

#include "controller/base/observation.hpp"
#include "controller/base/time.hpp"
#include "controller/base/units.hpp"
#include "controller/engine/accumulators.hpp"
#include "controller/engine/hazard.hpp"

namespace cellrig {

/// All of it is far from what healthy cells do: a plateau of iron phosphate, a warm-up, a relaxation over hours.
struct LeakOptions {
  AmpHours capacity{5.0};
  double rise_bin = 0.01;       ///< of the capacity: voltages are averaged over so much charge
  double rise_stretch = 0.3;    ///< of the capacity: so much charge must raise the voltage
  Volts rise_min{0.001};        ///< by more than this
  Volts step{0.05};             ///< that the voltage may fall from one sample to the next at the same current
  Volts step_discharge{0.1};    ///< the same in a discharge, where it falls anyhow
  double goes_on_share = 0.25;  ///< of that fall: what falls on by more is an empty cell, or one that polarises
  double same_current = 0.05;   ///< the share by which a current may differ and still be the same
  int step_polls = 2;           ///< below the step in a row
  Duration taper_window = std::chrono::minutes{20};
  double taper_share = 0.99;                  ///< of the mean current of the window before
  double taper_rate_min_C = 0.02;             ///< less current than this may end where it likes
  Duration relaxing = std::chrono::hours{1};  ///< of a rest before its voltage is judged
  Duration rest_window = std::chrono::minutes{30};
  Volts decay_min{0.003};                   ///< in one window
  double decay_share = 0.9;                 ///< of the fall in the window before: what relaxes slows down
  double rest_temperature_min_degC = 10.0;  ///< a colder cell relaxes for so long that it looks like a leak
  double temperature_change_max_K = 1.0;    ///< between windows that are compared
};

/// Contract: look() with every electrical sample, in the order of time; every command begins anew. But a charge that goes on with as much
/// current or more is one charge: what it has moved without raising the voltage counts on, and what the voltage does at the change is left
/// out as far as it follows at once: what polarises more slowly looks like a rise there. What it finds has no way back: the cell belongs in quarantine, and the text of the hazard says so.
class LeakWatch {
 public:
  struct State {
    bool output_on = false;  ///< commanded
    int direction = 0;
    TimePoint since{};  ///< when that was acknowledged
    Regulation regulation = Regulation::off;
    std::optional<double> temperature_degC;  ///< of the cell, or the nearest there is
  };

  LeakWatch(const LeakOptions& options, Amps noise, Duration settling);

  /// gap_limit: after a longer pause between samples everything begins anew.
  [[nodiscard]] std::optional<TripCause> look(const ElectricalSample& sample, const State& state, Duration gap_limit);

 private:
  /// A mean over time, and over the temperature.
  struct Window {
    TimePoint begin{};
    double sum = 0, temperature_sum = 0;
    int count = 0, temperature_count = 0;

    void add(double value, const std::optional<double>& temperature_degC);
    [[nodiscard]] double mean() const { return sum / count; }
    [[nodiscard]] std::optional<double> temperature() const;
  };
  /// Windows in a row: the last one that is complete, and the one that fills.
  struct Windows {
    std::optional<Window> before;
    std::optional<Window> present;
    std::optional<double> fall;  ///< from the one before `before` to `before`
  };

  void begin();
  void begin_stair();
  void step_onto_stair(const ElectricalSample& sample);
  [[nodiscard]] std::optional<TripCause> judge_rise(const ElectricalSample& sample);
  [[nodiscard]] std::optional<TripCause> judge_step(const ElectricalSample& sample, bool is_discharge);
  [[nodiscard]] bool falls_on(const ElectricalSample& sample) const;
  [[nodiscard]] std::optional<TripCause> judge_taper(const ElectricalSample& sample, const State& state);
  [[nodiscard]] std::optional<TripCause> judge_rest(const ElectricalSample& sample, const State& state);
  [[nodiscard]] std::optional<Window> filled(Windows& windows, Duration length, const ElectricalSample& sample, double value,
                                             const State& state) const;
  [[nodiscard]] bool is_as_warm(const Window& a, const Window& b) const;

  LeakOptions options_;
  Amps noise_;
  Duration settling_;
  TimePoint since_{};
  std::optional<ElectricalSample> last_;  ///< settled, under the present command
  double bin_VAh_ = 0, bin_Ah_ = 0, unrisen_Ah_ = 0;
  std::optional<double> lowest_V_;               ///< since the voltage rose last
  std::optional<ElectricalSample> below_stair_;  ///< the last one under the command before, of the same charge
  bool was_charging_ = false;
  std::optional<ElectricalSample> edge_;         ///< before the voltage fell
  std::optional<ElectricalSample> beyond_edge_;  ///< the first one after it
  int below_edge_ = 0;
  Windows taper_, rest_;
};

}  // namespace cellrig
