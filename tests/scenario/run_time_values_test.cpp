// Currents that nobody knows before their step begins: rates of the measured capacity wherever a rate may be written, and numbers that
// come out beyond what cell, bench or cycler allow.
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <iterator>

#include "tests/scenario/language_fixture.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class RunTimeValues : public Language {
 protected:
  /// A whole discharge would take an hour: a short step stands for it, and `measure: reference` keeps what it moved.
  static std::string after_reference(double capacity_Ah, const std::string& steps) {
    return profile("  - cc_discharge: {rate_C: 1.4, until: capacity_Ah >= " + std::to_string(capacity_Ah) +
                   ", at_most_h: 1, measure: reference}\n" + steps);
  }
  /// What the step before measured, from the record.
  [[nodiscard]] double reference_Ah() const { return end(0).discharge_Ah; }
};

/// The demonstration bench with limits of its own on its first channel.
std::string demo_bench_with(const std::string& limits) {
  std::ifstream file{std::string{CELLRIG_SOURCE_DIR} + "/sim/benches/demo.yaml"};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  const std::string at = "    ambient_temperature: {logger: adam, input: 1}\n";
  return text.insert(text.find(at) + at.size(), "    limits: " + limits + "\n");
}

TEST_F(RunTimeValues, a_ramp_may_be_of_the_measured_capacity) {
  run(after_reference(0.5, "  - ramp_discharge: {from_rate_C: 1, to_rate_C: 3, rate_of: measured, for_min: 5}\n"));
  EXPECT_NEAR(rows_of(1).front().current_A, -reference_Ah(), 0.05);
  EXPECT_NEAR(rows_of(1).back().current_A, -3 * reference_Ah(), 0.05);
}

TEST_F(RunTimeValues, pulses_may_be_of_the_measured_capacity_and_amperes_stay_amperes) {
  run(after_reference(0.5,
                      "  - pulse_train: {rate_of: measured, pulses: [{discharge_rate_C: 2, for_s: 10}, {charge_current_A: 3, "
                      "for_s: 10}, {for_s: 10}]}\n"));
  const std::vector<db::SampleRow> pulses = rows_of(1);
  const auto at = [&](double s) {
    for (const db::SampleRow& row : pulses) {
      if (seconds_of(row, 1) >= s) return row.current_A;
    }
    return 0.0;
  };
  EXPECT_NEAR(at(6), -2 * reference_Ah(), 0.05);
  EXPECT_NEAR(at(16), 3.0, 0.05);
  EXPECT_NEAR(at(26), 0.0, 0.05);
}

TEST_F(RunTimeValues, a_drive_cycle_in_rates_may_be_of_the_measured_capacity) {
  const std::string folder = temporary_folder();
  std::ofstream{folder + "/rates.csv"} << "time_s,rate_C\n0,-1.5\n20,1\n40,0\n";
  std::ofstream{folder + "/drive.yaml"} << after_reference(0.5,
                                                           "  - drive_cycle: {file: rates.csv, scale: 2, rate_of: measured}\n");
  run(HarnessOptions{.bench = "demo", .profiles = {{"ch1", folder + "/drive.yaml"}}});
  EXPECT_NEAR(rows_of(1)[10].current_A, -3 * reference_Ah(), 0.05);
  EXPECT_NEAR(rows_of(1)[30].current_A, 2 * reference_Ah(), 0.05);
}

TEST_F(RunTimeValues, the_bound_of_a_voltage_a_power_or_a_resistance_may_be_of_the_measured_capacity) {
  run(after_reference(
      0.3,
      "  - cv_charge: {voltage_V: 4.1, rate_max_C: 2, rate_of: measured, until: step_time_s >= 30, at_most_h: 1}\n"
      "  - cp_discharge: {power_W: 20, rate_max_C: 3, rate_of: measured, until: step_time_s >= 30, at_most_h: 1}\n"
      "  - cr_discharge: {resistance_Ohm: 0.5, rate_max_C: 2.5, rate_of: measured, until: step_time_s >= 30, at_most_h: 1}\n"
      "  - voltage_ramp: {from_voltage_V: 4.1, to_voltage_V: 4.15, rate_max_C: 1, rate_of: measured, for_s: 60}\n"));
  EXPECT_NEAR(rows_of(1).back().current_A, 2 * reference_Ah(), 0.05);
  EXPECT_NEAR(rows_of(2).back().current_A, -3 * reference_Ah(), 0.05);
  EXPECT_NEAR(rows_of(3).back().current_A, -2.5 * reference_Ah(), 0.05);
  EXPECT_NEAR(rows_of(4).back().current_A, reference_Ah(), 0.05);
}

TEST_F(RunTimeValues, an_interrupted_course_of_the_measured_capacity_goes_on_with_that_capacity) {
  const std::string text =
      after_reference(0.5, "  - ramp_discharge: {from_rate_C: 1, to_rate_C: 3, rate_of: measured, for_min: 10}\n");
  bench =
      std::make_unique<BenchHarness>(HarnessOptions{.bench = "demo", .profiles = {{"ch1", "on_interruption: resume\n" + text}}});
  ASSERT_TRUE(bench->run_until_killed(Death{.samples = 560}));
  bench->resume(60s, InterruptionRule::resume);
  ASSERT_EQ(to_string(bench->result("ch1").outcome), "completed") << bench->result("ch1").reason;
  const std::vector<db::SampleRow> all = samples_of(*bench, "ch1");
  EXPECT_NEAR(all.back().current_A, -1.5, 0.05) << "3C of the half ampere-hour that was measured before the process died";
  // It goes on in the middle: the current stands where it stood, and what had flowed does not flow again.
  const std::vector<db::StepInfo> parts = bench->record().steps(run_of(*bench, "ch1").run).value();
  ASSERT_EQ(parts.size(), 3u) << "the reference, and the ramp in two parts";
  const auto of_part = [&](std::size_t part) {
    std::vector<db::SampleRow> own;
    for (const db::SampleRow& row : all) {
      if (row.step == parts[part].row.step && std::abs(row.current_A) > 0.1) own.push_back(row);
    }
    return own;
  };
  ASSERT_FALSE(of_part(1).empty() || of_part(2).empty());
  EXPECT_LT(of_part(1).back().current_A, -0.6) << "it was well under way";
  EXPECT_NEAR(of_part(2).front().current_A, of_part(1).back().current_A, 0.05);
  EXPECT_NEAR(parts[1].end->discharge_Ah + parts[2].end->discharge_Ah, 2 * 0.5 * 600 / 3600, 0.005) << "2C on average, once";
}

// ---- what comes out too great -----------------------------------------------------------------------------------------------------

/// The last step is refused before anything is switched on, and its end says so.
void expect_refused(BenchHarness& bench, const std::string& reason) {
  EXPECT_EQ(to_string(bench.result("ch1").outcome), "failed");
  EXPECT_THAT(bench.result("ch1").reason, HasSubstr(reason));
  const std::vector<db::StepInfo> steps = bench.record().steps(run_of(bench, "ch1").run).value();
  EXPECT_EQ(steps.back().row.name, "refused");
  EXPECT_EQ(steps.back().end->reason, "refused");
  EXPECT_EQ(steps.back().end->discharge_Ah, 0.0);
  EXPECT_EQ(steps.back().end->charge_Ah, 0.0);
  for (const db::SampleRow& row : samples_of(bench, "ch1")) EXPECT_NE(row.step, steps.back().row.step);
  for (const db::EventRow& event : events_of(bench, "ch1")) EXPECT_NE(event.severity, db::Severity::trip) << event.message;
  EXPECT_FALSE(bench.output_is_on("ch1"));
}

TEST_F(RunTimeValues, a_current_that_comes_out_beyond_the_limit_of_the_bench_is_refused_and_trips_nothing) {
  run(HarnessOptions{.bench = demo_bench_with("{discharge_current_max_A: 3}"),
                     .profiles = {{"ch1",
                                   "profile: x\nformat: 1\nvariables:\n  wanted_A: {start: 2, min: 0.1, max: 7}\nsteps:\n"
                                   "  - cc_discharge: {current_A: variables.wanted_A, until: step_time_s >= 20, at_most_h: 1}\n"
                                   "  - set: {wanted_A: 4}\n"
                                   "  - cc_discharge: {name: refused, current_A: variables.wanted_A, until: step_time_s >= 20, "
                                   "at_most_h: 1}\n"}}},
      "failed");
  EXPECT_NEAR(end(0).discharge_Ah, 2.0 * 20 / 3600, 0.001) << "within it the same step runs";
  expect_refused(*bench, "variables.wanted_A comes out as 4, which is not ");
}

TEST_F(RunTimeValues, a_course_of_the_measured_capacity_beyond_the_limit_of_the_bench_is_refused) {
  run(HarnessOptions{.bench = demo_bench_with("{charge_current_max_A: 0.6}"),
                     .profiles = {{"ch1",
                                   after_reference(0.5,
                                                   "  - pulse_train: {name: refused, rate_of: measured, pulses: "
                                                   "[{discharge_rate_C: 1, for_s: 10}, {charge_rate_C: 1.9, for_s: 5}]}\n")}},
                     .ignore_check = true},
      "failed");
  expect_refused(*bench, "a current by the measured capacity comes out as 0.9");
}

TEST_F(RunTimeValues, a_course_of_the_measured_capacity_beyond_the_limit_of_its_own_step_is_refused) {
  run(
      HarnessOptions{
          .bench = "demo",
          .profiles = {{"ch1",
                        after_reference(0.5,
                                        "  - pulse_train: {name: refused, rate_of: measured, limits: {charge_current_max_A: "
                                        "0.6}, pulses: [{discharge_rate_C: 1, for_s: 10}, {charge_rate_C: 1.9, for_s: 5}]}\n")}},
          .ignore_check = true},
      "failed");
  expect_refused(*bench, "a current by the measured capacity comes out as 0.9");
}

// A pulse that comes out below what the cycler holds would be refused by it in the middle of the run.
TEST_F(RunTimeValues, a_course_of_the_measured_capacity_below_the_least_current_of_the_cycler_is_refused) {
  run(HarnessOptions{.bench = "demo",
                     .profiles = {{"ch1",
                                   after_reference(0.1,
                                                   "  - pulse_train: {name: refused, rate_of: measured, pulses: "
                                                   "[{discharge_rate_C: 1, for_s: 10}, {charge_rate_C: 0.01, for_s: 5}]}\n")}},
                     .ignore_check = true},
      "failed");
  expect_refused(*bench, "a current by the measured capacity comes out as 0.001");
  EXPECT_THAT(bench->result("ch1").reason, HasSubstr("which is not at least "));
}

// ---- what the record says ---------------------------------------------------------------------------------------------------------

TEST_F(RunTimeValues, the_record_says_the_set_point_that_was_commanded) {
  run(after_reference(
      0.5,
      "  - cc_discharge: {rate_C: 2, rate_of: measured, until: step_time_s >= 10, at_most_h: 1}\n"
      "  - cv_charge: {voltage_V: 4.1, rate_max_C: 2, rate_of: measured, until: step_time_s >= 10, at_most_h: 1}\n"
      "  - pulse_train: {rate_of: measured, pulses: [{discharge_rate_C: 1, for_s: 10}, {charge_rate_C: 0.5, for_s: 5}]}\n"));
  const auto number = [](double amps) { return fmt::format("{:+.4g}", amps); };
  EXPECT_THAT(steps[1].row.setpoint_text, testing::StartsWith(number(-2 * reference_Ah()) + " A, "));
  EXPECT_THAT(steps[2].row.setpoint_text, HasSubstr(fmt::format("..{:.4g} A", 2 * reference_Ah())));
  EXPECT_THAT(steps[3].row.setpoint_text,
              testing::StartsWith(number(-reference_Ah()) + ".." + number(0.5 * reference_Ah()) + " A, "));
}

}  // namespace
}  // namespace cellrig::test
