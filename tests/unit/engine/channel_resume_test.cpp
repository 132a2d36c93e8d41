// A machine that goes on from the state of another one: whatever the step, the phase and the rule, counters are exact and no charge is
// counted twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "controller/engine/resume_point.hpp"
#include "tests/unit/engine/channel_driver.hpp"
#include "tests/unit/engine/dice.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr double clock_of_the_next = 50'000.0;  ///< another process has another clock

/// A new process: the state as the record keeps it, in test time, and back into a clock of its own.
std::unique_ptr<Driver> restarted(const Driver& dead, const Program& program, const input::GoOn& how) {
  auto next = std::make_unique<Driver>(program);
  next->now = at(clock_of_the_next);
  const ResumePoint kept = shifted(ResumePoint{dead.machine.state(), {}}, -dead.now.time_since_epoch());
  next->machine.restore(shifted(kept, next->now.time_since_epoch()).channel);
  next->send(how);
  return next;
}
std::unique_ptr<Driver> restarted(const Driver& dead, const Program& program, InterruptionRule rule = InterruptionRule::resume) {
  return restarted(dead, program, input::GoOn{rule});
}

Program charge_2_Ah_then_rest() {
  return ProgramBuilder{}.add(cc(2.0), {when(ConditionQuantity::capacity_Ah, Comparison::at_least, 2.0)}).add(rest(60s)).build();
}

/// Ten minutes at 2 A.
void charge_for_a_while(Driver& d) {
  d.run();
  d.observe({.current_A = 2.0});
  for (int n = 0; n < 600; ++n) d.observe_after(1, {.current_A = 2.0});
}

// ---- the phases a crash can hit -------------------------------------------------------------------------------------------

TEST(ChannelResume, a_charge_goes_on_with_its_counters_and_nothing_is_integrated_across_the_gap) {
  const Program program = charge_2_Ah_then_rest();
  Driver dead{program};
  charge_for_a_while(dead);
  const double moved = dead.machine.state().step.moved.charge.value();
  ASSERT_NEAR(moved, 2.0 / 6, 1e-9);
  const auto next = restarted(dead, program);
  ASSERT_EQ(next->logged<output::StepStarted>().size(), 1u);
  EXPECT_TRUE(next->logged<output::StepStarted>()[0].continues);
  EXPECT_EQ(next->machine.state().step_count, 1u) << "the same execution";
  EXPECT_TRUE(next->last_energises);
  next->acknowledge();
  next->now += 300ms;
  next->observe({.current_A = 2.0});
  EXPECT_EQ(next->machine.state().step.moved.charge.value(), moved) << "from the last row on, exactly";
  ASSERT_EQ(next->logged<output::Record>().size(), 1u);
  EXPECT_TRUE(next->logged<output::Record>()[0].after_gap);
  EXPECT_TRUE(next->logged<output::Record>()[0].first_of_step);
  EXPECT_EQ(next->logged<output::Record>()[0].step_moved.charge.value(), 0.0) << "its row counts from where it went on";
  next->observe_after(1, {.current_A = 2.0});
  EXPECT_NEAR(next->machine.state().step.moved.charge.value() - moved, 2.0 / 3600, 1e-12);
  EXPECT_NEAR(next->machine.state().total.charge.value() - moved, 2.0 / 3600, 1e-12);
  // The condition counts from the step's beginning: 2 Ah in all.
  int seconds = 0;
  while (next->phase() == Phase::running && next->machine.state().pc == 0 && ++seconds < 4000)
    next->observe_after(1, {.current_A = 2.0});
  EXPECT_NEAR(seconds + 1 + 600, 3600, 1);
}

TEST(ChannelResume, a_pause_that_nobody_ended_lasts_where_nobody_asked_for_the_continuation) {
  const Program program = charge_2_Ah_then_rest();
  Driver dead{program};
  charge_for_a_while(dead);
  dead.send(input::Pause{});
  dead.acknowledge();
  ASSERT_EQ(dead.phase(), Phase::paused);
  const double moved = dead.machine.state().step.moved.charge.value();
  for (const InterruptionRule rule : {InterruptionRule::resume, InterruptionRule::redo_step, InterruptionRule::skip_step}) {
    const auto next = restarted(dead, program, input::GoOn{rule, true, true});
    EXPECT_EQ(next->phase(), Phase::pausing);
    EXPECT_FALSE(next->last_energises);
    next->acknowledge();
    EXPECT_EQ(next->phase(), Phase::paused);
    EXPECT_EQ(next->machine.state().step_count, 1u);
    next->send(input::Resume{});
    EXPECT_TRUE(next->last_energises);
    next->acknowledge();
    EXPECT_EQ(next->phase(), Phase::running);
    EXPECT_EQ(next->machine.state().step.moved.charge.value(), moved);
  }
  EXPECT_TRUE(restarted(dead, program, input::GoOn{InterruptionRule::resume, true, false})->last_energises) << "a person asked";
  EXPECT_EQ(restarted(dead, program, input::GoOn{InterruptionRule::stop, true, true})->phase(), Phase::stopping);
}

TEST(ChannelResume, before_the_first_step_it_simply_starts) {
  const Program program = charge_2_Ah_then_rest();
  const Driver dead{program};
  const auto next = restarted(dead, program);
  EXPECT_EQ(next->phase(), Phase::applying);
  EXPECT_EQ(next->machine.state().step_count, 1u);
}

TEST(ChannelResume, while_a_set_point_was_on_its_way_it_is_given_again) {
  const Program program = charge_2_Ah_then_rest();
  Driver dead{program};
  dead.start();
  ASSERT_EQ(dead.phase(), Phase::applying);
  const auto next = restarted(dead, program);
  EXPECT_EQ(next->phase(), Phase::applying);
  EXPECT_GT(next->last_command, dead.last_command) << "no number is used again";
  next->acknowledge();
  EXPECT_EQ(next->phase(), Phase::running);
  EXPECT_EQ(next->machine.state().step.ran_before_pause, 0s);
}

TEST(ChannelResume, a_rest_counts_only_the_time_somebody_saw) {
  const Program program = ProgramBuilder{}.add(rest(60s)).build();
  Driver dead{program};
  dead.run();
  for (int n = 0; n < 20; ++n) dead.observe_after(1, {});
  dead.now += 3s;  // it died some time after its last measurement
  const auto next = restarted(dead, program);
  EXPECT_FALSE(next->last_energises);
  next->acknowledge();
  EXPECT_EQ(next->machine.wakeup(next->now) - next->now, 40s);
  next->observe_after(39.5, {});
  EXPECT_EQ(next->phase(), Phase::running);
  next->observe_after(0.5, {});
  EXPECT_EQ(next->phase(), Phase::stopping);
}

TEST(ChannelResume, redo_step_begins_a_new_execution_and_keeps_what_has_flowed) {
  const Program program = charge_2_Ah_then_rest();
  Driver dead{program};
  charge_for_a_while(dead);
  const auto next = restarted(dead, program, InterruptionRule::redo_step);
  EXPECT_EQ(next->machine.state().step_count, 2u);
  EXPECT_EQ(next->machine.state().step.moved.charge.value(), 0.0);
  EXPECT_EQ(next->machine.state().step.before.moved.charge.value(), 0.0);
  EXPECT_EQ(next->machine.state().total.charge, dead.machine.state().total.charge);
  EXPECT_FALSE(next->logged<output::StepStarted>()[0].continues);
}

TEST(ChannelResume, skip_step_goes_to_the_next_one) {
  const Program program = charge_2_Ah_then_rest();
  Driver dead{program};
  charge_for_a_while(dead);
  const auto next = restarted(dead, program, InterruptionRule::skip_step);
  EXPECT_EQ(next->machine.state().pc, 1u);
  EXPECT_FALSE(next->last_energises);
  EXPECT_FALSE(next->machine.state().results.has_reference);
}

TEST(ChannelResume, stop_and_ask_end_the_run_with_off) {
  for (const InterruptionRule rule : {InterruptionRule::stop, InterruptionRule::ask}) {
    const Program program = charge_2_Ah_then_rest();
    Driver dead{program};
    charge_for_a_while(dead);
    const auto next = restarted(dead, program, rule);
    EXPECT_EQ(next->phase(), Phase::stopping);
    EXPECT_FALSE(next->last_energises);
    next->acknowledge();
    ASSERT_EQ(next->logged<output::Finished>().size(), 1u);
    EXPECT_EQ(next->logged<output::Finished>()[0].outcome, Outcome::stopped);
  }
}

TEST(ChannelResume, a_soak_is_repeated_and_the_chamber_asked_again) {
  const Program program =
      ProgramBuilder{}.add(soak(45), {when(ConditionQuantity::step_time_s, Comparison::at_least, 600)}).build();
  Driver dead{program};
  dead.start();
  dead.acknowledge();
  dead.grant();
  dead.acknowledge();
  for (int n = 0; n < 300; ++n) dead.observe_after(1, {});
  const auto next = restarted(dead, program);
  EXPECT_EQ(next->phase(), Phase::awaiting_chamber);
  ASSERT_EQ(next->logged<output::RequestChamber>().size(), 1u);
  EXPECT_EQ(next->logged<output::RequestChamber>()[0].temperature, Celsius{45});
  EXPECT_GT(next->machine.state().chamber_request, dead.machine.state().chamber_request);
  EXPECT_EQ(next->machine.state().step.ran_before_pause, 0s);
  EXPECT_EQ(next->machine.state().step_count, 2u);
}

// The temperature was asked for by a step long over; the chamber does not know it any more.
TEST(ChannelResume, a_charge_waits_again_for_the_temperature_of_a_step_before_it) {
  for (const InterruptionRule rule : {InterruptionRule::resume, InterruptionRule::redo_step, InterruptionRule::skip_step}) {
    Step first = rest(1s);
    first.chamber_temperature = Celsius{45};
    const Program program = ProgramBuilder{}.add(first).add(cc(2.0)).add(cc(1.0)).build();
    Driver dead{program};
    dead.start();
    dead.acknowledge();
    dead.grant();
    dead.acknowledge();
    dead.observe_after(1, {});
    dead.acknowledge();
    ASSERT_EQ(dead.machine.state().pc, 1u);
    const auto next = restarted(dead, program, rule);
    EXPECT_EQ(next->phase(), Phase::awaiting_chamber);
    EXPECT_FALSE(next->last_energises);
    ASSERT_EQ(next->logged<output::RequestChamber>().size(), 1u);
    EXPECT_EQ(next->logged<output::RequestChamber>()[0].temperature, Celsius{45});
    next->acknowledge();
    next->grant();
    EXPECT_TRUE(next->last_energises);
  }
}

TEST(ChannelResume, while_the_chamber_was_awaited_it_is_asked_again) {
  Step step = cc(2.0);
  step.chamber_temperature = Celsius{10};
  const Program program = ProgramBuilder{}.add(step).build();
  Driver dead{program};
  dead.start();
  ASSERT_EQ(dead.phase(), Phase::awaiting_chamber);
  const auto next = restarted(dead, program);
  EXPECT_EQ(next->phase(), Phase::awaiting_chamber);
  EXPECT_EQ(next->logged<output::RequestChamber>().size(), 1u);
}

// A second crash, before the chamber has come back: it is a holder all the same, until it asks for something else.
TEST(ChannelResume, who_held_the_chamber_is_known_through_a_second_interruption) {
  Step step = cc(2.0);
  step.chamber_temperature = Celsius{45};
  Step other = cc(2.0);
  other.chamber_temperature = Celsius{10};
  const Program program = ProgramBuilder{}.add(step).add(other).build();
  Driver dead{program};
  dead.start();
  EXPECT_FALSE(dead.machine.state().chamber_was_held);
  dead.acknowledge();
  dead.grant();
  const auto second = restarted(dead, program);
  EXPECT_EQ(second->phase(), Phase::awaiting_chamber);
  EXPECT_FALSE(second->machine.state().chamber_granted);
  EXPECT_TRUE(second->machine.state().chamber_was_held);
  const auto third = restarted(*second, program);
  EXPECT_TRUE(third->machine.state().chamber_was_held);
  third->acknowledge();
  third->grant();
  EXPECT_FALSE(third->machine.state().chamber_was_held) << "it holds it";
  const auto skipped = restarted(*second, program, InterruptionRule::skip_step);
  EXPECT_FALSE(skipped->machine.state().chamber_was_held) << "it asks for another one";
}

TEST(ChannelResume, a_pause_is_time_that_does_not_count) {
  const Program program = ProgramBuilder{}.add(rest(60s)).build();
  for (const bool confirmed : {false, true}) {
    Driver dead{program};
    dead.run();
    for (int n = 0; n < 20; ++n) dead.observe_after(1, {});
    dead.send(input::Pause{});
    if (confirmed) dead.acknowledge();
    dead.now += 500s;
    const auto next = restarted(dead, program);
    EXPECT_EQ(next->machine.state().step.ran_before_pause, 20s);
  }
}

TEST(ChannelResume, after_a_stop_in_order_it_goes_on_where_it_was_stopped) {
  const Program program = charge_2_Ah_then_rest();
  Driver dead{program};
  charge_for_a_while(dead);
  dead.send(input::Stop{});
  dead.acknowledge();
  ASSERT_EQ(dead.phase(), Phase::finished);
  dead.now += 1000s;
  const auto next = restarted(dead, program);
  EXPECT_EQ(next->phase(), Phase::applying);
  EXPECT_EQ(next->machine.state().step.moved.charge, dead.machine.state().step.moved.charge);
  EXPECT_EQ(next->machine.state().step.ran_before_pause, 600s);
  EXPECT_EQ(next->machine.state().outcome, Outcome::none);
}

// The last step had ended, and the process died before it could write that.
TEST(ChannelResume, a_run_that_was_through_only_ends) {
  const Program program = ProgramBuilder{}.add(rest(2s)).build();
  Driver dead{program};
  dead.run();
  dead.observe_after(2, {});
  ASSERT_EQ(dead.phase(), Phase::stopping);
  const auto next = restarted(dead, program);
  EXPECT_TRUE(next->logged<output::StepStarted>().empty());
  next->acknowledge();
  ASSERT_EQ(next->logged<output::Finished>().size(), 1u);
  EXPECT_EQ(next->logged<output::Finished>()[0].outcome, Outcome::completed);
}

TEST(ChannelResume, after_a_trip_nothing_energises_until_a_person_has_acknowledged_it) {
  const Program program = charge_2_Ah_then_rest();
  Driver dead{program};
  charge_for_a_while(dead);
  dead.send(input::Trip{});
  const auto refused = restarted(dead, program, InterruptionRule::resume);
  EXPECT_TRUE(refused->logged<output::Apply>().empty());
  refused->acknowledge();
  ASSERT_EQ(refused->logged<output::Finished>().size(), 1u);
  EXPECT_EQ(refused->logged<output::Finished>()[0].outcome, Outcome::tripped);
  const auto allowed = restarted(dead, program, input::GoOn{InterruptionRule::resume, true});
  EXPECT_EQ(allowed->logged<output::Apply>().size(), 1u);
  EXPECT_EQ(allowed->machine.state().step.moved.charge, dead.machine.state().step.moved.charge);
}

TEST(ChannelResume, a_duration_of_a_condition_begins_anew) {
  const Program program = ProgramBuilder{}.add(cccv_charge(2.0), {current_at_most(0.1, 10s)}).build();
  Driver dead{program};
  dead.run();
  for (int n = 0; n < 9; ++n) dead.observe_after(1, {.current_A = 0.05, .regulation = Regulation::constant_voltage});
  const auto next = restarted(dead, program);
  next->acknowledge();
  for (int n = 0; n < 10; ++n) next->observe_after(1, {.current_A = 0.05, .regulation = Regulation::constant_voltage});
  EXPECT_EQ(next->phase(), Phase::running) << "nobody knows what was true in between";
  next->observe_after(1, {.current_A = 0.05, .regulation = Regulation::constant_voltage});
  EXPECT_EQ(next->phase(), Phase::stopping);
}

TEST(ChannelResume, every_kind_of_step_gets_its_set_point_again) {
  Step cp = cc(2.0);
  cp.kind = StepKind::cp;
  cp.setpoint = ConstantPower{Watts{8}, Volts{2.45}, Volts{4.25}, Amps{5}};
  Step cr = cc(-2.0);
  cr.kind = StepKind::cr;
  cr.setpoint = ConstantResistance{Ohms{2}, Volts{2.45}, Volts{4.25}, Amps{5}};
  Step cv = cccv_charge(2.0);
  cv.kind = StepKind::cv;
  for (const Step& step : {cc(2.0), cc(-2.0), cccv_charge(2.0), cv, cp, cr}) {
    const Program program = ProgramBuilder{}.add(step).build();
    Driver dead{program};
    dead.run();
    dead.observe_after(1, {.current_A = step.direction == StepDirection::charge ? 1.0 : -1.0});
    const auto next = restarted(dead, program);
    ASSERT_EQ(next->logged<output::Apply>().size(), 1u) << to_string(step.kind);
    EXPECT_EQ(next->logged<output::Apply>()[0].setpoint.index(), step.setpoint->index());
  }
}

// ---- cut anywhere ---------------------------------------------------------------------------------------------------------

struct Trail {
  std::vector<std::pair<std::uint32_t, int>> ends;  ///< instruction, reason
  std::vector<std::uint64_t> cycles;
  std::vector<std::uint64_t> step_counts;
  double charge_Ah = 0, discharge_Ah = 0;
  std::uint64_t step_count = 0, cycle = 0;
  int judged = 0;
};

Program looping_program(Dice& dice) {
  const auto capacity = [&dice] { return when(ConditionQuantity::capacity_Ah, Comparison::at_least, dice.real(0.002, 0.02)); };
  Step tempered = rest(from_seconds(dice.integer(1, 9)));
  tempered.chamber_temperature = Celsius{25};
  ProgramBuilder builder;
  builder.add(tempered);
  builder.loop(static_cast<std::uint64_t>(dice.integer(1, 3)));
  builder.loop(static_cast<std::uint64_t>(dice.integer(1, 3)), true);
  builder.add(cc(2.0), {capacity()});
  builder.loop(static_cast<std::uint64_t>(dice.integer(1, 3)));
  builder.add(rest(from_seconds(dice.integer(1, 20))));
  builder.add(cc(-1.0), {capacity()});
  builder.end();
  Step taper = cccv_charge(2.0);
  taper.measure = Measure::reference;
  builder.add(taper, {current_at_most(dice.real(0.2, 1.5))});
  builder.end();
  builder.require(ResultQuantity::cycle_count, Comparison::at_least, 1);
  builder.add(rest(from_seconds(dice.integer(1, 5))));
  builder.end();
  return builder.build();
}

/// The cell answers to what has flowed in the step, so that a step comes to its end after the same charge, cut or not.
World world_of(const Driver& d) {
  const Step& step = *d.machine.current_step();
  if (!step.setpoint) return {};
  if (step.kind == StepKind::cccv) {
    const double taper = std::max(0.1, 2.0 - 100.0 * d.machine.state().step.moved.charge.value());
    return {.voltage_V = 4.2, .current_A = taper, .regulation = Regulation::constant_voltage};
  }
  return {.current_A = step.direction == StepDirection::charge ? 2.0 : -1.0};
}

/// One move of the world around the machine; false: it has finished.
bool move_on(Driver& d) {
  switch (d.phase()) {
    case Phase::awaiting_chamber:
      d.acknowledge();
      d.grant();
      return true;
    case Phase::applying:
    case Phase::stopping: d.acknowledge(); return true;
    case Phase::running: d.observe_after(1, world_of(d)); return true;
    case Phase::idle:
    case Phase::pausing:
    case Phase::paused:
    case Phase::tripped:
    case Phase::finished: return false;
  }
  return false;
}

void follow(const Driver& d, Trail& trail) {
  for (const output::StepEnded& e : d.logged<output::StepEnded>()) {
    if (e.reason != StepEndReason::stopped) trail.ends.emplace_back(e.instruction, static_cast<int>(e.reason));
  }
  for (const output::CycleEnded& e : d.logged<output::CycleEnded>()) trail.cycles.push_back(e.cycle);
  trail.judged += static_cast<int>(d.logged<output::CriterionJudged>().size());
  const ChannelState& s = d.machine.state();
  trail.charge_Ah = s.total.charge.value();
  trail.discharge_Ah = s.total.discharge.value();
  trail.step_count = s.step_count;
  trail.cycle = s.cycle;
}

/// Cut after so many moves each, as a dead process or as one that was stopped in order.
Trail run_cut(const Program& program, const std::vector<int>& moves, bool in_order) {
  Trail trail;
  auto d = std::make_unique<Driver>(program);
  d->start();
  for (const int count : moves) {
    for (int n = 0; n < count && move_on(*d); ++n) {
    }
    if (d->phase() == Phase::finished) break;
    if (in_order) {
      d->send(input::Stop{});
      d->acknowledge();
      const bool was_through = !d->logged<output::Finished>().empty() && d->machine.state().outcome == Outcome::completed;
      if (was_through) break;
    }
    follow(*d, trail);
    const Throughput before = d->machine.state().total;
    auto next = restarted(*d, program);
    EXPECT_EQ(next->machine.state().total.charge, before.charge);
    EXPECT_EQ(next->machine.state().total.discharge, before.discharge);
    d = std::move(next);
  }
  for (int n = 0; n < 100'000 && move_on(*d); ++n) {
  }
  EXPECT_EQ(d->phase(), Phase::finished);
  follow(*d, trail);
  return trail;
}

int moves_of(const Program& program) {
  Driver d{program};
  d.start();
  int moves = 0;
  while (move_on(d)) ++moves;
  return moves;
}

// A run that was cut at random instants, again and again, goes through the same steps, loops and cycles as one that was not.
TEST(ChannelResume, a_run_cut_anywhere_comes_to_the_same_counters_and_repeats_no_charge) {
  int cuts_in_all = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Dice dice{seed};
    const Program program = looping_program(dice);
    const Trail whole = run_cut(program, {}, false);
    const int length = moves_of(program);
    std::vector<int> moves;
    for (int n = dice.integer(1, 4); n > 0; --n) moves.push_back(dice.integer(0, length / 2));
    const Trail cut = run_cut(program, moves, dice.chance(0.5));
    cuts_in_all += static_cast<int>(moves.size());
    ASSERT_EQ(cut.ends, whole.ends) << "seed " << seed;
    ASSERT_EQ(cut.cycles, whole.cycles) << "seed " << seed;
    ASSERT_EQ(cut.step_count, whole.step_count) << "seed " << seed;
    ASSERT_EQ(cut.cycle, whole.cycle) << "seed " << seed;
    ASSERT_EQ(cut.judged, whole.judged) << "seed " << seed;
    // A step may overshoot its end by what flows in a second.
    const double tolerance_Ah = 2.1 / 3600 * static_cast<double>(moves.size());
    ASSERT_NEAR(cut.charge_Ah, whole.charge_Ah, tolerance_Ah) << "seed " << seed;
    ASSERT_NEAR(cut.discharge_Ah, whole.discharge_Ah, tolerance_Ah) << "seed " << seed;
  }
  EXPECT_GT(cuts_in_all, 300);
}

}  // namespace
}  // namespace cellrig
