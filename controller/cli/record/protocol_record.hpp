// The test-protocol record of a run in a record.
#pragma once

#include <string>

#include "db/reader.hpp"
#include "profiles/exchange/protocol_record.hpp"

namespace cellrig::cli {

/// As a JSON object; profiles/exchange/protocol_record.hpp says what it holds.
[[nodiscard]] inline std::string protocol_text(const db::RunInfo& run) {
  return protocol_record_text(recorded_protocol(run.row));
}

}  // namespace cellrig::cli
