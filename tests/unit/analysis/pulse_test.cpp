#include "db/analysis/pulse.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/analysis/synthetic.hpp"

namespace cellrig::db {
namespace {

using test::curve_of;

/// R0 = 20 mOhm and one RC pair: 10 mOhm, 5 s. 10 A out of a cell at rest at 3.7 V.
double resistance_at(double t) { return 0.020 + 0.010 * (1 - std::exp(-t / 5)); }

std::vector<CurvePoint> pulse_of(double current_A, double every_s = 0.01) {
  return curve_of({.to_s = 30,
                   .every_s = every_s,
                   .voltage_V = [current_A](double t) { return 3.7 + current_A * resistance_at(t); },
                   .current_A = [current_A](double) { return current_A; }});
}

TEST(PulseResistance, is_that_of_the_circuit_at_each_time) {
  const auto points = pulse_resistance({Volts{3.7}, Amps{0}}, pulse_of(-10), iso_12405_4_discharge_s);
  ASSERT_EQ(points.size(), 8U) << "60, 90 and 120 s lie beyond the pulse";
  for (const PulseResistancePoint& p : points) EXPECT_NEAR(p.resistance.value(), resistance_at(p.at_s), 1e-6) << p.at_s;
  EXPECT_NEAR(points[0].current.value(), -10, 1e-12);
}

TEST(PulseResistance, of_a_step_from_another_current_uses_the_difference) {
  const BeforePulse before{Volts{3.7 - 2 * 0.03}, Amps{-2}};
  const auto curve =
      curve_of({.to_s = 10, .voltage_V = [](double) { return 3.7 - 10 * 0.03; }, .current_A = [](double) { return -10.0; }});
  const std::array at{1.0};
  const auto points = pulse_resistance(before, curve, at);
  ASSERT_EQ(points.size(), 1U);
  EXPECT_NEAR(points[0].resistance.value(), 0.03, 1e-12);
  EXPECT_TRUE(pulse_resistance({Volts{3.4}, Amps{-10}}, curve, at).empty()) << "no change of current, no resistance";
}

// ISO 12405-4: at the voltage limit the current is reduced. Such a value must not pass for that of the ordered pulse.
TEST(PulseResistance, marks_what_a_voltage_limit_reduced) {
  auto curve = pulse_of(-10);
  for (CurvePoint& p : curve) p.is_constant_voltage = p.time_s > 9.5;
  const auto points = pulse_resistance({Volts{3.7}, Amps{0}}, curve, iso_12405_4_charge_s);
  ASSERT_EQ(points.size(), 4U);
  EXPECT_FALSE(points[1].is_limited);
  EXPECT_TRUE(points[2].is_limited) << "10 s";
  EXPECT_TRUE(points[3].is_limited);
  EXPECT_TRUE(pulse_power(curve, iso_12405_4_charge_s)[3].is_limited);
}

// The instrument's current takes some rows to arrive: R0 is not V / I of the first row.
TEST(InstantaneousResistance, waits_for_the_current_to_arrive) {
  auto curve = pulse_of(-10, 0.1);
  curve[0].current_A = -4;
  curve[0].voltage_V = 3.7 - 4 * 0.02;
  curve[1].current_A = -9;
  const auto r0 = instantaneous_resistance({Volts{3.7}, Amps{0}}, curve);
  ASSERT_TRUE(r0);
  EXPECT_DOUBLE_EQ(r0->at_s, 0.2);
  EXPECT_NEAR(r0->resistance.value(), resistance_at(0.2), 1e-12);
  EXPECT_FALSE(instantaneous_resistance({Volts{3.7}, Amps{0}}, {}));
}

TEST(HppcPower, is_that_at_the_voltage_limits) {
  const PowerLimits limits{Volts{2.5}, Volts{4.2}};
  EXPECT_NEAR(hppc_discharge_power(Volts{3.7}, Ohms{0.03}, limits)->value(), 2.5 * 1.2 / 0.03, 1e-9);
  EXPECT_NEAR(hppc_charge_power(Volts{3.7}, Ohms{0.02}, limits)->value(), 4.2 * 0.5 / 0.02, 1e-9);
  EXPECT_FALSE(hppc_discharge_power(Volts{2.4}, Ohms{0.03}, limits)) << "below the window already";
  EXPECT_FALSE(hppc_charge_power(Volts{3.7}, Ohms{-0.01}, limits));
  EXPECT_FALSE(hppc_charge_power(Volts{3.7}, Ohms{std::nan("")}, limits));
}

TEST(PulsePower, is_what_really_flowed) {
  const auto points = pulse_power(pulse_of(-10), hppc_s);
  ASSERT_EQ(points.size(), 4U);
  EXPECT_NEAR(points[2].power.value(), -10 * (3.7 - 10 * resistance_at(10)), 1e-5);
}

}  // namespace
}  // namespace cellrig::db
