// Thins out rows for a picture or a slow line, so that nothing that was measured looks smaller than it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cellrig::api {

/// Keeps, of rows that come one after the other, those that matter: in each stretch of the x axis, of every column, the row of its least and
/// that of its greatest value (the first such row), and the first and the last row of all. Rows stay whole and in order, so that what
/// is kept was measured together. NaN is no value. Memory: bounded by stretches and columns, whatever the number of rows.
class Decimator {
 public:
  /// x_max is where x is expected to end: when it goes on, two stretches become one, again and again. What lies before x_min counts as in
  /// the first stretch. stretches >= 1.
  struct Plan {
    double x_min = 0, x_max = 0;
    std::size_t stretches = 1;
    std::size_t columns = 0;
  };
  explicit Decimator(const Plan& plan);

  /// `values`: one per column.
  void add(double x, const std::vector<double>& values);

  struct Row {
    std::uint64_t index = 0;  ///< of the rows that were added, from 0
    double x = 0;
    std::vector<double> values;
  };
  /// In order; each row once.
  [[nodiscard]] std::vector<Row> take();
  [[nodiscard]] std::uint64_t row_count() const { return count_; }
  /// As x_max stands; what lies beyond counts as in the last one.
  [[nodiscard]] std::size_t stretch_of(double x) const;

 private:
  struct Extremes {
    Row least, greatest;
    bool is_known = false;
  };
  void widen();

  Plan plan_;
  std::uint64_t count_ = 0;
  Row first_, last_;
  std::vector<Extremes> extremes_;  ///< by stretch, then column
};

/// How many stretches give about so many rows.
[[nodiscard]] std::size_t stretches_for(std::size_t points, std::size_t columns);

}  // namespace cellrig::api
