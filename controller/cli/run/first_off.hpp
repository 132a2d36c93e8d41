// The first thing that a process does to its bench: OFF for its outputs, with a look at how each was, and a second try where a cycler had no
// power yet.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/runtime/bench_off.hpp"

namespace cellrig::cli {

/// Instruments need half a minute or so from their mains switch to their network.
constexpr double wait_for_cycler_usual_s = 60;

class FirstOff {
 public:
  FirstOff(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, RunListener& listener)
      : time_{time}, bench_{bench}, instruments_{instruments}, listener_{listener} {}

  void switch_off(const std::vector<std::string>& channels, BenchOffOptions options);
  /// For these, which are out_of_reach(): nothing is found of them before this is over.
  void wait_for(const std::set<std::string>& channels, Patience patience);
  /// Nobody waits for it: it did not answer.
  [[nodiscard]] const std::set<std::string>& out_of_reach() const { return out_of_reach_; }

  [[nodiscard]] const std::map<std::string, OutputFound>& found() const { return found_; }
  [[nodiscard]] const std::map<std::string, std::string>& not_off() const { return not_off_; }
  [[nodiscard]] const std::set<std::string>& maybe_on() const { return maybe_on_; }
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  [[nodiscard]] bool found_busy() const { return found_busy_; }
  [[nodiscard]] const std::set<std::string>& leased() const { return leased_; }
  [[nodiscard]] std::vector<Lease> give_leases() { return std::move(leases_); }

 private:
  TimeSource& time_;
  const BenchConfig& bench_;
  BenchInstruments& instruments_;
  RunListener& listener_;
  ChannelOptions channel_options_;
  std::map<std::string, OutputFound> found_;
  std::map<std::string, std::string> not_off_;
  std::set<std::string> maybe_on_, out_of_reach_, leased_;
  std::vector<std::string> problems_;
  std::vector<Lease> leases_;
  bool found_busy_ = false;
};

}  // namespace cellrig::cli
