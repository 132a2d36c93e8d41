// The simulator's own random numbers: the same seed gives the same sequence on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace cellrig::sim {

/// xoshiro256** (Blackman and Vigna, public domain), seeded by splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9E3779B97F4A7C15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
      z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
      word = z ^ (z >> 31U);
    }
  }

  std::uint64_t next() {
    const std::uint64_t result = rotate(state_[1] * 5U, 7U) * 9U;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45U);
    return result;
  }

  /// 0 <= value < 1
  double uniform() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  /// 0 <= value < bound; bound > 0. The tiny bias of the remainder does not matter here.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  static std::uint64_t rotate(std::uint64_t x, unsigned k) { return (x << k) | (x >> (64U - k)); }
  std::array<std::uint64_t, 4> state_{};
};

/// Gives every named thing a stream of its own, so that one's draws do not shift another's (FNV-1a).
constexpr std::uint64_t seed_for(std::uint64_t seed, std::string_view name) {
  std::uint64_t hash = 0xCBF29CE484222325ULL ^ seed;
  for (const char c : name) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3ULL;
  }
  return hash;
}

}  // namespace cellrig::sim
