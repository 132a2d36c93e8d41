// What follows from the rows is what was written live: also where the current turns round within a step.
#include <fstream>

#include "db/analysis/cycle_table.hpp"
#include "db/analysis/metrics.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

constexpr double rounding = 1e-9;  // with every observation recorded

std::vector<db::CycleRow> expect_the_rows_to_agree(db::Reader& record, db::RunKey run, double tolerance = rounding) {
  std::vector<db::CycleRow> live = record.cycles(run).value();
  EXPECT_FALSE(live.empty());
  EXPECT_THAT(db::compare_cycles(live, db::recompute_cycles(record, run).value(), tolerance), testing::IsEmpty());
  const db::RunMetrics stored = db::stored_metrics(record, run).value();
  EXPECT_THAT(db::compare_metrics(stored, db::recompute_metrics(record, run).value(), tolerance), testing::IsEmpty());
  return live;
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

}  // namespace
}  // namespace cellrig::test
