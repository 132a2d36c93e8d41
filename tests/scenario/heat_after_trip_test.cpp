// A cell that runs away does so after its channel has tripped, as a rule. It is off by then; its chamber and its neighbour are not.
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration trip_instant = 20s + 37ms;
constexpr Duration heat_instant = 60s + 37ms;
constexpr double hot_K = 50.0;

struct FirstTrip {
  std::string name, order;
  Outcome outcome = Outcome::tripped;
  std::string cause;
};
void PrintTo(const FirstTrip& trip, std::ostream* out) { *out << trip.order; }

class HeatAfterTrip : public testing::TestWithParam<FirstTrip> {
 protected:
  /// ch1 trips, is off, and heats up half a minute later, while ch2 is charged beside it.
  void run(const std::string& neighbour) {
    bench =
        std::make_unique<BenchHarness>(HarnessOptions{.bench = "demo",
                                                      .profiles = {{"ch1", profile_of(During::charge, 30)}, {"ch2", neighbour}},
                                                      .control_period = control_period});
    bench->fault_at(trip_instant, GetParam().order);
    bench->at(heat_instant, [this] {
      first_was_off = bench->truth("ch1").current_A == 0.0;
      neighbour_was_on = bench->truth("ch2").current_A > 4.9;
      oven_was_running = bench->bench().world().chamber(0).is_running();
      shift_thermocouple(*bench, "ch1", hot_K);
    });
    CurrentWatch first(*bench, "ch1", heat_instant);
    CurrentWatch second(*bench, "ch2", heat_instant);
    bench->run();
    EXPECT_TRUE(first_was_off);
    EXPECT_TRUE(neighbour_was_on) << "an electrical trip is one channel's own business";
    EXPECT_EQ(first.flowed_for().value_or(1h), 0s) << "the output stays off";
    EXPECT_FALSE(first.came_back());
    EXPECT_LE(second.flowed_for().value_or(1h), 1s);
  }

  std::unique_ptr<BenchHarness> bench;
  bool first_was_off = false, neighbour_was_on = false, oven_was_running = false;
};

TEST_P(HeatAfterTrip, is_recorded_and_announced_and_stops_the_chamber_and_the_neighbour) {
  run(profile_of(During::charge, 30));
  EXPECT_TRUE(oven_was_running);
  expect_ended(*bench, "ch1", GetParam().outcome, GetParam().cause);
  expect_ended(*bench, "ch2", Outcome::tripped, "another channel");
  EXPECT_FALSE(bench->bench().world().chamber(0).is_running());
  EXPECT_TRUE(bench->said("cell too hot")) << "somebody stands beside the bench";
  const std::vector<db::EventRow> events = events_of(*bench, "ch1");
  const auto is_heat = [](const db::EventRow& e) { return e.message.find("cell too hot") != std::string::npos; };
  const auto heat = std::find_if(events.begin(), events.end(), is_heat);
  ASSERT_NE(heat, events.end()) << "the first-out cause stays what it was, but this belongs into the record";
  EXPECT_EQ(std::count_if(events.begin(), events.end(), is_heat), 1);
  EXPECT_EQ(heat->severity, db::Severity::alarm);
  EXPECT_EQ(heat->kind, "heat after the end");
  EXPECT_NEAR(to_seconds(Duration{heat->test_time_ns}), to_seconds(heat_instant), 3.0) << "when it happened";
}

// The neighbour asked for no temperature, and nobody has the chamber running for it: off it must be all the same.
TEST_P(HeatAfterTrip, stops_a_neighbour_that_asked_for_no_temperature) {
  run(profile_of(During::charge));
  expect_ended(*bench, "ch1", GetParam().outcome, GetParam().cause);
  expect_ended(*bench, "ch2", Outcome::tripped, "another channel");
  EXPECT_FALSE(bench->bench().world().chamber(0).is_running());
}

INSTANTIATE_TEST_SUITE_P(
    Heat, HeatAfterTrip,
    testing::Values(FirstTrip{"over_voltage", "voltage_offset psb1 offset_V=1", Outcome::tripped, "over-voltage"},
                    FirstTrip{"no_number", "nan psb1", Outcome::instrument_failure, "not a number"},
                    FirstTrip{"lost_link", "drop psb1 count=for_ever", Outcome::instrument_failure, "no fresh reading"}),
    [](const testing::TestParamInfo<FirstTrip>& p) { return p.param.name; });

// A channel that is done is no more watched by its own supervisor; its cell still stands in the chamber.
TEST(HeatAfterTheEnd, of_a_completed_run_stops_the_neighbour_and_the_chamber) {
  const std::string short_charge =
      "profile: P\nformat: 1\nsteps:\n  - cc_charge: {rate_C: 1, until: step_time_s >= 20, at_most_h: 1, temperature_degC: 30}\n";
  BenchHarness bench({.bench = "demo",
                      .profiles = {{"ch1", short_charge}, {"ch2", profile_of(During::charge, 30)}},
                      .control_period = control_period});
  bench.at(heat_instant, [&bench] { shift_thermocouple(bench, "ch1", hot_K); });
  CurrentWatch second(bench, "ch2", heat_instant);
  bench.run();
  expect_ended(bench, "ch1", Outcome::completed, "");
  expect_ended(bench, "ch2", Outcome::tripped, "another channel");
  EXPECT_LE(second.flowed_for().value_or(1h), 1s);
  EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
  EXPECT_TRUE(bench.said("cell too hot"));
}

// Without a chamber nobody watches the heat of a channel that has tripped.
TEST(HeatAfterTrip, heat_after_a_trip_is_told_also_where_there_is_no_chamber) {
  BenchHarness bench({.bench = "single", .profiles = {{"ch1", profile_of(During::charge)}}, .control_period = control_period});
  bench.fault_at(30s, "refuse psb1 for_s=100000");  // eight seconds of trying to switch it off begin, current flowing
  bench.at(34s, [&bench] { shift_thermocouple(bench, "ch1", 50.0); });
  bench.run();
  expect_ended(bench, "ch1", Outcome::instrument_failure, "no fresh reading: voltage_V");
  EXPECT_TRUE(bench.said("cell too hot"));
}

}  // namespace
}  // namespace cellrig::test
