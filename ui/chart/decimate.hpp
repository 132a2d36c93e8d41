// Thins a trace to what a screen can show. Pure: no Qt, no clock.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace cellrig::ui {

struct Point {
  double x = 0;
  double y = 0;
  bool operator==(const Point&) const = default;
};

/// A stretch of the x axis, both ends included.
struct Window {
  double from = 0;
  double to = 0;
  [[nodiscard]] double span() const { return to - from; }
  bool operator==(const Window&) const = default;
};

/// The lowest and the highest point of a stretch, in the order of x; both the same when there is only one.
struct Extremes {
  Point first;
  Point second;

  [[nodiscard]] static Extremes of(Point p) { return {p, p}; }
  void add(Point p) { *this = between(*this, of(p)); }
  [[nodiscard]] const Point& low() const { return first.y <= second.y ? first : second; }
  [[nodiscard]] const Point& high() const { return first.y <= second.y ? second : first; }
  /// Of both stretches together; `a` lies before `b`.
  [[nodiscard]] static Extremes between(const Extremes& a, const Extremes& b);
};

/// Collects points that come in the order of x, and keeps the lowest and highest of each pixel column. Of the points outside of the window it
/// keeps the nearest on either side, so that a line leaves the picture where it should.
class ColumnSweep {
 public:
  ColumnSweep(Window window, int columns);
  void add(const Point& p) {
    // Nearly every point of a long trace ends here: within the open column, and no extreme.
    if (p.x < column_end_ && is_open_) {
      if (p.y < low_.y) low_ = p;
      if (p.y > high_.y) high_ = p;
      return;
    }
    add_elsewhere(p);
  }
  /// Both points of a stretch that lies within one column, see stays_in_column().
  void add(const Extremes& extremes) {
    add(extremes.first);
    add(extremes.second);
  }
  [[nodiscard]] bool stays_in_column(double x_from, double x_to) const;
  /// At most two points a column and the two outside, in the order of x. The sweep is over then.
  [[nodiscard]] std::vector<Point> take();

 private:
  void add_elsewhere(const Point& p);
  void enter_column_of(double x);
  void close_column();

  Window window_;
  int columns_;
  double width_;
  double column_end_;
  bool is_open_ = false;
  Point low_, high_;  ///< of the open column
  std::optional<Point> before_, after_;
  std::vector<Point> kept_;
};

/// Lowest and highest point of each of `columns` equal stretches of the window: every extreme that a pixel column can show is kept.
/// `points` are in the order of x and finite. Fewer than two points a column come back as they are.
[[nodiscard]] std::vector<Point> decimate(std::span<const Point> points, Window window, int columns);

struct PixelSize {
  double x = 1;  ///< width of a pixel in units of x
  double y = 1;
};
/// For curves whose x goes back and forth (voltage against charge): leaves out points that lie within half a pixel of the last one
/// kept. First and last stay.
[[nodiscard]] std::vector<Point> thin_path(std::span<const Point> points, PixelSize pixel);

}  // namespace cellrig::ui
