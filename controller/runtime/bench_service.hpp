// A bench that one process holds for as long as it lives: channels start and end one by one, by orders of clients. What a start asks for,
// and what a trip does to others, is BenchStart's and ChannelRunner's business, as in BenchRun.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/async/task_group.hpp"
#include "controller/runtime/bench_control.hpp"
#include "controller/runtime/bench_start.hpp"
#include "controller/runtime/live_bench.hpp"
#include "controller/runtime/service_alarms.hpp"
#include "controller/runtime/service_place.hpp"

namespace cellrig {

/// What a start needs that lies in files: made beside the control thread.
struct PreparedStart {
  std::shared_ptr<const Program> program;
  db::RunRow row;                       ///< of a new run
  std::optional<Continuation> goes_on;  ///< else
  std::optional<ExpectedCharge> expected_charge;
  Following following;
  std::vector<CheckLine> lines;  ///< of `check` and of the rehearsal
  std::string rehearsed;         ///< what the rehearsal told, or the reason for none; empty: none was due
};

/// For whoever prepares, on another thread: copies.
struct PrepareContext {
  bool is_rehearsed = true;                ///< false: only what can be said at once
  std::vector<std::int64_t> acknowledged;  ///< trips that people have looked at in the life of this process
  std::function<bool()> is_given_up;       ///< may be asked on any thread: true ends a rehearsal
};

/// A run that was interrupted, when this process began.
struct InterruptedRun {
  std::string channel;
  std::int64_t run = 0;
  std::string cell, cell_id, profile;
  ControlResult<PreparedStart> prepared;  ///< an error: why it does not go on by itself
};

/// A trip that nobody has acknowledged, when this process began.
struct OpenTrip {
  std::string channel;
  std::int64_t run = 0;  ///< 0: a cell that was hot without a run
  std::string cell, cell_id, profile, text;
};

struct BenchServiceOptions {
  BenchRunOptions run;             ///< `verb` and `is_watched` are set by the service
  BenchStatus status;              ///< name, source of time, database
  std::uint64_t fencing_base = 1;  ///< larger than that of any process before; below 2^32
  Duration idle_period = std::chrono::seconds{1};
  std::set<std::string> not_off;                ///< channels whose first OFF was not confirmed
  std::map<std::string, db::RunKey> last_runs;  ///< by channel, of earlier processes
  std::function<ControlResult<PreparedStart>(const StartOrder&, const PrepareContext&)> prepare;
  std::function<ControlResult<PreparedStart>(const GoOnOrder&)> prepare_go_on;
};

class BenchService final : public BenchControl, private RunListener {
 public:
  BenchService(TimeSource& time, const BenchConfig& bench, BenchInstruments& instruments, db::Recorder& recorder,
               RunListener& listener, BenchServiceOptions options);
  ~BenchService() override;

  /// From the leases to the last OFF: until stop(), or until the record fails. Every output has been told OFF before. An error: the bench
  /// could not be opened, and nothing was done.
  [[nodiscard]] Task<Result<void>> run(std::vector<InterruptedRun> interrupted, std::vector<OpenTrip> trips);
  /// Ends every channel by a verified safe stop, then run(). Runs that are stopped like this can be gone on with.
  void stop(Outcome outcome, const std::string& reason);
  void hurry();  ///< a second signal
  /// Of the service itself: people should know, and no cell is concerned.
  void warn(const std::string& text, const std::string& what_to_do);
  [[nodiscard]] bool is_open() const { return is_open_; }
  /// No channel's control loop has been silent for longer than it may: what a service manager's watchdog is fed by.
  [[nodiscard]] bool is_healthy() const;
  /// Outputs that are not known to be off, after run().
  [[nodiscard]] bool any_not_safe() const;
  [[nodiscard]] bool any_tripped() const { return any_tripped_; }  ///< in the life of this process
  [[nodiscard]] std::vector<Lease> give_leases() { return std::move(bench_.leases()); }

  // ---- BenchControl ----
  [[nodiscard]] BenchStatus bench() const override;
  [[nodiscard]] std::vector<ChannelStatus> channels() const override;
  [[nodiscard]] ControlResult<ChannelStatus> channel(const std::string& name) const override;
  [[nodiscard]] std::vector<ChamberStatus> chambers() const override;
  [[nodiscard]] ControlResult<ChamberStatus> chamber(const std::string& name) const override;
  [[nodiscard]] std::vector<AlarmStatus> alarms() const override { return alarms_.all(); }
  void start(StartOrder order, ControlReply<Started> reply) override;
  void preflight(StartOrder order, ControlReply<std::vector<CheckLine>> reply) override;
  void go_on(GoOnOrder order, ControlReply<Started> reply) override;
  [[nodiscard]] ControlResult<void> pause(const ChannelOrder& order) override;
  [[nodiscard]] ControlResult<void> resume(const ChannelOrder& order) override;
  [[nodiscard]] ControlResult<void> skip(const ChannelOrder& order) override;
  [[nodiscard]] ControlResult<void> confirm(const ChannelOrder& order) override;
  [[nodiscard]] ControlResult<void> note(const ChannelOrder& order) override;
  [[nodiscard]] ControlResult<void> set_limits(const LimitOrder& order) override;
  [[nodiscard]] ControlResult<void> acknowledge(std::uint64_t alarm, const Who& who, const std::string& reason) override;
  [[nodiscard]] ControlResult<void> stop_channel(const std::string& channel, const Who& who, const std::string& reason) override;
  [[nodiscard]] ControlResult<void> stop_chamber(const std::string& chamber, const Who& who, const std::string& reason) override;
  void stop_all(const Who& who, const std::string& reason) override;
  void add_watcher(BenchWatcher& watcher) override;
  void remove_watcher(BenchWatcher& watcher) override;

 private:
  // ---- RunListener ----
  void sample(const ChannelView& view) override;
  void step_started(const ChannelView& view) override;
  void person_asked(std::string_view channel, const PersonTask& task) override;
  void cycle_begins(std::string_view channel, Duration late) override;
  void message(std::string_view channel, db::Severity severity, std::string_view text) override;

  void make_places();
  void adopt(const std::vector<InterruptedRun>& interrupted, const std::vector<OpenTrip>& trips);
  [[nodiscard]] std::optional<ControlError> may_go_on(const Place& place) const;
  Task<void> open_places();
  Task<void> open_place(Place& place);
  void close_interrupted(Place& place, const PreparedStart& prepared);

  /// A start that was admitted, from its preparation to the end of its run.
  struct Attempt {
    std::function<ControlResult<PreparedStart>()> prepare;  ///< beside the control thread
    Who who;
    std::string action;
    std::string detail = "{}";  ///< one JSON object
    ControlReply<Started> reply;
    std::shared_ptr<ControlResult<PreparedStart>> prepared;  ///< instead of prepare
  };
  Task<void> hold_channel(Place& place, Attempt attempt);
  /// read_from: what was told from then on may not be in what was prepared.
  Task<std::optional<ControlError>> begin(Place& place, PreparedStart& prepared, TimePoint read_from);
  static void count_told(const Place& place, PreparedStart& prepared, TimePoint read_from);
  [[nodiscard]] std::optional<ControlError> may_go_on_starting(const Place& place) const;
  std::optional<ControlError> given_up_while_held(Place& place);
  void make_start(Place& place, const PreparedStart& prepared);
  void raise_inherited();
  void refuse_start(Place& place, const Attempt& attempt, const ControlError& error);
  void show_run(Place& place);
  void run_ended(Place& place);
  void tell_on_again(Place& place, const std::string& what, AmpHours charge);
  void keep_heat(const Place& place, std::int64_t run, const std::string& text);
  void note_heat_seen(const Who& who, const std::string& channel, const std::string& reason);
  void idle_cell_is_hot(Place& place, const TripCause& cause);
  Task<void> switch_off_idle(Place& place);
  void set_not_safe(Place& place, bool is_not_safe);
  Task<void> clear_instrument(Place& place);
  Task<void> stand_alarms_down();
  Task<void> preflight_aside(Place& place, StartOrder order, ControlReply<std::vector<CheckLine>> reply);
  [[nodiscard]] PrepareContext prepare_context(const Place& place, bool is_rehearsed) const;
  void add_lines_now(const Place& place, const Program& program, std::vector<CheckLine>& lines) const;

  [[nodiscard]] Place* find(std::string_view channel);
  [[nodiscard]] const Place* find(std::string_view channel) const;
  [[nodiscard]] ControlError no_such_channel(const std::string& name) const;
  [[nodiscard]] ControlResult<ChannelRunner*> running(const ChannelOrder& order);
  void attempt(Place& place, Attempt attempt, const std::string& doing);
  [[nodiscard]] ControlResult<Place*> admit(const std::string& channel, std::uint64_t token, const Who& who);
  [[nodiscard]] ControlResult<void> may_start(const Place& place) const;
  [[nodiscard]] ControlResult<void> may_be_energised(const Place& place) const;
  [[nodiscard]] ControlResult<void> order(const ChannelOrder& order, ChannelRunner::PersonOrder what, const char* action);
  void stop_place(Place& place, const std::string& reason);
  void audit(const Who& who, std::int64_t run, const std::string& action, const std::string& reason, std::string detail = "{}");
  void new_token(Place& place);
  void changed(const Place& place);
  void tell_run(std::int64_t run);
  void raise(AlarmStatus alarm);
  [[nodiscard]] ChannelStatus status_of(const Place& place) const;
  [[nodiscard]] ChamberStatus status_of(const ChamberTask& chamber) const;
  void tell_sample(const Place& place, const ChannelView* view);

  TimeSource& time_;
  const BenchConfig& config_;
  db::Recorder& recorder_;
  RunListener& log_;
  BenchServiceOptions options_;
  LiveBench bench_;
  std::vector<std::unique_ptr<Place>> places_;
  ServiceAlarms alarms_;
  std::vector<std::int64_t> acknowledged_;
  std::set<std::int64_t> ran_here_;  ///< runs of this process: what it found before its first OFF is older than their last word
  std::vector<BenchWatcher*> watchers_;
  TaskGroup tasks_;     ///< starts and runs
  TaskGroup watching_;  ///< outputs between runs
  Wait ends_;
  std::optional<Outcome> stop_requested_;
  std::string stop_reason_;
  std::uint64_t tokens_ = 0;
  bool is_open_ = false;
  bool any_tripped_ = false;
};

}  // namespace cellrig
