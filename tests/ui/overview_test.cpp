// A run of very many rows in Review: what it looks like is there before its rows are.
#include <QTabWidget>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>

#include "db/recorder.hpp"
#include "tests/ui/screen.hpp"
#include "ui/chart/trace_chart.hpp"
#include "ui/review/loaded_run.hpp"
#include "ui/review/review_view.hpp"
#include "ui/review/time_page.hpp"

namespace cellrig::ui::test {
namespace {

constexpr int long_steps = 30, long_rows_a_step = 10'000;
constexpr double spike_V = 4.321;

/// One of its rows stands out.
void write_record(const QString& file, int steps, int rows_a_step) {
  auto recorder = db::Recorder::open({.path = file.toStdString(), .commit = db::CommitPolicy::simulated()}).value();
  db::RunRow run{.channel = "ch1", .cell_name = "cell", .profile_name = "life", .time_source = "virtual"};
  const db::RunKey key = recorder->begin_run(run);
  std::int64_t now_ns = 0;
  for (int count = 1; count <= steps; ++count) {
    db::StepRow step{.step = recorder->next_step_key(), .run = key, .step_count = count, .name = "charge", .type = "CC_CHG"};
    step.started_test_time_ns = now_ns;
    recorder->begin_step(step);
    db::SampleRow row{.step = step.step, .flags = db::sample_flag::output_on};
    for (int i = 0; i < rows_a_step; ++i) {
      row.test_time_ns = now_ns += 1'000'000'000;
      row.voltage_V = count == 7 && i == rows_a_step / 3 ? spike_V : 3.7 + 0.1 * std::sin(0.001 * i);
      row.current_A = 2.5;
      row.cell_temperature_degC = 25;
      row.ambient_temperature_degC = std::numeric_limits<double>::quiet_NaN();
      recorder->append(row);
    }
    recorder->end_step({.step = step.step, .ended_test_time_ns = now_ns, .reason = "condition"});
  }
  recorder->end_run({.run = key, .ended_test_time_ns = now_ns, .status = "completed"});
  if (!recorder->close()) throw std::runtime_error("no record");
}

/// 300,000 rows.
const QString& long_record() {
  static QTemporaryDir folder;
  static const QString path = [] {
    const QString file = folder.filePath(QStringLiteral("long.db"));
    write_record(file, long_steps, long_rows_a_step);
    return file;
  }();
  return path;
}

std::pair<double, double> least_and_most(const Trace& trace) {
  std::pair<double, double> range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const Point& p : trace.points(*trace.extent(), 2000)) {
    range.first = std::min(range.first, p.y);
    range.second = std::max(range.second, p.y);
  }
  return range;
}

TEST(Overview, of_a_long_run_has_the_extent_and_the_extremes_of_its_rows) {
  const auto reader = db::Reader::open(long_record().toStdString()).value();
  const auto overview = load_overview(*reader, 1).value();
  ASSERT_NE(overview, nullptr);
  EXPECT_TRUE(overview->is_overview);
  EXPECT_EQ(overview->steps.size(), static_cast<std::size_t>(long_steps));
  const auto whole = load_run(*reader, 1, [] { return false; }).value();
  EXPECT_FALSE(whole->is_overview);
  EXPECT_EQ(overview->traces.voltage_V->extent(), whole->traces.voltage_V->extent());
  EXPECT_EQ(least_and_most(*overview->traces.voltage_V), least_and_most(*whole->traces.voltage_V));
  EXPECT_DOUBLE_EQ(least_and_most(*overview->traces.voltage_V).second, spike_V);
  EXPECT_TRUE(overview->traces.ambient_temperature_degC->is_empty()) << "nothing measured it";
}

TEST(Overview, is_shown_first_and_a_zoom_into_it_stays_when_the_rows_come) {
  ReviewView view;
  int shown = 0;
  double zoomed = 0;
  QObject::connect(&view, &ReviewView::runs_shown, &view, [&](int) {
    TraceChart& chart = view.time_page().chart();
    if (++shown > 1) return;
    EXPECT_TRUE(view.title().contains(QStringLiteral("an overview"))) << qPrintable(view.title());
    QTest::keyClick(&chart.pane(0), Qt::Key_Plus);
    zoomed = chart.window().span();
  });
  view.open_record(long_record());
  show_in(view, small_screen);
  ASSERT_TRUE(wait_until([&] { return shown == 2; }, 60'000)) << shown << qPrintable(view.status());
  EXPECT_FALSE(view.title().contains(QStringLiteral("an overview")));
  EXPECT_DOUBLE_EQ(view.time_page().chart().window().span(), zoomed);
}

/// CPU time that the window's thread takes between two looks at its events: what others do with the processor is not in it.
class Stalls : public QObject {
 public:
  Stalls() {
    last_ms_ = cpu_ms();
    startTimer(1);
  }
  [[nodiscard]] double worst_ms() const { return worst_ms_; }

 protected:
  void timerEvent(QTimerEvent*) override {
    const double now_ms = cpu_ms();
    worst_ms_ = std::max(worst_ms_, now_ms - last_ms_);
    last_ms_ = now_ms;
  }

 private:
  static double cpu_ms() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
  }
  double last_ms_ = 0, worst_ms_ = 0;
};

// Months of short steps: the emergency stop beside it must answer while such a run is read and shown.
TEST(Overview, and_reading_of_a_run_of_very_many_steps_never_hold_the_window_up) {
  const QTemporaryDir folder;
  const QString file = folder.filePath(QStringLiteral("steps.db"));
  constexpr int steps = 30'000, rows_a_step = 20;
  write_record(file, steps, rows_a_step);
  ReviewView view;
  show_in(view, small_screen);
  for (int tab = 0; tab < view.tabs().count(); ++tab) {
    view.tabs().setCurrentIndex(tab);
    QTest::qWait(50);
    const Stalls stalls;
    int shown = 0;
    const QObject here;
    QObject::connect(&view, &ReviewView::runs_shown, &here, [&](int) { ++shown; });
    tab == 0 ? view.open_record(file) : view.refresh();
    ASSERT_TRUE(wait_until([&] { return shown == 2; }, 60'000)) << shown << qPrintable(view.status());
    QTest::qWait(50);
    constexpr double longest_ms = 200;
    std::printf("tab %d: %.0f ms of CPU at most between two looks at the window's events\n", tab, stalls.worst_ms());
    EXPECT_LT(stalls.worst_ms(), longest_ms) << qPrintable(view.tabs().tabText(tab));
  }
}

}  // namespace
}  // namespace cellrig::ui::test
