#include "db/analysis/cycle_table.hpp"

#include <gtest/gtest.h>

#include "db/analysis/metrics.hpp"
#include "db/sqlite.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::simulated;
using test::TempDir;

// The table an engineer judges a cell by follows from the raw rows.
TEST(CycleTable, recomputed_equals_what_was_written_live) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  Player player(*recorder, a_run());
  player.step({.type = "CC_CHG", .in_cycle = false});  // preparation belongs to no cycle
  for (int i = 0; i < 5; ++i) player.play_cycle(400 + i);
  player.end_run();
  must(recorder->close());
  auto reader = must(Reader::open(dir.file("a.db")));
  const std::vector<CycleRow> live = must(reader->cycles(player.run));
  const std::vector<CycleRow> recomputed = must(recompute_cycles(*reader, player.run));
  ASSERT_EQ(live.size(), 5U);
  ASSERT_EQ(recomputed.size(), 5U);
  for (const std::string& difference : compare_cycles(live, recomputed, 1e-9)) ADD_FAILURE() << difference;
  EXPECT_GT(live[4].charge_Ah, 0.25);
  EXPECT_NEAR(recomputed[4].retention.value(), 404.0 / 400.0, 0.01);
}

// A forged or damaged cycle row must show.
TEST(CycleTable, tells_what_differs) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  Player player(*recorder, a_run());
  player.play_cycle(50);
  must(recorder->close());
  auto reader = must(Reader::open(dir.file("a.db")));
  std::vector<CycleRow> live = must(reader->cycles(player.run));
  live[0].discharge_Ah += 1e-6;
  live[0].energy_efficiency.reset();
  const std::vector<std::string> differences = compare_cycles(live, must(recompute_cycles(*reader, player.run)), 1e-9);
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_NE(differences[0].find("discharge (Ah) was written as"), std::string::npos) << differences[0];
  EXPECT_EQ(differences[1], "cycle 1: energy efficiency was not written");
}

// Nobody knows what flowed while nobody measured.
TEST(CycleTable, does_not_integrate_across_a_gap_or_a_step_edge) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  Player player(*recorder, a_run());
  player.cycle = 1;
  const Player::StepPlan plan{.type = "CC_CHG", .current_A = 3.6};
  player.begin_step(plan);
  player.sample(plan);
  player.sample(plan);  // 1 s
  player.now_ns += 3'600'000'000'000;
  player.sample(plan, sample_flag::after_gap);
  player.sample(plan);  // 1 s
  player.end_step();
  player.now_ns += 3'600'000'000'000;
  player.begin_step(plan);
  player.sample(plan);
  player.sample(plan);  // 1 s
  player.end_step();
  must(recorder->close());
  auto reader = must(Reader::open(dir.file("a.db")));
  const std::vector<CycleRow> cycles = must(recompute_cycles(*reader, player.run));
  ASSERT_EQ(cycles.size(), 1U);
  EXPECT_NEAR(cycles[0].charge_Ah, 3 * 3.6 / 3600, 1e-5);
  EXPECT_EQ(cycles[0].coulombic_efficiency, 0.0);
}

// A cycle that has not ended has no row yet.
TEST(CycleTable, leaves_an_unfinished_cycle_out) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  Player player(*recorder, a_run());
  player.play_cycle();
  player.cycle = 2;
  player.step({});
  player.begin_step({});
  player.sample({});
  must(recorder->close());
  auto reader = must(Reader::open(dir.file("a.db")));
  EXPECT_EQ(must(recompute_cycles(*reader, player.run)).size(), 1U);
}

// A trip in the last cycle: its steps have ended, the cycle has not.
TEST(CycleTable, leaves_out_a_last_cycle_that_was_cut_off) {
  for (const char* const status : {"tripped", "stopped", "instrument failure"}) {
    const TempDir dir;
    auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
    Player player(*recorder, a_run());
    player.play_cycle();
    player.cycle = 2;
    player.step({});
    recorder->end_run({.run = player.run, .status = status});
    must(recorder->close());
    auto reader = must(Reader::open(dir.file("a.db")));
    EXPECT_EQ(must(recompute_cycles(*reader, player.run)).size(), 1U) << status;
  }
}

// What `cycles --recount` says.
TEST(CycleTable, recount_finds_a_changed_cycle_and_a_changed_figure) {
  const TempDir dir;
  const std::string file = dir.file("a.db");
  auto recorder = must(Recorder::open(simulated(file)));
  Player player(*recorder, a_run());
  player.play_cycle();
  player.play_cycle();
  player.end_run();
  must(recorder->close());
  EXPECT_EQ(must(recount(*must(Reader::open(file)), player.run, 1e-9)), std::vector<std::string>{});
  auto connection = must(Connection::open(file, OpenMode::write));
  must(connection.execute("UPDATE cycle SET discharge_Ah = discharge_Ah + 0.01 WHERE cycle = 2", "test"));
  must(connection.execute("UPDATE step_metric SET value = value + 0.5 WHERE rowid = (SELECT min(rowid) FROM step_metric)",
                          "test"));
  const std::vector<std::string> differences = must(recount(*must(Reader::open(file)), player.run, 1e-3));
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_NE(differences[0].find("cycle 2: discharge (Ah) was written as"), std::string::npos) << differences[0];
  EXPECT_NE(differences[1].find("step 1: "), std::string::npos) << differences[1];
}

// A thousandth of a milliohm, too: resistances and leaks are far below one in their units.
TEST(CycleTable, recount_finds_a_changed_figure_that_is_small_in_its_unit) {
  const TempDir dir;
  const std::string file = dir.file("a.db");
  auto recorder = must(Recorder::open(simulated(file)));
  Player player(*recorder, a_run());
  player.play_cycle();
  player.end_run();
  must(recorder->close());
  RunMetrics stored = must(stored_metrics(*must(Reader::open(file)), player.run));
  RunMetrics again = stored;
  stored.steps.push_back({1, {Figure::dc_resistance_ohm, 777.0, 0.0024}});
  again.steps.push_back({1, {Figure::dc_resistance_ohm, 777.0, 0.0015}});
  const std::vector<std::string> differences = compare_metrics(stored, again, 1e-3);
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_NE(differences[0].find("was written as 0.0024, the rows give 0.0015"), std::string::npos) << differences[0];
  again.steps.back().metric.value = 0.0024 * 1.0005;
  EXPECT_TRUE(compare_metrics(stored, again, 1e-3).empty()) << "half a thousandth";
  stored.steps.back().metric.value = 0.0;
  again.steps.back().metric.value = 1e-9;
  EXPECT_TRUE(compare_metrics(stored, again, 1e-3).empty()) << "rounding about zero";
  std::vector<CycleRow> live(1), counted(1);
  live[0].charge_Ah = 0.050;
  counted[0].charge_Ah = 0.0502;
  EXPECT_EQ(compare_cycles(live, counted, 1e-3).size(), 1U);
}

}  // namespace
}  // namespace cellrig::db
