#include "controller/engine/accumulators.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/unit/engine/dice.hpp"
#include "tests/unit/engine/program_builder.hpp"

namespace cellrig {
namespace {

using test::at;

ElectricalSample sample(double seconds, double voltage_V, double current_A) {
  return {at(seconds), Volts{voltage_V}, Amps{current_A}};
}

void expect_moved(const Throughput& moved, double charge, double discharge, double charge_energy, double discharge_energy) {
  EXPECT_NEAR(moved.charge.value(), charge, 1e-12);
  EXPECT_NEAR(moved.discharge.value(), discharge, 1e-12);
  EXPECT_NEAR(moved.charge_energy.value(), charge_energy, 1e-12);
  EXPECT_NEAR(moved.discharge_energy.value(), discharge_energy, 1e-12);
}

TEST(Accumulators, constant_charge_for_an_hour_is_ampere_times_hour) {
  expect_moved(integrate(sample(0, 4, 2.5), sample(3600, 4, 2.5)), 2.5, 0, 10, 0);
}

TEST(Accumulators, constant_discharge_counts_as_a_magnitude_on_the_discharge_side) {
  expect_moved(integrate(sample(0, 4, -2.5), sample(3600, 4, -2.5)), 0, 2.5, 0, 10);
}

TEST(Accumulators, no_current_moves_nothing) { expect_moved(integrate(sample(0, 3, 0), sample(3600, 4, 0)), 0, 0, 0, 0); }

// Integral over [0, 1] of (3 + u)(2 + 2u) = 6 + 8/2 + 2/3: the average of V times the average of I would give 10.5.
TEST(Accumulators, energy_is_the_integral_of_the_product_not_the_product_of_the_means) {
  expect_moved(integrate(sample(0, 3, 2), sample(3600, 4, 4)), 3, 0, 6 + 8.0 / 2 + 2.0 / 3, 0);
}

TEST(Accumulators, a_current_that_begins_or_ends_at_zero_has_one_sign) {
  expect_moved(integrate(sample(0, 4, 0), sample(3600, 4, 2)), 1, 0, 4, 0);
  expect_moved(integrate(sample(0, 4, -2), sample(3600, 4, 0)), 0, 1, 0, 4);
  expect_moved(integrate(sample(0, 4, 0), sample(3600, 4, -2)), 0, 1, 0, 4);
}

// I = -1 + 4u, zero at u = 1/4: discharge 1/8, charge 9/8. V = 4 throughout.
TEST(Accumulators, a_change_of_sign_splits_the_charge_where_the_current_is_zero) {
  expect_moved(integrate(sample(0, 4, -1), sample(3600, 4, 3)), 9.0 / 8, 1.0 / 8, 4.5, 0.5);
  expect_moved(integrate(sample(0, 4, 1), sample(3600, 4, -3)), 1.0 / 8, 9.0 / 8, 0.5, 4.5);
}

// V = 3 + u, I = 1 - 2u. Charge part: integral over [0, 1/2] of 3 - 5u - 2u^2 = 3/2 - 5/8 - 1/12.
// Discharge part: integral over [1/2, 1] of -3 + 5u + 2u^2 = -3/2 + 15/8 + 7/12.
TEST(Accumulators, a_change_of_sign_splits_the_energy_with_the_voltage_of_each_part) {
  expect_moved(integrate(sample(0, 3, 1), sample(3600, 4, -1)), 0.25, 0.25, 1.5 - 0.625 - 1.0 / 12, -1.5 + 1.875 + 7.0 / 12);
}

TEST(Accumulators, equal_and_opposite_parts_cancel_in_the_net_but_not_in_the_throughput) {
  const Throughput moved = integrate(sample(0, 4, -1), sample(3600, 4, 1));
  EXPECT_NEAR(moved.net().value(), 0.0, 1e-15);
  EXPECT_NEAR(moved.net_energy().value(), 0.0, 1e-15);
  EXPECT_NEAR(moved.charge.value(), 0.25, 1e-15);
}

TEST(Accumulators, two_measurements_at_one_instant_move_nothing) {
  expect_moved(integrate(sample(5, 3, 2), sample(5, 4, -4)), 0, 0, 0, 0);
}

TEST(Accumulators, sums_keep_the_four_totals_apart) {
  Throughput sum = integrate(sample(0, 4, 2), sample(3600, 4, 2));
  sum += integrate(sample(3600, 3, -1), sample(7200, 3, -1));
  expect_moved(sum, 2, 1, 8, 3);
  EXPECT_NEAR(sum.net().value(), 1.0, 1e-12);
  EXPECT_NEAR(sum.net_energy().value(), 5.0, 1e-12);
}

// ---- against an independent integral --------------------------------------------------------------------------------

/// The antiderivative of I and of V I between two instants of a straight stretch, in powers of u: other algebra than the code's.
struct Stretch {
  double hours, v0, v1, i0, i1;
  [[nodiscard]] double charge(double from, double to) const {
    const auto antiderivative = [this](double u) { return i0 * u + (i1 - i0) * u * u / 2; };
    return hours * (antiderivative(to) - antiderivative(from));
  }
  [[nodiscard]] double energy(double from, double to) const {
    const double dv = v1 - v0, di = i1 - i0;
    const auto antiderivative = [&](double u) { return v0 * i0 * u + (v0 * di + dv * i0) * u * u / 2 + dv * di * u * u * u / 3; };
    return hours * (antiderivative(to) - antiderivative(from));
  }
};

void add_reference(Throughput& sum, const Stretch& stretch) {
  const double zero = stretch.i0 == stretch.i1 ? 0.0 : stretch.i0 / (stretch.i0 - stretch.i1);
  const double cut = std::clamp(zero, 0.0, 1.0);
  for (const auto& [from, to] : {std::pair{0.0, cut}, std::pair{cut, 1.0}}) {
    const double charge = stretch.charge(from, to), energy = stretch.energy(from, to);
    (charge > 0 ? sum.charge : sum.discharge) += AmpHours{std::abs(charge)};
    (charge > 0 ? sum.charge_energy : sum.discharge_energy) += WattHours{std::abs(energy)};
  }
}

void expect_near(const Throughput& a, const Throughput& b, double tolerance) {
  EXPECT_NEAR(a.charge.value(), b.charge.value(), tolerance);
  EXPECT_NEAR(a.discharge.value(), b.discharge.value(), tolerance);
  EXPECT_NEAR(a.charge_energy.value(), b.charge_energy.value(), tolerance);
  EXPECT_NEAR(a.discharge_energy.value(), b.discharge_energy.value(), tolerance);
}

ElectricalSample random_sample(test::Dice& dice, double seconds) {
  // Zero and repeated currents are drawn on purpose: they are the edges of the sign rule.
  const double current = dice.chance(0.15) ? 0.0 : dice.chance(0.3) ? 5.0 * dice.integer(-1, 1) : dice.real(-30, 30);
  return sample(seconds, dice.real(2.0, 4.5), current);
}

TEST(Accumulators, random_piecewise_linear_currents_agree_with_the_analytic_integral) {
  test::Dice dice{20240611};
  for (int sequence = 0; sequence < 200; ++sequence) {
    double now = dice.real(0, 1e6);
    ElectricalSample last = random_sample(dice, now);
    Throughput counted, reference;
    for (int n = 0; n < 200; ++n) {
      now += dice.chance(0.5) ? 0.1 : dice.real(0.001, 30);
      const ElectricalSample next = random_sample(dice, now);
      counted += integrate(last, next);
      add_reference(reference, {to_seconds(next.at - last.at) / 3600, last.voltage.value(), next.voltage.value(),
                                last.current.value(), next.current.value()});
      last = next;
    }
    expect_near(counted, reference, 1e-9);
  }
}

// The result must not depend on how often a straight line was measured.
TEST(Accumulators, a_straight_stretch_measured_in_pieces_moves_the_same_as_in_one) {
  test::Dice dice{77};
  for (int sequence = 0; sequence < 500; ++sequence) {
    const ElectricalSample from = random_sample(dice, 0), to = random_sample(dice, 64);
    Throughput pieces;
    ElectricalSample last = from;
    for (int n = 1; n <= 64; ++n) {
      const double u = n / 64.0;
      const ElectricalSample next = sample(64 * u, from.voltage.value() + u * (to.voltage.value() - from.voltage.value()),
                                           from.current.value() + u * (to.current.value() - from.current.value()));
      pieces += integrate(last, next);
      last = next;
    }
    expect_near(pieces, integrate(from, to), 1e-10);
  }
}

TEST(Accumulators, no_total_ever_shrinks) {
  test::Dice dice{5};
  for (int n = 0; n < 10'000; ++n) {
    const Throughput moved = integrate(random_sample(dice, 0), random_sample(dice, dice.real(0, 100)));
    ASSERT_GE(moved.charge.value(), 0);
    ASSERT_GE(moved.discharge.value(), 0);
    ASSERT_GE(moved.charge_energy.value(), 0);
    ASSERT_GE(moved.discharge_energy.value(), 0);
  }
}

}  // namespace
}  // namespace cellrig
