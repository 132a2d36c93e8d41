// Ramps, pulse trains and drive cycles: in virtual time, judged by the record and by the simulated truth.
#include <cmath>
#include <fstream>

#include "tests/scenario/language_fixture.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Courses : public Language {
 protected:
  [[nodiscard]] double current_at(std::size_t step, double seconds) const {
    double current = 0.0;
    for (const db::SampleRow& row : rows_of(step)) {
      if (seconds_of(row, step) <= seconds) current = row.current_A;
    }
    return current;
  }
  /// A folder with the table, and a profile that uses it.
  [[nodiscard]] static std::string with_table(const std::string& table, const std::string& keys, const std::string& before = "") {
    const std::string folder = temporary_folder();
    std::ofstream{folder + "/duty.csv"} << table;
    std::ofstream{folder + "/p.yaml"} << profile(before + "  - drive_cycle: {file: duty.csv" + keys + "}\n");
    return folder + "/p.yaml";
  }
};

TEST_F(Courses, a_ramp_of_current_rises_evenly) {
  run(profile("  - ramp_charge: {from_rate_C: 0.1, to_rate_C: 1, for_min: 10, update_s: 5}\n"));
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_NEAR(duration_s(0), 600.0, 1.5);
  for (const double t : {60.0, 150.0, 300.0, 450.0, 590.0}) EXPECT_NEAR(current_at(0, t), 0.5 + 4.5 * t / 600.0, 0.06) << t;
  EXPECT_NEAR(end(0).charge_Ah, 0.5 * (0.5 + 5.0) * 600 / 3600, 0.006) << "the area under it";
}

TEST_F(Courses, a_ramp_may_end_before_its_time) {
  run(profile("  - ramp_discharge: {from_rate_C: 0.1, to_rate_C: 1.5, for_min: 30, until: current_A >= 4}\n"));
  EXPECT_EQ(end(0).condition, "current_A >= 4");
  EXPECT_NEAR(rows.back().current_A, -4.0, 0.1);
}

TEST_F(Courses, a_ramp_of_voltage_sweeps_up_and_the_cell_follows) {
  run(
      profile("  - cccv_charge: {rate_C: 1, voltage_V: 3.8, until: rate_C <= 1/10, at_most_h: 3}\n"
              "  - voltage_ramp: {from_voltage_V: 3.8, to_voltage_V: 3.9, for_min: 20, rate_max_C: 0.5}\n"
              "  - voltage_ramp: {from_voltage_V: 3.9, to_voltage_V: 3.85, for_min: 10, rate_max_C: 0.5}\n"));
  const std::vector<db::SampleRow> up = rows_of(1), down = rows_of(2);
  EXPECT_NEAR(up.at(up.size() / 2).voltage_V, 3.85, 0.01);
  EXPECT_NEAR(up.back().voltage_V, 3.9, 0.01);
  EXPECT_NEAR(down.back().voltage_V, 3.85, 0.01);
  EXPECT_GT(end(1).charge_Ah, end(1).discharge_Ah);
  for (const db::SampleRow& row : rows) EXPECT_LE(std::abs(row.current_A), 5.1);
}

TEST_F(Courses, pulses_follow_each_other_with_the_output_off_between) {
  run(
      profile("  - rest: {for_min: 2}\n"
              "  - pulse_train:\n      times: 3\n      pulses:\n"
              "        - {discharge_rate_C: 1, for_s: 10}\n        - {for_s: 40}\n        - {charge_rate_C: 0.5, for_s: 10}\n    "
              "    - {for_s: 40}\n"));
  EXPECT_NEAR(duration_s(1), 300.0, 1.5);
  for (int pass = 0; pass < 3; ++pass) {
    const double t = 100.0 * pass;
    EXPECT_NEAR(current_at(1, t + 8), -5.0, 0.02);
    EXPECT_NEAR(current_at(1, t + 40), 0.0, 0.02);
    EXPECT_NEAR(current_at(1, t + 58), 2.5, 0.02);
    EXPECT_NEAR(current_at(1, t + 90), 0.0, 0.02);
  }
  EXPECT_NEAR(end(1).discharge_Ah, 3 * 5.0 * 10 / 3600, 0.003);
  EXPECT_NEAR(end(1).charge_Ah, 3 * 2.5 * 10 / 3600, 0.002);
}

TEST_F(Courses, a_drive_cycle_is_scaled_and_repeated) {
  const std::string file =
      with_table("# a robot's arm\ntime_s,power_W\n0,-10\n20,0\n30,6\n40,-2\n60,0\n", ", scale: 0.5, times: 2");
  run(HarnessOptions{.bench = "demo", .profiles = {{"ch1", file}}});
  EXPECT_NEAR(duration_s(0), 120.0, 1.5);
  const auto power_at = [&](double t) {
    double power = 0;
    for (const db::SampleRow& row : rows_of(0)) {
      if (seconds_of(row, 0) <= t) power = row.current_A * row.voltage_V;
    }
    return power;
  };
  for (const double pass : {0.0, 60.0}) {
    EXPECT_NEAR(power_at(pass + 15), -5.0, 0.1);
    EXPECT_NEAR(power_at(pass + 28), 0.0, 0.1);
    EXPECT_NEAR(power_at(pass + 38), 3.0, 0.1);
    EXPECT_NEAR(power_at(pass + 55), -1.0, 0.1);
  }
}

TEST_F(Courses, a_drive_cycle_holds_the_voltage_at_its_limit_and_goes_on) {
  const std::string before = "  - cc_discharge: {rate_C: 1, until: voltage_V <= 3.2, at_most_h: 2}\n";
  const std::string file = with_table("time_s,rate_C\n0,-1\n900,0\n960,0\n", ", voltage_min_V: 3.1", before);
  run(HarnessOptions{.bench = "demo", .profiles = {{"ch1", file}}});
  EXPECT_NEAR(duration_s(1), 960.0, 2.0);
  for (const db::SampleRow& row : rows_of(1)) EXPECT_GT(row.voltage_V, 3.09);
  EXPECT_LT(std::abs(current_at(1, 890)), 4.9) << "the instrument has reduced the current";
}

TEST_F(Courses, a_drive_cycle_may_end_at_its_limit_or_fail) {
  const std::string before = "  - cc_discharge: {rate_C: 1, until: voltage_V <= 3.2, at_most_h: 2}\n";
  const std::string table = "time_s,rate_C\n0,-1\n900,0\n960,0\n";
  run(HarnessOptions{.bench = "demo", .profiles = {{"ch1", with_table(table, ", voltage_min_V: 3.1, at_limit: end", before)}}});
  EXPECT_EQ(end(1).condition, "voltage_V <= 3.1");
  EXPECT_LT(duration_s(1), 800.0);
  run(HarnessOptions{.bench = "demo", .profiles = {{"ch1", with_table(table, ", voltage_min_V: 3.1, at_limit: fail", before)}}},
      "failed");
  EXPECT_THAT(bench->result("ch1").reason, HasSubstr("voltage_V <= 3.1 -> fail"));
}

// Leads that are swapped: the current flows the other way, whatever stair the ramp is on.
TEST_F(Courses, a_current_in_the_wrong_direction_trips_within_a_ramp) {
  bench = std::make_unique<BenchHarness>(
      HarnessOptions{.bench = "demo",
                     .profiles = {{"ch1", profile("  - ramp_discharge: {from_rate_C: 0.2, to_rate_C: 1, for_h: 1}\n")}},
                     .control_period = 100ms});
  bench->fault_at(600s, "negate_current psb1");
  bench->run();
  EXPECT_EQ(to_string(bench->result("ch1").outcome), "tripped") << bench->result("ch1").reason;
}

// Much less current in the same direction is no open circuit.
TEST_F(Courses, a_step_down_to_hardly_any_current_trips_nothing) {
  run(profile("  - pulse_train: {pulses: [{charge_rate_C: 1.5, for_s: 20}, {charge_current_A: 0.05, for_s: 20}, {charge_rate_C: "
              "1, for_s: "
              "5}]}\n"),
      100ms);
  EXPECT_NEAR(current_at(0, 35), 0.05, 0.03);
}

// And one that opens while the stairs go on is found, whatever is swept.
TEST_F(Courses, a_circuit_that_opens_within_a_course_is_found) {
  for (const std::string step : {"ramp_charge: {from_rate_C: 0.5, to_rate_C: 1, for_h: 1}",
                                 "voltage_ramp: {from_voltage_V: 3.9, to_voltage_V: 4.1, rate_max_C: 1, for_h: 1}"}) {
    SCOPED_TRACE(step);
    bench = std::make_unique<BenchHarness>(
        HarnessOptions{.bench = "demo", .profiles = {{"ch1", profile("  - " + step + "\n")}}, .control_period = 100ms});
    bench->fault_at(600s, "open_circuit ch1");
    bench->run();
    EXPECT_EQ(to_string(bench->result("ch1").outcome), "tripped") << bench->result("ch1").reason;
    expect_off_for_good(*bench, "ch1");
  }
}

// A stop in the middle of a course, between two of its values: off, and the record says where.
TEST_F(Courses, a_stop_within_a_course_switches_off) {
  bench = std::make_unique<BenchHarness>(HarnessOptions{
      .bench = "demo", .profiles = {{"ch1", profile("  - ramp_charge: {from_rate_C: 0.1, to_rate_C: 1, for_h: 1}\n")}}});
  bench->at(1000s, [&] { bench->bench_run().stop(Outcome::stopped, "a test"); });
  bench->run();
  EXPECT_EQ(to_string(bench->result("ch1").outcome), "stopped");
  expect_off_for_good(*bench, "ch1");
}

// What an instrument refuses in the middle of a course ends the run, with the output off.
TEST_F(Courses, a_link_that_is_lost_within_a_course_is_noticed_in_time) {
  bench = std::make_unique<BenchHarness>(
      HarnessOptions{.bench = "demo",
                     .profiles = {{"ch1", profile("  - ramp_charge: {from_rate_C: 0.1, to_rate_C: 1, for_h: 1}\n")}},
                     .control_period = 100ms});
  bench->fault_at(600s, "drop psb1.modbus");
  bench->fault_at(600s, "drop psb1.scpi");
  CurrentWatch watch{*bench, "ch1", 600s};
  bench->run();
  EXPECT_NE(to_string(bench->result("ch1").outcome), "completed");
  ASSERT_TRUE(watch.flowed_for().has_value());
  EXPECT_LT(*watch.flowed_for(), 8s) << "the watchdog's delay and a second";
}

TEST_F(Courses, an_interrupted_course_goes_on_where_it_stood) {
  bench = std::make_unique<BenchHarness>(
      HarnessOptions{.bench = "demo",
                     .profiles = {{"ch1",
                                   "profile: x\nformat: 1\nrecord: {every_s: 0}\non_interruption: resume\nsteps:\n"
                                   "  - ramp_charge: {from_rate_C: 0.2, to_rate_C: 1, for_min: 20}\n"}}});
  ASSERT_TRUE(bench->run_until_killed(Death{.samples = 600}));
  bench->resume(60s, InterruptionRule::resume);
  ASSERT_EQ(to_string(bench->result("ch1").outcome), "completed") << bench->result("ch1").reason;
  const std::vector<db::SampleRow> all = samples_of(*bench, "ch1");
  std::size_t gap = 0;
  for (std::size_t i = 1; i < all.size(); ++i) {
    if ((all[i].flags & db::sample_flag::after_gap) != 0) gap = i;
  }
  ASSERT_GT(gap, 500u);
  ASSERT_LT(gap + 3, all.size());
  EXPECT_NEAR(all[gap + 3].current_A, all[gap - 1].current_A, 0.1) << "as if there had been no gap";
  EXPECT_NEAR(all.back().current_A, 5.0, 0.1);
}

}  // namespace
}  // namespace cellrig::test
