// How an output was found right before its OFF: what a resume tells a person, and what it decides by.
#include "controller/runtime/bench_off.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "controller/async/virtual_time.hpp"
#include "controller/runtime/config.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;

/// Answers with what the test gives it, and obeys OFF at once.
class AnsweringCycler final : public Cycler {
 public:
  AnsweringCycler(TimeSource& time, Result<CyclerReadings> readings) : time_{time}, readings_{std::move(readings)} {}
  [[nodiscard]] const CyclerCapabilities& capabilities() const override { return capabilities_; }
  [[nodiscard]] Task<Result<void>> output_off(Deadline) override {
    co_await time_.sleep_for(1ms);
    co_return Result<void>{};
  }
  [[nodiscard]] Task<Result<CyclerReadings>> measure(Deadline) override {
    co_await time_.sleep_for(1ms);
    co_return readings_;
  }
  [[nodiscard]] Task<Result<InstrumentIdentity>> identify(Deadline) override { co_return InstrumentIdentity{}; }
  [[nodiscard]] Task<Result<void>> arm(const Protections&, Deadline) override { co_return Result<void>{}; }
  [[nodiscard]] Task<Result<void>> apply(const Setpoint&, Deadline) override { co_return Result<void>{}; }
  [[nodiscard]] Task<Result<void>> acknowledge_trip(Deadline) override { co_return Result<void>{}; }
  [[nodiscard]] Task<Result<void>> release(Deadline) override { co_return Result<void>{}; }
  void hang_up() noexcept override {}
  [[nodiscard]] Amps off_current_threshold() const override { return Amps{0.05}; }

 private:
  TimeSource& time_;
  CyclerCapabilities capabilities_;
  Result<CyclerReadings> readings_;
};

CyclerReadings answer(Reading current, bool output_on) { return {.current = current, .output_on = output_on}; }
Reading amps(double value) { return {.value = value, .quality = Quality::good}; }
const Reading no_number{.value = std::numeric_limits<double>::quiet_NaN(), .quality = Quality::bad};

Task<void> switch_off(BenchOff* off, VirtualTime* time) {
  std::vector<std::string> channels{"ch1"}, chambers;
  co_await off->run(std::move(channels), std::move(chambers));
  time->stop();
}

OutputFound found_with(Result<CyclerReadings> readings) {
  BenchConfig bench;
  bench.instruments["psb1"];
  bench.channels.push_back({.name = "ch1", .cycler = "psb1"});
  VirtualTime time;
  BenchInstruments instruments;
  instruments.cyclers["psb1"] = std::make_unique<AnsweringCycler>(time, std::move(readings));
  RunListener listener;
  BenchOff off{time, bench, instruments, listener, {.look_at = {"ch1"}, .take_leases = false}};
  time.spawn(switch_off(&off, &time));
  time.run();
  return off.found().at("ch1");
}

TEST(OutputFound, on_by_its_status) {
  const OutputFound found = found_with(answer(amps(0.0), true));
  EXPECT_TRUE(found.is_known);
  EXPECT_TRUE(found.is_on);
}

TEST(OutputFound, on_by_its_current_whatever_the_status_says) {
  const OutputFound found = found_with(answer(amps(-1.5), false));
  EXPECT_TRUE(found.is_known);
  EXPECT_TRUE(found.is_on);
  EXPECT_EQ(found.current.value(), -1.5);
}

TEST(OutputFound, off_where_status_and_current_say_so) {
  const OutputFound found = found_with(answer(amps(0.02), false));
  EXPECT_TRUE(found.is_known);
  EXPECT_FALSE(found.is_on);
}

TEST(OutputFound, is_not_known_to_be_off_without_a_current) {
  EXPECT_FALSE(found_with(answer(no_number, false)).is_known);
  EXPECT_TRUE(found_with(answer(no_number, true)).is_known) << "ON is known, by the status";
}

TEST(OutputFound, is_not_known_without_an_answer) { EXPECT_FALSE(found_with(fail(Fault::timeout, "psb1: no answer")).is_known); }

}  // namespace
}  // namespace cellrig
