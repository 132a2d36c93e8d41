// What is wrong before the start is found before the first ampere, and said in words.
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

struct StartCase {
  std::string name, order, message;
};
void PrintTo(const StartCase& start, std::ostream* out) { *out << start.order; }

class StartScenario : public testing::TestWithParam<StartCase> {};

TEST_P(StartScenario, is_refused_before_the_first_ampere_and_says_why) {
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", profile_of(During::charge, 25)}}, .control_period = control_period});
  bench.fault_at(0s, GetParam().order);
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::instrument_failure));
  EXPECT_THAT(bench.result("ch1").reason, testing::HasSubstr(GetParam().message));
  EXPECT_EQ(bench.truth("ch1").current_max_A, 0.0);
  EXPECT_EQ(bench.truth("ch1").current_min_A, 0.0);
  EXPECT_FALSE(bench.output_is_on("ch1"));
  EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
  // A start that was refused belongs into the record of the bench.
  const std::vector<db::EventRow> events = bench.record().events(0).value();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_THAT(events.front().message, testing::HasSubstr(GetParam().message));
  EXPECT_EQ(events.front().severity, db::Severity::alarm);
}

INSTANTIATE_TEST_SUITE_P(
    Start, StartScenario,
    testing::Values(StartCase{"reversed_cell", "reversed_cell ch1", "reversed polarity"},
                    StartCase{"thermocouple_open", "thermocouple_open ch1", "thermocouple"},
                    StartCase{"another_instrument", "identity psb1 text=OTHER", "calls itself 'OTHER'"},
                    StartCase{"another_chamber", "identity f4t text=OTHER", "oven"},
                    StartCase{"another_thermocouple_type", "identity adam text=5", "thermocouple type"},
                    StartCase{"cycler_port_closed", "refuse psb1 for_s=1000", "the cycler does not confirm OFF"},
                    StartCase{"cycler_silent", "accept_only psb1 for_s=1000", "the cycler does not confirm OFF"},
                    StartCase{"cycler_never_answers", "drop psb1 count=for_ever", "the cycler does not confirm OFF"},
                    StartCase{"chamber_port_closed", "refuse f4t for_s=1000", "oven"},
                    StartCase{"chamber_never_answers", "drop f4t count=for_ever", "oven"},
                    StartCase{"logger_port_closed", "refuse adam for_s=1000", "contactor"},
                    StartCase{"voltage_is_no_number", "nan psb1", "ch1"},
                    StartCase{"voltage_is_off", "voltage_offset psb1 offset_V=1.5", "is this the cell of the cell file?"},
                    StartCase{"instrument_keeps_its_panel", "local psb1", "ch1"}),
    [](const testing::TestParamInfo<StartCase>& p) { return p.param.name; });

std::string bench_with_cell(const std::string& cell) {
  return "bench: b\ninstruments:\n"
         "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
         "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
         "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}}\n"
         "simulation:\n  cells:\n    ch1: {file: lg-m50, " +
         cell + "}\n  room_temperature_degC: 25\n";
}

TEST(StartScenario, a_cell_that_lies_reversed_from_the_beginning_is_never_charged) {
  BenchHarness bench(
      {.bench = bench_with_cell("soc_pct: 50, reversed: true"), .profiles = {{"ch1", profile_of(During::charge)}}});
  bench.run();
  EXPECT_THAT(bench.result("ch1").reason, testing::HasSubstr("reversed polarity"));
  EXPECT_EQ(bench.truth("ch1").current_max_A, 0.0);
  EXPECT_EQ(bench.truth("ch1").current_min_A, 0.0);
}

TEST(StartScenario, a_cell_that_is_too_cold_to_charge_is_not_charged) {
  BenchHarness bench({.bench = bench_with_cell("soc_pct: 50, temperature_degC: -10"),
                      .profiles = {{"ch1", profile_of(During::charge)}},
                      .control_period = control_period});
  CurrentWatch watch(bench, "ch1", 0s);
  bench.run();
  expect_ended(bench, "ch1", Outcome::tripped, "too cold");
  EXPECT_LT(bench.truth("ch1").soc, 0.5 + 1e-4);
}

// Two channels, one chamber: what one asks for, the other's cell must stand. Refused before anything is switched.
TEST(StartScenario, a_temperature_that_the_cell_beside_it_does_not_stand_is_refused) {
  const std::string careful =
      "profile: P\nformat: 1\nlimits: {cell_temperature_max_degC: 39}\nsteps:\n  - rest: {for_min: 5, temperature_degC: 25}\n";
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", careful}, {"ch2", profile_of(During::rest, 40)}}});
  bench.run();
  for (const std::string channel : {"ch1", "ch2"}) {
    EXPECT_THAT(
        bench.result(channel).reason,
        testing::HasSubstr("ch2 asks chamber 'oven' for 40 degC, where the cell of ch1 stands too: its upper limit is 39"));
    EXPECT_TRUE(bench.result(channel).refused_by_rule);
    EXPECT_EQ(bench.truth(channel).current_max_A, 0.0);
  }
  EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
}

// A reply within microseconds must not be taken for a refusal: what was just written may read back old for a while.
TEST(StartScenario, replies_that_take_no_time_let_every_make_start) {
  for (const std::string cycler :
       {"{model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}",
        "{model: keysight-n6974a, scpi: \"192.0.2.11:5025\"}", "{model: itech-it-m3432, scpi: \"192.0.2.14:30000\"}"}) {
    BenchHarness bench({.bench = "bench: b\ninstruments:\n  cycler: " + cycler +
                                 "\n  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
                                 "channels:\n  ch1: {cycler: cycler, cell_temperature: {logger: adam, input: 0}}\n"
                                 "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n  latency: none\n",
                        .profiles = {{"ch1", profile_of(During::charge)}}});
    bench.at(60s, [&bench] { bench.bench_run().stop(Outcome::stopped); });
    bench.run();
    expect_ended(bench, "ch1", Outcome::stopped, "");
    EXPECT_GT(bench.truth("ch1").soc, 0.51) << cycler;
  }
}

}  // namespace
}  // namespace cellrig::test
