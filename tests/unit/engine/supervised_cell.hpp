// A supervisor and the cell it guards, set by hand.
#pragma once

#include <chrono>
#include <optional>

#include "controller/engine/safety_supervisor.hpp"
#include "tests/unit/engine/program_builder.hpp"

namespace cellrig::test {

inline SafetyLimits cell_limits() {
  SafetyLimits limits;
  limits.voltage_min = Volts{2.5};
  limits.voltage_max = Volts{4.2};
  limits.charge_current_max = Amps{10};
  limits.discharge_current_max = Amps{20};
  limits.cell_temperature_min = Celsius{-20};
  limits.cell_temperature_max = Celsius{60};
  limits.charge_temperature_min = Celsius{0};
  limits.charge_capacity_max = AmpHours{5.25};
  return limits;
}

inline SupervisorOptions guarded_options() {
  SupervisorOptions options;
  options.cell_temperature_required = true;
  return options;
}

/// What the tests of every limit are given.
struct LimitCase {
  const char* name;
  Hazard hazard;
  Measurand measurand;
  double limit;
  int outside;  ///< +1: above the limit is outside, -1: below
};

struct Supervised {
  explicit Supervised(const SupervisorOptions& options = guarded_options(), const SafetyLimits& limits = cell_limits())
      : supervisor{limits, options, at(1000)} {
    set(Measurand::voltage, 3.7);
    set(Measurand::current, 0.0);
    set(Measurand::cell_temperature, 25.0);
  }
  void set(Measurand m, double value, Quality quality = Quality::good) { observation[m] = Reading{value, now, quality}; }
  /// All readings as fresh as now.
  void refresh() {
    for (Reading& reading : observation.readings) reading.at = now;
  }
  void command(int direction) { commanded = Commanded{true, now, direction}; }
  void command_off() { commanded = Commanded{false, now, 0}; }
  const std::optional<TripCause>& check() { return supervisor.check(observation, commanded, now); }
  /// Time passes and everything was measured again.
  const std::optional<TripCause>& check_after(Duration duration) {
    now += duration;
    refresh();
    return check();
  }
  [[nodiscard]] std::optional<Hazard> hazard() {
    const auto& cause = check();
    return cause ? std::optional{cause->hazard} : std::nullopt;
  }

  TimePoint now = at(1000);
  SafetySupervisor supervisor;
  Observation observation;
  Commanded commanded{true, TimePoint{}, 0};
};

}  // namespace cellrig::test
