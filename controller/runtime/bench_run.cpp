#include "controller/runtime/bench_run.hpp"

#include "controller/runtime/bench_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace cellrig {
namespace {

constexpr int watchdog_share = 2;
constexpr Duration keep_alive_period = std::chrono::milliseconds{200};

/// The temperatures a program asks its chamber for.
std::vector<double> temperatures_of(const Program& program) {
  std::vector<double> temperatures;
  for (const Instruction& instruction : program.code) {
    const Step* const step = std::get_if<Step>(&instruction);
    if (step != nullptr && step->chamber_temperature) temperatures.push_back(step->chamber_temperature->value());
  }
  return temperatures;
}

}  // namespace

BenchRun::BenchRun(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, db::Recorder& recorder,
                   RunListener& listener, BenchRunOptions options)
    : time_{time},
      bench_{bench},
      instruments_{instruments},
      recorder_{recorder},
      listener_{listener},
      options_{std::move(options)},
      leased_{options_.leased},
      channels_running_{time},
      helpers_running_{time},
      disk_wake_{time} {}

BenchRun::~BenchRun() = default;

// ---- making ---------------------------------------------------------------------------------------------------------

void BenchRun::make_channels(std::vector<ChannelJob>& jobs) {
  for (ChannelJob& job : jobs) {
    const ChannelConfig& channel = bench_.channel(job.channel);
    jobs_.push_back(std::make_unique<Job>(channel, std::move(job)));
    Job& made = *jobs_.back();
    ChannelOptions options = options_.channel;
    options.nominal_capacity = made.job.program->nominal_capacity;
    options.watchdog_delay = bench_.watchdog_delay;
    options.expected_charge = made.job.expected_charge;
    // The instrument's watchdog does not know that this is a rest: it must hear from us well within its delay.
    options.control_period_long_rest = std::min(options.control_period_long_rest, bench_.watchdog_delay / watchdog_share);
    options.control_period_off = std::min(options.control_period_off, bench_.watchdog_delay / watchdog_share);
    made.runner =
        std::make_unique<ChannelRunner>(time_, parts_of(channel, instruments_), *made.job.program, options, recorder_, listener_);
    if (made.job.goes_on) made.runner->set_continuation(*made.job.goes_on);
  }
}

void BenchRun::make_sensors() {
  for (const auto& [name, logger] : instruments_.loggers) {
    auto task = std::make_unique<SensorTask>(time_, name, *logger, options_.channel.sensor_period, listener_);
    bool used = false;
    for (const std::unique_ptr<Job>& job : jobs_) {
      const auto subscribe = [&](const std::optional<InputRef>& input, Measurand measurand) {
        if (!input || input->instrument != name) return;
        const bool is_force = measurand == Measurand::stack_force;
        task->subscribe(
            {job->runner.get(), measurand, input->index, is_force ? job->runner->pressed_area_cm2() : std::optional<double>{}});
        used = true;
      };
      subscribe(job->config.cell_temperature, Measurand::cell_temperature);
      subscribe(job->config.ambient_temperature, Measurand::ambient_temperature);
      subscribe(job->config.voltage, Measurand::logger_voltage);
      subscribe(job->config.stack_force, Measurand::stack_force);
      subscribe(job->config.gas, Measurand::gas);
    }
    if (used) sensors_.push_back(std::move(task));
  }
}

void BenchRun::make_interlocks() {
  for (const auto& [name, contacts] : instruments_.contacts) {
    auto task = std::make_unique<InterlockTask>(time_, name, *contacts, options_.channel, listener_);
    bool used = false;
    for (const std::unique_ptr<Job>& job : jobs_) {
      const std::vector<std::string> modules = interlock_modules(job->config);
      const auto source = static_cast<std::size_t>(std::find(modules.begin(), modules.end(), name) - modules.begin());
      for (const InputRef& contact : job->config.interlocks) {
        if (contact.instrument != name) continue;
        task->subscribe(*job->runner, source, contact.index);
        used = true;
      }
    }
    if (used) interlocks_.push_back(std::move(task));
  }
}

void BenchRun::make_chambers() {
  for (const ChamberConfig& config : bench_.chambers) {
    const auto made = instruments_.chambers.find(config.instrument);
    if (made == instruments_.chambers.end()) continue;  // no channel of this run is in it
    auto task =
        std::make_unique<ChamberTask>(time_, config.name, *made->second, ChamberLimits{config.setpoint_min, config.setpoint_max},
                                      options_.channel.sensor_period, listener_);
    bool used = false;
    for (const std::unique_ptr<Job>& job : jobs_) {
      if (job->config.chamber != config.name) continue;
      // A cell in there that asks for no temperature still shares the heat with its neighbours.
      task->add(*job->runner, job->job.program->needs_chamber);
      used = true;
    }
    task->set_alarms(alarms_->of_chamber(config.name), alarms_.get());
    if (used) chambers_.push_back(std::move(task));
  }
}

/// The cyclers' outputs, and the chambers their cells are in: heat there, and a cell that runs away there, concern every channel of
/// the chamber, so that one process must know them all. A serial line has one owner, whatever is on it.
Result<void> BenchRun::take_leases() {
  std::set<std::string> wanted, lines;
  const bool takes_lines = options_.take_leases || options_.take_chamber_leases;
  for (const std::unique_ptr<Job>& job : jobs_) {
    if (options_.take_leases) wanted.insert(job->config.cycler);
    const ChamberConfig* const chamber = bench_.chamber(job->config.chamber);
    if (chamber != nullptr && (options_.take_leases || options_.take_chamber_leases)) wanted.insert(chamber->instrument);
    for (const std::optional<InputRef>& input :
         {job->config.cell_temperature, job->config.ambient_temperature, job->config.voltage, job->config.stack_force,
          job->config.gas, job->config.contactor}) {
      if (takes_lines && input) lines.insert(input->instrument);
    }
    for (const InputRef& contact : job->config.interlocks) {
      if (takes_lines) lines.insert(contact.instrument);
    }
    for (const AlarmWire& alarm : alarm_wires_of(bench_, {job->config.name})) {
      if (takes_lines) lines.insert(alarm.wire.instrument);
    }
  }
  const auto take = [this](const std::string& instrument, const std::vector<std::string>& wires) -> Result<void> {
    for (const std::string& wire : wires) {
      if (!leased_.insert(wire).second) continue;
      Result<Lease> lease = take_lease_of(instrument, wire, options_.lease_directory);
      if (!lease) return lease.error();
      leases_.push_back(std::move(*lease));
    }
    return {};
  };
  for (const std::string& instrument : wanted) {
    const Result<void> taken = take(instrument, leased_wires_of(bench_.instruments.at(instrument)));
    if (!taken) return taken;
  }
  for (const std::string& instrument : lines) {
    const Result<void> taken = take(instrument, serial_lines_of(bench_.instruments.at(instrument)));
    if (!taken) return taken;
  }
  return {};
}

// ---- before the first ampere ----------------------------------------------------------------------------------------

Task<void> BenchRun::secure_all() {
  // Side by side: an output that can be made safe does not wait for one that hangs.
  TaskGroup all{time_};
  for (const std::unique_ptr<Job>& job : jobs_) all.spawn(secure(*job));
  co_await all.wait();
}

Task<void> BenchRun::secure(Job& job) {
  const Result<void> off = co_await job.runner->secure();
  if (!off && !insecure_) insecure_ = off.error();
}

Task<Result<void>> BenchRun::identify_all() {
  for (const std::unique_ptr<Job>& job : jobs_) {
    const Result<InstrumentIdentity> identity = co_await job->runner->identify();
    if (!identity)
      co_return Error{identity.error().fault, job->config.name + ": " + job->config.cycler + ": " + identity.error().what};
    job->identity = *identity;
    const Result<void> same = same_instrument(*job);
    if (!same) co_return same;
    const Result<void> proven = judge_cycler(*job);
    if (!proven) co_return proven;
  }
  for (const std::unique_ptr<SensorTask>& sensor : sensors_) {
    const Deadline deadline{time_.now() + std::chrono::seconds{5}};
    const Result<InstrumentIdentity> identity = co_await sensor->logger().identify(deadline);
    if (!identity) co_return Error{identity.error().fault, sensor->name() + ": " + identity.error().what};
  }
  const Result<void> first = co_await read_sensors();
  if (!first) co_return first;
  for (const std::unique_ptr<ChamberTask>& chamber : chambers_) {
    const Result<void> ready = co_await chamber->prepare();
    if (!ready) co_return ready;
  }
  co_return Result<void>{};
}

/// Contacts last: theirs is the shortest age limit.
Task<Result<void>> BenchRun::read_sensors() {
  for (const std::unique_ptr<SensorTask>& sensor : sensors_) {
    const Result<void> read = co_await sensor->refresh();
    if (!read) co_return Error{read.error().fault, sensor->name() + ": " + read.error().what};
  }
  for (const std::unique_ptr<InterlockTask>& interlock : interlocks_) {
    const Result<void> read = co_await interlock->refresh();
    if (!read) co_return Error{read.error().fault, interlock->name() + ": " + read.error().what};
  }
  co_return Result<void>{};
}

/// A run goes on with the cycler it began with: another one has other offsets, and may be wired to another cell.
Result<void> BenchRun::same_instrument(const Job& job) const {
  if (!job.job.goes_on || !job.job.goes_on->accepted_change.empty()) return {};
  const std::vector<db::InstrumentRow>& recorded = job.job.goes_on->run.info.row.instruments;
  const auto cycler =
      std::find_if(recorded.begin(), recorded.end(), [](const db::InstrumentRow& i) { return i.role == "cycler"; });
  if (cycler == recorded.end()) return {};
  const InstrumentIdentity& now = job.identity;
  if (cycler->model == now.model && cycler->serial == now.serial) return {};  // a firmware may rename its maker
  return fail(
      Fault::refused,
      fmt::format("{}: {}: run {} began with {} {} serial {}, this is {} {} serial {} (--accept-changed \"REASON\" goes on "
                  "all the same)",
                  job.config.name, job.config.cycler, job.job.goes_on->run.info.run, cycler->maker, cycler->model, cycler->serial,
                  now.maker, now.model, now.serial));
}

Result<void> agree_on_temperatures(const std::vector<std::pair<const ChannelConfig*, const Program*>>& channels) {
  std::map<std::string, std::pair<std::string, std::set<double>>> by_chamber;
  for (const auto& [channel, program] : channels) {
    const std::vector<double> list = temperatures_of(*program);
    if (list.empty()) continue;
    if (channel->chamber.empty())
      return fail(Fault::refused, channel->name + ": the profile asks for a chamber temperature, and the channel has no chamber");
    const std::set<double> wanted(list.begin(), list.end());
    const auto [entry, is_first] = by_chamber.emplace(channel->chamber, std::make_pair(channel->name, wanted));
    const std::set<double>& other = entry->second.second;
    if (is_first || (wanted == other && wanted.size() == 1)) continue;
    return fail(Fault::refused,
                fmt::format("channels '{}' and '{}' share chamber '{}' and want different temperatures ({:g} and {:g} degC)",
                            entry->second.first, channel->name, channel->chamber, *other.begin(),
                            *other.begin() == *wanted.begin() ? *wanted.rbegin() : *wanted.begin()));
  }
  return {};
}

Result<void> BenchRun::enough_disk() const {
  if (options_.disk_reserve_bytes == 0 || !options_.free_disk_bytes) return {};
  const Result<std::uint64_t> free = options_.free_disk_bytes();
  if (!free) return free.error();
  if (*free >= options_.disk_reserve_bytes) return {};
  return fail(Fault::refused, fmt::format("only {} MiB free where the database is, the reserve is {} MiB", *free >> 20,
                                          options_.disk_reserve_bytes >> 20));
}

Task<Result<void>> BenchRun::preflight() {
  std::vector<std::pair<const ChannelConfig*, const Program*>> pairs;
  for (const std::unique_ptr<Job>& job : jobs_) pairs.emplace_back(&job->config, job->job.program);
  Result<void> agreed = agree_on_temperatures(pairs);
  if (!agreed) co_return agreed;
  Result<void> disk = enough_disk();
  if (disk) disk = enough_disk_for_all();
  if (!disk) {
    refused_as_ = Outcome::record_failure;
    co_return disk;
  }
  Result<void> calibrated = judge_calibrations();
  if (!calibrated) co_return calibrated;
  Result<void> settled = co_await alarms_->settle(options_.remember_alarms);
  if (!settled) co_return settled;
  Result<void> identified = co_await identify_all();
  if (!identified) co_return identified;
  Result<void> ready = co_await connect_and_arm();
  co_return ready;
}

/// All cells are looked at before the first instrument is armed: an armed watchdog wants to hear from us.
Task<Result<void>> BenchRun::connect_and_arm() {
  for (const std::unique_ptr<Job>& job : jobs_) {
    if (stop_requested_) co_return fail(Fault::interrupted, "stopped before the start");
    Result<void> connected = co_await job->runner->connect_cell();
    if (!connected) co_return connected;
  }
  if (stop_requested_) co_return fail(Fault::interrupted, "stopped before the start");
  arming_ = static_cast<int>(jobs_.size());
  TaskGroup all{time_};
  for (const std::unique_ptr<Job>& job : jobs_) all.spawn(arm_and_hold(*job));
  co_await all.wait();
  for (const std::unique_ptr<Job>& job : jobs_) {
    if (!job->arm_result) co_return job->arm_result;
  }
  // All of that took its time, and what the supervisor is about to judge must be of now.
  const Result<void> read = co_await read_sensors();
  co_return read;
}

/// From the moment it is armed an instrument wants to hear from us, however long another one takes.
Task<void> BenchRun::arm_and_hold(Job& job) {
  job.armed = true;
  job.arm_result = co_await job.runner->arm();
  --arming_;
  while (arming_ > 0) {
    if (job.arm_result) co_await job.runner->keep_alive();
    co_await time_.sleep_for(keep_alive_period);
  }
}

// ---- the run --------------------------------------------------------------------------------------------------------

Task<void> BenchRun::run(std::vector<ChannelJob> jobs) {
  make_channels(jobs);
  make_sensors();
  make_interlocks();
  make_alarms();
  make_chambers();
  const Result<void> leased = take_leases();
  if (!leased) {
    refuse(leased.error());
    co_return;
  }
  co_await secure_all();
  std::optional<Error> refused = insecure_;
  if (!refused) {
    const Result<void> ready = co_await preflight();
    if (!ready) refused = ready.error();
  }
  if (refused || stop_requested_) {
    co_await undo_preflight();
    co_await alarms_->finish();
    // An output that is not confirmed off outweighs whatever else was the reason.
    refuse(insecure_.value_or(refused.value_or(fail(Fault::interrupted, "stopped before the start"))));
    co_return;
  }
  begin_records();
  for (const std::unique_ptr<SensorTask>& sensor : sensors_) helpers_running_.spawn(sensor->run());
  for (const std::unique_ptr<InterlockTask>& interlock : interlocks_) helpers_running_.spawn(interlock->run());
  for (const std::unique_ptr<ChamberTask>& chamber : chambers_) helpers_running_.spawn(chamber->run());
  if (options_.disk_reserve_bytes > 0) helpers_running_.spawn(watch_disk());
  for (const std::unique_ptr<Job>& job : jobs_) channels_running_.spawn(job->runner->run(job->run));
  for (const std::unique_ptr<Job>& job : jobs_) helpers_running_.spawn(job->runner->look_after());
  co_await channels_running_.wait();
  end_helpers();
  co_await helpers_running_.wait();
  co_await alarms_->finish();
  collect();
}

/// Contactors that were closed for the check open again; a watchdog that was armed would latch a trip for the next run.
Task<void> BenchRun::undo_preflight() {
  TaskGroup all{time_};
  for (const std::unique_ptr<Job>& job : jobs_) all.spawn(undo(*job));
  co_await all.wait();
}

Task<void> BenchRun::undo(Job& job) {
  co_await secure(job);
  if (job.armed && job.runner->safe_by() == SafeBy::instrument) co_await job.runner->release_unused();
}

void BenchRun::begin_records() {
  for (const std::unique_ptr<Job>& job : jobs_) {
    if (job->job.goes_on) {
      job->run = job->job.goes_on->run.info.run;
      record_rulings(*job);
      continue;
    }
    db::RunRow& row = job->job.run;
    row.channel = job->config.name;
    row.started_at = time_.utc_now();
    const InstrumentConfig& cycler = bench_.instruments.at(job->config.cycler);
    row.instruments.push_back(db::InstrumentRow{"cycler", cycler.name, job->identity.model, job->identity.maker,
                                                job->identity.serial, job->identity.firmware,
                                                to_string(cycler.addresses.begin()->second)});
    std::set<std::string> listed;
    for (const std::optional<InputRef>& input :
         {job->config.cell_temperature, job->config.voltage, job->config.stack_force, job->config.gas}) {
      if (!input || !listed.insert(input->instrument).second) continue;
      const InstrumentConfig& logger = bench_.instruments.at(input->instrument);
      const std::string wire = to_string(logger.addresses.begin()->second);
      row.instruments.push_back(db::InstrumentRow{"logger", logger.name, logger.model, "", "", "", wire});
    }
    job->run = recorder_.begin_run(row);
    record_rulings(*job);
  }
}

/// An orderly stop before the disk is full: the last rows of a run are the ones somebody will want to see.
Task<void> BenchRun::watch_disk() {
  while (!disk_watch_ends_) {
    const Result<void> disk = enough_disk();
    if (!disk || recorder_.failed()) {
      const std::string reason = recorder_.failed() ? recorder_.failure() : disk.error().what;
      listener_.message("record", db::Severity::alarm, reason);
      stop(Outcome::record_failure, reason);
      break;
    }
    const bool wal_is_large = recorder_.wal_bytes() > db::wal_bytes_alarm;
    if (wal_is_large && !wal_alarm_) {
      const std::string text = fmt::format("the write-ahead log has grown to {} MiB: does some reader keep the database open?",
                                           recorder_.wal_bytes() >> 20);
      listener_.message("record", db::Severity::alarm, text);
      recorder_.append(
          db::EventRow{.utc = time_.utc_now(), .severity = db::Severity::alarm, .kind = "write-ahead log", .message = text});
    }
    wal_alarm_ = wal_is_large;
    const TimePoint next = time_.now() + options_.disk_check_interval;
    co_await disk_wake_.until(next);
  }
}

void BenchRun::end_helpers() {
  for (const std::unique_ptr<Job>& job : jobs_) job->runner->end_look_after();
  for (const std::unique_ptr<SensorTask>& sensor : sensors_) sensor->stop();
  for (const std::unique_ptr<InterlockTask>& interlock : interlocks_) interlock->stop();
  for (const std::unique_ptr<ChamberTask>& chamber : chambers_) chamber->stop();
  disk_watch_ends_ = true;
  disk_wake_.wake();
}

void BenchRun::hurry() {
  for (const std::unique_ptr<Job>& job : jobs_) job->runner->hurry();
  for (const std::unique_ptr<ChamberTask>& chamber : chambers_) chamber->hurry();
  if (alarms_) alarms_->hurry();
}

void BenchRun::stop(Outcome outcome, const std::string& reason) {
  if (stop_requested_) return;
  stop_requested_ = outcome;
  for (const std::unique_ptr<Job>& job : jobs_) job->runner->stop(outcome, reason);
}

void BenchRun::refuse(const Error& error) {
  const bool stopped = error.fault == Fault::interrupted && stop_requested_;
  for (const std::unique_ptr<Job>& job : jobs_) {
    ChannelResult result{.channel = job->config.name};
    result.outcome = stopped ? *stop_requested_ : refused_as_;
    result.refused_by_rule = refused_by_rule_ && !stopped && !insecure_;
    result.reason = error.what;
    result.safe_by = job->runner->safe_by();
    results_.push_back(result);
  }
  // No run begins, so the record of the bench keeps it.
  const db::Severity severity = stopped ? db::Severity::warning : db::Severity::alarm;
  recorder_.append(db::EventRow{.utc = time_.utc_now(), .severity = severity, .kind = "start refused", .message = error.what});
  listener_.message("preflight", severity, error.what);
}

void BenchRun::collect() {
  for (const std::unique_ptr<ChamberTask>& chamber : chambers_) {
    if (!chamber->left_running()) continue;
    for (const std::unique_ptr<Job>& job : jobs_) {
      if (job->config.chamber == chamber->name())
        job->runner->failed_afterwards("chamber '" + chamber->name() + "' did not confirm that it stopped");
    }
  }
  for (const std::unique_ptr<Job>& job : jobs_) {
    const ChannelRunner& runner = *job->runner;
    results_.push_back(ChannelResult{.channel = job->config.name,
                                     .outcome = runner.outcome(),
                                     .criteria_met = runner.criteria_met(),
                                     .reason = runner.reason(),
                                     .safe_by = runner.safe_by(),
                                     .run = job->run,
                                     .samples = runner.samples(),
                                     .periods_missed = runner.periods_missed()});
  }
}

}  // namespace cellrig
