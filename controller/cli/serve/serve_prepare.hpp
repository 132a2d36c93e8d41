// What `serve` reads from files for a start or for a run that goes on: beside the control thread, by the same parts as `run`.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

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

/// Of --listen ADDRESS:PORT. Throws ConfigError.
[[nodiscard]] std::pair<std::string, std::uint16_t> address_and_port(const std::string& listen);

[[nodiscard]] ControlResult<PreparedStart> prepare_start(const PrepareParts& parts, const StartOrder& order,
                                                         const PrepareContext& context);

/// moment: without cell_id and is_interrupted.
[[nodiscard]] ControlResult<PreparedStart> prepare_go_on(const PrepareParts& parts, const GoOnOrder& order, ResumeMoment moment);

/// Runs of these channels that nobody ended, and are of a world that is still there: the last one of each channel.
[[nodiscard]] std::vector<InterruptedRun> unfinished_runs(db::Reader& reader, const BenchConfig& bench);
/// By channel, ended or not.
[[nodiscard]] std::map<std::string, db::RunKey> last_runs(db::Reader& reader, const BenchConfig& bench);
/// To be stopped: those that a dead run started, and nobody goes on with, or whose run is not understood.
[[nodiscard]] std::vector<std::string> chambers_without_run(const BenchConfig& bench,
                                                            const std::vector<InterruptedRun>& interrupted);
[[nodiscard]] std::vector<OpenTrip> open_trips(db::Reader& reader, const BenchConfig& bench);

/// What a process puts into its row "bench opened": its numbers (of alarms, of channels' states) begin with it.
inline constexpr const char* numbers_key = "numbers";
struct NumbersBase {
  std::uint64_t base = 0;
  std::string problem;  ///< empty; else why the record was not asked
};
/// Larger than that of any process before that has this record: seconds since 1970, and more when the clock was set back, or stands still.
[[nodiscard]] NumbersBase numbers_base(const std::string& database, UtcTime now);

/// Cell files beside the record that are ignored, and those of which its audit trail does not say who added them: a process died between
/// keeping one and recording that, or somebody put it there. When the
/// record cannot be read it says so of each: this is no reason to let go of a bench. Any thread.
[[nodiscard]] std::vector<api::ServerChange> doubtful_cells(const std::string& database, const Library& library);

}  // namespace cellrig::cli
