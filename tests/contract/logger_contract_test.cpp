// The contracts of Logger and Relays, on every driver and link: temperatures that are true or no numbers, and contactors that open.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>

#include "drivers/instruments/logger.hpp"
#include "tests/contract/contract_rig.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* bench_text = R"(bench: contract
instruments:
  psb1: {model: ea-psb-10060-60, modbus: "192.0.2.10:502", scpi: "192.0.2.10:5025"}
  f4t: {model: watlow-f4t, modbus: "192.0.2.12:502"}
  adam: {model: adam-6018, modbus: "192.0.2.13:502"}
chambers:
  oven: {instrument: f4t}
channels:
  ch1:
    cycler: psb1
    cell_temperature: {logger: adam, input: 0}
    ambient_temperature: {logger: adam, input: 1}
    contactor: {relays: adam, output: 0}
    chamber: oven
simulation:
  cells:
    ch1: {file: lg-m50, soc_pct: 50}
  room_temperature_degC: 25
  latency: modelled
)";

class LoggerContract : public ::testing::TestWithParam<LinkKind> {
 protected:
  static constexpr Duration plenty = 2s;
  static constexpr int contactor = 0;
  using Inputs = std::array<Reading, 2>;

  void SetUp() override {
    rig_ = std::make_unique<ContractRig>(GetParam(), bench_text);
    instruments_ = rig_->make_instruments("ch1");
  }
  void TearDown() override {
    instruments_ = BenchInstruments{};
    rig_.reset();
  }

  [[nodiscard]] ContractRig& rig() { return *rig_; }
  [[nodiscard]] Logger& logger() { return *instruments_.loggers.at("adam"); }
  [[nodiscard]] Relays& relays() { return *instruments_.relays.at("adam"); }
  [[nodiscard]] Chamber& chamber() { return *instruments_.chambers.at("f4t"); }
  [[nodiscard]] ChannelTruth truth() { return rig_->truth("ch1"); }
  [[nodiscard]] Deadline in(Duration duration) { return rig_->in(duration); }

  Result<InstrumentIdentity> identify() { return rig().call(logger().identify(in(plenty))); }
  Result<void> measure(std::span<Reading> into, Duration within = plenty) {
    return rig().call(logger().measure(into, in(within)));
  }
  Result<void> set(bool energised, Duration within = plenty) {
    return rig().call(relays().set(contactor, energised, in(within)));
  }

  void expect_true(const Reading& reading, double truth_degC) {
    ASSERT_EQ(reading.quality, Quality::good);
    const LoggerCapabilities& can = logger().capabilities();
    EXPECT_NEAR(reading.value, truth_degC, can.temperature_accuracy.bound_at(reading.value));
  }
  /// Brings cell and air to another temperature, and lets them rest there.
  void change_temperature(double temperature_degC) {
    const ChamberLimits limits{.setpoint_min = Celsius{-40.0}, .setpoint_max = Celsius{85.0}};
    ASSERT_TRUE(rig().call(chamber().arm(limits, in(plenty))));
    ASSERT_TRUE(rig().call(chamber().run(Celsius{temperature_degC}, in(plenty))));
    rig().pass(6h);
  }

 private:
  std::unique_ptr<ContractRig> rig_;
  BenchInstruments instruments_;
};

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
  const TimePoint asked = rig().time().now();
  Inputs inputs;
  ASSERT_TRUE(measure(inputs));
  const TimePoint answered = rig().time().now();
  ASSERT_GT(answered, asked);
  for (const Reading& reading : inputs) EXPECT_EQ(reading.at, midpoint(asked, answered));
}

TEST_P(LoggerContract, after_a_lost_link_is_stamped_in_the_exchange_that_brought_it) {
  ASSERT_TRUE(identify());
  rig().fault("delay adam.modbus count=1 delay_ms=400");
  rig().fault("close adam.modbus count=1");
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

// 25 degC read by a type K module would show as something else that looks like a temperature.
TEST_P(LoggerContract, another_type_code_is_refused_and_nothing_is_measured) {
  rig().fault("identity adam text=1056");
  const Result<InstrumentIdentity> identity = identify();
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().fault, Fault::refused);
  Inputs inputs;
  EXPECT_FALSE(measure(inputs));
}

TEST_P(LoggerContract, a_type_code_that_changes_later_is_found_by_the_next_identify) {
  ASSERT_TRUE(identify());
  rig().fault("identity adam text=1056");
  EXPECT_FALSE(identify());
  Inputs inputs;
  EXPECT_FALSE(measure(inputs));
}

TEST_P(LoggerContract, a_failed_exchange_fills_nothing_and_the_next_one_is_fresh) {
  ASSERT_TRUE(identify());
  double temperature_degC = 20.0;
  for (const char* const fault : {"drop", "close", "delay delay_ms=300", "garble bytes=40", "truncate bytes=4"}) {
    SCOPED_TRACE(fault);
    const std::string order = fault;
    const std::string kind = order.substr(0, order.find(' '));
    rig().fault(kind + " adam.modbus count=for_ever" + order.substr(kind.size()));
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
  std::array<Reading, 9> inputs;
  EXPECT_FALSE(measure(inputs));
}

// ---- Relays

TEST_P(LoggerContract, a_contactor_closes_and_opens_and_that_is_verified) {
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

TEST_P(LoggerContract, a_relay_that_does_not_exist_is_refused) {
  for (const int channel : {-1, 8, 1000}) {
    const Result<void> done = rig().call(relays().set(channel, true, in(plenty)));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().fault, Fault::refused);
  }
}

TEST_P(LoggerContract, opening_cuts_a_measurement_in_flight) {
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

TEST_P(LoggerContract, opening_wins_over_a_closing_in_flight) {
  for (int skip = 0; skip < 2; ++skip) {
    rig().fault("drop adam.modbus count=1 skip=" + std::to_string(skip));
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

TEST_P(LoggerContract, opening_gets_through_whichever_of_its_replies_is_lost) {
  for (const char* const fault : {"drop", "close", "garble bytes=40", "truncate bytes=3"}) {
    for (int n = 0; n < 3; ++n) {
      SCOPED_TRACE(fault + (" after " + std::to_string(n)));
      ASSERT_TRUE(set(true));
      const std::string order = fault;
      const std::string kind = order.substr(0, order.find(' '));
      rig().fault(kind + " adam.modbus count=1" + order.substr(kind.size()) + " skip=" + std::to_string(n));
      const Result<void> opened = set(false);
      EXPECT_TRUE(opened) << opened.error().what;
      EXPECT_FALSE(truth().contactor_closed);
      rig().clear_faults();
    }
  }
}

TEST_P(LoggerContract, a_lost_reply_while_closing_is_no_success) {
  for (int n = 0; n < 2; ++n) {
    rig().fault("drop adam.modbus count=1 skip=" + std::to_string(n));
    EXPECT_FALSE(set(true, 300ms));
    rig().clear_faults();
    EXPECT_TRUE(set(false));
  }
}

TEST_P(LoggerContract, a_relay_that_does_not_obey_is_no_success) {
  ASSERT_TRUE(set(true));
  rig().fault("ignore_off adam");
  const TimePoint begun = rig().time().now();
  const Result<void> opened = set(false, 1s);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().fault, Fault::device_fault);
  EXPECT_LE(rig().time().now() - begun, 1s);
  EXPECT_TRUE(truth().contactor_closed);
}

TEST_P(LoggerContract, opening_on_a_dead_link_fails_by_its_deadline) {
  ASSERT_TRUE(set(true));
  for (const char* const fault : {"refuse adam", "accept_only adam"}) {
    rig().fault(fault);
    const TimePoint begun = rig().time().now();
    EXPECT_FALSE(set(false, 1s));
    EXPECT_LE(rig().time().now() - begun, 1s);
    rig().clear_faults();
  }
  EXPECT_TRUE(set(false));
  EXPECT_FALSE(truth().contactor_closed);
}

INSTANTIATE_TEST_SUITE_P(Adam6018, LoggerContract, ::testing::Values(LinkKind::memory, LinkKind::lockstep), link_name);

// With the machine's own clock: short.
class LoggerInRealTime : public LoggerContract {};

TEST_P(LoggerInRealTime, measures_and_opens_while_a_measurement_hangs) {
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

INSTANTIATE_TEST_SUITE_P(Adam6018, LoggerInRealTime, ::testing::Values(LinkKind::real), link_name);

}  // namespace
}  // namespace cellrig::test
