// Which cell a simulated bench holds.
#pragma once

#include <string>

#include "controller/runtime/config.hpp"

namespace cellrig::cli {

/// The name or the path of the cell file that the bench file gives this channel under `simulation`; "lg-m50" where it says nothing: a
/// simulator behind sockets may have another bench file.
[[nodiscard]] std::string simulated_cell_of(const BenchConfig& bench, const std::string& channel);

}  // namespace cellrig::cli
