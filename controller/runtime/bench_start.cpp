#include "controller/runtime/bench_start.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace cellrig {
namespace {

constexpr int watchdog_share = 2;
constexpr Duration keep_alive_period = std::chrono::milliseconds{200};
constexpr Duration logger_timeout = std::chrono::seconds{5};

}  // namespace

BenchStart::BenchStart(LiveBench& bench, std::vector<ChannelJob> jobs)
    : bench_{bench}, time_{bench.time()}, options_{bench.options()} {
  make(jobs);
}

BenchStart::~BenchStart() {
  for (const std::unique_ptr<BenchJob>& job : jobs_) bench_.leave(*job);
}

void BenchStart::make(std::vector<ChannelJob>& jobs) {
  std::set<std::string> moved_chambers;  // by any of the channels in them
  const auto moves = [&](const std::string& channel, const Program& program) {
    const std::string& chamber = bench_.bench().channel(channel).chamber;
    if (program.needs_chamber && !chamber.empty()) moved_chambers.insert(chamber);
  };
  for (const ChannelJob& job : jobs) moves(job.channel, *job.program);
  for (const BenchJob* const there : bench_.jobs()) moves(there->job.channel, *there->job.program);
  for (ChannelJob& job : jobs) {
    const ChannelConfig& channel = bench_.bench().channel(job.channel);
    jobs_.push_back(std::make_unique<BenchJob>(channel, std::move(job)));
    BenchJob& made = *jobs_.back();
    ChannelOptions options = options_.channel;
    const Duration watchdog_delay = bench_.bench().watchdog_delay;
    options.nominal_capacity = made.job.program->nominal_capacity;
    options.watchdog_delay = watchdog_delay;
    options.expected_charge = made.job.expected_charge;
    // The instrument's watchdog does not know that this is a rest: it must hear from us well within its delay.
    options.control_period_long_rest = std::min(options.control_period_long_rest, watchdog_delay / watchdog_share);
    options.control_period_off = std::min(options.control_period_off, watchdog_delay / watchdog_share);
    made.runner = std::make_unique<ChannelRunner>(time_, parts_of(channel, bench_.instruments()), *made.job.program, options,
                                                  bench_.recorder(), bench_.listener());
    if (made.job.goes_on) made.runner->set_continuation(*made.job.goes_on);
    made.runner->follow(made.job.following, moved_chambers.count(channel.chamber) > 0);
  }
  for (const std::unique_ptr<BenchJob>& job : jobs_) bench_.join(*job);
}

void BenchStart::stop(Outcome outcome, const std::string& reason) {
  if (stop_requested_) return;
  stop_requested_ = outcome;
  if (!has_begun_) return;
  for (const std::unique_ptr<BenchJob>& job : jobs_) job->runner->stop(outcome, reason);
}

// ---- before the first ampere ----------------------------------------------------------------------------------------

Task<std::optional<StartRefusal>> BenchStart::run() {
  has_begun_ = true;
  co_await secure_all();
  std::optional<Error> refused = insecure_;
  if (!refused) {
    Result<void> ready = co_await preflight();
    if (ready) ready = still_allowed();
    if (!ready) refused = ready.error();
  }
  if (!refused && !stop_requested_) {
    begin_records();
    co_return std::optional<StartRefusal>{};
  }
  co_await undo_preflight();
  // An output that is not confirmed off outweighs whatever else was the reason.
  StartRefusal why{.error = insecure_.value_or(refused.value_or(fail(Fault::interrupted, "stopped before the start")))};
  const bool is_stopped = why.error.fault == Fault::interrupted && stop_requested_;
  why.outcome = is_stopped ? *stop_requested_ : refused_as_;
  why.is_insecure = insecure_.has_value();
  why.by_rule = refused_by_rule_ && !is_stopped && !insecure_;
  co_return std::optional<StartRefusal>{std::move(why)};
}

Task<void> BenchStart::secure_all() {
  // Side by side: an output that can be made safe does not wait for one that hangs.
  TaskGroup all{time_};
  for (const std::unique_ptr<BenchJob>& job : jobs_) all.spawn(secure(*job));
  co_await all.wait();
}

Task<void> BenchStart::secure(BenchJob& job) {
  const Result<void> off = co_await job.runner->secure();
  if (!off && !insecure_) insecure_ = off.error();
  ChamberTask* const chamber = bench_.chamber(job.config.chamber);
  if (off && chamber != nullptr) chamber->confirmed_off(job.config.name);
}

/// All of that took its time: a neighbour may have tripped, or the chamber.
Result<void> BenchStart::still_allowed() {
  for (const std::unique_ptr<BenchJob>& job : jobs_) {
    const std::optional<TripCause>& cause = job->runner->trip_before_run();
    if (!cause) continue;
    refused_by_rule_ = true;
    return fail(Fault::refused, job->config.name + ": while it was being started: " + describe(*cause));
  }
  const Result<void> allowed = last_check_ ? last_check_() : Result<void>{};
  if (!allowed) refused_by_rule_ = true;
  return allowed;
}

Task<Result<void>> BenchStart::preflight() {
  Result<void> shared = judge_shared_chambers();
  if (!shared) co_return shared;
  Result<void> disk = bench_.enough_disk();
  if (disk) disk = enough_disk_for_all();
  if (!disk) {
    refused_as_ = Outcome::record_failure;
    co_return disk;
  }
  Result<void> calibrated = judge_calibrations();
  if (!calibrated) co_return calibrated;
  for (const std::unique_ptr<BenchJob>& job : jobs_) co_await prepare_expected(*job);
  Result<void> settled = co_await bench_.settle_alarms();
  if (!settled) co_return settled;
  Result<void> identified = co_await identify_all();
  if (!identified) co_return identified;
  Result<void> ready = co_await connect_and_arm();
  co_return ready;
}

/// Is this instrument one of those that the channels of this start depend on?
bool BenchStart::concerns(const std::string& instrument) const {
  return std::any_of(jobs_.begin(), jobs_.end(), [&](const std::unique_ptr<BenchJob>& job) {
    const std::vector<std::string> used = instruments_of(bench_.bench(), job->config);
    return std::find(used.begin(), used.end(), instrument) != used.end();
  });
}

Task<Result<void>> BenchStart::identify_all() {
  for (const std::unique_ptr<BenchJob>& job : jobs_) {
    const Result<InstrumentIdentity> identity = co_await job->runner->identify();
    if (!identity)
      co_return Error{identity.error().fault, job->config.name + ": " + job->config.cycler + ": " + identity.error().what};
    job->identity = *identity;
    const Result<void> same = same_instrument(*job);
    if (!same) co_return same;
    const Result<void> proven = co_await judge_cycler(*job);
    if (!proven) co_return proven;
  }
  const Result<void> sensors = co_await identify_sensors();
  if (!sensors) co_return sensors;
  for (const std::unique_ptr<ChamberTask>& chamber : bench_.chambers()) {
    const bool is_asked = std::any_of(jobs_.begin(), jobs_.end(), [&](const std::unique_ptr<BenchJob>& job) {
      return job->config.chamber == chamber->name() && job->job.program->needs_chamber;
    });
    if (!is_asked) continue;
    const Result<void> ready = co_await chamber->prepare();
    if (!ready) co_return ready;
  }
  co_return Result<void>{};
}

/// One that is read already was identified when its bench was opened; two questions at once would meet on its wire.
Task<Result<void>> BenchStart::identify_sensors() {
  for (const std::unique_ptr<SensorTask>& sensor : bench_.sensors()) {
    if (sensor->is_running() || !concerns(sensor->name())) continue;
    const Deadline deadline{time_.now() + logger_timeout};
    const Result<InstrumentIdentity> identity = co_await sensor->logger().identify(deadline);
    if (!identity) co_return Error{identity.error().fault, sensor->name() + ": " + identity.error().what};
  }
  const Result<void> first = co_await read_sensors();
  co_return first;
}

/// Contacts last: theirs is the shortest age limit.
Task<Result<void>> BenchStart::read_sensors() {
  for (const std::unique_ptr<SensorTask>& sensor : bench_.sensors()) {
    if (!concerns(sensor->name())) continue;
    const Result<void> read = co_await sensor->refresh();
    if (!read) co_return Error{read.error().fault, sensor->name() + ": " + read.error().what};
  }
  for (const std::unique_ptr<InterlockTask>& interlock : bench_.interlocks()) {
    if (!concerns(interlock->name())) continue;
    const Result<void> read = co_await interlock->refresh();
    if (!read) co_return Error{read.error().fault, interlock->name() + ": " + read.error().what};
  }
  co_return Result<void>{};
}

/// All cells are looked at before the first instrument is armed: an armed watchdog wants to hear from us.
Task<Result<void>> BenchStart::connect_and_arm() {
  for (const std::unique_ptr<BenchJob>& job : jobs_) {
    if (stop_requested_) co_return fail(Fault::interrupted, "stopped before the start");
    Result<void> connected = co_await job->runner->connect_cell();
    if (!connected) co_return connected;
  }
  if (stop_requested_) co_return fail(Fault::interrupted, "stopped before the start");
  arming_ = static_cast<int>(jobs_.size());
  TaskGroup all{time_};
  for (const std::unique_ptr<BenchJob>& job : jobs_) all.spawn(arm_and_hold(*job));
  co_await all.wait();
  for (const std::unique_ptr<BenchJob>& job : jobs_) {
    if (!job->arm_result) co_return job->arm_result;
  }
  // All of that took its time, and what the supervisor is about to judge must be of now.
  const Result<void> read = co_await read_sensors();
  co_return read;
}

/// From the moment it is armed an instrument wants to hear from us, however long another one takes.
Task<void> BenchStart::arm_and_hold(BenchJob& job) {
  job.armed = true;
  job.arm_result = co_await job.runner->arm();
  --arming_;
  while (arming_ > 0) {
    if (job.arm_result) co_await job.runner->keep_alive();
    co_await time_.sleep_for(keep_alive_period);
  }
}

/// Contactors that were closed for the check open again; a watchdog that was armed would latch a trip for the next run.
Task<void> BenchStart::undo_preflight() {
  TaskGroup all{time_};
  for (const std::unique_ptr<BenchJob>& job : jobs_) all.spawn(undo(*job));
  co_await all.wait();
}

Task<void> BenchStart::undo(BenchJob& job) {
  co_await secure(job);
  if (job.armed && job.runner->safe_by() == SafeBy::instrument) co_await job.runner->release_unused();
}

// ---- the record -----------------------------------------------------------------------------------------------------

void BenchStart::begin_records() {
  for (const std::unique_ptr<BenchJob>& job : jobs_) {
    if (job->job.goes_on) {
      job->run = job->job.goes_on->run.info.run;
      record_rulings(*job);
      continue;
    }
    db::RunRow& row = job->job.run;
    row.channel = job->config.name;
    row.started_at = time_.utc_now();
    const InstrumentConfig& cycler = bench_.bench().instruments.at(job->config.cycler);
    row.instruments.push_back(db::InstrumentRow{"cycler", cycler.name, job->identity.model, job->identity.maker,
                                                job->identity.serial, job->identity.firmware,
                                                to_string(cycler.addresses.begin()->second)});
    std::set<std::string> listed;
    for (const std::optional<InputRef>& input :
         {job->config.cell_temperature, job->config.voltage, job->config.stack_force, job->config.gas}) {
      if (!input || !listed.insert(input->instrument).second) continue;
      const InstrumentConfig& logger = bench_.bench().instruments.at(input->instrument);
      const std::string wire = to_string(logger.addresses.begin()->second);
      row.instruments.push_back(db::InstrumentRow{"logger", logger.name, logger.model, "", "", "", wire});
    }
    job->run = bench_.recorder().begin_run(row);
    record_expected(*job);
    record_rulings(*job);
  }
}

}  // namespace cellrig
