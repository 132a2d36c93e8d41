// How tasks end: by an exception, by stop(), by a deadlock, and with the time source itself.
#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include "controller/async/task_group.hpp"
#include "controller/async/real_time.hpp"
#include "controller/async/virtual_time.hpp"
#include "tests/unit/async/stop_after.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;

Task<void> fail_after(TimeSource& time, Duration duration, std::string what) {
  co_await time.sleep_for(duration);
  throw std::runtime_error(what);
}

template <class Time>
std::string what_run_throws(Time& time) {
  try {
    time.run();
  } catch (const std::runtime_error& error) {
    return error.what();
  } catch (const std::logic_error& error) {
    return std::string("logic: ") + error.what();
  }
  return "nothing";
}

template <class Time>
class TaskEnd : public testing::Test {};
using Times = testing::Types<VirtualTime, RealTime>;
TYPED_TEST_SUITE(TaskEnd, Times);

TYPED_TEST(TaskEnd, an_exception_that_leaves_a_task_surfaces_in_run) {
  TypeParam time;
  time.spawn(fail_after(time, 1ms, "broken"));
  EXPECT_EQ(what_run_throws(time), "broken");
}

TYPED_TEST(TaskEnd, an_exception_before_the_first_wait_surfaces_too) {
  TypeParam time;
  time.spawn(fail_after(time, 0ms, "broken at once"));
  EXPECT_EQ(what_run_throws(time), "broken at once");
}

TYPED_TEST(TaskEnd, the_first_exception_is_the_one_that_is_told) {
  TypeParam time;
  time.spawn(fail_after(time, 2ms, "second"));
  time.spawn(fail_after(time, 1ms, "first"));
  EXPECT_EQ(what_run_throws(time), "first");
  EXPECT_EQ(what_run_throws(time), "second") << "and it is told once: the next run goes on";
}

TYPED_TEST(TaskEnd, after_an_exception_nobody_else_is_resumed) {
  TypeParam time;
  bool resumed = false;
  const TimePoint due = time.now() + 1ms;
  const auto at_due = [](TimeSource& source, TimePoint instant, bool fails, bool& flag) -> Task<void> {
    co_await source.sleep_until(instant);
    if (fails) throw std::runtime_error("broken");
    flag = true;
    source.stop();
  };
  time.spawn(at_due(time, due, true, resumed));
  time.spawn(at_due(time, due, false, resumed));
  EXPECT_EQ(what_run_throws(time), "broken");
  EXPECT_FALSE(resumed);
  time.run();
  EXPECT_TRUE(resumed);
}

TYPED_TEST(TaskEnd, run_ends_at_a_stop_and_can_be_called_again) {
  TypeParam time;
  time.spawn(stop_after(time, 1ms));
  time.run();
  const TimePoint first = time.now();
  time.spawn(stop_after(time, 1ms));
  time.run();
  EXPECT_GE(time.now() - first, 1ms);
}

// ---- deadlock -------------------------------------------------------------------------------------------------------------

TEST(Deadlock, a_run_in_which_nobody_will_ever_do_anything_throws_instead_of_hanging) {
  VirtualTime time;
  EXPECT_THROW(time.run(), std::logic_error) << "no task at all";
}

Task<void> wait_for_ever(Wait& wait) { co_await wait.until_woken(); }

TEST(Deadlock, is_found_when_every_task_waits_for_a_wake) {
  VirtualTime time;
  Wait first{time}, second{time};
  time.spawn(wait_for_ever(first));
  time.spawn(wait_for_ever(second));
  EXPECT_THROW(time.run(), std::logic_error);
}

Task<void> end_after(TimeSource& time, Duration duration) { co_await time.sleep_for(duration); }

TEST(Deadlock, is_found_when_the_last_task_ends_without_a_stop) {
  VirtualTime time;
  time.spawn(end_after(time, 5s));
  EXPECT_THROW(time.run(), std::logic_error);
  EXPECT_EQ(time.now(), TimePoint{5s});
}

// ---- the end of the time source ----------------------------------------------------------------------------------------------

Task<void> hold(TimeSource& time, std::shared_ptr<int> held) {
  co_await time.sleep_for(1000h);
  *held = 1;
}

// A socket or a lock file in the frame of a task that still waits must be closed when its time source ends.
TYPED_TEST(TaskEnd, tasks_that_still_wait_are_destroyed_with_the_time_source) {
  const auto held = std::make_shared<int>(0);
  {
    TypeParam time;
    time.spawn(hold(time, held));
    time.spawn(stop_after(time, 1ms));
    time.run();
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1) << "the frame of the waiting task has leaked";
}

TYPED_TEST(TaskEnd, tasks_that_never_began_are_destroyed_with_the_time_source) {
  const auto held = std::make_shared<int>(0);
  {
    TypeParam time;
    time.spawn(hold(time, held));
  }
  EXPECT_EQ(held.use_count(), 1);
}

// ---- dropped after a failure ---------------------------------------------------------------------------------------------

/// Stands for what a task refers to: an instrument that is about to go.
struct Instrument {
  std::vector<std::string> log;
};

struct Talk {
  explicit Talk(Instrument& i) : instrument{i} {}
  ~Talk() { instrument.log.push_back("exchange over"); }
  Instrument& instrument;
};

Task<void> talk(TimeSource& time, Instrument& instrument) {
  const Talk exchange{instrument};
  co_await time.sleep_for(1h);
  instrument.log.push_back("went on");
}

Task<void> begin_late(Instrument& instrument) {
  instrument.log.push_back("began");
  co_return;
}

Task<void> fail_with_a_late_task(TimeSource& time, Instrument& instrument) {
  co_await time.sleep_for(1ms);
  time.spawn(begin_late(instrument));
  throw std::runtime_error("ours");
}

// OFF after a failure of our own uses new instruments: nothing of the old tasks may still run then.
TYPED_TEST(TaskEnd, dropped_tasks_are_gone_when_drop_returns) {
  TypeParam time;
  Instrument instrument;
  time.spawn(talk(time, instrument));
  time.spawn(fail_with_a_late_task(time, instrument));
  EXPECT_THROW(time.run(), std::runtime_error);
  instrument.log.clear();  // in real time the late task may have begun at once
  time.drop_tasks();
  EXPECT_EQ(instrument.log, std::vector<std::string>{"exchange over"});
  time.spawn(stop_after(time, 1ms));
  time.run();
  EXPECT_EQ(instrument.log.size(), 1U) << "something of the old tasks ran on";
}

TYPED_TEST(TaskEnd, a_group_is_waited_for_until_its_last_task_is_done) {
  TypeParam time;
  const auto held = std::make_shared<int>(0);
  const auto work = [](TimeSource* t, std::shared_ptr<int> count, Duration duration) -> Task<void> {
    co_await t->sleep_for(duration);
    ++*count;
  };
  const auto all = [&work](TimeSource* t, std::shared_ptr<int> count) -> Task<void> {
    TaskGroup group{*t};
    for (const Duration duration : {Duration{3ms}, Duration{1ms}, Duration{0}}) group.spawn(work(t, count, duration));
    co_await group.wait();
    EXPECT_EQ(*count, 3);
  };
  run_to_end(time, all(&time, held));
  EXPECT_EQ(*held, 3);
}

Task<void> own_a_wait_and_do_io(TimeSource& time, Wait*& shared) {
  Wait own{time};
  shared = &own;
  boost::asio::steady_timer never{time.context()};
  never.expires_at(std::chrono::steady_clock::time_point::max());
  co_await never.async_wait(boost::asio::use_awaitable);
}

Task<void> wait_for_another_tasks_wait(TimeSource& time, Wait*& shared) {
  co_await time.sleep_for(1ms);
  co_await shared->until_woken();
}

// The context destroys the frame that owns a Wait after the list of waits is gone.
TEST(TaskEndDeathTest, a_wait_owned_by_a_task_in_the_middle_of_io_survives_the_end_of_the_time_source) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto scenario = [] {
    {
      VirtualTime time;
      Wait* shared = nullptr;
      time.spawn(own_a_wait_and_do_io(time, shared));
      time.spawn(wait_for_another_tasks_wait(time, shared));
      time.spawn(stop_after(time, 1s));
      time.run();
    }
    std::_Exit(0);
  };
  EXPECT_EXIT(scenario(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace cellrig
