// An instrument that is silent when OFF is due. Who made the output safe in the end is told as it was: the instrument, or its watchdog.
#include "controller/async/virtual_time.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration silence_begins = 30s + 37ms;
constexpr Duration watchdog = 5s;  // the bench file's default

/// One channel without a contactor, so that nothing is left but the instrument's own watchdog.
std::string bench_with(const std::string& cycler) {
  return "bench: b\ninstruments:\n  cycler: " + cycler +
         "\n  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
         "channels:\n  ch1: {cycler: cycler, cell_temperature: {logger: adam, input: 0}}\n"
         "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n  room_temperature_degC: 25\n";
}
const std::string ea = "{model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}";
const std::string keysight = "{model: keysight-n6974a, scpi: \"192.0.2.11:5025\"}";

struct Silence {
  std::string name;
  std::string cycler;
  During during = During::charge;
  std::string lasts_s;
  SafeBy safe_by = SafeBy::watchdog;
  std::string kind;                ///< of the event in the record
  Duration current_ends_at_least;  ///< after the silence began
  Duration current_ends_at_most;
};
void PrintTo(const Silence& silence, std::ostream* out) { *out << silence.name; }

class Silent : public testing::TestWithParam<Silence> {};

TEST_P(Silent, is_told_as_it_was) {
  const Silence& silence = GetParam();
  BenchHarness bench(
      {.bench = bench_with(silence.cycler), .profiles = {{"ch1", profile_of(silence.during)}}, .control_period = control_period});
  bench.fault_at(silence_begins, "refuse cycler for_s=" + silence.lasts_s);
  CurrentWatch watch(bench, "ch1", silence_begins);
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "no fresh reading: voltage_V");
  EXPECT_EQ(bench.result("ch1").safe_by, silence.safe_by);
  EXPECT_FALSE(watch.came_back());
  EXPECT_GE(watch.flowed_for().value_or(0s), silence.current_ends_at_least);
  const bool is_watchdog = silence.safe_by != SafeBy::instrument;
  expect_reaction(is_watchdog ? "H13" : "H12", (is_watchdog ? "no word reaches it: " : "silence ") + silence.name,
                  watch.flowed_for(), silence.current_ends_at_most);
  std::vector<std::string> found;
  for (const db::EventRow& event : events_of(bench, "ch1")) {
    if (event.kind != "off by the watchdog" && event.kind != "output state unknown") continue;
    found.push_back(event.kind);
    EXPECT_EQ(event.severity, db::Severity::alarm);
    EXPECT_THAT(event.message, testing::HasSubstr("watchdog"));
    EXPECT_THAT(event.message, testing::HasSubstr("Go and look"));
    EXPECT_TRUE(bench.said(event.message)) << "and a person is told at once";
  }
  EXPECT_EQ(found, silence.kind.empty() ? std::vector<std::string>{} : std::vector<std::string>{silence.kind});
}

constexpr Duration tolerance = 200ms;  // the last exchange before the silence, and the one that looks

INSTANTIATE_TEST_SUITE_P(
    Silence, Silent,
    testing::Values(
        // It answers again before its watchdog fires: it goes off because it is told to.
        Silence{"ends_before_the_watchdog_ea_charge", ea, During::charge, "2.5", SafeBy::instrument, "", 2s, 3s},
        Silence{"ends_before_the_watchdog_keysight_charge", keysight, During::charge, "2.5", SafeBy::instrument, "", 2s, 4s},
        // It is silent for longer: nothing but its watchdog can have done it.
        Silence{"outlasts_the_watchdog_ea_charge", ea, During::charge, "8", SafeBy::watchdog, "off by the watchdog",
                watchdog - tolerance, watchdog + tolerance},
        Silence{"outlasts_the_watchdog_ea_discharge", ea, During::discharge, "8", SafeBy::watchdog, "off by the watchdog",
                watchdog - tolerance, watchdog + tolerance},
        Silence{"outlasts_the_watchdog_keysight_charge", keysight, During::charge, "8", SafeBy::watchdog, "off by the watchdog",
                watchdog - tolerance, watchdog + tolerance},
        Silence{"outlasts_the_watchdog_keysight_discharge", keysight, During::discharge, "8", SafeBy::watchdog,
                "off by the watchdog", watchdog - tolerance, watchdog + tolerance},
        // It never speaks again: nobody claims to know.
        Silence{"never_ends_ea_charge", ea, During::charge, "100000", SafeBy::nothing, "output state unknown",
                watchdog - tolerance, watchdog + tolerance},
        Silence{"never_ends_keysight_charge", keysight, During::charge, "100000", SafeBy::nothing, "output state unknown",
                watchdog - tolerance, watchdog + tolerance}),
    [](const testing::TestParamInfo<Silence>& p) { return p.param.name; });

// A watchdog that does not fire is not called one that did.
TEST(Silence, of_an_instrument_whose_watchdog_does_not_fire_is_no_success_of_the_watchdog) {
  BenchHarness bench(
      {.bench = bench_with(ea), .profiles = {{"ch1", profile_of(During::charge)}}, .control_period = control_period});
  bench.fault_at(10s, "clear_watchdog cycler");
  bench.fault_at(10s, "ignore_off cycler");
  bench.fault_at(silence_begins, "refuse cycler for_s=3");
  bench.run();
  EXPECT_TRUE(bench.output_is_on("ch1")) << "the world's truth: it is on";
  EXPECT_EQ(bench.result("ch1").safe_by, SafeBy::nothing);
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::instrument_failure));
  EXPECT_TRUE(bench.said("OFF could not be confirmed on any path"));
  const std::vector<db::EventRow> events = events_of(bench, "ch1");
  const auto is_claim = [](const db::EventRow& e) { return e.kind == "off by the watchdog"; };
  EXPECT_TRUE(std::none_of(events.begin(), events.end(), is_claim));
}

// The relays fall silent in the last tenth of a second: the run was whole, but the contactor is closed and the record says so.
TEST(Silence, of_the_relays_at_the_end_is_the_outcome_of_the_run_in_the_record_too) {
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
      "  - cc_charge: {rate_C: 1, until: step_time_s >= 30, at_most_h: 1}\n  - rest: {for_s: 5}\n";
  const HarnessOptions options{.bench = "demo", .profiles = {{"ch1", profile}}, .control_period = control_period};
  Duration end{};
  {
    BenchHarness undisturbed(options);
    undisturbed.run();
    end = Duration{run_of(undisturbed, "ch1").end->ended_at.ns_since_epoch - simulated_epoch.ns_since_epoch};
  }
  BenchHarness bench(options);
  bench.fault_at(end - 100ms, "refuse adam for_s=100000");  // too late for a temperature to be stale
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "contactor");
  EXPECT_TRUE(bench.bench().world().stage(0).contactor_closed());
  EXPECT_GT(bench.truth("ch1").soc, 0.5 + 0.008) << "the charge was whole";
}

// A set-point takes many exchanges. On a slow link it must not keep the current flowing, unseen, for longer than the age limit.
TEST(SilenceScenario, a_set_point_that_takes_long_is_given_up_when_the_readings_are_too_old) {
  const std::string bench_text =
      "bench: no-logger\ninstruments:\n"
      "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
      "channels:\n  ch1: {cycler: psb1}\n"
      "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n";
  const std::string profile =
      "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
      "  - cc_charge: {rate_C: 0.3, until: step_time_s >= 20, at_most_h: 1}\n"
      "  - cc_charge: {rate_C: 0.2, until: step_time_s >= 20, at_most_h: 1}\n";
  constexpr Duration slow_from = 20s;
  BenchHarness bench({.bench = bench_text, .profiles = {{"ch1", profile}}, .control_period = control_period});
  bench.fault_at(slow_from, "delay psb1 delay_ms=250 count=for_ever");
  CurrentWatch watch(bench, "ch1", slow_from);
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "");
  EXPECT_LE(watch.flowed_for().value_or(1h), 2500ms) << "the age limit of 1 s, and an OFF with two slow exchanges";
}

}  // namespace
}  // namespace cellrig::test
