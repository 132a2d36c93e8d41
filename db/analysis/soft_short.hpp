// Signs of a soft short: what a dendrite that touches and burns off again leaves in a record.
#pragma once

#include <optional>

namespace cellrig::db {

// Where each sign begins.
inline constexpr double soft_short_slope_V_per_s = -0.002;    ///< of the voltage under a constant charging current
inline constexpr double soft_short_without_rise_share = 0.1;  ///< of the nominal capacity, charged without a new highest voltage
inline constexpr double soft_short_resistance_ratio = 0.9;    ///< of an early resistance to those before it
inline constexpr double soft_short_rest_slope_V_per_day = -0.01;
inline constexpr double soft_short_rest_least_h = 20;  ///< what relaxes is mostly gone in the second half of such a rest

/// Signs that are left out score nothing.
struct SoftShortSigns {
  std::optional<double> charge_Ah, discharge_Ah;  ///< of the cycle
  double voltage_fall_max_V = 0;  ///< largest fall from one row to the next under constant charging current, however far apart
  double charge_without_rise_share = 0;              ///< longest charge without a new highest voltage / nominal capacity
  std::optional<double> charge_overrun;              ///< charge / the discharge before it
  std::optional<double> charge_slope_least_V_per_s;  ///< steepest fall within ten seconds of constant charging current
  std::optional<double> resistance_ratio;            ///< early resistance / its median of the cycles before
  std::optional<double> rest_slope_V_per_day;        ///< in the second half of the rest after the charge
};
struct SoftShortScore {
  double score = 0;  ///< the greatest of them, 0..1: 0 nothing, 1 beyond doubt
  double excess_charge = 0, voltage_fall = 0, no_rise = 0, overrun = 0, voltage_slope = 0, resistance_fall = 0,
         self_discharge = 0;
};
/// Each sign grows straight from 0 to 1 between two marks, of which the second is assumed:
/// * excess charge: charge / discharge from 1.05 to 1.2 (a coulombic efficiency from 95 to 83 %);
/// * a fall of the voltage from 5 mV to 25 mV;
/// * charge without a new highest voltage from 10 % to 30 % of the nominal capacity;
/// * overrun: charge / the discharge before it from 1.01 to 1.05;
/// * slope of the voltage in a charge from -2 mV/s to -6 mV/s;
/// * early resistance from 0.9 down to 0.6 of its median;
/// * rest slope from -10 mV to -50 mV a day: 100 ohm at a cell of 77 Ah, and 20.
[[nodiscard]] SoftShortScore soft_short_score(const SoftShortSigns& signs);

}  // namespace cellrig::db
