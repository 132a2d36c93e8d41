// What scenario tests share: short profiles, a watch on the world's true current, and the end that every fault must come to.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/bench_harness.hpp"

namespace cellrig::test {

inline constexpr Duration control_period = std::chrono::milliseconds{100};  ///< at which the reaction times are promised
inline constexpr double off_A = 0.05;                                       ///< 1 % of the 5 A these profiles carry

enum class During { charge, discharge, rest };

/// One step of 5 A (or none), long enough for any fault to come first, every observation recorded.
std::string profile_of(During during);
/// The same step at a chamber temperature.
std::string profile_of(During during, double chamber_degC);

/// Looks at the true current of a channel every few milliseconds, from an instant on.
class CurrentWatch {
 public:
  static constexpr Duration look_every = std::chrono::milliseconds{10};

  CurrentWatch(BenchHarness& bench, std::string channel, Duration from, double threshold_A = off_A);

  /// Between `from` and the last time current was seen; nothing: it was still flowing when the run ended.
  [[nodiscard]] std::optional<Duration> flowed_for() const;
  /// Current came back after it had been gone.
  [[nodiscard]] bool came_back() const { return came_back_; }

 private:
  static Task<void> look(CurrentWatch* self);

  BenchHarness& bench_;
  std::string channel_;
  TimePoint from_;
  double threshold_A_;
  TimePoint last_seen_;
  bool is_gone_ = false, came_back_ = false;
};

/// The current was gone in time. Prints what was measured beside what is allowed, as docs/safety.md shows it; "H4": the row of its table.
void expect_reaction(const std::string& hazard, const std::string& what, std::optional<Duration> measured, Duration allowed);

/// The run ended once, in this way, for a reason that contains `cause`; the output is off and stays off; the record opens and
/// tells the same: every step ended, one trip at most, and the first-out cause is the first thing that went wrong.
void expect_ended(BenchHarness& bench, const std::string& channel, Outcome outcome, const std::string& cause);

/// Output off and no current, now and for another minute.
void expect_off_for_good(BenchHarness& bench, const std::string& channel);

[[nodiscard]] std::vector<db::EventRow> events_of(BenchHarness& bench, const std::string& channel);
[[nodiscard]] db::RunInfo run_of(BenchHarness& bench, const std::string& channel);
/// The rows of the run, in the order of time.
[[nodiscard]] std::vector<db::SampleRow> samples_of(BenchHarness& bench, const std::string& channel);

/// What an instrument answers to these bytes: past its cable and the faults on it, now. It counts as traffic.
[[nodiscard]] std::string ask_instrument(BenchHarness& bench, const std::string& instrument, const std::string& port,
                                         const std::string& bytes);
/// The same with a question in words: "OUTP?" -> "0".
[[nodiscard]] std::string ask_scpi(BenchHarness& bench, const std::string& instrument, const std::string& question);
/// What the Watlow F4T "f4t" holds in one of its registers: a temperature.
[[nodiscard]] double temperature_register(BenchHarness& bench, std::uint16_t address);
inline constexpr std::uint16_t setpoint_low_register = 2774, setpoint_high_register = 2776, setpoint_register = 2782;

/// From now on the thermocouple on the cell shows this much more than the truth.
void shift_thermocouple(BenchHarness& bench, const std::string& channel, double offset_K);

}  // namespace cellrig::test
