// One step of a program as one or two PyBaMM strings.
#pragma once

#include <vector>

#include "controller/engine/program.hpp"
#include "profiles/exchange/loss.hpp"
#include "profiles/exchange/pybamm_text.hpp"
#include "profiles/model.hpp"

namespace cellrig {

/// The strings so far that ran directly before a step: they tell whether a "Hold" starts with a current that is bounded.
struct PybammBefore {
  std::vector<PybammStep> strings;  ///< of the step before, empty at the edge of a loop
};

struct PybammStepExport {
  const Program& program;
  const Step& step;
  const StepSpec& spec;  ///< that the step was compiled from
  SourcePlace place;
};

/// Without period and temperature. Empty for a rest of no time. Adds what cannot be said to `report`.
[[nodiscard]] std::vector<PybammStep> export_pybamm_step(const PybammStepExport& from, const PybammBefore& before,
                                                         LossReport& report);

}  // namespace cellrig
