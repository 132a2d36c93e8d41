// Stops: one click or one key away, without a word to type, and loud for as long as nobody has confirmed them.
#include <QElapsedTimer>
#include <QLineEdit>
#include <QPushButton>
#include <QTcpServer>
#include <QTcpSocket>
#include <QTest>

#include <optional>

#include <gtest/gtest.h>

#include "tests/ui/live_fixture.hpp"
#include "ui/dialogs/person_dialog.hpp"
#include "ui/live/bench_view.hpp"
#include "ui/live/chamber_panel.hpp"
#include "ui/live/channel_tile.hpp"
#include "ui/live/run_page.hpp"
#include "ui/live/stop_notice.hpp"

namespace cellrig::ui::test {
namespace {

class Stop : public Live {
 protected:
  /// Its stop is under way, and told of as not confirmed.
  void stop_a_channel_that_nobody_answers() {
    bench.run_on("ch3", 2000);
    ASSERT_NO_FATAL_FAILURE(connect_window());
    click(*window.bench_view().tile("ch3"));
    bench.hangs = true;
    click(window.run_page().button(RunPage::Order::stop));
    auto* dialog = window.findChild<PersonDialog*>();
    ASSERT_NE(dialog, nullptr);
    click(dialog->action_button());
    ASSERT_TRUE(wait_until([&] { return window.message().contains(QStringLiteral("NOT CONFIRMED (channel ch3)")); }))
        << qPrintable(window.message());
  }
};

// With gloves on nobody types: two clicks, and the name is the one that was given last.
TEST_F(Stop, of_a_run_needs_no_word_typed) {
  remember_name(QStringLiteral("jane"));
  bench.run_on("ch3", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  click(*window.bench_view().tile("ch3"));
  ASSERT_EQ(window.page(), MainWindow::Page::run);
  click(window.run_page().button(RunPage::Order::stop));
  auto* dialog = window.findChild<PersonDialog*>();
  ASSERT_NE(dialog, nullptr);
  ASSERT_TRUE(dialog->action_button().isEnabled());
  click(dialog->action_button());
  ASSERT_TRUE(answered(QStringLiteral("POST /channels/ch3/stop")));
  EXPECT_TRUE(wait_until([&] { return !window.run_page().button(RunPage::Order::stop).isEnabled(); }));
  const auto order = api::from_json<api::PersonOrder>(body_of(QStringLiteral("/stop")));
  ASSERT_TRUE(order);
  EXPECT_EQ(order->operator_name, "jane");
  EXPECT_EQ(order->reason, "");
}

TEST_F(Stop, of_a_run_takes_a_name_and_a_reason_from_who_gives_them) {
  bench.run_on("ch3", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  click(*window.bench_view().tile("ch3"));
  click(window.run_page().button(RunPage::Order::stop));
  auto* dialog = window.findChild<PersonDialog*>();
  ASSERT_NE(dialog, nullptr);
  ASSERT_TRUE(dialog->action_button().isEnabled()) << "nobody has ever given a name here: it stops all the same";
  QTest::keyClicks(&dialog->name_field(), QStringLiteral("tom"));
  QTest::keyClicks(&dialog->reason_field(), QStringLiteral("wrong cell"));
  click(dialog->action_button());
  ASSERT_TRUE(answered(QStringLiteral("POST /channels/ch3/stop")));
  const auto order = api::from_json<api::PersonOrder>(body_of(QStringLiteral("/stop")));
  ASSERT_TRUE(order);
  EXPECT_EQ(order->operator_name, "tom");
  EXPECT_EQ(order->reason, "wrong cell");
}

TEST_F(Stop, stops_a_chamber_and_all_that_is_in_it) {
  bench.run_on("ch1", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  ASSERT_FALSE(bench.bench().chambers.empty());
  const std::string chamber = bench.bench().chambers.front().chamber;
  QPushButton* const stop = window.bench_view().chambers().stop_button(chamber);
  ASSERT_NE(stop, nullptr);
  click(*stop);
  auto* dialog = window.findChild<PersonDialog*>();
  ASSERT_NE(dialog, nullptr);
  EXPECT_TRUE(bench.writes().isEmpty());
  click(dialog->action_button());
  ASSERT_TRUE(answered(QStringLiteral("POST /chambers/%1/stop").arg(QString::fromStdString(chamber))));
  EXPECT_TRUE(wait_until([&] { return window.message().contains(QStringLiteral("OFF is on its way")); }));
}

// One click, and one key from wherever the focus is: also while somebody types into a dialog.
TEST_F(Stop, emergency_stop_is_one_click_and_one_key_away) {
  bench.run_on("ch1", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  click(window.stop_button());
  ASSERT_TRUE(answered(QStringLiteral("POST /stop")));
  ASSERT_TRUE(wait_until([&] { return window.message().contains(QStringLiteral("every output is off")); }));
  bench.run_on("ch2", 2000);
  ASSERT_TRUE(wait_until([&] { return window.bench_view().tile("ch2")->accessibleName().contains(QStringLiteral("Running")); }));
  click(*window.bench_view().tile("ch2"));
  window.run_page().ask(RunPage::Order::note);
  auto* dialog = window.findChild<PersonDialog*>();
  ASSERT_NE(dialog, nullptr);
  QTest::keyClick(&dialog->reason_field(), Qt::Key_F12);
  EXPECT_TRUE(wait_until([&] { return bench.writes().count(QStringLiteral("POST /stop")) == 2; }));
  EXPECT_TRUE(window.stop_button().isVisible());
}

TEST_F(Stop, says_when_the_emergency_stop_was_not_confirmed) {
  show_in(window, small_screen);
  window.connect_to({QUrl(QStringLiteral("http://127.0.0.1:1")), QStringLiteral("x")});
  QTest::keyClick(&window, Qt::Key_Pause);
  EXPECT_TRUE(wait_until([&] { return window.message().contains(QStringLiteral("NOT CONFIRMED")); }))
      << qPrintable(window.message());
}

// A hung service or a pulled cable: nobody answers, nobody says goodbye either.
TEST_F(Stop, says_not_confirmed_at_the_first_answer_that_is_missed_and_goes_on_trying) {
  bench.run_on("ch1", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  bench.hangs = true;
  QElapsedTimer clock;
  clock.start();
  QTest::keyClick(&window, Qt::Key_F12);
  ASSERT_TRUE(wait_until([&] { return window.message().contains(QStringLiteral("NOT CONFIRMED")); }));
  EXPECT_LT(clock.elapsed(), 2500);
  EXPECT_TRUE(window.message().contains(QStringLiteral("hardware emergency stop")));
  EXPECT_TRUE(window.stop_notice().isVisible());
  EXPECT_EQ(clipped_texts(window).toStdString(), "");
  window.grab().save(QStringLiteral(CELLRIG_BINARY_DIR "/screenshots/stop-not-confirmed.png"));
  const auto asked = [&] {
    return std::count_if(bench.requests().begin(), bench.requests().end(),
                         [](const FakeRequest& request) { return request.path == QLatin1String("/stop"); });
  };
  ASSERT_TRUE(wait_until([&] { return asked() >= 3; })) << "it goes on trying";
  Q_EMIT window.run_page().said(QStringLiteral("something else"), false);
  EXPECT_TRUE(window.message().contains(QStringLiteral("NOT CONFIRMED"))) << "nothing else takes its place";
  QTest::keyClick(&window, Qt::Key_F12);
  EXPECT_TRUE(window.message().contains(QStringLiteral("NOT CONFIRMED"))) << "pressed again, it is no better known than before";
  EXPECT_FALSE(window.stop_notice().hide_button().isVisible());
  bench.hangs = false;
  ASSERT_TRUE(wait_until([&] { return window.message().contains(QStringLiteral("every output is off")); }))
      << qPrintable(window.message());
  EXPECT_FALSE(window.message().contains(QStringLiteral("NOT CONFIRMED")));
}

// A proxy, a captive portal, another program on that port: it says 200 to anything, and has stopped nothing.
TEST_F(Stop, is_not_confirmed_by_whoever_answers_that_is_not_the_service_and_a_window_does_not_close_over_it) {
  QTcpServer stranger;
  ASSERT_TRUE(stranger.listen(QHostAddress::LocalHost));
  QObject::connect(&stranger, &QTcpServer::newConnection, &stranger, [&stranger] {
    QTcpSocket* const socket = stranger.nextPendingConnection();
    QObject::connect(socket, &QTcpSocket::readyRead, socket, [socket] {
      socket->readAll();
      socket->write("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
      socket->disconnectFromHost();
    });
  });
  show_in(window, small_screen);
  window.connect_to({QUrl(QStringLiteral("http://127.0.0.1:%1").arg(stranger.serverPort())), QStringLiteral("x")});
  QTest::keyClick(&window, Qt::Key_F12);
  EXPECT_TRUE(wait_until([&] { return window.message().contains(QStringLiteral("NOT CONFIRMED")); }))
      << qPrintable(window.message());
  EXPECT_TRUE(window.message().contains(QStringLiteral("not the bench service"))) << qPrintable(window.message());
  EXPECT_FALSE(window.close()) << "the order would end with it";
  EXPECT_TRUE(window.isVisible());
  EXPECT_TRUE(window.close()) << "whoever closes again means it";
}

// Whoever closed over a first stop, and was told, has been told nothing of a second.
TEST_F(Stop, that_is_open_is_told_of_anew_after_an_earlier_one_was_confirmed) {
  bench.run_on("ch1", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  for (int i = 0; i < 2; ++i) {
    bench.hangs = true;
    QTest::keyClick(&window, Qt::Key_F12);
    ASSERT_TRUE(wait_until([&] { return window.message().contains(QStringLiteral("NOT CONFIRMED")); }));
    EXPECT_FALSE(window.close()) << "stop " << i;
    bench.hangs = false;
    ASSERT_TRUE(wait_until([&] { return window.message().contains(QStringLiteral("every output is off")); }));
  }
  EXPECT_TRUE(window.close()) << "nothing is open";
}

// One that hangs must not hold up the other.
TEST_F(Stop, of_a_channel_that_nobody_answers_does_not_hold_up_the_stop_of_everything) {
  ASSERT_NO_FATAL_FAILURE(stop_a_channel_that_nobody_answers());
  bench.hangs = false;
  click(window.stop_button());
  EXPECT_TRUE(wait_until([&] { return window.message().contains(QStringLiteral("every output is off")); }));
  EXPECT_FALSE(window.message().contains(QStringLiteral("NOT CONFIRMED"))) << "ch3 is off with all the others";
}

// Two are open: who was told of the first has been told nothing of the second.
TEST_F(Stop, that_is_pressed_while_another_one_is_open_is_told_of_too) {
  ASSERT_NO_FATAL_FAILURE(stop_a_channel_that_nobody_answers());
  EXPECT_FALSE(window.close()) << "the first";
  click(window.stop_button());
  EXPECT_FALSE(window.close()) << "the second";
  EXPECT_TRUE(window.close()) << "whoever closes again means it";
}

// A signal ends the window, and with it the order: not before the stop is confirmed, and not for ever.
TEST_F(Stop, that_is_open_is_waited_for_when_the_window_is_told_to_end) {
  bench.run_on("ch1", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  bench.hangs = true;
  QTest::keyClick(&window, Qt::Key_F12);
  std::optional<QStringList> unconfirmed;
  window.end_after_stops([&](const QStringList& what) { unconfirmed = what; });
  ASSERT_TRUE(wait_until([&] { return window.message().contains(QStringLiteral("NOT CONFIRMED")); }));
  EXPECT_FALSE(unconfirmed) << "it is still being tried";
  bench.hangs = false;
  ASSERT_TRUE(wait_until([&] { return unconfirmed.has_value(); }));
  EXPECT_TRUE(unconfirmed->isEmpty()) << unconfirmed->join(QLatin1Char(' ')).toStdString();
}

TEST_F(Stop, that_is_open_is_named_when_somebody_asks_twice) {
  bench.run_on("ch1", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  bench.hangs = true;
  QTest::keyClick(&window, Qt::Key_F12);
  std::optional<QStringList> first, second;
  window.end_after_stops([&](const QStringList& what) { first = what; });
  window.end_after_stops([&](const QStringList& what) { second = what; });
  EXPECT_FALSE(first);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->join(QLatin1Char(' ')).toStdString(), "every output");
  EXPECT_TRUE(window.close()) << "nobody is there to close it once more";
}

TEST_F(Stop, that_is_refused_says_so_and_is_hidden_by_a_person_only) {
  show_in(window, small_screen);
  window.connect_to({bench.address().url, QStringLiteral("a wrong token")});
  QTest::keyClick(&window, Qt::Key_Pause);
  ASSERT_TRUE(wait_until([&] { return window.message().contains(QStringLiteral("NOT CONFIRMED")); }));
  EXPECT_TRUE(window.message().contains(QStringLiteral("a token is needed"))) << qPrintable(window.message());
  EXPECT_TRUE(window.message().contains(QStringLiteral("No longer trying")));
  click(window.stop_notice().hide_button());
  EXPECT_EQ(window.message().toStdString(), "");
  EXPECT_FALSE(window.stop_notice().isVisible());
}

TEST_F(Stop, without_any_service_says_that_nothing_was_stopped) {
  show_in(window, small_screen);
  QTest::keyClick(&window, Qt::Key_F12);
  EXPECT_TRUE(window.message().contains(QStringLiteral("NOT CONFIRMED"))) << qPrintable(window.message());
}

}  // namespace
}  // namespace cellrig::ui::test
