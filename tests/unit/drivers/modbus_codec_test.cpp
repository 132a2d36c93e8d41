// Register packing and Modbus TCP frames against the worked frames of the instruments' documents.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "drivers/modbus/adu.hpp"
#include "drivers/modbus/register_map.hpp"

namespace cellrig::modbus {
namespace {

TEST(RegisterMap, floats_in_both_word_orders) {
  const Words f4t_25_degrees{0x0000, 0x41C8};
  EXPECT_EQ(pack_f32(25.0F, WordOrder::cdab), f4t_25_degrees);
  EXPECT_EQ(unpack_f32(f4t_25_degrees, WordOrder::cdab), 25.0F);
  const Words ea_60_volts{0x4270, 0x0000};
  EXPECT_EQ(pack_f32(60.0F, WordOrder::abcd), ea_60_volts);
  EXPECT_EQ(unpack_f32(ea_60_volts, WordOrder::abcd), 60.0F);
  for (const float value : {-40.0F, 0.1F, 1e-20F, 3.4e38F, -0.0F}) {
    for (const WordOrder order : {WordOrder::abcd, WordOrder::cdab}) EXPECT_EQ(unpack_f32(pack_f32(value, order), order), value);
  }
  EXPECT_TRUE(std::isnan(unpack_f32(pack_f32(std::numeric_limits<float>::quiet_NaN(), WordOrder::cdab), WordOrder::cdab)));
}

TEST(RegisterMap, integers_in_both_word_orders) {
  const Words high_first{0x0001, 0x0803};
  EXPECT_EQ(unpack_u32(high_first, WordOrder::abcd), 0x00010803U);
  EXPECT_EQ(unpack_u32(high_first, WordOrder::cdab), 0x08030001U);
  EXPECT_EQ(pack_u32(0x00010803U, WordOrder::abcd), high_first);
  EXPECT_EQ(unpack_s32(pack_s32(-2, WordOrder::cdab), WordOrder::cdab), -2);
  EXPECT_EQ(unpack_s32(Words{0xFFFF, 0xFFFE}, WordOrder::abcd), -2);
}

TEST(PercentScale, worked_values_of_a_60_V_60_A_unit) {
  const PercentScale scale{.nominal = 60.0, .full_scale = 52428.0};
  EXPECT_EQ(scale.to_raw(4.2, Rounding::nearest, 53477), 3670);
  EXPECT_EQ(scale.to_raw(5.0, Rounding::nearest, 53477), 4369);
  EXPECT_EQ(scale.to_raw(60.0, Rounding::nearest, 53477), 52428);
  EXPECT_NEAR(scale.to_value(0x6666), 30.0, 0.001);
  EXPECT_NEAR(scale.resolution(), 0.001144, 1e-6);
}

// A protection is never rounded beyond its bound.
TEST(PercentScale, rounds_to_the_side_asked_for) {
  const PercentScale scale{.nominal = 60.0, .full_scale = 52428.0};
  for (double value = 0.0; value < 61.0; value += 0.0137) {
    const auto down = scale.to_raw(value, Rounding::down, 57671);
    const auto up = scale.to_raw(value, Rounding::up, 57671);
    ASSERT_TRUE(down && up);
    EXPECT_LE(scale.to_value(*down), value + 1e-8);
    EXPECT_GE(scale.to_value(*up), value - 1e-8);
    EXPECT_LE(*up - *down, 1);
  }
}

TEST(PercentScale, refuses_what_has_no_count) {
  const PercentScale scale{.nominal = 60.0, .full_scale = 52428.0};
  EXPECT_FALSE(scale.to_raw(-0.001, Rounding::nearest, 53477));
  EXPECT_FALSE(scale.to_raw(61.3, Rounding::nearest, 53477));
  EXPECT_FALSE(scale.to_raw(std::nan(""), Rounding::down, 53477));
  EXPECT_FALSE(scale.to_raw(std::numeric_limits<double>::infinity(), Rounding::down, 53477));
}

TEST(RegisterMap, text) {
  const std::array<std::uint16_t, 5> two{0x5053, 0x4220, 0x3130, 0x0041, 0x4242};
  EXPECT_EQ(text_two_per_register(two), "PSB 10");
  const std::array<std::uint16_t, 4> one{'F', '4', 'T', 0};
  EXPECT_EQ(text_one_per_register(one), "F4T");
  const std::array<std::uint16_t, 2> odd{0x41FF, 0x4220};
  EXPECT_EQ(text_two_per_register(odd), "A?B");
}

TEST(RegisterMap, plans_the_fewest_reads) {
  const std::vector<RegisterRange> wanted{{9008, 2}, {550, 1}, {9000, 2}, {9002, 2}, {9004, 2}, {553, 1}};
  const std::vector<RegisterRange> without_gaps{{550, 1}, {553, 1}, {9000, 6}, {9008, 2}};
  EXPECT_EQ(plan_reads(wanted, 0), without_gaps);
  const std::vector<RegisterRange> with_gaps{{550, 4}, {9000, 10}};
  EXPECT_EQ(plan_reads(wanted, 2), with_gaps);
  const std::vector<RegisterRange> long_run{{0, 100}, {100, 100}};
  EXPECT_EQ(plan_reads(long_run, 0), long_run);
  EXPECT_TRUE(plan_reads({}, 0).empty());
  const std::vector<RegisterRange> overlapping{{10, 4}, {11, 1}};
  EXPECT_EQ(plan_reads(overlapping, 0), (std::vector<RegisterRange>{{10, 4}}));
}

using Bytes = std::vector<std::uint8_t>;

Frame frame(const Bytes& bytes) {
  Frame result;
  std::copy(bytes.begin(), bytes.end(), result.bytes.begin());
  result.length = bytes.size();
  return result;
}

Bytes bytes_of(const Frame& f) { return Bytes(f.view().begin(), f.view().end()); }

TEST(ModbusFrames, are_those_of_the_watlow_document) {
  Frame read = request_read_holding(ModbusAddress{1, 2820}, 2);
  stamp(read, 1);
  EXPECT_EQ(bytes_of(read), (Bytes{0x00, 0x01, 0x00, 0x00, 0x00, 0x06, 0x01, 0x03, 0x0B, 0x04, 0x00, 0x02}));
  const Frame reply = frame({0x00, 0x01, 0x00, 0x00, 0x00, 0x07, 0x01, 0x03, 0x04, 0x00, 0x00, 0x41, 0xC8});
  ASSERT_TRUE(check_reply(read, reply));
  Words words{};
  registers_of(reply, words);
  EXPECT_EQ(unpack_f32(words, WordOrder::cdab), 25.0F);

  Frame write = request_write_registers(ModbusAddress{1, 2782}, pack_f32(25.0F, WordOrder::cdab));
  stamp(write, 2);
  EXPECT_EQ(bytes_of(write),
            (Bytes{0x00, 0x02, 0x00, 0x00, 0x00, 0x0B, 0x01, 0x10, 0x0A, 0xDE, 0x00, 0x02, 0x04, 0x00, 0x00, 0x41, 0xC8}));
  EXPECT_TRUE(check_reply(write, frame({0x00, 0x02, 0x00, 0x00, 0x00, 0x06, 0x01, 0x10, 0x0A, 0xDE, 0x00, 0x02})));

  Frame third = request_read_holding(ModbusAddress{1, 2820}, 2);
  stamp(third, 3);
  const Result<void> refused = check_reply(third, frame({0x00, 0x03, 0x00, 0x00, 0x00, 0x03, 0x01, 0x83, 0x02}));
  EXPECT_EQ(refused.error().fault, Fault::refused);
}

TEST(ModbusFrames, carry_the_bodies_of_the_ea_document) {
  const auto body = [](const Frame& f) { return Bytes(f.view().begin() + 6, f.view().end()); };
  EXPECT_EQ(body(request_write_coil(ModbusAddress{0, 402}, true)), (Bytes{0x00, 0x05, 0x01, 0x92, 0xFF, 0x00}));
  EXPECT_EQ(body(request_write_coil(ModbusAddress{0, 405}, false)), (Bytes{0x00, 0x05, 0x01, 0x95, 0x00, 0x00}));
  EXPECT_EQ(body(request_write_register(ModbusAddress{0, 500}, 3670)), (Bytes{0x00, 0x06, 0x01, 0xF4, 0x0E, 0x56}));
  EXPECT_EQ(body(request_read_holding(ModbusAddress{0, 505}, 2)), (Bytes{0x00, 0x03, 0x01, 0xF9, 0x00, 0x02}));
}

// F07 to F09: every mutation of a good reply is noticed.
TEST(ModbusFrames, every_changed_header_byte_is_malformed) {
  Frame request = request_read_holding(ModbusAddress{1, 2820}, 2);
  stamp(request, 0x0102);
  const Bytes good{0x01, 0x02, 0x00, 0x00, 0x00, 0x07, 0x01, 0x03, 0x04, 0x00, 0x00, 0x41, 0xC8};
  ASSERT_TRUE(check_reply(request, frame(good)));
  for (std::size_t i = 0; i < 9; ++i) {
    for (int value = 0; value < 256; ++value) {
      Bytes changed = good;
      changed[i] = static_cast<std::uint8_t>(value);
      if (changed == good) continue;
      const Result<void> checked = check_reply(request, frame(changed));
      ASSERT_FALSE(checked) << i << " " << value;
      EXPECT_EQ(checked.error().fault, Fault::malformed) << i << " " << value;
    }
  }
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(check_reply(request, frame(Bytes(good.begin(), good.begin() + static_cast<long>(length))))) << length;
  }
}

TEST(ModbusFrames, an_echo_must_be_the_write) {
  Frame write = request_write_register(ModbusAddress{1, 500}, 3670);
  stamp(write, 9);
  EXPECT_TRUE(check_reply(write, frame(bytes_of(write))));
  for (std::size_t i = 8; i < 12; ++i) {
    Bytes changed = bytes_of(write);
    changed[i] ^= 1;
    EXPECT_FALSE(check_reply(write, frame(changed))) << i;
  }
}

TEST(ModbusFrames, exceptions_are_told_apart) {
  Frame request = request_read_coils(ModbusAddress{1, 16}, 8);
  stamp(request, 1);
  for (int code = 1; code < 12; ++code) {
    const Frame reply = frame({0x00, 0x01, 0x00, 0x00, 0x00, 0x03, 0x01, 0x81, static_cast<std::uint8_t>(code)});
    EXPECT_EQ(check_reply(request, reply).error().fault, code == 5 || code == 6 ? Fault::busy : Fault::refused) << code;
  }
}

}  // namespace
}  // namespace cellrig::modbus
