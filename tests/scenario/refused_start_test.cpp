// A start that is refused after something was already prepared: nothing stays armed, on, closed or under remote control.
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration start_lasts_at_most = 2s;
constexpr Duration look_every = 10ms;
constexpr Duration fault_every = 50ms;

const std::string short_charge =
    "profile: P\nformat: 1\nsteps:\n  - cc_charge: {rate_C: 1, until: step_time_s >= 5, at_most_h: 1, temperature_degC: 25}\n";

HarnessOptions both_channels() {
  return {.bench = "demo", .profiles = {{"ch1", short_charge}, {"ch2", short_charge}}, .control_period = control_period};
}

/// The instruments' own words.
void expect_psb_left_in_peace(BenchHarness& bench) {
  EXPECT_EQ(ask_scpi(bench, "psb1", "SYST:COMM:MON:ACT?"), "OFF") << "a watchdog that nobody feeds";
  EXPECT_EQ(ask_scpi(bench, "psb1", "SYST:LOCK:OWN?"), "NONE") << "nobody can operate it by hand";
}
void expect_aps_left_in_peace(BenchHarness& bench) {
  EXPECT_EQ(ask_scpi(bench, "aps1", "OUTP:PROT:WDOG?"), "0") << "a watchdog that nobody feeds";
  EXPECT_EQ(ask_scpi(bench, "aps1", "STAT:QUES:COND?"), "+0") << "a trip that a person must acknowledge before the next run";
}
/// Its watchdog may have fired (this process was busy with the other instrument), but nothing is under way.
void expect_psb_not_armed(BenchHarness& bench) {
  bench.bench().advance(bench.time().now());
  EXPECT_FALSE(bench.bench().instrument("psb1")->next_event().has_value()) << "a watchdog that nobody feeds";
  EXPECT_EQ(ask_scpi(bench, "psb1", "SYST:LOCK:OWN?"), "NONE") << "nobody can operate it by hand";
}

void expect_nothing_on(BenchHarness& bench) {
  for (const std::string channel : {"ch1", "ch2"}) {
    EXPECT_FALSE(bench.output_is_on(channel)) << channel;
    EXPECT_EQ(bench.truth(channel).current_A, 0.0) << channel;
    EXPECT_FALSE(bench.bench().world().stage(bench.bench().channel(channel)->cell).contactor_closed()) << channel;
  }
  EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
}

class RefusedStart : public testing::TestWithParam<std::string> {};

TEST_P(RefusedStart, because_of_the_second_channel_leaves_the_first_unarmed_off_and_open) {
  BenchHarness bench(both_channels());
  bench.fault_at(0s, GetParam());
  bench.run();
  for (const std::string channel : {"ch1", "ch2"}) {
    EXPECT_EQ(to_string(bench.result(channel).outcome), to_string(Outcome::instrument_failure));
    EXPECT_EQ(bench.truth(channel).current_max_A, 0.0);
    EXPECT_EQ(bench.truth(channel).current_min_A, 0.0);
  }
  expect_nothing_on(bench);
  expect_psb_left_in_peace(bench);
  expect_aps_left_in_peace(bench);
  EXPECT_TRUE(bench.record().runs().value().empty());
  const std::vector<db::EventRow> events = bench.record().events(0).value();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events.front().kind, "start refused");
  EXPECT_EQ(events.front().message, bench.result("ch2").reason);
}

INSTANTIATE_TEST_SUITE_P(Start, RefusedStart,
                         testing::Values("identity aps1 text=OTHER", "reversed_cell ch2", "thermocouple_open ch2",
                                         "voltage_offset aps1 offset_V=1.5", "nan aps1", "identity f4t text=OTHER"),
                         [](const testing::TestParamInfo<std::string>& p) {
                           std::string name = p.param;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           return name;
                         });

/// Whether an instrument had a watchdog under way at any moment of the start.
class ArmedWatch {
 public:
  ArmedWatch(BenchHarness& bench, const std::string& instrument) {
    for (Duration at = 0ms; at < start_lasts_at_most; at += look_every) {
      bench.at(at, [this, &bench, instrument] {
        bench.bench().advance(bench.time().now());
        was_armed_ = was_armed_ || bench.bench().instrument(instrument)->next_event().has_value();
      });
    }
  }
  [[nodiscard]] bool was_armed() const { return was_armed_; }

 private:
  bool was_armed_ = false;
};

// The second instrument dies at every moment of the start in turn; sooner or later that is when the first one is armed already.
TEST(RefusedStart, whenever_the_second_instrument_dies_the_first_is_not_left_armed) {
  int refused_when_armed = 0;
  for (Duration instant = 0ms; instant < start_lasts_at_most; instant += fault_every) {
    BenchHarness bench(both_channels());
    const ArmedWatch watch(bench, "psb1");
    bench.fault_at(instant, "drop aps1 count=for_ever");
    bench.run();
    SCOPED_TRACE("dies after " + std::to_string(instant / 1ms) + " ms: " + bench.result("ch1").reason);
    const bool is_refused = bench.record().runs().value().empty();
    if (is_refused && watch.was_armed()) ++refused_when_armed;
    expect_nothing_on(bench);
    expect_psb_not_armed(bench);
  }
  EXPECT_GT(refused_when_armed, 0) << "this test found no such moment: it protects nothing";
}

// A stop is the other way to end a start that has begun.
TEST(RefusedStart, whenever_it_is_stopped_no_instrument_is_left_armed) {
  int stopped_when_armed = 0;
  for (Duration instant = 0ms; instant < start_lasts_at_most; instant += fault_every) {
    BenchHarness bench(both_channels());
    const ArmedWatch watch(bench, "psb1");
    bench.at(instant, [&bench] { bench.bench_run().stop(Outcome::stopped); });
    bench.run();
    SCOPED_TRACE("stopped after " + std::to_string(instant / 1ms) + " ms");
    if (bench.record().runs().value().empty() && watch.was_armed()) ++stopped_when_armed;
    for (const std::string channel : {"ch1", "ch2"}) {
      EXPECT_EQ(to_string(bench.result(channel).outcome), to_string(Outcome::stopped)) << bench.result(channel).reason;
    }
    expect_nothing_on(bench);
    expect_psb_left_in_peace(bench);
    expect_aps_left_in_peace(bench);
  }
  EXPECT_GT(stopped_when_armed, 0) << "this test found no such moment: it protects nothing";
}

// While the second instrument takes its 5 s to be armed nobody speaks with the first: its watchdog fires, and a
// Keysight latches that until a person acknowledges it. undo_preflight() promises the opposite.
TEST(RefusedStart, a_second_instrument_that_dies_while_it_is_armed_does_not_let_the_watchdog_of_the_first_fire) {
  const std::string charge =
      "profile: P\nformat: 1\nsteps:\n  - cc_charge: {rate_C: 0.25, until: step_time_s >= 5, at_most_h: 1}\n";
  const std::string keysight_first =
      "bench: b\ninstruments:\n"
      "  aps1: {model: keysight-n6974a, scpi: \"192.0.2.11:5025\"}\n"
      "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
      "channels:\n  ch1: {cycler: aps1}\n  ch2: {cycler: psb1}\n"
      "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n    ch2: {file: lg-m50, soc_pct: 50}\n";
  for (Duration instant = 0ms; instant < 3s; instant += 50ms) {
    BenchHarness bench(
        {.bench = keysight_first, .profiles = {{"ch1", charge}, {"ch2", charge}}, .control_period = control_period});
    bench.fault_at(instant, "drop psb1 count=for_ever");
    bench.run();
    if (!bench.record().runs().value().empty()) continue;  // the start was over
    EXPECT_EQ(ask_scpi(bench, "aps1", "STAT:QUES:COND?"), "+0")
        << "psb1 dies after " << instant / 1ms << " ms: a person must acknowledge a trip before the next run on ch1";
  }
}

}  // namespace
}  // namespace cellrig::test
