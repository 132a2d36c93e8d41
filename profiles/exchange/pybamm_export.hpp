// A profile -> PyBaMM experiment, for a simulation of what the bench did or will do. The numbers are those of the program (after
// --set, for its cell); whether a current is written in A or as a rate follows the profile.
// Not in a string: limits, bounds that fail a run, ends by charge, energy, state of charge, temperature or a sensor, more than
// one end by voltage or current, labels, measurements, criteria. Each is in the report; what guarded the cell as a safety loss.
#pragma once

#include "controller/engine/program.hpp"
#include "profiles/exchange/loss.hpp"
#include "profiles/exchange/pybamm_experiment.hpp"
#include "profiles/model.hpp"

namespace cellrig {

struct PybammExport {
  PybammExperiment experiment;
  LossReport report;
};

/// `program` is what `profile` compiled to. The caller refuses the losses that nobody accepted (refused_losses); the experiment is
/// what it becomes when they all are: a step that loses its only end goes on to its voltage bound or for as long as it may.
/// Throws ConfigError when no string is left.
[[nodiscard]] PybammExport export_pybamm(const Profile& profile, const Program& program);

}  // namespace cellrig
