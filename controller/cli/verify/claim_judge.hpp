// From the runs of a claim to its verdicts.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/cli/verify/circumstances.hpp"
#include "controller/cli/verify/claim_runs.hpp"
#include "db/verdict/decision.hpp"
#include "db/verdict/measure.hpp"

namespace cellrig::cli {

/// One cell and one statement.
struct CellVerdict {
  std::string cell_id;
  std::vector<db::RunKey> runs;
  std::optional<verdict::Measured> measured;
  verdict::Uncertainty uncertainty;
  verdict::Decision decision = verdict::Decision::not_run;
  std::optional<verdict::Projection> projection;  ///< of a life that was not reached
  double reached = 0.0;                           ///< cycles, of the last point of a life: the one that is its value
  std::optional<double> failed_at;                ///< cycles, of the point that decided
  std::string problem;                            ///< why there is no number
  std::set<std::string> unweighed;                ///< whose mass, that the number rests on, nobody measured
  bool lacks_mass = false;                        ///< a real cell is among them
  bool is_simulated = true;
  std::optional<Circumstances> seen;  ///< of a first cell
  std::string grade;                  ///< of a lot's cell, as a line would sort it; else empty
};

/// The statement once more, with one circumstance changed; of the first cell.
struct VariantVerdict {
  const ClaimVariant* variant = nullptr;
  double limit = 0.0;
  CellVerdict cell;
};

struct StatementVerdict {
  const ClaimStatement* statement = nullptr;
  std::vector<CellVerdict> cells;
  std::vector<VariantVerdict> variants;
  verdict::Decision decision = verdict::Decision::not_run;
  verdict::Qualifiers qualifiers;
  std::optional<double> value;                ///< of the sample: the worst cell, or the statistic
  double expanded = 0.0;                      ///< of a statistic the longer side of its interval
  std::optional<verdict::Interval> interval;  ///< of a statistic of a lot: it need not lie in the middle
  double reliability = 0.0;                   ///< shown by the sample, when it passes
  std::string remark;
};

struct ClaimVerdict {
  const Claim* claim = nullptr;
  std::vector<StatementVerdict> statements;
  verdict::Decision decision = verdict::Decision::not_run;
  verdict::Qualifiers qualifiers;
  double confidence = 0.9;
  ExitCode worst_run = ExitCode::passed;
};

/// What a claim needs to be run, and on how many cells. `only`: one statement; empty: all.
[[nodiscard]] std::map<RunNeed, int> needed_runs(const Claim& claim, const VerifyOptions& options, const std::string& only);

/// ConfigError for a comparison whose two sides the command line would make one: a cell or a fixture in the place of both.
void require_both_sides(const Claim& claim, const VerifyOptions& options, const std::string& only);

/// Runs what has to be run. `only`: one statement; empty: all.
[[nodiscard]] ClaimVerdict verify_claim(const Claim& claim, const VerifyOptions& options, const std::string& only,
                                        RunsDone& done);

/// Of what is measured on a cell; a statistic of a lot has another: "%" of spread, of resistances in mOhm.
[[nodiscard]] std::string cell_unit(const ClaimStatement& statement);

/// How far a life was run and where it seems to lead: of the statement's cell, and of each other reading. Empty for what is no life, and
/// where the claimed count was reached.
[[nodiscard]] std::string life_text(const ClaimStatement& statement, const CellVerdict& cell);

/// "rate = 1C"; of a comparison with what it was changed for: "rate = 1C, both cells".
[[nodiscard]] std::string reading_text(const ClaimStatement& statement, const ClaimVariant& variant);

/// Whether this reading was run, and came to another verdict.
[[nodiscard]] bool changes_verdict(const VariantVerdict& variant, const StatementVerdict& of);

/// "INCONCLUSIVE", "SIMULATED PASS": with all that qualifies it.
[[nodiscard]] std::string text_of(const ClaimVerdict& verdict);
[[nodiscard]] std::string text_of(const StatementVerdict& verdict);
[[nodiscard]] std::string text_of(const VariantVerdict& variant, const StatementVerdict& of);

}  // namespace cellrig::cli
