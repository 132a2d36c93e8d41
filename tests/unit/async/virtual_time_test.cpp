// Waits under virtual time: their order, their wakes, and what happens when nothing is left to do.
#include "controller/async/virtual_time.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/async/stop_after.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;

TimePoint after(Duration duration) { return TimePoint{duration}; }

Task<void> note_at(TimeSource& time, Duration due, std::string name, std::string& order) {
  co_await time.sleep_until(after(due));
  order += name;
}

// ---- order ----------------------------------------------------------------------------------------------------------------

TEST(VirtualTime, begins_at_zero_on_the_first_of_january_2000) {
  VirtualTime time;
  EXPECT_EQ(time.now(), TimePoint{});
  EXPECT_EQ(time.utc_now(), simulated_epoch);
  EXPECT_EQ(simulated_epoch.ns_since_epoch / 1'000'000'000, 946'684'800);
}

TEST(VirtualTime, jumps_to_the_next_wait_and_takes_the_label_with_it) {
  VirtualTime time;
  time.spawn(stop_after(time, 36h));
  time.run();
  EXPECT_EQ(time.now(), after(36h));
  EXPECT_EQ(time.utc_now().ns_since_epoch, simulated_epoch.ns_since_epoch + Duration{36h}.count());
}

TEST(VirtualTime, waits_end_in_the_order_of_their_instants) {
  VirtualTime time;
  std::string order;
  time.spawn(note_at(time, 3s, "c", order));
  time.spawn(note_at(time, 1s, "a", order));
  time.spawn(note_at(time, 2s, "b", order));
  time.spawn(stop_after(time, 4s));
  time.run();
  EXPECT_EQ(order, "abc");
}

TEST(VirtualTime, waits_for_one_instant_end_in_the_order_in_which_they_began) {
  VirtualTime time;
  std::string order;
  for (const char* const name : {"a", "b", "c", "d", "e", "f", "g"}) time.spawn(note_at(time, 1s, name, order));
  time.spawn(stop_after(time, 1s));
  time.run();
  EXPECT_EQ(order, "abcdefg");
}

Task<void> wait_for_the_past(TimeSource& time, TimePoint& seen) {
  co_await time.sleep_until(after(10s));
  co_await time.sleep_until(after(3s));
  seen = time.now();
  time.stop();
}

TEST(VirtualTime, never_runs_backwards) {
  VirtualTime time;
  TimePoint seen;
  time.spawn(wait_for_the_past(time, seen));
  time.run();
  EXPECT_EQ(seen, after(10s));
}

// ---- wakes ----------------------------------------------------------------------------------------------------------------

struct Ended {
  WaitEnd how = WaitEnd::due;
  TimePoint when{};
};

Task<void> wait_until(TimeSource& time, Wait& wait, TimePoint due, std::vector<Ended>& ends) {
  const WaitEnd how = co_await wait.until(due);
  const Ended ended{how, time.now()};
  ends.push_back(ended);
}

Task<void> wake_at(TimeSource& time, Wait& wait, Duration due) {
  co_await time.sleep_until(after(due));
  wait.wake();
}

TEST(Wait, ends_at_its_instant_when_nobody_wakes_it) {
  VirtualTime time;
  Wait wait{time};
  std::vector<Ended> ends;
  time.spawn(wait_until(time, wait, after(5s), ends));
  time.spawn(stop_after(time, 10s));
  time.run();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].how, WaitEnd::due);
  EXPECT_EQ(ends[0].when, after(5s));
}

TEST(Wait, a_wake_before_the_instant_ends_it_at_once) {
  VirtualTime time;
  Wait wait{time};
  std::vector<Ended> ends;
  time.spawn(wait_until(time, wait, after(5s), ends));
  time.spawn(wake_at(time, wait, 2s));
  time.spawn(stop_after(time, 10s));
  time.run();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].how, WaitEnd::woken);
  EXPECT_EQ(ends[0].when, after(2s));
}

Task<void> wait_twice(TimeSource& time, Wait& wait, std::vector<Ended>& ends) {
  for (int n = 1; n <= 2; ++n) {
    const WaitEnd how = co_await wait.until(after(n * 10s));
    const Ended ended{how, time.now()};
    ends.push_back(ended);
    co_await time.sleep_until(after(n * 10s + 5s));
  }
  time.stop();
}

TEST(Wait, a_wake_while_nobody_waits_is_remembered_once) {
  VirtualTime time;
  Wait wait{time};
  std::vector<Ended> ends;
  wait.wake();
  wait.wake();
  time.spawn(wait_twice(time, wait, ends));
  time.run();
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_EQ(ends[0].how, WaitEnd::woken);
  EXPECT_EQ(ends[0].when, TimePoint{});
  EXPECT_EQ(ends[1].how, WaitEnd::due) << "one remembered wake ends one wait";
  EXPECT_EQ(ends[1].when, after(20s));
}

TEST(Wait, a_wake_after_the_instant_ends_the_next_wait) {
  VirtualTime time;
  Wait wait{time};
  std::vector<Ended> ends;
  time.spawn(wait_twice(time, wait, ends));
  time.spawn(wake_at(time, wait, 12s));  // the first wait is over, the second begins at 15 s
  time.run();
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_EQ(ends[0].how, WaitEnd::due);
  EXPECT_EQ(ends[1].how, WaitEnd::woken);
  EXPECT_EQ(ends[1].when, after(15s));
}

TEST(Wait, a_forgotten_wake_ends_nothing) {
  VirtualTime time;
  Wait wait{time};
  std::vector<Ended> ends;
  wait.wake();
  wait.forget();
  time.spawn(wait_until(time, wait, after(5s), ends));
  time.spawn(stop_after(time, 10s));
  time.run();
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].how, WaitEnd::due);
}

TEST(Wait, several_wakes_end_one_wait) {
  VirtualTime time;
  Wait wait{time};
  std::vector<Ended> ends;
  time.spawn(wait_twice(time, wait, ends));
  for (int n = 0; n < 3; ++n) time.spawn(wake_at(time, wait, 2s));
  time.run();
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_EQ(ends[0].when, after(2s));
}

Task<void> wait_for_a_wake(Wait& wait, TimeSource& time) {
  co_await wait.until_woken();
  time.stop();
}

TEST(Wait, without_an_instant_it_ends_by_a_wake_only) {
  VirtualTime time;
  Wait wait{time};
  time.spawn(wait_for_a_wake(wait, time));
  time.spawn(wake_at(time, wait, 1000h));
  time.run();
  EXPECT_EQ(time.now(), after(1000h));
}

// ---- a wait that is destroyed -----------------------------------------------------------------------------------------------

Task<void> note_the_end_of_the_frame(std::unique_ptr<Wait>& wait, std::shared_ptr<int> alive) {
  co_await wait->until(after(5s));
  *alive += 100;
}

Task<void> destroy_at(TimeSource& time, std::unique_ptr<Wait>& wait, Duration due) {
  co_await time.sleep_until(after(due));
  wait.reset();
}

TEST(Wait, destroying_it_ends_the_coroutine_that_waits_without_resuming_it) {
  const auto alive = std::make_shared<int>(0);
  {
    VirtualTime time;
    auto wait = std::make_unique<Wait>(time);
    time.spawn(note_the_end_of_the_frame(wait, alive));
    time.spawn(destroy_at(time, wait, 2s));
    time.spawn(stop_after(time, 10s));
    time.run();
    EXPECT_EQ(*alive, 0) << "it was not resumed";
    EXPECT_EQ(time.now(), after(10s));
  }
  EXPECT_EQ(alive.use_count(), 1) << "and its frame is gone";
}

// ---- many -------------------------------------------------------------------------------------------------------------------

struct Fired {
  TimePoint due{};
  int number = 0;
  bool operator==(const Fired&) const = default;
};

Task<void> fire(TimeSource& time, TimePoint due, int number, std::vector<Fired>& fired) {
  co_await time.sleep_until(due);
  EXPECT_EQ(time.now(), due);
  const Fired entry{due, number};
  fired.push_back(entry);
}

TEST(VirtualTime, ten_thousand_random_waits_end_in_order) {
  VirtualTime time;
  std::mt19937_64 bits{4711};
  std::vector<Fired> fired, expected;
  for (int number = 0; number < 10'000; ++number) {
    const TimePoint due = after(std::chrono::milliseconds{1 + bits() % 3000});  // many share an instant
    expected.push_back({due, number});
    time.spawn(fire(time, due, number, fired));
  }
  std::stable_sort(expected.begin(), expected.end(), [](const Fired& a, const Fired& b) { return a.due < b.due; });
  time.spawn(stop_after(time, 1h));
  time.run();
  EXPECT_EQ(fired, expected);
}

struct Crowd {
  std::vector<std::unique_ptr<Wait>> waits;
  std::vector<int> ended;  ///< numbers in the order in which they ended
  std::vector<TimePoint> instants;
  std::mt19937_64 bits;
};

Task<void> member(TimeSource& time, Crowd& crowd, std::size_t number, TimePoint due) {
  co_await crowd.waits[number]->until(due);
  crowd.ended.push_back(static_cast<int>(number));
  crowd.instants.push_back(time.now());
}

/// Wakes and destroys waits in the middle of the heap while it is being served.
Task<void> disturb(TimeSource& time, Crowd& crowd) {
  for (int n = 0; n < 4000; ++n) {
    co_await time.sleep_for(1ms);
    auto& wait = crowd.waits[crowd.bits() % crowd.waits.size()];
    if (!wait) continue;
    if (crowd.bits() % 3 == 0) {
      wait.reset();
    } else {
      wait->wake();
    }
  }
  co_await time.sleep_for(1h);
  time.stop();
}

TEST(VirtualTime, the_list_of_waits_stays_whole_while_waits_are_woken_and_destroyed_in_its_middle) {
  const auto run = [](std::uint64_t seed) {
    VirtualTime time;
    Crowd crowd;
    crowd.bits.seed(seed);
    for (std::size_t n = 0; n < 5000; ++n) crowd.waits.push_back(std::make_unique<Wait>(time));
    for (std::size_t n = 0; n < 5000; ++n)
      time.spawn(member(time, crowd, n, after(std::chrono::microseconds{1 + crowd.bits() % 6'000'000})));
    time.spawn(disturb(time, crowd));
    time.run();
    EXPECT_TRUE(std::is_sorted(crowd.instants.begin(), crowd.instants.end()));
    std::vector<int> each = crowd.ended;
    std::sort(each.begin(), each.end());
    EXPECT_EQ(std::adjacent_find(each.begin(), each.end()), each.end()) << "a wait ended twice";
    for (std::size_t n = 0; n < crowd.waits.size(); ++n) {
      if (crowd.waits[n]) {
        EXPECT_TRUE(std::binary_search(each.begin(), each.end(), static_cast<int>(n))) << n << " never ended";
      }
    }
    return crowd.ended;
  };
  EXPECT_EQ(run(1), run(1)) << "same seed, same order";
  EXPECT_NE(run(1), run(2));
}

// ---- handlers that were posted ------------------------------------------------------------------------------------------------

Task<void> post_and_sleep(TimeSource& time, std::vector<TimePoint>& ran) {
  auto note = [&time, &ran] { ran.push_back(time.now()); };
  co_await time.sleep_until(after(1s));
  time.post(note);
  co_await time.sleep_until(after(2s));
  time.stop();
}

TEST(VirtualTime, what_was_posted_runs_before_time_goes_on) {
  VirtualTime time;
  std::vector<TimePoint> ran;
  time.spawn(post_and_sleep(time, ran));
  time.run();
  ASSERT_EQ(ran.size(), 1u);
  EXPECT_EQ(ran[0], after(1s));
}

TEST(VirtualTime, another_thread_may_post) {
  VirtualTime time;
  Wait wait{time};
  time.spawn(wait_for_a_wake(wait, time));
  std::thread thread{[&time, &wait] { time.post([&wait] { wait.wake(); }); }};
  thread.join();
  time.run();
  EXPECT_EQ(time.now(), TimePoint{});
}

}  // namespace
}  // namespace cellrig
