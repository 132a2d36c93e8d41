// What `serve` reads from files for a start or for a run that goes on: beside the control thread, by the same parts as `run`.
#pragma once

#include <map>
#include <string>

#include "controller/api/server.hpp"
#include "controller/cli/files/library.hpp"
#include "controller/cli/run/resume_plan.hpp"
#include "controller/cli/run/run_session.hpp"
#include "controller/runtime/bench_service.hpp"

namespace cellrig::cli {

/// Copies of what it needs: it works on any thread, and may outlive whoever asked.
struct PrepareParts {
  RunOptions options;  ///< database, seed, simulated, require_proofs, expect
  BenchConfig bench;
  Library library;
  bool is_simulated = false;  ///< also a bench outside this process
  std::string time_name;
  Duration control_period{};
};

[[nodiscard]] ControlResult<PreparedStart> prepare_start(const PrepareParts& parts, const StartOrder& order,
                                                         const PrepareContext& context);

/// moment: without cell_id and is_interrupted.
[[nodiscard]] ControlResult<PreparedStart> prepare_go_on(const PrepareParts& parts, const GoOnOrder& order, ResumeMoment moment);

/// Runs of these channels that nobody ended, and are of a world that is still there: the last one of each channel.
[[nodiscard]] std::vector<InterruptedRun> unfinished_runs(db::Reader& reader, const BenchConfig& bench);
[[nodiscard]] std::vector<OpenTrip> open_trips(db::Reader& reader, const BenchConfig& bench);

/// Cell files beside the record of which its audit trail says nothing: a process died between keeping one and recording who sent it, or
/// somebody put it there.
[[nodiscard]] std::vector<api::ServerChange> cells_nobody_added(const std::string& database);

}  // namespace cellrig::cli
