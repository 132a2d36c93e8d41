// Every bound trips where it stands: what is shown a little beyond it ends the run, long before twice as much. The other scenarios make faults that
// nobody could overlook; these are the ones that a bound with an error in its last digit lets pass.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "sim/bench.hpp"
#include "sim/faults.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration instant = 60s + 37ms;
constexpr Duration two_polls = 250ms;

// Of profiles/cells/lg-m50.yaml.
constexpr double voltage_max_V = 4.25, voltage_min_V = 2.45;
constexpr double cell_temperature_min_degC = -35.0, charge_temperature_min_degC = 0.0;
constexpr double charge_guard_Ah = 1.2 * 4.978;

std::string steps(const std::string& text) { return "profile: Bound\nformat: 1\nrecord: {every_s: 0}\nsteps:\n" + text; }

HarnessOptions single(const std::string& step) { return {.profiles = {{"ch1", steps(step)}}, .control_period = control_period}; }

/// From `instant` on the cycler shows this voltage, whatever the cell's is.
void show_voltage(BenchHarness& bench, double volts) {
  bench.at(instant, [&bench, volts] {
    const std::string order = fmt::format("voltage_offset psb1 offset_V={:.4f}", volts - bench.truth("ch1").voltage_V);
    const Result<void> done = sim::apply_fault(bench.bench(), bench.time().now(), order);
    if (!done) ADD_FAILURE() << order << ": " << done.error().what;
  });
}

/// From `instant` on the thermometer of the cell shows this.
void show_temperature(BenchHarness& bench, double degC) {
  bench.at(instant, [&bench, degC] {
    shift_thermocouple(bench, "ch1", 0.0);
    shift_thermocouple(bench, "ch1", degC - bench.truth("ch1").surface_temperature_degC);
  });
}

TEST(BoundScenario, twenty_millivolts_above_the_greatest_voltage) {
  BenchHarness bench(single("  - rest: {for_min: 5}\n"));
  show_voltage(bench, voltage_max_V + 0.02);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "over-voltage");
}

TEST(BoundScenario, twenty_millivolts_below_the_least_voltage) {
  BenchHarness bench(single("  - cc_discharge: {rate_C: 0.5, until: voltage_V <= 2.5, at_most_h: 3}\n"));
  show_voltage(bench, voltage_min_V - 0.02);
  CurrentWatch watch(bench, "ch1", instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "under-voltage");
  EXPECT_LE(watch.flowed_for().value_or(1h), two_polls);
}

class CurrentBound : public testing::TestWithParam<const char*> {};

// 9.5 A of 10 are shown as 10.26: less than a regulated current may differ from the commanded one, and the rates by temperature allow 11.
TEST_P(CurrentBound, a_fortieth_above_the_greatest_current) {
  const std::string way = GetParam();
  const std::string until = way == "charge" ? "voltage_V >= 4.2" : "voltage_V <= 2.5";
  BenchHarness bench({.profiles = {{"ch1", "profile: Bound\nformat: 1\nrecord: {every_s: 0}\nlimits: {" + way +
                                               "_current_max_A: 10}\nsteps:\n  - cc_" + way + ": {rate_C: 1.9, until: " + until +
                                               ", at_most_h: 1}\n"}},
                      .control_period = control_period});
  bench.fault_at(instant, "miscalibrated psb1 offset_V=0 current_gain_pct=8");
  CurrentWatch watch(bench, "ch1", instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, way + " current too high");
  EXPECT_THAT(bench.result("ch1").reason, testing::HasSubstr("10.0000"));
  EXPECT_LE(watch.flowed_for().value_or(1h), two_polls);
}

INSTANTIATE_TEST_SUITE_P(BothWays, CurrentBound, testing::Values("charge", "discharge"),
                         [](const testing::TestParamInfo<const char*>& p) { return std::string(p.param); });

TEST(BoundScenario, a_kelvin_below_the_least_temperature) {
  BenchHarness bench(single("  - rest: {for_min: 5}\n"));
  show_temperature(bench, cell_temperature_min_degC - 1.0);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "cell too cold");
}

// A slow charge, which the rates by temperature allow there.
TEST(BoundScenario, a_kelvin_too_cold_to_be_charged) {
  BenchHarness bench(single("  - cc_charge: {rate_C: 0.2, until: voltage_V >= 4.2, at_most_h: 6}\n"));
  show_temperature(bench, charge_temperature_min_degC - 1.0);
  CurrentWatch watch(bench, "ch1", instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "too cold");
  EXPECT_LE(watch.flowed_for().value_or(1h), 1s);
}

// A short so small that the voltage rises: nothing but the count of the charge tells.
TEST(BoundScenario, a_charge_that_goes_on_beyond_what_the_cell_can_hold) {
  BenchHarness bench({.bench = "bench: b\ninstruments:\n"
                               "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
                               "channels:\n  ch1: {cycler: psb1}\n"
                               "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 30, short_ohm: 4}\n",
                      .profiles = {{"ch1", steps("  - cc_charge: {rate_C: 0.3, until: voltage_V >= 4.2, at_most_h: 20}\n")}}});
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "more charge went in than the cell can hold");
  EXPECT_NEAR(samples_of(bench, "ch1").back().charge_Ah, charge_guard_Ah, 0.15);
}

// 1C of what may be 0.9C there, by the lines between the rates of the cell's file.
std::string at_rates(const std::string& way) {
  std::ifstream file{std::string{CELLRIG_SOURCE_DIR} + "/profiles/cells/lg-m50.yaml"};
  std::string cell{std::istreambuf_iterator<char>{file}, {}};
  const std::string charge = "  charge_rate_by_temperature:";
  const std::size_t at = cell.find(charge);
  EXPECT_NE(at, std::string::npos);
  return way == "charge" ? cell : cell.replace(at, charge.size(), "  discharge_rate_by_temperature:");
}

class ColdRate : public testing::TestWithParam<const char*> {};

TEST_P(ColdRate, a_tenth_more_than_the_cell_takes_at_its_temperature) {
  const std::string way = GetParam();
  const std::string until = way == "charge" ? "voltage_V >= 4.2" : "voltage_V <= 2.5";
  HarnessOptions options = single("  - cc_" + way + ": {rate_C: 1, until: " + until + ", at_most_h: 1}\n");
  options.cell = at_rates(way);
  BenchHarness bench(options);
  show_temperature(bench, 10.0 + 15.0 * (0.9 - 0.7) / (2.0 - 0.7));
  CurrentWatch watch(bench, "ch1", instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, way + " current too high");
  EXPECT_LE(watch.flowed_for().value_or(1h), 1s);
}

INSTANTIATE_TEST_SUITE_P(BothWays, ColdRate, testing::Values("charge", "discharge"),
                         [](const testing::TestParamInfo<const char*>& p) { return std::string(p.param); });

// The instrument says "off", and so does nobody else.
TEST(BoundScenario, a_current_in_a_rest) {
  BenchHarness bench(single("  - rest: {for_min: 5}\n"));
  bench.fault_at(instant, "output_on ch1 current_A=0.5 voltage_V=4.2");
  CurrentWatch watch(bench, "ch1", instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "current flows while the output should be off");
  EXPECT_LE(watch.flowed_for().value_or(1h), two_polls);
}

class ClippedCurrent : public testing::TestWithParam<const char*> {};

// A sixth of the current flows that nobody counts.
TEST_P(ClippedCurrent, a_sixth_less_than_the_commanded_current) {
  BenchHarness bench(single(GetParam()));
  bench.fault_at(instant, "saturate psb1 voltage_V=60 current_A=4.2");
  CurrentWatch watch(bench, "ch1", instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "the current is not the commanded one");
  EXPECT_LE(watch.flowed_for().value_or(1h), two_polls);
}

INSTANTIATE_TEST_SUITE_P(BothWays, ClippedCurrent,
                         testing::Values("  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 1}\n",
                                         "  - cc_discharge: {rate_C: 1, until: voltage_V <= 2.5, at_most_h: 1}\n"),
                         [](const testing::TestParamInfo<const char*>& p) {
                           return std::string(p.param).find("cc_charge") != std::string::npos ? "charge" : "discharge";
                         });

// ---- leaks

std::string leaking(const std::string& cell) {
  return "bench: b\ninstruments:\n"
         "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
         "channels:\n  ch1: {cycler: psb1}\n"
         "simulation:\n  cells:\n    ch1: {file: lg-m50, " +
         cell + "}\n  measurement: {psb1: {voltage_noise_V: 0.002, current_noise_A: 0.002}}\n";
}

// A third of the capacity, and what went in until the voltage stood.
TEST(BoundScenario, a_third_of_the_capacity_that_raises_no_voltage) {
  BenchHarness bench({.bench = leaking("soc_pct: 30, short_ohm: 2.2"),
                      .profiles = {{"ch1", steps("  - cc_charge: {rate_C: 0.3, until: voltage_V >= 4.2, at_most_h: 20}\n")}}});
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "the voltage does not rise while charge goes in");
  EXPECT_LT(samples_of(bench, "ch1").back().charge_Ah, 0.4 * 5.0);
}

// Some 60 mA: 5 mV in half an hour.
TEST(BoundScenario, a_rest_that_goes_on_falling_slowly) {
  BenchHarness bench({.bench = leaking("soc_pct: 60, short_ohm: 60"), .profiles = {{"ch1", steps("  - rest: {for_h: 12}\n")}}});
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "the voltage goes on falling at rest");
}

// ---- heat

// A little more than what 1 A can do to the lightest cell of that mass.
TEST(BoundScenario, a_cell_that_warms_a_little_faster_than_its_current_can_warm_it) {
  BenchHarness bench({.bench = "demo",
                      .profiles = {{"ch1", steps("  - rest: {for_min: 1, temperature_degC: 25}\n"
                                                 "  - cc_charge: {rate_C: 0.2, until: step_time_s >= 1800, at_most_h: 1}\n")}}});
  bench.fault_at(10min, "extra_heat ch1 power_W=4.5");
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "the cell warms faster than its current can warm it");
}

// ---- sensors beside the cell

// The limit of the bench is 50 ppm.
TEST(BoundScenario, a_little_more_gas_than_there_may_be) {
  BenchHarness bench({.bench = "pressed",
                      .profiles = {{"ch1", steps("  - cc_charge: {rate_C: 0.2, until: voltage_V >= 4.2, at_most_h: 6}\n")}},
                      .cell = "sulfide-20",
                      .control_period = control_period});
  bench.fault_at(instant, "venting ch1 gas_ppm=65 pressure_MPa=0 rise_K=0 over_s=10");
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "gas beside the cell: gas_ppm");
}

/// The longest a current flowed after this fault, wherever in the polling periods it came.
Duration flowed_at_most(const std::string& fault, const std::string& cause) {
  Duration most{};
  for (const Duration phase : {0ms, 10ms, 20ms, 30ms, 40ms, 90ms}) {
    BenchHarness bench({.bench = "pressed",
                        .profiles = {{"ch1", steps("  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2}\n")}},
                        .cell = "sulfide-20",
                        .control_period = control_period});
    bench.fault_at(instant + phase, fault);
    CurrentWatch watch(bench, "ch1", instant + phase);
    bench.run();
    EXPECT_THAT(bench.result("ch1").reason, testing::HasSubstr(cause));
    most = std::max(most, watch.flowed_for().value_or(1h));
  }
  return most;
}

// Its age limit, from an answer before the fault, and the OFF: not until whoever asks has given up.
TEST(BoundScenario, contacts_that_are_not_known_for_a_fifth_of_a_second) {
  EXPECT_LE(flowed_at_most("drop doors.modbus count=for_ever", "interlock open"), 210ms);
}

TEST(BoundScenario, a_sensor_with_a_limit_that_is_not_known_for_a_second) {
  EXPECT_LE(flowed_at_most("drop press.modbus count=for_ever", "no fresh reading: stack_pressure_MPa"), 1030ms);
}

// ---- and what stays within every bound ends nothing

TEST(WithinBounds, one_reading_that_dips_is_no_short) {
  BenchHarness bench(single("  - cc_charge: {rate_C: 1, until: step_time_s >= 90, at_most_h: 1}\n"));
  bench.fault_at(instant, "spike psb1 offset_V=-0.2 count=1");
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
}

/// A healthy cell in a room that is as cold as it is.
std::string in_the_cold(const std::string& cell, double room_degC) {
  return "bench: b\ninstruments:\n"
         "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
         "channels:\n  ch1: {cycler: psb1}\n"
         "simulation:\n  cells:\n    ch1: {file: lg-m50, " +
         cell + fmt::format(", temperature_degC: {0:g}}}\n  room_temperature_degC: {0:g}\n", room_degC);
}

TEST(WithinBounds, a_current_that_tapers_slowly_is_no_short) {
  BenchHarness bench({.bench = in_the_cold("soc_pct: 70, resistance_factor: 2", 5.0),
                      .profiles = {{"ch1", steps("  - cccv_charge: {rate_C: 0.3, voltage_V: 4.2, until: current_A <= 0.26, "
                                                 "at_most_h: 12}\n")}}});
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
}

// In the cold everything evens out over hours, and slows down.
TEST(WithinBounds, a_voltage_that_relaxes_slowly_is_no_leak) {
  BenchHarness bench({.bench = "demo",
                      .profiles = {{"ch1", steps("  - rest: {for_h: 1, temperature_degC: 10.5}\n"
                                                 "  - cc_charge: {rate_C: 0.7, until: voltage_V >= 4.2, at_most_h: 2}\n"
                                                 "  - rest: {for_h: 6}\n")}}});
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
}

// The heat of the core, and whatever somebody does to the thermocouple before a rest has settled.
TEST(WithinBounds, what_warms_at_the_start_of_a_rest_is_not_the_cells_own_heat) {
  BenchHarness bench({.bench = "demo",
                      .profiles = {{"ch1", steps("  - rest: {for_min: 1, temperature_degC: 25}\n"
                                                 "  - cc_discharge: {rate_C: 2.9, until: step_time_s >= 60, at_most_h: 1}\n"
                                                 "  - rest: {for_min: 30}\n")}}});
  bench.at(115s, [&bench] { shift_thermocouple(bench, "ch1", -5.0); });
  bench.at(128s, [&bench] { shift_thermocouple(bench, "ch1", 0.0); });
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  EXPECT_GT(bench.truth("ch1").surface_temperature_max_degC, 29.0);
}

TEST(WithinBounds, energy_that_comes_back_nearly_whole_is_no_wrong_reading) {
  BenchHarness bench(
      single("  - cc_charge: {rate_C: 0.2, until: step_time_s >= 1800, at_most_h: 1}\n"
             "  - cc_discharge: {rate_C: 0.2, until: step_time_s >= 2400, at_most_h: 1}\n"));
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
}

TEST(WithinBounds, a_thermometer_that_falls_back_into_its_place_is_no_heat) {
  BenchHarness bench({.bench = "demo",
                      .profiles = {{"ch1", steps("  - rest: {for_min: 1, temperature_degC: 25}\n"
                                                 "  - cc_charge: {rate_C: 0.2, until: step_time_s >= 5400, at_most_h: 2}\n")}}});
  bench.fault_at(10min, "extra_heat ch1 power_W=1.5");
  bench.at(60min, [&bench] { shift_thermocouple(bench, "ch1", -2.5); });
  bench.at(70min, [&bench] { shift_thermocouple(bench, "ch1", 0.0); });
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  EXPECT_GT(bench.truth("ch1").surface_temperature_max_degC, 30.0) << "warmer than all around it";
}

TEST(WithinBounds, a_chamber_that_warms_the_cell_is_no_heat_of_the_cell) {
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", steps("  - rest: {for_h: 1, temperature_degC: 45}\n")}}});
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
}

}  // namespace
}  // namespace cellrig::test
