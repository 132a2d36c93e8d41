#include "sim/instruments/modbus_device.hpp"

#include <array>

namespace cellrig::sim {
namespace {

constexpr std::uint16_t coils_read_max = 2000;  // limits of the Modbus specification
constexpr std::uint16_t coils_written_max = 1968;
constexpr std::uint16_t registers_read_max = 125;
constexpr std::uint16_t registers_written_max = 123;
constexpr std::uint16_t coil_on = 0xFF00;

bool in_address_space(std::uint16_t address, std::uint16_t count) { return unsigned{address} + count <= 0x10000U; }

ModbusStatus read_bits(ModbusDevice& device, TimePoint now, std::string_view pdu, std::string& reply) {
  const std::uint16_t address = word_at(pdu, 1);
  const std::uint16_t count = word_at(pdu, 3);
  if (count == 0 || count > coils_read_max) return ModbusStatus::illegal_value;
  if (!in_address_space(address, count)) return ModbusStatus::illegal_address;
  std::array<bool, coils_read_max> values;
  const ModbusStatus status = device.read_coils(now, address, std::span{values}.first(count));
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

ModbusStatus read_words(ModbusDevice& device, TimePoint now, std::string_view pdu, std::string& reply) {
  const std::uint16_t address = word_at(pdu, 1);
  const std::uint16_t count = word_at(pdu, 3);
  if (count == 0 || count > registers_read_max) return ModbusStatus::illegal_value;
  if (!in_address_space(address, count)) return ModbusStatus::illegal_address;
  std::array<std::uint16_t, registers_read_max> values;
  const ModbusStatus status = device.read_registers(now, address, std::span{values}.first(count));
  if (status != ModbusStatus::ok) return status;
  reply.push_back(pdu[0]);
  reply.push_back(low_byte(count * 2U));
  std::array<char, std::size_t{2} * registers_read_max> bytes;
  for (std::size_t i = 0; i < count; ++i) {
    bytes[2 * i] = low_byte(values[i] >> 8U);
    bytes[2 * i + 1] = low_byte(values[i]);
  }
  reply.append(bytes.data(), std::size_t{2} * count);
  return ModbusStatus::ok;
}

ModbusStatus write_single(ModbusDevice& device, TimePoint now, std::string_view pdu, std::string& reply) {
  const std::uint16_t address = word_at(pdu, 1);
  const std::uint16_t value = word_at(pdu, 3);
  ModbusStatus status = ModbusStatus::ok;
  if (pdu[0] == 5) {
    status = device.write_coil_word(now, address, value);
  } else {
    status = device.write_registers(now, address, std::span{&value, 1});
  }
  if (status == ModbusStatus::ok) reply.append(pdu);  // the confirmation is an echo
  return status;
}

ModbusStatus write_bits(ModbusDevice& device, TimePoint now, std::string_view pdu, std::string& reply) {
  const std::uint16_t address = word_at(pdu, 1);
  const std::uint16_t count = word_at(pdu, 3);
  const std::size_t byte_count = static_cast<unsigned char>(pdu[5]);
  if (count == 0 || count > coils_written_max || byte_count != (count + 7U) / 8U) return ModbusStatus::illegal_value;
  if (!in_address_space(address, count)) return ModbusStatus::illegal_address;
  std::array<bool, coils_written_max> values;
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = ((static_cast<unsigned char>(pdu[6 + i / 8]) >> (i % 8)) & 1U) != 0;
  }
  const ModbusStatus status = device.write_coils(now, address, std::span{values}.first(count));
  if (status == ModbusStatus::ok) reply.append(pdu.substr(0, 5));
  return status;
}

ModbusStatus write_words(ModbusDevice& device, TimePoint now, std::string_view pdu, std::string& reply) {
  const std::uint16_t address = word_at(pdu, 1);
  const std::uint16_t count = word_at(pdu, 3);
  const std::size_t byte_count = static_cast<unsigned char>(pdu[5]);
  if (count == 0 || count > registers_written_max || byte_count != count * 2U) return ModbusStatus::illegal_value;
  if (!in_address_space(address, count)) return ModbusStatus::illegal_address;
  std::array<std::uint16_t, registers_written_max> values;
  for (std::size_t i = 0; i < count; ++i) values[i] = word_at(pdu, 6 + 2 * i);
  const ModbusStatus status = device.write_registers(now, address, std::span{values}.first(count));
  if (status == ModbusStatus::ok) reply.append(pdu.substr(0, 5));
  return status;
}

ModbusStatus carry_out(ModbusDevice& device, TimePoint now, std::string_view pdu, std::string& reply) {
  const auto function = static_cast<std::uint8_t>(pdu[0]);
  if (!device.supports(function)) return ModbusStatus::illegal_function;
  switch (function) {
    case 1:
    case 3:
    case 4:
    case 5:
    case 6:
      // A request that is longer or shorter than its function allows is answered with 3 (unverified for every instrument).
      if (pdu.size() != 5) return ModbusStatus::illegal_value;
      if (function == 1) return read_bits(device, now, pdu, reply);
      return function < 5 ? read_words(device, now, pdu, reply) : write_single(device, now, pdu, reply);
    case 15:
    case 16:
      if (pdu.size() < 7 || pdu.size() != 6U + static_cast<unsigned char>(pdu[5])) return ModbusStatus::illegal_value;
      return function == 15 ? write_bits(device, now, pdu, reply) : write_words(device, now, pdu, reply);
    default: return ModbusStatus::illegal_function;
  }
}

}  // namespace

ModbusStatus ModbusDevice::write_coil_word(TimePoint now, std::uint16_t address, std::uint16_t word) {
  if (word != coil_on && word != 0) return ModbusStatus::illegal_value;
  const bool on = word == coil_on;
  return write_coils(now, address, std::span{&on, 1});
}

void answer_modbus(ModbusDevice& device, TimePoint now, std::string_view request, std::string& reply) {
  const std::size_t before = reply.size();
  const ModbusStatus status = carry_out(device, now, request, reply);
  if (status == ModbusStatus::ok) return;
  reply.resize(before);
  reply.push_back(low_byte(static_cast<unsigned char>(request[0]) | exception_flag));
  reply.push_back(low_byte(static_cast<unsigned>(status)));
}

}  // namespace cellrig::sim
