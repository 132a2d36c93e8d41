// The simulator's own Modbus RTU: frames with a checksum, parted by silence. It shares nothing with the drivers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/instruments/connection_table.hpp"
#include "sim/instruments/modbus_device.hpp"
#include "sim/instruments/responder.hpp"

namespace cellrig::sim {

/// How long a request is, told from its beginning; 0: more is needed to know; empty: nobody can know (an unknown function code).
[[nodiscard]] std::optional<std::size_t> rtu_request_size(std::string_view begin);

struct RtuSlaveConfig {
  /// The unit it answers; empty: those that the device would answer over TCP.
  std::optional<std::uint8_t> unit;
  /// Silence that parts two frames. Longer than 3.5 characters, because whoever hands bytes over does so in pieces of his own.
  Duration silence = std::chrono::milliseconds{20};
};

/// A unit on a serial line.
/// * It hears everything that is said to anybody, and answers what is said to it.
/// * A frame is as long as its function code says; of an unknown one it is everything up to a checksum that fits.
/// * After a wrong checksum, or more bytes than a frame can have, it is deaf until the line has been silent. It answers nothing to
///   either (MODBUS over Serial Line V1.02, 2.4.1).
/// * Every frame yields one Reply, unanswered ones included.
class RtuSlave final : public Port {
 public:
  RtuSlave(ModbusDevice& device, RtuSlaveConfig config) : device_{device}, config_{config} {}

  void connected(ConnectionId connection) override { connections_.open(connection); }
  void disconnected(ConnectionId connection) override { connections_.close(connection); }
  void receive(TimePoint now, ConnectionId connection, std::string_view bytes, std::vector<Reply>& replies) override;
  [[nodiscard]] ModbusDevice* modbus_device() override { return &device_; }

 private:
  struct Connection {
    std::string partial;
    TimePoint last_byte{};
    bool is_deaf = false;
    BusyUntil busy{};
  };
  [[nodiscard]] bool is_for_us(std::uint8_t unit) const {
    return config_.unit ? *config_.unit == unit : device_.answers_unit(unit);
  }
  /// The size of the whole frame at the front, 0 when there is none yet.
  [[nodiscard]] static std::size_t whole_frame(const std::string& bytes);
  void answer(TimePoint now, Connection& connection, std::string_view frame, std::vector<Reply>& replies);

  ModbusDevice& device_;
  RtuSlaveConfig config_;
  ConnectionTable<Connection> connections_;
};

/// A port that takes text and RTU frames: a message whose first byte is zero is a frame [V: EA's guide, for TCP 5025 and USB].
class TextOrRtuPort final : public Port {
 public:
  /// `text` must outlive it.
  TextOrRtuPort(Port& text, ModbusDevice& device) : text_{text}, frames_{device, RtuSlaveConfig{.unit = std::uint8_t{0}}} {}

  void connected(ConnectionId connection) override;
  void disconnected(ConnectionId connection) override;
  void receive(TimePoint now, ConnectionId connection, std::string_view bytes, std::vector<Reply>& replies) override;
  [[nodiscard]] bool takes_rtu_frames() const override { return true; }

 private:
  enum class Inside : unsigned char { nothing, text, frame };
  struct Connection {
    Inside inside = Inside::nothing;
    std::string frame;     ///< its beginning
    TimePoint last_due{};  ///< a reply never leaves before the one in front of it, of whatever kind
  };
  Port& text_;
  RtuSlave frames_;
  ConnectionTable<Connection> connections_;
};

}  // namespace cellrig::sim
