#include "tests/swarm/yardstick.hpp"

#include <filesystem>
#include <stdexcept>

#include "tests/bench/virtual_run.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::swarm {
namespace {

constexpr std::string_view healthy_bench = R"(bench: yardstick
instruments:
  psb1: {model: ea-psb-10060-60, modbus: "192.0.2.10:502", scpi: "192.0.2.10:5025"}
channels:
  ch1: {cycler: psb1}
simulation:
  cells:
    ch1: {file: lg-m50, soc_pct: 50}
  latency: modelled
)";
constexpr std::string_view healthy_profile = R"(profile: Yardstick
format: 1
record: {every_s: 0}
steps:
  - cycles:
      times: 8
      steps:
        - cccv_charge: {rate_C: 1, voltage_V: cell.voltage_max_V, until: rate_C <= 1/20 for 5 s, at_most_h: 4}
        - rest: {for_min: 10}
        - cc_discharge: {rate_C: 1, until: voltage_V <= cell.voltage_min_V, at_most_h: 2}
        - rest: {for_min: 10}
)";
constexpr double samples_per_hour = 3600.0;

}  // namespace

void measure_yardstick(Yardstick& yardstick, Recording recording) {
  const std::string database = recording == Recording::sqlite ? test::temporary_folder() + "/yardstick.db" : std::string{};
  for (const char* const suffix : {"", "-wal", "-shm"}) {
    if (!database.empty()) std::filesystem::remove(database + suffix);
  }
  BenchConfig bench = bench::make_bench(healthy_bench);
  const std::unique_ptr<cli::Rig> rig = cli::make_rig({.time = "virtual", .simulated = true}, bench);
  const bench::RunSpec spec{.profile = std::string(healthy_profile),
                            .channels = {"ch1"},
                            .options = bench::options_with_period(std::chrono::seconds{1}),
                            .database = database};
  const bench::RunFigures figures = bench::run(*rig, bench, spec);
  if (!figures.failure.empty()) throw std::runtime_error("the yardstick fails: " + figures.failure);
  yardstick.channel_hours += static_cast<double>(figures.samples) / samples_per_hour;
  yardstick.cpu_s += figures.cost.cpu_s;
}

}  // namespace cellrig::swarm
