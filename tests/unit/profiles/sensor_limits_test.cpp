// Limits and conditions on what sensors measure: read, nested, and refused where nobody measures it.
#include "profiles/sensor_limits.hpp"

#include "profiles/canonical.hpp"
#include "profiles/check.hpp"
#include "profiles/describe.hpp"
#include "tests/unit/profiles/support.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string charge = "  - cc_charge: {rate_C: 0.5, until: voltage_V >= 4.1, at_most_h: 5}\n";

std::string with_limits(const std::string& limits, const std::string& steps = charge) {
  return "profile: Test\nformat: 1\nlimits: {" + limits + "}\nsteps:\n" + steps;
}

/// The test cell with more lines in its limits, and dimensions.
Cell cell_with(const std::string& limits) {
  std::string text = cell_text;
  const std::string at = "limits:\n";
  text.insert(text.find(at) + at.size(), limits);
  text.insert(text.find(at), "dimensions: {length_mm: 200, width_mm: 100, thickness_mm: 5}\n");
  return read_cell(text, "cell.yaml");
}

Program compiled_for(const Cell& cell, const std::string& text) { return compile(read_profile(text, "p.yaml"), cell, {}); }

CyclerCapabilities cycler() {
  CyclerCapabilities c;
  c.model = "good";
  c.voltage_max = Volts{10.0};
  c.charge_current_max = c.discharge_current_max = Amps{20.0};
  c.current_limit_min = Amps{0.01};
  c.power_max = Watts{200.0};
  c.over_voltage_protection_max = Volts{11.0};
  c.voltage_resolution = Volts{0.0001};
  c.current_resolution = Amps{0.0005};
  c.voltage_accuracy = Accuracy{0.0, 0.001};
  c.current_accuracy = Accuracy{0.0, 0.002};
  return c;
}

/// 0 to 200 kN within 20 N on 200 cm2: 0 to 10 MPa within 1 kPa.
CheckContext press() {
  CheckContext context{.file = "p.yaml"};
  context.cycler = cycler();
  context.sensors[static_cast<std::size_t>(Measurand::stack_force)] = LoggerInput{InputQuantity::force, 0, 200000, {0.0, 20.0}};
  context.sensors[static_cast<std::size_t>(Measurand::gas)] = LoggerInput{InputQuantity::gas, 0, 2000, {0.0, 5.0}};
  context.sensors[static_cast<std::size_t>(Measurand::logger_voltage)] =
      LoggerInput{InputQuantity::voltage, -300, 300, {0.0, 0.0005}};
  context.stack_area_cm2 = 200.0;
  return context;
}

TEST(SensorLimits, come_from_the_cell_and_a_profile_may_tighten_them) {
  const Cell cell = cell_with("  stack_pressure_min_MPa: 2\n  stack_pressure_max_MPa: 6\n");
  const Program same = compiled_for(cell, with_limits("gas_max_ppm: 50"));
  EXPECT_EQ(same.limits.sensors.stack_pressure_min_MPa, 2.0);
  EXPECT_EQ(same.limits.sensors.stack_pressure_max_MPa, 6.0);
  EXPECT_EQ(same.limits.sensors.gas_max_ppm, 50.0) << "the cell has none: the profile brings one";
  EXPECT_FALSE(same.limits.sensors.voltage_difference_max_V);
  const Program tight = compiled_for(cell, with_limits("stack_pressure_min_MPa: 3, stack_pressure_max_MPa: 5"));
  EXPECT_EQ(tight.limits.sensors.stack_pressure_min_MPa, 3.0);
  EXPECT_EQ(tight.limits.sensors.stack_pressure_max_MPa, 5.0);
  for (const char* const wider : {"stack_pressure_max_MPa: 6.1", "stack_pressure_min_MPa: 1.9"}) {
    const std::string error = error_of([&] { (void)compiled_for(cell, with_limits(wider)); });
    EXPECT_THAT(error, HasSubstr("a profile may only tighten it")) << wider;
    EXPECT_THAT(error, HasSubstr("p.yaml:3:")) << wider;
    EXPECT_THAT(error, HasSubstr("cell.yaml:")) << wider;
  }
}

TEST(SensorLimits, what_cannot_be_a_limit_is_refused_with_its_place) {
  for (const char* const bad : {"gas_max_ppm: 0", "gas_max_ppm: -5", "stack_pressure_max_MPa: 0"})
    EXPECT_THAT(error_in(with_limits(bad)), HasSubstr("must be above zero")) << bad;
  EXPECT_THAT(error_in(with_limits("stack_pressure_min_MPa: 5, stack_pressure_max_MPa: 5")), HasSubstr("no window"));
  EXPECT_THAT(error_in(with_limits("gas_max_pmm: 5")), HasSubstr("did you mean 'gas_max_ppm'?"));
  EXPECT_THAT(error_of([] { (void)cell_with("  stack_pressure_max_MPa: -1\n"); }), HasSubstr("cell.yaml:"));
}

TEST(SensorLimits, the_tighter_of_two_owners_holds) {
  const SensorLimits a{.stack_pressure_min_MPa = 1.0, .stack_pressure_max_MPa = 6.0};
  const SensorLimits b{.stack_pressure_min_MPa = 2.0, .stack_pressure_max_MPa = 7.0, .gas_max_ppm = 10.0};
  for (const SensorLimits& both : {tighter(a, b), tighter(b, a)}) {
    EXPECT_EQ(both.stack_pressure_min_MPa, 2.0);
    EXPECT_EQ(both.stack_pressure_max_MPa, 6.0);
    EXPECT_EQ(both.gas_max_ppm, 10.0);
    EXPECT_FALSE(both.voltage_difference_max_V);
  }
}

TEST(SensorDelays, belong_to_a_limit_and_may_only_be_shortened) {
  const Cell cell = cell_with("  stack_pressure_max_MPa: 6\n  stack_pressure_for_s: 3\n  gas_max_ppm: 80\n");
  EXPECT_EQ(compiled_for(cell, with_limits("stack_pressure_max_MPa: 5")).limits.sensors.stack_pressure_for_s, 3.0);
  EXPECT_EQ(compiled_for(cell, with_limits("stack_pressure_for_s: 1.5")).limits.sensors.stack_pressure_for_s, 1.5);
  EXPECT_FALSE(compiled_for(cell, with_limits("stack_pressure_for_s: 0")).limits.sensors.stack_pressure_for_s);
  for (const char* const wider : {"stack_pressure_for_s: 3.1", "gas_for_s: 0.5", "gas_max_ppm: 40, gas_for_s: 0.5"}) {
    const std::string error = error_of([&] { (void)compiled_for(cell, with_limits(wider)); });
    EXPECT_THAT(error, HasSubstr("a profile may only tighten it")) << wider;
    EXPECT_THAT(error, HasSubstr("p.yaml:3:")) << wider;
  }
  const Cell none = cell_with("");
  EXPECT_EQ(compiled_for(none, with_limits("gas_for_s: 1, gas_max_ppm: 50")).limits.sensors.gas_for_s, 1.0);
  EXPECT_THAT(error_in(with_limits("gas_for_s: 1")), HasSubstr("delays a limit that nobody gives"));
  EXPECT_THAT(error_in(with_limits("gas_max_ppm: 50, gas_for_s: 2.1")), HasSubstr("lies from 0 to 2 s"));
  EXPECT_THAT(error_of([] { (void)cell_with("  stack_pressure_for_s: 1\n"); }), HasSubstr("cell.yaml:"));
}

TEST(SensorDelays, an_owner_without_one_means_at_once) {
  const SensorLimits slow{.stack_pressure_max_MPa = 6.0, .stack_pressure_for_s = 3.0, .gas_for_s = {}};
  const SensorLimits at_once{.stack_pressure_min_MPa = 1.0};
  const SensorLimits faster{.stack_pressure_max_MPa = 7.0, .stack_pressure_for_s = 2.0, .gas_for_s = {}};
  const SensorLimits other{.gas_max_ppm = 9.0, .stack_pressure_for_s = {}, .gas_for_s = 1.0};
  EXPECT_FALSE(tighter(slow, at_once).stack_pressure_for_s);
  EXPECT_FALSE(tighter(at_once, slow).stack_pressure_for_s);
  EXPECT_EQ(tighter(slow, faster).stack_pressure_for_s, 2.0);
  EXPECT_EQ(tighter(slow, other).stack_pressure_for_s, 3.0);
  EXPECT_EQ(tighter(slow, other).gas_for_s, 1.0);
}

TEST(TemperatureRate, may_be_less_than_the_standard_has_it_and_never_more) {
  const Cell cell = cell_with("  temperature_rate_max_K_per_s: 0.5\n");
  const Program tight = compiled_for(cell, with_limits("temperature_rate_max_K_per_s: 0.2, temperature_rate_for_s: 2"));
  EXPECT_EQ(tight.limits.temperature_rate_max_K_per_s, 0.2);
  EXPECT_EQ(tight.limits.temperature_rate_for_s, 2.0);
  EXPECT_THAT(canonical_text(tight), HasSubstr("temperature_rate_for_s 2"));
  const auto refused = [&cell](const char* given) { return error_of([&] { (void)compiled_for(cell, with_limits(given)); }); };
  EXPECT_THAT(refused("temperature_rate_max_K_per_s: 0.6"), HasSubstr("widens the cell's limit of 0.5"));
  EXPECT_THAT(refused("temperature_rate_for_s: 3.5"), HasSubstr("widens"));
  EXPECT_THAT(refused("temperature_rate_for_s: 0.5"), HasSubstr("lies from 1 to 3"));
  EXPECT_THAT(error_of([] { (void)cell_with("  temperature_rate_max_K_per_s: 2\n"); }), HasSubstr("lies from 0 to 1"));
}

// A record of last year names a hash: programs without such limits keep theirs.
TEST(SensorLimits, are_part_of_the_hash_only_where_there_are_any) {
  const Program none = compiled_steps(charge);
  EXPECT_THAT(canonical_text(none), Not(HasSubstr("MPa")));
  EXPECT_THAT(canonical_text(none), Not(HasSubstr("pressed_area")));
  const Cell cell = cell_with("");
  const Program limited = compiled_for(cell, with_limits("stack_pressure_max_MPa: 5"));
  EXPECT_THAT(canonical_text(limited), HasSubstr("stack_pressure_max_MPa 5"));
  EXPECT_THAT(canonical_text(limited), HasSubstr("pressed_area_cm2 200"));
  EXPECT_NE(limited.hash, compiled_for(cell, with_limits("stack_pressure_max_MPa: 5.5")).hash);
  EXPECT_THAT(describe(limited), HasSubstr("stack pressure at most 5 MPa"));
}

// One face, not the electrodes: a stack of 25 layers has fifty times the area, and the force goes through one.
TEST(SensorLimits, a_press_acts_on_length_times_width_and_on_no_round_cell) {
  EXPECT_EQ(cell_with("").pressed_area_cm2, 200.0);
  EXPECT_FALSE(test_cell().pressed_area_cm2) << "no dimensions";
  std::string round = cell_text;
  round.insert(round.find("limits:"), "dimensions: {length_mm: 70, diameter_mm: 21}\n");
  EXPECT_FALSE(read_cell(round, "cell.yaml").pressed_area_cm2);
}

// ---- check

TEST(CheckSensors, a_limit_that_a_sensor_delivers_has_no_finding) {
  const Program program = compiled(
      with_limits("stack_pressure_min_MPa: 2, stack_pressure_max_MPa: 6, gas_max_ppm: 50, voltage_difference_max_V: 0.05"));
  EXPECT_EQ(findings_of(program, press()), "");
  EXPECT_EQ(findings_of(program), "") << "no bench is known";
}

TEST(CheckSensors, a_limit_or_a_condition_that_nobody_measures_is_refused_where_it_stands) {
  CheckContext bare = press();
  bare.sensors = {};
  for (const char* const limit : {"stack_pressure_max_MPa: 6", "gas_max_ppm: 50", "voltage_difference_max_V: 0.05"}) {
    EXPECT_THAT(findings_of(compiled(with_limits(limit)), bare), testing::StartsWith("p.yaml:3: error: '")) << limit;
    EXPECT_THAT(findings_of(compiled(with_limits(limit)), bare), HasSubstr("no sensor of this channel delivers")) << limit;
  }
  for (const char* const end : {"stack_pressure_MPa >= 5", "stack_force_N >= 5000", "gas_ppm >= 50", "logger_voltage_V >= 4"}) {
    const std::string steps = std::string("  - cc_charge: {rate_C: 0.5, until: [voltage_V >= 4.1, ") + end + "], at_most_h: 5}\n";
    EXPECT_EQ(findings_in_steps(steps, bare),
              std::string("p.yaml:4: error: '") + end + "' can never be judged: no sensor of this channel delivers it\n");
    EXPECT_EQ(findings_in_steps(steps, press()), "");
    EXPECT_EQ(findings_in_steps(steps), "");
  }
  const Cell cell = cell_with("  gas_max_ppm: 50\n");
  EXPECT_THAT(findings_of(compiled_for(cell, with_limits("voltage_max_V: 4.2")), bare), HasSubstr("cell.yaml:"));
}

TEST(CheckSensors, a_force_without_an_area_is_no_pressure) {
  CheckContext no_area = press();
  no_area.stack_area_cm2.reset();
  EXPECT_THAT(findings_of(compiled(with_limits("stack_pressure_max_MPa: 6")), no_area), HasSubstr("needs the pressed area"));
  EXPECT_EQ(findings_of(compiled_for(cell_with(""), with_limits("stack_pressure_max_MPa: 6")), no_area), "") << "length x width";
}

TEST(CheckSensors, ends_nest_inside_limits_with_the_sensors_accuracy) {
  const auto findings = [](const std::string& end) {
    const std::string steps = "  - cc_charge: {rate_C: 0.5, until: [voltage_V >= 4.1, " + end + "], at_most_h: 5}\n";
    return findings_of(compiled(with_limits("stack_pressure_min_MPa: 2, stack_pressure_max_MPa: 6, gas_max_ppm: 50", steps)),
                       press());
  };
  EXPECT_EQ(findings("stack_pressure_MPa >= 5.99"), "");
  EXPECT_THAT(findings("stack_pressure_MPa >= 6"), HasSubstr("the safety limit of 6 MPa trips the channel first"));
  EXPECT_THAT(findings("stack_pressure_MPa >= 5.9995"), HasSubstr("less than the accuracy of its sensor, 0.001 MPa"));
  EXPECT_THAT(findings("stack_pressure_MPa <= 2"), HasSubstr("does not nest"));
  EXPECT_THAT(findings("stack_pressure_MPa >= 11"), HasSubstr("outside the range of its sensor, 0 to 10 MPa"));
  EXPECT_THAT(findings("gas_ppm >= 48"), HasSubstr("less than the accuracy of its sensor, 5 ppm"));
}

TEST(CheckSensors, the_benchs_own_limits_hold_and_a_profile_may_not_widen_them) {
  CheckContext bench = press();
  bench.bench_limits.sensors.stack_pressure_max_MPa = 5.0;
  bench.bench_limit_places["stack_pressure_max_MPa"] = SourcePlace{"bench.yaml", 9, 5};
  EXPECT_THAT(findings_of(compiled(with_limits("stack_pressure_max_MPa: 6")), bench),
              HasSubstr("p.yaml:3: error: 'stack_pressure_max_MPa' = 6 widens the bench's limit of 5 (bench.yaml:9:5)"));
  EXPECT_EQ(findings_of(compiled(with_limits("stack_pressure_max_MPa: 4")), bench), "");
  const std::string end = "  - cc_charge: {rate_C: 0.5, until: [voltage_V >= 4.1, stack_pressure_MPa >= 5.5], at_most_h: 5}\n";
  EXPECT_THAT(findings_in_steps(end, bench), HasSubstr("the safety limit of 5 MPa trips the channel first"));
  EXPECT_THAT(findings_of(compiled(with_limits("stack_pressure_min_MPa: 5.5")), bench), HasSubstr("leave no window"));
}

TEST(CheckSensors, a_limit_of_a_step_needs_its_sensor_and_stays_within_the_benchs) {
  const std::string step = "  - rest: {for_s: 5, limits: {stack_pressure_max_MPa: 4}}\n";
  EXPECT_EQ(findings_in_steps(step, press()), "");
  CheckContext without = press();
  without.sensors[static_cast<std::size_t>(Measurand::stack_force)].reset();
  EXPECT_THAT(findings_in_steps(step, without), HasSubstr("cannot be kept: no sensor of this channel delivers"));
  CheckContext bench = press();
  bench.bench_limits.sensors.stack_pressure_max_MPa = 3.0;
  EXPECT_THAT(findings_in_steps(step, bench), HasSubstr("'stack_pressure_max_MPa' = 4 widens the bench's limit of 3"));
  bench.bench_limits.sensors = {.stack_pressure_min_MPa = 4.5};
  EXPECT_THAT(findings_in_steps(step, bench), HasSubstr("leave no window"));
}

TEST(CheckPulses, an_end_that_no_pulse_outlasts_is_never_judged) {
  const auto train = [](const std::string& after) {
    return "  - pulse_train: {times: 5, until: voltage_V >= 4.1 after " + after +
           ", at_most_h: 1, pulses: [{charge_rate_C: 0.5, for_s: 10}, {for_s: 20}]}\n";
  };
  EXPECT_THAT(findings_in_steps(train("20 s"), press()),
              HasSubstr("begins anew with each pulse, and none lasts longer than 20 s"));
  EXPECT_THAT(findings_in_steps(train("19 s"), press()), testing::Not(HasSubstr("begins anew")));
}

TEST(CheckSensors, a_limit_beyond_the_sensor_could_never_be_seen) {
  EXPECT_THAT(findings_of(compiled(with_limits("gas_max_ppm: 3000")), press()),
              HasSubstr("outside the range of its sensor, 0 to 2000"));
  CheckContext bench = press();
  bench.bench_limits.sensors.gas_max_ppm = 3000.0;
  bench.bench_limit_places["gas_max_ppm"] = SourcePlace{"bench.yaml", 9, 5};
  EXPECT_THAT(findings_in_steps(charge, bench), HasSubstr("bench.yaml:9: error: 'gas_max_ppm'"));
}

TEST(CheckSensors, two_healthy_voltmeters_may_be_apart_by_both_their_errors) {
  EXPECT_THAT(findings_of(compiled(with_limits("voltage_difference_max_V: 0.0015")), press()), HasSubstr("less than the errors"));
  EXPECT_EQ(findings_of(compiled(with_limits("voltage_difference_max_V: 0.0016")), press()), "");
}

TEST(CheckSensors, a_contactor_that_nothing_opens_but_this_program_is_warned_of) {
  CheckContext bench = press();
  bench.relay_without_watchdog = "board";
  const std::string found = findings_in_steps(charge, bench);
  EXPECT_THAT(found, HasSubstr("warning: "));
  EXPECT_THAT(found, HasSubstr("'board' has no watchdog"));
}

}  // namespace
}  // namespace cellrig::test
