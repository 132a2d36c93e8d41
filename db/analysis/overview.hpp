// The course of a run in as few pieces as a picture has columns, every extreme kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "controller/base/result.hpp"
#include "db/analysis/rollup.hpp"
#include "db/reader.hpp"

namespace cellrig::db {

struct OverviewOptions {
  std::int64_t from_ns = std::numeric_limits<std::int64_t>::min();  ///< test time
  std::int64_t to_ns = std::numeric_limits<std::int64_t>::max();
  std::size_t columns = 1200;
};

struct OverviewPiece {
  std::int64_t from_ns = 0, to_ns = 0;  ///< test time of its first and last row
  LeastMost voltage_V, current_A, cell_temperature_degC, ambient_temperature_degC;
};

struct Overview {
  std::vector<OverviewPiece> pieces;  ///< in the order of time, each at most a column wide, or a single roll-up
  std::uint64_t rows = 0;             ///< that it stands for
  bool is_from_rollups = false;       ///< else from the samples themselves
};

/// Rows up to here are read one by one, which is exact; above, from roll-ups, whose pieces may be wider than a column and whose
/// extremes stand somewhere within their 256 rows.
inline constexpr std::uint64_t overview_rows_max = 150'000;

/// Memory: some pieces for each column; a piece for each step in a run of very many short ones.
[[nodiscard]] Result<Overview> overview(Reader& reader, RunKey run, const OverviewOptions& options = {});

}  // namespace cellrig::db
