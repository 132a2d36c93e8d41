// What several tasks of a bench wait for and judge by.
#pragma once

#include <chrono>

#include "controller/base/time.hpp"

namespace cellrig {

inline constexpr Duration command_timeout = std::chrono::seconds{5};
/// Readings of a channel are too old after so long, or after so many of its periods if that is more.
inline constexpr Duration age_limit_min = std::chrono::seconds{1};
inline constexpr int age_limit_periods = 3;
/// OFF: each try over the instrument's own paths, the contactor between two of them, and beyond a watchdog's delay until it has fired for sure.
inline constexpr Duration off_path_timeout = std::chrono::seconds{1};
inline constexpr Duration contactor_timeout = std::chrono::milliseconds{500};
inline constexpr Duration watchdog_margin = std::chrono::seconds{1};
/// What was on its way to an instrument when it was told to stop may take effect so much later.
inline constexpr Duration overtaken_command_time = std::chrono::milliseconds{100};
/// Below this there is no cell, an open contactor, or a cell nobody should charge without a recipe for it.
inline constexpr double no_cell_V = 0.3;
inline constexpr double mm2_per_cm2 = 100.0;  ///< N per mm2 are MPa

}  // namespace cellrig
