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

/// Has no power until an instant, and is as the test says from then on.
class LateCycler final : public Cycler {
 public:
  LateCycler(TimeSource& time, TimePoint there_at, CyclerReadings readings)
      : time_{time}, there_at_{there_at}, readings_{readings} {}
  [[nodiscard]] const CyclerCapabilities& capabilities() const override { return capabilities_; }
  [[nodiscard]] Task<Result<void>> output_off(Deadline) override {
    co_await time_.sleep_for(1ms);
    if (!reach()) co_return fail(Fault::link_lost, "psb1: connection refused");
    ++offs_;
    co_return Result<void>{};
  }
  [[nodiscard]] Task<Result<CyclerReadings>> measure(Deadline) override {
    co_await time_.sleep_for(1ms);
    if (!reach()) co_return fail(Fault::link_lost, "psb1: connection refused");
    if (offs_ > 0) measured_after_off_ = true;
    co_return readings_;
  }
  [[nodiscard]] Task<Result<InstrumentIdentity>> identify(Deadline) override { co_return InstrumentIdentity{}; }
  [[nodiscard]] Task<Result<void>> arm(const Protections&, Deadline) override { co_return Result<void>{}; }
  [[nodiscard]] Task<Result<void>> apply(const Setpoint&, Deadline) override { co_return Result<void>{}; }
  [[nodiscard]] Task<Result<void>> acknowledge_trip(Deadline) override { co_return Result<void>{}; }
  [[nodiscard]] Task<Result<void>> release(Deadline) override { co_return Result<void>{}; }
  void hang_up() noexcept override {}
  [[nodiscard]] bool may_have_heard() const override { return has_heard_; }
  [[nodiscard]] Amps off_current_threshold() const override { return Amps{0.05}; }
  [[nodiscard]] int offs() const { return offs_; }
  [[nodiscard]] bool was_measured_after_off() const { return measured_after_off_; }

 private:
  bool reach() { return has_heard_ = has_heard_ || time_.now() >= there_at_; }
  TimeSource& time_;
  TimePoint there_at_;
  CyclerCapabilities capabilities_;
  CyclerReadings readings_;
  bool has_heard_ = false, measured_after_off_ = false;
  int offs_ = 0;
};

/// A contactor that remembers when it was opened.
class OneContactor final : public Relays {
 public:
  explicit OneContactor(TimeSource& time) : time_{time} {}
  [[nodiscard]] Task<Result<bool>> state(int, Deadline) override { co_return !opened_at_; }
  [[nodiscard]] int relay_count() const override { return 1; }
  [[nodiscard]] Task<Result<void>> set(int, bool energised, Deadline) override {
    co_await time_.sleep_for(1ms);
    if (!energised && !opened_at_) opened_at_ = time_.now();
    co_return Result<void>{};
  }
  [[nodiscard]] std::optional<TimePoint> opened_at() const { return opened_at_; }

 private:
  TimeSource& time_;
  std::optional<TimePoint> opened_at_;
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

// ---- one that has no power yet

struct Awaited {
  std::optional<OutputFound> found;
  std::optional<TimePoint> contactor_opened_at;
  bool is_off = false;
  int offs = 0;
  bool was_measured_after_off = false;
  TimePoint ended_at;
  std::vector<std::string> said;
};

struct Waiting {
  Duration there_after{};
  CyclerReadings readings;
  Duration patience = 60s;
  Duration given_up_after = 1h;
  bool is_wanted = true;
  bool has_contactor = false;
};

class Listener final : public RunListener {
 public:
  void message(std::string_view, db::Severity, std::string_view text) override { said.emplace_back(text); }
  std::vector<std::string> said;
};

Awaited wait_for(const Waiting& wanted) {
  BenchConfig bench;
  bench.instruments["psb1"];
  bench.channels.push_back({.name = "ch1", .cycler = "psb1"});
  VirtualTime time;
  BenchInstruments instruments;
  auto cycler = std::make_unique<LateCycler>(time, TimePoint{wanted.there_after}, wanted.readings);
  const LateCycler& seen = *cycler;
  instruments.cyclers["psb1"] = std::move(cycler);
  const OneContactor* contactor = nullptr;
  if (wanted.has_contactor) {
    bench.instruments["relays"];
    bench.channels.back().contactor = InputRef{"relays", 0};
    auto made = std::make_unique<OneContactor>(time);
    contactor = made.get();
    instruments.relays["relays"] = std::move(made);
  }
  Listener listener;
  const WaitForCyclers wait{.patience = wanted.patience,
                            .is_wanted = [&](const std::string&) { return wanted.is_wanted; },
                            .is_given_up = [&] { return time.now() >= TimePoint{wanted.given_up_after}; }};
  BenchOff off{time, bench, instruments, listener, {.look_at = {"ch1"}, .take_leases = false, .wait = wait}};
  time.spawn(switch_off(&off, &time));
  time.run();
  Awaited result{.found = off.found().at("ch1"), .is_off = off.not_off().empty(), .offs = seen.offs(), .ended_at = time.now()};
  result.was_measured_after_off = seen.was_measured_after_off();
  if (contactor != nullptr) result.contactor_opened_at = contactor->opened_at();
  result.said = listener.said;
  return result;
}

TEST(CyclerWithoutPower, is_looked_at_before_its_off_when_it_comes) {
  const Awaited off = wait_for({.there_after = 30s, .readings = answer(amps(0.0), false)});
  EXPECT_TRUE(off.is_off);
  EXPECT_TRUE(off.found->is_known);
  EXPECT_FALSE(off.found->is_on);
  EXPECT_GT(off.offs, 0) << "OFF all the same";
  EXPECT_FALSE(off.was_measured_after_off) << "what its OFF has done is no look";
  EXPECT_LT(off.ended_at, TimePoint{35s});
  const Awaited on = wait_for({.there_after = 30s, .readings = answer(amps(2.0), true)});
  EXPECT_TRUE(on.found->is_known);
  EXPECT_TRUE(on.found->is_on);
  EXPECT_EQ(on.found->current.value(), 2.0);
}

TEST(CyclerWithoutPower, counts_as_one_that_did_not_answer_when_it_does_not_come) {
  const Awaited never = wait_for({.there_after = 1h});
  EXPECT_FALSE(never.is_off);
  EXPECT_FALSE(never.found->is_known);
  EXPECT_GE(never.ended_at, TimePoint{60s});
  EXPECT_LT(never.ended_at, TimePoint{85s}) << "patience, and every way to OFF";
}

TEST(CyclerWithoutPower, is_not_waited_for_where_nobody_wants_to) {
  for (const Waiting& wanted : {Waiting{.there_after = 1h, .patience = 0s}, Waiting{.there_after = 1h, .is_wanted = false},
                                Waiting{.there_after = 1h, .given_up_after = 1s}}) {
    const Awaited never = wait_for(wanted);
    EXPECT_FALSE(never.is_off);
    EXPECT_LT(never.ended_at, TimePoint{25s}) << "every way to OFF, and nothing else";
  }
}

TEST(CyclerWithoutPower, has_its_contactor_opened_at_once) {
  const Awaited off = wait_for({.there_after = 30s, .readings = answer(amps(0.0), false), .has_contactor = true});
  ASSERT_TRUE(off.contactor_opened_at);
  EXPECT_LT(*off.contactor_opened_at, TimePoint{500ms});
}

// An answer to anything of ours is one that heard us: what it then does not say is no reason to wait.
TEST(CyclerWithoutPower, is_none_that_answers) {
  const Awaited there = wait_for({.readings = answer(amps(0.0), false)});
  EXPECT_TRUE(there.is_off);
  EXPECT_LT(there.ended_at, TimePoint{1s});
  EXPECT_TRUE(there.said.empty());
}

}  // namespace
}  // namespace cellrig
