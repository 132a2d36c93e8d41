// Loops, cycles, results, criteria, state of charge: what a program counts and compares while it runs.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/unit/engine/channel_driver.hpp"
#include "tests/unit/engine/dice.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;
using enum Comparison;
using enum ResultQuantity;

/// A step that its first sample ends, known by its name.
Step instant(const std::string& name) {
  Step step = cc(2.0);
  step.name = name;
  return step;
}
const std::vector<Tree> at_once{step_time_at_least(0)};

/// Runs to the end with one sample per step; the names of the steps in their order.
std::string path(Driver& d, int inputs_max = 10'000) {
  std::string names;
  d.start();
  for (int n = 0; n < inputs_max && d.phase() != Phase::finished; ++n) {
    if (d.phase() == Phase::running) {
      names += d.machine.current_step()->name;
      d.observe_after(1, {.current_A = 2});
    } else {
      d.acknowledge();
    }
  }
  EXPECT_EQ(d.phase(), Phase::finished);
  return names;
}

// ---- loops --------------------------------------------------------------------------------------------------------------

TEST(ChannelProgram, a_loop_repeats_its_steps_and_goes_on) {
  Driver d{
      ProgramBuilder{}.add(instant("a"), at_once).loop(3).add(instant("b"), at_once).end().add(instant("c"), at_once).build()};
  EXPECT_EQ(path(d), "abbbc");
  EXPECT_EQ(d.machine.state().step_count, 5u);
}

TEST(ChannelProgram, an_inner_loop_starts_anew_in_every_pass_of_the_outer_one) {
  Driver d{ProgramBuilder{}
               .loop(2)
               .add(instant("a"), at_once)
               .loop(3)
               .add(instant("b"), at_once)
               .end()
               .end()
               .add(instant("c"), at_once)
               .build()};
  EXPECT_EQ(path(d), "abbbabbbc");
}

TEST(ChannelProgram, a_loop_of_no_passes_is_skipped_and_an_empty_loop_takes_no_time) {
  Driver d{ProgramBuilder{}.loop(0).add(instant("a"), at_once).end().loop(1000).end().add(instant("b"), at_once).build()};
  EXPECT_EQ(path(d), "b");
}

TEST(ChannelProgram, random_nests_of_loops_run_like_their_recursive_expansion) {
  Dice dice{99};
  for (int n = 0; n < 300; ++n) {
    ProgramBuilder builder;
    int steps = 0;
    const std::function<std::string(int)> grow = [&](int depth) {
      std::string expansion;
      for (int item = dice.integer(1, 3); item > 0; --item) {
        if (depth > 0 && dice.chance(0.5)) {
          const int times = dice.integer(0, 3);
          builder.loop(static_cast<std::uint64_t>(times));
          const std::string body = grow(depth - 1);
          builder.end();
          for (int pass = 0; pass < times; ++pass) expansion += body;
        } else {
          const std::string name(1, static_cast<char>('a' + steps++ % 26));
          builder.add(instant(name), at_once);
          expansion += name;
        }
      }
      return expansion;
    };
    const std::string expansion = grow(4);
    Driver d{builder.build()};
    ASSERT_EQ(path(d), expansion) << "program " << n;
    ASSERT_EQ(d.logged<output::Finished>().at(0).outcome, Outcome::completed);
    ASSERT_EQ(d.machine.state().loop_depth, 0);
  }
}

TEST(ChannelProgram, a_program_that_would_loop_for_ever_without_a_step_fails_instead_of_holding_the_thread) {
  Driver d{ProgramBuilder{}.loop(1'000'000'000).end().build()};
  EXPECT_EQ(kinds(d.start()), "unusable off");
  EXPECT_EQ(all<output::Finished>(d.acknowledge()).at(0).outcome, Outcome::failed);
}

// ---- cycles -------------------------------------------------------------------------------------------------------------

TEST(ChannelProgram, each_pass_of_a_counting_loop_is_a_cycle_with_its_own_totals) {
  Driver d{ProgramBuilder{}.loop(3, true).add(cc(3.6), {step_time_at_least(10)}).end().build()};
  d.start();
  while (d.phase() != Phase::finished) {
    d.acknowledge();
    if (d.phase() != Phase::running) continue;
    d.observe({.current_A = 3.6});
    for (int second = 0; second < 10; ++second) d.observe_after(1, {.current_A = 3.6});
  }
  const auto cycles = d.logged<output::CycleEnded>();
  ASSERT_EQ(cycles.size(), 3u);
  for (std::size_t n = 0; n < 3; ++n) {
    EXPECT_EQ(cycles[n].cycle, n + 1);
    EXPECT_FALSE(cycles[n].is_reference);
    EXPECT_FALSE(cycles[n].totals.measured_reference);
    EXPECT_NEAR(cycles[n].totals.moved.charge.value(), 0.01, 1e-12);
    EXPECT_EQ(cycles[n].totals.charge_time, 10s);
    EXPECT_TRUE(cycles[n].totals.cell_temperature.known);
  }
  EXPECT_NEAR(d.machine.state().total.charge.value(), 0.03, 1e-12);
  EXPECT_EQ(d.machine.state().cycle, 3u);
}

TEST(ChannelProgram, a_plain_loop_inside_a_cycle_does_not_count) {
  Driver d{ProgramBuilder{}.loop(2, true).loop(3).add(instant("a"), at_once).end().end().build()};
  EXPECT_EQ(path(d), "aaaaaa");
  EXPECT_EQ(d.logged<output::CycleEnded>().size(), 2u);
}

TEST(ChannelProgram, cycles_are_counted_through_the_whole_program) {
  Driver d{ProgramBuilder{}
               .loop(2, true, true)
               .add(instant("a"), at_once)
               .end()
               .loop(2, true)
               .add(instant("b"), at_once)
               .end()
               .build()};
  path(d);
  const auto cycles = d.logged<output::CycleEnded>();
  ASSERT_EQ(cycles.size(), 4u);
  EXPECT_EQ(cycles[3].cycle, 4u);
  EXPECT_TRUE(cycles[1].is_reference);
  EXPECT_FALSE(cycles[2].is_reference);
}

// ---- results --------------------------------------------------------------------------------------------------------------

/// Discharges 1 A for `hours` and keeps the result.
Step discharge(Measure measure) {
  Step step = cc(-1.0);
  step.measure = measure;
  step.time_max = 100h;
  return step;
}
Tree hours_passed(double hours) { return step_time_at_least(hours * 3600); }

/// Every step by samples a tenth of an hour apart at 4 V.
void run_through(Driver& d, double current_A) {
  d.start();
  for (int n = 0; n < 10'000 && d.phase() != Phase::finished; ++n) {
    d.acknowledge();
    if (d.phase() == Phase::running) d.observe({.voltage_V = 4, .current_A = current_A});
    while (d.phase() == Phase::running) d.observe_after(360, {.voltage_V = 4, .current_A = current_A});
  }
}
const MachineOptions slow_sampling{.gap_limit = 1h};

TEST(ChannelProgram, the_first_reference_is_a_hundred_percent_and_the_latest_is_compared_with_it) {
  Driver d{ProgramBuilder{}
               .loop(1, true, true)
               .add(discharge(Measure::reference), {hours_passed(4)})
               .end()
               .require(retention_pct, at_least, 100)
               .loop(1, true, true)
               .add(discharge(Measure::reference), {hours_passed(3)})
               .end()
               .require(retention_pct, at_least, 80)
               .require(reference_capacity_Ah, at_most, 3.001)
               .build(),
           slow_sampling};
  run_through(d, -1.0);
  const auto judged = d.logged<output::CriterionJudged>();
  ASSERT_EQ(judged.size(), 3u);
  EXPECT_TRUE(judged[0].met);
  EXPECT_NEAR(judged[0].value, 100, 1e-9);
  EXPECT_FALSE(judged[1].met);
  EXPECT_TRUE(judged[1].known);
  EXPECT_NEAR(judged[1].value, 75, 1e-9);
  EXPECT_NEAR(judged[1].margin, -5, 1e-9);
  EXPECT_TRUE(judged[2].met);
  const auto cycles = d.logged<output::CycleEnded>();
  ASSERT_EQ(cycles.size(), 2u);
  EXPECT_TRUE(cycles[1].totals.measured_reference);
  EXPECT_NEAR(cycles[0].retention, 1.0, 1e-12);
  EXPECT_NEAR(cycles[1].retention, 0.75, 1e-12);
  const auto finished = d.logged<output::Finished>();
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].outcome, Outcome::completed) << "a criterion does not end the run";
  EXPECT_FALSE(finished[0].criteria_met);
}

TEST(ChannelProgram, a_test_is_compared_with_the_latest_reference_in_charge_and_energy) {
  Driver d{ProgramBuilder{}
               .add(discharge(Measure::reference), {hours_passed(4)})
               .add(discharge(Measure::test), {hours_passed(3)})
               .require(test_capacity_Ah, at_least, 2.999)
               .require(capacity_ratio_pct, at_least, 74.9)
               .require(energy_ratio_pct, at_least, 75.1)
               .build(),
           slow_sampling};
  run_through(d, -1.0);
  const auto judged = d.logged<output::CriterionJudged>();
  ASSERT_EQ(judged.size(), 3u);
  EXPECT_TRUE(judged[0].met && judged[1].met);
  EXPECT_NEAR(judged[1].value, 75, 1e-9);
  EXPECT_FALSE(judged[2].met);
}

TEST(ChannelProgram, the_charge_time_is_kept_in_minutes_without_the_pauses) {
  Step charge = cc(1.0);
  charge.measure = Measure::charge_time;
  Driver d{ProgramBuilder{}.add(charge, {step_time_at_least(600)}).require(charge_time_min, at_most, 10).build(), slow_sampling};
  d.run();
  d.observe_after(300, {.current_A = 1});
  d.send(input::Pause{});
  d.acknowledge();
  d.now += 2h;
  d.send(input::Resume{});
  d.acknowledge();
  d.observe_after(300, {.current_A = 1});
  const auto judged = d.logged<output::CriterionJudged>();
  ASSERT_EQ(judged.size(), 1u);
  EXPECT_TRUE(judged[0].met);
  EXPECT_NEAR(judged[0].value, 10, 1e-9);
}

// A cycle's charge time is what its rows say: without what they say was waited.
TEST(ChannelProgram, the_charge_time_of_a_cycle_is_without_the_pauses) {
  Driver d{ProgramBuilder{}.loop(1, true).add(cc(1.0), {step_time_at_least(600)}).end().build(), slow_sampling};
  d.run();
  d.observe_after(300, {.current_A = 1});
  d.send(input::Pause{});
  d.acknowledge();
  d.observe_after(1, {.current_A = 0});
  d.observe_after(7200, {.current_A = 0});
  d.send(input::Resume{});
  d.acknowledge();
  d.observe_after(300, {.current_A = 1});
  d.acknowledge();
  const auto cycles = d.logged<output::CycleEnded>();
  ASSERT_EQ(cycles.size(), 1u);
  EXPECT_EQ(cycles[0].totals.charge_time, 300s) << "the time until the first measurement after the pause is no charge either";
}

TEST(ChannelProgram, an_unknown_result_fails_a_criterion_and_never_stops_a_run) {
  ProgramBuilder builder;
  for (const ResultQuantity q :
       {reference_capacity_Ah, retention_pct, test_capacity_Ah, capacity_ratio_pct, energy_ratio_pct, charge_time_min}) {
    builder.stop_if(q, at_least, -1).stop_if(q, below, 1e9);
  }
  Driver d{builder.require(retention_pct, below, 1e9).add(instant("a"), at_once).build()};
  EXPECT_EQ(path(d), "a");
  EXPECT_EQ(d.logged<output::StopHeld>().size(), 0u);
  const auto judged = d.logged<output::CriterionJudged>();
  ASSERT_EQ(judged.size(), 1u);
  EXPECT_FALSE(judged[0].met);
  EXPECT_FALSE(judged[0].known);
  EXPECT_FALSE(d.logged<output::Finished>().at(0).criteria_met);
}

TEST(ChannelProgram, a_stop_condition_ends_the_run_orderly_where_it_holds) {
  Driver d{ProgramBuilder{}
               .loop(10, true)
               .add(instant("a"), at_once)
               .stop_if(cycle_count, at_least, 3)
               .end()
               .add(instant("b"), at_once)
               .build()};
  EXPECT_EQ(path(d), "aaa");
  const auto held = d.logged<output::StopHeld>();
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].instruction, 2u);
  EXPECT_EQ(held[0].value, 3.0);
  EXPECT_EQ(d.logged<output::Finished>().at(0).outcome, Outcome::completed);
  EXPECT_TRUE(d.logged<output::Finished>().at(0).criteria_met);
}

// A test of weeks must not fail at its end because it has many criteria.
TEST(ChannelProgram, twenty_criteria_in_a_row_are_judged_and_the_run_completes) {
  ProgramBuilder builder;
  builder.add(instant("a"), at_once);
  for (int n = 0; n < 20; ++n) builder.require(cycle_count, at_most, 100);
  Driver d{builder.add(instant("b"), at_once).build()};
  EXPECT_EQ(path(d), "ab");
  EXPECT_EQ(d.logged<output::CriterionJudged>().size(), 20u);
  EXPECT_EQ(d.logged<output::Finished>().at(0).outcome, Outcome::completed);
}

// A skipped or failed measurement is no result.
TEST(ChannelProgram, a_skipped_step_leaves_no_result_and_no_state_of_charge) {
  Step step = discharge(Measure::reference);
  step.sets_soc_pct = 0.0;
  Driver d{ProgramBuilder{}.add(step, {hours_passed(4)}).add(rest(60s)).build()};
  d.run();
  d.observe({.current_A = -1});
  d.send(input::Skip{});
  EXPECT_FALSE(d.machine.state().results.has_reference);
  EXPECT_FALSE(d.machine.soc_pct());
}

// ---- state of charge --------------------------------------------------------------------------------------------------------

TEST(ChannelProgram, the_state_of_charge_is_unknown_until_a_step_has_set_it_then_follows_the_charge) {
  Step full = cc(1.0);
  full.sets_soc_pct = 100.0;
  Driver d{
      ProgramBuilder{}.add(full, {step_time_at_least(1)}).add(cc(-5.0), {when(ConditionQuantity::soc_pct, at_most, 80)}).build(),
      slow_sampling};
  d.run();
  EXPECT_FALSE(d.machine.soc_pct());
  d.observe_after(1, {.current_A = 1});
  EXPECT_EQ(d.machine.soc_pct(), 100.0);
  d.acknowledge();
  d.observe({.current_A = -5});
  d.observe_after(540, {.current_A = -5});
  EXPECT_NEAR(d.machine.soc_pct().value(), 85.0, 1e-9) << "5 A for 9 min of the nominal 5 Ah";
  const auto ended = all<output::StepEnded>(d.observe_after(180, {.current_A = -5}));
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_NEAR(ended[0].value, 80.0, 1e-9);
}

TEST(ChannelProgram, a_measured_reference_replaces_the_nominal_capacity_of_the_state_of_charge) {
  Step reference = discharge(Measure::reference);
  reference.sets_soc_pct = 0.0;
  Driver d{ProgramBuilder{}.add(reference, {hours_passed(4)}).add(cc(1.0), {hours_passed(1)}).build(), slow_sampling};
  d.run();
  d.observe({.current_A = -1});
  d.observe_after(3600, {.current_A = -1});
  for (int hour = 1; hour < 4; ++hour) d.observe_after(3600, {.current_A = -1});
  EXPECT_EQ(d.machine.soc_pct(), 0.0);
  d.acknowledge();
  d.observe({.current_A = 1});
  d.observe_after(3600, {.current_A = 1});
  EXPECT_NEAR(d.machine.soc_pct().value(), 25.0, 1e-9) << "1 Ah of 4 Ah";
}

// "The state of charge that holds when this step has ended by a condition": a charge that ran out of time is not full.
TEST(ChannelProgram, a_charge_that_ran_out_of_time_does_not_set_the_state_of_charge) {
  for (const bool normal : {false, true}) {
    Step full = cccv_charge(1.0);
    full.sets_soc_pct = 100.0;
    full.time_max = 10s;
    full.time_max_is_normal = normal;
    Driver d{ProgramBuilder{}.add(full, {current_at_most(0.25)}).add(rest(60s)).build()};
    d.run();
    d.observe_after(10, {.current_A = 1});
    EXPECT_FALSE(d.machine.soc_pct()) << "time bound is " << (normal ? "normal" : "a failure");
  }
}

TEST(ChannelProgram, a_reference_of_nothing_makes_no_state_of_charge) {
  Step empty = discharge(Measure::reference);
  empty.sets_soc_pct = 0.0;
  Driver d{ProgramBuilder{}.add(empty, at_once).add(cc(1.0), {when(ConditionQuantity::soc_pct, at_least, 50)}).build()};
  d.run();
  d.observe({.current_A = -1});
  d.acknowledge();
  d.observe({.current_A = 1});
  EXPECT_EQ(kinds(d.observe_after(1, {.current_A = 1})), "record") << "1 s of charge into an unknown capacity is not 50 %";
}

}  // namespace
}  // namespace cellrig
