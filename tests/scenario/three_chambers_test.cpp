// A cell in each of three chambers of three makes: each goes its own way, none waits for another, and what a controller does not keep
// stands in the record.
#include "tests/scenario/scenario_support.hpp"

#include <algorithm>
#include <array>

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

struct Place {
  const char* channel;
  const char* chamber;
  const char* instrument;
  const char* port;
};
constexpr std::array<Place, 3> places{{{"ch1", "tenney", "f4t", "f4t.modbus"},
                                       {"ch2", "mk53", "binder", "binder.modbus"},
                                       {"ch3", "sh641", "espec", "espec.ascii"}}};

std::string charge_at(double degC, int seconds = 3600) {
  return "profile: P\nformat: 1\nrecord: {every_s: 60}\nchamber: {temperature_degC: " + std::to_string(degC) +
         "}\nsteps:\n  - cc_charge: {rate_C: 0.2, until: step_time_s >= " + std::to_string(seconds) + ", at_most_h: 2}\n";
}

HarnessOptions bench_with(std::map<std::string, std::string> profiles) {
  return {.bench = "three-chambers", .profiles = std::move(profiles), .control_period = control_period};
}

sim::ChamberAir& air(BenchHarness& bench, const std::string& chamber) {
  bench.bench().advance(bench.time().now());
  return bench.bench().world().chamber(bench.bench().chamber(chamber)->index);
}

const std::string no_limits = "keeps no set-point limits";
bool is_warned(BenchHarness& bench, const std::string& channel) {
  const std::vector<db::EventRow> events = events_of(bench, channel);
  return std::any_of(events.begin(), events.end(),
                     [](const db::EventRow& event) { return event.message.find(no_limits) != std::string::npos; });
}

TEST(ThreeChambers, each_goes_to_its_own_temperature_and_stops_at_the_end) {
  BenchHarness bench(bench_with({{"ch1", charge_at(35)}, {"ch2", charge_at(15)}, {"ch3", charge_at(45)}}));
  std::array<double, 3> reached{};
  bench.at(50min, [&] {
    for (std::size_t i = 0; i < places.size(); ++i) reached[i] = air(bench, places[i].chamber).air_temperature_degC();
  });
  bench.run();
  EXPECT_NEAR(reached[0], 35.0, 0.5);
  EXPECT_NEAR(reached[1], 15.0, 0.5);
  EXPECT_NEAR(reached[2], 45.0, 0.5);
  for (const Place& place : places) {
    expect_ended(bench, place.channel, Outcome::completed, "");
    EXPECT_FALSE(air(bench, place.chamber).is_running()) << place.chamber;
  }
  EXPECT_TRUE(is_warned(bench, "ch2")) << "the Binder's limits are this process's alone";
  EXPECT_FALSE(is_warned(bench, "ch1"));
  EXPECT_FALSE(is_warned(bench, "ch3"));
}

// The bench has three chambers, the run needs one: the others' instruments are not even asked for.
TEST(ThreeChambers, a_run_in_one_of_them_leaves_the_others_alone) {
  for (const Place& place : places) {
    SCOPED_TRACE(place.channel);
    BenchHarness bench(bench_with({{place.channel, charge_at(30, 600)}}));
    for (const Place& other : places) {
      if (other.channel != place.channel) bench.fault_at(0s, std::string("refuse ") + other.instrument + " for_s=100000");
    }
    bench.run();
    expect_ended(bench, place.channel, Outcome::completed, "");
    for (const Place& other : places) EXPECT_FALSE(air(bench, other.chamber).is_running());
  }
}

// A chamber that falls silent ends the channel in it, and nobody else's.
TEST(ThreeChambers, one_that_fails_ends_its_own_channel_only) {
  for (const Place& failing : places) {
    SCOPED_TRACE(failing.chamber);
    BenchHarness bench(bench_with({{"ch1", charge_at(30, 600)}, {"ch2", charge_at(30, 600)}, {"ch3", charge_at(30, 600)}}));
    bench.fault_at(60s, std::string("drop ") + failing.port + " count=for_ever");
    bench.run();
    for (const Place& place : places) {
      const Outcome expected = place.channel == failing.channel ? Outcome::instrument_failure : Outcome::completed;
      EXPECT_EQ(to_string(bench.result(place.channel).outcome), to_string(expected)) << place.channel;
      expect_off_for_good(bench, place.channel);
    }
  }
}

}  // namespace
}  // namespace cellrig::test
