// The slow processes at work in a world: what a bench would see of them.
#include "sim/physics/cell_life.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "sim/world.hpp"
#include "tests/unit/physics/lgm50.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

constexpr auto day = 24h;

/// A cell with none but the sections put in afterwards.
CellParameters bare(const std::string& name) {
  CellParameters parameters = cell_preset(name);
  parameters.life = LifeParameters{};
  return parameters;
}

RegulatorCommand charge(double current_A, double voltage_V) {
  return {.on = true, .voltage_V = voltage_V, .source_current_max_A = current_A};
}
RegulatorCommand discharge(double current_A, double voltage_V) {
  return {.on = true, .voltage_V = voltage_V, .sink_current_max_A = current_A};
}

TEST(CellLife, a_cell_file_without_sections_costs_nothing) {
  World world;
  EXPECT_EQ(world.life(world.add_cell(lgm50(), std::nullopt, 0.5, 25.0)), nullptr);
  EXPECT_NE(world.life(world.add_cell(cell_preset("fest-77"), std::nullopt, 0.5, 25.0)), nullptr);
}

// What the watch for soft shorts must find: one kilo-ohm costs a big cell 0.12 % in a day.
TEST(CellLife, an_internal_short_drains_a_resting_cell) {
  struct Case {
    double ohm, pct_per_day, mV_per_day;
  };
  for (const Case& test : {Case{1000, 0.12, 1}, Case{100, 1.2, 10}, Case{10, 12, 100}}) {
    CellParameters parameters = bare("fest-77");
    parameters.life.short_S = 1.0 / test.ohm;
    World world;
    const std::size_t cell = world.add_cell(parameters, std::nullopt, 0.5, 25.0);
    world.advance(TimePoint{} + 12h);
    const CellTruth before = world.truth(cell);
    world.advance(TimePoint{} + 12h + day);
    const CellTruth after = world.truth(cell);
    const double lost_pct = 100 * (before.soc - after.soc);
    const double fallen_mV = 1000 * (before.voltage_V - after.voltage_V);
    std::printf("%5.0f ohm: %.3f %% and %.2f mV in a day\n", test.ohm, lost_pct, fallen_mV);
    EXPECT_NEAR(lost_pct, test.pct_per_day, 0.05 * test.pct_per_day);
    EXPECT_NEAR(fallen_mV, test.mV_per_day, 0.5 * test.mV_per_day);
    EXPECT_EQ(after.current_A, 0.0) << "nothing shows at the terminals";
  }
}

TEST(CellLife, a_short_takes_its_share_of_a_charge) {
  CellParameters parameters = bare("qse-5");
  parameters.life.short_S = 0.1;
  World world;
  const std::size_t cell = world.add_cell(parameters, std::nullopt, 0.1, 25.0);
  world.stage(cell).command(world.now(), charge(5.6, 4.3));
  world.advance(TimePoint{} + 30min);
  const CellTruth truth = world.truth(cell);
  EXPECT_NEAR((truth.soc - 0.1) * 5.6, 2.8 - 0.1 * 3.9 * 0.5, 0.02);
}

// A dendrite is not seen while it grows, but in what is missing afterwards.
TEST(CellLife, charging_above_the_critical_current_makes_a_soft_short) {
  CellParameters parameters = bare("sulfide-20");
  parameters.life.soft_short = cell_preset("sulfide-20").life.soft_short;
  World world;
  const std::size_t fast = world.add_cell(parameters, std::nullopt, 0.1, 25.0);
  const std::size_t cold = world.add_cell(parameters, std::nullopt, 0.1, 0.0);
  const std::size_t mild = world.add_cell(parameters, std::nullopt, 0.1, 25.0);
  world.stage(cold).cell().set_surface_to_ambient(1000.0);
  world.stage(cold).set_ambient(0.0);
  world.stage(fast).command(world.now(), charge(140.0, 4.5));
  world.stage(mild).command(world.now(), charge(60.0, 4.25));
  world.stage(cold).command(world.now(), charge(60.0, 4.5));
  world.advance(TimePoint{} + 10min);
  EXPECT_GT(world.truth(fast).short_S, 0.0);
  EXPECT_GT(world.truth(cold).short_S, world.truth(mild).short_S);
  EXPECT_EQ(world.truth(mild).short_S, 0.0);
}

TEST(CellLife, a_hard_short_empties_the_cell_and_stays_finite) {
  CellParameters parameters = bare("lg-m50");
  parameters.life.short_S = 20.0;
  World world;
  const std::size_t cell = world.add_cell(parameters, std::nullopt, 0.9, 25.0);
  world.advance(TimePoint{} + 10s);
  EXPECT_LT(world.truth(cell).voltage_V, 3.0);
  world.advance(TimePoint{} + 4h);
  const CellTruth truth = world.truth(cell);
  EXPECT_LT(truth.soc, 0.05);
  EXPECT_GT(truth.core_temperature_degC, 24.0);
  EXPECT_TRUE(std::isfinite(truth.voltage_V));
}

TEST(CellLife, a_full_cell_loses_two_percent_in_a_month) {
  CellParameters parameters = bare("fest-77");
  parameters.life.self_discharge = cell_preset("fest-77").life.self_discharge;
  World world;
  const std::size_t cell = world.add_cell(parameters, std::nullopt, 1.0, 25.0);
  world.advance(TimePoint{} + 30 * day);
  EXPECT_NEAR(world.truth(cell).soc, 1.0 - 0.02, 0.0005);
}

TEST(CellLife, a_linear_fade_reaches_80_percent_after_the_cycles_it_was_given) {
  CellParameters parameters = bare("lg-m50");
  parameters.life.ageing = AgeingParameters{.active = true, .resistance_rise_per_loss = 2.0};
  parameters.life.ageing->cycling = {.law = CyclingLaw::power_law, .loss_per_cycle = 0.02};
  World world;
  const std::size_t cell = world.add_cell(parameters, std::nullopt, 0.5, 25.0);
  for (int i = 0; world.truth(cell).equivalent_full_cycles < 10.0; ++i) {
    world.stage(cell).command(world.now(), i % 2 == 0 ? charge(5.0, 4.2) : discharge(5.0, 2.5));
    world.advance(world.now() + 10min);
  }
  EXPECT_NEAR(world.truth(cell).capacity_Ah / lgm50().capacity_Ah, 0.8, 0.004);
  EXPECT_NEAR(world.truth(cell).resistance_factor, 1.4, 0.008);
}

TEST(CellLife, storage_ages_a_cell_when_its_file_or_bench_says_so) {
  CellParameters parameters = lgm50();
  parameters.life.ageing->active = true;
  World world{TimePoint{}, 45.0};
  const std::size_t cell = world.add_cell(parameters, std::nullopt, 0.5, 45.0);
  world.advance(TimePoint{} + 365 * day);
  EXPECT_NEAR(world.truth(cell).capacity_Ah / lgm50().capacity_Ah, 1 - 0.081, 0.0005);
}

TEST(CellLife, a_cold_charge_plates_and_shows_a_plateau_afterwards) {
  CellParameters parameters = bare("semi-solid-140");
  CellParameters plating = parameters;
  plating.life.plating = cell_preset("semi-solid-140").life.plating;
  World world{TimePoint{}, -10.0};
  const std::size_t plain = world.add_cell(parameters, std::nullopt, 0.3, -10.0);
  const std::size_t plated = world.add_cell(plating, std::nullopt, 0.3, -10.0);
  for (const std::size_t cell : {plain, plated}) world.stage(cell).command(world.now(), charge(140.0, 4.2));
  world.advance(TimePoint{} + 20min);
  for (const std::size_t cell : {plain, plated}) world.stage(cell).command(world.now(), {});
  world.advance(world.now() + 60s);
  EXPECT_NEAR(world.truth(plated).voltage_V - world.truth(plain).voltage_V, 0.02, 0.002);
  EXPECT_GT(world.life(plated)->plating_loss_Ah(), 0.0);
  world.advance(world.now() + 10min);
  EXPECT_NEAR(world.truth(plated).voltage_V, world.truth(plain).voltage_V, 0.002);
  EXPECT_EQ(world.life(plated)->plated_Ah(), 0.0);
}

// The resistance is ten times as sensitive to the pressure as the charge time.
TEST(CellLife, pulse_resistance_falls_with_stack_pressure) {
  const auto resistance_mohm = [](double pressure_MPa) {
    constexpr double rate_C = 1.0;
    CellParameters parameters = bare("fest-77");
    parameters.life.stack_pressure = cell_preset("fest-77").life.stack_pressure;
    parameters.life.stack_pressure->pressure_MPa = pressure_MPa;
    World world;
    const std::size_t cell = world.add_cell(parameters, std::nullopt, 0.5, 25.0);
    const double rest_V = world.truth(cell).voltage_V;
    world.stage(cell).command(world.now(), discharge(77.0 * rate_C, 2.8));
    world.advance(world.now() + 10s);
    return 1000 * (rest_V - world.truth(cell).voltage_V) / (77.0 * rate_C);
  };
  std::printf("FEST-like, 10 s pulse: %.2f mohm at 0.1 MPa, %.2f at 1, %.2f at 4\n", resistance_mohm(0.1), resistance_mohm(1.0),
              resistance_mohm(4.0));
  EXPECT_NEAR(resistance_mohm(0.1), 1.34, 0.005);
  EXPECT_NEAR(resistance_mohm(1.0), 0.72, 0.01);
  EXPECT_NEAR(resistance_mohm(4.0), 0.56, 0.005);
}

TEST(CellLife, a_breathing_cell_in_a_constant_gap_presses_harder_when_full) {
  CellParameters parameters = cell_preset("fest-77");
  parameters.life.stack_pressure->mode = StackMode::constant_gap;
  parameters.life.ageing->active = false;
  World world;
  const std::size_t cell = world.add_cell(parameters, std::nullopt, 0.0, 25.0);
  const CellTruth empty = world.truth(cell);
  world.stage(cell).command(world.now(), charge(77.0, 4.3));
  world.advance(TimePoint{} + 3h);
  const CellTruth full = world.truth(cell);
  ASSERT_TRUE(full.thickness_mm && full.pressure_MPa && empty.thickness_mm && empty.pressure_MPa);
  EXPECT_NEAR(*full.thickness_mm - *empty.thickness_mm, 1.24 * (full.soc - empty.soc), 0.01);
  EXPECT_NEAR(*full.pressure_MPa - *empty.pressure_MPa, 0.5, 0.02) << "computed: 5 mm pad of 2 MPa";
}

// What a bench must have noticed long before: alarms are tried against this.
TEST(CellLife, an_overheated_cell_runs_away_with_gas_and_without_voltage) {
  CellParameters parameters = bare("lg-m50");
  parameters.life.runaway = cell_preset("fest-77").life.runaway;
  World world;
  const std::size_t cell = world.add_cell(parameters, std::nullopt, 0.5, 25.0);
  world.stage(cell).cell().set_extra_heat(25.0);
  RunawayStage stage = RunawayStage::none;
  double seconds_to_collapse = 0;
  double peak_degC = 0;
  for (int second = 0; second < 3600; ++second) {
    world.advance(world.now() + 1s);
    const CellTruth truth = world.truth(cell);
    EXPECT_GE(truth.runaway, stage) << "never backwards";
    if (truth.runaway == RunawayStage::runaway && truth.voltage_V > 0.5) ++seconds_to_collapse;
    stage = truth.runaway;
    peak_degC = std::max(peak_degC, truth.core_temperature_degC);
    if (stage == RunawayStage::runaway) world.stage(cell).cell().set_extra_heat(0.0);
  }
  const CellTruth truth = world.truth(cell);
  EXPECT_EQ(stage, RunawayStage::runaway);
  EXPECT_LT(truth.voltage_V, 0.5);
  EXPECT_LE(seconds_to_collapse, 5);
  EXPECT_GT(truth.gas_ppm.value_or(0), 1000);
  EXPECT_GT(peak_degC, 600);
  EXPECT_LT(peak_degC, 950);
}

// The LG M50's file has the numbers of its own chemistry; they sleep until a bench file wakes them.
TEST(CellLife, the_lg_m50_runs_away_in_an_oven_of_170_degC_and_only_where_it_was_told_to) {
  const auto stage_after_half_an_hour = [](double oven_degC, bool is_told) {
    CellParameters parameters = lgm50();
    EXPECT_FALSE(parameters.life.may_run_away());
    parameters.life.runaway.value().active = is_told;
    World world{TimePoint{}, oven_degC};
    const std::size_t cell = world.add_cell(parameters, std::nullopt, 0.5, 25.0);
    world.advance(TimePoint{} + 90min);
    return world.truth(cell).runaway;
  };
  EXPECT_EQ(stage_after_half_an_hour(170.0, true), RunawayStage::runaway);
  EXPECT_EQ(stage_after_half_an_hour(80.0, true), RunawayStage::none);
  EXPECT_EQ(stage_after_half_an_hour(170.0, false), RunawayStage::none);
}

TEST(CellLife, plates_carry_the_heat_away_from_the_chamber) {
  const auto air_after = [](Fixture fixture) {
    World world;
    const std::size_t chamber = world.add_chamber({.start_temperature_degC = 25.0, .room_temperature_degC = 25.0});
    const std::size_t cell = world.add_cell(bare("fest-77"), chamber, 1.0, 25.0, fixture);
    world.stage(cell).command(world.now(), discharge(308.0, 2.8));
    world.advance(TimePoint{} + 10min);
    return std::pair{world.chamber(chamber).air_temperature_degC(), world.truth(cell).surface_temperature_degC};
  };
  const auto [free_air, free_surface] = air_after(Fixture::free);
  const auto [plates_air, plates_surface] = air_after(Fixture::plates);
  EXPECT_GT(free_air, 25.1);
  EXPECT_GT(free_surface, 35.0);
  EXPECT_DOUBLE_EQ(plates_air, 25.0);
  EXPECT_NEAR(plates_surface, 25.0, 0.2);
}

// Eight cells at work are a heater: their chamber must feel all of them.
TEST(CellLife, many_cells_in_one_chamber_heat_it_together) {
  const auto air_with = [](int cells) {
    World world;
    const std::size_t chamber = world.add_chamber({.start_temperature_degC = 25.0, .room_temperature_degC = 25.0});
    for (int i = 0; i < cells; ++i) {
      const std::size_t cell = world.add_cell(bare("fest-77"), chamber, 1.0, 25.0);
      world.stage(cell).command(world.now(), discharge(154.0, 2.8));
    }
    world.chamber(chamber).command(world.now(), true, 25.0);
    world.advance(TimePoint{} + 20min);
    return world.chamber(chamber).air_temperature_degC() - 25.0;
  };
  const double one_K = air_with(1);
  EXPECT_GT(one_K, 0.02);
  EXPECT_NEAR(air_with(8), 8 * one_K, 0.15 * 8 * one_K);
}

// What the air gains is what the cells gave it, less what went through the walls: nothing is lost between the models.
TEST(CellLife, eight_cells_at_2C_warm_their_chamber_by_the_heat_they_give_off) {
  const ChamberParameters chamber_parameters{.start_temperature_degC = 25.0, .room_temperature_degC = 25.0};
  World world;
  const std::size_t chamber = world.add_chamber(chamber_parameters);
  constexpr std::size_t cells = 8;
  for (std::size_t i = 0; i < cells; ++i) {
    const std::size_t cell = world.add_cell(bare("lg-m50"), chamber, 1.0, 25.0);
    world.stage(cell).command(world.now(), discharge(10.0, 2.5));
  }
  double given_J = 0.0, through_walls_J = 0.0;
  for (int second = 0; second < 1200; ++second) {
    world.advance(world.now() + 1s);
    const double air_degC = world.chamber(chamber).air_temperature_degC();
    for (std::size_t cell = 0; cell < cells; ++cell)
      given_J += lgm50().surface_to_ambient_W_per_K * (world.truth(cell).surface_temperature_degC - air_degC);
    through_walls_J += chamber_parameters.heat_capacity_J_per_K / chamber_parameters.room_time_constant_s * (air_degC - 25.0);
  }
  const double warmed_K = world.chamber(chamber).air_temperature_degC() - 25.0;
  std::printf("eight LG M50 at 2C, 20 min, chamber off: air +%.2f K, %.0f J given off\n", warmed_K, given_J);
  EXPECT_GT(warmed_K, 1.0);
  EXPECT_NEAR(chamber_parameters.heat_capacity_J_per_K * warmed_K, given_J - through_walls_J, 0.01 * given_J);
}

// A swapped cell takes its past along: otherwise a swap would look like charge that came from nowhere.
TEST(CellLife, a_cell_that_changes_its_place_keeps_its_past) {
  World world;
  const std::size_t first = world.add_cell(cell_preset("fest-77"), std::nullopt, 0.9, 25.0);
  const std::size_t second = world.add_cell(lgm50(), std::nullopt, 0.2, 25.0);
  world.stage(first).command(world.now(), discharge(77.0, 2.8));
  world.advance(world.now() + 20min);
  world.stage(first).command(world.now(), {});
  world.advance(world.now() + 1min);
  const double cycles = world.life(first)->effective_cycles();
  world.swap_cells(first, second);
  EXPECT_EQ(world.life(first), nullptr);
  world.advance(world.now() + 10min);
  EXPECT_GT(cycles, 0.1);
  EXPECT_DOUBLE_EQ(world.life(second)->effective_cycles(), cycles);
  EXPECT_NEAR(world.truth(second).soc, 0.9 - 1.0 / 3, 0.01);
  EXPECT_NEAR(world.truth(first).soc, 0.2, 1e-6);
}

TEST(CellLife, the_same_calls_give_the_same_bits) {
  const auto run = [] {
    World world;
    const std::size_t cell = world.add_cell(cell_preset("fest-77"), std::nullopt, 0.3, 25.0);
    for (int i = 0; i < 40; ++i) {
      world.stage(cell).command(world.now(), i % 2 == 0 ? charge(308.0, 4.25) : discharge(154.0, 2.8));
      world.advance(world.now() + 5min);
    }
    return world.truth(cell);
  };
  EXPECT_EQ(run(), run());
}

TEST(CellLife, plates_without_numbers_are_refused) {
  CellParameters parameters = bare("lg-m50");
  parameters.plates_to_ambient_W_per_K = 0.0;
  World world;
  EXPECT_THROW(world.add_cell(parameters, std::nullopt, 0.5, 25.0, Fixture::plates), std::invalid_argument);
}

}  // namespace
}  // namespace cellrig::sim
