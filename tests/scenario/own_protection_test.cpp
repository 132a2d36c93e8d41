// F30: an instrument's own protection trips. Whichever exchange tells us first, a measurement or the set-point that is being
// taken, it is a trip: latched, recorded as one, and acknowledged by a person.
#include "tests/scenario/scenario_support.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration sweep_before = 150ms, sweep_after = 400ms, sweep_step = 11ms;  // of no relation to the control period

const std::string two_steps =
    "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: step_time_s >= 2, at_most_h: 1}\n"
    "  - cc_discharge: {rate_C: 0.5, until: step_time_s >= 2, at_most_h: 1}\n";
const std::string charge_and_rest =
    "profile: P\nformat: 1\nrecord: {every_s: 0}\nsteps:\n"
    "  - cc_charge: {rate_C: 1, until: step_time_s >= 2, at_most_h: 1}\n  - rest: {for_s: 2}\n";

struct Make {
  std::string name, channel, instrument, bench = "three-makes";
};
void PrintTo(const Make& make, std::ostream* out) { *out << make.name; }

const std::string by_scpi_alone =
    "bench: b\ninstruments:\n"
    "  psb1: {model: ea-psb-10060-60, scpi: \"192.0.2.10:5025\"}\n"
    "  adam: {model: adam-6018, modbus: \"192.0.2.13:502\"}\n"
    "channels:\n  ch1: {cycler: psb1, cell_temperature: {logger: adam, input: 0}, contactor: {relays: adam, output: 0}}\n"
    "simulation:\n  cells:\n    ch1: {file: lg-m50, soc_pct: 50, temperature_degC: 25}\n  room_temperature_degC: 25\n";

class OwnProtection : public testing::TestWithParam<Make> {
 protected:
  [[nodiscard]] static HarnessOptions options(const std::string& profile = two_steps) {
    return {.bench = GetParam().bench, .profiles = {{GetParam().channel, profile}}, .control_period = control_period};
  }
  /// When the second step begins, in a bench that is well; to some ten milliseconds.
  [[nodiscard]] static TimePoint second_step(const std::string& profile = two_steps) {
    BenchHarness bench(options(profile));
    bench.run();
    const TimePoint ended = bench.time().now();
    const db::RunInfo run = run_of(bench, GetParam().channel);
    const std::vector<db::StepInfo> steps = bench.record().steps(run.run).value();
    return ended - Duration{steps.back().end->ended_test_time_ns - steps.back().row.started_test_time_ns};
  }
};

TEST_P(OwnProtection, is_a_trip_whichever_exchange_tells_it) {
  const TimePoint around = second_step();
  int told_by_setpoint = 0, told_by_measurement = 0;
  for (Duration shift = -sweep_before; shift <= sweep_after; shift += sweep_step) {
    SCOPED_TRACE(to_seconds(shift));
    BenchHarness bench(options());
    bench.fault_at(around + shift - TimePoint{}, "trip " + GetParam().instrument + " cause=over_voltage");
    bench.run();
    expect_ended(bench, GetParam().channel, Outcome::tripped, "the instrument's own protection");
    const bool is_refused_setpoint = bench.said("set-point not accepted");
    (is_refused_setpoint ? told_by_setpoint : told_by_measurement) += 1;
    if (is_refused_setpoint) {
      EXPECT_TRUE(bench.said("over") || bench.said("OV")) << "which of its protections it was";
    }
  }
  EXPECT_GT(told_by_setpoint, 0);
  EXPECT_GT(told_by_measurement, 0);
}

// The stop cuts the exchange that would have told: that the instrument had tripped before belongs into the record all the same.
TEST_P(OwnProtection, is_a_trip_also_where_somebody_asks_for_a_stop_a_moment_later) {
  const TimePoint around = second_step();
  for (Duration shift = -sweep_before; shift <= sweep_after; shift += 5 * sweep_step) {
    for (const Duration later : {Duration{1ms}, Duration{17ms}, Duration{60ms}}) {
      SCOPED_TRACE(to_seconds(shift));
      SCOPED_TRACE(to_seconds(later));
      BenchHarness bench(options());
      const Duration instant = around + shift - TimePoint{};
      bench.fault_at(instant, "trip " + GetParam().instrument + " cause=over_voltage");
      bench.at(instant + later, [&bench] { bench.bench_run().stop(Outcome::stopped, "stopped by Ada"); });
      bench.run();
      expect_ended(bench, GetParam().channel, Outcome::tripped, "the instrument's own protection");
    }
  }
}

// And where the step ends in that moment: the OFF that ends it is no answer to why the output went off.
TEST_P(OwnProtection, is_a_trip_also_where_the_step_ends_a_moment_later) {
  const TimePoint around = second_step(charge_and_rest);
  for (Duration shift = -sweep_before; shift <= sweep_before; shift += 3 * sweep_step) {
    SCOPED_TRACE(to_seconds(shift));
    BenchHarness bench(options(charge_and_rest));
    bench.fault_at(around + shift - TimePoint{}, "trip " + GetParam().instrument + " cause=over_voltage");
    bench.run();
    expect_ended(bench, GetParam().channel, Outcome::tripped, "the instrument's own protection");
  }
}

INSTANTIATE_TEST_SUITE_P(Makes, OwnProtection,
                         testing::Values(Make{"ea_psb", "ch1", "psb1"}, Make{"ea_psb_by_scpi", "ch1", "psb1", by_scpi_alone},
                                         Make{"keysight_n6900", "ch2", "aps1"}, Make{"itech", "ch3", "itech1"}),
                         [](const testing::TestParamInfo<Make>& make) { return make.param.name; });

}  // namespace
}  // namespace cellrig::test
