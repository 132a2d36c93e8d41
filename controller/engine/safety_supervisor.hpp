// Sees every observation before anybody acts on it. A table of limits, a latch, and one rule: what is not known to be safe trips.
//
// Contract: check() is called with every observation and at least once per control period, measured or not. The first trip is
// kept (first-out) and check() returns it for ever, until a new supervisor is made for a new run. The caller turns the output
// off before it does anything else.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "controller/base/limits.hpp"
#include "controller/base/observation.hpp"
#include "controller/base/setpoint.hpp"
#include "controller/engine/accumulators.hpp"

namespace cellrig {

enum class Hazard : unsigned char {
  over_voltage,
  under_voltage,
  over_current_charge,
  over_current_discharge,
  over_temperature,
  under_temperature,
  cold_charging,
  temperature_rate,         ///< thermal runaway begins
  overcharge,               ///< too much charge went in
  wrong_direction,          ///< the current's sign is not the commanded one
  current_without_command,  ///< the output should be off
  frozen_reading,           ///< charge flows and no digit moves; in CC, no digit of the voltage for five times as long
  stale_reading,            ///< too old to act on
  bad_reading,              ///< answered, but no number: NaN, overload, open sensor
  instrument_protection,    ///< the instrument turned itself off
  instrument_lost_remote,   ///< somebody else controls it, or it rebooted
  outside_request,          ///< another channel of the same chamber, or the bench, asks for OFF
  chamber_failure,          ///< the chamber did not take the temperature it was given
};

[[nodiscard]] std::string_view to_string(Hazard hazard);
/// Hazards for which the whole chamber is made safe: every channel off, heater off, fan on.
[[nodiscard]] bool is_thermal(Hazard hazard);
/// Hazards that mean "an instrument or its link failed" (exit code 4) rather than "the cell left its limits" (3).
[[nodiscard]] bool is_instrument_failure(Hazard hazard);

struct TripCause {
  Hazard hazard = Hazard::bad_reading;
  Measurand measurand = Measurand::voltage;
  double value = 0.0;
  double limit = 0.0;
  TimePoint at{};
};

/// "over-voltage: voltage_V 4.2510 above 4.2500"
[[nodiscard]] std::string describe(const TripCause& cause);

/// What the output was told to do. Signs as everywhere: positive charges.
struct Commanded {
  bool output_on = false;
  TimePoint since{};  ///< when that was acknowledged
  int direction = 0;  ///< +1 charges, -1 discharges, 0 either (a CV step both ways)
};

struct SupervisorOptions {
  Duration age_limit = std::chrono::seconds{3};  ///< the longer of 1 s and 3 control periods
  Duration temperature_age_limit = std::chrono::seconds{3};
  bool cell_temperature_required = false;
  Amps current_noise{0.05};                   ///< below this a current counts as none (the instrument's accuracy, doubled)
  AmpHours frozen_charge_max{0.05};           ///< charge that may flow while no reading changes (1 % of the capacity)
  double temperature_rate_max_K_per_s = 1.0;  ///< GB 38031-2025 C.5.3.7: 1 K/s for 3 s
  Duration temperature_rate_hold = std::chrono::seconds{3};
  Duration settling = std::chrono::seconds{2};  ///< after a command before sign and "no current" are judged
};

class SafetySupervisor {
 public:
  SafetySupervisor(const SafetyLimits& limits, const SupervisorOptions& options, TimePoint start);

  [[nodiscard]] const std::optional<TripCause>& check(const Observation& observation, const Commanded& commanded, TimePoint now);
  /// The same readings, asked right before a current is commanded in this direction (+1 charges, -1 discharges).
  const std::optional<TripCause>& check_before(int direction, const Observation& observation, TimePoint now);
  /// Latches a cause that was found outside: instrument protection, another channel.
  const TripCause& trip(const TripCause& cause);
  [[nodiscard]] const std::optional<TripCause>& tripped() const { return trip_; }
  /// The gaps between control periods differ in long rests.
  void set_age_limit(Duration age_limit) { options_.age_limit = age_limit; }

 private:
  void judge(const Observation& observation, const Commanded& commanded, TimePoint now);
  void judge_freshness(const Observation& observation, TimePoint now);
  void judge_limits(const Observation& observation);
  void judge_cold(const Reading& cell);
  void judge_command(const Observation& observation, const Commanded& commanded);
  void judge_charge(const Observation& observation, const Commanded& commanded);
  void judge_frozen(const ElectricalSample& sample, const Throughput& moved, Regulation regulation, bool output_on);
  void judge_overcharge(const ElectricalSample& sample, const Throughput& moved);
  void judge_temperature_rate(const Reading& cell);
  void judge_mean_temperature(const Reading& mean);
  void latch(Hazard hazard, Measurand measurand, double value, double limit, TimePoint at);

  /// Readings of about a second: coarse digits and noise would hide a steady rise between two of them.
  struct Bin {
    TimePoint begin{};
    double seconds = 0, sum = 0;
    int count = 0;
  };

  SafetyLimits limits_;
  SupervisorOptions options_;
  TimePoint start_;
  std::optional<TripCause> trip_;
  std::optional<ElectricalSample> last_;
  double net_Ah_ = 0.0, lowest_net_Ah_ = 0.0;
  double charged_Ah_ = 0.0;  ///< since the cell was last known to be empty
  double unchanged_Ah_ = 0.0, unchanged_voltage_Ah_ = 0.0;
  std::optional<Reading> last_cell_temperature_;
  std::optional<TimePoint> fast_since_;
  Bin bin_;
  std::optional<Reading> last_mean_;
};

}  // namespace cellrig
