#include "controller/cli/serve/serve_session_impl.hpp"

namespace cellrig::cli {
namespace {

constexpr int beats_per_watchdog = 3;
constexpr Duration beat_without_watchdog = std::chrono::seconds{10};
constexpr const char* simulated_bench = "demo";
/// So that whoever looks sees something happen.
constexpr std::array<const char*, 2> simulated_starts{"ch1=cycle-life", "ch2=cccv-cycle"};

}  // namespace

// ---- before the first client ----------------------------------------------------------------------------------------

void ServeSession::open_bench() {
  std::string name = options_.bench;
  if (name.empty() && options_.simulated) name = simulated_bench;
  if (name.empty()) throw ConfigError{SourcePlace{}, "no bench: give --bench FILE, or --simulated for a bench without hardware"};
  bench_ = load_bench(find_bench(name));
  run_.bench = name;
  rig_ = make_rig(RigChoice{run_.time, run_.ready_file, run_.simulated, run_.seed, run_.fault_file, true}, bench_);
  log_ = std::make_unique<ServeLog>(rig_->time(), options_.quiet);
  rig_->on_message([this](const std::string& text) { log_->message("cellrig", db::Severity::warning, text); });
  require_sensible_periods(bench_, rig_->time_name(), channel_options());
  if (!options_.starts.empty() && !rig_->is_simulated())
    throw ConfigError{SourcePlace{},
                      "--start is for a simulated bench: on a real one a person starts, and looks at the cell first"};
  aside_ = std::make_unique<Aside>(rig_->time());
}

void ServeSession::catch_signals() {
  signals_ = std::make_unique<boost::asio::signal_set>(rig_->time().context(), SIGINT, SIGTERM, SIGHUP);
  wait_for_signal();
}

void ServeSession::wait_for_signal() {
  signals_->async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    const bool is_first = signal_ == 0;
    if (is_first) signal_ = number;
    log_->message("cellrig", db::Severity::warning,
                  is_first ? "stopping: the outputs are switched off and verified" : "waiting for nothing but OFF");
    (void)notify_->tell("STOPPING=1\nSTATUS=switching off");
    const std::string reason = number == SIGINT   ? "cellrig serve was stopped by Ctrl-C (SIGINT)"
                               : number == SIGHUP ? "cellrig serve was stopped: its terminal was closed (SIGHUP)"
                                                  : "cellrig serve was stopped by SIGTERM";
    if (service_ && is_first) service_->stop(Outcome::stopped, reason);
    if (service_ && !is_first) service_->hurry();
    wait_for_signal();
  });
}

/// All outputs, before database, profile or client. False: somebody else controls one of them.
bool ServeSession::switch_off_first() {
  const std::vector<std::string> names = channel_names();
  instruments_ = make_instruments(rig_->time(), bench_, names, rig_->links());
  BenchOffOptions off_options{
      .channel = channel_options(), .take_leases = !options_.simulated, .lease_directory = Lease::default_directory()};
  if (!options_.simulated) off_options.look_at.insert(names.begin(), names.end());
  off_.emplace(rig_->time(), bench_, instruments_, *log_);
  off_->switch_off(names, std::move(off_options));
  leases_ = off_->give_leases();
  for (const std::string& problem : off_->problems()) fmt::print(stderr, "cellrig: {}\n", problem);
  if (!off_->found_busy()) return true;
  fmt::print(stderr, "cellrig: this bench has a controller already: one process holds all of it, or none\n");
  return false;
}

bool ServeSession::open_recorder() {
  db::RecorderOptions options{.path = options_.database, .commit = db::CommitPolicy::real()};
  Result<std::unique_ptr<db::Recorder>> recorder = db::Recorder::open(options);
  if (!recorder) {
    fmt::print(stderr, "cellrig: {}: {}\n", options_.database, recorder.error().what);
    return false;
  }
  recorder_ = std::move(*recorder);
  return true;
}

Library ServeSession::library() const { return Library{options_.profiles, options_.cells, cells_beside(options_.database)}; }

PrepareParts ServeSession::prepare_parts() const {
  return PrepareParts{.options = run_,
                      .bench = bench_,
                      .library = library(),
                      .is_simulated = rig_->is_simulated(),
                      .time_name = rig_->time_name(),
                      .control_period = channel_options().control_period};
}

/// On the disk before a number is given to anybody: the next process looks for it there.
std::uint64_t ServeSession::record_opening() {
  const NumbersBase numbers = numbers_base(options_.database, rig_->time().utc_now());
  recorder_->audit(db::AuditRow{
      .utc = rig_->time().utc_now(),
      .operator_name = login_name(),
      .origin = host_name(),
      .verb = "serve",
      .action = "bench opened",
      .detail = boost::json::serialize(boost::json::object{
          {"bench", bench_.name}, {"simulated", rig_->is_simulated()}, {"version", version}, {numbers_key, numbers.base}})});
  const Result<void> kept = recorder_->flush();
  const std::string problem = kept ? numbers.problem : kept.error().what;
  if (!problem.empty()) log_->message("cellrig", db::Severity::warning, "numbers of alarms go by the clock alone: " + problem);
  return numbers.base;
}

void ServeSession::make_service() {
  BenchServiceOptions service;
  service.run.channel = channel_options();
  service.run.take_leases = !options_.simulated;
  service.run.take_chamber_leases = !options_.simulated;
  service.run.leased = off_->leased();
  service.run.lease_directory = Lease::default_directory();
  service.run.disk_reserve_bytes = options_.disk_reserve_MiB << 20;
  set_start_rules(service.run, run_, bench_, *rig_);
  service.run.free_disk_bytes = [path = options_.database, rig = rig_.get()] {
    return rig->disk_is_full() ? Result<std::uint64_t>{0} : db::free_bytes(path);
  };
  service.run.aside = [this](std::function<void()> work) { return aside_->run(std::move(work)); };
  service.status = {
      .name = bench_.name, .is_simulated = rig_->is_simulated(), .time_source = rig_->time_name(), .database = options_.database};
  service.fencing_base = record_opening();
  for (const auto& [channel, why] : off_->not_off()) service.not_off.insert(channel);
  if (!options_.simulated) service.last_runs = last_runs(*open_record(options_.database), bench_);
  service.prepare = [parts = prepare_parts()](const StartOrder& order, const PrepareContext& context) {
    return prepare_start(parts, order, context);
  };
  if (!options_.simulated) {
    service.prepare_go_on = [this, parts = prepare_parts()](const GoOnOrder& order) {
      return prepare_go_on(parts, order, moment_of(order));
    };
  }
  service_ = std::make_unique<BenchService>(rig_->time(), bench_, instruments_, *recorder_, *log_, std::move(service));
}

/// Before anything goes on: an address that cannot be used is found out while nothing runs.
void ServeSession::start_server() {
  const auto [address, port] = address_and_port(options_.listen);
  api::ServerSettings settings{.address = address, .port = port, .database = options_.database, .version = version};
  token_file_ = options_.token_file.empty() ? options_.database + ".token" : options_.token_file;
  const Result<std::string> token = api::token_of_file(token_file_);
  if (!token) throw ConfigError{SourcePlace{token_file_}, token.error().what};
  settings.access.token = *token;
  settings.access.accounts_file = options_.accounts_file;
  if (!options_.accounts_file.empty()) settings.access.accounts = api::read_accounts(options_.accounts_file);
  settings.on_change = [this](const api::ServerChange& change) { rig_->time().post([this, change] { hear_of_change(change); }); };
  settings.protocol_of = protocol_text;
  settings.access.certificate_file = options_.certificate_file;
  settings.access.key_file = options_.key_file;
  std::error_code ignored;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  catalogue_ = std::make_unique<BenchCatalogue>(bench_, library(), program, cells_beside(options_.database));
  Result<std::unique_ptr<api::Server>> server = api::Server::start(std::move(settings), rig_->time(), *service_, *catalogue_);
  if (!server) throw ConfigError{SourcePlace{}, "--listen " + options_.listen + ": " + server.error().what};
  server_ = std::move(*server);
}

// ---- while it is held -----------------------------------------------------------------------------------------------

bool ServeSession::hold_bench(std::vector<InterruptedRun> interrupted, std::vector<OpenTrip> trips) {
  if (signal_ != 0) service_->stop(Outcome::stopped, "stopped while it was being opened");
  beat_wake_.emplace(rig_->time());
  try {
    run_to_end(rig_->time(), whole(std::move(interrupted), std::move(trips)));
  } catch (...) {
    server_.reset();
    // OFF comes first: what the other thread is at, nobody waits for here.
    const std::vector<Lease> still_ours = service_->give_leases();
    service_.reset();
    switch_off_anew(*rig_, bench_, channel_names(), chamber_names(), channel_options(), instruments_, *log_);
    throw;
  }
  return !not_opened_.has_value();
}

Task<void> ServeSession::whole(std::vector<InterruptedRun> interrupted, std::vector<OpenTrip> trips) {
  TaskGroup beside{rig_->time()};
  beats_ = true;
  beside.spawn(beat());
  beside.spawn(tell_of_doubtful_cells());
  const Result<void> held = co_await service_->run(std::move(interrupted), std::move(trips));
  if (!held) not_opened_ = held.error();
  beats_ = false;
  beat_wake_->wake();
  co_await beside.wait();
}

/// Beside the control thread: the audit trail may be long, and chambers may be warm already.
Task<void> ServeSession::tell_of_doubtful_cells() {
  const auto found = std::make_shared<std::vector<api::ServerChange>>();
  std::function<void()> work = [found, database = options_.database, cells = library()] {
    *found = doubtful_cells(database, cells);
  };
  co_await aside_->run(std::move(work));
  for (const api::ServerChange& change : *found) hear_of_change(change);
}

/// Runs on the control thread: a thread that hangs tells nothing, and neither does one whose channels hang.
Task<void> ServeSession::beat() {
  const std::optional<Duration> watchdog = notify_->watchdog();
  const Duration period = watchdog ? *watchdog / beats_per_watchdog : beat_without_watchdog;
  bool was_open = false, was_healthy = true;
  while (beats_) {
    if (service_->is_open() && !std::exchange(was_open, true)) opened();
    const bool is_healthy = service_->is_healthy();
    if (is_healthy && watchdog) (void)notify_->tell("WATCHDOG=1");
    if (!is_healthy && was_healthy)
      log_->message("cellrig", db::Severity::alarm, "a channel's control loop stands still: the service manager is told nothing");
    was_healthy = is_healthy;
    constexpr Duration opening_poll = std::chrono::milliseconds{20};
    const TimePoint next = rig_->time().now() + (was_open ? period : std::min(period, opening_poll));
    co_await beat_wake_->until(next);
  }
}

void ServeSession::opened() {
  (void)notify_->tell(fmt::format("READY=1\nSTATUS=holds bench {} with {} channels", bench_.name, bench_.channels.size()));
  log_->message("cellrig", db::Severity::info,
                fmt::format("holds bench '{}': {}; record {}; {} with the token in {}", bench_.name,
                            fmt::join(channel_names(), ", "), options_.database, server_->url(), token_file_));
  start_what_was_asked_for();
  write_ready_file();
}

void ServeSession::start_what_was_asked_for() {
  std::vector<std::string> starts = options_.starts;
  if (starts.empty() && options_.simulated && !options_.idle && options_.bench.empty())
    starts.assign(simulated_starts.begin(), simulated_starts.end());
  for (const std::string& text : starts) {
    const std::size_t equals = text.find('=');
    StartOrder order{.channel = text.substr(0, equals), .who = {.name = login_name(), .origin = host_name()}};
    order.profile = equals == std::string::npos ? std::string{} : text.substr(equals + 1);
    const ControlResult<ChannelStatus> status = service_->channel(order.channel);
    if (status) order.fencing_token = status->fencing_token;
    service_->start(order, [this, channel = order.channel](const ControlResult<Started>& started) {
      if (!started) log_->message(channel, db::Severity::alarm, "--start: " + started.error().message);
    });
  }
}

/// Who may give orders, and what limits a cell, is part of the record.
void ServeSession::hear_of_change(const api::ServerChange& change) {
  log_->message("cellrig", change.is_trouble ? db::Severity::alarm : db::Severity::info, change.text);
  if (change.is_trouble && service_) service_->warn(change.text, change.what_to_do);
  recorder_->audit(db::AuditRow{.utc = rig_->time().utc_now(),
                                .operator_name = change.operator_name.empty() ? login_name() : change.operator_name,
                                .origin = change.origin.empty() ? host_name() : change.origin,
                                .verb = "serve",
                                .action = change.action,
                                .reason = change.reason.empty() ? change.text : change.reason,
                                .detail = boost::json::serialize(boost::json::object{{"what", change.text}})});
}

/// In one piece: whoever waits for it never reads half of it.
void ServeSession::write_ready_file() {
  if (options_.ready_file.empty()) return;
  const boost::json::object ready{{"schema_version", 1},   {"pid", static_cast<std::int64_t>(::getpid())},
                                  {"bench", bench_.name},  {"database", options_.database},
                                  {"url", server_->url()}, {"token_file", token_file_}};
  const std::string draft = options_.ready_file + ".draft";
  std::ofstream{draft} << boost::json::serialize(ready) << '\n';
  if (std::rename(draft.c_str(), options_.ready_file.c_str()) != 0)
    log_->message("cellrig", db::Severity::alarm, "cannot write " + options_.ready_file);
}

// ---- the end --------------------------------------------------------------------------------------------------------

ExitCode ServeSession::close() {
  const bool is_not_safe = service_->any_not_safe();
  server_.reset();
  aside_.reset();
  recorder_->audit(db::AuditRow{.utc = rig_->time().utc_now(),
                                .operator_name = login_name(),
                                .origin = host_name(),
                                .verb = "serve",
                                .action = "bench closed",
                                .reason = is_not_safe ? "not everything is known to be off" : "",
                                .detail = "{}"});
  std::string failure = recorder_->failed() ? recorder_->failure() : std::string{};
  const Result<void> closed = recorder_->close();
  if (!closed && failure.empty()) failure = closed.error().what;
  if (not_opened_) {
    fmt::print(stderr, "cellrig: {}\n", not_opened_->what);
    return ExitCode::instrument_failed;
  }
  if (!failure.empty()) {
    fmt::print(stderr, "cellrig: the record could not be kept: {}\n", failure);
    return ExitCode::record_failed;
  }
  if (is_not_safe) {
    fmt::print(stderr, "cellrig: NOT EVERYTHING IS KNOWN TO BE OFF. Go and look.\n");
    return ExitCode::instrument_failed;
  }
  if (signal_ == SIGINT) return ExitCode::interrupted;
  return signal_ != 0 ? ExitCode::terminated : ExitCode::passed;
}

ExitCode serve_bench(const ServeOptions& options) { return ServeSession{options}.run(); }

}  // namespace cellrig::cli
