// OFF for outputs and chambers of a bench, all at once and verified: no profile, no record. What `off` does, what every start does
// first, and what is left to do after a failure of our own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/async/task_group.hpp"
#include "controller/runtime/bench_instruments.hpp"
#include "controller/runtime/channel_runner.hpp"
#include "controller/runtime/config.hpp"
#include "controller/runtime/lease.hpp"
#include "controller/runtime/null_recorder.hpp"

namespace cellrig {

struct BenchOffOptions {
  ChannelOptions channel;
  bool take_leases = true;  ///< of what is switched off; refused: left alone, and said
  std::string lease_directory;
};

class BenchOff {
 public:
  BenchOff(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, RunListener& listener,
           BenchOffOptions options);

  /// Everything named, side by side: one that hangs holds up no other.
  [[nodiscard]] Task<void> run(std::vector<std::string> channels, std::vector<std::string> chambers);

  /// What could not be done, a line each.
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  /// What was taken stays ours after this object is gone.
  [[nodiscard]] std::vector<Lease> give_leases() { return std::move(leases_); }

 private:
  [[nodiscard]] bool is_ours(const std::string& name, const std::string& instrument);
  Task<void> channel_off(ChannelRunner& runner);
  Task<void> chamber_off(std::string name, Chamber& chamber);

  TimeSource& time_;
  const BenchConfig& bench_;
  BenchInstruments& instruments_;
  RunListener& listener_;
  BenchOffOptions options_;
  NullRecorder recorder_;
  Program nothing_;
  std::vector<std::unique_ptr<ChannelRunner>> runners_;
  std::vector<Lease> leases_;
  std::vector<std::string> problems_;
};

/// Chambers in which only these channels have a cell: nobody else is harmed when they stop.
[[nodiscard]] std::vector<std::string> chambers_of_only(const BenchConfig& bench, const std::vector<std::string>& channels);

}  // namespace cellrig
