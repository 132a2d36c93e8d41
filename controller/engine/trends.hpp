// How voltage and temperature go within a step, for conditions on their change. Trivially copyable: part of the resume point.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "controller/base/time.hpp"

namespace cellrig {

/// A few points of one quantity, spread over somewhat more than `window`: its mean slope over at least that long.
class TrendWindow {
 public:
  static constexpr std::size_t points_max = 8;
  /// Points are kept a sixth of the window apart, so that one of them is always a window old and hardly older.
  void add(Duration window, TimePoint at, double value);
  void shift(Duration by);  ///< to another clock
  /// Change per second up to (at, value), over at least `window`; nothing before that long has passed.
  [[nodiscard]] std::optional<double> slope_per_s(Duration window, TimePoint at, double value) const;

 private:
  struct Point {
    TimePoint at{};
    double value = 0.0;
  };
  std::array<Point, points_max> points_{};
  std::uint64_t count_ = 0;
};

/// Of one step, from its first measurement. What a gap interrupts begins anew.
struct Trends {
  static constexpr Duration minute = std::chrono::minutes{1};        ///< window of "per minute"
  static constexpr Duration ten_minutes = std::chrono::minutes{10};  ///< window of "per hour"

  TrendWindow voltage_minute, voltage_hour, temperature_minute, temperature_hour;
  double voltage_max_V = 0.0;           ///< meaningful when has_voltage
  double temperature_first_degC = 0.0;  ///< meaningful when has_temperature
  bool has_voltage = false, has_temperature = false;
  std::array<std::uint8_t, 6> reserved{};

  void add_voltage(TimePoint at, double voltage_V);
  void add_temperature(TimePoint at, double temperature_degC);
  /// After an interruption slopes begin anew; the greatest voltage and the first temperature stay.
  void forget_slopes();
  void shift(Duration by);  ///< to another clock
};

}  // namespace cellrig
