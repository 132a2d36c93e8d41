#include "ui/model/tab_order.hpp"

#include <QScrollArea>
#include <QWidget>
#include <algorithm>
#include <vector>

namespace cellrig::ui {

namespace {

std::vector<QWidget*> visible_children(const QWidget& parent) {
  std::vector<QWidget*> children;
  for (QObject* child : parent.children()) {
    auto* widget = qobject_cast<QWidget*>(child);
    if (widget != nullptr && widget->isVisible() && !widget->isWindow()) children.push_back(widget);
  }
  return children;
}

// Row by row: a row is what stands beside its topmost widget.
std::vector<QWidget*> as_read(std::vector<QWidget*> widgets) {
  std::stable_sort(widgets.begin(), widgets.end(), [](const QWidget* a, const QWidget* b) { return a->y() < b->y(); });
  for (auto row = widgets.begin(); row != widgets.end();) {
    const int bottom = (*row)->geometry().bottom();
    const auto end = std::find_if(row, widgets.end(), [bottom](const QWidget* w) { return w->y() > bottom; });
    std::stable_sort(row, end, [](const QWidget* a, const QWidget* b) { return a->x() < b->x(); });
    row = end;
  }
  return widgets;
}

bool is_stop(const QWidget& widget) {
  return widget.isEnabled() && (widget.focusPolicy() & Qt::TabFocus) != 0 && widget.focusProxy() == nullptr;
}

void add_stops(const QWidget& parent, QList<QWidget*>& stops) {
  for (QWidget* widget : as_read(visible_children(parent))) {
    if (is_stop(*widget)) {
      stops += widget;
    } else {
      add_stops(*widget, stops);
    }
  }
}

// An area that scrolls shows what has the focus when Tab moves within it, but not when Tab comes from outside.
void show_in_scroll_areas(QWidget& stop) {
  for (QWidget* parent = stop.parentWidget(); parent != nullptr; parent = parent->parentWidget()) {
    auto* area = qobject_cast<QScrollArea*>(parent);
    if (area == nullptr) continue;
    // All of it: ensureWidgetVisible() of a field is content with its cursor.
    constexpr int spare = 8;
    const QPoint middle = stop.mapTo(area->widget(), stop.rect().center());
    area->ensureVisible(middle.x(), middle.y(), 0, stop.height() / 2 + spare);
  }
}

}  // namespace

QList<QWidget*> tab_stops(const QWidget& window) {
  QList<QWidget*> stops;
  add_stops(window, stops);
  return stops;
}

bool focus_next(QWidget& window, bool is_forward) {
  const QList<QWidget*> stops = tab_stops(window);
  if (stops.isEmpty()) return false;
  const QWidget* focused = window.focusWidget();
  qsizetype at = -1;
  for (qsizetype i = 0; i < stops.size(); ++i) {
    if (focused != nullptr && (stops[i] == focused || stops[i]->isAncestorOf(focused))) at = i;
  }
  const qsizetype next = is_forward ? (at + 1) % stops.size() : at <= 0 ? stops.size() - 1 : at - 1;
  stops[next]->setFocus(is_forward ? Qt::TabFocusReason : Qt::BacktabFocusReason);
  show_in_scroll_areas(*stops[next]);
  return true;
}

}  // namespace cellrig::ui
