// What a profile may say about where it goes on, what it knows only while it runs, and whom it asks: refusals with their places.
#include <regex>

#include "profiles/attachments.hpp"
#include "profiles/courses.hpp"
#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

std::string refusal_of(const std::string& text) {
  return error_of([&] { (void)compiled(text); });
}
std::string refusal_of_steps(const std::string& steps) { return refusal_of(profile_text(steps)); }
std::string with_variables(const std::string& variables, const std::string& steps) {
  return "profile: x\nformat: 1\nvariables:\n" + variables + "steps:\n" + steps;
}
std::string errors_of(const Program& program) {
  std::string text;
  for (const Finding& finding : check(program, CheckContext{.file = "p.yaml"})) text += to_string(finding) + "\n";
  return text;
}

// ---- targets --------------------------------------------------------------------------------------------------------

TEST(FlowCompile, a_target_must_be_a_later_step_and_only_one) {
  const std::string first = "  - rest: {name: first, for_s: 5}\n";
  const std::string jump = "  - cc_charge: {rate_C: 1, at_most_h: 1, until: [{when: voltage_V >= 4, then: TARGET}]}\n";
  EXPECT_THAT(refusal_of_steps(first + replaced(jump, "TARGET", "first")), HasSubstr("p.yaml:5:"))
      << "what has been passed is not done again";
  EXPECT_THAT(refusal_of_steps(first + replaced(jump, "TARGET", "lats") + "  - rest: {name: last, for_s: 5}\n"),
              HasSubstr("no later step is named 'lats', did you mean 'last'?"));
  EXPECT_THAT(
      refusal_of_steps(replaced(jump, "TARGET", "last") + "  - rest: {name: last, for_s: 5}\n  - rest: {name: last, for_s: 6}\n"),
      HasSubstr("names more than one step"));
  EXPECT_THAT(refusal_of_steps("  - cc_charge: {rate_C: 1, at_most_h: 1, until: {all: [{when: voltage_V >= 4, then: end}]}}\n"),
              HasSubstr("'then' belongs to a whole end of the step"));
}

TEST(FlowCompile, a_target_may_not_lead_into_a_loop) {
  EXPECT_THAT(refusal_of_steps("  - cc_charge: {rate_C: 1, at_most_h: 1, until: [{when: voltage_V >= 4, then: inner}]}\n"
                               "  - repeat: {times: 2, steps: [{rest: {name: inner, for_s: 5}}]}\n"),
              HasSubstr("no later step is named 'inner'"));
}

TEST(FlowCompile, a_target_out_of_a_loop_knows_how_many_loops_are_left) {
  const Program program = compiled_steps(
      "  - repeat:\n      times: 2\n      steps:\n        - repeat:\n            times: 2\n            steps:\n"
      "              - cc_charge: {rate_C: 1, at_most_h: 1, until: [{when: voltage_V >= 4, then: out}, {when: voltage_V >= 4.1, "
      "then: middle}]}\n"
      "        - rest: {name: middle, for_s: 1}\n  - rest: {name: out, for_s: 1}\n");
  const Step& step = std::get<Step>(program.code.at(2));
  EXPECT_EQ(step.ends.at(0).loop_depth, 0);
  EXPECT_EQ(step.ends.at(1).loop_depth, 1);
  EXPECT_EQ(std::get<Step>(program.code.at(step.ends.at(0).instruction)).name, "out");
  EXPECT_EQ(std::get<Step>(program.code.at(step.ends.at(1).instruction)).name, "middle");
}

// ---- what is known only while it runs ---------------------------------------------------------------------------------

TEST(FlowCompile, a_result_or_variable_stands_only_where_it_can_be_judged) {
  EXPECT_THAT(refusal_of_steps("  - rest: {for_h: results.cycle_count}\n"),
              HasSubstr("p.yaml:4:19: 'results.cycle_count' is known only while"));
  EXPECT_THAT(
      refusal_of_steps("  - cccv_charge: {rate_C: 1, voltage_V: results.retention_pct, until: rate_C <= 0.1, at_most_h: 1}\n"),
      HasSubstr("is known only while the profile runs"));
  EXPECT_THAT(refusal_of_steps("  - cc_charge: {current_A: results.retention_pct, until: voltage_V >= 4, at_most_h: 1}\n"),
              HasSubstr("'current_A' is in A, 'results.retention_pct' is in pct"));
  EXPECT_THAT(refusal_of_steps(
                  "  - cc_charge: {current_A: results.reference_capacity_Ah / 2, until: results.retention >= 4, at_most_h: 1}\n"),
              HasSubstr("unknown result 'retention', did you mean 'retention_pct'?"));
}

TEST(FlowCompile, a_result_that_nothing_measures_before_is_found_by_check) {
  const std::string use = "  - cc_charge: {rate_C: 1/2, rate_of: measured, until: voltage_V >= 4, at_most_h: 4}\n";
  const std::string measure = "  - cc_discharge: {rate_C: 1, until: voltage_V <= 3, at_most_h: 2, measure: reference}\n";
  EXPECT_THAT(errors_of(compiled_steps(use)), HasSubstr("can never be known: no step has 'measure: reference'"));
  EXPECT_THAT(errors_of(compiled_steps(use + measure)), HasSubstr("is not known yet where it is used first"));
  EXPECT_THAT(errors_of(compiled_steps(measure + use)), testing::Not(HasSubstr("known")));
}

// Wherever a rate may be written it may be one of the measured capacity, and then somebody must measure one.
TEST(FlowCompile, a_rate_of_the_measured_capacity_may_stand_in_any_step) {
  const std::string measure = "  - cc_discharge: {rate_C: 1, until: voltage_V <= 3, at_most_h: 2, measure: reference}\n";
  for (const char* const use :
       {"ramp_charge: {from_rate_C: 0.1, to_rate_C: 0.5, rate_of: measured, for_min: 10}",
        "pulse_train: {rate_of: measured, pulses: [{discharge_rate_C: 1, for_s: 10}]}",
        "cv_charge: {voltage_V: 4, rate_max_C: 0.5, rate_of: measured, until: rate_C <= 0.1, at_most_h: 2}",
        "cp_discharge: {power_W: 5, rate_max_C: 1, rate_of: measured, until: voltage_V <= 3, at_most_h: 4}",
        "voltage_ramp: {from_voltage_V: 3, to_voltage_V: 4, rate_max_C: 0.5, rate_of: measured, for_h: 2}"}) {
    const std::string step = "  - " + std::string{use} + "\n";
    EXPECT_THAT(errors_of(compiled_steps(step)), HasSubstr("can never be known: no step has 'measure: reference'")) << use;
    EXPECT_THAT(errors_of(compiled_steps(step + measure)), HasSubstr("is not known yet where it is used first")) << use;
    EXPECT_THAT(errors_of(compiled_steps(measure + step)), testing::Not(HasSubstr("known"))) << use;
    EXPECT_NE(compiled_steps(measure + step).hash,
              compiled_steps(measure + "  - " +
                             std::regex_replace(use, std::regex{", rate_of: measured|rate_of: measured, "}, "") + "\n")
                  .hash)
        << use;
  }
}

TEST(FlowCompile, a_course_in_amperes_waits_for_nothing) {
  const Program program =
      compiled_steps("  - ramp_charge: {from_current_A: 0.1, to_current_A: 0.5, rate_of: measured, for_min: 10}\n");
  EXPECT_FALSE(std::get<Step>(program.code.at(0)).course_scale);
}

TEST(FlowCompile, variables_are_declared_with_bounds) {
  const std::string use = "  - set: {x_A: variables.x_A + 1}\n  - rest: {for_s: 1}\n";
  EXPECT_EQ(refusal_of(with_variables("  x_A: {start: 1, min: 0, max: 2}\n", use)), "no error");
  EXPECT_THAT(refusal_of(with_variables("  x_A: {start: 3, min: 0, max: 2}\n", use)), HasSubstr("outside its bounds of 0 to 2"));
  EXPECT_THAT(refusal_of(with_variables("  x_A: {start: 1, max: 2}\n", use)), HasSubstr("min"));
  EXPECT_THAT(refusal_of(with_variables("  y_A: {start: 1, min: 0, max: 2}\n", use)),
              HasSubstr("unknown variable 'x_A', did you mean 'y_A'?"));
  EXPECT_THAT(refusal_of_steps("  - set: {x_A: 1}\n  - rest: {for_s: 1}\n"), HasSubstr("declare it under 'variables'"));
}

TEST(FlowCompile, rates_may_refer_to_the_rated_capacity) {
  const Program program = compiled_steps("  - cc_charge: {rate_C: 1, rate_of: rated, until: rate_C <= 0.1, at_most_h: 4}\n");
  const Step& step = std::get<Step>(program.code.at(0));
  EXPECT_DOUBLE_EQ(std::get<ConstantCurrent>(*step.setpoint).current.value(), 4.8);
  EXPECT_DOUBLE_EQ(program.nodes.at(step.ends.at(0).root).value, 0.48);
  EXPECT_EQ(step.ends.at(0).text, "rate_C <= 0.1 (rated)");
}

TEST(FlowCompile, an_end_that_waits_for_what_nobody_has_measured_is_found) {
  const std::string measure = "  - cc_discharge: {rate_C: 1, until: voltage_V <= 3, at_most_h: 2, measure: reference}\n";
  const std::string use = "  - cc_charge: {rate_C: 1, until: capacity_Ah >= results.reference_capacity_Ah / 2, at_most_h: 2}\n";
  EXPECT_THAT(errors_of(compiled_steps(use + measure)), HasSubstr("is not known yet where it is used first"));
  EXPECT_THAT(errors_of(compiled_steps(measure + use)), testing::Not(HasSubstr("known")));
  const std::string soc =
      "  - cc_charge: {rate_C: 1, until: voltage_V >= 4, at_most_h: 2, sets_soc_pct: 90}\n"
      "  - cc_discharge: {rate_C: 1, until: soc_pct <= 50, at_most_h: 2}\n";
  EXPECT_THAT(errors_of(compiled("profile: x\nformat: 1\nsoc_of: measured\nsteps:\n" + soc)), HasSubstr("cannot be judged"));
}

TEST(FlowCompile, what_takes_no_time_has_steps_between) {
  std::string marks = "  - rest: {for_s: 1}\n";
  for (int i = 0; i < 25; ++i) marks += "  - mark: m\n";
  EXPECT_THAT(refusal_of_steps(marks), HasSubstr("put a step between them"));
  EXPECT_THAT(refusal_of_steps("  - rest: {for_s: 1}\n  - repeat: {times: 60, steps: [{mark: m}]}\n"),
              HasSubstr("a loop without a step in it"));
}

TEST(FlowCompile, a_course_may_not_charge_a_cell_in_a_chamber_too_warm_for_it) {
  EXPECT_THAT(refusal_of("profile: x\nformat: 1\nchamber: {temperature_degC: 50}\nsteps:\n"
                         "  - pulse_train: {pulses: [{charge_rate_C: 0.5, for_s: 60}]}\n"),
              HasSubstr("is above the cell's charge_temperature_max_degC"));
}

TEST(FlowCompile, a_late_current_is_bounded_by_the_tightest_limit) {
  const Program program = compiled(
      "profile: x\nformat: 1\nlimits: {charge_current_max_A: 4.2}\n"
      "variables:\n  i_A: {start: 1, min: 0, max: 50}\nsteps:\n"
      "  - cc_charge: {current_A: variables.i_A, until: voltage_V >= 4, at_most_h: 2}\n");
  EXPECT_NEAR(std::get<Step>(program.code.at(0)).magnitude->max, 4.0, 1e-6);
}

TEST(FlowCompile, limits_of_the_whole_run_are_no_limits_of_a_step) {
  EXPECT_THAT(refusal_of_steps("  - rest: {for_s: 5, limits: {charge_capacity_max_Ah: 1}}\n"),
              HasSubstr("holds for the whole run"));
}

TEST(FlowCompile, a_step_may_limit_what_a_sensor_measures_inside_its_profile) {
  const std::string text = "profile: x\nformat: 1\nlimits: {stack_pressure_max_MPa: 6, stack_pressure_for_s: 2}\nsteps:\n";
  const Program program =
      compiled(text +
               "  - rest: {for_s: 5, limits: {stack_pressure_max_MPa: 5, stack_pressure_for_s: 1, gas_max_ppm: 9}}\n"
               "  - rest: {for_s: 5}\n");
  const SensorLimits& limits = std::get<Step>(program.code.at(0)).limits->sensors;
  EXPECT_EQ(limits.stack_pressure_max_MPa, 5.0);
  EXPECT_EQ(limits.stack_pressure_for_s, 1.0);
  EXPECT_EQ(limits.gas_max_ppm, 9.0);
  EXPECT_FALSE(std::get<Step>(program.code.at(1)).limits);
  EXPECT_FALSE(program.limits.sensors.gas_max_ppm);
  EXPECT_THAT(refusal_of(text + "  - rest: {for_s: 5, limits: {stack_pressure_max_MPa: 7}}\n"), HasSubstr("may only tighten it"));
  EXPECT_THAT(refusal_of(text + "  - rest: {for_s: 5, limits: {stack_pressure_for_s: 3}}\n"), HasSubstr("may only tighten it"));
}

// ---- diagnostics and cycles -----------------------------------------------------------------------------------------------

TEST(FlowCompile, diagnostics_need_a_reason_and_stand_between_cycles) {
  const std::string cycles = "  - cycles:\n      times: 4\n      steps: [{rest: {for_s: 1}}]\n";
  EXPECT_THAT(refusal_of_steps(cycles + "      diagnostics: {steps: [{rest: {for_s: 1}}]}\n"),
              HasSubstr("needs 'every_cycles', 'each_fade_pct' or 'after_alarm'"));
  EXPECT_THAT(refusal_of_steps(cycles + "      diagnostics: {every_cycles: 1.5, steps: [{rest: {for_s: 1}}]}\n"),
              HasSubstr("whole number"));
  EXPECT_THAT(refusal_of_steps("  - repeat:\n      times: 4\n      steps: [{rest: {for_s: 1}}]\n      diagnostics: "
                               "{every_cycles: 1, steps: [{rest: {for_s: 1}}]}\n"),
              HasSubstr("unknown key 'diagnostics'"));
  EXPECT_THAT(refusal_of_steps("  - advance_cycle: {}\n  - rest: {for_s: 1}\n"), HasSubstr("stands in no 'cycles'"));
  EXPECT_THAT(refusal_of_steps("  - rest: {for_s: 1}\n  - leave_if: cycle_count > 1\n"), HasSubstr("stands in no loop"));
}

// ---- courses --------------------------------------------------------------------------------------------------------------

TEST(FlowCompile, a_course_within_what_the_cell_allows) {
  EXPECT_THAT(refusal_of_steps("  - ramp_charge: {from_rate_C: 0.1, to_rate_C: 2.5, for_min: 5}\n"),
              HasSubstr("p.yaml:4:48: 'to_rate_C' of 12.5 A is beyond 10 A, the least of the step's own bound and the cell's "
                        "charge_rate_max_C"));
  EXPECT_THAT(refusal_of_steps("  - ramp_charge: {from_rate_C: 0.1, to_rate_C: 1}\n"), HasSubstr("needs its duration"));
  EXPECT_THAT(refusal_of_steps("  - voltage_ramp: {from_voltage_V: 3, to_voltage_V: 4.3, rate_max_C: 1, for_h: 1}\n"),
              HasSubstr("is above the cell's voltage_max_V"));
  EXPECT_THAT(refusal_of_steps("  - voltage_ramp: {from_voltage_V: 3, to_voltage_V: 4, for_h: 1}\n"),
              HasSubstr("needs 'rate_max_C' or 'current_max_A'"));
  EXPECT_THAT(refusal_of_steps("  - pulse_train: {pulses: [{discharge_rate_C: 4, for_s: 1}]}\n"),
              HasSubstr("discharge_rate_max_C"));
  EXPECT_THAT(refusal_of_steps("  - pulse_train: {pulses: [{discharge_rate_C: 1}]}\n"), HasSubstr("a pulse needs one duration"));
  EXPECT_THAT(refusal_of_steps("  - pulse_train: {pulses: [{discharge_rate_C: 1, charge_rate_C: 1, for_s: 5}]}\n"),
              HasSubstr("one current"));
  EXPECT_THAT(refusal_of_steps("  - pulse_train: {pulses: [{for_s: 5}]}\n"), HasSubstr("never asks for a current"));
  EXPECT_THAT(refusal_of_steps("  - drive_cycle: {scale: 2}\n"), HasSubstr("drive_cycle needs 'file'"));
}

std::string table_refusal(const std::string& table) {
  return error_of([&] { (void)read_drive_table(table, "duty.csv"); });
}

TEST(FlowCompile, a_table_says_where_it_is_wrong) {
  EXPECT_EQ(table_refusal("time_s,current_A\n0,1\n10,0\n"), "no error");
  EXPECT_EQ(table_refusal("time_s,currnt_A\n0,1\n"), "duty.csv:1:1: unknown column 'currnt_A', did you mean 'current_A'?");
  EXPECT_EQ(table_refusal("time_s,current_A\n0,1\n10,2\n10,3\n"), "duty.csv:4:1: the times must grow from row to row");
  EXPECT_THAT(table_refusal("time_s,current_A\n0,nan\n1,2\n"), HasSubstr("duty.csv:2:3:"));
  EXPECT_THAT(table_refusal("time_s,current_A\n0,1;5\n1,2\n"), HasSubstr("duty.csv:2:3:"));
  EXPECT_THAT(table_refusal("time_s;current_A\n0;1\n"), HasSubstr("a comma between them"));
  EXPECT_THAT(table_refusal("time_s,current_A\n1,1\n2,0\n"), HasSubstr("the first row must be at 0 s"));
  EXPECT_THAT(table_refusal("time_s,current_A\n0,1\n"), HasSubstr("at least two rows"));
  EXPECT_THAT(table_refusal(""), HasSubstr("is empty"));
  EXPECT_THAT(table_refusal("time_s,current_A\n0,1,2\n"), HasSubstr("two values"));
}

TEST(FlowCompile, a_course_that_charges_a_cold_cell_is_found) {
  const Program program = compiled(
      "profile: x\nformat: 1\nchamber: {temperature_degC: -20}\nsteps:\n"
      "  - pulse_train: {pulses: [{discharge_rate_C: 1, for_s: 10}, {charge_rate_C: 0.1, for_s: 5}]}\n");
  EXPECT_THAT(errors_of(program), HasSubstr("is below the cell's minimum for charging"));
}

TEST(FlowCompile, the_value_of_a_course_at_each_instant) {
  Course stairs{.points = {{Duration::zero(), 1.0}, {std::chrono::seconds{10}, -2.0}}, .period = std::chrono::seconds{30}};
  EXPECT_EQ(stairs.value_at(std::chrono::seconds{-1}), 1.0);
  EXPECT_EQ(stairs.value_at(std::chrono::seconds{9}), 1.0);
  EXPECT_EQ(stairs.value_at(std::chrono::seconds{10}), -2.0);
  EXPECT_EQ(stairs.value_at(std::chrono::seconds{30}), 1.0) << "again";
  EXPECT_EQ(stairs.next_change(std::chrono::seconds{0}), std::chrono::seconds{10});
  EXPECT_EQ(stairs.next_change(std::chrono::seconds{10}), std::chrono::seconds{30});
  EXPECT_EQ(stairs.next_change(std::chrono::seconds{31}), std::chrono::seconds{40});
  Course ramp{.is_linear = true,
              .points = {{Duration::zero(), 0.0}, {std::chrono::seconds{10}, 5.0}},
              .period = std::chrono::seconds{10},
              .update = std::chrono::seconds{2}};
  EXPECT_DOUBLE_EQ(ramp.value_at(std::chrono::milliseconds{3900}), 1.0);
  EXPECT_DOUBLE_EQ(ramp.value_at(std::chrono::seconds{4}), 2.0);
  EXPECT_EQ(ramp.next_change(std::chrono::milliseconds{3900}), std::chrono::seconds{4});
}

// NaN is off, and no value leaves what the course is bounded by.
TEST(FlowCompile, a_set_point_of_a_course_is_bounded) {
  const Course course{
      .voltage_min = Volts{3}, .voltage_max = Volts{4}, .charge_max = Amps{2}, .discharge_max = Amps{3}, .least = 0.001};
  EXPECT_FALSE(course.setpoint_of(std::nan("")));
  EXPECT_FALSE(course.setpoint_of(0.0));
  EXPECT_EQ(std::get<ConstantCurrent>(*course.setpoint_of(9.0)).current.value(), 2.0);
  EXPECT_EQ(std::get<ConstantCurrent>(*course.setpoint_of(-9.0)).current.value(), -3.0);
}

// ---- attached files ---------------------------------------------------------------------------------------------------------

TEST(FlowCompile, a_profile_with_attachments_is_one_text_that_compiles_to_the_same_program) {
  const std::string text =
      profile_text("  - drive_cycle: {file: duty.csv}\n  - profile: {file: sub/inner.yaml, with: {rest_s: 7}}\n");
  const auto files = [](const std::string& path) -> std::string {
    if (path == "duty.csv") return "time_s,current_A\n0,-1\n10,0\n";
    if (path == "sub/inner.yaml")
      return "profile: inner\nformat: 1\nparameters:\n  rest_s: 5\nsteps:\n  - rest: {for_s: parameters.rest_s}\n  - "
             "drive_cycle: {file: ../other.csv}\n";
    if (path == "other.csv") return "time_s,rate_C\n0,-0.5\n20,0\n";
    throw ConfigError{SourcePlace{}, "no such file: " + path};
  };
  const Program program = compile(read_profile(text, "p.yaml", files), test_cell());
  EXPECT_EQ(std::get<Step>(program.code.at(1)).time_max, std::chrono::seconds{7});
  EXPECT_EQ(std::get<Step>(program.code.at(2)).time_max, std::chrono::seconds{20});
  const Program again =
      compile(read_profile(program.source_text, "run 3",
                           [](const std::string& path) -> std::string {
                             throw ConfigError{SourcePlace{}, "the record has everything, but " + path + " was asked for"};
                           }),
              test_cell());
  EXPECT_EQ(again.hash, program.hash);
  EXPECT_EQ(again.source_text, program.source_text);
}

TEST(FlowCompile, files_from_anywhere_are_refused) {
  EXPECT_THAT(refusal_of_steps("  - drive_cycle: {file: /etc/passwd}\n"), HasSubstr("from the folder of this profile"));
  EXPECT_THAT(refusal_of_steps("  - drive_cycle: {file: missing.csv}\n"),
              HasSubstr("p.yaml:4:25: 'missing.csv' cannot be opened"));
}

TEST(FlowCompile, a_profile_that_uses_itself_ends) {
  const std::string text = profile_text("  - profile: {file: p.yaml}\n");
  EXPECT_THAT(error_of([&] { (void)read_profile(text, "p.yaml", [&](const std::string&) { return text; }); }),
              HasSubstr("deeper than"));
}

TEST(FlowCompile, a_comment_that_looks_like_an_attachment_is_a_comment) {
  const std::string text = profile_text("  - rest: {for_s: 1}\n\n#attached 5 nothing\n# more\n");
  EXPECT_EQ(split_bundle(text).main, text);
  EXPECT_TRUE(split_bundle(text).files.empty());
  const Bundle bundle{"a: 1\n", {{"x.csv", "1,2\n#attached 3 y\nabc"}, {"y", ""}}};
  const Bundle again = split_bundle(join_bundle(bundle));
  EXPECT_EQ(again.main, bundle.main);
  EXPECT_EQ(again.files, bundle.files);
}

// ---- limits of a step -------------------------------------------------------------------------------------------------------

TEST(FlowCompile, a_step_cannot_widen_a_limit) {
  const std::string step = "  - cc_charge: {rate_C: 1, until: voltage_V >= 4.0, at_most_h: 2, limits: {voltage_max_V: VALUE}}\n";
  EXPECT_EQ(refusal_of_steps(replaced(step, "VALUE", "4.1")), "no error");
  EXPECT_THAT(refusal_of_steps(replaced(step, "VALUE", "4.5")), HasSubstr("widens"));
  const std::string inside = "profile: x\nformat: 1\nlimits: {voltage_max_V: 4.1}\nsteps:\n";
  EXPECT_THAT(refusal_of(inside + replaced(step, "VALUE", "4.15")), HasSubstr("widens"));
  EXPECT_THAT(errors_of(compiled_steps(replaced(step, "VALUE", "4.001"))),
              HasSubstr("can never be reached: the set-point holds the voltage at 3.999 V"))
      << "its own end lies too near";
}

}  // namespace
}  // namespace cellrig::test
