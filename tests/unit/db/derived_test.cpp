// What is derived from the rows while they are written: roll-ups and figures. It must follow from the rows alone.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>

#include "db/analysis/cycle_summary.hpp"
#include "db/analysis/metrics.hpp"
#include "db/analysis/overview.hpp"
#include "db/verify.hpp"
#include "tests/db/record_play.hpp"

namespace cellrig::db {
namespace {

using test::a_run;
using test::must;
using test::Player;
using test::simulated;
using test::TempDir;

void expect_same(const LeastMost& a, const LeastMost& b) {
  EXPECT_EQ(a.least, b.least);
  EXPECT_EQ(a.most, b.most);
}

/// Every roll-up says of its rows what they say, and each row of an ended step lies in exactly one.
void expect_rollups_follow(Reader& reader, RunKey run, std::uint64_t rows_not_rolled_up) {
  std::vector<RollupRow> rollups;
  must(reader.for_each_rollup(run, [&rollups](const RollupRow& row) {
    rollups.push_back(row);
    return true;
  }));
  std::vector<RollupRow> again(rollups.size());
  std::uint64_t outside = 0;
  must(reader.for_each_sample(run, [&](const SampleView& sample) {
    int found = 0;
    for (std::size_t i = 0; i < rollups.size(); ++i) {
      const RollupRow& r = rollups[i];
      if (r.step != sample.row.step || sample.rowid <= r.rowid_before || sample.rowid > r.rowid_last) continue;
      ++found;
      again[i].include(sample.row);
    }
    EXPECT_LE(found, 1) << "row " << sample.rowid;
    outside += found == 0 ? 1 : 0;
    return true;
  }));
  EXPECT_EQ(outside, rows_not_rolled_up);
  for (std::size_t i = 0; i < rollups.size(); ++i) {
    EXPECT_EQ(rollups[i].rows, again[i].rows);
    EXPECT_LE(rollups[i].rows, rollup_rows);
    EXPECT_EQ(rollups[i].from_test_time_ns, again[i].from_test_time_ns);
    EXPECT_EQ(rollups[i].to_test_time_ns, again[i].to_test_time_ns);
    expect_same(rollups[i].voltage_V, again[i].voltage_V);
    expect_same(rollups[i].current_A, again[i].current_A);
    expect_same(rollups[i].cell_temperature_degC, again[i].cell_temperature_degC);
    expect_same(rollups[i].ambient_temperature_degC, again[i].ambient_temperature_degC);
  }
}

void expect_metrics_follow(Reader& reader, RunKey run) {
  const RunMetrics stored = must(stored_metrics(reader, run));
  EXPECT_FALSE(stored.steps.empty());
  EXPECT_FALSE(stored.cycles.empty());
  for (const std::string& difference : compare_metrics(stored, must(recompute_metrics(reader, run)), 1e-9)) {
    ADD_FAILURE() << difference;
  }
}

TEST(Derived, follows_from_the_rows_of_two_channels_at_once) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  Player a(*recorder, a_run("1")), b(*recorder, a_run("2"));
  for (int cycle = 0; cycle < 3; ++cycle) {
    a.play_cycle(700);
    b.play_cycle(300);
  }
  const Player::StepPlan plan{.type = "CC_CHG", .current_A = 2.0, .in_cycle = false};
  a.begin_step(plan);
  b.begin_step(plan);
  for (int i = 0; i < 1000; ++i) {
    a.sample(plan);
    if (i % 3 == 0) b.sample(plan);
  }
  a.end_step();
  must(recorder->close());
  auto reader = must(Reader::open(dir.file("a.db")));
  expect_rollups_follow(*reader, a.run, 0);
  expect_rollups_follow(*reader, b.run, 334 - 256);  // its step has not ended
  expect_metrics_follow(*reader, a.run);
  expect_metrics_follow(*reader, b.run);
  EXPECT_TRUE(must(verify_record(dir.file("a.db"))).is_intact());
}

// A process that goes on with a run half way through a cycle must not forget the first half.
TEST(Derived, follows_from_the_rows_of_a_run_that_was_interrupted) {
  const TempDir dir;
  const std::string path = dir.file("a.db");
  const Player::StepPlan charge{.type = "CC_CHG", .current_A = 2.5, .samples = 400};
  const Player::StepPlan discharge{.type = "CC_DCH", .current_A = -2.5, .samples = 400};
  auto first = must(Recorder::open(simulated(path)));
  Player player(*first, a_run());
  player.play_cycle(300);
  player.cycle = 2;
  player.begin_step(charge);
  for (int i = 0; i < 300; ++i) player.sample(charge);
  must(first->close());  // nobody ended the step
  auto second = must(Recorder::open(simulated(path)));
  second->resume_run(player.run, "jane", "lab-7");
  StepRow part;
  part.step = second->next_step_key();
  part.run = player.run;
  part.step_count = player.step_count;
  part.cycle = 2;
  part.in_cycle = true;
  part.type = "CC_CHG";
  part.started_test_time_ns = player.now_ns;
  second->begin_step(part);
  StepEndRow end{.step = part.step, .reason = "condition"};
  for (int i = 1; i <= 500; ++i) {
    SampleRow row{.step = part.step, .test_time_ns = player.now_ns + i * 1'000'000'000LL, .flags = sample_flag::output_on};
    if (i == 1) row.flags |= sample_flag::after_gap;
    row.voltage_V = 3.8 + 1e-4 * i;
    row.current_A = 2.5;
    row.charge_Ah = 2.5 * (i - 1) / 3600;
    row.charge_Wh = 3.8 * row.charge_Ah;
    second->append(row);
    end.ended_test_time_ns = row.test_time_ns;
    end.charge_Ah = row.charge_Ah;
    end.charge_Wh = row.charge_Wh;
  }
  second->end_step(end);
  CycleRow cycle{.run = player.run, .cycle = 2};
  second->append(cycle);
  must(second->close());
  auto reader = must(Reader::open(path));
  expect_rollups_follow(*reader, player.run, 0);
  RunMetrics stored = must(stored_metrics(*reader, player.run));
  // The engine's sums of the cycle are no part of this test: what the meter itself counted is.
  const auto by_meter = [](const CycleMetricRow& row) {
    return row.metric.figure == Figure::cycle_temperature_mean_degC || row.metric.figure == Figure::charge_time_to_share_s ||
           row.metric.figure == Figure::cycle_cv_charge_share;
  };
  const RunMetrics again = must(recompute_metrics(*reader, player.run));
  std::map<std::pair<std::int64_t, double>, double> live;
  for (const CycleMetricRow& row : stored.cycles) {
    if (row.cycle == 2 && by_meter(row)) live[{static_cast<std::int64_t>(row.metric.figure), row.metric.at}] = row.metric.value;
  }
  EXPECT_GE(live.size(), 3U);
  for (const CycleMetricRow& row : again.cycles) {
    if (row.cycle != 2 || !by_meter(row)) continue;
    const auto found = live.find({static_cast<std::int64_t>(row.metric.figure), row.metric.at});
    ASSERT_NE(found, live.end()) << definition_of(row.metric.figure).name;
    EXPECT_NEAR(found->second, row.metric.value, 1e-9) << definition_of(row.metric.figure).name;
  }
  stored.cycles.clear();
  RunMetrics steps_again = again;
  steps_again.cycles.clear();
  for (const std::string& difference : compare_metrics(stored, steps_again, 1e-9)) ADD_FAILURE() << difference;
}

TEST(Derived, every_figure_stands_with_its_definition) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  Player player(*recorder, a_run());
  player.play_cycle();
  must(recorder->close());
  auto reader = must(Reader::open(dir.file("a.db")));
  std::map<std::int64_t, StoredDefinition> defined;
  for (const StoredDefinition& d : must(reader->stored_definitions())) defined[d.figure] = d;
  const RunMetrics stored = must(stored_metrics(*reader, player.run));
  for (const CycleMetricRow& row : stored.cycles) {
    const Definition& meant = definition_of(row.metric.figure);
    EXPECT_EQ(defined[static_cast<std::int64_t>(row.metric.figure)].text, meant.text) << meant.name;
    EXPECT_EQ(defined[static_cast<std::int64_t>(row.metric.figure)].unit, meant.unit) << meant.name;
  }
}

/// What is stored with each cycle of a life, by figure and `at`.
using LifeOfCycles = std::map<std::int64_t, std::map<std::pair<Figure, double>, double>>;
LifeOfCycles stored_life(Reader& reader, RunKey run) {
  LifeOfCycles life;
  for (const CycleMetricRow& row : must(reader.cycle_metrics(run)))
    life[row.cycle][{row.metric.figure, row.metric.at}] = row.metric.value;
  return life;
}

/// Every third cycle is a reference cycle; the fourth is odd, and from the sixth on each is shorter by more.
void play_fading(Player& player, int from, int to) {
  constexpr std::array<int, 12> samples{400, 398, 396, 300, 394, 390, 385, 375, 355, 350, 310, 300};
  for (int i = from; i < to; ++i) {
    player.is_reference_cycle = i % 3 == 0;
    player.play_cycle(samples[static_cast<std::size_t>(i)]);
  }
}

void expect_life_as_on_reading(Reader& reader, RunKey run) {
  const LifeOfCycles life = stored_life(reader, run);
  const CycleSummary every = must(summarise(reader, run));
  const CycleSummary references = must(summarise(reader, run, {.source = CapacitySource::reference_cycles}));
  const CycleSummary nominal = must(summarise(reader, run, {.reference = {.kind = ReferenceKind::rated, .rated_Ah = 5}}));
  ASSERT_EQ(every.cycles.size(), 12U);
  std::map<double, double> to_share, references_to_share;
  for (std::size_t i = 0; i < every.cycles.size(); ++i) {
    const auto& stored = life.at(every.cycles[i].row.cycle);
    SCOPED_TRACE(every.cycles[i].row.cycle);
    EXPECT_DOUBLE_EQ(stored.at({Figure::equivalent_full_cycles_two_way, 0}), every.cycles[i].equivalent_full_cycles->two_way);
    EXPECT_DOUBLE_EQ(stored.at({Figure::equivalent_full_cycles_discharge, 0}), every.cycles[i].equivalent_full_cycles->discharge);
    EXPECT_DOUBLE_EQ(stored.at({Figure::retention_of_first, 0}), *every.cycles[i].retention);
    EXPECT_DOUBLE_EQ(stored.at({Figure::first_capacity_Ah, 0}), *every.reference_Ah) << "its reference stands beside it";
    EXPECT_DOUBLE_EQ(stored.at({Figure::retention_of_nominal, 0}), *nominal.cycles[i].retention);
    EXPECT_EQ(stored.contains({Figure::retention_of_first_reference, 0}), i % 3 == 0);
    if (i % 3 == 0) {
      EXPECT_DOUBLE_EQ(stored.at({Figure::retention_of_first_reference, 0}), *references.cycles[i].retention);
      EXPECT_DOUBLE_EQ(stored.at({Figure::first_reference_capacity_Ah, 0}), *references.reference_Ah);
    }
    for (const auto& [figure, value] : stored) {
      if (figure.first == Figure::cycles_to_share_of_first) {
        EXPECT_TRUE(to_share.emplace(figure.second, value).second) << "once";
      }
      if (figure.first == Figure::cycles_to_share_of_first_reference) {
        EXPECT_TRUE(references_to_share.emplace(figure.second, value).second) << "once";
      }
    }
  }
  for (std::size_t i = 0; i < end_of_life_shares.size(); ++i) {
    const auto expect_stored = [i](const std::map<double, double>& stored, const CycleSummary& summary) {
      const std::optional<std::int64_t> cycle = summary.cycles_to[i].confirmed_of_three;
      ASSERT_EQ(stored.contains(end_of_life_shares[i]), cycle.has_value()) << end_of_life_shares[i];
      if (cycle) {
        EXPECT_EQ(stored.at(end_of_life_shares[i]), static_cast<double>(*cycle));
      }
    };
    expect_stored(to_share, every);
    expect_stored(references_to_share, references);
  }
  EXPECT_EQ(to_share.at(0.90), 9) << "cycle 4 was an odd one";
  EXPECT_EQ(to_share.at(0.80), 11);
  EXPECT_EQ(references_to_share.at(0.95), 4) << "of the reference cycles 4 and 10 are below it, with one between";
}

TEST(Derived, a_life_is_stored_with_its_reference_as_it_is_lived) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  Player player(*recorder, a_run());
  play_fading(player, 0, 12);
  must(recorder->close());
  auto reader = must(Reader::open(dir.file("a.db")));
  expect_life_as_on_reading(*reader, player.run);
  expect_metrics_follow(*reader, player.run);
  std::map<std::string, std::string> meant;
  for (const StoredDefinition& d : must(reader->stored_definitions())) meant[d.name] = d.text;
  EXPECT_NE(meant["equivalent_full_cycles"].find("(charge + discharge) / (2 x nominal capacity)"), std::string::npos);
  EXPECT_NE(meant["retention_of_first"].find("discharge of the cycle / first_capacity_Ah"), std::string::npos);
  EXPECT_NE(meant["first_capacity_Ah"].find("the run's first cycle with any"), std::string::npos);
  EXPECT_NE(meant["cycles_to_share_of_first"].find("2 of 3"), std::string::npos);
}

// Whatever process stored a cycle: its reference is that of the run, and nothing was counted twice or not at all.
TEST(Derived, a_life_goes_on_in_another_process) {
  for (int cut = 1; cut < 12; ++cut) {
    SCOPED_TRACE("cut after cycle " + std::to_string(cut));
    const TempDir dir;
    auto first = must(Recorder::open(simulated(dir.file("a.db"))));
    Player player(*first, a_run());
    play_fading(player, 0, cut);
    must(first->close());
    auto second = must(Recorder::open(simulated(dir.file("a.db"))));
    Player next(*second, player);
    play_fading(next, cut, 12);
    must(second->close());
    auto reader = must(Reader::open(dir.file("a.db")));
    expect_life_as_on_reading(*reader, player.run);
    expect_metrics_follow(*reader, player.run);
  }
}

// Signs of a soft short look back over several cycles, also over those of another process.
TEST(Derived, signs_of_a_soft_short_go_on_in_another_process) {
  for (int cut = 1; cut < 8; ++cut) {
    SCOPED_TRACE("cut after cycle " + std::to_string(cut));
    const TempDir dir;
    auto first = must(Recorder::open(simulated(dir.file("a.db"))));
    Player player(*first, a_run());
    for (int cycle = 0; cycle < cut; ++cycle) player.play_cycle(60);
    must(first->close());
    auto second = must(Recorder::open(simulated(dir.file("a.db"))));
    Player next(*second, player);
    for (int cycle = cut; cycle < 8; ++cycle) next.play_cycle(60);
    must(second->close());
    auto reader = must(Reader::open(dir.file("a.db")));
    expect_metrics_follow(*reader, player.run);
    std::map<Figure, int> counts;
    for (const CycleMetricRow& row : must(stored_metrics(*reader, player.run)).cycles) ++counts[row.metric.figure];
    EXPECT_EQ(counts[Figure::charge_overrun], 7) << "all but the first";
    EXPECT_EQ(counts[Figure::resistance_ratio_least], 5) << "with three before it";
    EXPECT_EQ(counts[Figure::charge_slope_least_V_per_s], 8);
    EXPECT_EQ(counts[Figure::soft_short_score_of_all_signs], 8);
  }
}

// An older version did not write what it did not know: that is no difference.
TEST(Derived, a_figure_that_a_run_has_nowhere_is_not_missed) {
  const RunMetrics live{{}, {{1, {Figure::coulombic_efficiency, 0, 0.99}}, {2, {Figure::coulombic_efficiency, 0, 0.99}}}};
  RunMetrics again = live;
  again.cycles.push_back({1, {Figure::charge_overrun, 0, 1.0}});
  EXPECT_TRUE(compare_metrics(live, without_unknown(again, live), 1e-9).empty());
  EXPECT_EQ(compare_metrics(live, again, 1e-9).size(), 1U) << "who has just written it misses it";
  RunMetrics lacking = again;
  lacking.cycles.push_back({2, {Figure::charge_overrun, 0, 1.0}});
  EXPECT_EQ(compare_metrics(again, without_unknown(lacking, again), 1e-9).size(), 1U);
}

TEST(Derived, differences_are_told_by_name) {
  const RunMetrics live{{{7, {Figure::end_voltage_V, 0, 4.2}}}, {{1, {Figure::coulombic_efficiency, 0, 0.99}}}};
  const RunMetrics again{{{7, {Figure::end_voltage_V, 0, 4.1}}}, {}};
  const std::vector<std::string> differences = compare_metrics(live, again, 1e-9);
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences[0], "step 7: end_voltage_V was written as 4.2, the rows give 4.1");
  EXPECT_EQ(differences[1], "cycle 1: coulombic_efficiency was written, but does not follow from the rows");
}

// ---- the picture of a run ---------------------------------------------------------------------------------------------

LeastMost all_of(Reader& reader, RunKey run, const OverviewOptions& options) {
  LeastMost all;
  must(reader.for_each_sample(run, [&](const SampleView& sample) {
    if (sample.row.test_time_ns >= options.from_ns && sample.row.test_time_ns <= options.to_ns) all.include(sample.row.voltage_V);
    return true;
  }));
  return all;
}

LeastMost all_of(const Overview& overview) {
  LeastMost all;
  for (const OverviewPiece& piece : overview.pieces) all.include(piece.voltage_V);
  return all;
}

void expect_in_order(const Overview& overview) {
  for (std::size_t i = 1; i < overview.pieces.size(); ++i) {
    EXPECT_LE(overview.pieces[i - 1].to_ns, overview.pieces[i].from_ns);
  }
}

TEST(Overview, of_a_short_run_is_exact_and_has_a_piece_a_column) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  Player player(*recorder, a_run());
  for (int i = 0; i < 3; ++i) player.play_cycle(1000);
  must(recorder->close());
  auto reader = must(Reader::open(dir.file("a.db")));
  const Overview whole = must(overview(*reader, player.run, {.columns = 100}));
  EXPECT_FALSE(whole.is_from_rollups);
  EXPECT_EQ(whole.rows, player.samples_appended);
  EXPECT_LE(whole.pieces.size(), 102U);
  expect_in_order(whole);
  expect_same(all_of(whole), all_of(*reader, player.run, {}));
  const OverviewOptions window{.from_ns = 500'000'000'000, .to_ns = 900'000'000'000, .columns = 50};
  const Overview part = must(overview(*reader, player.run, window));
  EXPECT_EQ(part.rows, 401U);
  expect_same(all_of(part), all_of(*reader, player.run, window));
  EXPECT_TRUE(must(overview(*reader, player.run, {.from_ns = 1'000'000'000'000'000})).pieces.empty());
}

TEST(Overview, of_a_long_run_comes_from_its_roll_ups_and_keeps_every_extreme) {
  const TempDir dir;
  auto recorder = must(Recorder::open(simulated(dir.file("a.db"))));
  Player player(*recorder, a_run());
  player.play_cycle(80'000);
  const Player::StepPlan plan{.type = "CC_CHG", .current_A = 3.0};
  player.begin_step(plan);
  for (int i = 0; i < 300; ++i) player.sample(plan);  // 44 rows are not rolled up yet
  must(recorder->flush());
  auto reader = must(Reader::open(dir.file("a.db")));
  const Overview whole = must(overview(*reader, player.run, {.columns = 300}));
  EXPECT_TRUE(whole.is_from_rollups);
  EXPECT_EQ(whole.rows, player.samples_appended) << "the newest rows too";
  EXPECT_LE(whole.pieces.size(), 400U);
  expect_in_order(whole);
  expect_same(all_of(whole), all_of(*reader, player.run, {}));
  must(recorder->close());
}

}  // namespace
}  // namespace cellrig::db
