// The numbers of a bench file that say how an instrument errs, and which instruments have them.
#pragma once

#include <array>
#include <string_view>

namespace cellrig::sim {

enum class InstrumentRole : unsigned char { cycler, chamber, logger, sensor, module };

struct MeasurementKey {
  std::string_view name;
  double least = 0.0;
  double most = 0.0;
  bool of_cycler = false, of_chamber = false, of_logger = false;

  [[nodiscard]] constexpr bool belongs_to(InstrumentRole role) const {
    switch (role) {
      case InstrumentRole::cycler: return of_cycler;
      case InstrumentRole::chamber: return of_chamber;
      case InstrumentRole::logger: return of_logger;
      case InstrumentRole::sensor:
      case InstrumentRole::module: return false;  // their errors are not modelled
    }
    return false;
  }
};

inline constexpr std::array<MeasurementKey, 14> measurement_keys{{
    {"voltage_gain_pct", -50.0, 50.0, true, false, false},
    {"voltage_offset_V", -100.0, 100.0, true, false, false},
    {"voltage_noise_V", 0.0, 10.0, true, false, false},
    {"voltage_step_V", 0.0, 10.0, true, false, false},
    {"current_gain_pct", -50.0, 50.0, true, false, false},
    {"current_offset_A", -100.0, 100.0, true, false, false},
    {"current_noise_A", 0.0, 10.0, true, false, false},
    {"current_step_A", 0.0, 10.0, true, false, false},
    {"lead_resistance_mOhm", 0.0, 1000.0, true, false, false},
    {"temperature_gain_pct", -50.0, 50.0, false, true, true},
    {"temperature_offset_K", -200.0, 200.0, false, true, true},
    {"temperature_noise_K", 0.0, 20.0, false, true, true},
    {"temperature_step_K", 0.0, 20.0, false, true, true},
    {"thermocouple_lag_s", 0.01, 600.0, false, false, true},  // of every sensor on this logger
}};

}  // namespace cellrig::sim
