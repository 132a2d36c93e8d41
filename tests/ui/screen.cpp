#include "tests/ui/screen.hpp"

#include <QAbstractButton>
#include <QApplication>
#include <QDeadlineTimer>
#include <QDir>
#include <QFontMetrics>
#include <QLabel>
#include <QTest>
#include <QTextDocument>

#include "ui/model/elided_label.hpp"

#ifndef CELLRIG_BINARY_DIR
#error "the build says where pictures go"
#endif

#include <gtest/gtest.h>

namespace cellrig::ui::test {

namespace {
constexpr int look_every_ms = 10;

QString words_of(const QLabel& label) {
  if (label.textFormat() == Qt::PlainText || !Qt::mightBeRichText(label.text())) {
    return label.text().remove(QLatin1Char('&'));
  }
  QTextDocument document;
  document.setHtml(label.text());
  return document.toPlainText();
}

bool fits(const QLabel& label) {
  const QRect room = label.contentsRect();
  if (label.wordWrap()) return label.heightForWidth(label.width()) <= label.height() + 2;
  const QFontMetrics metrics(label.font());
  for (const QString& line : words_of(label).split(QLatin1Char('\n'))) {
    if (metrics.horizontalAdvance(line) > room.width() + 1) return false;
  }
  return label.sizeHint().height() <= label.height() + 1;
}
}  // namespace

bool wait_until(const std::function<bool()>& is_true, int milliseconds) {
  const QDeadlineTimer deadline(milliseconds);
  while (!is_true()) {
    if (deadline.hasExpired()) return false;
    QTest::qWait(look_every_ms);
  }
  return true;
}

void show_in(QWidget& window, QSize size) {
  window.resize(size);
  window.show();
  if (!QTest::qWaitForWindowExposed(&window)) qWarning("the window was not exposed");
  QApplication::setActiveWindow(&window);  // there may be no window manager: shortcuts belong to the active window
  window.resize(size);
  QTest::qWait(150);  // layouts settle and charts draw
}

void take_pictures(QWidget& window, const QString& name) {
  const QDir folder(QStringLiteral(CELLRIG_BINARY_DIR "/screenshots"));
  folder.mkpath(QStringLiteral("."));
  for (const QSize size : {large_screen, small_screen}) {
    show_in(window, size);
    if (window.width() > size.width() || window.height() > size.height())
      ADD_FAILURE() << name.toStdString() << " outgrows a screen of " << size.width() << 'x' << size.height();
    const QString file = QStringLiteral("%1-%2x%3.png").arg(name).arg(size.width()).arg(size.height());
    if (!window.grab().save(folder.filePath(file))) qWarning("%s could not be saved", qPrintable(file));
  }
}

QString clipped_texts(const QWidget& window) {
  QStringList lines;
  for (const QLabel* label : window.findChildren<QLabel*>()) {
    if (qobject_cast<const ElidedLabel*>(label) != nullptr) continue;  // says by itself that there is more
    if (label->isVisible() && !label->text().isEmpty() && label->pixmap().isNull() && !fits(*label)) lines += label->text();
  }
  for (const QAbstractButton* button : window.findChildren<QAbstractButton*>()) {
    if (button->isVisible() && !button->text().isEmpty() && button->width() + 1 < button->minimumSizeHint().width())
      lines += button->text();
  }
  return lines.join(QLatin1Char('\n'));
}

}  // namespace cellrig::ui::test
