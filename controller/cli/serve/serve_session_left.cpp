// What an earlier process left of this bench: outputs that were on, runs that go on, chambers that heat.
#include "controller/cli/serve/serve_session_impl.hpp"

namespace cellrig::cli {

/// Those whose run can go on, where the computer has begun anew since anybody heard of it. Another output that may be on needs a bench that
/// is open: its next OFF comes from there.
std::set<std::string> ServeSession::late_cyclers() const {
  if (off_->out_of_reach().empty() || options_.wait_for_cycler_s <= 0) return {};
  std::vector<ResumeTarget> targets;
  try {
    for (const InterruptedRun& run : unfinished_runs(*open_record(options_.database), bench_)) {
      if (off_->out_of_reach().contains(run.channel)) targets.push_back({run.run, run.channel});
    }
  } catch (const ConfigError&) {
    return {};  // whoever needs the record says what is wrong with it
  }
  std::set<std::string> late = worth_waiting_for(options_.database, targets, machine_started(rig_->time()));
  const auto is_late = [&late](const std::string& maybe_on) { return late.contains(maybe_on); };
  return std::all_of(off_->maybe_on().begin(), off_->maybe_on().end(), is_late) ? late : std::set<std::string>{};
}

/// Nobody sees it again. Before a cycler that is not there yet is waited for, what the others were like is in the record.
void ServeSession::keep_what_was_found() {
  const auto look = [this] {
    return FoundOutputs{&bench_, options_.database, rig_->time_name(), off_->found(), off_->maybe_on(), rig_->time().utc_now()};
  };
  found_ = look();
  if (options_.simulated) return;
  const std::set<std::string> late = late_cyclers();
  for (const std::string& channel : late) found_.found.erase(channel);
  keep_or_say(found_, {}, *recorder_, *log_);
  if (late.empty()) return;
  off_->wait_for(late, {.at_most = from_seconds(options_.wait_for_cycler_s), .is_given_up = [this] { return signal_ != 0; }});
  found_ = look();
  keep_or_say(found_, {}, *recorder_, *log_);
}

/// Any thread: what it found is recorded on the control thread.
ResumeMoment ServeSession::moment_of(const GoOnOrder& order) {
  // An output whose OFF was not confirmed then may have carried current until one was, or until now.
  const UtcTime now = rig_->time().utc_now();
  const bool was_maybe_on = found_.maybe_on.contains(order.channel);
  ResumeMoment moment{.now = now, .is_off = !was_maybe_on || order.off_at, .bench = &bench_, .has_run_here = order.has_run_here};
  if (const auto found = found_.found.find(order.channel); found != found_.found.end()) moment.found = found->second;
  moment.utc = was_maybe_on ? order.off_at.value_or(now) : moment.found.off_at.value_or(found_.off_at);
  moment.keep_found_on = [this, run = order.run, channel = order.channel, seen = moment](const std::string& what) {
    rig_->time().post([this, run, channel, seen, what] {
      log_->message(channel, db::Severity::alarm, what);
      recorder_->append(found_on_row(run, channel, seen, what));
    });
  };
  moment.machine_started = machine_started(rig_->time());
  return moment;
}

/// The cells of a bench inside this process are new ones: nothing is left of an earlier one.
std::vector<InterruptedRun> ServeSession::what_was_left(std::vector<OpenTrip>& trips) {
  if (options_.simulated) return {};
  const std::unique_ptr<db::Reader> reader = open_record(options_.database);
  trips = open_trips(*reader, bench_);
  std::vector<InterruptedRun> interrupted = unfinished_runs(*reader, bench_);
  const PrepareParts parts = prepare_parts();
  for (InterruptedRun& run : interrupted) {
    const GoOnOrder order{
        .channel = run.channel, .who = {.name = login_name(), .origin = host_name(), .role = Role::operator_}, .run = run.run};
    run.prepared = prepare_go_on(parts, order, moment_of(order));
    // Nobody has asked for this continuation.
    if (run.prepared && run.prepared->goes_on) run.prepared->goes_on->stays_paused = true;
  }
  return interrupted;
}

/// What a dead run heats would be heated for as long as no process can begin. One that another process has is left to it.
void ServeSession::stop_all_chambers() {
  leases_.clear();  // a wire may be a chamber's as well
  stop_chambers(chamber_names(), !options_.simulated);
}

void ServeSession::stop_chambers(const std::vector<std::string>& wanted, bool takes_leases) {
  if (wanted.empty()) return;
  BenchOffOptions off_options{
      .channel = channel_options(), .take_leases = takes_leases, .lease_directory = Lease::default_directory()};
  BenchOff off{rig_->time(), bench_, instruments_, *log_, std::move(off_options)};
  const std::vector<std::string> none;
  run_to_end(rig_->time(), off.run(none, wanted));
  for (const std::string& problem : off.problems()) log_->message("cellrig", db::Severity::alarm, problem);
}

}  // namespace cellrig::cli
