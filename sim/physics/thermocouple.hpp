// A temperature sensor: lag, offset, and the wire that may break.
#pragma once

#include <cmath>
#include <optional>

namespace cellrig::sim {

/// First-order lag behind the temperature of what it is fixed to. The reading carries the offset (calibration, up to 1 K).
class Thermocouple {
 public:
  static constexpr double default_time_constant_s = 3.0;  ///< 2-5 s for a thermocouple glued to a can

  explicit Thermocouple(double temperature_degC, double time_constant_s = default_time_constant_s)
      : time_constant_s_{time_constant_s}, tip_degC_{temperature_degC}, surface_degC_{temperature_degC} {}

  /// The surface moved linearly to this temperature during the duration (> 0). Exact for any duration.
  void advance(double duration_s, double surface_degC) {
    const double slope = (surface_degC - surface_degC_) / duration_s;
    const double lag = slope * time_constant_s_;
    const double distance = tip_degC_ - surface_degC_ + lag;
    if (duration_s != decay_for_s_) {
      decay_for_s_ = duration_s;
      decay_ = std::exp(-duration_s / time_constant_s_);
    }
    tip_degC_ = surface_degC - lag + distance * decay_;
    surface_degC_ = surface_degC;
  }

  /// Empty while the wire is broken: an instrument decides how it reports that.
  [[nodiscard]] std::optional<double> reading_degC() const {
    if (open_) return std::nullopt;
    return stuck_degC_ ? stuck_degC_ : std::optional<double>{tip_degC_ + offset_K_};
  }

  void set_open(bool open) { open_ = open; }
  [[nodiscard]] bool is_open() const { return open_; }
  /// Above zero. Its temperature does not jump.
  void set_time_constant(double time_constant_s) {
    time_constant_s_ = time_constant_s;
    decay_for_s_ = -1.0;
  }
  [[nodiscard]] double time_constant_s() const { return time_constant_s_; }
  /// Shows this whatever the temperature: a shorted wire (its own terminals), a wrong range. Empty: works again.
  void set_stuck(std::optional<double> reading_degC) { stuck_degC_ = reading_degC; }
  void set_offset(double offset_K) { offset_K_ = offset_K; }
  [[nodiscard]] double offset_K() const { return offset_K_; }

 private:
  double time_constant_s_;
  double tip_degC_;
  double surface_degC_;
  double offset_K_ = 0.0;
  double decay_for_s_ = -1.0;
  double decay_ = 0.0;
  bool open_ = false;
  std::optional<double> stuck_degC_;
};

}  // namespace cellrig::sim
