// Requests of the drivers, drawn from an input, and a device behind the simulator's framing that answers them.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/modbus/adu.hpp"
#include "sim/instruments/modbus_device.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace cellrig::fuzz {

struct Request {
  modbus::Frame frame;
  std::size_t register_count = 0;  ///< of a read
  std::size_t coil_count = 0;
};

/// Within the sizes that the buses let through (ModbusBus).
inline Request draw_request(Input& input) {
  const unsigned kind = input.byte() % 5U;
  const ModbusAddress to{.unit = input.byte(), .address = input.word()};
  const std::uint16_t number = input.word();
  Request request;
  switch (kind) {
    case 0:
      request.register_count = 1 + number % modbus::read_register_count_max;
      request.frame = modbus::request_read_holding(to, static_cast<std::uint16_t>(request.register_count));
      break;
    case 1:
      request.coil_count = 1 + number % modbus::read_coil_count_max;
      request.frame = modbus::request_read_coils(to, static_cast<std::uint16_t>(request.coil_count));
      break;
    case 2: request.frame = modbus::request_write_coil(to, number % 2 == 1); break;
    case 3: request.frame = modbus::request_write_register(to, number); break;
    default: {
      const std::vector<std::uint16_t> values(1 + number % modbus::write_register_count_max, input.word());
      request.frame = modbus::request_write_registers(to, values);
    }
  }
  modbus::stamp(request.frame, input.word());
  require(request.frame.length <= modbus::frame_length_max, "a request fits into a frame");
  return request;
}

/// All values of a reply that was believed.
inline std::string decoded(const Request& request, const modbus::Frame& reply) {
  std::vector<std::uint16_t> registers(request.register_count);
  modbus::registers_of(reply, registers);
  std::array<bool, modbus::read_coil_count_max> coils{};
  modbus::coils_of(reply, std::span{coils}.first(request.coil_count));
  std::string text;
  for (const std::uint16_t value : registers) text += {static_cast<char>(value >> 8U), static_cast<char>(value & 0xFFU)};
  for (std::size_t i = 0; i < request.coil_count; ++i) {
    if (i % 8 == 0) text += '\0';
    text.back() = static_cast<char>(text.back() | (coils[i] ? 1 << (i % 8) : 0));
  }
  return text;
}

template <class T>
void require_documented(const Result<T>& result) {
  if (result) return;
  const Fault fault = result.error().fault;
  require(fault == Fault::malformed || fault == Fault::refused || fault == Fault::busy,
          "malformed, or an exception of the device");
  require(!result.error().what.empty(), "an error says why");
}

/// Its registers hold their own address, its coils whether that is odd; above 60000 there is nothing.
class Device final : public sim::ModbusDevice {
 public:
  static constexpr unsigned end = 60'000;
  void traffic(TimePoint) override {}
  [[nodiscard]] bool answers_unit(std::uint8_t) const override { return true; }
  [[nodiscard]] bool supports(std::uint8_t) const override { return true; }
  [[nodiscard]] Duration latency() const override { return {}; }
  sim::ModbusStatus read_coils(TimePoint, std::uint16_t address, std::span<bool> values) override {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = (address + i) % 2 == 1;
    return status(address, values.size());
  }
  sim::ModbusStatus write_coils(TimePoint, std::uint16_t address, std::span<const bool> values) override {
    return status(address, values.size());
  }
  sim::ModbusStatus read_registers(TimePoint, std::uint16_t address, std::span<std::uint16_t> values) override {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint16_t>(address + i);
    return status(address, values.size());
  }
  sim::ModbusStatus write_registers(TimePoint, std::uint16_t address, std::span<const std::uint16_t> values) override {
    return status(address, values.size());
  }

 private:
  static sim::ModbusStatus status(std::uint16_t address, std::size_t count) {
    return address + count > end ? sim::ModbusStatus::illegal_address : sim::ModbusStatus::ok;
  }
};

/// What the device answers must be believed, and be what it holds.
inline void require_answer(const Request& request, const Result<modbus::Frame>& reply) {
  if (!reply) return require(reply.error().fault == Fault::refused, "an answer is believed, or an exception");
  const unsigned address = unsigned{request.frame.bytes[8]} << 8U | request.frame.bytes[9];
  std::vector<std::uint16_t> registers(request.register_count);
  modbus::registers_of(*reply, registers);
  for (std::size_t i = 0; i < registers.size(); ++i)
    require(registers[i] == address + i, "the values of the registers asked for");
  std::array<bool, modbus::read_coil_count_max> coils{};
  modbus::coils_of(*reply, std::span{coils}.first(request.coil_count));
  for (std::size_t i = 0; i < request.coil_count; ++i) require(coils[i] == ((address + i) % 2 == 1), "the coils asked for");
}

/// Bytes into a port in pieces; every reply in order and in bounds.
template <class Slave>
void pound(Slave& slave, std::string_view bytes, std::size_t piece) {
  std::vector<sim::Reply> replies;
  for (std::size_t at = 0; at < bytes.size(); at += piece) slave.receive(TimePoint{}, 1, bytes.substr(at, piece), replies);
  require(replies.size() <= bytes.size(), "no reply without a request");
  for (const sim::Reply& reply : replies) require(reply.answered != reply.bytes.empty(), "answered means bytes");
}

}  // namespace cellrig::fuzz
