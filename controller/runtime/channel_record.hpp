// Turns what the engine says into rows of the record.
#pragma once

#include <array>
#include <deque>
#include <string>

#include "controller/base/observation.hpp"
#include "controller/engine/channel_machine.hpp"
#include "controller/engine/divergence_watch.hpp"
#include "controller/engine/program.hpp"
#include "controller/engine/resume_point.hpp"
#include "controller/engine/safety_supervisor.hpp"
#include "db/recorder.hpp"

namespace cellrig {

/// In the record, behind the words of a condition that has several: whose value stands beside it.
inline constexpr std::string_view decided_by = ", decided by ";

struct Continuation;

/// The kind of the event that closes a gap in the record.
inline constexpr std::string_view deviation_event = "deviation";
inline constexpr std::string_view stop_event = "stop";
/// The kind of the event that says that a run left the band around what its rehearsal foretold.
inline constexpr std::string_view divergence_event = "divergence";
/// The kind of the event that says from where on a run is on a way that was not rehearsed, or on one that was.
inline constexpr std::string_view expectation_event = "expectation";
/// The kind of the event of a limit that a person has changed begins like this; the limit's name follows, its new value is the value.
inline constexpr std::string_view limit_event = "limit changed: ";
/// Kind of an event whose value is the charge, in Ah, that may have gone in through an output that was on after the end.
inline constexpr std::string_view on_again_event = "on again after the end";
inline constexpr std::string_view late_off_event = "late off";
inline constexpr std::string_view criterion_not_met_event = "criterion not met";
/// A warning where the condition's result was lost: then the criteria count as not met.
inline constexpr std::string_view stop_condition_event = "stop condition";
/// How the reason of a stop begins by which the criteria count as not met.
inline constexpr std::string_view divergence_stop = "stopped by a divergence: ";

class ChannelRecord {
 public:
  static constexpr std::size_t held_max = 20'000;  ///< two minutes at 6 ms
  ChannelRecord(db::Recorder& recorder, const Program& program);

  void begin(db::RunKey run, TimePoint started) {
    run_ = run;
    started_ = started;
  }
  /// The same run, after an interruption: its test time goes on from where its record stands.
  void go_on(const Continuation& continuation, TimePoint now, UtcTime utc);
  [[nodiscard]] bool begun() const { return run_ != 0; }
  [[nodiscard]] bool failed() const { return recorder_.failed(); }
  [[nodiscard]] Duration behind() const { return recorder_.behind(); }
  [[nodiscard]] std::string failure() const { return recorder_.failure(); }

  /// While it lives, steps, cycles, events and resume points are stored together or not at all.
  class Together {
   public:
    explicit Together(ChannelRecord& record) : recorder_{record.recorder_} { recorder_.hold(); }
    ~Together() { recorder_.release(); }
    Together(const Together&) = delete;
    Together& operator=(const Together&) = delete;

   private:
    db::Recorder& recorder_;
  };

  void step_started(const output::StepStarted& event, const ChannelState& state, TimePoint now, UtcTime utc,
                    std::optional<std::uint64_t> compared_with = std::nullopt);
  void sample(const output::Record& record, const Observation& observation);
  /// In a program in which some step has a `record_before`, what was measured since the last row waits here: it is none unless a step ends, or
  /// an alarm or a trip comes, within that time. A row never waits: it is what a crash must not take.
  [[nodiscard]] bool holds_back() const { return window_ > Duration::zero(); }
  void hold_back(const Observation& observation, const Throughput& step_moved);
  /// `next`: the step that follows; null: none. Its window reaches back into this one.
  void step_ended(const output::StepEnded& event, const Step* next);
  void cycle_ended(const output::CycleEnded& event);
  void criterion(const output::CriterionJudged& event, TimePoint now, UtcTime utc);
  void stop_held(const output::StopHeld& event, TimePoint now, UtcTime utc);
  void loop_left(const output::LoopLeft& event, TimePoint now, UtcTime utc);
  void variable_set(const output::VariableSet& event, TimePoint now, UtcTime utc);
  void marked(const output::Marked& event, TimePoint now, UtcTime utc);
  void diagnostics_begun(const output::DiagnosticsBegun& event, TimePoint now, UtcTime utc);
  [[nodiscard]] std::string why_unusable(const output::Unusable& found) const;
  void event(db::Severity severity, const std::string& kind, const std::string& message, TimePoint now, UtcTime utc);
  void trip(const TripCause& cause, TimePoint now, UtcTime utc);
  /// charge: that may have gone into the cell meanwhile.
  void on_again(const std::string& what, AmpHours charge, TimePoint now, UtcTime utc);
  /// What may have gone into the cell between the last measurement and OFF.
  void late_off(const std::string& what, AmpHours charge, TimePoint now, UtcTime utc);
  /// After go_on(): its guard is not ours to write. By the event that every version counts.
  void closed_unread(const Continuation& continuation, TimePoint now, UtcTime utc);
  /// value: what was measured; limit: the edge of the band that it left.
  void divergence(const Divergence& found, const std::string& message, TimePoint now, UtcTime utc);
  struct LimitChange {
    std::string name;
    double before = 0.0, now = 0.0;
  };
  void limit_changed(const LimitChange& change, const std::string& message, TimePoint now, UtcTime utc);
  void resume_point(const ResumePoint& point);
  /// The wall clock was set: from now on each step says its own UTC.
  void clock_was_set() { says_utc_ = true; }
  void finished(const output::Finished& event, const std::string& reason, TimePoint now, UtcTime utc);

  [[nodiscard]] std::int64_t test_time_ns(TimePoint at) const { return (at - started_).count(); }
  [[nodiscard]] TimePoint started() const { return started_; }
  [[nodiscard]] const Step& step_at(std::uint32_t instruction) const { return std::get<Step>(program_.code[instruction]); }

 private:
  db::Recorder& recorder_;
  const Program& program_;
  db::RunKey run_ = 0;
  db::StepKey step_ = 0;
  TimePoint started_{}, step_started_{};
  void unseen_charge(std::string_view kind, const std::string& what, AmpHours charge, TimePoint now, UtcTime utc);
  void aux_rows(const output::Record& record, const Observation& observation);
  struct Held {
    Observation observation;
    output::Record record;
    bool is_row = false;  ///< the last one of its step
    [[nodiscard]] TimePoint at() const { return observation[Measurand::voltage].at; }
  };
  void hold(const Held& held);
  /// Writes what is held, and was measured within `back` of the last one; the last of its step in any case.
  void release(Duration back);
  void write(const output::Record& record, const Observation& observation);
  [[nodiscard]] Duration window_of_step() const { return present_ != nullptr ? present_->record_before : Duration::zero(); }
  std::deque<Held> held_;
  Duration window_{};
  const Step* present_ = nullptr;
  TimePoint written_at_ = TimePoint::min();  ///< when the last row was measured, and what
  double written_V_ = 0, written_A_ = 0;
  TimePoint next_chamber_row_{};
  std::array<Reading, measurand_count> last_aux_{};  ///< as it was written
  bool says_utc_ = false;                            ///< test time and UTC no longer run side by side since the start of the run

  void deviation(const Continuation& continuation, UtcTime utc);
  void write_step_end(db::StepEndRow row, const StepState& totals);
};

[[nodiscard]] std::string_view to_string(Outcome outcome);
[[nodiscard]] std::string_view to_string(StepEndReason reason);
/// "+2.5 A, 2.495..4.205 V"; "output off" for a rest.
[[nodiscard]] std::string describe_setpoint(const Step& step);
/// The same of a step whose current or power hangs on what was measured: the number that is commanded. "about ..." where a result in it is not known.
[[nodiscard]] std::string describe_setpoint(const Step& step, const Program& program, const ChannelState& state);

}  // namespace cellrig
