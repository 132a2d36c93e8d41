// What several tasks of a bench wait for and judge by.
#pragma once

#include <chrono>

#include "controller/base/time.hpp"

namespace cellrig {

inline constexpr Duration command_timeout = std::chrono::seconds{5};
/// What was on its way to an instrument when it was told to stop may take effect so much later.
inline constexpr Duration overtaken_command_time = std::chrono::milliseconds{100};
/// Below this there is no cell, an open contactor, or a cell nobody should charge without a recipe for it.
inline constexpr double no_cell_V = 0.3;
inline constexpr double mm2_per_cm2 = 100.0;  ///< N per mm2 are MPa

}  // namespace cellrig
