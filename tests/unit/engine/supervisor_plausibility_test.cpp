// What no single value shows: age, frozen digits, charge, direction, rate.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/engine/dice.hpp"
#include "tests/unit/engine/supervised_cell.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr Measurand guarded[] = {Measurand::voltage, Measurand::current, Measurand::cell_temperature};

// ---- staleness ----------------------------------------------------------------------------------------------------------

TEST(SupervisorAge, each_reading_has_its_own_age_and_trips_beyond_the_limit) {
  for (const Measurand stale : guarded) {
    Supervised cell;
    ASSERT_FALSE(cell.check());
    const TimePoint measured = cell.now;
    cell.now += 3s;
    cell.refresh();
    cell.observation[stale].at = measured;
    EXPECT_FALSE(cell.check()) << "exactly at the limit";
    cell.now += 1ns;
    cell.refresh();
    cell.observation[stale].at = measured;
    const auto& cause = cell.check();
    ASSERT_TRUE(cause) << name_with_unit(stale);
    EXPECT_EQ(cause->hazard, Hazard::stale_reading);
    EXPECT_EQ(cause->measurand, stale);
    EXPECT_NEAR(cause->value, 3.0, 1e-6);
    EXPECT_EQ(cause->limit, 3.0);
  }
}

TEST(SupervisorAge, a_reading_that_never_came_counts_from_the_start_of_the_run) {
  for (const Measurand missing : guarded) {
    Supervised cell;
    cell.observation[missing] = Reading{};
    cell.now += 3s;
    for (const Measurand other : guarded) {
      if (other != missing) cell.observation[other].at = cell.now;
    }
    EXPECT_FALSE(cell.check());
    cell.now += 1ns;
    EXPECT_EQ(cell.hazard(), Hazard::stale_reading);
    EXPECT_EQ(cell.check()->measurand, missing);
  }
}

TEST(SupervisorAge, a_missing_temperature_is_no_fault_where_none_is_required) {
  Supervised cell{SupervisorOptions{}};
  cell.observation[Measurand::cell_temperature] = Reading{};
  for (int n = 0; n < 100; ++n) ASSERT_FALSE(cell.check_after(1s));
}

TEST(SupervisorAge, the_limit_follows_the_control_period_and_the_temperature_keeps_its_own) {
  SupervisorOptions options = guarded_options();
  options.temperature_age_limit = 60s;
  Supervised cell{options};
  cell.supervisor.set_age_limit(30s);
  cell.now += 30s;
  EXPECT_FALSE(cell.check());
  cell.now += 1ns;
  EXPECT_EQ(cell.hazard(), Hazard::stale_reading);
  EXPECT_EQ(cell.check()->measurand, Measurand::voltage);

  Supervised shorter{options};
  shorter.supervisor.set_age_limit(1s);
  shorter.now += 59s;
  shorter.observation[Measurand::voltage].at = shorter.observation[Measurand::current].at = shorter.now;
  EXPECT_FALSE(shorter.check()) << "the temperature may be 60 s old";
}

TEST(SupervisorAge, a_lost_link_trips_though_the_last_observation_is_shown_again_and_again) {
  Supervised cell;
  cell.command(+1);
  cell.set(Measurand::current, 2);
  for (int period = 1; period <= 30; ++period) {
    cell.now += 100ms;
    ASSERT_FALSE(cell.check()) << period;
  }
  cell.now += 100ms;
  EXPECT_EQ(cell.hazard(), Hazard::stale_reading);
}

// ---- frozen readings ------------------------------------------------------------------------------------------------------

/// Constant readings at 5 A: 0.05 Ah, the limit, have flown after 36 s.
int second_of_freezing_trip(double current_A, int voltage_moves_at, int current_moves_at, bool output_on = true) {
  SupervisorOptions options = guarded_options();
  options.settling = 1h;
  Supervised cell{options};
  cell.commanded = Commanded{output_on, cell.now, 0};
  for (int second = 0; second <= 100; ++second) {
    cell.now = at(1000 + second);
    cell.set(Measurand::voltage, voltage_moves_at > 0 && second >= voltage_moves_at ? 3.701 : 3.7);
    cell.set(Measurand::current, current_moves_at > 0 && second >= current_moves_at ? current_A * 1.001 : current_A);
    cell.set(Measurand::cell_temperature, 25);
    if (const auto& cause = cell.check()) {
      EXPECT_EQ(cause->hazard, Hazard::frozen_reading);
      return second;
    }
  }
  return -1;
}

TEST(SupervisorFrozen, trips_when_charge_flows_in_either_direction_and_no_digit_moves) {
  EXPECT_NEAR(second_of_freezing_trip(+5, 0, 0), 36.5, 0.6);
  EXPECT_NEAR(second_of_freezing_trip(-5, 0, 0), 36.5, 0.6);
  EXPECT_NEAR(second_of_freezing_trip(10, 0, 0), 18.5, 0.6) << "twice the current, half the time";
}

TEST(SupervisorFrozen, one_digit_of_voltage_or_current_starts_the_count_anew) {
  EXPECT_NEAR(second_of_freezing_trip(5, 30, 0), 30 + 36.5, 0.6);
  EXPECT_NEAR(second_of_freezing_trip(5, 0, 30), 30 + 36.5, 0.6);
}

TEST(SupervisorFrozen, no_charge_no_trip) {
  EXPECT_EQ(second_of_freezing_trip(0, 0, 0), -1);
  EXPECT_EQ(second_of_freezing_trip(5, 0, 0, false), -1)
      << "with the output off it is no frozen reading but a current without command";
}

TEST(SupervisorFrozen, the_same_sample_shown_twice_is_not_yet_frozen) {
  Supervised cell{SupervisorOptions{}};
  cell.command(+1);
  cell.supervisor.set_age_limit(1h);
  for (int n = 0; n < 10'000; ++n) {
    cell.set(Measurand::current, 5);
    cell.observation[Measurand::voltage].at = cell.observation[Measurand::current].at = at(1000);
    ASSERT_FALSE(cell.check()) << n;
    cell.now += 100ms;
  }
}

// F21 of the fault catalogue: the voltage code stands still in CC while the current still flickers.
TEST(SupervisorFrozen, a_voltage_that_stands_still_while_the_current_flickers_trips) {
  Supervised cell;
  cell.command(+1);
  cell.observation.output_on = true;
  cell.observation.regulation = Regulation::constant_current;
  bool tripped = false;
  for (int second = 0; second < 300 && !tripped; ++second) {
    cell.set(Measurand::current, 5 + 0.001 * (second % 2));
    tripped = cell.check_after(1s).has_value();
  }
  EXPECT_TRUE(tripped) << "5 A for 300 s at a voltage that did not move by a digit";
}

// ---- overcharge -------------------------------------------------------------------------------------------------------------

/// Minutes at a current, the voltage alive; true when it tripped.
bool run_minutes(Supervised& cell, double current_A, int minutes) {
  for (int minute = 0; minute < minutes; ++minute) {
    cell.now += 1min;
    cell.set(Measurand::voltage, 3.7 + 0.001 * (minute % 2));
    cell.set(Measurand::current, current_A);
    cell.set(Measurand::cell_temperature, 25);
    if (cell.check()) return true;
  }
  return false;
}

Supervised begin_at(double current_A) {
  Supervised cell;
  cell.set(Measurand::current, current_A);
  EXPECT_FALSE(cell.check());
  return cell;
}

TEST(SupervisorOvercharge, passes_up_to_the_guard_and_trips_above_it) {
  Supervised cell = begin_at(3);
  EXPECT_FALSE(run_minutes(cell, 3, 104)) << "5.2 Ah of 5.25";
  EXPECT_TRUE(run_minutes(cell, 3, 2)) << "5.3 Ah";
  const auto& cause = cell.supervisor.tripped();
  EXPECT_EQ(cause->hazard, Hazard::overcharge);
  EXPECT_GT(cause->value, 5.25);
  EXPECT_LT(cause->value, 5.31);
  EXPECT_EQ(cause->limit, 5.25);
}

TEST(SupervisorOvercharge, counts_from_the_lowest_point_of_the_run) {
  Supervised cell = begin_at(-3);
  EXPECT_FALSE(run_minutes(cell, -3, 60));
  EXPECT_FALSE(run_minutes(cell, 3, 104)) << "5.2 Ah above the lowest point, 2.2 above the start";
  EXPECT_TRUE(run_minutes(cell, 3, 3));
  EXPECT_EQ(cell.supervisor.tripped()->hazard, Hazard::overcharge);
}

TEST(SupervisorOvercharge, what_was_discharged_in_between_may_be_charged_again) {
  Supervised cell = begin_at(3);
  EXPECT_FALSE(run_minutes(cell, 3, 90));
  EXPECT_FALSE(run_minutes(cell, -3, 60));
  EXPECT_FALSE(run_minutes(cell, 3, 70)) << "4.5 - 3 + 3.5 = 5 Ah";
  EXPECT_TRUE(run_minutes(cell, 3, 7));
}

TEST(SupervisorOvercharge, pulses_that_cancel_never_trip) {
  Supervised cell = begin_at(0);
  for (int n = 0; n < 200; ++n) {
    ASSERT_FALSE(run_minutes(cell, 5, 10));
    ASSERT_FALSE(run_minutes(cell, -5, 10));
  }
}

// Months of storage: an offset of 10 mA would be 7 Ah a month.
TEST(SupervisorOvercharge, what_an_instrument_shows_with_its_output_off_within_its_own_error_is_no_charge) {
  SupervisorOptions options = guarded_options();
  options.current_noise = Amps{0.02};
  Supervised cell{options};
  cell.command_off();
  EXPECT_FALSE(run_minutes(cell, 0.01, 60 * 24 * 60));
  cell.command(1);
  EXPECT_FALSE(run_minutes(cell, 3, 100)) << "the whole guard is left";
  EXPECT_TRUE(run_minutes(cell, 3, 10));
  EXPECT_EQ(cell.supervisor.tripped()->hazard, Hazard::overcharge);

  Supervised on{options};
  on.command(1);
  EXPECT_TRUE(run_minutes(on, 0.01, 60 * 24 * 60)) << "with the output on everything counts";

  options.current_noise = Amps{1.0};
  Supervised large{options};
  large.command_off();
  EXPECT_TRUE(run_minutes(large, 0.5, 60 * 24)) << "0.1C is no error of a reading, whatever the cycler is";
}

// Half of what flows between a sample with a current and the next one without is charge: at both edges of a pulse.
TEST(SupervisorOvercharge, both_edges_of_each_pulse_are_counted) {
  SupervisorOptions options = guarded_options();
  options.current_noise = Amps{0.02};
  Supervised cell{options};
  int minutes = 0;
  for (bool is_on = true; minutes < 500; ++minutes, is_on = !is_on) {
    is_on ? cell.command(1) : cell.command_off();
    if (run_minutes(cell, is_on ? 3.0 : 0.0, 1)) break;
  }
  EXPECT_EQ(cell.hazard(), Hazard::overcharge);
  EXPECT_NEAR(minutes, 5.25 / 1.5 * 60, 5);
}

TEST(SupervisorOvercharge, charge_that_flows_without_a_command_is_counted_too) {
  SupervisorOptions options = guarded_options();
  options.settling = Duration::max() / 4;  // leave this to the overcharge guard alone
  Supervised cell{options};
  cell.command_off();
  cell.set(Measurand::current, 3);
  EXPECT_FALSE(cell.check());
  EXPECT_TRUE(run_minutes(cell, 3, 110));
  EXPECT_EQ(cell.supervisor.tripped()->hazard, Hazard::overcharge);
}

// More charge goes in than comes out in every cycle of a real cell; a discharge to the bottom starts the count anew.
TEST(SupervisorOvercharge, three_hundred_cycles_of_a_healthy_cell_with_a_coulombic_efficiency_of_0_9995_do_not_trip) {
  Supervised cell = begin_at(0);
  for (int cycle = 0; cycle < 300; ++cycle) {
    ASSERT_FALSE(run_minutes(cell, 5.0, 60)) << "cycle " << cycle;
    ASSERT_FALSE(run_minutes(cell, -5.0 * 0.9995, 60)) << "cycle " << cycle;
    cell.now += 1s;
    cell.set(Measurand::voltage, 2.51);
    cell.set(Measurand::current, -5.0);
    cell.set(Measurand::cell_temperature, 25);
    ASSERT_FALSE(cell.check()) << "cycle " << cycle;
  }
}

// A voltage reading that lies about the bottom must not switch the guard off while the cell is charged.
TEST(SupervisorOvercharge, a_low_voltage_while_charging_does_not_start_the_count_anew) {
  Supervised cell = begin_at(0);
  bool tripped = false;
  for (int minute = 0; minute < 90 && !tripped; ++minute) {
    cell.now += 1min;
    cell.set(Measurand::voltage, 2.51 + 0.001 * (minute % 2));
    cell.set(Measurand::current, 5.0);
    cell.set(Measurand::cell_temperature, 25);
    tripped = cell.check().has_value();
  }
  EXPECT_TRUE(tripped);
}

// ---- direction and command ----------------------------------------------------------------------------------------------------

std::optional<Hazard> settled(bool output_on, int direction, double current_A) {
  Supervised cell;
  cell.commanded = Commanded{output_on, cell.now, direction};
  cell.set(Measurand::current, current_A);
  EXPECT_FALSE(cell.check());
  cell.now += 2s;
  cell.refresh();
  return cell.hazard();
}

TEST(SupervisorDirection, a_current_against_the_command_trips_beyond_the_noise) {
  EXPECT_EQ(settled(true, +1, -0.05), std::nullopt);
  EXPECT_EQ(settled(true, +1, std::nextafter(-0.05, -1.0)), Hazard::wrong_direction);
  EXPECT_EQ(settled(true, -1, +0.05), std::nullopt);
  EXPECT_EQ(settled(true, -1, std::nextafter(0.05, 1.0)), Hazard::wrong_direction);
}

TEST(SupervisorDirection, a_current_along_the_command_and_a_step_both_ways_pass) {
  EXPECT_EQ(settled(true, +1, 9), std::nullopt);
  EXPECT_EQ(settled(true, -1, -19), std::nullopt);
  EXPECT_EQ(settled(true, 0, 9), std::nullopt);
  EXPECT_EQ(settled(true, 0, -19), std::nullopt);
}

TEST(SupervisorDirection, a_current_in_either_direction_without_a_command_trips_beyond_the_noise) {
  EXPECT_EQ(settled(false, 0, 0.05), std::nullopt);
  EXPECT_EQ(settled(false, 0, -0.05), std::nullopt);
  EXPECT_EQ(settled(false, 0, std::nextafter(0.05, 1.0)), Hazard::current_without_command);
  EXPECT_EQ(settled(false, 0, std::nextafter(-0.05, -1.0)), Hazard::current_without_command);
}

TEST(SupervisorDirection, a_command_has_its_time_to_settle_and_not_more) {
  for (const bool output_on : {true, false}) {
    Supervised cell;
    cell.commanded = Commanded{output_on, cell.now, output_on ? +1 : 0};
    cell.set(Measurand::current, -1);
    EXPECT_FALSE(cell.check_after(2s - 1ns));
    EXPECT_TRUE(cell.check_after(1ns));
  }
}

TEST(SupervisorDirection, a_sample_from_before_the_settling_is_not_judged_after_it) {
  Supervised cell;
  cell.set(Measurand::current, -1);
  cell.command(+1);
  cell.now += 2500ms;
  EXPECT_FALSE(cell.check()) << "measured when the command went out";
}

// ---- temperature rate -----------------------------------------------------------------------------------------------------------

/// Seconds until the trip while the true temperature rises; -1 when none within 20 s. `digits` rounds what the logger shows.
double seconds_to_trip(double rate_K_per_s, Duration period, double digits = 0.0, double noise_K = 0.0,
                       const SafetyLimits& limits = cell_limits()) {
  Supervised cell{guarded_options(), limits};
  Dice dice{3};
  for (Duration elapsed{}; elapsed <= 20s; elapsed += period) {
    cell.now = at(1000) + elapsed;
    cell.refresh();
    double shown = 25.0 + rate_K_per_s * to_seconds(elapsed) + dice.real(-noise_K, noise_K);
    if (digits > 0) shown = std::floor(shown / digits) * digits;
    cell.set(Measurand::cell_temperature, shown);
    if (const auto& cause = cell.check()) {
      EXPECT_EQ(cause->hazard, Hazard::temperature_rate);
      return to_seconds(elapsed);
    }
  }
  return -1;
}

// A sensor that was open for a while and is on another cell since: one step, which nothing goes on from. What goes on is a cell's.
TEST(SupervisorRate, a_step_across_a_gap_is_no_rate_that_holds) {
  for (const double rate : {0.0, 1.5}) {
    Supervised cell{SupervisorOptions{}};
    const auto show = [&](double degC) {
      cell.set(Measurand::cell_temperature, degC);
      return cell.check_after(1s).has_value();
    };
    for (int n = 0; n < 5; ++n) ASSERT_FALSE(show(25.0));
    cell.observation[Measurand::cell_temperature].quality = Quality::missing;
    for (int n = 0; n < 15; ++n) (void)cell.check_after(1s);
    bool has_tripped = false;
    for (int n = 0; n < 8; ++n) has_tripped = show(45.0 + rate * n) || has_tripped;
    EXPECT_EQ(has_tripped, rate > 0);
  }
}

// GB 38031-2025 C.5.3.7: 1 K/s for 3 s; table A5, H5: within 4 s.
TEST(SupervisorRate, a_cell_that_heats_by_one_kelvin_a_second_for_three_seconds_trips) {
  for (const Duration period : {Duration{100ms}, Duration{500ms}, Duration{1s}}) {
    const double seconds = seconds_to_trip(1.01, period);
    EXPECT_GE(seconds, 3.0 - 1e-9);
    EXPECT_LE(seconds, 4.0);
  }
}

// What is asked every five seconds tells at once, not with its next answer: two rates, the second one held for longer than three seconds.
TEST(SupervisorRate, a_reading_of_a_slow_sensor_counts_when_it_comes) {
  EXPECT_EQ(seconds_to_trip(1.5, 5s), 10.0);
  EXPECT_EQ(seconds_to_trip(1.5, 2s), 4.0);
  EXPECT_EQ(seconds_to_trip(0.9, 5s), -1);
}

TEST(SupervisorRate, two_answers_that_lie_near_each_other_are_no_rate) {
  SafetyLimits limits = cell_limits();
  limits.temperature_rate_for_s = 0.0;
  Supervised cell{SupervisorOptions{}, limits};
  const auto show = [&cell](Duration after, double degC) {
    cell.set(Measurand::cell_temperature, degC);
    return cell.check_after(after).has_value();
  };
  EXPECT_FALSE(show(1100ms, 25.0));
  EXPECT_FALSE(show(1100ms, 25.0));  // a second after the last one: counts at once
  EXPECT_FALSE(show(300ms, 25.4));   // with noise
  EXPECT_FALSE(show(1100ms, 25.0));
  EXPECT_TRUE(show(1100ms, 27.0));
}

TEST(SupervisorRate, limits_may_have_less_and_a_shorter_time_and_never_more) {
  SafetyLimits limits = cell_limits();
  limits.temperature_rate_max_K_per_s = 0.5;
  limits.temperature_rate_for_s = 1.0;
  const double seconds = seconds_to_trip(0.6, 100ms, 0, 0, limits);
  EXPECT_GE(seconds, 1.0);
  EXPECT_LE(seconds, 2.2);
  EXPECT_EQ(seconds_to_trip(0.4, 100ms, 0, 0, limits), -1);
  limits.temperature_rate_max_K_per_s = 5.0;
  limits.temperature_rate_for_s = 60.0;
  EXPECT_LE(seconds_to_trip(1.01, 500ms, 0, 0, limits), 4.0);
  EXPECT_NE(seconds_to_trip(1.01, 500ms, 0, 0, limits), -1);
}

TEST(SupervisorRate, a_slower_rise_and_any_fall_pass) {
  for (const double rate : {0.99, 0.5, 0.0, -0.5, -2.0}) EXPECT_EQ(seconds_to_trip(rate, 500ms), -1) << rate;
}

TEST(SupervisorRate, a_rise_that_ends_before_three_seconds_passes_and_the_next_one_counts_anew) {
  Supervised cell;
  double temperature = 25;
  for (int round = 0; round < 3; ++round) {
    for (int n = 0; n < 4; ++n) {  // 2 s at 1.2 K/s, then 5 s flat
      cell.set(Measurand::cell_temperature, temperature += 0.6);
      ASSERT_FALSE(cell.check_after(500ms));
    }
    for (int n = 0; n < 10; ++n) ASSERT_FALSE(cell.check_after(500ms));
  }
}

TEST(SupervisorRate, a_single_spike_is_no_runaway) {
  Supervised cell;
  for (int n = 0; n < 200; ++n) {
    cell.set(Measurand::cell_temperature, n == 100 ? 33.0 : 25.0);
    ASSERT_FALSE(cell.check_after(100ms));
  }
}

TEST(SupervisorRate, a_logger_slower_than_the_control_period_is_judged_by_its_own_samples) {
  Supervised cell;
  std::optional<int> tripped_at;
  for (int tenths = 0; tenths <= 200 && !tripped_at; ++tenths) {
    cell.now = at(1000 + tenths / 10.0);
    cell.observation[Measurand::voltage].at = cell.observation[Measurand::current].at = cell.now;
    if (tenths % 10 == 0) cell.set(Measurand::cell_temperature, 25 + 1.5 * tenths / 10);
    if (cell.check()) tripped_at = tenths;
  }
  ASSERT_TRUE(tripped_at);
  EXPECT_EQ(cell.check()->hazard, Hazard::temperature_rate);
  EXPECT_LE(*tripped_at, 40);
}

// A runaway at twice the criterion, seen through the digits of a usual logger at the control period of 100 ms.
TEST(SupervisorRate, a_runaway_is_seen_through_coarse_digits) {
  for (const double digits : {0.1, 0.5}) {
    const double seconds = seconds_to_trip(2.0, 100ms, digits);
    EXPECT_NE(seconds, -1) << digits << " K digits";
    EXPECT_LE(seconds, 4.0) << digits << " K digits";
  }
}

TEST(SupervisorRate, a_runaway_is_seen_through_the_noise_of_a_thermocouple) {
  const double seconds = seconds_to_trip(2.0, 100ms, 0.0, 0.2);
  EXPECT_NE(seconds, -1) << "+/- 0.2 K of noise";
  EXPECT_LE(seconds, 4.0);
}

}  // namespace
}  // namespace cellrig
