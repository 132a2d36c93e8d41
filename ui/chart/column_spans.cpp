#include "ui/chart/column_spans.hpp"

#include <algorithm>
#include <cmath>

namespace cellrig::ui {

namespace {

// A part of the line that lies in one column. Parts come in the order of columns.
void cover_column(std::vector<ColumnSpan>& spans, int column, double from, double to) {
  const double low = std::min(from, to), high = std::max(from, to);
  if (spans.empty() || spans.back().column != column) {
    spans.push_back({column, low, high});
    return;
  }
  spans.back().low = std::min(spans.back().low, low);
  spans.back().high = std::max(spans.back().high, high);
}

}  // namespace

std::vector<ColumnSpan> column_spans(std::span<const Point> pixels, int columns) {
  std::vector<ColumnSpan> spans;
  if (columns <= 0) return spans;
  spans.reserve(static_cast<std::size_t>(columns));
  const double last = columns - 1;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const Point& a = pixels[i];
    const Point& b = pixels[std::min(i + 1, pixels.size() - 1)];
    // Before the cast: a neighbour outside of the picture may be further away than an int counts.
    const double first_column = std::max(std::floor(a.x), 0.0), last_column = std::min(std::floor(b.x), last);
    if (first_column > last_column) continue;
    const double slope = b.x > a.x ? (b.y - a.y) / (b.x - a.x) : 0;
    const int begin = static_cast<int>(first_column), end = static_cast<int>(last_column);
    for (int column = begin; column <= end; ++column) {
      const double left = std::max(a.x, static_cast<double>(column)), right = std::min(b.x, column + 1.0);
      const bool starts_here = left == a.x, ends_here = right == b.x;
      cover_column(spans, column, starts_here ? a.y : a.y + slope * (left - a.x), ends_here ? b.y : a.y + slope * (right - a.x));
    }
  }
  return spans;
}

}  // namespace cellrig::ui
