#include "ui/chart/trace.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace cellrig::ui {
namespace {

Trace::Capacity small_capacity() { return {.recent_points = 1024, .history_buckets = 64}; }

TEST(Trace, gives_back_what_it_was_given_while_it_is_short) {
  Trace trace{small_capacity()};
  for (int i = 0; i < 500; ++i) trace.append({i * 1.0, std::sin(i * 0.1)});
  const std::vector<Point> points = trace.points({0, 499}, 1000);
  ASSERT_EQ(points.size(), 500U);
  EXPECT_EQ(points[123], (Point{123, std::sin(12.3)}));
}

// A run of months must not eat the memory of the computer that also shows the alarms.
TEST(Trace, stays_within_its_memory_however_long_the_run) {
  Trace trace{small_capacity()};
  std::size_t most = 0;
  for (int i = 0; i < 2'000'000; ++i) {
    trace.append({i * 0.1, 3.7});
    if (i % 1000 == 0) most = std::max(most, trace.memory_bytes());
  }
  EXPECT_LT(most, 30'000U);
  EXPECT_EQ(trace.count(), 2'000'000U);
  EXPECT_GT(trace.points_per_bucket_at(0), 1000U);
  EXPECT_EQ(trace.points_per_bucket_at(199'999), 1U);
}

TEST(Trace, keeps_an_extreme_through_every_roll_up) {
  Trace trace{small_capacity()};
  for (int i = 0; i < 300'000; ++i) {
    double y = 3.7;
    if (i == 777) y = 9.0;
    if (i == 123'456) y = -9.0;
    trace.append({i * 1.0, y});
  }
  const std::vector<Point> points = trace.points({0, 300'000}, 300);
  EXPECT_NE(std::find(points.begin(), points.end(), Point{777, 9.0}), points.end());
  EXPECT_NE(std::find(points.begin(), points.end(), Point{123'456, -9.0}), points.end());
}

TEST(Trace, is_in_order_and_bounded_whatever_is_asked) {
  Trace trace{small_capacity()};
  for (int i = 0; i < 100'000; ++i) trace.append({i * 0.5, std::sin(i * 0.37) * i});
  for (const Window window :
       {Window{0, 50'000}, Window{-10, 3}, Window{49'000, 60'000}, Window{100, 100}, Window{70'000, 80'000}}) {
    const std::vector<Point> points = trace.points(window, 200);
    EXPECT_LE(points.size(), 402U);
    EXPECT_TRUE(std::is_sorted(points.begin(), points.end(), [](const Point& a, const Point& b) { return a.x < b.x; }));
  }
}

TEST(Trace, sees_the_same_extremes_as_a_plain_decimation_of_all_points) {
  std::vector<Point> all;
  Trace trace{{.recent_points = 65'536, .history_buckets = 64}};
  for (int i = 0; i < 50'000; ++i) {
    all.push_back({i * 0.1, std::sin(i * 0.001) + std::sin(i * 1.7)});
    trace.append(all.back());
  }
  EXPECT_EQ(trace.points({100, 4000}, 640), decimate(all, {100, 4000}, 640));
}

TEST(Trace, leaves_out_what_is_no_number_and_what_goes_back_in_time) {
  Trace trace;
  trace.append({1, 1});
  trace.append({2, std::nan("")});
  trace.append({std::numeric_limits<double>::infinity(), 2});
  trace.append({0.5, 2});
  trace.append({3, 3});
  EXPECT_EQ(trace.points({0, 10}, 100), (std::vector<Point>{{1, 1}, {3, 3}}));
}

TEST(Trace, finds_the_point_under_the_cursor) {
  Trace trace{small_capacity()};
  EXPECT_FALSE(trace.nearest(1));
  for (int i = 0; i < 5000; ++i) trace.append({i * 2.0, i * 1.0});
  EXPECT_EQ(trace.nearest(9998.7)->x, 9998);
  EXPECT_EQ(trace.nearest(1e9)->x, 9998);
  EXPECT_EQ(trace.nearest(-5)->x, 0);
  EXPECT_EQ(trace.nearest(9001.2)->x, 9002);
  EXPECT_EQ(trace.extent(), (Window{0, 9998}));
}

}  // namespace
}  // namespace cellrig::ui
