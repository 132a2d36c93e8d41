// Instruments as they are, with noise in their last digits: what dies is found by that noise, and what lives is left alone.
#include <algorithm>
#include <utility>

#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration noise_is_known = 3min;  // three pages of readings
constexpr Duration noise_of_a_logger_is_known = 8min;

/// Two makes of cyclers and two of loggers, each drawn from what its maker promises.
std::string noisy_bench() {
  return "bench: noisy\n"
         "instruments:\n"
         "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
         "  aps1: {model: keysight-n6974a, scpi: \"192.0.2.11:5025\"}\n"
         "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
         "channels:\n"
         "  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}}\n"
         "  ch2: {cycler: aps1, cell_temperature: {logger: adam, input: 1}}\n"
         "simulation:\n"
         "  cells: {ch1: {file: lg-m50, soc_pct: 40}, ch2: {file: lg-m50, soc_pct: 40}}\n"
         "  room_temperature_degC: 25\n"
         "  latency: modelled\n"
         "  measurement: drawn\n";
}

const std::string at_1C =
    "profile: P\nformat: 1\nrecord: {every_s: 10}\nsteps:\n  - cc_charge: {rate_C: 1, until: step_time_s >= 600, at_most_h: 1}\n";

HarnessOptions noisy(const std::string& channel, const std::string& profile) {
  return {.bench = noisy_bench(), .profiles = {{channel, profile}}, .control_period = control_period};
}

// H2, F21: five seconds at 1C.
TEST(StillReadings, a_cycler_that_shows_the_same_for_ever_is_found_in_five_seconds) {
  for (const auto& [channel, cycler] : {std::pair{"ch1", "psb1"}, std::pair{"ch2", "aps1"}}) {
    SCOPED_TRACE(cycler);
    BenchHarness bench(noisy(channel, at_1C));
    bench.fault_at(noise_is_known, std::string("freeze ") + cycler);
    CurrentWatch watch(bench, channel, noise_is_known);
    bench.run();
    expect_ended(bench, channel, Outcome::instrument_failure, "stands still though its digits always moved: voltage_V");
    expect_reaction("H2", std::string("readings stand still, ") + cycler, watch.flowed_for(), 6s);
  }
}

// F22: a minute.
TEST(StillReadings, a_thermometer_that_shows_the_same_for_ever_is_found_in_a_minute) {
  BenchHarness bench(noisy("ch1", at_1C));
  bench.fault_at(noise_of_a_logger_is_known, "freeze adam");
  CurrentWatch watch(bench, "ch1", noise_of_a_logger_is_known);
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "stands still though its digits always moved: cell_temperature_degC");
  expect_reaction("F22", "a thermometer stands still", watch.flowed_for(), 62s);
}

// F24: no limit is near. It is said, and stays in the record.
TEST(StillReadings, thirty_millivolts_more_in_the_middle_of_a_step_are_said_and_recorded) {
  for (const char* const offset : {"0.03", "-0.03"}) {
    SCOPED_TRACE(offset);
    BenchHarness bench(noisy("ch1", at_1C));
    bench.fault_at(60s, std::string("voltage_offset psb1 offset_V=") + offset);
    bench.run();
    expect_ended(bench, "ch1", Outcome::completed, "");
    const std::vector<db::EventRow> events = events_of(bench, "ch1");
    const auto is_jump = [](const db::EventRow& e) { return e.kind == "voltage jump"; };
    EXPECT_EQ(std::count_if(events.begin(), events.end(), is_jump), 1);
  }
}

TEST(StillReadings, healthy_instruments_are_left_alone_in_charge_taper_rest_discharge_and_pulses) {
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 10}\nsteps:\n"
      "  - cccv_charge: {rate_C: 1, voltage_V: 4.2, until: current_A <= 0.25, at_most_h: 3}\n"
      "  - rest: {for_min: 10}\n"
      "  - cc_discharge: {rate_C: 1, until: voltage_V <= 3.0, at_most_h: 2}\n"
      "  - rest: {for_min: 10}\n"
      "  - cycles:\n      times: 5\n      steps:\n"
      "        - cc_charge: {rate_C: 0.5, until: step_time_s >= 20, at_most_h: 1}\n"
      "        - rest: {for_s: 20}\n"
      "        - cc_discharge: {rate_C: 0.5, until: step_time_s >= 20, at_most_h: 1}\n";
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    BenchHarness bench({.bench = noisy_bench(),
                        .profiles = {{"ch1", profile}, {"ch2", profile}},
                        .seed = seed,
                        .control_period = control_period});
    bench.run();
    for (const char* const channel : {"ch1", "ch2"}) {
      expect_ended(bench, channel, Outcome::completed, "");
      for (const db::EventRow& event : events_of(bench, channel)) EXPECT_NE(event.kind, "voltage jump") << event.message;
    }
  }
}

}  // namespace
}  // namespace cellrig::test
