// How characters go over a serial line.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace cellrig {

enum class Parity : unsigned char { none, even, odd };
inline constexpr std::array<std::string_view, 3> parity_words{"none", "even", "odd"};

struct SerialSettings {
  int baud = 9600;
  Parity parity = Parity::none;
  int stop_bits = 1;

  /// Start bit, eight data bits, parity, stop bits.
  [[nodiscard]] int bits_per_character() const { return 9 + (parity == Parity::none ? 0 : 1) + stop_bits; }
  bool operator==(const SerialSettings&) const = default;
};

/// Reads as "9600 8N1".
[[nodiscard]] inline std::string to_string(const SerialSettings& settings) {
  constexpr std::array<char, 3> letters{'N', 'E', 'O'};
  return std::to_string(settings.baud) + " 8" + letters[static_cast<std::size_t>(settings.parity)] +
         std::to_string(settings.stop_bits);
}

/// The speeds that every system knows.
inline constexpr std::array<int, 9> serial_bauds{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400};

}  // namespace cellrig
