#include "controller/cli/run_session.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <boost/json/array.hpp>
#include <algorithm>
#include <csignal>
#include <map>
#include <memory>
#include <system_error>

#include "controller/cli/bench_context.hpp"
#include "controller/cli/json_text.hpp"
#include "controller/cli/progress.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/rig.hpp"
#include "controller/cli/settings.hpp"
#include "controller/cli/table.hpp"
#include "controller/cli/version.hpp"
#include "controller/runtime/bench_off.hpp"
#include "controller/runtime/bench_run.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig::cli {
namespace {

constexpr Duration real_period_on = std::chrono::milliseconds{100};
constexpr Duration real_period_max = std::chrono::milliseconds{500};
constexpr Duration real_period_off = std::chrono::seconds{1};
constexpr Duration real_sensor_period = std::chrono::milliseconds{500};
constexpr Duration simulated_period = std::chrono::seconds{1};
constexpr Duration simulated_long_rest_period = std::chrono::seconds{10};
constexpr Duration simulated_disk_check_interval = std::chrono::minutes{5};
constexpr Duration simulated_resume_interval = std::chrono::minutes{10};

/// "ch1=x" -> {"ch1", "x"}; "x" -> {"", "x"}.
std::pair<std::string, std::string> split_assignment(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return {"", text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// What applies to one channel: its own assignment, else the one for all.
std::string choose(const std::vector<std::string>& assignments, const std::string& channel, const std::string& otherwise) {
  std::string chosen = otherwise;
  bool own = false;
  for (const std::string& text : assignments) {
    const auto [name, value] = split_assignment(text);
    if (name == channel) {
      chosen = value;
      own = true;
    } else if (name.empty() && !own) {
      chosen = value;
    }
  }
  return chosen;
}

std::string_view safe_word(SafeBy safe) {
  switch (safe) {
    case SafeBy::instrument: return "instrument";
    case SafeBy::contactor: return "contactor";
    case SafeBy::watchdog: return "watchdog";
    case SafeBy::nothing: return "nothing";
  }
  return "nothing";
}

std::string login_name() {
  const passwd* const entry = ::getpwuid(::geteuid());
  return entry != nullptr && entry->pw_name != nullptr ? entry->pw_name : fmt::format("uid {}", ::geteuid());
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

/// A second controller of one channel would be two processes; two names in one call are a slip.
struct ChannelPlan {
  std::string channel;
  std::string profile_file, cell_file, cell_id;
  Settings settings;
  Program program;
};

class RunSession {
 public:
  explicit RunSession(const RunOptions& options) : options_{options}, progress_{options.quiet} {}

  ExitCode run() {
    choose_bench();
    rig_ = make_rig(RigChoice{options_.time, options_.ready_file, options_.simulated, options_.seed}, bench_);
    judge_periods();
    catch_signals();
    choose_channels();
    // Instruments that live without us get OFF before anything that could fail: profile, database, identity.
    if (!options_.simulated && !switch_off_first()) return ExitCode::instrument_failed;
    compile_plans();
    if (!judge_plans()) return ExitCode::bad_input;
    if (!open_recorder()) return ExitCode::record_failed;
    run_bench();
    return report();
  }

 private:
  void choose_bench();
  void choose_channels();
  void judge_periods() const;
  void catch_signals();
  void wait_for_signal();
  bool switch_off_first();
  void compile_plans();
  bool judge_plans();
  bool open_recorder();
  void run_bench();
  void switch_off_after_failure() noexcept;
  ExitCode report() const;
  void print_report(ExitCode code) const;
  [[nodiscard]] ChannelOptions channel_options() const;
  [[nodiscard]] std::vector<ChannelJob> jobs() const;
  [[nodiscard]] ExitCode exit_code() const;
  [[nodiscard]] std::string stop_reason() const {
    return signal_ == SIGINT   ? "stopped by Ctrl-C (SIGINT)"
           : signal_ == SIGHUP ? "stopped: the terminal was closed (SIGHUP)"
                               : "stopped by SIGTERM";
  }
  void print_summary(ExitCode code) const;

  const RunOptions& options_;
  Progress progress_;
  BenchConfig bench_;
  std::unique_ptr<Rig> rig_;
  std::vector<ChannelPlan> plans_;
  std::unique_ptr<boost::asio::signal_set> signals_;
  std::unique_ptr<db::Recorder> recorder_;
  std::vector<Lease> leases_;
  BenchInstruments instruments_;
  std::unique_ptr<BenchRun> bench_run_;
  int signal_ = 0;
  std::vector<ChannelResult> results_;
  std::string record_failure_;
};

void RunSession::choose_bench() {
  std::string name = options_.bench;
  if (name.empty() && options_.simulated) name = "single";
  if (name.empty()) throw ConfigError{SourcePlace{}, "no bench: give --bench FILE, or --simulated for a bench without hardware"};
  bench_ = load_bench(find_bench(name));
}

/// The watchdog is fed by measurements, and a supervisor that looks rarely reacts late.
void RunSession::judge_periods() const {
  const ChannelOptions periods = channel_options();
  if (periods.control_period > bench_.watchdog_delay / 2) {
    throw ConfigError{SourcePlace{},
                      fmt::format("--control-period-s {:g} is more than half the watchdog's {:g} s (watchdog_s in {})",
                                  to_seconds(periods.control_period), to_seconds(bench_.watchdog_delay), bench_.file)};
  }
  if (rig_->time_name() == "real" && periods.control_period > real_period_max) {
    throw ConfigError{
        SourcePlace{},
        fmt::format("--control-period-s {:g} is more than half the shortest reaction time of 1 s: at most {:g} in real time",
                    to_seconds(periods.control_period), to_seconds(real_period_max))};
  }
}

void RunSession::choose_channels() {
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
  BenchOff off{rig_->time(), bench_, instruments_, progress_,
               BenchOffOptions{.channel = channel_options(), .lease_directory = Lease::default_directory()}};
  run_to_end(rig_->time(), off.run(names, {}));
  for (const std::string& problem : off.problems()) fmt::print(stderr, "cellrig: {}\n", problem);
  leases_ = off.give_leases();
  return off.problems().empty();
}

void RunSession::compile_plans() {
  for (ChannelPlan& plan : plans_) {
    plan.profile_file = find_profile(plan.profile_file);
    const std::string cell = choose(options_.cells, plan.channel, rig_->is_simulated() ? "lg-m50" : "");
    if (cell.empty())
      throw ConfigError{SourcePlace{}, "no cell for channel " + plan.channel + ": give --cell FILE (which cell is connected?)"};
    plan.cell_file = find_cell(cell);
    plan.cell_id = choose(options_.cell_ids, plan.channel, "");
    plan.settings = parse_settings(options_.settings, plan.channel);
    plan.program = compile_program(plan.profile_file, plan.cell_file, plan.settings);
    progress_.expect(plan.channel, plan.program);
  }
}

bool RunSession::judge_plans() {
  bool accepted = true;
  std::vector<std::pair<const ChannelConfig*, const Program*>> together;
  for (const ChannelPlan& plan : plans_) together.emplace_back(&bench_.channel(plan.channel), &plan.program);
  const Result<void> agreed = agree_on_temperatures(together);
  if (!agreed) throw ConfigError{together.back().first->place, agreed.error().what};
  for (const ChannelPlan& plan : plans_) {
    const std::vector<Finding> findings =
        check(plan.program, check_context(bench_, bench_.channel(plan.channel), plan.profile_file));
    for (const Finding& f : findings) {
      if (f.severity == Severity::error || !options_.quiet) fmt::print(stderr, "{}\n", to_string(f));
    }
    accepted = accepted && !has_errors(findings);
  }
  return accepted;
}

bool RunSession::open_recorder() {
  const bool real = rig_->time_name() == "real";
  db::RecorderOptions options{.path = options_.database,
                              .commit = real ? db::CommitPolicy::real() : db::CommitPolicy::simulated()};
  Result<std::unique_ptr<db::Recorder>> recorder = db::Recorder::open(options);
  if (!recorder) {
    fmt::print(stderr, "cellrig: {}: {}\n", options_.database, recorder.error().what);
    return false;
  }
  recorder_ = std::move(*recorder);
  return true;
}

ChannelOptions RunSession::channel_options() const {
  const bool real = rig_->time_name() == "real";
  ChannelOptions o;
  o.control_period = options_.control_period_s > 0
                         ? from_seconds(options_.control_period_s)
                         : std::min<Duration>(real ? real_period_on : simulated_period, bench_.watchdog_delay / 2);
  o.control_period_off = real ? real_period_off : simulated_period;
  o.control_period_long_rest = real ? real_period_off : simulated_long_rest_period;
  o.sensor_period = real ? real_sensor_period : simulated_period;
  o.resume_point_interval = real ? o.resume_point_interval : simulated_resume_interval;
  return o;
}

std::vector<ChannelJob> RunSession::jobs() const {
  std::vector<ChannelJob> jobs;
  for (const ChannelPlan& plan : plans_) {
    db::RunRow row;
    row.cell_name = plan.program.cell_name;
    row.cell_id = plan.cell_id;
    row.cell_text = read_text_file(plan.cell_file);
    row.profile_name = plan.program.name;
    row.profile_text = plan.program.source_text;
    row.program_hash = plan.program.hash;
    row.parameters_text = plan.program.parameters_text;
    row.bench_text = bench_.text;
    row.operator_name = options_.operator_name.empty() ? login_name() : options_.operator_name;
    row.time_source = rig_->time_name();
    row.seed = options_.seed;
    row.control_period = channel_options().control_period;
    row.software_version = version;
    row.host = host_name();
    row.nominal_capacity_Ah = plan.program.nominal_capacity.value();
    jobs.push_back(ChannelJob{plan.channel, &plan.program, std::move(row)});
  }
  return jobs;
}

void RunSession::run_bench() {
  if (instruments_.cyclers.empty()) {
    std::vector<std::string> names;
    for (const ChannelPlan& plan : plans_) names.push_back(plan.channel);
    instruments_ = make_instruments(rig_->time(), bench_, names, rig_->links());
  }
  BenchRunOptions options{.channel = channel_options(), .take_leases = false};
  options.take_chamber_leases = !options_.simulated;
  options.lease_directory = Lease::default_directory();
  options.disk_reserve_bytes = options_.disk_reserve_MiB << 20;
  if (rig_->time_name() != "real") options.disk_check_interval = simulated_disk_check_interval;
  options.free_disk_bytes = [path = options_.database] { return db::free_bytes(path); };
  bench_run_ = std::make_unique<BenchRun>(rig_->time(), bench_, instruments_, *recorder_, progress_, std::move(options));
  if (signal_ != 0) bench_run_->stop(Outcome::stopped, stop_reason());
  try {
    run_to_end(rig_->time(), bench_run_->run(jobs()));
  } catch (...) {
    switch_off_after_failure();
    throw;
  }
  results_ = bench_run_->results();
  const Result<void> closed = recorder_->close();
  if (!closed) record_failure_ = closed.error().what;
  if (recorder_->failed()) record_failure_ = recorder_->failure();
  progress_.finish();
}

/// Something in this program failed and its tasks are gone, with whatever they were doing to the outputs. New connections, OFF, and
/// only then the message about what it was.
void RunSession::switch_off_after_failure() noexcept {
  try {
    const std::vector<Lease> still_ours = bench_run_->give_leases();
    bench_run_.reset();
    std::vector<std::string> names, chambers;
    for (const ChannelPlan& plan : plans_) {
      names.push_back(plan.channel);
      const std::string& chamber = bench_.channel(plan.channel).chamber;
      const bool is_listed = std::find(chambers.begin(), chambers.end(), chamber) != chambers.end();
      if (plan.program.needs_chamber && !is_listed) chambers.push_back(chamber);
    }
    instruments_ = make_instruments(rig_->time(), bench_, names, rig_->links());
    BenchOff off{rig_->time(), bench_, instruments_, progress_,
                 BenchOffOptions{.channel = channel_options(), .take_leases = false}};
    run_to_end(rig_->time(), off.run(names, chambers));
    for (const std::string& problem : off.problems()) progress_.message("cellrig", db::Severity::alarm, problem);
  } catch (const std::exception& error) {
    progress_.message("cellrig", db::Severity::alarm, std::string("OFF after a failure: ") + error.what());
  }
}

ExitCode RunSession::exit_code() const {
  const auto any = [&](Outcome outcome) {
    return std::any_of(results_.begin(), results_.end(), [outcome](const ChannelResult& r) { return r.outcome == outcome; });
  };
  // Several channels: the first of 3, 5, 4, 1 that any of them met.
  if (any(Outcome::tripped)) return ExitCode::safety_trip;
  if (!record_failure_.empty() || any(Outcome::record_failure)) return ExitCode::record_failed;
  if (any(Outcome::instrument_failure)) return ExitCode::instrument_failed;
  if (signal_ == SIGINT) return ExitCode::interrupted;
  if (signal_ != 0) return ExitCode::terminated;
  const bool passed = std::all_of(results_.begin(), results_.end(),
                                  [](const ChannelResult& r) { return r.outcome == Outcome::completed && r.criteria_met; });
  return passed ? ExitCode::passed : ExitCode::not_passed;
}

void RunSession::print_summary(ExitCode code) const {
  Table table{{">run", "channel", "outcome", "criteria", ">samples", ">missed", "reason"}};
  for (const ChannelResult& r : results_) {
    const std::string criteria = r.outcome != Outcome::completed ? "-" : r.criteria_met ? "met" : "NOT met";
    table.add({std::to_string(r.run), r.channel, std::string(to_string(r.outcome)), criteria, std::to_string(r.samples),
               std::to_string(r.periods_missed), r.reason});
  }
  fmt::print("{}", table.text());
  if (rig_->is_simulated()) fmt::print("SIMULATED bench, {} time: no evidence about a real cell\n", rig_->time_name());
  fmt::print("record: {}   (cellrig show --db {})   exit code {}\n", options_.database, options_.database,
             static_cast<int>(code));
}

ExitCode RunSession::report() const {
  const ExitCode code = exit_code();
  try {
    print_report(code);
  } catch (const std::system_error&) {
    // Nobody reads any more. The exit code still tells.
  }
  return code;
}

void RunSession::print_report(ExitCode code) const {
  if (!record_failure_.empty()) fmt::print(stderr, "cellrig: {}: {}\n", options_.database, record_failure_);
  if (!options_.json) {
    print_summary(code);
    return;
  }
  boost::json::array channels;
  for (const ChannelResult& r : results_) {
    channels.push_back(boost::json::object{{"channel", r.channel},
                                           {"run", r.run},
                                           {"outcome", to_string(r.outcome)},
                                           {"criteria_met", r.criteria_met},
                                           {"reason", r.reason},
                                           {"samples", r.samples},
                                           {"periods_missed", r.periods_missed},
                                           {"output_off_confirmed_by", safe_word(r.safe_by)}});
  }
  print_json({{"database", options_.database},
              {"time_source", rig_->time_name()},
              {"simulated", rig_->is_simulated()},
              {"exit_code", static_cast<int>(code)},
              {"record_failure", record_failure_},
              {"channels", std::move(channels)}});
}

}  // namespace

ExitCode run_profiles(const RunOptions& options) { return RunSession{options}.run(); }

}  // namespace cellrig::cli
