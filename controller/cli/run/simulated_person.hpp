// Who stands at a simulated bench: does what a step asks for, after a minute, and says so.
#pragma once

#include <functional>
#include <string>

#include "controller/async/time_source.hpp"
#include "controller/runtime/bench_run.hpp"

namespace cellrig::cli {

inline constexpr Duration simulated_person_takes = std::chrono::minutes{1};

/// To be spawned when a step asks. `set_pressure` sets the channel's fixture. Both references must outlive the task.
[[nodiscard]] Task<void> do_as_asked(TimeSource& time, BenchRun& run, std::string channel, PersonTask task,
                                     std::function<void(double pressure_MPa)> set_pressure);

}  // namespace cellrig::cli
