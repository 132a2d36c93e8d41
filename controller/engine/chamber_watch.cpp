#include "controller/engine/chamber_watch.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig {
namespace {

constexpr double seconds_per_minute = 60.0;

TripCause cause_of(Hazard hazard, const Reading& air, double bound) {
  return {hazard, Measurand::chamber_temperature, air.value, bound, air.at};
}

}  // namespace

ChamberWatch::ChamberWatch(const ChamberRamp& ramp, const Range& setpoint_limits, const ChamberWatchOptions& options)
    : ramp_{ramp}, setpoint_limits_{setpoint_limits}, options_{options} {}

void ChamberWatch::runs_at(Celsius setpoint) {
  setpoint_ = setpoint;
  start_.reset();
  outside_since_.reset();
}

std::optional<TripCause> ChamberWatch::look(const Reading& air) {
  if (!setpoint_ || !air.usable()) return std::nullopt;
  const double most = setpoint_limits_.max.value() + options_.limit_margin_K;
  const double least = setpoint_limits_.min.value() - options_.limit_margin_K;
  if (!(air.value <= most)) return cause_of(Hazard::chamber_runaway, air, most);
  if (!(air.value >= least)) return cause_of(Hazard::chamber_runaway, air, least);
  if (!start_) start_ = air;
  let_start_move(air);
  const std::optional<Outside> found = outside(air);
  if (!found) {
    outside_since_.reset();
    return std::nullopt;
  }
  if (!outside_since_ || found->distance_K < farthest_K_ - options_.returning_K) {
    outside_since_ = air.at;
    first_K_ = farthest_K_ = found->distance_K;
  }
  farthest_K_ = std::max(farthest_K_, found->distance_K);
  left_ = found->bound;
  if (air.at - *outside_since_ < (is_beyond_limits(air.value) ? options_.hold_beyond : options_.hold)) return std::nullopt;
  // Late on its way, or held where it is by more heat than it can carry: it does not get there. What goes on moving away runs away.
  const bool runs_away = !found->is_between && farthest_K_ - first_K_ > options_.leaving_K;
  return cause_of(runs_away ? Hazard::chamber_runaway : Hazard::chamber_behind, air, found->bound);
}

std::optional<double> ChamberWatch::left_for_long(TimePoint now) const {
  if (!outside_since_ || now - *outside_since_ < options_.alarm_after) return std::nullopt;
  return left_;
}

bool ChamberWatch::is_beyond_limits(double air_degC) const {
  return air_degC > setpoint_limits_.max.value() || air_degC < setpoint_limits_.min.value();
}

void ChamberWatch::let_start_move(const Reading& air) {
  if (air.at - start_->at > options_.patience) return;
  const double end = setpoint_->value();
  if (std::abs(air.value - end) > std::abs(start_->value - end)) start_->value = air.value;
}

/// Where the slowest chamber of this model is by now.
double ChamberWatch::reached(TimePoint at) const {
  const double distance = setpoint_->value() - start_->value;
  const double ramp = options_.slowest_share * (distance > 0 ? ramp_.heating_K_per_min : ramp_.cooling_K_per_min);
  const double moved = std::max(0.0, to_seconds(at - start_->at - options_.patience)) / seconds_per_minute * ramp;
  return start_->value + std::copysign(std::min(moved, std::abs(distance)), distance);
}

std::optional<ChamberWatch::Outside> ChamberWatch::outside(const Reading& air) const {
  const double begin = reached(air.at), end = setpoint_->value();
  const double low = std::min(begin, end) - options_.tolerance_K, high = std::max(begin, end) + options_.tolerance_K;
  if (air.value >= low && air.value <= high) return std::nullopt;
  const bool is_between = std::min(start_->value, end) - options_.tolerance_K <= air.value &&
                          air.value <= std::max(start_->value, end) + options_.tolerance_K;
  const double bound = air.value > high ? high : low;
  return Outside{std::abs(air.value - bound), bound, is_between && begin != end};
}

}  // namespace cellrig
