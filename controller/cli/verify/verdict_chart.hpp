// A verdict to look at: every result with its uncertainty beside the limit it is held against. Pure.
#pragma once

#include <string>

#include "controller/cli/verify/claim_judge.hpp"

namespace cellrig::cli {

/// One line per cell, then one per other reading of what the source left open. Empty when nothing has a value.
[[nodiscard]] std::string verdict_svg(const StatementVerdict& verdict);

}  // namespace cellrig::cli
