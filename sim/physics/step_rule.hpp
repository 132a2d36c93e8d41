// How long one integration step may be: the accuracy rule of the cell model, not a period of the simulation.
#pragma once

#include <cmath>

namespace cellrig::sim {

/// Steps of 1 s; 0.1 s during the first 2 s after the current changed by more than 0.1C, because the ohmic and fast
/// responses are sampled there; 10 s below C/20 and at rest, where the update is exact but for the slow temperature
/// (docs/cell-model.md, "Numerics").
class StepRule {
 public:
  static constexpr double step_s = 1.0;
  static constexpr double quiet_step_s = 10.0;
  static constexpr double settling_step_s = 0.1;
  static constexpr double settling_s = 2.0;
  static constexpr double change_rate_C = 0.1;
  static constexpr double quiet_rate_C = 0.05;

  /// Tells the current (A) of the coming step. capacity_Ah defines 1C.
  void on_current(double current_A, double capacity_Ah) {
    if (std::abs(current_A - last_current_A_) > change_rate_C * capacity_Ah) restart();
    last_current_A_ = current_A;
    quiet_ = std::abs(current_A) < quiet_rate_C * capacity_Ah;
  }

  /// Short steps again: the regulator changed its mode.
  void restart() { settling_left_s_ = settling_s; }

  /// The longest step allowed now, in seconds.
  [[nodiscard]] double step_max_s() const {
    if (last_current_A_ == 0.0) return quiet_step_s;
    if (settling_left_s_ > 1e-9) return settling_step_s;
    return quiet_ ? quiet_step_s : step_s;
  }

  void on_step(double duration_s) { settling_left_s_ = settling_left_s_ > duration_s ? settling_left_s_ - duration_s : 0.0; }

 private:
  double last_current_A_ = 0.0;
  double settling_left_s_ = 0.0;
  bool quiet_ = true;
};

}  // namespace cellrig::sim
