// Charts as SVG text: nothing from elsewhere, readable on a screen and on paper.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cellrig::db {

[[nodiscard]] std::string html_escaped(std::string_view text);

struct ChartPoint {
  double x = 0, y = 0;
};
struct ChartSeries {
  std::string label;               ///< in the legend; empty: none
  std::string colour;              ///< of SVG: "#1f4e9c"
  std::vector<ChartPoint> points;  ///< ascending in x; a y that is not finite breaks the line
  bool has_marks = false;          ///< a dot at every point, for few of them
  bool is_dashed = false;
};
struct ChartBand {
  double from = 0, to = 0;
  std::string colour;
  std::string title;  ///< shown when the pointer rests on it
};
struct ChartGuide {
  double y = 0;
  std::string label;
};
struct ChartMark {
  double x = 0;
  std::string label;
};

struct ChartPanel {
  std::string y_label;
  std::vector<ChartSeries> series;
  std::vector<ChartGuide> guides;  ///< drawn where they lie within or near what was measured
  double height = 150;
  std::optional<double> y_min, y_max;  ///< else from the points
};

/// Panels above each other with one x axis.
struct Chart {
  std::string description;  ///< read out in place of the picture
  std::string x_label;
  std::vector<ChartPanel> panels;
  std::vector<ChartBand> bands;
  std::vector<ChartMark> marks;
  std::optional<double> x_min, x_max;
  bool x_is_whole = false;  ///< counts, not quantities: no ticks between them
  double width = 1000;
};

/// Empty when there is nothing to draw.
[[nodiscard]] std::string svg_of(const Chart& chart);

/// About `count` round numbers within [min, max].
[[nodiscard]] std::vector<double> chart_ticks(double min, double max, int count);

}  // namespace cellrig::db
