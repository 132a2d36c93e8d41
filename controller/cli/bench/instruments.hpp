// The only place that names concrete instrument classes: from a bench file to objects behind interfaces.
#pragma once

#include <memory>
#include <string>

#include "controller/cli/bench/links.hpp"
#include "controller/runtime/bench_run.hpp"
#include "controller/runtime/config.hpp"

namespace cellrig::cli {

/// Every instrument that the channels named need (all, when empty). ConfigError for an unknown model, a missing address, or units
/// that cannot share their line.
[[nodiscard]] BenchInstruments make_instruments(TimeSource& time, const BenchConfig& bench,
                                                const std::vector<std::string>& channels, LinkMaker& links);

}  // namespace cellrig::cli
