// The cycle table, computed a second time from what was recorded.
#pragma once

#include <string>
#include <vector>

#include "controller/base/result.hpp"
#include "db/reader.hpp"
#include "db/record.hpp"

namespace cellrig::db {

/// One row per cycle of the run, from the sample and step rows alone.
/// * A cycle is the steps with in_cycle and the same cycle number. It begins with its first step and ends with its last; one
///   with a step that has not ended is left out, and a last one that a trip, a stop or a failure cut off.
/// * Charge and energy: what moves between two rows whose voltage and current run straight (base/moved.hpp, as the engine counts), from
///   the first sample of a step to its last; never across a step edge, nor into a row with after_gap.
/// * charge_time_s: the duration of steps whose type ends in "_CHG", but for what they waited, for their chamber or paused: from the last
///   row before a wait to the first after it. Live a wait begins with the last measurement, which rows that lie far apart have not.
/// * retention: |net charge| of the cycle's step with measures_reference / that of the run's first such step.
///
/// What equality to expect: the engine sums up *every* observation, the record may keep fewer (recording rules). With every
/// observation recorded both agree to rounding (1e-9); thinned to one row in n, they differ by what a straight line over
/// the longer interval misses, and a temperature maximum between rows is missed.
[[nodiscard]] Result<std::vector<CycleRow>> recompute_cycles(Reader& reader, RunKey run);

/// One sentence for each figure of `live` that differs from `recomputed` by more than `tolerance`, relative to the live figure (about zero:
/// least_scale()). Empty: the same. Figures that only one of them has are told too, but for retention, which older
/// engines did not mark.
[[nodiscard]] std::vector<std::string> compare_cycles(const std::vector<CycleRow>& live, const std::vector<CycleRow>& recomputed,
                                                      double tolerance);

}  // namespace cellrig::db
