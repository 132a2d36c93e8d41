#include "sim/instruments/modbus_rtu.hpp"

#include <gtest/gtest.h>

#include "sim/instruments/ea_psb.hpp"
#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

/// Two registers at 0x0B04; as many at 80; remembers what it was told.
class Memory final : public ModbusDevice {
 public:
  void traffic(TimePoint) override { ++traffic_count; }
  [[nodiscard]] bool answers_unit(std::uint8_t unit) const override { return unit == 1; }
  [[nodiscard]] bool supports(std::uint8_t) const override { return true; }
  [[nodiscard]] Duration latency() const override { return 3ms; }
  ModbusStatus read_coils(TimePoint, std::uint16_t, std::span<bool>) override { return ModbusStatus::illegal_address; }
  ModbusStatus write_coils(TimePoint, std::uint16_t, std::span<const bool>) override { return ModbusStatus::illegal_address; }
  ModbusStatus read_registers(TimePoint, std::uint16_t address, std::span<std::uint16_t> values) override {
    if (values.size() != 2) return ModbusStatus::illegal_address;
    values[0] = 0;
    values[1] = address == 80 ? 132 : 0x41C8;
    return ModbusStatus::ok;
  }
  ModbusStatus write_registers(TimePoint, std::uint16_t address, std::span<const std::uint16_t> values) override {
    written_to = address;
    written.assign(values.begin(), values.end());
    return ModbusStatus::ok;
  }
  int traffic_count = 0;
  std::uint16_t written_to = 0;
  std::vector<std::uint16_t> written;
};

struct RtuSlaveTest : testing::Test {
  std::vector<Reply> send(std::string_view text, int ms = 0) {
    std::vector<Reply> replies;
    slave.receive(at_ms(ms), 1, hex(text), replies);
    return replies;
  }
  std::string answer(std::string_view text, int ms = 0) {
    const std::vector<Reply> replies = send(text, ms);
    return replies.size() == 1 ? replies[0].bytes : "not one reply";
  }
  Memory memory;
  RtuSlave slave{memory, {}};
};

// Frames of the references with their checksums: Watlow F4T, Binder, a load-cell transmitter.
TEST_F(RtuSlaveTest, answers_the_frames_of_the_references) {
  EXPECT_EQ(answer("01 03 0B 04 00 02 87 EE", 0), hex("01 03 04 00 00 41 C8 CB F5"));
  EXPECT_EQ(answer("01 03 11 A9 00 02 11 17", 100), hex("01 03 04 00 00 41 C8 CB F5"));
  EXPECT_EQ(answer("01 03 00 50 00 02 C4 1A", 200), hex("01 03 04 00 00 00 84 FA 50"));
  EXPECT_EQ(answer("01 06 40 D2 00 3F 7C 23", 300), hex("01 06 40 D2 00 3F 7C 23"));
  EXPECT_EQ(memory.written_to, 0x40D2);
  EXPECT_EQ(answer("01 10 15 81 00 02 04 00 00 C1 28 99 1D", 400), hex("01 10 15 81 00 02 15 EC"));
  EXPECT_EQ(memory.written, (std::vector<std::uint16_t>{0x0000, 0xC128}));
}

TEST(RtuOfEa, answers_the_worked_frames_of_the_reference) {
  IdealBench bench{30.0};
  EaPsbConfig config;
  config.remote_location = 3;
  EaPsb psb{config, bench.stage, bench.advance_world()};
  Port* modbus = nullptr;
  Port* scpi = nullptr;
  for (const NamedPort& port : psb.ports()) (port.name == "modbus" ? modbus : scpi) = port.port;
  RtuSlave slave{*modbus->modbus_device(), RtuSlaveConfig{.unit = std::uint8_t{0}}};
  const auto ask = [](Port& port, int ms, std::string_view text) {
    std::vector<Reply> replies;
    port.receive(at_ms(ms), 1, hex(text), replies);
    return replies.size() == 1 ? replies[0].bytes : "not one reply";
  };
  EXPECT_EQ(ask(slave, 0, "00 03 00 79 00 02 14 03"), hex("00 03 04 42 70 00 00 FF 50"));
  EXPECT_EQ(ask(slave, 100, "00 05 01 92 FF 00 2D FA"), hex("00 05 01 92 FF 00 2D FA"));
  EXPECT_EQ(ask(slave, 200, "00 03 01 F9 00 02 14 17"), hex("00 03 04 00 00 08 03 AD 32"));
  EXPECT_EQ(ask(slave, 300, "00 06 01 F4 0E 56 4C 4B"), hex("00 06 01 F4 0E 56 4C 4B"));
  EXPECT_EQ(ask(slave, 400, "00 05 01 95 FF 00 9C 3B"), hex("00 05 01 95 FF 00 9C 3B"));
  EXPECT_TRUE(bench.stage.output_on());
  // Port 5025 takes the same frames between lines of text.
  EXPECT_EQ(ask(*scpi, 500, "00 03 00 79 00 02 14 03"), hex("00 03 04 42 70 00 00 FF 50"));
  std::vector<Reply> replies;
  scpi->receive(at_ms(600), 1, "OUTP?\n" + hex("00 03 00 79 00 02 14 03") + "OUTP?\n", replies);
  ASSERT_EQ(replies.size(), 3U);
  EXPECT_EQ(replies[0].bytes, "ON\n");
  EXPECT_EQ(replies[1].bytes, hex("00 03 04 42 70 00 00 FF 50"));
  EXPECT_EQ(replies[2].bytes, "ON\n");
}

TEST_F(RtuSlaveTest, an_exception_has_a_checksum_too) { EXPECT_EQ(answer("01 03 0B 04 00 03 46 2E"), hex("01 83 02 C0 F1")); }

TEST_F(RtuSlaveTest, a_frame_may_come_in_pieces_and_frames_joined) {
  EXPECT_TRUE(send("01 03 0B").empty());
  EXPECT_EQ(answer("04 00 02 87 EE", 5), hex("01 03 04 00 00 41 C8 CB F5"));
  const std::vector<Reply> both = send("01 03 0B 04 00 02 87 EE 01 03 00 50 00 02 C4 1A", 100);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].due, at_ms(103));
  EXPECT_EQ(both[1].due, at_ms(106));
}

// What is said to others feeds no watchdog and is not answered.
TEST_F(RtuSlaveTest, hears_what_is_said_to_others_and_says_nothing) {
  const std::vector<Reply> replies = send("02 03 0B 04 00 02 87 DD");
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_FALSE(replies[0].answered);
  EXPECT_EQ(memory.traffic_count, 0);
}

TEST_F(RtuSlaveTest, answers_the_unit_it_was_given) {
  RtuSlave second{memory, RtuSlaveConfig{.unit = std::uint8_t{2}}};
  std::vector<Reply> replies;
  second.receive(at_ms(0), 1, hex("02 03 0B 04 00 02 87 DD"), replies);
  second.receive(at_ms(100), 1, hex("01 03 0B 04 00 02 87 EE"), replies);
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_TRUE(replies[0].answered);
  EXPECT_FALSE(replies[1].answered);
}

// A wrong checksum: nobody knows where the next frame begins, until the line has been silent.
TEST_F(RtuSlaveTest, is_deaf_after_a_damaged_frame_until_the_line_is_silent) {
  EXPECT_EQ(answer("01 03 0B 04 00 02 87 EF", 0), "");
  EXPECT_TRUE(send("01 03 0B 04 00 02 87 EE", 10).empty());
  EXPECT_EQ(answer("01 03 0B 04 00 02 87 EE", 40), hex("01 03 04 00 00 41 C8 CB F5"));
}

TEST_F(RtuSlaveTest, a_beginning_without_an_end_is_forgotten_after_silence) {
  EXPECT_TRUE(send("01 03 0B 04", 0).empty());
  EXPECT_EQ(answer("01 03 0B 04 00 02 87 EE", 100), hex("01 03 04 00 00 41 C8 CB F5"));
}

TEST_F(RtuSlaveTest, a_flood_is_bounded) {
  std::vector<Reply> replies;
  for (int i = 0; i < 100; ++i) slave.receive(at_ms(i), 1, std::string(64, '\x2B'), replies);
  EXPECT_TRUE(replies.empty());
  EXPECT_EQ(answer("01 03 0B 04 00 02 87 EE", 500), hex("01 03 04 00 00 41 C8 CB F5"));
}

TEST(RtuRequestSize, follows_from_the_function_code) {
  EXPECT_EQ(rtu_request_size(hex("01")), 0U);
  EXPECT_EQ(rtu_request_size(hex("01 03")), 8U);
  EXPECT_EQ(rtu_request_size(hex("01 10 00 00 00 02")), 0U);
  EXPECT_EQ(rtu_request_size(hex("01 10 00 00 00 02 04")), 13U);
  EXPECT_EQ(rtu_request_size(hex("01 2B")), std::nullopt);
}

}  // namespace
}  // namespace cellrig::sim
