// A run as one JSON document: what it was, its steps, cycles, events, and its samples as columns of one table.
#pragma once

#include <cstdint>

#include "controller/base/result.hpp"
#include "db/export/text_file.hpp"
#include "db/reader.hpp"

namespace cellrig::db {

/// {"schema_version", "run": {...}, "definitions": {...}, "steps": [...], "cycles": [...], "events": [...], "columns": [names with units],
/// "rows": [[...], ...]}. What was not measured is null. Memory does not grow with the rows. The value is their number.
[[nodiscard]] Result<std::uint64_t> export_json(Reader& reader, RunKey run, const ExportOptions& options);

}  // namespace cellrig::db
