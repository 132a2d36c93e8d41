// Reads the simulator's part of a cell file (profiles/cells/*.yaml).
#pragma once

#include <string>

#include "sim/physics/cell_parameters.hpp"

namespace cellrig::sim {

/// Reads `name`, the voltage window, mass, area and the whole of `model`. Other top-level keys belong to the profile compiler and
/// are not judged here.
/// @throws ConfigError with file, line and column for an unreadable file, an unknown, repeated or missing key, a value that is
/// not a finite number or out of its range, or a table that has not 101 values.
[[nodiscard]] CellParameters load_cell_file(const std::string& path);

}  // namespace cellrig::sim
