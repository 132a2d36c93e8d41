#include "sim/physics/chamber.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>

#include "sim/physics/thermocouple.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

TEST(ChamberAir, air_never_moves_faster_than_its_ramp) {
  ChamberAir air{ChamberParameters{}, TimePoint{}};
  TimePoint now{};
  const auto follow = [&](double setpoint, double rate_min, double rate_max) {
    air.command(now, true, setpoint);
    for (int minute = 0; minute < 90; ++minute) {
      const double before = air.air_temperature_degC();
      now += 1min;
      air.advance(now);
      const double rate = air.air_temperature_degC() - before;
      ASSERT_LE(rate, rate_max);
      ASSERT_GE(rate, rate_min);
    }
    EXPECT_NEAR(air.air_temperature_degC(), setpoint, 0.01);
    EXPECT_EQ(air.working_setpoint_degC(), setpoint);
  };
  follow(60.0, -1e-9, 2.9 + 1e-9);
  follow(-10.0, -1.7 - 1e-9, 1e-9);
}

// The controller advances by whatever its timers say: the air must not notice.
TEST(ChamberAir, one_long_step_equals_many_short_ones) {
  ChamberAir coarse{ChamberParameters{}, TimePoint{}};
  ChamberAir fine{ChamberParameters{}, TimePoint{}};
  for (ChamberAir* air : {&coarse, &fine}) {
    air->set_heat(20.0);
    air->command(TimePoint{}, true, 45.0);
  }
  coarse.advance(TimePoint{} + 15min);
  for (TimePoint at{}; at <= TimePoint{} + 15min; at += 100ms) fine.advance(at);
  EXPECT_NEAR(coarse.air_temperature_degC(), fine.air_temperature_degC(), 1e-9);
}

TEST(ChamberAir, drifts_to_the_room_when_it_does_not_run) {
  ChamberAir air{{.start_temperature_degC = -20.0, .room_temperature_degC = 22.0}, TimePoint{}};
  air.command(TimePoint{}, false, -20.0);
  air.advance(TimePoint{} + 10min);
  EXPECT_LT(air.air_temperature_degC(), -10.0);
  EXPECT_EQ(air.working_setpoint_degC(), air.air_temperature_degC());
  air.advance(TimePoint{} + 24h);
  EXPECT_NEAR(air.air_temperature_degC(), 22.0, 1e-3);
}

TEST(ChamberAir, starts_its_ramp_at_the_air_temperature) {
  ChamberAir air{{.start_temperature_degC = 23.0}, TimePoint{}};
  air.command(TimePoint{} + 1min, true, 80.0);
  air.advance(TimePoint{} + 2min);
  EXPECT_NEAR(air.working_setpoint_degC(), 23.0 + 2.9, 1e-9);
  EXPECT_EQ(air.setpoint_degC(), 80.0);
}

TEST(ChamberAir, heat_of_the_cells_lifts_the_air) {
  ChamberAir air{{.start_temperature_degC = 25.0}, TimePoint{}};
  air.command(TimePoint{}, true, 25.0);
  air.set_heat(10.0);
  air.advance(TimePoint{} + 1h);
  EXPECT_NEAR(air.air_temperature_degC(), 25.0 + 10.0 * 120.0 / 12'000.0, 1e-6);
}

TEST(ChamberAir, a_set_point_that_is_not_a_number_is_ignored) {
  ChamberAir air{ChamberParameters{}, TimePoint{}};
  air.command(TimePoint{}, true, 30.0);
  air.command(TimePoint{}, true, std::numeric_limits<double>::quiet_NaN());
  air.advance(TimePoint{} + 2h);
  EXPECT_NEAR(air.air_temperature_degC(), 30.0, 1e-3);
}

TEST(Thermocouple, lags_by_its_time_constant_whatever_the_step) {
  Thermocouple coarse{20.0, 3.0};
  Thermocouple fine{20.0, 3.0};
  coarse.advance(60.0, 80.0);
  for (int i = 1; i <= 600; ++i) fine.advance(0.1, 20.0 + 0.1 * i);
  EXPECT_NEAR(*coarse.reading_degC(), 80.0 - 3.0, 1e-6);
  EXPECT_NEAR(*coarse.reading_degC(), *fine.reading_degC(), 1e-9);
}

TEST(Thermocouple, a_broken_wire_has_no_reading) {
  Thermocouple sensor{25.0};
  sensor.set_offset(0.7);
  EXPECT_DOUBLE_EQ(*sensor.reading_degC(), 25.7);
  sensor.set_open(true);
  EXPECT_FALSE(sensor.reading_degC().has_value());
}

}  // namespace
}  // namespace cellrig::sim
