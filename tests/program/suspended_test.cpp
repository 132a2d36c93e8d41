// F42: a process that was stopped (SIGSTOP, a suspended machine) and goes on is late. It must not catch up: it switches off, and says why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/program/live_bench.hpp"

namespace cellrig::test {
namespace {

using testing::HasSubstr;

constexpr Seconds gap{1.5};  // the longest age of a reading is 1 s
constexpr Seconds off_limit{2};
constexpr Seconds end_limit{20};
constexpr int ns_per_ms = 1'000'000;

/// Nothing but the cycler: no logger that could notice first.
std::string bench_with_watchdog(int seconds) {
  return "bench: b\nwatchdog_s: " + std::to_string(seconds) +
         "\ninstruments:\n"
         "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
         "channels:\n  ch1: {cycler: psb1}\n"
         "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50}\n  room_temperature_degC: 25\n";
}

/// The LG M50 as one that takes 1C at every temperature: on a bench without a thermometer nobody knows which it has.
std::string cell_without_rates_by_temperature() {
  std::ifstream file{std::string{CELLRIG_SOURCE_DIR} + "/profiles/cells/lg-m50.yaml"};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  const std::size_t begin = text.find("  charge_rate_by_temperature:");
  const std::size_t end = text.find("\n\n", begin);
  if (begin == std::string::npos || end == std::string::npos) throw std::runtime_error("the cell file looks different");
  return text.erase(begin, end - begin);
}

/// A controller that charges, and has recorded some of it.
std::unique_ptr<Process> start_and_record(LiveBench& bench) {
  const std::string cell = file_with(cell_without_rates_by_temperature(), "cell.yaml", bench.folder);
  std::unique_ptr<Process> controller = bench.start_charging({.more = {"--json", "--cell", cell}});
  constexpr double charged = 0.50015;  // half a second
  EXPECT_TRUE(eventually(end_limit, [&] { return bench.simulator.truth("ch1").soc > charged; }));
  return controller;
}

/// What the controller made of a gap of at least `least`, in its record and on its standard output.
void expect_told(LiveBench& bench, Process& controller, Seconds least) {
  const std::optional<int> code = controller.wait(end_limit);
  ASSERT_TRUE(code.has_value()) << "it does not end:\n" << controller.err();
  EXPECT_EQ(*code, 4) << controller.out() << controller.err();
  EXPECT_THAT(controller.out(), HasSubstr(R"("outcome":"instrument failure")"));
  EXPECT_THAT(controller.out(), HasSubstr(R"("output_off_confirmed_by":"instrument")"));
  EXPECT_TRUE(bench.simulator.is_off("ch1"));
  const std::unique_ptr<db::Reader> record = bench.record();
  const db::RunInfo run = only_run(*record, "ch1");
  EXPECT_EQ(run.status, "instrument failure");
  ASSERT_TRUE(run.end.has_value());
  EXPECT_THAT(run.end->reason, HasSubstr("no fresh reading"));
  const std::vector<db::EventRow> events = record->events(run.run).value();
  const auto trip = std::find_if(events.begin(), events.end(), [](const auto& e) { return e.severity == db::Severity::trip; });
  ASSERT_NE(trip, events.end());
  EXPECT_THAT(trip->message, HasSubstr("no fresh reading"));
  EXPECT_GE(trip->value.value_or(0), least.count()) << "the age it tripped for is the gap";
  const std::vector<db::SampleRow> samples = samples_of(*record, run.run);
  ASSERT_FALSE(samples.empty());
  EXPECT_GE((trip->test_time_ns - samples.back().test_time_ns) / ns_per_ms, static_cast<long>(least.count() * 1000) - 1)
      << "nothing was measured after the gap: no catching up";
}

// The watchdog is too slow for this one on purpose: only the controller itself can have switched off.
TEST(Suspended, for_longer_than_a_reading_may_be_old_the_controller_switches_off_itself) {
  LiveBench bench(bench_with_watchdog(30));
  const std::unique_ptr<Process> controller = start_and_record(bench);
  controller->signal(SIGSTOP);
  const Seconds stopped_at = bench.now();
  ASSERT_TRUE(eventually(end_limit, [&] { return bench.now() - stopped_at >= gap; }));
  EXPECT_TRUE(bench.charges("ch1")) << "nobody has switched it off yet";
  controller->signal(SIGCONT);
  EXPECT_TRUE(bench.goes_off("ch1", off_limit)) << bench.simulator.ask("truth");
  expect_told(bench, *controller, gap);
}

TEST(Suspended, for_longer_than_the_watchdog_the_instrument_is_off_and_the_record_says_that_nobody_looked) {
  constexpr int watchdog_s = 2;
  LiveBench bench(bench_with_watchdog(watchdog_s));
  const std::unique_ptr<Process> controller = start_and_record(bench);
  controller->signal(SIGSTOP);
  const Seconds stopped_at = bench.now();
  ASSERT_TRUE(bench.goes_off("ch1", Seconds{watchdog_s + 1})) << "the watchdog does not care why nobody speaks";
  EXPECT_GT(bench.now() - stopped_at, Seconds{watchdog_s - 0.5}) << "too early: this was not the watchdog";
  EXPECT_FALSE(controller->has_ended());
  controller->signal(SIGCONT);
  expect_told(bench, *controller, Seconds{watchdog_s - 0.5});
}

}  // namespace
}  // namespace cellrig::test
