// What `run` asks of a start beyond its profile: trips that nobody looked at, watchdogs that nobody saw fire, the charge a person
// expects.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/cli/bench/rig.hpp"
#include "controller/runtime/bench_run.hpp"

namespace cellrig::cli {

struct RunOptions;

/// I2: after a trip nothing energises until a person has looked. ConfigError names the run and the command.
/// acknowledged: those whose acknowledgement may not be on disk yet.
void refuse_unacknowledged_trip(const std::string& database, const std::string& channel, const std::string& cell_name,
                                const std::string& cell_id, const std::vector<db::RunKey>& acknowledged = {});

/// The same for a cell that `serve` found hot, or gassing, when no run was there.
void refuse_unacknowledged_heat(const std::string& database, const std::string& channel);

/// A real bench needs watchdogs that were seen to fire and calibrations that hold; a simulator's record says what it has not.
void set_start_rules(BenchRunOptions& into, const RunOptions& options, const BenchConfig& bench, const Rig& rig);

/// A slip in the channel's name must not leave a cell unchecked. ConfigError with the nearest name.
void require_channels_of_expected_charges(const RunOptions& options, const BenchConfig& bench);

/// Of --expect-soc, for this channel. ConfigError when its cell file has no open-circuit table to compare with.
[[nodiscard]] std::optional<ExpectedCharge> expected_charge_of(const RunOptions& options, const std::string& channel,
                                                               const std::string& cell_file);

}  // namespace cellrig::cli
