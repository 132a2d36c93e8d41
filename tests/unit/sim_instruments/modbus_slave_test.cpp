#include "sim/instruments/modbus_slave.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

/// Ten registers from 100 on, eight coils from 0 on; unit 1 alone.
class Memory final : public ModbusDevice {
 public:
  void traffic(TimePoint) override { ++traffic_count; }
  [[nodiscard]] bool answers_unit(std::uint8_t unit) const override { return unit == 1; }
  [[nodiscard]] bool supports(std::uint8_t function) const override { return function != 4; }
  [[nodiscard]] Duration latency() const override { return 3ms; }
  ModbusStatus read_coils(TimePoint, std::uint16_t address, std::span<bool> values) override {
    if (address + values.size() > coils.size()) return ModbusStatus::illegal_address;
    std::copy_n(coils.begin() + address, values.size(), values.begin());
    return ModbusStatus::ok;
  }
  ModbusStatus write_coils(TimePoint, std::uint16_t address, std::span<const bool> values) override {
    if (address + values.size() > coils.size()) return ModbusStatus::illegal_address;
    std::copy(values.begin(), values.end(), coils.begin() + address);
    return ModbusStatus::ok;
  }
  ModbusStatus read_registers(TimePoint, std::uint16_t address, std::span<std::uint16_t> values) override {
    if (address < 100 || address - 100U + values.size() > registers.size()) return ModbusStatus::illegal_address;
    std::copy_n(registers.begin() + (address - 100), values.size(), values.begin());
    return ModbusStatus::ok;
  }
  ModbusStatus write_registers(TimePoint, std::uint16_t address, std::span<const std::uint16_t> values) override {
    if (address < 100 || address - 100U + values.size() > registers.size()) return ModbusStatus::illegal_address;
    std::copy(values.begin(), values.end(), registers.begin() + (address - 100));
    return ModbusStatus::ok;
  }

  std::array<bool, 8> coils{};
  std::array<std::uint16_t, 10> registers{0x1122, 0x3344};
  int traffic_count = 0;
};

struct ModbusSlaveTest : testing::Test {
  std::vector<Reply> send(std::string_view bytes) {
    std::vector<Reply> replies;
    slave.receive(at_ms(0), 1, bytes, replies);
    return replies;
  }
  std::string answer(std::string_view text) {
    const std::vector<Reply> replies = send(hex(text));
    return replies.size() == 1 ? replies[0].bytes : "not one reply";
  }

  Memory memory;
  ModbusSlave slave{memory};
};

TEST_F(ModbusSlaveTest, echoes_transaction_and_unit) {
  EXPECT_EQ(answer("BEEF 0000 0006 01 03 0064 0002"), hex("BEEF 0000 0007 01 03 04 1122 3344"));
}

TEST_F(ModbusSlaveTest, a_reply_is_due_after_the_latency_and_after_the_reply_in_front_of_it) {
  const auto replies = send(hex("0001 0000 0006 01 03 0064 0001 0002 0000 0006 01 03 0064 0001"));
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].due, at_ms(3));
  EXPECT_EQ(replies[1].due, at_ms(6));
}

TEST_F(ModbusSlaveTest, any_split_of_a_request_gives_the_same_reply) {
  const std::string request = hex("0001 0000 000B 01 10 0065 0002 04 0102 0304");
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    EXPECT_TRUE(send(request.substr(0, cut)).empty());
    EXPECT_EQ(slave.buffered(1), cut);
    const auto replies = send(request.substr(cut));
    ASSERT_EQ(replies.size(), 1U) << cut;
    EXPECT_EQ(replies[0].bytes, hex("0001 0000 0006 01 10 0065 0002"));
  }
  EXPECT_EQ(memory.registers[1], 0x0102);
  EXPECT_EQ(slave.buffered(1), 0U);
}

TEST_F(ModbusSlaveTest, a_hundred_joined_requests_get_a_hundred_replies_in_order_whatever_the_pieces) {
  std::string stream;
  for (int i = 0; i < 100; ++i) {
    stream += hex("00") + std::string(1, static_cast<char>(i)) + hex("0000 0006 01 03 0064 0001");
  }
  for (const std::size_t piece : {1U, 7U, 11U, 13U, 259U, 261U, 5000U}) {
    std::vector<Reply> replies;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      slave.receive(at_ms(0), 1, std::string_view{stream}.substr(at, piece), replies);
    }
    ASSERT_EQ(replies.size(), 100U) << piece;
    for (int i = 0; i < 100; ++i) EXPECT_EQ(replies[static_cast<std::size_t>(i)].bytes[1], static_cast<char>(i));
  }
}

TEST_F(ModbusSlaveTest, another_unit_gets_no_answer_but_is_counted) {
  const auto replies = send(hex("0001 0000 0006 07 03 0064 0001"));
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_FALSE(replies[0].answered);
  EXPECT_TRUE(replies[0].bytes.empty());
}

TEST_F(ModbusSlaveTest, exceptions_tell_function_quantity_and_address_apart) {
  EXPECT_EQ(answer("0001 0000 0006 01 04 0064 0001"), hex("0001 0000 0003 01 84 01"));
  EXPECT_EQ(answer("0001 0000 0006 01 2B 0064 0001"), hex("0001 0000 0003 01 AB 01"));
  EXPECT_EQ(answer("0001 0000 0006 01 03 0064 0000"), hex("0001 0000 0003 01 83 03"));
  EXPECT_EQ(answer("0001 0000 0006 01 03 0064 007E"), hex("0001 0000 0003 01 83 03"));
  EXPECT_EQ(answer("0001 0000 0006 01 03 006D 0002"), hex("0001 0000 0003 01 83 02"));
  EXPECT_EQ(answer("0001 0000 0006 01 03 FFFF 0002"), hex("0001 0000 0003 01 83 02"));
  EXPECT_EQ(answer("0001 0000 0006 01 05 0000 1234"), hex("0001 0000 0003 01 85 03"));
  EXPECT_EQ(answer("0001 0000 0009 01 10 0064 0001 04 0000"), hex("0001 0000 0003 01 90 03"));
  EXPECT_EQ(answer("0001 0000 0002 01 03"), hex("0001 0000 0003 01 83 03"));
}

TEST_F(ModbusSlaveTest, coils_are_packed_from_the_lowest_bit) {
  EXPECT_EQ(answer("0001 0000 0008 01 0F 0000 0008 01 85"), hex("0001 0000 0006 01 0F 0000 0008"));
  EXPECT_EQ(answer("0001 0000 0006 01 01 0000 0008"), hex("0001 0000 0004 01 01 01 85"));
  EXPECT_EQ(answer("0001 0000 0006 01 05 0001 FF00"), hex("0001 0000 0006 01 05 0001 FF00"));
  EXPECT_EQ(answer("0001 0000 0006 01 01 0000 0003"), hex("0001 0000 0004 01 01 01 07"));
}

// A length field of 0xFFFF must not make the slave wait for 64 kB (F08).
TEST_F(ModbusSlaveTest, an_impossible_header_is_met_with_silence_and_the_next_request_with_an_answer) {
  for (const char* rubbish : {"0001 0000 FFFF 01 03 0064 0001", "0001 0001 0006 01 03 0064 0001", "0001 0000 0001 01"}) {
    const auto replies = send(hex(rubbish));
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_FALSE(replies[0].answered);
    EXPECT_EQ(slave.buffered(1), 0U);
    EXPECT_EQ(answer("0001 0000 0006 01 03 0064 0001"), hex("0001 0000 0005 01 03 02 1122"));
  }
}

TEST_F(ModbusSlaveTest, rubbish_after_a_request_takes_all_that_came_with_it) {
  const auto replies = send(hex("0001 0000 0006 01 03 0064 0001") + std::string(1000, '\xFF'));
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_TRUE(replies[0].answered);
  EXPECT_FALSE(replies[1].answered);
  EXPECT_EQ(slave.buffered(1), 0U);
}

TEST_F(ModbusSlaveTest, a_new_connection_does_not_inherit_half_a_request) {
  EXPECT_TRUE(send(hex("0001 0000 0006 01")).empty());
  slave.disconnected(1);
  slave.connected(1);
  EXPECT_EQ(answer("0001 0000 0006 01 03 0064 0001"), hex("0001 0000 0005 01 03 02 1122"));
}

TEST_F(ModbusSlaveTest, every_packet_counts_as_traffic) {
  send(hex("0001 00"));
  send(hex("00"));
  EXPECT_EQ(memory.traffic_count, 2);
}

}  // namespace
}  // namespace cellrig::sim
