// What follows from the rows is what was written live: where the current turns round within a step, and where a step waits.
#include <fstream>

#include "db/analysis/cycle_summary.hpp"
#include "db/analysis/cycle_table.hpp"
#include "db/analysis/metrics.hpp"
#include "tests/scenario/scenario_support.hpp"
#include "tests/scenario/service_fixture.hpp"
#include "tests/support/service_harness.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr double rounding = 1e-9;  // with every observation recorded

std::vector<db::CycleRow> expect_the_rows_to_agree(db::Reader& record, db::RunKey run, double tolerance = rounding) {
  std::vector<db::CycleRow> live = record.cycles(run).value();
  EXPECT_FALSE(live.empty());
  EXPECT_THAT(db::compare_cycles(live, db::recompute_cycles(record, run).value(), tolerance), testing::IsEmpty());
  const db::RunMetrics stored = db::stored_metrics(record, run).value();
  EXPECT_THAT(db::compare_metrics(stored, db::recompute_metrics(record, run).value(), tolerance), testing::IsEmpty());
  return live;
}

double seconds_of(const db::StepInfo& step) {
  return static_cast<double>(step.end->ended_test_time_ns - step.row.started_test_time_ns) / 1e9;
}

std::map<double, double> figures_at(db::Reader& record, db::RunKey run, db::Figure figure) {
  std::map<double, double> found;
  for (const db::StepMetricRow& row : record.step_metrics(run).value()) {
    if (row.metric.figure == figure) found[row.metric.at] = row.metric.value;
  }
  for (const db::CycleMetricRow& row : record.cycle_metrics(run).value()) {
    if (row.metric.figure == figure) found[row.metric.at] = row.metric.value;
  }
  return found;
}

// A robot that sets down what it carries: between two rows the current turns round, or jumps.
TEST(Recomputed, a_drive_cycle_that_reverses_and_jumps_counts_as_it_was_counted_live) {
  const std::string folder = temporary_folder();
  std::ofstream{folder + "/duty.csv"} << "time_s,current_A\n0,-5\n7,2\n11,-1\n15,3\n18,-4.5\n20,0\n23,0\n";
  std::ofstream{folder + "/p.yaml"} << "profile: Duty\nformat: 1\nrecord: {every_s: 0}\nsteps:\n  - cycles:\n      times: 2\n"
                                       "      steps:\n        - drive_cycle: {file: duty.csv, times: 5}\n"
                                       "        - cc_charge: {rate_C: 1, until: step_time_s >= 20, at_most_h: 1}\n";
  BenchHarness bench({.profiles = {{"ch1", folder + "/p.yaml"}}});
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  const std::vector<db::CycleRow> cycles = expect_the_rows_to_agree(bench.record(), run_of(bench, "ch1").run);
  ASSERT_EQ(cycles.size(), 2u);
  EXPECT_GT(cycles[0].discharge_Ah, 0.04);
}

const std::string oven_steps =
    "format: 1\nrecord: {every_s: 0}\nsteps:\n  - cycles:\n      times: 1\n      steps:\n"
    "        - cc_charge: {rate_C: 0.5, until: capacity_pct >= 6, at_most_h: 1, temperature_degC: ";

// Whoever waits for its chamber charges nothing meanwhile.
TEST(Recomputed, a_charge_that_waits_for_its_chamber_takes_no_longer_for_it) {
  BenchHarness bench(
      {.bench = oven_for_two(),
       .profiles = {{"ch1", "profile: A\n" + oven_steps + "25}\n"}, {"ch2", "profile: B\n" + oven_steps + "35}\n"}}});
  bench.run();
  for (const std::string channel : {"ch1", "ch2"}) expect_ended(bench, channel, Outcome::completed, "");
  const db::RunKey first = run_of(bench, "ch1").run, second = run_of(bench, "ch2").run;
  const db::CycleRow alone = expect_the_rows_to_agree(bench.record(), first).front();
  const db::CycleRow waited = expect_the_rows_to_agree(bench.record(), second).front();
  EXPECT_GT(seconds_of(bench.record().steps(second).value().front()), 800) << "this test needs a wait";
  EXPECT_NEAR(waited.charge_time_s, alone.charge_time_s, 4);
  EXPECT_NEAR(figures_at(bench.record(), second, db::Figure::charge_time_to_share_s).at(0.05),
              figures_at(bench.record(), first, db::Figure::charge_time_to_share_s).at(0.05), 4);
  const auto window_s = [&bench](db::RunKey run) {
    const db::SummaryOptions options{.window = db::SocWindow{.from_pct = 1, .to_pct = 5, .reference_Ah = 5}};
    return db::summarise(bench.record(), run, options).value().cycles.front().window.value().seconds;
  };
  EXPECT_NEAR(window_s(second), window_s(first), 2);
  // A pulse out of a rest begins with its current, wherever the cell rested.
  const std::map<double, double> pulse = figures_at(bench.record(), second, db::Figure::dc_resistance_ohm);
  ASSERT_TRUE(pulse.contains(10) && pulse.contains(60));
  EXPECT_GT(pulse.at(60), pulse.at(10));
}

TEST(Recomputed, a_charge_that_a_person_paused_takes_no_longer_for_it) {
  const std::string text =
      "profile: Paused\nformat: 1\nrecord: {every_s: 0}\nsteps:\n  - cycles:\n      times: 1\n      steps:\n"
      "        - cc_charge: {rate_C: 0.5, until: step_time_s >= 120, at_most_h: 1}\n";
  ServiceHarness bench({.bench = oven_for_two(), .profiles = {{"paused", text}}});
  bench.open();
  const std::int64_t run = bench.start("ch1", "paused").value().run;
  bench.advance(40s);
  ASSERT_TRUE(bench.service().pause(bench.order("ch1")));
  bench.advance(300s);
  ASSERT_TRUE(bench.service().resume(bench.order("ch1")));
  ASSERT_TRUE(bench.advance_until([&] { return bench.status("ch1").condition == ChannelCondition::finished; }));
  bench.close();
  const db::CycleRow cycle = expect_the_rows_to_agree(bench.record(), run).front();
  EXPECT_GT(seconds_of(bench.record().steps(run).value().front()), 400);
  EXPECT_NEAR(cycle.charge_time_s, 120, 4);
}

// The process dies while the step waits, and its successor waits on.
TEST(Recomputed, a_wait_that_was_interrupted_is_none_of_the_charges_time) {
  HarnessOptions options{
      .bench = oven_for_two(),
      .profiles = {{"ch1", "profile: A\n" + oven_steps + "25}\n"}, {"ch2", "profile: B\n" + oven_steps + "35}\n"}}};
  BenchHarness bench(options);
  ASSERT_TRUE(bench.run_until_killed({.samples = 400}));
  bench.resume(20s, InterruptionRule::resume);
  ASSERT_EQ(bench.resume_refusal(), "");
  for (const std::string channel : {"ch1", "ch2"}) {
    ASSERT_EQ(to_string(bench.result(channel).outcome), "completed") << bench.result(channel).reason;
    const db::CycleRow cycle = expect_the_rows_to_agree(bench.record(), run_of(bench, channel).run, 1e-6).front();
    EXPECT_NEAR(cycle.charge_time_s, 432, 8) << channel << ": 6 % at half the nominal capacity an hour";
  }
}

}  // namespace
}  // namespace cellrig::test
