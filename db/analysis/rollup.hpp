// Roll-ups: the least and the most of every 256 rows of a step, written with the data, so that a long run opens at once.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "db/record.hpp"

namespace cellrig::db {

inline constexpr std::int64_t rollup_rows = 256;

/// NaN: nothing was measured.
struct LeastMost {
  double least = std::numeric_limits<double>::quiet_NaN();
  double most = std::numeric_limits<double>::quiet_NaN();

  void include(double value) {
    if (!std::isfinite(value)) return;
    if (!(least <= value)) least = value;
    if (!(most >= value)) most = value;
  }
  void include(const LeastMost& other) {
    include(other.least);
    include(other.most);
  }
};

/// Some rows of one step that follow each other, but for rows of other channels that lie between them.
struct RollupRow {
  StepKey step = 0;
  std::int64_t rowid_before = 0, rowid_last = 0;  ///< where they lie: before < rowid <= last
  std::int64_t rows = 0;
  std::int64_t from_test_time_ns = 0, to_test_time_ns = 0;
  LeastMost voltage_V, current_A, cell_temperature_degC, ambient_temperature_degC;

  void include(const SampleRow& row) {
    if (rows == 0) from_test_time_ns = row.test_time_ns;
    to_test_time_ns = row.test_time_ns;
    ++rows;
    voltage_V.include(row.voltage_V);
    current_A.include(row.current_A);
    cell_temperature_degC.include(row.cell_temperature_degC);
    ambient_temperature_degC.include(row.ambient_temperature_degC);
  }
};

}  // namespace cellrig::db
