// Where a program goes on, what it knows only while it runs, and who it waits for: in virtual time, judged by the record.
#include <cmath>
#include <fstream>

#include "tests/scenario/language_fixture.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class ProgramFlow : public Language {
 protected:
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const db::StepInfo& step : steps) all.push_back(step.row.name);
    return all;
  }
  [[nodiscard]] std::vector<std::string> messages_of(const std::string& kind) const {
    std::vector<std::string> all;
    for (const db::EventRow& event : events_of(*bench, "ch1")) {
      if (event.kind == kind) all.push_back(event.message);
    }
    return all;
  }
};

std::string with_head(const std::string& head, const std::string& steps) {
  return "profile: Flow\nformat: 1\nrecord: {every_s: 0}\n" + head + "steps:\n" + steps;
}

// ---- targets --------------------------------------------------------------------------------------------------------

TEST_F(ProgramFlow, each_end_leads_where_it_says) {
  const std::string text = profile(
      "  - cc_charge:\n      rate_C: 1\n      at_most_h: 2\n      until:\n"
      "        - {when: capacity_Ah >= 0.2, then: the last}\n"
      "        - {when: voltage_V >= 4.19, then: fail}\n"
      "  - rest: {name: never, for_h: 1}\n"
      "  - rest: {name: the last, for_s: 10}\n");
  run(text);
  EXPECT_EQ(names(), (std::vector<std::string>{"cc_charge", "the last"}));
  EXPECT_EQ(end(0).condition, "capacity_Ah >= 0.2 -> the last");
}

TEST_F(ProgramFlow, an_end_may_fail_the_run_and_says_why) {
  run(HarnessOptions{.bench = "demo",
                     .profiles = {{"ch1", profile("  - cc_charge:\n      rate_C: 1\n      at_most_h: 2\n      until:\n"
                                                  "        - {when: {all: [capacity_Ah >= 0.1, voltage_V <= 4.19]}, then: fail}\n"
                                                  "  - rest: {for_s: 10}\n")}}},
      "failed");
  EXPECT_EQ(steps.size(), 1u);
  EXPECT_THAT(bench->result("ch1").reason, HasSubstr("ended as failed: all of (capacity_Ah >= 0.1; voltage_V <= 4.19) -> fail"));
  EXPECT_THAT(steps.back().end->condition, HasSubstr(") -> fail, decided by capacity_Ah")) << "the value beside it is of that";
  EXPECT_FALSE(bench->output_is_on("ch1"));
}

TEST_F(ProgramFlow, an_end_may_leave_all_loops_and_the_cycle_that_it_leaves_counts) {
  run(profile(
      "  - repeat:\n      times: 5\n      steps:\n        - cycles:\n            times: 5\n            steps:\n"
      "              - cc_discharge:\n                  rate_C: 1\n                  at_most_h: 1\n                  until:\n"
      "                    - {when: results.cycle_count >= 3, then: after}\n"
      "                    - step_time_s >= 30\n"
      "              - rest: {for_s: 10}\n"
      "  - rest: {name: never, for_h: 1}\n"
      "  - rest: {name: after, for_s: 5}\n"));
  EXPECT_EQ(names(), (std::vector<std::string>{"cc_discharge", "rest", "cc_discharge", "rest", "cc_discharge", "after"}));
  EXPECT_EQ(bench->record().cycles(run_of(*bench, "ch1").run).value().size(), 3u);
}

TEST_F(ProgramFlow, an_end_may_end_the_run) {
  run(
      profile("  - cc_discharge: {rate_C: 1, at_most_h: 1, until: [{when: step_time_s >= 20, then: end}]}\n"
              "  - rest: {for_h: 1}\n"));
  EXPECT_EQ(names(), std::vector<std::string>{"cc_discharge"});
}

// A cell that was at rest starts a discharge below the threshold that its relaxed voltage would pass.
TEST_F(ProgramFlow, a_condition_may_be_blind_at_first) {
  run(profile("  - cc_discharge: {rate_C: 1, until: [current_A >= 1 after 60 s, step_time_min >= 10], at_most_h: 1}\n"));
  EXPECT_NEAR(duration_s(0), 60.0, 1.5);
  EXPECT_EQ(end(0).condition, "current_A >= 1 after 60 s");
}

// ---- variables and results --------------------------------------------------------------------------------------------

TEST_F(ProgramFlow, a_rate_of_the_measured_capacity_is_what_the_reference_step_moved) {
  run(with_head("",
                "  - cc_discharge: {rate_C: 1, until: capacity_Ah >= 1.5, at_most_h: 2, measure: reference}\n"
                "  - rest: {for_s: 60}\n"
                "  - cc_charge: {rate_C: 1/2, rate_of: measured, until: rate_C >= 0.4 after 30 s, at_most_h: 1}\n"
                "  - cc_charge: {current_A: 0.4 * results.reference_capacity_Ah / 1, until: step_time_s >= 30, at_most_h: 1}\n"));
  const double measured_Ah = end(0).discharge_Ah;
  EXPECT_NEAR(measured_Ah, 1.5, 0.01);
  EXPECT_NEAR(rows_of(2).back().current_A, measured_Ah / 2, 0.01);
  EXPECT_NEAR(duration_s(2), 30.0, 1.5) << "0.4 of the measured capacity is below the half that flows; of the nominal it is not";
  EXPECT_NEAR(rows_of(3).back().current_A, 0.4 * measured_Ah, 0.01);
}

TEST_F(ProgramFlow, a_variable_is_counted_up_and_decides_when_a_loop_is_left) {
  run(with_head("variables:\n  target_Ah: {start: 0.1, min: 0, max: 1}\n",
                "  - repeat:\n      times: 10\n      steps:\n"
                "        - cc_discharge: {rate_C: 1, until: capacity_Ah >= variables.target_Ah, at_most_h: 1}\n"
                "        - set: {target_Ah: variables.target_Ah * 2}\n"
                "        - leave_if: variables.target_Ah > 0.5\n"
                "  - rest: {name: after, for_s: 5}\n"));
  EXPECT_EQ(names(), (std::vector<std::string>{"cc_discharge", "cc_discharge", "cc_discharge", "after"}));
  EXPECT_NEAR(end(0).discharge_Ah, 0.1, 0.003);
  EXPECT_NEAR(end(1).discharge_Ah, 0.2, 0.003);
  EXPECT_NEAR(end(2).discharge_Ah, 0.4, 0.003);
  EXPECT_EQ(messages_of("variable"), (std::vector<std::string>{"target_Ah = 0.2", "target_Ah = 0.4", "target_Ah = 0.8"}));
  EXPECT_EQ(messages_of("loop left").size(), 1u);
}

TEST_F(ProgramFlow, a_variable_beyond_its_bounds_fails_the_run_with_the_output_off) {
  run(
      HarnessOptions{
          .bench = "demo",
          .profiles = {{"ch1",
                        with_head("variables:\n  x_A: {start: 1, min: 0, max: 3}\n",
                                  "  - repeat:\n      times: 5\n      steps:\n"
                                  "        - cc_discharge: {current_A: variables.x_A, until: step_time_s >= 5, at_most_h: 1}\n"
                                  "        - set: {x_A: variables.x_A * 2}\n")}}},
      "failed");
  EXPECT_EQ(bench->result("ch1").reason, "variable x_A = variables.x_A * 2 comes out as 4, outside its bounds of 0 to 3");
  EXPECT_FALSE(bench->output_is_on("ch1"));
}

// The cell's file allows 1.5 C of 5 Ah.
TEST_F(ProgramFlow, a_current_beyond_the_cell_is_refused_when_it_is_known) {
  run(
      HarnessOptions{
          .bench = "demo",
          .profiles = {{"ch1", with_head("variables:\n  x_A: {start: 1, min: 0, max: 50}\n",
                                         "  - rest: {for_s: 5}\n  - set: {x_A: variables.x_A * 40}\n"
                                         "  - cc_charge: {current_A: variables.x_A, until: step_time_s >= 5, at_most_h: 1}\n")}}},
      "failed");
  EXPECT_THAT(bench->result("ch1").reason, HasSubstr("comes out as 40, which is not above 0 and at most"));
  for (const db::SampleRow& row : rows) EXPECT_LT(std::abs(row.current_A), 0.1);
}

TEST_F(ProgramFlow, a_criterion_may_compare_two_results) {
  run(
      profile("  - cc_discharge: {rate_C: 1, until: capacity_Ah >= 1, at_most_h: 2, measure: reference}\n"
              "  - cc_discharge: {rate_C: 1, until: capacity_Ah >= 0.85, at_most_h: 2, measure: test}\n"
              "  - require: test_capacity_Ah >= 0.8 * results.reference_capacity_Ah\n"
              "  - require: test_capacity_Ah >= 0.9 * results.reference_capacity_Ah\n"));
  EXPECT_THAT(criteria(), HasSubstr("criterion met: test_capacity_Ah >= 0.8 * results.reference_capacity_Ah"));
  EXPECT_THAT(criteria(), HasSubstr("criterion not met: test_capacity_Ah >= 0.9 * results.reference_capacity_Ah"));
}

TEST_F(ProgramFlow, the_state_of_charge_may_refer_to_the_measured_capacity_alone) {
  run(with_head("soc_of: measured\n",
                "  - cc_discharge: {rate_C: 1, until: capacity_Ah >= 1, at_most_h: 2, measure: reference, sets_soc_pct: 0}\n"
                "  - cc_charge: {rate_C: 1, until: soc_pct >= 50, at_most_h: 1}\n"));
  EXPECT_NEAR(end(1).charge_Ah, 0.5, 0.005) << "half of the one Ah that was measured";
}

// ---- marks, cycles, diagnostics -----------------------------------------------------------------------------------------

TEST_F(ProgramFlow, marks_and_advanced_cycles_are_in_the_record) {
  run(
      profile("  - cycles:\n      times: 1\n      steps:\n"
              "        - cc_discharge: {rate_C: 1, until: step_time_s >= 10, at_most_h: 1}\n"
              "        - mark: half of it\n        - advance_cycle: {}\n"
              "        - cc_charge: {rate_C: 1, until: step_time_s >= 10, at_most_h: 1}\n"));
  EXPECT_EQ(messages_of("mark"), std::vector<std::string>{"half of it"});
  const std::vector<db::CycleRow> cycles = bench->record().cycles(run_of(*bench, "ch1").run).value();
  ASSERT_EQ(cycles.size(), 2u);
  EXPECT_GT(cycles[0].discharge_Ah, 0.01);
  EXPECT_LT(cycles[0].charge_Ah, 1e-4);
  EXPECT_GT(cycles[1].charge_Ah, 0.01);
}

TEST_F(ProgramFlow, diagnostics_come_every_so_many_cycles_and_belong_to_none_of_them) {
  run(
      profile("  - cycles:\n      times: 7\n      steps:\n"
              "        - cc_discharge: {rate_C: 1, until: step_time_s >= 10, at_most_h: 1}\n"
              "        - cc_charge: {rate_C: 1, until: step_time_s >= 10, at_most_h: 1}\n"
              "      diagnostics:\n        every_cycles: 3\n        steps:\n"
              "          - rest: {name: check-up, for_s: 20}\n"));
  std::string order;
  for (const std::string& name : names()) order += name == "check-up" ? 'r' : name == "cc_discharge" ? 'd' : 'c';
  EXPECT_EQ(order, "dcdcdcrdcdcdcrdc");
  const std::vector<db::CycleRow> cycles = bench->record().cycles(run_of(*bench, "ch1").run).value();
  ASSERT_EQ(cycles.size(), 9u);
  EXPECT_TRUE(cycles[3].is_reference);
  EXPECT_FALSE(cycles[4].is_reference);
  EXPECT_EQ(messages_of("diagnostics"), (std::vector<std::string>{"after 3 cycles", "after 3 cycles"}));
}

// Each cycle discharges less than the one before: 5 % less than the first since the last check-up makes one due.
TEST_F(ProgramFlow, diagnostics_come_with_fade) {
  run(with_head("variables:\n  step_Ah: {start: 0.2, min: 0.1, max: 1}\n",
                "  - cycles:\n      times: 6\n      steps:\n"
                "        - cc_discharge: {rate_C: 1, until: capacity_Ah >= variables.step_Ah, at_most_h: 1}\n"
                "        - set: {step_Ah: variables.step_Ah * 0.97}\n"
                "      diagnostics: {each_fade_pct: 5, steps: [{rest: {name: check-up, for_s: 20}}]}\n"));
  std::string order;
  for (const std::string& name : names()) order += name == "check-up" ? 'r' : 'd';
  EXPECT_EQ(order, "dddrdddr");
  EXPECT_THAT(messages_of("diagnostics").at(0), HasSubstr("after a fade of"));
}

TEST_F(ProgramFlow, a_guard_measures_nothing_and_sets_no_state_of_charge) {
  run(profile(
      "  - cc_discharge:\n      rate_C: 1\n      at_most_h: 1\n      measure: reference\n      sets_soc_pct: 0\n      until:\n"
      "        - voltage_V <= 2.6\n        - {when: step_time_s >= 30, then: after}\n"
      "  - rest: {name: after, for_s: 5}\n  - require: reference_capacity_Ah > 0\n"));
  EXPECT_THAT(criteria(), HasSubstr("criterion not met: reference_capacity_Ah > 0: not measured"));
}

TEST_F(ProgramFlow, leave_if_leaves_the_loop_of_cycles_also_when_it_has_diagnostics) {
  run(profile(
      "  - cycles:\n      times: 9\n      steps:\n"
      "        - cc_discharge: {rate_C: 1, until: step_time_s >= 10, at_most_h: 1}\n        - leave_if: cycle_count >= 3\n"
      "      diagnostics: {every_cycles: 5, steps: [{rest: {name: check-up, for_s: 20}}]}\n"
      "  - rest: {name: after, for_s: 5}\n"));
  EXPECT_EQ(names(), (std::vector<std::string>{"cc_discharge", "cc_discharge", "cc_discharge", "after"}));
}

// A formation of other cycles before is no fade, and cycles of the check-up itself are no cycles of the test.
TEST_F(ProgramFlow, diagnostics_count_from_their_own_loop_on) {
  run(
      profile("  - cycles:\n      times: 4\n      steps: [{cc_discharge: {rate_C: 1, until: step_time_s >= 20, at_most_h: 1}}]\n"
              "  - cycles:\n      times: 5\n      steps: [{cc_discharge: {rate_C: 1, until: step_time_s >= 10, at_most_h: 1}}]\n"
              "      diagnostics:\n        every_cycles: 2\n        each_fade_pct: 10\n        steps:\n"
              "          - cycles: {times: 2, steps: [{rest: {name: check-up, for_s: 5}}]}\n"));
  std::string order;
  for (const std::string& name : names()) order += name == "check-up" ? 'r' : 'd';
  EXPECT_EQ(order, "ddddddrrddrrd");
}

// Which way a run comes to its charge is known only then: the chamber is still warm.
TEST_F(ProgramFlow, a_charge_in_a_chamber_that_is_too_warm_for_it_is_refused_by_the_run_too) {
  run(
      HarnessOptions{
          .bench = "demo",
          .profiles = {{"ch1", profile("  - soak: {temperature_degC: 50, for_h: 3}\n"
                                       "  - cc_discharge: {rate_C: 1/2, at_most_h: 1, until: [{when: step_time_s >= 5, then: "
                                       "charge}, step_time_s >= 50]}\n"
                                       "  - soak: {temperature_degC: 25, for_h: 3}\n"
                                       "  - cc_charge: {name: charge, rate_C: 1/2, until: step_time_s >= 50, at_most_h: 1}\n")}},
          .ignore_check = true},
      "failed");
  EXPECT_THAT(bench->findings(), testing::Contains(HasSubstr("charging at a chamber temperature of 50 degC is above")));
  EXPECT_THAT(bench->result("ch1").reason, HasSubstr("the chamber was asked for 50 degC"));
  EXPECT_FALSE(bench->output_is_on("ch1"));
}

// The chamber's own register, in the middle of the cycle after the check-up.
TEST_F(ProgramFlow, after_diagnostics_the_chamber_is_what_it_was) {
  bench = std::make_unique<BenchHarness>(HarnessOptions{
      .bench = "demo",
      .profiles = {
          {"ch1", profile("  - soak: {temperature_degC: 30, for_h: 1}\n"
                          "  - cycles:\n      times: 2\n"
                          "      steps: [{cc_discharge: {rate_C: 1/10, until: step_time_h >= 1, at_most_h: 2}}]\n"
                          "      diagnostics: {every_cycles: 1, steps: [{soak: {temperature_degC: 20, for_h: 1}}]}\n")}}});
  std::vector<double> setpoints;
  for (const Duration when : {90min, 150min, 210min})
    bench->at(when, [&] { setpoints.push_back(temperature_register(*bench, setpoint_register)); });
  bench->run();
  ASSERT_EQ(to_string(bench->result("ch1").outcome), "completed") << bench->result("ch1").reason;
  ASSERT_EQ(setpoints.size(), 3u);
  EXPECT_NEAR(setpoints[0], 30.0, 0.01) << "the first cycle";
  EXPECT_NEAR(setpoints[1], 20.0, 0.01) << "the check-up";
  EXPECT_NEAR(setpoints[2], 30.0, 0.01) << "the second cycle, which asks for nothing itself";
}

TEST_F(ProgramFlow, a_charge_in_a_chamber_that_is_too_cold_for_it_is_refused_by_the_run_too) {
  run(
      HarnessOptions{
          .bench = "demo",
          .profiles = {{"ch1", profile("  - soak: {temperature_degC: -10, for_h: 3}\n"
                                       "  - cc_discharge: {rate_C: 1/5, at_most_h: 1, until: [{when: step_time_s >= 5, then: "
                                       "charge}, step_time_s >= 50]}\n"
                                       "  - soak: {temperature_degC: 25, for_h: 3}\n"
                                       "  - cc_charge: {name: charge, rate_C: 1/5, until: step_time_s >= 50, at_most_h: 1}\n")}},
          .ignore_check = true},
      "failed");
  EXPECT_THAT(bench->findings(), testing::Contains(HasSubstr("charging at a chamber temperature of -10 degC is below")));
  EXPECT_THAT(bench->result("ch1").reason, HasSubstr("the chamber was asked for -10 degC"));
  EXPECT_FALSE(bench->output_is_on("ch1"));
}

// ---- persons ------------------------------------------------------------------------------------------------------------

TEST_F(ProgramFlow, a_step_waits_for_a_person_with_the_output_off) {
  run(
      profile("  - cc_discharge: {rate_C: 1, until: step_time_s >= 10, at_most_h: 1}\n"
              "  - wait_for_person: {message: turn the cell over, at_most_h: 8}\n"
              "  - cc_charge: {rate_C: 1, until: step_time_s >= 10, at_most_h: 1}\n"));
  EXPECT_EQ(end(1).reason, "confirmed");
  EXPECT_NEAR(duration_s(1), 60.0, 1.5) << "the simulated person takes a minute";
  for (const db::SampleRow& row : rows_of(1)) EXPECT_LT(std::abs(row.current_A), 0.05);
  EXPECT_EQ(messages_of("confirmed"), std::vector<std::string>{"turn the cell over (by simulated person)"});
}

TEST_F(ProgramFlow, nobody_there_fails_the_run_at_the_bound) {
  run(HarnessOptions{.bench = "demo",
                     .profiles = {{"ch1",
                                   profile("  - wait_for_person: {message: look, at_most_min: 5}\n  - rest: {for_s: 1}\n")}},
                     .has_person = false},
      "failed");
  EXPECT_THAT(bench->result("ch1").reason, HasSubstr("did not reach its end within"));
}

TEST_F(ProgramFlow, a_confirmation_that_nobody_asked_for_changes_nothing) {
  bench =
      std::make_unique<BenchHarness>(HarnessOptions{.bench = "demo", .profiles = {{"ch1", profile("  - rest: {for_s: 30}\n")}}});
  bool taken = true;
  bench->at(10s, [&] { taken = bench->bench_run().confirm("ch1", "somebody") || bench->bench_run().confirm("nowhere", "x"); });
  bench->run();
  EXPECT_FALSE(taken);
  EXPECT_EQ(bench->record().steps(run_of(*bench, "ch1").run).value().size(), 1u);
}

TEST_F(ProgramFlow, a_person_sets_the_fixture_and_the_load_cell_tells) {
  run(HarnessOptions{.bench = "pressed",
                     .profiles = {{"ch1", profile("  - set_pressure: {pressure_MPa: 3, tolerance_MPa: 0.2, at_most_h: 1}\n"
                                                  "  - rest: {for_s: 30}\n")}},
                     .cell = "sulfide-20"});
  EXPECT_EQ(end(0).reason, "condition");
  EXPECT_NEAR(duration_s(0), 70.0, 5.0) << "a minute for the person, ten seconds within the tolerance";
}

// ---- profiles within profiles -------------------------------------------------------------------------------------------

TEST_F(ProgramFlow, a_profile_uses_another_one_with_its_parameters) {
  const std::string folder = temporary_folder();
  std::ofstream{folder + "/pulse.yaml"}
      << "profile: Pulse\nformat: 1\nparameters:\n  rate_C: {default: 1, min: 0.1, max: 1.5}\n"
         "steps:\n  - cc_discharge: {name: pulse, rate_C: parameters.rate_C, until: step_time_s >= 10, at_most_min: 1}\n";
  std::ofstream{folder + "/outer.yaml"}
      << "profile: Outer\nformat: 1\nrecord: {every_s: 0}\nsteps:\n  - rest: {for_s: 10}\n"
         "  - profile: {file: pulse.yaml, with: {rate_C: 0.5}}\n  - profile: {file: pulse.yaml}\n";
  run(HarnessOptions{.bench = "demo", .profiles = {{"ch1", folder + "/outer.yaml"}}});
  EXPECT_EQ(names(), (std::vector<std::string>{"rest", "pulse", "pulse"}));
  EXPECT_NEAR(rows_of(1).back().current_A, -2.5, 0.02);
  EXPECT_NEAR(rows_of(2).back().current_A, -5.0, 0.02);
}

// ---- limits of a step ---------------------------------------------------------------------------------------------------

TEST_F(ProgramFlow, a_step_may_have_tighter_limits_and_they_hold_for_it_alone) {
  run(HarnessOptions{.bench = "demo",
                     .profiles = {{"ch1", profile("  - cc_discharge: {rate_C: 1, until: step_time_s >= 30, at_most_h: 1}\n"
                                                  "  - rest: {for_s: 30, limits: {voltage_max_V: 3.0}}\n")}},
                     .ignore_check = true},
      "tripped");
  EXPECT_EQ(steps.size(), 2u) << "3.0 V is no limit of the discharge before it";
  EXPECT_THAT(bench->result("ch1").reason, HasSubstr("above 3.0000"));
  EXPECT_FALSE(bench->output_is_on("ch1"));
}

TEST_F(ProgramFlow, tighter_limits_end_with_their_step) {
  run(
      profile("  - cc_discharge: {rate_C: 1/2, until: step_time_s >= 30, at_most_h: 1, limits: {discharge_current_max_A: 3}}\n"
              "  - cc_discharge: {rate_C: 1, until: step_time_s >= 30, at_most_h: 1}\n"
              "  - cc_discharge: {rate_C: 1/2, until: step_time_s >= 30, at_most_h: 1, limits: {discharge_current_max_A: 3}}\n"));
  EXPECT_EQ(steps.size(), 3u);
}

}  // namespace
}  // namespace cellrig::test
