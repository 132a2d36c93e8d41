// Review in a real window, on a record that the program itself wrote.
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QDir>
#include <QFile>
#include <QLineEdit>
#include <QProcess>
#include <QPushButton>
#include <QTabWidget>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include "tests/ui/recorded_runs.hpp"
#include "tests/ui/screen.hpp"
#include "ui/chart/palette.hpp"
#include "ui/chart/trace_chart.hpp"
#include "ui/model/table_view.hpp"
#include "ui/review/curve_page.hpp"
#include "ui/review/review_view.hpp"
#include "ui/review/run_list.hpp"
#include "ui/review/time_page.hpp"

namespace cellrig::ui::test {
namespace {

class Review : public testing::Test {
 protected:
  void open() {
    int shown = 0;
    const QObject here;  // the connection ends with it
    QObject::connect(&view, &ReviewView::runs_shown, &here, [&](int count) { shown = count; });
    view.open_record(recorded_runs());
    show_in(view, small_screen);
    ASSERT_TRUE(wait_until([&] { return shown == 1; }, 30'000)) << qPrintable(view.status());
  }
  void choose(std::initializer_list<db::RunKey> runs) {
    int shown = 0;
    const QObject here;  // the connection ends with it
    QObject::connect(&view, &ReviewView::runs_shown, &here, [&](int count) { shown = count; });
    view.run_list().table().clearSelection();
    for (const db::RunKey run : runs) view.run_list().choose(run);
    ASSERT_TRUE(wait_until([&] { return shown == static_cast<int>(runs.size()); }, 30'000)) << qPrintable(view.status());
  }
  ReviewView view;
};

TEST_F(Review, shows_the_last_run_of_a_record_at_once) {
  ASSERT_NO_FATAL_FAILURE(open());
  EXPECT_EQ(view.run_list().shown_count(), 3);
  EXPECT_EQ(view.run_list().chosen(), std::vector<db::RunKey>{3});
  EXPECT_GT(view.time_page().chart().window().span(), 3600);
}

// Somebody else's data are neither a measurement of this bench nor a simulation.
TEST_F(Review, names_in_the_title_what_is_no_measurement_of_this_bench) {
  ASSERT_NO_FATAL_FAILURE(open());
  EXPECT_TRUE(view.title().endsWith(QStringLiteral("SIMULATED"))) << qPrintable(view.title());
  QTemporaryDir folder;
  QFile data(folder.filePath(QStringLiteral("x.bdf.csv")));
  ASSERT_TRUE(data.open(QIODevice::WriteOnly));
  data.write("Test Time / s,Voltage / V,Current / A\n0,3.7,1\n1,3.7,1\n2,3.7,1\n");
  data.close();
  const QString db = folder.filePath(QStringLiteral("other.db"));
  ASSERT_EQ(QProcess::execute(QStringLiteral(CELLRIG_PROGRAM), {QStringLiteral("import"), data.fileName(), QStringLiteral("--db"),
                                                                db, QStringLiteral("--capacity"), QStringLiteral("5")}),
            0);
  view.open_record(db);
  EXPECT_TRUE(wait_until([&] { return view.title().endsWith(QStringLiteral("IMPORTED")); }, 30'000)) << qPrintable(view.title());
}

TEST_F(Review, finds_runs_by_cell_and_profile_by_keyboard) {
  ASSERT_NO_FATAL_FAILURE(open());
  view.run_list().cell_field().setFocus();
  QTest::keyClicks(&view.run_list().cell_field(), QStringLiteral("sn0042"));
  EXPECT_EQ(view.run_list().shown_count(), 1);
  view.run_list().cell_field().clear();
  QTest::keyClicks(&view.run_list().profile_field(), QStringLiteral("fast"));
  EXPECT_EQ(view.run_list().shown_count(), 1);
}

TEST_F(Review, lays_runs_over_each_other_and_shows_chosen_cycles) {
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(choose({1, 2}));
  int curves = -1, answers = 0;
  QObject::connect(&view.curve_page(), &CurvePage::curves_shown, [&](int count) {
    curves = count;
    ++answers;
  });
  QTest::qWait(300);
  EXPECT_EQ(answers, 0) << "nobody looks at them: not read at all";
  view.tabs().setCurrentIndex(2);
  view.curve_page().cycles_field().setFocus();
  view.curve_page().cycles_field().selectAll();
  QTest::keyClicks(&view.curve_page().cycles_field(), QStringLiteral("2, 4"));
  QTest::keyClick(&view.curve_page().cycles_field(), Qt::Key_Return);
  // Two runs, two cycles, two directions.
  EXPECT_TRUE(wait_until([&] { return curves == 8; }))
      << curves << " " << qPrintable(view.curve_page().note()) << qPrintable(view.curve_page().cycles_field().text());
}

TEST_F(Review, exports_what_the_command_line_exports) {
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(choose({1}));
  QTemporaryDir folder;
  const QString path = folder.filePath(QStringLiteral("cycles.csv"));
  bool is_done = false;
  QObject::connect(&view, &ReviewView::exported, [&](bool done) { is_done = done; });
  view.export_to(ReviewView::Export::cycles, path);
  ASSERT_TRUE(wait_until([&] { return is_done; })) << qPrintable(view.status());
  QFile file(path);
  ASSERT_TRUE(file.open(QIODevice::ReadOnly));
  EXPECT_EQ(file.readAll().count('\n'), 5);  // header and four cycles
}

TEST_F(Review, exports_battery_data_with_its_metadata_under_the_recommended_name) {
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(choose({1}));
  EXPECT_EQ(view.export_name(ReviewView::Export::battery_data_format).toStdString(), "cellrig__SN0041__20000101_001.bdf.csv");
  EXPECT_EQ(view.export_name(ReviewView::Export::cycles).toStdString(), "run-1.csv");
  QTemporaryDir folder;
  bool is_done = false;
  QObject::connect(&view, &ReviewView::exported, [&](bool done) { is_done = done; });
  view.export_to(ReviewView::Export::battery_data_format, folder.filePath(QStringLiteral("x.bdf.csv")));
  ASSERT_TRUE(wait_until([&] { return is_done; })) << qPrintable(view.status());
  QFile metadata(folder.filePath(QStringLiteral("x.bdf.metadata.json")));
  ASSERT_TRUE(metadata.open(QIODevice::ReadOnly)) << qPrintable(view.status());
  const QByteArray text = metadata.readAll();
  EXPECT_TRUE(text.contains("\"source_type\":\"simulation\""));
  EXPECT_TRUE(text.contains("\"method\":[{")) << "the steps that the profile asked for";
}

TEST_F(Review, an_export_is_cancelled_by_the_button_that_began_it) {
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(choose({1}));
  QTemporaryDir folder;
  const QString path = folder.filePath(QStringLiteral("x.csv"));
  int answers = 0, written = 0;
  QObject::connect(&view, &ReviewView::exported, [&](bool done) {
    ++answers;
    written += done ? 1 : 0;
  });
  constexpr int exports = 30;  // one after the other: those that wait are not begun when the button is pressed
  for (int i = 0; i < exports; ++i) view.export_to(ReviewView::Export::samples, path + QString::number(i));
  EXPECT_EQ(view.export_button().text(), QStringLiteral("Cancel &export"));
  QTest::mouseClick(&view.export_button(), Qt::LeftButton);
  ASSERT_TRUE(wait_until([&] { return answers == exports; }));
  EXPECT_LT(written, exports);
  EXPECT_TRUE(view.status().contains(QStringLiteral("cancelled"))) << qPrintable(view.status());
  EXPECT_EQ(QDir(folder.path()).entryList(QDir::Files).size(), written);
  EXPECT_EQ(view.export_button().text(), QStringLiteral("&Export"));
}

TEST_F(Review, says_why_a_file_cannot_be_opened) {
  bool was_asked = false;
  QObject::connect(&view, &ReviewView::record_opened, [&](bool is_open) { was_asked = !is_open; });
  view.open_record(QStringLiteral("/nowhere/none.db"));
  ASSERT_TRUE(wait_until([&] { return was_asked; }));
  EXPECT_TRUE(view.status().contains(QStringLiteral("/nowhere/none.db"))) << qPrintable(view.status());
}

TEST_F(Review, copies_what_is_shown_as_an_image) {
  ASSERT_NO_FATAL_FAILURE(open());
  QTest::keyClick(&view, Qt::Key_C, Qt::ControlModifier | Qt::ShiftModifier);
  view.copy_as_image();
  EXPECT_FALSE(QApplication::clipboard()->image().isNull());
}

TEST_F(Review, zooms_by_wheel_and_key_and_comes_back) {
  ASSERT_NO_FATAL_FAILURE(open());
  TraceChart& chart = view.time_page().chart();
  const double whole = chart.window().span();
  QTest::keyClick(&chart.pane(0), Qt::Key_Plus);
  EXPECT_LT(chart.window().span(), whole);
  EXPECT_FALSE(chart.is_following());
  QTest::keyClick(&chart.pane(0), Qt::Key_Home);
  EXPECT_DOUBLE_EQ(chart.window().span(), whole);
}

// Looked at by people: the README and docs/pictures have some of them.
TEST_F(Review, has_its_picture_taken) {
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(choose({1}));
  const char* const names[] = {"time", "ageing", "curves", "cycles", "steps", "events"};
  for (int tab = 0; tab < view.tabs().count(); ++tab) {
    view.tabs().setCurrentIndex(tab);
    take_pictures(view, QStringLiteral("review-") + QLatin1String(names[tab]));
    EXPECT_EQ(clipped_texts(view).toStdString(), "");
  }
  ASSERT_NO_FATAL_FAILURE(choose({1, 2}));
  view.tabs().setCurrentIndex(0);
  take_pictures(view, QStringLiteral("review-overlay"));
  apply_theme(Theme::dark);
  ASSERT_NO_FATAL_FAILURE(choose({1}));
  for (int tab = 0; tab < view.tabs().count(); ++tab) {
    view.tabs().setCurrentIndex(tab);
    take_pictures(view, QStringLiteral("review-") + QLatin1String(names[tab]) + QStringLiteral("-dark"));
    EXPECT_EQ(clipped_texts(view).toStdString(), "");
  }
  apply_theme(Theme::light);
}

}  // namespace
}  // namespace cellrig::ui::test
