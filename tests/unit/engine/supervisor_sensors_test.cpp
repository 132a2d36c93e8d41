// Limits on what sensors beside the cycler measure: in force where they are given, silent where they are not, and a sensor that is
// mute, broken or late trips like one that is out of bounds.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "tests/unit/engine/supervised_cell.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

SafetyLimits sensor_limits() {
  SafetyLimits limits = cell_limits();
  limits.sensors = {
      .stack_pressure_min_MPa = 2.0, .stack_pressure_max_MPa = 7.0, .gas_max_ppm = 50.0, .voltage_difference_max_V = 0.1};
  return limits;
}

struct Pressed : Supervised {
  explicit Pressed(const SupervisorOptions& options = guarded_options()) : Supervised{options, sensor_limits()} {
    set(Measurand::stack_pressure, 5.0);
    set(Measurand::gas, 0.0);
    set(Measurand::logger_voltage, 3.7);
  }
};

constexpr LimitCase sensor_rows[] = {{"stack_pressure_min", Hazard::stack_pressure, Measurand::stack_pressure, 2.0, -1},
                                     {"stack_pressure_max", Hazard::stack_pressure, Measurand::stack_pressure, 7.0, +1},
                                     {"gas_max", Hazard::gas, Measurand::gas, 50.0, +1}};

class SensorLimit : public testing::TestWithParam<LimitCase> {};

TEST_P(SensorLimit, passes_at_the_limit_and_trips_just_outside) {
  const LimitCase row = GetParam();
  Pressed at_limit;
  at_limit.set(row.measurand, row.limit);
  EXPECT_FALSE(at_limit.check()) << describe(*at_limit.check());
  Pressed outside;
  outside.set(row.measurand, std::nextafter(row.limit, row.limit + row.outside));
  const auto& cause = outside.check();
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->hazard, row.hazard);
  EXPECT_EQ(cause->limit, row.limit);
  EXPECT_NE(describe(*cause).find(name_with_unit(row.measurand)), std::string::npos) << describe(*cause);
}

TEST_P(SensorLimit, trips_on_nan_and_on_a_broken_sensor) {
  for (const Quality quality : {Quality::good, Quality::bad}) {
    Pressed cell;
    cell.set(GetParam().measurand, quality == Quality::good ? nan : GetParam().limit, quality);
    EXPECT_EQ(cell.hazard(), Hazard::bad_reading);
  }
}

TEST_P(SensorLimit, trips_when_the_sensor_is_silent_and_not_a_moment_before) {
  Pressed cell;
  const Duration limit = guarded_options().sensor_age_limit;
  const Reading last = cell.observation[GetParam().measurand];
  cell.now += limit;
  cell.refresh();
  cell.observation[GetParam().measurand] = last;
  EXPECT_FALSE(cell.check());
  cell.now += 1ns;
  EXPECT_EQ(cell.hazard(), Hazard::stale_reading);
}

TEST_P(SensorLimit, trips_when_the_sensor_has_never_answered) {
  Pressed cell;
  cell.observation[GetParam().measurand] = Reading{};
  EXPECT_FALSE(cell.check()) << "the run has just begun";
  cell.now += guarded_options().sensor_age_limit + 1ns;
  const Reading never = cell.observation[GetParam().measurand];
  cell.refresh();
  cell.observation[GetParam().measurand] = never;
  EXPECT_EQ(cell.hazard(), Hazard::stale_reading);
}

TEST_P(SensorLimit, is_judged_right_before_a_current_is_commanded) {
  Pressed cell;
  cell.set(GetParam().measurand, GetParam().limit + GetParam().outside);
  const auto& cause = cell.supervisor.check_before(+1, CurrentBounds{Amps{0.1}, Amps{0.0}}, cell.observation, cell.now);
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->hazard, GetParam().hazard);
}

INSTANTIATE_TEST_SUITE_P(EveryRow, SensorLimit, testing::ValuesIn(sensor_rows),
                         [](const testing::TestParamInfo<LimitCase>& p) { return p.param.name; });

// A bench without a press must not wait for one.
TEST(SupervisorSensors, what_is_not_limited_is_not_judged) {
  Supervised cell;
  cell.set(Measurand::stack_pressure, 1e6);
  cell.set(Measurand::gas, nan);
  cell.set(Measurand::logger_voltage, 0.0);
  cell.set(Measurand::interlock, 0.0);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(cell.check_after(1s));
}

TEST(SupervisorSensors, gas_concerns_the_whole_chamber_and_a_pressure_one_cell) {
  EXPECT_TRUE(is_thermal(Hazard::gas));
  EXPECT_FALSE(is_thermal(Hazard::stack_pressure));
  EXPECT_FALSE(is_thermal(Hazard::interlock_open));
  for (const Hazard hazard : {Hazard::gas, Hazard::stack_pressure, Hazard::interlock_open, Hazard::voltage_disagreement})
    EXPECT_FALSE(is_instrument_failure(hazard)) << to_string(hazard);
}

// ---- delays

struct Delayed : Supervised {
  static SafetyLimits limits() {
    SafetyLimits limits = sensor_limits();
    limits.sensors.stack_pressure_for_s = 3.0;
    limits.sensors.gas_for_s = 1.0;
    limits.sensors.voltage_difference_max_V.reset();
    return limits;
  }
  Delayed() : Supervised{guarded_options(), limits()} {
    set(Measurand::stack_pressure, 5.0);
    set(Measurand::gas, 0.0);
  }
};

TEST(SupervisorDelay, a_limit_with_a_delay_trips_when_it_is_over_and_not_before) {
  Delayed cell;
  cell.set(Measurand::stack_pressure, 7.5);
  for (int i = 0; i < 30; ++i) EXPECT_FALSE(cell.check_after(100ms)) << i;
  const auto& cause = cell.check_after(100ms);
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->hazard, Hazard::stack_pressure);
  EXPECT_EQ(cause->value, 7.5);
}

TEST(SupervisorDelay, one_reading_inside_begins_anew) {
  Delayed cell;
  for (int i = 0; i < 100; ++i) {
    cell.set(Measurand::stack_pressure, i % 20 == 0 ? 6.9 : 7.5);
    EXPECT_FALSE(cell.check_after(100ms)) << i;
  }
}

TEST(SupervisorDelay, the_same_old_reading_does_not_count_the_time) {
  Delayed cell;
  cell.set(Measurand::gas, 60);
  const Reading once = cell.observation[Measurand::gas];
  for (int i = 0; i < 20; ++i) {
    cell.now += 100ms;
    cell.refresh();
    cell.observation[Measurand::gas] = once;
    EXPECT_FALSE(cell.check()) << i;
  }
  cell.set(Measurand::gas, 60);
  EXPECT_EQ(cell.hazard(), Hazard::gas);
}

TEST(SupervisorDelay, above_and_below_are_counted_apart) {
  Delayed cell;
  for (int i = 0; i < 60; ++i) {
    cell.set(Measurand::stack_pressure, i % 20 < 10 ? 1.0 : 8.0);
    EXPECT_FALSE(cell.check_after(100ms)) << i;
  }
}

TEST(SupervisorDelay, before_a_current_nothing_is_waited_for_and_no_number_never_waits) {
  Delayed cell;
  cell.set(Measurand::gas, 60);
  EXPECT_TRUE(cell.supervisor.check_before(+1, CurrentBounds{Amps{0.1}, Amps{0.0}}, cell.observation, cell.now));
  Delayed broken;
  broken.set(Measurand::stack_pressure, nan);
  EXPECT_EQ(broken.hazard(), Hazard::bad_reading);
}

// ---- two voltmeters

TEST(SupervisorSensors, two_voltmeters_that_disagree_twice_trip) {
  Pressed cell;
  cell.set(Measurand::logger_voltage, 3.7 - 0.11);
  EXPECT_FALSE(cell.check_after(1s));
  EXPECT_FALSE(cell.check()) << "the same reading again is no second poll";
  EXPECT_TRUE(cell.check_after(1s));
  EXPECT_EQ(cell.hazard(), Hazard::voltage_disagreement);
  EXPECT_NE(describe(*cell.check()).find("0.1100 V apart"), std::string::npos) << describe(*cell.check());
}

TEST(SupervisorSensors, a_disagreement_that_goes_away_does_not_count) {
  Pressed cell;
  for (int i = 0; i < 10; ++i) {
    cell.set(Measurand::logger_voltage, i % 2 == 0 ? 3.9 : 3.7);
    EXPECT_FALSE(cell.check_after(1s)) << i;
  }
}

TEST(SupervisorSensors, just_inside_their_bound_two_voltmeters_agree) {
  Pressed cell;
  cell.set(Measurand::logger_voltage, 3.7 + 0.0999);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(cell.check_after(1s));
}

// Before and after a step of current the voltages are different ones.
TEST(SupervisorSensors, voltages_of_two_set_points_are_not_compared) {
  Pressed cell;
  cell.set(Measurand::logger_voltage, 3.0);
  for (int i = 0; i < 10; ++i) {
    cell.now += 100ms;
    const TimePoint before = cell.now - 1ms;
    cell.refresh();
    cell.observation[Measurand::logger_voltage].at = before;
    cell.command(+1);
    EXPECT_FALSE(cell.check()) << i;
  }
}

TEST(SupervisorSensors, a_second_voltmeter_that_gives_no_number_trips) {
  for (const Quality quality : {Quality::good, Quality::bad}) {
    Pressed cell;
    cell.set(Measurand::logger_voltage, nan, quality);
    cell.check_after(1s);
    EXPECT_TRUE(cell.check_after(1s));
  }
}

// ---- interlock

SupervisorOptions interlocked() {
  SupervisorOptions options = guarded_options();
  options.interlock_required = true;
  options.interlock_age_limit = 200ms;
  return options;
}

TEST(SupervisorInterlock, a_closed_contact_passes_and_everything_else_trips) {
  struct Case {
    double value;
    Quality quality;
    bool passes;
  };
  for (const Case c : {Case{1.0, Quality::good, true}, Case{0.0, Quality::good, false}, Case{0.5, Quality::good, false},
                       Case{nan, Quality::good, false}, Case{1.0, Quality::bad, false}}) {
    Supervised cell{interlocked()};
    cell.set(Measurand::interlock, c.value, c.quality);
    EXPECT_EQ(!cell.check().has_value(), c.passes) << c.value;
    if (!c.passes) {
      EXPECT_EQ(cell.hazard(), Hazard::interlock_open);
    }
  }
}

// Absence is unsafe: a contact that nobody reads any more counts as open.
TEST(SupervisorInterlock, a_contact_that_was_not_read_in_time_is_open) {
  Supervised cell{interlocked()};
  cell.set(Measurand::interlock, 1.0);
  const Reading last = cell.observation[Measurand::interlock];
  cell.now += 200ms;
  cell.refresh();
  cell.observation[Measurand::interlock] = last;
  EXPECT_FALSE(cell.check());
  cell.now += 1ns;
  EXPECT_EQ(cell.hazard(), Hazard::interlock_open);
  EXPECT_NE(describe(*cell.check()).find("counts as open"), std::string::npos);
}

TEST(SupervisorInterlock, a_reading_from_the_future_is_open) {
  Supervised cell{interlocked()};
  cell.set(Measurand::interlock, 1.0);
  cell.observation[Measurand::interlock].at = cell.now + 1ns;
  EXPECT_EQ(cell.hazard(), Hazard::interlock_open);
}

TEST(SupervisorInterlock, one_that_was_never_read_is_open_after_its_age_limit) {
  Supervised cell{interlocked()};
  EXPECT_FALSE(cell.check());
  cell.now += 201ms;
  EXPECT_EQ(cell.hazard(), Hazard::interlock_open);
}

// The hazard that was first is the one that is told.
TEST(SupervisorInterlock, a_real_over_limit_is_not_hidden_behind_an_open_door) {
  Supervised cell{interlocked()};
  cell.set(Measurand::interlock, 0.0);
  cell.set(Measurand::voltage, 4.3);
  EXPECT_EQ(cell.hazard(), Hazard::over_voltage);
}

// A course gives one command after the other: what a limit may be left for counts on. Before the first current nothing is waited for.
TEST(SensorLimitHeld, is_waited_for_under_a_current_and_not_before_one) {
  for (const bool flows : {false, true}) {
    SafetyLimits limits = cell_limits();
    limits.sensors.stack_pressure_max_MPa = 4.0;
    limits.sensors.stack_pressure_for_s = 5.0;
    Supervised cell{guarded_options(), limits};
    cell.set(Measurand::stack_pressure, 4.5);
    const auto& cause = cell.supervisor.check_before(+1, {Amps{1.0}, Amps{}}, cell.observation, cell.now, flows);
    ASSERT_EQ(cause.has_value(), !flows);
    EXPECT_TRUE(flows || cause->hazard == Hazard::stack_pressure);
  }
}

// With one bound alone an infinite reading would be on its right side.
TEST(SensorLimitHeld, an_infinite_reading_is_no_number_on_either_side) {
  for (const double value : {infinity, -infinity}) {
    SafetyLimits limits = cell_limits();
    limits.sensors.stack_pressure_min_MPa = 1.0;
    limits.sensors.gas_max_ppm = 50.0;
    for (const Measurand m : {Measurand::stack_pressure, Measurand::gas}) {
      Supervised cell{guarded_options(), limits};
      cell.set(Measurand::stack_pressure, 2.0);
      cell.set(Measurand::gas, 0.0);
      cell.set(m, value);
      EXPECT_EQ(cell.hazard(), Hazard::bad_reading) << value;
    }
  }
}

}  // namespace
}  // namespace cellrig
