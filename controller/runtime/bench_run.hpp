// One run of programs on the channels of a bench, from the first OFF to the last.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/async/task_group.hpp"
#include "controller/runtime/bench_alarms.hpp"
#include "controller/runtime/bench_instruments.hpp"
#include "controller/runtime/chamber_task.hpp"
#include "controller/runtime/channel_runner.hpp"
#include "controller/runtime/config.hpp"
#include "controller/runtime/interlock_task.hpp"
#include "controller/runtime/lease.hpp"
#include "controller/runtime/sensor_task.hpp"
#include "controller/runtime/start_rules.hpp"

namespace cellrig {

/// Two channels of one chamber must agree: arbitration comes later, so a disagreement is refused before anything starts.
[[nodiscard]] Result<void> agree_on_temperatures(const std::vector<std::pair<const ChannelConfig*, const Program*>>& channels);

struct ChannelJob {
  std::string channel;
  const Program* program = nullptr;
  db::RunRow run;                       ///< everything known before the start; instruments and start are filled in
  std::optional<Continuation> goes_on;  ///< with this run; `run` is not used then
  std::optional<ExpectedCharge> expected_charge;
};

struct BenchRunOptions {
  ChannelOptions channel;
  bool take_leases = true;           ///< of the cyclers' outputs
  bool take_chamber_leases = false;  ///< of the chambers the cells are in, and of serial lines; by take_leases anyway
  std::set<std::string> leased;      ///< wires whose lease this process has already
  std::string lease_directory;
  std::uint64_t disk_reserve_bytes = 0;  ///< 0: not watched
  std::function<Result<std::uint64_t>()> free_disk_bytes;
  Duration disk_check_interval = std::chrono::seconds{10};
  bool judge_calibration = false;  ///< the clock tells the date, and the instruments are ones that have a calibration
  ProofRule proof_rule = ProofRule::not_asked;
  bool is_simulated = true;  ///< whose watchdogs count
  std::function<Result<std::vector<db::ProofRow>>(const InstrumentIdentity&)> proofs;
  std::string how_to_prove;                                                         ///< the command
  std::function<std::vector<std::string>(const std::string& model)> firmware_seen;  ///< what its model file was tried with
  BenchAlarms::Remember remember_alarms;                                            ///< what the record knows of an output
};

struct ChannelResult {
  std::string channel;
  Outcome outcome = Outcome::none;
  bool criteria_met = true;
  std::string reason;
  SafeBy safe_by = SafeBy::nothing;
  bool refused_by_rule = false;  ///< nothing failed: what was asked for must not start like this
  db::RunKey run = 0;
  std::uint64_t samples = 0, periods_missed = 0;
};

class BenchRun {
 public:
  BenchRun(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, db::Recorder& recorder,
           RunListener& listener, BenchRunOptions options);
  ~BenchRun();

  /// Runs everything; results() is complete afterwards. Never throws for what a bench can do.
  [[nodiscard]] Task<void> run(std::vector<ChannelJob> jobs);
  /// Ends every channel by a verified safe stop.
  void stop(Outcome outcome, const std::string& reason = {});
  /// A second Ctrl-C: waits are cut, never the OFF.
  void hurry();
  [[nodiscard]] const std::vector<ChannelResult>& results() const { return results_; }

  /// What was taken stays ours after this object is gone.
  [[nodiscard]] std::vector<Lease> give_leases() { return std::move(leases_); }

 private:
  struct Job;

  void make_channels(std::vector<ChannelJob>& jobs);
  void make_sensors();
  void make_interlocks();
  void make_chambers();
  void make_alarms();
  void tell_alarm(const AlarmWire& wire, db::Severity severity, const std::string& action, const std::string& text);
  [[nodiscard]] Result<void> take_leases();
  [[nodiscard]] Task<Result<void>> connect_and_arm();
  Task<void> arm_and_hold(Job& job);
  Task<void> undo_preflight();
  Task<void> undo(Job& job);
  [[nodiscard]] Task<Result<void>> preflight();
  [[nodiscard]] Task<Result<void>> identify_all();
  [[nodiscard]] Task<Result<void>> read_sensors();
  [[nodiscard]] Task<void> secure_all();
  Task<void> secure(Job& job);
  void begin_records();
  [[nodiscard]] Result<void> same_instrument(const Job& job) const;
  [[nodiscard]] Result<void> abide_by(Job& job, Ruling ruling);
  [[nodiscard]] Result<void> judge_calibrations();
  [[nodiscard]] Result<void> judge_cycler(Job& job);
  void record_rulings(Job& job);
  Task<void> watch_disk();
  void end_helpers();
  [[nodiscard]] Result<void> enough_disk() const;
  [[nodiscard]] Result<void> enough_disk_for_all() const;
  [[nodiscard]] double rows_expected(const Program& program) const;
  void refuse(const Error& error);
  void collect();

  TimeSource& time_;
  const BenchConfig& bench_;
  BenchInstruments& instruments_;
  db::Recorder& recorder_;
  RunListener& listener_;
  BenchRunOptions options_;
  std::vector<Lease> leases_;
  std::set<std::string> leased_;  ///< the wires of them
  std::vector<std::unique_ptr<Job>> jobs_;
  std::vector<std::unique_ptr<SensorTask>> sensors_;
  std::vector<std::unique_ptr<InterlockTask>> interlocks_;
  std::vector<std::unique_ptr<ChamberTask>> chambers_;
  std::unique_ptr<BenchAlarms> alarms_;
  std::vector<ChannelResult> results_;
  TaskGroup channels_running_;
  TaskGroup helpers_running_;  ///< sensors, chambers, the disk
  Wait disk_wake_;
  bool disk_watch_ends_ = false;
  bool wal_alarm_ = false;
  std::optional<Outcome> stop_requested_;
  int arming_ = 0;                 ///< channels whose instrument is being armed
  std::optional<Error> insecure_;  ///< an output that could not be confirmed off
  Outcome refused_as_ = Outcome::instrument_failure;
  bool refused_by_rule_ = false;
};

}  // namespace cellrig
