// What a channel shows of its steps, and how it says what was found.
#include "controller/runtime/step_follower.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/program_builder.hpp"

namespace cellrig::test {
namespace {

using namespace std::chrono_literals;

Program rest_and_discharge() { return ProgramBuilder{}.add(rest(1h)).add(cc(-5.0), {voltage_at_most(2.5)}).build(); }

/// A channel in a step, second by second.
class Channel {
 public:
  Channel(const Program& program, CurveGatherer& gatherer, Surroundings around)
      : follower{program, Following{.gatherer = &gatherer}, around} {}

  void begin(std::uint32_t instruction) {
    (void)follower.begin_step(instruction, false, state);
    state.pc = instruction;
    state.phase = Phase::running;
    state.step = StepState{};
    state.step.started = now;
  }
  void look(double voltage_V, double cell_degC) {
    now += 1s;
    seen[Measurand::voltage] = Reading{voltage_V, now, Quality::good};
    seen[Measurand::cell_temperature] = Reading{cell_degC, now, Quality::good};
    (void)follower.look(state, seen, now, 3s);
  }
  void end(StepEndReason reason) {
    (void)follower.end_step({.instruction = state.pc, .reason = reason, .ended = now, .totals = state.step});
  }

  StepFollower follower;
  ChannelState state;
  Observation seen;
  TimePoint now{100s};
};

TEST(StepFollower, counts_a_rest_by_time_and_a_discharge_by_what_it_took_out) {
  const Program program = rest_and_discharge();
  CurveGatherer gatherer{program};
  Channel channel{program, gatherer, Surroundings::start};
  channel.begin(0);
  channel.look(3.7, 25.0);
  channel.look(3.7, 25.5);
  channel.end(StepEndReason::time_bound);
  channel.begin(1);
  channel.state.step.moved.discharge = AmpHours{1.5};
  channel.look(3.5, 30.0);
  channel.end(StepEndReason::condition);
  channel.begin(1);
  channel.look(3.5, 30.0);
  channel.end(StepEndReason::stopped);
  const ExpectedCurves all = gatherer.take();
  EXPECT_EQ(all.find(0, 1)->ends_at, 2.0);
  EXPECT_EQ(all.find(0, 1)->points.back().at, 2.0);
  EXPECT_EQ(all.find(0, 1)->points.back().around_degC, 25.0) << "its first temperature";
  EXPECT_EQ(all.find(1, 1)->ends_at, 1.5);
  EXPECT_EQ(all.find(1, 1)->points.front().at, 1.5);
  EXPECT_FALSE(all.find(1, 2)->ends_at.has_value()) << "broken off";
}

TEST(StepFollower, takes_the_temperature_that_is_measured_beside_the_cell) {
  const Program program = rest_and_discharge();
  for (const auto& [around, expected] : {std::pair{Surroundings::air, 20.0}, {Surroundings::chamber, 10.0}}) {
    CurveGatherer gatherer{program};
    Channel channel{program, gatherer, around};
    channel.seen[Measurand::ambient_temperature] = Reading{20.0, channel.now, Quality::good};
    channel.seen[Measurand::chamber_temperature] = Reading{10.0, channel.now, Quality::good};
    channel.begin(0);
    channel.look(3.7, 25.0);
    channel.seen[Measurand::ambient_temperature].quality = Quality::bad;
    channel.seen[Measurand::chamber_temperature].quality = Quality::missing;
    channel.look(3.7, 25.0);
    channel.end(StepEndReason::time_bound);
    const ExpectedCurves all = gatherer.take();
    EXPECT_EQ(all.find(0, 1)->points.front().around_degC, expected);
    EXPECT_TRUE(std::isnan(all.find(0, 1)->points.back().around_degC)) << "and nothing in its place when it is gone";
  }
}

TEST(StepFollower, what_was_measured_before_the_step_began_is_not_of_it) {
  const Program program = rest_and_discharge();
  CurveGatherer gatherer{program};
  Channel channel{program, gatherer, Surroundings::start};
  channel.begin(0);
  channel.state.step.started = channel.now + 10s;
  channel.look(3.7, 25.0);
  channel.state.phase = Phase::applying;
  channel.state.step.started = channel.now;
  channel.look(3.7, 25.0);
  channel.end(StepEndReason::time_bound);
  EXPECT_EQ(gatherer.take().find(0, 1), nullptr);
}

TEST(Divergence, is_said_with_quantity_band_place_and_step) {
  Step step;
  step.name = "fast charge";
  Divergence d{.measured = 3.5124, .expected = {3.6, 3.7}, .band = {3.55, 3.75}, .at = 1.25, .coordinate = Coordinate::charge_Ah};
  d.execution = 1;
  EXPECT_EQ(describe(d, step), "voltage_V 3.512, expected 3.6 to 3.7 (3.55 to 3.75) at 1.25 Ah of step 'fast charge'");
  d.band.max = std::numeric_limits<double>::infinity();
  d.execution = 12;
  d.coordinate = Coordinate::step_time_s;
  EXPECT_EQ(describe(d, step), "voltage_V 3.512, expected 3.6 to 3.7 (at least 3.55) at 1 s of step 'fast charge', execution 12");
  d.quantity = DivergedQuantity::charge_Ah;
  d.expected = {5.0, 5.0};
  d.is_at_end = true;
  EXPECT_EQ(describe(d, step), "charge_Ah 3.512, expected 5 (at least 3.55) at the end of step 'fast charge', execution 12");
}

TEST(ExpectedRows, become_the_curves_they_were_made_of) {
  const Program program = rest_and_discharge();
  ExpectedCurves curves;
  curves.curves.push_back({.instruction = 0, .ends_at = 3600.0, .points = {{0.0, 3.7, 25.0, 24.0}, {3600.0, 3.71}}});
  curves.curves.push_back({.instruction = 1, .execution = 4, .coordinate = Coordinate::charge_Ah});
  std::vector<db::ExpectedCurveRow> rows = rows_of(curves, 7);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].run, 7);
  EXPECT_EQ(rows[1].coordinate, "charge_Ah");
  std::swap(rows[0], rows[1]);
  const ExpectedCurves read = curves_of(program, rows);
  ASSERT_EQ(read.curves.size(), 2U);
  EXPECT_EQ(read.curves[0].points[0].around_degC, 24.0);
  EXPECT_TRUE(std::isnan(read.curves[0].points[1].cell_degC));
  EXPECT_EQ(read.curves[1].execution, 4U);
  EXPECT_FALSE(read.start_tolerance_pct.has_value()) << "nobody knows where the cell stands by now";
}

TEST(ExpectedRows, of_ways_become_the_ways_they_were_made_of) {
  const Program program = rest_and_discharge();
  ExpectedCurves curves;
  curves.ways = {{0, 0x8000000000000001ULL, {}, 1}, {1, 7, {2, 10}, 4}, {1, 7, {10, 1}, 9, false}};
  std::vector<db::ExpectedWayRow> rows = way_rows_of(curves, 7);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].way, "8000000000000001");
  EXPECT_EQ(rows[1].passes, "2.10");
  rows.push_back({7, 9, "1", "", 1});
  rows.push_back({7, 1, "no way", "", 1});
  rows.push_back({7, 1, "1", "2.x", 1});
  rows.push_back({7, 1, "1", "", 0});
  const ExpectedCurves read = curves_of(program, {}, rows);
  ASSERT_EQ(read.ways.size(), 3U) << "what is no way of this program is left out";
  EXPECT_EQ(read.ways[0].way, 0x8000000000000001ULL);
  EXPECT_EQ(read.ways[2].passes, (LoopPasses{10, 1}));
  EXPECT_EQ(read.ways[2].execution, 9U);
  EXPECT_FALSE(read.ways[2].is_kept);
  EXPECT_TRUE(read.ways[1].is_kept);
}

TEST(StepFollower, knows_the_way_of_a_run_by_its_record) {
  const Program program = rest_and_discharge();
  StepWay live{program};
  std::vector<db::StepInfo> steps;
  const auto part = [&](std::int64_t id, std::int64_t count, const std::string& reason, double discharge_Ah) {
    db::StepInfo info;
    info.row.step_id = id;
    info.row.step_count = count;
    info.end =
        db::StepEndRow{.reason = reason, .condition = reason == "condition" ? std::get<Step>(program.code[1]).ends[0].text : ""};
    info.end->discharge_Ah = discharge_Ah;
    steps.push_back(info);
  };
  // A rest, a discharge in two parts, a rest.
  (void)live.begin_step(0, false);
  live.end_step({.instruction = 0, .reason = StepEndReason::time_bound});
  (void)live.begin_step(1, false);
  live.go_on();
  (void)live.begin_step(1, true);
  output::StepEnded ended{.instruction = 1, .reason = StepEndReason::condition, .has_end = true};
  ended.totals.moved.discharge = AmpHours{4.5};
  live.end_step(ended);
  part(0, 1, "time bound", 0);
  part(1, 2, "interrupted", 4.45);
  part(1, 2, "condition", 0.05);
  StepWay read = way_of(program, steps);
  EXPECT_EQ(read.begin_step(0, false).way, live.begin_step(0, false).way);
  EXPECT_EQ(read.begin_step(1, false).execution, 2U);
  // Begun anew instead: nobody knows.
  steps.pop_back();
  part(1, 3, "time bound", 1);
  EXPECT_FALSE(way_of(program, steps).begin_step(0, false).way);
}

// A record that somebody altered, or that belongs to another program, is not compared with.
TEST(ExpectedRows, that_do_not_fit_the_program_are_left_out) {
  const Program program = rest_and_discharge();
  for (const db::ExpectedCurveRow& row : std::vector<db::ExpectedCurveRow>{{1, 9, 1, "step_time_s", {}, {}},
                                                                           {1, -1, 1, "step_time_s", {}, {}},
                                                                           {1, 0, 0, "step_time_s", {}, {}},
                                                                           {1, 0, 1, "charge_Ah", {}, {}},
                                                                           {1, 1, 1, "volts", {}, {}}}) {
    EXPECT_TRUE(curves_of(program, {row}).curves.empty()) << row.step_id << " " << row.coordinate;
  }
}

}  // namespace
}  // namespace cellrig::test
