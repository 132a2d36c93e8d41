// What the machine itself allows, measured beside the program: loopback round trips and bare timers; and how figures are summed up.
#pragma once

#include <cstdint>
#include <memory>
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

/// A question of 12 bytes, an answer of 29, over loopback TCP, between two processes that block in recv().
struct PingPong {
  double per_s = 0;
  double cpu_us = 0;  ///< of one round trip, both ends: what a noisy machine disturbs least
};
[[nodiscard]] PingPong ping_pong(Placement placement, double seconds);

/// Timers that do nothing but note how late they are: eight of them on one event loop of Asio, half a millisecond apart, as channels are
/// that were started together. The program beside them keeps time with the same kind of timer and has work to do as well.
class BareTimers {
 public:
  explicit BareTimers(std::int64_t period_ns);
  ~BareTimers();
  BareTimers(const BareTimers&) = delete;
  BareTimers& operator=(const BareTimers&) = delete;

  /// Runs them here for so long. Lateness in microseconds.
  [[nodiscard]] std::vector<double> run_for(double seconds);
  /// Or beside something else.
  void start();
  [[nodiscard]] std::vector<double> stop();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace cellrig::bench
