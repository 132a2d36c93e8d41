// What the instruments know of each number that decides something.
#include "profiles/accuracy.hpp"

#include <algorithm>

#include "tests/unit/profiles/good_bench.hpp"
#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<AccuracyRow> rows_in(const std::string& steps, const CheckContext& context) {
  return accuracy_rows(compiled_steps(steps), context);
}

/// The first row of this use; a failure when there is none.
AccuracyRow row_of(AccuracyUse use, const std::vector<AccuracyRow>& rows) {
  const auto found = std::find_if(rows.begin(), rows.end(), [use](const AccuracyRow& row) { return row.use == use; });
  EXPECT_NE(found, rows.end()) << "no row of use " << to_string(use);
  return found == rows.end() ? AccuracyRow{} : *found;
}

/// 60 A in one range: 60 mA wherever it stands, 1 mA a count.
CheckContext coarse_bench() {
  return bench_with([](CyclerCapabilities& c) {
    c.model = "coarse";
    c.charge_current_max = c.discharge_current_max = Amps{60.0};
    c.power_max = Watts{1500.0};
    c.current_resolution = Amps{0.001};
    c.current_accuracy = Accuracy{.gain_fraction = 0.0, .offset = 0.060, .up_to = 60.0};
  });
}

/// The same, with a range of 3 A that knows 1 mA.
CheckContext bench_with_fine_range(RangeChoice choice) {
  CheckContext context = coarse_bench();
  context.cycler->current_accuracy.finer[0] = {.up_to = 3.0, .gain_fraction = 0.0, .offset = 0.001};
  context.cycler->current_accuracy.finer_count = 1;
  context.cycler->current_accuracy.choice = choice;
  return context;
}

std::string charge_to(const std::string& taper) {
  return "  - cccv_charge: {current_A: 2.5, voltage_V: 4.2, until: current_A <= " + taper + " for 5 s, at_most_h: 5}\n";
}

TEST(Accuracy, nothing_is_said_without_an_instrument) {
  EXPECT_TRUE(rows_in(charge_to("0.05"), {}).empty());
  EXPECT_EQ(describe(std::vector<AccuracyRow>{}), "");
}

// ---- a taper --------------------------------------------------------------------------------------------------------

TEST(Accuracy, a_taper_within_the_error_of_the_cycler_is_refused) {
  EXPECT_EQ(findings_in_steps(charge_to("0.05"), coarse_bench()),
            "p.yaml:4: error: 'current_A <= 0.05' cannot be told: 'coarse' knows it to 0.061 A (122 %), so the step may end at "
            "once or never\n");
  EXPECT_THAT(findings_in_steps(charge_to("0"), whole_bench()), HasSubstr("error: 'current_A <= 0' cannot be told"));
}

TEST(Accuracy, a_taper_that_is_known_to_less_than_a_tenth_is_worth_a_warning) {
  EXPECT_EQ(findings_in_steps(charge_to("0.07"), coarse_bench()),
            "p.yaml:4: warning: 'current_A <= 0.07' is blurred: 'coarse' knows it to 0.061 A (87.1 %), so the step ends early or "
            "late\n");
  EXPECT_THAT(findings_in_steps(charge_to("0.609"), coarse_bench()), HasSubstr("warning: 'current_A <= 0.609' is blurred"));
  EXPECT_EQ(findings_in_steps(charge_to("0.611"), coarse_bench()), "");
  const AccuracyRow row = row_of(AccuracyUse::current_end, rows_in(charge_to("0.07"), coarse_bench()));
  EXPECT_EQ(row.advice, "a tenth is known from 0.61 A on");
  EXPECT_NEAR(row.share().value(), 0.061 / 0.07, 1e-12);
}

TEST(Accuracy, gain_offset_and_resolution_add) {
  const CheckContext context = bench_with([](CyclerCapabilities& c) {
    c.current_accuracy = Accuracy{.gain_fraction = 0.01, .offset = 0.002};
    c.current_resolution = Amps{0.0005};
  });
  EXPECT_DOUBLE_EQ(row_of(AccuracyUse::current_end, rows_in(charge_to("0.25"), context)).uncertainty,
                   0.01 * 0.25 + 0.002 + 0.0005);
}

TEST(Accuracy, a_taper_inside_a_group_is_judged_too) {
  EXPECT_THAT(
      findings_in_steps("  - cccv_charge: {current_A: 2.5, voltage_V: 4.2, until: {all: [current_A <= 0.05, step_time_min "
                        ">= 10]}, at_most_h: 5}\n",
                        coarse_bench()),
      HasSubstr("error: 'current_A <= 0.05' cannot be told"));
}

// 4.22 V and 61 mA: a quarter of a watt.
TEST(Accuracy, an_end_on_power_has_the_errors_of_voltage_and_current) {
  const auto charge = [](const std::string& watts) {
    return "  - cccv_charge: {current_A: 2.5, voltage_V: 4.2, until: power_W <= " + watts + ", at_most_h: 5}\n";
  };
  EXPECT_THAT(findings_in_steps(charge("0.2"), coarse_bench()), HasSubstr("p.yaml:4: error: 'power_W <= 0.2' cannot be told"));
  EXPECT_THAT(findings_in_steps(charge("2"), coarse_bench()), HasSubstr("p.yaml:4: warning: 'power_W <= 2' is blurred"));
  EXPECT_EQ(findings_in_steps(charge("3"), coarse_bench()), "");
}

// ---- which range ----------------------------------------------------------------------------------------------------

TEST(Accuracy, an_instrument_that_chooses_its_range_knows_a_small_current_well) {
  const CheckContext context = bench_with_fine_range(RangeChoice::automatic);
  EXPECT_EQ(findings_in_steps(charge_to("0.05"), context), "");
  EXPECT_EQ(row_of(AccuracyUse::set_current, rows_in(charge_to("0.05"), context)).advice, "range 3 A, chosen by the instrument");
}

// No driver switches ranges: it is reckoned with the widest, and the person is told which one to set.
TEST(Accuracy, a_range_that_a_person_sets_is_advice) {
  const CheckContext context = bench_with_fine_range(RangeChoice::by_hand);
  const AccuracyRow row = row_of(AccuracyUse::set_current, rows_in(charge_to("0.05"), context));
  EXPECT_DOUBLE_EQ(row.uncertainty, 0.061);
  EXPECT_EQ(row.advice, "set its range 3 A by hand, there 0.002 A: cellrig switches no range and reckons with 60 A");
  EXPECT_EQ(findings_in_steps(charge_to("0.05"), context),
            "p.yaml:4: warning: 'current_A <= 0.05' cannot be told: 'coarse' knows it to 0.061 A (122 %), so the step may end at "
            "once or never in its range of 60 A; set to its range of 3 A by hand it knows 0.002 A\n")
      << "whoever has set it is right: no error";
  EXPECT_THAT(findings_in_steps(charge_to("0.001"), context), HasSubstr("error: 'current_A <= 0.001' cannot be told"))
      << "no range is fine enough";
}

TEST(Accuracy, the_range_must_hold_the_greatest_current_of_the_step) {
  const std::string fast = "  - cccv_charge: {current_A: 4, voltage_V: 4.2, until: current_A <= 0.05 for 5 s, at_most_h: 5}\n";
  const CheckContext context = bench_with_fine_range(RangeChoice::by_hand);
  EXPECT_EQ(row_of(AccuracyUse::set_current, rows_in(fast, context)).advice, "range 60 A, the least that holds it");
  EXPECT_THAT(findings_in_steps(fast, context), HasSubstr("error: 'current_A <= 0.05' cannot be told"));
  EXPECT_EQ(row_of(AccuracyUse::set_current, rows_in(fast, coarse_bench())).advice, "range 60 A, the only one");
}

TEST(Accuracy, a_current_that_is_mostly_error_is_worth_a_warning) {
  const auto discharge = [](const std::string& current) {
    return "  - cc_discharge: {current_A: " + current + ", until: step_time_min >= 10, at_most_h: 1}\n";
  };
  EXPECT_EQ(
      findings_in_steps(discharge("0.2"), coarse_bench()),
      "p.yaml:4: warning: cc_discharge: 'coarse' knows its current of 0.2 A to 0.061 A only (30.5 %), and so its charge and "
      "energy\n");
  EXPECT_EQ(findings_in_steps(discharge("0.7"), coarse_bench()), "");
}

// ---- voltages -------------------------------------------------------------------------------------------------------

CheckContext bench_with_voltage_error(double error_V) {
  return bench_with([error_V](CyclerCapabilities& c) {
    c.voltage_accuracy = Accuracy{.offset = error_V};
    c.voltage_resolution = Volts{0.0001};
  });
}

TEST(Accuracy, an_end_nearer_to_the_bound_than_the_cycler_can_tell_may_never_show) {
  const std::string discharge = "  - cc_discharge: {rate_C: 0.5, until: voltage_V <= 2.6 for 20 s, at_most_h: 5}\n";
  EXPECT_EQ(findings_in_steps(discharge, bench_with_voltage_error(0.004)), "");
  const std::string found = findings_in_steps(discharge, bench_with_voltage_error(0.006));
  EXPECT_THAT(found, HasSubstr("p.yaml:4: warning: 'voltage_V <= 2.6' lies 0.005 V from the 2.595 V that 'good' holds by itself, "
                               "and it knows a voltage to 0.0061 V"));
  EXPECT_THAT(found, Not(HasSubstr("error")));
}

// That counts as reached after ten seconds (HeldEnd).
TEST(Accuracy, an_end_that_the_voltage_alone_decides_may_lie_near_the_bound) {
  const std::string discharge = "  - cc_discharge: {rate_C: 0.5, until: voltage_V <= 2.6, at_most_h: 5}\n";
  EXPECT_EQ(findings_in_steps(discharge, bench_with_voltage_error(0.006)), "");
}

TEST(Accuracy, a_second_end_catches_a_step_that_stands_at_its_bound) {
  for (const std::string ends : {"[voltage_V <= 2.6, current_A <= 0.5]", "[voltage_V <= 2.6, step_time_h >= 3]"}) {
    EXPECT_EQ(findings_in_steps("  - cc_discharge: {rate_C: 0.5, until: " + ends + ", at_most_h: 5}\n",
                                bench_with_voltage_error(0.006)),
              "")
        << ends;
  }
}

TEST(Accuracy, a_drop_of_a_count_is_noise) {
  const auto drop = [](const std::string& volts) {
    return "  - cc_charge: {rate_C: 0.5, until: [voltage_drop_V >= " + volts + ", step_time_h >= 1], at_most_h: 2}\n";
  };
  CheckContext context = bench_with([](CyclerCapabilities& c) {
    c.voltage_resolution = Volts{0.001};
    c.voltage_accuracy = Accuracy{.offset = 0.003};  // falls out of a difference
  });
  EXPECT_THAT(findings_in_steps(drop("0.0005"), context), HasSubstr("error: 'voltage_drop_V >= 0.0005' cannot be told"));
  EXPECT_THAT(findings_in_steps(drop("0.01"), context), HasSubstr("warning: 'voltage_drop_V >= 0.01' is blurred"));
  EXPECT_EQ(findings_in_steps(drop("0.03"), context), "");
}

TEST(Accuracy, a_slope_below_a_count_in_its_window_shows_as_none) {
  const auto rest = [](const std::string& slope) {
    return "  - rest: {until: voltage_per_hour_V >= -" + slope + ", at_most_h: 4}\n";
  };
  CheckContext context = bench_with([](CyclerCapabilities& c) { c.voltage_resolution = Volts{0.001}; });
  EXPECT_THAT(
      findings_in_steps(rest("0.003"), context),
      HasSubstr("warning: 'voltage_per_hour_V >= -0.003' cannot be told: 'good' knows it to 0.006 V (200 %), one count in "
                "ten minutes"));
  EXPECT_EQ(findings_in_steps(rest("0.07"), context), "");
}

// ---- results and rows -----------------------------------------------------------------------------------------------

TEST(Accuracy, a_resistance_is_held_against_what_the_cell_is_said_to_have) {
  const std::string pulse =
      "  - rest: {for_min: 1}\n  - cc_discharge: {rate_C: 1, until: step_time_s >= 10, at_most_s: 20, measure: resistance}\n";
  CheckContext context = bench_with([](CyclerCapabilities& c) {
    c.voltage_resolution = Volts{0.001};
    c.voltage_accuracy = Accuracy{.offset = 0.001};
  });
  const AccuracyRow unknown = row_of(AccuracyUse::resistance, rows_in(pulse, context));
  EXPECT_DOUBLE_EQ(unknown.uncertainty, 2 * 0.001 / 5.0);
  EXPECT_FALSE(unknown.value) << "no number is invented for a cell that has none in its file";
  EXPECT_FALSE(unknown.share());
  EXPECT_THAT(unknown.advice, HasSubstr("below 0.004 Ohm it is known to less than a tenth"));

  Program program = compiled_steps(pulse);
  program.pulse_resistance = PulseResistance{.least = Ohms{0.02}, .most = Ohms{0.05}};
  EXPECT_EQ(findings_of(program, context), "") << "0.1 V are a hundred counts";
  program.pulse_resistance->least = Ohms{0.002};
  EXPECT_THAT(findings_of(program, context),
              HasSubstr("p.yaml:5: warning: cc_discharge: measure: resistance is blurred: 'good' knows it to 0.000402 Ohm"));
  program.pulse_resistance->least = Ohms{0.0003};
  EXPECT_THAT(findings_of(program, context), HasSubstr("error: cc_discharge: measure: resistance cannot be told"));
}

TEST(Accuracy, rows_by_a_change_that_the_cycler_cannot_see_are_noise) {
  const std::string text =
      "profile: x\nformat: 1\nrecord: {every_s: 60, voltage_change_V: 0.002, current_change_A: 0.05}\nsteps:\n" +
      charge_to("0.25") + "  - rest: {for_min: 5}\n";
  EXPECT_EQ(findings_of(compiled(text), whole_bench()), "");
  const CheckContext coarse = bench_with([](CyclerCapabilities& c) { c.voltage_resolution = Volts{0.002}; });
  const std::string found = findings_of(compiled(text), coarse);
  EXPECT_THAT(found,
              HasSubstr("p.yaml:5: warning: 'voltage_change_V' = 0.002 V is no more than the resolution of 'good', 0.002 V: "
                        "noise becomes rows (as on line 6)"));
  EXPECT_THAT(found, Not(HasSubstr("current_change_A")));
  const CheckContext deaf = bench_with([](CyclerCapabilities& c) { c.current_resolution = Amps{0.06}; });
  EXPECT_THAT(findings_of(compiled(text), deaf), HasSubstr("warning: 'current_change_A' = 0.05 A is no more than"));
}

// ---- temperatures and sensors ---------------------------------------------------------------------------------------

CheckContext bench_with_temperature_error(double chamber_K, double thermometer_K) {
  CheckContext context = whole_bench();
  context.chamber->temperature_accuracy = Accuracy{.offset = chamber_K};
  context.logger->temperature_accuracy = Accuracy{.offset = thermometer_K};
  return context;
}

TEST(Accuracy, a_soak_needs_more_room_than_chamber_and_thermometer_err) {
  const std::string soak = "  - soak: {temperature_degC: 25, until: cell_temperature_degC >= 24 for 10 min, at_most_h: 9}\n";
  EXPECT_EQ(findings_in_steps(soak, bench_with_temperature_error(0.4, 0.5)), "");
  EXPECT_EQ(
      findings_in_steps(soak, bench_with_temperature_error(0.5, 0.6)),
      "p.yaml:4: warning: 'cell_temperature_degC >= 24' leaves 1 K to the chamber's 25 degC: the cell approaches it slowly, "
      "and 'logger and chamber' err by up to 1.1 K\n");
}

TEST(Accuracy, an_end_within_the_thermometers_error_of_the_safety_limit_does_not_nest) {
  const std::string hot = "  - cc_charge: {rate_C: 0.5, until: [cell_temperature_degC >= 59, step_time_h >= 1], at_most_h: 2}\n";
  EXPECT_EQ(findings_in_steps(hot, bench_with_temperature_error(0.1, 0.9)), "");
  EXPECT_EQ(
      findings_in_steps(hot, bench_with_temperature_error(0.1, 1.1)),
      "p.yaml:4: error: 'cell_temperature_degC >= 59' does not nest: it lies 1 K from the safety limit of 60 degC, less than "
      "the accuracy of its thermometer, 1.1 K\n");
}

TEST(Accuracy, a_chamber_near_the_cells_limit_may_trip_it) {
  const std::string hot = "  - soak: {temperature_degC: 58.5, for_h: 3}\n";
  EXPECT_EQ(findings_in_steps(hot, bench_with_temperature_error(0.5, 0.9)), "");
  EXPECT_EQ(findings_in_steps(hot, bench_with_temperature_error(0.5, 1.1)),
            "p.yaml: warning: 'cell_temperature_max_degC' = 60 degC lies 1.5 K from the chamber's 58.5 degC, and 'logger and "
            "chamber' err by up to 1.6 K: the channel may trip\n");
}

TEST(Accuracy, a_charge_near_the_coldest_that_is_allowed_may_trip) {
  const auto charge = [](const std::string& degC) {
    return "  - cc_charge: {rate_C: 0.5, temperature_degC: " + degC + ", until: voltage_V >= 4.1, at_most_h: 5}\n";
  };
  EXPECT_EQ(findings_in_steps(charge("1.2"), bench_with_temperature_error(0.5, 0.6)), "");
  EXPECT_EQ(
      findings_in_steps(charge("1"), bench_with_temperature_error(0.5, 0.6)),
      "p.yaml: warning: 'charge_temperature_min_degC' = 0 degC lies 1 K from the chamber's 1 degC, and 'logger and chamber' err "
      "by up to 1.1 K: the channel may trip\n");
}

TEST(Accuracy, what_is_asked_of_the_chamber_stands_beside_its_range) {
  const std::vector<AccuracyRow> rows = rows_in("  - soak: {temperature_degC: -20, for_h: 3}\n", whole_bench());
  const AccuracyRow row = row_of(AccuracyUse::chamber_temperature, rows);
  EXPECT_EQ(row.advice, "range -40 to 100 degC");
  EXPECT_DOUBLE_EQ(row.compared_with.value(), 20.0);
  EXPECT_DOUBLE_EQ(row.uncertainty, 0.5);
}

TEST(Accuracy, a_rise_within_the_thermometers_error) {
  const auto rise = [](const std::string& kelvin) {
    return "  - cc_charge: {rate_C: 0.5, until: [temperature_rise_K >= " + kelvin + ", step_time_h >= 1], at_most_h: 2}\n";
  };
  EXPECT_THAT(findings_in_steps(rise("0.4"), bench_with_temperature_error(0.5, 0.5)),
              HasSubstr("warning: 'temperature_rise_K >= 0.4' lies within the error of 'logger', 0.5 K"));
  EXPECT_EQ(findings_in_steps(rise("5"), bench_with_temperature_error(0.5, 0.5)), "");
}

TEST(Accuracy, a_gas_limit_that_its_sensor_cannot_tell_has_the_place_of_who_gave_it) {
  CheckContext context = whole_bench();
  context.sensors[static_cast<std::size_t>(Measurand::gas)] = LoggerInput{InputQuantity::gas, 0, 2000, Accuracy{.offset = 5.0}};
  const auto found = [&context](double limit_ppm) {
    context.bench_limits.sensors.gas_max_ppm = limit_ppm;
    context.bench_limit_places["gas_max_ppm"] = SourcePlace{"bench.yaml", 7, 9};
    return findings_in_steps("  - rest: {for_min: 1}\n", context);
  };
  EXPECT_EQ(found(60.0), "");
  EXPECT_THAT(found(40.0), HasSubstr("bench.yaml:7: warning: gas_max_ppm is blurred"));
  EXPECT_THAT(found(4.0), HasSubstr("bench.yaml:7: error: gas_max_ppm cannot be told"));
}

TEST(Accuracy, an_end_on_gas_that_its_sensor_cannot_tell) {
  CheckContext context = whole_bench();
  context.sensors[static_cast<std::size_t>(Measurand::gas)] = LoggerInput{InputQuantity::gas, 0, 2000, Accuracy{.offset = 5.0}};
  const auto rest = [](const std::string& ppm) { return "  - rest: {until: gas_ppm >= " + ppm + ", at_most_h: 1}\n"; };
  EXPECT_EQ(findings_in_steps(rest("60"), context), "");
  EXPECT_THAT(findings_in_steps(rest("20"), context), HasSubstr("p.yaml:4: warning: 'gas_ppm >= 20' is blurred"));
  EXPECT_THAT(findings_in_steps(rest("4"), context), HasSubstr("p.yaml:4: error: 'gas_ppm >= 4' cannot be told"));
}

// ---- the table ------------------------------------------------------------------------------------------------------

TEST(Accuracy, steps_that_are_alike_share_a_row_and_a_finding) {
  const std::string twice = charge_to("0.05") + "  - rest: {for_min: 1}\n" + charge_to("0.05");
  const AccuracyRow row = row_of(AccuracyUse::current_end, rows_in(twice, coarse_bench()));
  ASSERT_EQ(row.steps.size(), 2U);
  EXPECT_EQ(row.steps[1].source.line, 6);
  EXPECT_EQ(row.steps[1].instruction, 2U);
  EXPECT_THAT(findings_in_steps(twice, coarse_bench()), HasSubstr("(as on line 6)\n"));
}

TEST(Accuracy, the_table_shows_what_is_known_and_what_to_do) {
  CheckContext context = coarse_bench();
  context.cycler->current_accuracy.is_unverified = true;
  context.logger.reset();
  EXPECT_EQ(
      describe(rows_in(charge_to("0.07"), context)),
      "step         instrument  what                 value   known to   compared with                         share   notes\n"
      "cccv_charge  coarse      greatest current     2.5 A   0.061 A    the value                             2.4 %   range 60 "
      "A, the "
      "only one\n"
      "cccv_charge  coarse      greatest current     2.5 A   0.061 A    8 A to the safety limit of 10.5 A     0.76 %\n"
      "cccv_charge  coarse      voltage held         4.2 V   0.00194 V  0.02 V to the safety limit of 4.22 V  9.7 %\n"
      "cccv_charge  coarse      'current_A <= 0.07'  0.07 A  0.061 A    the value                             87 %    warning: a "
      "tenth is known from 0.61 A on\n"
      "accuracy unverified, as the model files say: coarse\n");
}

}  // namespace
}  // namespace cellrig::test
