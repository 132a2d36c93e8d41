// Real time: milliseconds only, and never an upper bound on how late a busy machine may be but one that catches "never".
#include "controller/async/real_time.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <thread>
#include <vector>

namespace cellrig {
namespace {

using namespace std::chrono_literals;

constexpr Duration never = 20s;  ///< later than this means it did not work

TEST(RealTime, its_time_line_is_the_steady_clock_and_its_label_is_utc) {
  RealTime time;
  const auto steady_before = std::chrono::steady_clock::now().time_since_epoch();
  const TimePoint now = time.now();
  const auto steady_after = std::chrono::steady_clock::now().time_since_epoch();
  EXPECT_GE(now.time_since_epoch(), steady_before);
  EXPECT_LE(now.time_since_epoch(), steady_after);
  const auto utc_before = std::chrono::system_clock::now().time_since_epoch();
  const UtcTime utc = time.utc_now();
  EXPECT_GE(Duration{utc.ns_since_epoch} + 1ms, utc_before);
  EXPECT_LE(Duration{utc.ns_since_epoch} - 1s, std::chrono::system_clock::now().time_since_epoch());
}

TEST(RealTime, the_time_in_suspend_does_not_shrink) {
  const Duration first = RealTime{}.suspended();
  EXPECT_GE(first, Duration{-1ms});
  EXPECT_GE(RealTime{}.suspended() + 1ms, first);
}

Task<void> sleep_and_check(TimeSource& time, Duration duration, int& left) {
  const TimePoint due = time.now() + duration;
  co_await time.sleep_until(due);
  EXPECT_GE(time.now(), due) << "too early";
  if (--left == 0) time.stop();
}

TEST(RealTime, no_wait_ends_early) {
  RealTime time;
  std::mt19937_64 bits{8};
  int left = 300;
  for (int n = 0; n < 300; ++n) time.spawn(sleep_and_check(time, std::chrono::microseconds{bits() % 30'000}, left));
  const TimePoint begin = time.now();
  time.run();
  EXPECT_EQ(left, 0);
  EXPECT_LT(time.now() - begin, never);
}

Task<void> note_order(TimeSource& time, TimePoint due, int number, std::vector<int>& order) {
  co_await time.sleep_until(due);
  order.push_back(number);
  if (order.size() == 5) time.stop();
}

TEST(RealTime, waits_end_in_the_order_of_their_instants) {
  RealTime time;
  std::vector<int> order;
  const TimePoint begin = time.now();
  for (const int n : {3, 1, 5, 2, 4}) time.spawn(note_order(time, begin + n * 1ms, n, order));
  time.run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4, 5}));
}

Task<void> wait_long(TimeSource& time, Wait& wait, WaitEnd& end) {
  end = co_await wait.until(time.now() + 1h);
  time.stop();
}

Task<void> wake_soon(TimeSource& time, Wait& wait) {
  co_await time.sleep_for(2ms);
  wait.wake();
}

TEST(RealTime, a_shorter_wait_that_begins_later_is_not_held_up_by_a_long_one) {
  RealTime time;
  Wait wait{time};
  WaitEnd end = WaitEnd::due;
  const TimePoint begin = time.now();
  time.spawn(wait_long(time, wait, end));
  time.spawn(wake_soon(time, wait));
  time.run();
  EXPECT_EQ(end, WaitEnd::woken);
  EXPECT_GE(time.now() - begin, 2ms);
  EXPECT_LT(time.now() - begin, never);
}

Task<void> wait_for_wakes(TimeSource& time, Wait& wait, int wakes) {
  for (int n = 0; n < wakes; ++n) co_await wait.until_woken();
  time.stop();
}

// A bus thread hands its answer over while the control thread sleeps in the kernel.
TEST(RealTime, a_post_of_another_thread_wakes_a_wait) {
  RealTime time;
  Wait wait{time};
  time.spawn(wait_for_wakes(time, wait, 1));
  std::thread thread{[&time, &wait] { time.post([&wait] { wait.wake(); }); }};
  const TimePoint begin = time.now();
  time.run();
  thread.join();
  EXPECT_LT(time.now() - begin, never);
}

struct Exchange {
  Wait answered;
  int answers = 0;
};

Task<void> ping(TimeSource& time, Exchange& exchange, std::vector<std::thread>& threads) {
  for (int n = 1; n <= 50; ++n) {
    auto answer = [&exchange] {
      ++exchange.answers;
      exchange.answered.wake();
    };
    auto work = [&time, answer] { time.post(answer); };
    threads.emplace_back(work);
    co_await exchange.answered.until(time.now() + never);
    EXPECT_EQ(exchange.answers, n) << "the answer came, not the time-out";
  }
  time.stop();
}

TEST(RealTime, answers_of_other_threads_arrive_one_by_one_and_on_the_control_thread) {
  RealTime time;
  Exchange exchange{Wait{time}};
  std::vector<std::thread> threads;
  time.spawn(ping(time, exchange, threads));
  time.run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(exchange.answers, 50);
}

Task<void> tick(TimeSource& time, int ticks, Duration period) {
  TimePoint next = time.now();
  for (int n = 0; n < ticks; ++n) {
    next += period;
    co_await time.sleep_until(next);
    EXPECT_GE(time.now(), next);
  }
  time.stop();
}

TEST(RealTime, an_absolute_period_does_not_drift) {
  RealTime time;
  const TimePoint begin = time.now();
  time.spawn(tick(time, 50, 1ms));
  time.run();
  EXPECT_GE(time.now() - begin, 50ms);
  EXPECT_LT(time.now() - begin, never);
}

TEST(RealTime, a_wait_for_an_instant_in_the_past_ends_at_once) {
  RealTime time;
  int left = 1;
  time.spawn(sleep_and_check(time, -1h, left));
  const TimePoint begin = time.now();
  time.run();
  EXPECT_LT(time.now() - begin, never);
}

}  // namespace
}  // namespace cellrig
