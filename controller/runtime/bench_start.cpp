// The rules that a start must keep, asked and answered for each channel of a run; and what the record is told of outputs that are
// the bench's own.
#include "controller/runtime/bench_job.hpp"
#include "controller/runtime/bench_run.hpp"
#include "controller/runtime/start_rules.hpp"
#include "profiles/estimate.hpp"

namespace cellrig {

/// What a rule says is done, or kept for the record.
Result<void> BenchRun::abide_by(Job& job, Ruling ruling) {
  switch (ruling.kind) {
    case Ruling::Kind::good: return {};
    case Ruling::Kind::refused: refused_by_rule_ = true; return fail(Fault::refused, ruling.text);
    case Ruling::Kind::warned:
    case Ruling::Kind::accepted: listener_.message(job.config.name, db::Severity::warning, ruling.text); break;
    case Ruling::Kind::remarked: break;
  }
  job.rulings.push_back(std::move(ruling));
  return {};
}

Result<void> BenchRun::judge_calibrations() {
  if (!options_.judge_calibration) return {};
  for (const std::unique_ptr<Job>& job : jobs_) {
    for (const std::string& name : instruments_of(bench_, job->config)) {
      const Result<void> good = abide_by(*job, judge_calibration(bench_.instruments.at(name), time_.utc_now()));
      if (!good) return good;
    }
  }
  return {};
}

Result<void> BenchRun::judge_cycler(Job& job) {
  if (options_.firmware_seen) {
    const std::vector<std::string> seen = options_.firmware_seen(bench_.instruments.at(job.config.cycler).model);
    const Result<void> good = abide_by(job, judge_firmware(job.config, job.identity, seen));
    if (!good) return good;
  }
  WatchdogCase known{.has_watchdog = instruments_.cyclers.at(job.config.cycler)->capabilities().has_watchdog,
                     .identity = job.identity,
                     .delay = bench_.watchdog_delay,
                     .is_simulated = options_.is_simulated,
                     .bench = bench_.name,
                     .rule = options_.proof_rule,
                     .how_to_prove = options_.how_to_prove};
  std::vector<db::ProofRow> proofs;
  if (options_.proof_rule != ProofRule::not_asked && options_.proofs) {
    Result<std::vector<db::ProofRow>> found = options_.proofs(job.identity);
    if (!found) {
      refused_as_ = Outcome::record_failure;
      return found.error();
    }
    proofs = std::move(*found);
  }
  return abide_by(job, judge_watchdog(job.config, known, proofs));
}

/// Of the run, or of its first month: after that somebody has had the time to make room, and the disk is watched all along.
double BenchRun::rows_expected(const Program& program) const {
  constexpr Duration month = std::chrono::hours{24 * 30};
  const DurationEstimate estimated = estimate(program);
  const double rows = estimate_rows(program, estimated, options_.channel.control_period, options_.channel.control_period_off);
  return estimated.expected > month ? rows * (to_seconds(month) / to_seconds(estimated.expected)) : rows;
}

/// A run that goes on has written some of what is expected; only the reserve is asked for.
Result<void> BenchRun::enough_disk_for_all() const {
  if (options_.disk_reserve_bytes == 0 || !options_.free_disk_bytes) return {};
  DiskCase disk{.reserve_bytes = options_.disk_reserve_bytes};
  for (const std::unique_ptr<Job>& job : jobs_) {
    if (job->job.goes_on) continue;
    disk.rows_expected += rows_expected(*job->job.program);
  }
  const Result<std::uint64_t> free = options_.free_disk_bytes();
  if (!free) return free.error();
  disk.free_bytes = *free;
  const Ruling ruling = judge_disk(disk);
  return ruling.kind == Ruling::Kind::refused ? Result<void>{fail(Fault::refused, ruling.text)} : Result<void>{};
}

/// An event of the run for each; what a person gave a reason for stands in the audit trail, too.
void BenchRun::record_rulings(Job& job) {
  for (const Ruling& ruling : job.rulings) {
    job.runner->remark_at_start(ruling.what, ruling.text);
    if (ruling.kind != Ruling::Kind::accepted) continue;
    const bool goes_on = job.job.goes_on.has_value();
    recorder_.audit(db::AuditRow{.utc = time_.utc_now(),
                                 .run = job.run,
                                 .operator_name = goes_on ? job.job.goes_on->operator_name : job.job.run.operator_name,
                                 .origin = goes_on ? job.job.goes_on->host : job.job.run.host,
                                 .verb = "run",
                                 .action = "accepted: " + ruling.what,
                                 .reason = ruling.text,
                                 .detail = "{}"});
  }
}

void BenchRun::make_alarms() {
  std::vector<std::string> channels;
  for (const std::unique_ptr<Job>& job : jobs_) channels.push_back(job->config.name);
  const auto tell = [this](const AlarmWire& wire, db::Severity severity, const std::string& action, const std::string& text) {
    tell_alarm(wire, severity, action, text);
  };
  alarms_ = std::make_unique<BenchAlarms>(time_, bench_, channels, instruments_, tell);
  for (const std::unique_ptr<Job>& job : jobs_) job->runner->set_bell(alarms_.get());
}

/// In the record of every run that it concerns; of the bench, while none has begun. What was switched stands in the audit trail, by
/// which the next start knows.
void BenchRun::tell_alarm(const AlarmWire& wire, db::Severity severity, const std::string& action, const std::string& text) {
  const std::string kind{to_string(wire.role)};
  listener_.message(wire.name(), severity, text);
  db::AuditRow audit{.utc = time_.utc_now(), .verb = "run", .action = action, .reason = text, .detail = "{}"};
  bool has_begun = false;
  for (const std::unique_ptr<Job>& job : jobs_) {
    if (!wire.chamber.empty() && job->config.chamber != wire.chamber) continue;
    const ChannelJob& from = job->job;
    audit.operator_name = from.goes_on ? from.goes_on->operator_name : from.run.operator_name;
    audit.origin = from.goes_on ? from.goes_on->host : from.run.host;
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
