// One start of one or several channels on a live bench: OFF, rules, preflight, armed, and the record begun; or everything undone.
// The one way to a run, whoever asks for it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/runtime/live_bench.hpp"

namespace cellrig {

/// Why a start came to nothing.
struct StartRefusal {
  Error error;
  Outcome outcome = Outcome::instrument_failure;
  bool by_rule = false;      ///< nothing failed: what was asked for must not start like this
  bool is_insecure = false;  ///< an output could not be confirmed off
};

class BenchStart {
 public:
  /// The channels join the bench at once.
  BenchStart(LiveBench& bench, std::vector<ChannelJob> jobs);
  ~BenchStart();
  BenchStart(const BenchStart&) = delete;
  BenchStart& operator=(const BenchStart&) = delete;

  /// All or none. Nothing: their records have begun, and their runners want run(). Else all of them are off, or it says so.
  [[nodiscard]] Task<std::optional<StartRefusal>> run();
  /// While run() runs: it ends with Fault::interrupted.
  void stop(Outcome outcome, const std::string& reason = {});
  /// Before run(): asked once more when all is ready, right before the records begin. An error refuses the start as a rule does.
  void set_last_check(std::function<Result<void>()> check) { last_check_ = std::move(check); }
  [[nodiscard]] std::optional<Outcome> stop_requested() const { return stop_requested_; }
  [[nodiscard]] const std::vector<std::unique_ptr<BenchJob>>& jobs() const { return jobs_; }
  /// They are the caller's, who takes them off the bench (LiveBench::leave) before they are destroyed.
  [[nodiscard]] std::vector<std::unique_ptr<BenchJob>> take_jobs() { return std::move(jobs_); }

 private:
  void make(std::vector<ChannelJob>& jobs);
  [[nodiscard]] Task<Result<void>> connect_and_arm();
  Task<void> arm_and_hold(BenchJob& job);
  Task<void> undo_preflight();
  Task<void> undo(BenchJob& job);
  [[nodiscard]] Task<Result<void>> preflight();
  [[nodiscard]] Result<void> still_allowed();
  [[nodiscard]] Task<Result<void>> identify_all();
  [[nodiscard]] Task<Result<void>> identify_sensors();
  [[nodiscard]] Task<Result<void>> read_sensors();
  [[nodiscard]] Task<void> secure_all();
  Task<void> secure(BenchJob& job);
  void begin_records();
  [[nodiscard]] bool concerns(const std::string& instrument) const;
  [[nodiscard]] Result<void> same_instrument(const BenchJob& job) const;
  [[nodiscard]] Result<void> abide_by(BenchJob& job, Ruling ruling);
  [[nodiscard]] Result<void> judge_calibrations();
  [[nodiscard]] Result<void> judge_shared_chambers();
  [[nodiscard]] Task<Result<void>> judge_cycler(BenchJob& job);
  void record_rulings(BenchJob& job);
  Task<void> prepare_expected(BenchJob& job);
  void record_expected(BenchJob& job);
  [[nodiscard]] Result<void> enough_disk_for_all() const;
  [[nodiscard]] double rows_expected(const Program& program) const;

  LiveBench& bench_;
  TimeSource& time_;
  const BenchRunOptions& options_;
  std::vector<std::unique_ptr<BenchJob>> jobs_;
  std::optional<Outcome> stop_requested_;
  bool has_begun_ = false;  ///< run() has
  std::function<Result<void>()> last_check_;
  int arming_ = 0;                 ///< channels whose instrument is being armed
  std::optional<Error> insecure_;  ///< an output that could not be confirmed off
  Outcome refused_as_ = Outcome::instrument_failure;
  bool refused_by_rule_ = false;
};

}  // namespace cellrig
