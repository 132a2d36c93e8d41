// How much current a cell takes at a temperature. A plain value of fixed size, so that limits stay trivially copyable.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>

#include "controller/base/units.hpp"

namespace cellrig {

/// Magnitudes at rising temperatures, linear between the points; beyond the ends their values hold. Without points there is no
/// such limit. What is not known to be a temperature (NaN) gets the least current of all.
class CurrentByTemperature {
 public:
  static constexpr std::size_t points_max = 12;
  struct Point {
    Celsius temperature;
    Amps current;
  };

  /// False, and nothing added: there is no room, the temperature does not rise, or one of the two is no number.
  [[nodiscard]] constexpr bool add(Point point) {
    const bool rises = count_ == 0 ? point.temperature <= point.temperature : points_[count_ - 1].temperature < point.temperature;
    if (count_ == points_max || !rises || !(point.current >= Amps{})) return false;
    points_[count_++] = point;
    return true;
  }
  [[nodiscard]] constexpr std::span<const Point> points() const { return {points_.data(), count_}; }
  [[nodiscard]] constexpr bool empty() const { return count_ == 0; }

  [[nodiscard]] constexpr Amps at(Celsius temperature) const {
    if (count_ == 0) return unlimited;
    if (temperature <= points_.front().temperature) return points_.front().current;
    for (std::size_t i = 1; i < count_; ++i) {
      const Point& low = points_[i - 1];
      const Point& high = points_[i];
      if (temperature <= high.temperature) {
        const double share = (temperature - low.temperature) / (high.temperature - low.temperature);
        return low.current + (high.current - low.current) * share;
      }
    }
    return temperature >= points_[count_ - 1].temperature ? points_[count_ - 1].current : least();
  }

  /// For a cell whose temperature nobody knows.
  [[nodiscard]] constexpr Amps least() const {
    Amps found = unlimited;
    for (const Point& point : points()) found = std::min(found, point.current);
    return found;
  }
  /// For a cell somewhere between two temperatures.
  [[nodiscard]] constexpr Amps least_between(Celsius low, Celsius high) const {
    Amps found = std::min(at(low), at(high));
    for (const Point& point : points()) {
      if (point.temperature > low && point.temperature < high) found = std::min(found, point.current);
    }
    return found;
  }

 private:
  static constexpr Amps unlimited{std::numeric_limits<double>::infinity()};
  std::array<Point, points_max> points_{};
  std::size_t count_ = 0;
};

}  // namespace cellrig
