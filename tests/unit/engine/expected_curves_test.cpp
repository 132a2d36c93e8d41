// The curves of a rehearsal: bounded, true to where they bend, and one for executions that do not differ.
#include "controller/engine/expected_curves.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/unit/engine/program_builder.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

Reading good(double value, double seconds) { return Reading{value, at(seconds), Quality::good}; }

StepMoment moment(double coordinate, double voltage_V, std::optional<double> cell_degC = 25.0) {
  StepMoment m{.now = at(coordinate), .at = coordinate, .voltage = good(voltage_V, coordinate), .around_degC = 25.0};
  if (cell_degC) m.cell_temperature = good(*cell_degC, coordinate);
  return m;
}

class Curves : public testing::Test {
 protected:
  Curves()
      : program{ProgramBuilder{}.add(rest(1h)).add(cc(-5.0), {voltage_at_most(2.5)}).build()}, gatherer{program}, way{program} {}

  void begin(std::uint32_t instruction) { gatherer.begin_step(way.begin_step(instruction, false)); }
  void execute(std::uint32_t instruction, double end, double step, const std::function<double(double)>& voltage_V) {
    begin(instruction);
    for (double x = 0.0; x < end; x += step) gatherer.look(moment(x, voltage_V(x)));
    gatherer.end_step(end, true);
  }

  Program program;
  CurveGatherer gatherer;
  StepWay way;
};

double relaxing(double t) { return 3.6 + 0.2 * std::exp(-t / 12.0) + 0.1 * std::exp(-t / 577.0); }

TEST_F(Curves, of_a_day_s_rest_hold_few_points_and_lie_near_all_that_was_left_out) {
  execute(0, 86'400.0, 1.0, relaxing);
  const ExpectedCurves all = gatherer.take();
  const ExpectedCurve* const curve = all.find(0, 1);
  ASSERT_NE(curve, nullptr);
  EXPECT_LE(curve->points.size(), curve_points_max);
  for (double t = 0.0; t < 86'400.0; t += 7.0) {
    const ExpectedRange there = curve->voltage_within(t, t).value();
    ASSERT_NEAR(there.min, relaxing(t), 0.25 * program.expectation.voltage_V) << t;
  }
  EXPECT_DOUBLE_EQ(curve->ends_at.value(), 86'400.0);
  EXPECT_EQ(curve->coordinate, Coordinate::step_time_s);
}

TEST_F(Curves, that_nothing_can_make_straight_are_bounded_all_the_same) {
  execute(1, 50'000.0, 1.0, [](double x) { return 3.5 + 0.5 * std::sin(x * x); });
  const ExpectedCurves all = gatherer.take();
  EXPECT_LE(all.find(1, 1)->points.size(), curve_points_max);
}

TEST_F(Curves, give_all_that_lies_between_two_coordinates_and_their_ends_beyond) {
  const ExpectedCurve curve{.points = {{0.0, 3.0}, {1.0, 4.0}, {2.0, 3.5}}};
  EXPECT_DOUBLE_EQ(curve.voltage_within(0.5, 1.5)->min, 3.5);
  EXPECT_DOUBLE_EQ(curve.voltage_within(0.5, 1.5)->max, 4.0);
  EXPECT_DOUBLE_EQ(curve.voltage_within(5.0, 6.0)->max, 3.5);
  EXPECT_DOUBLE_EQ(curve.voltage_within(-2.0, -1.0)->min, 3.0);
  EXPECT_FALSE(curve.rise_within(0.0, 2.0)) << "no temperature was measured";
  EXPECT_FALSE(ExpectedCurve{}.voltage_within(0.0, 1.0));
}

TEST_F(Curves, of_executions_that_do_not_differ_are_one) {
  for (int i = 0; i < 50; ++i) execute(1, 5.0, 0.01, [](double x) { return 4.2 - 0.3 * x; });
  const ExpectedCurves all = gatherer.take();
  EXPECT_EQ(all.curves.size(), 1U);
  EXPECT_EQ(all.find(1, 1), all.find(1, 50));
  EXPECT_EQ(all.find(1, 1), all.find(1, 1000)) << "the last one known serves those that come after";
  EXPECT_EQ(all.find(0, 1), nullptr);
}

TEST_F(Curves, of_executions_that_differ_noticeably_are_kept) {
  const auto falling_from = [](double volts) { return [volts](double x) { return volts - 0.1 * x; }; };
  execute(1, 5.0, 0.01, falling_from(4.2));
  execute(1, 5.0, 0.01, falling_from(4.19));  // 10 mV: not half of the band
  execute(1, 5.0, 0.01, falling_from(4.1));
  execute(1, 4.8, 0.01, falling_from(4.1));  // 4 % of 5 Ah less
  const ExpectedCurves all = gatherer.take();
  ASSERT_EQ(all.curves.size(), 3U);
  EXPECT_EQ(all.find(1, 2)->execution, 1U);
  EXPECT_EQ(all.find(1, 3)->execution, 3U);
  EXPECT_EQ(all.find(1, 4)->execution, 4U);
  EXPECT_DOUBLE_EQ(all.find(1, 9)->ends_at.value(), 4.8);
}

// A thousand passes that all differ: what could not be kept is not compared with what another pass did.
TEST_F(Curves, beyond_the_memory_for_them_expect_nothing) {
  for (int i = 0; i < 2000; ++i)
    execute(1, 5.0, 0.02, [i](double x) { return 3.5 + 0.1 * (i % 2) + 0.4 * std::sin(20.0 * x * x); });
  const ExpectedCurves all = gatherer.take();
  std::size_t points = 0;
  for (const ExpectedCurve& curve : all.curves) points += curve.points.size();
  EXPECT_LE(points, curves_points_max);
  EXPECT_NE(all.find(1, 1), nullptr);
  EXPECT_EQ(all.find(1, 2000), nullptr);
}

TEST_F(Curves, leave_out_what_is_no_number) {
  begin(0);
  gatherer.look(moment(0.0, 3.7));
  gatherer.look(moment(1.0, nan));
  gatherer.look(moment(nan, 3.7));
  gatherer.look(moment(2.0, 3.8, std::nullopt));
  gatherer.end_step(3.0, true);
  const ExpectedCurves all = gatherer.take();
  ASSERT_EQ(all.find(0, 1)->points.size(), 2U);
  EXPECT_TRUE(std::isnan(all.find(0, 1)->points[1].cell_degC));
}

TEST_F(Curves, of_a_step_that_was_broken_off_have_no_end) {
  begin(1);
  gatherer.look(moment(0.0, 3.7));
  const ExpectedCurves all = gatherer.take();
  EXPECT_FALSE(all.find(1, 1)->ends_at.has_value());
}

TEST_F(Curves, of_a_step_without_a_sample_expect_nothing) {
  begin(1);
  gatherer.end_step(0.0, true);
  EXPECT_EQ(gatherer.take().find(1, 1), nullptr);
}

TEST_F(Curves, are_kept_for_each_way_and_for_the_passes_in_which_they_differ) {
  const auto pass = [this](std::uint64_t number, std::uint64_t from, double volts) {
    gatherer.begin_step({.instruction = 1, .execution = number, .way = from, .passes = {number}});
    for (double x = 0.0; x < 5.0; x += 0.01) gatherer.look(moment(x, volts - 0.1 * x));
    gatherer.end_step(5.0, true);
  };
  pass(1, 7, 4.2);
  pass(2, 8, 4.0);
  pass(3, 7, 4.2);
  pass(4, 7, 4.1);
  pass(5, 8, 4.0);
  const ExpectedCurves all = gatherer.take();
  EXPECT_EQ(all.ways.size(), 3U) << "the others met what was known";
  const auto volts_of = [&all](std::uint64_t from, std::uint64_t number) {
    const ExpectedCurves::Found found = all.find({.instruction = 1, .execution = 99, .way = from, .passes = {number}});
    return found.curve == nullptr ? 0.0 : found.curve->points.front().voltage_V;
  };
  EXPECT_DOUBLE_EQ(volts_of(7, 1), 4.2);
  EXPECT_DOUBLE_EQ(volts_of(7, 3), 4.2);
  EXPECT_DOUBLE_EQ(volts_of(7, 4), 4.1);
  EXPECT_DOUBLE_EQ(volts_of(7, 99), 4.1);
  EXPECT_DOUBLE_EQ(volts_of(8, 1), 4.0);
  EXPECT_FALSE(all.find({.instruction = 1, .way = 9}).is_rehearsed);
  EXPECT_FALSE(all.find({.instruction = 1}).is_rehearsed) << "nobody knows how it came here";
}

// A way that was jumped back to: its visits are told apart by their count.
TEST_F(Curves, of_visits_in_the_same_passes_are_those_of_their_executions) {
  const auto visit = [this](std::uint64_t number, double volts) {
    gatherer.begin_step({.instruction = 1, .execution = number, .way = 7, .passes = {2}});
    for (double x = 0.0; x < 5.0; x += 0.01) gatherer.look(moment(x, volts - 0.1 * x));
    gatherer.end_step(5.0, true);
  };
  for (const auto& [number, volts] : {std::pair{3, 4.2}, {4, 4.1}, {5, 4.0}}) visit(static_cast<std::uint64_t>(number), volts);
  const ExpectedCurves all = gatherer.take();
  const auto volts_of = [&all](std::uint64_t number, std::uint64_t pass) {
    const auto found = all.find({.instruction = 1, .execution = number, .way = 7, .passes = {pass}});
    return found.curve == nullptr ? 0.0 : found.curve->points.front().voltage_V;
  };
  EXPECT_DOUBLE_EQ(volts_of(1, 2), 4.2) << "the first one known";
  EXPECT_DOUBLE_EQ(volts_of(3, 2), 4.2);
  EXPECT_DOUBLE_EQ(volts_of(4, 2), 4.1);
  EXPECT_DOUBLE_EQ(volts_of(9, 2), 4.0);
  EXPECT_DOUBLE_EQ(volts_of(9, 1), 4.2) << "before the first pass known";
  EXPECT_DOUBLE_EQ(volts_of(9, 3), 4.0);
}

// Ways without number: a way that is known and changes afterwards is no longer compared with what it did before.
TEST_F(Curves, of_a_way_that_changes_when_no_more_can_be_kept_expect_nothing) {
  const auto visit = [this](std::uint64_t number, std::uint64_t from, double volts) {
    gatherer.begin_step({.instruction = 1, .execution = number, .way = from, .passes = {number}});
    gatherer.look(moment(0.0, volts));
    gatherer.end_step(5.0, true);
  };
  std::uint64_t number = 1;
  for (; number <= expected_ways_max; ++number) visit(number, number, 4.0);
  visit(number, 5, 4.0);
  visit(number + 1, 5, 3.5);
  visit(number + 2, 5, 3.6);
  visit(number + 3, number, 4.0);
  const ExpectedCurves all = gatherer.take();
  EXPECT_EQ(all.ways.size(), expected_ways_max + 1);
  const auto found = [&all](std::uint64_t at, std::uint64_t from) {
    return all.find({.instruction = 1, .execution = at, .way = from, .passes = {at}});
  };
  EXPECT_NE(found(number, 5).curve, nullptr) << "as before";
  EXPECT_EQ(found(number + 1, 5).curve, nullptr);
  EXPECT_TRUE(found(number + 1, 5).is_rehearsed);
  EXPECT_EQ(found(number + 2, 5).curve, nullptr);
  EXPECT_NE(found(number + 2, 6).curve, nullptr) << "another one that did not change";
  EXPECT_FALSE(found(number + 3, number).is_rehearsed);
}

TEST_F(Curves, of_a_course_hold_the_least_and_the_most_of_each_stretch) {
  Program drive = ProgramBuilder{}.add(course({-5.0, 5.0})).build();
  CurveGatherer of_course{drive};
  StepWay its_way{drive};
  of_course.begin_step(its_way.begin_step(0, false));
  for (double t = 0.0; t < 36'000.0; t += 1.0)
    of_course.look(moment(t, 4.0 - t / 36'000.0 + (std::fmod(t, 20.0) < 10.0 ? -0.1 : 0.1)));
  of_course.end_step(36'000.0, true);
  const ExpectedCurves all = of_course.take();
  const ExpectedCurve* const curve = all.find(0, 1);
  ASSERT_NE(curve, nullptr);
  EXPECT_EQ(curve->coordinate, Coordinate::step_time_s);
  EXPECT_LE(curve->points.size(), 2 * course_stretches_max);
  for (double t = 0.0; t < 36'000.0; t += 700.0) {
    const ExpectedRange there = curve->voltage_within(t - curve->stretch_s, t + curve->stretch_s).value();
    EXPECT_LE(there.min, 4.0 - t / 36'000.0 - 0.1 + 1e-3) << t;
    EXPECT_GE(there.max, 4.0 - t / 36'000.0 + 0.1 - 1e-3) << t;
    EXPECT_GT(there.min, 4.0 - t / 36'000.0 - 0.2) << t;
  }
}

}  // namespace
}  // namespace cellrig::test
