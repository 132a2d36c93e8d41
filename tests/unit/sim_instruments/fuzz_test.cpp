// Rubbish in any split must neither crash an instrument nor make it hoard: the sanitizers watch, a good request comes after.
#include <gtest/gtest.h>

#include <random>

#include "sim/instruments/adam_6018.hpp"
#include "sim/instruments/binder_mb1.hpp"
#include "sim/instruments/coil_modules.hpp"
#include "sim/instruments/ea_psb.hpp"
#include "sim/instruments/espec.hpp"
#include "sim/instruments/itech.hpp"
#include "sim/instruments/keysight_daq.hpp"
#include "sim/instruments/gas_sensor.hpp"
#include "sim/instruments/keysight_n6900.hpp"
#include "sim/instruments/load_cell.hpp"
#include "sim/instruments/watlow_f4t.hpp"
#include "tests/unit/sim_instruments/ideal_bench.hpp"

namespace cellrig::sim {
namespace {

constexpr int string_count = 100000;

std::string random_bytes(std::mt19937& random) {
  std::string bytes(random() % 40, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

/// A frame that is nearly right: header fields and function codes are plausible, the rest is not.
std::string modbus_like(std::mt19937& random) {
  if (random() % 4 == 0) return random_bytes(random);
  constexpr std::array<int, 8> functions{1, 3, 4, 5, 6, 15, 16, 23};
  std::string body{static_cast<char>(random() % 3), static_cast<char>(functions[random() % functions.size()])};
  const int addresses[] = {0x11A9, 0x1581, 0x1A22, 0x1228, 0,    16,   121,  200,  400,   402,  405,
                           498,    505,    550,    1330,   2730, 2782, 2820, 9000, 16594, 65535};
  const int address = addresses[random() % std::size(addresses)] + static_cast<int>(random() % 3);
  body.push_back(static_cast<char>(address >> 8));
  body.push_back(static_cast<char>(address));
  const bool coil_on = random() % 8 == 0;
  body.push_back(static_cast<char>(coil_on ? 0xFF : 0));
  body.push_back(static_cast<char>(coil_on ? 0 : random() % 130));
  if (random() % 2 == 0) {
    const auto count = random() % 40;
    body.push_back(static_cast<char>(random() % 3 == 0 ? random() : count));
    for (unsigned i = 0; i < count; ++i) body.push_back(static_cast<char>(random()));
  }
  std::string frame{'\0', static_cast<char>(random()), '\0', static_cast<char>(random() % 50 == 0), '\0'};
  frame.push_back(static_cast<char>(random() % 20 == 0 ? random() : body.size()));
  return frame + body;
}

std::string scpi_like(std::mt19937& random) {
  if (random() % 4 == 0) return random_bytes(random);
  constexpr const char* whole[] = {"SYST:LOCK ON\n",
                                   "OUTP 1\n",
                                   "VOLT 4;CURR 5\n",
                                   "SINK:CURR 3\n",
                                   "FUNC CURR\n",
                                   "CURR:LIM 5;:VOLT 3.9\n",
                                   "OUTP:PROT:WDOG 1;WDOG:DEL 1\n",
                                   "SYST:COMM:MON:ACT ON\n",
                                   "CURR:PROT:STAT 1\n",
                                   "OUTP:PROT:CLE\n",
                                   "VOLT?;:OUTP?;*STB?;:FOO?\n",
                                   "MEAS:CURR?\n",
                                   "STAT:QUES:COND?\n",
                                   "SYST:ERR?\n"};
  if (random() % 4 == 0) return whole[random() % std::size(whole)];
  constexpr const char* pieces[] = {"VOLT", "CURR", ":",    ":",    "LIM",  "NEG",  " ",    "4.2",  "-5",   "1e9",  ";",
                                    ";:",   "?",    "?",    "*IDN", "*RST", "OUTP", " ON",  "MAX",  "\"",   "SYST", "ERR",
                                    "\n",   "\n",   "MEAS", "ARR",  "LOCK", "SINK", "FUNC", "PROT", "WDOG", "STAT", "DEL",
                                    ",",    "FETC", "AHO",  "*LRN", "#",    "2",    "QUES", "COND", "FOO"};
  std::string text;
  for (auto count = random() % 12; count > 0; --count) text += pieces[random() % std::size(pieces)];
  return random() % 2 == 0 ? text + "\n" : text;
}

/// Sends in random pieces, at instants that go on, and checks what must hold of every reply.
template <class Make>
void pound(Instrument& instrument, const std::string& port_name, Make make) {
  std::mt19937 random{12345};
  Port& port = port_of(instrument, port_name);
  TimePoint now{};
  TimePoint last_due{};
  std::vector<Reply> replies;
  int answered = 0;
  for (int i = 0; i < string_count; ++i) {
    const std::string bytes = make(random);
    now += std::chrono::milliseconds{random() % 20};
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t piece = 1 + random() % 16;
      port.receive(now, 1, std::string_view{bytes}.substr(at, piece), replies);
      at += piece;
    }
    ASSERT_LE(replies.size(), bytes.size() + 1);
    for (const Reply& reply : replies) {
      ASSERT_EQ(reply.answered, !reply.bytes.empty());
      answered += reply.answered ? 1 : 0;
      ASSERT_GE(reply.due, last_due);
      ASSERT_LT(reply.bytes.size(), 100000U);
      last_due = reply.due;
    }
    replies.clear();
  }
  EXPECT_GT(answered, string_count / 50) << "rubbish alone doesn't reach far";
}

TEST(Fuzz, ea_psb_on_modbus) {
  IdealBench bench{30.0};
  EaPsb psb{EaPsbConfig{}, bench.stage, bench.advance_world()};
  ASSERT_NO_FATAL_FAILURE(pound(psb, "modbus", modbus_like));
  ModbusClient client{psb, 9};
  EXPECT_EQ(client.read(at_s(100000), 121, 2), hex("03 04 4270 0000"));
}

TEST(Fuzz, ea_psb_on_scpi) {
  IdealBench bench{30.0};
  EaPsb psb{EaPsbConfig{}, bench.stage, bench.advance_world()};
  ASSERT_NO_FATAL_FAILURE(pound(psb, "scpi", scpi_like));
  EXPECT_EQ((ScpiClient{psb, 9}.ask(at_s(100000), "SYST:NOM:VOLT?")), "60 V");
}

TEST(Fuzz, keysight_n6900) {
  IdealBench bench{4.0};
  KeysightN6900 n6974a{KeysightN6900Config{}, bench.stage, bench.advance_world()};
  ASSERT_NO_FATAL_FAILURE(pound(n6974a, "scpi", scpi_like));
  EXPECT_EQ((ScpiClient{n6974a, 9}.ask(at_s(100000), "*OPC?")), "1");
}

std::string itech_like(std::mt19937& random) {
  constexpr const char* whole[] = {"\nSYST:REM\n", "\nMEAS?;:OUTP?\n", "\nVOLT:UND:PROT:STAT 1;:OUTP 1;:FUNC?\n"};
  return random() % 4 == 0 ? std::string{whole[random() % std::size(whole)]} : scpi_like(random);
}

TEST(Fuzz, itech) {
  IdealBench bench{4.0};
  Itech itech{ItechConfig{}, bench.stage, bench.advance_world()};
  ASSERT_NO_FATAL_FAILURE(pound(itech, "scpi", itech_like));
  EXPECT_EQ((ScpiClient{itech, 9}.ask(at_s(100000), "*OPC?")), "1");
}

TEST(Fuzz, load_cell) {
  LoadCell cell{LoadCellConfig{}, [] { return 132.0; }, [](TimePoint) {}};
  ASSERT_NO_FATAL_FAILURE(pound(cell, "modbus", modbus_like));
  ModbusClient client{cell, 9};
  EXPECT_EQ(client.read(at_s(100000), 80, 2), hex("03 04 0000 0084"));
}

TEST(Fuzz, gas_sensor) {
  GasSensor sensor{GasSensorConfig{}, [] { return 18.9; }, [](TimePoint) {}};
  ASSERT_NO_FATAL_FAILURE(pound(sensor, "modbus", modbus_like));
  ModbusClient client{sensor, 9};
  EXPECT_EQ(client.read(at_s(100000), 6, 1), hex("03 02 00BD"));
}

TEST(Fuzz, modules_of_relays_and_contacts) {
  Adam6060 adam{{}, [](TimePoint) {}};
  ASSERT_NO_FATAL_FAILURE(pound(adam, "modbus", modbus_like));
  ModbusClient client{adam, 9};
  EXPECT_EQ(client.ask_hex(at_s(100000), "01 0000 0006"), hex("01 01 3F"));
  WaveshareRelay board{{}, [](TimePoint) {}};
  ASSERT_NO_FATAL_FAILURE(pound(board, "modbus", modbus_like));
  ModbusClient other{board, 9};
  EXPECT_EQ(other.coil(at_s(100000), 7, false), 0);
}

std::string daq_like(std::mt19937& random) {
  constexpr const char* pieces[] = {"CONF:TEMP TC,T,(@101:104)\n",
                                    "ROUT:SCAN (@101,102)\n",
                                    "ROUT:SCAN?\n",
                                    "READ?\n",
                                    "FETC?\n",
                                    "FORM:READ:CHAN ON;UNIT ON\n",
                                    "UNIT:TEMP? (@101:120)\n",
                                    "(@101:",
                                    "(@",
                                    ")\n",
                                    "101,",
                                    "999999999999",
                                    "SENS:TEMP:NPLC 1,(@101)\n"};
  return random() % 2 == 0 ? std::string{pieces[random() % std::size(pieces)]} : scpi_like(random);
}

TEST(Fuzz, keysight_daq) {
  KeysightDaq daq{{}, {}, [](TimePoint) {}};
  ASSERT_NO_FATAL_FAILURE(pound(daq, "scpi", daq_like));
  EXPECT_EQ((ScpiClient{daq, 9}.ask(at_s(100000), "*OPC?")), "1");
}

TEST(Fuzz, watlow_f4t) {
  ChamberAir chamber{{}, TimePoint{}};
  WatlowF4t f4t{{}, chamber, [&](TimePoint to) { chamber.advance(to); }};
  ASSERT_NO_FATAL_FAILURE(pound(f4t, "modbus", modbus_like));
  ModbusClient client{f4t, 9};
  EXPECT_EQ(client.read_one(at_s(100000), 90), 138);
}

TEST(Fuzz, binder_mb1) {
  ChamberAir chamber{{}, TimePoint{}};
  BinderMb1 binder{{}, chamber, [&](TimePoint to) { chamber.advance(to); }};
  ASSERT_NO_FATAL_FAILURE(pound(binder, "modbus", modbus_like));
  ModbusClient client{binder, 9};
  EXPECT_EQ(client.read_one(at_s(100000), 0x123E), 0);
}

std::string espec_like(std::mt19937& random) {
  if (random() % 4 == 0) return random_bytes(random);
  constexpr const char* pieces[] = {
      "TEMP",  "TEMP?\r\n", "MON?\r\n",     ",",       " S25.0", " H",   "L-", "1e9", "MODE,CONSTANT\r\n",
      "MODE,", "RUN1",      "HUMI,",        "S50\r\n", "SOFF",   "\r\n", "\n", "1,",  "KEYPROTECT,ON\r\n",
      "?",     "SET,REF9",  "POWER,OFF\r\n"};
  std::string text;
  for (auto count = random() % 6; count > 0; --count) text += pieces[random() % std::size(pieces)];
  return text;
}

TEST(Fuzz, espec) {
  ChamberAir chamber{{}, TimePoint{}};
  EspecConfig config;
  config.latency = config.deaf_after_question = config.deaf_after_setting =
      std::chrono::milliseconds{1};  // it would hear next to nothing
  Espec espec{config, chamber, [&](TimePoint to) { chamber.advance(to); }};
  ASSERT_NO_FATAL_FAILURE(pound(espec, "ascii", espec_like));
  std::vector<Reply> replies;
  port_of(espec, "ascii").receive(at_s(100000), 9, "TYPE?\r\n", replies);
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies.front().bytes, "T,T,S2,160.0\r\n");
}

TEST(Fuzz, adam_6018) {
  Adam6018 adam{{}, {}, {}, [](TimePoint) {}};
  ASSERT_NO_FATAL_FAILURE(pound(adam, "modbus", modbus_like));
  ModbusClient client{adam, 9};
  EXPECT_EQ(client.read_one(at_s(100000), 200), 1088);
}

}  // namespace
}  // namespace cellrig::sim
