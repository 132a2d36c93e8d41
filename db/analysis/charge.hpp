// Charge, energy, and how long a charge takes.
#pragma once

#include <optional>

#include "db/analysis/curve.hpp"
#include "db/record.hpp"

namespace cellrig::db {

/// What moves between points with straight lines between them (base/moved.hpp); never into a point after a gap.
[[nodiscard]] Sums integrate(Curve curve);

struct Efficiencies {
  std::optional<double> coulombic;  ///< discharge / charge, in Ah
  std::optional<double> energy;     ///< discharge / charge, in Wh
  std::optional<double> voltage;    ///< energy / coulombic = mean discharge voltage / mean charge voltage
  std::optional<double> charge_mean_voltage_V;
  std::optional<double> discharge_mean_voltage_V;
  std::optional<double> hysteresis_V;  ///< mean charge voltage - mean discharge voltage
};
/// A figure that would need a division by nothing is none.
[[nodiscard]] Efficiencies efficiencies(const Sums& sums);

/// How a step's charge and time divide between constant current and constant voltage, by the regulator's own word.
struct CvShare {
  double cc_Ah = 0, cv_Ah = 0;  ///< moved, either way
  double cc_time_s = 0, cv_time_s = 0;
  [[nodiscard]] std::optional<double> charge_share() const {
    return cc_Ah + cv_Ah > 0 ? std::optional<double>{cv_Ah / (cc_Ah + cv_Ah)} : std::nullopt;
  }
};
/// The time between two points counts as constant voltage when the later one is regulated so.
[[nodiscard]] CvShare cv_share(Curve curve);

/// A window of the state of charge, and what its percents are of.
struct SocWindow {
  double from_pct = 0, to_pct = 100;
  double start_pct = 0;     ///< where the cell stood when the curve began: stated, not guessed
  double reference_Ah = 0;  ///< what 100 % is
};
struct ChargeTime {
  double seconds = 0;
  double cell_temperature_max_degC = 0;  ///< NaN: not measured
  double cell_temperature_rise_K = 0;    ///< highest in the window - at its beginning
  double mean_rate_C = 0;                ///< charge of the window / its time, in reference capacities an hour
};
/// From where the charge into the cell since the curve began reaches from_pct to where it reaches to_pct, straight between
/// points. None: it began above from_pct, or never came to to_pct. Rests inside the window count: a driver waits through them.
[[nodiscard]] std::optional<ChargeTime> charge_time(Curve curve, const SocWindow& window);

/// Charge into the cell `seconds` after the curve began, Ah; none when it is shorter.
[[nodiscard]] std::optional<double> charge_after(Curve curve, double seconds);

}  // namespace cellrig::db
