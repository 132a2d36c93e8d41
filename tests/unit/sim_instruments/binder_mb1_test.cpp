#include "sim/instruments/binder_mb1.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

struct BinderMb1Test : testing::Test {
  explicit BinderMb1Test(BinderMb1Config config = {}) : binder{config, chamber, [this](TimePoint to) { chamber.advance(to); }} {}

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

  ChamberAir chamber{{.start_temperature_degC = 25.0, .room_temperature_degC = 25.0}, TimePoint{}};
  BinderMb1 binder;
  ModbusClient client{binder};
};

// The PDUs of the worked frames, without address and checksum.
TEST_F(BinderMb1Test, answers_the_frames_of_the_reference) {
  EXPECT_EQ(client.ask_hex(at_s(1), "03 11 A9 00 02"), hex("03 04 00 00 41 C8"));
  EXPECT_EQ(client.ask_hex(at_s(1), "10 15 81 00 02 04 00 00 C1 28"), hex("10 15 81 00 02"));
  EXPECT_EQ(read_float(at_s(2), 0x1581), -10.5F);
  EXPECT_EQ(client.ask_hex(at_s(3), "10 1A 22 00 01 02 08 00"), hex("10 1A 22 00 01"));
  EXPECT_TRUE(chamber.is_running());
  EXPECT_EQ(chamber.setpoint_degC(), -10.5);
  EXPECT_EQ(client.ask_hex(at_s(4), "03 11 A9 00 02", 2), "") << "slave 1 alone";
}

TEST_F(BinderMb1Test, a_set_point_takes_effect_only_in_its_mode) {
  write_float(at_s(1), 0x1581, 40.0F);
  write_float(at_s(1), 0x156F, 10.0F);
  EXPECT_FALSE(chamber.is_running());
  EXPECT_EQ(client.write(at_s(2), 0x1A22, 0x0800), 0);  // manual
  EXPECT_EQ(chamber.setpoint_degC(), 40.0);
  EXPECT_EQ(read_float(at_s(3), 0x1077), 40.0F);
  EXPECT_EQ(client.write(at_s(4), 0x1A22, 0x1000), 0);  // basic
  EXPECT_EQ(chamber.setpoint_degC(), 10.0);
  EXPECT_EQ(client.write(at_s(5), 0x1A22, 0x0400), 0);  // program
  EXPECT_EQ(chamber.setpoint_degC(), 40.0);
  write_float(at_s(6), 0x1581, 50.0F);
  EXPECT_EQ(chamber.setpoint_degC(), 40.0) << "the program's";
  EXPECT_EQ(client.write(at_s(7), 0x1A22, 0), 0);  // idle
  EXPECT_FALSE(chamber.is_running());
}

struct SwappedBinderTest : BinderMb1Test {
  SwappedBinderTest() : BinderMb1Test{{.setpoints_are_swapped = true}} {}
};

TEST_F(SwappedBinderTest, has_its_manual_set_point_at_the_other_address) {
  write_float(at_s(1), 0x1581, 40.0F);
  write_float(at_s(1), 0x156F, 10.0F);
  client.write(at_s(2), 0x1A22, 0x0800);
  EXPECT_EQ(chamber.setpoint_degC(), 10.0);
}

TEST_F(BinderMb1Test, names_what_is_wrong_with_a_request) {
  EXPECT_EQ(client.ask_hex(at_s(1), "01 00 00 00 01"), hex("81 01")) << "no coils";
  EXPECT_EQ(client.ask_hex(at_s(1), "03 20 00 00 01"), hex("83 02"));
  EXPECT_EQ(client.ask_hex(at_s(1), "03 11 A9 00 03"), hex("83 02")) << "across a hole";
  EXPECT_EQ(write_float(at_s(1), 0x1581, 180.5F), 3);
  EXPECT_EQ(write_float(at_s(1), 0x1581, std::nanf("")), 3);
  EXPECT_EQ(client.write(at_s(1), 0x1A22, 7), 3);
  EXPECT_EQ(client.write(at_s(1), 0x1581, 0), 3) << "half a value";
  EXPECT_EQ(client.write(at_s(1), 0x123D, 0), 5) << "an alarm is reset at the panel";
  EXPECT_EQ(write_float(at_s(1), 0x11A9, 20.0F), 5);
  EXPECT_EQ(read_float(at_s(2), 0x1581), 23.0F);
}

TEST_F(BinderMb1Test, denies_writes_while_somebody_is_at_the_panel) {
  binder.faults().local_control = true;
  EXPECT_EQ(write_float(at_s(1), 0x1581, 40.0F), 5);
  EXPECT_EQ(client.write(at_s(1), 0x1A22, 0x0800), 5);
  EXPECT_EQ(read_float(at_s(2), 0x1581), 23.0F);
  EXPECT_FALSE(chamber.is_running());
}

TEST_F(BinderMb1Test, its_safety_device_latches_an_alarm_that_the_panel_resets) {
  BinderMb1 hot{{.safety_limit_degC = 60.0}, chamber, [this](TimePoint to) { chamber.advance(to); }};
  ModbusClient other{hot};
  const auto pattern = std::bit_cast<std::uint32_t>(90.0F);
  other.write_many(at_s(1), 0x1581, {static_cast<std::uint16_t>(pattern & 0xFFFFU), static_cast<std::uint16_t>(pattern >> 16U)});
  other.write(at_s(1), 0x1A22, 0x0800);
  EXPECT_EQ(other.read_one(at_s(2), 0x10BD), 0);
  EXPECT_EQ(other.read_one(at_s(3600), 0x10BD), 1);
  EXPECT_EQ(other.read_one(at_s(3600), 0x123D), 1);
  EXPECT_GT(other.read_one(at_s(3600), 0x1228), 0) << "there is a text";
  EXPECT_FALSE(chamber.is_running());
  EXPECT_EQ(other.read_one(at_s(40000), 0x123D), 1) << "long cold again";
  hot.reset_alarms(at_s(40001));
  EXPECT_EQ(other.read_one(at_s(40002), 0x123D), 0);
  EXPECT_EQ(other.read_one(at_s(40002), 0x1228), 0);
}

TEST_F(BinderMb1Test, an_open_door_is_seen_and_ends_conditioning) {
  client.write(at_s(1), 0x1A22, 0x0800);
  binder.set_door(at_s(2), true);
  EXPECT_EQ(client.read_one(at_s(3), 0x1007), 1);
  EXPECT_FALSE(chamber.is_running());
  binder.set_door(at_s(4), false);
  EXPECT_TRUE(chamber.is_running());
}

TEST_F(BinderMb1Test, a_broken_sensor_is_no_number_and_an_alarm) {
  binder.faults().nan_readings = true;
  EXPECT_TRUE(std::isnan(read_float(at_s(1), 0x11A9)));
  EXPECT_EQ(client.read_one(at_s(2), 0x123D), 1);
}

TEST_F(BinderMb1Test, a_power_cycle_leaves_it_idle) {
  write_float(at_s(1), 0x1581, 40.0F);
  client.write(at_s(2), 0x1A22, 0x0800);
  binder.reboot(at_s(3));
  EXPECT_FALSE(chamber.is_running());
  EXPECT_EQ(client.read_one(at_s(4), 0x1A22), 0);
  EXPECT_EQ(read_float(at_s(4), 0x1581), 23.0F);
}

}  // namespace
}  // namespace cellrig::sim
