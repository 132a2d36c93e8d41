// How well real time is kept: eight channels (EA PSB, simulated in a process of their own) measured every 100 ms over sockets, every sample
// in SQLite with synchronous commits. Periods missed, and how late the control cycles begin, beside eight bare timers of the same
// period in the same process. The bare timers run twice: alone before the run, to show the machine, and during the run, because
// the noise of a shared machine changes from minute to minute. The judgement is against those during the run.
//
// realtime_bench [--seconds 60] [--short]
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/lockstep_simulator.hpp"
#include "tests/bench/realtime_latency.hpp"
#include "tests/bench/virtual_run.hpp"
#include "tests/support/bench_harness.hpp"

namespace cellrig::bench {
namespace {

constexpr int channel_count = 8;
constexpr std::chrono::milliseconds period{100};
constexpr double share_max = 1.5;
/// A short run has too few cycles for a 99.9th percentile, where one hiccup of the machine decides: it judges the median. On a crowded
/// machine the timers and the cycles wait on different cores, behind different neighbours (0.09 to 30 times the bare timers' median were
/// seen, on one that had been given five times its work): what is small beside the period is no regression.
constexpr std::size_t cycles_for_p99_9 = 4000;
constexpr double median_share_max = 4.0, median_periods_max = 0.1;

std::string bench_text() {
  std::string instruments, channels, cells;
  for (int i = 1; i <= channel_count; ++i) {
    instruments +=
        fmt::format("  psb{}: {{model: ea-psb-10060-60, modbus: \"192.0.2.{}:502\", scpi: \"192.0.2.{}:5025\"}}\n", i, i, i);
    channels += fmt::format("  ch{}: {{cycler: psb{}}}\n", i, i);
    cells += fmt::format("    ch{}: {{file: lg-m50, soc_pct: {}}}\n", i, 20 + 5 * i);
  }
  return fmt::format(
      "bench: realtime\n\ninstruments:\n{}\nchannels:\n{}\nsimulation:\n  cells:\n{}  room_temperature_degC: 25\n  latency: "
      "modelled\n",
      instruments, channels, cells);
}

std::string charging(double seconds) {
  return fmt::format(R"(profile: a charge by time
format: 1
description: for the benchmark
source: for the benchmark
record: {{every_s: 0}}
steps:
  - cc_charge: {{rate_C: 0.2, until: step_time_s >= {}, at_most_h: 1}}
)",
                     seconds);
}

class Punctuality final : public RunListener {
 public:
  void cycle_begins(std::string_view /*channel*/, Duration late) override { late_us.push_back(1e6 * to_seconds(late)); }
  std::vector<double> late_us;
};

int main_of(int argc, char** argv) {
  const bool is_short = has_flag(argc, argv, "--short");
  const double seconds = argument(argc, argv, "--seconds", is_short ? 5 : 60);
  const std::int64_t period_ns = std::chrono::nanoseconds{period}.count();

  const Percentiles alone = percentiles_of(BareTimers{period_ns}.run_for(std::min(seconds / 2, 10.0)));

  BenchConfig bench = make_bench(bench_text());
  const SimulatorProcess simulator{CELLRIG_SIM_PROGRAM, bench.file};
  const std::unique_ptr<cli::Rig> rig = cli::make_rig({.time = "real", .ready_file = simulator.ready_file()}, bench);
  Punctuality punctuality;
  RunSpec spec{.profile = charging(seconds), .options = options_with_period(period), .listener = &punctuality};
  for (const ChannelConfig& channel : bench.channels) spec.channels.push_back(channel.name);
  spec.database = test::temporary_folder() + "/record.db";
  spec.options.control_period_off = std::chrono::seconds{1};

  BareTimers beside{period_ns};
  beside.start();
  const RunFigures figures = run(*rig, bench, spec);
  const std::vector<double> bare_us = beside.stop();
  if (!figures.failure.empty()) {
    fmt::print(stderr, "{}\n", figures.failure);
    return 1;
  }
  const auto missed_by_bare =
      std::count_if(bare_us.begin(), bare_us.end(), [&](double late) { return late > 1e-3 * static_cast<double>(period_ns); });
  const Percentiles bare = percentiles_of(bare_us);
  const Percentiles cycles = percentiles_of(punctuality.late_us);

  fmt::print("{} channels every {} ms for {} s: {} samples, {} rows; CPU {:.1f} % of one core, control thread {:.1f} %\n",
             channel_count, period.count(), seconds, figures.samples, figures.rows,
             100 * figures.cost.cpu_s / figures.cost.wall_s, 100 * figures.cost.control_cpu_s / figures.cost.wall_s);
  fmt::print("bare timers, before the run:  {}\n", to_string(alone, "us"));
  fmt::print("bare timers, during the run:  {}\n", to_string(bare, "us"));
  fmt::print("control cycles:               {}\n", to_string(cycles, "us"));
  fmt::print("{}: {} periods missed, target 0 (bare timers: {})\n", figures.periods_missed == 0 ? "PASS" : "FAIL",
             figures.periods_missed, missed_by_bare);
  const bool is_long = cycles.count >= cycles_for_p99_9;
  const double share = is_long ? cycles.p99_9 / bare.p99_9 : cycles.p50 / bare.p50;
  const double bar = is_long ? share_max : median_share_max;
  const double periods = cycles.p50 / (1e-3 * static_cast<double>(period_ns));
  const bool is_good = share <= bar || (!is_long && periods <= median_periods_max);
  fmt::print("{}: {} lateness is {:.2f} times that of a bare timer, bar {:.1f}; the median is {:.4f} of a period{}\n",
             is_good ? "PASS" : "FAIL", is_long ? "p99.9" : "median", share, bar, periods,
             is_long ? "" : fmt::format(", bar {:.1f}: one of the two must hold", median_periods_max));
  return is_good ? 0 : 1;
}

}  // namespace
}  // namespace cellrig::bench

int main(int argc, char** argv) { return cellrig::bench::main_of(argc, argv); }
