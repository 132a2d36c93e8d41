// What a second of simulated cell costs, beside a plain loop of nine exponentials: the number of them one step was estimated
// to need (docs/cell-model.md). Read the ratio, the nanoseconds belong to the machine.
#include <benchmark/benchmark.h>

#include <array>
#include <cmath>
#include <string>

#include "sim/cell_file.hpp"
#include "sim/physics/power_stage.hpp"
#include "sim/world.hpp"

namespace cellrig::sim {
namespace {

using namespace std::chrono_literals;

const CellParameters& parameters() {
  static const CellParameters loaded = load_cell_file(std::string{CELLRIG_SOURCE_DIR} + "/profiles/cells/lg-m50.yaml");
  return loaded;
}

void nine_exponentials(benchmark::State& state) {
  std::array<double, 9> arguments{-0.1, -0.2, -0.3, -0.4, -0.5, -0.6, -0.7, -0.8, -0.9};
  for (auto _ : state) {
    benchmark::DoNotOptimize(arguments);
    double sum = 0.0;
    for (const double argument : arguments) sum += std::exp(argument);
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(nine_exponentials);

void step_frozen(benchmark::State& state) {
  const Cell cell{parameters(), 0.5, 25.0};
  CellState at = cell.state();
  double current_A = 5.0;
  for (auto _ : state) {
    at = cell.integrate_frozen(at, current_A, 1.0);
    if (at.soc > 0.9 || at.soc < 0.1) current_A = -current_A;
    benchmark::DoNotOptimize(at);
  }
}
BENCHMARK(step_frozen);

void step_midpoint(benchmark::State& state) {
  const Cell cell{parameters(), 0.5, 25.0};
  CellState at = cell.state();
  double current_A = 5.0;
  for (auto _ : state) {
    at = cell.integrate(at, current_A, 1.0);
    if (at.soc > 0.9 || at.soc < 0.1) current_A = -current_A;
    benchmark::DoNotOptimize(at);
  }
}
BENCHMARK(step_midpoint);

void terminal_voltage(benchmark::State& state) {
  const Cell cell{parameters(), 0.5, 25.0};
  double current_A = -5.0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(current_A);
    benchmark::DoNotOptimize(cell.voltage_V(current_A));
  }
}
BENCHMARK(terminal_voltage);

void solve_constant_voltage(benchmark::State& state) {
  const double temperature_degC = static_cast<double>(state.range(0));
  const Cell cell{parameters(), 0.8, temperature_degC};
  const RegulatorLimits limits{4.2, 50.0, 50.0, 1e9, 1e9, 0.0};
  for (auto _ : state) {
    const OperatingPoint point = operating_point(cell.curve(), limits, 0.0);  // no guess: the worst case
    benchmark::DoNotOptimize(point);
  }
}
BENCHMARK(solve_constant_voltage)->Arg(25)->Arg(-30);

/// CC-CV charge and discharge in turn, without a chamber.
void world_step(benchmark::State& state) {
  World world;
  const std::size_t cell = world.add_cell(parameters(), std::nullopt, 0.5, 25.0);
  RegulatorCommand command{.on = true, .voltage_V = 4.2, .source_current_max_A = 5.0, .sink_current_max_A = 5.0};
  world.stage(cell).command(world.now(), command);
  TimePoint now = world.now();
  for (auto _ : state) {
    now += 1s;
    world.advance(now);
    const double soc = world.truth(cell).soc;
    if (soc > 0.7 || soc < 0.2) {
      command.voltage_V = soc > 0.5 ? 2.5 : 4.2;
      world.stage(cell).command(now, command);
    }
  }
  state.counters["volts_max"] = world.truth(cell).voltage_max_V;
}
BENCHMARK(world_step);

void world_step_in_constant_voltage(benchmark::State& state) {
  World world;
  const std::size_t cell = world.add_cell(parameters(), std::nullopt, 0.9, 25.0);
  world.stage(cell).command(world.now(), {.on = true, .voltage_V = 4.2, .source_current_max_A = 5.0, .sink_current_max_A = 5.0});
  TimePoint now = world.now();
  for (auto _ : state) {
    now += 1s;
    world.advance(now);
  }
}
BENCHMARK(world_step_in_constant_voltage)->Iterations(3000);

}  // namespace
}  // namespace cellrig::sim
