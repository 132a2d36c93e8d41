// Where messages end, as far as a wire knows: enough to count requests and to tell a whole reply from a damaged one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/instruments/modbus_rtu.hpp"

namespace cellrig::sim {

enum class Framing : unsigned char {
  modbus_tcp,    ///< six bytes of header, the last two say how many follow
  modbus_rtu,    ///< as long as the function code says
  lines,         ///< a message ends with '\n'
  lines_or_rtu,  ///< a message whose first byte is zero is an RTU frame
};

/// A port called "modbus" carries Modbus TCP; every other one carries lines. Of a port with a connection of its own.
[[nodiscard]] constexpr Framing framing_of(std::string_view port_name) {
  return port_name == "modbus" ? Framing::modbus_tcp : Framing::lines;
}

/// How long the message at the front is; 0 while it is not complete. What can't be a Modbus message takes all the rest with it.
[[nodiscard]] inline std::size_t first_message_size(Framing framing, std::string_view bytes) {
  if (bytes.empty()) return 0;
  if (framing == Framing::lines_or_rtu) framing = bytes.front() == '\0' ? Framing::modbus_rtu : Framing::lines;
  if (framing == Framing::lines) {
    const std::size_t end = bytes.find('\n');
    return end == std::string_view::npos ? 0 : end + 1;
  }
  if (framing == Framing::modbus_rtu) {
    const std::optional<std::size_t> size = rtu_request_size(bytes);
    if (!size) return bytes.size();
    return *size > bytes.size() ? 0 : *size;
  }
  constexpr std::size_t header_size = 6, payload_size_min = 2, payload_size_max = 254;
  if (bytes.size() < header_size) return 0;
  const auto at = [bytes](std::size_t i) -> std::size_t { return static_cast<unsigned char>(bytes[i]); };
  const std::size_t payload_size = at(4) << 8U | at(5);
  if (at(2) != 0 || at(3) != 0 || payload_size < payload_size_min || payload_size > payload_size_max) return bytes.size();
  return bytes.size() < header_size + payload_size ? 0 : header_size + payload_size;
}

/// Counts complete messages in a stream that comes in pieces. A Modbus header that can't be one, or an unknown function code in RTU,
/// counts as one message and takes the rest of its piece with it, because nobody knows where the next frame begins.
class MessageCounter {
 public:
  explicit MessageCounter(Framing framing) : framing_{framing} {}

  void feed(std::string_view bytes) {
    while (!bytes.empty()) {
      switch (framing_) {
        case Framing::modbus_tcp:
          if (!feed_frame(bytes)) return;
          break;
        case Framing::modbus_rtu:
          if (!feed_rtu(bytes)) return;
          break;
        case Framing::lines: feed_line(bytes); break;
        case Framing::lines_or_rtu:
          if (!is_inside_) is_rtu_ = bytes.front() == '\0';
          if (!is_rtu_) {
            feed_line(bytes);
          } else if (!feed_rtu(bytes)) {
            return;
          }
          break;
      }
    }
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  static constexpr std::size_t header_size = 6;
  static constexpr std::size_t payload_size_min = 2;
  static constexpr std::size_t payload_size_max = 254;

  void feed_line(std::string_view& bytes) {
    const std::size_t end = bytes.find('\n');
    is_inside_ = end == std::string_view::npos;
    if (!is_inside_) ++count_;
    bytes.remove_prefix(is_inside_ ? bytes.size() : end + 1);
  }

  /// One byte. False when nobody knows where the frame ends: it is over with this piece.
  bool feed_rtu(std::string_view& bytes) {
    rtu_begin_.push_back(bytes.front());
    bytes.remove_prefix(1);
    const std::optional<std::size_t> size = rtu_request_size(rtu_begin_);
    is_inside_ = size && (*size == 0 || rtu_begin_.size() < *size);
    if (is_inside_) return true;
    rtu_begin_.clear();
    ++count_;
    return size.has_value();
  }

  /// Takes what belongs to the present frame off `bytes`. False when the rest must be thrown away.
  bool feed_frame(std::string_view& bytes) {
    while (header_fill_ < header_size && !bytes.empty()) {
      header_[header_fill_++] = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      if (header_fill_ < header_size) continue;
      payload_left_ = static_cast<std::size_t>(header_[4]) << 8U | header_[5];
      const bool protocol_is_modbus = header_[2] == 0 && header_[3] == 0;
      if (!protocol_is_modbus || payload_left_ < payload_size_min || payload_left_ > payload_size_max) {
        header_fill_ = 0;
        ++count_;
        return false;
      }
    }
    if (header_fill_ < header_size) return true;
    const std::size_t taken = bytes.size() < payload_left_ ? bytes.size() : payload_left_;
    bytes.remove_prefix(taken);
    payload_left_ -= taken;
    if (payload_left_ == 0) {
      header_fill_ = 0;
      ++count_;
    }
    return true;
  }

  Framing framing_;
  bool is_inside_ = false;  ///< a line or an RTU frame
  bool is_rtu_ = false;
  std::string rtu_begin_;
  unsigned char header_[header_size] = {};
  std::size_t header_fill_ = 0;
  std::size_t payload_left_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace cellrig::sim
