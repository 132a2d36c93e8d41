// What a channel does when nothing goes wrong: steps, samples, charge, records.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/unit/engine/channel_driver.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

Program charge_then_rest() { return ProgramBuilder{}.add(cc(2.0), {voltage_at_least(4.2)}).add(rest(60s)).build(); }

// ---- an end that the instrument's own error keeps out of reach --------------------------------------------------------

/// Charges to 4.2 V; the bound of the set-point lies beyond.
Program held_short_program(double end_V) {
  Step step = cc(2.0);
  step.held_end = HeldEnd{.end = 0, .voltage_V = end_V, .is_upper = true};
  return ProgramBuilder{}.add(step, {voltage_at_least(end_V)}).add(rest(60s)).build();
}

constexpr World held_at_bound{.voltage_V = 4.188, .current_A = 1.2, .regulation = Regulation::constant_voltage};

TEST(HeldEnd, counts_as_reached_when_the_instrument_has_held_its_bound_for_ten_seconds) {
  Driver d{held_short_program(4.2)};
  d.run();
  d.observe_after(1, {.voltage_V = 4.18, .current_A = 2});
  for (int i = 0; i < 9; ++i) EXPECT_EQ(kinds(d.observe_after(1, held_at_bound)), "record") << i;
  const ChannelOutputs outputs = d.observe_after(1, held_at_bound);
  const auto ended = all<output::StepEnded>(outputs);
  ASSERT_EQ(ended.size(), 1u) << kinds(outputs);
  EXPECT_EQ(ended[0].reason, StepEndReason::condition);
  EXPECT_TRUE(ended[0].is_held);
  EXPECT_EQ(ended[0].value, 4.188);
  EXPECT_NEAR(ended[0].margin, -0.012, 1e-12);
}

TEST(HeldEnd, is_no_end_when_something_else_limits_or_the_voltage_is_far_away) {
  struct Case {
    const char* what;
    World world;
  };
  for (const Case& c : {Case{"the current is regulated", {.voltage_V = 4.188, .current_A = 2}},
                        Case{"60 mV short", {.voltage_V = 4.14, .current_A = 1, .regulation = Regulation::constant_voltage}},
                        Case{"no number", {.voltage_V = nan, .current_A = 1, .regulation = Regulation::constant_voltage}}}) {
    Driver d{held_short_program(4.2)};
    d.run();
    for (int i = 0; i < 60; ++i) EXPECT_TRUE(all<output::StepEnded>(d.observe_after(1, c.world)).empty()) << c.what << ' ' << i;
  }
}

TEST(HeldEnd, an_end_that_is_reached_is_reached_as_ever) {
  Driver d{held_short_program(4.2)};
  d.run();
  for (int i = 0; i < 5; ++i) d.observe_after(1, held_at_bound);
  const auto ended = all<output::StepEnded>(d.observe_after(1, {.voltage_V = 4.2, .current_A = 1}));
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_FALSE(ended[0].is_held);
}

// ---- steps ------------------------------------------------------------------------------------------------------------

TEST(ChannelFlow, nothing_happens_before_the_start) {
  Driver d{charge_then_rest()};
  EXPECT_EQ(d.observe({}).size(), 0u);
  EXPECT_EQ(d.acknowledge().size(), 0u);
  EXPECT_EQ(d.grant().size(), 0u);
  EXPECT_EQ(d.send(input::Resume{}).size(), 0u);
  EXPECT_EQ(d.send(input::Skip{}).size(), 0u);
  EXPECT_EQ(d.phase(), Phase::idle);
  EXPECT_EQ(d.machine.wakeup(d.now), TimePoint::max());
}

TEST(ChannelFlow, a_program_runs_from_start_to_finished) {
  Driver d{charge_then_rest()};
  EXPECT_EQ(kinds(d.start()), "started apply");
  EXPECT_EQ(d.phase(), Phase::applying);
  EXPECT_EQ(d.acknowledge().size(), 0u);
  EXPECT_EQ(d.phase(), Phase::running);
  EXPECT_EQ(kinds(d.observe_after(1, {.voltage_V = 3.9, .current_A = 2})), "record");
  EXPECT_EQ(kinds(d.observe_after(1, {.voltage_V = 4.2, .current_A = 2})), "record ended started off");
  d.acknowledge();
  EXPECT_EQ(kinds(d.observe_after(59.999, {})), "record");
  EXPECT_EQ(kinds(d.observe_after(0.001, {})), "record ended off");
  EXPECT_EQ(d.phase(), Phase::stopping);
  const auto finished = all<output::Finished>(d.acknowledge());
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].outcome, Outcome::completed);
  EXPECT_TRUE(finished[0].criteria_met);
  EXPECT_EQ(d.phase(), Phase::finished);
}

TEST(ChannelFlow, a_second_start_changes_nothing) {
  Driver d{charge_then_rest()};
  d.run();
  EXPECT_EQ(d.start().size(), 0u);
  EXPECT_EQ(d.phase(), Phase::running);
}

TEST(ChannelFlow, an_empty_program_turns_the_output_off_and_finishes) {
  Driver d{ProgramBuilder{}.build()};
  EXPECT_EQ(kinds(d.start()), "off");
  EXPECT_EQ(kinds(d.acknowledge()), "finished");
}

TEST(ChannelFlow, the_set_point_of_the_step_is_applied_unchanged) {
  Driver d{charge_then_rest()};
  const auto applied = all<output::Apply>(d.start());
  ASSERT_EQ(applied.size(), 1u);
  const auto& setpoint = std::get<ConstantCurrent>(applied[0].setpoint);
  EXPECT_EQ(setpoint.current, 2.0_A);
  EXPECT_EQ(setpoint.voltage_min, 2.45_V);
  EXPECT_EQ(setpoint.voltage_max, 4.25_V);
}

TEST(ChannelFlow, the_end_of_a_step_says_which_condition_held_and_by_how_much) {
  Driver d{ProgramBuilder{}.add(cc(2.0), {step_time_at_least(3600), voltage_at_least(4.2)}).build()};
  d.run();
  const auto ended = all<output::StepEnded>(d.observe_after(1, {.voltage_V = 4.203, .current_A = 2}));
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].reason, StepEndReason::condition);
  EXPECT_TRUE(ended[0].has_end);
  EXPECT_EQ(ended[0].end, 1);
  EXPECT_DOUBLE_EQ(ended[0].value, 4.203);
  EXPECT_NEAR(ended[0].margin, 0.003, 1e-12);
  EXPECT_EQ(ended[0].ended, d.now);
}

TEST(ChannelFlow, a_cccv_charge_tapers_for_the_stated_time_and_counts_its_cv_part) {
  Driver d{ProgramBuilder{}.add(cccv_charge(5.0), {current_at_most(0.25, 2s)}).build()};
  d.run();
  d.observe({.voltage_V = 4.0, .current_A = 5});
  d.observe_after(1, {.voltage_V = 4.19, .current_A = 5});
  d.observe_after(1, {.voltage_V = 4.2, .current_A = 3, .regulation = Regulation::constant_voltage});
  d.observe_after(1, {.voltage_V = 4.2, .current_A = 0.0, .regulation = Regulation::constant_voltage});  // one odd zero
  d.observe_after(1, {.voltage_V = 4.2, .current_A = 1, .regulation = Regulation::constant_voltage});
  d.observe_after(1, {.voltage_V = 4.2, .current_A = 0.2, .regulation = Regulation::constant_voltage});
  EXPECT_EQ(kinds(d.observe_after(1, {.voltage_V = 4.2, .current_A = 0.2, .regulation = Regulation::constant_voltage})),
            "record");
  const auto ended = all<output::StepEnded>(
      d.observe_after(1, {.voltage_V = 4.2, .current_A = 0.2, .regulation = Regulation::constant_voltage}));
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_GT(ended[0].totals.cv_time, 4s);
  EXPECT_GT(ended[0].totals.cv_charge, AmpHours{0.0});
  EXPECT_LT(ended[0].totals.cv_charge, ended[0].totals.moved.charge);
}

// ---- the chamber --------------------------------------------------------------------------------------------------------

Program soak_then_charge() {
  return ProgramBuilder{}
      .add(cc(2.0), {step_time_at_least(10)})
      .add(soak(10), {when(ConditionQuantity::cell_temperature_degC, Comparison::at_most, 11, 5s)})
      .add(cc(2.0), {voltage_at_least(4.2)})
      .build();
}

TEST(ChannelFlow, no_current_flows_while_the_temperature_is_being_changed) {
  Driver d{soak_then_charge()};
  d.run();
  EXPECT_EQ(kinds(d.observe_after(10, {.current_A = 2})), "record ended started off chamber");
  EXPECT_FALSE(d.machine.output_wanted());
  d.acknowledge();
  EXPECT_EQ(d.phase(), Phase::awaiting_chamber);
  EXPECT_EQ(kinds(d.observe_after(5, {})), "record") << "the step has not begun: a row of its wait, no more";
  EXPECT_TRUE(d.logged<output::Record>().back().is_waiting);
  const TimePoint measured = d.now;
  d.now += 20s;
  EXPECT_EQ(kinds(d.observe_stamped({}, measured)), "") << "shown again, for a logger has answered: nothing new was measured";
  EXPECT_EQ(kinds(d.grant()), "off");
  d.acknowledge();
  EXPECT_EQ(kinds(d.observe_after(1, {.cell_degC = 11})), "record");
  EXPECT_EQ(kinds(d.observe_after(5, {.cell_degC = 10.5})), "record ended started apply");
}

// Where answers take no time a wait ends at the instant at which its last row was measured.
TEST(ChannelFlow, a_measurement_that_is_a_row_of_the_wait_is_none_of_the_step) {
  Driver d{soak_then_charge()};
  d.run();
  d.observe_after(10, {.current_A = 2});
  d.acknowledge();
  EXPECT_EQ(kinds(d.observe_after(5, {.cell_degC = 10.5})), "record");
  EXPECT_EQ(kinds(d.grant()), "off");
  d.acknowledge();
  EXPECT_EQ(kinds(d.observe({.cell_degC = 10.5})), "");
  EXPECT_EQ(kinds(d.observe_after(1, {.cell_degC = 10.5})), "record");
}

TEST(ChannelFlow, the_same_temperature_is_not_requested_twice) {
  Step hot_charge = cc(2.0);
  hot_charge.chamber_temperature = Celsius{25.0};
  Driver d{ProgramBuilder{}.add(hot_charge, {step_time_at_least(5)}).add(hot_charge, {step_time_at_least(5)}).build()};
  EXPECT_EQ(kinds(d.start()), "started off chamber");
  EXPECT_EQ(kinds(d.grant()), "apply");
  d.acknowledge();
  EXPECT_EQ(kinds(d.observe_after(5, {.current_A = 2})), "record ended started apply");
}

TEST(ChannelFlow, a_grant_for_another_request_starts_nothing) {
  Driver d{soak_then_charge()};
  d.run();
  d.observe_after(10, {.current_A = 2});
  const std::uint32_t request = d.machine.state().chamber_request;
  EXPECT_EQ(d.send(input::ChamberGranted{request + 1}).size(), 0u);
  EXPECT_EQ(d.send(input::ChamberGranted{request - 1}).size(), 0u);
  EXPECT_EQ(d.phase(), Phase::awaiting_chamber);
}

// ---- samples ------------------------------------------------------------------------------------------------------------

// The old current still flows until the instrument has confirmed: its voltage must not end the new step.
TEST(ChannelFlow, a_sample_taken_before_the_acknowledgement_is_not_judged) {
  Driver d{ProgramBuilder{}.add(cc(-2.0), {voltage_at_most(2.5)}).build()};
  d.start();
  const TimePoint before = d.now;
  d.now += 1s;
  EXPECT_EQ(d.observe({.voltage_V = 2.0, .current_A = 0}).size(), 0u) << "no acknowledgement yet";
  d.acknowledge();
  d.now += 1s;
  EXPECT_EQ(d.observe_stamped({.voltage_V = 2.0, .current_A = 0}, before).size(), 0u) << "measured before, delivered after";
  EXPECT_EQ(d.machine.state().step.moved.discharge.value(), 0.0);
  EXPECT_EQ(kinds(d.observe({.voltage_V = 2.4, .current_A = -2})), "record ended off");
}

TEST(ChannelFlow, the_clock_of_a_step_starts_with_the_acknowledgement) {
  Driver d{ProgramBuilder{}.add(rest(60s)).build()};
  d.start();
  d.now += 40s;
  d.acknowledge();
  EXPECT_EQ(d.machine.wakeup(d.now), d.now + 60s);
  EXPECT_EQ(kinds(d.observe_after(59, {})), "record");
  EXPECT_EQ(kinds(d.observe_after(1, {})), "record ended off");
}

TEST(ChannelFlow, charge_is_integrated_over_measurement_times) {
  Driver d{ProgramBuilder{}.add(cc(3.6), {step_time_at_least(1000)}).build()};
  d.run();
  const TimePoint begin = d.now;
  for (int second = 0; second <= 100; ++second) {
    d.now = begin + std::chrono::seconds{second} + 400ms;  // delivered late
    d.observe_stamped({.voltage_V = 4.0, .current_A = 3.6}, begin + std::chrono::seconds{second});
  }
  EXPECT_NEAR(d.machine.state().step.moved.charge.value(), 0.1, 1e-12);
  EXPECT_NEAR(d.machine.state().step.moved.charge_energy.value(), 0.4, 1e-12);
  EXPECT_NEAR(d.machine.state().total.charge.value(), 0.1, 1e-12);
}

TEST(ChannelFlow, charge_is_not_integrated_across_a_gap_and_the_row_says_so) {
  Driver d{ProgramBuilder{}.add(cc(3.6), {step_time_at_least(1000)}).build(), MachineOptions{.gap_limit = 3s}};
  d.run();
  d.observe({.current_A = 3.6});
  d.observe_after(3.0, {.current_A = 3.6});
  EXPECT_NEAR(d.machine.state().step.moved.charge.value(), 0.003, 1e-12) << "3 s are no gap";
  const auto rows = all<output::Record>(d.observe_after(3.001, {.current_A = 3.6}));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(rows[0].after_gap);
  EXPECT_NEAR(d.machine.state().step.moved.charge.value(), 0.003, 1e-12);
  d.observe_after(1.0, {.current_A = 3.6});
  EXPECT_NEAR(d.machine.state().step.moved.charge.value(), 0.004, 1e-12) << "and goes on after it";
}

TEST(ChannelFlow, charge_is_not_integrated_across_the_edge_of_a_step) {
  Driver d{ProgramBuilder{}.add(cc(3.6), {step_time_at_least(2)}).add(cc(-3.6), {step_time_at_least(100)}).build()};
  d.run();
  d.observe({.current_A = 3.6});
  d.observe_after(2, {.current_A = 3.6});
  d.now += 1s;
  d.acknowledge();
  d.observe({.current_A = -3.6});
  EXPECT_EQ(d.machine.state().step.moved.charge.value(), 0.0);
  EXPECT_EQ(d.machine.state().step.moved.discharge.value(), 0.0);
  EXPECT_NEAR(d.machine.state().total.charge.value(), 0.002, 1e-12);
}

// ---- what is not a measurement ------------------------------------------------------------------------------------------

TEST(ChannelFlow, a_reading_that_is_no_number_never_enters_the_charge) {
  const auto charge_after = [](double value, Quality quality) {
    Driver d{ProgramBuilder{}.add(cc(3.6), {when(ConditionQuantity::capacity_Ah, Comparison::at_least, 4)}).build()};
    d.run();
    d.observe({.current_A = 3.6});
    d.now += 1s;
    Observation o = Driver::observation({.current_A = 3.6}, d.now);
    o[Measurand::current] = Reading{value, d.now, quality};
    d.send(input::Observed{o});
    EXPECT_NE(d.phase(), Phase::stopping) << "a reading that is no number ended the step";
    d.observe_after(1, {.current_A = 3.6});
    EXPECT_EQ(d.machine.state().total.discharge.value(), 0.0);
    return d.machine.state().total.charge.value();
  };
  // At most the two seconds that passed, at 3.6 A.
  EXPECT_LE(charge_after(9.9e37, Quality::bad), 0.002 + 1e-12) << "SCPI says 'not a number' with 9.91E37";
  EXPECT_LE(charge_after(std::numeric_limits<double>::quiet_NaN(), Quality::bad), 0.002 + 1e-12);
  EXPECT_LE(charge_after(std::numeric_limits<double>::quiet_NaN(), Quality::good), 0.002 + 1e-12);
}

// "A failed exchange gives nothing: never a zero."
TEST(ChannelFlow, a_missing_current_is_not_taken_for_no_current) {
  Driver d{ProgramBuilder{}.add(cc(-3.6), {step_time_at_least(1000)}).build()};
  d.run();
  d.observe({.current_A = -3.6});
  d.now += 1s;
  Observation o = Driver::observation({}, d.now);
  o[Measurand::current] = Reading{};
  d.send(input::Observed{o});
  d.observe_after(1, {.current_A = -3.6});
  const double discharge = d.machine.state().step.moved.discharge.value();
  EXPECT_TRUE(discharge == 0.0 || std::abs(discharge - 0.002) < 1e-12)
      << "either the two seconds are a gap, or they are joined; " << discharge << " Ah comes from an invented zero";
}

TEST(ChannelFlow, a_sample_older_than_the_last_one_is_not_counted_a_second_time) {
  Driver d{ProgramBuilder{}.add(cc(3.6), {step_time_at_least(1000)}).build()};
  d.run();
  const TimePoint begin = d.now;
  d.now = begin + 3s;
  for (const Duration measured : {0ms, 2000ms, 1000ms, 3000ms}) d.observe_stamped({.current_A = 3.6}, begin + measured);
  EXPECT_NEAR(d.machine.state().step.moved.charge.value(), 0.003, 1e-12) << "three seconds at 3.6 A";
}

// ---- records ------------------------------------------------------------------------------------------------------------

TEST(ChannelFlow, the_first_and_the_last_sample_are_rows_and_the_others_keep_the_interval) {
  Step step = cc(3.6);
  step.record_interval = 10s;
  Driver d{ProgramBuilder{}.add(step, {step_time_at_least(25)}).build()};
  d.run();
  std::vector<int> rows;
  for (int second = 0; second <= 25; ++second) {
    const auto now = all<output::Record>(second == 0 ? d.observe({.current_A = 3.6}) : d.observe_after(1, {.current_A = 3.6}));
    if (now.empty()) continue;
    rows.push_back(second);
    EXPECT_EQ(now[0].first_of_step, second == 0);
    EXPECT_EQ(now[0].last_of_step, second == 25);
    EXPECT_NEAR(now[0].step_moved.charge.value(), second / 1000.0, 1e-12) << "up to this observation";
  }
  EXPECT_EQ(rows, (std::vector<int>{0, 10, 20, 25}));
}

TEST(ChannelFlow, the_sample_after_a_gap_is_a_row_even_within_the_interval) {
  Step step = cc(3.6);
  step.record_interval = 60s;
  Driver d{ProgramBuilder{}.add(step, {step_time_at_least(1000)}).build(), MachineOptions{.gap_limit = 3s}};
  d.run();
  EXPECT_EQ(kinds(d.observe({.current_A = 3.6})), "record");
  EXPECT_EQ(kinds(d.observe_after(1, {.current_A = 3.6})), "");
  EXPECT_EQ(kinds(d.observe_after(10, {.current_A = 3.6})), "record");
}

TEST(ChannelFlow, every_sample_is_a_row_without_an_interval) {
  Driver d{ProgramBuilder{}.add(cc(3.6), {step_time_at_least(25)}).build()};
  d.run();
  for (int n = 0; n < 20; ++n) EXPECT_EQ(kinds(d.observe_after(1, {.current_A = 3.6})), "record");
}

TEST(ChannelFlow, a_step_with_a_single_sample_has_one_row_that_is_first_and_last) {
  Driver d{ProgramBuilder{}.add(cc(3.6), {voltage_at_least(4.2)}).build()};
  d.run();
  const auto rows = all<output::Record>(d.observe({.voltage_V = 4.3, .current_A = 3.6}));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(rows[0].first_of_step && rows[0].last_of_step);
}

// ---- time bounds --------------------------------------------------------------------------------------------------------

TEST(ChannelFlow, a_step_that_does_not_reach_its_end_in_time_fails_the_run) {
  Step step = cc(2.0);
  step.time_max = 100s;
  Driver d{ProgramBuilder{}.add(step, {voltage_at_least(4.2)}).add(rest(60s)).build()};
  d.run();
  EXPECT_EQ(d.machine.wakeup(d.now), d.now + 100s);
  d.observe_after(1, {.current_A = 2});
  const ChannelOutputs outputs = d.observe_after(99, {.current_A = 2});
  EXPECT_EQ(kinds(outputs), "record ended off") << "the next step is not started";
  EXPECT_EQ(all<output::StepEnded>(outputs)[0].reason, StepEndReason::time_bound);
  EXPECT_EQ(all<output::Finished>(d.acknowledge())[0].outcome, Outcome::failed);
}

TEST(ChannelFlow, a_condition_at_the_very_last_moment_counts_as_reached) {
  Step step = cc(2.0);
  step.time_max = 100s;
  Driver d{ProgramBuilder{}.add(step, {voltage_at_least(4.2)}).add(rest(60s)).build()};
  d.run();
  EXPECT_EQ(kinds(d.observe_after(100, {.voltage_V = 4.2, .current_A = 2})), "record ended started off");
}

TEST(ChannelFlow, the_wakeup_is_the_earlier_of_the_bound_and_the_condition) {
  Driver d{ProgramBuilder{}.add(cc(2.0), {step_time_at_least(30)}).build()};
  d.run();
  EXPECT_EQ(d.machine.wakeup(d.now), d.now + 30s);
}

}  // namespace
}  // namespace cellrig
