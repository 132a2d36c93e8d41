// How an output was found right before its OFF: what a resume tells a person, and what it decides by.
#include "controller/runtime/bench_off.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "controller/async/virtual_time.hpp"
#include "controller/runtime/config.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;

/// What no test here asks of a cycler.
class PlainCycler : public Cycler {
 public:
  [[nodiscard]] const CyclerCapabilities& capabilities() const override { return capabilities_; }
  [[nodiscard]] Task<Result<InstrumentIdentity>> identify(Deadline) override { co_return InstrumentIdentity{}; }
  [[nodiscard]] Task<Result<void>> arm(const Protections&, Deadline) override { co_return Result<void>{}; }
  [[nodiscard]] Task<Result<void>> apply(const Setpoint&, Deadline) override { co_return Result<void>{}; }
  [[nodiscard]] Task<Result<void>> acknowledge_trip(Deadline) override { co_return Result<void>{}; }
  [[nodiscard]] Task<Result<void>> release(Deadline) override { co_return Result<void>{}; }
  void hang_up() noexcept override {}
  [[nodiscard]] Amps off_current_threshold() const override { return Amps{0.05}; }

 private:
  CyclerCapabilities capabilities_;
};

/// Answers with what the test gives it, and obeys OFF at once.
class AnsweringCycler final : public PlainCycler {
 public:
  AnsweringCycler(TimeSource& time, Result<CyclerReadings> readings) : time_{time}, readings_{std::move(readings)} {}
  [[nodiscard]] Task<Result<void>> output_off(Deadline) override {
    co_await time_.sleep_for(1ms);
    co_return Result<void>{};
  }
  [[nodiscard]] Task<Result<CyclerReadings>> measure(Deadline) override {
    co_await time_.sleep_for(1ms);
    co_return readings_;
  }

 private:
  TimeSource& time_;
  Result<CyclerReadings> readings_;
};

/// Has no power until an instant, and is as the test says from then on. OFF may get there earlier, on another way.
class LateCycler final : public PlainCycler {
 public:
  LateCycler(TimeSource& time, TimePoint there_at, TimePoint other_way_at, CyclerReadings readings)
      : time_{time}, there_at_{there_at}, other_way_at_{other_way_at}, readings_{readings} {}
  [[nodiscard]] Task<Result<void>> output_off(Deadline) override {
    co_await time_.sleep_for(1ms);
    if (!reach(std::min(there_at_, other_way_at_))) co_return fail(Fault::link_lost, "psb1: connection refused");
    ++offs_;
    co_return Result<void>{};
  }
  [[nodiscard]] Task<Result<CyclerReadings>> measure(Deadline) override {
    co_await time_.sleep_for(1ms);
    if (!reach(there_at_)) co_return fail(Fault::link_lost, "psb1: connection refused");
    if (offs_ > 0) measured_after_off_ = true;
    co_return readings_;
  }
  [[nodiscard]] bool may_have_heard() const override { return has_heard_; }
  [[nodiscard]] int offs() const { return offs_; }
  [[nodiscard]] bool was_measured_after_off() const { return measured_after_off_; }

 private:
  bool reach(TimePoint at) {
    if (time_.now() < at) return false;
    has_heard_ = true;
    return true;
  }
  TimeSource& time_;
  TimePoint there_at_, other_way_at_;
  CyclerReadings readings_;
  bool has_heard_ = false, measured_after_off_ = false;
  int offs_ = 0;
};

/// A contactor whose module has no power until an instant; it remembers when it was first told to open.
class OneContactor final : public Relays {
 public:
  OneContactor(TimeSource& time, TimePoint there_at, bool is_closed) : time_{time}, there_at_{there_at}, is_closed_{is_closed} {}
  [[nodiscard]] int relay_count() const override { return 1; }
  [[nodiscard]] Task<Result<bool>> state(int, Deadline) override {
    co_await time_.sleep_for(1ms);
    if (time_.now() < there_at_) co_return fail(Fault::link_lost, "relays: connection refused");
    co_return is_closed_;
  }
  [[nodiscard]] Task<Result<void>> set(int, bool energised, Deadline) override {
    co_await time_.sleep_for(1ms);
    if (time_.now() < there_at_) co_return fail(Fault::link_lost, "relays: connection refused");
    if (!energised && !opened_at_) opened_at_ = time_.now();
    is_closed_ = energised;
    co_return Result<void>{};
  }
  [[nodiscard]] std::optional<TimePoint> opened_at() const { return opened_at_; }

 private:
  TimeSource& time_;
  TimePoint there_at_;
  bool is_closed_;
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
  std::set<std::string> out_of_reach;  ///< after the first try
  std::optional<OutputFound> found;    ///< by the second one
  bool is_off = false;
  int offs = 0;
  bool was_measured_after_off = false;
  TimePoint first_ended_at, ended_at;
  std::optional<TimePoint> contactor_opened_at;
};

struct Waiting {
  Duration there_after{};
  CyclerReadings readings;
  Duration other_way_after = 10h;  ///< OFF gets there before anything is measured
  Duration given_up_after = 10h;
  bool has_contactor = false, contactor_is_closed = false;
  Duration contactor_there_after{};  ///< its module
};

Task<void> try_twice(BenchOff* first, BenchOff* second, VirtualTime* time, TimePoint* first_ended_at) {
  std::vector<std::string> channels{"ch1"}, chambers;
  co_await first->run(channels, chambers);
  *first_ended_at = time->now();
  if (!first->not_off().empty()) co_await second->run(channels, chambers);
  time->stop();
}

Awaited wait_for(const Waiting& wanted) {
  BenchConfig bench;
  bench.instruments["psb1"];
  bench.channels.push_back({.name = "ch1", .cycler = "psb1"});
  VirtualTime time;
  BenchInstruments instruments;
  auto cycler =
      std::make_unique<LateCycler>(time, TimePoint{wanted.there_after}, TimePoint{wanted.other_way_after}, wanted.readings);
  const LateCycler& seen = *cycler;
  instruments.cyclers["psb1"] = std::move(cycler);
  const OneContactor* contactor = nullptr;
  if (wanted.has_contactor) {
    bench.instruments["relays"];
    bench.channels.back().contactor = InputRef{"relays", 0};
    auto made = std::make_unique<OneContactor>(time, TimePoint{wanted.contactor_there_after}, wanted.contactor_is_closed);
    contactor = made.get();
    instruments.relays["relays"] = std::move(made);
  }
  RunListener listener;
  BenchOff first{time, bench, instruments, listener, {.look_at = {"ch1"}, .take_leases = false}};
  BenchOffOptions patient{.look_at = {"ch1"}, .take_leases = false};
  patient.patience = Patience{.at_most = 60s, .is_given_up = [&] { return time.now() >= TimePoint{wanted.given_up_after}; }};
  BenchOff second{time, bench, instruments, listener, std::move(patient)};
  Awaited result;
  time.spawn(try_twice(&first, &second, &time, &result.first_ended_at));
  time.run();
  result.out_of_reach = first.out_of_reach();
  const BenchOff& last = first.not_off().empty() ? first : second;
  result.found = last.found().at("ch1");
  result.is_off = last.not_off().empty();
  result.offs = seen.offs();
  result.was_measured_after_off = seen.was_measured_after_off();
  result.ended_at = time.now();
  if (contactor != nullptr) result.contactor_opened_at = contactor->opened_at();
  return result;
}

TEST(CyclerWithoutPower, is_looked_at_before_its_off_when_it_comes) {
  const Awaited off = wait_for({.there_after = 30s, .readings = answer(amps(0.0), false)});
  EXPECT_THAT(off.out_of_reach, testing::ElementsAre("ch1"));
  EXPECT_TRUE(off.is_off);
  EXPECT_TRUE(off.found->is_known);
  EXPECT_FALSE(off.found->is_on);
  EXPECT_TRUE(off.found->off_at);
  EXPECT_GT(off.offs, 0) << "OFF all the same";
  EXPECT_FALSE(off.was_measured_after_off) << "what its OFF has done is no look";
  EXPECT_LT(off.ended_at, TimePoint{35s});
  const Awaited on = wait_for({.there_after = 30s, .readings = answer(amps(2.0), true)});
  EXPECT_TRUE(on.found->is_known);
  EXPECT_TRUE(on.found->is_on);
  EXPECT_EQ(on.found->current.value(), 2.0);
  EXPECT_TRUE(on.is_off);
}

TEST(CyclerWithoutPower, gets_every_way_to_off_before_anybody_waits) {
  const Awaited other_way = wait_for({.there_after = 10h, .other_way_after = 0s});
  EXPECT_TRUE(other_way.is_off);
  EXPECT_LT(other_way.ended_at, TimePoint{1s});
  EXPECT_FALSE(other_way.found->is_known) << "nobody knows how it was";
}

TEST(CyclerWithoutPower, counts_as_one_that_did_not_answer_when_it_does_not_come) {
  const Awaited never = wait_for({.there_after = 10h});
  EXPECT_FALSE(never.is_off);
  EXPECT_FALSE(never.found->is_known);
  EXPECT_FALSE(never.found->off_at);
  EXPECT_GE(never.ended_at - never.first_ended_at, 60s);
  EXPECT_LT(never.ended_at - never.first_ended_at, 80s) << "patience, and every way to OFF";
}

TEST(CyclerWithoutPower, is_waited_for_no_longer_when_somebody_wants_to_end) {
  const Awaited never = wait_for({.there_after = 10h, .given_up_after = 20s});
  EXPECT_FALSE(never.is_off);
  EXPECT_LT(never.ended_at, TimePoint{40s}) << "every way to OFF, and nothing else";
}

// While it is waited for, OFF may get there on a way on which nothing can be measured.
TEST(CyclerWithoutPower, that_hears_off_on_another_way_is_no_longer_waited_for) {
  const Awaited off = wait_for({.there_after = 10h, .other_way_after = 30s});
  EXPECT_TRUE(off.is_off);
  EXPECT_LT(off.ended_at, TimePoint{35s});
  EXPECT_FALSE(off.found->is_known) << "nobody knows how it was";
}

TEST(CyclerWithoutPower, has_its_contactor_opened_within_two_seconds) {
  const Awaited off = wait_for({.there_after = 30s, .readings = answer(amps(0.0), false), .has_contactor = true});
  ASSERT_TRUE(off.contactor_opened_at);
  EXPECT_LT(*off.contactor_opened_at, TimePoint{2s});
  EXPECT_THAT(off.out_of_reach, testing::ElementsAre("ch1")) << "it was open before";
  EXPECT_TRUE(off.found->is_known);
}

// Nothing flows through a contactor that we opened, whatever the cycler did before: its look would say nothing.
TEST(CyclerWithoutPower, is_as_nobody_knows_where_its_contactor_had_to_be_opened) {
  const Awaited at_once = wait_for({.there_after = 10h, .has_contactor = true, .contactor_is_closed = true});
  EXPECT_TRUE(at_once.out_of_reach.empty());
  const Awaited after_the_look =
      wait_for({.there_after = 10h, .has_contactor = true, .contactor_is_closed = true, .contactor_there_after = 500ms});
  EXPECT_TRUE(after_the_look.out_of_reach.empty()) << "it said nothing before it was opened";
  const Awaited later =
      wait_for({.there_after = 10h, .has_contactor = true, .contactor_is_closed = true, .contactor_there_after = 30s});
  EXPECT_THAT(later.out_of_reach, testing::ElementsAre("ch1")) << "its module does not answer yet";
  ASSERT_TRUE(later.contactor_opened_at) << "opened as soon as it does";
  EXPECT_LT(*later.contactor_opened_at, TimePoint{35s});
  EXPECT_FALSE(later.found->is_known);
}

/// Says nothing of its contactors until a deadline.
class SilentContactors final : public Relays {
 public:
  explicit SilentContactors(TimeSource& time) : time_{time} {}
  [[nodiscard]] int relay_count() const override { return 2; }
  [[nodiscard]] Task<Result<bool>> state(int, Deadline deadline) override {
    co_await time_.sleep_until(deadline.at);
    co_return fail(Fault::timeout, "relays: no answer");
  }
  [[nodiscard]] Task<Result<void>> set(int, bool, Deadline) override {
    co_await time_.sleep_for(1ms);
    co_return Result<void>{};
  }

 private:
  TimeSource& time_;
};

Task<void> switch_both_off(BenchOff* off, VirtualTime* time, bool* has_ended) {
  std::vector<std::string> channels{"ch1", "ch2"}, chambers;
  co_await off->run(std::move(channels), std::move(chambers));
  *has_ended = true;
  time->stop();
}

// OFF is there long before the module has said what it knows: each channel waits for its own look.
TEST(Contactors, whose_module_is_slow_hold_up_no_start_of_several_channels) {
  BenchConfig bench;
  bench.instruments["relays"];
  VirtualTime time;
  BenchInstruments instruments;
  for (const int n : {1, 2}) {
    const std::string cycler = "psb" + std::to_string(n);
    bench.instruments[cycler];
    bench.channels.push_back({.name = "ch" + std::to_string(n), .cycler = cycler});
    bench.channels.back().contactor = InputRef{"relays", n - 1};
    instruments.cyclers[cycler] = std::make_unique<AnsweringCycler>(time, answer(amps(0.0), false));
  }
  instruments.relays["relays"] = std::make_unique<SilentContactors>(time);
  RunListener listener;
  BenchOff off{time, bench, instruments, listener, {.look_at = {"ch1", "ch2"}, .take_leases = false}};
  bool has_ended = false;
  time.spawn(switch_both_off(&off, &time, &has_ended));
  time.run();
  EXPECT_TRUE(has_ended);
  EXPECT_TRUE(off.not_off().empty());
  EXPECT_LT(time.now(), TimePoint{1s});
}

// An answer to anything of ours is one that heard us: what it then does not say is no reason to wait.
TEST(CyclerWithoutPower, is_none_that_answers) {
  const Awaited there = wait_for({.readings = answer(amps(0.0), false)});
  EXPECT_TRUE(there.is_off);
  EXPECT_TRUE(there.out_of_reach.empty());
  EXPECT_LT(there.ended_at, TimePoint{1s});
}

}  // namespace
}  // namespace cellrig
