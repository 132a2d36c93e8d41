// The divergence watch on whole benches: cells that are not what their file says are told apart from those that are, and the record says by what.
#include "tests/scenario/divergence_fixture.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

// ---- what must be seen ----------------------------------------------------------------------------------------------

TEST(DivergenceScenario, a_cell_with_less_capacity_than_its_file_is_named_by_voltage_or_charge) {
  BenchHarness bench(compared(bench_with(as_declared + ", capacity_fraction: 0.9"), profile_with("", cycle)));
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), "completed") << "a warning stops nothing";
  EXPECT_TRUE(bench.result("ch1").criteria_met);
  const std::vector<db::EventRow> found = divergences_of(bench);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front().severity, db::Severity::warning);
  EXPECT_THAT(texts_of(found), HasSubstr("of step 'cc_discharge'"));
  EXPECT_TRUE(found.front().value && found.front().limit && *found.front().value < *found.front().limit) << texts_of(found);
  EXPECT_TRUE(bench.said("divergence: "));
}

// Its voltage stands far off for ten minutes before the end: with a band that wide only the charge tells.
TEST(DivergenceScenario, a_discharge_that_ends_early_is_told_by_its_charge) {
  BenchHarness bench(
      compared(bench_with(as_declared + ", capacity_fraction: 0.9"), profile_with("expect: {voltage_V: 2}\n", cycle)));
  bench.run();
  const std::vector<db::EventRow> found = divergences_of(bench);
  ASSERT_EQ(found.size(), 1U) << texts_of(found);
  EXPECT_THAT(found.front().message, HasSubstr("charge_Ah"));
  EXPECT_THAT(found.front().message, HasSubstr("at the end of step 'cc_discharge'"));
  EXPECT_LT(*found.front().value, *found.front().limit);
}

// At the start its charge is known to 10 %, which hides it; full is full.
TEST(DivergenceScenario, a_cell_with_more_resistance_than_its_file_is_seen_in_the_first_minute_of_a_discharge) {
  BenchHarness bench(compared(bench_with(as_declared + ", resistance_factor: 2"), profile_with("", cycle)));
  bench.run();
  const std::vector<db::EventRow> found = divergences_of(bench);
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found.front().message, HasSubstr("voltage_V"));
  EXPECT_THAT(found.front().message, HasSubstr("of step 'cc_discharge'"));
  const db::StepInfo discharged = bench.record().steps(1).value().at(2);
  EXPECT_LT(found.front().test_time_ns - discharged.row.started_test_time_ns, 60'000'000'000) << texts_of(found);
}

// Before the supervisor's own rule for rests, which knows nothing of the cell and looks for hours, could say so.
TEST(DivergenceScenario, a_soft_short_is_seen_in_a_rest_by_its_voltage) {
  BenchHarness bench(compared(bench_with(as_declared + ", short_ohm: 20"),
                              profile_with("expect: {temperature_K: 20}\n", charge + "  - rest: {for_h: 2}\n")));
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
  const std::vector<db::EventRow> found = divergences_of(bench);
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found.back().message, HasSubstr("voltage_V"));
  EXPECT_THAT(found.back().message, HasSubstr("of step 'rest'"));
}

TEST(DivergenceScenario, a_soft_short_is_seen_in_a_charge_that_goes_on_beyond_its_end) {
  BenchHarness bench(compared(bench_with(as_declared + ", short_ohm: 20"),
                              profile_with("expect: {temperature_K: 20, voltage_V: 1}\n", cycle + charge)));
  bench.run();
  const std::vector<db::EventRow> found = divergences_of(bench);
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found.back().message, HasSubstr("charge_Ah"));
  EXPECT_THAT(found.back().message, HasSubstr("of step 'cccv_charge'"));
  EXPECT_GT(*found.back().value, *found.back().limit);
}

// It warms itself, with no current and in a rest.
TEST(DivergenceScenario, a_soft_short_is_seen_by_its_heat) {
  BenchHarness bench(compared(bench_with(as_declared + ", short_ohm: 20"), profile_with("", charge + "  - rest: {for_h: 1}\n")));
  bench.run();
  const std::vector<db::EventRow> found = divergences_of(bench);
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found.front().message, HasSubstr("cell_temperature_degC"));
  EXPECT_GT(*found.front().value, *found.front().limit);
}

// The declared cell in the wrong fixture: half as much heat gets away.
TEST(DivergenceScenario, a_cell_whose_fixture_conducts_less_is_warmer_than_foretold) {
  HarnessOptions options = compared(bench_with(as_declared), profile_with("", cycle));
  options.rehearsed_on = bench_with(as_declared + ", fixture: plates");
  BenchHarness bench(options);
  bench.run();
  const std::vector<db::EventRow> found = divergences_of(bench);
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found.front().message, HasSubstr("cell_temperature_degC"));
  EXPECT_GT(*found.front().value, *found.front().limit);
}

TEST(DivergenceScenario, is_said_once_in_each_step) {
  BenchHarness bench(compared(bench_with(as_declared + ", resistance_factor: 3"), profile_with("", cycle)));
  bench.run();
  EXPECT_LE(divergences_of(bench).size(), 4U) << texts_of(divergences_of(bench));
}

// ---- stop -----------------------------------------------------------------------------------------------------------

TEST(DivergenceScenario, stops_the_channel_in_order_when_the_profile_says_so) {
  BenchHarness bench(
      compared(bench_with(as_declared + ", resistance_factor: 2"), profile_with("expect: {on_divergence: stop}\n", cycle)));
  bench.run();
  expect_ended(bench, "ch1", Outcome::stopped, "stopped by a divergence: voltage_V");
  EXPECT_FALSE(bench.result("ch1").criteria_met);
  EXPECT_FALSE(run_of(bench, "ch1").end->criteria_met);
  EXPECT_EQ(divergences_of(bench).size(), 1U);
}

// Found when the last step is over: the run has come to its end, and is not passed.
TEST(DivergenceScenario, of_the_last_step_s_charge_leaves_the_run_without_its_criteria) {
  BenchHarness bench(compared(bench_with(as_declared + ", capacity_fraction: 0.9"),
                              profile_with("expect: {voltage_V: 2, on_divergence: stop}\n", charge + rest + discharge)));
  bench.run();
  EXPECT_FALSE(bench.result("ch1").criteria_met);
  EXPECT_FALSE(run_of(bench, "ch1").end->criteria_met);
  EXPECT_THAT(bench.result("ch1").reason, HasSubstr("charge_Ah"));
  EXPECT_FALSE(bench.output_is_on("ch1"));
}

// ---- what must not be taken for one, in the same profiles as what must be seen --------------------------------------

struct Ordinary {
  std::string name, cell;
};

std::string name_of(const testing::TestParamInfo<Ordinary>& p) { return p.param.name; }

HarnessOptions cycled(const std::string& cell) {
  HarnessOptions options = compared(bench_with(cell), "cccv-cycle");
  options.settings = {{"cycles", "2"}, {"discharge_rate_C", "1"}};
  return options;
}

HarnessOptions pulsed(const std::string& cell) {
  HarnessOptions options = compared(bench_in_chamber_with(cell), "hppc");
  options.rehearsed_on = bench_in_chamber_with(as_declared);
  options.settings = {{"rest_h", "0.5"}};
  return options;
}

HarnessOptions discharged_cold(const std::string& cell) {
  HarnessOptions options = compared(bench_in_chamber_with(cell), "cold-discharge");
  options.rehearsed_on = bench_in_chamber_with(as_declared);
  options.settings = {{"capacity_ratio_min_pct", "10"}, {"energy_ratio_min_pct", "10"}};
  return options;
}

std::string said_of(const HarnessOptions& options) {
  BenchHarness bench(options);
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
  EXPECT_FALSE(bench.record().expected_curves(1).value().empty()) << "it was compared";
  return texts_of(divergences_of(bench));
}

class OrdinaryCell : public testing::TestWithParam<Ordinary> {};

TEST_P(OrdinaryCell, cycles_without_a_word) { EXPECT_EQ(said_of(cycled(GetParam().cell)), ""); }

INSTANTIATE_TEST_SUITE_P(Variation, OrdinaryCell,
                         testing::Values(Ordinary{"as_declared", "soc_pct: 50"},
                                         Ordinary{"less_capacity", "soc_pct: 50, capacity_fraction: 0.99"},
                                         Ordinary{"more_resistance", "soc_pct: 50, resistance_factor: 1.05"},
                                         Ordinary{"emptier", "soc_pct: 45"}, Ordinary{"fuller", "soc_pct: 55"}),
                         name_of);

class OrdinaryCellInEveryWay : public testing::TestWithParam<Ordinary> {};

TEST_P(OrdinaryCellInEveryWay, cycles_without_a_word) { EXPECT_EQ(said_of(cycled(GetParam().cell)), ""); }
TEST_P(OrdinaryCellInEveryWay, is_pulsed_without_a_word) { EXPECT_EQ(said_of(pulsed(GetParam().cell)), ""); }
TEST_P(OrdinaryCellInEveryWay, is_discharged_in_the_cold_without_a_word) {
  EXPECT_EQ(said_of(discharged_cold(GetParam().cell)), "");
}

INSTANTIATE_TEST_SUITE_P(Variation, OrdinaryCellInEveryWay,
                         testing::Values(Ordinary{"weaker", "soc_pct: 45, capacity_fraction: 0.99, resistance_factor: 1.05"},
                                         Ordinary{"stronger", "soc_pct: 55, capacity_fraction: 1.01, resistance_factor: 0.95"}),
                         name_of);

// A real bench measures ten times as often as it was rehearsed.
TEST(DivergenceScenario, of_an_ordinary_cell_is_not_made_by_measuring_more_often) {
  HarnessOptions options =
      compared(bench_with("soc_pct: 52"),
               profile_with("",
                            "  - cc_discharge: {rate_C: 1, until: capacity_pct >= 15, at_most_h: 1}\n  - rest: {for_min: 10}\n"
                            "  - cc_charge: {rate_C: 1, until: capacity_pct >= 10, at_most_h: 1}\n  - rest: {for_min: 10}\n"));
  options.control_period = control_period;
  EXPECT_EQ(said_of(options), "");
}

TEST(DivergenceScenario, of_a_weak_cell_is_seen_in_these_profiles_too) {
  EXPECT_THAT(said_of(cycled(as_declared + ", capacity_fraction: 0.9")), HasSubstr("of step 'cc_discharge'"));
  EXPECT_THAT(said_of(pulsed(as_declared + ", capacity_fraction: 0.9")), HasSubstr("of step 'capacity discharge'"));
  EXPECT_THAT(said_of(discharged_cold(as_declared + ", resistance_factor: 2")), HasSubstr("of step 'cold discharge'"));
}

// ---- the record, and going on ---------------------------------------------------------------------------------------

TEST(DivergenceScenario, the_record_holds_the_curves_that_the_run_was_compared_with) {
  BenchHarness bench(compared(bench_with(as_declared), profile_with("", cycle)));
  bench.run();
  const std::vector<db::ExpectedCurveRow> curves = bench.record().expected_curves(1).value();
  ASSERT_EQ(curves.size(), 4U);
  EXPECT_EQ(curves[0].coordinate, "charge_Ah");
  EXPECT_EQ(curves[1].coordinate, "step_time_s");
  EXPECT_NEAR(curves[1].ends_at.value(), 1800, 2);
  const std::vector<db::StepInfo> steps = bench.record().steps(1).value();
  for (std::size_t i = 0; i < curves.size(); ++i) {
    EXPECT_EQ(curves[i].step_id, steps[i].row.step_id);
    EXPECT_EQ(curves[i].execution, 1);
    EXPECT_LE(curves[i].points.size(), 200U);
    EXPECT_GE(curves[i].points.size(), 2U);
  }
  EXPECT_NEAR(curves[2].ends_at.value(), steps[2].end->discharge_Ah, 0.05) << "the rehearsed cell ages, a little";
}

TEST(DivergenceScenario, a_run_without_a_rehearsal_has_no_curves) {
  HarnessOptions options = compared(bench_with(as_declared + ", resistance_factor: 2"), profile_with("", charge));
  options.rehearsed_on.clear();
  BenchHarness bench(options);
  bench.run();
  EXPECT_TRUE(bench.record().expected_curves(1).value().empty());
  EXPECT_TRUE(divergences_of(bench).empty());
}

// Killed in a charge and on again after two hours, in which the cell has cooled and relaxed: that is in no curve.
TEST(DivergenceScenario, a_run_that_goes_on_is_compared_with_what_was_foretold_at_its_beginning) {
  using namespace std::chrono_literals;
  const auto killed_and_resumed = [](const std::string& cell) {
    auto bench =
        std::make_unique<BenchHarness>(compared(bench_with(cell), profile_with("on_interruption: resume\n", cycle + cycle)));
    EXPECT_TRUE(bench->run_until_killed({.samples = 40}));
    bench->resume(2h, InterruptionRule::resume);
    EXPECT_EQ(bench->resume_refusal(), "");
    EXPECT_EQ(to_string(bench->result("ch1").outcome), "completed") << bench->result("ch1").reason;
    return texts_of(divergences_of(*bench));
  };
  EXPECT_EQ(killed_and_resumed(as_declared), "");
  EXPECT_THAT(killed_and_resumed(as_declared + ", capacity_fraction: 0.9"), HasSubstr("cc_discharge"));
}

}  // namespace
}  // namespace cellrig::test
