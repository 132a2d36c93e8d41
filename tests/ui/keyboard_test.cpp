// The whole window by keyboard alone: Tab reaches every control in the order in which one reads, says where it is, and no key means two things.
#include <QAbstractButton>
#include <QAbstractItemView>
#include <QApplication>
#include <QComboBox>
#include <QDateEdit>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QSettings>
#include <QTabBar>
#include <QTabWidget>
#include <QTest>
#include <map>

#include <gtest/gtest.h>

#include "tests/ui/fake_bench.hpp"
#include "tests/ui/screen.hpp"
#include "ui/chart/chart_pane.hpp"
#include "ui/dialogs/limits_dialog.hpp"
#include "ui/dialogs/person_dialog.hpp"
#include "ui/dialogs/start_page.hpp"
#include "ui/live/alarm_panel.hpp"
#include "ui/live/bench_view.hpp"
#include "ui/live/channel_tile.hpp"
#include "ui/live/run_page.hpp"
#include "ui/main_window.hpp"
#include "ui/review/review_view.hpp"

namespace cellrig::ui::test {
namespace {

constexpr int stops_max = 200;

std::string name_of(const QWidget* widget) {
  if (widget == nullptr) return "nothing";
  QString text = widget->accessibleName();
  if (const auto* button = qobject_cast<const QAbstractButton*>(widget); button != nullptr && text.isEmpty())
    text = button->text();
  return std::string(widget->metaObject()->className()) + " '" + text.toStdString() + "'";
}

/// What somebody with a mouse can use: a part of another control (the arrow of a box, the head of a table) is none of its own.
bool is_control(const QWidget& widget) {
  const bool is_kind = qobject_cast<const QAbstractButton*>(&widget) != nullptr ||
                       qobject_cast<const QLineEdit*>(&widget) != nullptr || qobject_cast<const QComboBox*>(&widget) != nullptr ||
                       qobject_cast<const QDateEdit*>(&widget) != nullptr || qobject_cast<const QTabBar*>(&widget) != nullptr ||
                       qobject_cast<const ChartPane*>(&widget) != nullptr ||
                       qobject_cast<const QAbstractItemView*>(&widget) != nullptr;
  if (!is_kind || !widget.isVisible() || !widget.isEnabled()) return false;
  for (const QWidget* parent = widget.parentWidget(); parent != nullptr && !parent->isWindow(); parent = parent->parentWidget()) {
    const bool is_part_of =
        qobject_cast<const QLineEdit*>(parent) != nullptr || qobject_cast<const QComboBox*>(parent) != nullptr ||
        qobject_cast<const QDateEdit*>(parent) != nullptr || qobject_cast<const QTabBar*>(parent) != nullptr ||
        qobject_cast<const QAbstractItemView*>(parent) != nullptr;
    if (is_part_of) return false;
  }
  return true;
}

QList<QWidget*> controls_of(const QWidget& window) {
  QList<QWidget*> controls;
  for (QWidget* widget : window.findChildren<QWidget*>()) {
    if (widget->window() == &window && is_control(*widget)) controls += widget;
  }
  return controls;
}

/// Of buttons that exclude each other Tab stops at the one that is chosen; arrows go on from there.
bool is_reached_by_arrows(const QWidget& control, const QList<QWidget*>& reached) {
  const auto* button = qobject_cast<const QAbstractButton*>(&control);
  if (button == nullptr || !button->autoExclusive()) return false;
  return std::any_of(reached.begin(), reached.end(), [button](const QWidget* other) {
    const auto* chosen = qobject_cast<const QAbstractButton*>(other);
    return chosen != nullptr && chosen->autoExclusive() && chosen->parentWidget() == button->parentWidget();
  });
}

/// Presses Tab until it is where it began.
QList<QWidget*> walk(QWidget& first) {
  QList<QWidget*> reached;
  first.setFocus(Qt::TabFocusReason);
  for (int i = 0; i < stops_max; ++i) {
    QWidget* here = QApplication::focusWidget();
    if (here == nullptr || (!reached.isEmpty() && here == reached.first())) break;
    if (!reached.contains(here)) reached += here;  // a date is three stops in one field
    QTest::keyClick(here, Qt::Key_Tab);
  }
  return reached;
}

/// Whether `a` is read before `b`: of the two branches that lead to them, the upper one, or the left one of two beside each other.
bool is_before(const QWidget& a, const QWidget& b) {
  const QWidget* common = a.parentWidget();
  while (!common->isAncestorOf(&b)) common = common->parentWidget();
  const auto branch = [common](const QWidget* w) {
    while (w->parentWidget() != common) w = w->parentWidget();
    return w->geometry();
  };
  const QRect here = branch(&a), there = branch(&b);
  if (here.bottom() < there.top()) return true;
  if (there.bottom() < here.top()) return false;
  return here.left() == there.left() ? here.top() < there.top() : here.left() < there.left();
}

void expect_all_reached_in_order(QWidget& window, QWidget& first) {
  const QList<QWidget*> reached = walk(first);
  const QList<QWidget*> controls = controls_of(window);
  EXPECT_GT(controls.size(), 3);
  for (const QWidget* control : controls) {
    EXPECT_TRUE(reached.contains(control) || is_reached_by_arrows(*control, reached)) << "Tab never reaches " << name_of(control);
  }
  for (qsizetype i = 1; i < reached.size(); ++i) {
    EXPECT_TRUE(is_before(*reached[i - 1], *reached[i])) << name_of(reached[i]) << " comes after " << name_of(reached[i - 1]);
  }
  // And back again.
  first.setFocus(Qt::TabFocusReason);
  QTest::keyClick(&first, Qt::Key_Tab, Qt::ShiftModifier);
  EXPECT_EQ(QApplication::focusWidget(), reached.last()) << name_of(QApplication::focusWidget());
}

/// Not cut off by anything around it, as by an area that scrolls.
testing::AssertionResult is_in_sight(const QWidget& widget) {
  for (const QWidget* parent = widget.parentWidget(); parent != nullptr; parent = parent->parentWidget()) {
    const QRect place(widget.mapTo(parent, QPoint()), widget.size());
    if (!parent->rect().contains(place)) {
      return testing::AssertionFailure() << place.top() << " to " << place.bottom() << " in " << parent->metaObject()->className()
                                         << " of height " << parent->height();
    }
    if (parent->isWindow()) break;
  }
  return testing::AssertionSuccess();
}

/// That something on the screen says where the focus is: the picture of a control changes when it goes there, and all of it is in sight.
void expect_focus_visible(QWidget& window, QWidget& first) {
  const auto stops = walk(first).size();
  first.setFocus(Qt::TabFocusReason);
  for (qsizetype i = 0; i < stops; ++i) {
    QWidget* stop = QApplication::focusWidget();
    ASSERT_NE(stop, nullptr);
    EXPECT_TRUE(is_in_sight(*stop)) << name_of(stop);
    const auto* list = qobject_cast<QAbstractItemView*>(stop);
    const bool is_empty_list = list != nullptr && list->model()->rowCount() == 0;
    const auto picture = [&] { return window.grab(QRect(stop->mapTo(&window, QPoint()), stop->size())).toImage(); };
    const QImage with = picture();
    stop->clearFocus();
    const QImage without = picture();
    EXPECT_TRUE(is_empty_list || with != without) << "nothing shows that the focus is on " << name_of(stop);
    stop->setFocus(Qt::TabFocusReason);
    while (QApplication::focusWidget() == stop) QTest::keyClick(stop, Qt::Key_Tab);  // a date is three stops in one field
  }
}

/// Keys with Alt, of everything that is visible: one key, one meaning.
void expect_mnemonics_unique(const QWidget& window) {
  std::map<QString, std::string> known;
  const auto note = [&known](const QString& text, const QWidget* owner) {
    const QString key = QKeySequence::mnemonic(text).toString();
    if (key.isEmpty()) return;
    EXPECT_FALSE(known.contains(key)) << key.toStdString() << " of " << name_of(owner) << " is also that of " << known[key];
    known[key] = name_of(owner);
  };
  for (const QAbstractButton* button : window.findChildren<QAbstractButton*>()) {
    if (button->isVisible() && button->window() == &window) note(button->text(), button);
  }
  for (const QLabel* label : window.findChildren<QLabel*>()) {
    if (label->isVisible() && label->window() == &window && label->buddy() != nullptr) note(label->text(), label->buddy());
  }
}

void expect_operable(QWidget& window, QWidget& first) {
  expect_all_reached_in_order(window, first);
  expect_mnemonics_unique(window);
  expect_focus_visible(window, first);
}

class Keyboard : public testing::Test {
 protected:
  void SetUp() override { QSettings().clear(); }
  void connect_window() {
    bench.run_on("ch2", 4300);
    bench.run_on("ch3", 900);
    window.connect_to(bench.address());
    show_in(window, small_screen);
    ASSERT_TRUE(wait_until([&] { return window.model().is_known() && window.bench_view().shown_count() == 4; }));
    QTest::qWait(200);
  }
  void go_to(MainWindow::Page page, Qt::Key key) {
    QTest::keyClick(&window, key, Qt::ControlModifier);
    ASSERT_TRUE(wait_until([&] { return window.page() == page; }));
    QTest::qWait(200);
  }
  QWidget& first(MainWindow::Page page) { return window.page_button(page); }

  FakeBench bench{4};
  MainWindow window;
};

TEST_F(Keyboard, reaches_everything_on_the_bench_with_alarms) {
  ASSERT_NO_FATAL_FAILURE(connect_window());
  bench.trip("ch2");
  bench.trip("ch3");
  ASSERT_TRUE(wait_until([&] { return window.alarm_panel().isVisible() && window.model().alarms().size() == 2; }));
  QTest::qWait(200);
  expect_operable(window, first(MainWindow::Page::bench));
}

TEST_F(Keyboard, reaches_everything_on_the_start_page) {
  ASSERT_NO_FATAL_FAILURE(connect_window());
  ASSERT_NO_FATAL_FAILURE(go_to(MainWindow::Page::start, Qt::Key_3));
  StartPage& page = window.start_page();
  QTest::keyClicks(&page.barcode_field(), QStringLiteral("SN0099"));
  QTest::keyClicks(&page.operator_field(), QStringLiteral("jane"));
  ASSERT_TRUE(wait_until([&] { return page.start_button().isEnabled(); })) << qPrintable(page.obstacle_text());
  expect_operable(window, first(MainWindow::Page::start));
}

TEST_F(Keyboard, reaches_everything_on_the_run_page_on_each_of_its_tabs) {
  ASSERT_NO_FATAL_FAILURE(connect_window());
  window.bench_view().tile("ch3")->setFocus(Qt::TabFocusReason);
  QTest::keyClick(window.bench_view().tile("ch3"), Qt::Key_Return);
  ASSERT_EQ(window.page(), MainWindow::Page::run);
  ASSERT_TRUE(wait_until([&] { return window.run_page().data().has_history(); }));
  for (int tab = 0; tab < window.run_page().tabs().count(); ++tab) {
    SCOPED_TRACE(tab);
    window.run_page().tabs().setCurrentIndex(tab);
    bench.advance(10);
    QTest::qWait(300);
    expect_operable(window, first(MainWindow::Page::run));
  }
}

TEST_F(Keyboard, reaches_everything_in_review) {
  ASSERT_NO_FATAL_FAILURE(connect_window());
  ASSERT_NO_FATAL_FAILURE(go_to(MainWindow::Page::review, Qt::Key_4));
  for (int tab = 0; tab < window.review_view().tabs().count(); ++tab) {
    SCOPED_TRACE(tab);
    window.review_view().tabs().setCurrentIndex(tab);
    QTest::qWait(50);
    expect_operable(window, first(MainWindow::Page::review));
  }
}

// Arrows go from page to page where Tab stops at one of them only.
TEST_F(Keyboard, goes_from_page_to_page_by_arrows) {
  ASSERT_NO_FATAL_FAILURE(connect_window());
  first(MainWindow::Page::bench).setFocus(Qt::TabFocusReason);
  QTest::keyClick(&first(MainWindow::Page::bench), Qt::Key_Right);
  EXPECT_TRUE(wait_until([&] { return window.page() == MainWindow::Page::run; }));
}

TEST_F(Keyboard, reaches_everything_in_dialogs_which_escape_closes_without_an_order) {
  ASSERT_NO_FATAL_FAILURE(connect_window());
  window.run_page().open_channel("ch3");
  window.show_page(MainWindow::Page::run);
  ASSERT_TRUE(wait_until([&] { return window.run_page().button(RunPage::Order::stop).isEnabled(); }));
  for (const RunPage::Order order : {RunPage::Order::stop, RunPage::Order::go_on, RunPage::Order::note}) {
    window.run_page().ask(order);
    auto* dialog = window.run_page().findChildren<PersonDialog*>().last();
    ASSERT_TRUE(QTest::qWaitForWindowExposed(dialog));
    QApplication::setActiveWindow(dialog);
    if (order == RunPage::Order::go_on) dialog->findChild<QComboBox*>()->setCurrentIndex(0);
    QTest::keyClicks(&dialog->name_field(), QStringLiteral("tom"));
    if (order != RunPage::Order::go_on) QTest::keyClicks(&dialog->reason_field(), QStringLiteral("why"));
    QWidget* top =
        order == RunPage::Order::go_on ? static_cast<QWidget*>(dialog->findChild<QComboBox*>()) : &dialog->name_field();
    ASSERT_TRUE(dialog->action_button().isEnabled());
    expect_operable(*dialog, *top);
    QTest::keyClick(QApplication::focusWidget(), Qt::Key_Escape);
    EXPECT_FALSE(dialog->isVisible());
    QTest::qWait(20);
  }
  QTest::keyClick(&window.run_page().limits_button(), Qt::Key_Space);
  auto* limits = window.run_page().findChild<LimitsDialog*>();
  ASSERT_NE(limits, nullptr);
  ASSERT_TRUE(QTest::qWaitForWindowExposed(limits));
  QApplication::setActiveWindow(limits);
  expect_operable(*limits, *limits->field("cell_temperature_max_degC"));
  QTest::keyClick(QApplication::focusWidget(), Qt::Key_Escape);
  EXPECT_FALSE(limits->isVisible());
  EXPECT_TRUE(bench.writes().isEmpty()) << qPrintable(bench.writes().join(QLatin1Char(' ')));
}

// The Return of a barcode reader may come wherever the focus is: on a page it presses nothing. Space does.
TEST_F(Keyboard, takes_a_stray_return_for_no_order) {
  ASSERT_NO_FATAL_FAILURE(connect_window());
  window.run_page().open_channel("ch3");
  window.show_page(MainWindow::Page::run);
  QPushButton& stop = window.run_page().button(RunPage::Order::stop);
  ASSERT_TRUE(wait_until([&] { return stop.isEnabled(); }));
  stop.setFocus(Qt::TabFocusReason);
  QTest::keyClick(&stop, Qt::Key_Return);
  EXPECT_EQ(window.run_page().findChild<PersonDialog*>(), nullptr);
  QTest::keyClick(&stop, Qt::Key_Space);
  EXPECT_NE(window.run_page().findChild<PersonDialog*>(), nullptr);
}

}  // namespace
}  // namespace cellrig::ui::test
