// What a chart paints, looked at in the picture.
#include <QImage>
#include <QPixmap>
#include <QTest>
#include <cmath>
#include <memory>

#include <gtest/gtest.h>

#include "tests/ui/screen.hpp"
#include "ui/chart/palette.hpp"
#include "ui/chart/trace_chart.hpp"

namespace cellrig::ui::test {
namespace {

const QColor ink(200, 30, 200);

std::unique_ptr<TraceChart> chart_of(const std::shared_ptr<Trace>& trace, bool is_dashed) {
  auto chart = std::make_unique<TraceChart>();
  chart->add_pane({QStringLiteral("Voltage"), QStringLiteral("V")});
  chart->add_trace(0, {QString(), ink, is_dashed}, trace);
  show_in(*chart, QSize(900, 400));
  chart->follow();
  return chart;
}

int inked_in_column(const QImage& image, int x) {
  int count = 0;
  for (int y = 0; y < image.height(); ++y) count += image.pixelColor(x, y) == ink ? 1 : 0;
  return count;
}

int inked_columns(const QImage& image, const QRectF& plot) {
  int count = 0;
  for (int x = static_cast<int>(plot.left()) + 1; x < static_cast<int>(plot.right()) - 1; ++x)
    count += inked_in_column(image, x) > 0 ? 1 : 0;
  return count;
}

// One row of a million: a trip's spike must be in the picture, over the whole height.
TEST(ChartPicture, shows_a_single_spike_among_very_many_points) {
  auto trace = std::make_shared<Trace>(Trace::Capacity{.recent_points = 200'000});
  constexpr int count = 100'000, spike = 40'000;
  for (int i = 0; i < count; ++i) trace->append({i * 0.1, i == spike ? 5.0 : 3.7 + 0.001 * (i % 3)});
  const auto chart = chart_of(trace, false);
  const QImage image = chart->picture().toImage();
  const QRectF plot = chart->pane(0).plot();
  const int column = static_cast<int>(plot.left() + plot.width() * spike / count);
  int tallest = 0;
  for (int x = column - 2; x <= column + 2; ++x) tallest = std::max(tallest, inked_in_column(image, x));
  EXPECT_GT(tallest, plot.height() * 0.7);
  EXPECT_LT(inked_in_column(image, column + 20), 12) << "beside it the line is flat";
  EXPECT_GT(inked_columns(image, plot), plot.width() - 8) << "the line has no holes";
}

// Few points, and a zoom between two of them: the line passes through the picture.
TEST(ChartPicture, shows_the_line_between_two_points_far_outside) {
  auto trace = std::make_shared<Trace>();
  trace->append({0, 3});
  trace->append({1e7, 4});
  const auto chart = chart_of(trace, false);
  chart->show_window({5e6, 5e6 + 10});
  EXPECT_GT(inked_columns(chart->picture().toImage(), chart->pane(0).plot()), chart->pane(0).plot().width() - 8);
}

TEST(ChartPicture, dashes_along_the_line_where_dashes_can_be_told) {
  auto smooth = std::make_shared<Trace>();
  for (int i = 0; i < 5000; ++i) smooth->append({i * 1.0, 3.7 + 0.3 * std::sin(i * 1e-3)});
  const auto chart = chart_of(smooth, true);
  const double share = inked_columns(chart->picture().toImage(), chart->pane(0).plot()) / chart->pane(0).plot().width();
  EXPECT_GT(share, 0.45);
  EXPECT_LT(share, 0.9);
  auto steep = std::make_shared<Trace>();
  for (int i = 0; i < 5000; ++i) steep->append({i * 1.0, std::abs(i - 2500) < 20 ? 9.0 - 0.2 * std::abs(i - 2500) : 5.0});
  const auto peak = chart_of(steep, true);
  const QImage image = peak->picture().toImage();
  const QRectF plot = peak->pane(0).plot();
  int rows = 0;
  for (int y = static_cast<int>(plot.top()); y < static_cast<int>(plot.bottom()); ++y) {
    bool is_inked = false;
    for (int x = static_cast<int>(plot.left()); x < static_cast<int>(plot.right()); ++x)
      is_inked = is_inked || image.pixelColor(x, y) == ink;
    rows += is_inked ? 1 : 0;
  }
  EXPECT_GT(rows, plot.height() * 0.6) << "a peak is not left out because it falls between two dashes";
}

TEST(ChartPicture, takes_the_ground_of_another_theme_at_once) {
  auto trace = std::make_shared<Trace>();
  for (int i = 0; i < 100; ++i) trace->append({i * 1.0, 3.7});
  const auto chart = chart_of(trace, false);
  EXPECT_EQ(chart->picture().toImage().pixelColor(3, 3), colours().surface);
  apply_theme(Theme::dark);
  QTest::qWait(50);
  EXPECT_EQ(chart->picture().toImage().pixelColor(3, 3), colours().surface);
  EXPECT_TRUE(colours().is_dark);
  apply_theme(Theme::light);
}

}  // namespace
}  // namespace cellrig::ui::test
