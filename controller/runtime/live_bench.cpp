#include "controller/runtime/live_bench.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/runtime/chamber_rules.hpp"

namespace cellrig {
namespace {

/// That an interrupted run had when it was seen last, and will ask for first.
std::optional<Celsius> temperature_held(const ChannelJob& job) {
  if (!job.goes_on || job.goes_on->rule == InterruptionRule::stop || job.goes_on->run.waits_for_person()) return std::nullopt;
  const ChannelState& state = job.goes_on->run.point.channel;
  const bool held = state.chamber_requested && (state.chamber_granted || state.chamber_was_held);
  return held ? std::optional{Celsius{state.chamber_degC}} : std::nullopt;
}

struct SensorUse {
  const std::optional<InputRef>& input;
  Measurand measurand;
};

std::vector<SensorUse> sensors_of(const ChannelConfig& channel) {
  return {{channel.cell_temperature, Measurand::cell_temperature},
          {channel.ambient_temperature, Measurand::ambient_temperature},
          {channel.voltage, Measurand::logger_voltage},
          {channel.stack_force, Measurand::stack_force},
          {channel.gas, Measurand::gas}};
}

}  // namespace

LiveBench::LiveBench(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, db::Recorder& recorder,
                     RunListener& listener, BenchRunOptions options)
    : time_{time},
      bench_{bench},
      instruments_{instruments},
      recorder_{recorder},
      listener_{listener},
      options_{std::move(options)},
      leased_{options_.leased},
      helpers_running_{time},
      disk_wake_{time} {}

LiveBench::~LiveBench() = default;

// ---- making ---------------------------------------------------------------------------------------------------------

void LiveBench::open(const std::vector<std::string>& channels) {
  make_sensors(channels);
  make_interlocks(channels);
  const auto tell = [this](const AlarmWire& wire, db::Severity severity, const std::string& action, const std::string& text) {
    tell_alarm(wire, severity, action, text);
  };
  alarms_ = std::make_unique<BenchAlarms>(time_, bench_, channels, instruments_, tell);
  make_chambers(channels);
}

void LiveBench::make_sensors(const std::vector<std::string>& channels) {
  for (const auto& [name, logger] : instruments_.loggers) {
    auto task = std::make_unique<SensorTask>(time_, name, *logger, options_.channel.sensor_period, listener_);
    if (options_.is_watched) task->identify_by_itself();
    bool is_used = false;
    for (const std::string& channel : channels) {
      for (const SensorUse& use : sensors_of(bench_.channel(channel))) {
        if (!use.input || use.input->instrument != name) continue;
        task->declare(use.input->index);
        is_used = true;
      }
    }
    if (is_used) sensors_.push_back(std::move(task));
  }
}

void LiveBench::make_interlocks(const std::vector<std::string>& channels) {
  for (const auto& [name, contacts] : instruments_.contacts) {
    auto task = std::make_unique<InterlockTask>(time_, name, *contacts, options_.channel, listener_);
    bool is_used = false;
    for (const std::string& channel : channels) {
      for (const InputRef& contact : bench_.channel(channel).interlocks) {
        if (contact.instrument != name) continue;
        task->declare(contact.index);
        is_used = true;
      }
    }
    if (is_used) interlocks_.push_back(std::move(task));
  }
}

void LiveBench::make_chambers(const std::vector<std::string>& channels) {
  for (const ChamberConfig& config : bench_.chambers) {
    const auto made = instruments_.chambers.find(config.instrument);
    if (made == instruments_.chambers.end()) continue;  // no channel of this process is in it
    const bool is_used = std::any_of(channels.begin(), channels.end(),
                                     [&](const std::string& c) { return bench_.channel(c).chamber == config.name; });
    if (!is_used) continue;
    const ChamberTaskOptions options{.limits = {config.setpoint_min, config.setpoint_max},
                                     .period = options_.channel.sensor_period,
                                     .wait_max = chamber_wait_max(config, {}),
                                     .looks_always = options_.is_watched};
    auto task = std::make_unique<ChamberTask>(time_, config.name, *made->second, options, listener_);
    task->set_alarms(alarms_->of_chamber(config.name), alarms_.get());
    chambers_.push_back(std::move(task));
  }
}

ChamberTask* LiveBench::chamber(const std::string& name) const {
  const auto found = std::find_if(chambers_.begin(), chambers_.end(), [&](const auto& c) { return c->name() == name; });
  return found == chambers_.end() ? nullptr : found->get();
}

// ---- leases ---------------------------------------------------------------------------------------------------------

Result<void> LiveBench::take(const std::string& instrument, const std::vector<std::string>& wires) {
  for (const std::string& wire : wires) {
    if (!leased_.insert(wire).second) continue;
    Result<Lease> lease = take_lease_of(instrument, wire, options_.lease_directory);
    if (!lease) return lease.error();
    leases_.push_back(std::move(*lease));
  }
  return {};
}

/// The cyclers' outputs, and the chambers their cells are in: heat there, and a cell that runs away there, concern every channel of
/// the chamber, so that one process must know them all. A serial line has one owner, whatever is on it.
Result<void> LiveBench::take_leases(const std::vector<std::string>& channels) {
  std::set<std::string> wanted, lines;
  const bool takes_lines = options_.take_leases || options_.take_chamber_leases;
  for (const std::string& name : channels) {
    const ChannelConfig& config = bench_.channel(name);
    if (options_.take_leases) wanted.insert(config.cycler);
    const ChamberConfig* const chamber = bench_.chamber(config.chamber);
    if (chamber != nullptr && takes_lines) wanted.insert(chamber->instrument);
    if (!takes_lines) continue;
    for (const SensorUse& use : sensors_of(config)) {
      if (use.input) lines.insert(use.input->instrument);
    }
    if (config.contactor) lines.insert(config.contactor->instrument);
    for (const InputRef& contact : config.interlocks) lines.insert(contact.instrument);
    for (const AlarmWire& alarm : alarm_wires_of(bench_, {config.name})) lines.insert(alarm.wire.instrument);
  }
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

// ---- coming and going -----------------------------------------------------------------------------------------------

void LiveBench::listen(const ChannelConfig& channel, SensorSink& sink, const std::optional<double>& pressed_area_cm2) {
  for (const std::unique_ptr<SensorTask>& task : sensors_) {
    for (const SensorUse& use : sensors_of(channel)) {
      if (!use.input || use.input->instrument != task->name()) continue;
      const bool is_force = use.measurand == Measurand::stack_force;
      task->subscribe({&sink, use.measurand, use.input->index, is_force ? pressed_area_cm2 : std::optional<double>{}});
    }
  }
  const std::vector<std::string> modules = interlock_modules(channel);
  for (const std::unique_ptr<InterlockTask>& task : interlocks_) {
    const auto source = static_cast<std::size_t>(std::find(modules.begin(), modules.end(), task->name()) - modules.begin());
    for (const InputRef& contact : channel.interlocks) {
      if (contact.instrument == task->name()) task->subscribe(sink, source, contact.index);
    }
  }
}

void LiveBench::stop_listening(const SensorSink& sink) {
  for (const std::unique_ptr<SensorTask>& task : sensors_) task->unsubscribe(sink);
  for (const std::unique_ptr<InterlockTask>& task : interlocks_) task->unsubscribe(sink);
}

void LiveBench::join(BenchJob& job) {
  jobs_.push_back(&job);
  listen(job.config, *job.runner, job.runner->pressed_area_cm2());
  job.runner->set_bell(alarms_.get());
  // A cell in there that asks for no temperature still shares the heat with its neighbours.
  ChamberTask* const its = chamber(job.config.chamber);
  if (its == nullptr) return;
  its->add(*job.runner, job.job.program->needs_chamber, temperature_held(job.job));
  set_wait_max(job.config.chamber);
}

void LiveBench::leave(BenchJob& job) {
  std::erase(jobs_, &job);
  stop_listening(*job.runner);
  ChamberTask* const its = chamber(job.config.chamber);
  if (its == nullptr) return;
  its->forget(*job.runner);
  set_wait_max(job.config.chamber);
}

void LiveBench::set_wait_max(const std::string& chamber_name) {
  std::vector<const Program*> programs;
  for (const BenchJob* const job : jobs_) {
    if (job->config.chamber == chamber_name) programs.push_back(job->job.program);
  }
  chamber(chamber_name)->set_wait_max(chamber_wait_max(*bench_.chamber(chamber_name), programs));
}

// ---- from open to close ---------------------------------------------------------------------------------------------

void LiveBench::run_helpers(std::function<void(const std::string& reason)> on_disk_trouble) {
  for (const std::unique_ptr<SensorTask>& sensor : sensors_) helpers_running_.spawn(sensor->run());
  for (const std::unique_ptr<InterlockTask>& interlock : interlocks_) helpers_running_.spawn(interlock->run());
  for (const std::unique_ptr<ChamberTask>& chamber : chambers_) helpers_running_.spawn(chamber->run());
  // A record on a disk is watched whatever reserve it was given: it may fail, and its log may grow. A service must know of the first also
  // while no channel runs.
  if (options_.free_disk_bytes || options_.is_watched) helpers_running_.spawn(watch_disk(std::move(on_disk_trouble)));
}

Task<void> LiveBench::close() {
  for (const std::unique_ptr<SensorTask>& sensor : sensors_) sensor->stop();
  for (const std::unique_ptr<InterlockTask>& interlock : interlocks_) interlock->stop();
  for (const std::unique_ptr<ChamberTask>& chamber : chambers_) chamber->stop();
  disk_watch_ends_ = true;
  disk_wake_.wake();
  co_await helpers_running_.wait();
  co_await alarms_->finish();
}

void LiveBench::hurry() {
  for (const std::unique_ptr<ChamberTask>& chamber : chambers_) chamber->hurry();
  if (alarms_) alarms_->hurry();
}

Task<void> LiveBench::aside(std::function<void()> work) {
  const std::function<void()> kept = std::move(work);
  if (options_.aside) {
    co_await options_.aside(kept);
  } else {
    kept();
  }
}

Task<Result<void>> LiveBench::settle_alarms() {
  if (alarms_settled_) co_return Result<void>{};
  const auto known = std::make_shared<Result<std::vector<AlarmMemory>>>(std::vector<AlarmMemory>{});
  // Values only: whoever works beside the control thread may outlive this frame.
  const std::function<void()> recall = [known, wires = alarms_->wires(), remember = options_.remember_alarms] {
    *known = BenchAlarms::recall(wires, remember);
  };
  co_await aside(recall);
  if (!*known) co_return known->error();
  if (alarms_settled_) co_return Result<void>{};  // by another start, meanwhile
  Result<void> settled = co_await alarms_->settle(**known);
  alarms_settled_ = settled.has_value();
  co_return settled;
}

Result<void> LiveBench::enough_disk() const {
  if (options_.disk_reserve_bytes == 0 || !options_.free_disk_bytes) return {};
  const Result<std::uint64_t> free = options_.free_disk_bytes();
  if (!free) return free.error();
  if (*free >= options_.disk_reserve_bytes) return {};
  return fail(Fault::refused, fmt::format("only {} MiB free where the database is, the reserve is {} MiB", *free >> 20,
                                          options_.disk_reserve_bytes >> 20));
}

/// An orderly stop before the disk is full: the last rows of a run are the ones somebody will want to see.
Task<void> LiveBench::watch_disk(std::function<void(const std::string&)> on_trouble) {
  const std::function<void(const std::string&)> tell = std::move(on_trouble);
  bool is_told = false;
  while (!disk_watch_ends_) {
    const Result<void> disk = enough_disk();
    const bool is_trouble = !disk || recorder_.failed();
    if (is_trouble && !is_told) {
      const std::string reason = recorder_.failed() ? recorder_.failure() : disk.error().what;
      listener_.message("record", db::Severity::alarm, reason);
      tell(reason);
      // Somebody may make room for the next run; a record that failed has failed for good.
      if (!options_.is_watched || recorder_.failed()) break;
    }
    is_told = is_trouble;
    watch_wal();
    watch_lag();
    const TimePoint next = time_.now() + options_.disk_check_interval;
    co_await disk_wake_.until(next);
  }
}

/// It grows while some reader stays inside one SELECT; as soon as that has gone it is used again from its start.
void LiveBench::watch_wal() {
  const std::uint64_t bytes = recorder_.wal_bytes();
  const bool is_large = bytes > options_.wal_bytes_alarm;
  if (is_large == wal_alarm_) return;
  wal_alarm_ = is_large;
  const std::string text =
      is_large ? fmt::format("the write-ahead log has grown to {} MiB: does some reader keep the database open?", bytes >> 20)
               : fmt::format("the write-ahead log is used from its start again: {} MiB", bytes >> 20);
  const db::Severity severity = is_large ? db::Severity::alarm : db::Severity::info;
  listener_.message("record", severity, text);
  recorder_.append(db::EventRow{.utc = time_.utc_now(), .severity = severity, .kind = "write-ahead log", .message = text});
}

/// Nothing is lost while it lasts, but for a loss of power.
void LiveBench::watch_lag() {
  const bool is_late = recorder_.behind() > db::behind_alarm;
  if (is_late == lag_alarm_) return;
  lag_alarm_ = is_late;
  const std::string text =
      is_late ? fmt::format(
                    "the disk has not answered for {:.0f} s: what was measured since waits in memory. After {:.0f} s runs stop",
                    to_seconds(recorder_.behind()), to_seconds(db::behind_max))
              : "the disk answers again: what was measured meanwhile is in the record";
  const db::Severity severity = is_late ? db::Severity::alarm : db::Severity::info;
  listener_.message("record", severity, text);
  recorder_.append(db::EventRow{.utc = time_.utc_now(), .severity = severity, .kind = "slow disk", .message = text});
}

/// In the record of every run that it concerns; of the bench, while none has begun. What was switched stands in the audit trail, by
/// which the next start knows.
void LiveBench::tell_alarm(const AlarmWire& wire, db::Severity severity, const std::string& action, const std::string& text) {
  const std::string kind{to_string(wire.role)};
  listener_.message(wire.name(), severity, text);
  db::AuditRow audit{.utc = time_.utc_now(), .verb = options_.verb, .action = action, .reason = text, .detail = "{}"};
  bool has_begun = false;
  for (BenchJob* const job : jobs_) {
    if (!wire.chamber.empty() && job->config.chamber != wire.chamber) continue;
    audit.operator_name = job->operator_name();
    audit.origin = job->host();
    if (job->run == 0) {
      job->runner->remark_at_start(kind, text);
      continue;
    }
    has_begun = true;
    audit.run = job->run;
    job->runner->remark(severity, kind, text);
  }
  if (!has_begun) recorder_.append(db::EventRow{.utc = audit.utc, .severity = severity, .kind = kind, .message = text});
  if (!action.empty()) recorder_.audit(audit);
}

}  // namespace cellrig
