// The window on a bench: a run is started, watched, paused, stopped; an alarm is acknowledged; by keys and by the mouse.
#include <QApplication>
#include <QCheckBox>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSettings>
#include <QTabWidget>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ui/live_fixture.hpp"
#include "ui/chart/chart_pane.hpp"
#include "ui/chart/palette.hpp"
#include "ui/chart/trace_chart.hpp"
#include "ui/dialogs/limits_dialog.hpp"
#include "ui/dialogs/parameter_form.hpp"
#include "ui/dialogs/person_dialog.hpp"
#include "ui/dialogs/start_page.hpp"
#include "ui/live/alarm_panel.hpp"
#include "ui/live/bench_view.hpp"
#include "ui/live/chamber_panel.hpp"
#include "ui/live/channel_tile.hpp"
#include "ui/live/run_page.hpp"
#include "ui/main_window.hpp"

namespace cellrig::ui::test {
namespace {

TEST_F(Live, shows_every_channel_with_its_state_as_a_word) {
  bench.run_on("ch2", 4000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  ASSERT_EQ(window.bench_view().shown_count(), 4);
  EXPECT_EQ(window.bench_view().tile("ch2")->accessibleName(), QStringLiteral("Channel ch2: Resting"));
  EXPECT_EQ(window.bench_view().tile("ch1")->accessibleName(), QStringLiteral("Channel ch1: Free"));
}

TEST_F(Live, starts_a_run_by_keyboard_and_watches_it) {
  ASSERT_NO_FATAL_FAILURE(connect_window());
  QTest::keyClick(&window, Qt::Key_3, Qt::ControlModifier);
  ASSERT_TRUE(wait_until([&] { return window.page() == MainWindow::Page::start; }));  // a shortcut shows the button pressed first
  StartPage& page = window.start_page();
  EXPECT_FALSE(page.start_button().isEnabled());
  EXPECT_TRUE(page.barcode_field().hasFocus());
  QTest::keyClicks(&page.barcode_field(), QStringLiteral("SN0099"));
  QTest::keyClick(&page.barcode_field(), Qt::Key_Return);  // as a barcode reader does
  EXPECT_FALSE(page.barcode_field().hasFocus());
  EXPECT_TRUE(bench.writes().filter(QStringLiteral("start")).isEmpty());
  page.operator_field().setFocus();
  QTest::keyClicks(&page.operator_field(), QStringLiteral("jane"));
  ASSERT_TRUE(wait_until([&] { return page.parameters().field(QStringLiteral("charge_rate_C")) != nullptr; }));
  // A decimal comma does no harm.
  QTest::keyClicks(page.parameters().field(QStringLiteral("charge_rate_C")), QStringLiteral("0,5"));
  ASSERT_TRUE(wait_until([&] { return page.start_button().isEnabled(); })) << qPrintable(page.obstacle_text());
  page.start_button().setFocus();
  QTest::keyClick(&page.start_button(), Qt::Key_Space);
  ASSERT_TRUE(answered(QStringLiteral("POST /channels/ch1/start")));
  const auto order = api::from_json<api::StartOrder>(bench.requests().back().body.toStdString());
  ASSERT_TRUE(wait_until([&] { return window.page() == MainWindow::Page::run; }));
  bench.advance(120);
  EXPECT_TRUE(wait_until([&] { return window.run_page().data().voltage_V()->count() > 100; }));
  EXPECT_EQ(window.run_page().channel(), "ch1");
  bool has_comma_harmed = true;
  for (const FakeRequest& request : bench.requests()) {
    if (!request.path.endsWith(QStringLiteral("/start"))) continue;
    const auto sent = api::from_json<api::StartOrder>(request.body.toStdString());
    ASSERT_TRUE(sent);
    has_comma_harmed = sent->parameters.at("charge_rate_C") != "0.5";
    EXPECT_EQ(sent->cell_id, "SN0099");
    EXPECT_EQ(sent->operator_name, "jane");
  }
  EXPECT_FALSE(has_comma_harmed);
}

TEST_F(Live, does_not_start_what_may_not_be_started_and_says_why) {
  bench.refuses_preflight = true;
  ASSERT_NO_FATAL_FAILURE(connect_window());
  fill_start_page();
  StartPage& page = window.start_page();
  ASSERT_TRUE(wait_until([&] { return page.obstacle_text().contains(QStringLiteral("thermocouple")); }))
      << qPrintable(page.obstacle_text());
  EXPECT_FALSE(page.start_button().isEnabled());
  click(page.start_button());
  EXPECT_TRUE(bench.writes().filter(QStringLiteral("/start")).isEmpty());
}

TEST_F(Live, does_not_start_what_trips_in_its_rehearsal) {
  bench.rehearsal_trips = true;
  ASSERT_NO_FATAL_FAILURE(connect_window());
  fill_start_page();
  StartPage& page = window.start_page();
  EXPECT_TRUE(wait_until([&] { return page.obstacle_text().contains(QStringLiteral("safety trip")); }))
      << qPrintable(page.obstacle_text());
  EXPECT_FALSE(page.start_button().isEnabled());
}

// A cell nobody has had here before: its file lies on this computer, and what it says guards the cell.
TEST_F(Live, takes_a_cell_from_a_file_and_says_why_one_is_not_taken) {
  ASSERT_NO_FATAL_FAILURE(connect_window());
  fill_start_page();
  StartPage& page = window.start_page();
  QTemporaryDir folder;
  const auto write = [&folder](const char* name, const QByteArray& text) {
    QFile file(folder.filePath(QString::fromLatin1(name)));
    EXPECT_TRUE(file.open(QIODevice::WriteOnly));
    file.write(text);
    return file.fileName();
  };
  const auto add = [&](const QString& path) {
    page.add_cell_file(path);
    auto* dialog = page.findChild<PersonDialog*>();
    ASSERT_NE(dialog, nullptr);
    EXPECT_FALSE(dialog->action_button().isEnabled()) << "it takes a reason";
    QTest::keyClicks(&dialog->reason_field(), QStringLiteral("new lot"));
    click(dialog->action_button());
    delete dialog;
  };
  add(write("holiday.yaml", "beach: true"));
  ASSERT_TRUE(wait_until([&] { return window.message().contains(QStringLiteral("this is no cell file")); }))
      << qPrintable(window.message());
  page.add_cell_file(write("huge.yaml", QByteArray(100'000, ' ')));
  EXPECT_TRUE(window.message().contains(QStringLiteral("too large"))) << qPrintable(window.message());
  add(write("sample-7.yaml", "nominal_capacity_Ah: 2"));
  EXPECT_TRUE(wait_until([&] { return page.cell_box().currentData().toString() == QStringLiteral("sample-7"); }));
  EXPECT_TRUE(window.message().contains(QStringLiteral("sample-7"))) << qPrintable(window.message());
  const FakeRequest* sent = nullptr;
  for (const FakeRequest& request : bench.requests()) {
    if (request.path == QStringLiteral("/cells") && !request.body.isEmpty()) sent = &request;
  }
  ASSERT_NE(sent, nullptr);
  const auto order = api::from_json<api::CellFileOrder>(sent->body.toStdString());
  ASSERT_TRUE(order);
  EXPECT_EQ(order->operator_name, "jane");
  EXPECT_EQ(order->reason, "new lot");
}

// Whoever did not hear the first beep hears the next; silence is about this alarm only.
TEST_F(Live, beeps_until_an_alarm_is_acknowledged_or_silenced) {
  int beeps = 0;
  window.alarm_panel().set_beep([&beeps] { ++beeps; });
  bench.run_on("ch1", 4300);
  bench.run_on("ch2", 4300);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  bench.trip("ch2");
  ASSERT_TRUE(wait_until([&] { return beeps >= 2; })) << beeps;
  click(window.alarm_panel().silence_button());
  EXPECT_FALSE(window.alarm_panel().is_sounding());
  EXPECT_TRUE(window.alarm_panel().isVisible());
  bench.trip("ch1");
  EXPECT_TRUE(wait_until([&] { return window.alarm_panel().is_sounding(); }));
}

TEST_F(Live, acknowledges_an_alarm_with_name_and_reason) {
  bench.run_on("ch2", 4300);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  bench.trip("ch2");
  ASSERT_TRUE(wait_until([&] { return window.alarm_panel().isVisible(); }));
  EXPECT_TRUE(window.alarm_panel().is_sounding());
  QPushButton* acknowledge = nullptr;
  for (QPushButton* button : window.alarm_panel().findChildren<QPushButton*>()) {
    if (button->text().contains(QStringLiteral("knowledge"))) acknowledge = button;
  }
  ASSERT_NE(acknowledge, nullptr);
  click(*acknowledge);
  PersonDialog* dialog = window.acknowledge_dialog();
  ASSERT_NE(dialog, nullptr);
  EXPECT_FALSE(dialog->action_button().isEnabled());
  QTest::keyClicks(&dialog->name_field(), QStringLiteral("tom"));
  EXPECT_FALSE(dialog->action_button().isEnabled());
  QTest::keyClicks(&dialog->reason_field(), QStringLiteral("clip was loose"));
  ASSERT_TRUE(dialog->action_button().isEnabled());
  QTest::keyClick(&dialog->reason_field(), Qt::Key_Return);
  ASSERT_TRUE(answered(QStringLiteral("POST /alarms/1/acknowledge")));
  EXPECT_TRUE(wait_until([&] { return !window.alarm_panel().isVisible(); }));
  EXPECT_FALSE(window.alarm_panel().is_sounding());
  EXPECT_EQ(bench.alarms().front().acknowledged_by, "tom");
}

// What a person saw is what is ordered: the step that was shown, by its number.
TEST_F(Live, skips_the_step_that_was_shown) {
  bench.run_on("ch3", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  click(*window.bench_view().tile("ch3"));
  const auto shown = bench.channel("ch3").step_count;
  ASSERT_TRUE(shown);
  click(window.run_page().button(RunPage::Order::skip));
  auto* dialog = window.findChild<PersonDialog*>();
  ASSERT_NE(dialog, nullptr);
  bench.channel("ch3").step_count = *shown + 1;  // it ends by itself while the person writes
  bench.send_channel("ch3");
  ASSERT_TRUE(wait_until([&] { return window.model().channel("ch3")->step_count == *shown + 1; }));
  QTest::keyClicks(&dialog->name_field(), QStringLiteral("jane"));
  QTest::keyClicks(&dialog->reason_field(), QStringLiteral("long enough"));
  click(dialog->action_button());
  ASSERT_TRUE(answered(QStringLiteral("POST /channels/ch3/skip")));
  const auto order = api::from_json<api::PersonOrder>(body_of(QStringLiteral("/skip")));
  ASSERT_TRUE(order);
  EXPECT_EQ(order->step_count, shown);
}

TEST_F(Live, goes_on_with_an_interrupted_run_as_a_person_says) {
  bench.run_on("ch3", 2000);
  api::ChannelView& view = bench.channel("ch3");
  view.state = api::Activity::finished;
  view.is_interrupted = true;
  view.reason = "run 7 was interrupted and does not go on by itself: its profile says ask";
  ASSERT_NO_FATAL_FAILURE(connect_window());
  click(*window.bench_view().tile("ch3"));
  QPushButton& go_on = window.run_page().button(RunPage::Order::go_on);
  ASSERT_TRUE(go_on.isVisible());
  click(go_on);
  auto* dialog = window.findChild<PersonDialog*>();
  ASSERT_NE(dialog, nullptr);
  QComboBox* const how = dialog->choice_box();
  ASSERT_NE(how, nullptr);
  QTest::keyClicks(&dialog->name_field(), QStringLiteral("jane"));
  EXPECT_FALSE(dialog->action_button().isEnabled()) << "how it goes on is a person's word";
  how->setFocus();
  QTest::keyClick(how, Qt::Key_Down);
  QTest::keyClick(how, Qt::Key_Down);
  ASSERT_TRUE(dialog->action_button().isEnabled());
  EXPECT_FALSE(dialog->reason_field().isEnabled()) << "nothing is accepted by a word in passing";
  click(dialog->action_button());
  ASSERT_TRUE(answered(QStringLiteral("POST /channels/ch3/go_on")));
  const auto order = api::from_json<api::GoOnOrder>(body_of(QStringLiteral("/go_on")));
  ASSERT_TRUE(order);
  EXPECT_EQ(order->rule, "redo_step");
  EXPECT_EQ(order->accept_changed, "");
  EXPECT_EQ(order->run, view.run);
  EXPECT_EQ(order->operator_name, "jane");
  EXPECT_TRUE(wait_until([&] { return !go_on.isVisible(); }));
}

TEST_F(Live, accepts_what_has_changed_only_with_a_tick_and_a_reason) {
  bench.run_on("ch3", 2000);
  api::ChannelView& view = bench.channel("ch3");
  view.state = api::Activity::finished;
  view.is_interrupted = true;
  ASSERT_NO_FATAL_FAILURE(connect_window());
  click(*window.bench_view().tile("ch3"));
  window.run_page().ask(RunPage::Order::go_on);
  auto* dialog = window.findChild<PersonDialog*>();
  ASSERT_NE(dialog, nullptr);
  QTest::keyClicks(&dialog->name_field(), QStringLiteral("jane"));
  dialog->choice_box()->setCurrentIndex(0);
  dialog->consent_box()->setChecked(true);
  EXPECT_FALSE(dialog->action_button().isEnabled());
  QTest::keyClicks(&dialog->reason_field(), QStringLiteral("same cycler, new board"));
  click(dialog->action_button());
  ASSERT_TRUE(answered(QStringLiteral("POST /channels/ch3/go_on")));
  const auto order = api::from_json<api::GoOnOrder>(body_of(QStringLiteral("/go_on")));
  ASSERT_TRUE(order);
  EXPECT_EQ(order->accept_changed, "same cycler, new board");
  EXPECT_EQ(order->rule, "resume");
}

TEST_F(Live, tightens_a_limit) {
  bench.run_on("ch3", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  click(*window.bench_view().tile("ch3"));
  click(window.run_page().limits_button());
  auto* dialog = window.findChild<LimitsDialog*>();
  ASSERT_NE(dialog, nullptr);
  QLineEdit* const field = dialog->field("cell_temperature_max_degC");
  ASSERT_NE(field, nullptr);
  EXPECT_EQ(field->placeholderText(), QStringLiteral("55"));
  EXPECT_FALSE(dialog->action_button().isEnabled());
  QTest::keyClicks(&dialog->name_field(), QStringLiteral("jane"));
  QTest::keyClicks(field, QStringLiteral("warm"));
  EXPECT_FALSE(dialog->action_button().isEnabled());
  field->clear();
  QTest::keyClicks(field, QStringLiteral("47,5"));
  click(dialog->action_button());
  ASSERT_TRUE(answered(QStringLiteral("POST /channels/ch3/limits")));
  EXPECT_EQ(bench.channel("ch3").limits.at("cell_temperature_max_degC"), 47.5);
  EXPECT_EQ(bench.channel("ch3").limits.at("voltage_max_V"), 4.25);
}

// A step with limits of its own: the order is judged by the run's, so that those are what a person changes; the step's is said beside.
TEST_F(Live, shows_the_limits_that_an_order_is_judged_by_and_those_of_the_step) {
  bench.run_on("ch3", 2000);
  bench.channel("ch3").limits["cell_temperature_max_degC"] = 45;
  ASSERT_NO_FATAL_FAILURE(connect_window());
  click(*window.bench_view().tile("ch3"));
  click(window.run_page().limits_button());
  auto* dialog = window.findChild<LimitsDialog*>();
  ASSERT_NE(dialog, nullptr);
  QLineEdit* const field = dialog->field("cell_temperature_max_degC");
  EXPECT_EQ(field->placeholderText(), QStringLiteral("55"));
  EXPECT_EQ(dialog->step_text("cell_temperature_max_degC"), QStringLiteral("in this step 45"));
  EXPECT_EQ(dialog->step_text("voltage_max_V"), QString());
  ASSERT_TRUE(QTest::qWaitForWindowExposed(dialog));
  EXPECT_EQ(clipped_texts(*dialog).toStdString(), "");
  QTest::keyClicks(&dialog->name_field(), QStringLiteral("jane"));
  QTest::keyClicks(field, QStringLiteral("50"));  // wider than the step's, tighter than the run's: accepted
  click(dialog->action_button());
  ASSERT_TRUE(answered(QStringLiteral("POST /channels/ch3/limits")));
  EXPECT_TRUE(wait_until([&] { return window.message() == QStringLiteral("the limits are in force"); }))
      << qPrintable(window.message());
}

TEST_F(Live, pauses_and_resumes_with_the_fencing_token) {
  bench.run_on("ch1", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  click(*window.bench_view().tile("ch1"));
  click(window.run_page().button(RunPage::Order::pause));
  auto* dialog = window.findChild<PersonDialog*>();
  ASSERT_NE(dialog, nullptr);
  QTest::keyClicks(&dialog->name_field(), QStringLiteral("jane"));
  QTest::keyClicks(&dialog->reason_field(), QStringLiteral("lunch"));
  click(dialog->action_button());
  ASSERT_TRUE(wait_until([&] { return window.run_page().button(RunPage::Order::resume).isVisible(); }))
      << qPrintable(window.message());
  for (const FakeRequest& request : bench.requests()) {
    if (request.path.endsWith(QStringLiteral("/pause"))) {
      EXPECT_EQ(request.headers.value(QStringLiteral("fencing-token")), QStringLiteral("101"));
    }
  }
}

TEST_F(Live, says_since_when_data_is_missing_and_comes_back_by_itself) {
  bench.run_on("ch1", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  click(*window.bench_view().tile("ch1"));
  ASSERT_TRUE(wait_until([&] { return window.run_page().data().has_history(); }));
  bench.cut_streams();
  const auto says = [&](const QString& text) {
    for (const QLabel* label : window.findChildren<QLabel*>()) {
      if (label->isVisible() && label->text().contains(text)) return true;
    }
    return false;
  };
  ASSERT_TRUE(wait_until([&] { return says(QStringLiteral("No data since")); }));
  bench.advance(60);
  bench.let_in();
  ASSERT_TRUE(wait_until([&] { return says(QStringLiteral("connected")); }));
  bench.advance(30);
  ASSERT_TRUE(wait_until([&] { return !window.run_page().data().missing().empty(); }));
  EXPECT_GT(window.run_page().data().missing().front().window.span(), 59);
}

TEST_F(Live, finds_channels_among_many) {
  FakeBench many{64};
  many.run_on("ch10", 100);
  many.run_on("ch33", 3700);
  window.connect_to(many.address());
  show_in(window, small_screen);
  ASSERT_TRUE(wait_until([&] { return window.bench_view().shown_count() == 64; }));
  QTest::keyClick(&window.bench_view(), Qt::Key_F, Qt::ControlModifier);
  QTest::keyClicks(&window.bench_view().search_field(), QStringLiteral("ch33"));
  EXPECT_EQ(window.bench_view().shown_count(), 1);
  window.bench_view().search_field().clear();
  window.bench_view().group_box().setCurrentIndex(1);
  EXPECT_EQ(window.bench_view().shown_count(), 2);
  window.bench_view().group_box().setCurrentIndex(0);
  take_pictures(window, QStringLiteral("bench-64"));
}

TEST_F(Live, opens_a_channel_by_arrow_keys_and_return) {
  bench.run_on("ch2", 2000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  window.bench_view().tile("ch1")->setFocus();
  QTest::keyClick(window.focusWidget(), Qt::Key_Right);
  QTest::keyClick(window.focusWidget(), Qt::Key_Return);
  EXPECT_EQ(window.page(), MainWindow::Page::run);
  EXPECT_EQ(window.run_page().channel(), "ch2");
}

// A run of more steps than the service gives at once: the latest are those that matter.
TEST_F(Live, shows_the_latest_steps_of_a_run_of_very_many) {
  bench.more_steps = 12'000;
  bench.run_on("ch1", 5000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  click(*window.bench_view().tile("ch1"));
  const auto& steps = window.run_page().data().steps();
  ASSERT_TRUE(wait_until([&] { return !steps.empty() && steps.back().step_count == 12'003; })) << steps.size();
  EXPECT_EQ(steps.size(), 12'003U);
  bench.more_steps = 12'001;
  bench.advance(1);
  ASSERT_TRUE(wait_until([&] { return steps.back().step_count == 12'004; }));
  EXPECT_EQ(steps.size(), 12'004U);
  EXPECT_TRUE(std::any_of(bench.requests().begin(), bench.requests().end(), [](const FakeRequest& request) {
    return request.path.endsWith(QLatin1String("/steps")) && request.query.contains(QStringLiteral("after=12002"));
  })) << "only what may have changed is asked for again";
  bench.more_steps = 25'000;
  bench.run_on("ch2", 5000);
  ASSERT_TRUE(wait_until([&] { return window.model().channel("ch2")->run.has_value(); }));
  window.run_page().open_channel("ch2");
  ASSERT_TRUE(wait_until([&] { return !steps.empty() && steps.back().step_count == 25'003; })) << steps.size();
  EXPECT_EQ(steps.size(), RunData::steps_max);
}

TEST_F(Live, shows_a_note_on_the_axis_as_well_as_a_fault) {
  bench.run_on("ch3", 5000);
  ASSERT_NO_FATAL_FAILURE(connect_window());
  click(*window.bench_view().tile("ch3"));
  const auto& markers = window.run_page().chart().pane(0).markers();
  ASSERT_TRUE(wait_until([&] { return markers.size() == 3; })) << markers.size();
  EXPECT_TRUE(markers.front().text.contains(QStringLiteral("logger")))
      << "the gravest first: its words are shown where several meet";
  EXPECT_TRUE(std::any_of(markers.begin(), markers.end(), [](const Marker& marker) {
    return marker.x == 1800 && marker.text.startsWith(QStringLiteral("fan beside the cell"));
  }));
}

}  // namespace
}  // namespace cellrig::ui::test
