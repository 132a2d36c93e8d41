// Ends that hold at once or never, loops and steps that are never run, soaks that the chamber cannot make in time.
#include "tests/unit/profiles/good_bench.hpp"
#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string charge_until(const std::string& ends, const std::string& more = "at_most_h: 5") {
  return "  - cc_charge: {current_A: 2.5, until: " + ends + ", " + more + "}\n";
}

// ---- at once, or never ----------------------------------------------------------------------------------------------

TEST(CheckReach, a_voltage_that_the_safety_limits_force_holds_at_once) {
  EXPECT_THAT(findings_in_steps("  - cccv_charge: {rate_C: 0.5, voltage_V: 4.2, until: voltage_V >= 2.48, at_most_h: 5}\n"),
              HasSubstr("error: 'voltage_V >= 2.48' holds from the start: the safety limit of 2.48 V allows nothing else"));
  EXPECT_THAT(findings_in_steps("  - rest: {until: voltage_V <= 4.3, at_most_h: 1}\n"), HasSubstr("holds from the start"));
  EXPECT_THAT(findings_in_steps(charge_until("voltage_V >= 2.6")), Not(HasSubstr("holds from the start")));
}

TEST(CheckReach, a_voltage_outside_what_the_cycler_measures) {
  const CheckContext context = bench_with([](CyclerCapabilities& c) { c.voltage_min = Volts{3.0}; });
  const std::string rest = "  - rest: {until: voltage_V <= 2.9, at_most_h: 1}\n";
  EXPECT_THAT(findings_in_steps(rest, context),
              HasSubstr("p.yaml:4: error: 'voltage_V <= 2.9' lies outside what 'good' measures, 3 to 10 V"));
  EXPECT_EQ(findings_in_steps(rest, whole_bench()), "");
}

TEST(CheckReach, what_counts_from_zero_holds_at_zero) {
  EXPECT_THAT(findings_in_steps("  - rest: {until: step_time_s >= 0, at_most_h: 1}\n"), HasSubstr("holds from the start"));
  EXPECT_EQ(findings_in_steps("  - rest: {until: step_time_s >= 1, at_most_h: 1}\n"), "");
  EXPECT_THAT(findings_in_steps(charge_until("current_A >= 0")), HasSubstr("holds from the start"));
  EXPECT_THAT(findings_in_steps(charge_until("cv_time_s >= 0")), HasSubstr("holds from the start"));
  EXPECT_THAT(findings_in_steps(charge_until("temperature_rise_K >= 0")), HasSubstr("holds from the start"));
  EXPECT_THAT(findings_in_steps(charge_until("temperature_rise_K <= 5")), HasSubstr("holds from the start"));
  EXPECT_THAT(findings_in_steps(charge_until("{all: [temperature_rise_K <= 5, step_time_h >= 1]}")),
              Not(HasSubstr("holds from the start")))
      << "half of a group may";
}

TEST(CheckReach, a_rise_that_the_limits_leave_no_room_for) {
  EXPECT_THAT(findings_in_steps(charge_until("temperature_rise_K >= 91")),
              HasSubstr("error: 'temperature_rise_K >= 91' can never be reached: the safety limits leave 90 K between them"));
  EXPECT_THAT(findings_in_steps(charge_until("temperature_rise_K >= 15")), Not(HasSubstr("can never")));
}

TEST(CheckReach, a_charge_that_the_current_cannot_move_in_the_time) {
  EXPECT_THAT(findings_in_steps(charge_until("capacity_Ah >= 2.6", "at_most_h: 1")),
              HasSubstr("p.yaml:4: error: 'capacity_Ah >= 2.6' can never be reached: 2.5 A move 2.5 Ah at most in 60 min"));
  EXPECT_EQ(findings_in_steps(charge_until("capacity_Ah >= 2.4", "at_most_h: 1")), "");
  EXPECT_THAT(findings_in_steps(charge_until("energy_Wh >= 11", "at_most_h: 1")),
              HasSubstr("error: 'energy_Wh >= 11' can never be reached: 2.5 A move 10.55 Wh at most in 60 min"));
}

TEST(CheckReach, more_energy_than_the_cell_can_hold) {
  EXPECT_THAT(findings_in_steps(charge_until("energy_Wh >= 25", "at_most_h: 20")),
              HasSubstr("error: 'energy_Wh >= 25' does not nest: the overcharge guard trips at 5.76 Ah"));
  EXPECT_THAT(findings_in_steps("  - cc_discharge: {rate_C: 0.5, until: energy_Wh >= 25, at_most_h: 20}\n"),
              HasSubstr("warning: 'energy_Wh >= 25' is more than the cell is expected to hold"));
  EXPECT_THAT(findings_in_steps(charge_until("energy_Wh >= 15", "at_most_h: 20")), Not(HasSubstr("energy_Wh")));
}

TEST(CheckReach, a_state_of_charge_that_the_step_begins_with) {
  const std::string full =
      "  - cccv_charge: {rate_C: 0.5, voltage_V: 4.2, until: current_A <= 0.25 for 5 s, at_most_h: 5, sets_soc_pct: 100}\n";
  EXPECT_THAT(
      findings_in_steps(full + charge_until("[soc_pct >= 80, voltage_V >= 4.2]")),
      HasSubstr("p.yaml:5: warning: 'soc_pct >= 80' may hold from the start: the state of charge is about 100 % by then"));
  const std::string emptied = "  - cc_discharge: {rate_C: 0.5, until: voltage_V <= 2.5, at_most_h: 5, sets_soc_pct: 0}\n";
  EXPECT_EQ(findings_in_steps(full + emptied + charge_until("soc_pct >= 80")), "");
}

// ---- chambers -------------------------------------------------------------------------------------------------------

TEST(CheckReach, a_chamber_temperature_outside_its_range) {
  const auto rest = [](const std::string& end) { return "  - rest: {until: " + end + ", at_most_h: 1}\n"; };
  EXPECT_THAT(
      findings_in_steps(rest("chamber_temperature_degC >= 101"), whole_bench()),
      HasSubstr("error: 'chamber_temperature_degC >= 101' can never be reached: the range of 'chamber' ends at 100 degC"));
  EXPECT_THAT(findings_in_steps(rest("chamber_temperature_degC <= -41"), whole_bench()), HasSubstr("ends at -40 degC"));
  EXPECT_EQ(findings_in_steps(rest("chamber_temperature_degC >= 30"), whole_bench()), "");
}

TEST(CheckReach, a_soak_that_is_content_with_where_the_cell_comes_from) {
  const std::string warm = "  - soak: {temperature_degC: 25, for_h: 3}\n";
  EXPECT_THAT(findings_in_steps(warm + "  - soak: {temperature_degC: -20, until: cell_temperature_degC <= 30, at_most_h: 9}\n"),
              HasSubstr("p.yaml:5: warning: 'cell_temperature_degC <= 30' may hold from the start: the cell comes from 25 degC"));
  EXPECT_EQ(findings_in_steps(warm + "  - soak: {temperature_degC: -20, until: cell_temperature_degC <= -15, at_most_h: 9}\n"),
            "");
}

/// 50 K at 1 K a minute.
TEST(CheckReach, a_soak_needs_the_time_that_the_chamber_needs) {
  const auto soaks = [](const std::string& rest) {
    return "  - soak: {temperature_degC: 30, for_h: 3}\n  - soak: {temperature_degC: -20, " + rest + "}\n";
  };
  const std::string end = "until: cell_temperature_degC <= -18 for 10 min, ";
  EXPECT_EQ(
      findings_in_steps(soaks(end + "at_most_min: 57"), whole_bench()),
      "p.yaml:5: warning: soak: its end takes 58 min at best, from 30 to -20 degC with the 1 K per minute of 'chamber', the "
      "step's bound is 57 min: the run may fail there\n");
  EXPECT_EQ(findings_in_steps(soaks(end + "at_most_min: 59"), whole_bench()), "");
  EXPECT_EQ(
      findings_in_steps(soaks("for_min: 45"), whole_bench()),
      "p.yaml:5: warning: soak: its 45 min are over before the air is there: 50 min at best from 30 to -20 degC with the 1 K per "
      "minute of 'chamber'\n");
  EXPECT_EQ(findings_in_steps(soaks("for_min: 55"), whole_bench()), "");
}

TEST(CheckReach, heating_and_cooling_have_rates_of_their_own) {
  CheckContext context = whole_bench();
  context.chamber->ramp = {.heating_K_per_min = 5.0, .cooling_K_per_min = 0.5};
  EXPECT_EQ(
      findings_in_steps("  - soak: {temperature_degC: -20, for_h: 9}\n  - soak: {temperature_degC: 30, for_min: 11}\n", context),
      "");
  EXPECT_THAT(
      findings_in_steps("  - soak: {temperature_degC: 30, for_h: 9}\n  - soak: {temperature_degC: -20, for_min: 11}\n", context),
      HasSubstr("are over before the air is there: 100 min at best"));
  EXPECT_EQ(findings_in_steps("  - soak: {temperature_degC: 20, for_min: 1}\n", context), "") << "it may stand there already";
  EXPECT_THAT(findings_in_steps("  - soak: {temperature_degC: -20, for_min: 60}\n", context), HasSubstr("from 15 to -20 degC"));
}

// ---- constant resistance --------------------------------------------------------------------------------------------

TEST(CheckReach, a_resistance_outside_the_range_of_the_cycler) {
  const CheckContext context =
      bench_with([](CyclerCapabilities& c) { c.resistance_min = Ohms{1.0}, c.resistance_max = Ohms{48.0}; });
  const auto discharge = [](const std::string& ohms) {
    return "  - cr_discharge: {resistance_Ohm: " + ohms + ", until: step_time_min >= 5, at_most_h: 3}\n";
  };
  EXPECT_EQ(findings_in_steps(discharge("2"), context), "");
  EXPECT_THAT(findings_in_steps(discharge("0.9"), context),
              HasSubstr("p.yaml:4: error: cr_discharge: 0.9 Ohm is outside the range of the cycler ('good'), 1 to 48 Ohm"));
  EXPECT_THAT(findings_in_steps(discharge("49"), context), HasSubstr("49 Ohm is outside the range"));
  EXPECT_THAT(findings_in_steps(discharge("0.2"), whole_bench()),
              HasSubstr("warning: cr_discharge: near 4.21 V the resistance needs more than its current limit of 15 A"));
}

// ---- what is never run ----------------------------------------------------------------------------------------------

std::string cycles(const std::string& times, const std::string& after = "") {
  return "  - cycles:\n      times: " + times + "\n      steps:\n        - rest: {for_min: 1}\n" + after;
}

TEST(CheckRun, a_loop_that_is_written_without_a_pass) {
  EXPECT_EQ(findings_in_steps("  - rest: {for_min: 1}\n" + cycles("0")),
            "p.yaml:5: warning: the loop has no passes: nothing of it is run\n");
  EXPECT_EQ(findings_in_steps(cycles("1")), "");
}

// A block that a parameter switches off is what the parameter is for.
TEST(CheckRun, a_parameter_may_leave_a_loop_out) {
  const std::string text =
      "profile: x\nformat: 1\nparameters: {blocks: 0}\nsteps:\n  - rest: {for_min: 1}\n" + cycles("parameters.blocks");
  EXPECT_EQ(findings_of(compiled(text)), "");
}

TEST(CheckRun, nothing_behind_a_stop_that_always_holds_is_run) {
  const std::string rest = "  - rest: {name: later, for_min: 2}\n";
  EXPECT_EQ(findings_in_steps(cycles("3", "  - stop_if: cycle_count >= 3\n" + rest)),
            "p.yaml:8: error: stop_if: 'cycle_count >= 3' always holds here: 'later' on line 9 and what follows is never run\n");
  EXPECT_EQ(findings_in_steps(cycles("3", "  - stop_if: cycle_count >= 3\n")), "") << "nothing follows";
  EXPECT_EQ(findings_in_steps(cycles("3", "  - stop_if: cycle_count >= 4\n" + rest)),
            "p.yaml:8: warning: stop_if: 'cycle_count >= 4' never holds: here it has begun 3 cycles at most\n");
}

TEST(CheckRun, cycles_are_counted_through_the_loops) {
  const auto blocks = [](const std::string& condition) {
    return "  - repeat:\n      times: 4\n      steps:\n        - cycles: {times: 5, steps: [rest: {for_min: 1}]}\n        - "
           "stop_if: " +
           condition + "\n";
  };
  EXPECT_EQ(findings_in_steps(blocks("cycle_count >= 20")), "") << "after the last block";
  EXPECT_THAT(findings_in_steps(blocks("cycle_count >= 21")), HasSubstr("warning: stop_if: 'cycle_count >= 21' never holds"));
  EXPECT_THAT(findings_in_steps(blocks("cycle_count >= 5")), HasSubstr("error: stop_if: 'cycle_count >= 5' always holds here"));
  EXPECT_EQ(findings_in_steps(blocks("cycle_count >= 6")), "");
}

TEST(CheckRun, a_pulse_that_is_too_small_for_a_resistance) {
  const auto pulse = [](const std::string& before, const std::string& current) {
    return before + "  - cc_discharge: {current_A: " + current +
           ", until: step_time_s >= 10, at_most_s: 20, measure: resistance}\n";
  };
  const std::string rest = "  - rest: {for_min: 1}\n";
  EXPECT_EQ(
      findings_in_steps(pulse(rest, "0.04")),
      "p.yaml:5: error: cc_discharge: 'measure: resistance' can never be known: the current changes by 0.04 A, and it takes "
      "0.05 A\n");
  EXPECT_EQ(findings_in_steps(pulse(rest, "0.06")), "");
  const std::string charge = "  - cc_charge: {current_A: 1, until: step_time_s >= 10, at_most_s: 20}\n";
  EXPECT_EQ(findings_in_steps(pulse(charge, "0.04")), "") << "the change counts, not the current";
}

TEST(CheckRun, criteria_that_are_decided_before_anything_is_measured) {
  const std::string measured = "  - cc_discharge: {rate_C: 0.5, until: voltage_V <= 2.5, at_most_h: 5, measure: reference}\n";
  EXPECT_THAT(findings_in_steps(measured + "  - require: reference_capacity_Ah >= 0\n"),
              HasSubstr("p.yaml:5: warning: require: 'reference_capacity_Ah >= 0' is met whatever is measured"));
  EXPECT_EQ(findings_in_steps(measured + "  - require: reference_capacity_Ah >= 4\n"), "");
  EXPECT_THAT(findings_in_steps(measured + "  - stop_if: retention_pct >= 0\n"),
              HasSubstr("warning: stop_if: 'retention_pct >= 0' holds whatever is measured"));
  EXPECT_THAT(findings_in_steps(cycles("3", "  - require: cycle_count >= 600\n")),
              HasSubstr("warning: require: 'cycle_count >= 600' is never met: here it has begun 3 cycles at most"));
}

}  // namespace
}  // namespace cellrig::test
