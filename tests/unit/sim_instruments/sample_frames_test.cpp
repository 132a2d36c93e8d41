// The sample frames of the references with their checksums, replayed on the instruments they belong to: to each question the very bytes that
// somebody else wrote down.
#include <gtest/gtest.h>

#include <optional>

#include "sim/instruments/binder_mb1.hpp"
#include "sim/instruments/coil_modules.hpp"
#include "sim/instruments/ea_psb.hpp"
#include "sim/instruments/gas_sensor.hpp"
#include "sim/instruments/load_cell.hpp"
#include "sim/instruments/modbus_rtu.hpp"
#include "sim/instruments/watlow_f4t.hpp"
#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

/// An instrument on a serial line of its own. Questions are asked far enough apart to be frames of their own.
class OnALine {
 public:
  explicit OnALine(Instrument& instrument, std::uint8_t unit = 1)
      : slave_{*port_of(instrument, "modbus").modbus_device(), RtuSlaveConfig{.unit = unit}} {
    slave_.connected(1);
  }
  std::string ask(std::string_view frame) {
    std::vector<Reply> replies;
    slave_.receive(at_ms(now_ms_ += 100), 1, hex(frame), replies);
    return replies.size() == 1 ? replies[0].bytes : "not one reply";
  }

 private:
  RtuSlave slave_;
  std::int64_t now_ms_ = 0;
};

TEST(SampleFrames, of_an_ea_are_answered_by_it) {
  IdealBench bench{30.0};
  EaPsbConfig config;
  config.remote_location = 3;  // USB
  EaPsb psb{config, bench.stage, bench.advance_world()};
  OnALine line{psb, 0};
  EXPECT_EQ(line.ask("00 03 00 79 00 02 14 03"), hex("00 03 04 42 70 00 00 FF 50")) << "60 V nominal";
  EXPECT_EQ(line.ask("00 05 01 92 FF 00 2D FA"), hex("00 05 01 92 FF 00 2D FA")) << "remote";
  EXPECT_EQ(line.ask("00 03 01 F9 00 02 14 17"), hex("00 03 04 00 00 08 03 AD 32")) << "remote, USB, off";
  EXPECT_EQ(line.ask("00 06 01 F4 0E 56 4C 4B"), hex("00 06 01 F4 0E 56 4C 4B")) << "4.2 V";
  EXPECT_EQ(line.ask("00 06 01 F5 11 11 55 89"), hex("00 06 01 F5 11 11 55 89")) << "5 A source";
  EXPECT_EQ(line.ask("00 06 01 F3 11 11 B5 88"), hex("00 06 01 F3 11 11 B5 88")) << "5 A sink";
  EXPECT_EQ(line.ask("00 05 01 95 FF 00 9C 3B"), hex("00 05 01 95 FF 00 9C 3B")) << "on";
  // 30 V and 5 A of sink; the sample's 15 A at 187.5 W are no possible state.
  EXPECT_EQ(line.ask("00 03 01 FB 00 03 74 17").substr(0, 7), hex("00 03 06 66 66 11 11"));
}

TEST(SampleFrames, of_an_f4t_are_answered_by_it) {
  ChamberAir air{{.start_temperature_degC = 25.0, .room_temperature_degC = 25.0}, TimePoint{}};
  WatlowF4tConfig config;
  config.is_on_serial_line = true;
  WatlowF4t f4t{config, air, [&air](TimePoint to) { air.advance(to); }};
  OnALine line{f4t};
  EXPECT_EQ(line.ask("01 03 0B 04 00 02 87 EE"), hex("01 03 04 00 00 41 C8 CB F5")) << "25.0 degC";
  EXPECT_EQ(line.ask("01 06 40 D2 00 3F 7C 23"), hex("01 06 40 D2 00 3F 7C 23")) << "event 1";
}

TEST(SampleFrames, of_a_binder_are_answered_by_it) {
  ChamberAir air{{.start_temperature_degC = 25.0, .room_temperature_degC = 25.0}, TimePoint{}};
  BinderMb1 binder{{}, air, [&air](TimePoint to) { air.advance(to); }};
  OnALine line{binder};
  EXPECT_EQ(line.ask("01 03 11 A9 00 02 11 17"), hex("01 03 04 00 00 41 C8 CB F5")) << "25.0 degC";
  EXPECT_EQ(line.ask("01 10 15 81 00 02 04 00 00 C1 28 99 1D"), hex("01 10 15 81 00 02 15 EC")) << "-10.5 degC";
  EXPECT_EQ(line.ask("01 10 1A 22 00 01 02 08 00 1C D3").substr(0, 6), hex("01 10 1A 22 00 01")) << "manual mode";
  EXPECT_TRUE(air.is_running());
  EXPECT_EQ(air.setpoint_degC(), -10.5);
}

TEST(SampleFrames, of_a_load_cell_transmitter_are_answered_by_it) {
  double force_N = 0.0;
  LoadCell cell{LoadCellConfig{}, [&force_N] { return force_N; }, [](TimePoint) {}};
  OnALine line{cell};
  force_N = 132;
  EXPECT_EQ(line.ask("01 03 00 50 00 02 C4 1A"), hex("01 03 04 00 00 00 84 FA 50")) << "weight";
  force_N = -15'889;
  EXPECT_EQ(line.ask("01 03 00 52 00 02 65 DA"), hex("01 03 04 FF FF C1 EF EA 0B")) << "net weight";
  force_N = 354;
  EXPECT_EQ(line.ask("01 03 00 1E 00 02 A4 0D"), hex("01 03 04 00 00 01 62 7A 4A")) << "raw value";
  // The sample's status has a remembered peak, which is not modelled; the two decimals are.
  LoadCell with_decimals{LoadCellConfig{.decimals = 2}, [] { return 1.0; }, [](TimePoint) {}};
  OnALine other{with_decimals};
  EXPECT_EQ(static_cast<unsigned char>(other.ask("01 03 00 08 00 01 05 C8").at(4)) & 7U, 0x0802U & 7U);
  const std::string taken = line.ask("01 10 00 54 00 02 04 00 00 00 64 F6 8B");
  EXPECT_EQ(taken.substr(0, 6), hex("01 10 00 54 00 02")) << "a tare of 100";
  EXPECT_EQ(line.ask("01 03 00 52 00 02 65 DA").substr(0, 7), hex("01 03 04 00 00 00 FE")) << "354 - 100";
}

TEST(SampleFrames, of_a_relay_board_and_a_gas_sensor_are_answered_by_them) {
  std::optional<int> closed;
  WaveshareRelay board{
      [&closed](TimePoint, int relay, bool is_closed) { closed = is_closed ? std::optional{relay} : std::nullopt; },
      [](TimePoint) {}};
  OnALine line{board};
  EXPECT_EQ(line.ask("01 01 00 00 00 08 3D CC").substr(0, 4), hex("01 01 01 00"));
  EXPECT_EQ(line.ask("01 05 00 00 FF 00 8C 3A"), hex("01 05 00 00 FF 00 8C 3A"));
  EXPECT_EQ(closed, 0);
  EXPECT_EQ(line.ask("01 01 00 00 00 08 3D CC").substr(0, 4), hex("01 01 01 01"));
  GasSensor sensor{GasSensorConfig{}, [] { return 18.9; }, [](TimePoint) {}};
  OnALine sniffer{sensor};
  EXPECT_EQ(sniffer.ask("01 03 00 06 00 01 64 0B").substr(0, 5), hex("01 03 02 00 BD")) << "18.9 ppm";
}

}  // namespace
}  // namespace cellrig::sim
