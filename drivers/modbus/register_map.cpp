#include "drivers/modbus/register_map.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace cellrig::modbus {
namespace {

char printable(unsigned character) { return character >= 0x20 && character <= 0x7E ? static_cast<char>(character) : '?'; }

std::string without_trailing_blanks(std::string text) {
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

}  // namespace

Words pack_u32(std::uint32_t value, WordOrder order) {
  const auto high = static_cast<std::uint16_t>(value >> 16);
  const auto low = static_cast<std::uint16_t>(value & 0xFFFFU);
  return order == WordOrder::abcd ? Words{high, low} : Words{low, high};
}

std::uint32_t unpack_u32(std::span<const std::uint16_t, 2> words, WordOrder order) {
  const std::uint32_t high = order == WordOrder::abcd ? words[0] : words[1];
  const std::uint32_t low = order == WordOrder::abcd ? words[1] : words[0];
  return (high << 16) | low;
}

Words pack_s32(std::int32_t value, WordOrder order) { return pack_u32(std::bit_cast<std::uint32_t>(value), order); }

std::int32_t unpack_s32(std::span<const std::uint16_t, 2> words, WordOrder order) {
  return std::bit_cast<std::int32_t>(unpack_u32(words, order));
}

Words pack_f32(float value, WordOrder order) { return pack_u32(std::bit_cast<std::uint32_t>(value), order); }

float unpack_f32(std::span<const std::uint16_t, 2> words, WordOrder order) {
  return std::bit_cast<float>(unpack_u32(words, order));
}

std::optional<std::uint16_t> PercentScale::to_raw(double value, Rounding rounding, std::uint16_t raw_max) const {
  if (!(value >= 0.0)) return std::nullopt;
  const double exact = value / nominal * full_scale;
  // A value that is a count, but for the last bit of the division, is that count in either direction.
  constexpr double division_noise = 1e-6;
  double rounded = std::round(exact);
  if (rounding == Rounding::down) rounded = std::floor(exact + division_noise);
  if (rounding == Rounding::up) rounded = std::ceil(exact - division_noise);
  if (!(rounded <= raw_max)) return std::nullopt;
  return static_cast<std::uint16_t>(rounded);
}

std::string text_two_per_register(std::span<const std::uint16_t> registers) {
  std::string text;
  for (const std::uint16_t word : registers) {
    const std::array<unsigned, 2> characters{unsigned{word} >> 8U, word & 0xFFU};
    for (const unsigned character : characters) {
      if (character == 0) return without_trailing_blanks(text);
      text += printable(character);
    }
  }
  return without_trailing_blanks(text);
}

std::string text_one_per_register(std::span<const std::uint16_t> registers) {
  std::string text;
  for (const std::uint16_t word : registers) {
    if ((word & 0xFFU) == 0) break;
    text += printable(word & 0xFFU);
  }
  return without_trailing_blanks(text);
}

std::optional<double> unpack_number(RegisterType type, std::span<const std::uint16_t> words, WordOrder order) {
  if (type == RegisterType::text || words.size() < register_count(type)) return std::nullopt;
  switch (type) {
    case RegisterType::u16: return words[0];
    case RegisterType::s16: return static_cast<std::int16_t>(words[0]);
    case RegisterType::u32: return unpack_u32(words.first<2>(), order);
    case RegisterType::s32: return unpack_s32(words.first<2>(), order);
    case RegisterType::f32: return static_cast<double>(unpack_f32(words.first<2>(), order));
    case RegisterType::text: break;
  }
  return std::nullopt;
}

std::vector<RegisterRange> plan_reads(std::span<const RegisterRange> wanted, std::uint16_t gap_max, std::uint16_t count_max) {
  std::vector<RegisterRange> sorted{wanted.begin(), wanted.end()};
  std::sort(sorted.begin(), sorted.end(), [](RegisterRange a, RegisterRange b) { return a.address < b.address; });
  std::vector<RegisterRange> reads;
  for (const RegisterRange range : sorted) {
    const unsigned end = unsigned{range.address} + range.count;
    if (!reads.empty()) {
      RegisterRange& last = reads.back();
      const unsigned last_end = unsigned{last.address} + last.count;
      const unsigned joined = std::max(end, last_end) - last.address;
      if (range.address <= last_end + gap_max && joined <= count_max) {
        last.count = static_cast<std::uint16_t>(joined);
        continue;
      }
    }
    reads.push_back(range);
  }
  return reads;
}

}  // namespace cellrig::modbus
