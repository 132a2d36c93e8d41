// The cell of these tests, read once.
#pragma once

#include <string>

#include "sim/cell_file.hpp"

namespace cellrig::sim {

inline std::string cell_file_path() { return std::string{CELLRIG_SOURCE_DIR} + "/profiles/cells/lg-m50.yaml"; }

inline const CellParameters& lgm50() {
  static const CellParameters parameters = load_cell_file(cell_file_path());
  return parameters;
}

/// Another cell of profiles/cells.
inline CellParameters cell_preset(const std::string& name) {
  return load_cell_file(std::string{CELLRIG_SOURCE_DIR} + "/profiles/cells/" + name + ".yaml");
}

}  // namespace cellrig::sim
