// How long a program will take, roughly: from capacities and rates, for "time left" and for `cellrig check`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "controller/engine/program.hpp"

namespace cellrig {

/// What one step is likely to do, started at the state of charge `soc_pct` (of the nominal capacity, or of the rated one with `soc_of: rated`).
struct StepForecast {
  std::optional<double> seconds;  ///< none: nothing is known about its end; not cut by time_max
  std::optional<double> soc_after_pct;
};

[[nodiscard]] StepForecast forecast(const Program& program, const Step& step, std::optional<double> soc_pct);

struct DurationEstimate {
  Duration expected{};                    ///< capacity / current for each step, cut by its bound
  Duration longest{};                     ///< every step takes its bound, every loop runs to its end
  std::vector<Duration> per_instruction;  ///< expected, of one pass; 0 for what is no step
};

/// Durations stop at a hundred years.
[[nodiscard]] DurationEstimate estimate(const Program& program);
[[nodiscard]] Duration estimate_duration(const Program& program);  ///< estimate(program).expected

/// How many samples it is likely to record, measured every `period_on` with the output on and every `period_off` without.
[[nodiscard]] double estimate_rows(const Program& program, const DurationEstimate& estimated, Duration period_on,
                                   Duration period_off);

/// Where a channel is: the current instruction, the time already spent in its step, and the passes begun of each loop around it,
/// outermost first (as ChannelState counts them).
struct ProgramPosition {
  std::size_t instruction = 0;
  Duration in_step{};
  std::vector<std::uint64_t> passes;
};

/// Expected time from `position` to the end. `estimated` belongs to `program`.
[[nodiscard]] Duration estimate_remaining(const Program& program, const DurationEstimate& estimated,
                                          const ProgramPosition& position);

}  // namespace cellrig
