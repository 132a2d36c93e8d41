// The window on the real service: 'cellrig serve --simulated' as a child, a run that goes on, the emergency stop, and the record afterwards.
#include <QComboBox>
#include <QElapsedTimer>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSettings>
#include <QTest>

#include <gtest/gtest.h>

#include "tests/ui/screen.hpp"
#include "ui/dialogs/person_dialog.hpp"
#include "ui/dialogs/start_page.hpp"
#include "ui/live/alarm_panel.hpp"
#include "ui/live/bench_view.hpp"
#include "ui/live/channel_tile.hpp"
#include "ui/live/run_page.hpp"
#include "ui/main_window.hpp"
#include "ui/model/bench_filter.hpp"
#include "ui/review/review_view.hpp"
#include "ui/review/run_list.hpp"
#include "ui/simulated_bench.hpp"

namespace cellrig::ui::test {
namespace {

constexpr int slow_machine_ms = 30'000;

/// Whoever has stopped it says so, on the alarm.
void acknowledge_the_alarm(MainWindow& window) {
  for (QPushButton* button : window.alarm_panel().findChildren<QPushButton*>()) {
    if (!button->isVisible() || !button->text().contains(QStringLiteral("knowledge"))) continue;
    QTest::mouseClick(button, Qt::LeftButton);
    ASSERT_NE(window.acknowledge_dialog(), nullptr);
    QTest::keyClicks(&window.acknowledge_dialog()->name_field(), QStringLiteral("jane"));
    QTest::keyClicks(&window.acknowledge_dialog()->reason_field(), QStringLiteral("meant so"));
    QTest::mouseClick(&window.acknowledge_dialog()->action_button(), Qt::LeftButton);
    break;  // the row and its button are made anew
  }
  EXPECT_TRUE(wait_until([&] { return !window.alarm_panel().isVisible(); }, slow_machine_ms))
      << window.model().open_alarm_count();
}

/// The check, the rehearsal and the preflight of a real service let a person start what they are meant to.
void be_ready_to_start(MainWindow& window) {
  const api::ChannelView before = window.model().channels().back();
  window.show_page(MainWindow::Page::start);
  const auto choose = [](QComboBox& box, const std::string& title) {
    ASSERT_TRUE(wait_until([&] { return box.count() > 0; }, slow_machine_ms));
    const int at = box.findText(QString::fromStdString(title), Qt::MatchStartsWith);
    ASSERT_GE(at, 0) << title;
    box.setCurrentIndex(at);
  };
  ASSERT_NO_FATAL_FAILURE(choose(window.start_page().channel_box(), before.channel));
  ASSERT_NO_FATAL_FAILURE(choose(window.start_page().cell_box(), before.cell));
  ASSERT_NO_FATAL_FAILURE(choose(window.start_page().profile_box(), before.profile));
  if (window.start_page().operator_field().text().isEmpty())
    QTest::keyClicks(&window.start_page().operator_field(), QStringLiteral("jane"));
  QTest::keyClicks(&window.start_page().barcode_field(), QStringLiteral("SN0099\r"));
  EXPECT_TRUE(wait_until([&] { return window.start_page().start_button().isEnabled(); }, slow_machine_ms * 4))
      << qPrintable(window.start_page().obstacle_text());
  ASSERT_TRUE(wait_until([&] { return window.message().isEmpty(); }, slow_machine_ms)) << "a confirmed stop is said for a while";
  for (const QLabel* label : window.start_page().findChildren<QLabel*>())
    EXPECT_FALSE(label->textFormat() == Qt::AutoText && !Qt::mightBeRichText(label->text()) &&
                 label->text().contains(QStringLiteral("<span")))
        << qPrintable(label->text());
  take_pictures(window, QStringLiteral("simulated-start"));
}

TEST(Simulated, opens_on_a_running_bench_stops_it_and_reviews_it) {
  QSettings().clear();
  QElapsedTimer clock;
  clock.start();
  SimulatedBench bench(QStringLiteral(CELLRIG_PROGRAM));
  MainWindow window;
  QString trouble;
  QObject::connect(&bench, &SimulatedBench::ready, &window, [&](const ServiceAddress& address) { window.connect_to(address); });
  QObject::connect(&bench, &SimulatedBench::failed, &window, [&](const QString& why) { trouble = why; });
  bench.start();
  show_in(window, small_screen);
  const auto is_running = [&] {
    for (const api::ChannelView& channel : window.model().channels()) {
      if (is_busy(channel.state) && channel.voltage_V) return true;
    }
    return !trouble.isEmpty();
  };
  ASSERT_TRUE(wait_until(is_running, slow_machine_ms)) << "known: " << window.model().is_known();
  ASSERT_EQ(trouble.toStdString(), "");
  RecordProperty("milliseconds_until_life", static_cast<int>(clock.elapsed()));
  std::printf("a running bench after %lld ms\n", static_cast<long long>(clock.elapsed()));
  EXPECT_TRUE(window.model().bench().is_simulated);

  QTest::mouseClick(window.bench_view().tile(window.model().channels().front().channel), Qt::LeftButton);
  ASSERT_EQ(window.page(), MainWindow::Page::run);
  ASSERT_TRUE(wait_until([&] { return window.run_page().data().voltage_V()->count() > 20; }, slow_machine_ms));
  EXPECT_FALSE(window.run_page().data().steps().empty());
  take_pictures(window, QStringLiteral("simulated-run"));
  window.show_page(MainWindow::Page::bench);
  take_pictures(window, QStringLiteral("simulated-bench"));

  QTest::keyClick(&window, Qt::Key_F12);
  ASSERT_TRUE(wait_until([&] { return !is_busy(window.model().channels().front().state); }, slow_machine_ms))
      << qPrintable(window.message());
  EXPECT_TRUE(window.message().startsWith(QStringLiteral("Emergency stop:"))) << qPrintable(window.message());

  ASSERT_NO_FATAL_FAILURE(acknowledge_the_alarm(window));
  ASSERT_NO_FATAL_FAILURE(be_ready_to_start(window));

  int shown = 0;
  QObject::connect(&window.review_view(), &ReviewView::runs_shown, [&](int count) { shown = count; });
  window.show_page(MainWindow::Page::review);
  EXPECT_TRUE(wait_until([&] { return shown == 1; }, slow_machine_ms)) << qPrintable(window.review_view().status());
  EXPECT_TRUE(window.review_view().shows_service());
  EXPECT_GE(window.review_view().run_list().shown_count(), 1);
  EXPECT_TRUE(window.review_view().title().endsWith(QStringLiteral("SIMULATED"))) << qPrintable(window.review_view().title());
}

}  // namespace
}  // namespace cellrig::ui::test
