#include "ui/chart/decimate.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace cellrig::ui {
namespace {

std::vector<Point> noisy_points(std::size_t count, unsigned seed) {
  std::mt19937 random{seed};
  std::uniform_real_distribution<double> step{0.0, 2.0}, value{-1.0, 1.0};
  std::vector<Point> points;
  double x = 0;
  for (std::size_t i = 0; i < count; ++i) points.push_back({x += step(random), value(random)});
  return points;
}

// Computed a second time, in the plainest way: the extremes of each column must be among what is kept.
void expect_extremes_kept(const std::vector<Point>& points, const std::vector<Point>& kept, Window window, int columns) {
  const double width = window.span() / columns;
  for (int c = 0; c < columns; ++c) {
    const double from = window.from + c * width, to = c + 1 == columns ? window.to : window.from + (c + 1) * width;
    const Point *low = nullptr, *high = nullptr;
    for (const Point& p : points) {
      const bool is_in = p.x >= from && (c + 1 == columns ? p.x <= to : p.x < to);
      if (!is_in) continue;
      if (low == nullptr || p.y < low->y) low = &p;
      if (high == nullptr || p.y > high->y) high = &p;
    }
    if (low == nullptr) continue;
    EXPECT_NE(std::find(kept.begin(), kept.end(), *low), kept.end()) << "lowest of column " << c;
    EXPECT_NE(std::find(kept.begin(), kept.end(), *high), kept.end()) << "highest of column " << c;
  }
}

bool is_in_order(const std::vector<Point>& points) {
  return std::is_sorted(points.begin(), points.end(), [](const Point& a, const Point& b) { return a.x < b.x; });
}

// A spike of one sample is what somebody looks for; no zoom may hide it.
TEST(Decimate, keeps_every_extreme_of_every_column) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    const std::vector<Point> points = noisy_points(5000, seed);
    const Window window{points[200].x, points[4700].x};
    const int columns = 100 + static_cast<int>(seed) * 7;
    const std::vector<Point> kept = decimate(points, window, columns);
    expect_extremes_kept(points, kept, window, columns);
    EXPECT_LE(kept.size(), static_cast<std::size_t>(2 * columns + 2));
    EXPECT_TRUE(is_in_order(kept));
  }
}

TEST(Decimate, shows_one_spike_among_a_million_points) {
  std::vector<Point> points;
  for (int i = 0; i < 1'000'000; ++i) points.push_back({i * 0.1, 3.7});
  points[654'321].y = 4.3;
  const std::vector<Point> kept = decimate(points, {0, 100'000}, 1200);
  EXPECT_NE(std::find(kept.begin(), kept.end(), points[654'321]), kept.end());
  EXPECT_LE(kept.size(), 2402U);
}

TEST(Decimate, returns_few_points_as_they_are) {
  const std::vector<Point> points = noisy_points(50, 3);
  EXPECT_EQ(decimate(points, {points.front().x, points.back().x}, 100), points);
}

// The line must leave the picture at its edge, towards the neighbour that is not shown.
TEST(Decimate, keeps_one_neighbour_on_either_side_of_the_window) {
  const std::vector<Point> points{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}};
  const std::vector<Point> expected{{1, 2}, {2, 3}, {3, 4}};
  EXPECT_EQ(decimate(points, {1.5, 2.5}, 10), expected);
  const std::vector<Point> many = noisy_points(5000, 9);
  const std::vector<Point> kept = decimate(many, {many[1000].x, many[4000].x}, 50);
  EXPECT_EQ(kept.front(), many[999]);
  EXPECT_EQ(kept.back(), many[4001]);
}

TEST(Decimate, survives_an_empty_trace_an_empty_window_and_no_columns) {
  EXPECT_TRUE(decimate({}, {0, 1}, 100).empty());
  const std::vector<Point> points = noisy_points(5000, 4);
  EXPECT_FALSE(decimate(points, {points[10].x, points[10].x}, 100).empty());
  EXPECT_FALSE(decimate(points, {0, 5000}, 0).empty());
  EXPECT_TRUE(is_in_order(decimate(points, {-1e300, 1e300}, 10)));
}

TEST(ThinPath, keeps_ends_and_every_move_of_more_than_half_a_pixel) {
  std::vector<Point> loop;
  for (int i = 0; i <= 100'000; ++i) {
    const double angle = i * 2 * 3.14159265358979 / 100'000;
    loop.push_back({std::cos(angle), std::sin(angle)});
  }
  const std::vector<Point> kept = thin_path(loop, {.x = 0.01, .y = 0.01});
  EXPECT_EQ(kept.front(), loop.front());
  EXPECT_EQ(kept.back(), loop.back());
  EXPECT_LT(kept.size(), 2000U);
  for (std::size_t i = 1; i < kept.size(); ++i) {
    EXPECT_LT(std::hypot(kept[i].x - kept[i - 1].x, kept[i].y - kept[i - 1].y), 0.01);
  }
}

}  // namespace
}  // namespace cellrig::ui
