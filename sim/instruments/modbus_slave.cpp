#include "sim/instruments/modbus_slave.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace cellrig::sim {
namespace {

constexpr std::size_t header_size = 7;       // transaction 2, protocol 2, length 2, unit 1
constexpr std::size_t length_field_end = 6;  // the length counts from the unit on
constexpr std::size_t length_min = 2;        // unit and function
constexpr std::size_t length_max = 254;      // unit and a PDU of 253

}  // namespace

void ModbusSlave::receive(TimePoint now, ConnectionId id, std::string_view bytes, std::vector<Reply>& replies) {
  device_.traffic(now);
  Connection& connection = connections_.at(id);
  while (connection.partial_size > 0 && !bytes.empty()) {
    const std::size_t taken = std::min(bytes.size(), frame_size_max - connection.partial_size);
    std::memcpy(connection.partial.data() + connection.partial_size, bytes.data(), taken);
    const std::size_t filled = connection.partial_size + taken;
    const std::size_t before = connection.partial_size;
    bool synchronised = true;
    const std::string_view rest = consume(now, connection, {connection.partial.data(), filled}, replies, synchronised);
    const std::size_t used = filled - rest.size();
    if (!synchronised) {
      connection.partial_size = 0;
      return;
    }
    if (used == 0) {  // still one incomplete frame, and all of `bytes` is in it: a frame never exceeds the buffer
      connection.partial_size = filled;
      return;
    }
    // At least the buffered beginning is used up; go on in the caller's bytes, without copying.
    connection.partial_size = 0;
    bytes.remove_prefix(used - before);
  }
  if (bytes.empty()) return;
  bool synchronised = true;
  const std::string_view rest = consume(now, connection, bytes, replies, synchronised);
  std::copy(rest.begin(), rest.end(), connection.partial.begin());
  connection.partial_size = rest.size();
}

std::string_view ModbusSlave::consume(TimePoint now, Connection& connection, std::string_view bytes, std::vector<Reply>& replies,
                                      bool& synchronised) {
  while (bytes.size() >= length_field_end) {
    const std::size_t length = word_at(bytes, 4);
    if (word_at(bytes, 2) != 0 || length < length_min || length > length_max) {
      replies.push_back({.due = connection.busy.finish(now, Duration::zero()), .bytes = {}, .answered = false});
      synchronised = false;
      return {};
    }
    if (bytes.size() < length_field_end + length) break;
    answer(now, connection, bytes.substr(0, length_field_end + length), replies);
    bytes.remove_prefix(length_field_end + length);
  }
  return bytes;
}

void ModbusSlave::answer(TimePoint now, Connection& connection, std::string_view frame, std::vector<Reply>& replies) {
  const TimePoint due = connection.busy.finish(now, device_.latency());
  if (!device_.answers_unit(static_cast<std::uint8_t>(frame[6]))) {
    replies.push_back({.due = due, .bytes = {}, .answered = false});
    return;
  }
  std::string out{frame.substr(0, header_size)};  // transaction, protocol and unit are echoed; three registers need no memory
  answer_modbus(device_, now, frame.substr(header_size), out);
  const std::size_t length = out.size() - length_field_end;
  out[4] = low_byte(static_cast<unsigned>(length >> 8U));
  out[5] = low_byte(static_cast<unsigned>(length));
  replies.push_back({.due = due, .bytes = std::move(out), .answered = true});
}

}  // namespace cellrig::sim
