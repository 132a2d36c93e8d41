// Verdicts in words: for a terminal, as JSON, as a page. Pure: what is shown is returned.
#pragma once

#include <boost/json/object.hpp>
#include <set>
#include <string>
#include <vector>

#include "controller/cli/verify/claim_judge.hpp"

namespace cellrig::cli {

/// "368.1 +/- 4.2 Wh/kg": as many digits as the uncertainty has two of.
[[nodiscard]] std::string with_uncertainty(double value, double expanded, const std::string& unit);
/// "0.25 (0.19 to 0.36) %", where it is not in the middle.
[[nodiscard]] std::string with_interval(double value, const verdict::Interval& interval, const std::string& unit);
/// The same of the sample; "-" without a value.
[[nodiscard]] std::string result_text(const StatementVerdict& verdict);
/// What a sample without a failure shows, and no more; empty where it shows nothing.
[[nodiscard]] std::string sample_text(const StatementVerdict& verdict, double confidence);
/// Why nothing can pass by a shortened test; empty for a whole one.
[[nodiscard]] std::string shortened_text(const StatementVerdict& verdict);
/// Whose number the limit is, as a clause: "the limit is the source's, unverified". Empty: it is simply the source's, or there is none.
[[nodiscard]] std::string limit_origin_text(const ClaimStatement& statement);
/// ">= 375 Wh/kg"; "reported".
[[nodiscard]] std::string limit_text(const ClaimStatement& statement, double limit);

/// The circumstances that another reading varied, and was run.
[[nodiscard]] std::set<std::string> tried_circumstances(const StatementVerdict& verdict);
/// What the source leaves open, by what was tried: "Varied: rate. Not tried: pressure, temperature." Empty: it leaves nothing open.
[[nodiscard]] std::string tried_note(const StatementVerdict& verdict);

/// Everything about one claim.
[[nodiscard]] std::string verdict_report(const ClaimVerdict& verdict);
[[nodiscard]] boost::json::object verdict_json(const ClaimVerdict& verdict);
/// What is kept in the audit trail of the record: short.
[[nodiscard]] boost::json::object verdict_summary(const ClaimVerdict& verdict);

/// One line per statement of many claims.
[[nodiscard]] std::string verdict_table(const std::vector<ClaimVerdict>& verdicts);
[[nodiscard]] std::string claim_list(const std::vector<Claim>& claims);

/// A complete HTML document that needs nothing else: of one claim with the runs that it rests on, of several with their numbers.
/// ConfigError when the record cannot be read.
[[nodiscard]] std::string verdict_page(const std::vector<ClaimVerdict>& verdicts, const std::string& database);

/// What every reader of a simulated verdict must know; empty where nothing was simulated.
[[nodiscard]] std::string simulation_notice(const std::vector<ClaimVerdict>& verdicts);

}  // namespace cellrig::cli
