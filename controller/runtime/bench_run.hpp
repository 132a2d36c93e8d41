// One run of programs on the channels of a bench, from the first OFF to the last.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/async/task_group.hpp"
#include "controller/runtime/bench_start.hpp"
#include "controller/runtime/live_bench.hpp"

namespace cellrig {

struct ChannelResult {
  std::string channel;
  Outcome outcome = Outcome::none;
  bool criteria_met = true;
  std::string reason;
  SafeBy safe_by = SafeBy::nothing;
  bool refused_by_rule = false;  ///< nothing failed: what was asked for must not start like this
  db::RunKey run = 0;
  std::uint64_t samples = 0, periods_missed = 0;
};

class BenchRun {
 public:
  BenchRun(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, db::Recorder& recorder,
           RunListener& listener, BenchRunOptions options);
  ~BenchRun();

  /// Runs everything; results() is complete afterwards. Never throws for what a bench can do.
  [[nodiscard]] Task<void> run(std::vector<ChannelJob> jobs);
  /// Ends every channel by a verified safe stop.
  void stop(Outcome outcome, const std::string& reason = {});
  /// A person has done what a step of this channel asks for. False: no channel of this name asks for anything now.
  bool confirm(const std::string& channel, const std::string& by);
  /// A second Ctrl-C: waits are cut, never the OFF.
  void hurry();
  [[nodiscard]] const std::vector<ChannelResult>& results() const { return results_; }

  /// What was taken stays ours after this object is gone.
  [[nodiscard]] std::vector<Lease> give_leases() { return std::move(bench_.leases()); }

 private:
  [[nodiscard]] const std::vector<std::unique_ptr<BenchJob>>& jobs() const;
  void refuse(const StartRefusal& why);
  void collect();

  LiveBench bench_;
  std::optional<BenchStart> start_;
  std::vector<ChannelResult> results_;
  TaskGroup channels_running_;
  TaskGroup looking_after_;
  std::optional<Outcome> stop_requested_;  ///< before there was anything to stop
  std::string stop_reason_;
};

}  // namespace cellrig
