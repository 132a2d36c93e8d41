// What the rests of a run tell: relaxation, self-discharge, plated lithium; and the signs of a soft short, cycle by cycle. Private to report/.
#pragma once

#include <string>

#include "db/report/report.hpp"

namespace cellrig::db {

/// Empty when there is no rest of ten minutes and no cycle with a sign.
[[nodiscard]] Result<std::string> rests_html(const ReportRun& run);

}  // namespace cellrig::db
