// The runs that a claim needs, carried out through the same path as `cellrig run`, or found in a record.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/cli/run_session.hpp"
#include "controller/cli/verify/verify_options.hpp"
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
[[nodiscard]] RunNeed need_of(const Claim& claim, const ClaimRun& run, const ClaimVariant* variant, bool shortened);

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
using RunsDone = std::map<RunNeed, std::vector<CellRun>>;

/// Runs what is asked for, once each.
class ClaimRuns {
 public:
  ClaimRuns(const VerifyOptions& options, const Claim& claim, RunsDone& done);

  [[nodiscard]] bool has(const RunNeed& need) const { return done_.count(need) != 0; }

  /// One entry per cell. Runs it unless it was run before. ConfigError for what cannot be started.
  [[nodiscard]] const std::vector<CellRun>& perform(const RunNeed& need, int cells);
  /// The runs of the record that a person named for this run of the claim; empty: none was named. ConfigError for one named twice.
  [[nodiscard]] std::vector<CellRun> recorded(const std::string& run_name) const;
  /// How many runs there are to come, for the progress.
  void expect(std::size_t runs) { expected_ = runs; }
  /// The worst exit code of all runs, in the order of DESIGN: 3, 5, 4, 2, then 130 and 143.
  [[nodiscard]] ExitCode worst() const { return worst_; }
  [[nodiscard]] bool is_interrupted() const { return worst_ == ExitCode::interrupted || worst_ == ExitCode::terminated; }

 private:
  [[nodiscard]] RunOptions options_for(const RunNeed& need, int first_cell, std::size_t count) const;
  [[nodiscard]] std::vector<std::string> channels_for(const RunNeed& need) const;
  [[nodiscard]] std::string cell_id(int cell) const;
  void tell(const RunNeed& need, int cell, int cells);
  void wait_for_person(const RunNeed& need, int first_cell, std::size_t count);
  void keep(const RunOutcome& outcome);
  [[nodiscard]] bool is_recorded_as_simulated(db::RunKey run) const;

  const VerifyOptions& options_;
  const Claim& claim_;
  RunsDone& done_;
  std::size_t expected_ = 0, begun_ = 0;
  bool was_first_batch_ = true;
  ExitCode worst_ = ExitCode::passed;
};

}  // namespace cellrig::cli
