// A run whose resume point nobody can read is closed with the criteria that its record tells: one that had failed is not passed by that.
#include "controller/runtime/resume.hpp"
#include "db/sqlite.hpp"
#include "tests/scenario/divergence_fixture.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

/// As if its process had died right before the end.
void take_end_away(BenchHarness& bench) {
  db::Connection connection = std::move(db::Connection::open(bench.database(), db::OpenMode::write).value());
  const std::string sql =
      "UPDATE run SET ended_test_time_ns = NULL, ended_utc_ns = NULL, status = 'running', reason = NULL, criteria_met = NULL";
  ASSERT_TRUE(connection.execute(sql, "taking the end away"));
}

bool criteria_by_record(BenchHarness& bench) { return find_interrupted(bench.record(), 1).value().criteria_met; }

HarnessOptions brief(const std::string& criteria) {
  const std::string move = "rate_C: 1, until: capacity_Ah >= 0.02, at_most_h: 1";
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
      "  - cc_charge: {" +
      move +
      "}\n"
      "  - cc_discharge: {" +
      move +
      ", measure: reference}\n"
      "  - cc_charge: {" +
      move +
      "}\n"
      "  - cc_discharge: {" +
      move + ", measure: test}\n" + criteria + "  - rest: {for_h: 1}\n";
  return {.bench = "single", .profiles = {{"ch1", profile}}};
}

TEST(CriteriaByRecord, are_those_that_were_judged) {
  for (const bool is_met : {true, false}) {
    BenchHarness bench(brief(is_met ? "  - require: capacity_ratio_pct >= 50\n" : "  - require: capacity_ratio_pct >= 150\n"));
    bench.at(200s, [&bench] { bench.bench_run().stop(Outcome::stopped, "stopped by a person"); });
    bench.run();
    EXPECT_EQ(run_of(bench, "ch1").end->criteria_met, is_met);
    EXPECT_EQ(criteria_by_record(bench), is_met);
    take_end_away(bench);
    EXPECT_EQ(criteria_by_record(bench), is_met);
  }
}

TEST(CriteriaByRecord, are_not_met_where_a_divergence_stopped_it) {
  BenchHarness bench(
      compared(bench_with(as_declared + ", resistance_factor: 2"), profile_with("expect: {on_divergence: stop}\n", cycle)));
  bench.run();
  ASSERT_FALSE(run_of(bench, "ch1").end->criteria_met);
  EXPECT_FALSE(criteria_by_record(bench)) << "its end says so";
  take_end_away(bench);
  EXPECT_FALSE(criteria_by_record(bench)) << "and so does its stop";
}

// A divergence that only warns is none.
TEST(CriteriaByRecord, stay_met_where_a_divergence_was_told_and_a_person_stopped_it) {
  BenchHarness bench(compared(bench_with(as_declared + ", resistance_factor: 2"), profile_with("", cycle)));
  bench.run();
  ASSERT_FALSE(divergences_of(bench).empty());
  take_end_away(bench);
  EXPECT_TRUE(criteria_by_record(bench));
}

TEST(CriteriaByRecord, are_not_met_where_what_was_to_stop_it_could_not_be_asked_any_more) {
  BenchHarness bench(brief("  - stop_if: capacity_ratio_pct < 50\n"));
  ASSERT_TRUE(bench.run_until_killed({.samples = 52}));  // in what is measured for it
  bench.resume(20s, InterruptionRule::skip_step);
  ASSERT_FALSE(run_of(bench, "ch1").end->criteria_met);
  take_end_away(bench);
  EXPECT_FALSE(criteria_by_record(bench));
}

}  // namespace
}  // namespace cellrig::test
