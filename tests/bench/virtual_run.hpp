// One run of a profile on a bench, as `cellrig run` does it, and what it cost. Shared by the benchmarks of the whole program.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/cli/bench/rig.hpp"
#include "controller/runtime/bench_run.hpp"

namespace cellrig::bench {

/// Of this process, between two moments. CPU time is what a noisy machine disturbs least.
struct Cost {
  double cpu_s = 0;          ///< all threads, user and system
  double control_cpu_s = 0;  ///< of the calling thread alone
  double wall_s = 0;
};
class Meter {
 public:
  Meter();
  [[nodiscard]] Cost elapsed() const;

 private:
  Cost start_;
};

struct RunSpec {
  std::string profile;                ///< its text
  std::vector<std::string> channels;  ///< each runs the profile
  ChannelOptions options;
  std::string database;             ///< empty: nothing is recorded
  RunListener* listener = nullptr;  ///< null: nobody watches
};

struct RunFigures {
  std::uint64_t samples = 0, rows = 0, periods_missed = 0;
  Cost cost;            ///< of the run, from the first OFF until the record is closed
  std::string failure;  ///< empty: every channel completed
};

/// Every period the same, so that samples can be counted against time.
[[nodiscard]] ChannelOptions options_with_period(Duration period);

[[nodiscard]] BenchConfig make_bench(std::string_view text);
[[nodiscard]] RunFigures run(cli::Rig& rig, const BenchConfig& bench, const RunSpec& spec);

/// "--name 5" or the value given here.
[[nodiscard]] double argument(int argc, char** argv, std::string_view name, double otherwise);
[[nodiscard]] bool has_flag(int argc, char** argv, std::string_view name);

}  // namespace cellrig::bench
