// Performs what one channel's engine decided: measures, lets the supervisor look first, carries out commands, keeps the record.
// Control thread only. Every way to OFF goes through make_safe().
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/async/task_group.hpp"
#include "controller/async/time_source.hpp"
#include "controller/engine/channel_machine.hpp"
#include "controller/engine/jump_watch.hpp"
#include "controller/engine/safety_supervisor.hpp"
#include "controller/runtime/channel_record.hpp"
#include "controller/runtime/charge_since.hpp"
#include "controller/runtime/expected_charge.hpp"
#include "controller/runtime/listener.hpp"
#include "controller/runtime/pulse_check.hpp"
#include "controller/runtime/resume.hpp"
#include "controller/runtime/sensor_sink.hpp"
#include "controller/runtime/step_follower.hpp"
#include "drivers/instruments/cycler.hpp"
#include "drivers/instruments/logger.hpp"

namespace cellrig {

/// What a channel is made of. The bench owns the instruments.
struct ChannelParts {
  std::string name;
  Cycler* cycler = nullptr;
  Relays* relays = nullptr;  ///< the contactor: the second path to OFF; null: none
  int contactor = 0;
  bool has_cell_temperature = false;
  bool has_ambient_temperature = false;
  bool has_logger_voltage = false;
  bool has_stack_force = false;
  bool has_gas = false;
  std::optional<double> stack_area_cm2;  ///< by the bench file; else by the cell's
  std::size_t interlock_modules = 0;     ///< with contacts of this channel
  ChannelLimits limits;                  ///< the bench's own
};

struct ChannelOptions {
  Duration control_period = std::chrono::seconds{1};            ///< with the output on
  Duration control_period_off = std::chrono::seconds{1};        ///< in rests
  Duration control_period_long_rest = std::chrono::seconds{1};  ///< after a minute of rest
  Duration sensor_period = std::chrono::seconds{1};             ///< how often loggers and chambers refresh
  Duration watchdog_delay = std::chrono::seconds{5};
  Duration resume_point_interval = std::chrono::seconds{1};
  AmpHours nominal_capacity{1.0};
  std::optional<ExpectedCharge> expected_charge;  ///< of the cell before the start

  /// How often contacts are read: 50 ms at the control period of real benches.
  [[nodiscard]] Duration interlock_period() const {
    return std::clamp<Duration>(control_period / 2, std::chrono::milliseconds{20}, std::chrono::milliseconds{500});
  }
  /// How long a contact may go unread until it counts as open: three polls, and then OFF must fit into 0.25 s.
  [[nodiscard]] Duration interlock_age_limit() const {
    return std::max<Duration>(std::chrono::milliseconds{200}, 3 * interlock_period());
  }
};

/// Where a channel asks for a temperature. Implemented by the chamber's task.
class ChamberDoor {
 public:
  virtual ~ChamberDoor() = default;
  /// With the output off, confirmed. since: it has waited from then on.
  virtual void request(std::uint32_t request, Celsius temperature, TimePoint since) = 0;
  virtual void withdraw() = 0;  ///< it is being stopped: it waits no longer
  virtual void thermal_trip() = 0;
  virtual void leave(bool is_off) = 0;  ///< false: nobody knows that its output is off
};

/// Calls people to the bench. Implemented by its siren.
class Bell {
 public:
  virtual ~Bell() = default;
  virtual void ring(const std::string& why) = 0;
};

/// How an output was made safe, best first.
enum class SafeBy : unsigned char {
  instrument,  ///< it confirmed OFF when it was told
  contactor,   ///< it did not; the contactor opened and was confirmed
  watchdog,    ///< it did not; after a silence for its watchdog it says that it is off
  nothing,
};

class ChannelRunner final : public SensorSink {
 public:
  ChannelRunner(TimeSource& time, const ChannelParts& parts, const Program& program, const ChannelOptions& options,
                db::Recorder& recorder, RunListener& listener);
  ChannelRunner(const ChannelRunner&) = delete;
  ChannelRunner& operator=(const ChannelRunner&) = delete;

  void set_chamber(ChamberDoor* door) { door_ = door; }
  void set_bell(Bell* bell) { bell_ = bell; }

  // ---- before the run, in this order (preflight.cpp) ----
  [[nodiscard]] Task<Result<void>> secure();  ///< OFF, verified: the first command of a starting process
  [[nodiscard]] Task<Result<InstrumentIdentity>> identify();
  [[nodiscard]] Task<Result<void>> connect_cell();  ///< contactor, polarity, open-circuit voltage, sensors
  [[nodiscard]] Task<Result<void>> arm();           ///< protections and watchdog; from here on the instrument must hear from us
  [[nodiscard]] Task<void> keep_alive();            ///< feeds the watchdog while other channels are being armed
  [[nodiscard]] Task<void> release_unused();        ///< armed, and then not started

  /// Before run(): it is to go on with an interrupted run instead of beginning one.
  void set_continuation(const Continuation& continuation) { continuation_ = &continuation; }
  /// Before run(): what its record is to say of its start.
  void remark_at_start(const std::string& kind, const std::string& text) { start_remarks_.emplace_back(kind, text); }
  /// Before run(): its steps are compared with expected curves, or curves are made of them.
  void follow(const Following& following, bool chamber_is_asked);
  /// Runs the program to its end, whatever the end is. The output is off when this returns, or the log says it is not known to be.
  [[nodiscard]] Task<void> run(db::RunKey run);
  /// Beside run() and beyond it, until end_look_after(): an output that tripped or failed, and whose OFF the instrument confirmed, is looked
  /// at while this process lives on for other channels, and gets OFF when it is on again. Where OFF is not confirmed nobody asks: each
  /// question would feed the watchdog that is left.
  [[nodiscard]] Task<void> look_after();
  void end_look_after();

  // ---- from outside, at any moment ----
  void sensor(Measurand measurand, const Reading& reading) override;
  void interlock(std::size_t module, const Reading& reading) override;
  void stop(Outcome outcome, const std::string& reason = {});  ///< the reason is one for the record: who or what asked
  void trip(const TripCause& cause);                           ///< before run(): kept, and run() begins with it
  [[nodiscard]] const std::optional<TripCause>& trip_before_run() const { return trip_before_run_; }
  void chamber_granted(std::uint32_t request);
  /// A person has done what the present step asks for. False: it asks for nothing now.
  bool confirm(const std::string& by);
  /// What a person orders beside a stop (channel_orders.cpp). Carried out by the control loop, pause without another look at the
  /// cell. `by`: "NAME: reason", for the record. Refused, and why, when it makes no sense now.
  enum class PersonOrder : unsigned char {
    pause,   ///< output off, confirmed; the step's clock stands still
    resume,  ///< the same step goes on
    skip,    ///< the next step; of a paused one: with its output on, if it has one
  };
  [[nodiscard]] Result<void> order(PersonOrder what, const std::string& by);
  /// Tighter limits hold at once, and for the rest of the run, also after an interruption. is_widening: back towards the run's own, not
  /// beyond. Names and units: limits_of_run(). All or none of them.
  [[nodiscard]] Result<void> set_limits(const std::map<std::string, double>& wanted, bool is_widening, const std::string& by);
  [[nodiscard]] std::map<std::string, double> limits_in_force() const;
  /// What set_limits() judges by: without the present step's own.
  [[nodiscard]] std::map<std::string, double> limits_of_run() const;
  /// Its request stands behind others. Recorded once for each wait; empty: it waits no longer.
  void chamber_waits(const std::string& why);
  void remark(db::Severity severity, const std::string& kind, const std::string& text) override;
  /// A person has looked at its heat: what is hot still, or again, is told anew.
  void watch_heat_anew() { heat_watch_.reset(); }
  /// After its end its output was on, or nobody knows: for the record, with the charge that may have gone into the cell.
  void on_again(const std::string& what, AmpHours charge);
  void hurry() { hurry_ = true; }  ///< a second Ctrl-C: no waiting but for OFF itself

  [[nodiscard]] const std::string& name() const override { return parts_.name; }
  [[nodiscard]] const Program& program() const { return program_; }
  /// What its force presses; nothing: no pressure is known.
  [[nodiscard]] std::optional<double> pressed_area_cm2() const {
    return parts_.stack_area_cm2 ? parts_.stack_area_cm2 : program_.pressed_area_cm2;
  }
  [[nodiscard]] Outcome outcome() const { return outcome_; }
  [[nodiscard]] bool has_ended() const { return has_ended_; }
  [[nodiscard]] bool is_given_back() const {
    return was_given_back_;
  }  ///< after its end: nothing is armed that a question could feed
  [[nodiscard]] bool is_stopping() const { return running_ && must_be_off(); }
  [[nodiscard]] std::optional<TripCause> trip_cause() const {
    return supervisor_ ? supervisor_->tripped() : std::optional<TripCause>{};
  }
  [[nodiscard]] const ChannelState& state() const { return machine_.state(); }
  [[nodiscard]] const Step* current_step() const { return machine_.current_step(); }
  [[nodiscard]] ChannelView view() const;
  [[nodiscard]] TimePoint last_cycle() const { return last_cycle_; }  ///< when the control loop was last seen at work
  [[nodiscard]] bool criteria_met() const { return machine_.state().criteria_met && !stopped_by_divergence_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] const Observation& observation() const { return observation_; }
  [[nodiscard]] std::uint64_t periods_missed() const { return periods_missed_; }
  [[nodiscard]] std::uint64_t samples() const { return samples_; }
  [[nodiscard]] SafeBy safe_by() const { return safe_by_; }
  /// Where OFF is not confirmed: at most this may flow into the cell. What was commanded or measured last, or what tripped it.
  [[nodiscard]] Amps may_flow() const;
  /// Something of this channel's bench failed after its run had ended: the verdict and the record say so.
  void failed_afterwards(const std::string& what);

 private:
  [[nodiscard]] Error refused(const std::string& what) const { return fail(Fault::refused, parts_.name + ": " + what); }
  Task<void> first_look();
  /// A new run, or one that is to go on with its steps.
  [[nodiscard]] bool is_to_go_on() const {
    if (continuation_ == nullptr) return true;
    if (continuation_->rule == InterruptionRule::stop || continuation_->run.waits_for_person()) return false;
    // What a person had paused, nobody gives a current to but after a person's word.
    const Phase phase = continuation_->run.point.channel.phase;
    return !(continuation_->stays_paused && (phase == Phase::pausing || phase == Phase::paused));
  }
  Task<void> check_pulse();
  Task<std::optional<ElectricalSample>> hold_pulse(Duration lasts);
  Task<void> control_loop();
  Task<void> control_cycle();
  Task<void> perform(ChannelInput input);
  bool observe();
  void hold_back();
  Task<void> perform_outputs();
  Task<std::optional<ChannelInput>> perform_command(const ChannelOutput& output);
  const ChannelOutput* note_until_command(const ChannelOutput* at);
  void begin(db::RunKey run);
  void keep_point();
  void watch_clock();
  void note(const ChannelInput& input);  ///< lets the engine decide and does what needs no instrument
  void note(const ChannelOutput& output);
  void note_end(const output::StepEnded& ended);
  void ask_person();
  void record_end();
  void count_as_failed(const std::string& what);
  void add_to_reason(const std::string& what);
  void look_at_step(std::uint64_t step_count);
  void note_divergence(const std::optional<Divergence>& found);
  void note_detour(const std::optional<Detour>& found);
  void note_off(SafeBy safe);
  void tell_late_off();
  Task<void> end_after_trip();
  void keep_trip();
  [[nodiscard]] bool is_under_way() const;
  Task<void> look_for_protection();
  Task<SafeBy> make_safe();
  Task<SafeBy> switch_off();
  Task<bool> ask_for_off(Duration timeout);
  Task<void> give_back();
  Task<void> look_at_ended();
  Task<void> perform_apply(Setpoint setpoint, int direction);
  [[nodiscard]] std::optional<double> swept_voltage(const Setpoint& setpoint) const;
  [[nodiscard]] bool is_small_sweep(const Setpoint& setpoint) const;
  void watch_heat(Measurand measurand, const Reading& reading);
  void watch_difference();
  void watch_jump();
  [[nodiscard]] bool delivers(Measurand measurand) const;
  [[nodiscard]] Result<void> check_sensors() const;
  Task<bool> open_contactor(Deadline deadline);
  void make_safe_soon();
  void send_off();
  void tell_others(const TripCause& cause);
  void call_people(const std::string& why);

  void merge(const CyclerReadings& readings);
  [[nodiscard]] bool tripped(const std::optional<CyclerReadings>& fresh);
  void choose_limits(TimePoint measured);
  void trip_by_instrument(Hazard hazard);
  [[nodiscard]] Deadline measure_deadline() const;
  [[nodiscard]] Duration period() const;
  [[nodiscard]] Duration age_limit() const;
  [[nodiscard]] bool must_be_off() const { return stop_requested_ || (supervisor_ && supervisor_->tripped()); }
  [[nodiscard]] SupervisorOptions supervisor_options() const;
  [[nodiscard]] Protections protections() const;
  [[nodiscard]] Task<Result<void>> check_cell();
  void say(db::Severity severity, const std::string& kind, const std::string& text);
  [[nodiscard]] SafetyLimits with_tightened(SafetyLimits limits) const;
  [[nodiscard]] SafetyLimits limits_now() const;
  Task<void> carry_out_order();

  TimeSource& time_;
  ChannelParts parts_;
  const Program& program_;
  SafetyLimits limits_;                        ///< of cell, profile and bench, the tightest
  const SafetyLimits* step_limits_ = nullptr;  ///< in force instead: of the present step
  bool step_limits_have_settled_ = false;      ///< until then those on current and voltage are the run's
  std::map<std::string, double> tightened_;    ///< by a person, by name
  ChannelOptions options_;
  RunListener& listener_;
  ChamberDoor* door_ = nullptr;
  Bell* bell_ = nullptr;
  ChannelMachine machine_;
  ChannelOutputs outputs_;
  const Continuation* continuation_ = nullptr;
  std::vector<std::pair<std::string, std::string>> start_remarks_;  ///< kind and text
  std::optional<SafetySupervisor> supervisor_;
  std::optional<JumpWatch> jumps_;
  std::optional<std::uint64_t> jump_said_in_step_;
  std::optional<SafetySupervisor> heat_watch_;  ///< the cell's heat matters to its chamber also when the channel is done
  Duration suspended_{};
  ChannelRecord record_;
  std::optional<StepFollower> follower_;
  unsigned divergences_ = 0, detours_ = 0;
  bool stopped_by_divergence_ = false;
  Observation observation_;
  std::vector<Reading> interlocks_;  ///< by module
  bool difference_said_ = false;
  int differences_ = 0;             ///< of two voltmeters, polls of the second in a row
  TimePoint difference_seen_at_{};  ///< of the last poll compared
  Commanded commanded_;
  Wait wake_;
  Wait look_after_wake_;
  bool has_ended_ = false, look_after_ends_ = false;
  bool was_given_back_ = false;  ///< its OFF was confirmed and its watchdog disarmed: questions feed nothing that is waited for
  TimePoint last_good_{};
  TimePoint current_seen_at_{};  ///< as a number, the last time: until then the overcharge guard has counted it
  TimePoint next_resume_point_{};
  bool point_is_due_ = false;  ///< a step began or ended
  Duration utc_ahead_{};       ///< wall clock minus the steady clock and suspends: changes only when somebody sets it

  Outcome outcome_ = Outcome::none;
  std::optional<Outcome> stop_requested_;
  std::optional<std::uint32_t> granted_;
  bool is_confirmed_ = false;
  std::optional<PersonOrder> ordered_;
  std::uint64_t ordered_in_step_ = 0;  ///< its number when the order was accepted
  std::optional<TripCause> trip_before_run_;
  TimePoint last_cycle_{};
  std::optional<double> swept_V_;    ///< of the last set-point of a sweep
  std::uint64_t asked_in_step_ = 0;  ///< its number; a run that goes on asks again
  std::string waits_;                ///< for the chamber, and why; empty: it does not
  std::string reason_;
  bool hurry_ = false;
  bool on_uncertain_ = false;     ///< a set-point is under way, or was and did not arrive for certain: it may yet be carried out
  bool unseen_since_on_ = false;  ///< no measurement has followed the OFF after the last set-point
  bool applied_ = false;          ///< the outcome of the last one
  int off_failures_ = 0;
  int on_again_ = 0;  ///< how often its output was on after its trip
  int doubts_ = 0;    ///< looks after its end that could not tell
  ChargeSince charge_since_;
  AmpHours charge_again_;  ///< that went in after its end, and stands in no event yet
  TimePoint told_again_at_{};
  bool running_ = false;
  bool tick_now_ = false;
  std::uint64_t periods_missed_ = 0;
  std::uint64_t samples_ = 0;
  unsigned measure_failures_ = 0;

  bool trip_is_kept_ = false;  ///< it stands in the record
  bool safe_running_ = false;  ///< somebody is switching off: others wait for the same answer
  std::vector<Wait*> safe_waiters_;
  TaskGroup urgent_;  ///< OFF that waits for nothing; none is left when run() ends
  SafeBy safe_by_ = SafeBy::nothing;
};

}  // namespace cellrig
