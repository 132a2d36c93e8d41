// A stage on an ideal cell of chosen voltage, and clients that speak bytes: what the tests of the instruments stand on.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "sim/instruments/responder.hpp"
#include "sim/physics/power_stage.hpp"

namespace cellrig::sim {

constexpr TimePoint at_ms(std::int64_t ms) { return TimePoint{std::chrono::milliseconds{ms}}; }
constexpr TimePoint at_s(std::int64_t s) { return TimePoint{std::chrono::seconds{s}}; }

/// A huge cell of the same voltage at every state of charge.
inline CellParameters ideal_cell(double voltage_V, double resistance_ohm) {
  CellParameters parameters;
  parameters.name = "ideal";
  parameters.capacity_Ah = 1e6;
  parameters.voltage_min_V = 0.0;
  parameters.voltage_max_V = 100.0;
  std::array<double, OcvTable::points> flat;
  flat.fill(voltage_V);
  parameters.open_circuit_voltage_V = OcvTable{flat};
  parameters.entropic_coefficient_V_per_K = OcvTable{std::array<double, OcvTable::points>{}};
  parameters.half_hysteresis_V = OcvTable{std::array<double, OcvTable::points>{}};
  parameters.metal_resistance_ohm = resistance_ohm;
  parameters.exchange_current_A = 1e9;
  parameters.core_heat_capacity_J_per_K = 1e6;
  parameters.surface_heat_capacity_J_per_K = 1e6;
  parameters.mass_kg = 1.0;
  parameters.electrode_area_cm2 = 1.0;
  return parameters;
}

struct IdealBench {
  explicit IdealBench(double voltage_V, double resistance_ohm = 1e-6)
      : cell{ideal_cell(voltage_V, resistance_ohm), 0.5, 25.0}, stage{cell, TimePoint{}} {}
  IdealBench(const IdealBench&) = delete;
  IdealBench& operator=(const IdealBench&) = delete;

  auto advance_world() {
    return [this](TimePoint to) { stage.advance(to); };
  }

  Cell cell;
  PowerStage stage;
};

/// Drops blanks and turns pairs of hexadecimal digits into bytes.
inline std::string hex(std::string_view text) {
  const auto nibble = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  std::string digits;
  for (const char c : text) {
    if (c != ' ') digits.push_back(c);
  }
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(nibble(digits[i]) * 16 + nibble(digits[i + 1]))));
  }
  return bytes;
}

inline Port& port_of(Instrument& instrument, std::string_view name) {
  for (const NamedPort& port : instrument.ports()) {
    if (port.name == name) return *port.port;
  }
  throw std::logic_error{"no such port"};
}

/// Modbus TCP, one request at a time; its frames are composed here by hand.
class ModbusClient {
 public:
  explicit ModbusClient(Instrument& instrument, ConnectionId id = 1) : port_{port_of(instrument, "modbus")}, id_{id} {
    port_.connected(id_);
  }

  /// The PDU of the reply (without MBAP header); empty when there is none.
  std::string ask(TimePoint now, std::string_view pdu, std::uint8_t unit = 1) {
    std::string frame{'\x12', '\x34', '\0', '\0', '\0', static_cast<char>(pdu.size() + 1), static_cast<char>(unit)};
    frame.append(pdu);
    std::vector<Reply> replies;
    port_.receive(now, id_, frame, replies);
    last_ = replies.empty() ? Reply{} : replies.front();
    count_ = replies.size();
    return last_.bytes.size() > 7 ? last_.bytes.substr(7) : std::string{};
  }
  std::string ask_hex(TimePoint now, std::string_view pdu, std::uint8_t unit = 1) { return ask(now, hex(pdu), unit); }

  std::string read(TimePoint now, std::uint16_t address, std::uint16_t count, char function = 3) {
    return ask(now, pdu(function, {address, count}));
  }
  /// One register; -1 for an exception.
  int read_one(TimePoint now, std::uint16_t address) {
    const std::string reply = read(now, address, 1);
    if (reply.size() != 4) return -1;
    return static_cast<unsigned char>(reply[2]) << 8 | static_cast<unsigned char>(reply[3]);
  }
  /// The exception code of a write, 0 when it was confirmed.
  int write(TimePoint now, std::uint16_t address, std::uint16_t value) { return exception(ask(now, pdu(6, {address, value}))); }
  int coil(TimePoint now, std::uint16_t address, bool on) {
    return exception(ask(now, pdu(5, {address, static_cast<std::uint16_t>(on ? 0xFF00 : 0)})));
  }
  int write_many(TimePoint now, std::uint16_t address, const std::vector<std::uint16_t>& values) {
    std::string request = pdu(16, {address, static_cast<std::uint16_t>(values.size())});
    request.push_back(static_cast<char>(values.size() * 2));
    for (const std::uint16_t value : values) put(request, value);
    return exception(ask(now, request));
  }

  [[nodiscard]] const Reply& last() const { return last_; }
  [[nodiscard]] std::size_t reply_count() const { return count_; }

  static std::string pdu(char function, std::initializer_list<std::uint16_t> words) {
    std::string out{function};
    for (const std::uint16_t word : words) put(out, word);
    return out;
  }

 private:
  static void put(std::string& out, std::uint16_t value) {
    out.push_back(static_cast<char>(value >> 8));
    out.push_back(static_cast<char>(value & 0xFF));
  }
  static int exception(const std::string& reply) {
    if (reply.size() < 2) return -1;
    return (static_cast<unsigned char>(reply[0]) & 0x80) != 0 ? static_cast<unsigned char>(reply[1]) : 0;
  }

  Port& port_;
  ConnectionId id_;
  Reply last_;
  std::size_t count_ = 0;
};

/// Sends one line at a time.
class ScpiClient {
 public:
  explicit ScpiClient(Instrument& instrument, ConnectionId id = 2) : port_{port_of(instrument, "scpi")}, id_{id} {
    port_.connected(id_);
  }

  /// The reply without its LF; "(silence)" when there is none.
  std::string ask(TimePoint now, std::string_view line) {
    std::vector<Reply> replies;
    port_.receive(now, id_, std::string{line} + "\n", replies);
    last_ = replies.empty() ? Reply{} : replies.front();
    count_ = replies.size();
    if (last_.bytes.empty()) return "(silence)";
    if (last_.bytes.back() != '\n') return "(no LF) " + last_.bytes;
    return last_.bytes.substr(0, last_.bytes.size() - 1);
  }
  void reopen() {
    port_.disconnected(id_);
    port_.connected(id_);
  }

  [[nodiscard]] const Reply& last() const { return last_; }
  [[nodiscard]] std::size_t reply_count() const { return count_; }

 private:
  Port& port_;
  ConnectionId id_;
  Reply last_;
  std::size_t count_ = 0;
};

}  // namespace cellrig::sim
