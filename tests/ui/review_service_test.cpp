// Review over the interface of a service: the same pictures, tables and files as of the database itself.
#include <QDir>
#include <QPushButton>
#include <QFile>
#include <QProcess>
#include <QTcpServer>
#include <QTcpSocket>
#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <memory>

#include <gtest/gtest.h>

#include "db/recorder.hpp"
#include "tests/ui/recorded_runs.hpp"
#include "tests/ui/screen.hpp"
#include "ui/chart/trace_chart.hpp"
#include "ui/main_window.hpp"
#include "ui/model/table_view.hpp"
#include "ui/review/curve_page.hpp"
#include "ui/review/file_record.hpp"
#include "ui/review/review_view.hpp"
#include "ui/review/run_list.hpp"
#include "ui/review/service_record.hpp"
#include "ui/review/time_page.hpp"
#include "ui/simulated_bench.hpp"

namespace cellrig::ui::test {
namespace {

const IsCancelled never = [] { return false; };

QByteArray bytes_of(const QString& path) {
  QFile file(path);
  return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

/// `cellrig serve` on a copy of a record.
class Service {
 public:
  explicit Service(const QString& record = recorded_runs()) {
    QFile::copy(record, database());
    process_.setProcessChannelMode(QProcess::ForwardedErrorChannel);
    process_.start(QStringLiteral(CELLRIG_PROGRAM),
                   {QStringLiteral("serve"), QStringLiteral("--simulated"), QStringLiteral("--idle"), QStringLiteral("--quiet"),
                    QStringLiteral("--db"), database(), QStringLiteral("--listen"), QStringLiteral("127.0.0.1:0"),
                    QStringLiteral("--ready-file"), folder_.filePath(QStringLiteral("ready.json"))});
    (void)wait_until([this] { return QFile::exists(folder_.filePath(QStringLiteral("ready.json"))); }, 20'000);
    const auto found = address_of_ready_file(bytes_of(folder_.filePath(QStringLiteral("ready.json"))));
    if (found) address_ = *found;
  }
  ~Service() {
    process_.terminate();
    process_.waitForFinished();
  }
  [[nodiscard]] const ServiceAddress& address() const { return address_; }
  [[nodiscard]] QString database() const { return folder_.filePath(QStringLiteral("bench.db")); }

 private:
  QTemporaryDir folder_;
  QProcess process_;
  ServiceAddress address_;
};

/// One process for all tests.
const Service& service() {
  static const Service one;
  return one;
}

class ReviewOfService : public testing::Test {
 protected:
  ReviewOfService() : file(*FileRecord::open(service().database().toStdString())), over_http(service().address()) {}
  std::unique_ptr<RecordSource> file;
  ServiceRecord over_http;
  QTemporaryDir folder;
};

void expect_same_extremes(const Trace& a, const Trace& b, const char* what) {
  ASSERT_EQ(a.is_empty(), b.is_empty()) << what;
  if (a.is_empty()) return;
  EXPECT_NEAR(a.extent()->from, b.extent()->from, 1e-6) << what;
  EXPECT_NEAR(a.extent()->to, b.extent()->to, 1e-6) << what;
  const auto extremes = [](const Trace& trace) {
    std::pair<double, double> found{1e300, -1e300};
    for (const Point& p : trace.points(*trace.extent(), 200)) found = {std::min(found.first, p.y), std::max(found.second, p.y)};
    return found;
  };
  EXPECT_DOUBLE_EQ(extremes(a).first, extremes(b).first) << what;
  EXPECT_DOUBLE_EQ(extremes(a).second, extremes(b).second) << what;
}

TEST_F(ReviewOfService, lists_the_same_runs_with_origin_and_end) {
  const auto expected = file->runs(never), got = over_http.runs(never);
  ASSERT_TRUE(expected);
  ASSERT_TRUE(got) << got.error().what;
  ASSERT_EQ(got->runs.size(), expected->runs.size());
  for (std::size_t i = 0; i < expected->runs.size(); ++i) {
    const db::RunInfo &a = expected->runs[i], &b = got->runs[i];
    EXPECT_EQ(a.run, b.run);
    EXPECT_EQ(a.origin, b.origin);
    EXPECT_EQ(a.status, b.status);
    EXPECT_EQ(a.row.cell_id, b.row.cell_id);
    EXPECT_EQ(a.row.started_at.ns_since_epoch / 1'000'000, b.row.started_at.ns_since_epoch / 1'000'000);
    ASSERT_EQ(a.end.has_value(), b.end.has_value());
    EXPECT_EQ(a.end->criteria_met, b.end->criteria_met);
    EXPECT_EQ(a.end->reason, b.end->reason);
  }
}

TEST_F(ReviewOfService, shows_the_same_curves_cycles_steps_events_and_expectation) {
  for (const db::RunKey run : {1, 3}) {
    const auto whole = file->whole(run, never), got = over_http.whole(run, never);
    ASSERT_TRUE(whole);
    ASSERT_TRUE(got) << got.error().what;
    const LoadedRun &a = **whole, &b = **got;
    EXPECT_EQ(a.steps.size(), b.steps.size());
    EXPECT_EQ(a.events.size(), b.events.size());
    EXPECT_EQ(a.events.front().message, b.events.front().message);
    ASSERT_EQ(a.cycles.size(), b.cycles.size());
    for (std::size_t i = 0; i < a.cycles.size(); ++i) {
      EXPECT_DOUBLE_EQ(a.cycles[i].discharge_Ah, b.cycles[i].discharge_Ah);
      EXPECT_EQ(a.cycles[i].retention.has_value(), b.cycles[i].retention.has_value());
      EXPECT_DOUBLE_EQ(a.cycles[i].charge_time_s, b.cycles[i].charge_time_s);
    }
    expect_same_extremes(*a.traces.voltage_V, *b.traces.voltage_V, "voltage");
    expect_same_extremes(*a.traces.current_A, *b.traces.current_A, "current");
    expect_same_extremes(*a.traces.cell_temperature_degC, *b.traces.cell_temperature_degC, "temperature");
    expect_same_extremes(*a.traces.pressure_MPa, *b.traces.pressure_MPa, "pressure");
    if (!b.is_thinned) expect_same_extremes(*a.traces.expected_voltage_V, *b.traces.expected_voltage_V, "expected voltage");
    EXPECT_EQ(a.traces.expected_voltage_V->is_empty(), b.traces.expected_voltage_V->is_empty());
  }
}

// V-Q and dQ/dV are computed here, of rows that came through JSON: the same to the last digit where nothing was thinned out.
TEST_F(ReviewOfService, computes_the_same_curves_of_chosen_cycles) {
  const CurveOrder order{1, {1, 3}};
  const auto expected = file->curves(order, never), got = over_http.curves(order, never);
  ASSERT_TRUE(expected);
  ASSERT_TRUE(got) << got.error().what;
  ASSERT_EQ(got->size(), expected->size());
  ASSERT_EQ(got->size(), 4U);
  for (std::size_t i = 0; i < got->size(); ++i) {
    const CycleCurve &a = (*expected)[i], &b = (*got)[i];
    EXPECT_EQ(a.cycle, b.cycle);
    EXPECT_EQ(a.is_charge, b.is_charge);
    EXPECT_EQ(a.resampling, b.resampling);
    EXPECT_EQ(a.voltage_by_charge->count(), b.voltage_by_charge->count());
    expect_same_extremes(*a.voltage_by_charge, *b.voltage_by_charge, "V-Q");
    expect_same_extremes(*a.dq_dv, *b.dq_dv, "dQ/dV");
  }
}

TEST_F(ReviewOfService, reads_a_stretch_as_it_stands) {
  const StretchOrder order{1, {1000, 1600}};
  const auto got = over_http.stretch(order, never);
  ASSERT_TRUE(got) << got.error().what;
  EXPECT_GE((*got)->voltage_V->extent()->from, 999.9);
  EXPECT_LE((*got)->voltage_V->extent()->to, 1600.1);
  EXPECT_GT((*got)->voltage_V->count(), 10U);
}

TEST_F(ReviewOfService, exports_the_same_files) {
  const std::pair<ExportKind, const char*> kinds[] = {{ExportKind::samples, "s.csv"},
                                                      {ExportKind::cycles, "c.csv"},
                                                      {ExportKind::other_quantities, "o.csv"},
                                                      {ExportKind::battery_data_format, "x y.bdf.csv"}};
  QDir(folder.path()).mkdir(QStringLiteral("a"));
  QDir(folder.path()).mkdir(QStringLiteral("b"));
  for (const auto& [kind, name] : kinds) {
    const QString a = folder.filePath(QStringLiteral("a/") + QLatin1String(name)),
                  b = folder.filePath(QStringLiteral("b/") + QLatin1String(name));
    ASSERT_TRUE(file->write_export({1, kind, a.toStdString()}, never)) << name;
    const auto report = over_http.write_export({1, kind, b.toStdString()}, never);
    ASSERT_TRUE(report) << report.error().what;
    EXPECT_TRUE(bytes_of(a) == bytes_of(b)) << name;
    EXPECT_GT(report->bytes, 0U);
  }
  const QString metadata = QStringLiteral("/x y.bdf.metadata.json");
  EXPECT_EQ(bytes_of(folder.filePath(QStringLiteral("a") + metadata)).toStdString(),
            bytes_of(folder.filePath(QStringLiteral("b") + metadata)).toStdString());
  const auto refused = over_http.write_export({1, ExportKind::cycles, "/nowhere/at/all.csv"}, never);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("/nowhere/at/all.csv"), std::string::npos);
}

TEST_F(ReviewOfService, says_what_is_not_there_and_stops_when_nobody_wants_it) {
  EXPECT_EQ(over_http.whole(99, never).error().fault, Fault::refused);
  EXPECT_EQ(over_http.whole(1, [] { return true; }).error().fault, Fault::interrupted);
  ServiceAddress stranger = service().address();
  stranger.token = QStringLiteral("0000");
  EXPECT_EQ(ServiceRecord(stranger).runs(never).error().fault, Fault::refused);
  EXPECT_EQ(ServiceRecord({QUrl(QStringLiteral("http://127.0.0.1:1")), QStringLiteral("x")}).runs(never).error().fault,
            Fault::link_lost);
}

// What was cut off in the middle is no file: within a chunk, between two, and before the end of what had no length.
TEST(ServiceRecordExport, leaves_no_file_when_the_answer_breaks_off) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string answers[] = {chunked + "6\r\na,b\r\n1\r\n", chunked + "8\r\na,b\r\n1,2\r\n", chunked + "8\r\na,b",
                                 "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\na,b\r\n", chunked + "5\r\na,b\r\n\r\n0\r\n\r\n"};
  for (const std::string& answer : answers) {
    QTcpServer half;
    ASSERT_TRUE(half.listen(QHostAddress::LocalHost));
    QObject::connect(&half, &QTcpServer::newConnection, &half, [&half, &answer] {
      QTcpSocket* socket = half.nextPendingConnection();
      QObject::connect(socket, &QTcpSocket::readyRead, socket, [socket, &answer] {
        socket->readAll();
        socket->write(answer.data(), static_cast<qint64>(answer.size()));
        socket->disconnectFromHost();
      });
    });
    QTemporaryDir folder;
    const QString path = folder.filePath(QStringLiteral("x.csv"));
    ServiceRecord record({QUrl(QStringLiteral("http://127.0.0.1:%1").arg(half.serverPort())), QStringLiteral("x")});
    const auto report = record.write_export({1, ExportKind::cycles, path.toStdString()}, never);
    ASSERT_FALSE(report) << answer;
    EXPECT_EQ(report.error().fault, Fault::link_lost) << report.error().what;
    EXPECT_FALSE(QFile::exists(path));
  }
}

// In the window: nothing but the link to the service, from the list to the export.
TEST(ReviewWindow, reviews_the_bench_it_is_connected_to) {
  MainWindow window;
  show_in(window, small_screen);
  window.connect_to(service().address());
  ReviewView& review = window.review_view();
  int shown = 0;
  QObject::connect(&review, &ReviewView::runs_shown, &review, [&](int count) { shown = count; });
  QTest::mouseClick(&window.page_button(MainWindow::Page::review), Qt::LeftButton);
  ASSERT_TRUE(wait_until([&] { return shown == 1; }, 30'000)) << qPrintable(review.status());
  EXPECT_TRUE(review.shows_service());
  EXPECT_EQ(review.run_list().shown_count(), 3);
  shown = 0;
  review.run_list().table().clearSelection();
  for (const db::RunKey run : {1, 2}) review.run_list().choose(run);
  ASSERT_TRUE(wait_until([&] { return shown == 2; }, 30'000)) << qPrintable(review.status());
  int curves = 0;
  QObject::connect(&review.curve_page(), &CurvePage::curves_shown, &review, [&](int count) { curves = count; });
  review.tabs().setCurrentWidget(&review.curve_page());
  EXPECT_TRUE(wait_until([&] { return curves == 12; }, 30'000)) << curves;
  take_pictures(window, QStringLiteral("review-service"));
  EXPECT_TRUE(wait_until([&] { return clipped_texts(window).isEmpty(); })) << qPrintable(clipped_texts(window));
  QTemporaryDir folder;
  bool is_done = false;
  QObject::connect(&review, &ReviewView::exported, &review, [&](bool done) { is_done = done; });
  review.export_to(ExportKind::battery_data_format, folder.filePath(QStringLiteral("x.bdf.csv")));
  EXPECT_TRUE(wait_until([&] { return is_done; }, 30'000)) << qPrintable(review.status());
  EXPECT_TRUE(QFile::exists(folder.filePath(QStringLiteral("x.bdf.metadata.json"))));
}

/// A run of one charge with more rows than the service gives at once.
void record_long_charge(const std::string& path, int rows) {
  auto recorder = db::Recorder::open({.path = path, .commit = db::CommitPolicy::simulated()});
  ASSERT_TRUE(recorder);
  db::RunRow run;
  run.channel = "ch1";
  run.cell_name = "cell";
  run.profile_name = "slow";
  run.time_source = "virtual";
  run.nominal_capacity_Ah = 5;
  const db::RunKey key = (*recorder)->begin_run(run);
  db::StepRow step{.step = (*recorder)->next_step_key(), .run = key, .step_count = 1};
  step.cycle = 1;
  step.in_cycle = true;
  step.type = "CC_CHG";
  (*recorder)->begin_step(step);
  db::SampleRow row{.step = step.step};
  for (int i = 0; i < rows; ++i) {
    const double share = static_cast<double>(i) / rows;
    row.test_time_ns = i * 1'000'000'000LL;
    row.flags = db::sample_flag::output_on;
    row.voltage_V = 3.0 + 1.2 * share;
    row.current_A = 0.5;
    row.charge_Ah = 5.0 * share;
    (*recorder)->append(row);
  }
  (*recorder)->end_step({.step = step.step, .ended_test_time_ns = row.test_time_ns, .reason = "condition", .charge_Ah = 5.0});
  (*recorder)->append(db::CycleRow{.run = key, .cycle = 1, .charge_Ah = 5.0});
  (*recorder)->end_run({.run = key, .status = "completed"});
  ASSERT_TRUE((*recorder)->close());
}

// Who looks at dQ/dV must know when it is not made from every row.
TEST(ReviewLongStep, says_that_its_curves_are_thinned_out) {
  QTemporaryDir dir;
  const QString path = dir.filePath(QStringLiteral("long.db"));
  ASSERT_NO_FATAL_FAILURE(record_long_charge(path.toStdString(), 30'000));
  const Service long_service{path};
  ServiceRecord over_http{long_service.address()};
  const auto file = FileRecord::open(path.toStdString());
  ASSERT_TRUE(file);
  const CurveOrder order{.run = 1, .cycles = {1}};
  const auto whole = (*file)->curves(order, never), got = over_http.curves(order, never);
  ASSERT_TRUE(whole);
  ASSERT_TRUE(got) << got.error().what;
  ASSERT_EQ(whole->size(), 1U);
  ASSERT_EQ(got->size(), 1U);
  EXPECT_EQ(whole->front().thinning, "") << "of the file all rows are read";
  const std::string& thinning = got->front().thinning;
  EXPECT_NE(thinning.find("30,000 rows"), std::string::npos) << thinning;
  const auto middle = [](const CycleCurve& curve) {
    const std::vector<Point> points = curve.dq_dv->points(*curve.dq_dv->extent(), 200);
    return points.at(points.size() / 2).y;
  };
  EXPECT_NEAR(middle(got->front()), 5.0 / 1.2, 0.05);
  EXPECT_NEAR(middle(whole->front()), 5.0 / 1.2, 0.05);

  MainWindow window;
  show_in(window, small_screen);
  window.connect_to(long_service.address());
  ReviewView& review = window.review_view();
  QTest::mouseClick(&window.page_button(MainWindow::Page::review), Qt::LeftButton);
  ASSERT_TRUE(wait_until([&] { return review.run_list().shown_count() == 1; }, 30'000)) << qPrintable(review.status());
  review.run_list().choose(1);
  review.tabs().setCurrentWidget(&review.curve_page());
  EXPECT_TRUE(
      wait_until([&] { return review.curve_page().note().contains(QStringLiteral("Thinned out: cycle 1 from")); }, 30'000))
      << qPrintable(review.curve_page().note());
  EXPECT_TRUE(wait_until([&] { return clipped_texts(window).isEmpty(); })) << qPrintable(clipped_texts(window));
}

// Somebody opens a file of a colleague: it stays when the page is shown again, and a button leads back to the bench.
TEST(ReviewWindow, shows_a_file_until_somebody_goes_back_to_the_bench) {
  MainWindow window;
  show_in(window, small_screen);
  window.connect_to(service().address());
  ReviewView& review = window.review_view();
  window.open_record(recorded_runs());
  ASSERT_TRUE(wait_until([&] { return review.record_path() == recorded_runs(); }));
  window.show_page(MainWindow::Page::review);
  ASSERT_TRUE(wait_until([&] { return review.bench_button().isVisible(); }));
  window.show_page(MainWindow::Page::bench);
  window.show_page(MainWindow::Page::review);
  QTest::qWait(100);
  EXPECT_FALSE(review.shows_service());
  QTest::mouseClick(&review.bench_button(), Qt::LeftButton);
  EXPECT_TRUE(wait_until([&] { return review.shows_service(); }));
  EXPECT_FALSE(review.bench_button().isVisible());
  EXPECT_EQ(review.run_list().shown_count(), 3);
}

}  // namespace
}  // namespace cellrig::ui::test
