// A bench whose instruments err as their makers allow: the record stays within what the model files promise of them, and the rig's
// limits still nest. The simulator's accuracies and the drivers' model files are written apart; here they meet.
#include <array>
#include <cmath>
#include <fstream>
#include <sstream>

#include "drivers/models/model_file.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

struct Make {
  const char* channel;
  const char* model;
};
constexpr std::array<Make, 3> makes{{{"ch1", "ea-psb-10060-60"}, {"ch2", "keysight-n6974a"}, {"ch3", "itech-it-m3432"}}};
constexpr Duration a_second = 1s;

std::string three_makes_with(const std::string& measurement) {
  std::ifstream stream{std::string(CELLRIG_SOURCE_DIR) + "/sim/benches/three-makes.yaml"};
  std::ostringstream text;
  text << stream.rdbuf() << "  measurement: " << measurement << "\n";
  return text.str();
}

const std::string two_amps =
    "profile: two amps\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {current_A: 2, until: step_time_min >= 5, at_most_min: 6}\n  - rest: {for_min: 5}\n";

HarnessOptions options_with(const std::string& measurement, std::uint64_t seed) {
  return {.bench = three_makes_with(measurement),
          .profiles = {{"ch1", two_amps}, {"ch2", two_amps}, {"ch3", two_amps}},
          .seed = seed,
          .control_period = a_second};
}

CyclerCapabilities capabilities_of(const Make& make) {
  return load_cycler_capabilities(std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/" + make.model + ".yaml");
}

TEST(MeasurementScenario, drawn_instruments_stay_within_their_model_files_and_nothing_trips) {
  double largest_A = 0.0;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    BenchHarness bench(options_with("drawn", seed));
    bench.run();
    for (const Make& make : makes) {
      SCOPED_TRACE(std::string{make.channel} + ", seed " + std::to_string(seed));
      ASSERT_EQ(bench.result(make.channel).outcome, Outcome::completed) << bench.result(make.channel).reason;
      const CyclerCapabilities can = capabilities_of(make);
      const double allowed_A = can.current_accuracy.bound_at(2.0) + can.current_resolution.value();
      const std::vector<db::SampleRow> rows = samples_of(bench, make.channel);
      ASSERT_FALSE(rows.empty());
      std::size_t charging = 0;
      for (const db::SampleRow& row : rows) {
        if (!(row.current_A > 1.0)) continue;
        ++charging;
        EXPECT_NEAR(row.current_A, 2.0, allowed_A);
        largest_A = std::max(largest_A, std::fabs(row.current_A - 2.0));
      }
      EXPECT_GT(charging, 200U);
      const double true_V = bench.truth(make.channel).voltage_V;
      EXPECT_NEAR(rows.back().voltage_V, true_V, can.voltage_accuracy.bound_at(true_V) + can.voltage_resolution.value() + 1e-3);
      EXPECT_NEAR(rows.back().cell_temperature_degC, bench.truth(make.channel).surface_temperature_degC, 1.5);
    }
  }
  EXPECT_GT(largest_A, 1e-4) << "they do err";
}

// Its bound lies 5 mV beyond the end, its readings are 12 mV wrong: it holds the cell where it never shows the end.
TEST(MeasurementScenario, a_cycler_that_holds_its_bound_short_of_the_end_ends_the_step_and_says_so) {
  HarnessOptions options = options_with("{psb1: {voltage_offset_V: 0.012}}", 7);
  options.profiles = {{"ch1",
                       "profile: down\nformat: 1\nsteps:\n"
                       "  - cc_discharge: {rate_C: 1, until: voltage_V <= 3.5, at_most_h: 2}\n  - rest: {for_min: 1}\n"}};
  BenchHarness bench(options);
  bench.run();
  ASSERT_EQ(bench.result("ch1").outcome, Outcome::completed) << bench.result("ch1").reason;
  const std::vector<db::StepInfo> steps = bench.record().steps(run_of(bench, "ch1").run).value();
  ASSERT_TRUE(steps.at(0).end);
  EXPECT_EQ(steps[0].end->condition, "voltage_V <= 3.5");
  EXPECT_NEAR(steps[0].end->value.value(), 3.507, 0.003);
  EXPECT_NEAR(steps[0].end->margin.value(), 0.007, 0.003);
  EXPECT_GE(steps[0].end->cv_time_s, 10.0);
  EXPECT_LE(steps[0].end->cv_time_s, 13.0);
  bool is_said = false;
  for (const db::EventRow& event : events_of(bench, "ch1")) is_said = is_said || event.kind == "end not reached";
  EXPECT_TRUE(is_said);
}

// What happens to a cell depends on set-points alone: the same with perfect instruments and with bad ones.
TEST(MeasurementScenario, the_cells_get_the_same_whatever_their_instruments_show) {
  const auto truth_after = [](const std::string& measurement) {
    BenchHarness bench(options_with(measurement, 5));
    bench.run();
    std::array<double, 3> soc{};
    for (const Make& make : makes)
      EXPECT_EQ(bench.result(make.channel).outcome, Outcome::completed) << bench.result(make.channel).reason;
    for (std::size_t i = 0; i < makes.size(); ++i) soc.at(i) = bench.truth(makes.at(i).channel).soc;
    return soc;
  };
  const std::array<double, 3> ideal = truth_after("ideal");
  const std::array<double, 3> bad = truth_after(
      "{psb1: {current_gain_pct: 1, voltage_offset_V: 0.01}, aps1: {current_offset_A: 0.004}, itech1: {lead_resistance_mOhm: "
      "3}}");
  for (std::size_t i = 0; i < makes.size(); ++i)
    EXPECT_NEAR(bad.at(i), ideal.at(i), 2.0 / 3600 / 5) << makes.at(i).channel << ": a second";
}

}  // namespace
}  // namespace cellrig::test
