#include "ui/chart/palette.hpp"

#include <QApplication>
#include <QPainter>
#include <QProxyStyle>
#include <QStyleFactory>
#include <QStyleOption>
#include <QTableView>
#include <cmath>
#include <utility>

namespace cellrig::ui {

namespace {

// Okabe and Ito, "Color Universal Design" (2002).
const QColor orange{0xE6, 0x9F, 0x00}, sky_blue{0x56, 0xB4, 0xE9}, bluish_green{0x00, 0x9E, 0x73}, yellow{0xF0, 0xE4, 0x42},
    blue{0x00, 0x72, 0xB2}, vermillion{0xD5, 0x5E, 0x00}, reddish_purple{0xCC, 0x79, 0xA7};

// Opaque: a translucent rectangle costs a hundred times as much to paint, threads of a pool and all.
QColor mixed(const QColor& colour, int alpha, const QColor& ground) {
  const auto part = [alpha](int over, int under) { return (over * alpha + under * (255 - alpha) + 127) / 255; };
  return {part(colour.red(), ground.red()), part(colour.green(), ground.green()), part(colour.blue(), ground.blue())};
}

Palette light_palette() {
  Palette p;
  p.window = QColor(0xEE, 0xF1, 0xF4);
  p.surface = QColor(0xFF, 0xFF, 0xFF);
  p.border = QColor(0xCB, 0xD2, 0xD9);
  p.grid = QColor(0xE3, 0xE7, 0xEB);
  p.text = QColor(0x16, 0x1C, 0x22);
  p.muted = QColor(0x55, 0x60, 0x6B);
  p.accent = blue;
  p.good = QColor(0x00, 0x7F, 0x5C);  // bluish green, darker: white words stand on it
  p.warning = orange;
  p.alarm = QColor(0xC2, 0x4E, 0x00);
  p.neutral = QColor(0x6B, 0x77, 0x83);
  p.series = {blue, vermillion, bluish_green, reddish_purple, orange, sky_blue, QColor(0x33, 0x33, 0x33)};
  p.band = {mixed(blue, 16, p.surface), mixed(orange, 26, p.surface)};
  return p;
}

Palette dark_palette() {
  Palette p;
  p.is_dark = true;
  p.window = QColor(0x14, 0x18, 0x1C);
  p.surface = QColor(0x1E, 0x24, 0x2A);
  p.border = QColor(0x3A, 0x44, 0x4E);
  p.grid = QColor(0x2C, 0x34, 0x3C);
  p.text = QColor(0xED, 0xF1, 0xF5);
  p.muted = QColor(0xA3, 0xAE, 0xB9);
  p.accent = sky_blue;
  p.good = QColor(0x1F, 0xB0, 0x85);
  p.warning = orange;
  p.alarm = QColor(0xF0, 0x7A, 0x26);
  p.neutral = QColor(0x8A, 0x96, 0xA2);
  p.series = {sky_blue, orange, QColor(0x2F, 0xC2, 0x97), reddish_purple, yellow, vermillion, QColor(0xDD, 0xDD, 0xDD)};
  p.band = {mixed(sky_blue, 20, p.surface), mixed(orange, 26, p.surface)};
  return p;
}

/// * Fusion's outline of a check box is darker than the window: on a dark one nobody sees it.
/// * A number at the right of its column needs room before the word at the left of the next one.
class RoomyFusion : public QProxyStyle {
 public:
  using QProxyStyle::QProxyStyle;
  int pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const override {
    const bool is_of_cell = metric == PM_FocusFrameHMargin && qobject_cast<const QTableView*>(widget) != nullptr;
    return is_of_cell ? cell_margin : QProxyStyle::pixelMetric(metric, option, widget);
  }
  void drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                     const QWidget* widget) const override {
    if (element != PE_IndicatorCheckBox) return QProxyStyle::drawPrimitive(element, option, painter, widget);
    const Palette& p = colours();
    const bool is_usable = option->state.testFlag(State_Enabled), is_on = option->state.testFlag(State_On);
    const QColor outline = !is_usable ? p.border : option->state.testFlag(State_HasFocus) ? p.accent : p.muted;
    constexpr qreal pen_width = 2, corner = 3;
    const QRectF box = QRectF(option->rect).adjusted(1, 1, -1, -1);
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(QPen(outline, pen_width));
    painter->setBrush(is_on ? (is_usable ? p.accent : p.border) : p.surface);
    painter->drawRoundedRect(box, corner, corner);
    if (is_on) {
      const auto at = [&box](qreal x, qreal y) { return QPointF(box.left() + x * box.width(), box.top() + y * box.height()); };
      painter->setPen(QPen(text_on(p.accent), pen_width + 1));
      painter->drawPolyline(QPolygonF({at(0.22, 0.52), at(0.43, 0.74), at(0.8, 0.28)}));
    }
    painter->restore();
  }

 private:
  static constexpr int cell_margin = 9;
};

Palette& current() {
  static Palette held = light_palette();
  return held;
}

Theme& chosen_theme() {
  static Theme chosen = Theme::desktop;
  return chosen;
}

/// What the desktop asks for now: without our own palette in its place.
bool is_desktop_dark() {
  QApplication::setPalette(QPalette());
  return QApplication::palette().color(QPalette::Window).lightnessF() < 0.5;
}

std::function<bool()>& desktop_reader() {
  static std::function<bool()> reader = is_desktop_dark;
  return reader;
}

QPalette widget_palette(const Palette& p) {
  QPalette q;
  q.setColor(QPalette::Window, p.window);
  q.setColor(QPalette::WindowText, p.text);
  q.setColor(QPalette::Base, p.surface);
  q.setColor(QPalette::AlternateBase, p.is_dark ? QColor(0x23, 0x2A, 0x31) : QColor(0xF6, 0xF8, 0xFA));
  q.setColor(QPalette::Text, p.text);
  q.setColor(QPalette::Button, p.surface);
  q.setColor(QPalette::ButtonText, p.text);
  q.setColor(QPalette::BrightText, p.alarm);
  q.setColor(QPalette::Highlight, p.accent);
  q.setColor(QPalette::HighlightedText, text_on(p.accent));
  q.setColor(QPalette::ToolTipBase, p.surface);
  q.setColor(QPalette::ToolTipText, p.text);
  q.setColor(QPalette::PlaceholderText, p.muted);
  q.setColor(QPalette::Link, p.accent);
  q.setColor(QPalette::Mid, p.border);
  for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
    q.setColor(QPalette::Disabled, role, p.muted);
  }
  return q;
}

// Fingers in gloves: nothing that is pressed is lower than 44 pixels.
QString style_sheet(const Palette& p) {
  QString text = QStringLiteral(R"(
QPushButton, QToolButton { min-height: 44px; padding: 0 18px; border: 1px solid %border; border-radius: 6px; background: %surface; color: %text; }
QPushButton:hover, QToolButton:hover { border-color: %accent; }
QPushButton:focus, QToolButton:focus { border: 2px solid %accent; padding: 0 17px; }
QPushButton:pressed, QToolButton:pressed { background: %grid; }
QPushButton:disabled, QToolButton:disabled { color: %muted; background: %window; }
QPushButton:checked, QToolButton:checked { background: %accent; color: %on_accent; border-color: %accent; }
QPushButton[role="primary"] { background: %accent; color: %on_accent; border-color: %accent; font-weight: 600; }
QPushButton[role="primary"]:disabled { background: %grid; color: %muted; border-color: %border; }
QPushButton[role="emergency"] { background: #C00000; color: white; border: 2px solid #8E0000; font-weight: 700; padding: 0 24px; }
QPushButton[role="emergency"]:focus { border: 3px solid %text; padding: 0 23px; }
QPushButton[role="danger"] { color: %alarm; border-color: %alarm; font-weight: 600; }
QPushButton[role="danger"]:disabled { color: %muted; border-color: %border; }
QPushButton[role="tab"] { border: none; border-radius: 0; border-bottom: 3px solid transparent; background: transparent; font-weight: 600; }
QPushButton[role="tab"]:focus { border-bottom: 3px solid %border; }
QPushButton[role="tab"]:checked { color: %accent; border-bottom: 3px solid %accent; }
QPushButton::menu-indicator { subcontrol-origin: padding; subcontrol-position: right center; right: 6px; }
QLineEdit { min-height: 40px; padding: 0 10px; border: 1px solid %border; border-radius: 6px; background: %surface; color: %text; }
QLineEdit:focus { border: 2px solid %accent; padding: 0 9px; }
QComboBox, QDateEdit, QSpinBox { min-height: 40px; padding-left: 6px; }
QComboBox QAbstractItemView { background: %surface; color: %text; selection-background-color: %accent; selection-color: %on_accent; }
QComboBox QAbstractItemView::item { min-height: 44px; }
QCheckBox { spacing: 10px; min-height: 40px; }
QCheckBox::indicator { width: 22px; height: 22px; }
QTableView { border: 1px solid %border; border-radius: 6px; gridline-color: %grid; background: %surface; alternate-background-color: %alternate; }
QTableView::item { padding: 0 8px; }
QHeaderView { background: %window; border: none; border-bottom: 1px solid %border; }
QHeaderView::section { background: %window; color: %muted; border: none; padding: 8px 10px; font-weight: 600; }
QTabWidget::pane { border: 1px solid %border; border-radius: 6px; background: %surface; }
QTabBar::tab { min-height: 44px; padding: 0 18px; color: %muted; border: none; border-bottom: 3px solid transparent; }
QTabBar::tab:selected { color: %accent; border-bottom: 3px solid %accent; }
QTabBar::tab:focus { color: %text; }
QFrame[role="card"] { background: %surface; border: 1px solid %border; border-radius: 8px; }
QLabel[role="caption"] { color: %muted; }
QLabel[role="title"] { font-size: 20px; font-weight: 600; }
QLabel[role="error"] { color: %alarm; font-weight: 600; }
QScrollArea { border: none; background: transparent; }
QScrollBar:vertical { width: 16px; background: transparent; }
QScrollBar::handle:vertical { background: %border; border-radius: 6px; min-height: 44px; margin: 2px; }
QScrollBar:horizontal { height: 16px; background: transparent; }
QScrollBar::handle:horizontal { background: %border; border-radius: 6px; min-width: 44px; margin: 2px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QSplitter::handle { background: transparent; }
)");
  const std::pair<const char*, QColor> colours[] = {
      {"%border", p.border},
      {"%surface", p.surface},
      {"%on_accent", text_on(p.accent)},
      {"%accent", p.accent},
      {"%grid", p.grid},
      {"%muted", p.muted},
      {"%window", p.window},
      {"%text", p.text},
      {"%alarm", p.alarm},
      {"%alternate", p.is_dark ? QColor(0x23, 0x2A, 0x31) : QColor(0xF6, 0xF8, 0xFA)}};
  for (const auto& [word, colour] : colours) text.replace(QLatin1String(word), colour.name());
  return text;
}

}  // namespace

const Palette& colours() { return current(); }

void read_desktop_with(std::function<bool()> is_dark) { desktop_reader() = std::move(is_dark); }

void follow_desktop() {
  if (chosen_theme() == Theme::desktop) apply_theme(Theme::desktop);
}

void apply_theme(Theme theme) {
  chosen_theme() = theme;
  const bool is_dark = theme == Theme::dark || (theme == Theme::desktop && desktop_reader()());
  current() = is_dark ? dark_palette() : light_palette();
  QApplication::setStyle(new RoomyFusion(QStyleFactory::create(QStringLiteral("Fusion"))));
  QApplication::setPalette(widget_palette(current()));
  qApp->setStyleSheet(style_sheet(current()));
}

Theme theme_named(const QString& name) {
  if (name == QLatin1String("light")) return Theme::light;
  if (name == QLatin1String("dark")) return Theme::dark;
  return Theme::desktop;
}

QString name_of(Theme theme) {
  switch (theme) {
    case Theme::desktop: return QStringLiteral("desktop");
    case Theme::light: return QStringLiteral("light");
    case Theme::dark: return QStringLiteral("dark");
  }
  return {};
}

QColor text_on(const QColor& ground) {
  const auto linear = [](double c) { return c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4); };
  const double luminance = 0.2126 * linear(ground.redF()) + 0.7152 * linear(ground.greenF()) + 0.0722 * linear(ground.blueF());
  // The contrasts with black and white (WCAG) are equal at 0.179.
  return luminance > 0.179 ? QColor(Qt::black) : QColor(Qt::white);
}

}  // namespace cellrig::ui
