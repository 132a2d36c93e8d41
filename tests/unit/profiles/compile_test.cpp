#include "profiles/compile.hpp"

#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

const Step& step_at(const Program& program, std::size_t index) { return std::get<Step>(program.code.at(index)); }
ConstantCurrent cc_of(const std::string& step) { return std::get<ConstantCurrent>(*step_at(compiled_steps(step), 0).setpoint); }

// ---- set-points that are safe by themselves -------------------------------------------------------------------------

TEST(Compile, the_bound_of_a_constant_current_lies_just_beyond_its_end) {
  const ConstantCurrent charge = cc_of("  - cc_charge: {rate_C: 0.5, until: voltage_V >= 4.1, at_most_h: 3}\n");
  EXPECT_DOUBLE_EQ(charge.current.value(), 2.5);
  EXPECT_DOUBLE_EQ(charge.voltage_max.value(), 4.105);
  EXPECT_DOUBLE_EQ(charge.voltage_min.value(), 2.49);
  const ConstantCurrent discharge = cc_of("  - cc_discharge: {current_A: 5, until: voltage_V <= 2.5, at_most_h: 3}\n");
  EXPECT_DOUBLE_EQ(discharge.current.value(), -5.0);
  EXPECT_DOUBLE_EQ(discharge.voltage_min.value(), 2.495);
  EXPECT_DOUBLE_EQ(discharge.voltage_max.value(), 4.21);
}

TEST(Compile, without_a_voltage_end_the_bound_is_the_cells_own_voltage) {
  EXPECT_DOUBLE_EQ(cc_of("  - cc_charge: {rate_C: 1, until: capacity_Ah >= 1, at_most_h: 3}\n").voltage_max.value(), 4.2);
  EXPECT_DOUBLE_EQ(cc_of("  - cc_discharge: {rate_C: 1, until: capacity_Ah >= 1, at_most_h: 3}\n").voltage_min.value(), 2.5);
}

TEST(Compile, the_bound_never_leaves_the_cells_window_by_more_than_10_mV) {
  EXPECT_DOUBLE_EQ(cc_of("  - cc_charge: {rate_C: 1, until: voltage_V >= 5, at_most_h: 3}\n").voltage_max.value(), 4.21);
  EXPECT_DOUBLE_EQ(cc_of("  - cc_discharge: {rate_C: 1, until: voltage_V <= 0, at_most_h: 3}\n").voltage_min.value(), 2.49);
}

// An end that must hold for a while, and a second one above it: the bound must leave room for both.
TEST(Compile, the_bound_follows_the_outermost_end) {
  const std::string step =
      "  - cc_charge: {rate_C: 1, until: [voltage_V >= 4.0 for 60 s, {all: [voltage_V >= 4.15, step_time_min >= 5]}], at_most_h: "
      "3}\n";
  EXPECT_DOUBLE_EQ(cc_of(step).voltage_max.value(), 4.155);
}

/// Of the first step with this `until`; 0: none.
double held_end_of(const std::string& until, const std::string& word = "cc_charge", const std::string& more = "") {
  const Program program = compiled_steps("  - " + word + ": {rate_C: 0.5, " + more + "until: " + until + ", at_most_h: 5}\n");
  const std::optional<HeldEnd> held = std::get<Step>(program.code.at(0)).held_end;
  return held ? held->voltage_V : 0.0;
}

// Only an end that the voltage alone decides, at once, may be taken for reached when the instrument stops short of it.
TEST(Compile, knows_which_end_the_instrument_may_stop_short_of) {
  EXPECT_EQ(held_end_of("voltage_V >= 4.1"), 4.1);
  EXPECT_EQ(held_end_of("voltage_V <= 3", "cc_discharge"), 3.0);
  EXPECT_EQ(held_end_of("[voltage_V >= 4.1, cell_temperature_degC >= 40]"), 4.1);
  EXPECT_EQ(held_end_of("{any: [voltage_V >= 4.1, capacity_Ah >= 2]}"), 4.1);
  EXPECT_EQ(held_end_of("{all: [voltage_V >= 4.1, capacity_Ah >= 2]}"), 0.0);
  EXPECT_EQ(held_end_of("voltage_V >= 4.1 for 60 s"), 0.0);
  EXPECT_EQ(held_end_of("voltage_V <= 3.1"), 0.0) << "a charge does not end there by its bound";
  EXPECT_EQ(held_end_of("voltage_V >= 4.1", "cc_charge", "voltage_max_V: 4.05, "), 0.0) << "held below it on purpose";
  EXPECT_EQ(held_end_of("rate_C <= 1/20", "cccv_charge", "voltage_V: 4.1, "), 0.0);
}

TEST(Compile, the_bound_stays_inside_a_tightened_safety_limit) {
  const Program program = compiled(
      "profile: x\nformat: 1\nlimits: {voltage_max_V: 4.1}\nsteps:\n  - cc_charge: {rate_C: 1, until: voltage_V >= 4.1, "
      "at_most_h: 3}\n");
  EXPECT_DOUBLE_EQ(program.limits.voltage_max.value(), 4.1);
  EXPECT_DOUBLE_EQ(std::get<ConstantCurrent>(*step_at(program, 0).setpoint).voltage_max.value(), 4.098);
}

TEST(Compile, cccv_is_a_voltage_with_a_current_bound) {
  const Program program = compiled_steps(
      "  - cccv_charge: {rate_C: 0.5, voltage_V: cell.voltage_max_V, until: current_A <= cell.rated_capacity_Ah / 20 for 5 s, "
      "at_most_h: 5, sets_soc_pct: 100}\n");
  const Step& step = step_at(program, 0);
  const ConstantVoltage setpoint = std::get<ConstantVoltage>(*step.setpoint);
  EXPECT_DOUBLE_EQ(setpoint.voltage.value(), 4.2);
  EXPECT_DOUBLE_EQ(setpoint.current_min.value(), 0.0);
  EXPECT_DOUBLE_EQ(setpoint.current_max.value(), 2.5);
  EXPECT_EQ(step.sets_soc_pct, 100.0);
  EXPECT_EQ(step.time_max, std::chrono::hours{5});
  EXPECT_FALSE(step.time_max_is_normal);
  ASSERT_EQ(step.ends.size(), 1U);
  EXPECT_EQ(step.ends[0].text, "current_A <= 0.24 for 5 s");
  EXPECT_EQ(program.nodes[0].hold, std::chrono::seconds{5});
  EXPECT_EQ(bdf_step_type(step), "CCCV_CHG");
}

TEST(Compile, power_and_resistance_carry_bounds_and_a_current_limit) {
  const Program program = compiled_steps(
      "  - cp_discharge: {power_W: 10, until: voltage_V <= 3, at_most_h: 3}\n"
      "  - cr_discharge: {resistance_Ohm: 2, rate_max_C: 1, until: voltage_V <= 3, at_most_h: 3}\n"
      "  - cp_charge: {power_W: 10, current_max_A: 4, until: voltage_V >= 4, at_most_h: 3}\n");
  const ConstantPower power = std::get<ConstantPower>(*step_at(program, 0).setpoint);
  EXPECT_DOUBLE_EQ(power.power.value(), -10.0);
  EXPECT_DOUBLE_EQ(power.voltage_min.value(), 2.995);
  EXPECT_DOUBLE_EQ(power.current_limit.value(), 15.0);  // the cell's
  const ConstantResistance resistance = std::get<ConstantResistance>(*step_at(program, 1).setpoint);
  EXPECT_DOUBLE_EQ(resistance.resistance.value(), 2.0);
  EXPECT_DOUBLE_EQ(resistance.current_limit.value(), 5.0);
  EXPECT_DOUBLE_EQ(std::get<ConstantPower>(*step_at(program, 2).setpoint).current_limit.value(), 4.0);
}

TEST(Compile, what_the_cell_does_not_allow_is_refused_with_both_places) {
  EXPECT_EQ(error_in_steps("  - cc_charge: {rate_C: 2.5, until: voltage_V >= 4.2, at_most_h: 3}\n"),
            "p.yaml:4:25: 'rate_C' = 2.5 is beyond the cell's charge_rate_max_C = 2 (cell.yaml:12:22)");
  EXPECT_EQ(error_in_steps("  - cc_discharge: {current_A: 16, until: voltage_V <= 3, at_most_h: 3}\n"),
            "p.yaml:4:31: 'current_A' = 16 (3.2 C) is beyond the cell's discharge_rate_max_C = 3 (cell.yaml:13:25)");
  EXPECT_EQ(error_in_steps("  - cccv_charge: {rate_C: 1, voltage_V: 4.3, until: current_A <= 0.2, at_most_h: 3}\n"),
            "p.yaml:4:41: 'voltage_V' = 4.3 V is above the cell's voltage_max_V = 4.2 V (cell.yaml:10:16)");
  EXPECT_EQ(error_in_steps("  - cc_charge: {rate_C: 1, temperature_degC: 50, until: voltage_V >= 4.2, at_most_h: 3}\n"),
            "p.yaml:4:5: cc_charge at a chamber temperature of 50 degC is above the cell's charge_temperature_max_degC = 45 "
            "(cell.yaml:17:32)");
}

// ---- values ---------------------------------------------------------------------------------------------------------

TEST(Compile, zero_is_a_value) {
  const Program program = compiled(
      "profile: x\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
      "  - rest: {for_s: 0, temperature_degC: 0}\n"
      "  - cc_discharge: {rate_C: 1, until: [voltage_V <= 2.5 for 0 s, soc_pct <= 0], at_most_h: 3, sets_soc_pct: 0}\n"
      "  - cycles: {times: 0, steps: [rest: {for_s: 1}]}\n");
  ASSERT_EQ(program.code.size(), 2U);  // no pass, no code
  EXPECT_EQ(step_at(program, 0).time_max, Duration::zero());
  EXPECT_TRUE(step_at(program, 0).time_max_is_normal);
  EXPECT_EQ(step_at(program, 0).chamber_temperature, Celsius{0.0});
  EXPECT_EQ(step_at(program, 0).record_interval, Duration::zero());
  EXPECT_EQ(step_at(program, 1).sets_soc_pct, 0.0);
}

TEST(Compile, a_current_of_zero_is_a_rest) {
  EXPECT_EQ(error_in_steps("  - cc_charge: {rate_C: 0, until: voltage_V >= 4.2, at_most_h: 3}\n"),
            "p.yaml:4:25: 'rate_C' must be above zero, found 0: no current is a rest");
  EXPECT_EQ(error_in_steps("  - cc_discharge: {current_A: -1, until: voltage_V <= 3, at_most_h: 3}\n"),
            "p.yaml:4:31: 'current_A' must be above zero, found -1: charge and discharge are told apart by the step's word, the "
            "value is a magnitude");
  EXPECT_EQ(error_in_steps("  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 0}\n"),
            "p.yaml:4:64: 'at_most_h' must be above zero: no step can end within no time");
}

TEST(Compile, bad_numbers_are_found_where_they_stand) {
  EXPECT_EQ(error_in_steps("  - cccv_charge: {rate_C: 1, voltage_V: '4,2', until: current_A <= 0.2, at_most_h: 3}\n"),
            "p.yaml:4:43: '4,2' is no number: the decimal point is '.', did you mean '4.2'?");
  EXPECT_EQ(error_in_steps("  - cccv_charge: {rate_C: 1, voltage_V: nan, until: current_A <= 0.2, at_most_h: 3}\n"),
            "p.yaml:4:41: 'nan' is refused: a number here must be finite");
  EXPECT_EQ(error_in_steps("  - rest: {for_s: -1}\n"), "p.yaml:4:19: 'for_s' must not be negative, found -1 s");
  EXPECT_EQ(error_in_steps("  - rest: {for_h: 1e9}\n"), "p.yaml:4:19: 'for_h' is longer than the 8760 h allowed here");
  EXPECT_EQ(error_in_steps("  - repeat: {times: 1.5, steps: [rest: {for_s: 1}]}\n"),
            "p.yaml:4:21: 'times' must be a whole number from 0 to 1000000000000, found 1.5");
  EXPECT_EQ(error_in_steps("  - cc_charge: {rate_C: 1, until: voltage_V >= 4, at_most_h: 3, sets_soc_pct: 101}\n"),
            "p.yaml:4:79: 'sets_soc_pct' must lie between 0 and 100, found 101");
}

TEST(Compile, wrong_units_between_names_are_errors) {
  EXPECT_EQ(error_in_steps("  - cc_charge: {current_A: cell.voltage_max_V, until: voltage_V >= 4, at_most_h: 3}\n"),
            "p.yaml:4:28: 'current_A' is in A, 'cell.voltage_max_V' is in V");
  EXPECT_EQ(error_in_steps("  - cc_charge: {rate_C: 1, until: voltage_V >= cell.charge_rate_max_C, at_most_h: 3}\n"),
            "p.yaml:4:48: 'voltage_V' is in V, 'cell.charge_rate_max_C' is in C, did you mean 'cell.voltage_max_V'?");
}

TEST(Compile, convenience_quantities_become_what_the_engine_compares) {
  const Program program = compiled_steps(
      "  - cc_charge: {rate_C: 1, until: [step_time_min >= 2, step_time_h >= 1, rate_C <= 0.05, capacity_pct >= 50], at_most_h: "
      "3}\n");
  ASSERT_EQ(program.nodes.size(), 4U);
  EXPECT_EQ(program.nodes[0].quantity, ConditionQuantity::step_time_s);
  EXPECT_DOUBLE_EQ(program.nodes[0].value, 120.0);
  EXPECT_DOUBLE_EQ(program.nodes[1].value, 3600.0);
  EXPECT_EQ(program.nodes[2].quantity, ConditionQuantity::current_A);
  EXPECT_DOUBLE_EQ(program.nodes[2].value, 0.25);
  EXPECT_EQ(program.nodes[3].quantity, ConditionQuantity::capacity_Ah);
  EXPECT_DOUBLE_EQ(program.nodes[3].value, 2.5);
  EXPECT_EQ(step_at(program, 0).ends[2].text, "rate_C <= 0.05");
}

// ---- structure ------------------------------------------------------------------------------------------------------

TEST(Compile, groups_become_a_tree_with_siblings) {
  const Program program = compiled_steps(
      "  - rest: {until: [voltage_V <= 4, {all: [step_time_s >= 10, {any: [voltage_V <= 3, voltage_V >= 4]}, step_time_s >= "
      "20]}], at_most_h: 1}\n");
  const Step& step = step_at(program, 0);
  ASSERT_EQ(step.ends.size(), 2U);
  EXPECT_EQ(step.ends[1].text, "all of (step_time_s >= 10; any of (voltage_V <= 3; voltage_V >= 4); step_time_s >= 20)");
  const ConditionNode& all = program.nodes[step.ends[1].root];
  ASSERT_EQ(all.kind, ConditionNode::Kind::all_of);
  ASSERT_EQ(all.child_count, 3);
  const ConditionNode& first = program.nodes[all.first_child];
  const ConditionNode& second = program.nodes[first.next_sibling];
  const ConditionNode& third = program.nodes[second.next_sibling];
  EXPECT_DOUBLE_EQ(first.value, 10.0);
  EXPECT_EQ(second.kind, ConditionNode::Kind::any_of);
  EXPECT_DOUBLE_EQ(third.value, 20.0);
  EXPECT_EQ(third.leaf_index, 4);  // counted through the whole step
}

TEST(Compile, leaves_of_a_step_are_bounded) {
  std::string list;
  for (int i = 0; i < 17; ++i) list += (i == 0 ? "" : ", ") + std::string{"voltage_V >= 4"};
  EXPECT_THAT(error_in_steps("  - rest: {until: [" + list + "], at_most_h: 1}\n"),
              testing::HasSubstr("more than 16 conditions in one step"));
}

TEST(Compile, loops_know_both_ends) {
  const Program program = compiled_steps(
      "  - repeat:\n      times: 10\n      steps:\n        - cycles: {times: 2, reference: true, steps: [rest: {for_s: 1}]}\n    "
      "    - stop_if: cycle_count >= 6\n");
  ASSERT_EQ(program.code.size(), 6U);
  const LoopBegin& outer = std::get<LoopBegin>(program.code[0]);
  const LoopBegin& inner = std::get<LoopBegin>(program.code[1]);
  EXPECT_EQ(outer.times, 10U);
  EXPECT_EQ(outer.end, 5U);
  EXPECT_FALSE(outer.counts_cycles);
  EXPECT_EQ(inner.end, 3U);
  EXPECT_TRUE(inner.counts_cycles);
  EXPECT_TRUE(inner.is_reference);
  EXPECT_EQ(std::get<LoopEnd>(program.code[5]).begin, 0U);
  EXPECT_EQ(std::get<StopIf>(program.code[4]).condition.text, "cycle_count >= 6");
}

TEST(Compile, the_first_temperature_belongs_to_the_first_step) {
  const Program program =
      compiled("profile: x\nformat: 1\nchamber: {temperature_degC: 25}\nsteps:\n  - rest: {for_s: 1}\n  - rest: {for_s: 2}\n");
  EXPECT_EQ(step_at(program, 0).chamber_temperature, Celsius{25.0});
  EXPECT_FALSE(step_at(program, 1).chamber_temperature);
  EXPECT_TRUE(program.needs_chamber);
}

// Inside a loop it would be requested again with every pass, over what later steps asked for.
TEST(Compile, before_a_loop_the_first_temperature_gets_a_step_of_its_own) {
  const Program program = compiled(
      "profile: x\nformat: 1\nchamber: {temperature_degC: 25}\nsteps:\n  - repeat: {times: 2, steps: [rest: {for_s: 1}]}\n");
  EXPECT_EQ(step_at(program, 0).name, "chamber");
  EXPECT_EQ(step_at(program, 0).chamber_temperature, Celsius{25.0});
  EXPECT_EQ(std::get<LoopBegin>(program.code[1]).end, 3U);
  EXPECT_FALSE(step_at(program, 2).chamber_temperature);
}

TEST(Compile, says_what_the_bench_must_have) {
  EXPECT_FALSE(compiled_steps("  - rest: {for_s: 1}\n").needs_chamber);
  EXPECT_FALSE(compiled_steps("  - rest: {for_s: 1}\n").needs_cell_temperature);
  EXPECT_TRUE(compiled_steps("  - rest: {until: chamber_temperature_degC <= 20, at_most_h: 1}\n").needs_chamber);
  EXPECT_TRUE(compiled_steps("  - rest: {until: cell_temperature_degC <= 20, at_most_h: 1}\n").needs_cell_temperature);
  EXPECT_TRUE(compiled("profile: x\nformat: 1\nlimits: {cell_temperature_max_degC: 50}\nsteps:\n  - rest: {for_s: 1}\n")
                  .needs_cell_temperature);
}

// ---- limits and parameters ------------------------------------------------------------------------------------------

TEST(Compile, a_profile_may_tighten_a_limit_and_never_widen_it) {
  const std::string head = "profile: x\nformat: 1\n";
  const std::string steps = "steps:\n  - rest: {for_s: 1}\n";
  EXPECT_EQ(compiled(head + "limits: {cell_temperature_max_degC: 55}\n" + steps).limits.cell_temperature_max, Celsius{55.0});
  EXPECT_EQ(error_in(head + "limits: {cell_temperature_max_degC: 70}\n" + steps),
            "p.yaml:3:37: 'cell_temperature_max_degC' = 70 widens the cell's limit of 60 (cell.yaml:15:30): a profile may only "
            "tighten it");
  EXPECT_EQ(error_in(head + "limits: {voltage_min_V: 2}\n" + steps),
            "p.yaml:3:25: 'voltage_min_V' = 2 widens the cell's limit of 2.48 (cell.yaml:12:3): a profile may only tighten it");
  EXPECT_THAT(error_in(head + "limits: {voltage_min_V: 4, voltage_max_V: 3}\n" + steps),
              testing::HasSubstr("the limits leave no voltage window"));
}

constexpr const char* with_parameter = R"(profile: x
format: 1
parameters:
  charge_rate_C: {default: 0.5, min: 0.1, max: cell.charge_rate_max_C}
  cycles: 2
steps:
  - rest: {for_s: 1}
  - repeat:
      times: parameters.cycles
      steps:
        - cc_charge: {rate_C: parameters.charge_rate_C, until: voltage_V >= 4.2, at_most_h: 20}
)";

TEST(Compile, overrides_replace_defaults_within_their_bounds) {
  const Program program = compiled(with_parameter, {{"charge_rate_C", "1/3"}, {"cycles", "0"}});
  EXPECT_EQ(program.parameters_text, "charge_rate_C = 0.3333333333333333\ncycles = 0\n");
}

TEST(Compile, wrong_overrides_name_the_parameter_and_the_nearest) {
  EXPECT_EQ(error_in(with_parameter, {{"charge_rat_C", "1"}}),
            "--set charge_rat_C=1: the profile has no parameter 'charge_rat_C', did you mean 'charge_rate_C'?");
  EXPECT_EQ(error_in(with_parameter, {{"charge_rate_C", "3"}}),
            "--set charge_rate_C=3: parameter 'charge_rate_C' = 3 is above its max of 2 (p.yaml:4:48)");
  EXPECT_EQ(error_in(with_parameter, {{"charge_rate_C", "0"}}),
            "--set charge_rate_C=0: parameter 'charge_rate_C' = 0 is below its min of 0.1 (p.yaml:4:38)");
  EXPECT_EQ(error_in(with_parameter, {{"charge_rate_C", "1,5"}}),
            "--set charge_rate_C=1,5: '1,5' is no number: the decimal point is '.', did you mean '1.5'?");
  EXPECT_EQ(error_in(with_parameter, {{"charge_rate_C", "cell.voltage_max_V"}}),
            "--set charge_rate_C=cell.voltage_max_V: 'charge_rate_C' is in C, 'cell.voltage_max_V' is in V");
}

TEST(Compile, nothing_left_to_run_is_an_error) {
  EXPECT_EQ(error_in("profile: x\nformat: 1\nsteps:\n  - repeat: {times: 0, steps: [rest: {for_s: 1}]}\n"),
            "p.yaml: no step is left to run");
}

}  // namespace
}  // namespace cellrig::test
