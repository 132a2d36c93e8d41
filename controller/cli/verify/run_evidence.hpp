// Whether a recorded run is the one that a claim names. Whether its cell was real: db/run_origin.hpp.
#pragma once

#include <string>
#include <vector>

#include "controller/cli/files/settings.hpp"
#include "db/reader.hpp"
#include "profiles/claim.hpp"

namespace cellrig::cli {

/// A recorded run beside a run of a claim.
struct RunMatch {
  std::string difference;     ///< empty: it is that run; else what differs, in words
  bool is_shortened = false;  ///< it is the shortened one
};
/// The claim's profile and parameters, for the cell of the record.
[[nodiscard]] RunMatch match_run(const ClaimRun& claimed, const db::RunRow& recorded);

}  // namespace cellrig::cli
