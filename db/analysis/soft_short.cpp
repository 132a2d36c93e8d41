#include "db/analysis/soft_short.hpp"

#include <algorithm>

namespace cellrig::db {

namespace {

/// 0 at `none`, 1 at `certain`, straight between, whichever is the greater. NaN is 0: nothing was measured.
double grown(double value, double none, double certain) {
  const double share = (value - none) / (certain - none);
  return share > 0 ? std::min(share, 1.0) : 0.0;
}

}  // namespace

SoftShortScore soft_short_score(const SoftShortSigns& signs) {
  SoftShortScore out;
  if (signs.charge_Ah && signs.discharge_Ah && *signs.discharge_Ah > 0) {
    out.excess_charge = grown(*signs.charge_Ah / *signs.discharge_Ah, 1.05, 1.2);
  }
  out.voltage_fall = grown(signs.voltage_fall_max_V, 0.005, 0.025);
  out.no_rise = grown(signs.charge_without_rise_share, soft_short_without_rise_share, 0.3);
  if (signs.charge_overrun) out.overrun = grown(*signs.charge_overrun, 1.01, 1.05);
  if (signs.charge_slope_least_V_per_s)
    out.voltage_slope = grown(*signs.charge_slope_least_V_per_s, soft_short_slope_V_per_s, -0.006);
  if (signs.resistance_ratio) out.resistance_fall = grown(*signs.resistance_ratio, soft_short_resistance_ratio, 0.6);
  if (signs.rest_slope_V_per_day) out.self_discharge = grown(*signs.rest_slope_V_per_day, soft_short_rest_slope_V_per_day, -0.05);
  out.score = std::max({out.excess_charge, out.voltage_fall, out.no_rise, out.overrun, out.voltage_slope, out.resistance_fall,
                        out.self_discharge});
  return out;
}

}  // namespace cellrig::db
