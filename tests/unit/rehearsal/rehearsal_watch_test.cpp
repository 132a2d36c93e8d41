// What a rehearsal keeps while it runs: a bounded curve, the nearest approach to each limit, sums by step.
#include "controller/cli/rehearsal/rehearsal_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cellrig::cli {
namespace {

using namespace std::chrono_literals;

Reading reading(double value) { return {value, TimePoint{}, Quality::good}; }

Observation seen(double voltage_V, double current_A, double cell_degC) {
  Observation o;
  o[Measurand::voltage] = reading(voltage_V);
  o[Measurand::current] = reading(current_A);
  o[Measurand::cell_temperature] = reading(cell_degC);
  o.output_on = current_A != 0.0;
  return o;
}

TEST(RehearsalCurve, keeps_every_extreme_of_a_year_in_a_bounded_number_of_pieces) {
  Curve curve;
  constexpr int seconds = 400'000;
  for (int t = 0; t < seconds; t += 10) curve.add(t, seen(t == 123'450 ? 4.5 : 3.0 + 1e-6 * t, t == 77'770 ? -9.0 : 1.0, 25.0));
  ASSERT_LE(curve.pieces().size(), curve_pieces_max);
  EXPECT_GT(curve.pieces().size(), curve_pieces_max / 4) << "and no coarser than it must be";
  double highest = 0.0, lowest = 0.0, last_end = -1.0;
  for (const CurvePiece& piece : curve.pieces()) {
    EXPECT_LE(piece.from_s, piece.to_s);
    EXPECT_GT(piece.from_s, last_end) << "in the order of time, without overlap";
    last_end = piece.to_s;
    if (piece.voltage_V.max > highest) highest = piece.voltage_V.max;
    if (piece.current_A.min < lowest) lowest = piece.current_A.min;
    if (piece.voltage_V.max == 4.5) {
      EXPECT_LE(piece.from_s, 123'450);
      EXPECT_GE(piece.to_s, 123'450);
    }
  }
  EXPECT_EQ(highest, 4.5);
  EXPECT_EQ(lowest, -9.0);
  EXPECT_EQ(last_end, seconds - 10);
}

TEST(RehearsalCurve, what_was_not_measured_is_in_no_span) {
  Curve curve;
  Observation o = seen(3.7, 0.0, 25.0);
  o[Measurand::cell_temperature].quality = Quality::bad;
  o[Measurand::voltage].value = std::numeric_limits<double>::quiet_NaN();
  curve.add(0.0, o);
  ASSERT_EQ(curve.pieces().size(), 1U);
  EXPECT_FALSE(curve.pieces().front().cell_temperature_degC.is_known);
  EXPECT_FALSE(curve.pieces().front().voltage_V.is_known);
  EXPECT_TRUE(curve.pieces().front().current_A.is_known);
}

class Watch : public testing::Test {
 protected:
  Watch() {
    program.code.emplace_back(Step{.name = "rest"});
    program.code.emplace_back(Step{.name = "charge", .kind = StepKind::cc, .time_max = 1h});
    program.limits = {.voltage_min = Volts{2.5},
                      .voltage_max = Volts{4.25},
                      .charge_current_max = Amps{5.0},
                      .discharge_current_max = Amps{10.0},
                      .cell_temperature_min = Celsius{-20.0},
                      .cell_temperature_max = Celsius{60.0},
                      .charge_temperature_min = Celsius{0.0},
                      .charge_capacity_max = AmpHours{6.0}};
    watch.emplace(
        program, program.limits, [this](const ChannelView&) { return ++looks < enough; }, [this] { ++stops; });
  }
  void begin(std::int64_t instruction, double at_s) {
    state.pc = static_cast<std::uint32_t>(instruction);
    watch->begin_step(db::StepRow{.step_id = instruction, .started_test_time_ns = static_cast<std::int64_t>(at_s * 1e9)});
  }
  void sample(double at_s, const Observation& o, double moved_Ah = 0.0) {
    ChannelView view{.channel = "ch1", .observation = o, .test_time = from_seconds(at_s), .state = &state};
    view.step_moved.charge = AmpHours{moved_Ah};
    watch->sample(view);
  }
  [[nodiscard]] const Approach& approach(const Rehearsal& r, const std::string& limit) const {
    for (const Approach& a : r.approaches) {
      if (a.limit == limit) return a;
    }
    ADD_FAILURE() << limit;
    return r.approaches.front();
  }

  Program program;
  ChannelState state;
  std::optional<RehearsalWatch> watch;
  int looks = 0, enough = 1000, stops = 0;
};

TEST_F(Watch, the_nearest_approach_knows_value_time_and_step) {
  begin(0, 0);
  sample(1, seen(3.7, 0.0, -5.0));
  begin(1, 2);
  sample(2, seen(3.7, 0.0, 20.0));  // the last one of the rest: the next step had begun when it was told
  sample(3, seen(4.2, 4.0, 21.0), 0.5);
  sample(4, seen(4.1, 4.5, 22.0), 1.0);
  const Rehearsal r = watch->take();
  EXPECT_DOUBLE_EQ(approach(r, "voltage_max_V").margin, 4.25 - 4.2);
  EXPECT_EQ(approach(r, "voltage_max_V").test_time_ns, 3'000'000'000);
  EXPECT_EQ(approach(r, "voltage_max_V").instruction, 1U);
  EXPECT_EQ(approach(r, "voltage_min_V").instruction, 0U);
  EXPECT_DOUBLE_EQ(approach(r, "charge_current_max_A").margin, 0.5);
  EXPECT_FALSE(approach(r, "discharge_current_max_A").is_known) << "nothing was discharged";
  EXPECT_DOUBLE_EQ(approach(r, "cell_temperature_min_degC").nearest, -5.0);
  EXPECT_DOUBLE_EQ(approach(r, "charge_temperature_min_degC").nearest, 21.0) << "only while it charges";
}

TEST_F(Watch, a_limit_that_follows_the_temperature_is_the_one_that_holds) {
  ASSERT_TRUE(program.limits.charge_current_by_temperature.add({Celsius{0.0}, Amps{1.0}}));
  ASSERT_TRUE(program.limits.charge_current_by_temperature.add({Celsius{20.0}, Amps{5.0}}));
  watch.emplace(
      program, program.limits, [](const ChannelView&) { return true; }, [] {});
  begin(1, 0);
  sample(1, seen(3.7, 0.9, 0.0));
  sample(2, seen(3.7, 4.0, 20.0));
  const Rehearsal r = watch->take();
  EXPECT_NEAR(approach(r, "charge_current_max_A").margin, 0.1, 1e-9);
  EXPECT_EQ(approach(r, "charge_current_max_A").bound, 1.0);
}

db::EventRow trip_of(Hazard hazard, Measurand measurand, double value, double limit) {
  const std::string message = describe(TripCause{hazard, measurand, value, limit, TimePoint{}});
  return {.test_time_ns = 2'000'000'000,
          .severity = db::Severity::trip,
          .kind = "trip",
          .message = message,
          .value = value,
          .limit = limit};
}

TEST_F(Watch, the_measurement_that_trips_is_in_the_table_at_its_own_limit) {
  begin(1, 0);
  sample(1, seen(4.2, 4.0, 20.0));
  watch->append(trip_of(Hazard::over_voltage, Measurand::voltage, 4.26, 4.25));
  watch->append(trip_of(Hazard::over_current_discharge, Measurand::current, -11.0, -10.0));
  watch->append(trip_of(Hazard::temperature_rate, Measurand::cell_temperature, 10.0, 5.0));
  const Rehearsal r = watch->take();
  EXPECT_NEAR(approach(r, "voltage_max_V").margin, -0.01, 1e-9);
  EXPECT_EQ(approach(r, "voltage_max_V").test_time_ns, 2'000'000'000);
  EXPECT_EQ(approach(r, "voltage_min_V").nearest, 4.2);
  EXPECT_NEAR(approach(r, "discharge_current_max_A").margin, -1.0, 1e-9);
  EXPECT_NEAR(approach(r, "charge_current_max_A").margin, 1.0, 1e-9) << "5 A is its limit, and 5 K/s is not";
}

TEST_F(Watch, rows_are_those_of_a_bench_that_measures_ten_times_a_second) {
  const auto row = [this](double at_s, bool is_on, bool is_first = false) {
    watch->append(
        db::SampleRow{.test_time_ns = static_cast<std::int64_t>(at_s * 1e9),
                      .flags = (is_on ? db::sample_flag::output_on : 0) | (is_first ? db::sample_flag::first_of_step : 0)});
  };
  begin(1, 0);  // the charge keeps every measurement: 1 + 10 + 10
  row(0, true, true);
  row(1, true);
  row(2, true);
  begin(0, 3);  // the rest, too, once a second there: 1 + 10
  row(3, false, true);
  row(13, false);
  std::get<Step>(program.code[0]).record_interval = 10s;  // and one that wants a row in ten seconds: 1 + 1
  begin(0, 20);
  row(20, false, true);
  row(30, false);
  watch->end_run({});
  EXPECT_EQ(watch->take().rows, 34u);
}

TEST_F(Watch, the_last_sample_of_a_step_counts_there) {
  begin(0, 0);
  sample(1, seen(3.7, 0.0, 20.0));
  begin(1, 2);
  sample(2, seen(3.6, 0.0, 20.0));
  sample(3, seen(4.0, 4.0, 20.0));
  const Rehearsal r = watch->take();
  EXPECT_EQ(r.steps[0].voltage_V.min, 3.6);
  EXPECT_EQ(r.steps[1].voltage_V.min, 4.0);
}

TEST_F(Watch, a_bound_that_fails_is_told_apart_from_an_end) {
  begin(1, 0);
  watch->end_step({.ended_test_time_ns = 3'600'000'000'000, .reason = "time bound", .charge_Ah = 2.0});
  begin(1, 3600);
  watch->end_step({.ended_test_time_ns = 3'601'000'000'000, .reason = "condition", .condition = "voltage_V >= 4.2"});
  const Rehearsal r = watch->take();
  EXPECT_EQ(r.steps[1].executions, 2U);
  EXPECT_EQ(r.steps[1].timed_out, 1U);
  EXPECT_EQ(r.steps[1].seconds, 3601.0);
  EXPECT_EQ(r.steps[1].last_end, "voltage_V >= 4.2");
  EXPECT_EQ(r.steps[0].executions, 0U);
  EXPECT_EQ(r.charge_Ah, 2.0);
}

TEST_F(Watch, stops_once_when_somebody_has_seen_enough) {
  enough = 2;
  begin(0, 0);
  for (int t = 1; t < 6; ++t) sample(t, seen(3.7, 0.0, 20.0));
  EXPECT_EQ(stops, 1);
}

TEST_F(Watch, more_executions_than_a_plot_can_show_leave_no_bands) {
  for (std::size_t i = 0; i <= bands_max; ++i) begin(1, static_cast<double>(i));
  EXPECT_TRUE(watch->take().bands.empty());
}

TEST_F(Watch, the_same_criterion_again_and_again_is_one_line) {
  for (int i = 0; i < 3; ++i) watch->append(db::EventRow{.kind = "criterion met", .message = "retention_pct >= 80: 99"});
  watch->append(db::EventRow{.kind = "note", .message = "something else"});
  const Rehearsal r = watch->take();
  ASSERT_EQ(r.criteria.size(), 1U);
  EXPECT_EQ(r.criteria.front().times, 3U);
}

}  // namespace
}  // namespace cellrig::cli
