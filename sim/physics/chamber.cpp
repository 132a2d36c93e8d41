#include "sim/physics/chamber.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::sim {
namespace {

constexpr double seconds_per_minute = 60.0;

}  // namespace

ChamberAir::ChamberAir(const ChamberParameters& parameters, TimePoint start)
    : parameters_{parameters},
      now_{start},
      setpoint_degC_{parameters.start_temperature_degC},
      working_degC_{parameters.start_temperature_degC},
      air_degC_{parameters.start_temperature_degC} {}

void ChamberAir::command(TimePoint now, bool running, double setpoint_degC) {
  advance(now);
  if (std::isfinite(setpoint_degC)) setpoint_degC_ = setpoint_degC;
  if (running && !running_) working_degC_ = air_degC_;
  running_ = running;
}

void ChamberAir::advance(TimePoint to) {
  if (!(now_ < to)) return;
  double left_s = to_seconds(to - now_);
  now_ = to;
  if (!running_) {
    const double tau_s = parameters_.room_time_constant_s;
    const double end = parameters_.room_temperature_degC + heat_W_ * tau_s / parameters_.heat_capacity_J_per_K;
    air_degC_ = end + (air_degC_ - end) * std::exp(-left_s / tau_s);
    return;
  }
  const double distance = setpoint_degC_ - working_degC_;
  const double ramp_K_per_min = distance > 0 ? parameters_.heating_ramp_max_K_per_min : -parameters_.cooling_ramp_max_K_per_min;
  const double slope = ramp_K_per_min / seconds_per_minute;
  const double ramp_s = distance == 0.0 ? 0.0 : std::min(left_s, distance / slope);
  if (ramp_s > 0.0) {
    follow(slope, ramp_s);
    left_s -= ramp_s;
    if (left_s > 0.0) working_degC_ = setpoint_degC_;
  }
  if (left_s > 0.0) follow(0.0, left_s);
}

/// First-order lag behind a working set point that moves with a constant slope.
void ChamberAir::follow(double slope_K_per_s, double duration_s) {
  const double tau_s = parameters_.time_constant_s;
  const double offset = heat_W_ * tau_s / parameters_.heat_capacity_J_per_K - slope_K_per_s * tau_s;
  const double distance = air_degC_ - working_degC_ - offset;
  working_degC_ += slope_K_per_s * duration_s;
  air_degC_ = working_degC_ + offset + distance * std::exp(-duration_s / tau_s);
}

}  // namespace cellrig::sim
