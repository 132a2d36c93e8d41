// One seed, from the first OFF to a minute after the last: the program's own runtime, engine and drivers over the simulator's
// in-process links, judged after every event.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/runtime/bench_run.hpp"
#include "tests/swarm/judge.hpp"
#include "tests/swarm/plan.hpp"

namespace cellrig::swarm {

enum class Recording : unsigned char { counting, sqlite };

struct RunReport {
  std::optional<Violation> violation;
  std::map<std::string, Outcome> outcomes;  ///< by channel
  std::map<std::string, std::string> reasons;
  std::vector<ReactionTime> reactions;
  /// Of a plan with one fault that must end the current, on a channel that ended: the slowest channel.
  std::optional<Judge::AfterFault> after_fault;
  double channel_hours = 0;
  std::uint64_t trace_hash = 0;
  std::uint64_t samples = 0;
  std::uint64_t looks = 0;
  std::uint64_t rows_lost = 0;  ///< with a process that died: told, and not committed
};

[[nodiscard]] RunReport run_plan(const Plan& plan, Recording recording);

}  // namespace cellrig::swarm
