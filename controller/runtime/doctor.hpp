// Looks at a bench without running anything on it: who answers, how quickly, whether protections are held; and, on demand, whether a
// watchdog that is programmed also fires.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/async/task_group.hpp"
#include "controller/async/time_source.hpp"
#include "controller/base/limits.hpp"
#include "controller/runtime/alarm_output.hpp"
#include "controller/runtime/bench_instruments.hpp"
#include "controller/runtime/bench_off.hpp"
#include "controller/runtime/config.hpp"
#include "controller/runtime/lease.hpp"
#include "controller/runtime/listener.hpp"
#include "controller/runtime/trial_guard.hpp"
#include "controller/runtime/watchdog_trial.hpp"
#include "drivers/instruments/identity.hpp"

namespace cellrig {

enum class DoctorVerdict : unsigned char {
  good,
  notice,    ///< works, and somebody should know
  failed,    ///< does not do what a run relies on
  not_done,  ///< was not asked for, or could not be tried: the text says why
};

struct DoctorCheck {
  std::string instrument;  ///< in the bench file; or a channel, for what concerns both it and its cell
  std::string what;        ///< "identity", "round trip", "protections", "watchdog", ...
  DoctorVerdict verdict = DoctorVerdict::good;
  std::string text;
};

/// How long the exchanges of an instrument take.
struct RoundTrips {
  std::string instrument;
  int count = 0, failed = 0;
  Duration shortest{}, median{}, longest{};
};

/// A person had seen the cause; what the instrument said when it was told to forget its trips.
struct AcknowledgedTrip {
  std::string channel, instrument;
  InstrumentIdentity identity;
  bool cleared = false;
  std::string text;
};

/// The same for an output that a run switched on: it may go off, the siren at once, the others at the next start.
struct AcknowledgedAlarm {
  AlarmWire alarm;
  std::string text;
};

/// By channel; from the files of the cells that are connected. No entry: not known, and no current flows there.
struct DoctorCells {
  std::map<std::string, SafetyLimits> limits;
  std::map<std::string, AmpHours> capacities;
  std::map<std::string, double> pressed_areas_cm2;  ///< of the cells that a press acts on
};

struct DoctorOptions {
  /// Reads the files of the cells; asked when every output is off. Protections are not tried, and no current flows, without.
  std::function<DoctorCells()> read_cells;
  /// Closes the contactor and lets a small discharge current flow until the watchdog ends it.
  bool prove_watchdogs = false;
  /// Clears what the cyclers' own protections and watchdogs have latched: a person has seen the cause.
  bool acknowledge_trips = false;
  bool keeps_record = false;  ///< what is acknowledged will be known to the next start
  Duration control_period = std::chrono::milliseconds{100};
  bool take_leases = true;
  std::string lease_directory;
  /// Asked when every output is off; an error ends it there.
  std::function<Result<void>()> after_off;
};

/// Every output is OFF, verified, before anything else, and again when this returns. Instruments of another process are left alone.
/// Control thread only.
class Doctor {
 public:
  Doctor(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, RunListener& listener, DoctorOptions options);

  [[nodiscard]] Task<void> run(std::vector<std::string> channels);
  /// Ends what is under way; the outputs are switched off before run() returns.
  void stop();
  /// After an exception left run(): drops what referred to instruments, and keeps the leases.
  void abandon();

  /// The channels that no other process has; known from the start of run().
  [[nodiscard]] const std::vector<std::string>& ours() const { return ours_; }
  /// By channel: how its output was, right before its OFF. And those whose OFF was not confirmed, nor cut by a contactor.
  [[nodiscard]] const std::map<std::string, OutputFound>& found() const { return found_; }
  [[nodiscard]] const std::set<std::string>& maybe_on() const { return maybe_on_; }
  [[nodiscard]] const std::vector<DoctorCheck>& checks() const { return checks_; }
  [[nodiscard]] const std::vector<RoundTrips>& round_trips() const { return round_trips_; }
  [[nodiscard]] const std::vector<WatchdogProof>& proofs() const { return proofs_; }
  [[nodiscard]] const std::vector<AcknowledgedTrip>& acknowledged() const { return acknowledged_; }
  [[nodiscard]] const std::vector<AcknowledgedAlarm>& acknowledged_alarms() const { return acknowledged_alarms_; }
  [[nodiscard]] bool found_failure() const;
  [[nodiscard]] bool failed_to_switch_off() const { return !is_all_off_; }

 private:
  /// One exchange, whatever the instrument: a question that changes nothing.
  using Question = std::function<Task<Result<void>>(Deadline)>;

  void tell_off(const std::string& channel);
  Task<void> look_at_channel(const ChannelConfig& channel);
  Task<void> look_at_others(const std::vector<std::string>& channels);
  Task<void> look_at_logger(const std::string& name, const std::set<int>& inputs);
  Task<void> look_at_contacts(const std::string& name, const std::set<int>& inputs);
  Task<void> look_at_contactor(const std::string& name, int output);
  Task<void> look_at_alarms();
  Task<void> look_at_alarm(AlarmWire alarm);
  Task<void> look_at_chamber(const std::string& name, Chamber& chamber);
  [[nodiscard]] bool identified(const std::string& name, const Result<InstrumentIdentity>& identity);
  Task<void> time_exchanges(std::string name, Question ask, Duration longest);
  Task<void> acknowledge(const ChannelConfig& channel);
  Task<void> try_protections(const ChannelConfig& channel, const SafetyLimits& limits);
  Task<void> try_watchdog(const ChannelConfig& channel, const SafetyLimits& limits);
  [[nodiscard]] Task<Result<WatchdogProof>> guarded_trial(const ChannelConfig& channel, const SafetyLimits& limits);
  [[nodiscard]] bool lease(const std::string& instrument);
  [[nodiscard]] bool lease_lines(const std::string& instrument);
  [[nodiscard]] bool lease(const std::string& instrument, const std::vector<std::string>& wires);
  void add(const std::string& instrument, const std::string& what, DoctorVerdict verdict, std::string text);

  TimeSource& time_;
  const BenchConfig& bench_;
  BenchInstruments& instruments_;
  RunListener& listener_;
  DoctorOptions options_;
  DoctorCells cells_;
  std::vector<std::string> ours_;
  std::map<std::string, OutputFound> found_;
  std::set<std::string> maybe_on_;
  bool is_all_off_ = true;
  std::map<std::string, InstrumentIdentity> identities_;
  std::vector<DoctorCheck> checks_;
  std::vector<RoundTrips> round_trips_;
  std::vector<WatchdogProof> proofs_;
  std::vector<AcknowledgedTrip> acknowledged_;
  std::vector<AcknowledgedAlarm> acknowledged_alarms_;
  std::vector<Lease> leases_;
  std::set<std::string> leased_;  ///< wires that are ours
  TaskGroup tasks_;
  std::unique_ptr<TrialGuard> guard_;     ///< of the trial under way
  std::unique_ptr<WatchdogTrial> trial_;  ///< the one under way
  bool stopped_ = false;
};

}  // namespace cellrig
