// The contract of Relays: contactors that open, and never wait for the logger that they share a connection with.
#include "tests/contract/logger_contract.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

class RelaysContract : public LoggerContract {};

TEST_P(RelaysContract, a_contactor_closes_and_opens_and_that_is_verified) {
  EXPECT_FALSE(truth().contactor_closed);
  for (int i = 0; i < 2; ++i) {
    const Result<void> closed = set(true);
    EXPECT_TRUE(closed) << closed.error().what;
    EXPECT_TRUE(truth().contactor_closed);
    const Result<void> opened = set(false);
    EXPECT_TRUE(opened) << opened.error().what;
    EXPECT_FALSE(truth().contactor_closed);
  }
  EXPECT_TRUE(set(false));
}

TEST_P(RelaysContract, a_relay_that_does_not_exist_is_refused) {
  for (const int channel : {-1, 8, 1000}) {
    const Result<void> done = rig().call(relays().set(channel, true, in(plenty)));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().fault, Fault::refused);
  }
}

// Read back from the module, by whoever must know and may change nothing.
TEST_P(RelaysContract, a_state_is_what_the_module_says_and_asking_changes_nothing) {
  const auto state = [this](int channel) { return rig().call(relays().state(channel, in(plenty))); };
  for (const bool closed : {true, false}) {
    ASSERT_TRUE(set(closed));
    for (int i = 0; i < 2; ++i) {
      const Result<bool> held = state(contactor);
      ASSERT_TRUE(held) << held.error().what;
      EXPECT_EQ(*held, closed);
      EXPECT_EQ(truth().contactor_closed, closed);
      EXPECT_EQ(state(contactor + 1).value(), false) << "another output of the same module";
    }
  }
  for (const int channel : {-1, relays().relay_count(), 1000}) {
    const Result<bool> none = state(channel);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().fault, Fault::refused);
  }
}

// Somebody at the module's own page may have switched it off: what it was told is no answer.
TEST_P(RelaysContract, a_state_that_nobody_knows_is_no_state) {
  ASSERT_TRUE(set(true));
  rig().fault("reboot " + module());
  EXPECT_EQ(rig().call(relays().state(contactor, in(plenty))).value(), false);
  for (const char* const fault : {"refuse ", "accept_only "}) {
    rig().fault(fault + module());
    const TimePoint begun = rig().time().now();
    EXPECT_FALSE(rig().call(relays().state(contactor, in(1s))));
    EXPECT_LE(rig().time().now() - begun, 1s);
    rig().clear_faults();
  }
}

/// Relays that share their connection with a logger.
class RelaysOfALogger : public LoggerContract {};

TEST_P(RelaysOfALogger, opening_cuts_a_measurement_in_flight) {
  ASSERT_TRUE(identify());
  ASSERT_TRUE(set(true));
  rig().fault("drop adam.modbus count=1");
  Inputs inputs;
  Pending<Result<void>> hanging = rig().start(logger().measure(inputs, in(30s)));
  rig().pass(20ms);
  const TimePoint begun = rig().time().now();
  const Result<void> opened = set(false);
  EXPECT_TRUE(opened) << opened.error().what;
  EXPECT_LT(rig().time().now() - begun, 100ms);
  EXPECT_FALSE(truth().contactor_closed);
  const Result<void> measured = hanging.finish();
  ASSERT_FALSE(measured);
  EXPECT_EQ(measured.error().fault, Fault::interrupted);
  EXPECT_EQ(inputs[0].quality, Quality::missing);
  EXPECT_TRUE(measure(inputs));
}

TEST_P(RelaysContract, opening_wins_over_a_closing_in_flight) {
  for (int skip = 0; skip < 2; ++skip) {
    rig().fault("drop " + module() + ".modbus count=1 skip=" + std::to_string(skip));
    Pending<Result<void>> closing = rig().start(relays().set(contactor, true, in(30s)));
    rig().pass(50ms);
    const Result<void> opened = set(false);
    EXPECT_TRUE(opened) << opened.error().what;
    const Result<void> closed = closing.finish();
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().fault, Fault::interrupted);
    rig().pass(1s);
    EXPECT_FALSE(truth().contactor_closed);
    rig().clear_faults();
  }
}

TEST_P(RelaysContract, opening_gets_through_whichever_of_its_replies_is_lost) {
  for (const char* const fault : {"drop", "close", "garble bytes=40", "truncate bytes=3"}) {
    for (int n = 0; n < 3; ++n) {
      SCOPED_TRACE(fault + (" after " + std::to_string(n)));
      ASSERT_TRUE(set(true));
      const std::string order = fault;
      const std::string kind = order.substr(0, order.find(' '));
      rig().fault(kind + " " + module() + ".modbus count=1" + order.substr(kind.size()) + " skip=" + std::to_string(n));
      const Result<void> opened = set(false);
      EXPECT_TRUE(opened) << opened.error().what;
      EXPECT_FALSE(truth().contactor_closed);
      rig().clear_faults();
    }
  }
}

TEST_P(RelaysContract, a_lost_reply_while_closing_is_no_success) {
  for (int n = 0; n < 2; ++n) {
    rig().fault("drop " + module() + ".modbus count=1 skip=" + std::to_string(n));
    EXPECT_FALSE(set(true, 300ms));
    rig().clear_faults();
    EXPECT_TRUE(set(false));
  }
}

TEST_P(RelaysContract, a_relay_that_does_not_obey_is_no_success) {
  ASSERT_TRUE(set(true));
  rig().fault("ignore_off " + module());
  const TimePoint begun = rig().time().now();
  const Result<void> opened = set(false, 1s);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().fault, Fault::device_fault);
  EXPECT_LE(rig().time().now() - begun, 1s);
  EXPECT_TRUE(truth().contactor_closed);
}

TEST_P(RelaysContract, opening_on_a_dead_link_fails_by_its_deadline) {
  ASSERT_TRUE(set(true));
  for (const char* const fault : {"refuse ", "accept_only "}) {
    rig().fault(fault + module());
    const TimePoint begun = rig().time().now();
    EXPECT_FALSE(set(false, 1s));
    EXPECT_LE(rig().time().now() - begun, 1s);
    rig().clear_faults();
  }
  EXPECT_TRUE(set(false));
  EXPECT_FALSE(truth().contactor_closed);
}

INSTANTIATE_TEST_SUITE_P(Adam6018, RelaysOfALogger,
                         ::testing::Values(LoggerCase{LoggerMake::adam_6018, LinkKind::memory},
                                           LoggerCase{LoggerMake::adam_6018, LinkKind::lockstep}),
                         logger_case_name);

INSTANTIATE_TEST_SUITE_P(EveryModule, RelaysContract,
                         ::testing::Values(LoggerCase{LoggerMake::adam_6018, LinkKind::memory},
                                           LoggerCase{LoggerMake::adam_6018, LinkKind::lockstep},
                                           LoggerCase{LoggerMake::adam_6018, LinkKind::memory, RelayMake::adam_6060},
                                           LoggerCase{LoggerMake::adam_6018, LinkKind::lockstep, RelayMake::adam_6060},
                                           LoggerCase{LoggerMake::adam_6018, LinkKind::memory, RelayMake::waveshare},
                                           LoggerCase{LoggerMake::adam_6018, LinkKind::lockstep, RelayMake::waveshare}),
                         logger_case_name);

// With the machine's own clock: short.
class RelaysInRealTime : public RelaysContract {};

TEST_P(RelaysInRealTime, measures_and_opens_while_a_measurement_hangs) {
  ASSERT_TRUE(identify());
  ASSERT_TRUE(set(true));
  Inputs inputs;
  ASSERT_TRUE(measure(inputs));
  expect_true(inputs[0], truth().surface_temperature_degC);
  rig().fault("drop adam.modbus count=1");
  Pending<Result<void>> hanging = rig().start(logger().measure(inputs, in(60s)));
  rig().pass(30ms);
  EXPECT_TRUE(set(false, 20s));
  EXPECT_FALSE(truth().contactor_closed);
  EXPECT_FALSE(hanging.finish());
}

INSTANTIATE_TEST_SUITE_P(Adam6018, RelaysInRealTime, ::testing::Values(LoggerCase{LoggerMake::adam_6018, LinkKind::real}),
                         logger_case_name);

}  // namespace
}  // namespace cellrig::test
