// The contract of Cycler, arm() and release(): protections and watchdog that act when this process cannot.
#include <limits>

#include "tests/contract/cycler_contract.hpp"
#include "tests/support/sparse.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

class CyclerProtection : public CyclerContract {
 protected:
  /// The cell of the other channel comes onto these terminals, under load.
  void swap_cells() { rig().fault("cell_swapped " + channel() + " with=" + other_channel()); }
  Result<void> acknowledge() { return rig().call(cycler().acknowledge_trip(in(plenty))); }
  Result<void> release() { return rig().call(cycler().release(in(plenty))); }
  void expect_refused(const Result<void>& call) {
    ASSERT_FALSE(call);
    EXPECT_EQ(call.error().fault, Fault::refused) << call.error().what;
  }
  /// It went off by itself, says so, and stays off until a person has acknowledged it.
  void expect_latched() {
    make_driver();
    const Result<CyclerReadings> readings = measure();
    ASSERT_TRUE(readings) << readings.error().what;
    EXPECT_TRUE(readings->tripped);
    EXPECT_FALSE(readings->output_on);
    const Result<void> armed = arm(protections());
    ASSERT_FALSE(armed);
    EXPECT_EQ(armed.error().fault, Fault::protection_tripped);
    EXPECT_TRUE(output_off());
    rig().clear_faults();  // its own cell is back: the cause is removed
    const Result<void> acknowledged = acknowledge();
    ASSERT_TRUE(acknowledged) << acknowledged.error().what;
    expect_off();
    EXPECT_FALSE(measure()->tripped);
    energise();
  }
};

TEST_P(CyclerProtection, arms_with_the_output_off_only) {
  ASSERT_NO_FATAL_FAILURE(energise(charge(1.0_A)));
  expect_refused(arm(protections()));
  EXPECT_TRUE(truth().output_on);
  EXPECT_NEAR(truth().current_A, 1.0, idle_A());
}

TEST_P(CyclerProtection, arms_nothing_that_guards_nothing) {
  Protections wrong = protections();
  wrong.over_voltage = Volts{std::numeric_limits<double>::quiet_NaN()};
  expect_refused(arm(wrong));
  wrong = protections();
  wrong.over_voltage = 1000.0_V;
  expect_refused(arm(wrong));
  wrong = protections();
  wrong.watchdog_delay = Duration::zero();
  expect_refused(arm(wrong));
  expect_refused(apply(charge()));
}

TEST_P(CyclerProtection, arming_that_the_instrument_does_not_take_fails) {
  rig().fault("local " + instrument());
  EXPECT_FALSE(arm(protections()));
  rig().clear_faults();
  expect_refused(apply(charge()));
}

TEST_P(CyclerProtection, a_cell_above_the_over_voltage_trips_without_us) {
  ASSERT_NO_FATAL_FAILURE(make_world(99.0));
  Protections low = protections();
  low.over_voltage = 4.0_V;
  ASSERT_TRUE(arm(low));
  ASSERT_NO_FATAL_FAILURE(apply_or_fail(ConstantCurrent{.current = 1.0_A, .voltage_min = cell_low, .voltage_max = 4.0_V}));
  remove_driver();
  swap_cells();
  rig().pass(100ms);
  EXPECT_GT(truth().voltage_V, 4.0);
  expect_off();
  expect_latched();
}

TEST_P(CyclerProtection, its_own_trip_is_told_by_the_next_measurement) {
  ASSERT_NO_FATAL_FAILURE(make_world(99.0));
  Protections low = protections();
  low.over_voltage = 4.0_V;
  ASSERT_TRUE(arm(low));
  ASSERT_NO_FATAL_FAILURE(apply_or_fail(ConstantCurrent{.current = 1.0_A, .voltage_min = cell_low, .voltage_max = 4.0_V}));
  EXPECT_FALSE(measure()->tripped);
  swap_cells();
  rig().pass(100ms);
  const Result<CyclerReadings> readings = measure();
  ASSERT_TRUE(readings);
  EXPECT_TRUE(readings->tripped);
  EXPECT_FALSE(readings->output_on);
  EXPECT_EQ(readings->regulation, Regulation::off);
  const Result<void> applied = apply(ConstantCurrent{.current = -1.0_A, .voltage_min = cell_low, .voltage_max = 4.0_V});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().fault, Fault::protection_tripped);
  expect_off();
}

TEST_P(CyclerProtection, the_watchdog_turns_the_output_off_when_we_are_silent) {
  for (const bool process_is_dead : {false, true}) {
    for (const Setpoint& setpoint : {charge(), discharge()}) {
      make_world();
      ASSERT_NO_FATAL_FAILURE(energise(setpoint));
      rig().pass(watchdog_delay - 500ms);
      EXPECT_TRUE(truth().output_on);
      if (process_is_dead) remove_driver();  // a closed connection is no sign of life
      rig().pass(1500ms);
      expect_off();
    }
  }
}

TEST_P(CyclerProtection, after_its_watchdog_fired_nothing_is_applied_until_a_person_or_arm_says_so) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().pass(watchdog_delay + 1s);
  expect_off();
  const Result<CyclerReadings> readings = measure();
  ASSERT_TRUE(readings);
  const bool trips = cycler().capabilities().watchdog_effect == WatchdogEffect::trips;
  EXPECT_EQ(readings->tripped, trips) << "as the model file says";
  EXPECT_EQ(readings->remote, trips);
  EXPECT_FALSE(readings->output_on);
  EXPECT_FALSE(apply(charge()));
  expect_off();
  EXPECT_TRUE(acknowledge());
  energise();
}

TEST_P(CyclerProtection, the_watchdog_watches_a_link_that_is_cut) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("accept_only " + instrument());
  for (int i = 0; i < 12; ++i) {
    EXPECT_FALSE(measure(300ms));
    rig().pass(200ms);
  }
  expect_off();
}

TEST_P(CyclerProtection, measuring_every_second_keeps_the_watchdog_quiet_for_an_hour) {
  ASSERT_NO_FATAL_FAILURE(energise(charge(0.5_A)));
  const TimePoint begun = rig().time().now();
  for (int i = 1; i <= 3600; ++i) {
    rig().pass(begun + i * 1s - rig().time().now());
    const Result<CyclerReadings> readings = measure();
    ASSERT_TRUE(readings) << readings.error().what;
    ASSERT_TRUE(readings->output_on && readings->remote && !readings->tripped) << "in second " << i;
  }
  EXPECT_TRUE(truth().output_on);
  EXPECT_NEAR(truth().current_A, 0.5, idle_A());
}

TEST_P(CyclerProtection, is_released_with_the_output_off_only) {
  ASSERT_NO_FATAL_FAILURE(energise());
  expect_refused(release());
  EXPECT_TRUE(truth().output_on);
}

TEST_P(CyclerProtection, a_released_instrument_is_left_in_peace) {
  ASSERT_NO_FATAL_FAILURE(energise());
  ASSERT_TRUE(output_off());
  const Result<void> released = release();
  ASSERT_TRUE(released) << released.error().what;
  expect_refused(apply(charge()));
  rig().pass(1h);
  make_driver();
  const Result<CyclerReadings> readings = measure();
  ASSERT_TRUE(readings);
  EXPECT_FALSE(readings->tripped);
  energise();
}

TEST_P(CyclerProtection, releases_twice_and_before_anything_was_armed) {
  EXPECT_TRUE(release());
  ASSERT_NO_FATAL_FAILURE(energise());
  ASSERT_TRUE(output_off());
  EXPECT_TRUE(release());
  EXPECT_TRUE(release());
}

TEST_P(CyclerProtection, arming_survives_no_lost_reply_unnoticed) {
  int n = 0;
  for (; n < 2 * exchange_count_max; n += sparse_when_sanitized(3)) {
    SCOPED_TRACE(n);
    make_world();
    rig().fault("drop " + instrument() + " count=1 skip=" + std::to_string(n));
    const Result<void> armed = rig().call(cycler().arm(protections(), in(plenty)));
    rig().clear_faults();
    if (armed) break;
    expect_refused(apply(charge()));
    expect_off();
    const Result<void> armed_again = arm(protections());
    EXPECT_TRUE(armed_again) << armed_again.error().what;
    if (HasFailure()) return;
  }
  EXPECT_GT(n, 3);
  EXPECT_LT(n, 2 * exchange_count_max);
}

INSTANTIATE_TEST_SUITE_P(EveryCycler, CyclerProtection, every_cycler, case_name);

class CyclerUnderVoltage : public CyclerProtection {};

// The N6900 has no under-voltage protection of its own (its model file says so).
TEST_P(CyclerUnderVoltage, a_cell_below_the_under_voltage_trips_without_us) {
  ASSERT_NO_FATAL_FAILURE(make_world(2.0));
  Protections high = protections();
  high.under_voltage = 3.3_V;
  ASSERT_TRUE(arm(high));
  ASSERT_NO_FATAL_FAILURE(apply_or_fail(ConstantCurrent{.current = -1.0_A, .voltage_min = 3.3_V, .voltage_max = cell_high}));
  remove_driver();
  swap_cells();
  rig().pass(100ms);
  EXPECT_LT(truth().voltage_V, 3.3);
  expect_off();
  expect_latched();
}

INSTANTIATE_TEST_SUITE_P(
    WithUnderVoltage, CyclerUnderVoltage,
    ::testing::Values(CyclerCase{Make::ea_psb, LinkKind::memory}, CyclerCase{Make::ea_psb, LinkKind::lockstep},
                      CyclerCase{Make::ea_psb_rtu, LinkKind::memory}, CyclerCase{Make::ea_psb_rtu, LinkKind::lockstep},
                      CyclerCase{Make::itech, LinkKind::memory}, CyclerCase{Make::itech, LinkKind::lockstep}),
    case_name);

// ---- with the machine's own clock: few and short

TEST_P(CyclerInRealTime, arms_applies_measures_and_stops) {
  ASSERT_TRUE(rig().call(cycler().identify(in(plenty))));
  ASSERT_NO_FATAL_FAILURE(energise(charge(2.0_A)));
  const TimePoint asked = rig().time().now();
  const Result<CyclerReadings> readings = measure();
  ASSERT_TRUE(readings) << readings.error().what;
  EXPECT_GE(readings->voltage.at, asked);
  EXPECT_LE(readings->voltage.at, rig().time().now());
  EXPECT_NEAR(readings->current.value, 2.0, idle_A());
  const Result<void> off = output_off();
  EXPECT_TRUE(off) << off.error().what;
  expect_off();
  EXPECT_TRUE(rig().call(cycler().release(in(plenty))));
}

TEST_P(CyclerInRealTime, off_does_not_wait_for_a_measurement_that_hangs) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("drop " + main_port() + " count=1");
  Pending<Result<CyclerReadings>> hanging = rig().start(cycler().measure(in(60s)));
  rig().pass(30ms);
  const Result<void> off = output_off(10s);
  EXPECT_TRUE(off) << off.error().what;
  expect_off();
  const Result<CyclerReadings> measured = hanging.finish();
  ASSERT_FALSE(measured);
  EXPECT_EQ(measured.error().fault, Fault::interrupted);
}

TEST_P(CyclerInRealTime, off_on_a_dead_link_ends_at_its_deadline) {
  ASSERT_NO_FATAL_FAILURE(energise());
  for (const char* const fault : {"refuse", "accept_only"}) {
    rig().fault(fault + (" " + instrument()));
    const TimePoint begun = rig().time().now();
    EXPECT_FALSE(output_off(150ms));
    EXPECT_GE(rig().time().now() - begun, 150ms);
    EXPECT_LT(rig().time().now() - begun, 5s);  // a loaded machine may be slow; a missing deadline would be slower
    rig().clear_faults();
  }
  EXPECT_TRUE(output_off(10s));
  expect_off();
}

INSTANTIATE_TEST_SUITE_P(EveryCycler, CyclerInRealTime,
                         ::testing::Values(CyclerCase{Make::ea_psb, LinkKind::real}, CyclerCase{Make::ea_psb_rtu, LinkKind::real},
                                           CyclerCase{Make::itech_serial, LinkKind::real},
                                           CyclerCase{Make::keysight_n6900, LinkKind::real},
                                           CyclerCase{Make::itech, LinkKind::real}),
                         case_name);

}  // namespace
}  // namespace cellrig::test
