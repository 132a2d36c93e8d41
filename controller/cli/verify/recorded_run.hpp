// One run as its record tells it: steps, instruments, cell. What a verdict rests on comes from the record, not from today's files.
#pragma once

#include <memory>

#include "db/verdict/measure.hpp"

namespace cellrig::cli {

struct RecordedRun {
  verdict::RunFacts facts;
  verdict::Instruments instruments;
  verdict::CellFacts cell;
  bool measures_pressure = false;  ///< the channel has a load cell
};

/// The reader must outlive it. ConfigError where the recorded bench or cell names what this program does not know.
[[nodiscard]] RecordedRun read_recorded_run(db::Reader& reader, db::RunKey run);

/// What a load cell promises of the force in N, as a pressure over the area that it presses, in MPa.
[[nodiscard]] Accuracy pressure_of_force(const Accuracy& force, double area_cm2);

}  // namespace cellrig::cli
