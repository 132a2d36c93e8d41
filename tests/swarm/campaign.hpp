// Many seeds, one after the other: what was seen, how fast, and what broke first.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/swarm/plan.hpp"
#include "tests/swarm/swarm_run.hpp"
#include "tests/swarm/yardstick.hpp"

namespace cellrig::swarm {

struct Job {
  std::uint64_t seed = 0;
  PlanOptions options;
};

/// A run that broke an invariant.
struct Failure {
  Job job;
  Plan plan;
  Violation violation;
};

/// One line of the matrix.
struct FaultTally {
  std::uint64_t runs = 0, violations = 0;
  std::uint64_t met = 0;  ///< runs in which a current flowed as it came: the others show little
  std::map<std::string, std::uint64_t> endings;
  std::optional<Judge::AfterFault> worst;  ///< nearest to its deadline
};

/// What the runs of one pace cost.
struct PaceTally {
  std::uint64_t runs = 0, channels = 0, faults = 0;
  double channel_hours = 0, cpu_s = 0;
};

struct Tally {
  std::uint64_t runs = 0;
  double channel_hours = 0, cpu_s = 0, wall_s = 0;
  std::uint64_t samples = 0, looks = 0;
  std::map<std::string, std::uint64_t> endings;  ///< of channels, by outcome
  std::map<std::string, FaultTally> by_fault;    ///< of plans with one fault
  std::map<std::string, ReactionTime> reactions;
  std::map<Pace, PaceTally> by_pace;
  Yardstick yardstick;           ///< nothing when it was not asked for
  std::uint64_t trace_hash = 0;  ///< over all runs, in their order
  std::vector<Failure> failures;
};

struct CampaignOptions {
  Recording recording = Recording::counting;
  bool stop_at_first = false;
  bool has_yardstick = false;  ///< measured before and after the runs
  bool quiet = false;          ///< no progress on standard error
  /// Of each fault with a deadline that no run has judged (nothing flowed, or it showed nothing): so many further seeds, at most.
  std::uint64_t further_seeds_max = 0;
  std::function<void(const Plan&, const RunReport&)> after_each;
};

[[nodiscard]] Tally run_campaign(const std::vector<Job>& jobs, const CampaignOptions& options);

/// Every fault that the menu has, in every family, with so many seeds each.
[[nodiscard]] std::vector<Job> matrix_jobs(std::uint64_t first_seed, std::uint64_t seeds, const PlanOptions& common);

/// Takes faults away as long as the same invariant still breaks; returns what is needed.
[[nodiscard]] Plan minimise(Plan plan, const Violation& violation, Recording recording);

/// Of the menu: those that no run met alone.
[[nodiscard]] std::vector<std::string> faults_without_a_run(const Tally& tally);
/// Of those that were met: whose deadline was judged in no run.
[[nodiscard]] std::vector<std::string> deadlines_without_a_run(const Tally& tally);
[[nodiscard]] std::string table_of(const Tally& tally);
[[nodiscard]] std::string matrix_table_of(const Tally& tally);
[[nodiscard]] std::string pace_table_of(const Tally& tally);
[[nodiscard]] std::string summary_of(const Tally& tally);
[[nodiscard]] std::string text_of(const Failure& failure);

}  // namespace cellrig::swarm
