// What the machine itself allows, measured beside the program: loopback round trips and bare timers; and how figures are summed up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cellrig::bench {

/// CLOCK_MONOTONIC.
[[nodiscard]] std::int64_t monotonic_ns();

/// In the unit of what was given.
struct Percentiles {
  std::size_t count = 0;
  double p50 = 0, p99 = 0, p99_9 = 0, max = 0;
};
[[nodiscard]] Percentiles percentiles_of(std::vector<double> values);
/// "p50 12.3  p99 45.6  p99.9 78.9  max 123.4 us (n = 1000)"
[[nodiscard]] std::string to_string(const Percentiles& p, const std::string& unit);

/// Where the two ends of a ping-pong run. The rate differs up to fivefold between the two.
enum class Placement : unsigned char { free, one_core };

/// A question of 12 bytes, an answer of 29, over loopback TCP, between two processes that block in recv(). Round trips per second.
[[nodiscard]] double ping_pong_per_s(Placement placement, double seconds);

}  // namespace cellrig::bench
