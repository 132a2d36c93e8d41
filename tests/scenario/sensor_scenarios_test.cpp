// What sensors beside the cycler may stop: a door that opens, a press that presses too hard, gas, a second voltmeter that disagrees, and
// every one of them when it falls silent.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "controller/base/resources.hpp"
#include "db/export/bdf.hpp"
#include "db/export/csv.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration instant = 60s + 37ms;
constexpr Duration interlock_time = 250ms;  ///< from the opening of a contact to no current
constexpr double off_20Ah_A = 0.2;          ///< 1 % of the 20 A these profiles carry

std::string steps(const std::string& text) { return "profile: Pressed\nformat: 1\nrecord: {every_s: 0}\nsteps:\n" + text; }
const char* const charge = "  - cc_charge: {rate_C: 1, until: voltage_V >= 4.2, at_most_h: 2}\n";

HarnessOptions pressed(const std::string& profile, Duration period = control_period) {
  return {.bench = "pressed", .profiles = {{"ch1", profile}}, .cell = "sulfide-20", .control_period = period};
}

/// The text of the bench that comes with the program, with one thing changed.
std::string pressed_bench(const std::string& from, const std::string& to) {
  std::ifstream file{find_bench("pressed")};
  std::ostringstream text;
  text << file.rdbuf();
  std::string bench = text.str();
  const std::size_t at = bench.find(from);
  if (at == std::string::npos) throw std::runtime_error("the bench file has no '" + from + "'");
  return bench.replace(at, from.size(), to);
}

std::map<std::string, std::vector<db::AuxRow>> aux_rows(BenchHarness& bench) {
  std::map<std::string, std::vector<db::AuxRow>> rows;
  const auto keep = [&rows](const db::AuxView& view) {
    rows[std::string(view.row.quantity)].push_back(view.row);
    return true;
  };
  (void)bench.record().for_each_aux(run_of(bench, "ch1").run, keep).value();
  return rows;
}

std::string text_of(const std::string& path) {
  std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// ---- interlock: F34

class InterlockDuring : public testing::TestWithParam<int> {};

// Whichever contact it is, and wherever in the polling period it opens.
TEST_P(InterlockDuring, a_contact_that_opens_switches_off_within_a_quarter_of_a_second) {
  for (const Duration phase : {0ms, 13ms, 29ms, 48ms, 71ms, 99ms}) {
    SCOPED_TRACE(phase.count());
    BenchHarness bench(pressed(steps(charge)));
    bench.fault_at(instant + phase, "interlock_open doors input=" + std::to_string(GetParam()));
    CurrentWatch watch(bench, "ch1", instant + phase, off_20Ah_A);
    bench.run();
    expect_ended(bench, "ch1", Outcome::tripped, "interlock open");
    expect_reaction("door", "a contact opens", watch.flowed_for(), interlock_time);
    EXPECT_FALSE(watch.came_back());
    EXPECT_TRUE(bench.said("contact " + std::to_string(GetParam()) + " of doors is open"));
  }
}

INSTANTIATE_TEST_SUITE_P(EveryContact, InterlockDuring, testing::Values(0, 1, 2));

TEST(InterlockScenario, a_module_that_says_nothing_more_is_an_open_contact) {
  for (const char* const fault : {"drop doors.modbus count=for_ever", "accept_only doors", "refuse doors", "reboot doors"}) {
    SCOPED_TRACE(fault);
    BenchHarness bench(pressed(steps(charge)));
    const bool is_reboot = std::string(fault).starts_with("reboot");
    bench.fault_at(instant, fault);
    if (is_reboot) bench.fault_at(instant + 1s, "interlock_open doors");
    CurrentWatch watch(bench, "ch1", is_reboot ? instant + 1s : instant, off_20Ah_A);
    bench.run();
    expect_ended(bench, "ch1", Outcome::tripped, "interlock open");
    EXPECT_LE(watch.flowed_for().value_or(1h), interlock_time);
  }
}

// One reply of twenty a second is lost now and then: no reason to end a test.
TEST(InterlockScenario, one_lost_answer_does_not_trip) {
  BenchHarness bench(pressed(steps("  - cc_charge: {rate_C: 1, until: step_time_s >= 90, at_most_h: 1}\n")));
  for (Duration at = 10s; at < 80s; at += 3s) bench.fault_at(at + 7ms, "drop doors.modbus count=1");
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
}

TEST(InterlockScenario, a_contact_that_nobody_is_bound_to_stops_nobody) {
  BenchHarness bench(pressed(steps("  - cc_charge: {rate_C: 1, until: step_time_s >= 60, at_most_h: 1}\n")));
  bench.fault_at(20s, "interlock_open doors input=5");
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
}

TEST(InterlockScenario, nothing_starts_while_a_contact_is_open) {
  BenchHarness bench(pressed(steps(charge)));
  bench.fault_at(0s, "interlock_open doors input=2");
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::instrument_failure));
  EXPECT_THAT(bench.result("ch1").reason, testing::HasSubstr("interlock open"));
  EXPECT_EQ(bench.truth("ch1").current_max_A, 0.0);
}

TEST(InterlockScenario, it_guards_a_rest_too) {
  BenchHarness bench(pressed(steps("  - rest: {for_min: 20}\n")));
  bench.fault_at(instant, "interlock_open doors");
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "interlock open");
}

// Opened and closed again before anybody came: it stays tripped.
TEST(InterlockScenario, a_contact_that_closes_again_brings_no_current_back) {
  BenchHarness bench(pressed(steps(charge)));
  bench.fault_at(instant, "interlock_open doors");
  bench.fault_at(instant + 120ms, "interlock_open doors on=false");
  CurrentWatch watch(bench, "ch1", instant, off_20Ah_A);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "interlock open");
  EXPECT_FALSE(watch.came_back());
}

// ---- stack pressure

// The cell breathes between plates that do not give: the pressure rises with its charge.
TEST(PressureScenario, a_stack_that_presses_too_hard_trips) {
  HarnessOptions options = pressed(steps(charge), 1s);
  options.bench = pressed_bench("stack_pressure_max_MPa: 7", "stack_pressure_max_MPa: 5.3");
  BenchHarness bench(options);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "stack pressure out of its limits: stack_pressure_MPa");
  EXPECT_NEAR(*bench.truth("ch1").pressure_MPa, 5.3, 0.05);
}

// What breathes out presses less: below the least, voids grow where lithium is taken away.
TEST(PressureScenario, a_stack_that_presses_too_little_trips) {
  HarnessOptions options = pressed(steps("  - cc_discharge: {rate_C: 1, until: voltage_V <= 2.6, at_most_h: 2}\n"), 1s);
  options.bench = pressed_bench("stack_pressure_min_MPa: 2", "stack_pressure_min_MPa: 4.8");
  BenchHarness bench(options);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "stack pressure out of its limits: stack_pressure_MPa");
  EXPECT_NEAR(*bench.truth("ch1").pressure_MPa, 4.8, 0.05);
}

TEST(PressureScenario, a_condition_on_the_pressure_ends_a_step_where_the_press_says) {
  BenchHarness bench(
      pressed(steps("  - cc_charge: {rate_C: 1, until: stack_pressure_MPa >= 5.25, at_most_h: 2}\n  - rest: {for_s: 5}\n"), 1s));
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  const std::vector<db::StepInfo> done = bench.record().steps(run_of(bench, "ch1").run).value();
  ASSERT_EQ(done.size(), 2U);
  EXPECT_EQ(done[0].end->condition, "stack_pressure_MPa >= 5.25");
  EXPECT_NEAR(done[0].end->value.value_or(0), 5.25, 0.01);
}

/// The text of the cell that comes with the program, with a limit of its own.
std::string sulfide_with(const std::string& limit) {
  std::string cell = text_of(find_cell("sulfide-20"));
  const std::size_t at = cell.find("limits:\n");
  if (at == std::string::npos) throw std::runtime_error("the cell file has no limits");
  return cell.insert(at + std::string("limits:\n").size(), "  " + limit + "\n");
}

/// The greatest stack pressure by bench, cell, profile and step; empty: none. The profile charges in two steps, the first with its limit.
struct PressureOwners {
  std::string bench, cell, profile, step;
};

HarnessOptions owned(const PressureOwners& max_MPa, const std::string& first_until) {
  const auto limit = [](const std::string& value) { return "stack_pressure_max_MPa: " + value; };
  std::string text = "profile: Pressed\nformat: 1\nrecord: {every_s: 0}\n";
  if (!max_MPa.profile.empty()) text += "limits: {" + limit(max_MPa.profile) + "}\n";
  const std::string of_step = max_MPa.step.empty() ? "" : ", limits: {" + limit(max_MPa.step) + "}";
  text += "steps:\n  - cc_charge: {rate_C: 1, until: " + first_until + ", at_most_h: 2" + of_step + "}\n" + charge;
  HarnessOptions options = pressed(text, 1s);
  options.bench = pressed_bench("stack_pressure_max_MPa: 7", limit(max_MPa.bench));
  if (!max_MPa.cell.empty()) options.cell = sulfide_with(limit(max_MPa.cell));
  return options;
}

TEST(LimitsOfAllOwners, the_tightest_of_bench_cell_profile_and_step_trips_whoever_gave_it) {
  for (const PressureOwners& owners :
       {PressureOwners{"5.3", "6", "", ""}, {"7", "5.3", "", ""}, {"7", "6", "5.3", ""}, {"7", "6", "5.6", "5.3"}}) {
    SCOPED_TRACE(owners.bench + " " + owners.cell + " " + owners.profile + " " + owners.step);
    BenchHarness bench(owned(owners, "voltage_V >= 4.2"));
    bench.run();
    expect_ended(bench, "ch1", Outcome::tripped, "stack pressure out of its limits: stack_pressure_MPa");
    EXPECT_NEAR(*bench.truth("ch1").pressure_MPa, 5.3, 0.05);
    EXPECT_EQ(bench.record().steps(run_of(bench, "ch1").run).value().size(), 1U);
  }
}

TEST(LimitsOfAllOwners, after_a_step_the_tightest_of_the_others_holds) {
  BenchHarness bench(owned({"7", "6", "5.4", "5.3"}, "stack_pressure_MPa >= 5.2"));
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "stack pressure out of its limits: stack_pressure_MPa");
  EXPECT_NEAR(*bench.truth("ch1").pressure_MPa, 5.4, 0.02);
  EXPECT_EQ(bench.record().steps(run_of(bench, "ch1").run).value().size(), 2U);
}

// A delay is given beside its limit: the same run trips by so much later, and no sooner.
TEST(LimitsOfAllOwners, a_limit_with_a_delay_trips_when_it_has_been_exceeded_for_so_long) {
  const auto tripped_at_s = [](const std::string& delay) {
    BenchHarness bench(owned({"5.3" + delay, "", "", ""}, "voltage_V >= 4.2"));
    bench.run();
    expect_ended(bench, "ch1", Outcome::tripped, "stack pressure out of its limits: stack_pressure_MPa");
    for (const db::EventRow& event : events_of(bench, "ch1")) {
      if (event.severity == db::Severity::trip) return 1e-9 * static_cast<double>(event.test_time_ns);
    }
    return 0.0;
  };
  const double at_once_s = tripped_at_s("");
  EXPECT_GT(at_once_s, 60.0);
  EXPECT_NEAR(tripped_at_s("\n      stack_pressure_for_s: 5") - at_once_s, 5.0, 1.5);
}

// What the fixture bears is less than what the cell bears.
TEST(LimitsOfAllOwners, a_bench_that_allows_less_than_the_cell_trips_by_its_own_limit) {
  HarnessOptions options = pressed(steps(charge));
  options.bench = pressed_bench("stack_pressure_max_MPa: 7", "stack_pressure_max_MPa: 7\n      cell_temperature_max_degC: 40");
  BenchHarness bench(options);
  bench.at(instant, [&bench] { shift_thermocouple(bench, "ch1", 30.0); });
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "cell too hot");
  EXPECT_LT(bench.truth("ch1").surface_temperature_max_degC, 40.0) << "the reading, not the cell";
}

TEST(LimitsOfAllOwners, nobody_widens_what_an_outer_one_has_given) {
  EXPECT_THROW(BenchHarness(owned({"7", "6", "5.3", "5.6"}, "voltage_V >= 4.2")), std::runtime_error);
  EXPECT_THROW(BenchHarness(owned({"7", "5.3", "5.6", ""}, "voltage_V >= 4.2")), std::runtime_error);
}

class SensorSilent : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(SensorSilent, a_sensor_with_a_limit_that_fails_ends_the_run) {
  BenchHarness bench(pressed(steps(charge)));
  bench.fault_at(instant, GetParam().first);
  CurrentWatch watch(bench, "ch1", instant, off_20Ah_A);
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, GetParam().second);
  expect_reaction("H5", "pressure or gas is no longer measured", watch.flowed_for(), 1300ms);
}

INSTANTIATE_TEST_SUITE_P(EverySensor, SensorSilent,
                         testing::Values(std::pair{"drop press.modbus count=for_ever", "no fresh reading: stack_pressure_MPa"},
                                         std::pair{"refuse press", "no fresh reading: stack_pressure_MPa"},
                                         std::pair{"sensor_open press", "not a number: stack_pressure_MPa"},
                                         std::pair{"nan press", "not a number: stack_pressure_MPa"},
                                         std::pair{"drop sniffer.modbus count=for_ever", "no fresh reading: gas_ppm"},
                                         std::pair{"sensor_open sniffer", "not a number: gas_ppm"}));

// ---- gas: H5

/// The same bench with a neighbour outside the chamber, whose gas the sensor smells first.
std::string bench_with_a_neighbour() {
  std::string bench = pressed_bench("  ch1:\n    cycler: psb1\n",
                                    "  ch0:\n    cycler: psb0\n    gas: {logger: sniffer, input: 0}\n  ch1:\n    cycler: psb1\n");
  const auto insert = [&bench](const std::string& before, const std::string& text) { bench.insert(bench.find(before), text); };
  insert("  f4t: {model", "  psb0: {model: ea-psb-10060-60, modbus: \"192.0.2.30:502\", scpi: \"192.0.2.30:5025\"}\n");
  insert("    ch1: {file", "    ch0: {file: sulfide-20, soc_pct: 90}\n");
  return bench;
}

TEST(GasScenario, gas_stops_the_channel_and_its_chamber_before_anything_is_hot) {
  HarnessOptions options =
      pressed(steps("  - cc_charge: {rate_C: 0.2, until: voltage_V >= 4.2, at_most_h: 6, temperature_degC: 30}\n"), 1s);
  options.bench = bench_with_a_neighbour();
  BenchHarness bench(options);
  bool was_running = false;
  bench.at(instant, [&bench, &was_running] {
    (void)bench.truth("ch1");
    was_running = bench.bench().world().chamber(0).is_running();
    bench.bench().world().stage(bench.bench().channel("ch0")->cell).cell().set_extra_heat(3000.0);
  });
  bench.run();
  EXPECT_TRUE(was_running);
  expect_ended(bench, "ch1", Outcome::tripped, "gas beside the cell: gas_ppm");
  EXPECT_LT(bench.truth("ch1").surface_temperature_max_degC, 40.0);
  EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
}

// ---- two voltmeters: H8

TEST(VoltmeterScenario, a_sense_lead_that_lies_is_found_by_the_second_voltmeter) {
  for (const char* const offset : {"0.2", "-0.2"}) {
    SCOPED_TRACE(offset);
    BenchHarness bench(pressed(steps(charge)));
    bench.fault_at(instant, std::string("voltage_offset psb1 offset_V=") + offset);
    CurrentWatch watch(bench, "ch1", instant, off_20Ah_A);
    bench.run();
    expect_ended(bench, "ch1", Outcome::tripped, "the cycler and the second voltmeter disagree");
    expect_reaction("H8", "second voltmeter disagrees", watch.flowed_for(), 500ms);  // two polls
  }
}

TEST(VoltmeterScenario, a_drift_below_the_bound_is_said_once_and_trips_nobody) {
  BenchHarness bench(pressed(steps("  - cc_charge: {rate_C: 1, until: step_time_s >= 60, at_most_h: 1}\n")));
  bench.fault_at(20s, "voltage_offset psb1 offset_V=0.1");
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  const auto is_said = [](const Message& m) { return m.text.find("second voltmeter") != std::string::npos; };
  EXPECT_EQ(std::count_if(bench.messages().begin(), bench.messages().end(), is_said), 1);
}

// Every step of current moves the voltage by more than the bound.
TEST(VoltmeterScenario, steps_of_current_trip_nobody) {
  std::string pulses = "  - repeat:\n      times: 10\n      steps:\n";
  pulses += "        - cc_discharge: {rate_C: 2.9, until: step_time_s >= 3, at_most_h: 1}\n";
  pulses += "        - cc_charge: {rate_C: 2.9, until: step_time_s >= 3, at_most_h: 1}\n";
  pulses += "        - rest: {for_s: 2}\n";
  BenchHarness bench(pressed(steps(pulses)));
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  EXPECT_GT(bench.truth("ch1").current_max_A, 57.0);
}

// ---- the record

// An empty cell jumps back by tenths of a volt when its discharge ends, and the second voltmeter is polled between before and after.
TEST(VoltmeterScenario, a_poll_on_the_edge_of_a_discharge_is_not_told_as_a_disagreement) {
  BenchHarness bench(
      pressed(steps("  - cc_discharge: {rate_C: 1, until: voltage_V <= 2.6, at_most_h: 2}\n  - rest: {for_s: 60}\n"), 1s));
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  EXPECT_FALSE(bench.said("and second voltmeter"));
}

TEST(SensorRecord, what_sensors_measured_stands_beside_the_samples_and_goes_out_with_them) {
  BenchHarness bench(
      pressed("profile: P\nformat: 1\nrecord: {every_s: 5}\nsteps:\n  - cc_charge: {rate_C: 1, until: step_time_s >= 120, "
              "at_most_h: 1}\n",
              1s));
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  const auto rows = aux_rows(bench);
  const std::size_t samples = samples_of(bench, "ch1").size();
  for (const char* const quantity : {"logger_voltage_V", "stack_force_N", "stack_pressure_MPa", "gas_ppm"}) {
    ASSERT_TRUE(rows.contains(quantity)) << quantity;
    EXPECT_GT(rows.at(quantity).size(), samples / 2) << quantity;
    EXPECT_LE(rows.at(quantity).size(), samples) << quantity << ": no more rows than samples";
  }
  EXPECT_EQ(rows.at("interlock_closed").size(), 1U) << "on change only";
  EXPECT_NEAR(rows.at("stack_pressure_MPa").back().value, *bench.truth("ch1").pressure_MPa, 0.01);
  EXPECT_NEAR(rows.at("stack_force_N").back().value, rows.at("stack_pressure_MPa").back().value * 20000, 1e-6);
  EXPECT_NEAR(rows.at("logger_voltage_V").back().value, samples_of(bench, "ch1").back().voltage_V, 0.02);

  const std::string folder = temporary_folder();
  const db::RunKey run = run_of(bench, "ch1").run;
  (void)db::export_csv(bench.record(), run, {folder + "/x.csv"}).value();
  EXPECT_THAT(text_of(folder + "/x.csv"), testing::HasSubstr(",logger_voltage_V,stack_force_N,stack_pressure_MPa,gas_ppm\n"));
  (void)db::export_bdf(bench.record(), run, {folder + "/x.bdf.csv"}).value();
  EXPECT_THAT(text_of(folder + "/x.bdf.csv"), testing::HasSubstr(",Applied Pressure / Pa,"));
}

}  // namespace
}  // namespace cellrig::test
