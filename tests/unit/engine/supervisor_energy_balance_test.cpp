// More energy out of a cell than into it, over charge that went in and came back.
#include <gtest/gtest.h>

#include "tests/unit/engine/supervised_cell.hpp"

namespace cellrig {
namespace {

using namespace std::chrono_literals;
using namespace test;

/// 5 Ah at 5 A: a hundredth of its capacity takes 36 s.
struct Loops {
  Loops() : cell{options(), limits()} { cell.command(0); }

  static SupervisorOptions options() {
    SupervisorOptions o = guarded_options();
    o.frozen_charge_max = AmpHours{1000};
    o.leak.rise_stretch = 1e9;
    return o;
  }
  static SafetyLimits limits() {
    SafetyLimits l = cell_limits();
    l.charge_capacity_max = AmpHours{1000};
    return l;
  }
  /// That share of the capacity at this current and voltage.
  void move(double share, double current_A, double voltage_V) {
    cell.command(0);
    for (double left_s = share * 3600 * 5.0 / std::abs(current_A); left_s > 0 && !cell.supervisor.tripped(); left_s -= 2) {
      cell.set(Measurand::voltage, voltage_V);
      cell.set(Measurand::current, current_A);
      (void)cell.check_after(2s);
    }
  }
  [[nodiscard]] std::optional<Hazard> found() const {
    const auto& cause = cell.supervisor.tripped();
    return cause ? std::optional{cause->hazard} : std::nullopt;
  }

  Supervised cell;
};

TEST(SupervisorEnergyBalance, a_cell_that_gives_back_more_than_it_took_means_that_a_reading_is_wrong) {
  Loops loops;
  loops.move(0.20, 5, 3.6);
  loops.move(0.15, -5, 3.8);
  EXPECT_FALSE(loops.found()) << "not yet back where it began";
  loops.move(0.06, -5, 3.8);
  ASSERT_EQ(loops.found(), Hazard::energy_balance);
  const TripCause& cause = *loops.cell.supervisor.tripped();
  EXPECT_NEAR(cause.value, -0.2, 0.02) << "1 Ah at 3.6 V in, at 3.8 V out";
  EXPECT_NEAR(cause.limit, -0.03 * 3.6, 0.005);
  EXPECT_TRUE(describe(cause).ends_with(" Wh")) << describe(cause);
  EXPECT_FALSE(is_instrument_failure(cause.hazard)) << "it does not heal by itself: a person must have looked";
  EXPECT_FALSE(is_thermal(cause.hazard));
}

TEST(SupervisorEnergyBalance, so_does_one_that_is_discharged_first) {
  Loops loops;
  loops.move(0.20, -5, 3.8);
  loops.move(0.21, 5, 3.6);
  EXPECT_EQ(loops.found(), Hazard::energy_balance);
}

TEST(SupervisorEnergyBalance, pulses_on_the_way_are_part_of_the_loop_and_do_not_hide_it) {
  Loops loops;
  for (int i = 0; i < 7; ++i) {
    loops.move(0.05, 5, 3.6);
    loops.move(0.02, -5, 3.5);
  }
  for (int i = 0; i < 8; ++i) {
    loops.move(0.05, -5, 3.9);
    loops.move(0.02, 5, 3.95);
  }
  EXPECT_EQ(loops.found(), Hazard::energy_balance);
}

TEST(SupervisorEnergyBalance, healthy_loops_a_first_discharge_and_the_error_of_instruments_pass) {
  Loops loops;
  loops.move(0.5, -5, 3.6);  // it came charged: nobody measured that
  for (int i = 0; i < 5; ++i) {
    loops.move(0.5, 5, 3.75);
    loops.move(0.5, -5, 3.65);
  }
  loops.move(0.3, 5, 3.60);
  loops.move(0.3, -5, 3.69);  // 2.5 %
  loops.move(0.1, -5, 3.0);
  EXPECT_FALSE(loops.found());
  EXPECT_FALSE(loops.cell.supervisor.tripped());
}

TEST(SupervisorEnergyBalance, a_current_that_is_shown_while_the_output_is_off_is_none) {
  for (const double shown_A : {-0.04, 0.04}) {
    Loops loops;
    loops.move(0.3, 5, 3.9);
    loops.cell.command_off();
    for (int minute = 0; minute < 100 * 60; ++minute) {
      loops.cell.set(Measurand::voltage, 4.15 + 1e-4 * (minute % 7));
      loops.cell.set(Measurand::current, shown_A);
      loops.cell.set(Measurand::cell_temperature, 25.0);
      (void)loops.cell.check_after(60s);
      ASSERT_FALSE(loops.found()) << shown_A << " A, minute " << minute << ": " << describe(*loops.cell.supervisor.tripped());
    }
    loops.move(0.31, -5, 3.8);
    EXPECT_FALSE(loops.found()) << shown_A;
  }
}

TEST(SupervisorEnergyBalance, a_voltage_that_recovers_within_a_small_pulse_passes) {
  Loops loops;
  loops.move(0.3, -5, 3.4);
  for (int i = 0; i < 20; ++i) {
    loops.move(0.02, 5, 3.3);
    loops.move(0.02, -5, 3.5);
  }
  EXPECT_FALSE(loops.found());
}

}  // namespace
}  // namespace cellrig
