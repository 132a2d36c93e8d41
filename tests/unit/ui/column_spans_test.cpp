#include "ui/chart/column_spans.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cellrig::ui {
namespace {

using testing::ElementsAre;

TEST(ColumnSpans, of_a_slope_meet_at_the_border_of_their_columns) {
  const std::vector<Point> line{{0, 0}, {3, 30}};
  EXPECT_THAT(column_spans(line, 3), ElementsAre(ColumnSpan{0, 0, 10}, ColumnSpan{1, 10, 20}, ColumnSpan{2, 20, 30}));
}

// Two points a column, as thinning leaves them: every extreme is in the picture, and neighbours touch.
TEST(ColumnSpans, keep_every_extreme_and_leave_no_hole) {
  std::vector<Point> line;
  for (int i = 0; i < 200; ++i) line.push_back({i * 0.5 + 0.1, i % 2 == 0 ? -1.0 * i : 7.0 * i});
  const std::vector<ColumnSpan> spans = column_spans(line, 100);
  ASSERT_EQ(spans.size(), 100U);
  for (const Point& p : line) {
    const ColumnSpan& span = spans[static_cast<std::size_t>(p.x)];
    EXPECT_LE(span.low, p.y);
    EXPECT_GE(span.high, p.y);
  }
  for (std::size_t i = 1; i < spans.size(); ++i) {
    EXPECT_EQ(spans[i].column, static_cast<int>(i));
    EXPECT_LE(spans[i].low, spans[i - 1].high + 1e-9);
    EXPECT_GE(spans[i].high, spans[i - 1].low - 1e-9);
  }
}

// The neighbours that thinning keeps outside of the window may be years away.
TEST(ColumnSpans, leave_out_what_lies_outside_however_far_away) {
  const std::vector<Point> line{{-1e12, 5}, {1e12, 5}};
  EXPECT_THAT(column_spans(line, 2), ElementsAre(ColumnSpan{0, 5, 5}, ColumnSpan{1, 5, 5}));
  EXPECT_THAT(column_spans(std::vector<Point>{{-3, 1}, {-2, 9}}, 2), ElementsAre());
  EXPECT_THAT(column_spans(std::vector<Point>{{4, 1}, {9, 9}}, 2), ElementsAre());
}

TEST(ColumnSpans, of_a_jump_and_of_a_single_point) {
  EXPECT_THAT(column_spans(std::vector<Point>{{1.5, 2}, {1.5, 9}}, 3), ElementsAre(ColumnSpan{1, 2, 9}));
  EXPECT_THAT(column_spans(std::vector<Point>{{1.5, 2}}, 3), ElementsAre(ColumnSpan{1, 2, 2}));
  EXPECT_THAT(column_spans({}, 3), ElementsAre());
}

}  // namespace
}  // namespace cellrig::ui
