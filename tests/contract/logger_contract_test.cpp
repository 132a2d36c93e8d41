// The contract of Logger, on every driver and link: temperatures that are true or no numbers.
#include <vector>

#include "tests/contract/logger_contract.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

TEST_P(LoggerContract, measures_nothing_before_it_was_identified) {
  Inputs inputs;
  EXPECT_FALSE(measure(inputs));
  EXPECT_EQ(inputs[0].quality, Quality::missing);
  EXPECT_TRUE(identify());
  EXPECT_TRUE(measure(inputs));
}

TEST_P(LoggerContract, measures_the_truth_from_cold_to_hot) {
  ASSERT_TRUE(identify());
  for (const double temperature_degC : {-20.0, 10.0, 60.0}) {
    SCOPED_TRACE(temperature_degC);
    ASSERT_NO_FATAL_FAILURE(change_temperature(temperature_degC));
    Inputs inputs;
    ASSERT_TRUE(measure(inputs));
    expect_true(inputs[0], truth().surface_temperature_degC);
    expect_true(inputs[1], truth().ambient_temperature_degC);
    EXPECT_NEAR(inputs[0].value, temperature_degC, 3.0);
  }
}

TEST_P(LoggerContract, stamps_all_channels_at_the_middle_of_one_exchange) {
  ASSERT_TRUE(identify());
  rig().pass(1s);  // whatever pause it wants is over
  const TimePoint asked = rig().time().now();
  Inputs inputs;
  ASSERT_TRUE(measure(inputs));
  const TimePoint answered = rig().time().now();
  ASSERT_GT(answered, asked);
  for (const Reading& reading : inputs) EXPECT_EQ(reading.at, midpoint(asked, answered));
}

TEST_P(LoggerContract, after_a_lost_link_is_stamped_in_the_exchange_that_brought_it) {
  ASSERT_TRUE(identify());
  rig().fault("delay " + port() + " count=1 delay_ms=400");
  rig().fault("close " + port() + " count=1");
  const TimePoint asked = rig().time().now();
  Inputs inputs;
  if (!measure(inputs)) return;  // a driver need not ask again by itself
  EXPECT_GT(to_seconds(inputs[0].at - asked), 0.4);
}

TEST_P(LoggerContract, an_open_sensor_is_bad_and_the_others_stay_good) {
  ASSERT_TRUE(identify());
  rig().fault("thermocouple_open ch1 sensor=cell");
  Inputs inputs;
  ASSERT_TRUE(measure(inputs));
  EXPECT_EQ(inputs[0].quality, Quality::bad);
  EXPECT_FALSE(inputs[0].usable());
  expect_true(inputs[1], truth().ambient_temperature_degC);
  rig().clear_faults();
  ASSERT_TRUE(measure(inputs));
  expect_true(inputs[0], truth().surface_temperature_degC);
}

// 25 degC read as of another type of thermocouple would show as something else that looks like a temperature.
TEST_P(LoggerContract, another_instrument_is_refused_and_nothing_is_measured) {
  rig().fault("identity " + instrument() + " text=" + on_bench(GetParam().make).other_identity);
  const Result<InstrumentIdentity> identity = identify();
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().fault, Fault::refused);
  Inputs inputs;
  EXPECT_FALSE(measure(inputs));
}

TEST_P(LoggerContract, another_instrument_that_comes_later_is_found_by_the_next_identify) {
  ASSERT_TRUE(identify());
  rig().fault("identity " + instrument() + " text=" + on_bench(GetParam().make).other_identity);
  EXPECT_FALSE(identify());
  Inputs inputs;
  EXPECT_FALSE(measure(inputs));
}

// Somebody else's program may set it up anew while it is read: no lease keeps it from that.
TEST_P(LoggerContract, what_somebody_else_has_changed_is_found_without_identify_and_nothing_is_measured_by_it) {
  ASSERT_TRUE(identify());
  const auto verify = [this] { return rig().call(logger().verify(in(plenty))); };
  constexpr int all_its_checks = 8;
  for (int i = 0; i < all_its_checks; ++i) EXPECT_TRUE(verify()) << i;
  Inputs inputs;
  ASSERT_TRUE(measure(inputs));
  const bool is_adam = GetParam().make == LoggerMake::adam_6018;
  rig().fault(is_adam ? "identity " + instrument() + " text=1056" : "reboot " + instrument());
  rig().pass(1min);  // it is back, at its defaults
  Result<void> found;
  for (int i = 0; i < all_its_checks && found; ++i) found = verify();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().fault, Fault::refused) << found.error().what;
  EXPECT_FALSE(measure(inputs));
}

TEST_P(LoggerContract, a_failed_exchange_fills_nothing_and_the_next_one_is_fresh) {
  ASSERT_TRUE(identify());
  double temperature_degC = 20.0;
  for (const char* const fault : {"drop", "close", "delay delay_ms=300", "garble bytes=40", "truncate bytes=4"}) {
    SCOPED_TRACE(fault);
    const std::string order = fault;
    const std::string kind = order.substr(0, order.find(' '));
    rig().fault(kind + " " + port() + " count=for_ever" + order.substr(kind.size()));
    Inputs inputs;
    const TimePoint asked = rig().time().now();
    EXPECT_FALSE(measure(inputs, 200ms));
    EXPECT_LE(rig().time().now() - asked, 200ms);
    EXPECT_EQ(inputs[0].quality, Quality::missing);
    EXPECT_EQ(inputs[1].quality, Quality::missing);
    rig().clear_faults();
    temperature_degC += 8.0;
    ASSERT_NO_FATAL_FAILURE(change_temperature(temperature_degC));
    ASSERT_TRUE(measure(inputs));
    expect_true(inputs[0], truth().surface_temperature_degC);
    expect_true(inputs[1], truth().ambient_temperature_degC);
  }
}

TEST_P(LoggerContract, more_inputs_than_it_has_are_refused) {
  ASSERT_TRUE(identify());
  std::vector<Reading> inputs(logger().capabilities().inputs.size() + 1);
  EXPECT_FALSE(measure(inputs));
}

// Whatever came up at its defaults measures something else: no number may look like a temperature.
TEST_P(LoggerContract, after_a_restart_measures_the_truth_or_nothing) {
  ASSERT_TRUE(identify());
  rig().fault("reboot " + instrument());
  Inputs inputs;
  if (measure(inputs, std::chrono::milliseconds{500})) expect_true(inputs[0], truth().surface_temperature_degC);
  ASSERT_TRUE(identify());
  ASSERT_TRUE(measure(inputs));
  expect_true(inputs[0], truth().surface_temperature_degC);
}

INSTANTIATE_TEST_SUITE_P(EveryLogger, LoggerContract,
                         ::testing::Values(LoggerCase{LoggerMake::adam_6018, LinkKind::memory},
                                           LoggerCase{LoggerMake::adam_6018, LinkKind::lockstep},
                                           LoggerCase{LoggerMake::keysight_daq, LinkKind::memory},
                                           LoggerCase{LoggerMake::keysight_daq, LinkKind::lockstep},
                                           LoggerCase{LoggerMake::keysight_34970a, LinkKind::memory},
                                           LoggerCase{LoggerMake::keysight_34970a, LinkKind::lockstep}),
                         logger_case_name);

// With the machine's own clock: short.
class LoggerInRealTime : public LoggerContract {};

TEST_P(LoggerInRealTime, measures) {
  ASSERT_TRUE(identify());
  Inputs inputs;
  ASSERT_TRUE(measure(inputs));
  expect_true(inputs[0], truth().surface_temperature_degC);
}

INSTANTIATE_TEST_SUITE_P(EveryLogger, LoggerInRealTime,
                         ::testing::Values(LoggerCase{LoggerMake::adam_6018, LinkKind::real},
                                           LoggerCase{LoggerMake::keysight_daq, LinkKind::real}),
                         logger_case_name);

}  // namespace
}  // namespace cellrig::test
