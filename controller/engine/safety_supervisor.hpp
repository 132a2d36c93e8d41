// Sees every observation before anybody acts on it. A table of limits, a latch, and one rule: what is not known to be safe trips.
//
// Contract: check() is called with every observation and at least once per control period, measured or not. The first trip is
// kept (first-out) and check() returns it for ever, until a new supervisor is made for a new run. The caller turns the output
// off before it does anything else.
#pragma once

#include <array>
#include <optional>

#include "controller/base/limits.hpp"
#include "controller/base/observation.hpp"
#include "controller/base/setpoint.hpp"
#include "controller/engine/accumulators.hpp"
#include "controller/engine/circuit_watch.hpp"
#include "controller/engine/energy_balance.hpp"
#include "controller/engine/hazard.hpp"
#include "controller/engine/hazard_table.hpp"
#include "controller/engine/heat_balance.hpp"
#include "controller/engine/leak_watch.hpp"
#include "controller/engine/self_heating_watch.hpp"
#include "controller/engine/stillness_watch.hpp"

namespace cellrig {

/// What the output was told to do. Signs as everywhere: positive charges.
struct Commanded {
  bool output_on = false;
  TimePoint since{};              ///< when that was acknowledged
  int direction = 0;              ///< +1 charges, -1 discharges, 0 either (a CV step both ways)
  TimePoint changed{};            ///< when another magnitude in the same direction was acknowledged last; before `since`: never
  bool may_stand_closed = false;  ///< the set-point holds something else than a current, which may be none at its limit
  CurrentBounds bounds{};  ///< of the set-point: what flows while the cycler says that it regulates the current; 0, 0: not known
};

struct SupervisorOptions {
  Duration age_limit = std::chrono::seconds{3};  ///< the longer of 1 s and 3 control periods
  Duration temperature_age_limit = std::chrono::seconds{3};
  bool cell_temperature_required = false;
  Duration sensor_age_limit = std::chrono::seconds{3};  ///< of every quantity with a limit in SensorLimits
  bool interlock_required = false;
  Duration interlock_age_limit = std::chrono::milliseconds{200};
  Amps current_noise{0.05};          ///< below this a current counts as none (the instrument's accuracy, doubled)
  AmpHours frozen_charge_max{0.05};  ///< charge that may flow while no reading changes (1 % of the capacity)
  double temperature_rate_max_K_per_s = temperature_rate_most_K_per_s;  ///< the limits may have less
  Duration temperature_rate_hold = from_seconds(temperature_rate_longest_s);
  double off_command_share =
      0.1;                    ///< of the commanded current, by which a regulated one may differ; at least four times the noise
  int off_command_polls = 2;  ///< in a row
  Duration settling = std::chrono::seconds{2};  ///< after a command before sign and "no current" are judged
  CircuitOptions circuit;
  LeakOptions leak;
  SelfHeatingOptions self_heating;
  HeatBalanceOptions heat;  ///< heat capacity and voltages come from the limits
  EnergyBalanceOptions energy;
  StillnessOptions stillness;
  Duration voltage_stands = std::chrono::seconds{5};       ///< at 1C and more; below until as much charge has flowed
  Duration temperature_stands = std::chrono::seconds{60};  ///< while a current flows
};

/// What the overcharge guard has counted. Part of the resume point: an interruption must not make it forget.
struct ChargeGuard {
  double net_Ah = 0.0, lowest_net_Ah = 0.0;
  double charged_Ah = 0.0;  ///< since the cell was last known to be empty

  /// Charge that nobody measured, at most so much. Into the cell it counts in full; out of it is not relied on.
  void count_unseen(AmpHours charge) { net_Ah += charge.value() > 0 ? charge.value() : 0.0; }
};

class SafetySupervisor {
 public:
  /// `guard`: what was counted before, of a run that goes on.
  SafetySupervisor(const SafetyLimits& limits, const SupervisorOptions& options, TimePoint start, const ChargeGuard& guard = {});

  [[nodiscard]] const std::optional<TripCause>& check(const Observation& observation, const Commanded& commanded, TimePoint now);
  /// The same readings, asked right before a set-point is commanded in this direction (+1 charges, -1 discharges): its currents
  /// must be allowed at the cell's present temperature, before they flow.
  /// `is_under_way`: of a step that runs, in which a limit may be left for as long as it may. Before its first current nothing is waited for.
  const std::optional<TripCause>& check_before(int direction, const CurrentBounds& bounds, const Observation& observation,
                                               TimePoint now, bool is_under_way = false);
  /// Latches a cause that was found outside: instrument protection, another channel.
  const TripCause& trip(const TripCause& cause);
  [[nodiscard]] const std::optional<TripCause>& tripped() const { return trip_; }
  [[nodiscard]] const ChargeGuard& charge_guard() const { return guard_; }
  /// The last sample may be that of an open circuit: no step may end by it before the next one has told.
  [[nodiscard]] bool is_in_doubt() const { return circuit_.is_in_doubt(); }
  /// Of a step that has tighter ones: what was counted and seen so far stays.
  /// What the overcharge guard counts by stays the run's own.
  void set_limits(const SafetyLimits& limits);
  /// The gaps between control periods differ in long rests.
  void set_age_limit(Duration age_limit) { options_.age_limit = age_limit; }

 private:
  void judge(const Observation& observation, const Commanded& commanded, TimePoint now);
  void find_bounds();
  void judge_freshness(const Observation& observation, TimePoint now);
  /// Before a current flows nothing is waited for.
  enum class Held : unsigned char { as_given, not_waited_for };

  void judge_limits(const Observation& observation, TimePoint now, Held held);
  void judge_bounds(const CurrentBounds& bounds, const Reading& cell, TimePoint now);
  [[nodiscard]] CurrentBounds current_limits(const Reading& cell, TimePoint now) const;
  [[nodiscard]] Amps at_least_noise(Amps limit, Amps most) const;
  void judge_interlock(const Reading& interlock, TimePoint now);
  void judge_voltages(const Observation& observation, const Commanded& commanded);
  void judge_cold(const Reading& cell);
  void judge_command(const Observation& observation, const Commanded& commanded);
  void judge_circuit(const Observation& observation, const Commanded& commanded);
  void judge_leak(const Observation& observation, const Commanded& commanded);
  void judge_heat(const Observation& observation, const Commanded& commanded);
  void judge_regulated_current(const Observation& observation, const Commanded& commanded);
  void judge_stillness(const Observation& observation, const Commanded& commanded);
  void judge_charge(const Observation& observation, const Commanded& commanded);
  void judge_frozen(const ElectricalSample& sample, const Throughput& moved, Regulation regulation, bool output_on);
  void judge_overcharge(const ElectricalSample& sample, const Throughput& moved);
  void judge_temperature_rate(const Reading& cell);
  void judge_mean_temperature(const Reading& mean);
  void latch_if(const std::optional<TripCause>& cause);
  void latch(Hazard hazard, Measurand measurand, double value, double limit, TimePoint at);

  /// Readings of about a second: coarse digits and noise would hide a steady rise between two of them.
  struct Bin {
    TimePoint begin{};
    double seconds = 0, sum = 0;
    int count = 0;
  };

  SafetyLimits limits_;
  std::array<std::optional<double>, limit_count> bounds_;  ///< by row of the table; those of the current follow the temperature
  bool has_sensor_limits_;                                 ///< one of them is of a sensor
  SafetyLimits run_limits_;                                ///< without those of a step
  SupervisorOptions options_;
  TimePoint start_;
  std::optional<TripCause> trip_;
  CircuitWatch circuit_;
  LeakWatch leak_;
  SelfHeatingWatch self_heating_;
  HeatBalance heat_;
  EnergyBalance energy_;
  StillnessWatch voltage_moves_, temperature_moves_;
  Regulation regulation_ = Regulation::off;      ///< in which the voltage was looked at last
  TimePoint last_regulated_ = TimePoint::min();  ///< the current that was held against the command last
  int off_command_ = 0;                          ///< looks in a row at a regulated current that is not the commanded one
  std::optional<ElectricalSample> last_;
  ChargeGuard guard_;
  double unchanged_Ah_ = 0.0, unchanged_voltage_Ah_ = 0.0;
  std::optional<Reading> last_cell_temperature_;
  std::optional<TimePoint> fast_since_;
  Bin bin_;
  std::optional<Reading> last_mean_;
  TimePoint last_compared_ = TimePoint::min();  ///< the second voltmeter's reading that was compared last
  int disagreements_ = 0;
  std::array<std::optional<TimePoint>, limit_count>
      beyond_since_;  ///< by limit: its first reading outside, and none inside since
};

}  // namespace cellrig
