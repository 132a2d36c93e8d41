// Turns what the engine says into rows of the record.
#pragma once

#include <array>
#include <string>

#include "controller/base/observation.hpp"
#include "controller/engine/channel_machine.hpp"
#include "controller/engine/program.hpp"
#include "controller/engine/resume_point.hpp"
#include "controller/engine/safety_supervisor.hpp"
#include "db/recorder.hpp"

namespace cellrig {

struct Continuation;

/// The kind of the event that closes a gap in the record.
inline constexpr std::string_view deviation_event = "deviation";

class ChannelRecord {
 public:
  ChannelRecord(db::Recorder& recorder, const Program& program) : recorder_{recorder}, program_{program} {}

  void begin(db::RunKey run, TimePoint started) {
    run_ = run;
    started_ = started;
  }
  /// The same run, after an interruption: its test time goes on from where its record stands.
  void go_on(const Continuation& continuation, TimePoint now, UtcTime utc);
  [[nodiscard]] bool begun() const { return run_ != 0; }
  [[nodiscard]] bool failed() const { return recorder_.failed(); }
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

  void step_started(const output::StepStarted& event, const ChannelState& state, TimePoint now, UtcTime utc);
  void sample(const output::Record& record, const Observation& observation);
  void step_ended(const output::StepEnded& event);
  void cycle_ended(const output::CycleEnded& event);
  void criterion(const output::CriterionJudged& event, TimePoint now, UtcTime utc);
  void stop_held(const output::StopHeld& event, TimePoint now, UtcTime utc);
  void event(db::Severity severity, const std::string& kind, const std::string& message, TimePoint now, UtcTime utc);
  void trip(const TripCause& cause, TimePoint now, UtcTime utc);
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
  void aux_rows(const output::Record& record, const Observation& observation);
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

}  // namespace cellrig
