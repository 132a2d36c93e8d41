#include "ui/chart/decimate.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cellrig::ui {

Extremes Extremes::between(const Extremes& a, const Extremes& b) {
  const Point low = b.low().y < a.low().y ? b.low() : a.low();
  const Point high = b.high().y > a.high().y ? b.high() : a.high();
  return low.x <= high.x ? Extremes{low, high} : Extremes{high, low};
}

ColumnSweep::ColumnSweep(Window window, int columns)
    : window_{window},
      columns_{std::max(columns, 1)},
      width_{std::max(window.span(), 0.0) / std::max(columns, 1)},
      column_end_{window.from} {
  kept_.reserve(static_cast<std::size_t>(columns_) * 2 + 2);
}

void ColumnSweep::enter_column_of(double x) {
  close_column();
  if (!(width_ > 0)) {
    column_end_ = window_.to;
    return;
  }
  const double column = std::min(std::floor((x - window_.from) / width_), static_cast<double>(columns_ - 1));
  column_end_ = column >= columns_ - 1 ? window_.to : window_.from + (column + 1) * width_;
  if (column_end_ <= x) column_end_ = x;  // rounding: the point opens its column whatever the division says
}

void ColumnSweep::close_column() {
  if (!is_open_) return;
  const bool is_low_first = low_.x <= high_.x;
  kept_.push_back(is_low_first ? low_ : high_);
  if (!(low_ == high_)) kept_.push_back(is_low_first ? high_ : low_);
  is_open_ = false;
}

void ColumnSweep::add_elsewhere(const Point& p) {
  if (p.x < window_.from) {
    before_ = p;
    return;
  }
  if (p.x > window_.to) {
    if (!after_) after_ = p;
    return;
  }
  // The last column owns its right end, the others do not.
  const bool is_inside = is_open_ && column_end_ >= window_.to;
  if (!is_inside) {
    enter_column_of(p.x);
    is_open_ = true;
    low_ = high_ = p;
    return;
  }
  if (p.y < low_.y) low_ = p;
  if (p.y > high_.y) high_ = p;
}

bool ColumnSweep::stays_in_column(double x_from, double x_to) const {
  if (is_open_ && x_to < column_end_) return true;
  if (x_from < window_.from || x_to > window_.to || !(width_ > 0))
    return false;  // one of its points may be the window's neighbour
  if (is_open_ && x_from < column_end_) return false;
  return std::floor((x_from - window_.from) / width_) == std::floor((x_to - window_.from) / width_);
}

std::vector<Point> ColumnSweep::take() {
  close_column();
  if (before_) kept_.insert(kept_.begin(), *before_);
  if (after_) kept_.push_back(*after_);
  return std::move(kept_);
}

std::vector<Point> decimate(std::span<const Point> points, Window window, int columns) {
  const auto is_before = [](const Point& p, double x) { return p.x < x; };
  const auto is_after = [](double x, const Point& p) { return x < p.x; };
  auto begin = std::lower_bound(points.begin(), points.end(), window.from, is_before);
  auto end = std::upper_bound(begin, points.end(), window.to, is_after);
  if (begin != points.begin()) --begin;
  if (end != points.end()) ++end;
  if (end - begin <= 2 * static_cast<std::ptrdiff_t>(std::max(columns, 1))) return {begin, end};
  ColumnSweep sweep{window, columns};
  for (auto p = begin; p != end; ++p) sweep.add(*p);
  return sweep.take();
}

std::vector<Point> thin_path(std::span<const Point> points, PixelSize pixel) {
  std::vector<Point> kept;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point& p = points[i];
    if (!kept.empty() && i + 1 != points.size()) {
      const double dx = std::abs(p.x - kept.back().x) / pixel.x, dy = std::abs(p.y - kept.back().y) / pixel.y;
      if (dx < 0.5 && dy < 0.5) continue;
    }
    kept.push_back(p);
  }
  return kept;
}

}  // namespace cellrig::ui
