// Each construct of the profile language, in virtual time, judged by the record that it leaves.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tests/scenario/language_fixture.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// ---- conditions ---------------------------------------------------------------------------------------------------------

TEST_F(Language, a_rest_ends_when_the_voltage_hardly_moves_any_more) {
  run(
      profile("  - cc_discharge: {rate_C: 1, until: capacity_Ah >= 1, at_most_h: 1}\n"
              "  - rest: {until: {all: [voltage_per_hour_V <= 0.02, voltage_per_hour_V >= -0.02]}, at_most_h: 8}\n"));
  const std::vector<db::SampleRow> rest = rows_of(1);
  const double all_s = seconds_of(rest.back(), 1);
  EXPECT_GT(all_s, 700) << "not before a window of ten minutes has passed, nor while it still relaxes";
  EXPECT_LT(all_s, 8 * 3600);
  // Over the last ten minutes, by the record itself.
  const auto before =
      std::find_if(rest.rbegin(), rest.rend(), [&](const db::SampleRow& r) { return seconds_of(r, 1) <= all_s - 600; });
  ASSERT_NE(before, rest.rend());
  const double per_hour = 3600 * (rest.back().voltage_V - before->voltage_V) / (all_s - seconds_of(*before, 1));
  EXPECT_NEAR(std::abs(per_hour), 0.02, 0.004);
  EXPECT_THAT(end(1).condition, HasSubstr("voltage_per_hour_V"));
}

TEST_F(Language, a_charge_ends_when_the_cell_has_warmed_by_so_much) {
  run(profile("  - cc_charge: {rate_C: 1.5, until: temperature_rise_K >= 3, at_most_h: 1}\n"));
  EXPECT_EQ(end(0).condition, "temperature_rise_K >= 3");
  EXPECT_NEAR(*end(0).value, 3.0, 0.15);
  EXPECT_NEAR(rows.back().cell_temperature_degC - rows.front().cell_temperature_degC, 3.0, 0.2);
}

TEST_F(Language, a_charge_ends_when_the_cell_warms_too_fast) {
  run(profile("  - cc_charge: {rate_C: 1.5, until: temperature_per_minute_K >= 0.5, at_most_h: 1}\n"));
  EXPECT_GE(*end(0).value, 0.5);
  EXPECT_GE(duration_s(0), 60.0);
}

TEST_F(Language, a_discharge_ends_a_hundred_millivolt_below_its_greatest_voltage) {
  run(profile("  - cc_discharge: {rate_C: 1, until: voltage_drop_V >= 0.1, at_most_h: 1}\n"));
  double highest = 0.0;
  for (const db::SampleRow& row : rows) highest = std::max(highest, row.voltage_V);
  EXPECT_NEAR(highest - rows.back().voltage_V, 0.1, 0.01);
  EXPECT_EQ(end(0).condition, "voltage_drop_V >= 0.1");
}

TEST_F(Language, a_charge_ends_by_its_power_and_by_its_time_at_constant_voltage) {
  run(
      profile("  - cccv_charge: {rate_C: 1, voltage_V: 4.1, until: power_W <= 10, at_most_h: 3}\n"
              "  - cccv_charge: {rate_C: 1, voltage_V: 4.15, until: cv_time_min >= 5, at_most_h: 3}\n"));
  EXPECT_NEAR(rows_of(0).back().voltage_V * rows_of(0).back().current_A, 10.0, 0.2);
  EXPECT_EQ(end(1).condition, "cv_time_min >= 5");
  EXPECT_NEAR(end(1).cv_time_s, 300.0, 2.0);
}

// ---- rows ---------------------------------------------------------------------------------------------------------------

TEST_F(Language, rows_are_kept_at_the_times_that_a_pulse_is_read_at) {
  run(profile("  - rest: {for_s: 60}\n"
              "  - cc_discharge: {rate_C: 1, until: step_time_s >= 20, at_most_min: 1, record: {every_s: 3600, at_s: [18, 0.1, "
              "2, 10]}}\n"),
      100ms);
  std::vector<double> times;
  for (const db::SampleRow& row : rows_of(1)) times.push_back(seconds_of(row, 1));
  ASSERT_EQ(times.size(), 6u) << "the first one, the four, the last one";
  EXPECT_NEAR(times[1], 0.1, 0.09);
  EXPECT_NEAR(times[2], 2.0, 0.09);
  EXPECT_NEAR(times[3], 10.0, 0.09);
  EXPECT_NEAR(times[4], 18.0, 0.09);
  EXPECT_GT(rows_of(0).size(), 50u) << "the step before keeps the profile's rule";
}

TEST_F(Language, rows_are_kept_when_a_quantity_has_moved_and_not_otherwise) {
  run(
      profile("  - cc_charge: {rate_C: 1, until: step_time_min >= 20, at_most_h: 1}\n"
              "  - rest: {for_min: 20, record: {voltage_change_V: 0.05}}\n"
              "  - cc_discharge: {rate_C: 1, until: capacity_Ah >= 1, at_most_h: 1, record: {capacity_change_Ah: 0.1, "
              "voltage_change_V: 9}}\n",
              "{every_s: 86400, voltage_change_V: 0.01}"));
  const std::vector<db::SampleRow> charge = rows_of(0);
  const double moved_V = charge.back().voltage_V - charge.front().voltage_V;
  EXPECT_NEAR(static_cast<double>(charge.size()), moved_V / 0.01, 3.0);
  for (std::size_t i = 1; i + 1 < charge.size(); ++i) EXPECT_GE(charge[i].voltage_V - charge[i - 1].voltage_V, 0.0099);
  EXPECT_LT(rows_of(1).size(), 6u);
  EXPECT_NEAR(static_cast<double>(rows_of(2).size()), 11.0, 1.0) << "a row each 0.1 Ah";
}

TEST_F(Language, what_led_to_an_end_is_kept_though_rows_are_rare) {
  run(profile(
      "  - cc_discharge: {rate_C: 1, until: step_time_s >= 100, at_most_h: 1, record: {every_s: 3600, before_event_s: 8}}\n"
      "  - rest: {for_s: 100, record: {every_s: 3600}}\n"));
  std::vector<double> times;
  for (const db::SampleRow& row : rows_of(0)) times.push_back(seconds_of(row, 0));
  ASSERT_NEAR(times.size(), 10u, 1) << "the first one, eight before the end, the last one";
  EXPECT_NEAR(times[1], 92.0, 1.5);
  for (std::size_t i = 1; i < times.size(); ++i) EXPECT_GT(times[i], times[i - 1]);
  EXPECT_EQ(rows_of(1).size(), 2u);
}

TEST_F(Language, what_led_to_a_trip_is_kept_with_the_measurement_that_tripped) {
  bench = std::make_unique<BenchHarness>(HarnessOptions{
      .bench = "demo", .profiles = {{"ch1", profile("  - rest: {for_h: 1, record: {every_s: 3600, before_event_s: 10}}\n")}}});
  bench->at(600s, [&] { shift_thermocouple(*bench, "ch1", 60.0); });
  bench->run();
  ASSERT_EQ(to_string(bench->result("ch1").outcome), "tripped");
  const std::vector<db::SampleRow> all = samples_of(*bench, "ch1");
  ASSERT_GE(all.size(), 5u) << "a long rest is measured every 2.5 s";
  EXPECT_LT(all[1].test_time_ns, 600'000'000'000);
  EXPECT_GT(all[1].test_time_ns, 585'000'000'000);
}

/// Second by second, from the earliest in `from_s` to `to_s`: each instant once.
void expect_every_second(const std::vector<double>& times, double from_s, double to_s) {
  std::vector<double> inside;
  for (const double t : times) {
    if (t >= from_s && t <= to_s) inside.push_back(t);
  }
  ASSERT_NEAR(static_cast<double>(inside.size()), to_s - from_s, 1.5) << testing::PrintToString(times);
  for (std::size_t i = 1; i < inside.size(); ++i) EXPECT_NEAR(inside[i] - inside[i - 1], 1.0, 0.2);
}

// Three seconds before the end there was a row. It was written at once, and so nothing older comes after it.
TEST_F(Language, what_led_to_an_end_is_kept_back_to_the_last_row) {
  run(profile(
      "  - cc_discharge: {rate_C: 1, until: step_time_s >= 63, at_most_h: 1, record: {every_s: 20, before_event_s: 10}}\n"));
  std::vector<double> times;
  for (const db::SampleRow& row : rows_of(0)) times.push_back(seconds_of(row, 0));
  for (std::size_t i = 1; i < times.size(); ++i) EXPECT_GT(times[i], times[i - 1]) << "in order, and none twice";
  expect_every_second(times, 59.5, 63.5);
  EXPECT_EQ(std::count_if(times.begin(), times.end(), [](double t) { return t < 59.0; }), 3) << "at 0, 20 and 40 s";
}

// An event three seconds after a step has begun: the seven before are those of the step before.
TEST_F(Language, what_led_to_an_event_is_kept_across_a_step) {
  run(profile(
      "  - rest: {for_s: 100, record: {every_s: 3600}}\n"
      "  - cc_discharge: {rate_C: 1, until: step_time_s >= 5, at_most_h: 1, record: {every_s: 3600, before_event_s: 10}}\n"
      "  - rest: {for_s: 100, record: {every_s: 3600}}\n"));
  std::vector<double> before;
  for (const db::SampleRow& row : rows_of(0)) before.push_back(seconds_of(row, 0));
  expect_every_second(before, 91.0, 99.5);
  EXPECT_EQ(rows_of(2).size(), 2u) << "this one asks for nothing, and nor does what follows";
  for (std::size_t i = 1; i < rows.size(); ++i) EXPECT_GT(rows[i].test_time_ns, rows[i - 1].test_time_ns);
}

TEST_F(Language, what_led_to_a_trip_is_kept_back_to_the_row_just_before_it) {
  bench = std::make_unique<BenchHarness>(HarnessOptions{
      .bench = "demo",
      .profiles = {
          {"ch1", profile("  - cc_discharge: {rate_C: 1, until: step_time_s >= 1000, at_most_h: 1, record: {every_s: 60, "
                          "before_event_s: 10}}\n")}}});
  bench->at(123s, [&] { shift_thermocouple(*bench, "ch1", 60.0); });
  bench->run();
  ASSERT_EQ(to_string(bench->result("ch1").outcome), "tripped");
  std::vector<double> times;
  for (const db::SampleRow& row : samples_of(*bench, "ch1")) times.push_back(1e-9 * static_cast<double>(row.test_time_ns));
  for (std::size_t i = 1; i < times.size(); ++i) EXPECT_GT(times[i], times[i - 1]);
  expect_every_second(times, 119.5, times.back());
  EXPECT_EQ(std::count_if(times.begin(), times.end(), [](double t) { return t < 119.0; }), 2) << "at 0 and 60 s";
}

TEST_F(Language, a_step_beside_one_with_a_ring_keeps_its_own_rows) {
  run(profile("  - rest: {for_s: 30, record: {every_s: 10, before_event_s: 5}}\n  - rest: {for_s: 10, record: {every_s: 0}}\n"));
  EXPECT_NEAR(static_cast<double>(rows_of(0).size()), 4.0 + 5.0, 2.0);
  EXPECT_NEAR(static_cast<double>(rows_of(1).size()), 11.0, 1.0) << "every measurement is a row";
}

// ---- results ------------------------------------------------------------------------------------------------------------

TEST_F(Language, the_resistance_of_a_pulse_is_a_result) {
  run(
      profile("  - rest: {for_min: 5}\n"
              "  - cc_discharge: {rate_C: 1, until: step_time_s >= 10, at_most_min: 1, measure: resistance}\n"
              "  - require: resistance_Ohm <= 0.2\n  - require: resistance_Ohm <= 0.001\n"));
  const db::SampleRow before = rows_of(0).back(), after = rows_of(1).back();
  const double expected = (after.voltage_V - before.voltage_V) / (after.current_A - before.current_A);
  EXPECT_GT(expected, 0.01);
  EXPECT_LT(expected, 0.2);
  EXPECT_THAT(criteria(), HasSubstr("criterion met: resistance_Ohm <= 0.2"));
  EXPECT_THAT(criteria(), HasSubstr("criterion not met: resistance_Ohm <= 0.001"));
  char told[64];
  std::snprintf(told, sizeof told, "resistance: %.6f Ohm by step 'cc_discharge'", expected);
  EXPECT_THAT(criteria(), HasSubstr(told)) << "each one is in the record, whether somebody requires something of it or not";
  for (const db::EventRow& event : events_of(*bench, "ch1")) {
    if (event.kind == "criterion met") {
      EXPECT_NEAR(*event.value, expected, 1e-6);
    }
  }
}

TEST_F(Language, a_resistance_that_was_not_measured_is_not_that_of_an_earlier_pulse) {
  run(
      profile("  - cc_discharge: {rate_C: 1, until: step_time_s >= 10, at_most_min: 1, measure: resistance}\n"
              "  - require: resistance_Ohm <= 1\n"));
  EXPECT_THAT(criteria(), HasSubstr("criterion not met: resistance_Ohm <= 1: not measured"));
}

// The current of the second step is that of the first one: noise over noise would be any number.
TEST_F(Language, a_step_that_hardly_changes_the_current_has_no_resistance) {
  run(
      profile("  - cc_discharge: {rate_C: 1, until: step_time_s >= 10, at_most_min: 1}\n"
              "  - cc_discharge: {rate_C: 1.001, until: step_time_s >= 10, at_most_min: 1, measure: resistance}\n"
              "  - require: resistance_Ohm <= 1\n"));
  EXPECT_THAT(criteria(), HasSubstr("criterion not met: resistance_Ohm <= 1: not measured"));
}

TEST_F(Language, a_cycle_without_a_charge_has_no_efficiency) {
  run(
      profile("  - cycles:\n      times: 1\n      steps:\n"
              "        - cc_discharge: {rate_C: 1, until: step_time_s >= 100, at_most_h: 1}\n"
              "  - require: coulombic_efficiency_pct >= 1\n"));
  EXPECT_THAT(criteria(), HasSubstr("criterion not met: coulombic_efficiency_pct >= 1: not measured"));
}

TEST_F(Language, efficiencies_of_a_cycle_and_the_peak_temperature_are_results) {
  run(
      profile("  - cycles:\n      times: 2\n      steps:\n"
              "        - cc_charge: {rate_C: 1, until: capacity_Ah >= 0.5, at_most_h: 1}\n"
              "        - cc_discharge: {rate_C: 1, until: capacity_Ah >= 0.5, at_most_h: 1}\n"
              "  - require: coulombic_efficiency_pct >= 99.5\n  - require: energy_efficiency_pct <= 98\n"
              "  - require: energy_efficiency_pct >= 80\n  - require: cell_temperature_peak_degC >= 26\n"
              "  - stop_if: cell_temperature_peak_degC > 26\n  - rest: {for_h: 100}\n"));
  EXPECT_EQ(criteria().find("not met"), std::string::npos) << criteria();
  const std::vector<db::CycleRow> cycles = bench->record().cycles(run_of(*bench, "ch1").run).value();
  ASSERT_EQ(cycles.size(), 2u);
  double hottest = 0.0;
  for (const db::SampleRow& row : rows) hottest = std::max(hottest, row.cell_temperature_degC);
  for (const db::EventRow& event : events_of(*bench, "ch1")) {
    if (event.message.find("coulombic") == 0) {
      EXPECT_NEAR(*event.value, 100 * *cycles.back().coulombic_efficiency, 1e-9);
    }
    if (event.message.find("cell_temperature_peak") == 0 && event.kind == "criterion met") {
      EXPECT_NEAR(*event.value, hottest, 0.05);
    }
  }
  EXPECT_EQ(steps.size(), 4u) << "the stop_if ended it before the rest";
}

}  // namespace
}  // namespace cellrig::test
