// The runs that a claim needs, carried out through the same path as `cellrig run`, or found in a record.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/cli/run/run_session.hpp"
#include "controller/cli/verify/verify_options.hpp"
#include "controller/cli/verify/verify_progress.hpp"
#include "profiles/claim.hpp"

namespace cellrig::cli {

/// A profile with parameters and a cell on a channel; two statements that need the same one share it.
struct RunNeed {
  std::string profile, cell, channel, bench;
  std::optional<double> start_soc_pct;
  std::map<std::string, std::string> settings;
  bool is_shortened = false;
  auto operator<=>(const RunNeed&) const = default;
};
/// `change`: of another reading; null: as the claim has it.
[[nodiscard]] RunNeed need_of(const Claim& claim, const ClaimRun& run, const ClaimRunChange* change, bool shortened);

/// One run of one cell.
struct CellRun {
  db::RunKey run = 0;  ///< 0: it did not begin
  Outcome outcome = Outcome::none;
  std::string reason, cell_id;
  bool is_simulated = true;
  bool is_shortened = false;  ///< a recorded one, by the claim's shortened parameters
  std::string difference;     ///< a recorded one that is not the claim's run: what differs
};

/// What was run by this call of the program: claims that need the same run share it, too.
struct RunsDone {
  std::map<RunNeed, std::vector<CellRun>> runs;
  std::map<std::string, CellRun> earlier;  ///< what earlier calls finished, by claim_run_name()
  VerifyProgress* progress = nullptr;
};

/// The simulated runs of claims that came to an end of their own in this database; none when there is no such file.
[[nodiscard]] std::map<std::string, CellRun> finished_runs(const std::string& database);

/// What a run costs, in looks at its cell: nothing where it cannot be started.
[[nodiscard]] double cost_of(const VerifyOptions& options, const RunNeed& need);

/// Runs what is asked for, once each.
class ClaimRuns {
 public:
  ClaimRuns(const VerifyOptions& options, const Claim& claim, RunsDone& done);

  /// One entry per cell. Runs it unless it was run before. ConfigError for what cannot be started.
  [[nodiscard]] const std::vector<CellRun>& perform(const RunNeed& need, int cells);
  /// The runs of the record that a person named for this run of the claim; empty: none was named. ConfigError for one named twice.
  [[nodiscard]] std::vector<CellRun> recorded(const std::string& run_name) const;
  /// The worst exit code of all runs, in the order of DESIGN: 3, 5, 4, 2, then 130 and 143.
  [[nodiscard]] ExitCode worst() const { return worst_; }
  [[nodiscard]] bool is_interrupted() const { return worst_ == ExitCode::interrupted || worst_ == ExitCode::terminated; }

 private:
  [[nodiscard]] RunOptions options_for(const RunNeed& need, int first_cell, std::size_t count) const;
  [[nodiscard]] std::vector<std::string> channels_for(const RunNeed& need) const;
  [[nodiscard]] std::string cell_id(int cell) const;
  /// Whether somebody wants it to end.
  [[nodiscard]] bool take_interrupt();
  void begin_run(const RunNeed& need, int cell, int cells);
  [[nodiscard]] std::string describe(const RunNeed& need, int cell, int cells) const;
  [[nodiscard]] std::optional<CellRun> found_earlier(const RunNeed& need, const RunOptions& run, int cell, int cells);
  void wait_for_person(const RunNeed& need, int first_cell, std::size_t count);
  void keep(const RunOutcome& outcome);
  [[nodiscard]] bool is_recorded_as_simulated(db::RunKey run) const;

  const VerifyOptions& options_;
  const Claim& claim_;
  RunsDone& done_;
  bool was_first_batch_ = true;
  ExitCode worst_ = ExitCode::passed;
};

}  // namespace cellrig::cli
