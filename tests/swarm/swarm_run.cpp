#include "tests/swarm/swarm_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "controller/base/resources.hpp"
#include "controller/cli/bench/bench_context.hpp"
#include "controller/cli/bench/instruments.hpp"
#include "controller/cli/run/resume_plan.hpp"
#include "controller/cli/bench/second_controller.hpp"
#include "controller/cli/run/simulated_person.hpp"
#include "db/reader.hpp"
#include "profiles/cell.hpp"
#include "profiles/compile.hpp"
#include "profiles/reader.hpp"
#include "sim/faults.hpp"
#include "sim/net/in_process.hpp"
#include "tests/support/bench_harness.hpp"
#include "tests/swarm/fault_menu.hpp"
#include "tests/swarm/swarm_run_impl.hpp"

namespace cellrig::swarm {
namespace {

using namespace std::chrono_literals;

constexpr Duration run_time_max = 1000h;    ///< no plan is longer by far: whoever is, never ends
constexpr Duration look_again_min = 10ms;   ///< while something is not as it should be for ever
constexpr Duration look_again_max = 100ms;  ///< where nobody measures more often than once a second
constexpr int looks_per_period = 10;
constexpr Duration look_closely = 10s;  ///< after a fault begins or ends
constexpr Duration look_closely_step = 50ms;
constexpr Duration period_long_rest = 10s;  ///< or half the watchdog's delay
constexpr std::uint64_t plenty_bytes = std::uint64_t{1} << 40U;
/// 1 % of the nominal capacity, of cells that have lost 15 % of it, and the measurement in which it is noticed.
constexpr Duration gone_on_for = 10min;  ///< after a death, before the person comes
constexpr std::string_view stopped_by_person = "a person has seen enough";

/// Where nobody measures the temperature, the rates by temperature would leave a crawl: such a bench gets a cell that names none.
Cell the_cell(const Plan& plan) {
  static std::map<std::string, Cell> known;
  if (!known.contains(plan.cell)) known.emplace(plan.cell, read_cell_file(find_cell(plan.cell)));
  Cell cell = known.at(plan.cell);
  if (!plan.logger.empty()) return cell;
  cell.limits.charge_current_by_temperature = {};
  cell.limits.discharge_current_by_temperature = {};
  return cell;
}

/// A text that is made here may name a table of the library's courses.
Profile profile_of(const std::string& name_or_text) {
  static std::map<std::string, Profile> library;
  static const std::string folder = std::filesystem::path{find_profile("robot-shift")}.parent_path().string();
  if (name_or_text.find('\n') != std::string::npos) return read_profile(name_or_text, folder + "/profile.yaml");
  const auto known = library.find(name_or_text);
  if (known != library.end()) return known->second;
  return library.emplace(name_or_text, read_profile_file(find_profile(name_or_text))).first->second;
}

}  // namespace

void WatchedTime::served() {
  if (is_watched_) run_.look();
}

/// One folder for all runs of this process, emptied by each.
const std::string& work_folder() {
  static const std::string folder = test::temporary_folder();
  return folder;
}

SwarmRun::SwarmRun(const Plan& plan, Recording recording) : plan_{plan}, recording_{recording}, folder_{work_folder()} {
  const std::string file = folder_ + "/bench.yaml";
  std::ofstream{file} << plan.bench;
  config_ = load_bench(file);
  bench_ = sim::SimulatedBench::load(file, sim::BenchOptions{{cell_directory()}, plan.seed, "", &host_});
  host_.ends_by([this] { die(); });
  host_.second_controller_is([this](bool is_forced) { return compete_once(this, is_forced); });
  judge_ = std::make_unique<Judge>(plan, config_, *bench_, trace_);
  for (const ChannelPlan& channel : plan.channels) {
    Program& program = programs_[channel.name] = compile(profile_of(channel.profile), the_cell(plan), channel.settings);
    const std::vector<Finding> found = check(program, cli::check_context(config_, config_.channel(channel.name), "profile.yaml"));
    std::string errors;
    for (const Finding& finding : found) {
      if (finding.severity == cellrig::Severity::error) errors += to_string(finding) + "\n";
    }
    if (!errors.empty()) throw std::logic_error("the plan does not pass check: " + describe(plan) + errors);
    judge_->watch(channel.name, program);
  }
  make_recorder();
  make_controller();
}

std::vector<std::string> SwarmRun::channel_names() const {
  std::vector<std::string> names;
  for (const ChannelPlan& channel : plan_.channels) names.push_back(channel.name);
  return names;
}

double SwarmRun::moved_Ah(const std::string& channel) const {
  return bench_->world().stage(bench_->channel(channel)->cell).cell().state().throughput_Ah;
}

UncommittedTail::Moved SwarmRun::all_moved_Ah() const {
  UncommittedTail::Moved moved;
  for (const ChannelPlan& channel : plan_.channels) moved[channel.name] = moved_Ah(channel.name);
  return moved;
}

/// What lives and dies with a process. The world and its clock stay.
void SwarmRun::make_controller() {
  const std::unique_ptr<cli::LinkMaker> links = cli::in_process_links(time_, *bench_);
  instruments_ = cli::make_instruments(time_, config_, channel_names(), *links);
  bench_run_ = std::make_unique<BenchRun>(time_, config_, instruments_, *tail_, *this, run_options());
}

void SwarmRun::make_recorder() {
  recorder_ = std::make_unique<WatchedRecorder>(
      trace_, [this](const char* invariant, const std::string& what) { judge_->complain(invariant, "", what, time_.now()); });
  recorder_->on_end(
      [this](const std::string& channel, const std::string& status) { judge_->ended(channel, status, time_.now()); });
  const Duration longest =
      std::max<Duration>(plan_.control_period, std::min<Duration>(period_long_rest, plan_.watchdog_delay / 2));
  for (const auto& [channel, program] : programs_)
    recorder_->expect(channel, program, std::max<Duration>(1s, 3 * longest) + longest);
  if (!plan_.latency_is_modelled) recorder_->replies_take_no_time();
  tail_ = std::make_unique<UncommittedTail>(time_, *recorder_, [this] { return all_moved_Ah(); });
  if (recording_ == Recording::counting) return;
  const std::string path = folder_ + "/record.db";
  for (const char* const suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  recorder_->on_seen([this](const std::string& channel) { seen_Ah_[channel] = tail_->moved_when_told(channel); });
  open_record();
}

void SwarmRun::open_record() {
  Result<std::unique_ptr<db::Recorder>> opened =
      db::Recorder::open({.path = folder_ + "/record.db", .commit = db::CommitPolicy::simulated()});
  if (!opened) throw std::runtime_error(opened.error().what);
  recorder_->pass_on_to(std::move(*opened));
}

/// The periods that the command line uses.
BenchRunOptions SwarmRun::run_options() {
  BenchRunOptions options{.lease_directory = folder_ + "/leases"};
  options.channel.control_period = plan_.control_period;
  options.channel.control_period_off = std::max<Duration>(1s, plan_.control_period);
  options.channel.control_period_long_rest = period_long_rest;
  options.channel.sensor_period = plan_.sensor_period;
  const auto kills = [](const DrawnFault& fault) { return fault.name == "F37"; };
  const bool is_killed = std::any_of(plan_.faults.begin(), plan_.faults.end(), kills);
  options.channel.resume_point_interval = cli::resume_point_interval_of(is_killed ? "real" : "virtual");
  options.disk_reserve_bytes = 1;
  options.free_disk_bytes = [this] { return Result<std::uint64_t>{host_.disk_is_full() ? 0 : plenty_bytes}; };
  return options;
}

std::vector<ChannelJob> SwarmRun::jobs() {
  std::vector<ChannelJob> list;
  for (const auto& [channel, program] : programs_) {
    db::RunRow row;
    row.cell_name = program.cell_name;
    row.profile_name = program.name;
    row.program_hash = program.hash;
    row.time_source = "virtual";
    row.seed = plan_.seed;
    row.control_period = plan_.control_period;
    row.nominal_capacity_Ah = program.nominal_capacity.value();
    list.push_back({channel, &program, std::move(row)});
  }
  return list;
}

void SwarmRun::look() {
  const bool has_trouble = judge_->look(time_.now());
  if (judge_->violation()) {
    time_.watch(false);
    time_.stop();
    return;
  }
  if (has_trouble && !has_trouble_) trouble_.wake();
  has_trouble_ = has_trouble;
}

void SwarmRun::order(const std::string& words) {
  if (words.starts_with(record_orders)) return recorder_->fail("disk I/O error");  // F40: nothing can be written any more
  const Result<void> done = sim::apply_fault(*bench_, time_.now(), words);
  if (!done) throw std::runtime_error("the simulator refuses '" + words + "': " + done.error().what);
}

Task<void> SwarmRun::whole(SwarmRun* self, std::vector<ChannelJob> list) {
  co_await self->bench_run_->run(std::move(list));
  self->is_over_ = true;
  self->time_.stop();
}

void SwarmRun::person_asked(std::string_view channel, const PersonTask& task) {
  const std::string name{channel};
  time_.spawn(cli::do_as_asked(time_, *bench_run_, name, task, [this, name](double pressure_MPa) {
    (void)bench_->world().ensure_life(bench_->channel(name)->cell).set_stack_pressure(pressure_MPa);
  }));
}

Duration SwarmRun::look_again() const {
  return std::clamp<Duration>(plan_.control_period / looks_per_period, look_again_min, look_again_max);
}

/// The world is moved only as far as somebody looks at it: here somebody does while it matters.
Task<void> SwarmRun::look_closely_at_trouble(SwarmRun* self) {
  for (;;) {
    const TimePoint now = self->time_.now();
    const TimePoint next = self->has_trouble_           ? now + self->look_again()
                           : now < self->closely_until_ ? now + look_closely_step
                                                        : TimePoint::max();
    co_await self->trouble_.until(next);
    self->bench_->advance(self->time_.now());
  }
}

Task<void> SwarmRun::carry_out(SwarmRun* self, const DrawnFault* fault) {
  const TimePoint begin{fault->at};
  co_await self->time_.sleep_until(begin);
  self->bench_->advance(self->time_.now());
  self->judge_->look(self->time_.now());
  self->judge_->fault_begins(*fault, self->time_.now());
  for (const std::string& words : fault->orders) self->order(words);
  self->closely_until_ = self->time_.now() + look_closely;
  self->trouble_.wake();
  co_await self->time_.sleep_for(fault->lasts);
  for (const std::string& words : fault->ends) self->order(words);
  self->judge_->fault_ends(*fault, self->time_.now());
  self->closely_until_ = self->time_.now() + look_closely;
  self->trouble_.wake();
}

/// I4: whoever else wants an output while the run has it is refused. Asked for now and then.
Task<void> SwarmRun::compete(SwarmRun* self) {
  constexpr Duration now_and_then = 20min;
  for (TimePoint next = self->time_.now() + 10s; !self->is_over_; next += now_and_then) {
    co_await self->time_.sleep_until(next);
    for (const ChannelPlan& channel : self->plan_.channels) {
      if (!self->owned_.contains(channel.name)) continue;
      for (const std::string& wire : leased_wires_of(self->config_.instruments.at(channel.cycler))) {
        const Result<Lease> lease = take_lease_of(channel.cycler, wire, self->folder_ + "/leases");
        if (lease) self->judge_->complain("I4", channel.name, "a second owner got the output", self->time_.now());
      }
    }
  }
}

/// F43. It begins with OFF, like every controller; as long as there is a run, one that asks is refused.
Task<void> SwarmRun::compete_once(SwarmRun* self, bool is_forced) {
  std::string said;
  cli::SecondControllerParts parts{self->time_, self->config_,
                                   [self] { return cli::in_process_links(self->time_, *self->bench_); },
                                   self->folder_ + "/leases", [&said](const std::string& text) { said += text + "; "; }};
  co_await cli::run_second_controller(std::move(parts), is_forced);
  const bool is_refused = said.find("is already controlled by") != std::string::npos;
  const bool is_asked_in_vain = !is_forced && !is_refused && !self->is_over_;
  if (is_asked_in_vain) self->judge_->complain("I4", "", "a second controller was not refused: " + said, self->time_.now());
}

Task<void> SwarmRun::end_at_last(SwarmRun* self) {
  const TimePoint late{run_time_max};
  co_await self->time_.sleep_until(late);
  self->judge_->complain("I6", "", "the run does not end", self->time_.now());
}

/// What is left of a run whose faults are over, and have been for a while, is stopped like any other: in order.
Task<void> SwarmRun::stop_at_last(SwarmRun* self) {
  TimePoint late{*self->plan_.stop_at};
  if (self->has_gone_on_) late = std::max(late, self->time_.now() + gone_on_for);
  co_await self->time_.sleep_until(late);
  self->judge_->stop_is_wanted();
  if (!self->is_over_) self->bench_run_->stop(Outcome::stopped, std::string(stopped_by_person));
}

void SwarmRun::start(std::vector<ChannelJob> list) {
  owned_.clear();
  for (const ChannelJob& job : list) owned_.insert(job.channel);
  time_.spawn(look_closely_at_trouble(this));
  for (const DrawnFault& fault : plan_.faults) {
    if (!has_gone_on_) time_.spawn(carry_out(this, &fault));
  }
  time_.spawn(compete(this));
  time_.spawn(end_at_last(this));
  if (plan_.stop_at) time_.spawn(stop_at_last(this));
  time_.spawn(whole(this, std::move(list)));
}

void SwarmRun::run_until_over() {
  time_.watch(true);
  try {
    time_.run();
  } catch (const std::logic_error& error) {
    judge_->complain("I6", "", error.what(), time_.now());
  } catch (...) {
    time_.drop_tasks();
    throw;
  }
  time_.watch(false);
}

RunReport SwarmRun::run() {
  if (!plan_.network.empty()) order(plan_.network);
  start(jobs());
  run_until_over();
  RunReport report;
  if (is_dead_ && !judge_->violation()) judge_after_death();
  report.trace_hash = trace_.value();  // also of a run that is only counted, and ends with its process
  if (is_to_go_on()) go_on_after_death();
  report.channel_hours = to_seconds(time_.now().time_since_epoch()) / 3600.0 * static_cast<double>(plan_.channels.size());
  if (!judge_->violation() && bench_run_) judge_the_end();
  if (const Result<void> closed = tail_->close(); !closed) judge_->complain("I3", "", closed.error().what, time_.now());
  if (!judge_->violation()) judge_record();
  for (const ChannelResult& result : bench_run_ ? bench_run_->results() : std::vector<ChannelResult>{}) {
    report.outcomes[result.channel] = result.outcome;
    report.reasons[result.channel] = result.reason;
    report.samples += result.samples;
    trace_.add(result.reason);
  }
  judge_reaction(report);
  report.violation = judge_->violation();
  report.reactions = judge_->reactions();
  if (!is_dead_) report.trace_hash = trace_.value();
  report.looks = judge_->looks();
  report.rows_lost = tail_->lost();
  time_.drop_tasks();
  return report;
}

/// Everybody has ended in a named state, for a reason; and nothing flows in the minute after.
void SwarmRun::judge_the_end() {
  const TimePoint end = time_.now();
  if (bench_run_->results().size() != owned_.size()) judge_->complain("I6", "", "a channel has no result", end);
  for (const ChannelResult& result : bench_run_->results()) {
    judge_->ended(result.channel, to_string(result.outcome), end);
    if (result.outcome == Outcome::none) judge_->complain("I6", result.channel, "ended in no named state", end);
    if (result.outcome != Outcome::completed && result.reason.empty())
      judge_->complain("I7", result.channel, fmt::format("ended as '{}' for no reason", to_string(result.outcome)), end);
  }
  for (TimePoint at = end; at <= end + after_the_end && !judge_->violation(); at += 100ms) {
    bench_->advance(at);
    (void)judge_->look(at);
  }
}

/// The deadline of the catalogue, where one fault alone ended a channel. One that went away in time, or was not noticed because the
/// port it sits on is not in use, ends nothing.
void SwarmRun::judge_reaction(RunReport& report) {
  if (plan_.faults.size() != 1 || !plan_.network.empty()) return;
  const DrawnFault& fault = plan_.faults.front();
  const MenuEntry& entry = *menu_entry(fault.name);
  if (entry.reaction == Reaction::none) return;
  if (has_clock(entry.reaction)) {
    const auto share = [](const Judge::AfterFault& a) { return to_seconds(a.flowed) / to_seconds(a.deadline); };
    for (const Judge::AfterFault& answer : judge_->answers()) {
      if (!report.after_fault || share(answer) > share(*report.after_fault)) report.after_fault = answer;
    }
    if (entry.reaction != Reaction::stillness) return;
  }
  for (const Judge::AfterFault& after : judge_->after_fault(entry.reaction == Reaction::age_limit)) {
    const bool is_seen = after.flowed <= fault.lasts + 1min && fault.sits_in_use;
    const Outcome outcome = report.outcomes[after.channel];
    const bool was_ended = outcome != Outcome::completed && outcome != Outcome::stopped;
    const bool is_by_charge = entry.reaction == Reaction::stillness;
    // A channel that goes on although the fault has been there for longer than the deadline has not noticed it at all. A port that
    // refuses connections is not noticed over one that is open.
    const bool is_felt = fault.sits_in_use && fault.name != "F12";
    const bool is_ignored = !was_ended && !is_by_charge && is_felt && std::min(after.flowed, fault.lasts) > after.deadline;
    if ((!is_ignored && !(was_ended && is_seen)) || !after.has_a_way) continue;
    const bool is_late = is_by_charge ? after.share_moved > after.share_allowed : after.flowed > after.deadline;
    if (is_late)
      judge_->complain("A6", after.channel,
                       fmt::format("{} ({}): current for {:.3f} s, allowed are {}; {:.2f} % of the capacity moved", entry.name,
                                   entry.what, to_seconds(after.flowed),
                                   is_by_charge ? fmt::format("{:.2f} %", 100 * after.share_allowed)
                                                : fmt::format("{:.3f} s", to_seconds(after.deadline)),
                                   100 * after.share_moved),
                       TimePoint{fault.at} + after.flowed);
    // Where the noise of the readings is known its clock tells more than the charge.
    if (report.after_fault && (is_by_charge || after.flowed <= report.after_fault->flowed)) continue;
    report.after_fault = after;
    // As long as its share of the capacity would have taken at the same pace.
    if (is_by_charge)
      report.after_fault->deadline =
          from_seconds(to_seconds(after.flowed) * after.share_allowed / std::max(after.share_moved, 1e-9));
  }
}

/// I3, I7: what was handed over is in the record, once.
void SwarmRun::judge_record() {
  const TimePoint now = time_.now();
  for (const auto& [key, run] : recorder_->runs()) {
    if (!run.end && (!is_dead_ || has_gone_on_)) judge_->complain("I3", run.channel, "the run has no end in the record", now);
    if (run.trips > 1) judge_->complain("I7", run.channel, fmt::format("{} trips in one run", run.trips), now);
    const bool is_tripped = run.end && run.end->status == to_string(Outcome::tripped);
    if (is_tripped && run.first_trip.empty()) judge_->complain("I7", run.channel, "tripped, and no cause is recorded", now);
    if (!run.first_trip.empty() && run.end && run.end->reason.find(run.first_trip) == std::string::npos) {
      judge_->complain("I7", run.channel, "the reason '" + run.end->reason + "' is not the first cause '" + run.first_trip + "'",
                       now);
    }
  }
  if (!recorder_->is_recorded() || recorder_->failed()) return;
  const Result<std::unique_ptr<db::Reader>> reader = db::Reader::open(folder_ + "/record.db");
  if (!reader) return judge_->complain("I3", "", reader.error().what, now);
  for (const auto& [key, run] : recorder_->runs()) {
    std::uint64_t found = 0;
    std::int64_t last_ns = -1;
    bool is_in_order = true;
    const auto count = [&](const db::SampleView& view) {
      ++found;
      is_in_order = is_in_order && view.row.test_time_ns >= last_ns;
      last_ns = view.row.test_time_ns;
      return true;
    };
    const auto read = (*reader)->for_each_sample(key, count);
    if (!read) return judge_->complain("I3", run.channel, read.error().what, now);
    if (found != run.samples || !is_in_order)
      judge_->complain("I3", run.channel,
                       fmt::format("{} samples were recorded, {} are in the record{}", run.samples, found,
                                   is_in_order ? "" : ", not in order"),
                       now);
  }
}

RunReport run_plan(const Plan& plan, Recording recording) { return SwarmRun{plan, recording}.run(); }

}  // namespace cellrig::swarm
