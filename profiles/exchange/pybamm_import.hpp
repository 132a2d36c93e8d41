// PyBaMM experiment -> the text of a profile. What a string does not say and a bench must know is decided here, written beside
// the step as a comment, and told in the report:
// * A bound: PyBaMM's own, which ends its experiment too: 2 h / rate, else 24 h. With a "for" the step ends there in order, and
//   the bound lies a tenth beyond, at least a minute.
// * "Hold" has no direction and no limit of current: both come from the step with current before it. Without one it is refused.
// * "Charge ... until V" with "Hold at" the same V "until" a current are one cccv step.
// * An end by a small current must hold for 5 s: one low sample is no taper.
#pragma once

#include <string>

#include "profiles/exchange/loss.hpp"
#include "profiles/exchange/pybamm_experiment.hpp"

namespace cellrig {

struct PybammImport {
  std::string profile_text;  ///< accepted by read_profile()
  LossReport report;
};

/// `name` becomes the profile's, cut to what one may have. Throws ConfigError with the place in the experiment for what a profile
/// cannot say.
[[nodiscard]] PybammImport import_pybamm(const PybammExperiment& experiment, const std::string& name);

}  // namespace cellrig
