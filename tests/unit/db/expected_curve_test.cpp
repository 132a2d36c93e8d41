// What a run is compared with: stored with it, read back, and part of what makes two records the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/digest.hpp"
#include "db/expected_points.hpp"
#include "db/migrations.hpp"
#include "db/reader.hpp"
#include "db/verify.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::TempDir;

const double unknown = std::nan("");

ExpectedCurveRow a_curve(RunKey run, std::int64_t step_id, std::int64_t execution, double voltage_V = 3.7) {
  return {run, step_id, execution, "charge_Ah", 4.9, {{0, voltage_V, 25.125, 24}, {4.9, 4.2, unknown, unknown}}};
}

TEST(ExpectedPoints, read_back_as_they_were_to_what_can_be_measured) {
  const std::vector<ExpectedPointRow> points{{0, 3.700004, 25.0304, 25}, {0.1, 3.71, unknown, -12.5}};
  const std::string text = points_text(points);
  EXPECT_EQ(text, "[[0,3.7,25.03,25],[0.1,3.71,null,-12.5]]");
  const std::vector<ExpectedPointRow> read = must(points_of(text));
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].voltage_V, 3.7);
  EXPECT_TRUE(std::isnan(read[1].cell_temperature_degC));
  EXPECT_EQ(read[1].around_degC, -12.5);
  EXPECT_EQ(points_text(read), text);
  EXPECT_EQ(points_text({}), "[]");
  EXPECT_TRUE(must(points_of("[]")).empty());
}

TEST(ExpectedPoints, that_cellrig_did_not_write_are_refused) {
  for (const char* const text : {"", "{}", "[1]", "[[1,2,3]]", "[[1,2,3,4,5]]", "[[null,2,3,4]]", "[[1,\"2\",3,4]]",
                                 "[[2,3,4,5],[1,3,4,5]]", "[[1,2,3,4]", "[[1e999,2,3,4]]"}) {
    EXPECT_FALSE(points_of(text)) << text;
  }
}

TEST(ExpectedCurve, is_read_back_by_step_and_execution_for_its_run_only) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(test::simulated(path)));
  Player first(*recorder, a_run("1"));
  Player second(*recorder, a_run("2"));
  recorder->expected({{a_curve(first.run, 3, 9), a_curve(first.run, 3, 1), a_curve(second.run, 0, 1)}, {}});
  recorder->expected({{{first.run, 1, 1, "step_time_s", std::nullopt, {}}}, {}});
  must(recorder->close());
  auto reader = must(Reader::open(path));
  const std::vector<ExpectedCurveRow> rows = must(reader->expected_curves(first.run));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].coordinate, "step_time_s");
  EXPECT_FALSE(rows[0].ends_at.has_value());
  EXPECT_TRUE(rows[0].points.empty());
  EXPECT_EQ(rows[1].execution, 1);
  EXPECT_EQ(rows[2].execution, 9);
  EXPECT_EQ(rows[2].ends_at, 4.9);
  EXPECT_EQ(rows[2].points[0].cell_temperature_degC, 25.125);
  EXPECT_EQ(must(reader->expected_curves(second.run)).size(), 1U);
  EXPECT_TRUE(must(reader->expected_curves(77)).empty());
}

TEST(ExpectedWay, is_read_back_by_step_and_way_in_the_order_it_was_met_and_belongs_to_the_record) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(test::simulated(path)));
  Player player(*recorder, a_run());
  recorder->expected({{},
                      {{player.run, 3, "b", "2.1", 9},
                       {player.run, 3, "a", "", 1},
                       {player.run, 3, "b", "10.1", 12},
                       {player.run, 1, "a", "", 1}}});
  must(recorder->close());
  const std::vector<ExpectedWayRow> rows = must(must(Reader::open(path))->expected_ways(player.run));
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].step_id, 1);
  EXPECT_EQ(rows[1].way, "a");
  EXPECT_EQ(rows[2].passes, "2.1");
  EXPECT_EQ(rows[3].passes, "10.1");
  EXPECT_EQ(rows[3].execution, 12);
  EXPECT_TRUE(must(must(Reader::open(path))->expected_ways(77)).empty());
  EXPECT_TRUE(must(verify_record(path)).is_intact());
}

TEST(StepExpectation, says_with_which_curve_a_step_was_compared_and_belongs_to_the_record) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(test::simulated(path)));
  const RunKey run = recorder->begin_run(a_run());
  for (const std::optional<std::int64_t> compared_with : {std::optional<std::int64_t>{}, std::optional<std::int64_t>{4}}) {
    StepRow step{.step = recorder->next_step_key(), .run = run, .step_count = compared_with ? 2 : 1, .name = "charge"};
    step.compared_with = compared_with;
    recorder->begin_step(step);
  }
  must(recorder->close());
  const std::vector<StepInfo> steps = must(must(Reader::open(path))->steps(run));
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_FALSE(steps[0].row.compared_with.has_value());
  EXPECT_EQ(steps[1].row.compared_with, 4);
  EXPECT_TRUE(must(verify_record(path)).is_intact());
}

// A real disk is slow, and a full queue ends every run on the bench: these rows are not what fills it.
TEST(ExpectedWay, more_of_them_than_the_queue_has_places_do_not_fill_the_queue_of_a_real_record) {
  constexpr std::int64_t count = (1 << 16) + 1;
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(test::real(path)));
  Player player(*recorder, a_run());
  ExpectedRows rows;
  for (std::int64_t i = 0; i < count; ++i) rows.ways.push_back({player.run, 3, "00000000000000a1", std::to_string(i), i + 1});
  recorder->expected(std::move(rows));
  EXPECT_FALSE(recorder->failed()) << recorder->failure();
  must(recorder->close());
  EXPECT_EQ(must(must(Reader::open(path))->expected_ways(player.run)).size(), static_cast<std::size_t>(count));
}

std::string digest_with(const std::optional<double>& voltage_V) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  auto recorder = must(Recorder::open(test::simulated(path)));
  Player player(*recorder, a_run());
  if (voltage_V) recorder->expected({{a_curve(player.run, 3, 1, *voltage_V)}, {}});
  player.step({});
  must(recorder->close());
  EXPECT_TRUE(must(verify_record(path)).is_intact());
  return must(record_digest(path));
}

TEST(ExpectedCurve, belongs_to_what_makes_two_records_the_same) {
  EXPECT_EQ(digest_with(3.7), digest_with(3.7));
  EXPECT_NE(digest_with(3.7), digest_with(3.71));
  EXPECT_NE(digest_with(3.7), digest_with(std::nullopt));
}

// A record of the version before goes on, with all that is in it.
TEST(ExpectedCurve, gets_its_table_in_an_older_record_that_keeps_its_chain) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  {
    Connection connection = must(Connection::open(path, OpenMode::write));
    must(migrate(connection, migrations().first(3), path));
  }
  auto recorder = must(Recorder::open(test::simulated(path)));
  Player player(*recorder, a_run());
  recorder->expected({{a_curve(player.run, 3, 1)}, {}});
  must(recorder->close());
  EXPECT_EQ(must(must(Reader::open(path))->expected_curves(player.run)).size(), 1U);
  EXPECT_TRUE(must(verify_record(path)).is_intact());
}

}  // namespace
}  // namespace cellrig::db
