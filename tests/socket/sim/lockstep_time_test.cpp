// What the controller asks of a simulator in lockstep, and what it does not: the back door is played by the test.
#include "controller/async/lockstep_time.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sched.h>

#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

using Tcp = boost::asio::ip::tcp;
using Lookahead = LockstepTime::Lookahead;

constexpr LinkKey link{.local_port = 40001, .remote_port = 15001};
const std::string for_ever = std::to_string(to_ns(TimePoint::max()));

std::string ns(Duration since_start) { return std::to_string(since_start.count()); }

/// One connection to a back door that says what it is told to say, and keeps what it was asked.
class ScriptedDoor {
 public:
  using Script = std::function<std::string(const std::string& line)>;

  explicit ScriptedDoor(Script script) : script_{std::move(script)}, thread_{[this] { serve(); }} {}
  ~ScriptedDoor() { thread_.join(); }
  ScriptedDoor(const ScriptedDoor&) = delete;
  ScriptedDoor& operator=(const ScriptedDoor&) = delete;

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  /// Everything after the greeting, so far.
  [[nodiscard]] std::vector<std::string> asked() {
    const std::lock_guard lock{mutex_};
    return asked_;
  }

 private:
  void serve() {
    Tcp::socket socket{context_};
    acceptor_.accept(socket);
    std::string received;
    boost::system::error_code error;
    while (true) {
      const std::size_t size = boost::asio::read_until(socket, boost::asio::dynamic_buffer(received), '\n', error);
      if (error) return;
      const std::string line = received.substr(0, size - 1);
      received.erase(0, size);
      boost::asio::write(socket, boost::asio::buffer(answer(line) + '\n'), error);
    }
  }
  std::string answer(const std::string& line) {
    if (line == "hello lockstep") return "ok 0";
    const std::lock_guard lock{mutex_};
    asked_.push_back(line);
    return script_(line);
  }

  Script script_;
  boost::asio::io_context context_{1};
  Tcp::acceptor acceptor_{context_, {boost::asio::ip::address_v4::loopback(), 0}};
  std::mutex mutex_;
  std::vector<std::string> asked_;
  std::thread thread_;
};

/// Goes wherever it is sent, answers no request, and is quiet until this instant, then for ever.
ScriptedDoor::Script quiet_until(Duration event) {
  return [event](const std::string& line) {
    const std::string to = line.substr(line.find(' ') + 1, line.find(' ', line.find(' ') + 1) - line.find(' ') - 1);
    if (line.starts_with("follow")) return "now " + to;
    return "now " + to + " until " + (std::stoll(to) < event.count() ? ns(event) : for_ever);
  };
}

class LockstepTimeTest : public ::testing::Test {
 public:
  /// Runs one task to its end; afterwards what was asked.
  std::vector<std::string> run(Task<void> (LockstepTimeTest::*body)(), Duration event = Duration::max(),
                               Lookahead lookahead = Lookahead::on) {
    ScriptedDoor door{quiet_until(event)};
    {
      LockstepTime time{"127.0.0.1", door.port(), lookahead};
      time_ = &time;
      time.spawn(to_its_end(body));
      time.run();
    }
    return door.asked();
  }
  Task<void> to_its_end(Task<void> (LockstepTimeTest::*body)()) {
    co_await (this->*body)();
    time_->stop();
  }

  Task<void> sleep_five_times() {
    for (int i = 0; i < 5; ++i) co_await time_->sleep_for(1s);
  }
  Task<void> send_after_a_while() {
    co_await sleep_five_times();
    const TimeSource::InFlight in_flight{*time_, link};
    co_await time_->sleep_for(100ms);
    EXPECT_EQ(time_->now(), TimePoint{5100ms});
  }
  Task<void> send_and_give_up_at_once() {
    co_await sleep_five_times();
    { const TimeSource::InFlight in_flight{*time_, link}; }
    co_await sleep_five_times();
  }
  Task<void> connect_after_a_while() {
    co_await sleep_five_times();
    const TimeSource::LocalWork connecting{*time_};
    Wait connected{*time_};
    std::thread elsewhere{[&] { time_->post([&] { connected.wake(); }); }};
    elsewhere.join();
    co_await connected.until_woken();
  }

  /// Long enough for the threads that take turns to have been brought together.
  Task<void> take_many_turns() {
    for (int i = 0; i < 300; ++i) co_await time_->sleep_for(1ms);
    cores_of_control_thread_ = cores();
    std::thread bus{[this] {
      time_->post([] {});
      cores_of_bus_ = cores();
    }};
    bus.join();
  }
  /// How many the calling thread may run on.
  static int cores() {
    cpu_set_t set;
    return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
  }

  LockstepTime* time_ = nullptr;
  int cores_of_control_thread_ = 0, cores_of_bus_ = 0;
};

TEST_F(LockstepTimeTest, time_goes_on_alone_while_the_simulator_is_quiet) {
  EXPECT_THAT(run(&LockstepTimeTest::sleep_five_times), ElementsAre("advance " + ns(1s), "follow " + ns(5s)));
}

TEST_F(LockstepTimeTest, without_lookahead_every_step_is_asked_for) {
  EXPECT_THAT(
      run(&LockstepTimeTest::sleep_five_times, Duration::max(), Lookahead::off),
      ElementsAre("advance " + ns(1s), "advance " + ns(2s), "advance " + ns(3s), "advance " + ns(4s), "advance " + ns(5s)));
}

// At the instant itself the simulator's event comes first, as everywhere.
TEST_F(LockstepTimeTest, nobody_goes_alone_to_the_instant_at_which_something_happens) {
  EXPECT_THAT(run(&LockstepTimeTest::sleep_five_times, 3s),
              ElementsAre("advance " + ns(1s), "advance " + ns(3s) + " from " + ns(2s), "follow " + ns(5s)));
  EXPECT_THAT(run(&LockstepTimeTest::sleep_five_times, 3500ms),
              ElementsAre("advance " + ns(1s), "advance " + ns(4s) + " from " + ns(3s), "follow " + ns(5s)));
}

TEST_F(LockstepTimeTest, a_request_names_the_instant_it_was_sent_at) {
  EXPECT_THAT(run(&LockstepTimeTest::send_after_a_while),
              ElementsAre("advance " + ns(1s), "advance " + ns(5100ms) + " from " + ns(5s) + " 40001-15001:1"));
}

// The instrument has it, and must be asked to serve it before time goes on.
TEST_F(LockstepTimeTest, a_request_given_up_at_once_is_served_at_its_instant) {
  EXPECT_THAT(run(&LockstepTimeTest::send_and_give_up_at_once),
              ElementsAre("advance " + ns(1s), "advance " + ns(6s) + " from " + ns(5s), "follow " + ns(10s)));
}

TEST_F(LockstepTimeTest, a_connection_is_made_at_the_instant_at_which_it_is_tried) {
  EXPECT_THAT(run(&LockstepTimeTest::connect_after_a_while), ElementsAre("advance " + ns(1s), "follow " + ns(5s)));
}

// Between two runs a test may have ordered something through another session.
TEST_F(LockstepTimeTest, what_was_said_before_an_interruption_is_not_relied_upon) {
  ScriptedDoor door{quiet_until(Duration::max())};
  {
    LockstepTime time{"127.0.0.1", door.port()};
    time_ = &time;
    for (int i = 0; i < 2; ++i) {
      time.spawn(to_its_end(&LockstepTimeTest::sleep_five_times));
      time.run();
    }
  }
  EXPECT_THAT(door.asked(), ElementsAre("advance " + ns(1s), "follow " + ns(5s), "advance " + ns(6s), "follow " + ns(10s)));
}

// Nothing is under way and nothing is due: only a signal can go on, and time that went on alone must not keep it out.
TEST_F(LockstepTimeTest, what_is_posted_is_served_although_time_goes_on_alone) {
  ScriptedDoor door{quiet_until(Duration::max())};
  LockstepTime time{"127.0.0.1", door.port()};
  const auto sleep_for_ever = [](LockstepTime* t) -> Task<void> {
    while (true) co_await t->sleep_for(1s);
  };
  time.spawn(sleep_for_ever(&time));
  std::thread poster{[&time] { time.post([&time] { time.stop(); }); }};
  time.run();
  poster.join();
}

/// An exchange whose reply is a wake; it may last 100 ms.
Task<void> exchange(LockstepTime* time, LinkKey key, Wait* reply, WaitEnd* end) {
  const TimeSource::InFlight in_flight{*time, key};
  const TimePoint due = time->now() + 100ms;
  *end = co_await reply->until(due);
  time->stop();
}

// Two replies were sent in one answer, and the first one's owner stopped the run: the second one is not late because of that.
TEST_F(LockstepTimeTest, a_reply_that_is_on_its_way_at_a_stop_is_waited_for_by_the_next_run) {
  constexpr LinkKey second_link{.local_port = 40002, .remote_port = 15002};
  ScriptedDoor door{[](const std::string& line) {
    const bool is_first = line.find("40001") != std::string::npos;
    return is_first ? "now 0 40001-15001 40002-15002 until " + for_ever : "now " + ns(100ms) + " until " + for_ever;
  }};
  LockstepTime time{"127.0.0.1", door.port()};
  Wait first{time}, second{time};
  WaitEnd first_end = WaitEnd::due, second_end = WaitEnd::due;
  time.spawn(exchange(&time, link, &first, &first_end));
  time.spawn(exchange(&time, second_link, &second, &second_end));
  for (Wait* const reply : {&first, &second}) {
    boost::asio::steady_timer wire{time.context(), 20ms};
    wire.async_wait([reply](const boost::system::error_code&) { reply->wake(); });
    time.run();
  }
  EXPECT_EQ(first_end, WaitEnd::woken);
  EXPECT_EQ(second_end, WaitEnd::woken);
  EXPECT_EQ(time.now(), TimePoint{});
}

/// Opens a line, says something that nobody answers for a second, and is silent for another one.
Task<void> open_and_ask(LockstepTime* time, LinkKey line) {
  time->link_opened(line);
  {
    const TimeSource::InFlight in_flight{*time, line};
    co_await time->sleep_for(1s);
  }
  co_await time->sleep_for(1s);
  time->stop();
}

// The simulator does not see a line being opened, and has more than one with the same number, one after the other.
TEST_F(LockstepTimeTest, requests_on_a_line_are_counted_since_it_was_there) {
  ScriptedDoor door{[](const std::string& line) {
    const bool hangs_up = line == "advance " + ns(4s);
    return "now " + line.substr(8, line.find(' ', 8) - 8) + (hangs_up ? " tty4!" : "") + " until " + for_ever;
  }};
  LockstepTime time{"127.0.0.1", door.port(), Lookahead::off};
  for (int i = 0; i < 4; ++i) {
    time.spawn(open_and_ask(&time, LinkKey{.tty = 5}));
    time.run();
  }
  EXPECT_THAT(door.asked(), ElementsAre("advance " + ns(1s) + " tty4:1", "advance " + ns(2s),  //
                                        "advance " + ns(3s) + " tty4:2", "advance " + ns(4s),  //
                                        "advance " + ns(5s) + " tty4:1", "advance " + ns(6s),  //
                                        "advance " + ns(7s) + " tty4:2", "advance " + ns(8s)));
}

// To wake a thread on another core that has gone to sleep costs more than all the rest of a step.
TEST_F(LockstepTimeTest, threads_that_take_turns_share_a_core_as_long_as_the_run_lasts) {
  const int cores_before = cores();
  // With one core there is nothing to choose.
  if (cores_before < 2) GTEST_SKIP() << "this machine gives us one core";
  std::promise<void> run_is_over;
  int cores_of_bystander = 0;
  std::thread bystander{[&] {  // the recorder's
    run_is_over.get_future().wait();
    cores_of_bystander = cores();
  }};
  const std::vector<std::string> asked = run(&LockstepTimeTest::take_many_turns, Duration::max(), Lookahead::off);
  EXPECT_EQ(cores_of_control_thread_, 1);
  EXPECT_EQ(cores_of_bus_, 1);
  EXPECT_THAT(asked, ::testing::Contains(::testing::StartsWith("core ")).Times(1));
  EXPECT_EQ(cores(), cores_before);
  run_is_over.set_value();
  bystander.join();
  EXPECT_EQ(cores_of_bystander, cores_before);
}

// A simulator that does not know the word is none the worse for it.
TEST_F(LockstepTimeTest, to_share_a_core_is_a_hint) {
  const ScriptedDoor::Script obey = quiet_until(Duration::max());
  ScriptedDoor door{[&](const std::string& line) { return line.starts_with("core") ? "error unknown command" : obey(line); }};
  LockstepTime time{"127.0.0.1", door.port(), Lookahead::off};
  time_ = &time;
  time.spawn(to_its_end(&LockstepTimeTest::take_many_turns));
  time.run();
  EXPECT_EQ(time.now(), TimePoint{300ms});
}

TEST_F(LockstepTimeTest, a_simulator_that_is_gone_ends_the_run) {
  ScriptedDoor door{[](const std::string&) { return std::string("who are you"); }};
  LockstepTime time{"127.0.0.1", door.port()};
  time_ = &time;
  time.spawn(to_its_end(&LockstepTimeTest::sleep_five_times));
  EXPECT_THROW(time.run(), std::runtime_error);
}

}  // namespace
}  // namespace cellrig
