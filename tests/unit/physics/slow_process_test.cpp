// Plating, soft shorts, stack pressure and thermal runaway, each by itself.
#include <gtest/gtest.h>

#include <cmath>

#include "sim/physics/plating.hpp"
#include "sim/physics/runaway.hpp"
#include "sim/physics/soft_short.hpp"
#include "sim/physics/stack_pressure.hpp"
#include "tests/unit/physics/lgm50.hpp"

namespace cellrig::sim {
namespace {

PlatingState charged(double current_A, double soc, double temperature_degC, double duration_s) {
  return plate({}, {},
               {.duration_s = duration_s, .current_A = current_A, .soc = soc, .core_degC = temperature_degC, .capacity_Ah = 5});
}

TEST(Plating, begins_beyond_a_rate_that_falls_with_soc_and_cold) {
  EXPECT_NEAR(plating_limit_A({}, 5.0, 0.1, 25.0), 10.0, 1e-9);
  EXPECT_NEAR(plating_limit_A({}, 5.0, 0.6, 25.0), 5.0, 1e-9);
  EXPECT_NEAR(plating_limit_A({}, 5.0, 1.2, 25.0), 0.5, 1e-9) << "never less than a twentieth";
  EXPECT_LT(plating_limit_A({}, 5.0, 0.1, 0.0), 2.0);
  EXPECT_EQ(charged(4.9, 0.6, 25.0, 60.0), PlatingState{});
}

TEST(Plating, loses_its_share_and_keeps_the_rest_reversible) {
  const PlatingState state = charged(15.0, 0.6, 25.0, 360.0);  // 10 A beyond the limit for 0.1 h
  EXPECT_NEAR(state.lost_Ah, 0.3 * 1.0 * 0.01, 1e-12);
  EXPECT_NEAR(state.plated_Ah, 0.3 * 1.0 * 0.99, 1e-12);
}

// The sign of plating that a bench can see: the voltage stays high after a cold charge, then falls.
TEST(Plating, shows_a_plateau_of_300_s_at_rest) {
  const PlatingParameters p;
  PlatingState state = charged(5.0, 0.6, -10.0, 600.0);
  EXPECT_EQ(stripping_offset_V(p, state, 5.0), 0.0) << "not while it charges";
  for (int second = 0; second < 400; ++second) {
    const double offset = stripping_offset_V(p, state, 0.0);
    if (second < 265) {
      ASSERT_DOUBLE_EQ(offset, p.stripping_voltage_V) << second;
    } else if (second > 301) {
      ASSERT_EQ(offset, 0.0) << second;
    }
    state = plate(p, state, {.duration_s = 1, .current_A = 0, .soc = 0.6, .core_degC = -10, .capacity_Ah = 5});
  }
  EXPECT_EQ(state.plated_Ah, 0.0);
  EXPECT_GT(state.lost_Ah, 0.0) << "lost for good";
}

constexpr SoftShortParameters dendrites{
    .critical_current_mA_per_cm2 = 10.0, .critical_activation_J_per_mol = 30'000, .growth_S_per_s = 1e-6, .hard_S = 1.0};

SoftShortState grown(double current_A, double temperature_degC, double pressure_ratio, double duration_s = 3600.0) {
  return grow(dendrites, {},
              {.duration_s = duration_s,
               .current_A = current_A,
               .electrode_area_cm2 = 1000.0,
               .core_degC = temperature_degC,
               .pressure_ratio = pressure_ratio});
}

TEST(SoftShort, grows_above_the_critical_current_density_only) {
  EXPECT_EQ(grown(10.0, 25.0, 1.0).conductance_S, 0.0);
  EXPECT_NEAR(grown(20.0, 25.0, 1.0).conductance_S, 3600e-6, 1e-9);
  EXPECT_EQ(grown(-20.0, 25.0, 1.0).conductance_S, 0.0);
}

TEST(SoftShort, cold_and_low_pressure_lower_the_critical_current) {
  EXPECT_NEAR(critical_current_mA_per_cm2(dendrites, 25.0, 0.25), 5.0, 1e-9);
  EXPECT_NEAR(critical_current_mA_per_cm2(dendrites, -10.0, 1.0), 10.0 / 5.0, 0.1);
  EXPECT_GT(grown(8.0, -10.0, 1.0).conductance_S, 0.0);
}

TEST(SoftShort, becomes_hard_and_then_goes_on_by_itself) {
  SoftShortState state{1.01};
  ASSERT_TRUE(is_hard(dendrites, state));
  for (int i = 0; i < 60; ++i) {
    state = grow(dendrites, state,
                 {.duration_s = 1, .current_A = 0, .electrode_area_cm2 = 1000, .core_degC = 25, .pressure_ratio = 1});
  }
  EXPECT_DOUBLE_EQ(state.conductance_S, hard_short_end_S);
}

TEST(StackPressure, follows_its_mode_as_the_cell_breathes) {
  const BreathingParameters lithium{.thickness_empty_mm = 10.36, .thickness_swing_mm = 1.24, .growth_mm_per_loss = 2.0};
  EXPECT_NEAR(thickness_mm(lithium, 1.0, 1.0) - thickness_mm(lithium, 0.0, 1.0), 1.24, 1e-12);
  EXPECT_NEAR(thickness_mm(lithium, 0.0, 0.9), 10.56, 1e-12) << "an old cell does not shrink back";
  StackPressureParameters p{
      .pressure_MPa = 0.5, .face_area_cm2 = 300, .spring_N_per_mm = 1000, .pad_modulus_MPa = 2.0, .pad_thickness_mm = 5.0};
  const auto full = [&](StackMode mode) {
    p.mode = mode;
    return press(p, close_stack(p, thickness_mm(lithium, 0.0, 1.0)), thickness_mm(lithium, 1.0, 1.0), 0.0).pressure_MPa;
  };
  EXPECT_DOUBLE_EQ(full(StackMode::pneumatic), 0.5);
  EXPECT_NEAR(full(StackMode::constant_gap), 0.5 + 2.0 * 1.24 / 5.0, 1e-12) << "computed: + 0.5 MPa";
  EXPECT_NEAR(full(StackMode::constant_pressure), 0.5 + 1240.0 / 30'000.0, 1e-12);
}

TEST(StackPressure, lowers_the_interface_resistance_by_its_square_root) {
  const StackPressureParameters p{.reference_MPa = 1.0};
  EXPECT_DOUBLE_EQ(interface_factor(p, 1.0), 1.0);
  EXPECT_DOUBLE_EQ(interface_factor(p, 4.0), 0.5);
}

TEST(StackPressure, stripping_below_the_minimum_leaves_voids) {
  StackPressureParameters p{.pressure_MPa = 0.05, .minimum_MPa = 0.1};
  StackState state = close_stack(p, 10.0);
  for (int i = 0; i < 10; ++i) state = press(p, state, 10.0, 1.0);
  EXPECT_NEAR(state.void_factor, std::pow(1.01, 10), 1e-12);
  p.pressure_MPa = 0.2;
  EXPECT_EQ(press(p, close_stack(p, 10.0), 10.0, 1.0).void_factor, 1.0);
}

constexpr RunawayParameters nmc811{
    .active = true, .onset_degC = 91, .minute_rate_degC = 149, .second_rate_degC = 162, .end_degC = 800};
constexpr RunawayParameters lfp{
    .active = true, .onset_degC = 91, .minute_rate_degC = 192, .second_rate_degC = 208, .end_degC = 500};
/// As profiles/cells/sulfide-20.yaml has it.
const RunawayParameters& sulfide() {
  static const RunawayParameters parameters = cell_preset("sulfide-20").life.runaway.value();
  return parameters;
}

struct Oven {
  RunawayState state;
  double peak_degC = 25.0;
};

/// 5 K/min to this temperature, half an hour there: one thermal node of 70 J/K with 0.2 W/K to the air.
Oven hot_box(const RunawayParameters& p, double end_degC) {
  constexpr double heat_capacity_J_per_K = 70.0;
  constexpr double conductance_W_per_K = 0.2;
  Oven oven;
  double cell_degC = 25.0;
  constexpr double step_s = 0.05;
  const double ramp_s = (end_degC - 25.0) * 12.0;
  for (double t = 0; t < ramp_s + 1800.0; t += step_s) {
    const double air_degC = std::min(end_degC, 25.0 + t / 12.0);
    oven.state =
        react(p, oven.state,
              {.duration_s = step_s, .core_degC = cell_degC, .heat_capacity_J_per_K = heat_capacity_J_per_K, .capacity_Ah = 5});
    cell_degC += (oven.state.heat_W - conductance_W_per_K * (cell_degC - air_degC)) / heat_capacity_J_per_K * step_s;
    oven.peak_degC = std::max(oven.peak_degC, cell_degC);
  }
  return oven;
}

TEST(Runaway, hot_box_ends_as_computed_with_reaction_models) {
  struct Case {
    const char* name;
    const RunawayParameters& cell;
    double oven_degC;
    bool runs_away;
  };
  for (const Case& test :
       {Case{"NMC811", nmc811, 130, false}, Case{"NMC811", nmc811, 150, true}, Case{"NMC811", nmc811, 170, true},
        Case{"NMC811", nmc811, 200, true}, Case{"LFP", lfp, 130, false}, Case{"LFP", lfp, 150, false},
        Case{"LFP", lfp, 170, false}, Case{"LFP", lfp, 200, true}, Case{"sulfide", sulfide(), 130, false},
        Case{"sulfide", sulfide(), 170, false}, Case{"sulfide", sulfide(), 200, false}}) {
    const Oven oven = hot_box(test.cell, test.oven_degC);
    std::printf("%-8s %3.0f degC: peak %4.0f degC, stage %d, %.2f L of gas\n", test.name, test.oven_degC, oven.peak_degC,
                static_cast<int>(oven.state.stage), oven.state.gas_L);
    EXPECT_EQ(oven.state.stage == RunawayStage::runaway, test.runs_away) << test.name << " " << test.oven_degC;
  }
}

// Heat, wait, search, as in an accelerating-rate calorimeter: 2 K up, wait, until it heats itself; then never any loss of heat.
TEST(Runaway, a_cathode_that_feeds_itself_heats_along_the_computed_curve) {
  RunawayState state;
  double cell_degC = 120.0;
  const auto rate_K_per_s = [&](double duration_s) {
    state = react(sulfide(), state,
                  {.duration_s = duration_s, .core_degC = cell_degC, .heat_capacity_J_per_K = 1.0, .capacity_Ah = 20});
    return state.heat_W;
  };
  while (rate_K_per_s(600.0) < 0.02 / 60.0) cell_degC += 2.0;
  const double onset_degC = cell_degC;
  double minute_degC = 0, second_degC = 0;
  for (double rate = 0; state.second_left > 1e-3; cell_degC += rate * 0.1) {
    rate = rate_K_per_s(0.1);
    if (minute_degC == 0 && rate > 1.0 / 60.0) minute_degC = cell_degC;
    if (second_degC == 0 && rate > 1.0) second_degC = cell_degC;
  }
  EXPECT_NEAR(onset_degC, sulfide().onset_degC, 3.0);
  EXPECT_NEAR(minute_degC, sulfide().minute_rate_degC, 3.0);
  EXPECT_NEAR(second_degC, sulfide().second_rate_degC, 3.0);
  EXPECT_NEAR(cell_degC, sulfide().end_degC, 5.0);
}

// The oven takes away what the reaction gives while it gets going: a few kelvins, not a runaway.
TEST(Runaway, the_sulfide_cell_in_a_hot_box_of_200_degC_gets_a_little_hotter_than_the_air) {
  const Oven oven = hot_box(sulfide(), 200);
  EXPECT_GT(oven.peak_degC, 205.0);
  EXPECT_LT(oven.peak_degC, 216.0);
  EXPECT_NEAR(hot_box(sulfide(), 170).peak_degC, 170.0, 0.5);
}

TEST(Runaway, adiabatic_self_heating_has_its_two_given_rates) {
  const auto rate_K_per_s = [](double degC) {
    const RunawayState spent{.stage = RunawayStage::warning, .first_left = 0.0};
    return react(nmc811, spent, {.duration_s = 0.01, .core_degC = degC, .heat_capacity_J_per_K = 1.0, .capacity_Ah = 5}).heat_W;
  };
  EXPECT_NEAR(rate_K_per_s(149.0) * 60, 1.0, 0.01);
  EXPECT_NEAR(rate_K_per_s(162.0), 1.0, 0.01);
}

TEST(Runaway, below_the_onset_nothing_happens) {
  const RunawayState state =
      react(nmc811, {}, {.duration_s = 10, .core_degC = 60, .heat_capacity_J_per_K = 70, .capacity_Ah = 5});
  EXPECT_EQ(state, RunawayState{});
}

TEST(Runaway, warns_vents_and_then_collapses_the_voltage) {
  RunawayState state;
  const auto at = [&](double degC, double duration_s) {
    state = react(nmc811, state, {.duration_s = duration_s, .core_degC = degC, .heat_capacity_J_per_K = 70, .capacity_Ah = 5});
  };
  at(95.0, 1.0);
  EXPECT_EQ(state.stage, RunawayStage::warning);
  EXPECT_EQ(state.gas_ppm, 0.0);
  at(135.0, 1.0);
  EXPECT_EQ(state.stage, RunawayStage::venting);
  EXPECT_GT(state.gas_ppm, 100.0);
  EXPECT_EQ(state.short_S, 0.0);
  for (int i = 0; i < 5; ++i) at(170.0, 1.0);
  EXPECT_EQ(state.stage, RunawayStage::runaway);
  EXPECT_GE(state.short_S, 50.0);
}

}  // namespace
}  // namespace cellrig::sim
