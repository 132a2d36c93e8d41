// Several units on one RTU line, in virtual time: who goes first, and what a silent or a late one does to the others.
#include "drivers/modbus/rtu_line.hpp"

#include <gtest/gtest.h>

#include <map>

#include "controller/async/virtual_time.hpp"
#include "tests/unit/drivers/run_task.hpp"
#include "tests/unit/drivers/scripted_line.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using testing::bytes_of;
using testing::count_of;
using testing::rtu_exception_to;
using testing::rtu_reply_of;
using testing::rtu_reply_to;
using testing::run_task;
using testing::ScriptedLine;

constexpr Duration reply_time = 5ms;

/// Every unit counts its reads and answers with 100 x unit + count, so that a reply to another question shows.
struct Rig {
  explicit Rig(ScriptedLine::Handler handler = {}) {
    auto own = std::make_unique<ScriptedLine>(time, handler ? std::move(handler) : polite());
    wire = own.get();
    line = std::make_shared<RtuLine>(time, std::move(own), RtuLineOptions{});
  }
  ScriptedLine::Handler polite() {
    return [this](ScriptedLine& on, const std::string& request) {
      const int unit = static_cast<unsigned char>(request[0]);
      if (dead.contains(unit)) return;
      const bool is_read = request[1] == 3;
      on.reply_after(reply_time, rtu_reply_of(request, is_read ? 100 * unit + ++reads[unit] : 0));
    };
  }
  std::unique_ptr<ModbusBus> unit(RtuUnitOptions options = {}) { return RtuLine::make_unit(line, options); }
  [[nodiscard]] Deadline in(Duration duration) const { return Deadline{time.now() + duration}; }

  VirtualTime time;
  std::map<int, int> reads;
  std::map<int, bool> dead;
  ScriptedLine* wire = nullptr;
  std::shared_ptr<RtuLine> line;
};

struct Outcome {
  Result<void> result = fail(Fault::interrupted, "never ended");
  int value = 0;
  TimePoint ended{};
};

Task<void> read(Rig& rig, ModbusBus& bus, std::uint8_t unit, Outcome& outcome, Duration patience = 1s) {
  std::array<std::uint16_t, 1> values{};
  const ModbusAddress from{.unit = unit, .address = 40};
  outcome.result = co_await bus.read_holding(from, values, rig.in(patience));
  outcome.value = values[0];
  outcome.ended = rig.time.now();
}

Task<void> write_coil(Rig& rig, ModbusBus& bus, std::uint8_t unit, Outcome& outcome, Duration patience = 1s) {
  const ModbusAddress to{.unit = unit, .address = 405};
  outcome.result = co_await bus.write_coil(to, false, rig.in(patience));
  outcome.ended = rig.time.now();
}

Task<void> turn_off(Rig& rig, ModbusBus& bus, std::uint8_t unit, Outcome& outcome) {
  const ModbusBus::Urgent urgent{bus};
  co_await write_coil(rig, bus, unit, outcome);
}

Outcome read_now(Rig& rig, ModbusBus& bus, std::uint8_t unit, Duration patience = 1s) {
  Outcome outcome;
  run_task(rig.time, read(rig, bus, unit, outcome, patience));
  return outcome;
}

TEST(RtuLine, reads_and_writes_units_by_their_numbers) {
  Rig rig;
  const auto first = rig.unit(), second = rig.unit();
  EXPECT_EQ(read_now(rig, *first, 1).value, 101);
  EXPECT_EQ(read_now(rig, *second, 2).value, 201);
  Outcome written;
  run_task(rig.time, write_coil(rig, *second, 2, written));
  EXPECT_TRUE(written.result);
  EXPECT_EQ(rig.wire->sent.back().frame, testing::with_checksum(bytes_of("02 05 01 95 00 00")));
  EXPECT_EQ(rig.wire->open_count, 1);
}

// On a serial line 0 means everybody and nobody answers; an EA answers to it.
TEST(RtuLine, unit_0_answers) {
  Rig rig;
  const auto bus = rig.unit();
  EXPECT_EQ(read_now(rig, *bus, 0).value, 1);
}

// Wrong by one: nothing in an RTU reply says which question it answers.
TEST(RtuLine, a_late_reply_is_never_the_answer_to_the_next_request) {
  for (const Duration late : {301ms, 320ms, 360ms, 400ms, 540ms}) {
    int n = 0;
    Rig rig{[&n, late](ScriptedLine& on, const std::string& request) {
      ++n;
      on.reply_after(n == 1 ? late : reply_time, rtu_reply_of(request, n));
    }};
    const auto bus = rig.unit();
    EXPECT_EQ(read_now(rig, *bus, 1, 300ms).result.error().fault, Fault::timeout);
    const Outcome second = read_now(rig, *bus, 1, 600ms);
    ASSERT_TRUE(second.result) << second.result.error().what;
    EXPECT_EQ(second.value, 3) << late.count();  // the second question parted it from the first one's reply
    EXPECT_EQ(read_now(rig, *bus, 1, 300ms).value, 4);
  }
}

// However late: silence for a while is no proof that a reply will not come.
TEST(RtuLine, a_reply_later_than_any_silence_answers_no_other_question) {
  for (Duration late = 310ms; late <= 4s; late += 37ms) {
    int n = 0;
    TimePoint last_due{};
    Rig* bench = nullptr;
    Rig rig{[&](ScriptedLine& on, const std::string& request) {
      const TimePoint now = bench->time.now();
      last_due = std::max(last_due, now + (++n <= 3 ? late : reply_time));  // it answers in order
      on.reply_after(last_due - now, rtu_reply_of(request, n));
    }};
    bench = &rig;
    const auto bus = rig.unit();
    int good = 0;
    for (int i = 0; i < 30; ++i) {
      const Outcome outcome = read_now(rig, *bus, 1, 300ms);
      if (outcome.result) {
        ++good;
        EXPECT_EQ(outcome.value, n) << "the reply to another question, late by " << late / 1ms << " ms";
      }
      run_task(rig.time, rig.time.sleep_for(250ms));
    }
    EXPECT_GE(good, 3) << late / 1ms;
  }
}

// The question that parts differs in its form from all whose replies may still come, and whoever refuses it has answered, too.
TEST(RtuLine, a_refused_parting_question_parts_as_well) {
  int n = 0;
  Rig rig{[&n](ScriptedLine& on, const std::string& request) {
    if (++n == 1) return;  // lost
    on.reply_after(reply_time, count_of(request) == 1 ? rtu_reply_of(request, n) : rtu_exception_to(request, 2));
  }};
  const auto bus = rig.unit();
  EXPECT_EQ(read_now(rig, *bus, 1, 300ms).result.error().fault, Fault::timeout);
  const Outcome second = read_now(rig, *bus, 1);
  ASSERT_TRUE(second.result) << second.result.error().what;
  EXPECT_EQ(second.value, 3);
  EXPECT_EQ(count_of(rig.wire->sent.at(1).frame), 2U);
}

// Busy is what it says at any time: that is no proof of anything.
TEST(RtuLine, busy_parts_nothing) {
  int n = 0;
  Rig rig{[&n](ScriptedLine& on, const std::string& request) {
    if (++n == 1) return;
    on.reply_after(reply_time, n == 2 ? rtu_exception_to(request, 6) : rtu_reply_of(request, n));
  }};
  const auto bus = rig.unit();
  EXPECT_EQ(read_now(rig, *bus, 1, 300ms).result.error().fault, Fault::timeout);
  EXPECT_EQ(read_now(rig, *bus, 1).result.error().fault, Fault::busy);
  EXPECT_EQ(read_now(rig, *bus, 1).value, 4);
  EXPECT_EQ(count_of(rig.wire->sent.at(2).frame), 3U) << "the reply to the two may still come";
}

// A unit that says nothing to a number of registers it does not know is not lost for ever.
TEST(RtuLine, a_unit_that_ignores_the_parting_question_is_asked_plainly_after_the_horizon) {
  int n = 0;
  Rig rig{[&n](ScriptedLine& on, const std::string& request) {
    if (++n > 1 && count_of(request) == 1) on.reply_after(reply_time, rtu_reply_of(request, 7));
  }};
  const auto bus = rig.unit();
  EXPECT_FALSE(read_now(rig, *bus, 1, 300ms).result);
  for (int i = 0; i < 24; ++i) EXPECT_FALSE(read_now(rig, *bus, 1, 400ms).result);
  ASSERT_LT(rig.time.now(), TimePoint{10s});
  run_task(rig.time, rig.time.sleep_for(500ms));
  const Outcome outcome = read_now(rig, *bus, 1, 500ms);
  ASSERT_TRUE(outcome.result) << outcome.result.error().what;
  EXPECT_EQ(outcome.value, 7);
}

// A reply that comes twice, the second time// A reply that comes twice, the second time after the next question could have gone out.
TEST(RtuLine, a_repeated_reply_is_noticed_before_the_next_request) {
  int n = 0;
  Rig rig{[&n](ScriptedLine& on, const std::string& request) {
    on.reply_after(reply_time, rtu_reply_of(request, ++n));
    if (n == 1) on.reply_after(reply_time + 1ms, rtu_reply_of(request, n));
  }};
  const auto bus = rig.unit();
  EXPECT_EQ(read_now(rig, *bus, 1).value, 1);
  EXPECT_EQ(read_now(rig, *bus, 1).value, 2);
  EXPECT_EQ(rig.line->stale_reply_count(), 1U);
}

TEST(RtuLine, a_damaged_reply_is_malformed_and_the_next_one_is_good) {
  int n = 0;
  Rig rig{[&n](ScriptedLine& on, const std::string& request) {
    std::string reply = rtu_reply_of(request, ++n);
    if (n == 1) reply[4] = static_cast<char>(reply[4] ^ 0x40);
    on.reply_after(reply_time, reply);
  }};
  const auto bus = rig.unit();
  const Outcome first = read_now(rig, *bus, 1);
  EXPECT_EQ(first.result.error().fault, Fault::malformed);
  EXPECT_EQ(read_now(rig, *bus, 1).value, 3);
  EXPECT_GE(rig.wire->sent[1].at - first.ended, 250ms) << "the line had to be silent first";
}

TEST(RtuLine, a_line_that_never_becomes_quiet_carries_no_question) {
  Rig rig;
  const auto bus = rig.unit();
  for (int i = 0; i < 5000; ++i) rig.wire->reply_after(i * 1ms, "x");
  EXPECT_EQ(read_now(rig, *bus, 1, 2s).result.error().fault, Fault::malformed);
  EXPECT_FALSE(read_now(rig, *bus, 1, 2s).result);
  EXPECT_TRUE(rig.wire->sent.empty());
}

// The late reply of one unit costs another neither its value nor its exchange.
TEST(RtuLine, a_late_reply_of_another_unit_is_thrown_away) {
  Rig rig{[](ScriptedLine& on, const std::string& request) {
    on.reply_after(request[0] == 1 ? 305ms : 10ms, rtu_reply_of(request, request[0] * 100));
  }};
  const auto late = rig.unit(), other = rig.unit();
  EXPECT_EQ(read_now(rig, *late, 1, 300ms).result.error().fault, Fault::timeout);
  const Outcome outcome = read_now(rig, *other, 2);
  ASSERT_TRUE(outcome.result) << outcome.result.error().what;
  EXPECT_EQ(outcome.value, 200);
  EXPECT_EQ(rig.line->stale_reply_count(), 1U);
  EXPECT_LE(outcome.ended, TimePoint{315ms}) << "it need not wait for the other's silence";
}

TEST(RtuLine, a_unit_gets_the_pause_it_needs_and_frames_their_silence) {
  Rig rig;
  const auto slow = rig.unit(RtuUnitOptions{.request_gap = 30ms}), quick = rig.unit();
  const Outcome first = read_now(rig, *slow, 1);
  read_now(rig, *quick, 2);
  read_now(rig, *slow, 1);
  EXPECT_EQ(rig.wire->sent[1].at - first.ended, 1750us);
  EXPECT_EQ(rig.wire->sent[2].at - first.ended, 30ms);
}

// ---- ranks

TEST(RtuLine, stop_goes_before_set_point_before_poll) {
  Rig rig;
  const auto first = rig.unit(), second = rig.unit(), third = rig.unit();
  Outcome poll, queued_poll, setpoint, off;
  rig.time.spawn(read(rig, *first, 1, poll));
  rig.time.spawn(read(rig, *first, 1, queued_poll));
  rig.time.spawn(write_coil(rig, *second, 2, setpoint));
  rig.time.spawn(turn_off(rig, *third, 3, off));
  run_task(rig.time, rig.time.sleep_for(200ms));
  for (const Outcome* outcome : {&poll, &queued_poll, &setpoint, &off}) EXPECT_TRUE(outcome->result);
  EXPECT_LT(off.ended, setpoint.ended);
  EXPECT_LT(setpoint.ended, queued_poll.ended);
}

// The poll of a unit that is slow or dead must not hold up an OFF for its time-out.
TEST(RtuLine, an_off_takes_the_line_from_a_poll_and_the_poll_is_asked_again) {
  int asked = 0;
  Rig rig{[&asked](ScriptedLine& on, const std::string& request) {
    if (request[0] == 1 && ++asked == 1) {
      on.reply_after(70ms, rtu_reply_of(request, 111));
    } else {
      on.reply_after(reply_time, rtu_reply_of(request, 222));
    }
  }};
  const auto slow = rig.unit(), other = rig.unit();
  Outcome poll, off;
  rig.time.spawn(read(rig, *slow, 1, poll));
  run_task(rig.time, rig.time.sleep_for(10ms));
  rig.time.spawn(turn_off(rig, *other, 2, off));
  run_task(rig.time, rig.time.sleep_for(400ms));
  ASSERT_TRUE(off.result) << off.result.error().what;
  EXPECT_LE(off.ended, TimePoint{62ms}) << "50 ms of grace and the reply";
  ASSERT_TRUE(poll.result) << poll.result.error().what;
  EXPECT_EQ(poll.value, 222) << "the late reply must not be taken for the answer";
  EXPECT_EQ(asked, 3) << "once again, after the question that parts";
}

// A write may have been carried out: it is not repeated by itself.
TEST(RtuLine, a_write_that_an_off_displaced_is_a_time_out_and_is_not_repeated) {
  Rig rig;
  rig.dead[1] = true;
  const auto dead = rig.unit(), other = rig.unit();
  Outcome write, off;
  rig.time.spawn(write_coil(rig, *dead, 1, write));
  rig.time.spawn(turn_off(rig, *other, 2, off));
  run_task(rig.time, rig.time.sleep_for(1s));
  EXPECT_TRUE(off.result);
  EXPECT_EQ(write.result.error().fault, Fault::timeout);
  int writes = 0;
  for (const auto& sent : rig.wire->sent) writes += sent.frame[0] == 1 ? 1 : 0;
  EXPECT_EQ(writes, 1);
}

// After a doubtful exchange others wait for silence; OFF goes out, and only its confirmation waits.
TEST(RtuLine, an_off_does_not_wait_for_the_line_to_be_quiet_but_its_confirmation_does) {
  Rig rig;
  rig.dead[1] = true;
  const auto bus = rig.unit();
  const Outcome lost = read_now(rig, *bus, 1, 200ms);
  rig.dead.clear();
  Outcome off, state;
  const ModbusBus::Urgent urgent{*bus};
  run_task(rig.time, write_coil(rig, *bus, 1, off));
  run_task(rig.time, read(rig, *bus, 1, state));
  ASSERT_TRUE(off.result && state.result);
  EXPECT_LE(rig.wire->sent[1].at - lost.ended, 2ms);
  EXPECT_GE(rig.wire->sent[2].at - lost.ended, 50ms);
}

// ---- cuts

TEST(RtuLine, a_cut_ends_the_calls_of_its_unit_and_no_others) {
  Rig rig;
  const auto first = rig.unit(), second = rig.unit();
  Outcome flying, waiting, of_other;
  rig.time.spawn(read(rig, *first, 1, flying));
  rig.time.spawn(read(rig, *first, 1, waiting));
  rig.time.spawn(read(rig, *second, 2, of_other));
  run_task(rig.time, rig.time.sleep_for(3ms));
  ASSERT_EQ(rig.wire->sent.size(), 1U);
  first->cut();
  run_task(rig.time, rig.time.sleep_for(300ms));
  EXPECT_EQ(flying.result.error().fault, Fault::interrupted);
  EXPECT_EQ(waiting.result.error().fault, Fault::interrupted);
  EXPECT_EQ(flying.ended, TimePoint{3ms});
  ASSERT_TRUE(of_other.result);
  EXPECT_EQ(of_other.value, 201);
}

TEST(RtuLine, what_was_cut_while_it_waited_is_never_sent) {
  Rig rig;
  const auto first = rig.unit(), second = rig.unit();
  Outcome of_other, write;
  rig.time.spawn(read(rig, *second, 2, of_other));
  rig.time.spawn(write_coil(rig, *first, 1, write));
  run_task(rig.time, rig.time.sleep_for(3ms));
  first->cut();
  run_task(rig.time, rig.time.sleep_for(300ms));
  EXPECT_EQ(write.result.error().fault, Fault::interrupted);
  EXPECT_TRUE(of_other.result);
  for (const auto& sent : rig.wire->sent) EXPECT_NE(sent.frame[0], 1);
}

// Its reply may be on its way: on two wires whoever speaks then spoils both.
TEST(RtuLine, after_a_cut_the_off_leaves_the_line_to_the_reply_that_may_come) {
  Rig rig;
  const auto bus = rig.unit();
  Outcome poll, off;
  rig.time.spawn(read(rig, *bus, 1, poll));
  run_task(rig.time, rig.time.sleep_for(3ms));
  bus->cut();
  run_task(rig.time, turn_off(rig, *bus, 1, off));
  EXPECT_EQ(poll.result.error().fault, Fault::interrupted);
  ASSERT_TRUE(off.result) << off.result.error().what;
  EXPECT_GE(rig.wire->sent[1].at - rig.wire->sent[0].at, 50ms);
  EXPECT_LE(rig.wire->sent[1].at - rig.wire->sent[0].at, 52ms);
}

// ---- silent units

Task<void> poll_for_ever(Rig& rig, ModbusBus& bus, std::uint8_t unit, std::vector<Outcome>& outcomes, Duration patience) {
  TimePoint next = rig.time.now();
  while (true) {
    Outcome outcome;
    co_await read(rig, bus, unit, outcome, patience);
    outcomes.push_back(outcome);
    next = std::max(rig.time.now(), next + 100ms);
    co_await rig.time.sleep_until(next);
  }
}

// Three units, one of them dead: the other two keep their period.
TEST(RtuLine, a_silent_unit_does_not_stall_the_others) {
  Rig rig;
  rig.dead[3] = true;
  const auto first = rig.unit(), second = rig.unit(), dead = rig.unit();
  std::vector<Outcome> of_first, of_second, of_dead;
  rig.time.spawn(poll_for_ever(rig, *first, 1, of_first, 300ms));
  rig.time.spawn(poll_for_ever(rig, *second, 2, of_second, 300ms));
  rig.time.spawn(poll_for_ever(rig, *dead, 3, of_dead, 300ms));
  run_task(rig.time, rig.time.sleep_for(60s));
  for (const auto* const outcomes : {&of_first, &of_second}) {
    int good = 0;
    for (const Outcome& outcome : *outcomes) good += outcome.result ? 1 : 0;
    EXPECT_EQ(good, static_cast<int>(outcomes->size())) << "no time-out of the dead one is charged to others";
    EXPECT_GE(good, 590) << "of 600";
    Duration longest{};
    for (std::size_t i = 20; i < outcomes->size(); ++i) {
      longest = std::max(longest, (*outcomes)[i].ended - (*outcomes)[i - 1].ended);
    }
    EXPECT_LE(longest, 300ms);
  }
  for (const Outcome& outcome : of_dead) EXPECT_EQ(outcome.result.error().fault, Fault::timeout);
  int asked = 0;
  for (const auto& sent : rig.wire->sent) asked += sent.frame[0] == 3 ? 1 : 0;
  EXPECT_GE(asked, 20) << "it is looked for all the time";
  EXPECT_LE(asked, 60);
  rig.time.drop_tasks();
}

TEST(RtuLine, a_silent_unit_that_comes_back_is_found) {
  Rig rig;
  rig.dead[2] = true;
  const auto first = rig.unit(), lost = rig.unit();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(read_now(rig, *lost, 2, 300ms).result);
  rig.dead.clear();
  run_task(rig.time, rig.time.sleep_for(2s));
  EXPECT_TRUE(read_now(rig, *lost, 2, 300ms).result);
  EXPECT_TRUE(read_now(rig, *lost, 2, 300ms).result);
}

// Turning off is tried whatever is known of the unit.
TEST(RtuLine, a_silent_unit_is_told_to_turn_off_at_once) {
  Rig rig;
  rig.dead[2] = true;
  const auto first = rig.unit(), lost = rig.unit();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(read_now(rig, *lost, 2, 300ms).result);
  rig.dead.clear();
  Outcome off;
  run_task(rig.time, turn_off(rig, *lost, 2, off));
  EXPECT_TRUE(off.result);
}

// Nobody is held up: a unit alone on its line is asked whenever its driver wants to.
TEST(RtuLine, a_unit_alone_on_its_line_is_never_held_back) {
  Rig rig;
  rig.dead[1] = true;
  const auto bus = rig.unit();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(read_now(rig, *bus, 1, 300ms).result);
  rig.dead.clear();
  EXPECT_TRUE(read_now(rig, *bus, 1, 300ms).result);
}

TEST(RtuLine, a_unit_that_says_no_is_not_silent) {
  Rig rig{[](ScriptedLine& on, const std::string& request) {
    on.reply_after(reply_time, testing::with_checksum(std::string{request[0], static_cast<char>(request[1] | 0x80), 2}));
  }};
  const auto bus = rig.unit(), other = rig.unit();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(read_now(rig, *bus, 1).result.error().fault, Fault::refused);
  EXPECT_EQ(rig.wire->open_count, 1);
}

// On the way out after a failure tasks vanish while they wait; nothing may still point to them.
TEST(RtuLine, tasks_that_are_dropped_leave_nothing_behind) {
  Rig rig;
  rig.dead[1] = true;
  const auto bus = rig.unit(), other = rig.unit();
  Outcome first, second, third;
  rig.time.spawn(read(rig, *bus, 1, first));
  rig.time.spawn(read(rig, *bus, 1, second));
  rig.time.spawn(read(rig, *other, 2, third));
  run_task(rig.time, rig.time.sleep_for(20ms));
  rig.time.drop_tasks();
  EXPECT_TRUE(read_now(rig, *other, 2).result);
}

}  // namespace
}  // namespace cellrig
