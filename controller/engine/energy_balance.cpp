#include "controller/engine/energy_balance.hpp"

#include <cmath>

namespace cellrig {

std::optional<TripCause> EnergyBalance::look(const ElectricalSample& sample, const Throughput& moved) {
  now_.Ah += moved.net().value();
  now_.Wh += moved.net_energy().value();
  const double step_Ah = options_.turn * options_.capacity.value();
  const double beyond_Ah = now_.Ah - farthest_.Ah;
  if (direction_ != 0 && beyond_Ah * direction_ >= 0) {
    farthest_ = now_;
  } else if (std::abs(beyond_Ah) >= step_Ah) {
    if (direction_ != 0) {
      loop_ = Loop{last_turn_, farthest_};
      last_turn_ = farthest_;
    }
    direction_ = beyond_Ah > 0 ? +1 : -1;
    farthest_ = now_;
  }
  return close_loop(sample);
}

std::optional<TripCause> EnergyBalance::close_loop(const ElectricalSample& sample) {
  if (!loop_ || (now_.Ah - loop_->begin.Ah) * direction_ < 0) return std::nullopt;
  const Loop loop = *loop_;
  loop_.reset();
  const double heat_Wh = now_.Wh - loop.begin.Wh;
  const double least_Wh = -options_.excess_max * std::abs(loop.turn.Wh - loop.begin.Wh);
  if (heat_Wh >= least_Wh) return std::nullopt;
  return TripCause{Hazard::energy_balance, Measurand::voltage, heat_Wh, least_Wh, sample.at};
}

}  // namespace cellrig
