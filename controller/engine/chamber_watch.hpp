// Where the air of a chamber should be by now: between where it started and the temperature it was given, and not for ever behind.
#pragma once

#include <optional>

#include "controller/base/capabilities.hpp"
#include "controller/base/observation.hpp"
#include "controller/base/time.hpp"
#include "controller/base/units.hpp"
#include "controller/engine/hazard.hpp"

namespace cellrig {

struct ChamberWatchOptions {
  double tolerance_K = 3.0;                         ///< on both sides of the expected
  Duration alarm_after = std::chrono::seconds{30};  ///< outside, without coming back: people are told, and may close the door
  Duration hold = std::chrono::minutes{3};          ///< outside, without coming back: a door was opened, a compressor is slow
  Duration hold_beyond = std::chrono::seconds{30};  ///< the same, outside the set-point limits of the bench
  double returning_K = 0.2;                         ///< nearer than the farthest: it comes back
  double leaving_K = 0.5;                           ///< farther within the hold: it runs away; else it does not get there
  double limit_margin_K = 5.0;                      ///< beyond the set-point limits of the bench: trips at once
  double slowest_share = 1.0 / 3.0;                 ///< of the model's ramp: a full chamber near its lowest temperature
  Duration patience = std::chrono::minutes{5};      ///< before it must move at all
};

/// Contract: runs_at() when the chamber confirmed a set-point, then look() with every reading while it runs. The band begins at the
/// first reading after runs_at(), and goes along with air that moves away from there while a chamber must not move yet: its probe may
/// have shown the room, through an open door. Towards the set-point nothing is too fast; away from where it started and from the
/// set-point, or slower than a share of its model's ramp, is outside.
class ChamberWatch {
 public:
  struct Range {
    Celsius min, max;
  };

  ChamberWatch(const ChamberRamp& ramp, const Range& setpoint_limits, const ChamberWatchOptions& options);

  void runs_at(Celsius setpoint);
  /// chamber_runaway, or chamber_behind; each names the edge that was left. A reading that is no number is not judged: its age is.
  [[nodiscard]] std::optional<TripCause> look(const Reading& air);
  /// After look(): the edge of the band that the air has been outside of for alarm_after, without coming back. Nothing: it is inside, or not for
  /// so long.
  [[nodiscard]] std::optional<double> left_for_long(TimePoint now) const;
  [[nodiscard]] bool is_outside() const { return outside_since_.has_value(); }

 private:
  [[nodiscard]] double reached(TimePoint at) const;
  struct Outside {
    double distance_K = 0;  ///< from the band
    double bound = 0;       ///< the edge that was left
    bool is_between = false;
  };
  [[nodiscard]] std::optional<Outside> outside(const Reading& air) const;
  [[nodiscard]] bool is_beyond_limits(double air_degC) const;
  void let_start_move(const Reading& air);

  ChamberRamp ramp_;
  Range setpoint_limits_;
  ChamberWatchOptions options_;
  std::optional<Celsius> setpoint_;
  std::optional<Reading> start_;  ///< the first reading under this set-point
  std::optional<TimePoint> outside_since_;
  double left_ = 0;                      ///< the edge, while outside
  double first_K_ = 0, farthest_K_ = 0;  ///< distances from the band since then
};

}  // namespace cellrig
