#include "db/reader.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "db/sqlite.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::simulated;
using test::TempDir;

/// Two channels whose rows alternate in the file.
struct TwoRuns {
  TempDir dir;
  std::string path = dir.file("a.db");
  RunKey first = 0, second = 0;
  StepKey last_step_of_first = 0;

  TwoRuns() {
    auto recorder = must(Recorder::open(simulated(path)));
    Player a(*recorder, a_run("1"));
    Player b(*recorder, a_run("2"));
    first = a.run;
    second = b.run;
    const Player::StepPlan charge{.type = "CC_CHG", .current_A = 1.0};
    const Player::StepPlan discharge{.type = "CC_DCH", .current_A = -2.0};
    for (int step = 0; step < 3; ++step) {
      a.begin_step(charge);
      b.begin_step(discharge);
      for (int i = 0; i < 100; ++i) {
        a.sample(charge);
        if (i % 2 == 0) b.sample(discharge);
        recorder->append(AuxRow{a.step_key(), a.now_ns, "surface_pressure_Pa", static_cast<double>(i)});
      }
      b.end_step();
      a.end_step();
    }
    last_step_of_first = a.step_key();
    must(recorder->close());
  }
};

// Rows of one channel must never be shown as another's.
TEST(Reader, keeps_interleaved_runs_apart) {
  const TwoRuns record;
  auto reader = must(Reader::open(record.path));
  std::int64_t index = 0;
  const SampleVisitor check_first = [&](const SampleView& s) {
    EXPECT_EQ(s.step.row.run, record.first);
    EXPECT_GT(s.row.current_A, 0);
    EXPECT_EQ(s.record_index, ++index);
    EXPECT_EQ(s.step_record_index, (index - 1) % 100 + 1);
    EXPECT_EQ(s.row.test_time_ns, index * 1'000'000'000);
    return true;
  };
  EXPECT_EQ(must(reader->for_each_sample(record.first, check_first)), 300U);
  EXPECT_EQ(must(reader->for_each_sample(record.second, [](const SampleView& s) { return s.row.current_A < 0; })), 150U);
  EXPECT_EQ(must(reader->for_each_aux(record.first, [](const AuxView&) { return true; })), 300U);
  EXPECT_EQ(must(reader->for_each_aux(record.second, [](const AuxView&) { return true; })), 0U);
}

TEST(Reader, reads_one_step_alone) {
  const TwoRuns record;
  auto reader = must(Reader::open(record.path));
  const auto visit = [&](const SampleView& s) { return s.row.step == record.last_step_of_first; };
  EXPECT_EQ(must(reader->for_each_sample_of_step(record.last_step_of_first, visit)), 100U);
}

// A live view asks for what is new.
TEST(Reader, reads_only_what_came_after) {
  const TwoRuns record;
  auto reader = must(Reader::open(record.path));
  std::vector<std::int64_t> rowids;
  must(reader->for_each_sample(record.first, [&](const SampleView& s) { return rowids.push_back(s.rowid), true; }));
  std::vector<std::int64_t> later;
  must(reader->for_each_sample_after(record.first, rowids[249],
                                     [&](const SampleView& s) { return later.push_back(s.rowid), true; }));
  EXPECT_EQ(later, std::vector<std::int64_t>(rowids.begin() + 250, rowids.end()));
  EXPECT_EQ(must(reader->for_each_sample_after(record.first, rowids.back(), [](const SampleView&) { return true; })), 0U);
}

TEST(Reader, stops_when_the_visitor_has_enough) {
  const TwoRuns record;
  auto reader = must(Reader::open(record.path));
  EXPECT_EQ(must(reader->for_each_sample(record.first, [](const SampleView& s) { return s.record_index < 3; })), 3U);
}

// What people see in sqlite3 or pandas is what our own exporters see.
TEST(Reader, agrees_with_the_view) {
  const TwoRuns record;
  auto reader = must(Reader::open(record.path));
  auto connection = must(Connection::open(record.path, OpenMode::read));
  auto view = must(connection.prepare(
      "SELECT test_time_second, charging_capacity_ah, net_energy_wh, step_count, record_index, cycle_cumulative_capacity_ah, "
      "unix_time_second FROM v_sample WHERE run = ? ORDER BY record_index"));
  view.bind_all(record.second);
  const SampleVisitor compare = [&](const SampleView& s) {
    EXPECT_TRUE(must(view.step("test")));
    const Sums& start = s.step.run_sums_at_start;
    EXPECT_EQ(view.real(0), static_cast<double>(s.row.test_time_ns) / 1e9);
    EXPECT_EQ(view.real(1), start.charge_Ah + s.row.charge_Ah);
    EXPECT_EQ(view.real(2), (start.charge_Wh + s.row.charge_Wh) - (start.discharge_Wh + s.row.discharge_Wh));
    EXPECT_EQ(view.integer(3), s.step.row.step_count);
    EXPECT_EQ(view.integer(4), s.rowid);
    EXPECT_EQ(view.real(5), s.step.cycle_sums_at_start.discharge_Ah + s.row.discharge_Ah);
    EXPECT_EQ(view.real(6), 946'684'800.0 + static_cast<double>(s.row.test_time_ns) / 1e9);
    return true;
  };
  EXPECT_EQ(must(reader->for_each_sample(record.second, compare)), 150U);
  EXPECT_FALSE(must(view.step("test")));
}

// The one thing that keeps the view usable at a hundred million rows: no scan of the whole sample table.
TEST(Reader, views_find_a_run_without_scanning_all_samples) {
  const TwoRuns record;
  auto connection = must(Connection::open(record.path, OpenMode::read));
  auto plan = must(connection.prepare("EXPLAIN QUERY PLAN SELECT voltage_volt FROM v_sample WHERE run = 1"));
  std::string text;
  while (must(plan.step("test"))) text += plan.text(3) + "\n";
  EXPECT_NE(text.find("SEARCH x USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"), std::string::npos) << text;
  EXPECT_NE(text.find("SEARCH s USING INDEX step_of_run"), std::string::npos) << text;
}

TEST(Reader, says_what_is_missing) {
  const TwoRuns record;
  auto reader = must(Reader::open(record.path));
  EXPECT_EQ(reader->run(99).error().what, "there is no run 99 in " + record.path);
  EXPECT_TRUE(must(reader->steps(99)).empty());
  EXPECT_EQ(must(reader->for_each_sample(99, [](const SampleView&) { return true; })), 0U);
  const auto missing = Reader::open(record.dir.file("none.db"));
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().what.find("No such file"), std::string::npos);
  std::ofstream(record.dir.file("empty.db"));
  const auto empty = Reader::open(record.dir.file("empty.db"));
  ASSERT_FALSE(empty);
  EXPECT_NE(empty.error().what.find("no record in it"), std::string::npos) << empty.error().what;
}

// A file name is not a URI.
TEST(Reader, opens_a_path_with_strange_characters) {
  const TempDir dir;
  const std::string path = dir.file("a b?%20#é.db");
  must(must(Recorder::open(simulated(path)))->close());
  EXPECT_TRUE(Reader::open(path));
}

// Columns are read in another way than rows: they must say the same, over several pages, beside another run, and of what was not measured.
TEST(Reader, columns_say_what_the_rows_say) {
  constexpr int rows = 20'000;  // three pages
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  Player a(*recorder, a_run("1"));
  Player b(*recorder, a_run("2"));
  a.begin_step({});
  b.begin_step({});
  for (int i = 0; i < rows; ++i) {
    SampleRow row{.step = a.step_key(), .test_time_ns = i};
    row.flags = static_cast<std::uint32_t>(i % 7);
    row.voltage_V = i % 5 == 0 ? 0.0 : 3.7 + 1e-6 * i;
    row.current_A = i % 3 - 1.0;
    row.cell_temperature_degC = i % 11 == 0 ? std::nan("") : i % 2 == 0 ? 0.0 : 25.0;
    recorder->append(row);
    if (i % 4 == 0) b.sample({});
  }
  must(recorder->close());
  auto reader = must(Reader::open(dir.file("a.db")));
  std::vector<SampleRow> expected;
  must(reader->for_each_sample(a.run, [&expected](const SampleView& s) {
    expected.push_back(s.row);
    return true;
  }));
  std::size_t at = 0, pages = 0;
  const auto compare = [&](const SampleColumns& page) {
    ++pages;
    for (std::size_t i = 0; i < page.step.size(); ++i, ++at) {
      const SampleRow& row = expected.at(at);
      const bool is_alike = page.step[i] == row.step && page.test_time_ns[i] == row.test_time_ns && page.flags[i] == row.flags &&
                            page.voltage_V[i] == row.voltage_V && page.current_A[i] == row.current_A;
      ASSERT_TRUE(is_alike) << at;
      const double temperature_degC = page.cell_temperature_degC[i];
      ASSERT_TRUE(temperature_degC == row.cell_temperature_degC ||
                  (std::isnan(temperature_degC) && std::isnan(row.cell_temperature_degC)))
          << at;
    }
  };
  EXPECT_EQ(must(reader->for_each_page(a.run, compare)), static_cast<std::uint64_t>(rows));
  EXPECT_EQ(at, static_cast<std::size_t>(rows));
  EXPECT_GE(pages, 3U);
}

TEST(Reader, taking_rows_without_a_taker_is_an_error) {
  const TempDir dir;
  Connection connection = must(Connection::open(dir.file("x.db"), OpenMode::write));
  const Result<std::string> none = connection.query_text("SELECT take(1, 2)");
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().what.find("take() without its taker"), std::string::npos) << none.error().what;
  EXPECT_FALSE(connection.query_text("SELECT take()"));
}

}  // namespace
}  // namespace cellrig::db
