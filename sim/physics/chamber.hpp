// The air of a climate chamber: what its controller makes of a set point, and what the cells inside add.
#pragma once

#include "controller/base/time.hpp"

namespace cellrig::sim {

/// Defaults: an ordinary 60 litre test chamber (assumed; ramps as published for such chambers under load).
struct ChamberParameters {
  double start_temperature_degC = 23.0;
  double room_temperature_degC = 23.0;
  double time_constant_s = 120.0;        ///< of the controlled air behind the working set point
  double room_time_constant_s = 5400.0;  ///< of the drift to the room while the chamber does not run
  double heating_ramp_max_K_per_min = 2.9;
  double cooling_ramp_max_K_per_min = 1.7;  ///< magnitude
  double heat_capacity_J_per_K = 12000.0;   ///< air and inner lining
};

/// The working set point leaves the air temperature at start and moves to the set point within the ramp limits; the air
/// follows it with a first-order lag, plus an offset from the heat of the cells. Every piece is integrated exactly, so the
/// length of a step does not matter. Times before now() are ignored.
class ChamberAir {
 public:
  ChamberAir(const ChamberParameters& parameters, TimePoint start);

  /// Advances to now, then takes effect. A set point that is not finite leaves the previous one.
  void command(TimePoint now, bool running, double setpoint_degC);
  void advance(TimePoint to);
  /// Heat given to the air by what is inside, W; held until the next call.
  void set_heat(double heat_W) { heat_W_ = heat_W; }

  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] bool is_running() const { return running_; }
  [[nodiscard]] double setpoint_degC() const { return setpoint_degC_; }
  [[nodiscard]] double air_temperature_degC() const { return air_degC_; }
  /// Where the controller is on its ramp; the air temperature while the chamber does not run.
  [[nodiscard]] double working_setpoint_degC() const { return running_ ? working_degC_ : air_degC_; }
  [[nodiscard]] const ChamberParameters& parameters() const { return parameters_; }

 private:
  void follow(double slope_K_per_s, double duration_s);

  ChamberParameters parameters_;
  TimePoint now_;
  bool running_ = false;
  double setpoint_degC_;
  double working_degC_;
  double air_degC_;
  double heat_W_ = 0.0;
};

}  // namespace cellrig::sim
