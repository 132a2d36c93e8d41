#include "sim/instruments/modbus_slave.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace cellrig::sim {
namespace {

constexpr std::size_t header_size = 7;          // transaction 2, protocol 2, length 2, unit 1
constexpr std::size_t length_field_end = 6;     // the length counts from the unit on
constexpr std::size_t length_min = 2;           // unit and function
constexpr std::size_t length_max = 254;         // unit and a PDU of 253
constexpr std::uint16_t coils_read_max = 2000;  // limits of the Modbus specification
constexpr std::uint16_t coils_written_max = 1968;
constexpr std::uint16_t registers_read_max = 125;
constexpr std::uint16_t registers_written_max = 123;
constexpr std::uint16_t coil_on = 0xFF00;

std::uint16_t word(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(bytes[at]) << 8) | static_cast<unsigned char>(bytes[at + 1]));
}

char low_byte(unsigned value) { return static_cast<char>(static_cast<unsigned char>(value & 0xFFU)); }

void put_word(std::string& out, std::uint16_t value) {
  out.push_back(low_byte(value >> 8U));
  out.push_back(low_byte(value));
}

bool in_address_space(std::uint16_t address, std::uint16_t count) { return unsigned{address} + count <= 0x10000U; }

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
    const std::size_t length = word(bytes, 4);
    if (word(bytes, 2) != 0 || length < length_min || length > length_max) {
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
  std::string out;
  out.reserve(header_size + 2 + 16);
  out.assign(frame.substr(0, header_size));  // transaction, protocol and unit are echoed
  const ModbusStatus status = dispatch(now, frame.substr(header_size), out);
  if (status != ModbusStatus::ok) {
    out.resize(header_size);
    out.push_back(low_byte(static_cast<unsigned char>(frame[header_size]) | 0x80U));
    out.push_back(low_byte(static_cast<unsigned>(status)));
  }
  const std::size_t length = out.size() - length_field_end;
  out[4] = low_byte(static_cast<unsigned>(length >> 8U));
  out[5] = low_byte(static_cast<unsigned>(length));
  replies.push_back({.due = due, .bytes = std::move(out), .answered = true});
}

ModbusStatus ModbusSlave::dispatch(TimePoint now, std::string_view pdu, std::string& reply) {
  const auto function = static_cast<std::uint8_t>(pdu[0]);
  if (!device_.supports(function)) return ModbusStatus::illegal_function;
  switch (function) {
    case 1:
    case 3:
    case 4:
    case 5:
    case 6:
      // A request that is longer or shorter than its function allows is answered with 3 (unverified for every instrument).
      if (pdu.size() != 5) return ModbusStatus::illegal_value;
      if (function == 1) return read_bits(now, pdu, reply);
      return function < 5 ? read_words(now, pdu, reply) : write_single(now, pdu, reply);
    case 15:
    case 16:
      if (pdu.size() < 7 || pdu.size() != 6U + static_cast<unsigned char>(pdu[5])) return ModbusStatus::illegal_value;
      return function == 15 ? write_bits(now, pdu, reply) : write_words(now, pdu, reply);
    default: return ModbusStatus::illegal_function;
  }
}

ModbusStatus ModbusSlave::read_bits(TimePoint now, std::string_view pdu, std::string& reply) {
  const std::uint16_t address = word(pdu, 1);
  const std::uint16_t count = word(pdu, 3);
  if (count == 0 || count > coils_read_max) return ModbusStatus::illegal_value;
  if (!in_address_space(address, count)) return ModbusStatus::illegal_address;
  std::array<bool, coils_read_max> values;
  const ModbusStatus status = device_.read_coils(now, address, std::span{values}.first(count));
  if (status != ModbusStatus::ok) return status;
  const std::size_t byte_count = (count + 7U) / 8U;
  reply.push_back(pdu[0]);
  reply.push_back(low_byte(static_cast<unsigned>(byte_count)));
  const std::size_t first = reply.size();
  reply.append(byte_count, '\0');
  for (std::size_t i = 0; i < count; ++i) {
    if (values[i]) reply[first + i / 8] = low_byte(static_cast<unsigned char>(reply[first + i / 8]) | (1U << (i % 8)));
  }
  return ModbusStatus::ok;
}

ModbusStatus ModbusSlave::read_words(TimePoint now, std::string_view pdu, std::string& reply) {
  const std::uint16_t address = word(pdu, 1);
  const std::uint16_t count = word(pdu, 3);
  if (count == 0 || count > registers_read_max) return ModbusStatus::illegal_value;
  if (!in_address_space(address, count)) return ModbusStatus::illegal_address;
  std::array<std::uint16_t, registers_read_max> values;
  const ModbusStatus status = device_.read_registers(now, address, std::span{values}.first(count));
  if (status != ModbusStatus::ok) return status;
  reply.push_back(pdu[0]);
  reply.push_back(low_byte(count * 2U));
  for (std::size_t i = 0; i < count; ++i) put_word(reply, values[i]);
  return ModbusStatus::ok;
}

ModbusStatus ModbusSlave::write_single(TimePoint now, std::string_view pdu, std::string& reply) {
  const std::uint16_t address = word(pdu, 1);
  const std::uint16_t value = word(pdu, 3);
  ModbusStatus status = ModbusStatus::ok;
  if (pdu[0] == 5) {
    if (value != coil_on && value != 0) return ModbusStatus::illegal_value;
    const bool on = value == coil_on;
    status = device_.write_coils(now, address, std::span{&on, 1});
  } else {
    status = device_.write_registers(now, address, std::span{&value, 1});
  }
  if (status == ModbusStatus::ok) reply.append(pdu);  // the confirmation is an echo
  return status;
}

ModbusStatus ModbusSlave::write_bits(TimePoint now, std::string_view pdu, std::string& reply) {
  const std::uint16_t address = word(pdu, 1);
  const std::uint16_t count = word(pdu, 3);
  const std::size_t byte_count = static_cast<unsigned char>(pdu[5]);
  if (count == 0 || count > coils_written_max || byte_count != (count + 7U) / 8U) return ModbusStatus::illegal_value;
  if (!in_address_space(address, count)) return ModbusStatus::illegal_address;
  std::array<bool, coils_written_max> values;
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = ((static_cast<unsigned char>(pdu[6 + i / 8]) >> (i % 8)) & 1U) != 0;
  }
  const ModbusStatus status = device_.write_coils(now, address, std::span{values}.first(count));
  if (status == ModbusStatus::ok) reply.append(pdu.substr(0, 5));
  return status;
}

ModbusStatus ModbusSlave::write_words(TimePoint now, std::string_view pdu, std::string& reply) {
  const std::uint16_t address = word(pdu, 1);
  const std::uint16_t count = word(pdu, 3);
  const std::size_t byte_count = static_cast<unsigned char>(pdu[5]);
  if (count == 0 || count > registers_written_max || byte_count != count * 2U) return ModbusStatus::illegal_value;
  if (!in_address_space(address, count)) return ModbusStatus::illegal_address;
  std::array<std::uint16_t, registers_written_max> values;
  for (std::size_t i = 0; i < count; ++i) values[i] = word(pdu, 6 + 2 * i);
  const ModbusStatus status = device_.write_registers(now, address, std::span{values}.first(count));
  if (status == ModbusStatus::ok) reply.append(pdu.substr(0, 5));
  return status;
}

}  // namespace cellrig::sim
