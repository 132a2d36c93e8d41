// Decides for one channel: inputs in, outputs out. No clock, no thread, no I/O: the runtime performs what it says.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <limits>
#include <optional>
#include <variant>

#include "controller/base/observation.hpp"
#include "controller/base/setpoint.hpp"
#include "controller/engine/channel_state.hpp"
#include "controller/engine/end_conditions.hpp"
#include "controller/engine/program.hpp"

namespace cellrig {

// ---- inputs ---------------------------------------------------------------------------------------------------------

namespace input {
struct Start {};
/// Instead of Start, on a machine that was given a state: the run goes on after an interruption, from OFF. `ask` counts as `stop`.
struct GoOn {
  InterruptionRule rule = InterruptionRule::ask;
  bool trip_acknowledged = false;  ///< by a person; without it a tripped run ends
  bool stays_paused = false;       ///< a run that a person had paused waits for a person again, whatever the rule but `stop`
};
/// A measurement the supervisor has passed.
struct Observed {
  Observation observation;
};
/// The answer to Apply or OutputOff, by its number. A late answer to an earlier command is harmless: its number differs.
struct Acknowledged {
  std::uint32_t command = 0;
  bool succeeded = false;
};
struct ChamberGranted {
  std::uint32_t request = 0;
};
struct Pause {};
struct Resume {};
struct Skip {};
/// Ends the run: by a person, after a trip, or because something outside failed.
struct Stop {
  Outcome outcome = Outcome::stopped;
};
/// A person has done what the step asks for.
struct Confirmed {};
/// Latched. The cause is the supervisor's to record.
struct Trip {
  Outcome outcome = Outcome::tripped;
};
}  // namespace input

using ChannelInput = std::variant<input::Start, input::GoOn, input::Observed, input::Acknowledged, input::ChamberGranted,
                                  input::Pause, input::Resume, input::Skip, input::Confirmed, input::Stop, input::Trip>;

// ---- outputs --------------------------------------------------------------------------------------------------------

enum class StepEndReason : unsigned char { condition, time_bound, skipped, stopped, tripped, command_failed, confirmed, refused };

namespace output {
struct StepStarted {
  std::uint32_t instruction = 0;
  bool continues = false;  ///< an execution that was interrupted: the step counter does not advance
};
struct Apply {
  std::uint32_t command = 0;
  Setpoint setpoint;
};
struct OutputOff {
  std::uint32_t command = 0;
};
struct RequestChamber {
  std::uint32_t request = 0;
  Celsius temperature;
  TimePoint since{};  ///< an interruption does not make it wait anew
};
/// Keep this observation as a row. flags: db::sample_flag's first_of_step, last_of_step, after_gap, by these names.
struct Record {
  bool first_of_step = false, last_of_step = false, after_gap = false;
  bool is_waiting = false;  ///< the step stands waiting, with the output off
  Throughput step_moved;    ///< up to this observation; after an interruption, since the step went on
};
struct StepEnded {
  std::uint32_t instruction = 0;
  StepEndReason reason = StepEndReason::condition;
  bool has_end = false;  ///< end, value and margin are meaningful
  std::uint16_t end = 0;
  double value = 0.0, margin = 0.0;
  ConditionQuantity quantity = ConditionQuantity::voltage_V;  ///< whose value it is
  bool is_held = false;                                       ///< the instrument held its bound short of the end: EndFound
  TimePoint ended{};
  StepState totals;
};
struct CycleEnded {
  std::uint64_t cycle = 0;
  bool is_reference = false;
  TimePoint ended{};
  CycleState totals;
  double retention = 0.0;  ///< meaningful when totals.measured_reference
};
struct CriterionJudged {
  std::uint32_t instruction = 0;
  bool met = false, known = false;
  double value = 0.0, margin = 0.0;
};
/// A LeaveIf held: the innermost loop is left.
struct LoopLeft {
  std::uint32_t instruction = 0;
  double value = 0.0, threshold = 0.0;
};
struct VariableSet {
  std::uint8_t variable = 0;
  double value = 0.0;
};
struct Marked {
  std::uint32_t instruction = 0;
};
enum class DiagnosticsReason : unsigned char { cycles, fade, alarm };
struct DiagnosticsBegun {
  std::uint32_t instruction = 0;
  DiagnosticsReason reason = DiagnosticsReason::cycles;
  double value = 0.0;  ///< cycles, or per cent
};
/// What is known only now cannot be used: the run ends as failed.
struct Unusable {
  enum class Why : unsigned char {
    not_known,
    out_of_bounds,
    chamber_temperature,  ///< none that the cell may be charged at
    no_step,              ///< the program goes on without any step
  };
  std::uint32_t instruction = 0;
  Why why = Why::not_known;
  double value = 0.0;
  std::int16_t formula = -1;       ///< the one that it came out of
  double least = 0.0, most = 0.0;  ///< of out_of_bounds: what it had to be within
};
/// A StopIf held: the run ends here, orderly.
struct StopHeld {
  std::uint32_t instruction = 0;
  double value = 0.0, threshold = 0.0;
};
struct Finished {
  Outcome outcome = Outcome::completed;
  bool criteria_met = true;
};
}  // namespace output

using ChannelOutput =
    std::variant<output::StepStarted, output::Apply, output::OutputOff, output::RequestChamber, output::Record, output::StepEnded,
                 output::CycleEnded, output::CriterionJudged, output::StopHeld, output::LoopLeft, output::VariableSet,
                 output::Marked, output::DiagnosticsBegun, output::Unusable, output::Finished>;

/// In the order in which they are to be performed. Bounded: instructions that take no time are counted.
class ChannelOutputs {
 public:
  static constexpr std::size_t capacity = 64;
  void clear() { size_ = 0; }
  void push(const ChannelOutput& o) {
    assert(size_ < capacity);
    items_[size_++] = o;
  }
  [[nodiscard]] const ChannelOutput* begin() const { return items_.data(); }
  [[nodiscard]] const ChannelOutput* end() const { return items_.data() + size_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool full(std::size_t reserve) const { return size_ + reserve > capacity; }

 private:
  std::array<ChannelOutput, capacity> items_{};
  std::size_t size_ = 0;
};

struct MachineOptions {
  Duration gap_limit = std::chrono::seconds{3};  ///< charge is not integrated across a longer pause between measurements
  /// What bench and cycler allow a current that is known only when its step begins. What is known before `check` has held against them.
  Amps charge_max{std::numeric_limits<double>::infinity()}, discharge_max{std::numeric_limits<double>::infinity()};
  Amps current_min;
  Watts power_max{std::numeric_limits<double>::infinity()};
};

class ChannelMachine {
 public:
  /// `program` must outlive the machine.
  ChannelMachine(const Program& program, MachineOptions options);

  [[nodiscard]] ChannelOutputs on(const ChannelInput& input, TimePoint now);
  /// The same into a list that is used again and again: tens of KiB that need not be made for every sample.
  void on(const ChannelInput& input, TimePoint now, ChannelOutputs& out);

  /// Before GoOn: where the run stood. `state` must fit the program (resume_point.hpp) and count in this machine's time.
  void restore(const ChannelState& state) { state_ = state; }

  /// The next instant at which an Observed input is wanted even if no period is over; TimePoint::max() if none.
  [[nodiscard]] TimePoint wakeup(TimePoint now) const;

  [[nodiscard]] const ChannelState& state() const { return state_; }
  [[nodiscard]] const Step* current_step() const;
  [[nodiscard]] std::optional<double> soc_pct() const;
  [[nodiscard]] bool output_wanted() const;  ///< an energising set-point is on its way or in force
  /// An alarm or a warning was recorded: Diagnostics may be due after it.
  void note_alarm();
  /// Something beside the profile's own criteria was not met; the resume point keeps it.
  void fail_criteria() { state_.criteria_met = false; }

 private:
  void start(ChannelOutputs& out);
  void go_on(const input::GoOn& how, ChannelOutputs& out);
  void continue_step(const Step& step, bool is_held, ChannelOutputs& out);
  [[nodiscard]] bool has_begun_in_earnest(const Step& step) const;
  void count_time_seen();
  void freeze_clock();
  void count_charge_time(const Step& step, TimePoint until);
  void forget_time();
  void request_chamber(Celsius temperature, ChannelOutputs& out);
  void observed(const Observation& observation, ChannelOutputs& out);
  void acknowledged(const input::Acknowledged& answer, ChannelOutputs& out);
  void pause(ChannelOutputs& out);
  void resume(ChannelOutputs& out);
  void skip(ChannelOutputs& out);
  void confirmed(ChannelOutputs& out);
  void stop(Outcome outcome, ChannelOutputs& out);
  void trip(Outcome outcome, ChannelOutputs& out);

  void run_instructions(ChannelOutputs& out);
  [[nodiscard]] bool run_timeless(const Instruction& instruction, ChannelOutputs& out);
  void enter_step(const Step& step, ChannelOutputs& out);
  void command_step(const Step& step, ChannelOutputs& out);
  [[nodiscard]] bool charges_out_of_range(const Step& step) const;
  [[nodiscard]] std::optional<output::Unusable> make_setpoint(const Step& step, std::optional<Setpoint>& wanted);
  [[nodiscard]] std::optional<output::Unusable> judge_course(const Step& step);
  [[nodiscard]] std::optional<output::Unusable> judge_magnitude(const Step& step, const Magnitude& magnitude,
                                                                double& value) const;
  [[nodiscard]] const Course& course_of(const Step& step) const { return scaled_ ? *scaled_ : *step.course; }
  void refuse_step(const output::Unusable& why, ChannelOutputs& out);
  void follow_course(const Step& step, ChannelOutputs& out);
  void leave_by(const Step& step, const EndFound& found, ChannelOutputs& out);
  void begin_pass(const LoopBegin& loop);
  void begin_cycle(bool is_reference);
  void count_for_diagnostics();
  [[nodiscard]] bool leave_loop(const LeaveIf& leave, ChannelOutputs& out);
  [[nodiscard]] bool set_variable(const SetVariable& set, ChannelOutputs& out);
  void enter_diagnostics(const Diagnostics& diagnostics, ChannelOutputs& out);
  void end_diagnostics(const DiagnosticsEnd& end);
  void close_left_diagnostics();
  void pop_loops(std::size_t depth, ChannelOutputs& out);
  void end_pass(ChannelOutputs& out);
  void end_cycle(ChannelOutputs& out);
  bool stop_holds(const StopIf& stop, ChannelOutputs& out);
  void judge(const Require& require, ChannelOutputs& out);
  void finish_with_off(Outcome outcome, ChannelOutputs& out);

  void integrate_sample(const Observation& observation);
  void record(const Observation& observation, bool last, ChannelOutputs& out);
  void record_waiting(const Step& step, const Observation& observation, ChannelOutputs& out);
  [[nodiscard]] bool has_changed(const Observation& observation, const RecordChanges& by) const;
  bool pass_record_points(const Step& step);
  void end_step(StepEndReason reason, const std::optional<EndFound>& found, ChannelOutputs& out);
  void measure(const Step& step);
  void lose_result(const Step& step);
  void keep_results(const Step& step, StepEndReason reason, const std::optional<EndFound>& found);
  void keep_resistance();
  void fail_command(ChannelOutputs& out);
  [[nodiscard]] Duration step_time() const;
  [[nodiscard]] bool step_is_open() const;

  const Program& program_;
  MachineOptions options_;
  ChannelState state_;
  TimePoint now_{};
  std::optional<Course> scaled_;  ///< of the step that runs, when its rates are of the measured capacity
};

}  // namespace cellrig
