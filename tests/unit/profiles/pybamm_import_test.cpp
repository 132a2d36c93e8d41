// PyBaMM experiments become profiles: the files people have, what is decided for them, and what is refused.
#include "profiles/exchange/pybamm_import.hpp"

#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;
using testing::Not;

PybammImport imported(const std::string& text) { return import_pybamm(read_pybamm(text, "e.py"), "Test"); }
Program imported_program(const std::string& text) { return compiled(imported(text).profile_text); }
std::string import_mistake(const std::string& text) {
  return error_of([&] { (void)imported(text); });
}

std::string losses(const LossReport& report) {
  std::string text;
  for (const Loss& loss : report) text += to_string(loss) + "\n";
  return text;
}

const Step& step_of(const Program& program, std::size_t index) { return std::get<Step>(program.code.at(index)); }

// ---- files ----------------------------------------------------------------------------------------------------------

const std::string tutorial = R"(# from a notebook
import pybamm
experiment = pybamm.Experiment(
    [
        (
            "Discharge at C/10 for 10 hours or until 3.3 V",
            "Rest for 1 hour",
            'Charge at 1 A until 4.1 V',
            "Hold at 4.1 V until 50 mA",  # taper
            "Rest for 1 hour",
        ),
    ]
    * 3,
    period="30 seconds",
)
)";

TEST(PybammFile, of_the_tutorial_becomes_cycles) {
  const Program program = imported_program(tutorial);
  ASSERT_EQ(program.code.size(), 6U);
  EXPECT_EQ(std::get<LoopBegin>(program.code[0]).times, 3U);
  EXPECT_TRUE(std::get<LoopBegin>(program.code[0]).counts_cycles);
  const Step& charge = step_of(program, 3);
  EXPECT_EQ(charge.kind, StepKind::cccv);
  EXPECT_DOUBLE_EQ(std::get<ConstantVoltage>(*charge.setpoint).current_max.value(), 1.0);
  EXPECT_DOUBLE_EQ(std::get<ConstantVoltage>(*charge.setpoint).voltage.value(), 4.1);
  EXPECT_EQ(charge.ends.at(0).text, "current_A <= 0.05 for 5 s");
  EXPECT_EQ(charge.record_interval, std::chrono::seconds{30});
  EXPECT_EQ(findings_of(program), "");
}

TEST(PybammFile, may_be_lines_of_text) {
  const Program program = imported_program("# two steps\r\n\n  Charge at 1C until 4.2 V\r\nRest for 10 minutes");
  ASSERT_EQ(program.code.size(), 2U);
  EXPECT_EQ(step_of(program, 0).ends.at(0).text, "voltage_V >= 4.2");
  EXPECT_EQ(step_of(program, 1).time_max, std::chrono::minutes{10});
}

TEST(PybammFile, may_be_json) {
  EXPECT_EQ(imported_program("[[\"Charge at 1C until 4.2 V\", \"Rest for 1 hour\"]]").code.size(), 4U);
}

// As Python counts: a list of one tuple times three is three cycles, a tuple times three one long cycle.
TEST(PybammFile, repeats_lists_and_tuples_as_python_does) {
  const auto shape = [](const std::string& text) {
    std::string found;
    for (const Instruction& i : imported_program(text).code) {
      if (const LoopBegin* const loop = std::get_if<LoopBegin>(&i))
        found += (loop->counts_cycles ? "cycles " : "repeat ") + std::to_string(loop->times) + " ( ";
      else
        found += std::holds_alternative<LoopEnd>(i) ? ") " : "step ";
    }
    return found;
  };
  const std::string rest = "\"Rest for 1 hour\"";
  EXPECT_EQ(shape("[(" + rest + ", " + rest + ")] * 3"), "cycles 3 ( step step ) ");
  EXPECT_EQ(shape("[(" + rest + ",) * 3]"), "cycles 1 ( repeat 3 ( step ) ) ");
  EXPECT_EQ(shape("[" + rest + "] * 3"), "repeat 3 ( step ) ");
  EXPECT_EQ(shape("[(" + rest + ")]"), "step ");
  EXPECT_EQ(shape("[(" + rest + ",)] * 2 * 3"), "cycles 6 ( step ) ");
  EXPECT_EQ(shape("([(" + rest + ",)] * 2 + [" + rest + "]) * 4"), "repeat 4 ( cycles 2 ( step ) step ) ");
  EXPECT_EQ(shape("[" + rest + "] + [(" + rest + ",)] * 0"), "step ");
}

TEST(PybammFile, mistakes_have_a_place) {
  EXPECT_EQ(import_mistake("[\n  \"Rest for 1 hour\",\n  \"Chrage at 1C until 4.2 V\",\n]"),
            "e.py:3:4: unknown step 'Chrage', did you mean 'Charge'?");
  EXPECT_EQ(import_mistake("Rest for 1 hour\n  Charge at 1C untl 4.2 V"),
            "e.py:2:16: unknown word 'untl', did you mean 'until'?");
  EXPECT_EQ(import_mistake("[\"Rest for 1 hour\"\n\"Rest for 1 hour\"]"),
            "e.py:2:2: a comma is missing before this string: Python would join it to the one before");
  EXPECT_EQ(import_mistake("(\"Rest for 1 hour\") * 3"),
            "e.py:1:21: '*' repeats a list or a tuple: a tuple of one step needs a comma, (\"...\",)");
  EXPECT_EQ(import_mistake("[\"Rest for 1 hour"), "e.py:1:2: the string that begins here has no end");
  EXPECT_EQ(import_mistake("[pybamm.step.strin(\"Rest for 1 hour\")]"),
            "e.py:1:2: unknown name 'pybamm.step.strin', did you mean 'pybamm.step.string'?");
  EXPECT_EQ(import_mistake("pybamm.Experiment([\"Rest for 1 hour\"], termination=\"80% capacity\")"),
            "e.py:1:40: keyword 'termination' has no counterpart here (known: period, temperature)");
  EXPECT_EQ(import_mistake("import os"), "e.py:1:8: expected 'pybamm': nothing is executed here, found 'os'");
  EXPECT_EQ(import_mistake("[\"Rest for 1 hour\"] * 1e9"), "e.py:1:23: expected a whole number from 0 to 1000000, found '1e9'");
  EXPECT_EQ(import_mistake("{\"cycles\": []}"), "e.py:1:1: expected a step, a list or a tuple, found '{'");
  EXPECT_EQ(import_mistake("[[[[[[[[\"Rest for 1 hour\"]]]]]]]]"), "e.py:1:7: brackets nested deeper than 6 levels");
  EXPECT_EQ(import_mistake("[]"), "e.py:1:1: an experiment without a step");
  EXPECT_EQ(import_mistake("# nothing\n"), "e.py: an experiment without a step");
  EXPECT_EQ(import_mistake("[\"Rest for 1 hour\"] + (\"Rest for 1 hour\",)"), "e.py:1:21: '+' joins two lists, or two tuples");
}

// ---- steps ----------------------------------------------------------------------------------------------------------

TEST(PybammImport, gives_every_step_the_bound_that_PyBaMM_has) {
  const Program program = imported_program(
      "Discharge at C/5 until 2.5 V\nCharge at 1 A until 4.1 V\nDischarge at 1C for 10 minutes\nDischarge at 1C for 10 seconds\n"
      "Rest until >3 V");
  EXPECT_EQ(step_of(program, 0).time_max, std::chrono::hours{10});
  EXPECT_EQ(step_of(program, 1).time_max, std::chrono::hours{24});
  EXPECT_EQ(step_of(program, 2).time_max, std::chrono::minutes{11});
  EXPECT_EQ(step_of(program, 3).time_max, std::chrono::seconds{70});
  EXPECT_EQ(step_of(program, 4).time_max, std::chrono::hours{24});
  for (std::size_t i = 0; i < program.code.size(); ++i) EXPECT_FALSE(step_of(program, i).time_max_is_normal);
}

TEST(PybammImport, says_what_it_decided_in_comments_and_in_the_report) {
  const PybammImport made = imported("Discharge at C/5 until 2.5 V");
  EXPECT_THAT(made.profile_text, HasSubstr("# Discharge at C/5 until 2.5 V\n"));
  EXPECT_THAT(made.profile_text, HasSubstr("at_most_h: 10  # not in the string: 2 h / rate, where PyBaMM gives up too"));
  EXPECT_THAT(losses(made.report),
              HasSubstr("e.py:1:1: note: at_most: a bound that the string does not have: at_most_h 10 (2 h / rate)"));
  EXPECT_THAT(losses(made.report), HasSubstr("e.py: note: limits:"));
  EXPECT_THAT(losses(made.report), Not(HasSubstr("safety")));
}

TEST(PybammImport, takes_the_direction_and_the_current_of_a_hold_from_the_step_before) {
  const Program program = imported_program(
      "Charge at C/2 for 1 hour or until 4.1 V\nHold at 4.1 V for 30 minutes\nDischarge at 1 A until 3 V\nHold at 3 V until 0.1 "
      "A\n"
      "Hold at 3.5 V until C/50\nDischarge at 5 W until 2.6 V\nHold at 2.6 V until C/50");
  const Step& charge = step_of(program, 1);
  EXPECT_EQ(charge.kind, StepKind::cv);
  EXPECT_DOUBLE_EQ(std::get<ConstantVoltage>(*charge.setpoint).current_max.value(), 2.5);
  EXPECT_EQ(step_of(program, 2).kind, StepKind::cccv);
  EXPECT_EQ(step_of(program, 2).direction, StepDirection::discharge);
  // Above the voltage that was held last: back into the cell.
  EXPECT_EQ(step_of(program, 3).direction, StepDirection::charge);
  EXPECT_DOUBLE_EQ(std::get<ConstantVoltage>(*step_of(program, 3).setpoint).current_max.value(), 1.0);
  EXPECT_DOUBLE_EQ(std::get<ConstantVoltage>(*step_of(program, 5).setpoint).current_min.value(), -15.0);
}

TEST(PybammImport, keeps_power_resistance_periods_and_temperatures) {
  const Program program = imported_program(
      "pybamm.Experiment([\"Charge at 3 W until 4.1 V (5 second period)\","
      "pybamm.step.string(\"Discharge at 1.5 Ohm until 2.6 V\", temperature=\"5oC\", period=2), \"Rest for 1 hour\"],"
      "temperature=298.15)");
  EXPECT_DOUBLE_EQ(std::get<ConstantPower>(*step_of(program, 0).setpoint).power.value(), 3.0);
  EXPECT_EQ(step_of(program, 0).record_interval, std::chrono::seconds{5});
  EXPECT_DOUBLE_EQ(std::get<ConstantResistance>(*step_of(program, 1).setpoint).resistance.value(), 1.5);
  EXPECT_EQ(step_of(program, 1).record_interval, std::chrono::seconds{2});
  EXPECT_NEAR(step_of(program, 0).chamber_temperature.value().value(), 25.0, 1e-9);
  EXPECT_NEAR(step_of(program, 1).chamber_temperature.value().value(), 5.0, 1e-9);
  EXPECT_NEAR(step_of(program, 2).chamber_temperature.value().value(), 25.0, 1e-9);
  EXPECT_EQ(step_of(program, 2).record_interval, std::chrono::seconds{60});
}

TEST(PybammImport, tells_that_nothing_leads_back_from_a_temperature) {
  const PybammImport made =
      imported("[pybamm.step.string(\"Rest for 1 hour\", temperature=\"5oC\"),\n\"Charge at 1C until 4.2 V\"]");
  EXPECT_THAT(losses(made.report), HasSubstr("e.py:2:2: lost: temperature:"));
}

TEST(PybammImport, refuses_what_a_profile_cannot_say) {
  EXPECT_EQ(
      import_mistake("Rest for 1 hour\nHold at 4.2 V until C/20"),
      "e.py:2:1: nothing says which way the current of this 'Hold' flows: put a 'Charge' or 'Discharge' before it, in the same "
      "pass of the loop");
  EXPECT_THAT(import_mistake("[\"Charge at 1C until 4.2 V\"] + [(\"Hold at 4.2 V until C/20\",)] * 2"),
              HasSubstr("e.py:1:35: nothing says which way"));
  EXPECT_EQ(import_mistake("Charge at 1C until C/20"),
            "e.py:1:1: the current of this step is constant and cannot end it: write 'Hold at' a voltage after it");
  EXPECT_EQ(import_mistake("Charge at 1 Ohm until 4.2 V"),
            "e.py:1:1: a profile has no charge at constant resistance, only cr_discharge");
  EXPECT_EQ(import_mistake("Rest for 1 hour or until C/20"), "e.py:1:1: a rest has no current that could end it");
  EXPECT_EQ(import_mistake("Charge at 1C until 4.1 V\nHold at 4.1 V until <4 V"),
            "e.py:2:1: the voltage of 'Hold' is constant and cannot end it: write 'until' a current");
  EXPECT_THAT(import_mistake("pybamm.Experiment([\"Rest for 1 hour\"], temperature=25)"),
              HasSubstr("a bare number is in kelvin"));
}

TEST(PybammImport, makes_a_name_that_a_profile_may_have) {
  const PybammExperiment experiment = read_pybamm("Rest for 1 hour", "e.py");
  for (const std::string& name : {std::string{"a \"b\" \\ \n c"}, std::string(300, 'x'), std::string{}, std::string{"\xff\x01"}})
    EXPECT_NO_THROW((void)compiled(import_pybamm(experiment, name).profile_text)) << name;
}

}  // namespace
}  // namespace cellrig::test
