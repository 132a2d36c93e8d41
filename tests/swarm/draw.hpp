// Numbers out of one seed: a stream of its own for every question, so that another answer to one of them shifts no other.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/random.hpp"

namespace cellrig::swarm {

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : seed_{seed} {}
  [[nodiscard]] sim::Random stream(std::string_view name) const { return sim::Random{sim::seed_for(seed_, name)}; }
  [[nodiscard]] std::uint64_t below(std::string_view name, std::uint64_t bound) const { return stream(name).below(bound); }
  [[nodiscard]] bool chance(std::string_view name, double probability) const { return stream(name).uniform() < probability; }
  [[nodiscard]] double between(std::string_view name, double low, double high) const {
    return low + (high - low) * stream(name).uniform();
  }
  [[nodiscard]] std::string number(std::string_view name, double low, double high) const {
    return fmt::format("{:.3f}", between(name, low, high));
  }

 private:
  std::uint64_t seed_;
};

}  // namespace cellrig::swarm
