#include "sim/physics/cell.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <vector>

#include "tests/unit/physics/lgm50.hpp"
#include "tests/unit/physics/reference_cell.hpp"

namespace cellrig::sim {
namespace {

constexpr double knee_V = 3.0;  // below it dV/dSoC grows without bound and no step length is accurate
constexpr double midpoint_error_max_mV = 0.003;

struct Deviation {
  double voltage_mV = 0.0;
  double core_mK = 0.0;
};

/// Largest distance between midpoint steps (of 1 s, if not said otherwise) and the reference, above the knee.
Deviation deviation(double temperature_degC, double soc, int seconds, const std::function<double(int)>& current_A,
                    const CellParameters& parameters = lgm50(), double end_V = knee_V, int step_s = 1) {
  Cell cell{parameters, soc, temperature_degC};
  ReferenceCell reference{parameters, soc, temperature_degC};
  Deviation worst;
  for (int second = 0; second < seconds; second += step_s) {
    const double current = current_A(second);
    cell.commit(cell.integrate(cell.state(), current, step_s));
    reference.advance(current, step_s);
    const double voltage = reference.voltage(current);
    if (voltage < end_V) break;
    worst.voltage_mV = std::max(worst.voltage_mV, 1000 * std::abs(cell.voltage_V(current) - voltage));
    worst.core_mK = std::max(worst.core_mK, 1000 * std::abs(cell.state().core_degC - reference.core_degC()));
  }
  return worst;
}

void expect_close(const char* name, const Deviation& worst) {
  std::printf("%s, 1 s steps against Runge-Kutta 10 ms: %.5f mV, %.3f mK\n", name, worst.voltage_mV, worst.core_mK);
  EXPECT_LE(worst.voltage_mV, midpoint_error_max_mV) << name;
}

// The step length must not show in a result: the sum of all rounding is far below any instrument's resolution.
TEST(Cell, one_second_steps_follow_the_reference_at_1C_and_25_degC) {
  expect_close("1C 25 degC", deviation(25.0, 1.0, 4000, [](int) { return -5.0; }));
}

TEST(Cell, one_second_steps_follow_the_reference_at_2C_and_0_degC) {
  expect_close("2C 0 degC", deviation(0.0, 0.9733, 2000, [](int) { return -10.0; }));
}

TEST(Cell, one_second_steps_follow_the_reference_under_pulses_of_2C) {
  expect_close("+/-2C pulses", deviation(25.0, 0.6, 1200, [](int second) { return second / 10 % 2 == 0 ? -10.0 : 10.0; }));
}

TEST(Cell, charging_follows_the_reference) {
  expect_close("charge 1C 10 degC", deviation(10.0, 0.1, 2500, [](int) { return 5.0; }));
}

TEST(Cell, fest_like_cell_follows_the_reference_at_4C) {
  const CellParameters fest = cell_preset("fest-77");
  constexpr double fest_knee_V = 3.3;  // lithium metal: the open-circuit voltage falls steeply below 3.5 V already
  expect_close("FEST-like 4C 25 degC", deviation(
                                           25.0, 1.0, 1000, [](int) { return -308.0; }, fest, fest_knee_V));
  expect_close("FEST-like charge 4C 25 degC", deviation(
                                                  25.0, 0.15, 700, [](int) { return 308.0; }, fest));
}

TEST(Cell, sulfide_like_cell_follows_the_reference_in_the_cold) {
  const CellParameters sulfide = cell_preset("sulfide-20");
  expect_close("sulfide-like C/3 -20 degC", deviation(
                                                -20.0, 1.0, 10'800, [](int) { return -20.0 / 3; }, sulfide));
}

// As computed beforehand: 0.27 mV and 34 mK at the most. Pulses of 10 s are not among them: the step rule shortens steps after every
// change of the current, and one step for a whole pulse would put the core 0.12 K wrong.
TEST(Cell, ten_second_steps_err_as_little_as_a_method_of_second_order_should) {
  constexpr int ten = 10;
  constexpr double error_max_mV = 0.3, core_max_mK = 34.0;
  const CellParameters fest = cell_preset("fest-77"), sulfide = cell_preset("sulfide-20");
  const Deviation worst[] = {
      deviation(
          25.0, 1.0, 4000, [](int) { return -5.0; }, lgm50(), knee_V, ten),
      deviation(
          0.0, 0.9733, 2000, [](int) { return -10.0; }, lgm50(), knee_V, ten),
      deviation(
          25.0, 1.0, 1000, [](int) { return -308.0; }, fest, 3.3, ten),
      deviation(
          -20.0, 1.0, 10'800, [](int) { return -20.0 / 3; }, sulfide, knee_V, ten),
  };
  for (const Deviation& one : worst) {
    std::printf("10 s steps against Runge-Kutta 10 ms: %.4f mV, %.2f mK\n", one.voltage_mV, one.core_mK);
    EXPECT_LE(one.voltage_mV, error_max_mV);
    EXPECT_LE(one.core_mK, core_max_mK);
  }
}

// Ten-second steps are allowed at rest, and must land where short ones land.
TEST(Cell, a_rest_in_long_steps_ends_like_one_in_short_steps) {
  Cell coarse{lgm50(), 0.8, 25.0};
  coarse.advance(-10.0, 600.0);
  Cell fine = coarse;
  for (int i = 0; i < 360; ++i) coarse.commit(coarse.integrate(coarse.state(), 0.0, 10.0));
  for (int i = 0; i < 36'000; ++i) fine.commit(fine.integrate(fine.state(), 0.0, 0.1));
  EXPECT_NEAR(coarse.voltage_V(0.0), fine.voltage_V(0.0), 5e-6);
  EXPECT_NEAR(coarse.state().surface_degC, fine.state().surface_degC, 1e-6);
}

// An event is located by integrating again: the same state must give the same bits, whatever was computed in between.
TEST(Cell, integrating_again_from_a_saved_state_gives_the_same_bits) {
  Cell cell{lgm50(), 0.7, 25.0};
  cell.advance(-7.0, 100.0);
  const CellState saved = cell.state();
  const CellState once = cell.integrate(saved, 3.0, 0.37);
  for (const double other_s : {0.1, 0.2, 0.3, 0.4, 0.5, 1.0}) static_cast<void>(cell.integrate(saved, -9.0, other_s));
  EXPECT_EQ(cell.integrate(saved, 3.0, 0.37), once);
}

// A cell keeps the curves that it was asked for last. Whatever was done to it meanwhile, they are those of a cell that never had any.
TEST(Cell, remembers_no_curve_of_another_state_or_health) {
  Cell cell{lgm50(), 0.5, 25.0};
  CellState other = cell.state();
  other.core_degC = 5.0;
  other.soc = 0.2;
  double capacity_fraction = 1.0;
  CellInfluences influences;
  for (int i = 0; i < 60; ++i) {
    const double current_A = i % 3 == 0 ? 5.0 : i % 3 == 1 ? -7.5 : 0.0;
    if (i % 5 == 1) influences.voltage_offset_V += 0.001;
    if (i % 7 == 2) influences.short_current_A += 0.01;
    if (i % 7 == 3) influences.resistance_factor += 0.01;
    if (i % 7 == 4) influences.interface_factor += 0.01;
    if (i % 7 == 5) influences.capacity_fraction -= 0.001;
    if (i % 7 == 6) influences.heat_W += 0.1;
    if (i % 11 == 10) capacity_fraction -= 0.01;
    cell.set_health(capacity_fraction, 1.0 / capacity_fraction);
    cell.set_influences(influences);
    Cell forgetful{lgm50(), 0.5, 25.0};
    forgetful.set_health(capacity_fraction, 1.0 / capacity_fraction);
    forgetful.set_influences(influences);
    for (const CellState& state : {cell.state(), other, cell.state()}) {
      for (const double asked_A : {current_A, -1.0, current_A, 0.0}) {
        EXPECT_EQ(cell.curve_at(state).voltage_V(asked_A), Cell{forgetful}.curve(state).voltage_V(asked_A));
        EXPECT_EQ(cell.curve_at(state).heat_W(asked_A), Cell{forgetful}.curve(state).heat_W(asked_A));
      }
      EXPECT_EQ(cell.integrate(state, current_A, 1.0), Cell{forgetful}.integrate(state, current_A, 1.0));
    }
    cell.commit(cell.integrate(cell.state(), current_A, 1.0));
  }
}

// Arrhenius factors come from a table: its error must vanish beside the model's.
TEST(Cell, tabulated_arrhenius_factors_agree_with_the_exponential) {
  constexpr double energy = 80'000.0;
  const ArrheniusTable table{{0, 0, 0, 0, 0, energy}};
  for (double temperature = -40.0; temperature <= 120.0; temperature += 0.0137) {
    const double exact =
        std::exp(energy / gas_constant_J_per_mol_K * (1 / (temperature + zero_celsius_K) - 1 / reference_temperature_K));
    ASSERT_NEAR(table.at(temperature)[Activated::inaccessible] / exact, 1.0, 2e-9) << temperature;
  }
  EXPECT_TRUE(std::isfinite(table.at(-300.0)[Activated::inaccessible]));
  EXPECT_TRUE(std::isfinite(table.at(5000.0)[Activated::inaccessible]));
}

// The voltage regulator rests on this: one voltage, one current.
TEST(Cell, voltage_rises_strictly_and_without_jumps_with_the_current) {
  for (const double temperature : {-30.0, 0.0, 25.0, 60.0}) {
    for (const double soc : {-0.02, 0.0, 0.05, 0.5, 0.95, 1.02}) {
      const Cell cell{lgm50(), soc, temperature};
      const VoltageCurve curve = cell.curve();
      double previous = curve.voltage_V(-50.0);
      for (double current = -49.95; current <= 50.0; current += 0.05) {
        const double voltage = curve.voltage_V(current);
        ASSERT_GT(voltage, previous) << temperature << " degC, SoC " << soc << ", " << current << " A";
        previous = voltage;
      }
      EXPECT_NEAR(curve.voltage_V(1e-9), curve.voltage_V(-1e-9), 1e-6);
    }
  }
}

TEST(Cell, slope_of_the_voltage_is_its_derivative) {
  const Cell cell{lgm50(), 0.15, -10.0};
  const VoltageCurve curve = cell.curve();
  for (const double current : {-10.0, -1.0, -0.05, 0.05, 1.0, 10.0}) {
    constexpr double d = 1e-5;
    EXPECT_NEAR(curve.slope_ohm(current), (curve.voltage_V(current + d) - curve.voltage_V(current - d)) / (2 * d),
                1e-5 * curve.slope_ohm(current));
  }
}

// Applied at rest or on charge, the cold term would cool the cell without end.
TEST(Cell, low_soc_cold_term_vanishes_at_rest_and_on_charge) {
  CellParameters without = lgm50();
  without.inaccessible_soc = 0.0;
  const Cell cell{lgm50(), 0.08, -30.0};
  const Cell plain{without, 0.08, -30.0};
  EXPECT_EQ(cell.voltage_V(0.0), plain.voltage_V(0.0));
  EXPECT_EQ(cell.voltage_V(5.0), plain.voltage_V(5.0));
  EXPECT_LT(cell.voltage_V(-5.0), plain.voltage_V(-5.0) - 0.1);
}

TEST(Cell, a_cold_cell_at_rest_neither_heats_nor_cools) {
  Cell cell{lgm50(), 0.08, -30.0};
  cell.advance(0.0, 86'400.0);
  EXPECT_NEAR(cell.state().core_degC, -30.0, 1e-9);
}

// Electrical energy in = change of stored energy + heat, and the heat is either in the cell or gone to the ambient.
TEST(Cell, heat_is_the_electrical_energy_that_was_not_stored) {
  Cell cell{lgm50(), 0.9, 25.0};
  const CellParameters& p = lgm50();
  double not_stored_J = 0.0;
  double given_J = 0.0;
  constexpr double step_s = 0.1;
  for (int i = 0; i < 20'000; ++i) {
    const double current = i < 15'000 ? -5.0 : 0.0;
    const auto flow = [&](double& not_stored_W, double& given_W) {
      const CellState& s = cell.state();
      const double entropic = p.entropic_coefficient_V_per_K.at(s.soc);
      not_stored_W = current * (cell.voltage_V(current) - p.open_circuit_voltage_V.at(s.soc) - entropic * (s.core_degC - 25.0) +
                                entropic * (s.core_degC + 273.15));
      given_W = cell.heat_to_ambient_W();
    };
    double before_W = 0, before_given_W = 0, after_W = 0, after_given_W = 0;
    flow(before_W, before_given_W);
    cell.commit(cell.integrate(cell.state(), current, step_s));
    flow(after_W, after_given_W);
    not_stored_J += 0.5 * (before_W + after_W) * step_s;
    given_J += 0.5 * (before_given_W + after_given_W) * step_s;
  }
  const double kept_J = p.core_heat_capacity_J_per_K * (cell.state().core_degC - 25.0) +
                        p.surface_heat_capacity_J_per_K * (cell.state().surface_degC - 25.0);
  EXPECT_GT(not_stored_J, 500.0);
  EXPECT_NEAR(kept_J + given_J, not_stored_J, 1e-4 * not_stored_J);
}

TEST(Cell, charge_is_counted_exactly) {
  Cell cell{lgm50(), 0.2, 25.0};
  cell.advance(2.5, 3600.0);
  cell.advance(-1.0, 1800.0);
  EXPECT_NEAR(cell.state().soc, 0.2 + 2.0 / lgm50().capacity_Ah, 1e-12);
  EXPECT_NEAR(cell.state().throughput_Ah, 3.0, 1e-9);
}

TEST(Cell, health_scales_capacity_and_resistance_but_not_the_metal) {
  Cell cell{lgm50(), 0.5, 25.0};
  const double fresh_drop_V = cell.voltage_V(0.0) - cell.voltage_V(-1e-3);
  cell.set_health(0.8, 2.0);
  EXPECT_NEAR(cell.capacity_Ah(), 0.8 * lgm50().capacity_Ah, 1e-12);
  const double metal_drop_V = 1e-3 * lgm50().metal_resistance_ohm;
  const double aged_drop_V = cell.voltage_V(0.0) - cell.voltage_V(-1e-3);
  // The metal and the (tiny at this current) cold term do not age.
  EXPECT_NEAR(aged_drop_V - metal_drop_V, 2.0 * (fresh_drop_V - metal_drop_V), 0.02 * fresh_drop_V + 2e-4);
  EXPECT_THROW(cell.set_health(0.0, 1.0), std::invalid_argument);
}

// A fault may drive a cell anywhere: the model may be wrong there, but must stay finite.
TEST(Cell, abused_cells_stay_finite) {
  for (const double current : {-300.0, 300.0}) {
    Cell cell{lgm50(), 0.5, -30.0};
    cell.advance(current, 600.0);
    EXPECT_TRUE(std::isfinite(cell.voltage_V(current)));
    EXPECT_TRUE(std::isfinite(cell.state().core_degC));
  }
}

TEST(OcvTable, continues_with_the_slope_of_its_ends) {
  std::array<double, OcvTable::points> squares{};
  for (std::size_t i = 0; i < squares.size(); ++i) squares[i] = static_cast<double>(i * i);
  const OcvTable table{squares};
  EXPECT_DOUBLE_EQ(table.at(0.5), 2500.0);
  EXPECT_DOUBLE_EQ(table.at(0.505), 2550.5);
  EXPECT_DOUBLE_EQ(table.at(1.0), 10'000.0);
  EXPECT_NEAR(table.at(1.02), 10'000.0 + 2 * 199.0, 1e-9);
  EXPECT_NEAR(table.at(-0.03), -3.0, 1e-12);
  EXPECT_TRUE(std::isnan(table.at(std::nan(""))));
}

TEST(OcvTable, refuses_a_wrong_number_of_points) { EXPECT_THROW(OcvTable{std::vector<double>(21, 3.7)}, std::invalid_argument); }

}  // namespace
}  // namespace cellrig::sim
