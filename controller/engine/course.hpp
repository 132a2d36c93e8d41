// Set-points over the time of a step: ramps, pulse trains and drive cycles. Every value that is commanded is a set-point that is
// safe by itself; between two of them the instrument holds the last one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "controller/base/setpoint.hpp"
#include "controller/base/time.hpp"
#include "controller/base/units.hpp"

namespace cellrig {

inline constexpr std::size_t course_points_max = 100'000;

struct CoursePoint {
  Duration at{};         ///< since the start of a pass
  double value = 0.0;    ///< A, W or V; positive charges
  bool is_rate = false;  ///< a rate: in proportion to the capacity that it is of
};

/// Of a course whose rates are of a capacity that is measured in the run: what holds whatever that comes out as.
struct CourseOfMeasured {
  Amps charge_max, discharge_max;  ///< magnitudes
  std::optional<Amps> bound;       ///< of the current, when it is a rate, too: by the expected capacity
};

struct Course {
  enum class Kind : unsigned char { ramp, pulses, drive };
  enum class Quantity : unsigned char { current, power, voltage };
  Kind kind = Kind::drive;
  Quantity quantity = Quantity::current;
  bool is_linear = false;  ///< between its points, in stairs of `update`; otherwise each value holds until the next point
  std::vector<CoursePoint> points;              ///< the first at 0, ascending
  Duration period{};                            ///< of one pass
  Duration update{};                            ///< of a linear course: how often the set-point follows
  Volts voltage_min, voltage_max;               ///< what the instrument holds the cell within, whatever the course says
  Amps charge_max, discharge_max;               ///< magnitudes
  double least = 0.0;                           ///< a current or power of smaller magnitude is "output off"
  std::optional<CourseOfMeasured> of_measured;  ///< its rates stand there by the expected capacity, and scaled() makes them true

  /// What is in force at this time of the step; the course begins again after each period.
  [[nodiscard]] double value_at(Duration step_time) const;
  /// The first instant after `step_time` at which value_at() may differ. Never later than the end of the pass.
  [[nodiscard]] Duration next_change(Duration step_time) const;
  /// The most that it lets flow into the cell; 0 where it never charges.
  [[nodiscard]] Amps greatest_charge() const;
  /// What it asks for, magnitude, whether it is allowed or not; of a course of power or voltage its bound. 0: never this way.
  [[nodiscard]] Amps asked_for(bool charging) const;
  /// The first value that is not off, and smaller than `held`: an instrument whose least current or power that is would refuse it.
  [[nodiscard]] std::optional<CoursePoint> first_below(double held) const;
  [[nodiscard]] std::vector<Duration> small_from(const CoursePoint& begin, const CoursePoint* end, double held) const;
  /// Its rates by a capacity that is so many times the expected one.
  [[nodiscard]] Course scaled(double factor) const;
  /// Nothing: the output is off.
  [[nodiscard]] std::optional<Setpoint> setpoint_of(double value) const;
};

}  // namespace cellrig
