#include "drivers/modbus/adu.hpp"

#include <algorithm>
#include <string>

namespace cellrig::modbus {
namespace {

enum Function : std::uint8_t {
  read_coils = 1,
  read_holding_registers = 3,
  write_single_coil = 5,
  write_single_register = 6,
  write_multiple_registers = 16,
};

void put_word(Frame& frame, std::uint16_t word) {
  frame.bytes[frame.length++] = static_cast<std::uint8_t>(word >> 8);
  frame.bytes[frame.length++] = static_cast<std::uint8_t>(word & 0xFF);
}

/// Every request of ours begins alike: function, address, and a word (a count or a value).
Frame compose(ModbusAddress to, Function function, std::uint16_t word) {
  Frame frame;
  frame.length = header_length - 1;
  frame.bytes[frame.length++] = to.unit;
  frame.bytes[frame.length++] = function;
  put_word(frame, to.address);
  put_word(frame, word);
  return frame;
}

void set_length_field(Frame& frame) {
  const std::size_t counted = frame.length - (header_length - 1);  // from the unit id on
  frame.bytes[4] = static_cast<std::uint8_t>(counted >> 8);
  frame.bytes[5] = static_cast<std::uint8_t>(counted & 0xFF);
}

Frame finished(Frame frame) {
  set_length_field(frame);
  return frame;
}

std::string exception_text(std::uint8_t code) {
  switch (code) {
    case 1: return "illegal function";
    case 2: return "no such address";
    case 3: return "value out of range";
    case 4: return "device failure";
    case 5: return "acknowledged, still working";
    case 6: return "busy";
    case 7: return "not accepted";
    case 10: return "gateway path unavailable";
    case 11: return "device behind the gateway does not answer";
    default: return "unknown reason";
  }
}

Error exception_error(std::uint8_t code) {
  const bool is_busy = code == 5 || code == 6;
  return fail(is_busy ? Fault::busy : Fault::refused, "Modbus exception " + std::to_string(code) + ": " + exception_text(code));
}

Result<void> check_header(const Frame& request, const Frame& reply) {
  if (reply.length < header_length + 2) return malformed("is too short");
  if (word_at(reply, 0) != word_at(request, 0)) return malformed("belongs to another transaction");
  if (word_at(reply, 2) != 0) return malformed("is of another protocol");
  if (word_at(reply, 4) != reply.length - (header_length - 1)) return malformed("has a wrong length");
  if (reply.bytes[6] != request.bytes[6]) return malformed("comes from another unit");
  return {};
}

}  // namespace

Frame request_read_holding(ModbusAddress from, std::uint16_t count) {
  return finished(compose(from, read_holding_registers, count));
}

Frame request_read_coils(ModbusAddress from, std::uint16_t count) { return finished(compose(from, read_coils, count)); }

Frame request_write_coil(ModbusAddress to, bool value) {
  return finished(compose(to, write_single_coil, value ? 0xFF00 : 0x0000));
}

Frame request_write_register(ModbusAddress to, std::uint16_t value) {
  return finished(compose(to, write_single_register, value));
}

Frame request_write_registers(ModbusAddress to, std::span<const std::uint16_t> values) {
  Frame frame = compose(to, write_multiple_registers, static_cast<std::uint16_t>(values.size()));
  frame.bytes[frame.length++] = static_cast<std::uint8_t>(2 * values.size());
  for (const std::uint16_t value : values) put_word(frame, value);
  return finished(frame);
}

void stamp(Frame& request, std::uint16_t transaction) {
  request.bytes[0] = static_cast<std::uint8_t>(transaction >> 8);
  request.bytes[1] = static_cast<std::uint8_t>(transaction & 0xFF);
}

Result<void> check_reply(const Frame& request, const Frame& reply) {
  if (const Result<void> header = check_header(request, reply); !header) return header;
  const std::uint8_t function = request.bytes[function_at];
  if (reply.bytes[function_at] == (function | exception_flag)) {
    if (reply.length != header_length + 2) return malformed("has a wrong length");
    return exception_error(reply.bytes[function_at + 1]);
  }
  if (reply.bytes[function_at] != function) return malformed("answers another function");
  const std::size_t body_at = function_at + 1;
  if (function == read_holding_registers || function == read_coils) {
    const std::size_t count = word_at(request, body_at + 2);
    const std::size_t byte_count = function == read_coils ? (count + 7) / 8 : 2 * count;
    const bool fits = reply.bytes[body_at] == byte_count && reply.length == body_at + 1 + byte_count;
    return fits ? Result<void>{} : malformed("carries another number of values");
  }
  // Writes are echoed: address, and value or count.
  constexpr std::size_t echo_length = 4;
  const auto asked = request.bytes.begin() + body_at;
  const bool echoes =
      reply.length == body_at + echo_length && std::equal(asked, asked + echo_length, reply.bytes.begin() + body_at);
  return echoes ? Result<void>{} : malformed("echoes another write");
}

void registers_of(const Frame& reply, std::span<std::uint16_t> into) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = word_at(reply, header_length + 2 + 2 * i);
}

void coils_of(const Frame& reply, std::span<bool> into) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = ((reply.bytes[header_length + 2 + i / 8] >> (i % 8)) & 1) != 0;
}

}  // namespace cellrig::modbus
