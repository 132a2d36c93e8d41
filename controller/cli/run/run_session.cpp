#include "controller/cli/run/run_session.hpp"

#include "controller/cli/bench/simulated_cell.hpp"
#include "controller/cli/run/run_session_impl.hpp"
#include "controller/cli/run/simulated_person.hpp"
#include "controller/runtime/chamber_rules.hpp"

namespace cellrig::cli {
namespace {

constexpr Duration simulated_disk_check_interval = std::chrono::minutes{5};

}  // namespace

void RunSession::choose_bench() {
  std::string name = options_.bench;
  if (name.empty() && options_.simulated) name = "single";
  if (name.empty()) throw ConfigError{SourcePlace{}, "no bench: give --bench FILE, or --simulated for a bench without hardware"};
  bench_ = load_bench(find_bench(name));
}

std::string RunSession::operator_name() const { return options_.operator_name.empty() ? login_name() : options_.operator_name; }

/// When the record cannot say which channels they are, all of them that are free get OFF before anybody hears of it.
void RunSession::choose_resumed_channels() {
  if (!options_.expected_charges.empty())
    throw ConfigError{SourcePlace{}, "--expect-soc is for a new run: --resume knows the charge it was interrupted at"};
  try {
    for (const ResumeTarget& target : choose_resumed(options_, bench_)) {
      ChannelPlan plan;
      plan.channel = target.channel;
      plan.resumed_run = target.run;
      plans_.push_back(std::move(plan));
    }
  } catch (const ConfigError&) {
    plans_.clear();
    for (const ChannelConfig& channel : bench_.channels) {
      ChannelPlan plan;
      plan.channel = channel.name;
      plans_.push_back(std::move(plan));
    }
    if (!options_.simulated) (void)switch_off_first();
    throw;
  }
}

void RunSession::choose_channels() {
  if (options_.resume) return choose_resumed_channels();
  if (!options_.resume_by.empty() || !options_.accept_changed.empty() || options_.wait_for_cycler_s)
    throw ConfigError{SourcePlace{}, "--resume-by, --accept-changed and --wait-for-cycler-s belong to --resume RUN"};
  std::vector<std::string> wanted = options_.channels;
  if (wanted.empty()) wanted.push_back(bench_.channels.front().name);
  for (const std::string& text : wanted) {
    const std::size_t equals = text.find('=');
    ChannelPlan plan;
    plan.channel = text.substr(0, equals);
    (void)bench_.channel(plan.channel);
    for (const ChannelPlan& other : plans_) {
      if (other.channel == plan.channel)
        throw ConfigError{SourcePlace{}, "--channel " + plan.channel + " is given twice: one program per output"};
    }
    const std::string profile = equals == std::string::npos ? options_.profile : text.substr(equals + 1);
    if (profile.empty())
      throw ConfigError{SourcePlace{},
                        "no profile for channel " + plan.channel + ": give PROFILE or --channel " + plan.channel + "=PROFILE"};
    plan.profile_file = profile;
    plans_.push_back(std::move(plan));
  }
}

void RunSession::catch_signals() {
  signals_ = std::make_unique<boost::asio::signal_set>(rig_->time().context(), SIGINT, SIGTERM, SIGHUP);
  wait_for_signal();
}

void RunSession::wait_for_signal() {
  signals_->async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    const bool is_first = signal_ == 0;
    if (is_first) signal_ = number;
    progress_.message("cellrig", db::Severity::warning,
                      is_first ? "stopping: the outputs are switched off and verified" : "waiting for nothing but OFF");
    if (bench_run_ && is_first) bench_run_->stop(Outcome::stopped, stop_reason());
    if (bench_run_ && !is_first) bench_run_->hurry();
    wait_for_signal();
  });
}

bool RunSession::switch_off_first() {
  std::vector<std::string> names;
  for (const ChannelPlan& plan : plans_) names.push_back(plan.channel);
  instruments_ = make_instruments(rig_->time(), bench_, names, rig_->links());
  BenchOffOptions off_options{.channel = channel_options(), .lease_directory = Lease::default_directory()};
  off_options.look_at.insert(names.begin(), names.end());
  FirstOff off{rig_->time(), bench_, instruments_, progress_};
  off.switch_off(names, std::move(off_options));
  leased_ = off.leased();
  leases_ = off.give_leases();
  const std::set<std::string> late = late_cyclers(off);
  found_ = off.found();
  maybe_on_ = off.maybe_on();
  for (const std::string& channel : late) found_.erase(channel);
  keep_what_was_found();  // of the others: a process that dies while it waits has seen it all the same
  if (!late.empty()) {
    off.wait_for(late, {.at_most = from_seconds(wait_for_cycler_s()), .is_given_up = [this] { return signal_ != 0; }});
    found_ = off.found();
    maybe_on_ = off.maybe_on();
    keep_what_was_found();
  }
  for (const std::string& problem : off.problems()) fmt::print(stderr, "cellrig: {}\n", problem);
  return off.problems().empty();
}

void RunSession::compile_plans() {
  if (options_.watch) progress_.set_watcher(options_.watch);
  require_channels_of_expected_charges(options_, bench_);
  for (ChannelPlan& plan : plans_) {
    plan.profile_file = find_profile(plan.profile_file);
    const std::string cell =
        choose_for(options_.cells, plan.channel, rig_->is_simulated() ? simulated_cell_of(bench_, plan.channel) : "");
    if (cell.empty())
      throw ConfigError{SourcePlace{}, "no cell for channel " + plan.channel + ": give --cell FILE (which cell is connected?)"};
    plan.cell_file = find_cell(cell);
    plan.cell_id = choose_for(options_.cell_ids, plan.channel, "");
    plan.settings = parse_settings(options_.settings, plan.channel);
    plan.program = compile_program(plan.profile_file, plan.cell_file, plan.settings);
    plan.expected_charge = expected_charge_of(options_, plan.channel, plan.cell_file);
    progress_.expect(plan.channel, plan.program);
  }
}

/// What does not go together in one chamber. What is only to be said is said at the start.
void RunSession::refuse_unequal_neighbours() const {
  std::vector<ChamberGuest> guests;
  std::map<std::string, Accuracy> accuracy;
  for (const ChannelPlan& plan : plans_) {
    const ChannelConfig& channel = bench_.channel(plan.channel);
    guests.push_back({&channel, &plan.program});
    const CheckContext context = check_context(bench_, channel, plan.profile_file);
    if (context.chamber) accuracy[channel.chamber] = context.chamber->temperature_accuracy;
  }
  for (const ChamberRuling& said : judge_chambers(bench_, guests, accuracy)) {
    if (said.ruling.kind == Ruling::Kind::refused) throw ConfigError{guests[said.guest].channel->place, said.ruling.text};
  }
}

bool RunSession::judge_plans() {
  if (plans_.empty()) return true;
  bool accepted = true;
  for (const ChannelPlan& plan : plans_) {
    const std::vector<Finding> findings =
        check(plan.program, check_context(bench_, bench_.channel(plan.channel), plan.profile_file));
    for (const Finding& f : findings) {
      if (f.severity == Severity::error || !options_.quiet) fmt::print(stderr, "{}\n", to_string(f));
    }
    accepted = accepted && !has_errors(findings);
  }
  if (accepted) refuse_unequal_neighbours();
  return accepted;
}

bool RunSession::open_recorder() {
  const bool real = rig_->time_name() == "real";
  db::RecorderOptions options{.path = options_.database,
                              .commit = real ? db::CommitPolicy::real() : db::CommitPolicy::simulated()};
  options.commit.synchronous_full = options.commit.synchronous_full || rig_->disk_may_fail();
  Result<std::unique_ptr<db::Recorder>> recorder = db::Recorder::open(options);
  if (!recorder) {
    fmt::print(stderr, "cellrig: {}: {}\n", options_.database, recorder.error().what);
    return false;
  }
  recorder_ = std::move(*recorder);
  rig_->on_settle([this] { (void)recorder_->flush(); });  // a failure is the recorder's, and found there
  return true;
}

/// The cells of a bench inside this process are new ones each time.
void RunSession::require_acknowledged_trips() const {
  if (options_.simulated) return;
  for (const ChannelPlan& plan : plans_) {
    refuse_unacknowledged_trip(options_.database, plan.channel, plan.program.cell_name, plan.cell_id);
    refuse_unacknowledged_heat(options_.database, plan.channel);
  }
}

void RunSession::record_request() {
  boost::json::array channels, settings;
  for (const ChannelPlan& plan : plans_) {
    channels.push_back(boost::json::object{
        {"channel", plan.channel}, {"profile", plan.program.name}, {"cell", plan.program.cell_name}, {"cell_id", plan.cell_id}});
  }
  for (const std::string& setting : options_.settings) settings.emplace_back(setting);
  boost::json::object detail{
      {"channels", std::move(channels)},        {"set", std::move(settings)}, {"time_source", rig_->time_name()},
      {"simulated", rig_->is_simulated()},      {"seed", options_.seed},      {"outputs_off_first", !options_.simulated},
      {"resumed", options_.resume.has_value()}, {"rehearsal", rehearsed_}};
  if (!options_.claim_run.empty()) detail["claim_run"] = options_.claim_run;
  recorder_->audit(db::AuditRow{.utc = rig_->time().utc_now(),
                                .operator_name = operator_name(),
                                .origin = host_name(),
                                .verb = "run",
                                .action = "run requested",
                                .reason = options_.without_rehearsal.empty() ? "" : rehearsed_,
                                .detail = boost::json::serialize(detail)});
}

ChannelOptions RunSession::channel_options() const {
  return channel_options_of(bench_, rig_->time_name(), options_.control_period_s);
}

std::vector<ChannelJob> RunSession::jobs() const {
  std::vector<ChannelJob> jobs;
  for (const ChannelPlan& plan : plans_) {
    db::RunRow row;
    if (plan.goes_on) {
      jobs.push_back(ChannelJob{plan.channel, &plan.program, std::move(row), plan.goes_on, std::nullopt, plan.following});
      continue;
    }
    row = run_row_of({.program = plan.program,
                      .bench = bench_,
                      .cell_file = plan.cell_file,
                      .cell_id = plan.cell_id,
                      .operator_name = operator_name(),
                      .time_name = rig_->time_name(),
                      .seed = options_.seed,
                      .control_period = channel_options().control_period});
    jobs.push_back(ChannelJob{plan.channel, &plan.program, std::move(row), std::nullopt, plan.expected_charge, plan.following});
  }
  return jobs;
}

/// In real time somebody is there and types; where time jumps, a simulated person does what is asked.
void RunSession::attend_to_persons() {
  if (rig_->time_name() == "real") {
    prompt_ = std::make_unique<PersonPrompt>(
        rig_->time().context(),
        [this](const std::string& channel, const std::string& name) { return bench_run_->confirm(channel, name); },
        [this](const std::string& channel, const std::string& text) { progress_.ask(channel, text); });
    return progress_.set_person([this](const std::string& channel, const PersonTask& task) { prompt_->asked(channel, task); });
  }
  progress_.set_person([this](const std::string& channel, const PersonTask& task) {
    rig_->time().spawn(do_as_asked(rig_->time(), *bench_run_, channel, task,
                                   [this, channel](double pressure_MPa) { rig_->set_stack_pressure(channel, pressure_MPa); }));
  });
}

void RunSession::run_bench() {
  if (instruments_.cyclers.empty()) {
    std::vector<std::string> names;
    for (const ChannelPlan& plan : plans_) names.push_back(plan.channel);
    instruments_ = make_instruments(rig_->time(), bench_, names, rig_->links());
  }
  // The bench inside this process is nobody else's, unless a fault says so.
  const std::string own_leases = rig_->lease_directory();
  BenchRunOptions options{.channel = channel_options(), .take_leases = !own_leases.empty()};
  options.take_chamber_leases = !options_.simulated;
  options.leased = leased_;
  options.lease_directory = own_leases.empty() ? Lease::default_directory() : own_leases;
  options.disk_reserve_bytes = options_.disk_reserve_MiB << 20;
  set_start_rules(options, options_, bench_, *rig_);
  if (rig_->time_name() != "real") options.disk_check_interval = simulated_disk_check_interval;
  options.free_disk_bytes = [path = options_.database, rig = rig_.get()] {
    return rig->disk_is_full() ? Result<std::uint64_t>{0} : db::free_bytes(path);
  };
  bench_run_ = std::make_unique<BenchRun>(rig_->time(), bench_, instruments_, *recorder_, progress_, std::move(options));
  if (signal_ != 0) bench_run_->stop(Outcome::stopped, stop_reason());
  attend_to_persons();
  try {
    run_to_end(rig_->time(), bench_run_->run(jobs()));
    prompt_.reset();
  } catch (...) {
    prompt_.reset();
    switch_off_after_failure();
    throw;
  }
  results_.insert(results_.end(), bench_run_->results().begin(), bench_run_->results().end());
}

void RunSession::close_record() {
  const Result<void> closed = recorder_->close();
  if (!closed) record_failure_ = closed.error().what;
  if (recorder_->failed()) record_failure_ = recorder_->failure();
  const Result<db::Anchor> head = db::chain_head(options_.database);
  if (head) head_ = *head;
  progress_.finish();
}

/// Something in this program failed and its tasks are gone, with whatever they were doing to the outputs. New connections, OFF, and
/// only then the message about what it was.
void RunSession::switch_off_after_failure() noexcept {
  const std::vector<Lease> still_ours = bench_run_->give_leases();
  bench_run_.reset();
  std::vector<std::string> names, chambers;
  for (const ChannelPlan& plan : plans_) {
    names.push_back(plan.channel);
    const std::string& chamber = bench_.channel(plan.channel).chamber;
    const bool is_listed = std::find(chambers.begin(), chambers.end(), chamber) != chambers.end();
    if (plan.program.needs_chamber && !is_listed) chambers.push_back(chamber);
  }
  switch_off_anew(*rig_, bench_, names, chambers, channel_options(), instruments_, progress_);
}

ExitCode RunSession::exit_code() const {
  const auto any = [&](Outcome outcome) {
    return std::any_of(results_.begin(), results_.end(), [outcome](const ChannelResult& r) { return r.outcome == outcome; });
  };
  // Several channels: the first of 3, 5, 4, 1 that any of them met.
  if (any(Outcome::tripped)) return ExitCode::safety_trip;
  if (!record_failure_.empty() || any(Outcome::record_failure)) return ExitCode::record_failed;
  if (std::any_of(results_.begin(), results_.end(), [](const ChannelResult& r) { return r.refused_by_rule; }))
    return ExitCode::bad_input;
  if (any(Outcome::instrument_failure)) return ExitCode::instrument_failed;
  if (signal_ == SIGINT) return ExitCode::interrupted;
  if (signal_ != 0) return ExitCode::terminated;
  const bool passed = std::all_of(results_.begin(), results_.end(),
                                  [](const ChannelResult& r) { return r.outcome == Outcome::completed && r.criteria_met; });
  return passed ? ExitCode::passed : ExitCode::not_passed;
}

ExitCode RunSession::report() const {
  const ExitCode code = exit_code();
  if (report_ == Report::none) return code;
  try {
    print_report(RunReport{options_, results_, rig_->time_name(), record_failure_, head_, rig_->is_simulated(), code});
  } catch (const std::system_error&) {
    // Nobody reads any more. The exit code still tells.
  }
  return code;
}

ExitCode run_profiles(const RunOptions& options) { return RunSession{options}.run(); }

RunOutcome run_profiles_silently(const RunOptions& options) {
  RunSession session{options, RunSession::Report::none};
  const ExitCode code = session.run();
  return {code, session.results()};
}

}  // namespace cellrig::cli
