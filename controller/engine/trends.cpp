#include "controller/engine/trends.hpp"

#include <algorithm>

namespace cellrig {
namespace {

constexpr int points_per_window = 6;

}  // namespace

void TrendWindow::add(Duration window, TimePoint at, double value) {
  if (count_ > 0 && at - points_[count_ - 1].at < window / points_per_window) return;
  if (count_ == points_max) {
    std::copy(points_.begin() + 1, points_.end(), points_.begin());
    --count_;
  }
  points_[count_++] = Point{at, value};
}

std::optional<double> TrendWindow::slope_per_s(Duration window, TimePoint at, double value) const {
  // The youngest point that is a window old: a slope should not be older than it must.
  for (std::size_t i = count_; i > 0; --i) {
    const Point& point = points_[i - 1];
    if (at - point.at >= window) return (value - point.value) / to_seconds(at - point.at);
  }
  return std::nullopt;
}

void TrendWindow::shift(Duration by) {
  for (std::size_t i = 0; i < count_; ++i) points_[i].at += by;
}

void Trends::add_voltage(TimePoint at, double voltage_V) {
  voltage_max_V = has_voltage ? std::max(voltage_max_V, voltage_V) : voltage_V;
  has_voltage = true;
  voltage_minute.add(minute, at, voltage_V);
  voltage_hour.add(ten_minutes, at, voltage_V);
}

void Trends::add_temperature(TimePoint at, double temperature_degC) {
  if (!has_temperature) temperature_first_degC = temperature_degC;
  has_temperature = true;
  temperature_minute.add(minute, at, temperature_degC);
  temperature_hour.add(ten_minutes, at, temperature_degC);
}

void Trends::forget_slopes() { voltage_minute = voltage_hour = temperature_minute = temperature_hour = TrendWindow{}; }

void Trends::shift(Duration by) {
  for (TrendWindow* const window : {&voltage_minute, &voltage_hour, &temperature_minute, &temperature_hour}) window->shift(by);
}

}  // namespace cellrig
