// A process that dies after any row, a world that goes on without it, and a process that goes on with the run: the steps are those of
// a run that was never cut, no charge is counted twice, and what nobody saw is bounded.
#include <algorithm>
#include <cmath>

#include "db/analysis/cycle_table.hpp"
#include "db/analysis/metrics.hpp"
#include "db/recorder.hpp"
#include "db/verdict/execution.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

/// Every kind of end: by charge, by time, by taper, by voltage; loops in loops.
const std::string cycling =
    "profile: Cycling\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - rest: {for_s: 3}\n"
    "  - cycles:\n      times: 2\n      steps:\n"
    "        - repeat:\n            times: 2\n            steps:\n"
    "              - cc_charge: {rate_C: 1, until: capacity_Ah >= 0.01, at_most_h: 1}\n"
    "              - rest: {for_s: 4}\n"
    "        - cccv_charge: {rate_C: 1, voltage_V: 3.95, until: [current_A <= 3.5, step_time_s >= 30], at_most_h: 1}\n"
    "        - cc_discharge: {rate_C: 1, until: capacity_Ah >= 0.02, at_most_h: 1, measure: reference}\n"
    "  - require: cycle_count >= 2\n";

HarnessOptions options(const std::string& profile = cycling, const std::string& bench = "single") {
  return {.bench = bench, .profiles = {{"ch1", profile}}};
}

/// The steps that came to their end, by their place in the program.
std::vector<std::int64_t> ended_steps(BenchHarness& bench) {
  std::vector<std::int64_t> ids;
  for (const db::StepInfo& step : bench.record().steps(1).value()) {
    if (step.end && step.end->reason != "interrupted" && step.end->reason != "stopped") ids.push_back(step.row.step_id);
  }
  return ids;
}

struct Standing {
  std::vector<db::SampleRow> rows;
  double net_Ah = 0;
};

/// Where the record stands, as its own views count.
Standing standing(BenchHarness& bench) {
  Standing s;
  const auto keep = [&s](const db::SampleView& view) {
    const db::Sums& start = view.step.run_sums_at_start;
    s.rows.push_back(view.row);
    s.net_Ah = start.charge_Ah - start.discharge_Ah + view.row.charge_Ah - view.row.discharge_Ah;
    return true;
  };
  (void)bench.record().for_each_sample(1, keep).value();
  return s;
}

double true_Ah(BenchHarness& bench) {
  constexpr double capacity_Ah = 4.978;
  return bench.truth("ch1").soc * capacity_Ah;
}

std::vector<db::EventRow> deviations(BenchHarness& bench) {
  std::vector<db::EventRow> found;
  for (const db::EventRow& e : events_of(bench, "ch1")) {
    if (e.kind == "deviation") found.push_back(e);
  }
  return found;
}

void expect_only_grown(const Standing& before, const Standing& after) {
  ASSERT_GT(after.rows.size(), before.rows.size());
  for (std::size_t i = 1; i < after.rows.size(); ++i)
    ASSERT_GT(after.rows[i].test_time_ns, after.rows[i - 1].test_time_ns) << "row " << i;
  EXPECT_NE(after.rows[before.rows.size()].flags & db::sample_flag::after_gap, 0u);
  EXPECT_EQ(after.rows[before.rows.size()].charge_Ah, 0.0) << "its row counts from where it went on";
}

void expect_cycles_follow_from_rows(BenchHarness& bench) {
  const std::vector<db::CycleRow> live = bench.record().cycles(1).value();
  const std::vector<db::CycleRow> again = db::recompute_cycles(bench.record(), 1).value();
  EXPECT_THAT(db::compare_cycles(live, again, 1e-6), testing::IsEmpty());
  const db::RunMetrics stored = db::stored_metrics(bench.record(), 1).value();
  EXPECT_THAT(db::compare_metrics(stored, db::recompute_metrics(bench.record(), 1).value(), 1e-6), testing::IsEmpty());
}

// I3, I8: after the n-th row, n = 1, 2, 3 and so on through the run.
TEST(ResumeScenario, cut_after_any_row_a_run_comes_to_its_end_with_the_same_steps) {
  BenchHarness whole(options());
  whole.run();
  ASSERT_EQ(whole.result("ch1").outcome, Outcome::completed);
  const std::vector<std::int64_t> steps = ended_steps(whole);
  const std::size_t rows = standing(whole).rows.size();
  ASSERT_GT(rows, 100u);
  for (std::size_t n = 1; n + 1 < rows; n += 1 + n / 12) {
    SCOPED_TRACE("cut after row " + std::to_string(n));
    BenchHarness bench(options());
    const double at_start = true_Ah(bench);
    ASSERT_TRUE(bench.run_until_killed({.samples = n}));
    const Standing before = standing(bench);
    ASSERT_EQ(before.rows.size(), n);
    const db::RunKey run = run_of(bench, "ch1").run;
    bench.resume(20s, InterruptionRule::resume);
    ASSERT_EQ(bench.resume_refusal(), "");
    ASSERT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
    EXPECT_TRUE(bench.result("ch1").criteria_met);
    EXPECT_EQ(bench.result("ch1").run, run);
    EXPECT_EQ(ended_steps(bench), steps);
    const Standing after = standing(bench);
    expect_only_grown(before, after);
    expect_cycles_follow_from_rows(bench);
    const std::vector<db::EventRow> gaps = deviations(bench);
    ASSERT_EQ(gaps.size(), 1u);
    // What the cell really got: as the record says, and at most what it calls unseen. Accuracy of the instrument beside it.
    const double unseen_Ah = std::abs(gaps[0].value.value());
    EXPECT_NEAR(true_Ah(bench) - at_start, after.net_Ah, unseen_Ah + 0.0005);
    if (testing::Test::HasFailure()) return;
  }
}

// Every write, not only those of samples: a step that ended and whose successor was not yet begun must not be lost nor done twice.
TEST(ResumeScenario, cut_after_any_write_no_step_and_no_cycle_is_lost_or_done_twice) {
  BenchHarness whole(options());
  whole.run();
  const std::vector<std::int64_t> steps = ended_steps(whole);
  int cuts = 0;
  for (std::size_t n = 2;; ++n) {
    SCOPED_TRACE("cut after write " + std::to_string(n));
    BenchHarness bench(options());
    if (!bench.run_until_killed({.writes = n})) break;
    ++cuts;
    bench.resume(20s, InterruptionRule::resume);
    if (run_of(bench, "ch1").status == "completed" && !bench.resume_refusal().empty()) continue;  // only the process was missing
    ASSERT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
    EXPECT_EQ(ended_steps(bench), steps);
    EXPECT_EQ(bench.record().cycles(1).value().size(), 2u);
    EXPECT_EQ(bench.record().steps(1).value().back().row.step_count, static_cast<std::int64_t>(steps.size()));
    expect_cycles_follow_from_rows(bench);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(cuts, 120);
}

TEST(ResumeScenario, the_first_row_after_the_gap_stands_where_the_last_one_before_it_stood) {
  BenchHarness bench(options());
  ASSERT_TRUE(bench.run_until_killed({.samples = 9}));
  const Standing before = standing(bench);
  ASSERT_TRUE(bench.resume_until_killed(20s, InterruptionRule::resume, {.samples = 1}));
  const Standing after = standing(bench);
  ASSERT_EQ(after.rows.size(), 10u);
  EXPECT_NEAR(after.net_Ah, before.net_Ah, 1e-12);
  EXPECT_GT(before.net_Ah, 0.0);
}

// The rows after the last resume point are in the record and must count.
TEST(ResumeScenario, rows_younger_than_the_resume_point_are_not_forgotten) {
  for (const Duration interval : {Duration{1s}, Duration{1h}}) {
    HarnessOptions o = options();
    o.resume_point_interval = interval;
    BenchHarness bench(o);
    ASSERT_TRUE(bench.run_until_killed({.samples = 9}));
    const double before = standing(bench).net_Ah;
    ASSERT_TRUE(bench.resume_until_killed(20s, InterruptionRule::resume, {.samples = 1}));
    EXPECT_NEAR(standing(bench).net_Ah, before, 1e-12);
  }
}

TEST(ResumeScenario, killed_again_and_again_it_still_comes_to_its_end) {
  BenchHarness whole(options());
  whole.run();
  BenchHarness bench(options());
  ASSERT_TRUE(bench.run_until_killed({.samples = 7}));
  int kills = 1;
  while (bench.resume_until_killed(20s, InterruptionRule::resume, {.samples = 7}) && kills < 100) ++kills;
  EXPECT_GT(kills, 10);
  EXPECT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
  EXPECT_EQ(ended_steps(bench), ended_steps(whole));
  EXPECT_EQ(deviations(bench).size(), static_cast<std::size_t>(kills));
  expect_cycles_follow_from_rows(bench);
}

TEST(ResumeScenario, the_output_was_off_within_the_watchdog_and_its_tolerance) {
  BenchHarness bench(options(profile_of(During::charge)));
  ASSERT_TRUE(bench.run_until_killed({.samples = 20}));
  EXPECT_GT(bench.truth("ch1").current_A, 4.9);
  const double at_death = true_Ah(bench);
  (void)bench.resume_until_killed(20s, InterruptionRule::stop, {});
  const double flowed = true_Ah(bench) - at_death;
  const std::vector<db::EventRow> gaps = deviations(bench);
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_GT(flowed, 5.0 * 4 / 3600) << "this test needs current that nobody sees";
  EXPECT_LE(flowed, gaps[0].value.value()) << "the bound is one";
  EXPECT_FALSE(bench.output_is_on("ch1"));
}

// I8: whatever is cut and resumed, the cell does not get more than the guard allows, the unseen charge included.
TEST(ResumeScenario, the_overcharge_guard_counts_across_interruptions_and_what_nobody_saw) {
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 0}\nlimits: {charge_capacity_max_Ah: 0.2}\nsteps:\n"
      "  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2}\n";
  BenchHarness bench(options(profile));
  const double at_start = true_Ah(bench);
  ASSERT_TRUE(bench.run_until_killed({.samples = 30}));
  int kills = 1;
  while (bench.resume_until_killed(20s, InterruptionRule::resume, {.samples = 30}) && kills < 50) ++kills;
  EXPECT_GE(kills, 3);
  EXPECT_EQ(to_string(bench.result("ch1").outcome), "tripped") << bench.result("ch1").reason;
  EXPECT_THAT(bench.result("ch1").reason, testing::HasSubstr("more charge went in"));
  EXPECT_LE(true_Ah(bench) - at_start, 0.2 + 0.003);
}

TEST(ResumeScenario, redo_and_skip_do_what_they_say) {
  for (const InterruptionRule rule : {InterruptionRule::redo_step, InterruptionRule::skip_step}) {
    BenchHarness bench(options());
    ASSERT_TRUE(bench.run_until_killed({.samples = 9}));  // in the first charge
    bench.resume(20s, rule);
    ASSERT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
    const std::vector<db::StepInfo> steps = bench.record().steps(1).value();
    ASSERT_EQ(steps[1].end->reason, "interrupted");
    const std::vector<verdict::Execution> executions = verdict::executions_of(steps, nullptr);
    EXPECT_EQ(steps[2].row.step_count, steps[1].row.step_count + 1);
    if (rule == InterruptionRule::redo_step) {
      EXPECT_EQ(steps[2].row.step_id, steps[1].row.step_id);
      EXPECT_NEAR(steps[2].end->charge_Ah, 0.01, 0.002) << "the whole step again";
      EXPECT_TRUE(executions[2].is_done_again) << "and a verdict knows that it began in the middle";
      EXPECT_GT(executions[2].moved_before_Ah, 0.0);
    } else {
      EXPECT_NE(steps[2].row.step_id, steps[1].row.step_id);
      EXPECT_TRUE(executions[1].was_passed_over);
      EXPECT_FALSE(executions[2].is_done_again);
    }
  }
}

// Half a discharge is no capacity: neither for the profile nor for the cycle table, live or counted again.
TEST(ResumeScenario, the_remainder_of_a_reference_measures_nothing) {
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
      "  - cycles:\n      times: 3\n      steps:\n"
      "        - cc_charge: {rate_C: 1, until: capacity_Ah >= 0.02, at_most_h: 1}\n"
      "        - cc_discharge: {rate_C: 1, until: capacity_Ah >= 0.02, at_most_h: 1, measure: reference}\n";
  BenchHarness bench(options(profile));
  ASSERT_TRUE(bench.run_until_killed({.samples = 55}));
  bench.resume(20s, InterruptionRule::redo_step);
  ASSERT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
  const std::vector<db::StepInfo> steps = bench.record().steps(1).value();
  ASSERT_EQ(steps.size(), 7u);
  ASSERT_EQ(steps[3].end->reason, "interrupted");
  EXPECT_GT(steps[3].end->discharge_Ah, 0.0) << "the second discharge was to be cut";
  const std::vector<db::CycleRow> live = bench.record().cycles(1).value();
  for (const std::vector<db::CycleRow>& cycles : {live, db::recompute_cycles(bench.record(), 1).value()}) {
    ASSERT_EQ(cycles.size(), 3u);
    EXPECT_NEAR(cycles[0].retention.value_or(0.0), 1.0, 1e-6);
    EXPECT_FALSE(cycles[1].retention.has_value());
    EXPECT_NEAR(cycles[2].retention.value_or(0.0), 1.0, 0.1);
  }
}

// A gate before a harder charge: what was to be measured was not, and an earlier measurement opens no gate.
TEST(ResumeScenario, a_lost_result_meets_no_requirement_and_stops_where_it_was_to_stop) {
  const std::string move = "until: capacity_Ah >= 0.02, at_most_h: 1";
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
      "  - cc_charge: {rate_C: 1, " +
      move +
      "}\n"
      "  - cc_discharge: {rate_C: 1, " +
      move +
      ", measure: reference}\n"
      "  - repeat:\n      times: 2\n      steps:\n"
      "        - cc_charge: {rate_C: 1, " +
      move +
      "}\n"
      "        - cc_discharge: {rate_C: 1, " +
      move +
      ", measure: test}\n"
      "        - require: capacity_ratio_pct >= 50\n"
      "        - stop_if: capacity_ratio_pct < 50\n"
      "  - cc_charge: {name: harder, rate_C: 1.4, until: step_time_s >= 5, at_most_h: 1}\n";
  for (const InterruptionRule rule : {InterruptionRule::resume, InterruptionRule::redo_step, InterruptionRule::skip_step}) {
    SCOPED_TRACE(to_string(rule));
    BenchHarness bench(options(profile));
    ASSERT_TRUE(bench.run_until_killed({.samples = 87}));  // in the second one that is compared
    bench.resume(20s, rule);
    ASSERT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
    const std::vector<db::StepInfo> steps = bench.record().steps(1).value();
    ASSERT_GT(steps.size(), 5u);
    ASSERT_EQ(steps[5].end->reason, "interrupted") << "the last discharge was to be cut";
    const bool is_whole = rule == InterruptionRule::resume;
    EXPECT_EQ(steps.back().row.name == "harder", is_whole);
    EXPECT_EQ(bench.result("ch1").criteria_met, is_whole);
    std::string why;
    for (const db::EventRow& event : events_of(bench, "ch1")) {
      if (event.kind == "stop condition") why = event.message;
    }
    EXPECT_EQ(why.empty(), is_whole);
    if (is_whole) continue;
    EXPECT_THAT(why, testing::HasSubstr("capacity_ratio_pct < 50: not measured: its step was skipped, or done again"));
  }
}

TEST(ResumeScenario, a_soak_is_done_again_with_the_chamber_asked_again) {
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
      "  - soak: {temperature_degC: 30, for_s: 60}\n"
      "  - cc_charge: {rate_C: 1, until: step_time_s >= 5, at_most_h: 1}\n";
  BenchHarness bench(options(profile, "demo"));
  ASSERT_TRUE(bench.run_until_killed({.samples = 20}));
  bench.resume(20s, InterruptionRule::resume);
  ASSERT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
  const std::vector<db::StepInfo> steps = bench.record().steps(1).value();
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[0].end->reason, "interrupted");
  const double soaked_s = static_cast<double>(steps[1].end->ended_test_time_ns - steps[1].row.started_test_time_ns) / 1e9;
  EXPECT_GE(soaked_s, 60.0);
  EXPECT_EQ(temperature_register(bench, setpoint_register), 30);
}

TEST(ResumeScenario, two_channels_go_on_side_by_side) {
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", cycling}, {"ch2", cycling}}});
  ASSERT_TRUE(bench.run_until_killed({.samples = 61}));
  bench.resume(2s, InterruptionRule::resume);  // before the watchdog of the N6974A latches: that one a person must clear
  for (const char* channel : {"ch1", "ch2"})
    EXPECT_EQ(to_string(bench.result(channel).outcome), "completed") << bench.result(channel).reason;
  EXPECT_NE(bench.result("ch1").run, bench.result("ch2").run);
}

// ---- what was changed while nobody looked -----------------------------------------------------------------------------------

/// Killed while it charges; then something happens to the bench, and it does not go on, without an ampere.
void expect_refused(const std::string& fault, const std::string& why) {
  SCOPED_TRACE(fault);
  BenchHarness bench(options());
  ASSERT_TRUE(bench.run_until_killed({.samples = 9}));
  bench.fault_at(bench.time().now().time_since_epoch() + 10s, fault);
  bench.resume(20s, InterruptionRule::resume);
  EXPECT_NE(bench.result("ch1").outcome, Outcome::completed);
  EXPECT_THAT(bench.result("ch1").reason, testing::HasSubstr(why));
  EXPECT_EQ(run_of(bench, "ch1").status, "interrupted") << "it can still be resumed when all is well again";
  EXPECT_TRUE(deviations(bench).empty());
  EXPECT_FALSE(bench.output_is_on("ch1"));
}

TEST(ResumeScenario, another_cycler_is_refused) {
  BenchHarness bench({.bench = "demo", .profiles = {{"ch2", cycling}}});
  ASSERT_TRUE(bench.run_until_killed({.samples = 9}));
  const std::string order = R"({"kind":"identity","target":"aps1","text":"Keysight Technologies,N6974A,MY99999999,A.01.05"})";
  bench.fault_at(bench.time().now().time_since_epoch() + 10s, order);
  bench.resume(20s, InterruptionRule::resume);
  EXPECT_THAT(bench.result("ch2").reason, testing::HasSubstr("run 1 began with Agilent"));
  EXPECT_THAT(bench.result("ch2").reason, testing::HasSubstr("serial MY99999999"));
  EXPECT_EQ(run_of(bench, "ch2").status, "interrupted");
  EXPECT_FALSE(bench.output_is_on("ch2"));
}
TEST(ResumeScenario, a_cell_the_wrong_way_round_is_refused) { expect_refused("reversed_cell ch1", "polarity"); }
TEST(ResumeScenario, a_cell_without_its_thermocouple_is_refused) { expect_refused("thermocouple_open ch1", "thermocouple"); }

TEST(ResumeScenario, an_instrument_that_lost_its_power_is_armed_again) {
  BenchHarness bench(options());
  ASSERT_TRUE(bench.run_until_killed({.samples = 9}));
  bench.fault_at(bench.time().now().time_since_epoch() + 10s, "reboot psb1");
  bench.resume(20s, InterruptionRule::resume);
  EXPECT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
}

// I2: a trip holds across processes; only a person's word in the record lets the run go on.
TEST(ResumeScenario, a_tripped_run_goes_on_only_after_somebody_acknowledged_it) {
  BenchHarness bench(options());
  bench.fault_at(20s, "thermocouple_open ch1");
  bench.run();
  ASSERT_NE(bench.result("ch1").outcome, Outcome::completed);
  const Standing before = standing(bench);
  bench.fault_at(bench.time().now().time_since_epoch() + 10s, "thermocouple_open ch1 on=false");
  bench.resume(20s, InterruptionRule::resume);
  EXPECT_NE(bench.result("ch1").outcome, Outcome::completed);
  EXPECT_FALSE(bench.result("ch1").reason.empty());
  EXPECT_EQ(standing(bench).rows.size(), before.rows.size()) << "nothing was measured, because nothing was switched on";
  const auto acknowledge = [&bench] {
    db::RecorderOptions recorder{.path = bench.database(), .commit = db::CommitPolicy::simulated()};
    const std::unique_ptr<db::Recorder> record = std::move(db::Recorder::open(recorder).value());
    record->acknowledge(db::AcknowledgementRow{.run = 1, .operator_name = "jane", .reason = "sensor replaced"}, "lab-7");
    ASSERT_TRUE(record->close());
  };
  acknowledge();
  bench.resume(20s, InterruptionRule::resume);
  EXPECT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
  expect_only_grown(before, standing(bench));
}

// No trip, nobody to acknowledge it: the instrument is well again, and the rule says how it goes on.
TEST(ResumeScenario, a_run_that_an_instrument_ended_without_a_trip_goes_on_by_its_rule) {
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
      "  - soak: {temperature_degC: 40, until: cell_temperature_degC >= 39, at_most_h: 3}\n"
      "  - cc_charge: {rate_C: 1, until: step_time_s >= 5, at_most_h: 1}\n";
  BenchHarness bench(options(profile, "demo"));
  bench.fault_at(5s, "chamber_stuck oven");
  bench.run();
  ASSERT_EQ(to_string(bench.result("ch1").outcome), "instrument failure") << bench.result("ch1").reason;
  for (const db::EventRow& e : events_of(bench, "ch1")) ASSERT_NE(e.severity, db::Severity::trip) << e.message;
  bench.fault_at(bench.time().now().time_since_epoch() + 10s, "chamber_stuck oven on=false");
  bench.resume(20s, InterruptionRule::resume);
  EXPECT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
  EXPECT_EQ(deviations(bench).size(), 1u);
}

TEST(ResumeScenario, a_finished_run_and_one_of_another_program_are_refused) {
  BenchHarness done(options());
  done.run();
  done.resume(20s, InterruptionRule::resume);
  EXPECT_THAT(done.resume_refusal(), testing::HasSubstr("finished"));
  BenchHarness first(options());
  ASSERT_TRUE(first.run_until_killed({.samples = 9}));
  HarnessOptions other = options(profile_of(During::charge));
  other.database = first.database();
  BenchHarness second(other);
  second.resume(20s, InterruptionRule::resume);
  EXPECT_THAT(second.resume_refusal(), testing::HasSubstr("was of program"));
}

}  // namespace
}  // namespace cellrig::test
