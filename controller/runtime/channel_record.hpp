// Turns what the engine says into rows of the record.
#pragma once

#include <string>

#include "controller/base/observation.hpp"
#include "controller/engine/channel_machine.hpp"
#include "controller/engine/program.hpp"
#include "controller/engine/safety_supervisor.hpp"
#include "db/recorder.hpp"

namespace cellrig {

class ChannelRecord {
 public:
  ChannelRecord(db::Recorder& recorder, const Program& program) : recorder_{recorder}, program_{program} {}

  void begin(db::RunKey run, TimePoint started) {
    run_ = run;
    started_ = started;
  }
  [[nodiscard]] bool begun() const { return run_ != 0; }
  [[nodiscard]] bool failed() const { return recorder_.failed(); }
  [[nodiscard]] std::string failure() const { return recorder_.failure(); }

  void step_started(const output::StepStarted& event, const ChannelState& state, TimePoint now);
  void sample(const output::Record& record, const Observation& observation);
  void step_ended(const output::StepEnded& event);
  void cycle_ended(const output::CycleEnded& event);
  void criterion(const output::CriterionJudged& event, TimePoint now, UtcTime utc);
  void stop_held(const output::StopHeld& event, TimePoint now, UtcTime utc);
  void event(db::Severity severity, const std::string& kind, const std::string& message, TimePoint now, UtcTime utc);
  void trip(const TripCause& cause, TimePoint now, UtcTime utc);
  void resume_point(const ChannelState& state);
  void finished(const output::Finished& event, const std::string& reason, TimePoint now, UtcTime utc);

  [[nodiscard]] std::int64_t test_time_ns(TimePoint at) const { return (at - started_).count(); }
  [[nodiscard]] TimePoint started() const { return started_; }
  [[nodiscard]] const Step& step_at(std::uint32_t instruction) const { return std::get<Step>(program_.code[instruction]); }

 private:
  db::Recorder& recorder_;
  const Program& program_;
  db::RunKey run_ = 0;
  db::StepKey step_ = 0;
  TimePoint started_{};
  TimePoint next_chamber_row_{};
};

[[nodiscard]] std::string_view to_string(Outcome outcome);
[[nodiscard]] std::string_view to_string(StepEndReason reason);
/// "+2.5 A, 2.495..4.205 V"; "output off" for a rest.
[[nodiscard]] std::string describe_setpoint(const Step& step);

}  // namespace cellrig
