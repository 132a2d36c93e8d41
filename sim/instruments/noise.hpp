// Deterministic measurement noise: the same seed gives the same readings on every machine.
#pragma once

#include <cstdint>

namespace cellrig::sim {

/// Approximately Gaussian (a sum of four uniform numbers, never beyond 3.5 sigma). std::normal_distribution differs between
/// standard libraries, which would make records differ.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : state_{seed} {}

  /// One value of standard deviation `sigma`; 0 draws nothing.
  double operator()(double sigma) {
    if (!(sigma > 0)) return 0.0;
    const std::uint64_t bits = next();
    double sum = 0;
    for (unsigned i = 0; i < 4; ++i) sum += static_cast<double>((bits >> (16U * i)) & 0xFFFFU) / 65535.0 - 0.5;
    constexpr double sigma_of_four_uniform = 0.57735026918962576;  // sqrt(4 / 12)
    return sigma * sum / sigma_of_four_uniform;
  }

 private:
  std::uint64_t next() {  // splitmix64
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

  std::uint64_t state_;
};

}  // namespace cellrig::sim
