// What each step of a run moved, counted again from its rows.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>

#include "controller/base/moved.hpp"
#include "db/reader.hpp"
#include "db/record.hpp"

namespace cellrig::db {

struct StepTotals {
  Sums sums;
  std::int64_t waited_ns = 0;                  ///< for its chamber or paused, up to the last row after a wait
  std::optional<std::int64_t> waits_since_ns;  ///< its last rows wait
  std::optional<double> cell_temperature_max_degC;
};

/// Fed with the rows of a run in the order of time, in pages of any size. Charge and energy are what moves between two rows whose voltage
/// and current run straight (base/moved.hpp, as the engine counts), from the first row of a step to its last: never across a step's edge,
/// nor into a row with after_gap. Rows that wait are passed over, rows without a voltage or a current give their temperature only.
class StepTotalsCounter {
 public:
  /// The steps of the run: one that waits from its beginning waits since it started.
  explicit StepTotalsCounter(std::span<const StepInfo> steps);

  /// Columns of equal length.
  void add(const SampleColumns& rows);
  [[nodiscard]] const std::map<StepKey, StepTotals>& totals() const { return totals_; }

 private:
  struct Previous {
    std::int64_t test_time_ns = 0;
    double voltage_V = 0, current_A = 0;
  };
  void begin(StepKey step);
  void add_rows(const SampleColumns& rows, std::size_t first, std::size_t end);

  std::map<StepKey, std::int64_t> started_ns_;
  std::map<StepKey, StepTotals> totals_;
  StepKey step_ = 0;
  StepTotals* current_ = nullptr;
  std::optional<Previous> previous_;  ///< of the same step
};

}  // namespace cellrig::db
