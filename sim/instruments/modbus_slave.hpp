// The simulator's own Modbus TCP slave: framing and function codes. It shares nothing with the drivers, which speak
// Modbus through libmodbus, so that a misreading of the protocol shows as a disagreement.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/instruments/connection_table.hpp"
#include "sim/instruments/responder.hpp"

namespace cellrig::sim {

/// What a device says to a request: done, or the exception code that goes on the wire.
enum class ModbusStatus : std::uint8_t {
  ok = 0,
  illegal_function = 1,
  illegal_address = 2,
  illegal_value = 3,
  device_failure = 4,
  busy = 6,
  negative_acknowledge = 7,
};

/// The registers and coils behind a slave. Addresses are 0-based protocol addresses; a range never wraps past 65535.
/// A write that can't be done as a whole changes nothing, unless the device is documented to do otherwise.
class ModbusDevice {
 public:
  virtual ~ModbusDevice() = default;
  /// Bytes arrived, of whatever kind: lets time pass inside the device and feeds its communication watchdog.
  virtual void traffic(TimePoint now) = 0;
  /// A request to a unit that isn't there gets no answer.
  [[nodiscard]] virtual bool answers_unit(std::uint8_t unit) const = 0;
  [[nodiscard]] virtual bool supports(std::uint8_t function) const = 0;
  /// From the last byte of a request to the first byte of its reply.
  [[nodiscard]] virtual Duration latency() const = 0;

  virtual ModbusStatus read_coils(TimePoint now, std::uint16_t address, std::span<bool> values) = 0;
  virtual ModbusStatus write_coils(TimePoint now, std::uint16_t address, std::span<const bool> values) = 0;
  virtual ModbusStatus read_registers(TimePoint now, std::uint16_t address, std::span<std::uint16_t> values) = 0;
  virtual ModbusStatus write_registers(TimePoint now, std::uint16_t address, std::span<const std::uint16_t> values) = 0;
};

/// A Modbus TCP port.
/// * Frames may arrive in any split or joined; at most one frame (260 bytes) is buffered per connection.
/// * Every request gets one Reply; one for a unit that is not there gets a Reply with `answered == false`.
/// * A header that can't be (protocol id not 0, length field outside 2..254) means the boundary of frames is lost: all bytes
///   received so far are dropped, which yields one unanswered Reply; the next bytes begin a new frame. The connection stays
///   open. (What the real instruments do is not published: unverified.)
/// * Checks in the order of the Modbus specification: function (1), quantity and length (3), address (2), value (3).
class ModbusSlave final : public Port {
 public:
  explicit ModbusSlave(ModbusDevice& device) : device_{device} {}

  void connected(ConnectionId connection) override { connections_.open(connection); }
  void disconnected(ConnectionId connection) override { connections_.close(connection); }
  void receive(TimePoint now, ConnectionId connection, std::string_view bytes, std::vector<Reply>& replies) override;

  /// Bytes held back because their frame is incomplete.
  [[nodiscard]] std::size_t buffered(ConnectionId connection) { return connections_.at(connection).partial_size; }

 private:
  static constexpr std::size_t frame_size_max = 260;
  struct Connection {
    std::array<char, frame_size_max> partial{};
    std::size_t partial_size = 0;
    BusyUntil busy{};
  };

  /// Handles the complete frames at the front of `bytes`; returns what is left over: less than one frame.
  /// Clears `synchronised` and returns nothing when a header can't be one.
  std::string_view consume(TimePoint now, Connection& connection, std::string_view bytes, std::vector<Reply>& replies,
                           bool& synchronised);
  void answer(TimePoint now, Connection& connection, std::string_view frame, std::vector<Reply>& replies);
  ModbusStatus dispatch(TimePoint now, std::string_view pdu, std::string& reply);
  ModbusStatus read_bits(TimePoint now, std::string_view pdu, std::string& reply);
  ModbusStatus read_words(TimePoint now, std::string_view pdu, std::string& reply);
  ModbusStatus write_single(TimePoint now, std::string_view pdu, std::string& reply);
  ModbusStatus write_bits(TimePoint now, std::string_view pdu, std::string& reply);
  ModbusStatus write_words(TimePoint now, std::string_view pdu, std::string& reply);

  ModbusDevice& device_;
  ConnectionTable<Connection> connections_;
};

}  // namespace cellrig::sim
