// Where the numbers of a run come from: a cell on this bench, a model of one, or somebody else's file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "db/record.hpp"

namespace cellrig::db {

enum class RunOrigin : std::uint8_t { measured, simulated, imported };

/// In RunRow::time_source, and as the channel, of what came from a file.
inline constexpr const char* imported_time_source = "imported";

/// Measured only when the record says so in all places: time was real, there were instruments, none of them sat on this computer or
/// called itself what the simulator's do, and whoever asked for the run (or let it go on) wrote down "simulated":false. Nothing
/// becomes a measurement by a gap in the record. `requests`: the details of those rows of the audit trail, each a JSON object.
[[nodiscard]] RunOrigin origin_of(const RunRow& row, std::span<const std::string> requests);

/// "measured", "simulated", "imported"
[[nodiscard]] std::string_view word_of(RunOrigin origin);

/// "", "SIMULATED", "IMPORTED": beside the name of a run, wherever it is shown.
[[nodiscard]] std::string_view mark_of(RunOrigin origin);

}  // namespace cellrig::db
