// RTU frames against those that are printed in the instruments' references, checksums included.
#include <gtest/gtest.h>

#include <array>

#include "drivers/modbus/rtu.hpp"
#include "tests/unit/drivers/scripted_line.hpp"

namespace cellrig::modbus {
namespace {

using testing::bytes_of;
using testing::with_checksum;

// EA, Watlow F4T, Binder, a load-cell transmitter, a relay module.
TEST(RtuCodec, requests_are_those_of_the_references) {
  EXPECT_EQ(rtu_request(request_write_coil({.unit = 0, .address = 402}, true)), bytes_of("00 05 01 92 FF 00 2D FA"));
  EXPECT_EQ(rtu_request(request_write_coil({.unit = 0, .address = 405}, true)), bytes_of("00 05 01 95 FF 00 9C 3B"));
  EXPECT_EQ(rtu_request(request_write_register({.unit = 0, .address = 500}, 3670)), bytes_of("00 06 01 F4 0E 56 4C 4B"));
  EXPECT_EQ(rtu_request(request_write_register({.unit = 0, .address = 501}, 4369)), bytes_of("00 06 01 F5 11 11 55 89"));
  EXPECT_EQ(rtu_request(request_read_holding({.unit = 0, .address = 505}, 2)), bytes_of("00 03 01 F9 00 02 14 17"));
  EXPECT_EQ(rtu_request(request_read_holding({.unit = 1, .address = 2820}, 2)), bytes_of("01 03 0B 04 00 02 87 EE"));
  EXPECT_EQ(rtu_request(request_write_register({.unit = 1, .address = 0x40D2}, 0x3F)), bytes_of("01 06 40 D2 00 3F 7C 23"));
  EXPECT_EQ(rtu_request(request_read_holding({.unit = 1, .address = 0x11A9}, 2)), bytes_of("01 03 11 A9 00 02 11 17"));
  const std::array<std::uint16_t, 2> minus_10_5{0x0000, 0xC128};
  EXPECT_EQ(rtu_request(request_write_registers({.unit = 1, .address = 0x1581}, minus_10_5)),
            bytes_of("01 10 15 81 00 02 04 00 00 C1 28 99 1D"));
  EXPECT_EQ(rtu_request(request_read_holding({.unit = 1, .address = 80}, 2)), bytes_of("01 03 00 50 00 02 C4 1A"));
  const std::array<std::uint16_t, 2> tare_100{0, 100};
  EXPECT_EQ(rtu_request(request_write_registers({.unit = 1, .address = 84}, tare_100)),
            bytes_of("01 10 00 54 00 02 04 00 00 00 64 F6 8B"));
  EXPECT_EQ(rtu_request(request_read_coils({.unit = 1, .address = 0}, 8)), bytes_of("01 01 00 00 00 08 3D CC"));
  EXPECT_EQ(rtu_request(request_write_coil({.unit = 1, .address = 0}, true)), bytes_of("01 05 00 00 FF 00 8C 3A"));
  EXPECT_EQ(rtu_request(request_write_register({.unit = 0, .address = 499}, 4369)), bytes_of("00 06 01 F3 11 11 B5 88"));
  EXPECT_EQ(rtu_request(request_read_holding({.unit = 0, .address = 507}, 3)), bytes_of("00 03 01 FB 00 03 74 17"));
  EXPECT_EQ(rtu_request(request_read_holding({.unit = 1, .address = 8}, 1)), bytes_of("01 03 00 08 00 01 05 C8"));
  EXPECT_EQ(rtu_request(request_read_holding({.unit = 1, .address = 30}, 2)), bytes_of("01 03 00 1E 00 02 A4 0D"));
  EXPECT_EQ(rtu_request(request_read_holding({.unit = 1, .address = 82}, 2)), bytes_of("01 03 00 52 00 02 65 DA"));
  const std::array<std::uint16_t, 1> manual{0x0800};
  EXPECT_EQ(rtu_request(request_write_registers({.unit = 1, .address = 0x1A22}, manual)),
            bytes_of("01 10 1A 22 00 01 02 08 00 1C D3"));
  // Of the MB2, for which there is no model file yet.
  EXPECT_EQ(rtu_request(request_read_holding({.unit = 1, .address = 0x1004}, 2)), bytes_of("01 03 10 04 00 02 81 0A"));
  const std::array<std::uint16_t, 2> plus_25{0x0000, 0x41C8};
  EXPECT_EQ(rtu_request(request_write_registers({.unit = 1, .address = 0x114C}, plus_25)),
            bytes_of("01 10 11 4C 00 02 04 00 00 41 C8 06 5C"));
}

struct Reading {
  ModbusAddress from;
  const char* reply;
  std::array<std::uint16_t, 2> values;
};

TEST(RtuCodec, replies_of_the_references_are_understood) {
  const std::array<Reading, 6> readings{{{{0, 505}, "00 03 04 00 00 08 03 AD 32", {0x0000, 0x0803}},
                                         {{0, 121}, "00 03 04 42 70 00 00 FF 50", {0x4270, 0x0000}},
                                         {{1, 2820}, "01 03 04 00 00 41 C8 CB F5", {0x0000, 0x41C8}},
                                         {{1, 80}, "01 03 04 00 00 00 84 FA 50", {0, 132}},
                                         {{1, 82}, "01 03 04 FF FF C1 EF EA 0B", {0xFFFF, 0xC1EF}},
                                         {{1, 30}, "01 03 04 00 00 01 62 7A 4A", {0, 354}}}};
  for (const Reading& reading : readings) {
    const Result<Frame> reply = rtu_reply(request_read_holding(reading.from, 2), bytes_of(reading.reply));
    ASSERT_TRUE(reply) << reading.reply << ": " << reply.error().what;
    std::array<std::uint16_t, 2> values{};
    registers_of(*reply, values);
    EXPECT_EQ(values, reading.values) << reading.reply;
  }
}

TEST(RtuCodec, replies_of_the_references_of_other_lengths_are_understood) {
  const Result<Frame> actuals =
      rtu_reply(request_read_holding({.unit = 0, .address = 507}, 3), bytes_of("00 03 06 66 66 33 33 19 9A 59 9B"));
  ASSERT_TRUE(actuals) << actuals.error().what;
  std::array<std::uint16_t, 3> shares{};
  registers_of(*actuals, shares);
  EXPECT_EQ(shares, (std::array<std::uint16_t, 3>{26214, 13107, 6554})) << "50, 25 and 12.5 % of 52428";
  const Result<Frame> status = rtu_reply(request_read_holding({.unit = 1, .address = 8}, 1), bytes_of("01 03 02 08 02 3E 45"));
  ASSERT_TRUE(status) << status.error().what;
  std::array<std::uint16_t, 1> word{};
  registers_of(*status, word);
  EXPECT_EQ(word[0], 0x0802) << "two decimals, a peak";
}

TEST(RtuCodec, a_write_is_confirmed_by_its_echo_and_by_nothing_else) {
  const Frame request = request_write_register({.unit = 0, .address = 500}, 3670);
  EXPECT_TRUE(rtu_reply(request, bytes_of("00 06 01 F4 0E 56 4C 4B")));
  EXPECT_EQ(rtu_reply(request, with_checksum(bytes_of("00 06 01 F4 0E 57"))).error().fault, Fault::malformed);
  EXPECT_EQ(rtu_reply(request, with_checksum(bytes_of("00 06 01 F5 0E 56"))).error().fault, Fault::malformed);
  const std::array<std::uint16_t, 2> words{0x0000, 0xC128};
  EXPECT_TRUE(rtu_reply(request_write_registers({.unit = 1, .address = 0x1581}, words), bytes_of("01 10 15 81 00 02 15 EC")));
}

TEST(RtuCodec, an_exception_is_refused_or_busy) {
  const Frame request = request_read_holding({.unit = 1, .address = 2820}, 2);
  EXPECT_EQ(rtu_reply(request, with_checksum(bytes_of("01 83 02"))).error().fault, Fault::refused);
  EXPECT_EQ(rtu_reply(request, with_checksum(bytes_of("01 83 06"))).error().fault, Fault::busy);
}

// Every single wrong bit of a good reply is noticed.
TEST(RtuCodec, no_flipped_bit_is_believed) {
  const Frame request = request_read_holding({.unit = 1, .address = 2820}, 2);
  const std::string good = bytes_of("01 03 04 00 00 41 C8 CB F5");
  ASSERT_TRUE(rtu_reply(request, good));
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(static_cast<unsigned char>(bad[bit / 8]) ^ (1U << (bit % 8)));
    EXPECT_EQ(rtu_reply(request, bad).error().fault, Fault::malformed) << bit;
  }
}

TEST(RtuCodec, another_unit_function_count_or_length_is_malformed) {
  const Frame request = request_read_holding({.unit = 1, .address = 2820}, 2);
  for (const char* const wrong :
       {"02 03 04 00 00 41 C8", "01 04 04 00 00 41 C8", "01 03 02 00 00", "01 03 06 00 00 41 C8 00 00"}) {
    EXPECT_EQ(rtu_reply(request, with_checksum(bytes_of(wrong))).error().fault, Fault::malformed) << wrong;
  }
  const std::string good = bytes_of("01 03 04 00 00 41 C8 CB F5");
  EXPECT_EQ(rtu_reply(request, good.substr(0, 8)).error().fault, Fault::malformed);
  EXPECT_EQ(rtu_reply(request, good + good).error().fault, Fault::malformed);
  EXPECT_EQ(rtu_reply(request, "").error().fault, Fault::malformed);
}

TEST(RtuCodec, the_length_of_a_reply_is_known_from_its_beginning) {
  const Frame read = request_read_holding({.unit = 1, .address = 2820}, 2);
  EXPECT_EQ(*rtu_reply_length(read, ""), 0U);
  EXPECT_EQ(*rtu_reply_length(read, bytes_of("01 03")), 0U);
  EXPECT_EQ(*rtu_reply_length(read, bytes_of("01 03 04")), 9U);
  EXPECT_EQ(*rtu_reply_length(read, bytes_of("01 83")), 5U);
  EXPECT_EQ(*rtu_reply_length(request_read_coils({.unit = 1, .address = 0}, 10), bytes_of("01 01 02")), 7U);
}

TEST(RtuCodec, frames_are_parted_by_three_and_a_half_characters) {
  EXPECT_EQ(rtu_frame_gap(9600, 10), std::chrono::nanoseconds{3'645'833});
  EXPECT_EQ(rtu_frame_gap(9600, 11), std::chrono::nanoseconds{4'010'416});
  EXPECT_EQ(rtu_frame_gap(115200, 10), std::chrono::microseconds{1750});
}

}  // namespace
}  // namespace cellrig::modbus
