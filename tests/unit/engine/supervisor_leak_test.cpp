// A cell that leaks inside: what it does to a charge, to a constant voltage and to a rest, and what healthy cells do that looks alike.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/unit/engine/supervised_cell.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

using Curve = std::function<double(double seconds)>;

/// A cell of 5 Ah whose other guards are far away.
Supervised begin(int direction, Regulation regulation) {
  SafetyLimits limits = cell_limits();
  limits.charge_capacity_max = AmpHours{1000};
  SupervisorOptions options = guarded_options();
  options.frozen_charge_max = AmpHours{1000};
  Supervised cell{options, limits};
  cell.commanded = Commanded{direction != 0, cell.now, direction};
  cell.observation.output_on = direction != 0;
  cell.observation.regulation = regulation;
  return cell;
}

/// Once a second; the cause, when it trips.
std::optional<TripCause> run(
    Supervised& cell, Duration lasts, const Curve& voltage_V, const Curve& current_A,
    const Curve& cell_degC = [](double) { return 25.0; }) {
  const TimePoint from = cell.now;
  while (cell.now - from < lasts) {
    cell.now += 1s;
    const double seconds = to_seconds(cell.now - from);
    cell.set(Measurand::voltage, voltage_V(seconds));
    cell.set(Measurand::current, current_A(seconds));
    cell.set(Measurand::cell_temperature, cell_degC(seconds));
    if (const auto& cause = cell.check()) return cause;
  }
  return std::nullopt;
}

Curve constant(double value) {
  return [value](double) { return value; };
}

void expect_text(const TripCause& cause, const std::string& begins) {
  EXPECT_EQ(describe(cause).find(begins), 0u) << describe(cause);
  EXPECT_NE(describe(cause).find("quarantine the cell"), std::string::npos);
  EXPECT_FALSE(is_instrument_failure(cause.hazard));
}

// ---- a fall at once, in a discharge

TEST(SupervisorLeak, a_discharge_whose_voltage_falls_at_once_and_no_further_trips_in_two_polls) {
  Supervised cell = begin(-1, Regulation::constant_current);
  const auto cause = run(
      cell, 10min, [](double s) { return (s < 300 ? 3.6 : 3.45) - 1e-4 * s; }, constant(-5.0));
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->hazard, Hazard::voltage_step);
  EXPECT_NEAR(cause->value, 3.42, 0.001);
  expect_text(*cause, "the voltage fell at once at the same current");
}

// An answer that is lost makes a fall of a slope: what comes after it in a shorter time is less.
TEST(SupervisorLeak, a_slope_with_a_lost_answer_in_it_is_no_fall_at_once) {
  Supervised cell = begin(-1, Regulation::constant_current);
  double seconds = 5.0;
  for (const double step_s : {0.1, 0.1, 0.43, 0.1, 0.1, 0.1}) {
    seconds += step_s;
    cell.now += from_seconds(step_s == 0.1 && seconds < 5.2 ? 5.0 : step_s);
    cell.set(Measurand::voltage, 3.3 - 0.3 * (seconds - 5.0));
    cell.set(Measurand::current, -5.0);
    cell.set(Measurand::cell_temperature, 25);
    EXPECT_FALSE(cell.check());
  }
}

TEST(SupervisorLeak, a_discharge_that_falls_on_passes_and_so_does_a_smaller_step) {
  Supervised empty = begin(-1, Regulation::constant_current);
  EXPECT_FALSE(run(
      empty, 6s, [](double s) { return 3.4 - 0.05 * s * s / 3; }, constant(-5.0)))
      << "a knee: each second more than the one before";
  Supervised small = begin(-1, Regulation::constant_current);
  EXPECT_FALSE(run(
      small, 10min, [](double s) { return (s < 300 ? 3.6 : 3.52) - 1e-4 * s; }, constant(-5.0)));
}

// ---- no rise ------------------------------------------------------------------------------------------------------------

TEST(SupervisorLeak, a_third_of_the_capacity_that_raises_no_voltage_trips) {
  Supervised cell = begin(+1, Regulation::constant_current);
  // 1 mV up and down: no frozen reading.
  const auto cause = run(
      cell, 2h, [](double s) { return 3.7 + 0.0005 * std::fmod(s, 2.0); }, constant(5.0));
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->hazard, Hazard::no_rise);
  EXPECT_EQ(cause->measurand, Measurand::voltage);
  EXPECT_NEAR(cause->value, 3.70025, 1e-5);
  EXPECT_NEAR(cause->limit, cause->value + 0.001, 1e-4);
  EXPECT_NEAR(to_seconds(cause->at - at(1000)), 3600 * 0.32, 60) << "at 1C: 1 % to begin, 30 %, the one that is full";
  expect_text(*cause, "the voltage does not rise while charge goes in: internal short, quarantine the cell: voltage_V 3.7");
}

TEST(SupervisorLeak, a_plateau_and_a_cold_cell_that_warms_up_pass) {
  Supervised plateau = begin(+1, Regulation::constant_current);
  EXPECT_FALSE(run(
      plateau, 1h, [](double s) { return 3.33 + 0.005 * s / 3600; }, constant(5.0)))
      << "5 mV over all of it";
  Supervised cold = begin(+1, Regulation::constant_current);
  const Curve sags = [](double s) {
    return 3.9 - 0.15 * std::sin(std::min(s, 900.0) / 900.0 * 1.57) + 0.0002 * std::max(0.0, s - 900);
  };
  EXPECT_FALSE(run(cold, 30min, sags, constant(5.0))) << "falls over a quarter of the capacity";
}

// A ladder of currents, each for two minutes: none of them moves enough by itself. What the resistance does at a stair is no rise.
TEST(SupervisorLeak, a_charge_in_stairs_is_one_charge) {
  const auto climb = [](double rise_V_per_stair, double factor) {
    Supervised cell = begin(+1, Regulation::constant_current);
    double current_A = 2.0, volts = 3.5;
    for (int stair = 0; stair < 60; ++stair) {
      cell.commanded.changed = cell.now;
      const Curve voltage = [=](double s) {
        return volts + 0.03 * current_A + rise_V_per_stair * s / 120 + 0.0004 * std::fmod(s, 2.0);
      };
      if (const auto cause = run(cell, 2min, voltage, constant(current_A))) return cause;
      volts += rise_V_per_stair;
      current_A *= factor;
    }
    return std::optional<TripCause>{};
  };
  const std::optional<TripCause> found = climb(0.0, 1.02);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->hazard, Hazard::no_rise);
  EXPECT_TRUE(climb(0.0, 1.0)) << "a new command of the same current";
  EXPECT_FALSE(climb(0.004, 1.02)) << "a cell that fills";
  EXPECT_FALSE(climb(-0.0005, 0.98)) << "down the ladder a healthy cell relaxes";
}

TEST(SupervisorLeak, only_a_constant_charge_must_raise_the_voltage) {
  const Curve stands = [](double s) { return 3.7 + 0.0005 * std::fmod(s, 2.0); };
  Supervised discharge = begin(-1, Regulation::constant_current);
  EXPECT_FALSE(run(discharge, 2h, stands, constant(-5.0)));
  Supervised power = begin(+1, Regulation::constant_power);
  EXPECT_FALSE(run(power, 2h, stands, constant(5.0)));
  Supervised steps = begin(+1, Regulation::constant_current);
  for (int n = 0; n < 10; ++n) {  // a quarter of the capacity, and out again
    EXPECT_FALSE(run(steps, 15min, stands, constant(5.0)));
    steps.command(-1);
    EXPECT_FALSE(run(steps, 15min, stands, constant(-5.0)));
    steps.command(+1);
  }
}

// ---- a step of the voltage ------------------------------------------------------------------------------------------------

TEST(SupervisorLeak, a_voltage_that_falls_at_once_at_the_same_current_trips_in_two_polls) {
  for (const bool charges : {true, false}) {
    Supervised cell = begin(charges ? +1 : 0, charges ? Regulation::constant_current : Regulation::off);
    const auto cause = run(
        cell, 1min, [](double s) { return s < 30 ? 3.9 : 3.8; }, constant(charges ? 5.0 : 0.0));
    ASSERT_TRUE(cause);
    EXPECT_EQ(cause->hazard, Hazard::voltage_step);
    EXPECT_EQ(cause->at, at(1031)) << "the second one below";
    EXPECT_NEAR(cause->limit, 3.85, 1e-9);
    expect_text(
        *cause,
        "the voltage fell at once at the same current: internal short, quarantine the cell: voltage_V 3.8000 below 3.8500");
  }
}

TEST(SupervisorLeak, a_smaller_fall_a_single_false_reading_and_a_fall_with_the_current_pass) {
  Supervised smaller = begin(+1, Regulation::constant_current);
  EXPECT_FALSE(run(
      smaller, 1min, [](double s) { return s < 30 ? 3.9 : 3.851; }, constant(5.0)));
  Supervised spike = begin(+1, Regulation::constant_current);
  EXPECT_FALSE(run(
      spike, 1min, [](double s) { return std::fmod(s, 10.0) < 1 ? 3.7 : 3.9; }, constant(5.0)));
  Supervised less = begin(+1, Regulation::constant_current);
  EXPECT_FALSE(run(
      less, 1min, [](double s) { return s < 30 ? 3.9 : 3.8; }, [](double s) { return s < 30 ? 5.0 : 2.0; }));
}

// A second voltmeter tells a short from a sense lead.
TEST(SupervisorLeak, a_fall_that_the_second_voltmeter_does_not_see_is_the_leads) {
  for (const bool both_fall : {true, false}) {
    SafetyLimits limits = cell_limits();
    limits.sensors.voltage_difference_max_V = 0.15;
    Supervised cell{guarded_options(), limits};
    cell.command(+1);
    cell.observation.output_on = true;
    cell.observation.regulation = Regulation::constant_current;
    std::optional<TripCause> cause;
    for (int second = 0; second < 60 && !cause; ++second) {
      cell.now += 1s;
      const bool fell = second >= 30;
      cell.set(Measurand::voltage, fell ? 3.7 : 3.9);
      cell.set(Measurand::current, 5.0);
      cell.set(Measurand::cell_temperature, 25.0);
      cell.set(Measurand::logger_voltage, fell && both_fall ? 3.7 : 3.9);
      cause = cell.check();
    }
    ASSERT_TRUE(cause);
    EXPECT_EQ(cause->hazard, both_fall ? Hazard::voltage_step : Hazard::voltage_disagreement);
  }
}

TEST(SupervisorLeak, the_fall_at_the_end_of_a_discharge_is_nobodys_short) {
  Supervised cell = begin(-1, Regulation::constant_current);
  EXPECT_FALSE(run(
      cell, 20s, [](double s) { return 3.6 - 0.06 * std::max(0.0, s - 5); }, constant(-5.0)));
}

// ---- no taper -------------------------------------------------------------------------------------------------------------

TEST(SupervisorLeak, a_current_that_ends_its_taper_above_a_fiftieth_of_the_capacity_trips) {
  Supervised cell = begin(+1, Regulation::constant_voltage);
  const auto cause = run(cell, 6h, constant(4.19), [](double s) { return 0.42 + 4.0 * std::exp(-s / 1200.0); });
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->hazard, Hazard::no_taper);
  EXPECT_EQ(cause->measurand, Measurand::current);
  EXPECT_NEAR(cause->value, 0.42, 0.01);
  EXPECT_LE(to_seconds(cause->at - at(1000)), 3 * 3600);
  expect_text(*cause, "the current does not taper at a constant voltage: internal short, quarantine the cell: current_A 0.42");
}

TEST(SupervisorLeak, a_healthy_taper_a_long_hold_and_one_that_warms_up_pass) {
  Supervised taper = begin(+1, Regulation::constant_voltage);
  EXPECT_FALSE(run(taper, 8h, constant(4.19), [](double s) { return 5.0 * std::exp(-s / 3600.0); }));
  Supervised diffusion = begin(+1, Regulation::constant_voltage);
  EXPECT_FALSE(run(diffusion, 12h, constant(4.19), [](double s) { return 5.0 / std::sqrt(1 + s / 600.0); }));
  Supervised floats = begin(+1, Regulation::constant_voltage);
  EXPECT_FALSE(run(floats, 8h, constant(4.19), [](double s) { return 0.09 + 5.0 * std::exp(-s / 900.0); }));
  Supervised warms = begin(+1, Regulation::constant_voltage);
  EXPECT_FALSE(run(
      warms, 2h, constant(4.19), [](double s) { return 1.0 + 1e-4 * s; }, [](double s) { return 5 + s / 300; }));
}

// ---- a rest -----------------------------------------------------------------------------------------------------------------

TEST(SupervisorLeak, a_voltage_that_goes_on_falling_at_rest_trips_after_the_relaxation) {
  Supervised cell = begin(0, Regulation::off);
  // 20 mV/h, beside the relaxation of a healthy cell.
  const auto cause = run(
      cell, 8h, [](double s) { return 4.1 - 0.02 * s / 3600 + 0.03 * std::exp(-s / 900.0); }, constant(0.0));
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->hazard, Hazard::rest_decay);
  EXPECT_EQ(cause->measurand, Measurand::voltage);
  EXPECT_LT(cause->value, cause->limit);
  EXPECT_LE(to_seconds(cause->at - at(1000)), 3.1 * 3600);
  expect_text(*cause,
              "the voltage goes on falling at rest: internal short or a drain outside, quarantine the cell: voltage_V 4.0");
}

TEST(SupervisorLeak, relaxations_over_minutes_or_hours_and_a_cell_that_cools_pass) {
  for (const double hours : {0.1, 0.5, 1.0, 2.0, 5.0, 20.0}) {
    const double relaxes_V = hours > 2 ? 0.03 : 0.06;
    Supervised cell = begin(0, Regulation::off);
    EXPECT_FALSE(run(
        cell, 24h, [&](double s) { return 4.1 + relaxes_V * std::exp(-s / 3600 / hours); }, constant(0.0)))
        << hours << " h";
  }
  Supervised diffusion = begin(0, Regulation::off);
  EXPECT_FALSE(run(
      diffusion, 24h, [](double s) { return 4.0 + 0.1 / std::sqrt(1 + s / 300); }, constant(0.0)));
  Supervised up = begin(0, Regulation::off);
  EXPECT_FALSE(run(
      up, 24h, [](double s) { return 3.0 + 0.02 * s / 3600; }, constant(0.0)))
      << "after a discharge";
  Supervised cools = begin(0, Regulation::off);
  EXPECT_FALSE(run(
      cools, 8h, [](double s) { return 4.1 - 0.01 * s / 3600; }, constant(0.0), [](double s) { return 45 - s / 1000; }));
}

TEST(SupervisorLeak, a_cold_cell_may_relax_for_a_day) {
  const auto falls = [](double cell_degC) {
    Supervised cell = begin(0, Regulation::off);
    return run(
               cell, 24h, [](double s) { return 4.1 - 0.01 * s / 3600; }, constant(0.0), constant(cell_degC))
        .has_value();
  };
  EXPECT_FALSE(falls(9.9));
  EXPECT_TRUE(falls(10.1));
}

TEST(SupervisorLeak, what_falls_by_less_than_three_millivolts_in_half_an_hour_passes) {
  Supervised cell = begin(0, Regulation::off);
  EXPECT_FALSE(run(
      cell, 24h, [](double s) { return 4.1 - 0.0058 * s / 3600; }, constant(0.0)));
}

}  // namespace
}  // namespace cellrig
