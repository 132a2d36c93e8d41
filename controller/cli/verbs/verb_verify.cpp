// cellrig verify: published claims, put to the test.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <deque>
#include <fstream>
#include <map>
#include <memory>

#include "controller/async/real_time.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/bench/host.hpp"
#include "controller/cli/text/json_text.hpp"
#include "controller/cli/verbs.hpp"
#include "controller/cli/verify/verify_report.hpp"
#include "db/recorder.hpp"

namespace cellrig::cli {
namespace {

void require_sensible(const VerifyOptions& options) {
  const bool has_claim = !options.claim.empty();
  if (options.list) return;
  if (has_claim == options.all) throw ConfigError{SourcePlace{}, "give one CLAIM, or --all, or --list for their names"};
  const bool is_judging = !options.recorded.empty();
  if (is_judging && (options.simulated || !options.bench.empty() || options.all))
    throw ConfigError{SourcePlace{}, "--recorded judges runs that are in the database; nothing is run, and one claim is meant"};
  if (!is_judging && !options.simulated && options.bench.empty() && options.measured.empty())
    throw ConfigError{SourcePlace{}, "no bench: give --bench FILE, --simulated, or --recorded NAME=RUN"};
  if (options.all && !options.simulated)
    throw ConfigError{SourcePlace{}, "--all is for --simulated: no cell lives through all claims"};
  if (!options.simulated && !is_judging && options.cell.empty() && !options.bench.empty())
    throw ConfigError{SourcePlace{}, "which cell is connected? Give --cell FILE: the claim's own model is for a simulated bench"};
  if (options.resume && !options.simulated)
    throw ConfigError{SourcePlace{},
                      "--resume is for --simulated: of a real cell the runs are named, --recorded NAME=RUN, and one that was "
                      "interrupted goes on by cellrig run --resume"};
  if (options.variants && options.no_variants)
    throw ConfigError{SourcePlace{}, "--variants and --no-variants exclude each other"};
  for (const std::string& text : options.measured) {
    if (text.find('=') == std::string::npos) throw ConfigError{SourcePlace{}, "--measured " + text + ": write NAME=NUMBER"};
  }
}

std::vector<Claim> read_all_claims() {
  std::vector<Claim> claims;
  for (const std::string& file : claim_files()) claims.push_back(read_claim_file(file));
  return claims;
}

/// "fest/charge-time" -> {"fest", "charge-time"}; a path to a file is no statement.
std::pair<std::string, std::string> split_statement(const std::string& text) {
  const std::size_t slash = text.rfind('/');
  if (slash == std::string::npos || text.ends_with(".yaml")) return {text, ""};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

void require_statement(const Claim& claim, const std::string& id) {
  std::vector<std::string> known;
  for (const ClaimStatement& statement : claim.statements) known.push_back(statement.id);
  if (!id.empty() && std::find(known.begin(), known.end(), id) == known.end())
    throw ConfigError{SourcePlace{claim.file}, "no statement '" + id + "'" + suggestion(id, known)};
}

/// The verdict joins the runs it rests on. False: it could not be kept.
bool keep_in_record(const ClaimVerdict& verdict, const VerifyOptions& options) {
  Result<std::unique_ptr<db::Recorder>> recorder = db::Recorder::open({.path = options.database});
  if (!recorder) {
    fmt::print(stderr, "cellrig verify: {}: {}\n", options.database, recorder.error().what);
    return false;
  }
  (*recorder)->audit(db::AuditRow{.utc = RealTime{}.utc_now(),
                                  .operator_name = options.operator_name.empty() ? login_name() : options.operator_name,
                                  .origin = host_name(),
                                  .verb = "verify",
                                  .action = "verdict",
                                  .reason = text_of(verdict),
                                  .detail = boost::json::serialize(verdict_summary(verdict))});
  const Result<void> closed = (*recorder)->close();
  if (!closed) fmt::print(stderr, "cellrig verify: {}: {}\n", options.database, closed.error().what);
  return closed.has_value();
}

/// False: it could not be made or written. That takes nothing from the verdict, which is in the record.
bool write_verdict_page(const VerifyOptions& options, const std::vector<ClaimVerdict>& verdicts) {
  if (options.page.empty()) return true;
  try {
    const std::string page = verdict_page(verdicts, options.database);
    std::ofstream file{options.page, std::ios::binary};
    file << page;
    file.flush();
    if (!file) throw ConfigError{SourcePlace{options.page}, "the report cannot be written there"};
    return true;
  } catch (const ConfigError& error) {
    fmt::print(stderr, "cellrig verify: {}\n", error.what());
    return false;
  }
}

ExitCode code_of(const std::vector<ClaimVerdict>& verdicts, bool is_kept) {
  ExitCode code = ExitCode::passed;
  for (const ClaimVerdict& verdict : verdicts) {
    if (verdict.worst_run == ExitCode::safety_trip) return ExitCode::safety_trip;
    if (verdict.worst_run != ExitCode::passed) code = verdict.worst_run;
  }
  if (!is_kept) return ExitCode::record_failed;
  if (code != ExitCode::passed) return code;
  for (const ClaimVerdict& verdict : verdicts) {
    const verdict::Decision decision = verdict::restrict_shortened(verdict.decision, verdict.qualifiers);
    if (decision != verdict::Decision::pass) return ExitCode::not_passed;
  }
  return ExitCode::passed;
}

void print_verdicts(const std::vector<ClaimVerdict>& verdicts, const VerifyOptions& options) {
  if (options.json) {
    boost::json::array claims;
    for (const ClaimVerdict& verdict : verdicts) claims.push_back(verdict_json(verdict));
    return print_json({{"database", options.database}, {"claims", std::move(claims)}});
  }
  fmt::print("{}", options.all ? verdict_table(verdicts) : verdict_report(verdicts.front()));
}

bool was_interrupted(const ClaimVerdict& verdict) {
  return verdict.worst_run == ExitCode::interrupted || verdict.worst_run == ExitCode::terminated;
}

/// Claims share runs: of two that need the same, one is made.
void expect_runs(const std::vector<Claim>& claims, const VerifyOptions& options, const std::string& only,
                 VerifyProgress& progress) {
  std::map<RunNeed, int> all;
  for (const Claim& claim : claims) {
    for (const auto& [need, cells] : needed_runs(claim, options, only)) all[need] = std::max(all[need], cells);
  }
  for (const auto& [need, cells] : all) progress.expect(static_cast<std::size_t>(cells), cost_of(options, need));
}

/// What is whole is kept, whatever stopped the rest.
void say_how_to_go_on(const RunsDone& done, const VerifyOptions& options) {
  std::size_t whole = 0;
  for (const auto& [need, runs] : done.runs) {
    whole += static_cast<std::size_t>(std::count_if(runs.begin(), runs.end(), [](const CellRun& run) {
      return run.outcome == Outcome::completed || run.outcome == Outcome::tripped || run.outcome == Outcome::failed;
    }));
  }
  fmt::print(stderr,
             "cellrig verify: interrupted. {} runs are whole and kept in {}: the same command with --resume goes on from there\n",
             whole, options.database);
}

ExitCode run_verify(const VerifyOptions& options) {
  require_sensible(options);
  if (options.list) {
    fmt::print("{}", claim_list(read_all_claims()));
    return ExitCode::passed;
  }
  const auto [name, only] = split_statement(options.claim);
  std::vector<Claim> claims;
  if (options.all) {
    claims = read_all_claims();
  } else {
    claims.push_back(read_claim_file(find_claim(name)));
    require_statement(claims.front(), only);
  }
  for (const Claim& claim : claims) require_both_sides(claim, options, only);
  std::vector<ClaimVerdict> verdicts;
  VerifyProgress progress{options.quiet};
  RunsDone done{.progress = &progress};
  if (options.resume) done.earlier = finished_runs(options.database);
  expect_runs(claims, options, only, progress);
  bool is_kept = true;
  for (const Claim& claim : claims) {
    verdicts.push_back(verify_claim(claim, options, only, done));
    is_kept = keep_in_record(verdicts.back(), options) && is_kept;
    if (!options.quiet && options.all) fmt::print(stderr, "{}: {}\n", claim.name, text_of(verdicts.back()));
    if (was_interrupted(verdicts.back())) break;
  }
  print_verdicts(verdicts, options);
  if (options.simulated && was_interrupted(verdicts.back())) say_how_to_go_on(done, options);
  const bool is_written = write_verdict_page(options, verdicts);
  const ExitCode code = code_of(verdicts, is_kept);
  return !is_written && (code == ExitCode::passed || code == ExitCode::not_passed) ? ExitCode::bad_input : code;
}

}  // namespace

void add_verify(CLI::App& app, Action& chosen) {
  CLI::App* const verb =
      app.add_subcommand("verify", "put a published claim to the test: PASS, FAIL or INCONCLUSIVE, with the uncertainty");
  const auto options = std::make_shared<VerifyOptions>();
  verb->add_option("claim", options->claim, "a claim file, the name of one that comes with cellrig, or NAME/STATEMENT");
  verb->add_flag("--list", options->list, "the claims that come with cellrig");
  verb->add_flag("--all", options->all, "all of them, on the simulated bench: a table");
  verb->add_option("--cells", options->cells, "how many cells; default: as the claim says, 1 with --short")
      ->check(CLI::Range(1, claim_cells_max));
  verb->add_option("--bench", options->bench, "the bench file; with --simulated in place of the claim's");
  verb->add_flag("--simulated", options->simulated, "on simulated cells: every verdict is marked SIMULATED");
  verb->add_option("--cell", options->cell, "the cell file; needed for a real cell, else in place of the claim's");
  verb->add_option("--cell-id", options->cell_ids, "serial numbers, one per cell, in their order");
  verb->add_option("--channel", options->channels, "channels that test at the same time; may be given several times");
  verb->add_option("--recorded", options->recorded,
                   "NAME=RUN[,RUN...]: judge these runs of the database; NAME is a run of the claim");
  verb->add_option("--measured", options->measured, "NAME=NUMBER that was measured elsewhere, as the claim asks for it");
  verb->add_flag("--resume", options->resume,
                 "with --simulated: take the runs that an earlier call finished in this database, and run the others");
  verb->add_flag("--short", options->shortened,
                 "shortened lives and one cell: quick, named in the verdict, and nothing can pass by it");
  verb->add_flag("--variants", options->variants, "also the other readings of what the source left open, on a real bench, too");
  verb->add_flag("--no-variants", options->no_variants, "no other readings on a simulated bench either");
  verb->add_option("--confidence", options->confidence, "of what a sample without a failure shows")
      ->check(CLI::Range(0.5, 0.999));
  verb->add_option("--db", options->database, "the database; made when it does not exist");
  verb->add_option("--seed", options->seed, "of the simulated bench: instruments and cells of the lot");
  verb->add_option("--operator", options->operator_name, "who runs this; default: the login name");
  verb->add_option("--report", options->page, "write a page with the verdicts and their budgets to this file");
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->add_flag("--quiet", options->quiet, "no progress");
  verb->callback([options, &chosen] { chosen = [options] { return run_verify(*options); }; });
}

}  // namespace cellrig::cli
