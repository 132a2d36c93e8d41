// Waiting for what a window does, and pictures of it.
#pragma once

#include <QSize>
#include <QString>
#include <QWidget>
#include <functional>

namespace cellrig::ui::test {

inline constexpr QSize small_screen{1280, 800}, large_screen{2560, 1440};

/// Lets the window live until `is_true`, at most `milliseconds`. False: it did not come about.
[[nodiscard]] bool wait_until(const std::function<bool()>& is_true, int milliseconds = 10'000);
/// Shows the window in this size and lets it paint.
void show_in(QWidget& window, QSize size);
/// Saves build/<preset>/screenshots/<name>-<width>x<height>.png of a shown window in both sizes.
void take_pictures(QWidget& window, const QString& name);
/// Texts of labels and buttons that do not fit their place, one per line; empty: nothing is clipped.
[[nodiscard]] QString clipped_texts(const QWidget& window);

}  // namespace cellrig::ui::test
