// F28: an output comes on behind its instrument's own back, while it is being switched off or afterwards. The instrument says "off" and
// current flows. OFF is written again until the current is gone; there is no contactor here that could help.
#include <algorithm>
#include <map>
#include <vector>

#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration sweep_before = 100ms, sweep_after = 300ms, sweep_step = 3ms;
constexpr Duration settling = 2s;  ///< before "no current" is judged, when it came on after OFF was confirmed

struct Make {
  std::string name, cycler;
};
void PrintTo(const Make& make, std::ostream* out) { *out << make.name; }

const std::string two_steps =
    "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: step_time_s >= 3, at_most_h: 1}\n"
    "  - rest: {for_s: 20}\n";

class OutputComesBack : public testing::TestWithParam<Make> {
 protected:
  [[nodiscard]] static HarnessOptions options() {
    const std::string bench =
        "bench: b\ninstruments:\n  cycler: " + GetParam().cycler + "\n  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n" +
        "channels:\n  ch1: {cycler: cycler, cell_temperature: {logger: adam, input: 0}}\n"
        "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50, temperature_degC: 25}\n  room_temperature_degC: 25\n";
    return {.bench = bench, .profiles = {{"ch1", two_steps}}, .control_period = control_period};
  }
  /// When the rest began, in a bench that is well; to some ten milliseconds.
  [[nodiscard]] static TimePoint rest_began() {
    BenchHarness bench(options());
    bench.run();
    const TimePoint ended = bench.time().now();
    const std::vector<db::StepInfo> steps = bench.record().steps(run_of(bench, "ch1").run).value();
    return ended - Duration{steps.back().end->ended_test_time_ns - steps.back().row.started_test_time_ns};
  }
};

TEST_P(OutputComesBack, at_any_moment_around_off_and_the_current_ends_before_the_watchdog_must_help) {
  const TimePoint around = rest_began();
  int at_once = 0, judged_later = 0;
  for (Duration shift = -sweep_before; shift <= sweep_after; shift += sweep_step) {
    SCOPED_TRACE(to_seconds(shift));
    BenchHarness bench(options());
    const Duration instant = around + shift - TimePoint{};
    bench.fault_at(instant, "output_on ch1 current_A=1 voltage_V=4.2");
    CurrentWatch watch(bench, "ch1", instant);
    bench.run();
    const Duration flowed = watch.flowed_for().value_or(1h);
    EXPECT_LE(flowed, settling + 2 * control_period + 1s);
    (flowed < settling ? at_once : judged_later) += 1;
    expect_off_for_good(bench, "ch1");
  }
  EXPECT_GT(at_once, 0);
  EXPECT_GT(judged_later, 0) << "the sweep must reach the rest";
}

/// The second channel lives on; neither has a contactor.
const std::string two_channels =
    "bench: b\ninstruments:\n"
    "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
    "  itech1: {model: itech-it-m3432, scpi: \"192.0.2.14:30000\"}\n"
    "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
    "channels:\n"
    "  ch1: {cycler: itech1, cell_temperature: {logger: adam, input: 0}}\n"
    "  ch2: {cycler: psb1, cell_temperature: {logger: adam, input: 1}}\n"
    "simulation:\n  cells:\n"
    "    ch1: {file: lg-m50, soc_pct: 50, temperature_degC: 25}\n    ch2: {file: lg-m50, soc_pct: 50, temperature_degC: 25}\n"
    "  room_temperature_degC: 25\n";

TEST(OutputAfterATrip, that_comes_on_again_gets_off_again_and_the_record_says_so) {
  BenchHarness bench({.bench = two_channels,
                      .profiles = {{"ch1", profile_of(During::charge)}, {"ch2", profile_of(During::charge)}},
                      .control_period = control_period});
  bench.fault_at(20s, "voltage_offset itech1 offset_V=1");
  bench.fault_at(100s, "voltage_offset itech1 offset_V=0");
  bool was_off = false;
  bench.at(119s, [&] { was_off = bench.truth("ch1").current_A == 0.0; });
  for (const Duration instant : {120s, 180s}) bench.fault_at(instant, "output_on ch1 current_A=1 voltage_V=4.2");
  CurrentWatch first(bench, "ch1", 120s), second(bench, "ch1", 180s);
  bench.run();
  EXPECT_TRUE(was_off);
  EXPECT_LE(second.flowed_for().value_or(1h), 3s);
  EXPECT_TRUE(first.came_back()) << "twice, and it was noticed twice";
  EXPECT_EQ(to_string(bench.result("ch1").outcome), "tripped");
  EXPECT_EQ(to_string(bench.result("ch2").outcome), "completed") << "the other channel's business it is not";
  const std::vector<db::EventRow> events = events_of(bench, "ch1");
  const auto tells = [](const db::EventRow& e) { return e.message.find("OFF again, confirmed") != std::string::npos; };
  EXPECT_EQ(std::count_if(events.begin(), events.end(), tells), 2);
  EXPECT_LT(1e-9 * static_cast<double>(run_of(bench, "ch1").end->ended_test_time_ns), 30.0)
      << "the end of the run stays what it was";
  expect_off_for_good(bench, "ch1");
}

/// Whoever asks feeds the watchdog: an instrument that does not obey OFF, behind a contactor that is welded, has nothing else left.
TEST(OutputAfterATrip, whose_off_was_not_confirmed_is_left_to_its_watchdog) {
  BenchHarness bench({.bench = "demo",
                      .profiles = {{"ch1", profile_of(During::rest)}, {"ch2", profile_of(During::charge)}},
                      .control_period = control_period});
  bench.fault_at(10s, "contactor_welded ch2");
  bench.fault_at(15s, "ignore_off aps1");
  bench.fault_at(20s, "voltage_offset aps1 offset_V=1");
  bench.fault_at(22s, "voltage_offset aps1 offset_V=0");
  CurrentWatch watch(bench, "ch2", 20s);
  bench.run();
  EXPECT_LE(watch.flowed_for().value_or(1h), 10s) << "its watchdog of 5 s, after the attempts";
  const std::vector<db::EventRow> events = events_of(bench, "ch2");
  EXPECT_LT(events.size(), 20u) << "and no line every two seconds";
}

// "Off" with a current that is no number is not known to be off: it gets OFF, and when that is not confirmed either, people are told.
TEST(OutputAfterATrip, whose_current_is_no_number_does_not_count_as_off_for_ever) {
  BenchHarness bench({.bench = two_channels,
                      .profiles = {{"ch1", profile_of(During::charge)}, {"ch2", profile_of(During::charge)}},
                      .control_period = control_period});
  bench.fault_at(20s, "voltage_offset itech1 offset_V=1");
  bench.fault_at(120s, "nan itech1");
  std::size_t told_early = 0;
  bench.at(123s, [&] { told_early = bench.said("nobody knows whether current flows") ? 1 : 0; });
  bench.run();
  EXPECT_EQ(told_early, 0U) << "one look that fails is none";
  const std::vector<db::EventRow> events = events_of(bench, "ch1");
  const auto tells = [](const db::EventRow& e) {
    return e.message.find("nobody knows whether current flows") != std::string::npos;
  };
  const auto first = std::find_if(events.begin(), events.end(), tells);
  ASSERT_NE(first, events.end());
  EXPECT_EQ(first->severity, db::Severity::alarm);
  EXPECT_LE(1e-9 * static_cast<double>(first->test_time_ns), 135.0);
  EXPECT_LE(std::count_if(events.begin(), events.end(), tells), 10 + 120) << "ten, then one a minute";
}

// It was given back: an instrument that takes one client only must be free for somebody else between two looks, and afterwards.
TEST(OutputAfterATrip, is_looked_at_without_keeping_its_connections) {
  const std::map<std::string, std::vector<std::string>> ports{{"itech1", {"scpi"}}, {"psb1", {"modbus", "scpi"}}};
  for (const auto& [instrument, its_ports] : ports) {
    SCOPED_TRACE(instrument);
    const std::string channel = instrument == "itech1" ? "ch1" : "ch2";
    BenchHarness bench({.bench = two_channels,
                        .profiles = {{"ch1", profile_of(During::charge)}, {"ch2", profile_of(During::charge)}},
                        .control_period = control_period});
    bench.fault_at(20s, "voltage_offset " + instrument + " offset_V=1");
    bench.fault_at(60s, "output_on " + channel + " current_A=1 voltage_V=4.2");
    int open = 0, looks = 0;
    for (Duration instant = 30s; instant < 90s; instant += 137ms) {
      bench.at(instant, [&bench, &open, &looks, name = instrument, wires = its_ports] {
        std::size_t connections = 0;
        for (const std::string& port : wires) connections += bench.bench().wire(name, port)->connection_count();
        open += connections > 0 ? 1 : 0;
        ++looks;
      });
    }
    bench.run();
    EXPECT_TRUE(bench.said("OFF again, confirmed")) << "it was looked at";
    EXPECT_GT(looks, 400);
    EXPECT_LT(open, looks / 4);
  }
}

INSTANTIATE_TEST_SUITE_P(Makes, OutputComesBack,
                         testing::Values(Make{"ea_psb",
                                              "{model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}"},
                                         Make{"ea_psb_by_scpi", "{model: ea-psb-10060-60, scpi: \"192.0.2.10:5025\"}"},
                                         Make{"keysight_n6900", "{model: keysight-n6974a, scpi: \"192.0.2.11:5025\"}"},
                                         Make{"itech", "{model: itech-it-m3432, scpi: \"192.0.2.14:30000\"}"}),
                         [](const testing::TestParamInfo<Make>& make) { return make.param.name; });

}  // namespace
}  // namespace cellrig::test
