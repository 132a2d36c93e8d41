#include "controller/cli/verify/claim_runs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <utility>

#include "controller/base/resources.hpp"
#include "controller/base/version.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/files/settings.hpp"
#include "controller/cli/verify/run_evidence.hpp"
#include "db/sha256.hpp"
#include "profiles/estimate.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig::cli {
namespace {

constexpr Duration life_of_months = std::chrono::hours{24 * 30};
constexpr double period_of_months_s =
    2.0;  // of a simulated life, and of what is shortened anyway: as rarely as the watchdog allows

/// A Ctrl-C while no run is there to take it: between two of them, or while one is prepared.
volatile std::sig_atomic_t was_interrupted_between = 0;
void note_interrupt(int /*signal*/) { was_interrupted_between = 1; }

int severity_of(ExitCode code) {
  constexpr std::array<ExitCode, 8> from_worst{ExitCode::safety_trip, ExitCode::record_failed, ExitCode::instrument_failed,
                                               ExitCode::interrupted, ExitCode::terminated,    ExitCode::bad_input,
                                               ExitCode::not_passed,  ExitCode::passed};
  return static_cast<int>(from_worst.end() - std::find(from_worst.begin(), from_worst.end(), code));
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  for (std::size_t to = 0; to != std::string::npos; from = to + 1) {
    to = text.find(at, from);
    parts.push_back(text.substr(from, to == std::string::npos ? to : to - from));
  }
  return parts;
}

Outcome outcome_of(const std::string& status) {
  if (status == "completed") return Outcome::completed;
  if (status == "tripped") return Outcome::tripped;
  if (status == "failed") return Outcome::failed;
  if (status == "running") return Outcome::none;
  return Outcome::stopped;
}

}  // namespace

RunNeed need_of(const Claim& claim, const ClaimRun& run, const ClaimRunChange* change, bool shortened) {
  RunNeed need{run.profile,
               run.cell,
               run.channel,
               run.bench.empty() ? claim.bench : run.bench,
               run.start_soc_pct,
               run.settings,
               shortened && !run.short_settings.empty()};
  if (change != nullptr) {
    if (!change->cell.empty()) need.cell = change->cell;
    if (!change->channel.empty()) need.channel = change->channel;
    for (const auto& [name, value] : change->settings) need.settings[name] = value;
  }
  if (need.is_shortened) {
    for (const auto& [name, value] : run.short_settings) need.settings[name] = value;
  }
  return need;
}

namespace {

double control_period_s(const VerifyOptions& options, const Program& program) {
  return options.shortened || estimate_duration(program) > life_of_months ? period_of_months_s : 0.0;
}

Program program_of_need(const VerifyOptions& options, const RunNeed& need) {
  return compile_program(find_profile(need.profile), find_cell(options.cell.empty() ? need.cell : options.cell),
                         Settings{need.settings.begin(), need.settings.end()});
}

/// Everything that decides what a simulated run comes to. Another version of the program, of a file or of a bench makes another name.
std::string claim_run_name(const RunOptions& run, const Program& program) {
  std::string text =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n", version, program.hash, db::sha256_hex(read_text_file(find_cell(run.cells.front()))),
                  db::sha256_hex(read_text_file(find_bench(run.bench))), run.seed, run.control_period_s);
  for (const std::string& channel : run.channels) text += channel + "\n";
  for (const std::string& id : run.cell_ids) text += id + "\n";
  text += run.cell_instead->soc_pct ? fmt::format("{}\n", *run.cell_instead->soc_pct) : "-\n";
  text += fmt::format("{}\n", run.cell_instead->lot_seed.value_or(0));
  return db::sha256_hex(text);
}

/// The name that a request in the audit trail carries; empty: it was for no claim.
std::string claim_run_in(const std::string& detail) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(detail, error);
  if (error || !parsed.is_object()) return {};
  const boost::json::value* const name = parsed.as_object().if_contains("claim_run");
  return name != nullptr && name->is_string() ? std::string(name->as_string()) : std::string{};
}

}  // namespace

std::map<std::string, CellRun> finished_runs(const std::string& database) {
  std::map<std::string, CellRun> found;
  if (!std::filesystem::exists(database)) return found;
  const std::unique_ptr<db::Reader> reader = open_record(database);
  std::string name;
  for (const db::AuditRow& row : value_or_throw(reader->audit(), database)) {
    if (row.action == "run requested") name = claim_run_in(row.detail);
    if (row.action != "run begun" || name.empty()) continue;
    const std::string claim_run = std::exchange(name, std::string{});  // the next run is whoever's
    const db::RunInfo info = value_or_throw(reader->run(row.run), database);
    const bool has_ended = info.status == "completed" || info.status == "tripped" || info.status == "failed";
    if (!has_ended || info.row.time_source != "virtual") continue;
    found.insert_or_assign(claim_run, CellRun{.run = info.run,
                                              .outcome = outcome_of(info.status),
                                              .reason = info.end ? info.end->reason : info.status,
                                              .cell_id = info.row.cell_id});
  }
  return found;
}

double cost_of(const VerifyOptions& options, const RunNeed& need) {
  try {
    const Program program = program_of_need(options, need);
    const double period_s = control_period_s(options, program);
    return to_seconds(estimate_duration(program)) / (period_s > 0.0 ? period_s : 1.0);
  } catch (const ConfigError&) {
    return 0.0;  // told when it is to be run
  }
}

ClaimRuns::ClaimRuns(const VerifyOptions& options, const Claim& claim, RunsDone& done)
    : options_{options}, claim_{claim}, done_{done} {}

std::string ClaimRuns::cell_id(int cell) const {
  const auto index = static_cast<std::size_t>(cell);
  if (index < options_.cell_ids.size()) return options_.cell_ids[index];
  return options_.simulated ? fmt::format("simulated-{}", cell + 1) : std::string{};
}

/// On a simulated bench the claim's own; on another one those of the command line, or the bench's first.
std::vector<std::string> ClaimRuns::channels_for(const RunNeed& need) const {
  if (!options_.channels.empty()) return options_.channels;
  if (options_.simulated && !need.channel.empty()) return {need.channel};
  return {};
}

RunOptions ClaimRuns::options_for(const RunNeed& need, int first_cell, std::size_t count) const {
  RunOptions run;
  run.profile = need.profile;
  run.bench = !options_.bench.empty() ? options_.bench : options_.simulated ? need.bench : std::string{};
  run.cells = {options_.cell.empty() ? need.cell : options_.cell};
  for (const auto& [name, value] : need.settings) run.settings.push_back(name + "=" + value);
  run.database = options_.database;
  run.operator_name = options_.operator_name;
  run.simulated = options_.simulated;
  run.seed = options_.seed;
  run.quiet = options_.quiet || options_.simulated;
  const std::vector<std::string> channels = channels_for(need);
  for (std::size_t i = 0; i < count && i < channels.size(); ++i) {
    run.channels.push_back(channels[i]);
    if (const std::string id = cell_id(first_cell + static_cast<int>(i)); !id.empty())
      run.cell_ids.push_back(channels[i] + "=" + id);
  }
  if (run.channels.empty()) {
    if (const std::string id = cell_id(first_cell); !id.empty()) run.cell_ids = {id};
  }
  if (!options_.simulated) return run;
  const std::string cell_file = find_cell(run.cells.front());
  run.cell_instead = sim::CellInstead{.file = cell_file,
                                      .soc_pct = need.start_soc_pct,
                                      .keeps_spread = true,
                                      .lot_seed = options_.seed * 1000003U + static_cast<std::uint64_t>(first_cell)};
  const Program program = program_of_need(options_, need);
  run.control_period_s = control_period_s(options_, program);
  run.claim_run = claim_run_name(run, program);
  run.watch = [progress = done_.progress](const ChannelView& view) { progress->look(view); };
  return run;
}

std::string ClaimRuns::describe(const RunNeed& need, int cell, int cells) const {
  return fmt::format("{} with {}{}, cell {} of {}{}", need.profile, options_.cell.empty() ? need.cell : options_.cell,
                     need.channel.empty() ? "" : " on " + need.channel, cell + 1, cells, need.is_shortened ? ", shortened" : "");
}

/// Nothing: it is still to be run.
std::optional<CellRun> ClaimRuns::found_earlier(const RunNeed& need, const RunOptions& run, int cell, int cells) {
  const auto found = done_.earlier.find(run.claim_run);
  if (run.claim_run.empty() || found == done_.earlier.end()) return std::nullopt;
  done_.progress->pass_over(claim_.name, fmt::format("{}: run {} of the record", describe(need, cell, cells), found->second.run),
                            cost_of(options_, need));
  if (found->second.outcome == Outcome::tripped) keep({ExitCode::safety_trip, {}});
  return found->second;
}

void ClaimRuns::begin_run(const RunNeed& need, int cell, int cells) {
  std::optional<Program> program;
  if (options_.simulated) program = program_of_need(options_, need);
  done_.progress->begin_run(claim_.name, describe(need, cell, cells), std::move(program), cost_of(options_, need));
}

/// A run has its own answer to a Ctrl-C, and leaves none behind when it ends. Beside a real bench it ends the program as ever: nothing runs.
bool ClaimRuns::take_interrupt() {
  if (options_.simulated) std::signal(SIGINT, note_interrupt);
  if (was_interrupted_between != 0) keep({ExitCode::interrupted, {}});
  return is_interrupted();
}

/// Between two batches somebody changes the cells. Who cannot be asked must not be believed to have done it.
void ClaimRuns::wait_for_person(const RunNeed& need, int first_cell, std::size_t count) {
  if (options_.simulated || was_first_batch_) {
    was_first_batch_ = false;
    return;
  }
  if (::isatty(STDIN_FILENO) == 0)
    throw ConfigError{SourcePlace{},
                      "the next run needs somebody at the bench, and standard input is no terminal. Run the claim's profiles "
                      "with cellrig run, then judge them: --recorded NAME=RUN"};
  fmt::print(stderr, "Next: {} with cell {}{}. Connect it, look at it, then press Enter (Ctrl-C stops).\n", need.profile,
             first_cell + 1, count > 1 ? fmt::format(" to {}", first_cell + static_cast<int>(count)) : "");
  std::string line;
  if (!std::getline(std::cin, line)) throw ConfigError{SourcePlace{}, "nobody answered: nothing more is run"};
}

void ClaimRuns::keep(const RunOutcome& outcome) {
  if (severity_of(outcome.code) > severity_of(worst_) && outcome.code != ExitCode::not_passed) worst_ = outcome.code;
}

/// What a person says of the bench is not enough: cellrig-sim may answer at the addresses of the file.
bool ClaimRuns::is_recorded_as_simulated(db::RunKey run) const {
  const std::unique_ptr<db::Reader> reader = open_record(options_.database);
  return value_or_throw(reader->run(run), options_.database).origin != db::RunOrigin::measured;
}

const std::vector<CellRun>& ClaimRuns::perform(const RunNeed& need, int cells) {
  std::vector<CellRun>& runs = done_.runs[need];
  while (static_cast<int>(runs.size()) < cells && !take_interrupt()) {
    const int first = static_cast<int>(runs.size());
    const std::size_t at_once = options_.simulated ? 1 : std::max<std::size_t>(1, options_.channels.size());
    const std::size_t count = std::min(at_once, static_cast<std::size_t>(cells - first));
    const RunOptions run_options = options_for(need, first, count);
    if (std::optional<CellRun> earlier = found_earlier(need, run_options, first, cells)) {
      runs.push_back(std::move(*earlier));
      continue;
    }
    begin_run(need, first, cells);
    wait_for_person(need, first, count);
    const RunOutcome outcome = run_profiles_silently(run_options);
    (void)take_interrupt();
    done_.progress->end_run();
    keep(outcome);
    for (std::size_t i = 0; i < count; ++i) {
      CellRun run{.cell_id = cell_id(first + static_cast<int>(i)), .is_simulated = options_.simulated};
      if (i < outcome.results.size()) {
        run.run = outcome.results[i].run;
        run.outcome = outcome.results[i].outcome;
        run.reason = outcome.results[i].reason;
      } else {
        run.reason = "the run was refused; its messages say why";
      }
      if (run.run != 0 && !run.is_simulated) run.is_simulated = is_recorded_as_simulated(run.run);
      runs.push_back(std::move(run));
    }
  }
  return runs;
}

std::vector<CellRun> ClaimRuns::recorded(const std::string& run_name) const {
  std::vector<CellRun> runs;
  for (const std::string& text : options_.recorded) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || claim_.run(text.substr(0, equals)) == nullptr) {
      std::vector<std::string> known;
      for (const ClaimRun& run : claim_.runs) known.push_back(run.name);
      throw ConfigError{SourcePlace{}, "--recorded " + text + ": write NAME=RUN, NAME a run of the claim" +
                                           suggestion(text.substr(0, equals), known)};
    }
    if (text.substr(0, equals) != run_name) continue;
    const std::vector<std::string> numbers = split(text.substr(equals + 1), ',');
    for (const std::string& number : numbers) {
      const bool is_number = !number.empty() && number.size() < 18 && number.find_first_not_of("0123456789") == std::string::npos;
      if (!is_number) throw ConfigError{SourcePlace{}, "--recorded " + text + ": '" + number + "' is no number of a run"};
    }
    const std::unique_ptr<db::Reader> reader = open_record(options_.database);
    for (const std::string& number : numbers) {
      const db::RunInfo info = choose_runs(*reader, std::stoll(number)).front();
      if (std::any_of(runs.begin(), runs.end(), [&](const CellRun& other) { return other.run == info.run; }))
        throw ConfigError{SourcePlace{}, fmt::format("--recorded {}: run {} is named twice", text, info.run)};
      const RunMatch match = match_run(*claim_.run(run_name), info.row);
      runs.push_back({.run = info.run,
                      .outcome = outcome_of(info.status),
                      .reason = info.end                   ? info.end->reason
                                : info.status == "running" ? std::string{}
                                                           : info.status,
                      .cell_id = info.row.cell_id,
                      .is_simulated = info.origin != db::RunOrigin::measured,
                      .is_shortened = match.is_shortened,
                      .difference = match.difference});
    }
  }
  return runs;
}

}  // namespace cellrig::cli
