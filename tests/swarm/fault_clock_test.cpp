// From where a fault's deadline runs, and whom it finds late.
#include <gtest/gtest.h>

#include <functional>

#include "tests/swarm/fault_clock.hpp"
#include "tests/swarm/swarm_run.hpp"

namespace cellrig::swarm {
namespace {

using namespace std::chrono_literals;

/// A charge at 5 A since 10 s, and somebody who switches it off or does not.
class FaultClockTest : public testing::Test {
 protected:
  static constexpr Duration way = 50ms;
  static constexpr Duration step = 10ms;

  FaultClockTest() {
    truth_ = {.now = TimePoint{10s},
              .voltage_V = 3.9,
              .current_A = 5.0,
              .flows = true,
              .is_on = true,
              .is_constant_current = true,
              .is_wanted = true,
              .commanded = TimePoint{},
              .tip_degC = 30.0,
              .air_degC = 25.0,
              .wanted_degC = 25.0};
  }

  void begin(Reaction reaction, Duration gap = {}) { clock_.begin(reaction, bounds_, truth_, gap); }
  /// True: late. `change` gives the truth of each look.
  bool go_on(Duration duration, const std::function<void(FaultTruth&, Duration)>& change) {
    for (Duration passed{}; passed <= duration; passed += step) {
      truth_.now += step;
      change(truth_, passed);
      if (clock_.look(truth_, way)) return true;
    }
    return false;
  }
  void switch_off() {
    truth_.is_on = truth_.flows = false;
    truth_.current_A = 0;
    (void)go_on(step, [](FaultTruth&, Duration) {});
  }

  FaultBounds bounds_{.period = 100ms,
                      .off_period = 1s,
                      .sensor_period = 500ms,
                      .age_limit = 1s,
                      .watchdog_delay = 5s,
                      .voltage_max_V = 4.25,
                      .still_Ah = 0.05,
                      .one_C_A = 5.0,
                      .alike_by_chance = 65};
  FaultTruth truth_;
  FaultClock clock_;
};

void leave_it(FaultTruth&, Duration) {}

TEST_F(FaultClockTest, whoever_dies_must_be_ended_by_the_watchdog_and_a_second) {
  begin(Reaction::watchdog);
  EXPECT_FALSE(go_on(5900ms, leave_it));
  EXPECT_TRUE(clock_.is_running());
  EXPECT_TRUE(go_on(200ms, leave_it));
  EXPECT_GT(clock_.answer()->flowed, 6s);
  begin(Reaction::watchdog);
  EXPECT_FALSE(go_on(4s, leave_it));
  switch_off();
  ASSERT_TRUE(clock_.answer());
  EXPECT_NEAR(to_seconds(clock_.answer()->flowed), 4.0, 0.05);
  EXPECT_EQ(clock_.answer()->deadline, 6s);
}

TEST_F(FaultClockTest, a_gap_counts_from_the_awakening_and_only_above_the_age_limit) {
  begin(Reaction::awakening, 3s);
  EXPECT_FALSE(go_on(3s, leave_it));
  EXPECT_TRUE(go_on(500ms, leave_it));
  begin(Reaction::awakening, 1s);
  EXPECT_FALSE(go_on(10s, leave_it)) << "an age that no rule calls old";
  EXPECT_FALSE(clock_.is_running());
}

TEST_F(FaultClockTest, an_open_circuit_is_late_while_the_output_is_on_though_nothing_flows) {
  begin(Reaction::circuit_opens);
  const auto open = [](FaultTruth& truth, Duration) {
    truth.circuit_is_open = true;
    truth.flows = false;
    truth.current_A = 0;
  };
  EXPECT_TRUE(go_on(1s, open));
  EXPECT_LT(clock_.answer()->flowed, 500ms);
  truth_.current_A = 0.2;
  truth_.flows = true;
  truth_.circuit_is_open = false;
  begin(Reaction::circuit_opens);
  EXPECT_FALSE(go_on(1s, open)) << "too little to be missed";
}

TEST_F(FaultClockTest, a_fall_counts_where_it_comes_at_once_at_the_same_current) {
  begin(Reaction::voltage_falls);
  EXPECT_TRUE(go_on(1s, [](FaultTruth& truth, Duration) { truth.voltage_V = 3.8; }));
  truth_.voltage_V = 3.9;
  begin(Reaction::voltage_falls);
  EXPECT_FALSE(go_on(1s, [](FaultTruth& truth, Duration passed) { truth.voltage_V = 3.9 - 0.1 * to_seconds(passed); }));
  truth_.voltage_V = 3.9;
  begin(Reaction::voltage_falls);
  EXPECT_FALSE(go_on(1s, [](FaultTruth& truth, Duration) {
    truth.voltage_V = 3.8;
    truth.current_A = 4.0;
  })) << "the current fell, too";
  truth_.voltage_V = 3.9;
  truth_.current_A = -5.0;
  begin(Reaction::voltage_falls);
  EXPECT_FALSE(go_on(1s, [](FaultTruth& truth, Duration) { truth.voltage_V = 3.8; }))
      << "the rig's bound is wider in a discharge";
  truth_.voltage_V = 3.9;
  begin(Reaction::voltage_falls);
  EXPECT_TRUE(go_on(1s, [](FaultTruth& truth, Duration) { truth.voltage_V = 3.7; }));
}

TEST_F(FaultClockTest, a_rise_counts_while_it_is_faster_than_the_rule_and_goes_on) {
  const double start_degC = *truth_.tip_degC;
  const auto at_rate = [start_degC](double K_per_s, Duration until) {
    return
        [=](FaultTruth& truth, Duration passed) { truth.tip_degC = start_degC + K_per_s * to_seconds(std::min(passed, until)); };
  };
  begin(Reaction::warms_fast);
  EXPECT_TRUE(go_on(6s, at_rate(2.0, 1h)));
  begin(Reaction::warms_fast);
  EXPECT_FALSE(go_on(20s, at_rate(0.9, 1h)));
  begin(Reaction::warms_fast);
  EXPECT_FALSE(go_on(20s, at_rate(5.0, 2s))) << "over before 3 s have passed";
}

TEST_F(FaultClockTest, what_swings_back_in_time_is_no_case_and_what_stays_is) {
  begin(Reaction::over_voltage);
  const auto swing = [](FaultTruth& truth, Duration passed) { truth.voltage_V = passed % 200ms < 100ms ? 4.3 : 4.2; };
  EXPECT_FALSE(go_on(5s, swing));
  EXPECT_TRUE(go_on(1s, [](FaultTruth& truth, Duration) { truth.voltage_V = 4.3; }));
}

// The instrument's own protection: off before anybody could look, and an answer all the same.
TEST_F(FaultClockTest, a_voltage_that_was_over_between_two_looks_counts_where_the_output_went_off_with_it) {
  truth_.peak_V = 4.2;
  begin(Reaction::over_voltage);
  EXPECT_FALSE(go_on(1s, [](FaultTruth& truth, Duration) { truth.peak_V = 4.2; }));
  EXPECT_FALSE(clock_.answer());
  truth_.peak_V = 4.3;
  switch_off();
  ASSERT_TRUE(clock_.answer());
  EXPECT_EQ(clock_.answer()->flowed, 0s);
  truth_.is_on = truth_.flows = true;
  begin(Reaction::over_voltage);
  switch_off();
  EXPECT_FALSE(clock_.answer()) << "it had been as high before";
}

TEST_F(FaultClockTest, an_output_that_refuses_off_is_late_after_the_way_and_one_that_is_wanted_never) {
  begin(Reaction::off_refused);
  EXPECT_FALSE(go_on(5s, leave_it));
  EXPECT_TRUE(go_on(5s, [](FaultTruth& truth, Duration) { truth.is_wanted = false; }));
}

TEST_F(FaultClockTest, a_current_that_nobody_asked_for_has_two_looks) {
  begin(Reaction::unasked);
  EXPECT_FALSE(go_on(5s, leave_it)) << "it was on, and wanted, when the fault came";
  truth_.is_on = truth_.flows = truth_.is_wanted = false;
  begin(Reaction::unasked);
  const auto flows = [](FaultTruth& truth, Duration) { truth.is_on = truth.flows = true; };
  EXPECT_FALSE(go_on(2s, flows));
  EXPECT_TRUE(go_on(300ms, flows));
}

TEST_F(FaultClockTest, a_chamber_that_leaves_its_set_point_is_late_after_its_band_s_time_and_not_where_it_was_told_another) {
  const auto hot = [](FaultTruth& truth, Duration) { truth.air_degC = 30.0; };
  truth_.now = TimePoint{1h};
  begin(Reaction::chamber_leaves);
  EXPECT_FALSE(go_on(3min, hot));
  EXPECT_TRUE(go_on(5s, hot));
  truth_.air_degC = 25.0;
  begin(Reaction::chamber_leaves);
  EXPECT_FALSE(go_on(10min, [](FaultTruth& truth, Duration) {
    truth.air_degC = 30.0;
    truth.wanted_degC = 30.0;
  }));
}

TEST_F(FaultClockTest, readings_at_an_end_count_by_the_charge_that_their_display_makes) {
  begin(Reaction::clipped);
  EXPECT_FALSE(go_on(4min, leave_it));
  EXPECT_TRUE(go_on(1min, leave_it));
}

TEST_F(FaultClockTest, readings_that_stand_still_have_the_charge_of_five_seconds_at_1C_once_their_noise_is_known) {
  truth_.now = TimePoint{2min};
  begin(Reaction::stillness);
  EXPECT_FALSE(go_on(6500ms, leave_it)) << "so few readings may be alike by chance";
  EXPECT_TRUE(go_on(1s, leave_it));
  truth_.current_A = 1.0;
  begin(Reaction::stillness);
  EXPECT_FALSE(go_on(25s, leave_it)) << "C/5";
  EXPECT_TRUE(go_on(1s, leave_it));
  truth_.commanded = truth_.now - 30s;
  begin(Reaction::stillness);
  EXPECT_FALSE(go_on(5min, leave_it)) << "30 s are too short to know the noise";
}

TEST_F(FaultClockTest, what_has_ended_or_leaves_no_way_is_nobody_s_fault) {
  begin(Reaction::watchdog);
  EXPECT_FALSE(go_on(1s, leave_it));
  clock_.end();
  EXPECT_FALSE(go_on(1min, leave_it));
  begin(Reaction::watchdog);
  truth_.now += 1min;
  EXPECT_FALSE(clock_.look(truth_, std::nullopt));
}

// The clock is told of a whole run: a controller that is killed has an answer, and it is the watchdog's.
TEST(FaultClockOfARun, a_kill_is_answered_by_the_watchdog) {
  int answers = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const RunReport report = run_plan(
        draw_plan(seed, PlanOptions{.family = Family::fast_charge, .fault = "F37", .control_period = 1s}), Recording::counting);
    EXPECT_FALSE(report.violation) << report.violation->what;
    if (!report.after_fault) continue;
    ++answers;
    EXPECT_GT(report.after_fault->flowed, 3s) << "nobody else is left to end it";
    EXPECT_EQ(report.after_fault->deadline, 6s);
  }
  EXPECT_GT(answers, 0);
}

}  // namespace
}  // namespace cellrig::swarm
