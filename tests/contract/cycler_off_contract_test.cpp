// The contract of Cycler, output_off(): at any moment, by its deadline, and success only when the instrument confirmed it.
#include <cmath>

#include "tests/contract/cycler_contract.hpp"
#include "tests/support/sparse.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

class CyclerOff : public CyclerContract {
 protected:
  /// Off, and nothing turns it on again.
  void expect_stays_off() {
    expect_off();
    for (int i = 0; i < 10; ++i) {
      rig().pass(300ms);
      expect_off();
    }
  }
  void expect_interrupted(const Result<void>& call) {
    ASSERT_FALSE(call);
    EXPECT_EQ(call.error().fault, Fault::interrupted) << call.error().what;
  }
  [[nodiscard]] Duration since(TimePoint begun) { return rig().time().now() - begun; }
};

TEST_P(CyclerOff, turns_a_running_output_off) {
  for (const Setpoint& setpoint : {charge(), discharge()}) {
    ASSERT_NO_FATAL_FAILURE(energise(setpoint));
    const Result<void> off = output_off();
    EXPECT_TRUE(off) << off.error().what;
    expect_off();
    EXPECT_LT(std::abs(measure()->current.value), cycler().off_current_threshold().value());
  }
}

TEST_P(CyclerOff, is_idempotent) {
  EXPECT_TRUE(output_off());  // never on, never connected, never identified
  ASSERT_NO_FATAL_FAILURE(energise());
  EXPECT_TRUE(output_off());
  EXPECT_TRUE(output_off());
  expect_off();
}

// The first command of a starting process: what an earlier one left on goes off.
TEST_P(CyclerOff, needs_nothing_but_a_link) {
  ASSERT_NO_FATAL_FAILURE(energise());
  remove_driver();
  make_driver();
  ASSERT_TRUE(truth().output_on);
  const Result<void> off = output_off();
  EXPECT_TRUE(off) << off.error().what;
  expect_off();
}

TEST_P(CyclerOff, two_callers_at_once_both_get_their_answer) {
  ASSERT_NO_FATAL_FAILURE(energise());
  Pending<Result<void>> first = rig().start(cycler().output_off(in(1s)));
  rig().pass(1ms);
  Pending<Result<void>> second = rig().start(cycler().output_off(in(1s)));
  EXPECT_TRUE(first.finish());
  EXPECT_TRUE(second.finish());
  expect_off();
}

TEST_P(CyclerOff, leaves_the_protections_armed) {
  ASSERT_NO_FATAL_FAILURE(energise());
  ASSERT_TRUE(output_off());
  EXPECT_TRUE(apply(discharge(1.0_A)));
  EXPECT_LT(truth().current_A, -0.9);
}

TEST_P(CyclerOff, does_not_wait_for_a_measurement_that_hangs) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("drop " + main_port() + " count=1");
  Pending<Result<CyclerReadings>> hanging = rig().start(cycler().measure(in(10s)));
  rig().pass(50ms);
  ASSERT_FALSE(hanging.is_over());
  const TimePoint begun = rig().time().now();
  const Result<void> off = output_off();
  EXPECT_TRUE(off) << off.error().what;
  EXPECT_LT(since(begun), 200ms);
  expect_off();
  const Result<CyclerReadings> measured = hanging.finish();
  ASSERT_FALSE(measured);
  EXPECT_EQ(measured.error().fault, Fault::interrupted);
  EXPECT_LT(since(begun), 200ms);
  expect_stays_off();
}

// Each exchange of apply() in turn loses its reply; OFF comes while apply() waits for it.
TEST_P(CyclerOff, strikes_at_each_exchange_of_apply) {
  for (const bool is_on_before : {false, true}) {
    int n = 1;
    for (; n <= exchange_count_max; n += sparse_when_sanitized(2)) {
      SCOPED_TRACE("exchange " + std::to_string(n));
      make_world();
      ASSERT_NO_FATAL_FAILURE(arm_or_fail());
      if (is_on_before) {
        ASSERT_NO_FATAL_FAILURE(apply_or_fail(charge(1.0_A)));
      }
      rig().fault("drop " + main_port() + " count=1 skip=" + std::to_string(n - 1));
      const Setpoint wanted = discharge(2.0_A);  // apply() keeps a reference while it is under way
      Pending<Result<void>> applying = rig().start(cycler().apply(wanted, in(10s)));
      rig().pass(is_paced() ? n * 57ms + 80ms : 400ms);  // it waits for the n-th
      if (applying.is_over()) break;
      const TimePoint begun = rig().time().now();
      const Result<void> off = output_off();
      EXPECT_TRUE(off) << off.error().what;
      EXPECT_LT(since(begun), 400ms);
      expect_interrupted(applying.finish());
      expect_stays_off();
      if (HasFailure()) return;
    }
    EXPECT_GT(n, 5);
    EXPECT_LE(n, exchange_count_max);
  }
}

TEST_P(CyclerOff, strikes_at_every_moment_of_apply) {
  bool is_over = false;
  const int step_ms = (is_paced() ? 23 : 2) * sparse_when_sanitized(4);
  for (int moment_ms = 0; !is_over && moment_ms < 200 * step_ms; moment_ms += step_ms) {
    SCOPED_TRACE(moment_ms);
    make_world();
    ASSERT_NO_FATAL_FAILURE(arm_or_fail());
    const Setpoint wanted = charge();
    Pending<Result<void>> applying = rig().start(cycler().apply(wanted, in(10s)));
    rig().pass(moment_ms * 1ms);
    is_over = applying.is_over();
    const Result<void> off = output_off();
    EXPECT_TRUE(off) << off.error().what;
    const Result<void> applied = applying.finish();
    if (!applied) expect_interrupted(applied);
    expect_stays_off();
    if (HasFailure()) return;
  }
  EXPECT_TRUE(is_over);
}

TEST_P(CyclerOff, strikes_at_every_moment_of_arm) {
  bool is_over = false;
  const int step_ms = (is_paced() ? 37 : 10) * sparse_when_sanitized(4);
  for (int moment_ms = 0; !is_over && moment_ms < 100 * step_ms; moment_ms += step_ms) {
    SCOPED_TRACE(moment_ms);
    make_world();
    const Protections guards = protections();  // arm() keeps a reference while it is under way
    Pending<Result<void>> arming = rig().start(cycler().arm(guards, in(10s)));
    rig().pass(moment_ms * 1ms);
    is_over = arming.is_over();
    const Result<void> off = output_off();
    EXPECT_TRUE(off) << off.error().what;
    const Result<void> armed = arming.finish();
    if (!armed) {
      expect_interrupted(armed);
      const Result<void> applied = apply(charge());
      ASSERT_FALSE(applied);
      EXPECT_EQ(applied.error().fault, Fault::refused);
    }
    expect_off();
    if (HasFailure()) return;
  }
  EXPECT_TRUE(is_over);
}

TEST_P(CyclerOff, a_call_that_comes_meanwhile_is_turned_away) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("ignore_off " + instrument());
  Pending<Result<void>> stopping = rig().start(cycler().output_off(in(1s)));
  rig().pass(50ms);
  ASSERT_FALSE(stopping.is_over());
  expect_interrupted(apply(charge(4.0_A)));
  const Result<CyclerReadings> measured = measure();
  EXPECT_TRUE(measured || measured.error().fault == Fault::interrupted);
  rig().clear_faults();
  EXPECT_TRUE(stopping.finish());
  expect_stays_off();
  EXPECT_LE(truth().current_max_A, 2.0 + idle_A());
}

TEST_P(CyclerOff, on_a_dead_link_fails_by_its_deadline) {
  ASSERT_NO_FATAL_FAILURE(energise());
  for (const char* const fault : {"refuse", "accept_only"}) {
    SCOPED_TRACE(fault);
    rig().fault(fault + (" " + instrument()));
    const TimePoint begun = rig().time().now();
    EXPECT_FALSE(output_off());
    EXPECT_LE(since(begun), 1s);
    rig().clear_faults();
  }
  EXPECT_TRUE(output_off());
  expect_off();
}

TEST_P(CyclerOff, on_a_link_that_dies_under_a_call_in_flight_fails_by_its_deadline) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("accept_only " + instrument());
  Pending<Result<CyclerReadings>> hanging = rig().start(cycler().measure(in(10s)));
  rig().pass(20ms);
  const TimePoint begun = rig().time().now();
  EXPECT_FALSE(output_off(500ms));
  EXPECT_LE(since(begun), 500ms);
  const Result<CyclerReadings> measured = hanging.finish();
  ASSERT_FALSE(measured);
  EXPECT_EQ(measured.error().fault, Fault::interrupted);
}

TEST_P(CyclerOff, gets_through_when_the_link_heals_before_its_deadline) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("accept_only " + instrument() + " for_s=0.5");
  const Result<void> off = output_off(2s);
  EXPECT_TRUE(off) << off.error().what;
  expect_off();
}

TEST_P(CyclerOff, gets_through_whichever_of_its_replies_is_lost) {
  for (const char* const fault : {"drop", "close", "garble bytes=40", "truncate bytes=3"}) {
    for (int n = 0; n < 4; ++n) {
      SCOPED_TRACE(fault + (" after " + std::to_string(n)));
      make_world();
      ASSERT_NO_FATAL_FAILURE(energise());
      const std::string order = fault;
      const std::string kind = order.substr(0, order.find(' '));
      rig().fault(kind + " " + main_port() + order.substr(kind.size()) + " count=1 skip=" + std::to_string(n));
      const Result<void> off = output_off();
      EXPECT_TRUE(off) << off.error().what;
      expect_off();
    }
  }
}

TEST_P(CyclerOff, is_no_success_when_the_instrument_ignores_it) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("ignore_off " + instrument());
  const TimePoint begun = rig().time().now();
  EXPECT_FALSE(output_off());
  EXPECT_LE(since(begun), 1s);
  EXPECT_TRUE(truth().output_on);
  rig().clear_faults();
  EXPECT_TRUE(output_off());
  expect_off();
}

// A relay that sticks: the instrument says "off", and its own measurement says otherwise.
TEST_P(CyclerOff, is_no_success_while_the_instrument_measures_a_current) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("freeze " + instrument());
  ASSERT_TRUE(measure());
  EXPECT_FALSE(output_off());
  rig().clear_faults();
  EXPECT_TRUE(output_off());
}

TEST_P(CyclerOff, is_no_success_while_the_current_is_no_number) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("nan " + instrument());
  EXPECT_FALSE(output_off());
  expect_off();  // but off it is
  rig().clear_faults();
  EXPECT_TRUE(output_off());
}

// Success would be about the moment before: the instrument must have said it after it was asked.
TEST_P(CyclerOff, believes_no_late_answer) {
  ASSERT_TRUE(output_off());
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("ignore_off " + instrument());
  rig().fault("delay " + main_port() + " count=for_ever delay_ms=280");
  EXPECT_FALSE(output_off(2s));
  EXPECT_TRUE(truth().output_on);
}

INSTANTIATE_TEST_SUITE_P(EveryCycler, CyclerOff, every_cycler, case_name);

class EaPsbOff : public CyclerOff {};

TEST_P(EaPsbOff, goes_over_the_second_port_when_the_first_is_silent) {
  for (const char* const fault : {"refuse", "accept_only"}) {
    ASSERT_NO_FATAL_FAILURE(energise());
    rig().fault(fault + std::string(" psb1.modbus"));
    const Result<void> off = output_off();
    EXPECT_TRUE(off) << off.error().what;
    expect_off();
    rig().clear_faults();
  }
}

TEST_P(EaPsbOff, goes_over_the_first_port_when_the_second_is_silent) {
  ASSERT_NO_FATAL_FAILURE(energise());
  rig().fault("accept_only psb1.scpi");
  const Result<void> off = output_off();
  EXPECT_TRUE(off) << off.error().what;
  expect_off();
}

INSTANTIATE_TEST_SUITE_P(EaPsb, EaPsbOff,
                         ::testing::Values(CyclerCase{Make::ea_psb, LinkKind::memory},
                                           CyclerCase{Make::ea_psb, LinkKind::lockstep},
                                           CyclerCase{Make::ea_psb_rtu, LinkKind::memory},
                                           CyclerCase{Make::ea_psb_rtu, LinkKind::lockstep}),
                         case_name);

}  // namespace
}  // namespace cellrig::test
