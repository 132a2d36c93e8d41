// How fast lockstep is: two channels (EA PSB over Modbus, Keysight N6900 over SCPI) on real sockets to cellrig-sim in a process of its own,
// reply latencies modelled, CC-CV at 1 Hz, every sample in SQLite. Samples per second of wall time beside the loopback round trips
// that the same machine makes in the same run, and how many of them (with the back door) a sample takes.
//
// lockstep_bench [--cycles 2] [--rounds 3] [--short]
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

#include "tests/bench/lockstep_simulator.hpp"
#include "tests/bench/realtime_latency.hpp"
#include "tests/bench/virtual_run.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::bench {
namespace {

constexpr double target_per_s = 5'000;
/// CPU time of a sample, controller and simulator together, in loopback round trips on one core, where lockstep's threads are, too. A ratio
/// that the load of the machine hardly moves: 3.4 to 4.8 were seen, 8 where the system keeps them apart; twice the worst is a defect.
constexpr double round_trips_max = 16;
constexpr double ping_pong_s = 0.3;

constexpr std::string_view bench_text = R"(bench: lockstep

instruments:
  psb1: {model: ea-psb-10060-60, modbus: "192.0.2.10:502", scpi: "192.0.2.10:5025"}
  aps1: {model: keysight-n6974a, scpi: "192.0.2.11:5025"}

channels:
  ch1: {cycler: psb1}
  ch2: {cycler: aps1}

simulation:
  cells:
    ch1: {file: lg-m50, soc_pct: 50}
    ch2: {file: lg-m50, soc_pct: 40}
  room_temperature_degC: 25
  latency: modelled
)";

std::string cycling(int cycles) {
  return fmt::format(R"(profile: CC-CV cycling at 1C
format: 1
description: for the benchmark
source: for the benchmark
record: {{every_s: 0}}
steps:
  - cycles:
      times: {}
      steps:
        - cccv_charge: {{rate_C: 1, voltage_V: cell.voltage_max_V, until: rate_C <= 1/10 for 5 s, at_most_h: 4}}
        - cc_discharge: {{rate_C: 1, until: voltage_V <= cell.voltage_min_V, at_most_h: 2}}
)",
                     cycles);
}

struct LockstepFigures {
  RunFigures run;
  double simulator_cpu_s = 0;
  std::uint64_t advances = 0;  ///< counted runs only
  [[nodiscard]] double per_s() const { return static_cast<double>(run.samples) / run.cost.wall_s; }
  [[nodiscard]] double cpu_us() const { return 1e6 * (run.cost.cpu_s + simulator_cpu_s) / static_cast<double>(run.samples); }
};

LockstepFigures measure(int cycles, bool is_counted) {
  BenchConfig bench = make_bench(bench_text);
  const SimulatorProcess simulator{CELLRIG_SIM_PROGRAM, bench.file};
  std::unique_ptr<BackDoorCounter> counter;
  if (is_counted) counter = std::make_unique<BackDoorCounter>(simulator.ready_file());
  const std::unique_ptr<cli::Rig> rig =
      cli::make_rig({.time = "lockstep", .ready_file = counter ? counter->ready_file() : simulator.ready_file()}, bench);
  const RunSpec spec{.profile = cycling(cycles),
                     .channels = {"ch1", "ch2"},
                     .options = options_with_period(std::chrono::seconds{1}),
                     .database = test::temporary_folder() + "/record.db"};
  LockstepFigures figures;
  const double cpu_before_s = simulator.cpu_s();
  figures.run = run(*rig, bench, spec);
  figures.simulator_cpu_s = simulator.cpu_s() - cpu_before_s;
  if (counter) figures.advances = counter->round_trips();
  return figures;
}

int main_of(int argc, char** argv) {
  const bool is_short = has_flag(argc, argv, "--short");
  const int cycles = static_cast<int>(argument(argc, argv, "--cycles", is_short ? 1 : 2));
  const int rounds = static_cast<int>(argument(argc, argv, "--rounds", is_short ? 2 : 3));

  LockstepFigures best, cheapest;
  PingPong placed_freely, on_one_core;
  const auto keep_best = [](PingPong& so_far, const PingPong& now) {
    if (so_far.per_s == 0 || now.cpu_us < so_far.cpu_us) so_far.cpu_us = now.cpu_us;
    so_far.per_s = std::max(so_far.per_s, now.per_s);
  };
  for (int round = 0; round < rounds; ++round) {
    keep_best(placed_freely, ping_pong(Placement::free, ping_pong_s));
    keep_best(on_one_core, ping_pong(Placement::one_core, ping_pong_s));
    const LockstepFigures figures = measure(cycles, false);
    if (!figures.run.failure.empty()) {
      fmt::print(stderr, "{}\n", figures.run.failure);
      return 1;
    }
    fmt::print("  round {}: {:.0f} samples/s\n", round + 1, figures.per_s());
    if (round == 0 || figures.per_s() > best.per_s()) best = figures;
    if (round == 0 || figures.cpu_us() < cheapest.cpu_us()) cheapest = figures;
  }
  const LockstepFigures counted = measure(1, true);

  const auto samples = static_cast<double>(cheapest.run.samples);
  const double cpu_us = cheapest.cpu_us();
  fmt::print(
      "loopback ping-pong: {:.0f} /s placed freely, {:.0f} /s on one core; CPU of a round trip, both ends: {:.1f} and {:.1f} "
      "us\n",
      placed_freely.per_s, on_one_core.per_s, placed_freely.cpu_us, on_one_core.cpu_us);
  fmt::print(
      "two channels: {} samples in {:.2f} s; CPU per sample {:.1f} us: controller {:.1f} (its control thread {:.1f}), simulator "
      "{:.1f}\n",
      best.run.samples, best.run.cost.wall_s, cpu_us, 1e6 * cheapest.run.cost.cpu_s / samples,
      1e6 * cheapest.run.cost.control_cpu_s / samples, 1e6 * cheapest.simulator_cpu_s / samples);
  fmt::print("back door round trips per sample: {:.2f}\n",
             static_cast<double>(counted.advances) / static_cast<double>(counted.run.samples));
  fmt::print("rows in the record: {} of {} samples\n", best.run.rows, best.run.samples);
  fmt::print(
      "{}: {:.0f} samples/s of wall time, target {:.0f}; {:.0f} of one core's time; a loopback round trip alone: {:.0f} /s\n",
      best.per_s() >= target_per_s ? "PASS" : "FAIL", best.per_s(), target_per_s, 1e6 / cpu_us, on_one_core.per_s);
  const double round_trips = cpu_us / on_one_core.cpu_us;
  const bool is_good = round_trips <= round_trips_max;
  fmt::print("{}: a sample costs the CPU time of {:.1f} loopback round trips on one core, bar {:.1f}\n",
             is_good ? "PASS" : "FAIL", round_trips, round_trips_max);
  return is_good && best.run.rows == best.run.samples ? 0 : 1;
}

}  // namespace
}  // namespace cellrig::bench

int main(int argc, char** argv) { return cellrig::bench::main_of(argc, argv); }
