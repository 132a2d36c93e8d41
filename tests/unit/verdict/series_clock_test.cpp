// How long a series of runs will still take.
#include <gtest/gtest.h>

#include "controller/cli/verify/verify_progress.hpp"

namespace cellrig::cli {
namespace {

TEST(SeriesClock, the_rest_takes_as_long_for_its_cost_as_what_is_done) {
  SeriesClock clock;
  clock.expect(100);
  clock.expect(300);
  EXPECT_FALSE(clock.seconds_left(10, 0)) << "nothing is known yet";
  EXPECT_DOUBLE_EQ(*clock.seconds_left(10, 50), 70);
  clock.finish(100);
  EXPECT_DOUBLE_EQ(*clock.seconds_left(20, 0), 60);
  EXPECT_DOUBLE_EQ(clock.share(150), 0.625);
  clock.finish(300);
  EXPECT_DOUBLE_EQ(*clock.seconds_left(80, 0), 0);
  EXPECT_DOUBLE_EQ(clock.share(50), 1.0) << "an estimate that was too short is no more than all";
}

TEST(SeriesClock, what_an_earlier_call_finished_took_no_time_of_this_one) {
  SeriesClock clock;
  clock.expect(1000);
  clock.pass_over(800);
  clock.finish(100);
  EXPECT_DOUBLE_EQ(*clock.seconds_left(30, 0), 30);
}

TEST(SeriesClock, says_nothing_from_too_little) {
  SeriesClock clock;
  EXPECT_FALSE(clock.seconds_left(100, 0)) << "nothing to do";
  clock.expect(1e6);
  EXPECT_FALSE(clock.seconds_left(1, 1e5)) << "the first moments";
  EXPECT_FALSE(clock.seconds_left(100, 10)) << "a hundred-thousandth";
}

}  // namespace
}  // namespace cellrig::cli
