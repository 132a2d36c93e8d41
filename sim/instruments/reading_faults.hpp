// What may be wrong between a right measurement and what the instrument shows.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "sim/instruments/noise.hpp"

namespace cellrig::sim {

/// Electric readings in V and A, temperatures in degC. In this order: gain, offset, noise, spike, full scale, standing still.
struct ReadingFaults {
  double voltage_gain = 1.0;  ///< F16: another scale; F24
  double current_gain = 1.0;
  double temperature_gain = 1.0;
  double sensor_gain = 1.0;  ///< of a force, a gas, a second voltage
  double temperature_offset_K = 0.0;
  double voltage_noise_V = 0.0;  ///< F26, standard deviations
  double current_noise_A = 0.0;
  double temperature_noise_K = 0.0;
  double spike_V = 0.0;  ///< F26: on the next `spike_count` readings
  double spike_A = 0.0;
  double spike_K = 0.0;
  std::uint32_t spike_count = 0;
  double voltage_max_V = std::numeric_limits<double>::infinity();  ///< F25: nothing above full scale is shown; magnitudes
  double current_max_A = std::numeric_limits<double>::infinity();
  double temperature_max_degC = std::numeric_limits<double>::infinity();
  bool is_voltage_stuck = false;  ///< F21: one of them alone
  bool is_current_stuck = false;
  bool is_temperature_stuck = false;

  void distort(double& voltage_V, double& current_A) {
    voltage_V = voltage_V * voltage_gain + noise_(voltage_noise_V);
    current_A = current_A * current_gain + noise_(current_noise_A);
    if (spike_count > 0 && (spike_V != 0.0 || spike_A != 0.0)) {
      --spike_count;
      voltage_V += spike_V;
      current_A += spike_A;
    }
    voltage_V = std::clamp(voltage_V, -voltage_max_V, voltage_max_V);
    current_A = std::clamp(current_A, -current_max_A, current_max_A);
    hold(is_voltage_stuck, stuck_voltage_V_, voltage_V);
    hold(is_current_stuck, stuck_current_A_, current_A);
  }
  [[nodiscard]] double distort_temperature(double temperature_degC, std::size_t input = 0) {
    double shown = temperature_degC * temperature_gain + temperature_offset_K + noise_(temperature_noise_K);
    if (spike_count > 0 && spike_K != 0.0) {
      --spike_count;
      shown += spike_K;
    }
    shown = std::min(shown, temperature_max_degC);
    hold(is_temperature_stuck, stuck_degC_[std::min(input, inputs_max - 1)], shown);
    return shown;
  }

 private:
  static constexpr std::size_t inputs_max = 32;
  static void hold(bool is_stuck, std::optional<double>& stuck, double& shown) {
    if (!is_stuck) {
      stuck.reset();
    } else if (stuck) {
      shown = *stuck;
    } else {
      stuck = shown;
    }
  }

  Noise noise_{1};
  std::optional<double> stuck_voltage_V_, stuck_current_A_;
  std::array<std::optional<double>, inputs_max> stuck_degC_{};
};

/// F36: the clock of an instrument jumped, or stands still.
struct ClockFault {
  double offset_s = 0.0;
  std::optional<double> stopped_at_s;

  [[nodiscard]] double shown_s(double true_s) const { return stopped_at_s ? *stopped_at_s : true_s + offset_s; }
};

}  // namespace cellrig::sim
