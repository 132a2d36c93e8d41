// The window as a whole: its theme, its layout, what a screen reader says of it, and whether its texts fit.
#include <QAbstractButton>
#include <QAbstractSpinBox>
#include <QAccessible>
#include <QApplication>
#include <QComboBox>
#include <QLineEdit>
#include <QListWidget>
#include <QTabWidget>
#include <QTableView>
#include <QTest>

#include <gtest/gtest.h>

#include "tests/ui/live_fixture.hpp"
#include "ui/api_client/api_client.hpp"
#include "ui/chart/palette.hpp"
#include "ui/live/bench_view.hpp"
#include "ui/live/channel_tile.hpp"
#include "ui/model/bench_model.hpp"
#include "ui/review/review_view.hpp"

namespace cellrig::ui::test {
namespace {

class Window : public Live {};

// The desktop becomes dark in the evening: so does a window that nobody gave a theme of its own.
TEST_F(Window, follows_the_theme_of_the_desktop_while_it_runs) {
  apply_theme(Theme::dark);
  apply_theme(Theme::desktop);
  EXPECT_FALSE(colours().is_dark) << "its own palette is not the desktop's";
  show_in(window, small_screen);
  bool is_dark = true;
  read_desktop_with([&is_dark] { return is_dark; });
  const auto change = [this] {
    QEvent event(QEvent::ThemeChange);
    QApplication::sendEvent(&window, &event);
  };
  change();
  EXPECT_TRUE(wait_until([] { return colours().is_dark; }));
  EXPECT_EQ(window.palette().color(QPalette::Window), colours().window);
  is_dark = false;
  change();
  EXPECT_TRUE(wait_until([] { return !colours().is_dark; }));
  apply_theme(Theme::light);
  is_dark = true;
  change();
  QTest::qWait(50);
  EXPECT_FALSE(colours().is_dark) << "somebody chose light";
  read_desktop_with([] { return false; });
}

// Warnings that nobody acknowledges for months: the service forgets the oldest, and so does the window; a trip stays.
TEST(BenchModel, keeps_a_bounded_number_of_alarms_and_every_open_trip) {
  ApiClient client;
  BenchModel model(client);
  api::StreamMessage message;
  message.type = api::StreamType::alarm;
  for (int i = 1; i <= 2 * static_cast<int>(BenchModel::alarms_max); ++i) {
    message.alarm = api::AlarmView{};
    message.alarm->id = i;
    message.alarm->severity = i == 7 ? api::AlarmSeverity::trip : api::AlarmSeverity::warning;
    message.alarm->text = "measurement failed " + std::to_string(i);
    model.apply(message);
  }
  EXPECT_EQ(model.alarms().size(), BenchModel::alarms_max);
  EXPECT_EQ(model.alarms().front().id, 7);
  EXPECT_EQ(model.alarms()[1].id, 2 * static_cast<int>(BenchModel::alarms_max)) << "the newest of the others";
}

/// What a screen reader finds nothing to say of, one per line.
std::string nameless_widgets(const QWidget& window) {
  QStringList nameless;
  for (QWidget* const widget : window.findChildren<QWidget*>()) {
    const bool is_operable = qobject_cast<QAbstractButton*>(widget) != nullptr || qobject_cast<QLineEdit*>(widget) != nullptr ||
                             qobject_cast<QComboBox*>(widget) != nullptr || qobject_cast<QTableView*>(widget) != nullptr ||
                             qobject_cast<QAbstractSpinBox*>(widget) != nullptr || qobject_cast<QListWidget*>(widget) != nullptr;
    const bool is_part = qobject_cast<QAbstractSpinBox*>(widget->parentWidget()) != nullptr;  // which has the name
    if (!is_operable || is_part || widget->focusPolicy() == Qt::NoFocus || !widget->isVisibleTo(&window)) continue;
    QAccessibleInterface* const spoken = QAccessible::queryAccessibleInterface(widget);
    if (spoken != nullptr && !spoken->text(QAccessible::Name).isEmpty()) continue;
    nameless += QString::fromLatin1(widget->metaObject()->className()) + QLatin1Char(' ') + widget->objectName();
  }
  return nameless.join(QLatin1Char('\n')).toStdString();
}

TEST_F(Window, has_a_name_for_everything_a_screen_reader_comes_to_and_clips_nothing_in_either_size) {
  bench.run_on("ch3", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  for (const MainWindow::Page page :
       {MainWindow::Page::bench, MainWindow::Page::run, MainWindow::Page::start, MainWindow::Page::review}) {
    if (page == MainWindow::Page::run) {
      click(*window.bench_view().tile("ch3"));
    } else {
      click(window.page_button(page));
    }
    for (const QSize size : {small_screen, large_screen}) {
      show_in(window, size);
      EXPECT_EQ(clipped_texts(window).toStdString(), "") << static_cast<int>(page) << " at " << size.width();
    }
    show_in(window, small_screen);
    EXPECT_EQ(nameless_widgets(window), "") << static_cast<int>(page);
  }
}

TEST_F(Window, comes_back_as_it_was_left) {
  const QSize left{1400, 900};
  show_in(window, left);
  ASSERT_EQ(window.size(), left);
  window.review_view().tabs().setCurrentIndex(3);
  EXPECT_TRUE(window.close());
  MainWindow next;
  EXPECT_EQ(next.size(), left);
  EXPECT_EQ(next.review_view().tabs().currentIndex(), 3);
}

}  // namespace
}  // namespace cellrig::ui::test
