// One number for everything a run did: the same seed must give the same one.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace cellrig::swarm {

class Trace {
 public:
  void add(std::uint64_t word) {
    hash_ = (hash_ ^ word) * 0x9E3779B97F4A7C15ULL;
    hash_ ^= hash_ >> 29U;
  }
  void add(std::int64_t number) { add(static_cast<std::uint64_t>(number)); }
  void add(double number) { add(std::bit_cast<std::uint64_t>(number)); }
  void add(std::string_view text) {
    std::uint64_t word = 0;
    int bytes = 0;
    for (const char c : text) {
      word = word << 8U | static_cast<unsigned char>(c);
      if (++bytes % 8 == 0) add(word);
    }
    add(word);
    add(static_cast<std::uint64_t>(text.size()));
  }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0x243F6A8885A308D3ULL;
};

}  // namespace cellrig::swarm
