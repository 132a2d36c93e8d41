// What may have gone into a cell through an output that should be off: a bound, whatever the looks did not see.
#include "controller/runtime/charge_since.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "controller/runtime/output_watch.hpp"
#include "controller/runtime/service_place.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;

OutputLook seen_on(double current_A) {
  OutputLook look;
  look.was_on = true;
  look.readings.emplace();
  look.readings->output_on = true;
  look.readings->current = Reading{current_A, TimePoint{}, Quality::good};
  return look;
}

OutputLook seen_off() {
  OutputLook look = seen_on(0.0);
  look.was_on = look.readings->output_on = false;
  return look;
}

class ChargeSinceTheEnd : public testing::Test {
 protected:
  static constexpr Amps instrument_max{60.0};
  ChargeSinceTheEnd() { since.begin(now); }
  /// The charge in Ah that this look adds, so long after the one before.
  double after(Duration time, const OutputLook& look) { return since.count(look, now += time).value(); }

  TimePoint now{};
  ChargeSince since{instrument_max};
};

TEST_F(ChargeSinceTheEnd, is_nothing_while_it_is_off) {
  EXPECT_EQ(after(1h, seen_off()), 0.0);
  EXPECT_EQ(after(1h, OutputLook{}), 0.0);
  EXPECT_EQ(after(1h, seen_off()), 0.0);
}

TEST_F(ChargeSinceTheEnd, of_what_flows_now_has_flowed_since_the_last_look_that_told) {
  (void)after(1s, seen_off());
  EXPECT_EQ(after(30min, OutputLook{}), 0.0) << "no answer";
  EXPECT_NEAR(after(30min, seen_on(2.0)), 2.0, 1e-9);
}

// OFF was not confirmed, then the link was dead: that it is off at last does not say since when.
TEST_F(ChargeSinceTheEnd, counts_what_was_seen_last_up_to_the_first_look_that_sees_it_off) {
  (void)after(1s, seen_on(5.0));
  (void)after(15min, OutputLook{});
  EXPECT_NEAR(after(15min, seen_off()), 2.5, 1e-9);
  EXPECT_EQ(after(1h, seen_off()), 0.0);
}

TEST_F(ChargeSinceTheEnd, counts_the_greater_of_what_two_looks_saw) {
  (void)after(1s, seen_on(10.0));
  EXPECT_NEAR(after(1h, seen_on(0.1)), 10.0, 1e-9);
  EXPECT_NEAR(after(1h, seen_on(-3.0)), 0.1, 1e-9);
  EXPECT_EQ(after(1h, seen_on(-3.0)), 0.0) << "out of the cell: nothing is relied on";
}

TEST_F(ChargeSinceTheEnd, is_what_the_instrument_can_give_where_it_is_on_and_says_no_number) {
  (void)after(1s, seen_off());
  EXPECT_NEAR(after(1min, seen_on(std::numeric_limits<double>::quiet_NaN())), 1.0, 1e-9);
  EXPECT_NEAR(after(1min, seen_off()), 1.0, 1e-9);
}

TEST_F(ChargeSinceTheEnd, begins_at_nothing_after_an_off_that_was_confirmed) {
  OutputLook look = seen_on(5.0);
  look.is_off_again = true;
  (void)after(1s, look);
  EXPECT_EQ(after(1h, seen_off()), 0.0);
}

// An OFF that gets through before any look does.
TEST_F(ChargeSinceTheEnd, is_counted_until_an_off_by_another_way) {
  (void)after(1s, seen_on(5.0));
  EXPECT_NEAR(since.count_until(now += 30min).value(), 2.5, 1e-9);
  since.begin(now);
  EXPECT_EQ(after(1h, seen_off()), 0.0);
}

// Nobody could confirm OFF at the end: what the run had commanded may flow until somebody can.
TEST_F(ChargeSinceTheEnd, of_an_end_without_off_is_what_was_commanded_from_the_last_measurement_on) {
  since.begin(now - 60s, Amps{5.0});
  EXPECT_EQ(after(10min, OutputLook{}), 0.0);
  EXPECT_NEAR(since.count_until(now += 49min).value(), 5.0, 1e-9);
}

// A look before an OFF that is not confirmed: somebody, or a failed instrument, lets more flow than was commanded.
TEST_F(ChargeSinceTheEnd, is_raised_by_a_look_that_sees_more_and_by_none_that_sees_less) {
  since.begin(now, Amps{5.0});
  for (const OutputLook& less : {OutputLook{}, seen_off(), seen_on(1.0), seen_on(-3.0)}) {
    since.raise(less);
    EXPECT_NEAR(since.count_until(now += 30min).value(), 2.5, 1e-9) << "what was commanded may yet flow";
  }
  since.raise(seen_on(8.0));
  EXPECT_NEAR(since.count_until(now += 30min).value(), 4.0, 1e-9) << "for the time since the look before, too";
  EXPECT_NEAR(since.count_until(now += 30min).value(), 4.0, 1e-9);
  since.raise(seen_on(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_NEAR(since.count_until(now += 1min).value(), 1.0, 1e-9) << "all that the instrument can give";
}

// ---- looks that could not tell ----------------------------------------------------------------------------------------

// A cycler may give no number and no answer by turns.
TEST(OutputDoubts, are_forgotten_at_a_look_that_knows_and_not_at_one_without_an_answer) {
  OutputLook doubtful = seen_off();
  doubtful.readings->current.value = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(doubtful.is_doubtful());
  int doubts = 0;
  for (int n = 1; n <= output_doubts_max; ++n) {
    doubts = doubts_after(doubtful, doubts);
    doubts = doubts_after(OutputLook{}, doubts);
    EXPECT_EQ(doubts, n);
  }
  EXPECT_EQ(doubts_after(seen_off(), doubts), 0);
}

TEST(ToldCharge, is_never_less_than_what_was_told_since) {
  ToldCharge told;
  TimePoint now{};
  for (std::size_t n = 0; n < 2 * ToldCharge::kept_max; ++n) told.add(now += 1s, AmpHours{1.0});
  EXPECT_EQ(told.since(now).value(), 1.0);
  EXPECT_EQ(told.since(now - 9s).value(), 10.0);
  EXPECT_EQ(told.since(TimePoint::min()).value(), 2.0 * ToldCharge::kept_max) << "the oldest ones as one";
  told.forget();
  EXPECT_EQ(told.since(TimePoint::min()), AmpHours{});
}

}  // namespace
}  // namespace cellrig
