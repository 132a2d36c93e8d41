// Profiles become PyBaMM experiments: the strings, what is lost on the way, and what is refused for it.
#include "profiles/exchange/pybamm_export.hpp"

#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PybammExport exported(const std::string& text) {
  const Profile profile = read_profile(text, "p.yaml");
  return export_pybamm(profile, compile(profile, test_cell()));
}
PybammExport exported_steps(const std::string& steps) { return exported(profile_text(steps)); }
std::vector<std::string> strings_of(const std::string& steps) { return pybamm_strings(exported_steps(steps).experiment); }

/// The losses of this severity, one a line, without their place.
std::string told(const LossReport& report, LossSeverity severity) {
  std::string text;
  for (const Loss& loss : report) {
    if (loss.severity == severity) text += loss.word + ": " + loss.what + "\n";
  }
  return text;
}
std::string safety_in(const std::string& steps) { return told(exported_steps(steps).report, LossSeverity::safety); }

TEST(PybammExport, says_every_kind_of_step) {
  EXPECT_THAT(
      strings_of("  - cc_charge: {rate_C: 1/2, until: voltage_V >= 4.1, at_most_h: 4}\n"
                 "  - cv_charge: {voltage_V: 4.1, rate_max_C: 1/2, until: rate_C <= 0.05, at_most_h: 24}\n"
                 "  - rest: {for_min: 90}\n"
                 "  - cc_discharge: {current_A: 1.5, until: [step_time_min >= 10, voltage_V <= 3], at_most_h: 1}\n"
                 "  - cccv_charge: {rate_C: 1, voltage_V: 4.2, until: current_A <= 0.05 for 5 s, at_most_h: 26}\n"
                 "  - cp_discharge: {power_W: 5, until: voltage_V <= 2.6, at_most_h: 24}\n"
                 "  - cr_discharge: {resistance_Ohm: 2, until: step_time_h >= 1, at_most_h: 2}\n"
                 "  - soak: {temperature_degC: 40, for_h: 3}\n"),
      ElementsAre("Charge at C/2 until 4.1 V", "Hold at 4.1 V until C/20", "Rest for 90 minutes",
                  "Discharge at 1.5 A for 10 minutes or until 3 V", "Charge at 1C until 4.2 V", "Hold at 4.2 V until 50 mA",
                  "Discharge at 5 W until 2.6 V", "Discharge at 2 Ohm for 1 hour", "Rest for 3 hours"));
}

// At constant current a charge is a time.
TEST(PybammExport, says_a_charge_at_constant_current_as_its_time) {
  EXPECT_THAT(strings_of("  - cc_discharge: {rate_C: 1, until: capacity_pct >= 50, at_most_h: 2}\n"),
              ElementsAre("Discharge at 1C for 30 minutes"));
}

const std::string nested_loops = R"py(# a comment
import pybamm

experiment = pybamm.Experiment(
    ([
        (
            "Charge at 1C until 4.1 V",
        )
        + (
            "Rest for 10 seconds",
        ) * 4,
    ] * 3
    + [
        pybamm.step.string("Rest for 1 hour (1 minute period)", temperature="10oC"),
        "Rest for 1 hour",
    ]) * 2,
    period="30 seconds",
    temperature="25oC",
)
)py";

TEST(PybammExport, keeps_loops_periods_and_temperatures_in_python_that_reads_back) {
  const std::string text =
      write_pybamm(exported("profile: P\nformat: 1\nrecord: {every_s: 30}\nchamber: {temperature_degC: 25}\nsteps:\n"
                            "  - repeat:\n      times: 2\n      steps:\n"
                            "        - cycles:\n            times: 3\n            steps:\n"
                            "              - cc_charge: {rate_C: 1, until: voltage_V >= 4.1, at_most_h: 2}\n"
                            "              - repeat: {times: 4, steps: [rest: {for_s: 10}]}\n"
                            "        - rest: {for_h: 1, temperature_degC: 10, record_every_s: 60}\n"
                            "        - rest: {for_h: 1, temperature_degC: 25}\n")
                       .experiment,
                   {"a comment"});
  EXPECT_EQ(text, nested_loops);
  EXPECT_EQ(write_pybamm(read_pybamm(text, "e.py"), {"a comment"}), text);
}

TEST(PybammExport, loses_limits_only_when_somebody_accepts_it) {
  const PybammExport made =
      exported("profile: P\nformat: 1\nlimits: {cell_temperature_max_degC: 45}\nsteps:\n  - rest: {for_h: 1}\n");
  const LossReport refused = refused_losses(made.report, {"at_most"});
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(to_string(refused[0]), "p.yaml:3:10: safety: limits: 'cell_temperature_max_degC' guards nothing in a simulation");
  EXPECT_TRUE(refused_losses(made.report, {"limits"}).empty());
}

TEST(PybammExport, loses_a_bound_only_where_PyBaMM_goes_on_longer) {
  EXPECT_EQ(safety_in("  - cc_charge: {rate_C: 1, until: voltage_V >= 4.1, at_most_h: 1.5}\n"),
            "at_most: cc_charge: the bound of 90 min cannot be said: PyBaMM goes on for up to 2 h\n");
  EXPECT_EQ(safety_in("  - cc_charge: {rate_C: 1, until: voltage_V >= 4.1, at_most_h: 2}\n"), "");
  EXPECT_EQ(safety_in("  - cc_charge: {rate_C: 1, until: [voltage_V >= 4.1, step_time_h >= 1], at_most_h: 1.5}\n"), "");
  EXPECT_THAT(
      told(exported_steps("  - cc_charge: {rate_C: 1, until: voltage_V >= 4.1, at_most_h: 5}\n").report, LossSeverity::note),
      HasSubstr("PyBaMM gives up after 2 h, before the bound of 5 h"));
}

TEST(PybammExport, loses_ends_that_a_string_does_not_have) {
  EXPECT_EQ(safety_in("  - cc_charge: {rate_C: 1, until: [voltage_V >= 4.1, cell_temperature_degC >= 45], at_most_h: 2}\n"),
            "ends: cc_charge: 'cell_temperature_degC >= 45' cannot be said: an end is by time, voltage or current\n");
  EXPECT_THAT(safety_in("  - cc_charge: {rate_C: 1, until: {all: [voltage_V >= 4.1, step_time_h >= 1]}, at_most_h: 2}\n"),
              HasSubstr("a string has no groups of conditions"));
  EXPECT_THAT(safety_in("  - cp_charge: {power_W: 5, until: [voltage_V >= 4.1, current_A <= 0.1], at_most_h: 24}\n"),
              HasSubstr("only the one by voltage can be said"));
  EXPECT_THAT(safety_in("  - cc_charge: {rate_C: 1, until: rate_C <= 0.05, at_most_h: 2}\n"), HasSubstr("it never tapers"));
  EXPECT_THAT(
      safety_in("  - cccv_charge: {rate_C: 1, voltage_V: 4.2, until: [rate_C <= 0.05, step_time_h >= 2], at_most_h: 26}\n"),
      HasSubstr("in two strings it would count twice"));
}

// What is left when its loss is accepted: it must still end, and not beyond the voltage that the instrument would have held.
TEST(PybammExport, lets_a_step_without_its_end_go_on_to_its_bounds) {
  EXPECT_THAT(strings_of("  - cc_charge: {rate_C: 1, until: cell_temperature_degC >= 45, at_most_h: 2}\n"),
              ElementsAre("Charge at 1C for 2 hours or until 4.2 V"));
  EXPECT_THAT(strings_of("  - cccv_charge: {rate_C: 1, voltage_V: 4.2, until: cell_temperature_degC >= 45, at_most_h: 3}\n"),
              ElementsAre("Charge at 1C until 4.2 V", "Hold at 4.2 V for 3 hours"));
  EXPECT_THAT(strings_of("  - soak: {temperature_degC: 40, until: cell_temperature_degC >= 38, at_most_h: 5}\n"),
              ElementsAre("Rest for 5 hours"));
}

TEST(PybammExport, loses_bounds_of_the_set_point) {
  EXPECT_EQ(safety_in("  - cc_charge: {rate_C: 1, voltage_max_V: 4.0, until: step_time_h >= 1, at_most_h: 2}\n"),
            "voltage_bound: cc_charge: nothing holds the voltage at 4 V (voltage_max_V)\n");
  EXPECT_EQ(safety_in("  - cc_charge: {rate_C: 1, voltage_max_V: 4.1, until: voltage_V >= 4.0, at_most_h: 2}\n"), "");
  EXPECT_EQ(safety_in("  - cp_charge: {power_W: 5, current_max_A: 2, until: voltage_V >= 4.1, at_most_h: 24}\n"),
            "current_bound: cp_charge: nothing limits its current to 2 A\n");
  const std::string hold = "  - cv_charge: {voltage_V: 4.1, rate_max_C: 1/2, until: rate_C <= 0.05, at_most_h: 24}\n";
  EXPECT_EQ(safety_in(hold), "current_bound: cv_charge: a 'Hold' has no limit of current, here it is 2.5 A\n");
  EXPECT_EQ(safety_in("  - cc_charge: {rate_C: 1/2, until: voltage_V >= 4.1, at_most_h: 4}\n" + hold), "");
  EXPECT_THAT(safety_in("  - cc_charge: {rate_C: 1, until: voltage_V >= 4.1, at_most_h: 2}\n" + hold),
              HasSubstr("current_bound"));
}

TEST(PybammExport, tells_of_labels_criteria_and_held_ends_without_refusing) {
  const PybammExport made = exported_steps(
      "  - cycles:\n      times: 1\n      reference: true\n      steps:\n"
      "        - cc_discharge: {name: slow, rate_C: 1, until: voltage_V <= 2.6 for 5 s, at_most_h: 2, measure: reference, "
      "sets_soc_pct: 0}\n"
      "  - require: reference_capacity_Ah >= 4\n  - stop_if: retention_pct < 80\n");
  const std::string lost = told(made.report, LossSeverity::lost);
  for (const std::string word : {"labels: slow: without name, measure, sets_soc_pct", "not marked as reference tests",
                                 "require: 'reference_capacity_Ah >= 4'", "stop_if: 'retention_pct < 80'"})
    EXPECT_THAT(lost, HasSubstr(word));
  EXPECT_THAT(told(made.report, LossSeverity::note),
              HasSubstr("hold: slow: 'voltage_V <= 2.6 for 5 s' ends at the first moment"));
  EXPECT_TRUE(refused_losses(made.report, {}).empty());
}

TEST(PybammExport, refuses_a_profile_of_which_nothing_is_left) {
  EXPECT_EQ(error_of([] { (void)exported_steps("  - rest: {for_min: 0}\n"); }), "p.yaml: no step of it can be said in PyBaMM");
}

TEST(LossReport, accepts_known_words_only) {
  EXPECT_NO_THROW(require_safety_loss_words(safety_loss_words()));
  EXPECT_EQ(error_of([] { require_safety_loss_words({"limit"}); }),
            "--accept-loss limit: no loss is called 'limit', did you mean 'limits'?");
}

}  // namespace
}  // namespace cellrig::test
