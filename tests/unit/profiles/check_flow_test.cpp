// `check` follows the jumps of a profile: what is never run, what is known on one way and not on another, a chamber that a jump leaves cold.
#include <fstream>
#include <iterator>

#include "profiles/accuracy.hpp"
#include "tests/unit/profiles/good_bench.hpp"
#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Once at -20 degC the cell is warmed up, unless the discharge ends by its guard.
std::string cold_then(const std::string& target) {
  return "  - soak: {temperature_degC: -20, for_h: 4}\n"
         "  - cc_discharge:\n      rate_C: 1/5\n      at_most_h: 8\n      until:\n        - voltage_V <= 2.6\n"
         "        - {when: cell_temperature_degC >= 30, then: " +
         target +
         "}\n"
         "  - soak: {temperature_degC: 25, until: cell_temperature_degC >= 20 for 10 min, at_most_h: 8}\n"
         "  - cc_charge: {name: fill, current_A: 2, until: voltage_V >= 4.1, at_most_h: 5}\n";
}

// By the text the chamber stands at 25 degC by then.
TEST(CheckFlow, a_charge_that_a_jump_reaches_in_the_cold_is_an_error) {
  EXPECT_THAT(
      findings_in_steps(cold_then("fill")),
      HasSubstr("error: fill: charging at a chamber temperature of -20 degC is below the cell's minimum for charging, 0 degC"));
  EXPECT_THAT(findings_in_steps(cold_then("end")), Not(HasSubstr("below the cell's minimum for charging")));
}

// The guard itself says that it is warm.
TEST(CheckFlow, a_guard_that_waits_for_a_warm_cell_leaves_a_warm_cell) {
  const auto guarded = [](const std::string& guard) {
    return "  - soak: {temperature_degC: -20, for_h: 4}\n"
           "  - soak:\n      temperature_degC: 25\n      at_most_h: 8\n      until:\n        - step_time_h >= 6\n        - "
           "{when: " +
           guard +
           ", then: fill}\n"
           "  - soak: {temperature_degC: 25, until: cell_temperature_degC >= 20 for 10 min, at_most_h: 8}\n"
           "  - cc_charge: {name: fill, current_A: 2, until: voltage_V >= 4.1, at_most_h: 5}\n";
  };
  const std::string cold = "the cell may still be colder than the 0 degC";
  EXPECT_THAT(findings_in_steps(guarded("cell_temperature_degC >= 20 for 5 min")), Not(HasSubstr(cold)));
  EXPECT_THAT(findings_in_steps(guarded("step_time_h >= 5")), HasSubstr(cold));
}

TEST(CheckFlow, a_step_that_every_end_leads_past_is_named) {
  const std::string steps =
      "  - cc_charge:\n      current_A: 2\n      at_most_h: 5\n      until:\n        - {when: voltage_V >= 4.1, then: last}\n"
      "        - {when: cell_temperature_degC >= 40, then: last}\n"
      "  - rest: {name: between, for_h: 1}\n  - rest: {name: last, for_h: 1}\n";
  EXPECT_THAT(findings_in_steps(steps), HasSubstr("p.yaml:10: warning: between: is never run"));
  EXPECT_THAT(findings_in_steps(steps), Not(HasSubstr("last: is never run")));
  EXPECT_THAT(
      findings_in_steps(replaced(steps, "{when: cell_temperature_degC >= 40, then: last}", "cell_temperature_degC >= 40")),
      Not(HasSubstr("is never run")));
}

TEST(CheckFlow, what_stands_behind_an_end_of_the_run_is_never_run) {
  EXPECT_THAT(findings_in_steps("  - cc_charge: {current_A: 2, at_most_h: 5, until: [{when: voltage_V >= 4.1, then: end}]}\n"
                                "  - rest: {for_h: 1}\n"),
              HasSubstr("p.yaml:5: warning: rest: is never run"));
  EXPECT_THAT(findings_in_steps("  - wait_for_person: {message: look, at_most_h: 5}\n  - rest: {for_h: 1}\n"),
              Not(HasSubstr("never run")));
}

TEST(CheckFlow, a_result_that_a_jump_leads_past_may_not_be_known) {
  const auto with = [](const std::string& guard, const std::string& last) {
    return "  - cc_charge: {current_A: 2, at_most_h: 5, until: [voltage_V >= 4.1, {when: cell_temperature_degC >= 40, then: " +
           guard +
           "}]}\n"
           "  - cc_discharge: {current_A: 2, until: voltage_V <= 2.6, at_most_h: 5, measure: reference}\n"
           "  - rest: {name: cool, for_h: 1}\n" +
           last;
  };
  const std::string uses =
      "  - cc_charge: {current_A: results.reference_capacity_Ah / 5, until: voltage_V >= 4.1, at_most_h: 9}\n";
  EXPECT_THAT(
      findings_in_steps(with("cool", uses)),
      HasSubstr("'results.reference_capacity_Ah / 5' may not be known here, and then the run fails or waits in vain: a way to it "
                "leads past 'measure: reference'"));
  EXPECT_THAT(findings_in_steps(with("fail", uses)), Not(HasSubstr("may not be known")));
  const std::string required = "  - require: reference_capacity_Ah >= 4\n";
  EXPECT_THAT(findings_in_steps(with("cool", required)), HasSubstr("may not be known here, and then counts as not met"));
}

// The state of charge that a step sets is not set where a guard ends it.
TEST(CheckFlow, a_state_of_charge_that_only_a_jump_around_it_sets_is_not_known) {
  const auto with = [](const std::string& target) {
    return "  - cc_discharge: {current_A: 2, at_most_h: 5, sets_soc_pct: 0, until: [voltage_V <= 2.6, {when: "
           "cell_temperature_degC >= 40, then: " +
           target +
           "}]}\n"
           "  - rest: {for_h: 1}\n"
           "  - cc_charge: {name: part, current_A: 2, until: soc_pct >= 50, at_most_h: 5}\n";
  };
  const std::string unsure = "warning: 'soc_pct >= 50' may not be known here";
  EXPECT_THAT(findings_in_steps(with("part")), HasSubstr(unsure));
  EXPECT_THAT(findings_in_steps(with("fail")), Not(HasSubstr("'soc_pct >= 50'")));
  const std::string never = replaced(with("fail"), "sets_soc_pct: 0, ", "");
  EXPECT_THAT(findings_in_steps(never), HasSubstr("error: 'soc_pct >= 50' cannot be judged: no step before it has"));
}

// They are certain to come, but that is counted by nobody here: no reason to refuse the profile.
TEST(CheckFlow, a_state_of_charge_that_diagnostics_set_may_not_be_known_after_them) {
  const std::string found = findings_in_steps(
      "  - cycles:\n      times: 100\n      steps:\n"
      "        - cc_charge: {current_A: 2, until: voltage_V >= 4.1, at_most_h: 5}\n"
      "        - cc_discharge: {current_A: 2, until: voltage_V <= 2.6, at_most_h: 5}\n"
      "      diagnostics:\n        every_cycles: 50\n        steps:\n"
      "          - cc_discharge: {current_A: 0.5, until: voltage_V <= 2.6, at_most_h: 12, sets_soc_pct: 0}\n"
      "  - cc_charge: {current_A: 2, until: soc_pct >= 50, at_most_h: 5}\n");
  EXPECT_THAT(found, AllOf(HasSubstr("warning: 'soc_pct >= 50' may not be known here"), Not(HasSubstr("error"))));
}

// Whoever confirms has looked at something, and not at the thermometer.
TEST(CheckFlow, a_person_who_confirms_does_not_wait_for_a_warm_cell) {
  const auto with = [](const std::string& wait) {
    return "  - soak: {temperature_degC: -20, for_h: 4}\n  - soak: {temperature_degC: 25, for_h: 1}\n" + wait +
           "  - cc_charge: {name: fill, current_A: 2, until: voltage_V >= 4.1, at_most_h: 5}\n";
  };
  const std::string cold = "the cell may still be colder than the 0 degC";
  EXPECT_THAT(findings_in_steps(with("  - wait_for_person: {message: look, until: cell_temperature_degC >= 20, at_most_h: 8}\n")),
              HasSubstr(cold));
  EXPECT_THAT(findings_in_steps(with("  - soak: {temperature_degC: 25, until: cell_temperature_degC >= 20, at_most_h: 8}\n")),
              Not(HasSubstr(cold)));
}

TEST(CheckFlow, a_guard_that_leaves_the_cycles_ends_the_one_it_is_in) {
  EXPECT_THAT(findings_in_steps("  - cycles:\n      times: 10\n      steps:\n"
                                "        - cc_charge: {current_A: 2, until: voltage_V >= 4.1, at_most_h: 5}\n"
                                "        - cc_discharge: {current_A: 2, at_most_h: 5, until: [voltage_V <= 2.6, {when: "
                                "cell_temperature_degC >= 40, then: last}]}\n"
                                "  - rest: {name: last, for_h: 1}\n  - require: coulombic_efficiency_pct >= 90\n"),
              Not(HasSubstr("may not be known")));
}

// What nobody has judged is not accepted.
TEST(CheckFlow, more_ways_than_can_be_judged_are_an_error) {
  std::string steps;
  int ways = 0;
  const auto add_with_a_way_around = [&steps, &ways](const std::string& step) {
    const std::string name = "past " + std::to_string(++ways);
    steps += "  - cc_discharge: {current_A: 2, at_most_h: 5, until: [capacity_Ah >= 0.1, {when: voltage_V <= 2.6, then: " + name +
             "}]}\n" + step + "  - rest: {name: " + name + ", for_h: 1}\n";
  };
  for (const char* const what : {"measure: reference", "measure: test", "sets_soc_pct: 0", "measure: resistance"})
    add_with_a_way_around("  - cc_discharge: {current_A: 2, until: voltage_V <= 2.6, at_most_h: 5, " + std::string{what} + "}\n");
  for (int i = 0; i < 70; ++i)
    add_with_a_way_around("  - soak: {temperature_degC: " + std::to_string(10 + 0.5 * i) + ", for_h: 1}\n");
  EXPECT_THAT(findings_in_steps(steps), HasSubstr("error: the profile has more ways through it than can be judged"));
}

// Diagnostics at 45 degC that are left by a jump give the chamber back; those that are not due never asked.
TEST(CheckFlow, diagnostics_are_followed_due_and_not_due) {
  const std::string steps =
      "  - soak: {temperature_degC: 25, for_h: 1}\n"
      "  - cycles:\n      times: 10\n      steps:\n"
      "        - cc_charge: {current_A: 2, until: voltage_V >= 4.1, at_most_h: 5}\n"
      "        - cc_discharge: {current_A: 2, until: voltage_V <= 2.6, at_most_h: 5}\n"
      "      diagnostics:\n        every_cycles: 5\n        steps:\n"
      "          - soak: {temperature_degC: -10, for_h: 4}\n"
      "          - cc_discharge: {current_A: 0.5, until: voltage_V <= 2.6, at_most_h: 12}\n";
  const std::string found = findings_in_steps(steps);
  EXPECT_THAT(found, Not(HasSubstr("charging at a chamber temperature")));
  EXPECT_THAT(found, HasSubstr("the cell may still be colder"));
}

// The chamber stays where diagnostics left it when nobody had asked for a temperature before.
TEST(CheckFlow, diagnostics_that_were_the_first_to_ask_leave_the_chamber_cold) {
  const std::string cycles =
      "  - cycles:\n      times: 10\n      steps:\n"
      "        - cc_charge: {current_A: 2, until: voltage_V >= 4.1, at_most_h: 5}\n"
      "        - cc_discharge: {current_A: 2, until: voltage_V <= 2.6, at_most_h: 5}\n"
      "      diagnostics:\n        every_cycles: 5\n        steps:\n"
      "          - soak: {temperature_degC: -20, for_h: 4}\n"
      "          - cc_discharge: {current_A: 0.5, until: voltage_V <= 2.6, at_most_h: 12}\n";
  const std::string cold = "cc_charge: charging at a chamber temperature of -20 degC is below the cell's minimum";
  EXPECT_THAT(findings_in_steps(cycles), HasSubstr(cold));
  EXPECT_THAT(findings_in_steps("  - soak: {temperature_degC: 25, for_h: 1}\n" + cycles), Not(HasSubstr(cold)));
}

// Each of them gives back what it found: two in each other, two temperatures.
TEST(CheckFlow, diagnostics_in_diagnostics_give_back_the_temperature_that_each_found) {
  const auto with = [](const std::string& outer_degC) {
    return "  - soak: {temperature_degC: 25, for_h: 1}\n"
           "  - cycles:\n      times: 4\n      steps:\n"
           "        - cc_discharge: {current_A: 2, until: voltage_V <= 2.6, at_most_h: 5}\n"
           "        - cc_charge: {name: outer, current_A: 2, until: voltage_V >= 4.1, at_most_h: 5}\n"
           "      diagnostics:\n        every_cycles: 2\n        steps:\n"
           "          - soak: {temperature_degC: " +
           outer_degC +
           ", for_h: 4}\n"
           "          - cycles:\n              times: 4\n              steps:\n"
           "                - cc_discharge: {current_A: 2, until: voltage_V <= 2.6, at_most_h: 5}\n"
           "              diagnostics:\n                every_cycles: 2\n                steps:\n"
           "                  - soak: {temperature_degC: 10, for_h: 4}\n"
           "          - cc_charge: {name: inner, current_A: 2, until: voltage_V >= 4.1, at_most_h: 5}\n";
  };
  EXPECT_THAT(findings_in_steps(with("-20")), AllOf(HasSubstr("inner: charging at a chamber temperature of -20 degC"),
                                                    Not(HasSubstr("outer: charging at a chamber"))));
  EXPECT_THAT(findings_in_steps(with("20")), Not(HasSubstr("charging at a chamber temperature")));
}

TEST(CheckFlow, loops_in_each_other_with_a_jump_out_are_judged_in_no_time) {
  for (const int loops : {8, 64}) {
    std::string steps, indent = "  ";
    for (int depth = 0; depth < loops; ++depth) {
      steps += indent + "- repeat:\n" + indent + "    times: 9\n" + indent + "    steps:\n";
      indent += "      ";
    }
    for (int i = 0; i < 20; ++i)
      steps +=
          indent +
          "- cc_discharge: {current_A: 2, at_most_h: 5, until: [capacity_Ah >= 0.1, {when: voltage_V <= 2.6, then: last}]}\n";
    steps += "  - rest: {name: last, for_h: 1}\n";
    EXPECT_EQ(findings_in_steps(steps), "") << loops;
  }
}

// The innermost loop is warm where the ones around it begin it, and cold where it comes round itself.
TEST(CheckFlow, the_second_pass_of_a_loop_is_followed_however_deep_it_stands) {
  for (const int loops : {1, 8, 9, 12, 60}) {
    std::string open = "  - soak: {temperature_degC: 25, for_h: 1}\n", close, indent = "  ";
    for (int depth = 0; depth < loops; ++depth) {
      open += indent + "- repeat:\n" + indent + "    times: 3\n" + indent + "    steps:\n";
      if (depth + 2 == loops)
        close = indent + "      - soak: {temperature_degC: 25, until: cell_temperature_degC >= 20 for 10 min, at_most_h: 8}\n";
      indent += "      ";
    }
    const std::string charge = indent + "- cc_charge: {name: fill, current_A: 2, until: voltage_V >= 4.1, at_most_h: 5}\n";
    const auto left_at = [&](const std::string& degC) {
      return findings_in_steps(open + charge + indent + "- soak: {temperature_degC: " + degC + ", for_h: 4}\n" + close);
    };
    EXPECT_THAT(left_at("-20"), HasSubstr("error: fill: charging at a chamber temperature of -20 degC")) << loops;
    EXPECT_THAT(left_at("24"), Not(HasSubstr("fill:"))) << loops;
  }
}

// ---- a load cell that is not there ----------------------------------------------------------------------------------

TEST(CheckFlow, a_pressure_that_nothing_measures_is_said_once_with_what_to_do) {
  const std::string steps = "  - set_pressure: {pressure_MPa: 2, at_most_h: 1}\n";
  const std::string found = findings_in_steps(steps, whole_bench());
  EXPECT_THAT(
      found,
      AllOf(HasSubstr("p.yaml:4: error: set_pressure: the load cell of this channel tells when the pressure is set, and it "
                      "has none: give the channel 'stack_force:"),
            Not(HasSubstr("can never be judged"))));
  CheckContext context = whole_bench();
  context.sensors[static_cast<std::size_t>(Measurand::stack_force)] = LoggerInput{.min = 0, .max = 100'000};
  EXPECT_THAT(findings_in_steps(steps, context), HasSubstr("nobody knows the pressed area: give 'area_cm2'"));
  context.stack_area_cm2 = 100;
  EXPECT_THAT(findings_in_steps(steps, context), Not(HasSubstr("load cell")));
  EXPECT_EQ(findings_in_steps(steps), "") << "no bench is known";
}

// A cell that gives more than it takes: each way is held against its own limit.
TEST(CheckFlow, a_course_is_judged_each_way_by_the_limit_of_that_way) {
  const auto found = [](const std::string& charge_A) {
    return findings_in_steps(
        "  - pulse_train: {limits: {charge_current_max_A: 4}, pulses: [{discharge_current_A: 14, for_s: 10}, "
        "{charge_current_A: " +
            charge_A + ", for_s: 10}]}\n",
        whole_bench());
  };
  EXPECT_THAT(found("2"), Not(HasSubstr("do not nest")));
  EXPECT_THAT(found("3.9999"), AllOf(HasSubstr("do not nest"), HasSubstr("the safety limit of 4 A")));
}

TEST(CheckFlow, a_pressure_is_held_for_less_than_its_step_may_last) {
  const auto refused = [](const std::string& keys) {
    return error_in_steps("  - set_pressure: {pressure_MPa: 2, " + keys + "}\n");
  };
  EXPECT_EQ(refused("hold_min: 5, at_most_h: 1"), "no error");
  EXPECT_THAT(refused("hold_min: 70, at_most_h: 1"), HasSubstr("p.yaml:4:"));
  EXPECT_THAT(refused("hold_min: 70, at_most_h: 1"),
              HasSubstr("the pressure must hold for 4200 s: that must be 0 or more, and less than"));
  EXPECT_THAT(refused("hold_s: 5, hold_min: 1, at_most_h: 1"), HasSubstr("hold_min"));
  EXPECT_THAT(refused("hold_s: 5"), HasSubstr("needs a bound"));
}

// A difference needs both of its thermometers: one of them is the cell's, and the other nobody has bound.
TEST(CheckFlow, a_difference_to_an_air_that_nobody_measures_is_refused) {
  const std::string steps = "  - rest: {until: cell_minus_ambient_K <= 1, at_most_h: 5}\n";
  CheckContext context = whole_bench();
  context.sensors[static_cast<std::size_t>(Measurand::ambient_temperature)].reset();
  EXPECT_THAT(findings_in_steps(steps, context), HasSubstr("the profile needs the ambient temperature"));
  context.sensors[static_cast<std::size_t>(Measurand::ambient_temperature)] = LoggerInput{.min = -40, .max = 100};
  EXPECT_THAT(findings_in_steps(steps, context), Not(HasSubstr("needs the ambient temperature")));
}

// ---- differences of two temperatures --------------------------------------------------------------------------------

/// A soak at 25 degC after one at `before_degC`, so that the cell comes from there.
std::string findings_of_soak(const std::string& before_degC, const std::string& until) {
  return findings_in_steps("  - soak: {temperature_degC: " + before_degC + ", for_h: 4}\n" +
                           "  - soak: {temperature_degC: 25, at_most_h: 8, until: " + until + "}\n");
}

// The chamber's air is still at the old temperature when the step begins: the cell differs by nothing.
TEST(CheckFlow, a_difference_that_nothing_satisfies_may_hold_from_the_start) {
  const std::string warned = "may hold from the start: while the chamber is still where it comes from nothing differs";
  for (const char* const until :
       {"cell_minus_chamber_K >= -1", "cell_minus_ambient_K >= -1", "ambient_minus_chamber_K >= -1", "cell_minus_chamber_K <= 1",
        "{all: [cell_minus_chamber_K <= 1, cell_minus_chamber_K >= -1]}", "[cell_minus_chamber_K >= -1, step_time_h >= 6]"}) {
    EXPECT_THAT(findings_of_soak("-20", until), HasSubstr(warned)) << until;
    EXPECT_THAT(findings_of_soak("45", until), HasSubstr(warned)) << until;
    EXPECT_THAT(findings_of_soak("25", until), Not(HasSubstr("may hold from the start"))) << until;
  }
  for (const char* const until :
       {"cell_minus_chamber_K >= -1 for 10 min", "cell_minus_chamber_K >= -1 after 30 min", "cell_minus_chamber_K <= -2",
        "{all: [cell_minus_chamber_K >= -1 for 10 min, cell_minus_chamber_K <= 1]}",
        "ambient_minus_chamber_K >= -1 for 10 min"}) {
    EXPECT_THAT(findings_of_soak("-20", until), Not(HasSubstr(warned))) << until;
  }
  EXPECT_THAT(findings_of_soak("-20", "cell_minus_chamber_K <= 1 for 10 min"),
              HasSubstr("may hold from the start: the cell comes from -20 degC"));
}

// What the documentation advises is what is compiled and judged here.
TEST(CheckFlow, the_documented_way_to_wait_for_cell_and_chamber_is_found_good) {
  std::ifstream page{std::string{CELLRIG_SOURCE_DIR} + "/docs/profile-language.md"};
  const std::string text{std::istreambuf_iterator<char>{page}, {}};
  const std::string before = "`until: ";
  const std::size_t begin = text.find(before + "{all: [cell_minus_chamber_K");
  ASSERT_NE(begin, std::string::npos);
  const std::size_t from = begin + before.size();
  const std::string advised = text.substr(from, text.find('`', from) - from);
  for (const char* const before_degC : {"-20", "10", "25", "45"})
    EXPECT_EQ(findings_of_soak(before_degC, advised), "") << advised << " from " << before_degC;
}

// ---- limits of a step in the table of accuracies --------------------------------------------------------------------

TEST(CheckFlow, the_table_of_accuracies_knows_the_limits_of_a_step) {
  const std::string steps =
      "  - soak: {temperature_degC: 25, for_h: 1}\n"
      "  - cc_charge: {current_A: 2, until: voltage_V >= 4.0, at_most_h: 5, limits: {voltage_max_V: 4.1, "
      "cell_temperature_max_degC: 25.5}}\n"
      "  - cc_discharge: {current_A: 2, until: voltage_V <= 2.6, at_most_h: 5}\n";
  bool has_voltage = false, has_temperature = false;
  for (const AccuracyRow& row : accuracy_rows(compiled_steps(steps), whole_bench())) {
    has_voltage = has_voltage || (row.use == AccuracyUse::voltage_limit && row.compared_to == "to the safety limit of 4.1 V");
    if (row.use != AccuracyUse::temperature_limit || row.value != 25.5) continue;
    has_temperature = true;
    ASSERT_EQ(row.steps.size(), 1U);
    EXPECT_EQ(row.steps.front().name, "cc_charge");
    EXPECT_EQ(row.severity, Severity::warning) << "half a kelvin, where chamber and thermometer err by one";
  }
  EXPECT_TRUE(has_voltage);
  EXPECT_TRUE(has_temperature);
  EXPECT_THAT(findings_in_steps(steps, whole_bench()),
              HasSubstr("p.yaml:5: warning: 'cell_temperature_max_degC' = 25.5 degC lies 0.5 K"));
}

}  // namespace
}  // namespace cellrig::test
