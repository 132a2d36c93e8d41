// Runs of a record by what they were about, the latest first, without their files' texts: for lists of thousands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/result.hpp"
#include "db/record.hpp"
#include "db/run_origin.hpp"

namespace cellrig::db {

/// Empty: any.
struct RunFilter {
  std::string cell;  ///< the cell file's name, or the specimen
  std::string profile, channel, status;
  std::optional<UtcTime> since;  ///< begun at or after it
  std::optional<RunKey> before;  ///< smaller numbers only
  std::optional<RunKey> only;    ///< this one
  std::int64_t count_max = 50;
};

struct RunSummary {
  RunKey run = 0;
  std::string channel, cell_name, cell_id, profile_name, operator_name, time_source;
  RunOrigin origin = RunOrigin::simulated;
  std::string status;  ///< as in RunInfo, "interrupted" included
  std::string reason;
  std::optional<bool> criteria_met;
  UtcTime started_at{};
  std::optional<UtcTime> ended_at;
  std::optional<std::int64_t> ended_test_time_ns;
  std::int64_t cycle_count = 0;
  std::optional<double> capacity_Ah;  ///< of the last step that measured the reference
  std::optional<double> retention;    ///< of the last cycle that measured one
};

/// A connection of its own for each call, closed again: a list holds up no checkpoint.
[[nodiscard]] Result<std::vector<RunSummary>> list_runs(const std::string& path, const RunFilter& filter);
/// How many samples it has: looks at every row between its first and its last.
[[nodiscard]] Result<std::int64_t> count_samples(const std::string& path, RunKey run);

}  // namespace cellrig::db
