// One quantity against time, however long a run lasts, in bounded memory. Pure: no Qt.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "ui/chart/decimate.hpp"

namespace cellrig::ui {

/// The newest points stand as they came; older ones are rolled up into buckets that keep the lowest and the highest of n points each.
/// When the buckets are used up, neighbours are joined and n doubles: an extreme is never lost, only the place of what lies between.
class Trace {
 public:
  static constexpr std::size_t block_size = 32;
  struct Capacity {
    std::size_t recent_points = std::size_t{1} << 18;    ///< 7 h at 10 Hz
    std::size_t history_buckets = std::size_t{1} << 15;  ///< even
  };
  Trace();
  explicit Trace(Capacity capacity);

  /// x in seconds of test time, as a rule. A point that is not finite, or lies before the last one, is left out.
  void append(Point p);
  void clear();

  [[nodiscard]] bool is_empty() const { return count_ == 0; }
  [[nodiscard]] std::uint64_t count() const { return count_; }  ///< ever appended since clear()
  [[nodiscard]] std::optional<Point> last() const { return last_; }
  [[nodiscard]] std::optional<Window> extent() const;
  /// How many points share a bucket at this place: 1 where they stand as they came.
  [[nodiscard]] std::size_t points_per_bucket_at(double x) const;
  [[nodiscard]] std::size_t memory_bytes() const;

  /// At most two points a column, and one outside on either side; see ColumnSweep.
  [[nodiscard]] std::vector<Point> points(Window window, int columns) const;
  /// The kept point nearest to x; none when the trace is empty.
  [[nodiscard]] std::optional<Point> nearest(double x) const;

 private:
  struct Block {
    std::array<Point, block_size> points;
    std::size_t count = 0;
    [[nodiscard]] const Point& last() const { return points[count - 1]; }
  };
  /// Of the block with the same index. Beside each other in memory: a sweep over a million points reads these, and few of the points.
  struct Summary {
    double x_from = 0, x_to = 0;
    Extremes extremes;
  };

  void roll_up(const Block& block);
  void add_to_history(Point p);
  void halve_history();
  [[nodiscard]] std::vector<Extremes>::const_iterator history_from(double x) const;
  [[nodiscard]] std::size_t recent_from(double x) const;  ///< index of the first block that ends at x or later

  Capacity capacity_;
  std::vector<Extremes> history_;
  std::size_t points_per_bucket_ = 2;  ///< lossless at first: two points are a bucket's two extremes
  std::optional<Extremes> open_bucket_;
  std::size_t open_count_ = 0;
  std::deque<Block> recent_;
  std::deque<Summary> summaries_;
  std::optional<Point> first_, last_;
  std::uint64_t count_ = 0;
};

}  // namespace cellrig::ui
