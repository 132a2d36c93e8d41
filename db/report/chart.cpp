#include "db/report/chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace cellrig::db {

namespace {

constexpr double left_px = 64, right_px = 16, top_px = 30, gap_px = 16, bottom_px = 44;

struct Bounds {
  double min = std::numeric_limits<double>::infinity(), max = -std::numeric_limits<double>::infinity();
  void include(double value) {
    if (!std::isfinite(value)) return;
    min = std::min(min, value);
    max = std::max(max, value);
  }
  [[nodiscard]] bool is_empty() const { return !(max >= min); }
  [[nodiscard]] double range() const { return max - min; }
};

Bounds x_bounds(const Chart& chart) {
  Bounds bounds;
  for (const ChartPanel& panel : chart.panels) {
    for (const ChartSeries& series : panel.series) {
      for (const ChartPoint& point : series.points) bounds.include(point.x);
    }
  }
  if (bounds.is_empty()) return bounds;
  bounds.min = chart.x_min.value_or(bounds.min);
  bounds.max = chart.x_max.value_or(bounds.max);
  if (!(bounds.max > bounds.min)) bounds.min -= 0.5, bounds.max += 0.5;
  return bounds;
}

Bounds y_bounds(const ChartPanel& panel) {
  Bounds bounds;
  for (const ChartSeries& series : panel.series) {
    for (const ChartPoint& point : series.points) bounds.include(point.y);
  }
  if (bounds.is_empty()) return bounds;
  for (const ChartGuide& guide : panel.guides) {
    constexpr double near_share = 0.35;  // a limit far from what was measured would only flatten the curve
    const double near = near_share * std::max(bounds.range(), 1e-9);
    if (guide.y >= bounds.min - near && guide.y <= bounds.max + near) bounds.include(guide.y);
  }
  const double margin = bounds.range() > 0 ? 0.06 * bounds.range() : std::max(0.05 * std::abs(bounds.max), 1e-3);
  bounds.min = panel.y_min.value_or(bounds.min - margin);
  bounds.max = panel.y_max.value_or(bounds.max + margin);
  if (!(bounds.max > bounds.min)) bounds.max = bounds.min + 1;
  return bounds;
}

/// As many decimals as the step between ticks needs.
std::string tick_text(double value, double step) {
  if (std::abs(value) < 1e-9 * std::abs(step) || value == 0) return "0";
  const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 9);
  return fmt::format("{:.{}f}", value, decimals);
}

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart), x_(x_bounds(chart)) {}

  std::string text() {
    if (x_.is_empty()) return {};
    double height = top_px + bottom_px;
    for (const ChartPanel& panel : chart_.panels) height += panel.height + gap_px;
    height -= gap_px;
    out_ = fmt::format("<svg class=\"chart\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n", chart_.width,
                       height, html_escaped(chart_.description));
    double y = top_px;
    draw_bands(height - top_px - bottom_px);
    for (const ChartPanel& panel : chart_.panels) {
      draw_panel(panel, y);
      y += panel.height + gap_px;
    }
    draw_x_axis(y - gap_px);
    draw_marks(height - top_px - bottom_px);
    draw_legend();
    return out_ + "</svg>\n";
  }

 private:
  [[nodiscard]] double x_of(double x) const { return left_px + (chart_.width - left_px - right_px) * (x - x_.min) / x_.range(); }

  void draw_bands(double height) {
    for (const ChartBand& band : chart_.bands) {
      const double from = std::clamp(x_of(band.from), left_px, chart_.width - right_px);
      const double to = std::clamp(x_of(band.to), left_px, chart_.width - right_px);
      if (to - from < 0.3) continue;
      out_ +=
          fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"><title>{}</title></rect>\n",
                      from, top_px, to - from, height, band.colour, html_escaped(band.title));
    }
  }

  void draw_panel(const ChartPanel& panel, double top) {
    const Bounds y = y_bounds(panel);
    const double bottom = top + panel.height;
    out_ += fmt::format("<rect class=\"frame\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n", left_px, top,
                        chart_.width - left_px - right_px, panel.height);
    out_ += fmt::format("<text class=\"axis\" transform=\"translate(14 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
                        top + panel.height / 2, html_escaped(panel.y_label));
    if (y.is_empty()) {
      out_ += fmt::format("<text class=\"none\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">not measured</text>\n",
                          (left_px + chart_.width - right_px) / 2, top + panel.height / 2);
      return;
    }
    const auto y_of = [&y, top, bottom](double value) { return bottom - (bottom - top) * (value - y.min) / y.range(); };
    const std::vector<double> ticks = chart_ticks(y.min, y.max, std::max(2, static_cast<int>(panel.height / 27)));
    for (const double tick : ticks) {
      const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : std::abs(tick);
      out_ += fmt::format(
          "<line class=\"grid\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/><text class=\"tick\" x=\"{:.1f}\" "
          "y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
          left_px, y_of(tick), chart_.width - right_px, y_of(tick), left_px - 7, y_of(tick) + 4, tick_text(tick, step));
    }
    for (const ChartGuide& guide : panel.guides) {
      if (!(guide.y >= y.min && guide.y <= y.max)) continue;
      out_ += fmt::format(
          "<line class=\"guide\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/><text class=\"guide\" x=\"{:.1f}\" "
          "y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
          left_px, y_of(guide.y), chart_.width - right_px, y_of(guide.y), chart_.width - right_px - 4, y_of(guide.y) - 3,
          html_escaped(guide.label));
    }
    for (const ChartSeries& series : panel.series) draw_series(series, y_of);
  }

  template <class YOf>
  void draw_series(const ChartSeries& series, const YOf& y_of) {
    std::string path;
    bool is_drawing = false;
    for (const ChartPoint& point : series.points) {
      if (!std::isfinite(point.y)) {
        is_drawing = false;
        continue;
      }
      path += fmt::format("{}{:.1f} {:.1f}", is_drawing ? "L" : "M", x_of(point.x), y_of(point.y));
      is_drawing = true;
    }
    if (path.empty()) return;
    out_ += fmt::format("<path class=\"line\" stroke=\"{}\"{} d=\"{}\"/>\n", series.colour,
                        series.is_dashed ? " stroke-dasharray=\"5 4\"" : "", path);
    if (!series.has_marks) return;
    for (const ChartPoint& point : series.points) {
      if (std::isfinite(point.y))
        out_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.6\" fill=\"{}\"/>\n", x_of(point.x), y_of(point.y),
                            series.colour);
    }
  }

  void draw_x_axis(double y) {
    std::vector<double> ticks = chart_ticks(x_.min, x_.max, static_cast<int>(chart_.width / 90));
    if (chart_.x_is_whole) std::erase_if(ticks, [](double tick) { return std::abs(tick - std::round(tick)) > 1e-6; });
    for (const double tick : ticks) {
      const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : std::abs(tick);
      out_ += fmt::format(
          "<line class=\"tick\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/><text class=\"tick\" x=\"{:.1f}\" "
          "y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
          x_of(tick), y, x_of(tick), y + 5, x_of(tick), y + 18, tick_text(tick, step));
    }
    out_ += fmt::format("<text class=\"axis\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
                        (left_px + chart_.width - right_px) / 2, y + 36, html_escaped(chart_.x_label));
  }

  void draw_marks(double height) {
    for (const ChartMark& mark : chart_.marks) {
      if (!(mark.x >= x_.min && mark.x <= x_.max)) continue;
      out_ += fmt::format(
          "<g class=\"mark\"><title>{}</title><line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/><path "
          "d=\"M{:.1f} {:.1f}l-4 -7h8z\"/></g>\n",
          html_escaped(mark.label), x_of(mark.x), top_px, x_of(mark.x), top_px + height, x_of(mark.x), top_px);
    }
  }

  /// One line above the first panel: every label once.
  void draw_legend() {
    double x = left_px;
    std::vector<std::string> seen;
    for (const ChartPanel& panel : chart_.panels) {
      for (const ChartSeries& series : panel.series) {
        if (series.label.empty() || std::find(seen.begin(), seen.end(), series.label) != seen.end()) continue;
        seen.push_back(series.label);
        out_ += fmt::format(
            "<line x1=\"{:.1f}\" y1=\"14\" x2=\"{:.1f}\" y2=\"14\" stroke=\"{}\" stroke-width=\"2.5\"{}/><text class=\"legend\" "
            "x=\"{:.1f}\" y=\"18\">{}</text>\n",
            x, x + 20, series.colour, series.is_dashed ? " stroke-dasharray=\"5 4\"" : "", x + 26, html_escaped(series.label));
        constexpr double character_px = 6.6;
        x += 26 + character_px * static_cast<double>(series.label.size()) + 18;
      }
    }
  }

  const Chart& chart_;
  Bounds x_;
  std::string out_;
};

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      default: safe += c;
    }
  }
  return safe;
}

std::vector<double> chart_ticks(double min, double max, int count) {
  std::vector<double> ticks;
  if (!(max > min) || count < 1 || !std::isfinite(min) || !std::isfinite(max)) return ticks;
  const double raw = (max - min) / count, power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (raw <= factor * power) step = factor * power;
  }
  constexpr int ticks_max = 100;
  const double first = std::ceil(min / step - 1e-9) * step;
  for (int i = 0; i < ticks_max; ++i) {
    const double tick = first + i * step;
    if (tick > max + 1e-9 * step) break;
    ticks.push_back(tick);
  }
  return ticks;
}

std::string svg_of(const Chart& chart) { return Drawing(chart).text(); }

}  // namespace cellrig::db
