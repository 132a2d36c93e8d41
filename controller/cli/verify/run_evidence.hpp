// Whether a recorded run is evidence of a claim: of a real cell, and of the run that the claim names.
#pragma once

#include <string>
#include <vector>

#include "controller/cli/settings.hpp"
#include "db/reader.hpp"
#include "profiles/claim.hpp"

namespace cellrig::cli {

/// True unless the record says otherwise in all places: time was real, no instrument sat on this computer or called itself what the
/// simulator's do, and whoever requested the run wrote down "simulated":false. Nothing becomes evidence by a gap in the record.
[[nodiscard]] bool was_simulated(const db::RunInfo& info, const std::vector<db::AuditRow>& audit);

/// A recorded run beside a run of a claim.
struct RunMatch {
  std::string difference;     ///< empty: it is that run; else what differs, in words
  bool is_shortened = false;  ///< it is the shortened one
};
/// The claim's profile and parameters, for the cell of the record.
[[nodiscard]] RunMatch match_run(const ClaimRun& claimed, const db::RunRow& recorded);

}  // namespace cellrig::cli
