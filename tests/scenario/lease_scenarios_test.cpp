// One owner for every output and for every chamber whose temperature is changed: who comes second writes nothing, and whoever ends
// leaves nothing behind.
#include <unistd.h>

#include "controller/runtime/lease.hpp"
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

// Of the bench "demo", as a lease names them.
const std::string oven = "192.0.2.12:502";
const std::string psb1 = "192.0.2.10:502";
const std::string aps1 = "192.0.2.11:5025";

// A Watlow F4T as it comes out of a power cycle.
constexpr double untouched_low_degC = -70, untouched_high_degC = 180, untouched_setpoint_degC = 23;

const std::string warm_rest = "profile: P\nformat: 1\nsteps:\n  - rest: {for_s: 20, temperature_degC: 30}\n";
const std::string plain_charge =
    "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: step_time_s >= 20, at_most_h: 1}\n";

class LeaseScenario : public testing::Test {
 protected:
  [[nodiscard]] HarnessOptions demo(const std::map<std::string, std::string>& profiles) const {
    return {.bench = "demo", .profiles = profiles, .control_period = control_period, .lease_directory = directory};
  }
  [[nodiscard]] bool is_free(const std::string& output) const { return Lease::take(directory, output).has_value(); }
  void expect_all_free() const {
    for (const std::string& output : {oven, psb1, aps1}) EXPECT_TRUE(is_free(output)) << output;
  }
  static void expect_oven_untouched(BenchHarness& bench) {
    EXPECT_EQ(temperature_register(bench, setpoint_low_register), untouched_low_degC);
    EXPECT_EQ(temperature_register(bench, setpoint_high_register), untouched_high_degC);
    EXPECT_EQ(temperature_register(bench, setpoint_register), untouched_setpoint_degC);
    EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
  }

  std::string directory = temporary_folder();
};

TEST_F(LeaseScenario, a_second_run_that_wants_a_chamber_is_refused_before_its_first_write_to_it) {
  const Result<Lease> of_another = Lease::take(directory, oven);
  ASSERT_TRUE(of_another) << of_another.error().what;
  {
    BenchHarness bench(demo({{"ch1", profile_of(During::charge, 30)}}));
    bench.run();
    EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::instrument_failure));
    const std::string holder = oven + " is already controlled by process " + std::to_string(::getpid());
    EXPECT_THAT(bench.result("ch1").reason, testing::HasSubstr(holder));
    expect_oven_untouched(bench);
    EXPECT_EQ(bench.truth("ch1").current_max_A, 0.0);
    EXPECT_FALSE(bench.output_is_on("ch1"));
    EXPECT_TRUE(bench.record().runs().value().empty());
    const std::vector<db::EventRow> events = bench.record().events(0).value();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events.front().kind, "start refused");
    EXPECT_THAT(events.front().message, testing::HasSubstr(holder));
    EXPECT_FALSE(is_free(oven)) << "the one who has it keeps it";
  }
  EXPECT_TRUE(is_free(psb1)) << "its own output was leased before the chamber was asked for, and is given back";
}

// The test above can only fail when a run that gets the chamber writes to these registers.
TEST_F(LeaseScenario, a_run_that_changes_a_temperature_holds_chamber_and_output_for_as_long_as_it_lasts) {
  {
    BenchHarness bench(demo({{"ch1", warm_rest}}));
    bool oven_free = true, output_free = true, other_output_free = false;
    bench.at(15s, [&] {
      oven_free = is_free(oven);
      output_free = is_free(psb1);
      other_output_free = is_free(aps1);
    });
    bench.run();
    EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::completed)) << bench.result("ch1").reason;
    EXPECT_FALSE(oven_free);
    EXPECT_FALSE(output_free);
    EXPECT_TRUE(other_output_free) << "ch2 has no part in this run";
    EXPECT_EQ(temperature_register(bench, setpoint_low_register), -40.0) << "the limits of the bench file were written";
    EXPECT_EQ(temperature_register(bench, setpoint_register), 30.0);
  }
  expect_all_free();
}

// It changes no temperature, but its cell's heat would concern channels that this process does not know.
TEST_F(LeaseScenario, a_run_without_a_temperature_in_a_chamber_that_another_controls_is_refused_too) {
  const Result<Lease> of_another = Lease::take(directory, oven);
  ASSERT_TRUE(of_another) << of_another.error().what;
  BenchHarness bench(demo({{"ch1", plain_charge}}));
  bench.run();
  EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::instrument_failure));
  EXPECT_THAT(bench.result("ch1").reason, testing::HasSubstr(oven + " is already controlled by process"));
  EXPECT_EQ(bench.truth("ch1").current_max_A, 0.0);
  EXPECT_TRUE(bench.record().runs().value().empty());
  expect_oven_untouched(bench);
}

TEST_F(LeaseScenario, an_output_that_another_controls_is_refused_and_the_chamber_is_not_kept) {
  const Result<Lease> of_another = Lease::take(directory, psb1);
  ASSERT_TRUE(of_another) << of_another.error().what;
  {
    BenchHarness bench(demo({{"ch1", profile_of(During::charge, 30)}, {"ch2", profile_of(During::charge, 30)}}));
    bench.run();
    for (const std::string channel : {"ch1", "ch2"}) {
      EXPECT_THAT(bench.result(channel).reason, testing::HasSubstr(psb1 + " is already controlled"));
      EXPECT_EQ(bench.truth(channel).current_max_A, 0.0);
    }
    expect_oven_untouched(bench);
  }
  EXPECT_TRUE(is_free(oven));
  EXPECT_TRUE(is_free(aps1));
}

class RefusedStart : public LeaseScenario, public testing::WithParamInterface<std::string> {};

TEST_P(RefusedStart, leaves_neither_the_lease_of_its_chamber_nor_that_of_an_output_behind) {
  {
    BenchHarness bench(demo({{"ch1", profile_of(During::charge, 30)}, {"ch2", profile_of(During::charge, 30)}}));
    bench.fault_at(0s, GetParam());
    bench.run();
    EXPECT_EQ(to_string(bench.result("ch1").outcome), to_string(Outcome::instrument_failure));
    EXPECT_TRUE(bench.record().runs().value().empty()) << "no run began";
    EXPECT_FALSE(bench.bench().world().chamber(0).is_running());
  }
  expect_all_free();
}

INSTANTIATE_TEST_SUITE_P(Lease, RefusedStart,
                         testing::Values("identity aps1 text=OTHER", "identity f4t text=OTHER", "reversed_cell ch2",
                                         "refuse aps1 for_s=1000", "thermocouple_open ch2"),
                         [](const testing::TestParamInfo<std::string>& p) {
                           std::string name = p.param;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           return name;
                         });

// A run that trips is over, too.
TEST_F(LeaseScenario, a_run_that_ends_by_a_trip_gives_chamber_and_output_back) {
  {
    BenchHarness bench(demo({{"ch1", profile_of(During::charge, 30)}}));
    bench.fault_at(20s, "voltage_offset psb1 offset_V=1");
    bench.run();
    expect_ended(bench, "ch1", Outcome::tripped, "over-voltage");
  }
  expect_all_free();
}

}  // namespace
}  // namespace cellrig::test
