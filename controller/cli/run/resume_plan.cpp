#include "controller/cli/run/resume_plan.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "controller/cli/record/record_source.hpp"
#include "controller/cli/run/run_session.hpp"
#include "controller/cli/files/settings.hpp"
#include "controller/runtime/channel_record.hpp"
#include "profiles/cell.hpp"
#include "profiles/reader.hpp"
#include "profiles/parameters_text.hpp"

namespace cellrig::cli {
namespace {

/// A row is committed within 250 ms, a resume point at once: what a dead process had seen last is so much older at most.
constexpr Duration real_interval = std::chrono::seconds{1};
constexpr Duration lockstep_interval = std::chrono::seconds{60};
constexpr Duration virtual_interval = std::chrono::minutes{10};
constexpr Duration rows_late_max = std::chrono::minutes{10};  ///< of simulated time
constexpr Duration watchdog_margin = std::chrono::seconds{1};
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
  if (ended_as(Outcome::record_failure) || ended_as(Outcome::tripped) || ended_as(Outcome::instrument_failure))
    return DeviationKind::premature_termination;
  const bool has_restarted = moment.machine_started && *moment.machine_started > run.last_seen;
  return has_restarted ? DeviationKind::power_outage : DeviationKind::software_error;
}

/// The bench that a run began with; nothing, with the reason, when its text cannot be read here.
std::optional<BenchConfig> recorded_bench(const Interrupted& run, std::string& why_not) {
  try {
    return parse_bench(run.info.row.bench_text, fmt::format("the bench file of run {}", run.info.run));
  } catch (const ConfigError& error) {
    why_not = error.what();
    return std::nullopt;
  }
}

const ChannelConfig* find_channel(const BenchConfig& bench, const std::string& name) {
  const auto found =
      std::find_if(bench.channels.begin(), bench.channels.end(), [&](const ChannelConfig& c) { return c.name == name; });
  return found == bench.channels.end() ? nullptr : &*found;
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

/// An output that should have been off and was found on by an earlier start, since the run was heard of last.
struct FoundBefore {
  bool is_found = false;
  std::optional<UtcTime> off_at;  ///< that start switched it off; nothing: its OFF was not confirmed
  Amps current{};                 ///< that it saw; 0: none, or the instrument did not answer
};

FoundBefore found_on_before(db::Reader& reader, const RunOptions& options, const Interrupted& run) {
  FoundBefore before;
  for (const db::EventRow& event : value_or_throw(reader.events(0), options.database)) {
    if (event.utc < run.last_seen) continue;
    const bool was_off = event.kind == found_on_event(run.info.run, true);
    if (!was_off && event.kind != found_on_event(run.info.run, false)) continue;
    before.is_found = true;
    before.off_at = was_off ? std::optional{event.utc} : std::nullopt;
    before.current = worse_of(before.current, Amps{event.value.value_or(0.0)});
  }
  return before;
}

/// How long an output can have been on that nobody saw, and whether it is for a person to say so.
struct UnseenTime {
  Duration time{};
  bool is_found_on = false;  ///< although its watchdog, or the OFF that was confirmed, should have ended that
};

/// As far as the look of this start knows.
bool can_be_on(const Interrupted& run, const ResumeMoment& moment) {
  if (moment.is_elsewhere) return false;
  return run.was_off ? moment.found.is_known && moment.found.is_on : !moment.found.is_known || moment.found.is_on;
}

/// Until when it may have been on. A later look that cannot say that it was off outdates what an earlier start did.
UtcTime may_have_been_on_until(const Interrupted& run, const ResumeMoment& moment, const FoundBefore& before) {
  if (moment.is_elsewhere) return before.off_at.value_or(moment.now);
  return before.off_at && moment.is_off && !can_be_on(run, moment) ? *before.off_at : moment.utc;
}

/// It is not in the record yet.
bool is_news(const Interrupted& run, const ResumeMoment& moment, const FoundBefore& before) {
  if (moment.is_elsewhere) return false;
  if (!before.is_found) return true;
  if (!moment.is_off) return before.off_at.has_value();
  return !before.off_at || (can_be_on(run, moment) && *before.off_at < moment.utc);
}

/// What a watchdog promises is believed only as long as nothing contradicts it.
UnseenTime unseen_time(const Interrupted& run, const ResumeMoment& moment, const std::string& channel,
                       const FoundBefore& before) {
  std::string ignored;
  const std::optional<BenchConfig> began = recorded_bench(run, ignored);
  const ChannelConfig* const its = began ? find_channel(*began, run.info.row.channel) : nullptr;
  Duration delay = moment.bench->watchdog_delay;
  if (began) delay = std::max(delay, began->watchdog_delay);
  const bool has_watchdog =
      moment.bench->channel(channel).accept_without_watchdog.empty() && (its == nullptr || its->accept_without_watchdog.empty());
  // Its last question may be a control period younger than its last word, and fed the watchdog.
  const Duration silence = std::max(resume_point_interval_of(run.info.row.time_source), run.info.row.control_period);
  const Duration usual = delay + watchdog_margin + silence;
  if (moment.has_run_here) return {usual, false};
  const UtcTime off_at = may_have_been_on_until(run, moment, before);
  const Duration elapsed{off_at.ns_since_epoch - run.last_seen.ns_since_epoch};
  // Simulated time is ahead of the disk by as much as the disk is slow: a late row is no watchdog that failed.
  const Duration patience = run.info.row.time_source == "real" ? usual : usual + rows_late_max;
  const bool is_overdue = elapsed > patience || elapsed < Duration::zero();  // a clock that was set back says nothing
  UnseenTime unseen{usual, before.is_found || (can_be_on(run, moment) && (is_overdue || run.was_off || !moment.is_off))};
  if (unseen.is_found_on || !has_watchdog) unseen.time = std::max(usual, elapsed);
  return unseen;
}

ResumeMoment moment_for(const ResumeMoment& start, const Interrupted& run, const ResumeTarget& target) {
  ResumeMoment moment = start;
  moment.is_elsewhere = run.info.row.channel != target.channel;
  return moment;
}

std::string describe_found(const Interrupted& run, const ResumeMoment& moment, const FoundBefore& before,
                           const UnseenTime& unseen) {
  const std::string should = run.was_off ? "its OFF had been confirmed" : "its watchdog should have fired";
  const std::string bound = fmt::format("for up to {:.0f} s nobody saw what flowed", to_seconds(unseen.time));
  const bool is_of_now = !before.is_found || can_be_on(run, moment);
  if (!is_of_now && !before.off_at)
    return fmt::format("the output was found on by an earlier start, whose OFF was not confirmed; {}", bound);
  if (!is_of_now) return fmt::format("the output was found on by an earlier start although {}; {}", should, bound);
  if (!moment.found.is_known)
    return fmt::format("the instrument did not say whether its output was still on when this start {}; {}",
                       moment.is_off ? "switched it off" : "wanted to switch it off", bound);
  if (!moment.is_off)
    return fmt::format("the output was found on with {:+.3f} A and did not confirm OFF; {}", moment.found.current.value(), bound);
  return fmt::format("the output was found on with {:+.3f} A although {}; {}", moment.found.current.value(), should, bound);
}

/// What flowed at the look counts like what was measured last.
UnseenCharge bound_unseen(const Program& program, const Interrupted& run, const ResumeMoment& moment, const FoundBefore& before,
                          const UnseenTime& unseen) {
  if (!unseen.is_found_on) return unseen_of(program, run, unseen.time);
  UnseenCharge charge = unseen_charge(program, run.point.channel, unseen.time);
  charge.current = worse_of(worse_of(charge.current, moment.found.current), before.current);
  charge.after_end = run.charge_after_end;
  return charge;
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

/// The rule stop energises nothing: a run that is in doubt can always be closed.
bool only_stops(const RunOptions& options, const Program& program, const Interrupted& run) {
  if (!options.resume_by.empty()) return *interruption_rule(options.resume_by) == InterruptionRule::stop;
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

std::string quoted(const std::string& text) {
  const bool is_plain = text.find_first_of(" \t\"'\\$`*?&;|<>()") == std::string::npos;
  return is_plain ? text : "'" + text + "'";
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

std::string found_on_event(db::RunKey run, bool is_off) {
  return fmt::format("output found on{}, run {}", is_off ? "" : " and not switched off", run);
}

Duration resume_point_interval_of(const std::string& time_source) {
  if (time_source == "real") return real_interval;
  return time_source == "lockstep" ? lockstep_interval : virtual_interval;
}

void keep_what_was_found(const RunOptions& options, const ResumeTarget& target, const ResumeMoment& start) {
  const std::unique_ptr<db::Reader> reader = open_record(options.database);
  const Result<Interrupted> run = find_interrupted(*reader, target.run);
  if (!run) return;  // it goes on no more
  const ResumeMoment moment = moment_for(start, *run, target);
  const FoundBefore before = found_on_before(*reader, options, *run);
  const UnseenTime unseen = unseen_time(*run, moment, target.channel, before);
  if (unseen.is_found_on && is_news(*run, moment, before)) moment.keep_found_on(describe_found(*run, moment, before, unseen));
}

Resumed load_resumed(const RunOptions& options, const ResumeTarget& target, const ResumeMoment& start) {
  const std::unique_ptr<db::Reader> reader = open_record(options.database);
  Resumed made;
  made.file = fmt::format("run {} in {}", target.run, options.database);
  Interrupted run = value_or_throw(find_interrupted(*reader, target.run), options.database);
  const ResumeMoment moment = moment_for(start, run, target);
  require_acknowledged(options, run);
  require_same_cell(options, run, moment.cell_id);
  const db::RunRow& row = run.info.row;
  made.program =
      compile(read_profile(row.profile_text, made.file), read_cell(row.cell_text, made.file), parameters_of(row.parameters_text));
  value_or_throw(bring_up_to_date(*reader, made.program, run), options.database);
  // A comparison that cannot be read is no reason to leave a cell where it is.
  if (const Result<Following> following = following_of(*reader, made.program, target.run)) {
    made.following = *following;
  } else {
    fmt::print(stderr, "cellrig: run {} goes on without being compared with its rehearsal: {}\n", target.run,
               following.error().what);
  }
  const FoundBefore before = found_on_before(*reader, options, run);
  const UnseenTime unseen = unseen_time(run, moment, target.channel, before);
  std::vector<std::string>& objections = made.continuation.objections;
  if (unseen.is_found_on) objections.push_back(describe_found(run, moment, before, unseen));
  if (unseen.is_found_on && is_news(run, moment, before)) moment.keep_found_on(objections.back());
  made.continuation.unseen = bound_unseen(made.program, run, moment, before, unseen);
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
