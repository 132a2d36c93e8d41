// The order in which Tab goes through a window: as one reads it. Rows of a page come and go (alarms, tiles, parameters), so that it is looked up
// at each key instead of being kept.
#pragma once

#include <QList>

class QWidget;

namespace cellrig::ui {

/// What Tab stops at in `window`: everything visible and enabled that takes the focus; from top to bottom, what stands beside each other from left
/// to right, a group as a whole.
[[nodiscard]] QList<QWidget*> tab_stops(const QWidget& window);
/// Of QWidget::focusNextPrevChild() of a window.
bool focus_next(QWidget& window, bool is_forward);

}  // namespace cellrig::ui
