// What flowed while nobody looked: what each look at an output says of it, and for how long.
#include "controller/cli/run/unseen_output.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace cellrig::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t ns_in_a_second = 1'000'000'000;
UtcTime wall_clock(std::int64_t second) { return UtcTime{second * ns_in_a_second}; }

class UnseenOutput : public testing::Test {
 protected:
  UnseenOutput() {
    bench.channels.push_back({});
    bench.channels.front().name = "ch1";
    run.unreadable = "it is of another version";
    run.info.row.channel = "ch1";
    run.info.row.time_source = "real";
    run.info.row.control_period = 100ms;
    run.last_seen = wall_clock(1000);
    moment.bench = &bench;
    moment.utc = moment.now = wall_clock(1006);
    moment.found.is_known = true;
  }
  void found_on(double current_A) {
    moment.found.is_on = true;
    moment.found.current = Amps{current_A};
  }
  double bound_A(const UnseenTime& unseen) {
    // A rating is no part of these: a bench without a channel has none.
    const BenchConfig nothing;
    moment.bench = &nothing;
    const double bound = bound_unseen(nullptr, run, moment, before, unseen).current.value();
    moment.bench = &bench;
    return bound;
  }
  double time_s() { return to_seconds(unseen_time(run, moment, "ch1", before).time); }

  BenchConfig bench;
  Interrupted run;
  ResumeMoment moment;
  FoundBefore before;
};

TEST_F(UnseenOutput, that_is_off_now_measures_an_offset_which_makes_no_bound_smaller) {
  run.last_current = Amps{-5};
  before = {.is_found = true, .was_seen = true, .off_at = wall_clock(4600), .current = Amps{-5}};
  moment.found.current = Amps{0.002};
  EXPECT_EQ(bound_A({3600s, true}), -5.0);
}

TEST_F(UnseenOutput, that_is_on_within_the_time_of_its_watchdog_counts_with_what_it_carries) {
  run.last_current = Amps{5};
  found_on(20);
  EXPECT_EQ(bound_A({7s, false}), 20.0);
}

TEST_F(UnseenOutput, of_another_channel_says_nothing_of_the_cell_that_was_moved_there) {
  run.last_current = Amps{5};
  before = {.is_found = true, .was_seen = true, .off_at = wall_clock(4600), .current = Amps{5}};
  moment.is_elsewhere = true;
  found_on(20);
  EXPECT_EQ(bound_A({3600s, true}), 5.0);
}

TEST_F(UnseenOutput, that_an_earlier_start_saw_counts_with_what_it_carried_then) {
  run.last_current = Amps{5};
  before = {.is_found = true, .was_seen = true, .off_at = wall_clock(4600), .current = Amps{12}};
  EXPECT_EQ(bound_A({3600s, true}), 12.0);
}

// Five seconds of the watchdog, one of its tolerance, one of rows that no commit had reached.
TEST_F(UnseenOutput, of_a_process_that_died_has_the_time_of_its_watchdog) { EXPECT_EQ(time_s(), 7.0); }

TEST_F(UnseenOutput, may_have_been_asked_for_three_control_periods_after_the_last_answer) {
  run.info.row.control_period = 2s;
  EXPECT_EQ(time_s(), 12.0);
}

// A second until the readings were too old, and the tries of OFF.
TEST_F(UnseenOutput, of_a_process_that_died_in_its_off_was_fed_by_its_tries) {
  run.trip = "readings too old";
  EXPECT_EQ(time_s(), 11.0);
  run.trip.clear();
  run.stop = "Ctrl-C";
  EXPECT_EQ(time_s(), 11.0);
  run.info.end = db::RunEndRow{};
  EXPECT_EQ(time_s(), 7.0) << "its OFF has ended: what that took is told by the run";
}

}  // namespace
}  // namespace cellrig::cli
