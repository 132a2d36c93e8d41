#include "sim/physics/power_stage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>

#include "tests/unit/physics/lgm50.hpp"
#include "tests/unit/physics/reference_cell.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

struct Rig {
  explicit Rig(double soc = 0.5, double temperature_degC = 25.0) : cell{lgm50(), soc, temperature_degC} {}
  void run(Duration duration) { stage.advance(stage.now() + duration); }
  void command(const RegulatorCommand& command) { stage.command(stage.now(), command); }
  Cell cell;
  PowerStage stage{cell, TimePoint{}};
};

RegulatorCommand cccv(double voltage_V, double current_A) {
  return {.on = true, .voltage_V = voltage_V, .source_current_max_A = current_A, .sink_current_max_A = current_A};
}

TEST(PowerStage, an_output_that_is_off_shows_the_cell_and_carries_nothing) {
  Rig rig;
  rig.run(1h);
  EXPECT_EQ(rig.stage.mode(), RegulatorMode::off);
  EXPECT_FALSE(rig.stage.output_on());
  EXPECT_EQ(rig.stage.current_A(), 0.0);
  EXPECT_NEAR(rig.stage.terminal_voltage_V(), lgm50().open_circuit_voltage_V.at(0.5), 1e-9);
  EXPECT_EQ(rig.cell.state().soc, 0.5);
}

TEST(PowerStage, charges_with_constant_current_and_then_holds_the_voltage) {
  Rig rig{0.7};
  rig.command(cccv(4.2, 5.0));
  EXPECT_EQ(rig.stage.mode(), RegulatorMode::constant_current);
  EXPECT_DOUBLE_EQ(rig.stage.current_A(), 5.0);
  rig.run(1h);
  EXPECT_EQ(rig.stage.mode(), RegulatorMode::constant_voltage);
  EXPECT_NEAR(rig.stage.terminal_voltage_V(), 4.2, 1e-9);
  EXPECT_GT(rig.stage.current_A(), 0.0);
  EXPECT_LT(rig.stage.current_A(), 1.0);
}

// The regulated voltage is a limit: an instrument that passed it by a step's worth would trip what watches it.
TEST(PowerStage, constant_current_never_passes_the_voltage_by_a_tenth_of_a_millivolt) {
  for (const double rate_C : {0.5, 1.0, 2.0}) {
    for (const double temperature : {10.0, 25.0}) {
      Rig rig{0.05, temperature};
      rig.command(cccv(4.1, rate_C * 5.0));
      ASSERT_EQ(rig.stage.mode(), RegulatorMode::constant_current);
      for (int i = 0; i < 1500; ++i) rig.run(7s);
      EXPECT_EQ(rig.stage.mode(), RegulatorMode::constant_voltage);
      EXPECT_LE(rig.stage.extremes().voltage_max_V, 4.1 + 1e-4) << rate_C << "C, " << temperature << " degC";
    }
  }
}

TEST(PowerStage, discharge_never_passes_the_lower_voltage_either) {
  Rig rig{0.3, 0.0};
  rig.command(cccv(2.5, 10.0));
  for (int i = 0; i < 200; ++i) rig.run(11s);
  EXPECT_EQ(rig.stage.mode(), RegulatorMode::constant_voltage);
  EXPECT_GE(rig.stage.extremes().voltage_min_V, 2.5 - 1e-4);
}

// The change of mode is located inside a step, so how often somebody looks must not matter.
TEST(PowerStage, a_charge_ends_alike_however_often_it_is_looked_at) {
  const auto after_an_hour = [](Duration look_every) {
    Rig rig{0.4};
    RegulatorCommand command = cccv(4.15, 12.0);
    command.source_power_max_W = 45.0;  // constant power, then constant voltage
    rig.command(command);
    while (rig.stage.now() < TimePoint{} + 1h) rig.run(look_every);
    EXPECT_LE(rig.stage.extremes().voltage_max_V, 4.15 + 1e-4);
    return rig.cell.state().soc;
  };
  EXPECT_NEAR(after_an_hour(50ms), after_an_hour(1h), 2e-6);
  EXPECT_NEAR(after_an_hour(50ms), after_an_hour(900ms), 2e-6);
}

// Between two solves the current is held: the drift is the price of the step, worst right after 4C (docs/cell-model.md).
// A cut-off is an instant inside a step: 0.8 s of error would be 1e-3 of a fast discharge's capacity.
TEST(PowerStage, a_cut_off_comes_within_20_ms_of_the_reference) {
  constexpr double current_A = -10.0;
  constexpr double cut_off_V = 3.0;
  constexpr double tolerance_s = 0.02;
  ReferenceCell reference{lgm50(), 0.9, 25.0};
  double reference_s = 0.0;
  while (reference.voltage(current_A) > cut_off_V) {
    reference.advance(current_A, 0.01);
    reference_s += 0.01;
  }
  const auto mode_at = [&](double seconds) {
    Cell cell{lgm50(), 0.9, 25.0};
    PowerStage stage{cell, TimePoint{}};
    stage.command(TimePoint{}, {.on = true, .voltage_V = cut_off_V, .sink_current_max_A = -current_A});
    stage.advance(TimePoint{} + from_seconds(seconds));
    return stage.mode();
  };
  std::printf("cut-off after %.2f s\n", reference_s);
  EXPECT_EQ(mode_at(reference_s - tolerance_s), RegulatorMode::constant_current);
  EXPECT_EQ(mode_at(reference_s + tolerance_s), RegulatorMode::constant_voltage);
}

TEST(PowerStage, a_held_voltage_drifts_by_little_more_than_a_millivolt_in_a_step) {
  Rig rig{0.5};
  rig.command(cccv(4.1, 20.0));
  double worst_mV = 0.0;
  for (int i = 0; i < 1200; ++i) {
    const bool was_held = rig.stage.mode() == RegulatorMode::constant_voltage;
    const double current = rig.stage.current_A();
    rig.run(100ms);
    if (was_held) worst_mV = std::max(worst_mV, 1000 * std::abs(rig.cell.voltage_V(current) - 4.1));
  }
  for (int i = 0; i < 1200; ++i) {
    const double current = rig.stage.current_A();
    rig.run(1s);
    worst_mV = std::max(worst_mV, 1000 * std::abs(rig.cell.voltage_V(current) - 4.1));
  }
  std::printf("worst drift in a held voltage: %.3f mV\n", worst_mV);
  EXPECT_LE(worst_mV, 1.25);
}

// The charge that flows in the taper must not depend on the step: coulombic efficiency is judged to 1e-4.
TEST(PowerStage, charge_of_a_taper_is_the_same_in_long_and_short_steps) {
  Rig coarse{0.8};
  Rig fine{0.8};
  coarse.command(cccv(4.2, 5.0));
  fine.command(cccv(4.2, 5.0));
  coarse.run(1h);
  for (int i = 0; i < 36'000; ++i) fine.run(100ms);
  EXPECT_NEAR(coarse.cell.state().soc, fine.cell.state().soc, 2e-6);
  EXPECT_NEAR(coarse.stage.current_A(), fine.stage.current_A(), 1e-4);
}

TEST(PowerStage, every_limit_cuts_the_current_in_its_own_mode) {
  Rig rig{0.8};
  RegulatorCommand command = cccv(4.5, 50.0);
  command.source_power_max_W = 20.0;
  rig.command(command);
  EXPECT_EQ(rig.stage.mode(), RegulatorMode::constant_power);
  EXPECT_NEAR(rig.stage.current_A() * rig.stage.terminal_voltage_V(), 20.0, 1e-6);

  command = cccv(2.5, 50.0);
  command.sink_power_max_W = 20.0;
  rig.command(command);
  EXPECT_EQ(rig.stage.mode(), RegulatorMode::constant_power);
  EXPECT_NEAR(rig.stage.current_A() * rig.stage.terminal_voltage_V(), -20.0, 1e-6);
  rig.run(60s);
  EXPECT_NEAR(rig.stage.current_A() * rig.stage.terminal_voltage_V(), -20.0, 1e-6);

  command = cccv(2.5, 50.0);
  command.sink_resistance_ohm = 1.0;
  rig.command(command);
  EXPECT_EQ(rig.stage.mode(), RegulatorMode::constant_resistance);
  EXPECT_NEAR(rig.stage.current_A(), -rig.stage.terminal_voltage_V(), 1e-8);

  command.sink_current_max_A = 1.0;
  rig.command(command);
  EXPECT_EQ(rig.stage.mode(), RegulatorMode::constant_current);
  EXPECT_DOUBLE_EQ(rig.stage.current_A(), -1.0);
}

// A power beyond the cell's maximum has no operating point: the voltage limit must still hold.
TEST(PowerStage, a_power_the_cell_cannot_deliver_ends_at_the_voltage) {
  Rig rig{0.5, -20.0};
  RegulatorCommand command = cccv(2.5, 400.0);
  command.sink_power_max_W = 1000.0;
  rig.command(command);
  rig.run(5s);
  EXPECT_EQ(rig.stage.mode(), RegulatorMode::constant_voltage);
  EXPECT_NEAR(rig.stage.terminal_voltage_V(), 2.5, 1e-6);
}

// Newton's method alone diverges here.
TEST(PowerStage, holds_a_voltage_in_the_deep_cold) {
  for (const double soc : {0.02, 0.5, 0.98}) {
    for (const double voltage : {2.5, 3.0, 4.2}) {
      Rig rig{soc, -30.0};
      rig.command(cccv(voltage, 200.0));
      rig.run(10s);
      EXPECT_EQ(rig.stage.mode(), RegulatorMode::constant_voltage);
      EXPECT_NEAR(rig.stage.terminal_voltage_V(), voltage, 1e-7);
    }
  }
}

TEST(PowerStage, an_open_contactor_interrupts_the_current_at_once) {
  Rig rig;
  rig.command(cccv(4.2, 5.0));
  rig.run(10s);
  rig.stage.set_contactor(rig.stage.now() + 5s, false);
  EXPECT_EQ(rig.stage.current_A(), 0.0);
  EXPECT_EQ(rig.stage.terminal_voltage_V(), 0.0);
  EXPECT_TRUE(rig.stage.output_on());
  const double soc = rig.cell.state().soc;
  EXPECT_NEAR(soc, 0.5 + 5.0 * 15 / 3600 / lgm50().capacity_Ah, 1e-12);
  rig.run(60s);
  EXPECT_EQ(rig.cell.state().soc, soc);
  rig.stage.set_contactor(rig.stage.now(), true);
  EXPECT_DOUBLE_EQ(rig.stage.current_A(), 5.0);
}

TEST(PowerStage, a_reversed_cell_reads_negative_and_is_discharged_by_a_charge) {
  Rig rig;
  rig.stage.set_reversed(true);
  EXPECT_NEAR(rig.stage.terminal_voltage_V(), -lgm50().open_circuit_voltage_V.at(0.5), 1e-9);
  rig.command(cccv(4.2, 2.0));
  EXPECT_DOUBLE_EQ(rig.stage.current_A(), 2.0);
  EXPECT_LT(rig.stage.terminal_voltage_V(), -3.0);
  rig.run(360s);
  EXPECT_NEAR(rig.cell.state().soc, 0.5 - 0.2 / lgm50().capacity_Ah, 1e-9);
}

TEST(PowerStage, a_protection_trips_and_stays_off_until_commanded_again) {
  Rig rig{0.7};
  RegulatorCommand command = cccv(4.4, 3.0);
  command.over_voltage_trip_V = 4.1;
  rig.command(command);
  EXPECT_EQ(rig.stage.trip(), StageTrip::none);
  rig.run(1h);
  EXPECT_EQ(rig.stage.trip(), StageTrip::over_voltage);
  EXPECT_FALSE(rig.stage.output_on());
  EXPECT_EQ(rig.stage.current_A(), 0.0);
  EXPECT_EQ(rig.stage.mode(), RegulatorMode::off);
  EXPECT_LT(rig.stage.extremes().voltage_max_V, 4.1 + 1e-3);
  rig.command(command);
  EXPECT_FALSE(rig.stage.output_on()) << "a command does not clear a trip";
  rig.stage.clear_trip();
  EXPECT_FALSE(rig.stage.output_on()) << "clearing a trip is not switching on";
  rig.command(cccv(4.0, 1.0));
  EXPECT_TRUE(rig.stage.output_on());
}

TEST(PowerStage, over_current_and_under_voltage_trip_too) {
  Rig rig;
  RegulatorCommand command = cccv(4.2, 5.0);
  command.over_current_trip_A = 4.0;
  rig.command(command);
  EXPECT_EQ(rig.stage.trip(), StageTrip::over_current);
  Rig empty{0.1};
  command = cccv(2.0, 5.0);
  command.under_voltage_trip_V = 2.8;
  empty.command(command);
  empty.run(1h);
  EXPECT_EQ(empty.stage.trip(), StageTrip::under_voltage);
}

// Any sequence of commands: the current stays within its limits, the mode says what is in force.
TEST(PowerStage, no_command_sequence_breaks_a_limit) {
  std::minstd_rand random{11};
  const auto draw = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random() - std::minstd_rand::min()) /
                     static_cast<double>(std::minstd_rand::max() - std::minstd_rand::min());
  };
  Rig rig{0.5, 5.0};
  constexpr double tolerance = 1e-6;
  for (int i = 0; i < 4000; ++i) {
    RegulatorCommand command{.on = draw(0, 1) < 0.9,
                             .voltage_V = rig.cell.state().soc > 0.5 ? draw(2.5, 4.25) : draw(3.0, 4.25),
                             .source_current_max_A = draw(0, 15),
                             .sink_current_max_A = draw(0, 15)};
    if (draw(0, 1) < 0.4) command.source_power_max_W = draw(0, 60);
    if (draw(0, 1) < 0.4) command.sink_power_max_W = draw(0, 60);
    if (draw(0, 1) < 0.3) command.sink_resistance_ohm = draw(0.2, 5);
    rig.command(command);
    rig.run(from_seconds(draw(0.01, 120)));
    const double current = rig.stage.current_A();
    const double voltage = rig.stage.terminal_voltage_V();
    ASSERT_LE(current, command.source_current_max_A + tolerance) << i;
    ASSERT_GE(current, -command.sink_current_max_A - tolerance) << i;
    ASSERT_LE(current * voltage, command.source_power_max_W + tolerance) << i;
    ASSERT_GE(current * voltage, -command.sink_power_max_W - tolerance) << i;
    if (current > tolerance) {
      ASSERT_LE(voltage, command.voltage_V + tolerance) << i;
    }
    if (current < -tolerance) {
      ASSERT_GE(voltage, command.voltage_V - tolerance) << i;
    }
    if (current < 0 && command.sink_resistance_ohm > 0) {
      ASSERT_LE(-current * command.sink_resistance_ohm, voltage + tolerance) << i;
    }
    if (rig.stage.mode() == RegulatorMode::constant_voltage) {
      ASSERT_NEAR(voltage, command.voltage_V, tolerance) << i;
    }
  }
}

// Whatever arrives over a wire ends here: no value may hang the simulator, and NaN must not move charge.
TEST(PowerStage, absurd_commands_neither_hang_nor_poison_the_cell) {
  constexpr double huge = 1e308;
  constexpr double inf = std::numeric_limits<double>::infinity();
  for (const double value : {nan, huge, -huge, inf, -inf, 0.0, -1.0}) {
    for (int field = 0; field < 6; ++field) {
      Rig rig;
      RegulatorCommand command = cccv(4.2, 5.0);
      double* const fields[] = {&command.voltage_V,          &command.source_current_max_A, &command.sink_current_max_A,
                                &command.source_power_max_W, &command.sink_power_max_W,     &command.sink_resistance_ohm};
      *fields[field] = value;
      rig.command(command);
      rig.run(60s);
      EXPECT_TRUE(std::isfinite(rig.stage.terminal_voltage_V())) << field << " " << value;
      EXPECT_TRUE(std::isfinite(rig.cell.state().core_degC)) << field << " " << value;
      if (std::isnan(value) && (field == 0 || field == 1 || field == 3)) {
        EXPECT_EQ(rig.cell.state().soc, 0.5) << field;
      }
    }
  }
}

TEST(PowerStage, a_protection_that_is_not_a_number_trips) {
  Rig rig;
  RegulatorCommand command = cccv(4.2, 5.0);
  command.over_voltage_trip_V = nan;
  rig.command(command);
  EXPECT_EQ(rig.stage.trip(), StageTrip::over_voltage);
  EXPECT_EQ(rig.stage.current_A(), 0.0);
}

// A day is simulated in one call, at rest and with the output on.
TEST(PowerStage, a_day_costs_a_bounded_amount_of_work) {
  Rig rig{0.9};
  rig.run(24h);
  rig.command(cccv(4.2, 5.0));
  const auto begin = std::chrono::steady_clock::now();
  rig.run(24h);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s) << "about 20 ms expected";
  EXPECT_NEAR(rig.stage.terminal_voltage_V(), 4.2, 1e-9);
  EXPECT_EQ(rig.stage.now(), TimePoint{} + 48h);
}

TEST(PowerStage, time_does_not_run_backwards) {
  Rig rig;
  rig.run(10s);
  rig.stage.advance(TimePoint{} + 3s);
  EXPECT_EQ(rig.stage.now(), TimePoint{} + 10s);
}

TEST(PowerStage, a_change_of_the_cell_from_outside_is_seen_at_the_next_advance) {
  Rig rig;
  rig.command(cccv(4.2, 1.0));
  const double before = rig.stage.terminal_voltage_V();
  rig.stage.cell().set_health(0.8, 3.0);
  rig.stage.advance(rig.stage.now());
  EXPECT_GT(rig.stage.terminal_voltage_V(), before + 0.01);
}

}  // namespace
}  // namespace cellrig::sim
