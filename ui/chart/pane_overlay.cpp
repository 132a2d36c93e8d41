#include "ui/chart/pane_overlay.hpp"

#include <QCoreApplication>
#include <QFontMetricsF>
#include <QPainter>
#include <algorithm>
#include <cmath>

#include "ui/chart/chart_pane.hpp"
#include "ui/chart/column_spans.hpp"
#include "ui/chart/palette.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
constexpr double band_z = 0.5, line_z = 4, front_z = 1000;  // Qt Charts paints its grid at 2
constexpr double point_size = 7;
constexpr double dash_width = 4, dash_gap = 2;  // of Qt::DashLine, in widths of the pen
constexpr double dashed_length_max = 8;         // in widths of the plot
constexpr int label_width_min = 28;
constexpr double marker_size = 9;

double length_of(const std::vector<Point>& pixels) {
  double length = 0;
  for (std::size_t i = 1; i < pixels.size(); ++i) {
    length += std::abs(pixels[i].x - pixels[i - 1].x) + std::abs(pixels[i].y - pixels[i - 1].y);
  }
  return length;
}

/// Cuts what a line covers of its columns, one after the other, into dashes along the line; a solid one stays whole.
class Dashes {
 public:
  explicit Dashes(const SeriesLook& look)
      : is_dashed_{look.is_dashed},
        dash_{static_cast<int>(dash_width * look.width)},
        period_{dash_ + static_cast<int>(dash_gap * look.width)} {}

  /// low..high of the next column; `paint(from, to)` for each part of it.
  template <class Paint>
  void add(int low, int high, Paint paint) {
    if (!is_dashed_) return paint(low, high);
    const bool goes_down = 2 * before_ <= low + high;  // away from where the line was
    for (int done = 0, length = std::max(1, high - low); done < length;) {
      const int phase = place_ % period_;
      const int part = std::min(length - done, (phase < dash_ ? dash_ : period_) - phase);
      const int from = goes_down ? low + done : high - done - part;
      if (phase < dash_) paint(std::max(from, low), std::min(from + part, high));
      done += part;
      place_ = (place_ + part) % period_;
    }
    before_ = (low + high) / 2;
  }

 private:
  bool is_dashed_;
  int dash_, period_, place_ = 0, before_ = 0;
};

QString tr_at() { return QCoreApplication::translate("PaneOverlay", "Cursor at %1"); }
}  // namespace

PaneOverlay::PaneOverlay(const ChartPane& pane, Layer layer, QGraphicsItem* parent)
    : QGraphicsItem(parent), pane_(pane), layer_(layer) {
  setZValue(layer == Layer::back ? band_z : layer == Layer::lines ? line_z : front_z);
  setAcceptedMouseButtons(Qt::NoButton);
}

void PaneOverlay::set_size(const QSizeF& size) {
  prepareGeometryChange();
  size_ = size;
}

void PaneOverlay::paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) {
  painter->save();
  if (layer_ == Layer::back) {
    paint_bands(*painter);
  } else if (layer_ == Layer::lines) {
    paint_lines(*painter);
  } else {
    paint_gaps(*painter);
    if (pane_.has_band_labels_) paint_band_labels(*painter);
    paint_markers(*painter);
    paint_cursor(*painter);
    paint_caption(*painter);
    if (pane_.hasFocus()) paint_focus(*painter);
  }
  painter->restore();
}

void PaneOverlay::paint_bands(QPainter& painter) const {
  const QRectF plot = pane_.plot();
  for (const Band& band : pane_.bands_) {
    const double left = std::max(pane_.pixel_of(band.window.from), plot.left());
    const double right = std::min(pane_.pixel_of(band.window.to), plot.right());
    if (right <= left) continue;
    painter.fillRect(QRectF(left, plot.top(), right - left, plot.height()), colours().band[band.shade % 2]);
  }
}

void PaneOverlay::paint_lines(QPainter& painter) const {
  const QRectF plot = pane_.plot();
  const Window x = pane_.window_, y = pane_.y_window_;
  if (!(x.span() > 0) || !(y.span() > 0)) return;
  const double x_scale = plot.width() / x.span(), y_scale = plot.height() / y.span();
  const auto to_pixel = [&](const Point& p) {
    return Point{plot.left() + (p.x - x.from) * x_scale, plot.bottom() - (p.y - y.from) * y_scale};
  };
  painter.setClipRect(plot);
  std::vector<Point> pixels;
  for (const ChartPane::Series& series : pane_.series_) {
    pixels.clear();
    for (const Point& p : series.points) pixels.push_back(to_pixel(p));
    // Many points: what the line covers of each column, which looks the same as its stroke and costs a tenth. So does a dashed line that is long
    // in pixels, as it is between two points far outside of the picture.
    const bool is_dense = static_cast<int>(pixels.size()) > pane_.columns() / 2;
    const bool is_long = series.look.is_dashed && length_of(pixels) > dashed_length_max * pane_.columns();
    is_dense || is_long ? paint_columns(painter, series.look, pixels) : paint_line(painter, series.look, pixels);
  }
}

void PaneOverlay::paint_line(QPainter& painter, const SeriesLook& look, const std::vector<Point>& pixels) const {
  QPolygonF line;
  line.reserve(static_cast<qsizetype>(pixels.size()));
  for (const Point& p : pixels) line.append({p.x, p.y});
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(look.colour, look.width, look.is_dashed ? Qt::DashLine : Qt::SolidLine));
  painter.drawPolyline(line);
  if (!look.has_points) return;
  painter.setRenderHint(QPainter::Antialiasing, true);
  painter.setPen(Qt::NoPen);
  painter.setBrush(look.colour);
  for (const QPointF& p : line) painter.drawEllipse(p, point_size / 2, point_size / 2);
  painter.setRenderHint(QPainter::Antialiasing, false);
}

void PaneOverlay::paint_columns(QPainter& painter, const SeriesLook& look, const std::vector<Point>& pixels) const {
  const QRectF plot = pane_.plot();
  std::vector<Point> within = pixels;
  for (Point& p : within) p.x -= plot.left();
  const int width = std::max(1, static_cast<int>(look.width)), left = static_cast<int>(plot.left()) - width / 2;
  std::vector<QRect> covered;
  Dashes dashes{look};
  for (const ColumnSpan& span : column_spans(within, static_cast<int>(std::ceil(plot.width())))) {
    const auto within_plot = [&](double y) { return std::clamp(y, plot.top() - width, plot.bottom() + width); };
    if (span.high < plot.top() - width || span.low > plot.bottom() + width) continue;
    const int low = static_cast<int>(std::lround(within_plot(span.low)));
    const int high = static_cast<int>(std::lround(within_plot(span.high)));
    if (low > high) continue;
    dashes.add(low, high,
               [&](int from, int to) { covered.emplace_back(left + span.column, from - width / 2, width, to - from + width); });
  }
  painter.setPen(Qt::NoPen);
  painter.setBrush(look.colour);
  painter.drawRects(covered.data(), static_cast<int>(covered.size()));
}

void PaneOverlay::paint_band_labels(QPainter& painter) const {
  const QRectF plot = pane_.plot();
  painter.setPen(colours().muted);
  QFont font = painter.font();
  font.setPixelSize(12);
  painter.setFont(font);
  const QFontMetricsF metrics(font);
  for (const Band& band : pane_.bands_) {
    const double left = std::max(pane_.pixel_of(band.window.from), plot.left());
    const double right = std::min(pane_.pixel_of(band.window.to), plot.right());
    const double room = right - left - 8;
    if (room < label_width_min) continue;
    painter.drawText(QPointF(left + 4, plot.top() + metrics.ascent() + 3), metrics.elidedText(band.label, Qt::ElideRight, room));
  }
}

void PaneOverlay::paint_gaps(QPainter& painter) const {
  const QRectF plot = pane_.plot();
  for (const Gap& gap : pane_.gaps_) {
    const double left = std::max(pane_.pixel_of(gap.window.from), plot.left());
    const double right = std::min(pane_.pixel_of(gap.window.to), plot.right());
    if (right - left < 1) continue;
    const QRectF area(left, plot.top(), right - left, plot.height());
    painter.fillRect(area, colours().surface);
    painter.fillRect(area, QBrush(colours().border, Qt::BDiagPattern));
    painter.setPen(colours().alarm);
    const QFontMetricsF metrics(painter.font());
    if (metrics.horizontalAdvance(gap.label) + 8 < area.width()) painter.drawText(area, Qt::AlignCenter, gap.label);
  }
}

void PaneOverlay::paint_markers(QPainter& painter) const {
  const QRectF plot = pane_.plot();
  painter.setRenderHint(QPainter::Antialiasing, true);
  for (auto at = pane_.markers_.rbegin(); at != pane_.markers_.rend(); ++at) {  // the first one lies on top
    const Marker& marker = *at;
    const double x = pane_.pixel_of(marker.x);
    if (x < plot.left() || x > plot.right()) continue;
    const QColor colour = marker.is_grave ? colours().alarm : colours().accent;
    if (marker.is_grave) {
      painter.setPen(QPen(colour, 1, Qt::DashLine));
      painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()));
    }
    painter.setPen(Qt::NoPen);
    painter.setBrush(colour);
    const QPointF tip(x, plot.bottom() - marker_size);
    painter.drawPolygon(QPolygonF{tip, QPointF(x - marker_size / 2, plot.bottom()), QPointF(x + marker_size / 2, plot.bottom())});
  }
  painter.setRenderHint(QPainter::Antialiasing, false);
}

void PaneOverlay::paint_cursor(QPainter& painter) const {
  if (!pane_.cursor_) return;
  const QRectF plot = pane_.plot();
  const double x = std::round(pane_.pixel_of(*pane_.cursor_));
  if (x < plot.left() || x > plot.right()) return;
  painter.setPen(QPen(colours().text, 1, Qt::DotLine));
  painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()));
  for (const ChartPane::Series& series : pane_.series_) {
    const std::optional<double> value = pane_.value_of(series, *pane_.cursor_);
    const Window y = pane_.y_window_;
    if (!value || *value < y.from || *value > y.to) continue;
    painter.setPen(QPen(colours().surface, 1));
    painter.setBrush(series.look.colour);
    painter.drawEllipse(QPointF(x, pane_.pixel_of_y(*value)), 4, 4);
  }
  // An event under the cursor says what it was.
  for (const Marker& marker : pane_.markers_) {
    if (std::abs(pane_.pixel_of(marker.x) - x) > marker_size) continue;
    const QFontMetricsF metrics(painter.font());
    const QString text = metrics.elidedText(marker.text, Qt::ElideRight, plot.width() - 24);
    const double width = metrics.horizontalAdvance(text) + 16;
    const double left = std::clamp(x - width / 2, plot.left(), plot.right() - width);
    const QRectF box(left, plot.bottom() - marker_size - 8 - metrics.height() - 8, width, metrics.height() + 8);
    painter.setPen(colours().border);
    painter.setBrush(colours().surface);
    painter.drawRoundedRect(box, 4, 4);
    painter.setPen(colours().text);
    painter.drawText(box, Qt::AlignCenter, text);
    break;
  }
}

void PaneOverlay::paint_focus(QPainter& painter) const {
  painter.setPen(QPen(colours().accent, 2));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(pane_.plot().adjusted(-1, -1, 1, 1));
}

// "Voltage, V   measured 3.742   expected 3.751": values where the cursor stands.
void PaneOverlay::paint_caption(QPainter& painter) const {
  constexpr double row_height = 18, line_length = 18, line_to_name = 24;
  const QRectF plot = pane_.plot();
  QFont font = pane_.font();
  font.setPixelSize(13);
  font.setBold(true);
  painter.setFont(font);
  const double first = plot.top() - 8 - (pane_.legend_rows_ - 1) * row_height;
  painter.setPen(colours().text);
  const QString caption = with_unit_caption(pane_.y_labels_.quantity, pane_.y_labels_.unit);
  painter.drawText(QPointF(plot.left(), first), caption);
  const int decimals = decimals_for(nice_step(pane_.y_window_.span(), 500));
  for (const ChartPane::LegendPlace& place : pane_.legend_) {
    if (place.row >= pane_.legend_rows_) break;
    const ChartPane::Series& series = pane_.series_[static_cast<std::size_t>(place.series)];
    const std::optional<double> value = pane_.cursor_ ? pane_.value_of(series, *pane_.cursor_) : std::nullopt;
    if (series.look.name.isEmpty() && !value) continue;
    const double base = first + place.row * row_height;
    painter.setPen(QPen(series.look.colour, 3, series.look.is_dashed ? Qt::DotLine : Qt::SolidLine));
    painter.drawLine(QPointF(place.left, base - 4), QPointF(place.left + line_length, base - 4));
    painter.setPen(colours().text);
    const QString number = value ? QStringLiteral(" ") + number_text(*value, decimals) : QString();
    painter.drawText(QPointF(place.left + line_to_name, base), series.look.name + number);
  }
  if (pane_.is_x_shown_) paint_x_caption(painter, font);
}

void PaneOverlay::paint_x_caption(QPainter& painter, QFont font) const {
  const QRectF plot = pane_.plot();
  const QRectF row(plot.left(), plot.bottom() + 24, plot.width(), 20);
  if (pane_.cursor_) {
    const int decimals = decimals_for(nice_step(pane_.window_.span(), 500));
    const QString at = pane_.is_time_ ? duration_text(*pane_.cursor_)
                                      : number_text(*pane_.cursor_, decimals) + QLatin1Char(' ') + pane_.x_labels_.unit;
    painter.setPen(colours().text);
    painter.drawText(row, Qt::AlignLeft | Qt::AlignVCenter, tr_at().arg(at.trimmed()));
  }
  font.setBold(false);
  painter.setFont(font);
  painter.setPen(colours().muted);
  painter.drawText(row, Qt::AlignRight | Qt::AlignVCenter, with_unit_caption(pane_.x_labels_.quantity, pane_.x_labels_.unit));
}

}  // namespace cellrig::ui
