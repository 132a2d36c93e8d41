// What is behind a simulated Modbus port, whatever frames it: registers and coils, and the function codes on them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "controller/base/time.hpp"

namespace cellrig::sim {

inline constexpr unsigned exception_flag = 0x80;  ///< on the function of a reply

[[nodiscard]] inline std::uint16_t word_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(bytes[at]) << 8) | static_cast<unsigned char>(bytes[at + 1]));
}
[[nodiscard]] inline char low_byte(unsigned value) { return static_cast<char>(static_cast<unsigned char>(value & 0xFFU)); }

/// What a device says to a request: done, or the exception code that goes on the wire.
enum class ModbusStatus : std::uint8_t {
  ok = 0,
  illegal_function = 1,
  illegal_address = 2,
  illegal_value = 3,
  device_failure = 4,
  write_denied = 5,  ///< Binder's meaning; the standard's is "acknowledged, ask later"
  busy = 6,
  negative_acknowledge = 7,
};

/// The registers and coils behind a slave. Addresses are 0-based protocol addresses; a range never wraps past 65535.
/// A write that can't be done as a whole changes nothing, unless the device is documented to do otherwise.
class ModbusDevice {
 public:
  virtual ~ModbusDevice() = default;
  /// Bytes arrived, of whatever kind: lets time pass inside the device and feeds its communication watchdog.
  virtual void traffic(TimePoint now) = 0;
  /// A request to a unit that isn't there gets no answer.
  [[nodiscard]] virtual bool answers_unit(std::uint8_t unit) const = 0;
  [[nodiscard]] virtual bool supports(std::uint8_t function) const = 0;
  /// From the last byte of a request to the first byte of its reply.
  [[nodiscard]] virtual Duration latency() const = 0;

  virtual ModbusStatus read_coils(TimePoint now, std::uint16_t address, std::span<bool> values) = 0;
  virtual ModbusStatus write_coils(TimePoint now, std::uint16_t address, std::span<const bool> values) = 0;
  /// FC05. Its value is on (FF00) or off (0000); a device that knows more of them has its own.
  virtual ModbusStatus write_coil_word(TimePoint now, std::uint16_t address, std::uint16_t word);
  virtual ModbusStatus read_registers(TimePoint now, std::uint16_t address, std::span<std::uint16_t> values) = 0;
  virtual ModbusStatus write_registers(TimePoint now, std::uint16_t address, std::span<const std::uint16_t> values) = 0;
};

/// Carries out a request, function code and data without unit and checksum, and appends what the device says to it: the confirmation, or
/// an exception. Checks in the order of the Modbus specification: function (1), quantity and length (3), address (2), value (3).
void answer_modbus(ModbusDevice& device, TimePoint now, std::string_view request, std::string& reply);

}  // namespace cellrig::sim
