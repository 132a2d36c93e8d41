// Modbus TCP frames: a request composed, a reply checked against it. Pure.
//
// Why not libmodbus's own calls: version 3.1.6 of Debian 12 does not check the unit id of a TCP reply and offers no place to
// do it, and modbus_send_raw_request() leaves the transaction id at zero, so that a repeated reply would answer the next request.
// So requests are composed here, libmodbus receives the frame, and all of its header is compared here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "controller/base/result.hpp"
#include "drivers/link/modbus_bus.hpp"

namespace cellrig::modbus {

inline constexpr std::size_t frame_length_max = 260;
inline constexpr std::size_t header_length = 7;  ///< transaction 2, protocol 2, length 2, unit 1
inline constexpr std::size_t function_at = header_length;
inline constexpr std::uint8_t last_read_function = 4;  ///< 1 to 4 read
inline constexpr std::uint8_t exception_flag = 0x80;   ///< on the function of a reply
inline constexpr std::size_t read_register_count_max = 125;
inline constexpr std::size_t write_register_count_max = 123;
inline constexpr std::size_t read_coil_count_max = 2000;

struct Frame {
  std::array<std::uint8_t, frame_length_max> bytes{};
  std::size_t length = 0;
  [[nodiscard]] std::span<const std::uint8_t> view() const { return {bytes.data(), length}; }
};

[[nodiscard]] inline std::uint16_t word_at(const Frame& frame, std::size_t at) {
  return static_cast<std::uint16_t>((frame.bytes[at] << 8U) | frame.bytes[at + 1]);
}
[[nodiscard]] inline Error malformed(const char* what) { return fail(Fault::malformed, std::string("Modbus reply ") + what); }

/// The transaction id is set later, by stamp().
[[nodiscard]] Frame request_read_holding(ModbusAddress from, std::uint16_t count);
[[nodiscard]] Frame request_read_coils(ModbusAddress from, std::uint16_t count);
[[nodiscard]] Frame request_write_coil(ModbusAddress to, bool value);
[[nodiscard]] Frame request_write_register(ModbusAddress to, std::uint16_t value);
[[nodiscard]] Frame request_write_registers(ModbusAddress to, std::span<const std::uint16_t> values);
void stamp(Frame& request, std::uint16_t transaction);

/// Success: the reply belongs to this request, carries what it should, and nothing else. Otherwise malformed; or, for a
/// well-formed exception reply, refused (busy for codes 5 and 6).
[[nodiscard]] Result<void> check_reply(const Frame& request, const Frame& reply);

/// Of a reply that passed check_reply().
void registers_of(const Frame& reply, std::span<std::uint16_t> into);
void coils_of(const Frame& reply, std::span<bool> into);

}  // namespace cellrig::modbus
