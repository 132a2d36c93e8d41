#include "profiles/reader.hpp"

#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

std::string refusal(const std::string& text) {
  return error_of([&] { (void)read_profile(text, "p.yaml"); });
}
std::string step_refusal(const std::string& steps) { return refusal(profile_text(steps)); }

TEST(ProfileReader, reads_names_parameters_and_steps_with_their_places) {
  const Profile profile = read_profile(R"(profile: Two steps
format: 1
description: what happens
source: [a standard, a paper]
parameters:
  charge_rate_C: {default: 0.5, min: 0.1, max: 2, description: how fast}
  cycles: 3
steps:
  - cycles:
      times: parameters.cycles
      steps:
        - cc_charge: {name: slow charge, rate_C: parameters.charge_rate_C, until: [voltage_V >= 4.1, soc_pct >= 80], at_most_h: 5}
  - stop_if: retention_pct < 80
)",
                                       "p.yaml");
  EXPECT_EQ(profile.name, "Two steps");
  EXPECT_EQ(profile.source, "a standard\na paper");
  ASSERT_EQ(profile.parameters.size(), 2U);
  EXPECT_EQ(profile.parameters[0].description, "how fast");
  const LoopSpec& loop = std::get<LoopSpec>(profile.steps.at(0).what);
  EXPECT_TRUE(loop.counts_cycles);
  const StepSpec& step = std::get<StepSpec>(loop.body.at(0).what);
  EXPECT_EQ(step.name, "slow charge");
  EXPECT_EQ(step.until.size(), 2U);
  EXPECT_EQ(to_string(step.place), "p.yaml:12:11");
  EXPECT_EQ(std::get<ResultSpec>(profile.steps.at(1).what).role, ResultSpec::Role::stop_if);
}

TEST(ProfileReader, typos_get_the_nearest_word) {
  EXPECT_EQ(refusal("profil: x\nformat: 1\nsteps: []\n"),
            "p.yaml:1:1: unknown key 'profil' in a profile, did you mean 'profile'?");
  EXPECT_EQ(step_refusal("  - cc_chrage: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2}\n"),
            "p.yaml:4:5: unknown step 'cc_chrage', did you mean 'cc_charge'?");
  EXPECT_EQ(step_refusal("  - cc_charge: {rate_c: 1, until: voltage_V >= 4.2, at_most_h: 2}\n"),
            "p.yaml:4:17: unknown key 'rate_c' in cc_charge, did you mean 'rate_C'?");
  EXPECT_EQ(step_refusal("  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_hours: 2}\n"),
            "p.yaml:4:53: unknown key 'at_most_hours' in cc_charge, did you mean 'at_most_h'?");
  EXPECT_EQ(step_refusal("  - cc_charge: {current_mA: 1000, until: voltage_V >= 4.2, at_most_h: 2}\n"),
            "p.yaml:4:17: unknown key 'current_mA' in cc_charge, did you mean 'current_A'?");
  EXPECT_EQ(step_refusal("  - cc_discharge: {rate_C: 1, until: voltage_V <= 3, at_most_h: 2, measure: refrence}\n"),
            "p.yaml:4:77: unknown measure 'refrence', did you mean 'reference'?");
  EXPECT_EQ(refusal("profile: x\nformat: 1\nlimits: {cell_temperature_max_C: 55}\nsteps: [rest: {for_s: 1}]\n"),
            "p.yaml:3:10: unknown key 'cell_temperature_max_C' in limits, did you mean 'cell_temperature_max_degC'?");
}

TEST(ProfileReader, an_unknown_rule_for_interruptions_gets_the_nearest_one) {
  EXPECT_EQ(step_refusal("  - rest: {for_s: 1, on_interruption: redo_stop}\n"),
            "p.yaml:4:39: unknown rule 'redo_stop' for 'on_interruption', did you mean 'redo_step'?");
  EXPECT_EQ(refusal("profile: x\nformat: 1\non_interruption: resum\nsteps: [rest: {for_s: 1}]\n"),
            "p.yaml:3:18: unknown rule 'resum' for 'on_interruption', did you mean 'resume'?");
  EXPECT_EQ(refusal("profile: x\nformat: 1\non_interuption: resume\nsteps: [rest: {for_s: 1}]\n"),
            "p.yaml:3:1: unknown key 'on_interuption' in a profile, did you mean 'on_interruption'?");
}

// A key of another step must not be accepted silently: voltage_V has no meaning for a constant current.
TEST(ProfileReader, each_step_takes_only_its_own_keys) {
  EXPECT_THAT(step_refusal("  - cc_charge: {rate_C: 1, voltage_V: 4.2, until: soc_pct >= 80, at_most_h: 2}\n"),
              testing::HasSubstr("unknown key 'voltage_V' in cc_charge"));
  EXPECT_THAT(step_refusal("  - rest: {for_s: 1, rate_C: 1}\n"), testing::HasSubstr("unknown key 'rate_C' in rest"));
  EXPECT_THAT(step_refusal("  - rest: {for_s: 1, sets_soc_pct: 50}\n"), testing::HasSubstr("unknown key 'sets_soc_pct' in rest"));
  EXPECT_EQ(step_refusal("  - cc_discharge: {rate_C: 1, until: voltage_V <= 3, at_most_h: 2, measure: charge_time}\n"),
            "p.yaml:4:77: 'charge_time' is measured by a charge step");
}

TEST(ProfileReader, every_step_needs_an_end_and_a_bound) {
  EXPECT_EQ(step_refusal("  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2}\n"),
            "p.yaml:4:5: cc_charge needs a bound: 'at_most_s', 'at_most_min' or 'at_most_h'");
  EXPECT_EQ(step_refusal("  - cc_charge: {rate_C: 1, at_most_h: 2}\n"), "p.yaml:4:5: cc_charge needs an end: 'until'");
  EXPECT_EQ(step_refusal("  - soak: {temperature_degC: 0, until: cell_temperature_degC <= 1}\n"),
            "p.yaml:4:5: soak with 'until' needs a bound: 'at_most_s', 'at_most_min' or 'at_most_h'");
  EXPECT_EQ(step_refusal("  - rest: {}\n"),
            "p.yaml:4:5: rest needs a duration ('for_s', 'for_min' or 'for_h') or an end ('until')");
  EXPECT_EQ(step_refusal("  - rest: {for_s: 5, for_min: 5}\n"),
            "p.yaml:4:22: 'for_min' and 'for_s' say the same thing: give one of them");
  EXPECT_EQ(step_refusal("  - rest: {for_s: 5, at_most_h: 5}\n"),
            "p.yaml:4:22: 'at_most_h' and 'for_s' exclude each other: 'for' already bounds the step");
  EXPECT_EQ(step_refusal("  - cc_charge: {until: voltage_V >= 4.2, at_most_h: 2}\n"),
            "p.yaml:4:5: cc_charge needs 'rate_C' or 'current_A'");
  EXPECT_EQ(step_refusal("  - cc_charge: {rate_C: 1, current_A: 5, until: voltage_V >= 4.2, at_most_h: 2}\n"),
            "p.yaml:4:28: 'current_A' and 'rate_C' say the same thing: give one of them");
  EXPECT_EQ(step_refusal("  - soak: {for_h: 1}\n"), "p.yaml:4:5: soak needs 'temperature_degC'");
}

TEST(ProfileReader, indentation_mistakes_are_explained) {
  EXPECT_EQ(
      step_refusal("  - cc_charge:\n    rate_C: 1\n    until: voltage_V >= 4.2\n"),
      "p.yaml:5:5: 'rate_C' stands beside 'cc_charge': indent the keys of a step below its word, and begin each step with '-'");
  EXPECT_EQ(step_refusal("  - rest\n"), "p.yaml:4:5: 'rest' needs its keys: write 'rest: {...}'");
  EXPECT_EQ(step_refusal("  - cc_charge:\n"), "p.yaml:4:5: cc_charge must be keys with values, found nothing");
  EXPECT_EQ(step_refusal("  rest: {for_s: 1}\n"), "p.yaml:4:3: 'steps' must be a list, found keys and values");
}

TEST(ProfileReader, duplicate_keys_are_refused) {
  EXPECT_EQ(step_refusal("  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2, rate_C: 2}\n"),
            "p.yaml:4:67: duplicate key 'rate_C', first given on line 4");
  EXPECT_EQ(refusal("profile: x\nformat: 1\nparameters:\n  a_V: 1\n  a_V: 2\nsteps: [rest: {for_s: 1}]\n"),
            "p.yaml:5:3: duplicate key 'a_V', first given on line 4");
}

TEST(ProfileReader, nesting_is_bounded) {
  const auto loops = [](int depth) {
    std::string open, close;
    for (int i = 0; i < depth; ++i) {
      open += "{repeat: {times: 2, steps: [";
      close += "]}}";
    }
    return "  - " + open + "{rest: {for_s: 1}}" + close + "\n";
  };
  EXPECT_EQ(step_refusal(loops(64)), "no error");
  EXPECT_THAT(step_refusal(loops(65)), testing::HasSubstr("loops nested deeper than 64 levels"));
  EXPECT_THAT(step_refusal("  - rest: {until: " + std::string("{all: [{any: [{all: [{any: [{all: [voltage_V >= 4]}]}]}]}]}") +
                           ", at_most_h: 1}\n"),
              testing::HasSubstr("conditions nested deeper than 4 levels"));
  EXPECT_EQ(step_refusal("  - cycles: {times: 2, steps: [cycles: {times: 2, steps: [rest: {for_s: 1}]}]}\n"),
            "p.yaml:4:32: 'cycles' inside 'cycles' would count a cycle twice: make the outer loop a 'repeat'");
}

TEST(ProfileReader, format_and_names) {
  EXPECT_EQ(refusal("profile: x\nsteps: [rest: {for_s: 1}]\n"), "p.yaml:1:1: a profile needs 'format'");
  EXPECT_EQ(refusal("profile: x\nformat: 2\nsteps: [rest: {for_s: 1}]\n"),
            "p.yaml:2:9: format 2 is not known here, this program reads format 1");
  EXPECT_EQ(
      refusal("profile: x\nformat: 1\nparameters: {charge-rate: 1}\nsteps: [rest: {for_s: 1}]\n"),
      "p.yaml:3:14: 'charge-rate' is no parameter name: letters, digits and '_', a letter first, its unit last (charge_rate_C)");
  EXPECT_THAT(refusal("profile: " + std::string(100, 'x') + "\nformat: 1\nsteps: [rest: {for_s: 1}]\n"),
              testing::HasSubstr("1 to 80 characters"));
  EXPECT_EQ(refusal("profile: x\nformat: 1\nsteps: []\n"), "p.yaml:3:8: 'steps' lists no step");
}

}  // namespace
}  // namespace cellrig::test
