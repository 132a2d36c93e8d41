// Just enough of an EA PSB 10060-60 to test its driver: registers that react, and a SCPI side with the settings it uses.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "controller/async/virtual_time.hpp"
#include "drivers/instruments/ea_psb.hpp"
#include "drivers/models/model_file.hpp"
#include "tests/unit/drivers/run_task.hpp"
#include "tests/unit/drivers/scripted_bus.hpp"
#include "tests/unit/drivers/scripted_stream.hpp"

namespace cellrig::testing {

inline std::string model_path(const std::string& name) {
  return std::string(CELLRIG_SOURCE_DIR) + "/drivers/models/" + name + ".yaml";
}

struct FakeEa {
  VirtualTime time;
  ScriptedBus* bus = nullptr;      ///< owned by the driver
  ScriptedStream* scpi = nullptr;  ///< owned by the driver
  std::map<std::string, std::string> settings{
      {"SYST:CONF:UVD", "0.00 V"},  {"SINK:CURR:PROT", "66.00 A"},   {"SYST:COMM:MON:TIME", "5 s"}, {"SYST:CONF:UVD:ACT", "NONE"},
      {"POW:STAG:AFT:REM", "AUTO"}, {"SYST:CONF:OUTP:REST", "AUTO"}, {"SYST:COMM:MON:ACT", "OFF"}};
  std::string identity = "EA ELEKTRO-AUTOMATIK,PSB 10060-60 2U,2810370001,KE 3.10,";
  std::uint32_t alarm_bits = 0;
  bool output_sticks = false;
  std::unique_ptr<EaPsbCycler> cycler;

  FakeEa() {
    auto owned_bus = std::make_unique<ScriptedBus>(time);
    auto owned_stream =
        std::make_unique<ScriptedStream>(time, [this](ScriptedStream&, const std::string& line) { answer(line); });
    bus = owned_bus.get();
    scpi = owned_stream.get();
    for (std::uint16_t a = 1; a <= 20; ++a) bus->registers[a] = 0;
    for (std::uint16_t a = 151; a <= 170; ++a) bus->registers[a] = 0;
    put_text(1, "PSB 10060-60");
    put_text(151, "2810370001");
    const std::map<std::uint16_t, std::uint16_t> initial{
        {121, 0x4270}, {122, 0},      {123, 0x4270}, {124, 0},      {125, 0x44BB}, {126, 0x8000},  // 60 V, 60 A, 1500 W
        {498, 52428},  {499, 0},      {500, 0},      {501, 0},      {502, 52428},  {503, 0},      {504, 0},     {505, 0},
        {506, 0},      {507, 3233},   {508, 0},      {509, 0},      {550, 57671},  {553, 57671},  {556, 57671}, {9000, 53477},
        {9001, 0},     {9002, 53477}, {9003, 0},     {9004, 53477}, {9005, 53477}, {9008, 53477}, {9009, 0}};
    for (const auto& [address, value] : initial) bus->registers[address] = value;
    bus->after_write = [this] { react(); };
    cycler = std::make_unique<EaPsbCycler>(time, std::move(owned_bus), std::move(owned_stream),
                                           load_ea_psb_model(model_path("ea-psb-10060-60")));
    react();
  }

  void put_text(std::uint16_t address, const std::string& text) {
    for (std::size_t i = 0; i < text.size(); i += 2) {
      const unsigned low = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
      bus->registers[static_cast<std::uint16_t>(address + i / 2)] =
          static_cast<std::uint16_t>(static_cast<unsigned char>(text[i]) * 256U + low);
    }
  }

  void react() {
    if (output_sticks) bus->coils[405] = true;
    const bool on = bus->coils[405] && alarm_bits == 0;
    bus->coils[405] = on;
    const bool sinks = bus->registers[499] > 0;
    std::uint32_t state = alarm_bits | (on ? 1U << 7 : 0) | (on ? 2U << 9 : 0) | (sinks ? 1U << 12 : 0);
    if (bus->coils[402]) state |= 1U << 11 | 6U;
    bus->registers[505] = static_cast<std::uint16_t>(state >> 16);
    bus->registers[506] = static_cast<std::uint16_t>(state & 0xFFFF);
    bus->registers[508] = on ? std::max(bus->registers[499], bus->registers[501]) : std::uint16_t{0};
  }

  void answer(const std::string& line) {
    if (line == "*IDN?") return scpi->push(identity + "\n");
    if (line == "*STB?") return scpi->push("0\n");
    if (line == "MEAS:CURR?") return scpi->push(bus->registers[508] == 0 ? "0.00 A\n" : "5.00 A\n");
    if (line == "OUTP OFF;OUTP?") {
      bus->coils[405] = false;
      react();
      return scpi->push(bus->coils[405] ? "ON\n" : "OFF\n");
    }
    if (line.ends_with(";*STB?")) {
      const std::string command = line.substr(0, line.size() - 6);
      const std::size_t blank = command.find(' ');
      const std::string header = command.substr(0, blank);
      if (settings.contains(header) && !ignored_setting_is(header)) settings[header] = command.substr(blank + 1);
      return scpi->push("0\n");
    }
    if (line.ends_with("?") && settings.contains(line.substr(0, line.size() - 1))) {
      scpi->push(settings[line.substr(0, line.size() - 1)] + "\n");
    }
  }
  std::string ignored_setting;
  [[nodiscard]] bool ignored_setting_is(const std::string& header) const { return header == ignored_setting; }
};

}  // namespace cellrig::testing
