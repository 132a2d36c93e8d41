// The divergence watch in profiles that go more than one way, and after a run has left the way of its rehearsal: nothing is taken for a
// divergence there, what can be seen is seen, and the record says from where to where nothing was expected.
#include "tests/scenario/divergence_fixture.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string stops = "expect: {on_divergence: stop}\non_interruption: resume\n";

/// The room decides which way it goes: a guard that a warm room's cell meets, and a loop that it leaves early.
std::string room(const std::string& cell, double degC) {
  std::string text = bench_with(cell);
  const std::string key = "room_temperature_degC: 25";
  return text.replace(text.find(key), key.size(), fmt::format("room_temperature_degC: {}", degC));
}

const std::string guarded = profile_with(stops,
                                         "  - repeat:\n      times: 2\n      steps:\n"
                                         "        - cccv_charge:\n            name: fast charge\n            rate_C: 0.7\n       "
                                         "     voltage_V: 4.2\n            at_most_h: 4\n"
                                         "            until:\n              - rate_C <= 0.05 for 5 s\n"
                                         "              - {when: cell_temperature_degC >= 33, then: cool down}\n"
                                         "        - rest: {name: full, for_min: 20}\n"
                                         "        - rest: {name: cool down, for_min: 20}\n"
                                         "        - cc_discharge: {rate_C: 1, until: voltage_V <= 2.5, at_most_h: 2}\n"
                                         "        - rest: {name: empty, for_min: 20}\n");

const std::string left_early =
    profile_with(stops, charge + rest +
                            "  - repeat:\n      times: 8\n      steps:\n"
                            "        - cc_discharge: {name: part, rate_C: 1, until: capacity_Ah >= 0.5, at_most_h: 1}\n"
                            "        - rest: {name: between, for_min: 5}\n"
                            "        - leave_if: cell_temperature_peak_degC >= 33\n"
                            "  - cc_discharge: {name: to the end, rate_C: 1/2, until: voltage_V <= 2.5, at_most_h: 4}\n"
                            "  - rest: {name: empty, for_min: 20}\n" +
                            charge);

std::vector<std::string> expectations_of(BenchHarness& bench) {
  std::vector<std::string> found;
  for (const db::EventRow& event : events_of(bench, "ch1")) {
    if (event.kind == expectation_event) found.push_back(event.message);
  }
  return found;
}

HarnessOptions in_room(const std::string& profile, const std::string& cell, double degC) {
  HarnessOptions options = compared(room(cell, degC), profile);
  options.rehearsed_on = room(as_declared, 25);
  return options;
}

// ---- what must not be taken for a divergence ------------------------------------------------------------------------

TEST(BranchingDivergence, a_healthy_cell_that_goes_the_rehearsed_way_is_compared_all_the_time) {
  for (const std::string& text : {guarded, left_early}) {
    BenchHarness bench(in_room(text, "soc_pct: 52, resistance_factor: 1.03", 25));
    bench.run();
    EXPECT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
    EXPECT_THAT(expectations_of(bench), testing::IsEmpty());
    EXPECT_EQ(texts_of(divergences_of(bench)), "");
  }
}

TEST(BranchingDivergence, a_healthy_cell_that_meets_a_guard_is_left_alone_until_it_is_empty) {
  BenchHarness bench(in_room(guarded, as_declared, 31));
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
  EXPECT_EQ(texts_of(divergences_of(bench)), "");
  const std::vector<std::string> said = expectations_of(bench);
  ASSERT_GE(said.size(), 2U);
  EXPECT_THAT(said[0], HasSubstr("another way than its rehearsal: nothing is expected of step 'cool down' after 'fast charge'"));
  EXPECT_EQ(said[1], "compared with its rehearsal again, from step 'fast charge' on");
}

TEST(BranchingDivergence, a_healthy_cell_that_leaves_a_loop_early_is_left_alone_until_it_is_empty) {
  BenchHarness bench(in_room(left_early, as_declared, 31));
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
  EXPECT_EQ(texts_of(divergences_of(bench)), "");
  const std::vector<std::string> said = expectations_of(bench);
  ASSERT_EQ(said.size(), 2U);
  EXPECT_THAT(said[0], HasSubstr("nothing is expected of step 'to the end' after 'between'"));
  EXPECT_EQ(said[1], "compared with its rehearsal again, from step 'cccv_charge' on");
}

/// A process that dies in a later execution of this step.
std::unique_ptr<BenchHarness> killed_in(const std::string& step, const HarnessOptions& options) {
  constexpr std::size_t rows_first = 130, rows_last = 190, rows_apart = 4;  // a part has seven rows
  for (std::size_t rows = rows_first; rows < rows_last; rows += rows_apart) {
    auto bench = std::make_unique<BenchHarness>(options);
    if (!bench->run_until_killed({.samples = rows})) break;
    const std::vector<db::StepInfo> steps = bench->record().steps(1).value();
    if (!steps.empty() && steps.back().row.name == step) return bench;
  }
  ADD_FAILURE() << "it never died in '" << step << "'";
  return std::make_unique<BenchHarness>(options);
}

// The part that had flowed is in the cell, and each later pass of the loop is one part further than in the rehearsal.
TEST(BranchingDivergence, a_part_that_was_done_again_after_a_crash_puts_nothing_off_by_one) {
  for (const InterruptionRule rule : {InterruptionRule::redo_step, InterruptionRule::skip_step}) {
    const std::unique_ptr<BenchHarness> killed = killed_in("part", in_room(left_early, as_declared, 25));
    BenchHarness& bench = *killed;
    bench.resume(20s, rule);
    ASSERT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
    EXPECT_EQ(texts_of(divergences_of(bench)), "");
    const std::vector<std::string> said = expectations_of(bench);
    ASSERT_EQ(said.size(), 2U);
    EXPECT_THAT(said[0], HasSubstr("the interrupted step was not gone on with"));
    EXPECT_EQ(said[1], "compared with its rehearsal again, from step 'cccv_charge' on");
  }
}

// And once more: both processes know the way from the record alone.
TEST(BranchingDivergence, a_healthy_cell_whose_run_goes_on_after_crashes_is_compared_on_the_way_that_it_came) {
  for (const double degC : {25.0, 31.0}) {
    BenchHarness bench(in_room(left_early, as_declared, degC));
    ASSERT_TRUE(bench.run_until_killed({.samples = 200}));
    ASSERT_TRUE(bench.resume_until_killed(20s, InterruptionRule::resume, {.samples = 40}));
    bench.resume(20s, InterruptionRule::resume);
    ASSERT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
    EXPECT_EQ(texts_of(divergences_of(bench)), "");
    // Each process says it once where it finds itself on another way.
    const std::vector<std::string> said = expectations_of(bench);
    EXPECT_EQ(said.empty(), degC < 30) << testing::PrintToString(said);
  }
}

// ---- what must be seen in them --------------------------------------------------------------------------------------

TEST(BranchingDivergence, a_weak_cell_is_seen_and_stopped_on_the_rehearsed_way) {
  for (const std::string& text : {guarded, left_early}) {
    BenchHarness bench(in_room(text, as_declared + ", capacity_fraction: 0.88", 25));
    bench.run();
    expect_ended(bench, "ch1", Outcome::stopped, "stopped by a divergence: ");
    EXPECT_EQ(divergences_of(bench).size(), 1U);
  }
}

TEST(BranchingDivergence, a_weak_cell_that_left_the_way_is_seen_where_the_run_is_back_on_it) {
  BenchHarness bench(in_room(left_early, as_declared + ", resistance_factor: 1.9", 31));
  bench.run();
  const std::vector<db::EventRow> found = divergences_of(bench);
  ASSERT_FALSE(found.empty());
  expect_ended(bench, "ch1", Outcome::stopped, "stopped by a divergence: ");
}

TEST(BranchingDivergence, a_soft_short_is_seen_in_them) {
  std::string text = guarded;  // its heat must not meet the guard
  const std::string guard = "cell_temperature_degC >= 33";
  text.replace(text.find(guard), guard.size(), "cell_temperature_degC >= 50");
  BenchHarness bench(in_room(text, as_declared + ", short_ohm: 20", 25));
  bench.run();
  expect_ended(bench, "ch1", Outcome::stopped, "stopped by a divergence: ");
}

TEST(BranchingDivergence, the_wrong_fixture_is_seen_in_them) {
  HarnessOptions options = in_room(left_early, as_declared, 25);
  options.rehearsed_on = room(as_declared + ", fixture: plates", 25);
  BenchHarness bench(options);
  bench.run();
  expect_ended(bench, "ch1", Outcome::stopped, "stopped by a divergence: cell_temperature_degC");
}

TEST(BranchingDivergence, a_weak_cell_is_seen_after_a_step_was_done_again) {
  BenchHarness bench(in_room(left_early, as_declared + ", resistance_factor: 1.6", 25));
  ASSERT_TRUE(bench.run_until_killed({.samples = 30}));
  bench.resume(20s, InterruptionRule::redo_step);
  expect_ended(bench, "ch1", Outcome::stopped, "stopped by a divergence: ");
}

// ---- courses and persons --------------------------------------------------------------------------------------------

const std::string driven = profile_with(
    stops, charge + rest +
               "  - pulse_train:\n      name: drive\n      times: 200\n      until: voltage_V <= 2.6 for 1 s\n      pulses: "
               "[{discharge_rate_C: 0.5, for_s: 120}, {for_s: 20}, {discharge_rate_C: 1.2, for_s: 20}, {charge_rate_C: 0.3, "
               "for_s: 20}]\n" +
               rest);

TEST(BranchingDivergence, a_healthy_cell_is_driven_without_a_word) {
  for (const char* const cell : {"soc_pct: 50", "soc_pct: 45, capacity_fraction: 0.99, resistance_factor: 1.05",
                                 "soc_pct: 55, capacity_fraction: 1.01, resistance_factor: 0.95"}) {
    BenchHarness bench(in_room(driven, cell, 25));
    bench.run();
    EXPECT_EQ(to_string(bench.result("ch1").outcome), "completed") << bench.result("ch1").reason;
    EXPECT_EQ(texts_of(divergences_of(bench)) + testing::PrintToString(expectations_of(bench)), "{}");
  }
}

TEST(BranchingDivergence, a_weak_cell_is_seen_in_a_drive) {
  for (const char* const weak : {"capacity_fraction: 0.85", "capacity_fraction: 0.9, resistance_factor: 1.5"}) {
    BenchHarness bench(in_room(driven, as_declared + ", " + weak, 25));
    bench.run();
    EXPECT_FALSE(bench.result("ch1").criteria_met) << weak;
    EXPECT_THAT(texts_of(divergences_of(bench)), HasSubstr("of step 'drive'")) << weak;
  }
}

const std::string attended =
    profile_with(stops, charge + "  - wait_for_person: {message: look at it, at_most_h: 20}\n" + rest + discharge + rest);

// In the rehearsal the person takes a minute.
TEST(BranchingDivergence, a_person_who_takes_hours_is_no_divergence_and_a_weak_cell_is_seen_after_it) {
  const auto said_of = [](const std::string& cell) {
    HarnessOptions options = in_room(attended, cell, 25);
    options.has_person = false;
    BenchHarness bench(options);
    bench.at(10h, [&] { EXPECT_TRUE(bench.bench_run().confirm("ch1", "jane")); });
    bench.run();
    return texts_of(divergences_of(bench)) + testing::PrintToString(expectations_of(bench));
  };
  EXPECT_EQ(said_of(as_declared), "{}");
  EXPECT_THAT(said_of(as_declared + ", capacity_fraction: 0.9"), HasSubstr("of step 'cc_discharge'"));
}

}  // namespace
}  // namespace cellrig::test
