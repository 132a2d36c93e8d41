// Pictures of every view and dialog, in both themes and both sizes: looked at by people; the README and docs/pictures have some of them.
#include <QApplication>
#include <QDialog>
#include <QPushButton>
#include <QTabWidget>
#include <QTest>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ui/live_fixture.hpp"
#include "ui/chart/palette.hpp"
#include "ui/chart/trace_chart.hpp"
#include "ui/dialogs/sign_in_dialog.hpp"
#include "ui/dialogs/start_page.hpp"
#include "ui/live/alarm_panel.hpp"
#include "ui/live/bench_view.hpp"
#include "ui/live/channel_tile.hpp"
#include "ui/live/run_page.hpp"
#include "ui/main_window.hpp"

namespace cellrig::ui::test {
namespace {

TEST_F(Live, has_its_picture_taken) {
  bench.run_on("ch1", 2500);
  bench.run_on("ch2", 4000);
  bench.run_on("ch3", 7000);
  bench.run_on("ch4", 0);
  api::ChannelView& waiting = bench.channel("ch4");
  waiting.state = api::Activity::waiting;
  waiting.waits_for = "the chamber at 40 °C: ch1, ch2 and ch3 hold 25 °C";
  waiting.is_output_on = false;
  waiting.current_A = 0;
  bench.bench().chambers[0].held_by = {"ch1", "ch2", "ch3"};
  bench.bench().chambers[0].waiting = {{"ch4", 40.0, "ch1, ch2 and ch3 hold 25 °C"}};
  ASSERT_NO_FATAL_FAILURE(connect_window());
  for (int i = 0; i < 40; ++i) bench.advance(30);
  QTest::qWait(300);
  take_pictures(window, QStringLiteral("bench"));
  EXPECT_EQ(clipped_texts(window).toStdString(), "");
  click(*window.bench_view().tile("ch3"));
  ASSERT_TRUE(wait_until([&] { return window.run_page().data().has_history(); }));
  bench.advance(60);
  QTest::qWait(300);
  take_pictures(window, QStringLiteral("run"));
  EXPECT_EQ(clipped_texts(window).toStdString(), "");
  const char* const tabs[] = {"run", "run-charge", "run-steps", "run-events"};
  for (int tab = 1; tab < window.run_page().tabs().count(); ++tab) {
    window.run_page().tabs().setCurrentIndex(tab);
    QTest::qWait(200);
    take_pictures(window, QString::fromLatin1(tabs[tab]));
  }
  window.run_page().tabs().setCurrentIndex(0);
  waiting.state = api::Activity::stopped;
  waiting.waits_for.clear();
  bench.bench().chambers[0].waiting.clear();
  bench.send_snapshot();
  ASSERT_TRUE(wait_until([&] { return window.model().channel("ch4")->state == api::Activity::stopped; }));
  fill_start_page();
  ASSERT_TRUE(wait_until([&] { return window.start_page().start_button().isEnabled(); }))
      << qPrintable(window.start_page().obstacle_text());
  take_pictures(window, QStringLiteral("start"));
  EXPECT_EQ(clipped_texts(window).toStdString(), "");
  bench.trip("ch2");
  click(window.page_button(MainWindow::Page::bench));
  ASSERT_TRUE(wait_until([&] { return window.alarm_panel().isVisible(); }));
  take_pictures(window, QStringLiteral("alarm"));
  EXPECT_EQ(clipped_texts(window).toStdString(), "");
  apply_theme(Theme::dark);
  take_pictures(window, QStringLiteral("bench-dark"));
  click(*window.bench_view().tile("ch3"));
  window.run_page().open_channel("ch3");
  ASSERT_TRUE(wait_until([&] { return window.run_page().data().has_history(); }));
  QTest::qWait(300);
  take_pictures(window, QStringLiteral("run-dark"));
  for (int tab = 1; tab < window.run_page().tabs().count(); ++tab) {
    window.run_page().tabs().setCurrentIndex(tab);
    QTest::qWait(200);
    take_pictures(window, QString::fromLatin1(tabs[tab]) + QStringLiteral("-dark"));
  }
  window.run_page().tabs().setCurrentIndex(0);
  click(window.page_button(MainWindow::Page::start));
  ASSERT_TRUE(wait_until([&] { return window.start_page().start_button().isEnabled(); }));
  take_pictures(window, QStringLiteral("start-dark"));
  EXPECT_EQ(clipped_texts(window).toStdString(), "");
  apply_theme(Theme::light);
}

/// Those that ask a person something, in both themes.
TEST_F(Live, has_the_pictures_of_its_dialogs_taken) {
  bench.run_on("ch1", 2500);
  bench.trip("ch2");
  ASSERT_NO_FATAL_FAILURE(connect_window());
  click(*window.bench_view().tile("ch1"));
  ASSERT_TRUE(wait_until([&] { return window.alarm_panel().isVisible(); }));
  const auto take = [&](QDialog* dialog, const QString& name) {
    ASSERT_NE(dialog, nullptr) << name.toStdString();
    dialog->show();
    ASSERT_TRUE(QTest::qWaitForWindowExposed(dialog));
    for (const Theme theme : {Theme::dark, Theme::light}) {
      apply_theme(theme);
      QTest::qWait(50);
      EXPECT_EQ(clipped_texts(*dialog).toStdString(), "") << name.toStdString();
      const QString mark = theme == Theme::dark ? QStringLiteral("-dark") : QString();
      dialog->grab().save(QStringLiteral(CELLRIG_BINARY_DIR "/screenshots/dialog-%1%2.png").arg(name, mark));
    }
    dialog->close();
    ASSERT_TRUE(wait_until([&] { return window.findChildren<QDialog*>().isEmpty(); }));
  };
  const std::pair<RunPage::Order, const char*> orders[] = {
      {RunPage::Order::note, "note"}, {RunPage::Order::skip, "skip"}, {RunPage::Order::stop, "stop"}};
  for (const auto& [order, name] : orders) {
    click(window.run_page().button(order));
    ASSERT_NO_FATAL_FAILURE(take(window.findChild<QDialog*>(), QString::fromLatin1(name)));
  }
  click(window.run_page().limits_button());
  ASSERT_NO_FATAL_FAILURE(take(window.findChild<QDialog*>(), QStringLiteral("limits")));
  for (QPushButton* button : window.alarm_panel().findChildren<QPushButton*>()) {
    if (button->text().contains(QStringLiteral("knowledge"))) click(*button);
  }
  ASSERT_NO_FATAL_FAILURE(take(window.findChild<QDialog*>(), QStringLiteral("acknowledge")));
  ASSERT_NO_FATAL_FAILURE(take(new SignInDialog(QStringLiteral("jane"), QStringLiteral("https://bench.lab:8230"),
                                                QStringLiteral("The bench does not know this name and password."), &window),
                               QStringLiteral("sign-in")));
}

}  // namespace
}  // namespace cellrig::ui::test
