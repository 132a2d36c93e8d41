// What the steps of runs amount to, with the uncertainty that a verdict would give them.
#pragma once

#include <vector>

#include "controller/cli/record/comparison.hpp"
#include "db/report/report.hpp"

namespace cellrig::cli {

/// Of each step that carried current, its last execution: charge, energy, the time of a charge, the warmest; of short ones after a rest the
/// resistance. Expanded uncertainty by the accuracy of the instruments that the record names. A run whose instruments this program does
/// not know, an imported one for example, has none: the section says so.
[[nodiscard]] db::ReportSection results_section(const std::vector<ComparedRun>& runs);

}  // namespace cellrig::cli
