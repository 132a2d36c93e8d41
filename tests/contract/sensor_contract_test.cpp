// The contract of Logger for what is no temperature: a force, a gas, a second voltage. True, or no number.
#include <vector>

#include "tests/contract/logger_contract.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

struct SensorOnBench {
  const char* name;  ///< in the names of tests
  const char* instrument;
  const char* port;
  const char* open;  ///< the fault that breaks its wire
  int input;
  double tolerance;
};

enum class SensorMake : unsigned char { load_cell, gas, second_voltmeter };

struct SensorCase {
  SensorMake make = SensorMake::load_cell;
  LinkKind link = LinkKind::memory;
};

const SensorOnBench& on_bench(SensorMake make) {
  static constexpr std::array<SensorOnBench, 3> all{{{"LoadCell", "press", "press.modbus", "sensor_open press", 0, 0.6},
                                                     {"GasSensor", "sniffer", "sniffer.modbus", "sensor_open sniffer", 0, 0.06},
                                                     {"SecondVoltmeter", "daq", "daq.scpi", "nan daq", 12, 1e-6}}};
  return all.at(static_cast<std::size_t>(make));
}

std::string name_of(const SensorCase& which) { return std::string(on_bench(which.make).name) + "_over_" + to_string(which.link); }
void PrintTo(const SensorCase& which, std::ostream* out) { *out << name_of(which); }

class SensorContract : public ::testing::TestWithParam<SensorCase> {
 protected:
  static constexpr Duration plenty = 2s;
  static constexpr double pressed_area_mm2 = 20000.0;

  void SetUp() override {
    rig_ = std::make_unique<ContractRig>(GetParam().link, bench_text);
    instruments_ = rig_->make_instruments("ch1");
  }
  void TearDown() override {
    instruments_ = BenchInstruments{};
    rig_.reset();
  }

  [[nodiscard]] const SensorOnBench& sensor() const { return on_bench(GetParam().make); }
  [[nodiscard]] ContractRig& rig() { return *rig_; }
  [[nodiscard]] Logger& logger() { return *instruments_.loggers.at(sensor().instrument); }
  Result<InstrumentIdentity> identify() { return rig().call(logger().identify(rig().in(plenty))); }
  Result<void> measure(Reading& into, Duration within = plenty) {
    const std::array<int, 1> inputs{sensor().input};
    return rig().call(logger().measure_inputs(inputs, std::span{&into, 1}, rig().in(within)));
  }
  [[nodiscard]] double truth() {
    const ChannelTruth t = rig().truth("ch1");
    switch (GetParam().make) {
      case SensorMake::load_cell: return t.pressure_MPa * pressed_area_mm2;
      case SensorMake::gas: return t.gas_ppm;
      case SensorMake::second_voltmeter: return t.voltage_V;
    }
    return 0.0;
  }
  void expect_true(const Reading& reading) {
    ASSERT_EQ(reading.quality, Quality::good);
    EXPECT_NEAR(reading.value, truth(), sensor().tolerance);
  }

 private:
  static constexpr const char* bench_text =
      "bench: contract\n"
      "instruments:\n"
      "  psb1: {model: ea-psb-10060-60, modbus: \"192.0.2.10:502\", scpi: \"192.0.2.10:5025\"}\n"
      "  daq: {model: keysight-daq970a, scpi: \"192.0.2.15:5025\"}\n"
      "  press: {model: loadcell-aje, modbus: {serial: /dev/ttyUSB0}, unit: 1}\n"
      "  sniffer: {model: gas-jxbs-3001-co, modbus: {serial: /dev/ttyUSB0}, unit: 2}\n"
      "channels:\n"
      "  ch1:\n"
      "    cycler: psb1\n"
      "    voltage: {logger: daq, input: 12}\n"
      "    stack_force: {logger: press, input: 0}\n"
      "    gas: {logger: sniffer, input: 0}\n"
      "simulation:\n"
      "  cells:\n"
      "    ch1: {file: sulfide-20, soc_pct: 50, stack: {mode: constant_gap, pressure_MPa: 3.4567}}\n";

  std::unique_ptr<ContractRig> rig_;
  BenchInstruments instruments_;
};

TEST_P(SensorContract, measures_the_truth_once_it_was_identified_and_nothing_before) {
  Reading reading;
  EXPECT_FALSE(measure(reading));
  EXPECT_EQ(reading.quality, Quality::missing);
  const Result<InstrumentIdentity> identity = identify();
  ASSERT_TRUE(identity) << identity.error().what;
  ASSERT_TRUE(measure(reading));
  expect_true(reading);
}

TEST_P(SensorContract, stamps_a_reading_within_the_exchange_that_brought_it) {
  ASSERT_TRUE(identify());
  rig().pass(1s);  // whatever pause it wants is over
  const TimePoint asked = rig().time().now();
  Reading reading;
  ASSERT_TRUE(measure(reading));
  EXPECT_EQ(reading.at, midpoint(asked, rig().time().now()));
}

TEST_P(SensorContract, a_broken_sensor_is_bad_until_it_is_mended) {
  ASSERT_TRUE(identify());
  rig().fault(sensor().open);
  Reading reading;
  ASSERT_TRUE(measure(reading));
  EXPECT_EQ(reading.quality, Quality::bad);
  EXPECT_FALSE(reading.usable());
  rig().clear_faults();
  ASSERT_TRUE(measure(reading));
  expect_true(reading);
}

TEST_P(SensorContract, a_failed_exchange_fills_nothing_and_the_next_one_is_fresh) {
  ASSERT_TRUE(identify());
  for (const char* const fault : {"drop", "close", "delay delay_ms=300", "garble bytes=40", "truncate bytes=4"}) {
    SCOPED_TRACE(fault);
    const std::string order = fault;
    const std::string kind = order.substr(0, order.find(' '));
    rig().fault(kind + " " + sensor().port + " count=for_ever" + order.substr(kind.size()));
    Reading reading;
    const TimePoint asked = rig().time().now();
    EXPECT_FALSE(measure(reading, 200ms));
    EXPECT_LE(rig().time().now() - asked, 200ms);
    EXPECT_EQ(reading.quality, Quality::missing);
    rig().clear_faults();
    ASSERT_TRUE(measure(reading));
    expect_true(reading);
  }
}

TEST_P(SensorContract, inputs_that_it_does_not_have_are_refused) {
  ASSERT_TRUE(identify());
  std::vector<Reading> inputs(logger().capabilities().inputs.size() + 1);
  EXPECT_FALSE(rig().call(logger().measure(inputs, rig().in(plenty))));
}

TEST_P(SensorContract, after_a_restart_measures_the_truth_or_nothing) {
  ASSERT_TRUE(identify());
  rig().fault(std::string("reboot ") + sensor().instrument);
  Reading reading;
  if (measure(reading, 500ms)) expect_true(reading);
  ASSERT_TRUE(identify());
  ASSERT_TRUE(measure(reading));
  expect_true(reading);
}

constexpr std::array<SensorCase, 6> every_sensor{{{SensorMake::load_cell, LinkKind::memory},
                                                  {SensorMake::load_cell, LinkKind::lockstep},
                                                  {SensorMake::gas, LinkKind::memory},
                                                  {SensorMake::gas, LinkKind::lockstep},
                                                  {SensorMake::second_voltmeter, LinkKind::memory},
                                                  {SensorMake::second_voltmeter, LinkKind::lockstep}}};
const auto sensor_case_name = [](const ::testing::TestParamInfo<SensorCase>& info) { return name_of(info.param); };

INSTANTIATE_TEST_SUITE_P(EverySensor, SensorContract, ::testing::ValuesIn(every_sensor), sensor_case_name);

// With the machine's own clock: short.
class SensorInRealTime : public SensorContract {};

TEST_P(SensorInRealTime, measures) {
  ASSERT_TRUE(identify());
  Reading reading;
  ASSERT_TRUE(measure(reading));
  expect_true(reading);
}

INSTANTIATE_TEST_SUITE_P(EverySensor, SensorInRealTime,
                         ::testing::Values(SensorCase{SensorMake::load_cell, LinkKind::real},
                                           SensorCase{SensorMake::gas, LinkKind::real},
                                           SensorCase{SensorMake::second_voltmeter, LinkKind::real}),
                         sensor_case_name);

}  // namespace
}  // namespace cellrig::test
