// One call of `cellrig run`: time source, bench, programs, record, and the way it ends.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/cli/exit_code.hpp"
#include "controller/runtime/bench_run.hpp"
#include "controller/runtime/listener.hpp"
#include "sim/cell_instead.hpp"

namespace cellrig::cli {

struct RunOptions {
  std::string profile;
  std::string bench;
  std::vector<std::string> channels, cells, cell_ids, settings;
  std::vector<std::string> expected_charges;  ///< "40..60", "CHANNEL=40..60"
  std::string database = "cellrig.db";
  std::string operator_name;
  std::string time;
  std::string ready_file;
  std::string fault_file;
  std::optional<std::string> resume;  ///< "3", "3,4"; "": the last run of each channel
  std::string resume_by;              ///< a rule's word; empty: the profile's
  bool expect = false;                ///< rehearse and watch on a simulated bench, too
  std::string without_rehearsal;      ///< a person's reason to start what was not rehearsed, or trips there
  std::string accept_changed;         ///< a person's reason to go on with another cycler, channel or cell label
  std::uint64_t seed = 1;
  double control_period_s = 0;
  std::optional<double> wait_for_cycler_s;  ///< with resume: for one that is not there yet
  std::uint64_t disk_reserve_MiB = 256;
  bool simulated = false;
  bool require_proofs = false;  ///< a simulator is held to the rules of a real bench, with its own proofs
  bool json = false;
  bool quiet = false;
  std::optional<sim::CellInstead> cell_instead;  ///< of a simulated bench: see RigChoice
  std::string claim_run;  ///< what `cellrig verify` wanted with it: kept in the audit trail, so that a later call finds it again
  std::function<void(const ChannelView&)> watch;  ///< looks at one sample in 64
};

[[nodiscard]] ExitCode run_profiles(const RunOptions& options);

struct RunOutcome {
  ExitCode code = ExitCode::passed;
  std::vector<ChannelResult> results;
};
/// The same run, for who goes on with its record: nothing is printed at its end.
[[nodiscard]] RunOutcome run_profiles_silently(const RunOptions& options);

}  // namespace cellrig::cli
