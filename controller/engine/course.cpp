#include "controller/engine/course.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig {
namespace {

constexpr double power_current_margin = 1.05;

/// The last point at or before `at`. points is not empty and begins at 0.
std::size_t point_in_force(const std::vector<CoursePoint>& points, Duration at) {
  const auto after =
      std::upper_bound(points.begin(), points.end(), at, [](Duration time, const CoursePoint& point) { return time < point.at; });
  return after == points.begin() ? 0 : static_cast<std::size_t>(after - points.begin()) - 1;
}

}  // namespace

double Course::value_at(Duration step_time) const {
  Duration in_pass = std::max(step_time, Duration::zero());
  if (period > Duration::zero()) in_pass = in_pass % period;
  if (is_linear && update > Duration::zero()) in_pass -= in_pass % update;
  const std::size_t i = point_in_force(points, in_pass);
  if (!is_linear || i + 1 >= points.size()) return points[i].value;
  const CoursePoint &from = points[i], &to = points[i + 1];
  const double share = to_seconds(in_pass - from.at) / to_seconds(to.at - from.at);
  return from.value + share * (to.value - from.value);
}

Duration Course::next_change(Duration step_time) const {
  const Duration now = std::max(step_time, Duration::zero());
  const Duration in_pass = period > Duration::zero() ? now % period : now;
  const Duration pass_begins = now - in_pass;
  Duration next = period;
  if (is_linear && update > Duration::zero()) {
    next = std::min(next, in_pass - in_pass % update + update);
  } else if (const std::size_t i = point_in_force(points, in_pass); i + 1 < points.size()) {
    next = std::min(next, points[i + 1].at);
  }
  return pass_begins + next;
}

Amps Course::greatest_charge() const { return std::min(asked_for(true), charge_max); }

Amps Course::asked_for(bool charging) const {
  const Amps bound = charging ? charge_max : discharge_max;
  if (quantity == Quantity::voltage) return bound;
  double most = 0.0;
  for (const CoursePoint& point : points) most = std::max(most, charging ? point.value : -point.value);
  if (quantity == Quantity::current) return Amps{most};
  return most > 0.0 ? bound : Amps{};
}

std::optional<CoursePoint> Course::first_below(double held) const {
  const auto is_below = [&](double value) { return std::abs(value) >= least && std::abs(value) < held; };
  if (!is_linear) {
    const auto found = std::find_if(points.begin(), points.end(), [&](const CoursePoint& p) { return is_below(p.value); });
    return found == points.end() ? std::nullopt : std::optional{*found};
  }
  // A course of days has millions of stairs. Between two points the value is straight: where it can be that small is known, and the first stairs
  // from there on tell.
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Duration ends = i + 1 < points.size() ? points[i + 1].at : period;
    for (const Duration from : small_from(points[i], i + 1 < points.size() ? &points[i + 1] : nullptr, held)) {
      Duration at = update > Duration::zero() ? from - from % update : from;
      for (int stair = 0; stair < 3 && at < std::min(ends, period); ++stair, at += update) {
        if (const double value = value_at(at); at >= points[i].at && is_below(value)) return CoursePoint{at, value};
        if (update <= Duration::zero()) break;
      }
    }
  }
  return std::nullopt;
}

/// Instants between two points from which on the magnitude may lie between `least` and `held`.
std::vector<Duration> Course::small_from(const CoursePoint& begin, const CoursePoint* end, double held) const {
  std::vector<Duration> instants{begin.at};
  if (end == nullptr || end->value == begin.value) return instants;
  const double lasts_s = to_seconds(end->at - begin.at);
  for (const double bound : {least, -least, held, -held}) {
    const double share = (bound - begin.value) / (end->value - begin.value);
    if (share >= 0.0 && share <= 1.0) instants.push_back(begin.at + from_seconds(share * lasts_s));
  }
  return instants;
}

Course Course::scaled(double factor) const {
  Course other = *this;
  for (CoursePoint& point : other.points) {
    if (point.is_rate) point.value *= factor;
  }
  if (!of_measured) return other;
  other.charge_max = of_measured->charge_max;
  other.discharge_max = of_measured->discharge_max;
  if (!of_measured->bound) return other;
  other.charge_max = std::min(other.charge_max, factor * *of_measured->bound);
  other.discharge_max = std::min(other.discharge_max, factor * *of_measured->bound);
  return other;
}

std::optional<Setpoint> Course::setpoint_of(double value) const {
  const Amps most = value > 0 ? charge_max : discharge_max;
  switch (quantity) {
    case Quantity::current:
      // Written so that NaN is "off".
      if (!(std::abs(value) >= least)) return std::nullopt;
      return ConstantCurrent{std::clamp(Amps{value}, -discharge_max, charge_max), voltage_min, voltage_max};
    case Quantity::power:
      if (!(std::abs(value) >= least)) return std::nullopt;
      // What the power takes at the lowest voltage, and a little: an instrument that loses the voltage must not find the cell's greatest.
      return ConstantPower{Watts{value}, voltage_min, voltage_max,
                           std::min(most, Amps{std::max(power_current_margin * std::abs(value) / voltage_min.value(), least)})};
    case Quantity::voltage:
      if (!std::isfinite(value)) return std::nullopt;
      return ConstantVoltage{std::clamp(Volts{value}, voltage_min, voltage_max), -discharge_max, charge_max};
  }
  return std::nullopt;
}

}  // namespace cellrig
