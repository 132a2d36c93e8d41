// The arithmetic of a gap: what is kept, what later rows add to it, and how much may have flowed unseen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>

#include "controller/engine/resume_point.hpp"
#include "tests/unit/engine/channel_driver.hpp"
#include "tests/unit/engine/supervised_cell.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;
using testing::HasSubstr;

std::span<const std::byte> bytes_of(const ResumePoint& point) { return std::as_bytes(std::span{&point, 1}); }

ResumePoint charging(const Program& program, int seconds) {
  Driver d{program};
  d.run();
  d.observe({.current_A = 2.0});
  for (int n = 0; n < seconds; ++n) d.observe_after(1, {.current_A = 2.0});
  return ResumePoint{d.machine.state(), {}};
}

TEST(ResumePoint, moves_every_instant_and_nothing_else) {
  const ResumePoint point = charging(ProgramBuilder{}.add(cc(2.0)).build(), 5);
  const ResumePoint moved = shifted(point, -1000s);
  EXPECT_EQ(moved.channel.step.last.at, at(5));
  EXPECT_EQ(moved.channel.step.started, at(0));
  EXPECT_EQ(moved.channel.step.begun, at(0));
  EXPECT_EQ(moved.channel.step.last_recorded, at(5));
  const ResumePoint back = shifted(moved, 1000s);
  EXPECT_EQ(std::memcmp(&back, &point, sizeof point), 0);
}

// Each instant has a clock: one that stayed behind would be that of a dead process.
TEST(ResumePoint, moves_every_instant_that_a_step_knows) {
  ResumePoint point;
  StepState& s = point.channel.step;
  const auto instants = [](StepState& step) {
    return std::array{&step.begun,         &step.started, &step.changed,       &step.waits_since,
                      &step.last_recorded, &step.last.at, &step.before_step.at};
  };
  for (TimePoint* const instant : instants(s)) *instant = at(7);
  ResumePoint moved = shifted(point, 100s);
  for (TimePoint* const instant : instants(moved.channel.step)) EXPECT_EQ(*instant, at(107));
}

TEST(ResumePoint, refuses_the_bytes_of_another_version_and_says_which) {
  ResumePoint point;
  std::string why_not;
  ASSERT_TRUE(resume_point_of(bytes_of(point), why_not).has_value());
  point.channel.version = ChannelState::current_version + 1;
  EXPECT_FALSE(resume_point_of(bytes_of(point), why_not).has_value());
  EXPECT_THAT(why_not, HasSubstr("version " + std::to_string(ChannelState::current_version + 1)));
  point.channel.version = ChannelState::current_version;
  EXPECT_FALSE(resume_point_of(bytes_of(point).first(sizeof point - 1), why_not).has_value());
  EXPECT_THAT(why_not, HasSubstr("bytes"));
  EXPECT_FALSE(resume_point_of({}, why_not).has_value());
  EXPECT_THAT(why_not, HasSubstr("cut off"));
}

TEST(ResumePoint, a_state_that_cannot_be_of_this_program_is_found) {
  const Program program = ProgramBuilder{}.loop(2).add(cc(2.0)).end().build();
  ChannelState good = charging(program, 2).channel;
  ASSERT_EQ(misfit(program, good), "");
  const auto spoiled = [&](auto&& spoil) {
    ChannelState state = good;
    spoil(state);
    return misfit(program, state);
  };
  EXPECT_NE(spoiled([](ChannelState& s) { s.pc = 99; }), "");
  EXPECT_NE(spoiled([](ChannelState& s) { s.pc = 0; }), "") << "a loop is no step";
  EXPECT_NE(spoiled([](ChannelState& s) { s.loop_depth = loop_depth_max + 1; }), "");
  EXPECT_NE(spoiled([](ChannelState& s) { s.loops[0].begin = 1; }), "");
  EXPECT_NE(spoiled([](ChannelState& s) { s.loops[0].passes = 3; }), "");
  EXPECT_NE(spoiled([](ChannelState& s) { s.phase = static_cast<Phase>(77); }), "");
  EXPECT_NE(spoiled([](ChannelState& s) { s.step.moved.charge = AmpHours{std::numeric_limits<double>::quiet_NaN()}; }), "");
}

TEST(ResumePoint, rows_after_it_are_added_and_older_ones_are_not) {
  const Program program = ProgramBuilder{}.add(cc(2.0)).build();
  ResumePoint point = charging(program, 10);
  const Throughput before = point.channel.step.moved;
  const TimePoint last = point.channel.step.last.at;
  RowSeen row{.sample = {last + 5s, Volts{3.8}, Amps{2.0}}, .step_moved = before, .cell_degC = 31.0};
  row.step_moved.charge += AmpHours{0.01};
  catch_up(point, row);
  EXPECT_NEAR(point.channel.step.moved.charge.value(), before.charge.value() + 0.01, 1e-12);
  EXPECT_NEAR(point.channel.total.charge.value(), before.charge.value() + 0.01, 1e-12);
  EXPECT_NEAR(point.guard.net_Ah, 0.01, 1e-12);
  EXPECT_EQ(point.channel.step.cell_temperature.max_degC, 31.0);
  EXPECT_EQ(seen_until(point.channel.step), last + 5s);
  const ResumePoint once = point;
  catch_up(point, row);
  EXPECT_EQ(std::memcmp(&once, &point, sizeof point), 0) << "the same row again counts nothing";
}

TEST(ResumePoint, a_row_after_a_set_point_that_was_on_its_way_says_that_it_arrived) {
  Driver d{ProgramBuilder{}.add(cc(2.0)).build()};
  d.start();
  ResumePoint point{d.machine.state(), {}};
  ASSERT_EQ(point.channel.phase, Phase::applying);
  catch_up(point, RowSeen{.sample = {d.now + 1s, Volts{3.7}, Amps{2.0}}});
  EXPECT_EQ(point.channel.phase, Phase::running);
  EXPECT_EQ(point.channel.step.started, d.now + 1s);
}

// ---- unseen charge --------------------------------------------------------------------------------------------------------

TEST(UnseenCharge, is_the_commanded_current_for_as_long_as_nobody_switched_it_off) {
  const Program program = ProgramBuilder{}.add(cc(2.0)).build();
  const UnseenCharge unseen = unseen_charge(program, charging(program, 5).channel, 6s);
  EXPECT_EQ(unseen.current, Amps{2.0});
  EXPECT_NEAR(unseen.in_gap().value(), 2.0 * 6 / 3600, 1e-15);
}

// Power and resistance let a current flow that depends on the cell: at most what limits it.
TEST(UnseenCharge, of_a_power_or_a_resistance_is_what_limits_its_current) {
  Step charge = cc(1.0), discharge = cc(-1.0), resistance = cc(-1.0);
  charge.setpoint = ConstantPower{.power = Watts{8.0}, .current_limit = Amps{5.0}};
  discharge.setpoint = ConstantPower{.power = Watts{-8.0}, .current_limit = Amps{5.0}};
  resistance.setpoint = ConstantResistance{.resistance = Ohms{2.0}, .current_limit = Amps{5.0}};
  for (const Step& step : {charge, discharge, resistance}) {
    const double sign = step.direction == StepDirection::charge ? 1.0 : -1.0;
    const Program program = ProgramBuilder{}.add(step).build();
    Driver d{program};
    d.run();
    d.observe({.current_A = 2.0 * sign});
    EXPECT_EQ(unseen_charge(program, d.machine.state(), 6s).current, Amps{5.0 * sign});
  }
}

TEST(UnseenCharge, has_the_direction_in_which_it_flowed) {
  const Program program = ProgramBuilder{}.add(cc(-3.0)).build();
  Driver d{program};
  d.run();
  d.observe({.current_A = -3.0});
  EXPECT_EQ(unseen_charge(program, d.machine.state(), 6s).current, Amps{-3.0});
}

TEST(UnseenCharge, of_a_set_point_on_its_way_is_what_it_allows) {
  Driver d{ProgramBuilder{}.add(cccv_charge(4.0)).build()};
  d.start();
  EXPECT_EQ(unseen_charge(ProgramBuilder{}.add(cccv_charge(4.0)).build(), d.machine.state(), 6s).current, Amps{4.0});
}

TEST(UnseenCharge, under_voltage_regulation_is_bounded_by_the_measured_current_which_only_falls) {
  const Program program = ProgramBuilder{}.add(cccv_charge(4.0), {current_at_most(0.01)}).build();
  Driver d{program};
  d.run();
  d.observe({.current_A = 3.9});
  EXPECT_EQ(unseen_charge(program, d.machine.state(), 6s).current, Amps{4.0}) << "it may yet rise to its limit";
  d.observe_after(1, {.current_A = 1.0, .regulation = Regulation::constant_voltage});
  EXPECT_EQ(unseen_charge(program, d.machine.state(), 6s).current, Amps{1.0});
}

// The OFF of a rest was on its way: what the step before let flow may still flow.
TEST(UnseenCharge, of_a_rest_that_was_only_beginning_is_that_of_the_step_before) {
  const Program program = ProgramBuilder{}.add(cc(2.0), {step_time_at_least(1)}).add(rest(60s)).build();
  Driver d{program};
  d.run();
  d.observe({.current_A = 2.0});
  d.observe_after(1, {.current_A = 2.0});
  ASSERT_EQ(d.machine.state().pc, 1u);
  EXPECT_EQ(unseen_charge(program, d.machine.state(), 6s).current, Amps{2.0});
  d.acknowledge();
  EXPECT_EQ(unseen_charge(program, d.machine.state(), 6s).current, Amps{0.0});
}

// The watchdog may have ended the discharge at once: what went in after the end is in the cell all the same.
TEST(UnseenCharge, of_a_discharge_is_not_set_off_against_what_went_in_after_the_end) {
  const UnseenCharge unseen{.current = Amps{-3.0}, .time = 6000s, .after_end = AmpHours{1.0}};
  EXPECT_NEAR(unseen.went_in_max().value(), 1.0, 1e-12);
  EXPECT_NEAR(unseen.moved_max().value(), 6.0, 1e-12);
  const UnseenCharge charged{.current = Amps{3.0}, .time = 6000s, .after_end = AmpHours{1.0}};
  EXPECT_NEAR(charged.went_in_max().value(), 6.0, 1e-12);
  EXPECT_NEAR(charged.moved_max().value(), 6.0, 1e-12);
}

// ---- the overcharge guard -------------------------------------------------------------------------------------------------

TEST(ChargeGuard, counts_unseen_charge_in_full_and_relies_on_no_unseen_discharge) {
  ChargeGuard guard{.net_Ah = 1.0};
  guard.count_unseen(AmpHours{0.5});
  EXPECT_EQ(guard.net_Ah, 1.5);
  guard.count_unseen(AmpHours{-0.5});
  EXPECT_EQ(guard.net_Ah, 1.5);
}

/// Seconds at 5 A until a supervisor that begins with this count trips.
int seconds_until_overcharge(const ChargeGuard& guard) {
  SupervisorOptions options = guarded_options();
  options.frozen_charge_max = AmpHours{100};  // leave this to the overcharge guard alone
  Supervised cell(options);
  cell.supervisor = SafetySupervisor{cell_limits(), options, cell.now, guard};
  cell.command(+1);
  cell.set(Measurand::current, 5.0);
  int seconds = 0;
  while (seconds < 10'000 && !cell.check_after(1s)) ++seconds;
  return seconds;
}

// I8: a supervisor made anew after a crash must not give the cell another full charge.
TEST(ChargeGuard, of_a_run_that_goes_on_trips_as_early_as_if_nothing_had_happened) {
  const int in_one_go = seconds_until_overcharge({});
  EXPECT_NEAR(in_one_go, 5.25 / 5 * 3600, 10);
  const int after_four = seconds_until_overcharge({.net_Ah = 4.0, .charged_Ah = 4.0});
  EXPECT_NEAR(after_four, in_one_go - 4.0 / 5 * 3600, 10);
  ChargeGuard unseen{.net_Ah = 4.0, .charged_Ah = 4.0};
  unseen.count_unseen(AmpHours{0.5});
  EXPECT_NEAR(seconds_until_overcharge(unseen), after_four - 0.5 / 5 * 3600, 2);
  EXPECT_NEAR(seconds_until_overcharge({.net_Ah = 4.0, .lowest_net_Ah = 4.0}), in_one_go, 10) << "an emptied cell starts anew";
}

}  // namespace
}  // namespace cellrig
