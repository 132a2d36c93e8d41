// The simulator's own Modbus TCP slave: framing and function codes. It shares nothing with the drivers, which speak
// Modbus through libmodbus, so that a misreading of the protocol shows as a disagreement.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "sim/instruments/connection_table.hpp"
#include "sim/instruments/modbus_device.hpp"
#include "sim/instruments/responder.hpp"

namespace cellrig::sim {

/// A Modbus TCP port.
/// * Frames may arrive in any split or joined; at most one frame (260 bytes) is buffered per connection.
/// * Every request gets one Reply; one for a unit that is not there gets a Reply with `answered == false`.
/// * A header that can't be (protocol id not 0, length field outside 2..254) means the boundary of frames is lost: all bytes
///   received so far are dropped, which yields one unanswered Reply; the next bytes begin a new frame. The connection stays
///   open. (What the real instruments do is not published: unverified.)
class ModbusSlave final : public Port {
 public:
  explicit ModbusSlave(ModbusDevice& device) : device_{device} {}

  void connected(ConnectionId connection) override { connections_.open(connection); }
  void disconnected(ConnectionId connection) override { connections_.close(connection); }
  void receive(TimePoint now, ConnectionId connection, std::string_view bytes, std::vector<Reply>& replies) override;
  [[nodiscard]] ModbusDevice* modbus_device() override { return &device_; }

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

  ModbusDevice& device_;
  ConnectionTable<Connection> connections_;
};

}  // namespace cellrig::sim
