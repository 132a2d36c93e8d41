// Faults of all families, drawn from a seed, several at once: whatever comes, the run ends in a named way, the output is off afterwards,
// the cell was never beyond its limits, and the record opens. A failure names its seed.
#include <cstdio>

#include <fmt/format.h>

#include "sim/faults.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

/// Those that leave some way to switch off, and whose cell can be kept within limits.
const std::string kinds =
    "wire,freeze,reboot,nan,local,negate_current,miscalibrated,extra_latency,scale,spike,noise_burst,temperature_offset,trip,"
    "thermocouple_open,thermocouple_stuck,chamber_stuck,open_circuit,extra_heat,cell_differs,soft_short";

class DrawnFaults : public testing::TestWithParam<int> {};

TEST_P(DrawnFaults, end_in_a_named_way_with_the_output_off_and_the_cell_unharmed) {
  const int seed = GetParam();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  const During during = seed % 2 == 0 ? During::charge : During::discharge;
  BenchHarness bench({.bench = "demo", .profiles = {{"ch1", profile_of(during)}}, .control_period = 100ms});
  bench.fault_at(10s, fmt::format("random kinds={} count=8 over_s=60 rate=0.5 seed={}", kinds, seed));
  bench.run();
  const ChannelResult& result = bench.result("ch1");
  EXPECT_NE(result.outcome, Outcome::none);
  std::printf("  seed %2d: %-18s %s\n", seed, std::string(to_string(result.outcome)).c_str(), result.reason.c_str());
  EXPECT_TRUE(run_of(bench, "ch1").end.has_value());
  const sim::CellTruth truth = bench.truth("ch1");
  EXPECT_LE(truth.voltage_max_V, 4.25 + 0.05) << result.reason;
  EXPECT_LE(truth.soc_max, 1.01);
  EXPECT_LE(truth.surface_temperature_max_degC, 62.0);
  sim::clear_faults(bench.bench(), bench.time().now());
  expect_off_for_good(bench, "ch1");
}

// The seed is the whole story.
TEST(DrawnFaultsRepeat, the_same_seed_tells_the_same_story) {
  const auto story = [] {
    BenchHarness bench({.bench = "demo", .profiles = {{"ch1", profile_of(During::charge)}}, .control_period = 100ms});
    bench.fault_at(10s, fmt::format("random kinds={} count=8 over_s=60 rate=0.5 seed=4", kinds));
    bench.run();
    return fmt::format("{} {} {}", bench.result("ch1").reason, to_ns(bench.time().now()), samples_of(bench, "ch1").size());
  };
  EXPECT_EQ(story(), story());
}

INSTANTIATE_TEST_SUITE_P(Seeds, DrawnFaults, testing::Range(1, 41));

}  // namespace
}  // namespace cellrig::test
