// Resistance and power from the steps of a run that began at rest. Private to report/.
#pragma once

#include <string>

#include "db/report/report.hpp"

namespace cellrig::db {

/// Empty when no step shows any.
[[nodiscard]] Result<std::string> pulses_html(const ReportRun& run);

}  // namespace cellrig::db
