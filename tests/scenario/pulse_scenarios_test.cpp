// The pulse before the first step: the cell of the cell file passes, another one is not charged, and whatever ends a step ends the pulse.
#include "controller/base/resources.hpp"
#include "profiles/yaml_reader.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr double pulse_A = 2.5;

std::string m50_with_pulse(const std::string& more = "") {
  return read_text_file(std::string{CELLRIG_SOURCE_DIR} + "/profiles/cells/lg-m50.yaml") +
         "\npulse_resistance: {min_mohm: 20, max_mohm: 45" + more + "}\n";
}

HarnessOptions with_pulse(const std::string& cell) {
  return {.bench = "single",
          .profiles = {{"ch1", "profile: P\nformat: 1\nsteps:\n  - rest: {for_min: 1}\n"}},
          .cell = cell,
          .control_period = control_period};
}

std::vector<std::string> told(BenchHarness& bench) {
  std::vector<std::string> texts;
  for (const db::EventRow& event : events_of(bench, "ch1")) {
    if (event.kind == "pulse resistance") texts.push_back(event.message);
  }
  return texts;
}

double most_A(BenchHarness& bench) {
  const sim::CellTruth truth = bench.truth("ch1");
  return std::max(truth.current_max_A, -truth.current_min_A);
}

TEST(PulseScenario, the_cell_of_the_file_passes_and_the_record_says_what_was_measured) {
  BenchHarness bench(with_pulse(m50_with_pulse()));
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  const std::vector<std::string> texts = told(bench);
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_THAT(texts[0], HasSubstr("pulse of -2.5 A for 1."));
  EXPECT_THAT(texts[0], HasSubstr("mohm, as expected: 20 to 45 mohm"));
  EXPECT_NEAR(most_A(bench), pulse_A, 0.15);
  for (const db::SampleRow& row : samples_of(bench, "ch1"))
    EXPECT_LT(std::abs(row.current_A), 0.05) << "no part of the first step";
}

TEST(PulseScenario, a_nearly_empty_cell_is_not_asked) {
  HarnessOptions options = with_pulse(m50_with_pulse());
  options.bench = read_text_file(find_bench("single"));
  const std::string half = "soc_pct: 50";
  ASSERT_NE(options.bench.find(half), std::string::npos);
  options.bench.replace(options.bench.find(half), half.size(), "soc_pct: 2");
  BenchHarness bench(std::move(options));
  bench.run();
  ASSERT_EQ(told(bench).size(), 1u);
  EXPECT_THAT(told(bench)[0], HasSubstr("its resistance is given from 3.18 V on"));
  EXPECT_LT(most_A(bench), 0.05);
}

TEST(PulseScenario, another_cell_gets_no_step) {
  BenchHarness bench(with_pulse(m50_with_pulse()));
  bench.fault_at(1ms, "cell_differs ch1 capacity_fraction=1 resistance_factor=3");
  CurrentWatch watch(bench, "ch1", 0s);
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "mohm, expected 20 to 45 mohm: is this the cell of the cell file");
  EXPECT_TRUE(samples_of(bench, "ch1").empty());
  EXPECT_LT(watch.flowed_for().value_or(1h), 6s) << "one pulse, and no more";
}

/// The bench `single` with this cell in its channel.
std::string bench_with(const std::string& cell) {
  std::string text = read_text_file(find_bench("single"));
  const std::string standard = "file: lg-m50, soc_pct: 50";
  text.replace(text.find(standard), standard.size(), "file: " + cell + ", soc_pct: 60");
  return text;
}

// Those whose file says what a pulse must show: a bench of the new generation of cells begins with it.
TEST(PulseScenario, a_shipped_cell_passes_by_its_own_file_and_with_another_resistance_it_gets_no_step) {
  for (const std::string cell : {"fest-77", "lfp-26650", "qse-5", "semi-solid-140"}) {
    SCOPED_TRACE(cell);
    HarnessOptions options = with_pulse(cell);
    options.bench = bench_with(cell);
    BenchHarness healthy(options);
    healthy.run();
    expect_ended(healthy, "ch1", Outcome::completed, "");
    ASSERT_EQ(told(healthy).size(), 1u);
    EXPECT_THAT(told(healthy)[0], HasSubstr("as expected"));
    std::printf("%s: %s\n", cell.c_str(), told(healthy)[0].c_str());
    options.profiles = {
        {"ch1", "profile: P\nformat: 1\nsteps:\n  - cc_charge: {rate_C: 0.2, until: step_time_s >= 60, at_most_h: 1}\n"}};
    BenchHarness wrong(options);
    wrong.fault_at(1ms, "cell_differs ch1 capacity_fraction=1 resistance_factor=3");
    wrong.run();
    expect_ended(wrong, "ch1", Outcome::instrument_failure, "is this the cell of the cell file");
    EXPECT_TRUE(samples_of(wrong, "ch1").empty());
    EXPECT_LT(wrong.truth("ch1").current_max_A, 0.05) << "it was never charged";
  }
}

// H9: the voltages of two cells with like electrodes are alike, what they may be given is not.
TEST(PulseScenario, a_smaller_cell_of_the_same_voltage_is_told_from_the_large_one) {
  HarnessOptions options = with_pulse("fest-77");
  options.bench = bench_with("sulfide-20");
  BenchHarness bench(options);
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "mohm, expected 0.25 to 1.4 mohm");
}

TEST(PulseScenario, another_cell_gets_no_step_from_a_run_that_goes_on_either) {
  HarnessOptions options = with_pulse(m50_with_pulse());
  options.profiles = {{"ch1", profile_of(During::charge)}};
  BenchHarness bench(std::move(options));
  bench.fault_at(1ms, "cell_differs ch1 capacity_fraction=1 resistance_factor=3");
  bench.run();
  EXPECT_EQ(bench.result("ch1").outcome, Outcome::instrument_failure);
  bench.resume(1min, InterruptionRule::resume);
  EXPECT_EQ(bench.resume_refusal(), "");
  EXPECT_EQ(bench.result("ch1").outcome, Outcome::instrument_failure);
  EXPECT_THAT(bench.result("ch1").reason, HasSubstr("is this the cell of the cell file"));
  EXPECT_LT(bench.truth("ch1").current_max_A, 0.05) << "it was never charged";
}

TEST(PulseScenario, a_cell_at_another_temperature_is_not_asked_and_the_record_says_so) {
  BenchHarness bench(with_pulse(m50_with_pulse(", temperature_min_degC: 30")));
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  ASSERT_EQ(told(bench).size(), 1u);
  EXPECT_THAT(told(bench)[0], HasSubstr("not measured: the cell is at 2"));
  EXPECT_LT(most_A(bench), 0.05);
  EXPECT_TRUE(bench.said("not measured"));
}

TEST(PulseScenario, what_ends_a_step_ends_the_pulse) {
  struct Case {
    std::string order, cause;
    Outcome outcome;
  };
  for (const Case& c : {Case{"voltage_offset psb1 offset_V=1", "over-voltage", Outcome::tripped},
                        Case{"drop psb1 count=for_ever", "no fresh reading", Outcome::instrument_failure},
                        Case{"open_circuit ch1", "the circuit of the cell is open", Outcome::tripped},
                        Case{"nan psb1", "not a number", Outcome::instrument_failure}}) {
    SCOPED_TRACE(c.order);
    BenchHarness bench(with_pulse(m50_with_pulse(", for_s: 10")));
    bool flowed = false;
    bench.at(5s, [&] { flowed = bench.truth("ch1").current_A < -2.0; });
    bench.fault_at(5s, c.order);
    CurrentWatch watch(bench, "ch1", 5s);
    bench.run();
    EXPECT_TRUE(flowed);
    expect_ended(bench, "ch1", c.outcome, c.cause);
    EXPECT_LT(watch.flowed_for().value_or(1h), 3s) << "as in a step: a second, and the contactor where the cycler cannot be told";
    EXPECT_TRUE(samples_of(bench, "ch1").empty());
  }
}

}  // namespace
}  // namespace cellrig::test
