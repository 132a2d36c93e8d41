// Where messages end, as far as a wire knows: enough to count requests and to tell a whole reply from a damaged one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cellrig::sim {

enum class Framing : unsigned char {
  modbus_tcp,  ///< six bytes of header, the last two say how many follow
  lines,       ///< a message ends with '\n'
};

/// A port called "modbus" carries Modbus TCP; every other one carries lines.
[[nodiscard]] constexpr Framing framing_of(std::string_view port_name) {
  return port_name == "modbus" ? Framing::modbus_tcp : Framing::lines;
}

/// Counts complete messages in a stream that comes in pieces. A Modbus header that can't be one counts as one message and takes the
/// rest of its piece with it, because nobody knows where the next frame begins.
class MessageCounter {
 public:
  explicit MessageCounter(Framing framing) : framing_{framing} {}

  void feed(std::string_view bytes) {
    if (framing_ == Framing::lines) {
      for (const char c : bytes) count_ += c == '\n' ? 1U : 0U;
      return;
    }
    while (!bytes.empty()) {
      if (!feed_frame(bytes)) return;
    }
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  static constexpr std::size_t header_size = 6;
  static constexpr std::size_t payload_size_min = 2;
  static constexpr std::size_t payload_size_max = 254;

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
  unsigned char header_[header_size] = {};
  std::size_t header_fill_ = 0;
  std::size_t payload_left_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace cellrig::sim
