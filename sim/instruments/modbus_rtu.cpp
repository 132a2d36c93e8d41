#include "sim/instruments/modbus_rtu.hpp"

#include <algorithm>

namespace cellrig::sim {
namespace {

constexpr std::size_t frame_size_max = 256;
constexpr std::size_t checksum_size = 2;
constexpr std::size_t frame_size_min = 2 + checksum_size;
constexpr std::size_t single_size = 8;  // unit, function, two words, checksum

/// The table of the specification's appendix would be quicker; this is what it says.
std::uint16_t checksum_of(std::string_view bytes) {
  std::uint16_t crc = 0xFFFF;
  for (const char byte : bytes) {
    crc = static_cast<std::uint16_t>(crc ^ static_cast<unsigned char>(byte));
    for (int shift = 0; shift < 8; ++shift) {
      const bool carries = (crc & 1U) != 0;
      crc = static_cast<std::uint16_t>(crc >> 1U);
      if (carries) crc = static_cast<std::uint16_t>(crc ^ 0xA001U);
    }
  }
  return crc;
}

void append_checksum(std::string& frame) {
  const std::uint16_t crc = checksum_of(frame);
  frame.push_back(static_cast<char>(crc & 0xFFU));
  frame.push_back(static_cast<char>(crc >> 8U));
}

bool has_right_checksum(std::string_view frame) {
  std::string again{frame.substr(0, frame.size() - checksum_size)};
  append_checksum(again);
  return again == frame;
}

}  // namespace

std::optional<std::size_t> rtu_request_size(std::string_view begin) {
  if (begin.size() < 2) return std::size_t{0};
  switch (static_cast<unsigned char>(begin[1])) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6: return single_size;
    case 15:
    case 16: return begin.size() < 7 ? std::size_t{0} : 7 + static_cast<unsigned char>(begin[6]) + checksum_size;
    default: return std::nullopt;
  }
}

std::size_t RtuSlave::whole_frame(const std::string& bytes) {
  const std::optional<std::size_t> size = rtu_request_size(bytes);
  if (size) return *size != 0 && bytes.size() >= *size ? *size : 0;
  return bytes.size() >= frame_size_min && has_right_checksum(bytes) ? bytes.size() : 0;
}

void RtuSlave::receive(TimePoint now, ConnectionId id, std::string_view bytes, std::vector<Reply>& replies) {
  if (bytes.empty()) return;
  Connection& connection = connections_.at(id);
  if (now - connection.last_byte > config_.silence) {
    connection.partial.clear();
    connection.is_deaf = false;
  }
  connection.last_byte = now;
  if (connection.is_deaf) return;
  connection.partial += bytes;
  for (std::size_t size = whole_frame(connection.partial); size != 0; size = whole_frame(connection.partial)) {
    const std::string frame = connection.partial.substr(0, size);
    connection.partial.erase(0, size);
    if (!has_right_checksum(frame)) {
      replies.push_back({.due = connection.busy.finish(now, Duration::zero()), .bytes = {}, .answered = false});
      connection.partial.clear();
      connection.is_deaf = true;
      return;
    }
    answer(now, connection, frame, replies);
  }
  if (connection.partial.size() <= frame_size_max) return;
  connection.partial.clear();
  connection.is_deaf = true;
}

void RtuSlave::answer(TimePoint now, Connection& connection, std::string_view frame, std::vector<Reply>& replies) {
  if (!is_for_us(static_cast<std::uint8_t>(frame[0]))) {
    replies.push_back({.due = connection.busy.finish(now, Duration::zero()), .bytes = {}, .answered = false});
    return;
  }
  device_.traffic(now);
  const TimePoint due = connection.busy.finish(now, device_.latency());
  std::string out{frame.substr(0, 1)};
  answer_modbus(device_, now, frame.substr(1, frame.size() - 1 - checksum_size), out);
  append_checksum(out);
  replies.push_back({.due = due, .bytes = std::move(out), .answered = true});
}

// ---- text or frames

void TextOrRtuPort::connected(ConnectionId connection) {
  connections_.open(connection);
  text_.connected(connection);
  frames_.connected(connection);
}

void TextOrRtuPort::disconnected(ConnectionId connection) {
  connections_.close(connection);
  text_.disconnected(connection);
  frames_.disconnected(connection);
}

void TextOrRtuPort::receive(TimePoint now, ConnectionId id, std::string_view bytes, std::vector<Reply>& replies) {
  Connection& connection = connections_.at(id);
  const std::size_t before = replies.size();
  while (!bytes.empty()) {
    if (connection.inside == Inside::nothing) connection.inside = bytes[0] == '\0' ? Inside::frame : Inside::text;
    std::size_t taken = 0;
    if (connection.inside == Inside::text) {
      const std::size_t end = bytes.find('\n');
      taken = end == std::string_view::npos ? bytes.size() : end + 1;
      text_.receive(now, id, bytes.substr(0, taken), replies);
      if (end != std::string_view::npos) connection.inside = Inside::nothing;
    } else {
      std::optional<std::size_t> size{0};
      while (taken < bytes.size() && size && (*size == 0 || connection.frame.size() < *size)) {
        connection.frame.push_back(bytes[taken++]);
        size = rtu_request_size(connection.frame);
      }
      if (!size) taken = bytes.size();  // nobody knows where it ends
      frames_.receive(now, id, bytes.substr(0, taken), replies);
      if (!size || (*size != 0 && connection.frame.size() >= *size)) {
        connection.frame.clear();
        connection.inside = Inside::nothing;
      }
    }
    bytes.remove_prefix(taken);
  }
  for (std::size_t i = before; i < replies.size(); ++i) {
    connection.last_due = replies[i].due = std::max(replies[i].due, connection.last_due);
  }
}

}  // namespace cellrig::sim
