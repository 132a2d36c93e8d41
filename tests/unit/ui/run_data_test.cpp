#include "ui/model/run_data.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "ui/model/expected.hpp"

namespace cellrig::ui {
namespace {

api::Columns rows(double from, double to) {
  api::Columns columns;
  for (double t = from; t <= to; ++t) {
    columns["test_time_s"].push_back(t);
    columns["voltage_V"].push_back(3.5 + t * 1e-4);
    columns["current_A"].push_back(1);
    columns["charge_Ah"].push_back(t / 3600);
    columns["discharge_Ah"].push_back(0);
  }
  return columns;
}

api::StepView step(std::int64_t count, std::int64_t id, double started) {
  api::StepView view;
  view.step_count = count;
  view.step_id = id;
  view.started_test_time_s = started;
  view.name = "cc_charge";
  return view;
}

/// Of step 0: from 3 to 4 V in 100 s.
api::ExpectedCurveView rising_curve(std::int64_t execution) {
  api::ExpectedCurveView curve;
  curve.execution = execution;
  curve.coordinate = "step_time_s";
  curve.at = {0, 100};
  curve.voltage_V = {3.0, 4.0};
  curve.cell_temperature_degC = {25, 25};
  return curve;
}

TEST(Expected, is_straight_between_points_and_silent_beyond_the_end) {
  const ExpectedCurves curves{{{.step_id = 0, .execution = 1, .is_by_charge = false, .points = {{0, 3.0, 25}, {10, 4.0, 35}}},
                               {.step_id = 0, .execution = 3, .is_by_charge = true, .points = {{0, 2.0, 20}, {1, 3.0, 30}}}}};
  EXPECT_DOUBLE_EQ(curves.at({.step_id = 0, .compared_with = 1, .step_time_s = 5})->voltage_V, 3.5);
  EXPECT_DOUBLE_EQ(curves.at({.step_id = 0, .compared_with = 1, .step_time_s = 10})->cell_temperature_degC, 35);
  EXPECT_FALSE(curves.at({.step_id = 0, .compared_with = 1, .step_time_s = 10.1}));
  EXPECT_FALSE(curves.at({.step_id = 1, .compared_with = 1, .step_time_s = 5}));
  EXPECT_FALSE(curves.at({.step_id = 0, .step_time_s = 5})) << "the record names no curve";
  EXPECT_DOUBLE_EQ(curves.at({.step_id = 0, .compared_with = 3, .step_time_s = 99, .moved_Ah = 0.5})->voltage_V, 2.5);
}

// What came live while the history was on its way must neither get lost nor be drawn twice.
TEST(RunData, joins_history_and_what_came_live_meanwhile) {
  RunData data;
  data.begin(7);
  data.add_live(rows(90, 110));
  EXPECT_TRUE(data.voltage_V()->is_empty());
  data.set_history(rows(0, 100));
  EXPECT_EQ(data.voltage_V()->count(), 111U);
  data.add_live(rows(105, 120));
  EXPECT_EQ(data.voltage_V()->count(), 121U);
  EXPECT_TRUE(data.missing().empty());
}

TEST(RunData, says_what_is_missing_after_an_interruption) {
  RunData data;
  data.begin(7);
  data.set_history(rows(0, 100));
  data.note_interruption();
  data.add_live(rows(160, 170));
  ASSERT_EQ(data.missing().size(), 1U);
  EXPECT_EQ(data.missing()[0].window, (Window{100, 160}));
}

// A bad cable for weeks: the long stretches are what a person must know of.
TEST(RunData, keeps_a_bounded_number_of_missing_stretches_the_long_ones) {
  RunData data;
  data.begin(7);
  data.set_history(rows(0, 100));
  int at = 100;
  for (std::size_t i = 0; i < RunData::missing_max + 200; ++i) {
    data.note_interruption();
    const int gap = i == 3 ? 5000 : 10;
    data.add_live(rows(at + gap, at + gap + 1));
    at += gap + 1;
  }
  EXPECT_EQ(data.missing().size(), RunData::missing_max);
  EXPECT_TRUE(std::any_of(data.missing().begin(), data.missing().end(),
                          [](const Missing& one) { return one.window.to - one.window.from >= 5000; }));
}

TEST(RunData, lays_the_expectation_under_what_is_measured) {
  RunData data;
  data.begin(7);
  data.set_expected({rising_curve(2)});
  api::StepView second = step(2, 0, 50);
  second.compared_with = 2;
  data.add_steps({step(1, 0, 0), second});
  data.set_history(rows(0, 100));
  // Nothing is expected of the first execution; the second begins at 50 s.
  EXPECT_EQ(data.expected_voltage_V()->extent(), (Window{50, 100}));
  EXPECT_DOUBLE_EQ(data.expected_voltage_V()->last()->y, 3.5);
}

// An interruption makes two rows of one step: its clock and its charge go on.
TEST(RunData, goes_on_along_the_expectation_after_an_interruption) {
  RunData data;
  data.begin(7);
  data.set_expected({rising_curve(1)});
  api::StepView before = step(1, 0, 0), after = step(1, 0, 50);
  before.compared_with = after.compared_with = 1;
  before.ended_test_time_s = 40;
  data.add_steps({before, after});
  data.set_history(rows(0, 80));
  EXPECT_DOUBLE_EQ(data.expected_voltage_V()->last()->y, 3.7) << "40 s before, 30 s after";
}

// A step that stands, paused or for its chamber, does not move along its curve; nothing is expected of what is measured meanwhile.
TEST(RunData, draws_no_expectation_while_a_step_waits_and_goes_on_by_its_clock) {
  for (const bool is_live : {false, true}) {
    RunData data;
    data.begin(7);
    data.set_expected({rising_curve(1)});
    api::StepView only = step(1, 0, 0);
    only.compared_with = 1;
    data.add_steps({only});
    api::Columns columns = rows(0, 80);  // 20 s of work, 40 s of waiting, and work again
    for (const double t : columns["test_time_s"]) {
      columns["step_time_s"].push_back(t <= 20 ? t : t <= 60 ? std::nan("") : t - 40);
    }
    data.set_history(is_live ? api::Columns{} : columns);
    if (is_live) data.add_live(columns);
    EXPECT_EQ(data.voltage_V()->count(), 81U);
    EXPECT_EQ(data.expected_voltage_V()->count(), 41U) << "21 rows before, 20 after";
    EXPECT_DOUBLE_EQ(data.expected_voltage_V()->last()->y, 3.4) << "40 s of its own clock";
  }
}

/// Rows of which the first `of_first` belong to step 1, the others to step 2.
api::Columns rows_of_two_steps(double to, int of_first) {
  api::Columns columns = rows(0, to);
  for (std::size_t i = 0; i < columns["test_time_s"].size(); ++i)
    columns["step_count"].push_back(i < static_cast<std::size_t>(of_first) ? 1 : 2);
  return columns;
}

// The last row of a step stands at the very instant at which the next one begins: the next one's curve has another voltage there.
TEST(RunData, lays_a_row_at_a_change_of_steps_on_the_curve_of_its_own_step) {
  RunData data;
  data.begin(7);
  data.set_expected({rising_curve(1), rising_curve(2)});
  api::StepView first = step(1, 0, 0), second = step(2, 0, 50);
  first.compared_with = 1;
  second.compared_with = 2;
  data.add_steps({first, second});
  data.set_history(rows_of_two_steps(60, 51));
  std::map<double, double> expected;
  for (const Point& point : data.expected_voltage_V()->points({0, 60}, 1000)) expected[point.x] = point.y;
  EXPECT_DOUBLE_EQ(expected.at(50), 3.5) << "50 s in the first, and not 0 s in the second";
  EXPECT_DOUBLE_EQ(expected.at(51), 3.01);
}

// Rows come ten times a second, the list of steps a moment later: until then they belong to no other step.
TEST(RunData, lays_rows_on_the_curve_of_a_new_step_when_that_is_known) {
  RunData data;
  data.begin(7);
  data.set_expected({rising_curve(1), rising_curve(2)});
  api::StepView first = step(1, 0, 0), second = step(2, 0, 50);
  first.compared_with = 1;
  second.compared_with = 2;
  data.add_steps({first});
  data.set_history({});
  data.add_live(rows_of_two_steps(60, 50));
  EXPECT_EQ(data.voltage_V()->count(), 61U);
  EXPECT_EQ(data.expected_voltage_V()->last()->x, 49) << "nothing is said of a step that is not known";
  data.add_steps({first, second});
  EXPECT_EQ(data.expected_voltage_V()->count(), 61U);
  EXPECT_DOUBLE_EQ(data.expected_voltage_V()->last()->y, 3.1) << "10 s in the second";
  EXPECT_EQ(data.charge_curves().size(), 2U);
}

TEST(RunData, keeps_a_bounded_number_of_curves_against_charge) {
  RunData data;
  data.begin(7);
  std::vector<api::StepView> steps;
  for (int i = 0; i < 30; ++i) steps.push_back(step(i + 1, 0, i * 10.0));
  data.add_steps(steps);
  data.set_history(rows(0, 300));
  EXPECT_EQ(data.charge_curves().size(), RunData::charge_curves_max);
  EXPECT_EQ(data.charge_curves().back().step_count, 30);
}

// A page begins with what may have changed since: how the latest step ended.
TEST(RunData, takes_steps_page_by_page_and_keeps_the_latest) {
  RunData data;
  data.begin(7);
  data.add_steps({step(1, 0, 0), step(2, 1, 10)});
  api::StepView ended = step(2, 1, 10);
  ended.ended_test_time_s = 20;
  data.add_steps({ended, step(3, 0, 20)});
  ASSERT_EQ(data.steps().size(), 3U);
  EXPECT_EQ(data.steps()[1].ended_test_time_s, 20);
  data.add_steps({});
  EXPECT_EQ(data.steps().size(), 3U);
  std::vector<api::StepView> page;
  for (std::int64_t count = 4; count < 4 + static_cast<std::int64_t>(RunData::steps_max); ++count)
    page.push_back(step(count, 0, static_cast<double>(count) * 10));
  data.add_steps(page);
  EXPECT_EQ(data.steps().size(), RunData::steps_max) << "memory is bounded";
  EXPECT_EQ(data.steps().front().step_count, 4);
  EXPECT_EQ(data.steps().back().step_count, page.back().step_count);
}

}  // namespace
}  // namespace cellrig::ui
