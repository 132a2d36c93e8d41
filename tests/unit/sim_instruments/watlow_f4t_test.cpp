#include "sim/instruments/watlow_f4t.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

struct WatlowF4tTest : testing::Test {
  explicit WatlowF4tTest(WatlowF4tConfig config = {})
      : f4t{std::move(config), chamber, [this](TimePoint to) { chamber.advance(to); }} {}

  /// Low word first.
  float read_float(TimePoint now, std::uint16_t address) {
    const std::string reply = client.read(now, address, 2);
    if (reply.size() != 6) return std::nanf("");
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(reply[i])); };
    return std::bit_cast<float>(byte(4) << 24U | byte(5) << 16U | byte(2) << 8U | byte(3));
  }
  int write_float(TimePoint now, std::uint16_t address, float value) {
    const auto pattern = std::bit_cast<std::uint32_t>(value);
    return client.write_many(now, address,
                             {static_cast<std::uint16_t>(pattern & 0xFFFFU), static_cast<std::uint16_t>(pattern >> 16U)});
  }
  void run(TimePoint now) {
    client.write(now, 2730, 10);
    client.write(now, 16594, 63);
  }

  ChamberAir chamber{{.start_temperature_degC = 25.0, .room_temperature_degC = 25.0}, TimePoint{}};
  WatlowF4t f4t;
  ModbusClient client{f4t};
};

TEST_F(WatlowF4tTest, answers_the_frames_of_the_reference) {
  Port& port = port_of(f4t, "modbus");
  const auto exchange = [&](std::string_view request) {
    std::vector<Reply> replies;
    port.receive(at_s(1), 1, hex(request), replies);
    return replies.size() == 1 ? replies[0].bytes : std::string{};
  };
  EXPECT_EQ(exchange("00 01 00 00 00 06 01 03 0B 04 00 02"), hex("00 01 00 00 00 07 01 03 04 00 00 41 C8"));
  EXPECT_EQ(exchange("00 02 00 00 00 0B 01 10 0A DE 00 02 04 00 00 41 C8"), hex("00 02 00 00 00 06 01 10 0A DE 00 02"));
  EXPECT_EQ(exchange("00 03 00 00 00 06 01 03 00 02 00 02"), hex("00 03 00 00 00 03 01 83 02"));
  EXPECT_EQ(exchange("00 04 00 00 00 06 01 06 40 D2 00 3F"), hex("00 04 00 00 00 06 01 06 40 D2 00 3F"));
  EXPECT_EQ(exchange("00 05 00 00 00 06 02 03 0B 04 00 02"), "") << "unit 1 alone";
}

TEST_F(WatlowF4tTest, reads_input_registers_like_holding_registers) {
  EXPECT_EQ(client.read(at_s(1), 2820, 2, 4), hex("04 04 0000 41C8"));
  EXPECT_EQ(client.read(at_s(1), 2821, 1), hex("03 02 41C8")) << "the odd register is the high word";
}

TEST_F(WatlowF4tTest, runs_only_with_event_and_auto_mode_together) {
  write_float(at_s(0), 2782, 40.0F);
  EXPECT_FALSE(chamber.is_running());
  client.write(at_s(1), 16594, 63);
  EXPECT_FALSE(chamber.is_running()) << "mode is off";
  client.write(at_s(2), 2730, 10);
  EXPECT_TRUE(chamber.is_running());
  EXPECT_EQ(chamber.setpoint_degC(), 40.0);
  EXPECT_EQ(client.read_one(at_s(3), 2814), 10);
  client.write(at_s(4), 16594, 62);
  EXPECT_FALSE(chamber.is_running());
  client.write(at_s(5), 16594, 63);
  client.write(at_s(6), 2730, 54);
  EXPECT_FALSE(chamber.is_running()) << "manual";
  client.write(at_s(7), 16596, 63);
  EXPECT_EQ(client.read_one(at_s(8), 16596), 63) << "another event is remembered and means nothing here";
}

TEST_F(WatlowF4tTest, reaches_its_set_point) {
  write_float(at_s(0), 2782, 45.0F);
  run(at_s(1));
  EXPECT_GT(read_float(at_s(60), 2808), 0.0F) << "it heats";
  EXPECT_NEAR(read_float(at_s(7200), 2820), 45.0, 0.1);
  EXPECT_EQ(read_float(at_s(7200), 2810), 45.0F);
}

TEST_F(WatlowF4tTest, refuses_set_points_outside_its_limits_with_exception_3) {
  EXPECT_EQ(write_float(at_s(0), 2774, -10.0F), 0);
  EXPECT_EQ(write_float(at_s(0), 2776, 60.0F), 0);
  EXPECT_EQ(write_float(at_s(1), 2782, 60.5F), 3);
  EXPECT_EQ(write_float(at_s(1), 2782, -10.5F), 3);
  EXPECT_EQ(write_float(at_s(1), 2782, std::nanf("")), 3);
  EXPECT_EQ(write_float(at_s(1), 2782, 60.0F), 0);
  EXPECT_EQ(write_float(at_s(1), 2782, -10.0F), 0);
  EXPECT_EQ(write_float(at_s(1), 2774, 61.0F), 3) << "low above high";
  EXPECT_EQ(read_float(at_s(2), 2782), -10.0F);
}

TEST_F(WatlowF4tTest, ignores_half_of_a_32_bit_write) {
  write_float(at_s(0), 2782, 30.0F);
  EXPECT_EQ(client.write(at_s(1), 2782, 0), 0);
  EXPECT_EQ(client.write(at_s(1), 2783, 0x4200), 0);
  EXPECT_EQ(client.write_many(at_s(1), 2783, {0x4200}), 0);
  EXPECT_EQ(read_float(at_s(2), 2782), 30.0F);
}

TEST_F(WatlowF4tTest, bad_enumerations_are_exception_3_and_unknown_or_read_only_registers_2) {
  EXPECT_EQ(client.write(at_s(0), 2730, 1), 3) << "Watlow's own constants, not 0 and 1";
  EXPECT_EQ(client.write(at_s(0), 16594, 0), 3);
  for (const std::uint16_t address : {2, 2786, 2942, 11250, 16558, 33718, 40000}) {
    EXPECT_EQ(client.read_one(at_s(0), address), -1) << address;
    EXPECT_EQ(client.last().bytes.substr(7), hex("83 02")) << address;
  }
  EXPECT_EQ(client.write(at_s(0), 2814, 10), 2);
  EXPECT_EQ(write_float(at_s(0), 2820, 1.0F), 2);
  EXPECT_EQ(client.write(at_s(0), 16, 'X'), 2);
  EXPECT_EQ(client.ask_hex(at_s(0), "01 0000 0001"), hex("81 01"));
}

TEST_F(WatlowF4tTest, identifies_itself_with_one_character_per_register) {
  const std::string reply = client.read(at_s(0), 16, 15);
  ASSERT_EQ(reply.size(), 32U);
  std::string text;
  for (std::size_t i = 3; i < reply.size(); i += 2) text.push_back(reply[i]);
  EXPECT_EQ(text, "F4T1A2CAA1A1AAA");
  EXPECT_EQ(client.read_one(at_s(0), 90), 138);
  f4t.faults().identity = "EZ";
  EXPECT_EQ(client.read(at_s(0), 16, 3), hex("03 06 0045 005A 0000"));
}

TEST_F(WatlowF4tTest, alarms_watch_the_process_value) {
  EXPECT_EQ(client.read_one(at_s(0), 1356), 61);
  write_float(at_s(0), 1334, 24.0F);
  client.write(at_s(0), 1330, 76);
  EXPECT_EQ(client.read_one(at_s(1), 1356), 37) << "high";
  write_float(at_s(2), 1334, 60.0F);
  EXPECT_EQ(client.read_one(at_s(3), 1356), 61);
  client.write(at_s(3), 1342, 49);
  write_float(at_s(3), 1336, 26.0F);
  write_float(at_s(4), 1336, -20.0F);
  EXPECT_EQ(client.read_one(at_s(5), 1356), 53) << "low, latched";
  client.write(at_s(6), 1330, 62);
  EXPECT_EQ(client.read_one(at_s(7), 1356), 61);
  EXPECT_EQ(client.read_one(at_s(7), 1456), 61) << "the second alarm";
}

TEST_F(WatlowF4tTest, ramps_its_working_set_point_when_told_to) {
  run(at_s(0));
  EXPECT_EQ(f4t.next_event(), std::nullopt);
  client.write(at_s(1), 2794, 85);
  write_float(at_s(1), 2798, 2.0F);  // K per minute
  const float start = read_float(at_s(2), 2810);
  write_float(at_s(10), 2782, 43.0F);
  ASSERT_EQ(f4t.next_event(), at_s(11));
  EXPECT_NEAR(read_float(at_s(70), 2810), start + 2.0F, 1e-4);
  EXPECT_NEAR(read_float(at_s(130), 2810), start + 4.0F, 1e-4);
  EXPECT_EQ(read_float(at_s(2000), 2810), 43.0F);
  EXPECT_EQ(f4t.next_event(), std::nullopt);
}

TEST_F(WatlowF4tTest, a_ramp_at_start_begins_at_the_process_value) {
  client.write(at_s(0), 2794, 88);
  write_float(at_s(0), 2798, 6.0F);
  write_float(at_s(0), 2782, 55.0F);
  run(at_s(10));
  EXPECT_NEAR(read_float(at_s(70), 2810), 31.0F, 0.05);
  write_float(at_s(80), 2782, 50.0F);
  EXPECT_EQ(read_float(at_s(81), 2810), 50.0F) << "not at a change";
}

struct WatlowF4tInFahrenheit : WatlowF4tTest {
  WatlowF4tInFahrenheit() : WatlowF4tTest{WatlowF4tConfig{.condition_event = 5, .fahrenheit = true}} {}
};

TEST_F(WatlowF4tInFahrenheit, speaks_the_communication_unit) {
  EXPECT_EQ(client.read_one(at_s(0), 6730), 30);
  EXPECT_EQ(read_float(at_s(0), 2820), 77.0F);
  write_float(at_s(0), 2782, 86.0F);
  client.write(at_s(0), 6730, 15);
  EXPECT_EQ(read_float(at_s(1), 2782), 30.0F);
}

TEST_F(WatlowF4tInFahrenheit, its_condition_event_is_a_matter_of_wiring) {
  run(at_s(0));
  EXPECT_FALSE(chamber.is_running());
  client.write(at_s(1), 16822, 63);
  EXPECT_TRUE(chamber.is_running());
}

TEST_F(WatlowF4tTest, honours_its_faults) {
  write_float(at_s(0), 2782, 60.0F);
  run(at_s(1));
  f4t.faults().ignore_off = true;
  EXPECT_EQ(client.write(at_s(2), 16594, 62), 0);
  EXPECT_EQ(client.write(at_s(2), 2730, 62), 0);
  EXPECT_TRUE(chamber.is_running());
  f4t.faults() = {.freeze_readings = true};
  const float frozen = read_float(at_s(3), 2820);
  EXPECT_EQ(read_float(at_s(600), 2820), frozen);
  f4t.faults() = {.nan_readings = true};
  EXPECT_TRUE(std::isnan(read_float(at_s(601), 2820)));
  f4t.faults() = {.local_control = true, .extra_latency_s = 0.1};
  EXPECT_EQ(write_float(at_s(602), 2782, 20.0F), 0) << "confirmed";
  EXPECT_EQ(client.last().due, at_s(602) + 105ms);
  EXPECT_EQ(read_float(at_s(603), 2782), 60.0F) << "and ignored";
}

TEST_F(WatlowF4tTest, a_power_cycle_stops_the_chamber) {
  run(at_s(0));
  f4t.reboot(at_s(1));
  EXPECT_FALSE(chamber.is_running());
  EXPECT_EQ(client.read_one(at_s(2), 16594), 62);
}

}  // namespace
}  // namespace cellrig::sim
