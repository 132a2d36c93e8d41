// What follows from two results: of two cells side by side, of two temperatures, of two weighings. Pure.
#pragma once

#include "controller/base/result.hpp"
#include "db/verdict/measure.hpp"

namespace cellrig::verdict {

/// first / second, with the doubt of both: nothing is said to cancel between two cells or channels.
[[nodiscard]] Result<Measured> ratio_of(const Measured& first, const Measured& second);

struct AtTemperature {
  Measured resistance;
  double temperature_degC = 25.0;
  double temperature_standard_K = 0.5;
};
/// E of R ~ exp(E / kT), in eV.
[[nodiscard]] Result<Measured> activation_energy(const AtTemperature& cold, const AtTemperature& warm);

/// (before - after) / before in %, from two weighings in g with the balance's standard uncertainty.
[[nodiscard]] Result<Measured> mass_loss(double before_g, double after_g, double standard_g);

}  // namespace cellrig::verdict
