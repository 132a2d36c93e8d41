// The charge and energy that a supply counts by itself.
#pragma once

#include <algorithm>

#include "controller/base/time.hpp"
#include "sim/physics/power_stage.hpp"

namespace cellrig::sim {

/// By trapezoid between the instants at which the instrument is looked at. A command makes the current jump: look() before it,
/// resume() after it.
class ChargeCounter {
 public:
  void begin(TimePoint now) { at_ = now; }
  void look(TimePoint now, const PowerStage& stage) {
    const double current_A = current_A_, power_W = power_W_;
    resume(stage);
    if (now <= at_) return;
    const double hours = to_seconds(now - at_) / 3600.0;
    charge_Ah_ += 0.5 * (current_A + current_A_) * hours;
    energy_Wh_ += 0.5 * (power_W + power_W_) * hours;
    at_ = now;
  }
  void resume(const PowerStage& stage) {
    current_A_ = stage.current_A();
    power_W_ = current_A_ * stage.terminal_voltage_V();
  }
  void set_charge(double charge_Ah) { charge_Ah_ = charge_Ah; }
  void set_energy(double energy_Wh) { energy_Wh_ = energy_Wh; }
  [[nodiscard]] double charge_Ah() const { return charge_Ah_; }
  [[nodiscard]] double energy_Wh() const { return energy_Wh_; }

 private:
  TimePoint at_{};
  double current_A_ = 0.0, power_W_ = 0.0;
  double charge_Ah_ = 0.0, energy_Wh_ = 0.0;
};

}  // namespace cellrig::sim
