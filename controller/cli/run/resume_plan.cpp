#include "controller/cli/run/resume_plan.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "controller/cli/record/record_source.hpp"
#include "controller/cli/run/run_session.hpp"
#include "controller/cli/run/unseen_output.hpp"
#include "controller/cli/files/settings.hpp"
#include "controller/runtime/channel_record.hpp"
#include "profiles/cell.hpp"
#include "profiles/reader.hpp"
#include "profiles/parameters_text.hpp"

namespace cellrig::cli {
namespace {

constexpr int answer_poll_ms = 100;

[[noreturn]] void refuse(const std::string& what) { throw ConfigError{SourcePlace{}, what}; }

db::RunKey run_number(const std::string& text) {
  db::RunKey run = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), run);
  if (error != std::errc{} || end != text.data() + text.size() || run <= 0)
    refuse("--resume " + text + ": a run is a number, as `cellrig runs` lists it (several: 3,4)");
  return run;
}

std::vector<db::RunKey> run_numbers(const std::string& text) {
  std::vector<db::RunKey> runs;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    runs.push_back(run_number(text.substr(at, comma - at)));
    at = comma + 1;
  }
  return runs;
}

void refuse_what_the_record_knows(const RunOptions& options) {
  const auto leave_out = [](bool given, const std::string& what) {
    if (given) refuse("--resume takes profile, cell and parameters from the record: leave out " + what);
  };
  leave_out(!options.profile.empty(), "'" + options.profile + "' (several runs: --resume 3,4)");
  leave_out(!options.cells.empty(), "--cell");
  leave_out(!options.settings.empty(), "--set");
  for (const std::string& channel : options.channels)
    leave_out(channel.find('=') != std::string::npos, "the profile in --channel " + channel);
  if (options.simulated)
    refuse("--resume with --simulated: a bench inside a process ends with it, there is no cell to go on with");
}

void add_target(std::vector<ResumeTarget>& targets, ResumeTarget target, const BenchConfig& bench) {
  (void)bench.channel(target.channel);
  for (const ResumeTarget& other : targets) {
    if (other.channel == target.channel)
      refuse(fmt::format("--resume: runs {} and {} are both of channel {}: one program per output", other.run, target.run,
                         target.channel));
  }
  targets.push_back(std::move(target));
}

/// The channel a run began on; another one only when a person says so.
std::string channel_for(const RunOptions& options, const db::RunInfo& info, std::size_t runs) {
  if (options.channels.empty()) return info.row.channel;
  const bool is_named = std::find(options.channels.begin(), options.channels.end(), info.row.channel) != options.channels.end();
  if (is_named) return info.row.channel;
  if (options.accept_changed.empty() || runs != 1 || options.channels.size() != 1)
    refuse(fmt::format("run {} began on channel {}, not on {}: --accept-changed \"REASON\" goes on all the same", info.run,
                       info.row.channel, options.channels.front()));
  return options.channels.front();
}

std::string where(const Interrupted& run, const Step& step) {
  const ChannelState& state = run.point.channel;
  std::string text = fmt::format("step {} '{}'", state.step_count, step.name);
  if (state.in_cycle) text += fmt::format(" of cycle {}", state.cycle);
  return text;
}

std::string all_rules() {
  std::string words;
  for (const InterruptionRule rule :
       {InterruptionRule::resume, InterruptionRule::redo_step, InterruptionRule::skip_step, InterruptionRule::stop})
    words += (words.empty() ? "" : ", ") + std::string(to_string(rule));
  return words;
}

/// A line from the terminal; empty when it ended or the person gave up.
std::string ask_line(const std::function<bool()>& is_interrupted) {
  std::string line;
  while (!is_interrupted()) {
    pollfd ready{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, answer_poll_ms) <= 0) continue;
    char c = 0;
    if (::read(STDIN_FILENO, &c, 1) != 1) return {};
    if (c == '\n') return line;
    line += c;
  }
  return {};
}

InterruptionRule ask_person(const Interrupted& run, const Step& step, const ResumeMoment& moment) {
  const std::string what = fmt::format("run {} was interrupted in {}", run.info.run, where(run, step));
  const bool is_terminal = moment.may_ask && ::isatty(STDIN_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0;
  if (!is_terminal) refuse(what + ", whose rule is 'ask': give --resume-by RULE (" + all_rules() + ")");
  for (;;) {
    fmt::print(stderr, "{}. {}? ", what, all_rules());
    const std::string answer = ask_line(moment.is_interrupted);
    if (answer.empty()) refuse(what + ": nobody said how to go on");
    const std::optional<InterruptionRule> rule = interruption_rule(answer);
    if (rule && *rule != InterruptionRule::ask) return *rule;
    fmt::print(stderr, "'{}' is none of them{}\n", answer, suggestion(answer, {"resume", "redo_step", "skip_step", "stop"}));
  }
}

InterruptionRule choose_rule(const RunOptions& options, const Program& program, const Interrupted& run,
                             const ResumeMoment& moment) {
  if (!options.resume_by.empty()) return *interruption_rule(options.resume_by);
  const Step* const step = interrupted_step(program, run.point.channel);
  if (step == nullptr) return InterruptionRule::resume;  // nothing was cut off
  return step->on_interruption == InterruptionRule::ask ? ask_person(run, *step, moment) : step->on_interruption;
}

void require_acknowledged(const RunOptions& options, const Interrupted& run) {
  if (!run.waits_for_person()) return;
  refuse(
      fmt::format("run {} was ended by a trip that nobody has acknowledged ({}): look at the cell first; a trip is never resumed "
                  "without a person (cellrig db acknowledge --db {} --run {} --operator NAME --reason TEXT)",
                  run.info.run, run.trip, options.database, run.info.run));
}

void require_same_cell(const RunOptions& options, const Interrupted& run, const std::string& cell_id) {
  const std::string& recorded = run.info.row.cell_id;
  if (cell_id.empty() || cell_id == recorded || !options.accept_changed.empty()) return;
  refuse(
      fmt::format("run {} is of cell '{}', not of '{}': a run does not go on with another cell (--accept-changed \"REASON\" "
                  "if only the label is new)",
                  run.info.run, recorded, cell_id));
}

DeviationKind kind_of(const Interrupted& run, const ResumeMoment& moment) {
  if (run.was_off) return DeviationKind::operator_intervention;
  const auto ended_as = [&run](Outcome outcome) { return run.info.status == to_string(outcome); };
  if (run.trip.starts_with(to_string(Hazard::stale_reading))) return DeviationKind::communication_loss;
  if (ended_as(Outcome::instrument_failure)) return DeviationKind::equipment_failure;
  if (ended_as(Outcome::record_failure) || ended_as(Outcome::tripped)) return DeviationKind::premature_termination;
  const bool has_restarted = moment.machine_started && *moment.machine_started > run.last_seen;
  return has_restarted ? DeviationKind::power_outage : DeviationKind::software_error;
}

std::string instrument_text(const BenchConfig& bench, const std::string& name) {
  const auto found = bench.instruments.find(name);
  if (found == bench.instruments.end()) return name;
  std::string text = name + " (" + found->second.model;
  for (const auto& [port, address] : found->second.addresses) text += fmt::format(", {} {}", port, to_string(address));
  for (const auto& [option, value] : found->second.options) text += fmt::format(", {} {}", option, value);
  return text + ")";
}

std::string input_text(const BenchConfig& bench, const std::optional<InputRef>& input) {
  return input ? fmt::format("{} {}", instrument_text(bench, input->instrument), input->index) : "none";
}

std::string number_text(const std::optional<double>& value) { return value ? fmt::format("{}", *value) : "none"; }

template <class Quantity>
std::string quantity_text(const std::optional<Quantity>& quantity) {
  return quantity ? number_text(quantity->value()) : "none";
}

/// What guards a cell on this channel, by the words of the bench file.
std::vector<std::pair<std::string, std::string>> guards_of(const BenchConfig& bench, const ChannelConfig& c) {
  std::string interlocks;
  for (const InputRef& contact : c.interlocks) interlocks += (interlocks.empty() ? "" : ", ") + input_text(bench, contact);
  std::string chamber = "none";
  if (const ChamberConfig* const its = bench.chamber(c.chamber)) {
    chamber = fmt::format("{} {}, {} to {} degC", its->name, instrument_text(bench, its->instrument), its->setpoint_min.value(),
                          its->setpoint_max.value());
  }
  return {{"cycler", instrument_text(bench, bench.instruments.contains(c.cycler) ? c.cycler : "none")},
          {"cell_temperature", input_text(bench, c.cell_temperature)},
          {"ambient_temperature", input_text(bench, c.ambient_temperature)},
          {"voltage", input_text(bench, c.voltage)},
          {"stack_force", input_text(bench, c.stack_force)},
          {"stack_area_cm2", number_text(c.stack_area_cm2)},
          {"gas", input_text(bench, c.gas)},
          {"interlock", interlocks.empty() ? "none" : interlocks},
          {"contactor", input_text(bench, c.contactor)},
          {"chamber", chamber},
          {"voltage_min_V", quantity_text(c.limits.voltage_min)},
          {"voltage_max_V", quantity_text(c.limits.voltage_max)},
          {"charge_current_max_A", quantity_text(c.limits.charge_current_max)},
          {"discharge_current_max_A", quantity_text(c.limits.discharge_current_max)},
          {"cell_temperature_min_degC", quantity_text(c.limits.cell_temperature_min)},
          {"cell_temperature_max_degC", quantity_text(c.limits.cell_temperature_max)},
          {"charge_temperature_min_degC", quantity_text(c.limits.charge_temperature_min)},
          {"stack_pressure_min_MPa", number_text(c.limits.sensors.stack_pressure_min_MPa)},
          {"stack_pressure_max_MPa", number_text(c.limits.sensors.stack_pressure_max_MPa)},
          {"gas_max_ppm", number_text(c.limits.sensors.gas_max_ppm)},
          {"voltage_difference_max_V", number_text(c.limits.sensors.voltage_difference_max_V)},
          {"watchdog_s", fmt::format("{:g}", to_seconds(bench.watchdog_delay))},
          {"accept_without_watchdog", c.accept_without_watchdog.empty() ? "none" : c.accept_without_watchdog}};
}

/// Both as their files say: the addresses that a simulator gives to its instruments differ with each start of it.
void compare_benches(const Interrupted& run, const BenchConfig& now, const std::string& channel,
                     std::vector<std::string>& objections) {
  std::string why_not;
  const std::optional<BenchConfig> began = recorded_bench(run, why_not);
  if (!began) return objections.push_back("the bench it began with is not known: " + why_not);
  const ChannelConfig* const its = find_channel(*began, run.info.row.channel);
  if (its == nullptr) return objections.push_back("the bench it began with has no channel " + run.info.row.channel);
  const BenchConfig present = parse_bench(now.text, now.file);
  const auto before = guards_of(*began, *its);
  const auto after = guards_of(present, present.channel(channel));
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] == after[i]) continue;
    objections.push_back(
        fmt::format("the bench file has changed: {} was {}, now {}", before[i].first, before[i].second, after[i].second));
  }
}

void look_for_later_runs(db::Reader& reader, const RunOptions& options, const Interrupted& run, const std::string& channel,
                         std::vector<std::string>& objections) {
  const std::vector<db::RunKey> later = value_or_throw(later_runs(reader, run, channel), options.database);
  if (later.empty()) return;
  objections.push_back(
      fmt::format("run {} on this channel or with this cell came later: what it moved is not in the counters of "
                  "this one, neither in its overcharge guard",
                  fmt::join(later, ", ")));
}

bool is_told_to_stop(const RunOptions& options) {
  return !options.resume_by.empty() && *interruption_rule(options.resume_by) == InterruptionRule::stop;
}

/// The rule stop energises nothing: a run that is in doubt can always be closed.
bool only_stops(const RunOptions& options, const Program& program, const Interrupted& run) {
  if (!options.resume_by.empty()) return is_told_to_stop(options);
  const Step* const step = interrupted_step(program, run.point.channel);
  return step != nullptr && step->on_interruption == InterruptionRule::stop;
}

void require_person(const RunOptions& options, const Interrupted& run, const std::vector<std::string>& objections) {
  if (objections.empty() || !options.accept_changed.empty()) return;
  refuse(
      fmt::format("run {} does not go on by itself: {}. Look at the cell and the bench first; then --accept-changed \"REASON\" "
                  "goes on all the same, and --resume-by stop closes the run",
                  run.info.run, fmt::join(objections, "; ")));
}

/// Its program, and how far that had come; else why nobody here can go on with it. An error of the record is thrown.
std::string make_program(db::Reader& reader, const std::string& file, Interrupted& run, Program& program) {
  const db::RunRow& row = run.info.row;
  try {
    program = compile(read_profile(row.profile_text, file), read_cell(row.cell_text, file), parameters_of(row.parameters_text));
  } catch (const ConfigError& error) {
    return error.what();
  }
  const Result<void> ready = bring_up_to_date(reader, program, run);
  if (!ready && ready.error().fault != Fault::refused) throw_record_error(reader.path(), ready.error());
  return ready ? "" : ready.error().what;
}

std::string quoted(const std::string& text) {
  const bool is_plain = text.find_first_of(" \t\"'\\$`*?&;|<>()") == std::string::npos;
  return is_plain ? text : "'" + text + "'";
}

/// A comparison that cannot be read is no reason to leave a cell where it is.
void follow_rehearsal(db::Reader& reader, db::RunKey run, Resumed& made) {
  if (const Result<Following> following = following_of(reader, made.program, run)) {
    made.following = *following;
  } else {
    fmt::print(stderr, "cellrig: run {} goes on without being compared with its rehearsal: {}\n", run, following.error().what);
  }
}

}  // namespace

std::vector<ResumeTarget> choose_resumed(const RunOptions& options, const BenchConfig& bench) {
  refuse_what_the_record_knows(options);
  const std::vector<db::RunKey> runs = run_numbers(*options.resume);
  const std::unique_ptr<db::Reader> reader = open_record(options.database);
  std::vector<ResumeTarget> targets;
  for (const db::RunKey run : runs) {
    const db::RunInfo info = choose_runs(*reader, run).front();
    add_target(targets, {run, channel_for(options, info, runs.size())}, bench);
  }
  if (!runs.empty()) return targets;
  std::vector<std::string> channels = options.channels;
  if (channels.empty()) channels.push_back(bench.channels.front().name);
  for (const std::string& channel : channels)
    add_target(targets, {value_or_throw(last_run_of(*reader, channel), options.database), channel}, bench);
  return targets;
}

UtcTime machine_started(const TimeSource& time) {
  const Duration uptime = time.now().time_since_epoch() + time.suspended();
  return UtcTime{time.utc_now().ns_since_epoch - uptime.count()};
}

std::set<std::string> worth_waiting_for(const std::string& database, const std::vector<ResumeTarget>& targets,
                                        std::optional<UtcTime> since) {
  std::set<std::string> channels;
  const Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(database);
  if (!reader) return channels;
  for (const ResumeTarget& target : targets) {
    if (target.run == 0) continue;
    const Result<Interrupted> run = find_interrupted(**reader, target.run);
    if (run && !run->waits_for_person() && (!since || run->last_seen < *since)) channels.insert(target.channel);
  }
  return channels;
}

Resumed load_resumed(const RunOptions& options, const ResumeTarget& target, const ResumeMoment& start) {
  const std::unique_ptr<db::Reader> reader = open_record(options.database);
  Resumed made;
  made.file = fmt::format("run {} in {}", target.run, options.database);
  Interrupted run = value_or_throw(find_interrupted(*reader, target.run), options.database);
  ResumeMoment moment = start;
  moment.is_elsewhere = run.info.row.channel != target.channel;
  require_acknowledged(options, run);
  require_same_cell(options, run, moment.cell_id);
  std::string& cannot_go_on = made.continuation.cannot_go_on;
  cannot_go_on = make_program(*reader, made.file, run, made.program);
  if (!cannot_go_on.empty()) {
    if (!is_told_to_stop(options)) refuse(fmt::format("{}: {} (--resume-by stop closes it)", options.database, cannot_go_on));
    made.program = Program{};
  } else {
    follow_rehearsal(*reader, target.run, made);
  }
  const FoundBefore before = found_on_before(*reader, run);
  const UnseenTime unseen = unseen_time(run, moment, target.channel, before);
  std::vector<std::string>& objections = made.continuation.objections;
  if (unseen.is_doubtful) objections.push_back(describe_found(run, moment, before, unseen));
  if (unseen.is_doubtful && moment.keep_found_on && is_news(run, moment, before)) moment.keep_found_on(objections.back());
  if (!unseen.is_doubtful && unseen.is_unknown && !run.was_off)
    objections.push_back("without a watchdog the output may have been on until this start; " + describe_bound(unseen));
  made.continuation.unseen = bound_unseen(cannot_go_on.empty() ? &made.program : nullptr, run, moment, before, unseen);
  if (!cannot_go_on.empty()) objections.push_back(cannot_go_on);
  if (!run.stop.empty()) objections.push_back("it was being stopped when its process died: " + run.stop);
  compare_benches(run, *moment.bench, target.channel, objections);
  look_for_later_runs(*reader, options, run, target.channel, objections);
  if (!only_stops(options, made.program, run)) require_person(options, run, objections);
  made.continuation.rule = choose_rule(options, made.program, run, moment);
  made.continuation.kind = kind_of(run, moment);
  made.continuation.accepted_change = options.accept_changed;
  made.continuation.operator_name = options.operator_name;
  made.continuation.run = std::move(run);
  return made;
}

std::string resume_command(const RunOptions& options, const std::vector<db::RunKey>& runs) {
  std::string command = fmt::format("cellrig run --resume {} --bench {} --db {}", fmt::join(runs, ","), quoted(options.bench),
                                    quoted(options.database));
  if (!options.ready_file.empty()) command += " --simulator " + quoted(options.ready_file);
  if (!options.time.empty()) command += " --time " + options.time;
  return command;
}

}  // namespace cellrig::cli
