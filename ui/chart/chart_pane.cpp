#include "ui/chart/chart_pane.hpp"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QResizeEvent>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "ui/chart/palette.hpp"
#include "ui/chart/pane_overlay.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
constexpr double left_margin = 74, right_margin = 18, top_margin = 30, bottom_margin = 12, bottom_margin_with_axis = 48;
constexpr int pixels_per_x_tick = 80, pixels_per_y_tick = 30;
constexpr int legend_font_size = 13, legend_rows_max = 6;
constexpr double legend_row_height = 18, legend_gap = 14, legend_line_width = 24;
constexpr double band_label_height = 22;
constexpr int pane_height_min = 90;
constexpr double zoom_per_step = 0.8, pan_share = 0.15;

// Never lets the axis see a tiny interval beside a wide range: it would lay out millions of ticks.
void set_range(QValueAxis& axis, Window range, double step) {
  axis.setTickInterval(std::max(axis.tickInterval(), step));
  axis.setRange(range.from, range.to);
  axis.setTickInterval(step);
  axis.setLabelFormat(QStringLiteral("%.%1f").arg(decimals_for(step)));
}
}  // namespace

ChartPane::ChartPane(Labels y, QWidget* parent) : QChartView(new QChart, parent), y_labels_(std::move(y)) {
  QChart& c = *chart();
  c.legend()->hide();
  c.setAnimationOptions(QChart::NoAnimation);
  c.setBackgroundRoundness(0);
  c.setMargins({});
  x_axis_ = new QValueAxis(this);
  y_axis_ = new QValueAxis(this);
  for (QValueAxis* axis : {x_axis_, y_axis_}) {
    axis->setTickType(QValueAxis::TicksDynamic);
    axis->setTickAnchor(0);
  }
  c.addAxis(x_axis_, Qt::AlignBottom);
  c.addAxis(y_axis_, Qt::AlignLeft);
  back_ = new PaneOverlay(*this, PaneOverlay::Layer::back, &c);
  lines_ = new PaneOverlay(*this, PaneOverlay::Layer::lines, &c);
  front_ = new PaneOverlay(*this, PaneOverlay::Layer::front, &c);
  setFrameShape(QFrame::NoFrame);
  setFocusPolicy(Qt::StrongFocus);
  setMouseTracking(true);
  setCursor(Qt::CrossCursor);
  setMinimumHeight(pane_height_min);
  setViewportUpdateMode(QGraphicsView::FullViewportUpdate);
  setAccessibleName(tr("Chart: %1 in %2").arg(y_labels_.quantity, y_labels_.unit));
  restyle();
}

void ChartPane::restyle() {
  const Palette& p = colours();
  setBackgroundBrush(p.surface);
  chart()->setBackgroundBrush(p.surface);
  chart()->setBackgroundPen(Qt::NoPen);
  chart()->setPlotAreaBackgroundVisible(false);
  QFont font = this->font();
  font.setPixelSize(12);
  for (QValueAxis* axis : {x_axis_, y_axis_}) {
    axis->setLabelsFont(font);
    axis->setLabelsColor(p.muted);
    axis->setGridLineColor(p.grid);
    axis->setLinePenColor(p.border);
  }
  viewport()->update();
}

int ChartPane::add_series(const SeriesLook& look) {
  series_.push_back({look, {}, {}});
  lay_out();
  return static_cast<int>(series_.size()) - 1;
}

void ChartPane::remove_all_series() {
  series_.clear();
  lay_out();
}

void ChartPane::set_points(int series, const std::vector<Point>& points) {
  series_.at(static_cast<std::size_t>(series)).points = points;
}

void ChartPane::show_points(double span_min) {
  std::optional<Window> range;
  for (const Series& s : series_) {
    for (const Point& p : s.points) {
      if (p.x < window_.from || p.x > window_.to) continue;
      range = range ? Window{std::min(range->from, p.y), std::max(range->to, p.y)} : Window{p.y, p.y};
    }
  }
  if (range) {
    Window y = padded(*range, span_min);
    if (has_band_labels_) y.to += y.span() * band_label_height / plot().height();  // names of steps stand above the line
    set_y_window(y);
  }
  lines_->update();
}

void ChartPane::set_y_window(Window y) {
  const int ticks = std::max(2, static_cast<int>(plot().height()) / pixels_per_y_tick);
  if (!(y == y_window_)) y_window_ = y;
  set_range(*y_axis_, y, nice_step_within(y, ticks));
}

void ChartPane::set_x_axis(Labels x, TimeUnit unit, bool is_shown) {
  const bool is_same = unit.seconds == x_unit_.seconds && is_shown == is_x_shown_;
  x_labels_ = std::move(x);
  x_unit_ = unit;
  is_x_shown_ = is_shown;
  x_axis_->setLabelsVisible(is_shown);
  setMinimumHeight(is_shown ? pane_height_min + static_cast<int>(bottom_margin_with_axis - bottom_margin) : pane_height_min);
  if (!is_same) lay_out();
}

void ChartPane::set_window(Window window) {
  window_ = window;
  const double scale = x_unit_.seconds;
  const Window shown{window.from / scale, window.to / scale};
  const int ticks = std::max(2, static_cast<int>(plot().width()) / pixels_per_x_tick);
  const double step = is_time_ ? nice_time_step(shown.span(), ticks, x_unit_) : nice_step_within(shown, ticks);
  set_range(*x_axis_, shown, std::max(step, x_step_min_));
  back_->update();
  lines_->update();
  front_->update();
}

int ChartPane::columns() const { return std::max(1, static_cast<int>(plot().width())); }

QRectF ChartPane::plot() const {
  const double bottom = is_x_shown_ ? bottom_margin_with_axis : bottom_margin;
  const double top = top_margin + (legend_rows_ - 1) * legend_row_height;
  return {left_margin, top, std::max(10.0, width() - left_margin - right_margin), std::max(10.0, height() - top - bottom)};
}

// Room for a number is kept beside each name, so that nothing moves when the cursor comes; but not where names would be left out for it.
void ChartPane::place_legend() {
  QFont font = this->font();
  font.setPixelSize(legend_font_size);
  font.setBold(true);
  const QFontMetricsF metrics(font);
  int rows = place_names(metrics, metrics.horizontalAdvance(QStringLiteral(" 00.000")));
  if (rows > legend_rows_max) rows = place_names(metrics, 0);
  legend_rows_ = std::min(rows, legend_rows_max);
}

int ChartPane::place_names(const QFontMetricsF& metrics, double number_width) {
  const double right = width() - right_margin;
  const QString caption = with_unit_caption(y_labels_.quantity, y_labels_.unit);
  const double start = left_margin + metrics.horizontalAdvance(caption) + legend_gap;
  double left = start;
  legend_.clear();
  int row = 0;
  for (std::size_t i = 0; i < series_.size(); ++i) {
    const QString& name = series_[i].look.name;
    if (name.isEmpty() && series_.size() > 1) continue;
    const double needed = legend_line_width + metrics.horizontalAdvance(name) + number_width + legend_gap;
    if (left + needed > right && left > start) {
      left = left_margin;
      ++row;
    }
    legend_.push_back({static_cast<int>(i), left, row});
    left += needed;
  }
  return row + 1;
}

void ChartPane::lay_out() {
  place_legend();
  chart()->resize(size());
  if (scene() != nullptr) scene()->setSceneRect(QRectF(QPointF(0, 0), QSizeF(size())));
  chart()->setPlotArea(plot());
  back_->set_size(size());
  lines_->set_size(size());
  front_->set_size(size());
  set_window(window_);
  set_y_window(y_window_);
}

void ChartPane::resizeEvent(QResizeEvent* event) {
  QChartView::resizeEvent(event);
  lay_out();
}

void ChartPane::set_bands(std::vector<Band> bands, bool has_labels) {
  bands_ = std::move(bands);
  has_band_labels_ = has_labels;
  back_->update();
  front_->update();
}

void ChartPane::set_gaps(std::vector<Gap> gaps) {
  gaps_ = std::move(gaps);
  front_->update();
}

void ChartPane::set_markers(std::vector<Marker> markers) {
  markers_ = std::move(markers);
  front_->update();
}

void ChartPane::set_cursor(std::optional<double> x) {
  cursor_ = x;
  front_->update();
}

void ChartPane::set_readout(int series, std::function<std::optional<double>(double)> value_at) {
  series_.at(static_cast<std::size_t>(series)).value_at = std::move(value_at);
}

std::optional<double> ChartPane::value_of(const Series& series, double x) const {
  if (series.value_at) return series.value_at(x);
  const auto nearer = [x](const Point& a, const Point& b) { return std::abs(a.x - x) < std::abs(b.x - x); };
  const auto found = std::min_element(series.points.begin(), series.points.end(), nearer);
  if (found == series.points.end()) return std::nullopt;
  return found->y;
}

double ChartPane::x_at(double pixel) const {
  const QRectF area = plot();
  return window_.from + (pixel - area.left()) / area.width() * window_.span();
}

double ChartPane::pixel_of(double x) const {
  const QRectF area = plot();
  if (!(window_.span() > 0)) return area.left();
  return area.left() + (x - window_.from) / window_.span() * area.width();
}

double ChartPane::pixel_of_y(double y) const {
  const QRectF area = plot();
  if (!(y_window_.span() > 0)) return area.bottom();
  return area.bottom() - (y - y_window_.from) / y_window_.span() * area.height();
}

void ChartPane::request_zoom(double factor, double centre) {
  const double span = window_.span() * factor;
  const double share = window_.span() > 0 ? (centre - window_.from) / window_.span() : 0.5;
  Q_EMIT window_requested({centre - share * span, centre + (1 - share) * span});
}

void ChartPane::wheelEvent(QWheelEvent* event) {
  const double turns = event->angleDelta().y() / 120.0;
  if (turns != 0) request_zoom(std::pow(zoom_per_step, turns), x_at(event->position().x()));
  event->accept();
}

void ChartPane::mousePressEvent(QMouseEvent* event) {
  setFocus(Qt::MouseFocusReason);
  if (event->button() != Qt::LeftButton) return;
  drag_from_ = event->pos();
  drag_window_ = window_;
}

void ChartPane::mouseMoveEvent(QMouseEvent* event) {
  if (drag_from_) {
    const double shift = (drag_from_->x() - event->pos().x()) / plot().width() * drag_window_.span();
    if (shift != 0) Q_EMIT window_requested({drag_window_.from + shift, drag_window_.to + shift});
    return;
  }
  Q_EMIT cursor_moved(plot().contains(event->pos()), x_at(event->pos().x()));
}

void ChartPane::mouseReleaseEvent(QMouseEvent*) { drag_from_.reset(); }

void ChartPane::mouseDoubleClickEvent(QMouseEvent*) { Q_EMIT fit_requested(); }

void ChartPane::focusInEvent(QFocusEvent* event) {
  QChartView::focusInEvent(event);
  front_->update();  // it says where the keys go
}

void ChartPane::focusOutEvent(QFocusEvent* event) {
  QChartView::focusOutEvent(event);
  front_->update();
}

void ChartPane::leaveEvent(QEvent*) { Q_EMIT cursor_moved(false, 0); }

void ChartPane::keyPressEvent(QKeyEvent* event) {
  const double middle = cursor_.value_or((window_.from + window_.to) / 2);
  const double shift = pan_share * window_.span();
  const bool moves_cursor = event->modifiers().testFlag(Qt::ShiftModifier);
  switch (event->key()) {
    case Qt::Key_Plus:
    case Qt::Key_Equal: request_zoom(zoom_per_step, middle); return;
    case Qt::Key_Minus: request_zoom(1 / zoom_per_step, middle); return;
    case Qt::Key_0:
    case Qt::Key_Home: Q_EMIT fit_requested(); return;
    case Qt::Key_Left:
    case Qt::Key_Right: {
      const double sign = event->key() == Qt::Key_Left ? -1 : 1;
      if (moves_cursor) {
        Q_EMIT cursor_moved(true, std::clamp(middle + sign * window_.span() / 100, window_.from, window_.to));
      } else {
        Q_EMIT window_requested({window_.from + sign * shift, window_.to + sign * shift});
      }
      return;
    }
    case Qt::Key_Escape: Q_EMIT cursor_moved(false, 0); return;
    default: QChartView::keyPressEvent(event);
  }
}

}  // namespace cellrig::ui
