// The divergence watch by itself: what counts as outside, for how long, in which unit it forgives a shift, and what it does not judge.
#include "controller/engine/divergence_watch.hpp"

#include <gtest/gtest.h>

#include "tests/unit/engine/program_builder.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t a_rest = 0, a_charge = 1, a_discharge = 2, a_soak = 3;
constexpr Duration gap_limit = 3s;

/// Straight lines: a rest at 3.7 V, a charge from 3.5 to 4.2 V and a discharge back, over 5 Ah; 10 K above the surroundings.
ExpectedCurves straight(double rest_V = 3.7) {
  const auto curve = [](std::uint32_t instruction, Coordinate coordinate, double end, double from_V, double to_V) {
    ExpectedCurve c{.instruction = instruction, .coordinate = coordinate, .ends_at = end};
    c.points = {{0.0, from_V, 35.0, 25.0}, {end, to_V, 35.0, 25.0}};
    return c;
  };
  ExpectedCurves all;
  all.start_tolerance_pct = 10.0;
  all.curves = {curve(a_rest, Coordinate::step_time_s, 600.0, rest_V, rest_V),
                curve(a_charge, Coordinate::charge_Ah, 5.0, 3.5, 4.2), curve(a_discharge, Coordinate::charge_Ah, 5.0, 4.2, 3.5),
                curve(a_soak, Coordinate::step_time_s, 600.0, 3.7, 3.7)};
  return all;
}

Program program_of() {
  Step soak = rest(2h);
  soak.kind = StepKind::soak;
  soak.chamber_temperature = Celsius{0.0};
  return ProgramBuilder{}
      .add(rest(2h))
      .add(cc(5.0), {voltage_at_least(4.2)})
      .add(cc(-5.0), {voltage_at_most(3.5)})
      .add(soak)
      .build();
}

class DivergenceWatchTest : public testing::Test {
 protected:
  void expect(const ExpectedCurves& curves) {
    watch.emplace(program, std::make_shared<const ExpectedCurves>(curves));
    executions.clear();
    now_s = 0.0;
  }
  DivergenceWatchTest() : program{program_of()} { expect(straight()); }

  std::optional<Divergence> look(double coordinate, double voltage_V, double cell_degC = 35.0) {
    now_s += 1.0;
    StepMoment m{.now = at(now_s), .at = coordinate, .around_degC = 25.0};
    m.voltage = Reading{voltage_V, at(now_s), Quality::good};
    m.cell_temperature = Reading{cell_degC, at(now_s), Quality::good};
    return watch->look(m, gap_limit);
  }
  /// Seconds until it is said; none within `seconds`. The coordinate stands still: a tenth of the step.
  std::optional<int> said_after(int seconds, double coordinate, double voltage_V, double cell_degC = 35.0) {
    for (int i = 0; i < seconds; ++i) {
      found = look(coordinate, voltage_V, cell_degC);
      if (found) return i;
    }
    return std::nullopt;
  }
  std::optional<Divergence> end(std::uint32_t instruction, double moved_Ah, StepEndReason reason = StepEndReason::condition) {
    output::StepEnded ended{.instruction = instruction, .reason = reason, .has_end = reason == StepEndReason::condition};
    (moved_Ah > 0 ? ended.totals.moved.charge : ended.totals.moved.discharge) = AmpHours{std::abs(moved_Ah)};
    return watch->end_step(ended);
  }
  std::optional<Detour> begin(std::uint32_t instruction) {
    return watch->begin_step({.instruction = instruction, .execution = ++executions[instruction]});
  }
  /// Full, by a voltage: from here on its charge is known.
  void fill() {
    begin(a_charge);
    (void)end(a_charge, 5.0);
  }

  Program program;
  std::optional<DivergenceWatch> watch;
  std::optional<Divergence> found;
  double now_s = 0.0;
  std::map<std::uint32_t, std::uint64_t> executions;
};

TEST_F(DivergenceWatchTest, what_stays_outside_for_the_hold_is_said_with_all_that_a_person_needs) {
  fill();
  begin(a_discharge);
  EXPECT_EQ(said_after(100, 2.5, 3.70), 30);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->quantity, DivergedQuantity::voltage_V);
  EXPECT_DOUBLE_EQ(found->measured, 3.70);
  EXPECT_EQ(found->instruction, a_discharge);
  EXPECT_EQ(found->execution, 1U);
  EXPECT_DOUBLE_EQ(found->at, 2.5);
  EXPECT_LT(found->measured, found->band.min);
  EXPECT_LT(found->band.min, found->expected.min);
  EXPECT_FALSE(said_after(100, 2.5, 3.70)) << "once in a step";
  begin(a_discharge);
  EXPECT_TRUE(said_after(100, 2.5, 3.70)) << "and once in the next";
}

TEST_F(DivergenceWatchTest, one_reading_inside_begins_the_hold_anew) {
  fill();
  begin(a_discharge);
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(said_after(29, 2.5, 3.70));
    EXPECT_FALSE(look(2.5, 3.85));
  }
}

// What is no number is neither inside nor outside.
TEST_F(DivergenceWatchTest, a_reading_that_is_no_number_neither_trips_it_nor_silences_it) {
  fill();
  begin(a_discharge);
  EXPECT_FALSE(said_after(200, 2.5, nan));
  int until_said = 0;
  for (; until_said < 200 && !found; ++until_said) {
    found = look(2.5, until_said % 3 == 1 ? nan : 3.70);
  }
  EXPECT_TRUE(found) << "a third of the readings is missing";
  EXPECT_GE(until_said, 30);
  begin(a_discharge);
  EXPECT_FALSE(said_after(200, nan, 3.70)) << "nobody knows where on the curve it is";
}

TEST_F(DivergenceWatchTest, a_gap_between_readings_counts_for_nothing) {
  fill();
  begin(a_discharge);
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(look(2.5, 3.70)) << "two readings, a minute apart, are no minute outside";
    now_s += 60.0;
  }
  EXPECT_TRUE(said_after(60, 2.5, 3.70));
}

TEST_F(DivergenceWatchTest, the_same_reading_again_counts_for_nothing) {
  fill();
  begin(a_discharge);
  StepMoment m{.now = at(1.0), .at = 2.5, .around_degC = 25.0};
  m.voltage = Reading{3.70, at(1.0), Quality::good};
  for (int i = 0; i < 100; ++i) {
    m.now = at(1.0 + i);
    EXPECT_FALSE(watch->look(m, gap_limit));
  }
}

// ---- room along the charge ------------------------------------------------------------------------------------------

TEST_F(DivergenceWatchTest, a_shift_along_the_charge_is_forgiven_as_far_as_the_charge_is_unknown) {
  begin(a_charge);  // 10 % of 5 Ah, at 0.14 V/Ah: 70 mV and the band of 50
  EXPECT_FALSE(said_after(100, 2.5, 3.85 + 0.115));
  EXPECT_TRUE(said_after(100, 2.5, 3.85 + 0.125));
  fill();
  begin(a_discharge);  // full: 2 % and 5 % of what has flowed, 0.225 Ah, 32 mV
  EXPECT_FALSE(said_after(100, 2.5, 3.85 - 0.078));
  EXPECT_TRUE(said_after(100, 2.5, 3.85 - 0.085));
}

TEST_F(DivergenceWatchTest, beside_the_ends_of_the_curve_only_the_side_that_is_known_is_judged) {
  begin(a_charge);
  EXPECT_FALSE(said_after(100, 0.1, 3.2)) << "it began emptier: the curve does not say how low that is";
  EXPECT_TRUE(said_after(100, 0.1, 3.8)) << "and no emptiness makes it higher";
  fill();
  begin(a_discharge);
  EXPECT_FALSE(said_after(100, 0.05, 4.4));
  EXPECT_TRUE(said_after(100, 0.05, 4.0));
}

TEST_F(DivergenceWatchTest, where_nobody_knows_the_charge_no_voltage_is_judged_before_the_cell_was_full_or_empty) {
  ExpectedCurves curves = straight();
  curves.start_tolerance_pct.reset();
  expect(curves);
  begin(a_charge);
  EXPECT_FALSE(said_after(100, 2.5, 3.0, 60.0));
  begin(a_rest);
  EXPECT_FALSE(said_after(100, 10.0, 3.2, 60.0)) << "an empty cell relaxes and warms otherwise than a full one";
  EXPECT_FALSE(said_after(100, 110.0, 3.0, 60.0));
  begin(a_charge);
  EXPECT_FALSE(end(a_charge, 1.0)) << "nor its charge";
  begin(a_discharge);
  EXPECT_TRUE(said_after(100, 2.5, 3.6)) << "it has been full";
}

TEST_F(DivergenceWatchTest, an_end_by_charge_does_not_tell_where_the_cell_stands) {
  ExpectedCurves curves = straight();
  curves.start_tolerance_pct.reset();
  expect(curves);
  program = ProgramBuilder{}
                .add(rest(2h))
                .add(cc(5.0), {when(ConditionQuantity::capacity_Ah, Comparison::at_least, 5.0)})
                .add(cc(-5.0), {voltage_at_most(3.5)})
                .build();
  fill();
  begin(a_discharge);
  EXPECT_FALSE(said_after(100, 2.5, 3.0));
}

// What a discharging course takes out adds to what is out already: the emptier, the more the capacity of the cell matters.
TEST_F(DivergenceWatchTest, a_discharging_course_has_room_for_all_that_is_out) {
  constexpr std::uint32_t a_course = 4;
  Step pulses = course({-7.2});
  pulses.direction = StepDirection::discharge;
  program = ProgramBuilder{}.add(rest(2h)).add(cc(5.0), {voltage_at_least(4.2)}).add(cc(-5.0)).add(rest(1h)).add(pulses).build();
  ExpectedCurves curves = straight();
  ExpectedCurve falling{.instruction = a_course, .ends_at = 1000.0, .stretch_s = 10.0};
  falling.points = {{0.0, 4.0}, {1000.0, 3.0}};
  curves.curves.push_back(falling);
  expect(curves);
  const auto is_said = [&](double below_V) {
    fill();
    begin(a_discharge);
    (void)end(a_discharge, -3.0, StepEndReason::time_bound);
    begin(a_course);
    for (int i = 0; i < 60 && !found; ++i) {
      now_s += 1.0;
      StepMoment m{.now = at(now_s), .at = 500.0, .net_Ah = -1.0};
      m.voltage = Reading{3.5 - below_V, at(now_s), Quality::good};
      found = watch->look(m, gap_limit);
    }
    return std::exchange(found, std::nullopt).has_value();
  };
  // Full, and 4 Ah out: 2 % and 5 % of it are 152 s of this course, a stretch 10, and a band of 50 mV.
  EXPECT_FALSE(is_said(0.19));
  EXPECT_TRUE(is_said(0.23));
}

// ---- rests ----------------------------------------------------------------------------------------------------------

TEST_F(DivergenceWatchTest, the_first_rest_is_judged_by_how_its_voltage_moves) {
  begin(a_rest);
  EXPECT_FALSE(said_after(100, 10.0, 3.2)) << "another charge, and steady";
  EXPECT_TRUE(said_after(100, 110.0, 3.14)) << "and then it falls";
}

TEST_F(DivergenceWatchTest, a_rest_after_a_full_charge_is_judged_by_its_voltage) {
  fill();
  begin(a_rest);
  EXPECT_FALSE(said_after(100, 10.0, 3.66));
  EXPECT_TRUE(said_after(100, 110.0, 3.64));
}

TEST_F(DivergenceWatchTest, what_a_rest_does_after_its_rehearsal_is_known_to_nobody) {
  fill();
  begin(a_rest);
  EXPECT_FALSE(said_after(100, 5000.0, 3.7));
  EXPECT_FALSE(said_after(100, 6000.0, 3.6));
}

// ---- temperature ----------------------------------------------------------------------------------------------------

TEST_F(DivergenceWatchTest, temperature_is_judged_above_the_surroundings) {
  fill();
  begin(a_discharge);
  EXPECT_FALSE(said_after(100, 2.5, 3.85, 39.0));
  EXPECT_TRUE(said_after(100, 2.5, 3.85, 41.0));
  EXPECT_EQ(found->quantity, DivergedQuantity::cell_temperature_degC);
  begin(a_discharge);
  for (int i = 0; i < 100; ++i) {  // ten degrees warmer in the room, and so in the cell
    now_s += 1.0;
    StepMoment m{.now = at(now_s), .at = 2.5, .around_degC = 35.0};
    m.voltage = Reading{3.85, at(now_s), Quality::good};
    m.cell_temperature = Reading{45.0, at(now_s), Quality::good};
    EXPECT_FALSE(watch->look(m, gap_limit));
  }
}

TEST_F(DivergenceWatchTest, a_thermometer_without_a_number_hides_nothing_else) {
  fill();
  begin(a_discharge);
  EXPECT_FALSE(said_after(100, 2.5, 3.85, nan));
  EXPECT_TRUE(said_after(100, 2.5, 3.70, nan));
  EXPECT_EQ(found->quantity, DivergedQuantity::voltage_V);
}

TEST_F(DivergenceWatchTest, a_soak_is_as_fast_as_its_chamber) {
  fill();
  begin(a_soak);
  EXPECT_FALSE(said_after(100, 10.0, 3.7, 60.0));
}

// ---- charge ---------------------------------------------------------------------------------------------------------

TEST_F(DivergenceWatchTest, a_step_that_ends_with_less_charge_than_it_should_is_a_divergence) {
  fill();
  begin(a_discharge);
  EXPECT_FALSE(end(a_discharge, -4.76)) << "5 % of 5 Ah less, not quite";
  begin(a_discharge);
  found = end(a_discharge, -4.74);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->quantity, DivergedQuantity::charge_Ah);
  EXPECT_TRUE(found->is_at_end);
  EXPECT_DOUBLE_EQ(found->measured, 4.74);
  EXPECT_DOUBLE_EQ(found->expected.min, 5.0);
}

TEST_F(DivergenceWatchTest, a_step_that_was_cut_off_says_nothing_of_its_charge) {
  for (const StepEndReason reason : {StepEndReason::stopped, StepEndReason::tripped, StepEndReason::skipped}) {
    fill();
    begin(a_discharge);
    EXPECT_FALSE(end(a_discharge, -1.0, reason));
  }
}

TEST_F(DivergenceWatchTest, a_step_that_goes_on_far_beyond_its_end_is_a_divergence_before_it_ends) {
  fill();
  begin(a_charge);
  EXPECT_FALSE(said_after(100, 5.2, 4.2));
  EXPECT_TRUE(said_after(100, 5.9, 4.2));
  EXPECT_EQ(found->quantity, DivergedQuantity::charge_Ah);
  EXPECT_FALSE(found->is_at_end);
}

// ---- executions, and going on ---------------------------------------------------------------------------------------

TEST_F(DivergenceWatchTest, each_execution_has_its_own_curve_and_the_last_one_known_serves_the_rest) {
  ExpectedCurves curves = straight();
  ExpectedCurve later = curves.curves[2];
  later.execution = 3;
  for (ExpectedPoint& point : later.points) point.voltage_V -= 0.2;
  curves.curves.insert(curves.curves.begin() + 3, later);
  expect(curves);
  fill();
  for (int execution = 1; execution <= 5; ++execution) {
    begin(a_discharge);
    const double right_V = execution < 3 ? 3.85 : 3.65;
    EXPECT_FALSE(said_after(60, 2.5, right_V)) << execution;
    EXPECT_TRUE(said_after(60, 2.5, right_V + (execution < 3 ? -0.2 : 0.2))) << execution;
  }
}

TEST_F(DivergenceWatchTest, a_step_that_nothing_was_foretold_of_is_not_judged) {
  ExpectedCurves curves = straight();
  std::erase_if(curves.curves, [](const ExpectedCurve& c) { return c.instruction == a_discharge; });
  expect(curves);
  fill();
  begin(a_discharge);
  EXPECT_FALSE(said_after(100, 2.5, 2.0, 90.0));
  EXPECT_FALSE(end(a_discharge, -0.1));
}

TEST_F(DivergenceWatchTest, an_execution_that_was_interrupted_is_the_same_one_when_it_goes_on) {
  watch->go_on(at(0.0));
  now_s = 3700.0;
  executions = {{a_rest, 1}};
  begin(a_rest);
  EXPECT_TRUE(said_after(100, 300.0, 3.7, 60.0)) << "a rest that it went on with in a process where nothing has flowed";
  EXPECT_EQ(found->execution, 2U);
  begin(a_rest);
  EXPECT_TRUE(said_after(100, 300.0, 3.7, 60.0));
  EXPECT_EQ(found->execution, 3U);
}

TEST_F(DivergenceWatchTest, after_an_interruption_it_waits_for_an_hour_and_for_a_cell_that_is_full_or_empty) {
  watch->go_on(at(0.0));
  executions = {{a_discharge, 1}};
  begin(a_discharge);
  EXPECT_FALSE(said_after(3500, 2.5, 3.0, 60.0)) << "it has rested and cooled meanwhile";
  now_s = 3700.0;
  EXPECT_FALSE(said_after(100, 2.5, 3.0, 60.0)) << "nobody knows its charge";
  EXPECT_FALSE(end(a_discharge, -1.0));
  fill();
  begin(a_discharge);
  EXPECT_TRUE(said_after(100, 2.5, 3.6));
  EXPECT_EQ(found->execution, 3U);
}

// ---- ways -----------------------------------------------------------------------------------------------------------

TEST_F(DivergenceWatchTest, on_a_way_that_was_not_rehearsed_nothing_is_judged_and_that_is_said_once) {
  ExpectedCurves curves = straight();
  curves.ways = {{a_rest, 7, {}, 1}, {a_charge, 0, {}, 1}, {a_discharge, 7, {}, 1}};
  expect(curves);
  EXPECT_FALSE(watch->begin_step({.instruction = a_charge, .way = 0}));
  (void)end(a_charge, 5.0);
  const std::optional<Detour> left = watch->begin_step({.instruction = a_discharge, .way = 8}, StepWay::Lost::no, a_charge);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->kind, Detour::Kind::other_way);
  EXPECT_EQ(left->previous, a_charge);
  EXPECT_FALSE(said_after(100, 2.5, 2.0, 90.0));
  EXPECT_FALSE(end(a_discharge, -0.1));
  EXPECT_FALSE(watch->begin_step({.instruction = a_rest, .way = 9})) << "said already";
  const std::optional<Detour> back = watch->begin_step({.instruction = a_discharge, .way = 7});
  ASSERT_TRUE(back);
  EXPECT_EQ(back->kind, Detour::Kind::ended);
  EXPECT_TRUE(said_after(100, 2.5, 3.0));
}

TEST_F(DivergenceWatchTest, a_later_pass_of_the_same_way_is_compared_with_the_pass_before_it_that_was_kept) {
  ExpectedCurves curves = straight();
  ExpectedCurve later = curves.curves[2];
  later.execution = 3;
  for (ExpectedPoint& point : later.points) point.voltage_V -= 0.2;
  curves.curves.insert(curves.curves.begin() + 3, later);
  curves.ways = {{a_charge, 0, {}, 1}, {a_discharge, 7, {2, 1}, 1}, {a_discharge, 7, {2, 5}, 3}};
  expect(curves);
  const auto right_V = [&](LoopPasses passes) {
    (void)watch->begin_step({.instruction = a_charge, .way = 0});
    (void)end(a_charge, 5.0);
    (void)watch->begin_step({.instruction = a_discharge, .way = 7, .passes = std::move(passes)});
    return said_after(60, 2.5, 3.85) ? 3.65 : 3.85;
  };
  EXPECT_EQ(right_V({1, 9}), 3.85) << "before all that is known: the first";
  EXPECT_EQ(right_V({2, 1}), 3.85);
  EXPECT_EQ(right_V({2, 4}), 3.85);
  EXPECT_EQ(right_V({2, 5}), 3.65);
  EXPECT_EQ(right_V({3, 1}), 3.65);
}

// A guard ends a charge where it is too warm: how much had gone in by then is no measure of the cell.
TEST_F(DivergenceWatchTest, an_end_that_leads_elsewhere_moves_no_less_than_it_should) {
  EndCondition& guard = std::get<Step>(program.code[a_charge]).ends.front();
  begin(a_charge);
  (void)end(a_charge, 5.0);
  begin(a_charge);
  EXPECT_TRUE(end(a_charge, 1.0));
  guard.target = EndCondition::Target::failure;
  begin(a_charge);
  EXPECT_FALSE(end(a_charge, 1.0));
}

}  // namespace
}  // namespace cellrig::test
