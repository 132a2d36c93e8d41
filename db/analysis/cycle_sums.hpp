// Charge and energy by cycle from columns of samples: the summary of data that is in memory already.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "db/record.hpp"

namespace cellrig::db {

/// Columns of equal length, in the order of time.
struct SampleColumns {
  std::span<const std::int64_t> test_time_ns;
  std::span<const double> voltage_V, current_A;
  std::span<const std::int32_t> cycle;  ///< not falling
  std::span<const std::uint8_t>
      starts_anew;  ///< 1: nothing is counted from the row before: a step's first row, or one after a gap
};
struct CycleSums {
  std::int32_t cycle = 0;
  Sums sums;
};
/// Trapezoids of max(I, 0), max(-I, 0), max(VI, 0) and max(-VI, 0), as recompute_cycles(). Empty when the columns differ in length.
[[nodiscard]] std::vector<CycleSums> sum_cycles(const SampleColumns& columns);

}  // namespace cellrig::db
