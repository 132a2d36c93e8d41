#include "profiles/check.hpp"

#include "tests/unit/profiles/good_bench.hpp"
#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string sound =
    "  - cccv_charge: {rate_C: 0.5, voltage_V: 4.2, until: current_A <= 0.25 for 5 s, at_most_h: 5, sets_soc_pct: 100}\n"
    "  - cc_discharge: {rate_C: 0.5, until: voltage_V <= 2.5, at_most_h: 5}\n";

TEST(Check, a_sound_profile_has_no_finding) {
  EXPECT_EQ(findings_in_steps(sound), "");
  EXPECT_EQ(findings_in_steps(sound, whole_bench()), "");
}

// ---- ends that cannot be reached --------------------------------------------------------------------------------------

TEST(Check, a_voltage_that_the_instrument_never_lets_happen) {
  EXPECT_EQ(findings_in_steps("  - cc_charge: {rate_C: 0.5, until: voltage_V >= 4.3, at_most_h: 5}\n"),
            "p.yaml:4: error: 'voltage_V >= 4.3' can never be reached: the set-point holds the voltage at 4.21 V\n");
  EXPECT_EQ(findings_in_steps(
                "  - cccv_charge: {rate_C: 0.5, voltage_V: 4.1, until: [voltage_V >= 4.15, current_A <= 0.25], at_most_h: 5}\n"),
            "p.yaml:4: error: 'voltage_V >= 4.15' can never be reached: the set-point holds the voltage at 4.1 V\n");
  EXPECT_EQ(findings_in_steps("  - cc_discharge: {rate_C: 0.5, until: voltage_V <= 2.0, at_most_h: 5}\n"),
            "p.yaml:4: error: 'voltage_V <= 2' can never be reached: the set-point holds the voltage at 2.49 V\n");
  EXPECT_THAT(findings_in_steps("  - rest: {until: voltage_V >= 4.3, at_most_h: 5}\n"),
              HasSubstr("error: 'voltage_V >= 4.3' can never be reached: the safety limit is 4.22 V"));
}

TEST(Check, an_unreachable_condition_inside_a_group_is_found) {
  EXPECT_THAT(findings_in_steps("  - cc_charge: {rate_C: 0.5, until: {all: [voltage_V >= 4, {any: [voltage_V >= 4.5, "
                                "step_time_min >= 1]}]}, at_most_h: 5}\n"),
              HasSubstr("p.yaml:4: error: 'voltage_V >= 4.5' can never be reached"));
}

TEST(Check, a_current_that_never_falls_or_is_below_from_the_start) {
  EXPECT_THAT(findings_in_steps("  - cc_charge: {current_A: 1, until: current_A <= 2, at_most_h: 6}\n"),
              HasSubstr("error: 'current_A <= 2' holds from the start: the step's current is at most 1 A"));
  EXPECT_THAT(findings_in_steps("  - cc_charge: {current_A: 1, until: current_A <= 0.5, at_most_h: 6}\n"),
              HasSubstr("warning: 'current_A <= 0.5' waits for a taper: a constant current of 1 A only falls when the voltage "
                        "bound is reached"));
  EXPECT_THAT(findings_in_steps("  - cccv_charge: {rate_C: 0.5, voltage_V: 4.2, until: rate_C <= 0.6, at_most_h: 5}\n"),
              HasSubstr("error: 'current_A <= 3' holds from the start"));
  EXPECT_THAT(findings_in_steps("  - cc_charge: {current_A: 1, until: current_A >= 2, at_most_h: 6}\n"),
              HasSubstr("can never be reached: the set-point allows 1 A"));
  EXPECT_THAT(findings_in_steps("  - rest: {until: current_A <= 0.1, at_most_h: 6}\n"),
              HasSubstr("holds from the start: the output is off"));
  EXPECT_THAT(findings_in_steps("  - cccv_charge: {rate_C: 0.5, voltage_V: 4.2, until: current_A < 0, at_most_h: 5}\n"),
              HasSubstr("compared by its magnitude"));
}

TEST(Check, time_and_throughput_that_begin_at_zero) {
  EXPECT_THAT(findings_in_steps("  - rest: {until: step_time_h >= 2, at_most_h: 1}\n"),
              HasSubstr("'step_time_s >= 7200' can never be reached: the step's bound of 60 min comes first"));
  EXPECT_THAT(findings_in_steps("  - rest: {for_min: 5, until: step_time_min >= 6}\n"),
              HasSubstr("can never be reached: the step ends after 5 min"));
  EXPECT_THAT(findings_in_steps("  - rest: {until: capacity_Ah >= 1, at_most_h: 1}\n"),
              HasSubstr("can never be reached: the output is off"));
  EXPECT_THAT(findings_in_steps("  - cc_charge: {rate_C: 1, until: capacity_Ah <= 1, at_most_h: 1}\n"),
              HasSubstr("holds from the start: it counts from 0 in every step"));
  EXPECT_THAT(findings_in_steps("  - cc_charge: {rate_C: 1, until: voltage_V >= 4 for 2 h, at_most_h: 1}\n"),
              HasSubstr("must hold for 2 h, but the step lasts at most 60 min"));
}

TEST(Check, state_of_charge_needs_a_step_that_sets_it) {
  EXPECT_THAT(findings_in_steps("  - cc_charge: {rate_C: 1, until: soc_pct >= 80, at_most_h: 2}\n"),
              HasSubstr("p.yaml:4: error: 'soc_pct >= 80' cannot be judged: no step before it has 'sets_soc_pct'"));
  EXPECT_THAT(findings_in_steps(sound + "  - cc_charge: {rate_C: 1, until: soc_pct >= 80, at_most_h: 2}\n"),
              Not(HasSubstr("soc_pct")));
  // The second pass knows it, the first does not.
  EXPECT_THAT(
      findings_in_steps(
          "  - repeat:\n      times: 2\n      steps:\n        - cc_charge: {rate_C: 1, until: soc_pct >= 80, at_most_h: 2}\n"
          "        - cc_discharge: {rate_C: 1, until: voltage_V <= 2.5, at_most_h: 2, sets_soc_pct: 0}\n"),
      HasSubstr("p.yaml:7: error: 'soc_pct >= 80' cannot be judged"));
  EXPECT_THAT(findings_in_steps(sound + "  - cc_charge: {rate_C: 1, until: soc_pct <= 20, at_most_h: 2}\n"),
              HasSubstr("falling state of charge in a charge"));
}

// ---- limits that do not nest ------------------------------------------------------------------------------------------

TEST(Check, an_end_at_or_near_the_safety_limit_does_not_nest) {
  const std::string tight = "profile: x\nformat: 1\nlimits: {voltage_max_V: 4.205}\nsteps:\n" + sound;
  const std::string found = findings_of(compiled(tight), whole_bench());
  EXPECT_EQ(found, "");  // 5 mV are enough for this cycler
  CheckContext coarse = bench_with([](CyclerCapabilities& c) { c.voltage_accuracy.offset = 0.010; });
  EXPECT_THAT(findings_of(compiled(tight), coarse), HasSubstr("p.yaml:5: error: cccv_charge: the set-point's bound of 4.2 V and "
                                                              "the safety limit of 4.205 V do not nest: they are 0.005 V apart, "
                                                              "accuracy and resolution of 'good' need 0.01094 V"));
  EXPECT_THAT(findings_of(compiled("profile: x\nformat: 1\nlimits: {voltage_max_V: 4.1}\nsteps:\n" + sound)),
              HasSubstr("error: cccv_charge: the set-point's bound of 4.2 V and the safety limit of 4.1 V do not nest: the bound "
                        "lies at or beyond the limit"));
  EXPECT_THAT(findings_in_steps("  - rest: {until: cell_temperature_degC >= 60, at_most_h: 2}\n"),
              HasSubstr("'cell_temperature_degC >= 60' does not nest: the safety limit of 60 degC trips the channel first"));
  EXPECT_THAT(findings_in_steps("  - cc_charge: {rate_C: 1, until: capacity_Ah >= 6, at_most_h: 2}\n"),
              HasSubstr("does not nest: the overcharge guard trips at 5.76 Ah"));
}

// The range that holds the value decides how well it is known.
TEST(Check, nesting_takes_the_accuracy_of_the_range_that_holds_the_value) {
  const std::string tight = "profile: x\nformat: 1\nlimits: {voltage_max_V: 4.205}\nsteps:\n" + sound;
  const auto found_with_finer_range_up_to = [&](double up_to) {
    return findings_of(compiled(tight), bench_with([up_to](CyclerCapabilities& c) {
                         c.voltage_accuracy.offset = 0.010;
                         c.voltage_accuracy.finer[0] = {.up_to = up_to, .gain_fraction = 0.0002, .offset = 0.001};
                         c.voltage_accuracy.finer_count = 1;
                       }));
  };
  EXPECT_EQ(found_with_finer_range_up_to(5.0), "");
  EXPECT_THAT(found_with_finer_range_up_to(3.0), HasSubstr("do not nest"));
}

TEST(Check, a_current_at_the_safety_limit_does_not_nest) {
  const std::string text = "profile: x\nformat: 1\nlimits: {charge_current_max_A: 2.5}\nsteps:\n" + sound;
  EXPECT_THAT(
      findings_of(compiled(text)),
      HasSubstr("error: cccv_charge: the set-point's current of 2.5 A (0.5 C) and the safety limit of 2.5 A do not nest"));
}

TEST(Check, the_instruments_own_protection_must_reach_the_safety_limit) {
  EXPECT_THAT(
      findings_in_steps(sound, bench_with([](CyclerCapabilities& c) { c.over_voltage_protection_max = Volts{4.2}; })),
      HasSubstr("p.yaml:4: error: the safety limit of 4.22 V is beyond the over-voltage protection of 'good', which can be "
                "set up to 4.2 V"));
}

// ---- what the bench cannot do ---------------------------------------------------------------------------------------

TEST(Check, current_voltage_and_power_beyond_the_cycler) {
  EXPECT_THAT(
      findings_in_steps(sound, bench_with([](CyclerCapabilities& c) { c.charge_current_max = Amps{2.0}; })),
      HasSubstr(
          "p.yaml:4: error: cccv_charge: 2.5 A (0.5 C) is beyond the cycler ('good'), which charges with at most 2 A (0.4 C)"));
  EXPECT_THAT(findings_in_steps(sound, bench_with([](CyclerCapabilities& c) { c.discharge_current_max = Amps{2.0}; })),
              HasSubstr("p.yaml:5: error: cc_discharge: 2.5 A (0.5 C) is beyond the cycler ('good'), which discharges with at "
                        "most 2 A (0.4 C)"));
  EXPECT_THAT(findings_in_steps(sound, bench_with([](CyclerCapabilities& c) { c.voltage_max = Volts{4.0}; })),
              HasSubstr("4.2 V is beyond the cycler"));
  EXPECT_THAT(findings_in_steps(sound, bench_with([](CyclerCapabilities& c) { c.power_max = Watts{10.0}; })),
              HasSubstr("10.5 W is beyond the cycler"));
  EXPECT_THAT(findings_in_steps(sound, bench_with([](CyclerCapabilities& c) { c.current_limit_min = Amps{3.0}; })),
              HasSubstr("below the smallest current limit"));
}

TEST(Check, modes_that_the_cycler_lacks) {
  const CheckContext plain = bench_with([](CyclerCapabilities& c) { c.has_constant_power = c.has_constant_resistance = false; });
  EXPECT_THAT(findings_in_steps("  - cp_discharge: {power_W: 10, until: voltage_V <= 3, at_most_h: 3}\n", plain),
              HasSubstr("has no constant-power mode"));
  EXPECT_THAT(findings_in_steps("  - cr_discharge: {resistance_Ohm: 2, until: voltage_V <= 3, at_most_h: 3}\n", plain),
              HasSubstr("has no constant-resistance mode"));
}

TEST(Check, a_chamber_or_logger_that_the_channel_lacks) {
  CheckContext bare = whole_bench();
  bare.chamber.reset();
  bare.logger.reset();
  EXPECT_EQ(
      findings_in_steps(
          "  - rest: {for_s: 1}\n  - soak: {temperature_degC: 10, until: cell_temperature_degC <= 12 for 10 min, at_most_h: 4}\n",
          bare),
      "p.yaml:5: error: the profile needs a chamber, this channel has none\n"
      "p.yaml:5: error: the profile needs the cell's temperature, this channel has no logger for it\n");
}

// ---- temperature ----------------------------------------------------------------------------------------------------

// Nobody but us keeps them then, and a person can set the limiter that guards the cells when we are gone.
TEST(Check, a_chamber_that_keeps_no_limits_is_worth_a_word_where_a_chamber_is_needed) {
  CheckContext context = whole_bench();
  context.chamber->has_own_limits = false;
  const std::string word = "warning: the controller of 'chamber' keeps no set-point limits";
  const std::string with_chamber = "  - rest: {for_s: 5, temperature_degC: 25}\n";
  EXPECT_THAT(findings_in_steps(with_chamber, context), HasSubstr(word));
  EXPECT_THAT(findings_in_steps(with_chamber), Not(HasSubstr(word)));
  EXPECT_THAT(findings_in_steps("  - rest: {for_s: 5}\n", context), Not(HasSubstr(word)));
}

TEST(Check, a_temperature_outside_the_chamber_or_the_cell) {
  EXPECT_THAT(
      findings_in_steps("  - soak: {temperature_degC: -50, for_h: 1}\n", whole_bench()),
      HasSubstr("p.yaml:4: error: soak: the chamber temperature of -50 degC is outside the range of 'chamber', -40 to 100 degC"));
  EXPECT_THAT(findings_in_steps("  - soak: {temperature_degC: -30, for_h: 1}\n"),
              HasSubstr("does not nest inside the cell's lower limit of -30 degC"));
  EXPECT_THAT(findings_in_steps("  - soak: {temperature_degC: -20, until: cell_temperature_degC <= -25, at_most_h: 9}\n"),
              HasSubstr("error: 'cell_temperature_degC <= -25' can never be reached: the chamber is asked for -20 degC"));
  EXPECT_THAT(findings_in_steps("  - soak: {temperature_degC: -20, until: cell_temperature_degC <= -20, at_most_h: 9}\n"),
              HasSubstr("warning: 'cell_temperature_degC <= -20' leaves 0 K to the chamber's -20 degC"));
  EXPECT_EQ(findings_in_steps("  - soak: {temperature_degC: -20, until: cell_temperature_degC <= -19 for 60 min, at_most_h: 9}\n",
                              whole_bench()),
            "");
}

TEST(Check, no_cell_is_charged_cold) {
  EXPECT_THAT(findings_in_steps("  - cc_charge: {rate_C: 1, temperature_degC: -5, until: voltage_V >= 4.2, at_most_h: 2}\n"),
              HasSubstr("p.yaml:4: error: cc_charge: charging at a chamber temperature of -5 degC is below the cell's minimum "
                        "for charging, 0 degC"));
}

// The chamber is warm again, the cell is not: only a soak that waits for the cell shows it.
TEST(Check, a_cell_that_was_cold_is_warmed_before_it_is_charged) {
  const std::string cold = "  - soak: {temperature_degC: -20, for_h: 4}\n";
  const std::string charge = "  - cc_charge: {rate_C: 1, temperature_degC: 25, until: voltage_V >= 4.2, at_most_h: 2}\n";
  EXPECT_THAT(findings_in_steps(cold + charge),
              HasSubstr("p.yaml:5: warning: cc_charge: the cell may still be colder than the 0 degC it needs for charging"));
  EXPECT_EQ(
      findings_in_steps(cold + "  - soak: {temperature_degC: 25, until: cell_temperature_degC >= 20 for 10 min, at_most_h: 9}\n" +
                        charge),
      "");
  EXPECT_THAT(
      findings_in_steps(
          cold + "  - soak: {temperature_degC: 25, until: [cell_temperature_degC >= 20, step_time_min >= 10], at_most_h: 9}\n" +
          charge),
      HasSubstr("may still be colder"));
}

// The second pass begins in the cold that the first one left behind.
TEST(Check, loops_are_followed_into_their_second_pass) {
  const std::string text =
      "  - repeat:\n      times: 2\n      steps:\n        - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2}\n      "
      "  - soak: {temperature_degC: -20, for_h: 4}\n";
  EXPECT_THAT(findings_in_steps(text), HasSubstr("p.yaml:7: error: cc_charge: charging at a chamber temperature of -20 degC"));
}

// ---- durations and results ------------------------------------------------------------------------------------------

TEST(Check, a_bound_that_the_rate_cannot_meet) {
  EXPECT_EQ(findings_in_steps("  - cc_charge: {rate_C: 1/20, until: voltage_V >= 4.2, at_most_h: 1}\n"),
            "p.yaml:4: warning: cc_charge: at this rate the end takes about 20 h, the step's bound is 60 min: the run may fail "
            "there\n");
  EXPECT_EQ(findings_in_steps("  - cc_charge: {rate_C: 1/20, until: capacity_Ah >= 0.2, at_most_h: 1}\n"), "");
}

TEST(Check, results_that_can_never_be_known) {
  EXPECT_THAT(
      findings_in_steps(sound + "  - require: charge_time_min <= 18\n"),
      HasSubstr("p.yaml:6: error: require: 'charge_time_min <= 18' can never be known: no step has 'measure: charge_time'"));
  EXPECT_THAT(findings_in_steps(sound + "  - stop_if: retention_pct < 80\n"), HasSubstr("no step has 'measure: reference'"));
  EXPECT_THAT(findings_in_steps("  - require: retention_pct >= 80\n  - cc_discharge: {rate_C: 1, until: voltage_V <= 2.5, "
                                "at_most_h: 2, measure: reference}\n"),
              HasSubstr("warning: require: 'retention_pct >= 80' is not known yet"));
}

TEST(Check, findings_are_reported_once_and_by_line) {
  const CheckContext context{.file = "p.yaml"};
  const std::vector<Finding> findings =
      check(compiled_steps("  - repeat:\n      times: 5\n      steps:\n        - repeat: {times: 5, steps: [cc_charge: {rate_C: "
                           "1, until: voltage_V >= 9, at_most_h: 2}]}\n"
                           "  - cc_charge: {rate_C: 1, until: voltage_V >= 8, at_most_h: 2}\n"),
            context);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].place.line, 7);
  EXPECT_EQ(findings[1].place.line, 8);
  EXPECT_TRUE(has_errors(findings));
}

}  // namespace
}  // namespace cellrig::test
