// The steps of runs as one table, with their figures.
#pragma once

#include <vector>

#include "db/reader.hpp"

namespace cellrig::cli {

/// On standard output, with a header. A column for every figure that any step has; those with a time carry it: dc_resistance_ohm_at_10.
/// ConfigError when the record cannot be read.
void print_steps_csv(db::Reader& reader, const std::vector<db::RunInfo>& runs);

}  // namespace cellrig::cli
