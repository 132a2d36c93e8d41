// The three families of tests from the library, from start to verdict in virtual time: counts, capacities against the truth,
// coulombic efficiency, and a cycle table that can be computed again from the rows.
#include "db/analysis/cycle_table.hpp"
#include "db/analysis/metrics.hpp"
#include "tests/scenario/scenario_support.hpp"

#include <fstream>
#include <sstream>

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr double truth_tolerance = 1e-3;       // of a capacity: the instrument's own accuracy is 0.1 %
constexpr double same_table_tolerance = 1e-9;  // with every observation recorded

/// A profile of the library, with every observation recorded.
std::string library_profile(const std::string& path, bool record_all) {
  std::ifstream stream{std::string(CELLRIG_SOURCE_DIR) + "/profiles/library/" + path};
  std::ostringstream text;
  text << stream.rdbuf();
  std::string all = text.str();
  for (const std::string rule : {"every_s: 60", "every_s: 10", "every_s: 5", "every_s: 1"}) {
    for (std::size_t at = all.find(rule); record_all && at != std::string::npos; at = all.find(rule, at))
      all.replace(at, rule.size(), "every_s: 0");
  }
  return all;
}

std::string chamber_bench(const std::string& cell) {
  return "bench: family\ninstruments:\n"
         "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
         "  f4t: {model: watlow-f4t, modbus: \"192.0.2.12:502\"}\n"
         "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
         "chambers:\n  oven: {instrument: f4t}\n"
         "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}, ambient_temperature: {logger: adam, "
         "input: 1}, chamber: oven}\n"
         "simulation:\n  cells:\n    ch1: {file: lg-m50, " +
         cell + "}\n  room_temperature_degC: 25\n";
}

const db::StepInfo* step_named(const std::vector<db::StepInfo>& steps, const std::string& name) {
  const db::StepInfo* last = nullptr;
  for (const db::StepInfo& step : steps) {
    if (step.row.name == name) last = &step;
  }
  return last;
}

std::vector<db::EventRow> criteria_of(BenchHarness& bench) {
  std::vector<db::EventRow> found;
  for (const db::EventRow& event : events_of(bench, "ch1")) {
    if (event.kind.starts_with("criterion")) found.push_back(event);
  }
  return found;
}

void expect_the_same_table_twice(BenchHarness& bench, double tolerance) {
  const db::RunKey run = run_of(bench, "ch1").run;
  const std::vector<db::CycleRow> live = bench.record().cycles(run).value();
  const std::vector<db::CycleRow> again = db::recompute_cycles(bench.record(), run).value();
  EXPECT_EQ(live.size(), again.size());
  EXPECT_THAT(db::compare_cycles(live, again, tolerance), testing::IsEmpty());
  const db::RunMetrics stored = db::stored_metrics(bench.record(), run).value();
  EXPECT_GT(stored.steps.size(), bench.record().steps(run).value().size());
  EXPECT_THAT(db::compare_metrics(stored, db::recompute_metrics(bench.record(), run).value(), tolerance), testing::IsEmpty());
}

/// What the engine counted from every observation, against what the meter of the record counted from the rows.
void expect_the_engine_to_agree(BenchHarness& bench) {
  const db::RunKey run = run_of(bench, "ch1").run;
  std::map<db::StepKey, std::map<db::Figure, double>> figures;
  for (const db::StepMetricRow& row : bench.record().step_metrics(run).value()) {
    if (row.metric.at == 0) figures[row.step][row.metric.figure] = row.metric.value;
  }
  for (const db::StepInfo& step : bench.record().steps(run).value()) {
    if (!step.end || !figures[step.row.step].contains(db::Figure::cv_time_s)) continue;
    SCOPED_TRACE(step.row.name);
    const double moved_Ah = step.end->charge_Ah + step.end->discharge_Ah;
    EXPECT_NEAR(figures[step.row.step][db::Figure::cv_time_s], step.end->cv_time_s, 1e-6);
    EXPECT_NEAR(figures[step.row.step][db::Figure::cv_charge_share] * moved_Ah, step.end->cv_charge_Ah, 1e-6);
    EXPECT_NEAR(figures[step.row.step][db::Figure::cell_temperature_max_degC], step.end->cell_temperature_max_degC.value_or(0),
                1e-9);
  }
}

TEST(Family, fast_charge_window_measures_the_time_and_judges_the_claim) {
  BenchHarness bench(
      {.bench = chamber_bench("soc_pct: 50"),
       .profiles = {{"ch1", library_profile("fast-charge/fast-charge-window.yaml", true)}},
       .settings = {{"reference_cycles", "1"}, {"rest_min", "10"}, {"window_rest_min", "10"}, {"charge_time_max_min", "30"}}});
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  const std::vector<db::StepInfo> steps = bench.record().steps(run_of(bench, "ch1").run).value();
  const db::StepInfo* const fast = step_named(steps, "fast charge");
  const db::StepInfo* const reference = step_named(steps, "reference discharge");
  ASSERT_TRUE(fast != nullptr && fast->end && reference != nullptr && reference->end);
  const double minutes = static_cast<double>(fast->end->ended_test_time_ns - fast->row.started_test_time_ns) / 60e9;
  const std::vector<db::EventRow> criteria = criteria_of(bench);
  ASSERT_EQ(criteria.size(), 1u);
  EXPECT_NEAR(criteria.front().value.value_or(0), minutes, 1.0 / 60);
  EXPECT_EQ(bench.result("ch1").criteria_met, minutes <= 30) << minutes;
  EXPECT_NEAR(fast->end->charge_Ah, 0.75 * reference->end->discharge_Ah, 0.005) << "15 to 90 % of the capacity just measured";
  EXPECT_EQ(bench.record().cycles(run_of(bench, "ch1").run).value().size(), 2u);
  expect_the_same_table_twice(bench, same_table_tolerance);
  expect_the_engine_to_agree(bench);
}

TEST(Family, cold_discharge_delivers_less_and_never_charges_cold) {
  BenchHarness bench({.bench = chamber_bench("soc_pct: 50"),
                      .profiles = {{"ch1", library_profile("cold-weather/cold-discharge.yaml", false)}},
                      .settings = {{"rest_min", "10"}, {"soak_min", "20"}}});
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  const std::vector<db::StepInfo> steps = bench.record().steps(run_of(bench, "ch1").run).value();
  const db::StepInfo* const cold = step_named(steps, "cold discharge");
  const db::StepInfo* const warm = step_named(steps, "warm reference discharge");
  ASSERT_TRUE(cold != nullptr && cold->end && warm != nullptr && warm->end);
  EXPECT_LT(cold->end->cell_temperature_min_degC.value_or(99), -18.0);
  EXPECT_LT(cold->end->discharge_Ah, warm->end->discharge_Ah);
  EXPECT_NEAR(warm->end->discharge_Ah, 4.9, 0.1);
  const std::vector<db::EventRow> criteria = criteria_of(bench);
  ASSERT_EQ(criteria.size(), 2u);
  EXPECT_NEAR(criteria[0].value.value_or(0), 100 * cold->end->discharge_Ah / warm->end->discharge_Ah, 1e-6);
  EXPECT_NEAR(criteria[1].value.value_or(0), 100 * cold->end->discharge_Wh / warm->end->discharge_Wh, 1e-6);
  for (const db::SampleRow& row : samples_of(bench, "ch1"))
    EXPECT_FALSE(row.current_A > 0.05 && row.cell_temperature_degC < 20.0);
  EXPECT_GT(bench.truth("ch1").surface_temperature_degC, 20.0) << "warmed up again at the end";
}

TEST(Family, cycle_life_counts_its_cycles_and_its_table_can_be_computed_again) {
  BenchHarness bench({.bench = chamber_bench("soc_pct: 50"),
                      .profiles = {{"ch1", library_profile("cycle-life/cycle-life.yaml", true)}},
                      .settings = {{"cycles_per_block", "3"},
                                   {"blocks_max", "1"},
                                   {"rest_min", "5"},
                                   {"charge_rate_C", "1"},
                                   {"discharge_rate_C", "1"}}});
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  EXPECT_TRUE(bench.result("ch1").criteria_met);
  const db::RunKey run = run_of(bench, "ch1").run;
  const std::vector<db::CycleRow> cycles = bench.record().cycles(run).value();
  ASSERT_EQ(cycles.size(), 5u);  // reference, 3, reference
  for (std::size_t i = 0; i < cycles.size(); ++i) {
    EXPECT_EQ(cycles[i].cycle, static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(cycles[i].is_reference, i == 0 || i == 4) << i;
    if (i == 0) continue;  // begins half full
    EXPECT_NEAR(cycles[i].coulombic_efficiency.value_or(0), 1.0, i == 1 || i == 4 ? 0.05 : 0.005) << "cycle " << i + 1;
    EXPECT_LT(cycles[i].energy_efficiency.value_or(2), 1.0) << i;
  }
  EXPECT_NEAR(cycles[4].retention.value_or(0), 1.0, 2 * truth_tolerance) << "this cell does not age";
  expect_the_same_table_twice(bench, same_table_tolerance);
  // What the record says went through the cell is what the world saw.
  double through_Ah = 0;
  for (const db::StepInfo& step : bench.record().steps(run).value()) through_Ah += step.end->charge_Ah + step.end->discharge_Ah;
  EXPECT_NEAR(through_Ah / 2 / 4.97769, bench.truth("ch1").equivalent_full_cycles, 5 * truth_tolerance);
}

// A cell that loses 0.35 % in each full cycle has lost a fifth after some 60: the run ends at the reference test after that.
TEST(Family, cycle_life_ends_when_the_retention_falls_below_the_limit) {
  BenchHarness bench({.bench = chamber_bench("soc_pct: 50, fade_per_cycle_pct: 0.35"),
                      .profiles = {{"ch1", library_profile("cycle-life/cycle-life.yaml", false)}},
                      .settings = {{"cycles_per_block", "9"},
                                   {"blocks_max", "20"},
                                   {"rest_min", "1"},
                                   {"charge_rate_C", "2"},
                                   {"discharge_rate_C", "1.5"},
                                   {"cutoff_rate_C", "0.2"},
                                   {"reference_rate_C", "1"}},
                      .control_period = 2s});
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  EXPECT_FALSE(bench.result("ch1").criteria_met);
  const std::vector<db::CycleRow> cycles = bench.record().cycles(run_of(bench, "ch1").run).value();
  ASSERT_GT(cycles.size(), 10u);
  EXPECT_GE(cycles.size(), 41u);
  EXPECT_LE(cycles.size(), 81u);
  std::printf("  80 %% after %zu cycles, %.1f equivalent full cycles\n", cycles.size(),
              bench.truth("ch1").equivalent_full_cycles);
  EXPECT_TRUE(cycles.back().is_reference);
  EXPECT_NEAR(cycles.back().retention.value_or(0), bench.truth("ch1").capacity_Ah / 4.97769, 0.015)
      << "what the world knows of the cell";
  EXPECT_LT(cycles.back().retention.value_or(1), 0.8);
  double last_retention = 2;
  for (const db::CycleRow& cycle : cycles) {
    if (!cycle.retention) continue;
    EXPECT_LT(*cycle.retention, last_retention);
    last_retention = *cycle.retention;
    EXPECT_TRUE(*cycle.retention >= 0.8 || cycle.cycle == cycles.back().cycle) << "ended too late";
  }
  const std::vector<db::EventRow> criteria = criteria_of(bench);
  ASSERT_FALSE(criteria.empty());
  EXPECT_EQ(criteria.back().kind, "criterion not met");
}

}  // namespace
}  // namespace cellrig::test
