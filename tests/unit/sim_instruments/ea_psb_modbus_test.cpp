#include "sim/instruments/ea_psb.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

/// The worked frames of the reference were recorded over USB, on a unit of 60 V, 60 A and (for 12.5 %) 3600 W.
EaPsbConfig recorded_unit() {
  EaPsbConfig config;
  config.remote_location = 3;
  config.nominal_power_W = 3600.0;
  return config;
}

struct EaPsbModbus : testing::Test {
  IdealBench bench{30.0};
  EaPsb psb{recorded_unit(), bench.stage, bench.advance_world()};
  ModbusClient client{psb};
};

TEST_F(EaPsbModbus, answers_the_worked_frames_of_the_reference) {
  EXPECT_EQ(client.ask_hex(at_ms(0), "03 0079 0002", 0), hex("03 04 4270 0000"));
  EXPECT_EQ(client.ask_hex(at_ms(100), "05 0192 FF00", 0), hex("05 0192 FF00"));
  EXPECT_EQ(client.ask_hex(at_ms(200), "03 01F9 0002", 0), hex("03 04 0000 0803"));
  EXPECT_EQ(client.ask_hex(at_ms(300), "06 01F4 0E56", 0), hex("06 01F4 0E56"));  // 4.200 V
  EXPECT_EQ(client.ask_hex(at_ms(400), "06 01F5 1111", 0), hex("06 01F5 1111"));  // source 5 A
  EXPECT_EQ(client.ask_hex(at_ms(500), "06 01F3 1111", 0), hex("06 01F3 1111"));  // sink 5 A
  EXPECT_EQ(client.ask_hex(at_ms(600), "05 0195 FF00", 0), hex("05 0195 FF00"));
  EXPECT_TRUE(bench.stage.output_on());
  EXPECT_NEAR(bench.stage.last_command().voltage_V, 4.2, 0.0006);
  EXPECT_NEAR(bench.stage.current_A(), -5.0, 1e-9) << "30 V of the cell are above 4.2 V: it sinks";
}

TEST_F(EaPsbModbus, reads_actuals_as_rounded_percentages_of_the_nominal_values) {
  client.coil(at_ms(0), 402, true);
  client.write(at_ms(10), 500, 30000);
  client.write(at_ms(20), 501, 13107);  // 15 A
  client.coil(at_ms(30), 405, true);
  EXPECT_EQ(client.ask_hex(at_ms(100), "03 01FB 0003"), hex("03 06 6666 3333 199A"));  // 50 %, 25 %, 12.5 %
}

TEST_F(EaPsbModbus, answers_units_0_and_1_with_the_unit_that_was_asked_and_no_other) {
  client.ask_hex(at_ms(0), "03 01F9 0002", 0);
  EXPECT_EQ(client.last().bytes[6], 0);
  client.ask_hex(at_ms(10), "03 01F9 0002", 1);
  EXPECT_EQ(client.last().bytes[6], 1);
  EXPECT_EQ(client.ask_hex(at_ms(20), "03 01F9 0002", 2), "");
  EXPECT_FALSE(client.last().answered);
}

TEST_F(EaPsbModbus, identifies_itself_in_text_registers) {
  const std::string reply = client.read(at_ms(0), 1, 20);
  ASSERT_EQ(reply.size(), 42U);
  EXPECT_EQ(reply.substr(2), std::string{"PSB 10060-60"} + std::string(28, '\0'));
  psb.faults().identity = "PSB 9080-120";
  EXPECT_EQ(client.read(at_ms(10), 1, 20).substr(2, 12), "PSB 9080-120");
}

TEST_F(EaPsbModbus, gives_nominal_values_as_floats_with_the_high_word_first) {
  EXPECT_EQ(client.read(at_ms(0), 121, 10), hex("03 14 42700000 42700000 45610000 42400000 3D23D70A"));
}

TEST_F(EaPsbModbus, refuses_every_write_outside_remote_with_exception_7) {
  for (const std::uint16_t address :
       {498, 499, 500, 501, 502, 503, 504, 550, 553, 556, 9000, 9001, 9002, 9004, 9005, 9008, 9009}) {
    EXPECT_EQ(client.write(at_ms(0), address, 100), 7) << address;
  }
  for (const std::uint16_t coil : {405, 409, 410, 411}) EXPECT_EQ(client.coil(at_ms(0), coil, true), 7) << coil;
  EXPECT_EQ(client.write_many(at_ms(0), 498, {1, 2, 3}), 7);
  EXPECT_FALSE(bench.stage.output_on());
  EXPECT_EQ(client.read_one(at_ms(100), 500), 0);
}

TEST_F(EaPsbModbus, refuses_what_is_out_of_range_with_exception_3) {
  client.coil(at_ms(0), 402, true);
  EXPECT_EQ(client.write(at_ms(0), 500, 53477), 0);  // 102 %
  EXPECT_EQ(client.write(at_ms(0), 500, 53478), 3);
  EXPECT_EQ(client.write(at_ms(0), 550, 57671), 0);  // 110 %
  EXPECT_EQ(client.write(at_ms(0), 550, 57672), 3);
  EXPECT_EQ(client.write(at_ms(0), 9000, 53478), 3);
}

TEST_F(EaPsbModbus, refuses_set_values_outside_the_adjusted_limits) {
  client.coil(at_ms(0), 402, true);
  EXPECT_EQ(client.write(at_ms(0), 9000, 4000), 0);
  EXPECT_EQ(client.write(at_ms(0), 9001, 2000), 0);
  EXPECT_EQ(client.write(at_ms(0), 500, 4001), 3);
  EXPECT_EQ(client.write(at_ms(0), 500, 1999), 3);
  EXPECT_EQ(client.write(at_ms(0), 500, 3000), 0);
  EXPECT_EQ(client.write(at_ms(0), 9008, 1000), 0);
  EXPECT_EQ(client.write(at_ms(0), 499, 1001), 3);
  EXPECT_EQ(client.write(at_ms(0), 501, 1001), 0) << "the sink limit bounds the sink alone";
  EXPECT_EQ(client.write(at_ms(0), 9001, 4001), 3) << "minimum above maximum";
}

TEST_F(EaPsbModbus, unknown_addresses_are_exception_2_and_unknown_functions_1) {
  for (const std::uint16_t address : {61, 120, 131, 191, 497, 510, 513, 551, 9006, 9007, 9010}) {
    EXPECT_EQ(client.read_one(at_ms(0), address), -1);
    EXPECT_EQ(client.last().bytes.substr(7), hex("83 02")) << address;
  }
  EXPECT_EQ(client.ask_hex(at_ms(0), "03 01FC 0003"), hex("83 02")) << "508..510 ends in a hole";
  EXPECT_EQ(client.ask_hex(at_ms(0), "01 0190 0001"), hex("81 02"));
  EXPECT_EQ(client.ask_hex(at_ms(0), "04 01F9 0002"), hex("84 01"));
  EXPECT_EQ(client.ask_hex(at_ms(0), "0F 0192 0001 01 01"), hex("8F 01"));
}

TEST_F(EaPsbModbus, set_values_read_back_old_for_a_few_milliseconds) {
  client.coil(at_ms(0), 402, true);
  client.write(at_ms(100), 500, 3670);
  EXPECT_EQ(client.read_one(at_ms(103), 500), 0);
  EXPECT_EQ(client.read_one(at_ms(106), 500), 3670);
}

TEST_F(EaPsbModbus, the_current_is_unsigned_and_bit_12_tells_that_it_sinks) {
  client.coil(at_ms(0), 402, true);
  client.write(at_ms(10), 499, 13107);
  client.coil(at_ms(20), 405, true);
  EXPECT_EQ(client.read_one(at_ms(100), 508), 13107);
  const int state = client.read_one(at_ms(110), 506);
  EXPECT_EQ(state, 0x1000 | 0x0800 | 0x0400 | 0x0080 | 3) << "sink, remote, CC, on, USB";
}

TEST(EaPsbRegulation, is_told_by_two_bits_of_the_state) {
  IdealBench bench{30.0, 0.1};
  EaPsb psb{EaPsbConfig{}, bench.stage, bench.advance_world()};
  ModbusClient client{psb};
  const auto regulation = [&](TimePoint now) { return (client.read_one(now, 506) >> 9) & 3; };
  client.coil(at_ms(0), 402, true);
  client.coil(at_ms(0), 405, true);
  EXPECT_EQ(regulation(at_ms(10)), 2) << "no current allowed: CC";
  client.write(at_ms(20), 500, 26300);
  client.write(at_ms(20), 501, 50000);
  EXPECT_EQ(regulation(at_ms(30)), 0) << "0.1 V above the cell: CV";
  client.write(at_ms(40), 500, 40000);
  client.write(at_ms(40), 502, 1000);
  EXPECT_EQ(regulation(at_ms(50)), 3) << "CP";
  client.write(at_ms(60), 500, 0);
  client.write(at_ms(60), 499, 50000);
  client.coil(at_ms(60), 409, true);
  EXPECT_EQ(regulation(at_ms(70)), 1) << "sinks through 48 ohm: CR";
  EXPECT_NEAR(bench.stage.current_A(), -30.0 / 48.0, 2e-3);
}

TEST_F(EaPsbModbus, over_voltage_turns_the_output_off_and_is_latched_until_acknowledged) {
  client.coil(at_ms(0), 402, true);
  client.write(at_ms(0), 500, 40000);
  client.write(at_ms(0), 501, 10000);
  client.coil(at_ms(0), 405, true);
  client.write(at_ms(100), 550, 20000);  // 22.9 V: below the cell's 30 V
  EXPECT_EQ(client.read_one(at_ms(200), 506) & 0x8080, 0x8000) << "any alarm, output off";
  EXPECT_EQ(client.read_one(at_ms(200), 505), 0x0001) << "OVP";
  EXPECT_EQ(client.read_one(at_ms(200), 520), 1);
  EXPECT_EQ(client.coil(at_ms(300), 405, true), 4);
  client.coil(at_ms(400), 411, true);
  EXPECT_EQ(client.read_one(at_ms(500), 505), 0x0001) << "the cell is still above it";
  client.write(at_ms(600), 550, 57671);
  client.coil(at_ms(700), 411, true);
  EXPECT_EQ(client.read_one(at_ms(800), 505), 0);
  EXPECT_EQ(client.coil(at_ms(900), 405, true), 0);
  EXPECT_TRUE(bench.stage.output_on());
}

TEST_F(EaPsbModbus, over_current_and_over_power_alarm_with_their_own_bits) {
  client.coil(at_ms(0), 402, true);
  client.write(at_ms(0), 500, 40000);
  client.write(at_ms(0), 501, 10000);
  client.write(at_ms(0), 553, 9000);
  client.coil(at_ms(0), 405, true);
  EXPECT_EQ(client.read_one(at_ms(10), 505), 0x0002);
  EXPECT_EQ(bench.stage.current_A(), 0.0);
  client.write(at_ms(20), 553, 57671);
  client.write(at_ms(20), 556, 1000);
  client.coil(at_ms(20), 411, true);
  client.coil(at_ms(30), 405, true);
  EXPECT_EQ(client.read_one(at_ms(40), 505), 0x0004);
  EXPECT_EQ(client.read_one(at_ms(40), 522), 1);
}

TEST_F(EaPsbModbus, a_write_over_several_registers_is_all_or_nothing) {
  client.coil(at_ms(0), 402, true);
  EXPECT_EQ(client.write_many(at_ms(0), 499, {100, 200, 300}), 0);
  EXPECT_EQ(client.write_many(at_ms(0), 499, {101, 201, 60000}), 3);
  EXPECT_EQ(client.write_many(at_ms(0), 503, {101, 201, 1}), 2) << "505 can't be written";
  EXPECT_EQ(client.read(at_ms(100), 499, 3), hex("03 06 0064 00C8 012C"));
}

TEST_F(EaPsbModbus, honours_its_faults) {
  client.coil(at_ms(0), 402, true);
  client.write(at_ms(0), 500, 40000);
  client.write(at_ms(0), 501, 13107);
  client.coil(at_ms(0), 405, true);
  psb.faults().ignore_off = true;
  EXPECT_EQ(client.coil(at_ms(10), 405, false), 0) << "confirmed";
  EXPECT_TRUE(bench.stage.output_on()) << "and not done";
  EXPECT_EQ(client.ask_hex(at_ms(20), "01 0195 0001"), hex("01 01 01"));
  psb.faults() = {.negate_current = true};
  EXPECT_NE(client.read_one(at_ms(30), 506) & 0x1000, 0);
  psb.faults() = {.freeze_readings = true};
  EXPECT_EQ(client.read_one(at_ms(40), 508), 13107);
  client.coil(at_ms(50), 405, false);
  EXPECT_EQ(client.read_one(at_ms(60), 508), 13107);
  EXPECT_EQ(bench.stage.current_A(), 0.0);
  psb.faults() = {.nan_readings = true};
  EXPECT_EQ(client.read(at_ms(70), 507, 3), hex("03 06 FFFF FFFF FFFF"));
  psb.faults() = {.extra_latency_s = 0.4, .voltage_offset_V = 0.03};
  EXPECT_EQ(client.read_one(at_ms(1000), 507), 26240);
  EXPECT_EQ(client.last().due, at_ms(1403));
  psb.faults() = {.local_control = true};
  EXPECT_EQ(client.write(at_ms(3000), 500, 1), 7);
  EXPECT_EQ(client.coil(at_ms(3010), 402, true), 7);
  EXPECT_EQ(client.read_one(at_ms(3020), 506) & 0x081F, 1) << "local, not remote";
}

TEST_F(EaPsbModbus, a_power_cycle_forgets_remote_set_values_and_protections) {
  client.coil(at_ms(0), 402, true);
  client.write(at_ms(0), 500, 40000);
  client.write(at_ms(0), 501, 13107);
  client.write(at_ms(0), 550, 50000);
  client.coil(at_ms(0), 405, true);
  psb.reboot(at_ms(100));
  EXPECT_FALSE(bench.stage.output_on());
  EXPECT_EQ(client.read_one(at_ms(200), 506), 0);
  EXPECT_EQ(client.read_one(at_ms(200), 501), 0);
  EXPECT_EQ(client.read_one(at_ms(200), 550), 57671);
  EXPECT_EQ(client.write(at_ms(200), 500, 1), 7);
}

TEST_F(EaPsbModbus, a_reply_takes_three_milliseconds) {
  client.read_one(at_ms(50), 507);
  EXPECT_EQ(client.last().due, at_ms(53));
}

// Values below half a count of noise would look frozen to a supervisor.
TEST(EaPsbNoise, the_same_seed_gives_the_same_readings) {
  const auto readings = [] {
    IdealBench bench{30.0};
    EaPsbConfig config;
    config.measurement.voltage = with_errors({.noise = 0.002});
    EaPsb psb{config, bench.stage, bench.advance_world()};
    ModbusClient client{psb};
    std::vector<int> values;
    for (int i = 0; i < 50; ++i) values.push_back(client.read_one(at_ms(100 * i), 507));
    return values;
  };
  const std::vector<int> first = readings();
  EXPECT_EQ(first, readings());
  EXPECT_NE(*std::min_element(first.begin(), first.end()), *std::max_element(first.begin(), first.end()));
}

}  // namespace
}  // namespace cellrig::sim
