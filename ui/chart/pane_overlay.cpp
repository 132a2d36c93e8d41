#include "ui/chart/pane_overlay.hpp"

#include <QCoreApplication>
#include <QFontMetricsF>
#include <QPainter>

#include "ui/chart/chart_pane.hpp"
#include "ui/chart/palette.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
constexpr double band_z = 0.5, front_z = 1000;  // Qt Charts paints its grid at 2 and its series from 4 on
constexpr int label_width_min = 28;
constexpr double marker_size = 9;

QString tr_at() { return QCoreApplication::translate("PaneOverlay", "Cursor at %1"); }
}  // namespace

PaneOverlay::PaneOverlay(const ChartPane& pane, Layer layer, QGraphicsItem* parent)
    : QGraphicsItem(parent), pane_(pane), layer_(layer) {
  setZValue(layer == Layer::back ? band_z : front_z);
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
  } else {
    paint_gaps(*painter);
    if (pane_.has_band_labels_) paint_band_labels(*painter);
    paint_markers(*painter);
    paint_cursor(*painter);
    paint_caption(*painter);
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
    const double pixel = plot.bottom() - (*value - y.from) / y.span() * plot.height();
    painter.setPen(QPen(colours().surface, 1));
    painter.setBrush(series.look.colour);
    painter.drawEllipse(QPointF(x, pixel), 4, 4);
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
