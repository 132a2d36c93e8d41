#include "controller/cli/serve/serve_session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "controller/api/access.hpp"
#include "controller/api/server.hpp"
#include "controller/async/aside.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/files/catalogue.hpp"
#include "controller/cli/bench/host.hpp"
#include "controller/cli/record/protocol_record.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/run/run_start.hpp"
#include "controller/cli/run/unseen_output.hpp"
#include "controller/cli/serve/serve_log.hpp"
#include "controller/cli/serve/serve_prepare.hpp"
#include "controller/cli/serve/service_notify.hpp"
#include "controller/cli/bench/start_parts.hpp"
#include "controller/base/version.hpp"
#include "controller/runtime/bench_off.hpp"
#include "controller/runtime/bench_service.hpp"

namespace cellrig::cli {
namespace {

constexpr int beats_per_watchdog = 3;
constexpr Duration beat_without_watchdog = std::chrono::seconds{10};
constexpr const char* simulated_bench = "demo";
/// So that whoever looks sees something happen.
constexpr std::array<const char*, 2> simulated_starts{"ch1=cycle-life", "ch2=cccv-cycle"};

class ServeSession {
 public:
  explicit ServeSession(const ServeOptions& options) : options_{options} {
    run_.bench = options.bench;
    run_.database = options.database;
    run_.time = "real";
    run_.ready_file = options.simulator;
    run_.fault_file = options.fault_file;
    run_.seed = options.seed;
    run_.control_period_s = options.control_period_s;
    run_.disk_reserve_MiB = options.disk_reserve_MiB;
    run_.simulated = options.simulated;
    run_.require_proofs = options.require_proofs;
  }

  ExitCode run() {
    notify_.emplace(ServiceNotify::from_environment());
    open_bench();
    catch_signals();
    if (!switch_off_first()) return ExitCode::instrument_failed;
    std::vector<OpenTrip> trips;
    std::vector<InterruptedRun> interrupted;
    try {
      if (!open_recorder()) {
        stop_all_chambers();
        return ExitCode::record_failed;
      }
      if (!options_.simulated) keep_or_say(found_, {}, *recorder_, *log_);
      make_service();
      start_server();
      interrupted = what_was_left(trips);
    } catch (...) {
      stop_all_chambers();
      throw;
    }
    stop_chambers(chambers_without_run(bench_, interrupted), false);
    const bool is_open = hold_bench(std::move(interrupted), std::move(trips));
    const ExitCode code = close();
    return is_open ? code : ExitCode::instrument_failed;
  }

 private:
  void open_bench();
  void catch_signals();
  void wait_for_signal();
  [[nodiscard]] bool switch_off_first();
  [[nodiscard]] bool open_recorder();
  [[nodiscard]] std::uint64_t record_opening();
  void make_service();
  void start_server();
  [[nodiscard]] PrepareParts prepare_parts() const;
  [[nodiscard]] ResumeMoment moment_of(const GoOnOrder& order);
  [[nodiscard]] std::vector<InterruptedRun> what_was_left(std::vector<OpenTrip>& trips);
  void stop_all_chambers();
  void stop_chambers(const std::vector<std::string>& wanted, bool takes_leases);
  [[nodiscard]] bool hold_bench(std::vector<InterruptedRun> interrupted, std::vector<OpenTrip> trips);
  [[nodiscard]] Task<void> whole(std::vector<InterruptedRun> interrupted, std::vector<OpenTrip> trips);
  Task<void> beat();
  Task<void> tell_of_doubtful_cells();
  void opened();
  void start_what_was_asked_for();
  void write_ready_file();
  void hear_of_change(const api::ServerChange& change);
  [[nodiscard]] Library library() const;
  [[nodiscard]] ExitCode close();
  [[nodiscard]] ChannelOptions channel_options() const {
    return channel_options_of(bench_, rig_->time_name(), options_.control_period_s);
  }
  [[nodiscard]] std::vector<std::string> channel_names() const {
    std::vector<std::string> names;
    for (const ChannelConfig& channel : bench_.channels) names.push_back(channel.name);
    return names;
  }
  [[nodiscard]] std::vector<std::string> chamber_names() const {
    std::vector<std::string> names;
    for (const ChamberConfig& chamber : bench_.chambers) names.push_back(chamber.name);
    return names;
  }

  const ServeOptions& options_;
  RunOptions run_;
  std::optional<ServiceNotify> notify_;
  BenchConfig bench_;
  std::unique_ptr<Rig> rig_;
  std::unique_ptr<ServeLog> log_;
  std::unique_ptr<boost::asio::signal_set> signals_;
  std::unique_ptr<db::Recorder> recorder_;
  std::vector<Lease> leases_;
  std::set<std::string> leased_, not_off_;
  FoundOutputs found_;
  BenchInstruments instruments_;
  std::unique_ptr<BenchService> service_;
  std::unique_ptr<Aside> aside_;  // after what its work refers to
  std::unique_ptr<BenchCatalogue> catalogue_;
  std::unique_ptr<api::Server> server_;
  std::string token_file_;
  std::optional<Wait> beat_wake_;
  bool beats_ = false;
  std::optional<Error> not_opened_;
  int signal_ = 0;
};

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
  off_options.wait = {.patience = from_seconds(options_.wait_for_cycler_s),
                      .is_wanted = [this](const std::string& name) { return is_left_open(options_.database, bench_, name); },
                      .is_given_up = [this] { return signal_ != 0; }};
  BenchOff off{rig_->time(), bench_, instruments_, *log_, std::move(off_options)};
  run_to_end(rig_->time(), off.run(names, {}));
  found_ = FoundOutputs{&bench_, options_.database, rig_->time_name(), off.found(), off.maybe_on(), rig_->time().utc_now()};
  not_off_ = off.not_off();
  leased_ = off.leased();
  leases_ = off.give_leases();
  for (const std::string& problem : off.problems()) fmt::print(stderr, "cellrig: {}\n", problem);
  if (!off.found_busy()) return true;
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
  service.run.leased = leased_;
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
  service.not_off = not_off_;
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

// ---- what an earlier process left -----------------------------------------------------------------------------------

/// Any thread: what it found is recorded on the control thread.
ResumeMoment ServeSession::moment_of(const GoOnOrder& order) {
  // An output whose OFF was not confirmed then may have carried current until one was, or until now.
  const UtcTime now = rig_->time().utc_now();
  const bool was_maybe_on = found_.maybe_on.contains(order.channel);
  ResumeMoment moment{.now = now, .is_off = !was_maybe_on || order.off_at, .bench = &bench_, .has_run_here = order.has_run_here};
  moment.utc = was_maybe_on ? order.off_at.value_or(now) : found_.off_at;
  if (const auto found = found_.found.find(order.channel); found != found_.found.end()) moment.found = found->second;
  moment.keep_found_on = [this, run = order.run, channel = order.channel, seen = moment](const std::string& what) {
    rig_->time().post([this, run, channel, seen, what] {
      log_->message(channel, db::Severity::alarm, what);
      recorder_->append(found_on_row(run, channel, seen, what));
    });
  };
  const Duration uptime = rig_->time().now().time_since_epoch() + rig_->time().suspended();
  moment.machine_started = UtcTime{rig_->time().utc_now().ns_since_epoch - uptime.count()};
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

}  // namespace

ExitCode serve_bench(const ServeOptions& options) { return ServeSession{options}.run(); }

}  // namespace cellrig::cli
