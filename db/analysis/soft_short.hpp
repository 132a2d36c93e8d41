// Signs of a soft short: what a dendrite that touches and burns off again leaves in a record.
#pragma once

#include <optional>

namespace cellrig::db {

/// Signs that are left out score nothing. The figure soft_short_score of a cycle is of the first three: a meter that goes along with a run
/// knows them from the rows of any cycle. The other two need what a cycle may not have, a pulse at the same state of charge in every cycle and a
/// rest of hours: reports tell both beside the score, among the pulses and the rests.
struct SoftShortSigns {
  std::optional<double> charge_Ah, discharge_Ah;  ///< of the cycle
  double voltage_fall_max_V = 0;  ///< largest fall from one row to the next under constant charging current, however far apart
  double charge_without_rise_share = 0;      ///< longest charge without a new highest voltage / nominal capacity
  std::optional<double> resistance_ratio;    ///< ohmic resistance / its median of the cycles before
  std::optional<double> rest_slope_V_per_h;  ///< late in the rest after the charge
};
struct SoftShortScore {
  double score = 0;  ///< the greatest of the five, 0..1: 0 nothing, 1 beyond doubt
  double excess_charge = 0, voltage_fall = 0, no_rise = 0, resistance_fall = 0, self_discharge = 0;
};
/// Each sign grows straight from 0 to 1 between two marks:
/// * excess charge: charge / discharge from 1.05 to 1.2;
/// * a fall of the voltage from 5 mV to 25 mV;
/// * charge without a new highest voltage from 10 % to 30 % of the nominal capacity;
/// * ohmic resistance from 0.9 down to 0.6 of its median;
/// * rest slope from -2 mV/h to -20 mV/h.
[[nodiscard]] SoftShortScore soft_short_score(const SoftShortSigns& signs);

}  // namespace cellrig::db
