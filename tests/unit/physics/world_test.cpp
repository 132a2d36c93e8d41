#include "sim/world.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <stdexcept>

#include "tests/unit/physics/lgm50.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

RegulatorCommand discharge(double current_A) {
  return {.on = true, .voltage_V = 2.5, .source_current_max_A = 0.0, .sink_current_max_A = current_A};
}

TEST(World, a_cell_follows_the_air_of_its_chamber) {
  World world{TimePoint{}, 23.0};
  const std::size_t chamber = world.add_chamber({.start_temperature_degC = 25.0});
  const std::size_t inside = world.add_cell(lgm50(), chamber, 0.5, 25.0);
  const std::size_t outside = world.add_cell(lgm50(), std::nullopt, 0.5, 23.0);
  world.chamber(chamber).command(world.now(), true, 0.0);
  world.advance(TimePoint{} + 4h);
  EXPECT_NEAR(world.truth(inside).core_temperature_degC, 0.0, 0.05);
  EXPECT_NEAR(*world.air_thermocouple(chamber).reading_degC(), 0.0, 0.01);
  EXPECT_NEAR(*world.cell_thermocouple(inside).reading_degC(), 0.0, 0.05);
  EXPECT_NEAR(world.truth(outside).core_temperature_degC, 23.0, 1e-9);
  EXPECT_EQ(world.chamber_of(inside), chamber);
}

TEST(World, a_working_cell_warms_its_chamber) {
  World world;
  const std::size_t chamber = world.add_chamber({.start_temperature_degC = 25.0, .room_temperature_degC = 25.0});
  const std::size_t cell = world.add_cell(lgm50(), chamber, 1.0, 25.0);
  world.stage(cell).command(world.now(), discharge(10.0));
  world.advance(TimePoint{} + 20min);
  EXPECT_GT(world.chamber(chamber).air_temperature_degC(), 25.05);
  EXPECT_GT(world.truth(cell).surface_temperature_degC, 40.0);
}

TEST(World, extremes_remember_what_happened_between_two_looks) {
  World world;
  const std::size_t cell = world.add_cell(lgm50(), std::nullopt, 0.5, 25.0);
  world.stage(cell).command(world.now(), discharge(10.0));
  world.advance(TimePoint{} + 60s);
  world.stage(cell).command(world.now(), RegulatorCommand{});
  world.advance(TimePoint{} + 3h);
  const CellTruth truth = world.truth(cell);
  EXPECT_EQ(truth.current_A, 0.0);
  EXPECT_DOUBLE_EQ(truth.current_min_A, -10.0);
  EXPECT_LT(truth.voltage_min_V, truth.voltage_V - 0.2);
  EXPECT_GT(truth.surface_temperature_max_degC, truth.surface_temperature_degC + 1.0);
  EXPECT_DOUBLE_EQ(truth.soc_max, 0.5);
  EXPECT_LT(truth.soc, 0.5);
}

// "Same seed, same record" begins here.
TEST(World, the_same_calls_give_the_same_bits) {
  const auto run = [] {
    World world;
    const std::size_t chamber = world.add_chamber({});
    for (int i = 0; i < 3; ++i) world.add_cell(lgm50(), chamber, 0.2 + 0.3 * i, 25.0);
    world.chamber(chamber).command(world.now(), true, 5.0);
    for (int i = 0; i < 2000; ++i) {
      for (std::size_t cell = 0; cell < world.cell_count(); ++cell) {
        RegulatorCommand command = discharge(1.0 + static_cast<double>(cell));
        if (i % 200 < 100) command = {.on = true, .voltage_V = 4.1, .source_current_max_A = 4.0};
        if (i % 100 == 0) world.stage(cell).command(world.now(), command);
      }
      world.advance(world.now() + (i % 3 == 0 ? Duration{100ms} : Duration{1s}));
    }
    return world.truth(2);
  };
  const CellTruth first = run();
  const CellTruth second = run();
  EXPECT_EQ(std::memcmp(&first, &second, sizeof first), 0);
}

TEST(World, refuses_a_chamber_that_does_not_exist) {
  World world;
  EXPECT_THROW(world.add_cell(lgm50(), 3, 0.5, 25.0), std::out_of_range);
}

}  // namespace
}  // namespace cellrig::sim
