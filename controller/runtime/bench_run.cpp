#include "controller/runtime/bench_run.hpp"

namespace cellrig {

BenchRun::BenchRun(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, db::Recorder& recorder,
                   RunListener& listener, BenchRunOptions options)
    : bench_{time, bench, instruments, recorder, listener, std::move(options)}, channels_running_{time}, looking_after_{time} {}

BenchRun::~BenchRun() = default;

const std::vector<std::unique_ptr<BenchJob>>& BenchRun::jobs() const {
  static const std::vector<std::unique_ptr<BenchJob>> none;
  return start_ ? start_->jobs() : none;
}

Task<void> BenchRun::run(std::vector<ChannelJob> wanted) {
  std::vector<std::string> channels;
  for (const ChannelJob& job : wanted) channels.push_back(job.channel);
  bench_.open(channels);
  start_.emplace(bench_, std::move(wanted));
  if (stop_requested_) start_->stop(*stop_requested_, stop_reason_);
  const Result<void> leased = bench_.take_leases(channels);
  if (!leased) {
    const StartRefusal busy{.error = leased.error()};
    refuse(busy);
    co_return;
  }
  const std::optional<StartRefusal> refused = co_await start_->run();
  if (refused) {
    co_await bench_.alarms().finish();
    refuse(*refused);
    co_return;
  }
  const std::function<void(const std::string&)> on_trouble = [this](const std::string& reason) {
    stop(Outcome::record_failure, reason);
  };
  bench_.run_helpers(on_trouble);
  for (const std::unique_ptr<BenchJob>& job : jobs()) channels_running_.spawn(job->runner->run(job->run));
  for (const std::unique_ptr<BenchJob>& job : jobs()) looking_after_.spawn(job->runner->look_after());
  co_await channels_running_.wait();
  for (const std::unique_ptr<BenchJob>& job : jobs()) job->runner->end_look_after();
  co_await looking_after_.wait();
  co_await bench_.close();
  collect();
}

void BenchRun::hurry() {
  for (const std::unique_ptr<BenchJob>& job : jobs()) job->runner->hurry();
  bench_.hurry();
}

void BenchRun::stop(Outcome outcome, const std::string& reason) {
  if (stop_requested_) return;
  stop_requested_ = outcome;
  stop_reason_ = reason;
  if (start_) start_->stop(outcome, reason);
}

bool BenchRun::confirm(const std::string& channel, const std::string& by) {
  for (const std::unique_ptr<BenchJob>& job : jobs()) {
    if (job->config.name == channel) return job->runner->confirm(by);
  }
  return false;
}

void BenchRun::refuse(const StartRefusal& why) {
  const bool is_stopped = why.error.fault == Fault::interrupted && stop_requested_;
  for (const std::unique_ptr<BenchJob>& job : jobs()) {
    ChannelResult result{.channel = job->config.name};
    result.outcome = why.outcome;
    result.refused_by_rule = why.by_rule;
    result.reason = why.error.what;
    result.safe_by = job->runner->safe_by();
    results_.push_back(result);
  }
  // No run begins, so the record of the bench keeps it.
  const db::Severity severity = is_stopped ? db::Severity::warning : db::Severity::alarm;
  bench_.recorder().append(
      db::EventRow{.utc = bench_.time().utc_now(), .severity = severity, .kind = "start refused", .message = why.error.what});
  bench_.listener().message("preflight", severity, why.error.what);
}

void BenchRun::collect() {
  for (const std::unique_ptr<ChamberTask>& chamber : bench_.chambers()) {
    if (!chamber->left_running()) continue;
    for (const std::unique_ptr<BenchJob>& job : jobs()) {
      if (job->config.chamber == chamber->name())
        job->runner->failed_afterwards("chamber '" + chamber->name() + "' did not confirm that it stopped");
    }
  }
  for (const std::unique_ptr<BenchJob>& job : jobs()) {
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
