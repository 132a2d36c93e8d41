#include "controller/cli/serve/serve_prepare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <exception>
#include <set>
#include <utility>

#include "controller/base/config_error.hpp"
#include "controller/cli/bench/bench_context.hpp"
#include "controller/cli/bench/host.hpp"
#include "controller/cli/bench/simulated_cell.hpp"
#include "controller/cli/files/added_cell.hpp"
#include "controller/cli/files/catalogue.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/run/run_start.hpp"
#include "controller/cli/files/settings.hpp"
#include "controller/cli/bench/start_parts.hpp"
#include "profiles/check.hpp"

namespace cellrig::cli {
namespace {

ControlError error_of(const ConfigError& error, ControlFault fault) {
  const bool has_place = !error.place().file.empty();
  return {.fault = fault, .message = error.message(), .where = has_place ? to_string(error.place()) : std::string{}};
}

ControlError unknown_name(const std::string& what, const std::string& name, const std::map<std::string, std::string>& files) {
  std::vector<std::string> known;
  for (const auto& [other, file] : files) known.push_back(other);
  return {.fault = ControlFault::not_found,
          .message = "no " + what + " '" + name + "'" + suggestion(name, known),
          .where = what,
          .nearest = nearest_word(name, known)};
}

/// One that was there yesterday, and whose file was edited since, says so.
ControlError unknown_cell(const Library& library, const std::string& name) {
  ControlError error = unknown_name("cell", name, library.cells());
  for (const Library::IgnoredCell& cell : library.ignored_cells()) {
    if (cell.name == name) error.message += "; " + cell.file + " is ignored: " + cell.why;
  }
  return error;
}

/// Of a client that gave no cell: the one that a simulated bench holds, as `run` takes it, and nothing on a real one.
std::string cell_name_of(const PrepareParts& parts, const StartOrder& order) {
  return order.cell.empty() && parts.is_simulated ? simulated_cell_of(parts.bench, order.channel) : order.cell;
}

void add_findings(const PrepareParts& parts, const StartOrder& order, const std::string& profile_file, PreparedStart& made,
                  std::optional<ControlError>& refused) {
  const CheckContext context = check_context(parts.bench, parts.bench.channel(order.channel), profile_file);
  for (const Finding& finding : check(*made.program, context)) {
    const bool is_error = finding.severity == Severity::error;
    made.lines.push_back({"profile", is_error ? CheckLine::State::refused : CheckLine::State::warning, to_string(finding)});
    if (is_error && !refused)
      refused = ControlError{.fault = ControlFault::refused, .message = finding.message, .where = to_string(finding.place)};
  }
  if (made.lines.empty()) made.lines.push_back({"profile", CheckLine::State::ok, "nothing to object to"});
}

/// As `run` does: on a real bench always, on a simulated one when it was asked for.
void rehearse_if_due(const PrepareParts& parts, const StartOrder& order, const PrepareContext& context,
                     const std::string& profile_file, const std::string& cell_file, PreparedStart& made) {
  const bool is_due = !parts.is_simulated || parts.options.require_proofs || parts.options.expect;
  if (!order.without_rehearsal.empty()) {
    made.rehearsed = "without: " + order.without_rehearsal;
    made.lines.push_back({"rehearsal", CheckLine::State::warning, made.rehearsed});
    return;
  }
  if (!is_due) return;
  if (!context.is_rehearsed) {
    made.lines.push_back({"rehearsal", CheckLine::State::ok, "it is rehearsed first, with the output off"});
    return;
  }
  StartRehearsal wanted{.program = *made.program,
                        .bench = parts.bench,
                        .channel = order.channel,
                        .profile_file = profile_file,
                        .cell_file = cell_file,
                        .seed = parts.options.seed,
                        .expected_charge = made.expected_charge,
                        .is_simulated = parts.is_simulated};
  wanted.goes_on = [&context](const ChannelView&) { return !context.is_given_up || !context.is_given_up(); };
  wanted.say = [&made](db::Severity severity, const std::string& text) {
    const bool is_info = severity == db::Severity::info;
    made.lines.push_back({"rehearsal", is_info ? CheckLine::State::ok : CheckLine::State::warning, text});
  };
  const Rehearsed rehearsed = rehearse_start(wanted);
  made.rehearsed = rehearsed.summary;
  made.following.expected = rehearsed.expected;
}

ControlResult<PreparedStart> prepare_by_names(const PrepareParts& parts, const StartOrder& order, const PrepareContext& context) {
  const std::optional<std::string> profile_file = parts.library.profile_file(order.profile);
  if (!profile_file) return unknown_name("profile", order.profile, parts.library.profiles());
  const std::string cell = cell_name_of(parts, order);
  if (cell.empty())
    return ControlError{
        .fault = ControlFault::bad_input, .message = "which cell is connected? Give its cell file's name", .where = "cell"};
  const std::optional<std::string> cell_file = parts.library.cell_file(cell);
  if (!cell_file) return unknown_cell(parts.library, cell);
  PreparedStart made;
  std::optional<ControlError> refused;
  try {
    made.program = std::make_shared<const Program>(compile_program(*profile_file, *cell_file, order.parameters));
    RunOptions expected = parts.options;
    expected.expected_charges.clear();
    if (!order.expected_charge_pct.empty()) expected.expected_charges.push_back(order.expected_charge_pct);
    made.expected_charge = expected_charge_of(expected, order.channel, *cell_file);
    add_findings(parts, order, *profile_file, made, refused);
  } catch (const ConfigError& error) {
    return error_of(error, ControlFault::bad_input);
  }
  if (refused && context.is_rehearsed) return *refused;
  try {
    if (!parts.options.simulated)
      refuse_unacknowledged_trip(parts.options.database, order.channel, made.program->cell_name, order.cell_id,
                                 context.acknowledged);
    rehearse_if_due(parts, order, context, *profile_file, *cell_file, made);
  } catch (const ConfigError& error) {
    return error_of(error, ControlFault::refused);
  }
  made.row = run_row_of({.program = *made.program,
                         .bench = parts.bench,
                         .cell_file = *cell_file,
                         .cell_id = order.cell_id,
                         .operator_name = order.who.name,
                         .time_name = parts.time_name,
                         .seed = parts.options.seed,
                         .control_period = parts.control_period});
  return made;
}

ControlResult<PreparedStart> load(const PrepareParts& parts, const GoOnOrder& order, ResumeMoment& moment) {
  RunOptions options = parts.options;
  options.resume = std::to_string(order.run);
  options.channels = {order.channel};
  options.resume_by = order.rule;
  options.accept_changed = order.accept_changed;
  options.operator_name = order.who.name;
  options.simulated = false;  // a bench in this process was refused before
  const std::optional<InterruptionRule> rule = order.rule.empty() ? InterruptionRule::stop : interruption_rule(order.rule);
  if (!rule || *rule == InterruptionRule::ask) {
    const std::vector<std::string> known{"resume", "redo_step", "skip_step", "stop"};
    return ControlError{.fault = ControlFault::bad_input,
                        .message = "'" + order.rule + "' is no rule" + suggestion(order.rule, known),
                        .where = "rule",
                        .nearest = nearest_word(order.rule, known)};
  }
  const std::vector<ResumeTarget> targets = choose_resumed(options, parts.bench);
  Resumed resumed = load_resumed(options, targets.front(), moment);
  // Also of its cell on another channel. A run that is only closed energises nothing.
  if (resumed.continuation.rule != InterruptionRule::stop) {
    const db::RunRow& row = resumed.continuation.run.info.row;
    refuse_unacknowledged_trip(options.database, order.channel, row.cell_name, row.cell_id);
  }
  PreparedStart made;
  made.program = std::make_shared<const Program>(std::move(resumed.program));
  made.goes_on = std::move(resumed.continuation);
  made.goes_on->operator_name = order.who.name;
  made.goes_on->host = host_name();
  made.following = std::move(resumed.following);
  return made;
}

void strike_out_known(std::vector<KeptCells::Cell>& cells, const std::string& database) {
  if (cells.empty()) return;
  const std::unique_ptr<db::Reader> reader = open_record(database);
  const auto strike_out = [&cells](const db::AuditRow& row) {
    std::erase_if(cells, [&row](const KeptCells::Cell& cell) {
      return row.verb == "serve" && row.detail.find(cell.sha256) != std::string::npos;
    });
    return !cells.empty();
  };
  value_or_throw(reader->for_each_audit("cell file added", strike_out), database);
}

}  // namespace

std::pair<std::string, std::uint16_t> address_and_port(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  std::uint16_t port = 0;
  const char* const begin = listen.data() + (colon == std::string::npos ? 0 : colon + 1);
  const char* const end = listen.data() + listen.size();
  const auto [parsed, error] = std::from_chars(begin, end, port);
  if (colon == std::string::npos || error != std::errc{} || parsed != end)
    throw ConfigError{SourcePlace{}, "--listen " + listen + ": write ADDRESS:PORT, as 127.0.0.1:8230"};
  return {listen.substr(0, colon), port};
}

ControlResult<PreparedStart> prepare_start(const PrepareParts& parts, const StartOrder& order, const PrepareContext& context) {
  try {
    return prepare_by_names(parts, order, context);
  } catch (const ConfigError& error) {
    return error_of(error, ControlFault::refused);
  } catch (const std::exception& error) {
    return ControlError{.fault = ControlFault::failed, .message = error.what()};
  }
}

ControlResult<PreparedStart> prepare_go_on(const PrepareParts& parts, const GoOnOrder& order, ResumeMoment moment) {
  moment.bench = &parts.bench;
  moment.may_ask = false;
  moment.is_interrupted = [] { return true; };
  try {
    return load(parts, order, moment);
  } catch (const ConfigError& error) {
    return error_of(error, ControlFault::refused);
  } catch (const std::exception& error) {
    return ControlError{.fault = ControlFault::failed, .message = error.what()};
  }
}

std::vector<InterruptedRun> unfinished_runs(db::Reader& reader, const BenchConfig& bench) {
  std::vector<InterruptedRun> unfinished;
  const std::vector<db::RunInfo> runs = choose_runs(reader, std::nullopt);
  for (const ChannelConfig& channel : bench.channels) {
    const auto last =
        std::find_if(runs.rbegin(), runs.rend(), [&](const db::RunInfo& r) { return r.row.channel == channel.name; });
    if (last == runs.rend() || last->end || last->row.time_source != "real") continue;
    unfinished.push_back({.channel = channel.name,
                          .run = last->run,
                          .cell = last->row.cell_name,
                          .cell_id = last->row.cell_id,
                          .profile = last->row.profile_name,
                          .prepared = ControlError{}});
  }
  return unfinished;
}

std::map<std::string, db::RunKey> last_runs(db::Reader& reader, const BenchConfig& bench) {
  std::map<std::string, db::RunKey> last;
  for (const db::RunInfo& info : choose_runs(reader, std::nullopt)) {
    const auto is_its = [&info](const ChannelConfig& channel) { return channel.name == info.row.channel; };
    const bool is_here = std::any_of(bench.channels.begin(), bench.channels.end(), is_its);
    if (is_here && info.row.time_source == "real") last[info.row.channel] = info.run;
  }
  return last;
}

std::vector<std::string> chambers_without_run(const BenchConfig& bench, const std::vector<InterruptedRun>& interrupted) {
  std::set<std::string> wanted, needed;
  for (const InterruptedRun& run : interrupted) {
    const std::string& chamber = bench.channel(run.channel).chamber;
    if (chamber.empty()) continue;
    const bool goes_on = run.prepared && run.prepared->goes_on && run.prepared->goes_on->rule != InterruptionRule::stop;
    const bool uses_it = !run.prepared || run.prepared->program->needs_chamber;
    if (uses_it) (goes_on ? needed : wanted).insert(chamber);
  }
  for (const std::string& chamber : needed) wanted.erase(chamber);
  return {wanted.begin(), wanted.end()};
}

namespace {

OpenTrip open_trip(db::Reader& reader, const std::string& channel, db::RunKey run) {
  const db::RunInfo info = value_or_throw(reader.run(run), reader.path());
  OpenTrip trip{.channel = channel,
                .run = run,
                .cell = info.row.cell_name,
                .cell_id = info.row.cell_id,
                .profile = info.row.profile_name,
                .text = fmt::format("run {} was ended by a safety trip", run)};
  for (const db::EventRow& event : value_or_throw(reader.events(run), reader.path())) {
    const bool is_heat = event.kind == db::heat_after_end_event;
    if (event.severity == db::Severity::trip || is_heat) trip.text = fmt::format("run {}: {}", run, event.message);
  }
  return trip;
}

}  // namespace

std::vector<OpenTrip> open_trips(db::Reader& reader, const BenchConfig& bench) {
  std::vector<OpenTrip> open;
  for (const ChannelConfig& channel : bench.channels) {
    const std::optional<std::string> heat = value_or_throw(reader.unacknowledged_heat(channel.name), reader.path());
    if (heat) open.push_back({.channel = channel.name, .text = *heat});
    for (const db::RunKey run : value_or_throw(reader.unacknowledged_trips(channel.name, "", ""), reader.path()))
      open.push_back(open_trip(reader, channel.name, run));
  }
  return open;
}

NumbersBase numbers_base(const std::string& database, UtcTime now) {
  constexpr std::int64_t ns_per_s = 1'000'000'000;
  constexpr std::uint64_t base_end = std::uint64_t{1} << 32;
  NumbersBase numbers{.base = static_cast<std::uint64_t>(std::max<std::int64_t>(1, now.ns_since_epoch / ns_per_s)),
                      .problem = {}};
  const auto last = [&]() -> Result<std::uint64_t> {
    const Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(database);
    if (!reader) return reader.error();
    const Result<std::string> detail = (*reader)->last_audit_detail("bench opened");
    if (!detail) return detail.error();
    boost::system::error_code error;
    const boost::json::value value = boost::json::parse(detail->empty() ? "{}" : *detail, error);
    const boost::json::value* const number = !error && value.is_object() ? value.get_object().if_contains(numbers_key) : nullptr;
    return number != nullptr && number->is_int64() ? static_cast<std::uint64_t>(number->get_int64()) : std::uint64_t{0};
  }();
  if (!last) {
    numbers.problem = last.error().what;
  } else if (*last + 1 >= base_end) {
    numbers.problem = "the one before stands at the end of all numbers";
  } else {
    numbers.base = std::max(numbers.base, *last + 1);
  }
  return numbers;
}

std::vector<api::ServerChange> doubtful_cells(const std::string& database, const Library& library) {
  const std::string folder = cells_beside(database);
  std::vector<api::ServerChange> found;
  for (const Library::IgnoredCell& cell : library.ignored_cells()) {
    api::ServerChange change{.action = "cell file ignored", .is_trouble = true};
    change.text = "cell file " + cell.file + " is ignored, and no run can name it: " + cell.why;
    change.what_to_do = "Remove it from " + folder + ". A cell is added over the interface, or lies in a folder of --cells.";
    found.push_back(std::move(change));
  }
  std::vector<KeptCells::Cell> cells = kept_cells(folder).cells;
  std::string problem;
  try {
    strike_out_known(cells, database);
  } catch (const std::exception& error) {
    problem = std::string{" ("} + error.what() + ")";
  }
  for (const KeptCells::Cell& cell : cells) {
    api::ServerChange change{.action = "cell file found", .is_trouble = true};
    change.text = "cell file '" + cell.name + "', sha256 " + cell.sha256 + ", lies beside the record, and ";
    change.text += problem.empty() ? "nobody is recorded who added it" : "the record does not say who added it" + problem;
    change.what_to_do =
        "Compare its limits with the cell's data sheet before a run. Then add it once more over the interface, under "
        "this name, or remove it from " +
        folder + ".";
    found.push_back(std::move(change));
  }
  return found;
}

}  // namespace cellrig::cli
