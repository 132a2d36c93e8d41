// ScpiSession: a value is never attributed to another question.
#include "drivers/scpi/session.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "controller/async/virtual_time.hpp"
#include "tests/unit/drivers/run_task.hpp"
#include "tests/unit/drivers/scripted_line.hpp"
#include "tests/unit/drivers/scripted_stream.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using testing::run_task;
using testing::ScriptedStream;

struct Rig {
  explicit Rig(ScriptedStream::Handler handler) : stream{time, std::move(handler)} {}
  VirtualTime time;
  ScriptedStream stream;
  ScpiSession session{time, stream};
  std::vector<Result<std::string>> replies;
};

Task<void> ask(Rig& rig, std::string_view message, Duration patience) {
  const Deadline deadline{rig.time.now() + patience};
  rig.replies.push_back(co_await rig.session.query(message, deadline));
}

Result<std::string> query(Rig& rig, std::string_view message, Duration patience = 1s) {
  run_task(rig.time, ask(rig, message, patience));
  return rig.replies.back();
}

TEST(ScpiSession, answers_a_question) {
  Rig rig{[](ScriptedStream& stream, const std::string& line) { stream.push(line == "VOLT?" ? "+4.2E0\n" : "?\n"); }};
  EXPECT_EQ(*query(rig, "VOLT?"), "+4.2E0");
  EXPECT_EQ(*query(rig, "VOLT?"), "+4.2E0");
  EXPECT_EQ(rig.stream.open_count, 1);
}

TEST(ScpiSession, accepts_crlf_and_bytes_in_pieces) {
  Rig rig{[](ScriptedStream& stream, const std::string&) {
    stream.push("+4.");
    stream.push_later(5ms, "2\r");
    stream.push_later(9ms, "\n");
  }};
  EXPECT_EQ(*query(rig, "VOLT?"), "+4.2");
}

// F04: the VOLTAGE answer must not answer the CURRENT question.
TEST(ScpiSession, reconnects_after_a_late_reply) {
  int n = 0;
  Rig rig{[&n](ScriptedStream& stream, const std::string& line) {
    if (n++ == 0) return stream.push_later(700ms, "VOLTAGE\n");
    stream.push_later(400ms, line + "\n");
  }};
  EXPECT_EQ(query(rig, "V", 500ms).error().fault, Fault::timeout);
  EXPECT_EQ(*query(rig, "CURRENT", 500ms), "CURRENT");
  EXPECT_EQ(rig.stream.open_count, 2);
}

Task<void> wait_a_little(TimeSource& time) { co_await time.sleep_for(10ms); }

// F05: a reply that comes twice is thrown away with its connection before the next question.
TEST(ScpiSession, reopens_when_bytes_wait_before_a_request) {
  int n = 0;
  Rig rig{[&n](ScriptedStream& stream, const std::string& line) {
    stream.push(line + "\n");
    if (n++ == 0) stream.push_later(5ms, line + "\n");
  }};
  EXPECT_EQ(*query(rig, "one"), "one");
  run_task(rig.time, wait_a_little(rig.time));
  EXPECT_EQ(*query(rig, "two"), "two");
  EXPECT_EQ(rig.session.stale_reply_count(), 1U);
  EXPECT_EQ(rig.stream.open_count, 2);
}

TEST(ScpiSession, extra_bytes_with_a_reply_are_malformed) {
  int n = 0;
  Rig rig{[&n](ScriptedStream& stream, const std::string&) { stream.push(n++ == 0 ? "1\n2\n" : "3\n"); }};
  EXPECT_EQ(query(rig, "A?").error().fault, Fault::malformed);
  EXPECT_FALSE(rig.stream.is_open());
  EXPECT_EQ(*query(rig, "B?"), "3");
}

TEST(ScpiSession, garbage_and_endless_lines_are_malformed_and_bounded) {
  int n = 0;
  Rig rig{[&n](ScriptedStream& stream, const std::string&) {
    const int kind = n++;
    if (kind == 0) stream.push(std::string("1\x01\x02\n"));
    if (kind == 1) stream.push(std::string("1\0002\n", 4));
    if (kind == 2) stream.push(std::string(1'000'000, 'x'));
    if (kind == 3) stream.push(std::string(10'001, 'x') + "\n");
    if (kind == 4) stream.push(std::string(10'000, 'x') + "\n");
  }};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(query(rig, "A?").error().fault, Fault::malformed) << i;
  EXPECT_EQ(query(rig, "A?")->size(), 10'000U);
}

TEST(ScpiSession, silence_ends_at_the_deadline_and_closes) {
  Rig rig{nullptr};
  const TimePoint start = rig.time.now();
  EXPECT_EQ(query(rig, "NONSENSE?", 300ms).error().fault, Fault::timeout);
  EXPECT_EQ(rig.time.now() - start, 300ms);
  EXPECT_FALSE(rig.stream.is_open());
}

// F14: one absolute deadline for the line, not one for each byte.
TEST(ScpiSession, a_slow_drip_ends_at_the_deadline) {
  Rig rig{[](ScriptedStream& stream, const std::string&) {
    for (int i = 1; i < 20; ++i) stream.push_later(i * 200ms, "1");
  }};
  const TimePoint start = rig.time.now();
  EXPECT_EQ(query(rig, "A?", 1s).error().fault, Fault::timeout);
  EXPECT_EQ(rig.time.now() - start, 1s);
}

TEST(ScpiSession, a_lost_link_is_reported_and_nothing_is_sent_twice) {
  Rig rig{[](ScriptedStream& stream, const std::string&) { stream.drop(); }};
  EXPECT_EQ(query(rig, "OUTP 1;*OPC?").error().fault, Fault::link_lost);
  EXPECT_EQ(rig.stream.lines.size(), 1U);
}

TEST(ScpiSession, a_refused_connection_is_link_lost) {
  Rig rig{nullptr};
  rig.stream.refuses_connection = true;
  EXPECT_EQ(query(rig, "A?").error().fault, Fault::link_lost);
}

Task<void> cut_after(Rig& rig, Duration delay) {
  co_await rig.time.sleep_for(delay);
  rig.session.cut();
  const Deadline deadline{rig.time.now() + 1s};
  rig.replies.push_back(co_await rig.session.query("OUTP OFF;OUTP?", deadline));
}

// OFF never waits: the exchange in flight and those behind it end at once, and the next one is served on a new connection.
TEST(ScpiSession, cut_ends_everything_at_once_and_serves_the_next) {
  Rig rig{[](ScriptedStream& stream, const std::string& line) {
    if (line == "OUTP OFF;OUTP?") stream.push("OFF\n");
  }};
  rig.time.spawn(ask(rig, "MEAS1?", 10s));
  rig.time.spawn(ask(rig, "MEAS2?", 10s));
  const TimePoint start = rig.time.now();
  run_task(rig.time, cut_after(rig, 20ms));
  EXPECT_EQ(rig.time.now() - start, 20ms);
  ASSERT_EQ(rig.replies.size(), 3U);
  int interrupted = 0;
  int answered = 0;
  for (const auto& reply : rig.replies) {
    if (reply && *reply == "OFF") ++answered;
    if (!reply && reply.error().fault == Fault::interrupted) ++interrupted;
  }
  EXPECT_EQ(interrupted, 2);
  EXPECT_EQ(answered, 1);
  const std::vector<std::string> sent{"MEAS1?", "OUTP OFF;OUTP?"};
  EXPECT_EQ(rig.stream.lines, sent);
}

TEST(ScpiSession, a_second_caller_waits_its_turn) {
  Rig rig{[](ScriptedStream& stream, const std::string& line) { stream.push_later(10ms, line + "\n"); }};
  rig.time.spawn(ask(rig, "one", 1s));
  run_task(rig.time, ask(rig, "two", 1s));
  EXPECT_EQ(*rig.replies[0], "one");
  EXPECT_EQ(*rig.replies[1], "two");
}

// On the way out after a failure tasks vanish while they wait; nothing may still point to them.
TEST(ScpiSession, tasks_that_are_dropped_leave_nothing_behind) {
  Rig rig{nullptr};
  rig.time.spawn(ask(rig, "one", 10s));
  rig.time.spawn(ask(rig, "two", 10s));
  rig.time.spawn(ask(rig, "three", 10s));
  run_task(rig.time, wait_a_little(rig.time));
  rig.time.drop_tasks();
  EXPECT_EQ(query(rig, "four", 20ms).error().fault, Fault::timeout);
}

TEST(ScpiSession, a_second_caller_waits_no_longer_than_its_deadline) {
  Rig rig{nullptr};
  rig.time.spawn(ask(rig, "one", 1s));
  run_task(rig.time, ask(rig, "two", 100ms));
  EXPECT_EQ(rig.replies[0].error().fault, Fault::timeout);
  EXPECT_EQ(rig.time.now(), TimePoint{100ms});
  EXPECT_EQ(rig.stream.lines.size(), 1U);
}

Task<void> tell(Rig& rig, std::string_view message, Result<void>& result) {
  const Deadline deadline{rig.time.now() + 1s};
  result = co_await rig.session.send(message, 20ms, deadline);
}

TEST(ScpiSession, what_has_no_reply_is_followed_by_its_pause) {
  Rig rig{[](ScriptedStream& stream, const std::string& line) {
    if (line.ends_with('?')) stream.push("0\n");
  }};
  Result<void> told = fail(Fault::timeout, "not over");
  rig.time.spawn(tell(rig, "OUTP 0", told));
  EXPECT_EQ(*query(rig, "OUTP?"), "0");
  EXPECT_TRUE(told);
  EXPECT_EQ(rig.time.now(), TimePoint{20ms});
  EXPECT_EQ(rig.stream.lines, (std::vector<std::string>{"OUTP 0", "OUTP?"}));
}

Task<void> ask_on_line(TimeSource& time, ScpiSession& session, std::string_view message, Result<std::string>& reply) {
  const Deadline deadline{time.now() + 1s};
  reply = co_await session.query(message, deadline);
}

// F06 on a serial line: the older reply comes right behind the identity that was to part it from the next one.
TEST(ScpiSession, a_reply_behind_the_identity_answers_no_question) {
  VirtualTime time;
  bool is_first = true, is_old_on_its_way = true;
  testing::ScriptedLine line{time, [&](testing::ScriptedLine& wire, const std::string& request) {
                               if (request.starts_with("*IDN?")) {
                                 wire.reply_after(1ms, "Maker,Model,1,2\n");
                                 if (std::exchange(is_old_on_its_way, false)) wire.reply_after(3ms, "OLD\n");
                               } else if (!std::exchange(is_first, false)) {
                                 wire.reply_after(5ms, "NEW\n");
                               }
                             }};
  line.outlives = true;
  ScpiSession session{time, line};
  Result<std::string> reply = fail(Fault::timeout, "not over");
  run_task(time, ask_on_line(time, session, "READ?", reply));
  EXPECT_EQ(reply.error().fault, Fault::timeout);
  run_task(time, ask_on_line(time, session, "READ?", reply));
  EXPECT_EQ(reply.error().fault, Fault::malformed) << (reply ? *reply : "");
  run_task(time, ask_on_line(time, session, "READ?", reply));
  ASSERT_TRUE(reply) << reply.error().what;
  EXPECT_EQ(*reply, "NEW");
}

TEST(ScpiSession, a_cut_ends_the_pause) {
  Rig rig{nullptr};
  Result<void> told;
  rig.time.spawn(tell(rig, "OUTP 0", told));
  run_task(rig.time, wait_a_little(rig.time));
  rig.session.cut();
  run_task(rig.time, ask(rig, "OUTP?", 50ms));
  EXPECT_EQ(told.error().fault, Fault::interrupted);
}

}  // namespace
}  // namespace cellrig
