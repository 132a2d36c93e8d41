#include "ui/live/channel_tile.hpp"

#include <QKeyEvent>
#include <QPainter>
#include <algorithm>

#include "ui/chart/axis.hpp"
#include "ui/chart/palette.hpp"
#include "ui/chart/trace.hpp"
#include "ui/model/activity_text.hpp"
#include "ui/model/bench_filter.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {

constexpr int inset = 12, head_height = 34, step_height = 44, value_height = 58, foot_height = 44;
constexpr int name_size = 17, word_size = 15, small_size = 13, value_size = 24, unit_size = 12;
constexpr double stale_opacity = 0.45;

QFont sized(const QFont& from, int pixels, bool is_bold) {
  QFont font = from;
  font.setPixelSize(pixels);
  font.setBold(is_bold);
  return font;
}

QString elided(const QPainter& painter, const QString& text, int width) {
  return QFontMetrics(painter.font()).elidedText(text, Qt::ElideRight, width);
}

QString second_line(const api::ChannelView& view) {
  if (view.trip) return to_text(view.trip->text);
  if (!view.asks_person.empty()) return to_text(view.asks_person);
  if (!view.waits_for.empty()) return ChannelTile::tr("waits for %1").arg(to_text(view.waits_for));
  QStringList parts;
  if (!view.step_name.empty()) parts += to_text(view.step_name);
  if (const QString cycle = cycle_text(view); !cycle.isEmpty()) parts += cycle;
  if (parts.isEmpty()) return to_text(view.state_text);
  return parts.join(QStringLiteral(" · "));
}

}  // namespace

ChannelTile::ChannelTile(QWidget* parent) : QAbstractButton(parent) {
  setMinimumSize(width_min, height_fixed);
  setFixedHeight(height_fixed);
  setFocusPolicy(Qt::StrongFocus);
  setCursor(Qt::PointingHandCursor);
}

void ChannelTile::show_channel(const api::ChannelView& channel, const Trace* spark) {
  view_ = channel;
  spark_ = spark;
  describe();
  update();
}

void ChannelTile::set_scale(double scale) {
  if (scale == scale_) return;
  scale_ = scale;
  setMinimumSize(sizeHint());
  setFixedHeight(sizeHint().height());
  updateGeometry();
  update();
}

void ChannelTile::set_stale(bool is_stale) {
  if (is_stale == is_stale_) return;
  is_stale_ = is_stale;
  update();
}

// What a screen reader says. The numbers are left out of the name: they would be read out ten times a second.
void ChannelTile::describe() {
  const QString name = tr("Channel %1: %2").arg(to_text(view_.channel), activity_text(view_.state));
  if (name != accessibleName()) setAccessibleName(name);
  const QString detail = QStringList{cell_text(view_), to_text(view_.profile), second_line(view_)}.join(QStringLiteral(", "));
  if (detail != accessibleDescription()) {
    setAccessibleDescription(detail);
    setToolTip(detail);
  }
}

void ChannelTile::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) {
    click();
    return;
  }
  QAbstractButton::keyPressEvent(event);
}

void ChannelTile::paintEvent(QPaintEvent*) {
  const Palette& p = colours();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing, true);
  const QColor state = activity_colour(view_.state);
  const bool is_grave = needs_attention(view_);
  const QRectF card = QRectF(rect()).adjusted(1.5, 1.5, -1.5, -1.5);
  painter.setPen(hasFocus() ? QPen(p.text, 3) : is_grave ? QPen(state, 2) : QPen(underMouse() ? p.accent : p.border, 1));
  painter.setBrush(p.surface);
  painter.drawRoundedRect(card, 8, 8);
  if (is_stale_) painter.setOpacity(stale_opacity);
  painter.scale(scale_, scale_);  // everything below is laid out at the smallest size
  const QRect area = QRectF(0, 0, width() / scale_, height() / scale_).toRect().adjusted(inset, 8, -inset, -8);
  paint_head(painter, QRect(area.left(), area.top(), area.width(), head_height));
  paint_step(painter, QRect(area.left(), area.top() + head_height, area.width(), step_height));
  paint_values(painter, QRect(area.left(), area.top() + head_height + step_height, area.width(), value_height));
  paint_foot(painter, QRect(area.left(), area.bottom() - foot_height + 1, area.width(), foot_height));
}

void ChannelTile::paint_head(QPainter& painter, const QRect& area) const {
  const QColor state = activity_colour(view_.state);
  const QString word = activity_text(view_.state);
  painter.setFont(sized(font(), word_size, true));
  const int word_width = QFontMetrics(painter.font()).horizontalAdvance(word) + 24;
  const QRect badge(area.right() - word_width + 1, area.top() + 2, word_width, head_height - 8);
  painter.setPen(Qt::NoPen);
  painter.setBrush(state);
  painter.drawRoundedRect(badge, 13, 13);
  painter.setPen(text_on(state));
  painter.drawText(badge, Qt::AlignCenter, word);
  painter.setFont(sized(font(), name_size, true));
  painter.setPen(colours().text);
  const QRect name = area.adjusted(0, 0, -word_width - 8, -4);
  painter.drawText(name, Qt::AlignLeft | Qt::AlignVCenter, elided(painter, to_text(view_.channel), name.width()));
}

void ChannelTile::paint_step(QPainter& painter, const QRect& area) const {
  painter.setFont(sized(font(), small_size, false));
  painter.setPen(colours().muted);
  const QStringList what{cell_text(view_), to_text(view_.profile)};
  QStringList known;
  for (const QString& text : what) {
    if (!text.isEmpty()) known += text;
  }
  const QString first = known.isEmpty() ? tr("no cell") : known.join(QStringLiteral(" · "));
  const QRect line(area.left(), area.top(), area.width(), area.height() / 2);
  painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter, elided(painter, first, line.width()));
  painter.setFont(sized(font(), small_size, needs_attention(view_)));
  painter.setPen(needs_attention(view_) ? colours().alarm : colours().text);
  const QRect below = line.translated(0, line.height());
  painter.drawText(below, Qt::AlignLeft | Qt::AlignVCenter, elided(painter, second_line(view_), below.width()));
}

void ChannelTile::paint_values(QPainter& painter, const QRect& area) const {
  struct Value {
    QString number, unit;
  };
  const Value values[] = {{number_text(view_.voltage_V, 3), QStringLiteral("V")},
                          {number_text(view_.current_A, 2), QStringLiteral("A")},
                          {number_text(view_.cell_temperature_degC, 1), QStringLiteral("°C")}};
  const int width = area.width() / 3;
  int left = area.left();
  for (const Value& value : values) {
    const QRect cell(left, area.top(), width, area.height());
    QFont font = sized(this->font(), value_size, true);
    while (font.pixelSize() > small_size && QFontMetrics(font).horizontalAdvance(value.number) > width - 6) {
      font.setPixelSize(font.pixelSize() - 1);
    }
    painter.setFont(font);
    painter.setPen(colours().text);
    painter.drawText(cell.adjusted(0, 4, 0, -20), Qt::AlignLeft | Qt::AlignVCenter, value.number);
    painter.setFont(sized(this->font(), unit_size, false));
    painter.setPen(colours().muted);
    painter.drawText(cell.adjusted(0, area.height() - 22, 0, 0), Qt::AlignLeft | Qt::AlignVCenter, value.unit);
    left += width;
  }
}

void ChannelTile::paint_foot(QPainter& painter, const QRect& area) const {
  const int text_width = area.width() / 2;
  paint_spark(painter, QRect(area.left() + text_width + 4, area.top() + 2, area.width() - text_width - 4, area.height() - 4));
  painter.setFont(sized(font(), small_size, false));
  painter.setPen(colours().text);
  QStringList charge;
  if (view_.charge_Ah) charge += tr("in %1").arg(number_text(view_.charge_Ah, 2));
  if (view_.discharge_Ah) charge += tr("out %1").arg(number_text(view_.discharge_Ah, 2));
  const QString ah = charge.isEmpty() ? QString() : charge.join(QStringLiteral(", ")) + QStringLiteral(" Ah");
  const QRect line(area.left(), area.top(), text_width, area.height() / 2);
  painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter, elided(painter, ah, line.width()));
  if (!view_.time_left_s || !is_busy(view_.state)) return;
  painter.setPen(colours().muted);
  painter.drawText(line.translated(0, line.height()), Qt::AlignLeft | Qt::AlignVCenter,
                   elided(painter, tr("%1 left").arg(duration_text(view_.time_left_s)), line.width()));
}

void ChannelTile::paint_spark(QPainter& painter, const QRect& area) const {
  if (spark_ == nullptr || !spark_->extent() || spark_->extent()->span() <= 0) return;
  const Window window = *spark_->extent();
  const std::vector<Point> points = spark_->points(window, area.width());
  constexpr double span_min_V = 0.02;
  Window y{points.front().y, points.front().y};
  for (const Point& point : points) y = {std::min(y.from, point.y), std::max(y.to, point.y)};
  y = padded(y, span_min_V);
  QPolygonF line;
  line.reserve(static_cast<qsizetype>(points.size()));
  for (const Point& point : points) {
    line.append({area.left() + (point.x - window.from) / window.span() * area.width(),
                 area.bottom() - (point.y - y.from) / y.span() * area.height()});
  }
  painter.setRenderHint(QPainter::Antialiasing, false);
  painter.setPen(QPen(colours().series_colour(0), 1));
  painter.drawPolyline(line);
  painter.setRenderHint(QPainter::Antialiasing, true);
}

}  // namespace cellrig::ui
