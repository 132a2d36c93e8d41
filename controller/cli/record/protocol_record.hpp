// The test-protocol record of a run in a record.
#pragma once

#include <string>

#include "db/reader.hpp"
#include "profiles/exchange/protocol_record.hpp"

namespace cellrig::cli {

/// As a JSON object; profiles/exchange/protocol_record.hpp says what it holds.
[[nodiscard]] inline std::string protocol_text(const db::RunInfo& run) {
  const db::RunRow& row = run.row;
  return protocol_record_text({.profile_text = row.profile_text,
                               .profile_name = row.profile_name,
                               .cell_text = row.cell_text,
                               .cell_name = row.cell_name,
                               .parameters_text = row.parameters_text,
                               .program_hash = row.program_hash,
                               .is_imported = row.time_source == "imported"});
}

}  // namespace cellrig::cli
