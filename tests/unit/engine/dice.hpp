// Random numbers that are the same on every library: only the bits of mt19937_64 are used.
#pragma once

#include <cstdint>
#include <random>

namespace cellrig::test {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : bits_{seed} {}
  /// In [low, high).
  double real(double low, double high) { return low + (high - low) * static_cast<double>(bits_() >> 11) * 0x1p-53; }
  /// In [low, high].
  int integer(int low, int high) { return low + static_cast<int>(bits_() % static_cast<std::uint64_t>(high - low + 1)); }
  bool chance(double probability) { return real(0.0, 1.0) < probability; }

 private:
  std::mt19937_64 bits_;
};

}  // namespace cellrig::test
