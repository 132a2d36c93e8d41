// Replies that are wrong in one exact way, everything else being right. Pure functions on the bytes of one message.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cellrig::sim {

/// A field of a Modbus reply.
enum class ModbusField : unsigned char { transaction, protocol, length, unit, function, byte_count, crc };
inline constexpr std::array<std::string_view, 7> modbus_field_names{"transaction", "protocol",   "length", "unit",
                                                                    "function",    "byte_count", "crc"};

/// How a frame is wrapped: with a header (TCP), or between unit and CRC (RTU).
enum class ModbusWrap : unsigned char { tcp, rtu };

/// Whether frames that are wrapped so can have the field at all.
[[nodiscard]] bool wraps_have_field(ModbusWrap wrap, ModbusField field);
[[nodiscard]] bool has_field(std::string_view frame, ModbusWrap wrap, ModbusField field);
/// The frame must have the field (has_field). Without a value the field becomes another one than it was. A CRC is made right again,
/// unless it is the field.
void mutate_modbus(std::string& frame, ModbusWrap wrap, ModbusField field, std::optional<std::uint32_t> value);
/// CRC-16 of Modbus RTU: polynomial 0xA001, begins with 0xFFFF, low byte first on the wire.
[[nodiscard]] std::uint16_t modbus_crc(std::string_view bytes);

/// A reply to "read registers" with at least so many of them.
[[nodiscard]] bool carries_registers(std::string_view frame, ModbusWrap wrap, std::size_t count);
/// The halves of every pair of registers change places; an odd one at the end stays. A CRC is made right again.
void swap_words(std::string& frame, ModbusWrap wrap);
void swap_bytes(std::string& frame, ModbusWrap wrap);

/// Where the function code stands.
[[nodiscard]] constexpr std::size_t function_at(ModbusWrap wrap) { return wrap == ModbusWrap::tcp ? 7 : 1; }
/// The exception to a request that has a function code.
[[nodiscard]] std::string exception_reply(std::string_view request, ModbusWrap wrap, std::uint8_t code);

/// Ways in which instruments were seen to write numbers, or to fail to (safety reference F17).
enum class NumberForm : unsigned char { comma, nan_number, inf_number, nan_word, overload_word, empty, endless };
inline constexpr std::array<std::string_view, 7> number_form_names{"comma", "9.91E37", "9.9E37", "NAN", "OVLD", "empty", "10kB"};

/// The line holds a number with a point or an exponent: a reading or a set value, no count and no word.
[[nodiscard]] bool carries_number(std::string_view line);
/// Every such number of the line in this form.
[[nodiscard]] std::string with_numbers_as(std::string_view line, NumberForm form);

}  // namespace cellrig::sim
