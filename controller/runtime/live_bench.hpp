// What the channels of one process share: loggers, contacts, chambers, outputs that call people, leases, the disk. Channels come and
// go; it stays from open() to close().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/async/task_group.hpp"
#include "controller/runtime/bench_alarms.hpp"
#include "controller/runtime/bench_instruments.hpp"
#include "controller/runtime/bench_job.hpp"
#include "controller/runtime/chamber_task.hpp"
#include "controller/runtime/config.hpp"
#include "controller/runtime/interlock_task.hpp"
#include "controller/runtime/lease.hpp"
#include "controller/runtime/sensor_task.hpp"

namespace cellrig {

struct BenchRunOptions {
  ChannelOptions channel;
  bool take_leases = true;           ///< of the cyclers' outputs
  bool take_chamber_leases = false;  ///< of the chambers the cells are in, and of serial lines; by take_leases anyway
  std::set<std::string> leased;      ///< wires whose lease this process has already
  std::string lease_directory;
  std::uint64_t disk_reserve_bytes = 0;                    ///< 0: none is kept
  std::function<Result<std::uint64_t>()> free_disk_bytes;  ///< empty: the record is on no disk
  Duration disk_check_interval = std::chrono::seconds{10};
  std::uint64_t wal_bytes_alarm = db::wal_bytes_alarm;
  bool judge_calibration = false;  ///< the clock tells the date, and the instruments are ones that have a calibration
  ProofRule proof_rule = ProofRule::not_asked;
  bool is_simulated = true;  ///< whose watchdogs count
  std::function<Result<std::vector<db::ProofRow>>(const InstrumentIdentity&)> proofs;
  std::string how_to_prove;                                                         ///< the command
  std::function<std::vector<std::string>(const std::string& model)> firmware_seen;  ///< what its model file was tried with
  BenchAlarms::Remember remember_alarms;                                            ///< what the record knows of an output
  std::string verb = "run";                                                         ///< in the audit trail
  bool is_watched = false;  ///< somebody looks at sensors and chambers also while no channel runs
  /// Runs what reads files or the record, and may therefore take its time, beside the control thread. Empty: on it, while nothing
  /// else runs yet.
  std::function<Task<void>(std::function<void()>)> aside;
};

class LiveBench {
 public:
  LiveBench(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, db::Recorder& recorder,
            RunListener& listener, BenchRunOptions options);
  ~LiveBench();

  /// Makes what these channels share. Nothing is sent yet.
  void open(const std::vector<std::string>& channels);
  /// Of the outputs of these channels, of what they share, and of serial lines. Busy: another process has one.
  [[nodiscard]] Result<void> take_leases(const std::vector<std::string>& channels);
  /// What the sensors and the chamber of this channel say, and the siren, are its runner's from now on. The job stays where it is.
  void join(BenchJob& job);
  /// Before the job is destroyed: nobody tells it anything any more, and its chamber is given up.
  void leave(BenchJob& job);
  /// Sensors, contacts and chambers are read until close(), the disk is watched; what it finds is told.
  void run_helpers(std::function<void(const std::string& reason)> on_disk_trouble);
  [[nodiscard]] Task<void> close();
  void hurry();

  /// Runs what may take its time: options().aside.
  [[nodiscard]] Task<void> aside(std::function<void()> work);
  [[nodiscard]] Result<void> enough_disk() const;
  /// When every channel that is not running is off: each output that calls people off or left on, as a person has acknowledged. Once
  /// in the life of a bench: what it switches on later is its own business.
  [[nodiscard]] Task<Result<void>> settle_alarms();

  [[nodiscard]] TimeSource& time() { return time_; }
  [[nodiscard]] const BenchConfig& bench() const { return bench_; }
  [[nodiscard]] BenchInstruments& instruments() { return instruments_; }
  [[nodiscard]] db::Recorder& recorder() { return recorder_; }
  [[nodiscard]] RunListener& listener() { return listener_; }
  [[nodiscard]] const BenchRunOptions& options() const { return options_; }
  [[nodiscard]] BenchAlarms& alarms() { return *alarms_; }
  [[nodiscard]] const std::vector<std::unique_ptr<SensorTask>>& sensors() const { return sensors_; }
  [[nodiscard]] const std::vector<std::unique_ptr<InterlockTask>>& interlocks() const { return interlocks_; }
  [[nodiscard]] const std::vector<std::unique_ptr<ChamberTask>>& chambers() const { return chambers_; }
  [[nodiscard]] ChamberTask* chamber(const std::string& name) const;  ///< null: none of this name was opened
  [[nodiscard]] const std::vector<BenchJob*>& jobs() const { return jobs_; }
  [[nodiscard]] std::vector<Lease>& leases() { return leases_; }
  /// Everything that a channel hears of its sensors and contacts, for whoever shows it.
  void listen(const ChannelConfig& channel, SensorSink& sink, const std::optional<double>& pressed_area_cm2);
  void stop_listening(const SensorSink& sink);

 private:
  void make_sensors(const std::vector<std::string>& channels);
  void make_interlocks(const std::vector<std::string>& channels);
  void make_chambers(const std::vector<std::string>& channels);
  [[nodiscard]] Result<void> take(const std::string& instrument, const std::vector<std::string>& wires);
  void tell_alarm(const AlarmWire& wire, db::Severity severity, const std::string& action, const std::string& text);
  void set_wait_max(const std::string& chamber);
  Task<void> watch_disk(std::function<void(const std::string&)> on_trouble);
  void watch_wal();
  void watch_lag();

  TimeSource& time_;
  const BenchConfig& bench_;
  BenchInstruments& instruments_;
  db::Recorder& recorder_;
  RunListener& listener_;
  BenchRunOptions options_;
  std::vector<Lease> leases_;
  std::set<std::string> leased_;  ///< the wires of them
  std::vector<BenchJob*> jobs_;   ///< that have joined
  std::vector<std::unique_ptr<SensorTask>> sensors_;
  std::vector<std::unique_ptr<InterlockTask>> interlocks_;
  std::vector<std::unique_ptr<ChamberTask>> chambers_;
  std::unique_ptr<BenchAlarms> alarms_;
  TaskGroup helpers_running_;  ///< sensors, chambers, the disk
  Wait disk_wake_;
  bool alarms_settled_ = false;
  bool disk_watch_ends_ = false;
  bool wal_alarm_ = false, lag_alarm_ = false;
};

}  // namespace cellrig
