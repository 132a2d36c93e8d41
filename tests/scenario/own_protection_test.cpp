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
  [[nodiscard]] static HarnessOptions options() {
    return {.bench = GetParam().bench, .profiles = {{GetParam().channel, two_steps}}, .control_period = control_period};
  }
  /// When the second step asks for its current, in a bench that is well; to some ten milliseconds.
  [[nodiscard]] static TimePoint second_step() {
    BenchHarness bench(options());
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

INSTANTIATE_TEST_SUITE_P(Makes, OwnProtection,
                         testing::Values(Make{"ea_psb", "ch1", "psb1"}, Make{"ea_psb_by_scpi", "ch1", "psb1", by_scpi_alone},
                                         Make{"keysight_n6900", "ch2", "aps1"}, Make{"itech", "ch3", "itech1"}),
                         [](const testing::TestParamInfo<Make>& make) { return make.param.name; });

}  // namespace
}  // namespace cellrig::test
