// The simulated load cell, gas sensor and coil modules against the frames of their documentation (without the check sum that the serial
// line adds).
#include <gtest/gtest.h>

#include <tuple>
#include <vector>

#include "sim/instruments/coil_modules.hpp"
#include "sim/instruments/gas_sensor.hpp"
#include "sim/instruments/load_cell.hpp"
#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

struct LoadCellTest : testing::Test {
  explicit LoadCellTest(const LoadCellConfig& config = {})
      : cell{config, [this] { return force_N; }, [this](TimePoint to) { world = to; }} {}
  double force_N = 0.0;
  TimePoint world{};
  LoadCell cell;
  ModbusClient client{cell};
};

// read weight 01 03 00 50 00 02 -> 132; read value 01 03 00 1E 00 02 -> 354; read net 01 03 00 52 00 02 -> -15889
TEST_F(LoadCellTest, answers_the_sample_frames) {
  force_N = 132;
  EXPECT_EQ(client.ask_hex(at_s(0), "03 0050 0002"), hex("03 04 0000 0084"));
  force_N = 354;
  EXPECT_EQ(client.ask_hex(at_s(0), "03 001E 0002"), hex("03 04 0000 0162"));
  force_N = -15889;
  EXPECT_EQ(client.ask_hex(at_s(0), "03 0052 0002"), hex("03 04 FFFF C1EF"));
}

// set tare 100: 01 10 00 54 00 02 04 00 00 00 64
TEST_F(LoadCellTest, takes_a_tare_off_the_net_weight_alone) {
  force_N = 1100;
  EXPECT_EQ(client.ask_hex(at_s(0), "10 0054 0002 04 0000 0064"), hex("10 0054 0002"));
  EXPECT_EQ(client.ask_hex(at_s(0), "03 0052 0002"), hex("03 04 0000 03E8"));
  EXPECT_EQ(client.ask_hex(at_s(0), "03 0050 0002"), hex("03 04 0000 044C"));
  EXPECT_EQ(client.write_many(at_s(0), 84, {0x7FFF, 0xFFFF}), 0) << "auto-tare";
  EXPECT_EQ(client.ask_hex(at_s(0), "03 0052 0002"), hex("03 04 0000 0000"));
  EXPECT_EQ(client.write_many(at_s(0), 84, {0x007A, 0x1201}), 3) << "8 000 001";
  cell.reboot(at_s(1));
  EXPECT_EQ(client.ask_hex(at_s(1), "03 0052 0002"), hex("03 04 0000 044C"));
}

TEST_F(LoadCellTest, the_status_tells_sign_zero_overload_and_overflow) {
  EXPECT_EQ(client.read_one(at_s(0), 8), 1 << 7);
  force_N = 1;
  EXPECT_EQ(client.read_one(at_s(0), 8), 0);
  force_N = -1;
  EXPECT_EQ(client.read_one(at_s(0), 8), 1 << 3);
  force_N = 500;
  EXPECT_EQ(client.read_one(at_s(0), 8), 1 << 5) << "still moving";
  EXPECT_EQ(client.read_one(at_s(0), 8), 0);
  force_N = 250001;
  EXPECT_EQ(client.read_one(at_s(0), 8) & (1 << 9), 1 << 9);
  force_N = 500;
  cell.faults().open_inputs = 1;
  EXPECT_EQ(client.read_one(at_s(0), 8) & (1 << 6), 1 << 6);
  EXPECT_EQ(client.ask_hex(at_s(0), "03 0050 0002"), hex("03 04 007F FFFF")) << "the end of the converter";
}

TEST(LoadCell, decimals_move_the_point_of_the_weight) {
  LoadCell cell{LoadCellConfig{.decimals = 2}, [] { return 12.34; }, [](TimePoint) {}};
  ModbusClient client{cell};
  EXPECT_EQ(client.ask_hex(at_s(0), "03 0050 0002"), hex("03 04 0000 04D2"));
  EXPECT_EQ(client.read_one(at_s(0), 8) & 7, 2);
}

TEST_F(LoadCellTest, its_parameters_are_locked_until_the_word_and_again_after_a_restart) {
  EXPECT_EQ(client.read_one(at_s(0), 3), 1) << "Modbus RTU";
  EXPECT_EQ(client.write_many(at_s(0), 3, {2}), 3);
  EXPECT_EQ(client.write_many(at_s(0), 5, {0x1234}), 3);
  EXPECT_EQ(client.write_many(at_s(0), 5, {0x5AA5}), 0);
  EXPECT_EQ(client.read_one(at_s(0), 5), 0);
  EXPECT_EQ(client.write_many(at_s(0), 3, {2}), 0);
  EXPECT_EQ(client.read_one(at_s(0), 3), 2);
  cell.reboot(at_s(1));
  EXPECT_EQ(client.write_many(at_s(1), 3, {1}), 3);
}

TEST_F(LoadCellTest, what_it_does_not_have_is_an_exception_and_another_unit_is_silence) {
  EXPECT_EQ(client.ask_hex(at_s(0), "03 0009 0001"), hex("83 02"));
  EXPECT_EQ(client.ask_hex(at_s(0), "06 0003 0001"), hex("86 01"));
  EXPECT_EQ(client.ask_hex(at_s(0), "01 0000 0001"), hex("81 01"));
  EXPECT_EQ(client.ask_hex(at_s(0), "03 0050 0002", 2), "");
}

// 0x00BD = 18.9 ppm
TEST(GasSensor, answers_in_tenths_of_ppm) {
  double ppm = 18.9;
  GasSensor sensor{{}, [&ppm] { return ppm; }, [](TimePoint) {}};
  ModbusClient client{sensor};
  EXPECT_EQ(client.ask_hex(at_s(0), "03 0006 0001"), hex("03 02 00BD"));
  ppm = 1e9;
  EXPECT_EQ(client.read_one(at_s(0), 6), 65534);
  ppm = -1;
  EXPECT_EQ(client.read_one(at_s(0), 6), 0);
  sensor.faults().open_inputs = 1;
  EXPECT_EQ(client.read_one(at_s(0), 6), 65535);
  EXPECT_EQ(client.ask_hex(at_s(0), "03 0005 0001"), hex("83 02"));
  EXPECT_EQ(client.ask_hex(at_s(0), "06 0006 0001"), hex("86 01"));
}

struct WaveshareTest : testing::Test {
  std::vector<std::tuple<int, bool>> switched;
  WaveshareRelay board{[this](TimePoint, int relay, bool closed) { switched.emplace_back(relay, closed); }, [](TimePoint) {}};
  ModbusClient client{board};
};

// 01 05 00 00 FF 00 -> echo; 01 01 00 00 00 08
TEST_F(WaveshareTest, answers_the_sample_frames) {
  EXPECT_EQ(client.ask_hex(at_s(0), "01 0000 0008"), hex("01 01 00")) << "off at power-up";
  EXPECT_EQ(client.ask_hex(at_s(0), "05 0000 FF00"), hex("05 0000 FF00"));
  EXPECT_EQ(client.ask_hex(at_s(0), "01 0000 0008"), hex("01 01 01"));
  EXPECT_EQ(client.ask_hex(at_s(0), "05 0000 0000"), hex("05 0000 0000"));
  EXPECT_EQ(switched, (std::vector<std::tuple<int, bool>>{{0, true}, {0, false}}));
}

TEST_F(WaveshareTest, toggles_with_5500_and_switches_all_with_coil_255) {
  EXPECT_EQ(client.ask_hex(at_s(0), "05 0003 5500"), hex("05 0003 5500"));
  EXPECT_EQ(client.ask_hex(at_s(0), "05 00FF FF00"), hex("05 00FF FF00"));
  EXPECT_EQ(client.ask_hex(at_s(0), "01 0000 0008"), hex("01 01 FF"));
  EXPECT_EQ(client.ask_hex(at_s(0), "05 0003 5500"), hex("05 0003 5500"));
  EXPECT_EQ(client.ask_hex(at_s(0), "01 0000 0008"), hex("01 01 F7"));
  EXPECT_EQ(client.ask_hex(at_s(0), "05 0000 1234"), hex("85 03"));
  EXPECT_EQ(client.ask_hex(at_s(0), "05 0008 FF00"), hex("85 02"));
  board.reboot(at_s(1));
  EXPECT_EQ(client.ask_hex(at_s(1), "01 0000 0008"), hex("01 01 00"));
}

struct Adam6060Test : testing::Test {
  std::vector<std::tuple<int, bool>> switched;
  Adam6060 adam{[this](TimePoint, int relay, bool closed) { switched.emplace_back(relay, closed); }, [](TimePoint) {}};
  ModbusClient client{adam};
};

TEST_F(Adam6060Test, contacts_are_coils_from_0_and_closed_unless_a_fault_opens_them) {
  EXPECT_EQ(client.ask_hex(at_s(0), "01 0000 0006"), hex("01 01 3F"));
  adam.faults().open_inputs = 0b101;
  EXPECT_EQ(client.ask_hex(at_s(0), "01 0000 0006"), hex("01 01 3A"));
  EXPECT_EQ(client.coil(at_s(0), 0, true), 2) << "an input is not written";
  adam.faults() = {.freeze_readings = true};
  EXPECT_EQ(client.ask_hex(at_s(0), "01 0000 0006"), hex("01 01 3F"));
  adam.faults().open_inputs = 1;
  EXPECT_EQ(client.ask_hex(at_s(0), "01 0000 0006"), hex("01 01 3F")) << "a stuck module hides it";
}

TEST_F(Adam6060Test, relays_are_coils_from_16) {
  EXPECT_EQ(client.coil(at_s(0), 21, true), 0);
  EXPECT_EQ(client.ask_hex(at_s(0), "01 0010 0006"), hex("01 01 20"));
  EXPECT_EQ(client.coil(at_s(0), 22, true), 2);
  EXPECT_EQ(client.ask_hex(at_s(0), "01 0006 0001"), hex("81 02"));
  adam.faults().ignore_off = true;
  EXPECT_EQ(client.coil(at_s(0), 21, false), 0);
  EXPECT_EQ(switched, (std::vector<std::tuple<int, bool>>{{5, true}}));
}

}  // namespace
}  // namespace cellrig::sim
