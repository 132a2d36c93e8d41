// The rules that a start must keep, asked and answered for each of its channels.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "controller/runtime/bench_start.hpp"
#include "controller/runtime/chamber_rules.hpp"
#include "controller/runtime/start_rules.hpp"
#include "profiles/estimate.hpp"

namespace cellrig {

/// What a rule says is done, or kept for the record.
Result<void> BenchStart::abide_by(BenchJob& job, Ruling ruling) {
  switch (ruling.kind) {
    case Ruling::Kind::good: return {};
    case Ruling::Kind::refused: refused_by_rule_ = true; return fail(Fault::refused, ruling.text);
    case Ruling::Kind::warned:
    case Ruling::Kind::accepted: bench_.listener().message(job.config.name, db::Severity::warning, ruling.text); break;
    case Ruling::Kind::remarked: break;
  }
  job.rulings.push_back(std::move(ruling));
  return {};
}

Result<void> BenchStart::judge_calibrations() {
  if (!options_.judge_calibration) return {};
  for (const std::unique_ptr<BenchJob>& job : jobs_) {
    for (const std::string& name : instruments_of(bench_.bench(), job->config)) {
      const Result<void> good = abide_by(*job, judge_calibration(bench_.bench().instruments.at(name), time_.utc_now()));
      if (!good) return good;
    }
    const Result<void> told =
        abide_by(*job, judge_undated(bench_.bench(), job->config, options_.proof_rule == ProofRule::require));
    if (!told) return told;
  }
  return {};
}

/// Those of this start come first; the others are on the bench already, and what concerns two of them was said when they came.
Result<void> BenchStart::judge_shared_chambers() {
  std::vector<ChamberGuest> guests;
  for (const std::unique_ptr<BenchJob>& job : jobs_) guests.push_back({&job->config, job->job.program});
  for (const BenchJob* const there : bench_.jobs()) {
    const bool is_own =
        std::any_of(jobs_.begin(), jobs_.end(), [&](const std::unique_ptr<BenchJob>& j) { return j.get() == there; });
    if (!is_own && !there->runner->has_ended()) guests.push_back({&there->config, there->job.program});
  }
  std::map<std::string, Accuracy> accuracy;
  for (const ChamberConfig& chamber : bench_.bench().chambers) {
    const auto made = bench_.instruments().chambers.find(chamber.instrument);
    if (made != bench_.instruments().chambers.end()) accuracy[chamber.name] = made->second->capabilities().temperature_accuracy;
  }
  for (ChamberRuling& said : judge_chambers(bench_.bench(), guests, accuracy)) {
    if (said.guest < jobs_.size()) {
      const Result<void> good = abide_by(*jobs_[said.guest], std::move(said.ruling));
      if (!good) return good;
    } else if (said.ruling.kind == Ruling::Kind::refused) {
      // What they ask for, the cell that comes now does not stand.
      const Result<void> good = abide_by(*jobs_.front(), std::move(said.ruling));
      if (!good) return good;
    }
  }
  return {};
}

Task<Result<void>> BenchStart::judge_cycler(BenchJob& job) {
  const BenchConfig& bench = bench_.bench();
  struct Known {
    std::vector<std::string> seen;
    Result<std::vector<db::ProofRow>> proofs{std::vector<db::ProofRow>{}};
  };
  const auto found = std::make_shared<Known>();
  // Both read files. Values only: whoever works beside the control thread may outlive this frame.
  const bool asks_proofs = options_.proof_rule != ProofRule::not_asked && options_.proofs;
  const std::function<void()> look = [found, firmware_seen = options_.firmware_seen, proofs_of = options_.proofs, asks_proofs,
                                      model = bench.instruments.at(job.config.cycler).model, identity = job.identity] {
    if (firmware_seen) found->seen = firmware_seen(model);
    if (asks_proofs) found->proofs = proofs_of(identity);
  };
  co_await bench_.aside(look);
  const std::vector<std::string>& seen = found->seen;
  const Result<std::vector<db::ProofRow>>& proofs = found->proofs;
  if (options_.firmware_seen) {
    const Result<void> good = abide_by(job, judge_firmware(job.config, job.identity, seen));
    if (!good) co_return good;
  }
  if (!proofs) {
    refused_as_ = Outcome::record_failure;
    co_return proofs.error();
  }
  const WatchdogCase known{.has_watchdog = bench_.instruments().cyclers.at(job.config.cycler)->capabilities().has_watchdog,
                           .identity = job.identity,
                           .delay = bench.watchdog_delay,
                           .is_simulated = options_.is_simulated,
                           .bench = bench.name,
                           .rule = options_.proof_rule,
                           .how_to_prove = options_.how_to_prove};
  co_return abide_by(job, judge_watchdog(job.config, known, *proofs));
}

/// A run goes on with the cycler it began with: another one has other offsets, and may be wired to another cell.
Result<void> BenchStart::same_instrument(const BenchJob& job) const {
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

/// Of the run, or of its first month: after that somebody has had the time to make room, and the disk is watched all along.
double BenchStart::rows_expected(const Program& program) const {
  constexpr Duration month = std::chrono::hours{24 * 30};
  const DurationEstimate estimated = estimate(program);
  const double rows = estimate_rows(program, estimated, options_.channel.control_period, options_.channel.control_period_off);
  return estimated.expected > month ? rows * (to_seconds(month) / to_seconds(estimated.expected)) : rows;
}

/// A run that goes on has written some of what is expected; only the reserve is asked for. What runs already counts as if it had just
/// begun.
Result<void> BenchStart::enough_disk_for_all() const {
  if (options_.disk_reserve_bytes == 0 || !options_.free_disk_bytes) return {};
  DiskCase disk{.reserve_bytes = options_.disk_reserve_bytes};
  for (const BenchJob* const job : bench_.jobs()) {
    if (!job->job.goes_on && !job->runner->has_ended()) disk.rows_expected += rows_expected(*job->job.program);
  }
  const Result<std::uint64_t> free = options_.free_disk_bytes();
  if (!free) return free.error();
  disk.free_bytes = *free;
  const Ruling ruling = judge_disk(disk);
  return ruling.kind == Ruling::Kind::refused ? Result<void>{fail(Fault::refused, ruling.text)} : Result<void>{};
}

/// An event of the run for each; what a person gave a reason for stands in the audit trail, too.
void BenchStart::record_rulings(BenchJob& job) {
  for (const Ruling& ruling : job.rulings) {
    job.runner->remark_at_start(ruling.what, ruling.text);
    if (ruling.kind != Ruling::Kind::accepted) continue;
    bench_.recorder().audit(db::AuditRow{.utc = time_.utc_now(),
                                         .run = job.run,
                                         .operator_name = job.operator_name(),
                                         .origin = job.host(),
                                         .verb = options_.verb,
                                         .action = "accepted: " + ruling.what,
                                         .reason = ruling.text,
                                         .detail = "{}"});
  }
}

/// They may be a hundred thousand, and other channels wait for the control thread: the rows are made beside it.
Task<void> BenchStart::prepare_expected(BenchJob& job) {
  if (job.job.goes_on || !job.job.following.expected) co_return;
  const auto rows = std::make_shared<db::ExpectedRows>();
  const std::function<void()> make = [rows, expected = job.job.following.expected] {
    *rows = {rows_of(*expected, 0), way_rows_of(*expected, 0)};
  };
  co_await bench_.aside(make);
  job.expected = std::move(*rows);
}

/// Before the first row of the run: what it is compared with was known before it began.
void BenchStart::record_expected(BenchJob& job) {
  if (!job.job.following.expected) return;
  for (db::ExpectedCurveRow& row : job.expected.curves) row.run = job.run;
  for (db::ExpectedWayRow& row : job.expected.ways) row.run = job.run;
  bench_.recorder().expected(std::move(job.expected));
}

}  // namespace cellrig
