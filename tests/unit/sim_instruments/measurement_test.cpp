// The layer between the world and an instrument's digits.
#include "sim/instruments/measurement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sim/instruments/itech.hpp"
#include "sim/instruments/keysight_daq.hpp"
#include "sim/instruments/keysight_n6900.hpp"
#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

double read(const MeasuredQuantity& quantity, double truth) {
  Noise noise{1};
  return quantity.read(truth, noise);
}

TEST(Measurement, an_ideal_one_reads_the_truth_bit_by_bit) {
  for (const double truth : {0.0, -0.1, 3.7, 4.2, -59.123456789, 1e-9}) EXPECT_EQ(read(MeasuredQuantity{}, truth), truth);
}

TEST(Measurement, errs_by_gain_and_offset_and_rounds_to_the_step) {
  EXPECT_DOUBLE_EQ(read(with_errors({.gain_fraction = 0.01}), -5.0), -5.05);
  EXPECT_DOUBLE_EQ(read(with_errors({.offset = -0.002}), 0.0), -0.002);
  EXPECT_DOUBLE_EQ(read(with_errors({.gain_fraction = -0.001, .offset = 0.1}), 100.0), 100.0);
  EXPECT_DOUBLE_EQ(read(with_errors({.step = 0.01}), 3.7049), 3.70);
  EXPECT_DOUBLE_EQ(read(with_errors({.step = 0.01}), -3.7051), -3.71);
}

TEST(Measurement, noise_has_its_spread_its_bound_and_its_seed) {
  const MeasuredQuantity quantity = with_errors({.offset = 1.0, .noise = 0.01});
  const auto readings = [&](std::uint64_t seed) {
    Noise noise{seed};
    std::vector<double> values;
    for (int i = 0; i < 4000; ++i) values.push_back(quantity.read(2.0, noise));
    return values;
  };
  const std::vector<double> values = readings(7);
  EXPECT_EQ(values, readings(7));
  EXPECT_NE(values, readings(8));
  double sum = 0, squares = 0;
  for (const double value : values) {
    EXPECT_LE(std::fabs(value - 3.0), 0.035);
    sum += value - 3.0;
    squares += (value - 3.0) * (value - 3.0);
  }
  EXPECT_NEAR(sum / 4000, 0.0, 0.0006);
  EXPECT_NEAR(std::sqrt(squares / 4000), 0.01, 0.0005);
}

TEST(Measurement, the_least_range_that_holds_the_value_measures_it) {
  MeasuredQuantity quantity;
  quantity.range_count = 3;
  quantity.ranges = {RangeErrors{.full_scale = 0.1, .offset = 0.001}, RangeErrors{.full_scale = 1, .offset = 0.01},
                     RangeErrors{.full_scale = 10, .offset = 0.1}};
  EXPECT_DOUBLE_EQ(read(quantity, 0.1), 0.101);
  EXPECT_DOUBLE_EQ(read(quantity, -0.1), -0.099);
  EXPECT_DOUBLE_EQ(read(quantity, 0.2), 0.21);
  EXPECT_DOUBLE_EQ(read(quantity, -5), -4.9);
  EXPECT_DOUBLE_EQ(read(quantity, 11), 11.1) << "what none holds: the last";
}

TEST(Measurement, the_current_through_the_leads_shows_in_the_voltage) {
  const CyclerMeasurement measurement{.voltage = {}, .current = {}, .power = {}, .lead_resistance_ohm = 0.002};
  Noise noise{1};
  EXPECT_DOUBLE_EQ(measurement.read_voltage(3.7, 10.0, noise), 3.72);
  EXPECT_DOUBLE_EQ(measurement.read_voltage(3.7, -10.0, noise), 3.68);
  EXPECT_DOUBLE_EQ(measurement.read_voltage(3.7, 0.0, noise), 3.7);
}

// ---- in the instruments -------------------------------------------------------------------------------------------------

CyclerMeasurement some_errors() {
  return {.voltage = with_errors({.gain_fraction = 0.001, .offset = 0.02}),
          .current = with_errors({.offset = -0.1}),
          .power = {},
          .lead_resistance_ohm = 0.01};
}

TEST(MeasurementOfN6900, reads_back_with_errors_and_regulates_without) {
  IdealBench bench{4.0, 0.1};
  KeysightN6900Config config;
  config.measurement = some_errors();
  KeysightN6900 n6974a{config, bench.stage, bench.advance_world()};
  ScpiClient client{n6974a};
  client.ask(at_ms(0), "VOLT 4.2;:CURR:LIM 5;:OUTP 1");
  const double truth_V = bench.stage.terminal_voltage_V(), truth_A = bench.stage.current_A();
  EXPECT_NEAR(truth_V, 4.2, 1e-6);
  EXPECT_NEAR(truth_A, 2.0, 1e-4);
  EXPECT_NEAR(std::stod(client.ask(at_ms(100), "MEAS:VOLT?")), (truth_V + 0.01 * truth_A) * 1.001 + 0.02, 1e-6);
  EXPECT_NEAR(std::stod(client.ask(at_ms(200), "FETC:CURR?")), truth_A - 0.1, 1e-6);
  EXPECT_EQ(bench.stage.terminal_voltage_V(), truth_V);
  EXPECT_EQ(bench.stage.current_A(), truth_A);
}

TEST(MeasurementOfItech, reads_back_with_errors_and_regulates_without) {
  IdealBench bench{4.0, 0.1};
  ItechConfig config;
  config.measurement = some_errors();
  Itech itech{config, bench.stage, bench.advance_world()};
  ScpiClient client{itech};
  client.ask(at_ms(0), "SYST:REM");
  client.ask(at_ms(100), "VOLT 4.2;:CURR:LIM 5");
  client.ask(at_ms(200), "OUTP 1");
  EXPECT_NEAR(bench.stage.terminal_voltage_V(), 4.2, 1e-6);
  EXPECT_EQ(client.ask(at_ms(300), "MEAS:VOLT?"), "4.244");  // (4.2 + 0.01 x 2) x 1.001 + 0.02
  EXPECT_EQ(client.ask(at_ms(400), "MEAS:CURR?"), "1.900");
}

TEST(MeasurementOfDaq, a_voltage_has_the_error_of_the_range_that_holds_it) {
  KeysightDaqConfig config;
  config.voltage.range_count = 2;
  config.voltage.ranges = {RangeErrors{.full_scale = 1, .offset = 0.001}, RangeErrors{.full_scale = 10, .offset = 0.5}};
  std::vector<KeysightDaq::Input> inputs(2);
  inputs[0].voltage_V = [] { return 0.5; };
  inputs[1].voltage_V = [] { return 5.0; };
  KeysightDaq daq{config, inputs, [](TimePoint) {}};
  ScpiClient client{daq};
  EXPECT_EQ(client.ask(at_ms(0), "ROUT:SCAN (@101,102);:READ?"), "+5.01000000E-01,+5.50000000E+00");
}

}  // namespace
}  // namespace cellrig::sim
