// What a call with --resume does besides: what was found, which plans go on, and those that only come to their end.
#include "controller/cli/run/run_session_impl.hpp"
#include "controller/cli/run/unseen_output.hpp"

namespace cellrig::cli {

/// Before anything is refused: after our OFF nobody else can see it any more. What it cannot keep it says, and changes nothing about the rest.
void RunSession::keep_what_was_found() {
  FoundOutputs outputs{.bench = &bench_,
                       .database = options_.database,
                       .time_source = rig_->time_name(),
                       .found = found_,
                       .maybe_on = maybe_on_,
                       .off_at = rig_->time().utc_now()};
  std::error_code ignored;
  if (!outputs.are_news() || !std::filesystem::exists(options_.database, ignored)) return;
  if (!recorder_ && !open_recorder()) return;
  std::vector<ResumeTarget> targets;
  for (const ChannelPlan& plan : plans_) targets.push_back({plan.resumed_run, plan.channel});
  keep_or_say(outputs, targets, *recorder_, progress_);
}

/// Those that somebody is waiting for, with a run that can go on. Where another channel keeps this call from going on nobody is.
std::set<std::string> RunSession::late_cyclers(const FirstOff& off) const {
  if (!options_.resume || options_.resume_by == "stop" || wait_for_cycler_s() <= 0 || off.found_busy()) return {};
  std::vector<ResumeTarget> targets;
  for (const ChannelPlan& plan : plans_) {
    if (off.out_of_reach().contains(plan.channel)) targets.push_back({plan.resumed_run, plan.channel});
  }
  std::set<std::string> late = worth_waiting_for(options_.database, targets, std::nullopt);
  const auto is_late = [&late](const auto& not_off) { return late.contains(not_off.first); };
  return std::all_of(off.not_off().begin(), off.not_off().end(), is_late) ? late : std::set<std::string>{};
}

ResumeMoment RunSession::resume_moment(const ChannelPlan& plan) {
  const UtcTime now = rig_->time().utc_now();
  ResumeMoment moment{.utc = now,
                      .now = now,
                      .is_off = !maybe_on_.contains(plan.channel),
                      .bench = &bench_,
                      .cell_id = choose_for(options_.cell_ids, plan.channel, "")};
  if (const auto found = found_.find(plan.channel); found != found_.end()) moment.found = found->second;
  if (moment.is_off) moment.utc = moment.found.off_at.value_or(now);
  if (rig_->time_name() == "real") moment.machine_started = machine_started(rig_->time());
  moment.is_interrupted = [this] { return was_interrupted(); };
  return moment;
}

void RunSession::load_resumed_plans() {
  for (ChannelPlan& plan : plans_) {
    Resumed resumed = load_resumed(options_, ResumeTarget{plan.resumed_run, plan.channel}, resume_moment(plan));
    plan.profile_file = resumed.file;
    plan.program = std::move(resumed.program);
    plan.cell_id = resumed.continuation.run.info.row.cell_id;
    plan.following = std::move(resumed.following);
    plan.goes_on = std::move(resumed.continuation);
    plan.goes_on->operator_name = operator_name();
    plan.goes_on->host = host_name();
  }
}

/// What the dead run started and nobody goes on with. Under the lease: a chamber that a live run has is left alone, and said.
std::vector<std::string> RunSession::stop_their_chambers() {
  std::set<std::string> wanted, needed;
  for (const ChannelPlan& plan : plans_) {
    const std::string& chamber = bench_.channel(plan.channel).chamber;
    // Of a program that nobody can read nobody can say that it left the chamber alone.
    if (chamber.empty() || !(plan.program.needs_chamber || !plan.goes_on->cannot_go_on.empty())) continue;
    (plan.goes_on->rule == InterruptionRule::stop ? wanted : needed).insert(chamber);
  }
  for (const std::string& chamber : needed) wanted.erase(chamber);
  if (wanted.empty()) return {};
  BenchOff off{rig_->time(), bench_, instruments_, progress_,
               BenchOffOptions{.channel = channel_options(), .lease_directory = Lease::default_directory()}};
  const std::vector<std::string> none;
  run_to_end(rig_->time(), off.run(none, {wanted.begin(), wanted.end()}));
  for (const std::string& problem : off.problems()) progress_.message("cellrig", db::Severity::alarm, problem);
  return off.problems();
}

/// The rule `stop`: the outputs are off, the chambers are stopped, and the record is closed.
void RunSession::close_plans_to_stop() {
  TimeSource& time = rig_->time();
  const std::vector<std::string> problems = stop_their_chambers();
  const Outcome outcome = problems.empty() ? Outcome::stopped : Outcome::instrument_failure;
  for (const ChannelPlan& plan : plans_) {
    if (plan.goes_on->rule != InterruptionRule::stop) continue;
    ChannelRecord record(*recorder_, plan.program);
    const bool met = plan.goes_on->criteria_met();
    std::string reason = "not resumed after an interruption";
    for (const std::string& problem : problems) reason += "; " + problem;
    close_interrupted(record, *plan.goes_on, outcome, reason, time.now(), time.utc_now());
    results_.push_back(ChannelResult{.channel = plan.channel,
                                     .outcome = outcome,
                                     .criteria_met = met,
                                     .reason = reason,
                                     .safe_by = SafeBy::instrument,
                                     .run = plan.resumed_run});
  }
  std::erase_if(plans_, [](const ChannelPlan& plan) { return plan.goes_on->rule == InterruptionRule::stop; });
  for (const ChannelPlan& plan : plans_) progress_.expect(plan.channel, plan.program);
}

}  // namespace cellrig::cli
