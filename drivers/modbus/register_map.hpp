// Registers to values and back. Pure. Our own packing: modbus_set_float_* of Debian's libmodbus are broken on little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace cellrig::modbus {

/// abcd: the high word comes first (EA). cdab: the low word comes first (Watlow F4T, Binder). Each word is big-endian.
enum class WordOrder : unsigned char { abcd, cdab };

using Words = std::array<std::uint16_t, 2>;

[[nodiscard]] Words pack_u32(std::uint32_t value, WordOrder order);
[[nodiscard]] std::uint32_t unpack_u32(std::span<const std::uint16_t, 2> words, WordOrder order);
[[nodiscard]] Words pack_s32(std::int32_t value, WordOrder order);
[[nodiscard]] std::int32_t unpack_s32(std::span<const std::uint16_t, 2> words, WordOrder order);
[[nodiscard]] Words pack_f32(float value, WordOrder order);
[[nodiscard]] float unpack_f32(std::span<const std::uint16_t, 2> words, WordOrder order);

/// What a number, or a text, is in registers. Model files name them so.
enum class RegisterType : unsigned char { u16, s16, u32, s32, f32, text };
/// Of a number.
[[nodiscard]] constexpr std::uint16_t register_count(RegisterType type) {
  return type == RegisterType::u16 || type == RegisterType::s16 ? 1 : 2;
}
/// `words` holds at least register_count(type); nothing for a text.
[[nodiscard]] std::optional<double> unpack_number(RegisterType type, std::span<const std::uint16_t> words, WordOrder order);

/// Which neighbour a value between two counts becomes. A bound is never rounded beyond itself.
enum class Rounding : unsigned char { nearest, down, up };

/// A quantity as a share of its nominal value: raw = value / nominal * full_scale (EA: 52428 = 100 %).
struct PercentScale {
  double nominal = 1.0;
  double full_scale = 52428.0;

  /// nullopt when the value is negative, not finite, or beyond raw_max.
  [[nodiscard]] std::optional<std::uint16_t> to_raw(double value, Rounding rounding, std::uint16_t raw_max) const;
  [[nodiscard]] double to_value(std::uint16_t raw) const { return raw / full_scale * nominal; }
  [[nodiscard]] double resolution() const { return nominal / full_scale; }
};

/// Two characters in each register, high byte first, ended by NUL; trailing blanks dropped; anything unprintable becomes '?'.
[[nodiscard]] std::string text_two_per_register(std::span<const std::uint16_t> registers);
/// One character in the low byte of each register.
[[nodiscard]] std::string text_one_per_register(std::span<const std::uint16_t> registers);

struct RegisterRange {
  std::uint16_t address = 0;
  std::uint16_t count = 1;
  bool operator==(const RegisterRange&) const = default;
};

/// The fewest reads that cover `wanted` in ascending order: neighbours join when at most `gap_max` registers that nobody
/// wants lie between them and the read stays within `count_max` registers. Instruments refuse reads across holes: gap 0.
[[nodiscard]] std::vector<RegisterRange> plan_reads(std::span<const RegisterRange> wanted, std::uint16_t gap_max,
                                                    std::uint16_t count_max = 125);

}  // namespace cellrig::modbus
