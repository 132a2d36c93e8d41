// SerialStream on real pseudo-terminals.
#include "drivers/transport/serial_stream.hpp"

#include <gtest/gtest.h>
#include <sys/file.h>

#include <algorithm>
#include <chrono>

#include "controller/async/real_time.hpp"
#include "drivers/scpi/session.hpp"
#include "tests/socket/pseudo_terminal.hpp"
#include "tests/unit/drivers/run_task.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using testing::PseudoTerminal;
using testing::run_task;

struct Rig {
  PseudoTerminal far_end;
  RealTime time;
  SerialStream stream{time, far_end.path(), SerialSettings{.baud = 38400}};
  [[nodiscard]] Deadline in(Duration duration) const { return Deadline{time.now() + duration}; }

  Result<void> open() {
    Result<void> result;
    run_task(time, open_task(result));
    return result;
  }
  Result<void> write(const std::string& bytes) {
    Result<void> result;
    run_task(time, write_task(bytes, result));
    return result;
  }
  Result<std::string> read(Duration patience = 2s) {
    Result<std::string> result = fail(Fault::interrupted, "never ended");
    run_task(time, read_task(result, patience));
    return result;
  }
  Task<void> open_task(Result<void>& result) { result = co_await stream.open(in(2s)); }
  Task<void> write_task(const std::string& bytes, Result<void>& result) { result = co_await stream.write(bytes, in(2s)); }
  Task<void> read_task(Result<std::string>& result, Duration patience) {
    std::array<char, 512> buffer{};
    const Result<std::size_t> read = co_await stream.read_some(buffer, in(patience));
    if (read) {
      result = std::string(buffer.data(), *read);
    } else {
      result = read.error();
    }
  }
};

TEST(SerialStream, carries_every_byte_unchanged_both_ways) {
  Rig rig;
  ASSERT_TRUE(rig.open());
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  ASSERT_TRUE(rig.write(all));
  EXPECT_EQ(rig.far_end.receive(all.size()), all);
  rig.far_end.send(all);
  std::string received;
  while (received.size() < all.size()) {
    const Result<std::string> read = rig.read();
    ASSERT_TRUE(read) << read.error().what;
    received += *read;
  }
  EXPECT_EQ(received, all);
}

TEST(SerialStream, sets_speed_and_characters_of_the_line) {
  for (const int baud : serial_bauds) {
    PseudoTerminal far_end;
    RealTime time;
    SerialStream stream{time, far_end.path(), SerialSettings{.baud = baud, .stop_bits = 2}};
    struct Local {
      static Task<void> open(SerialStream& on, Result<void>& result, Deadline deadline) { result = co_await on.open(deadline); }
    };
    Result<void> opened;
    run_task(time, Local::open(stream, opened, Deadline{time.now() + 1s}));
    ASSERT_TRUE(opened) << opened.error().what;
    termios line{};
    ASSERT_EQ(::tcgetattr(far_end.master(), &line), 0);  // a pseudo-terminal shows the slave's settings at its master
    EXPECT_EQ(line.c_lflag & static_cast<tcflag_t>(ECHO | ICANON | ISIG), 0U) << baud;
    EXPECT_NE(line.c_cflag & static_cast<tcflag_t>(CSTOPB), 0U) << baud;
    EXPECT_EQ(line.c_cflag & static_cast<tcflag_t>(HUPCL), 0U) << baud;
  }
}

// What an earlier question brought must not answer ours.
TEST(SerialStream, throws_away_what_waited_before_it_was_opened) {
  Rig rig;
  ASSERT_TRUE(rig.open());
  rig.stream.close();
  ASSERT_TRUE(rig.open());
  rig.far_end.send("old");
  rig.stream.close();
  ASSERT_TRUE(rig.open());
  EXPECT_FALSE(rig.stream.has_unread());
  rig.far_end.send("new");
  const Result<std::string> read = rig.read();
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, "new");
}

TEST(SerialStream, sees_bytes_that_nobody_asked_for_without_taking_them) {
  Rig rig;
  ASSERT_TRUE(rig.open());
  EXPECT_FALSE(rig.stream.has_unread());
  rig.far_end.send("x");
  EXPECT_TRUE(rig.stream.has_unread());
  EXPECT_EQ(*rig.read(), "x");
  EXPECT_FALSE(rig.stream.has_unread());
}

TEST(SerialStream, a_hang_up_is_link_lost_for_a_reader_and_for_the_probe) {
  Rig rig;
  ASSERT_TRUE(rig.open());
  rig.far_end.hang_up();
  EXPECT_TRUE(rig.stream.has_unread());
  EXPECT_EQ(rig.read().error().fault, Fault::link_lost);
  EXPECT_FALSE(rig.stream.is_open());
  EXPECT_EQ(rig.open().error().fault, Fault::link_lost);
}

TEST(SerialStream, a_reader_that_waits_learns_of_a_hang_up) {
  Rig rig;
  ASSERT_TRUE(rig.open());
  struct Local {
    static Task<void> hang_up_soon(Rig& on) {
      co_await on.time.sleep_for(10ms);
      on.far_end.hang_up();
    }
  };
  rig.time.spawn(Local::hang_up_soon(rig));
  EXPECT_EQ(rig.read(5s).error().fault, Fault::link_lost);
}

TEST(SerialStream, close_ends_a_read_with_interrupted_at_once) {
  Rig rig;
  ASSERT_TRUE(rig.open());
  struct Local {
    static Task<void> close_soon(Rig& on) {
      co_await on.time.sleep_for(10ms);
      on.stream.close();
    }
  };
  rig.time.spawn(Local::close_soon(rig));
  const TimePoint start = rig.time.now();
  EXPECT_EQ(rig.read(10s).error().fault, Fault::interrupted);
  EXPECT_LT(rig.time.now() - start, 2s);
}

TEST(SerialStream, a_deadline_closes_the_line) {
  Rig rig;
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.read(20ms).error().fault, Fault::timeout);
  EXPECT_FALSE(rig.stream.is_open());
}

// Two controllers of one instrument is how a cell gets overcharged.
TEST(SerialStream, a_line_has_one_owner) {
  Rig rig;
  ASSERT_TRUE(rig.open());
  SerialStream second{rig.time, rig.far_end.path(), SerialSettings{}};
  struct Local {
    static Task<void> open(SerialStream& on, Result<void>& result, Deadline deadline) { result = co_await on.open(deadline); }
  };
  Result<void> opened;
  run_task(rig.time, Local::open(second, opened, rig.in(1s)));
  EXPECT_EQ(opened.error().fault, Fault::busy);
  rig.stream.close();
  run_task(rig.time, Local::open(second, opened, rig.in(1s)));
  EXPECT_TRUE(opened) << opened.error().what;
}

TEST(SerialStream, what_is_no_line_is_said) {
  RealTime time;
  struct Local {
    static Task<void> open(SerialStream& on, Result<void>& result, Deadline deadline) { result = co_await on.open(deadline); }
  };
  for (const char* const path : {"/dev/null", "/nowhere/ttyUSB0"}) {
    SerialStream stream{time, path, SerialSettings{}};
    Result<void> opened;
    run_task(time, Local::open(stream, opened, Deadline{time.now() + 1s}));
    EXPECT_EQ(opened.error().fault, Fault::link_lost);
    EXPECT_NE(opened.error().what.find(path), std::string::npos);
  }
}

TEST(SerialStream, an_unknown_speed_is_refused) {
  PseudoTerminal far_end;
  RealTime time;
  SerialStream stream{time, far_end.path(), SerialSettings{.baud = 12345}};
  struct Local {
    static Task<void> open(SerialStream& on, Result<void>& result, Deadline deadline) { result = co_await on.open(deadline); }
  };
  Result<void> opened;
  run_task(time, Local::open(stream, opened, Deadline{time.now() + 1s}));
  EXPECT_EQ(opened.error().fault, Fault::refused);
}

// The same session as over TCP.
TEST(SerialStream, a_late_line_is_not_the_answer_to_the_next_question) {
  Rig rig;
  ScpiSession session{rig.time, rig.stream};
  struct Local {
    static Task<void> ask(Rig& on, ScpiSession& session, Result<std::string>& reply, Duration patience) {
      reply = co_await session.query("MEAS:VOLT?", on.in(patience));
    }
    /// Each question gets its own answer; the first one comes too late. What comes after it begins with a question for the identity,
    /// which parts the late line from the next answer.
    static Task<void> answer(Rig& on) {
      std::string heard;
      int measured = 0;
      while (measured < 2) {
        co_await on.time.sleep_for(2ms);
        heard += on.far_end.receive_now();
        const std::size_t end = heard.find('\n');
        if (end == std::string::npos) continue;
        const bool is_measurement = heard.starts_with("MEAS");
        heard.erase(0, end + 1);
        if (is_measurement && measured == 0) co_await on.time.sleep_for(60ms);
        if (is_measurement) ++measured;
        on.far_end.send(!is_measurement ? "ACME,Anvil,1,1\n" : measured == 1 ? "1.11\n" : "2.22\n");
      }
    }
  };
  Result<std::string> reply = fail(Fault::interrupted, "never ended");
  rig.time.spawn(Local::answer(rig));
  run_task(rig.time, Local::ask(rig, session, reply, 20ms));
  EXPECT_EQ(reply.error().fault, Fault::timeout);
  run_task(rig.time, Local::ask(rig, session, reply, 5s));
  ASSERT_TRUE(reply) << reply.error().what;
  EXPECT_EQ(*reply, "2.22");
}

}  // namespace
}  // namespace cellrig
