// What the other tests of the language leave out, so that each construct runs once in virtual time and is judged by the record:
// docs/testing.md has the list. Each quantity ends a step, and the record names condition, value and margin.
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>

#include "tests/scenario/language_fixture.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct QuantityCase {
  std::string name, bench, cell, steps, condition;  ///< it ends the last of the steps
  double threshold = 0, value_min = 0, value_max = 0;
};

std::string last(const std::string& word, const std::string& keys, const std::string& condition) {
  return "  - " + word + ": {" + keys + ", until: " + condition + ", at_most_h: 12}\n";
}

const std::string little_discharge = "  - cc_discharge: {rate_C: 1, until: step_time_s >= 60, at_most_h: 1}\n";

std::vector<QuantityCase> quantity_cases() {
  const std::string demo = "demo", lg = "lg-m50", full = "full", sulfide = "sulfide-20", c2 = "rate_C: 1/2";
  const auto flowing = [&](const std::string& name, const std::string& condition, double threshold, double max) {
    return QuantityCase{name, demo, lg, last("cc_discharge", c2, condition), condition, threshold, threshold, max};
  };
  const auto sensed = [&](const std::string& name, const std::string& condition, double threshold, double min, double max) {
    return QuantityCase{name, full, sulfide, last("rest", "name: look", condition), condition, threshold, min, max};
  };
  const auto after = [&](const std::string& name, const std::string& condition, double threshold, double min, double max) {
    return QuantityCase{name, demo, lg, little_discharge + last("rest", "name: look", condition), condition, threshold, min, max};
  };
  const auto soaked = [&](const std::string& name, const std::string& condition, double threshold) {
    return QuantityCase{name,      demo,      lg,        last("soak", "temperature_degC: 35", condition),
                        condition, threshold, threshold, threshold + 1};
  };
  const auto soaked_apart = [&](const std::string& name, const std::string& condition, double threshold, double min, double max) {
    return QuantityCase{name, demo, lg, last("soak", "temperature_degC: 35", condition), condition, threshold, min, max};
  };
  return {
      flowing("energy_Wh", "energy_Wh >= 0.5", 0.5, 0.52),
      flowing("capacity_pct", "capacity_pct >= 2", 0.1, 0.11),
      flowing("step_time_h", "step_time_h >= 0.05", 180, 182),
      flowing("step_time_min", "step_time_min >= 2", 120, 122),
      flowing("power_W", "power_W >= 5 after 10 s", 5, 12),
      {"cv_time_h", demo, lg, last("cv_charge", "voltage_V: 3.75, rate_max_C: 1/2", "cv_time_h >= 0.02"), "cv_time_h >= 0.02", 72,
       72, 75},
      soaked("ambient_temperature_degC", "ambient_temperature_degC >= 30", 30),
      soaked("chamber_temperature_degC", "chamber_temperature_degC >= 30", 30),
      soaked("cell_temperature_degC", "cell_temperature_degC >= 30", 30),
      sensed("logger_voltage_V", "logger_voltage_V >= 1 after 20 s", 1, 2.5, 4.5),
      sensed("stack_force_N", "stack_force_N >= 1000 after 20 s", 1000, 50'000, 150'000),
      sensed("stack_pressure_MPa", "stack_pressure_MPa >= 2.5 after 20 s", 2.5, 4, 6),
      sensed("gas_ppm", "gas_ppm <= 40 after 20 s", 40, 0, 20),
      after("voltage_per_minute_V", "voltage_per_minute_V <= 0.002", 0.002, -0.01, 0.002),
      soaked_apart("cell_minus_chamber_K", "cell_minus_chamber_K >= -3 after 20 min", -3, -3, 0),
      soaked_apart("cell_minus_ambient_K", "cell_minus_ambient_K <= -2", -2, -20, -2),
      // Only the air of a chamber that heats lags behind what it reports: by a tenth of a kelvin at most, with the sign of this difference.
      soaked_apart("ambient_minus_chamber_K", "ambient_minus_chamber_K <= -0.05", -0.05, -0.3, -0.05),
      after("temperature_per_hour_K", "temperature_per_hour_K >= -5", -5, -5, 1),
  };
}

class EachQuantity : public Language, public testing::WithParamInterface<QuantityCase> {};

TEST_P(EachQuantity, ends_a_step_and_the_record_says_by_what) {
  const QuantityCase& c = GetParam();
  run(HarnessOptions{.bench = c.bench, .profiles = {{"ch1", profile(c.steps)}}, .cell = c.cell});
  const db::StepEndRow& row = end(steps.size() - 1);
  EXPECT_EQ(row.reason, "condition");
  EXPECT_EQ(row.condition, c.condition);
  ASSERT_TRUE(row.value && row.margin);
  EXPECT_GE(*row.value, c.value_min);
  EXPECT_LE(*row.value, c.value_max);
  EXPECT_NEAR(std::abs(*row.margin), std::abs(*row.value - c.threshold), 1e-9);
  EXPECT_FALSE(bench->output_is_on("ch1"));
}

INSTANTIATE_TEST_SUITE_P(Language, EachQuantity, testing::ValuesIn(quantity_cases()),
                         [](const testing::TestParamInfo<QuantityCase>& p) { return p.param.name; });

class Construct : public Language {};

// ---- set-points that no other scenario has ------------------------------------------------------------------------------

TEST_F(Construct, each_way_to_hold_current_voltage_power_and_resistance_is_what_flows) {
  run(profile("  - cp_discharge: {power_W: 8, until: step_time_s >= 30, at_most_h: 1}\n"
              "  - cp_charge: {power_W: 6, until: step_time_s >= 30, at_most_h: 1}\n"
              "  - cccv_discharge: {rate_C: 1, voltage_V: 3.5, until: rate_C <= 0.5, at_most_h: 3}\n"
              "  - cv_discharge: {voltage_V: 3.45, rate_max_C: 1, until: cv_time_s >= 30, at_most_h: 3}\n"
              "  - cv_charge: {voltage_V: 3.8, rate_max_C: 0.5, until: step_time_s >= 30, at_most_h: 3}\n"
              "  - cr_discharge: {resistance_Ohm: 3, until: step_time_s >= 30, at_most_h: 1}\n"),
      1s);
  const auto last_row = [this](std::size_t step) { return rows_of(step).back(); };
  EXPECT_NEAR(last_row(0).voltage_V * last_row(0).current_A, -8.0, 0.1);
  EXPECT_NEAR(last_row(1).voltage_V * last_row(1).current_A, 6.0, 0.1);
  EXPECT_NEAR(last_row(2).voltage_V, 3.5, 0.01);
  EXPECT_LE(std::abs(last_row(2).current_A), 2.5);
  EXPECT_NEAR(last_row(3).voltage_V, 3.45, 0.01);
  EXPECT_LE(last_row(4).current_A, 2.52);
  EXPECT_GT(last_row(4).current_A, 0.5);
  EXPECT_NEAR(-last_row(5).voltage_V / last_row(5).current_A, 3.0, 0.05);
  EXPECT_EQ(steps[0].row.type, "CP_DCH");
  EXPECT_EQ(steps[2].row.type, "CCCV_DCH");
}

TEST_F(Construct, a_rate_may_be_of_the_rated_capacity) {
  run(
      profile("  - cc_discharge: {rate_C: 1/2, until: step_time_s >= 20, at_most_h: 1}\n"
              "  - cc_discharge: {rate_C: 1/2, rate_of: rated, until: step_time_s >= 20, at_most_h: 1}\n"
              "  - cc_discharge: {current_A: cell.rated_capacity_Ah / 2, until: step_time_s >= 20, at_most_h: 1}\n"));
  EXPECT_NEAR(rows_of(0).back().current_A, -2.5, 0.02) << "of the nominal";
  EXPECT_NEAR(rows_of(1).back().current_A, rows_of(2).back().current_A, 1e-6);
  EXPECT_LT(std::abs(rows_of(1).back().current_A - rows_of(0).back().current_A), 0.2);
  EXPECT_NE(rows_of(1).back().current_A, rows_of(0).back().current_A);
}

// ---- rows -----------------------------------------------------------------------------------------------------------------

TEST_F(Construct, rows_are_kept_when_current_or_temperature_has_moved) {
  run(profile(
      "  - ramp_discharge: {from_rate_C: 0.1, to_rate_C: 1, for_min: 10, update_s: 1, record: {every_s: 3600, "
      "current_change_A: 0.5}}\n"
      "  - cc_discharge: {rate_C: 1.5, until: step_time_min >= 15, at_most_h: 1, record: {every_s: 3600, temperature_change_K: "
      "0.5}}\n"));
  EXPECT_NEAR(static_cast<double>(rows_of(0).size()), 4.5 / 0.5 + 1, 2.0);
  const std::vector<db::SampleRow> warm = rows_of(1);
  ASSERT_GE(warm.size(), 4u);
  for (std::size_t i = 2; i + 1 < warm.size(); ++i)
    EXPECT_GE(std::abs(warm[i].cell_temperature_degC - warm[i - 1].cell_temperature_degC), 0.49);
}

// ---- loops, diagnostics, results ------------------------------------------------------------------------------------------

TEST_F(Construct, loops_in_loops_come_back_to_the_exact_place) {
  run(
      profile("  - repeat:\n      times: 2\n      steps:\n        - cycles:\n            times: 2\n            steps:\n"
              "              - repeat: {times: 3, steps: [{rest: {name: inner, for_s: 5}}]}\n"
              "              - rest: {name: middle, for_s: 5}\n        - rest: {name: outer, for_s: 5}\n"));
  std::string order;
  for (const db::StepInfo& step : steps) order += step.row.name.front();
  EXPECT_EQ(order, "iiimiiimoiiimiiimo");
  EXPECT_EQ(steps.back().row.cycle, 4);
}

// Deeper than any procedure, killed in the middle: every level goes on with its own count.
TEST_F(Construct, loops_nest_deeply_and_an_interruption_leaves_every_counter_as_it_is) {
  constexpr int depth = 20, twice = 5;
  std::string loops, close;
  for (int level = 0; level < depth; ++level) {
    loops += "{repeat: {times: " + std::string(level % (depth / twice) == 0 ? "2" : "1") + ", steps: [";
    close += "]}}";
  }
  bench = std::make_unique<BenchHarness>(HarnessOptions{
      .bench = "demo",
      .profiles = {{"ch1", "on_interruption: resume\n" + profile("  - " + loops + "{rest: {for_s: 5}}" + close + "\n")}}});
  ASSERT_TRUE(bench->run_until_killed(Death{.samples = 80}));
  bench->resume(60s, InterruptionRule::resume);
  ASSERT_EQ(to_string(bench->result("ch1").outcome), "completed") << bench->result("ch1").reason;
  std::size_t ended = 0;
  for (const db::StepInfo& step : bench->record().steps(run_of(*bench, "ch1").run).value()) {
    if (step.end && step.end->reason == "time bound") ++ended;
  }
  EXPECT_EQ(ended, 32u) << "2 to the power of the five loops that are done twice";
}

// A measurement that fails is a warning of the record: the check-up comes after that cycle, once.
TEST_F(Construct, diagnostics_come_after_an_alarm) {
  bench = std::make_unique<BenchHarness>(HarnessOptions{
      .bench = "demo",
      .profiles = {{"ch1", profile("  - cycles:\n      times: 5\n      steps:\n        - rest: {name: cycle, for_s: 60}\n"
                                   "      diagnostics: {after_alarm: true, steps: [{rest: {name: up, for_s: 20}}]}\n")}}});
  bench->fault_at(90s, "drop psb1.modbus");
  bench->run();
  ASSERT_EQ(to_string(bench->result("ch1").outcome), "completed") << bench->result("ch1").reason;
  std::string order;
  for (const db::StepInfo& step : bench->record().steps(run_of(*bench, "ch1").run).value()) order += step.row.name.front();
  EXPECT_EQ(order, "ccuccc");
}

TEST_F(Construct, results_of_earlier_steps_and_cycles_decide) {
  run(profile(
      "  - cycles:\n      times: 5\n      steps:\n"
      "        - cc_discharge: {rate_C: 1/2, until: capacity_Ah >= 0.2, at_most_h: 1, measure: reference}\n"
      "        - cc_charge: {rate_C: 1/2, until: capacity_Ah >= results.reference_capacity_Ah / 2, at_most_h: 1, measure: "
      "charge_time}\n"
      "        - leave_if: cycle_count >= 2\n"
      "  - require: retention_pct >= 99\n  - require: charge_time_min <= 5\n  - stop_if: retention_pct > 50\n"
      "  - rest: {name: never, for_h: 1}\n"));
  EXPECT_EQ(steps.size(), 4u);
  EXPECT_NEAR(end(1).charge_Ah, end(0).discharge_Ah / 2, 0.002);
  EXPECT_THAT(criteria(), HasSubstr("criterion met: retention_pct >= 99: "));
  EXPECT_THAT(criteria(), HasSubstr("criterion met: charge_time_min <= 5: "));
  EXPECT_THAT(criteria(), HasSubstr("stop condition: retention_pct > 50: "));
}

// A step ends by what was counted or measured before it.
TEST_F(Construct, a_step_ends_by_a_variable_a_retention_or_a_resistance) {
  run("profile: Language\nformat: 1\nrecord: {every_s: 0}\nvariables:\n  n: {start: 0, min: 0, max: 9}\nsteps:\n"
      "  - repeat:\n      times: 3\n      steps:\n"
      "        - rest: {name: counted, until: [variables.n >= 2, step_time_s >= 20], at_most_h: 1}\n"
      "        - set: {n: variables.n + 1}\n"
      "  - repeat:\n      times: 2\n      steps:\n"
      "        - cc_discharge: {rate_C: 1/2, until: capacity_Ah >= 0.1, at_most_h: 1, measure: reference}\n"
      "  - rest: {name: retained, until: [results.retention_pct <= 101, step_time_s >= 20], at_most_h: 1}\n"
      "  - cc_discharge: {rate_C: 1/2, until: step_time_s >= 10, at_most_h: 1, measure: resistance}\n"
      "  - rest: {name: resisted, until: [{any: [results.resistance_Ohm >= 0.005, step_time_s >= 20]}], at_most_h: 1}\n");
  std::map<std::string, std::vector<std::string>> ends;
  for (const db::StepInfo& step : steps) ends[step.row.name].push_back(step.end->condition);
  EXPECT_EQ(ends["counted"], (std::vector<std::string>{"step_time_s >= 20", "step_time_s >= 20", "variables.n >= 2"}));
  EXPECT_EQ(ends["retained"], (std::vector<std::string>{"results.retention_pct <= 101"}));
  ASSERT_EQ(ends["resisted"].size(), 1u);
  EXPECT_THAT(ends["resisted"][0], HasSubstr("any of (results.resistance_Ohm >= 0.005; step_time_s >= 20), decided by "));
  EXPECT_LT(duration_s(steps.size() - 1), 19.0);
}

// ---- groups of conditions -------------------------------------------------------------------------------------------------

/// Which rows of the step a condition held in, and how long without a break up to the last of them.
template <class Holds>
double held_for_s(const std::vector<db::SampleRow>& rows, const Holds& holds) {
  std::size_t first = rows.size();
  while (first > 0 && holds(rows[first - 1])) --first;
  return first == rows.size() ? -1.0 : 1e-9 * static_cast<double>(rows.back().test_time_ns - rows[first].test_time_ns);
}

// One value of a drive cycle lies beyond the threshold for too short a time, the next for long enough: the step ends in that one.
TEST_F(Construct, a_condition_must_hold_for_its_time_without_a_break) {
  const std::string folder = temporary_folder();
  std::ofstream{folder + "/load.csv"} << "time_s,current_A\n0,-3\n20,-1\n40,-3\n120,-1\n200,-1\n";
  std::ofstream{folder + "/for.yaml"} << profile("  - drive_cycle: {file: load.csv, until: current_A >= 2 for 30 s}\n");
  run(HarnessOptions{.bench = "demo", .profiles = {{"ch1", folder + "/for.yaml"}}});
  EXPECT_EQ(end(0).condition, "current_A >= 2 for 30 s");
  ASSERT_TRUE(end(0).value);
  EXPECT_NEAR(*end(0).value, 3.0, 0.05);
  EXPECT_NEAR(duration_s(0), 40 + 30, 3.0) << "the twenty seconds before the break do not count";
  EXPECT_GE(held_for_s(rows_of(0), [](const db::SampleRow& row) { return row.current_A <= -2.0; }), 30.0);
}

// Any of them ends the step, each with its own time, in groups within groups; the record says which it was.
TEST_F(Construct, any_of_several_conditions_ends_a_step_and_all_of_them_must_hold_together) {
  run(profile(
      "  - cc_discharge: {rate_C: 1/2, at_most_h: 1, until: {any: [voltage_V <= 2.6 for 5 s, {all: [capacity_Ah >= 0.02, "
      "step_time_s >= 40]}, step_time_s >= 200]}}\n"
      "  - cc_discharge: {rate_C: 1, at_most_h: 1, until: [{any: [voltage_V <= 2.6, current_A >= 4 for 25 s]}]}\n"
      "  - rest: {at_most_h: 1, until: {all: [voltage_V >= 3 for 10 s, {any: [step_time_s >= 30, voltage_V <= 2.6]}]}}\n"));
  EXPECT_NEAR(duration_s(0), 40.0, 2.0) << "0.02 Ah are reached after 29 s, and both hold after 40";
  EXPECT_GE(end(0).discharge_Ah, 0.02);
  EXPECT_THAT(end(0).condition, HasSubstr("all of (capacity_Ah >= 0.02; step_time_s >= 40)"));
  EXPECT_THAT(end(0).condition, HasSubstr("decided by "));
  EXPECT_NEAR(duration_s(1), 25.0, 3.0);
  EXPECT_THAT(end(1).condition, HasSubstr("decided by current_A"));
  EXPECT_NEAR(*end(1).value, 5.0, 0.05);
  EXPECT_NEAR(duration_s(2), 30.0, 2.0);
}

// ---- state of charge, pressure ----------------------------------------------------------------------------------------------

TEST_F(Construct, a_state_of_charge_may_be_of_the_rated_capacity) {
  const std::string charged =
      "  - cv_charge: {voltage_V: 3.8, rate_max_C: 0.5, until: step_time_s >= 10, at_most_h: 3, sets_soc_pct: 60}\n"
      "  - cc_discharge: {rate_C: 1, until: soc_pct <= 58, at_most_h: 1}\n";
  std::ifstream file{std::string{CELLRIG_SOURCE_DIR} + "/profiles/cells/lg-m50.yaml"};
  const std::string cell{std::istreambuf_iterator<char>{file}, {}};
  const auto with = [&](const std::string& reference) {
    return HarnessOptions{.bench = "demo",
                          .profiles = {{"ch1", "soc_of: " + reference + "\n" + profile(charged)}},
                          .cell = std::regex_replace(cell, std::regex{"rated_capacity_Ah: [0-9.]+"}, "rated_capacity_Ah: 4")};
  };
  run(with("rated"));
  EXPECT_NEAR(end(1).discharge_Ah, 0.08, 0.002);
  run(with("nominal"));
  EXPECT_NEAR(end(1).discharge_Ah, 0.10, 0.002);
}

TEST_F(Construct, a_pressure_is_held_for_as_long_as_the_profile_says_or_the_run_fails_at_its_bound) {
  const auto pressed = [](const std::string& keys) {
    return HarnessOptions{
        .bench = "pressed",
        .profiles = {{"ch1", profile("  - set_pressure: {pressure_MPa: 3, tolerance_MPa: 0.2, " + keys + "}\n")}},
        .cell = "sulfide-20"};
  };
  run(pressed("hold_min: 5, at_most_h: 1"));
  EXPECT_NEAR(duration_s(0), 60 + 300, 10.0) << "a minute for the person, then five";
  EXPECT_THAT(end(0).condition, HasSubstr("for 300 s"));
  HarnessOptions alone = pressed("hold_s: 20, at_most_min: 10");
  alone.has_person = false;
  run(alone, "failed");
  EXPECT_EQ(end(0).reason, "time bound");
  EXPECT_NEAR(duration_s(0), 600.0, 5.0);
}

// ---- limits of a step -------------------------------------------------------------------------------------------------------

// What is wrong before it begins must not carry current for the two seconds that its set-point takes to settle.
TEST_F(Construct, limits_of_a_step_on_sensors_and_temperatures_hold_before_its_current_flows) {
  const auto refused = [this](HarnessOptions options, const std::string& reason) {
    options.ignore_check = true;
    run(options, "tripped");
    ASSERT_EQ(steps.size(), 2u);
    EXPECT_THAT(bench->result("ch1").reason, HasSubstr(reason));
    EXPECT_EQ(end(1).charge_Ah, 0.0);
    EXPECT_EQ(end(1).discharge_Ah, 0.0);
    EXPECT_LE(bench->truth("ch1").current_max_A, 1e-3) << "the world's truth: nothing ever flowed";
  };
  const std::string rest = "  - rest: {for_s: 30}\n",
                    charge = "  - cc_charge: {rate_C: 0.1, until: step_time_s >= 30, at_most_h: 1, ";
  refused(HarnessOptions{.bench = "pressed",
                         .profiles = {{"ch1", profile(rest + charge + "limits: {stack_pressure_max_MPa: 4}}\n")}},
                         .cell = "sulfide-20"},
          "stack pressure");
  refused(HarnessOptions{.bench = "demo",
                         .profiles = {{"ch1", profile(rest + charge + "limits: {cell_temperature_max_degC: 20}}\n")}}},
          "cell too hot: cell_temperature_degC");
}

// Half a kelvin a second is allowed by the bench, not by this profile; for a second it is not enough.
TEST_F(Construct, a_profile_may_allow_a_slower_rate_of_the_temperature_and_for_a_shorter_time) {
  const auto warmed = [this](const std::string& limits, const std::string& outcome) {
    const std::string text =
        "limits: " + limits + "\n" + profile("  - cc_charge: {rate_C: 0.2, until: step_time_s >= 60, at_most_h: 1}\n");
    bench = std::make_unique<BenchHarness>(HarnessOptions{.bench = "demo", .profiles = {{"ch1", text}}, .ignore_check = true});
    for (Duration after = 0s; after < 10s; after += 100ms) {
      bench->at(30s + after, [this, after] { shift_thermocouple(*bench, "ch1", 0.5 * to_seconds(after)); });
    }
    bench->run();
    EXPECT_EQ(to_string(bench->result("ch1").outcome), outcome) << bench->result("ch1").reason;
  };
  warmed("{cell_temperature_max_degC: 55}", "completed");
  warmed("{temperature_rate_max_K_per_s: 0.3, temperature_rate_for_s: 2}", "tripped");
  EXPECT_THAT(bench->result("ch1").reason, HasSubstr("cell heats too fast"));
}

TEST_F(Construct, a_test_is_compared_with_the_latest_reference) {
  run(profile(
      "  - cc_discharge: {rate_C: 1/2, until: capacity_Ah >= 0.2, at_most_h: 1, measure: reference}\n"
      "  - cc_discharge: {rate_C: 1, until: capacity_Ah >= 0.15, at_most_h: 1, measure: test}\n"
      "  - require: test_capacity_Ah >= 0.149\n  - require: capacity_ratio_pct >= 74\n  - require: energy_ratio_pct <= 76\n"));
  EXPECT_THAT(criteria(), HasSubstr("criterion met: test_capacity_Ah >= 0.149: 0.15"));
  EXPECT_THAT(criteria(), HasSubstr("criterion met: capacity_ratio_pct >= 74: 7"));
  EXPECT_THAT(criteria(), HasSubstr("criterion met: energy_ratio_pct <= 76: 7"));
}

}  // namespace
}  // namespace cellrig::test
