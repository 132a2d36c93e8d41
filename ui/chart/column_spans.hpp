// What a line through many points covers of each pixel column. Pure: no Qt.
#pragma once

#include <span>
#include <vector>

#include "ui/chart/decimate.hpp"

namespace cellrig::ui {

struct ColumnSpan {
  int column = 0;
  double low = 0, high = 0;
  bool operator==(const ColumnSpan&) const = default;
};

/// Of the line through `pixels`, in the order of x, x in columns from 0. One span for each column that the line passes, in the order of columns;
/// columns outside of 0..columns - 1 are left out. Costs as much as there are points and columns, however high the line swings: to stroke
/// a thousand swings takes Qt longer than everything else in a frame.
[[nodiscard]] std::vector<ColumnSpan> column_spans(std::span<const Point> pixels, int columns);

}  // namespace cellrig::ui
