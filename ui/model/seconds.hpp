// Times of the record in the unit of the charts.
#pragma once

#include <cstdint>

namespace cellrig::ui {

inline constexpr double s_per_min = 60;
inline constexpr double s_per_h = 3600;
[[nodiscard]] constexpr double seconds_of(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

}  // namespace cellrig::ui
