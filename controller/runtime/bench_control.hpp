// What a client may see of a bench that one process holds, and what it may order. Implemented by the bench service; translated to a
// wire by controller/api.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.hpp"
#include "controller/base/time.hpp"

namespace cellrig {

// ---- errors ---------------------------------------------------------------------------------------------------------

enum class ControlFault : unsigned char {
  not_found,    ///< no such channel, chamber, alarm, profile or cell; `nearest` may help
  bad_input,    ///< a value that cannot be meant: `where` names it
  wrong_state,  ///< it makes no sense now: nothing to pause, nobody is asked
  busy,         ///< the channel runs or starts already
  fenced,       ///< the fencing token is not the channel's present one: the order was made for an earlier run
  forbidden,    ///< needs another role
  refused,      ///< a rule of the bench or the preflight says no: `message` says why
  failed,       ///< an instrument or its link failed
  record,       ///< the record cannot be kept
  ending,       ///< the process is being stopped
};
[[nodiscard]] std::string_view to_string(ControlFault fault);

struct ControlError {
  ControlFault fault = ControlFault::refused;
  std::string message;  ///< one sentence a technician understands
  std::string where;    ///< "profile.yaml:3:5", the name of a field; may be empty
  std::string nearest;  ///< the nearest valid word; may be empty
};
[[noreturn]] void throw_exception_from_error(const ControlError& error, const boost::source_location& where);

template <class T>
using ControlResult = boost::system::result<T, ControlError>;
/// Called once, on the control thread; perhaps before the call that takes it returns.
template <class T>
using ControlReply = std::function<void(ControlResult<T>)>;

// ---- what is seen ---------------------------------------------------------------------------------------------------

enum class ChannelCondition : unsigned char {
  idle,      ///< no run since this process started
  starting,  ///< rehearsal, preflight
  running,
  resting,   ///< a step without current
  waiting,   ///< for its chamber, or for a person
  paused,    ///< by a person: the output is off and the step's clock stands still
  stopping,  ///< OFF is on its way
  finished,  ///< the last run came to its end (completed or failed)
  stopped,   ///< by a person, or with the process
  tripped,   ///< by the supervisor: nothing starts before a named person has acknowledged it
  failed,    ///< an instrument, a link or the record failed
  not_safe,  ///< the output is not known to be off. Go and look.
};
[[nodiscard]] std::string_view to_string(ChannelCondition condition);  ///< "not_safe"

struct TripStatus {
  std::string hazard;  ///< "over-voltage"
  std::string text;    ///< with quantity, value and limit
  std::optional<double> value, limit;
  std::string what_to_do;
};

/// The latest of one channel. Empty optional or text: unknown, or there is none.
struct ChannelStatus {
  std::string channel;
  ChannelCondition condition = ChannelCondition::idle;
  std::string text;      ///< the condition in words: "charges at 5 A", "waits for chamber 'oven' at 45 degC: ch2 holds 25 degC"
  std::int64_t run = 0;  ///< the present or the last one; 0: none
  std::string cell, cell_id, profile, operator_name;
  std::string step_name, step_type;  ///< type as in the record (Battery Data Format)
  std::uint64_t step_count = 0;      ///< executions so far
  std::uint64_t cycle = 0;
  std::optional<std::uint64_t> cycle_count;  ///< of how many, where the program says it
  std::optional<UtcTime> started;
  std::optional<UtcTime> ends;  ///< an estimate
  std::optional<Duration> time_left, test_time, step_time;
  std::optional<double> voltage_V, current_A;  ///< positive charges
  std::optional<double> cell_temperature_degC, ambient_temperature_degC, chamber_temperature_degC;
  std::optional<double> pressure_MPa, gas_ppm;
  std::optional<double> charge_Ah, discharge_Ah;  ///< of the present step
  std::optional<double> soc_pct;
  std::string chamber;
  std::optional<bool> is_output_on;      ///< by the instrument's own word; empty: it has not said so
  std::string regulation;                ///< "cc", "cv", "cp", "cr", "off"
  std::optional<Duration> age;           ///< of voltage and current
  std::string waits_for;                 ///< chamber and others, or what the start is doing
  std::string asks_person;               ///< what a person is asked to do now; then confirm() is awaited
  std::optional<TripStatus> trip;        ///< that ended the last run, until it is acknowledged
  std::string reason;                    ///< of the last end
  bool criteria_met = true;              ///< so far
  bool is_interrupted = false;           ///< that run was interrupted and waits for a person's word: go_on()
  std::uint64_t fencing_token = 0;       ///< every order for this channel carries it; it changes with each start
  std::map<std::string, double> limits;  ///< in force now, by name: "cell_temperature_max_degC"
  /// Of the run as it was tightened so far: what an order for another value is judged by. A step of its own limits is measured by those as well.
  std::map<std::string, double> run_limits;
};

struct ChamberWaiting {
  std::string channel;
  std::optional<double> temperature_degC;
  std::string why;
};

struct ChamberStatus {
  std::string chamber;
  std::optional<double> setpoint_degC;  ///< confirmed
  std::optional<double> actual_degC;
  bool is_running = false;
  bool is_not_safe = false;  ///< it did not confirm that it stopped
  std::optional<Duration> age;
  std::vector<std::string> held_by;  ///< channels
  std::vector<ChamberWaiting> waiting;
  bool is_tripped = false;  ///< by heat: nothing starts in it before its trips are acknowledged
};

enum class AlarmSeverity : unsigned char { warning, alarm, trip };
[[nodiscard]] std::string_view to_string(AlarmSeverity severity);

struct AlarmStatus {
  std::uint64_t id = 0;  ///< never used again, by no later process either: what is said of it can mean no other
  AlarmSeverity severity = AlarmSeverity::alarm;
  std::string channel, chamber;  ///< whom it concerns; both empty: the bench
  std::int64_t run = 0;
  std::string hazard, text;
  std::optional<double> value, limit;
  std::string unit;
  std::string what_to_do;
  UtcTime raised{};
  std::string acknowledged_by;  ///< empty: by nobody yet
  std::optional<UtcTime> acknowledged;
  bool is_active = true;  ///< false: acknowledged, or the cause is gone
};

struct BenchStatus {
  std::string name;
  bool is_simulated = false;
  std::string time_source;  ///< "real", "virtual", "lockstep"
  UtcTime started{}, now{};
  Duration control_period{};
  std::size_t alarm_count = 0;  ///< not acknowledged
  bool is_ending = false;
  std::string database;  ///< for the server's own reader; not for clients
};

// ---- what is ordered ------------------------------------------------------------------------------------------------

enum class Role : unsigned char { viewer, operator_, engineer };

/// Who orders. The server fills it in from the account, never from what a client says about its role.
struct Who {
  std::string name;    ///< a person's; empty is refused where a name is needed
  std::string origin;  ///< where the person sits: the client's address
  Role role = Role::operator_;
};

/// An order for one channel.
struct ChannelOrder {
  std::string channel;
  std::uint64_t fencing_token = 0;
  Who who;
  std::string reason;
  std::optional<std::uint64_t> step_count;  ///< the step that the person saw; another one is under way: fenced
};

struct StartOrder {
  std::string channel;
  std::uint64_t fencing_token = 0;
  Who who;
  std::string profile;  ///< a name, as the catalogue lists it; never a path
  std::string cell;     ///< as above
  std::string cell_id;
  std::map<std::string, std::string> parameters;
  std::string expected_charge_pct;  ///< "40..60", "50"; empty: not asked
  std::string without_rehearsal;    ///< a person's reason; empty: rehearsed where the bench asks for it
};

struct Started {
  std::int64_t run = 0;
  std::uint64_t fencing_token = 0;  ///< for all further orders
};

/// An interrupted run that did not go on by itself: a person says how.
struct GoOnOrder {
  std::string channel;
  std::uint64_t fencing_token = 0;
  Who who;
  std::int64_t run = 0;
  std::string rule;            ///< "resume", "redo_step", "skip_step", "stop"; empty: the profile's
  std::string accept_changed;  ///< a person's reason where something is not as it was; empty: refused then
  // Known to the service alone:
  bool has_run_here = false;      ///< in this process, which switched it off itself
  std::optional<UtcTime> off_at;  ///< when an output that was not known to be off was confirmed off at last
};

struct LimitOrder {
  std::string channel;
  std::uint64_t fencing_token = 0;
  Who who;
  std::map<std::string, double> limits;  ///< new values by name
  bool may_widen = false;                ///< back towards the run's own; needs an engineer and a reason
  std::string reason;
};

struct CheckLine {
  enum class State : unsigned char { ok, warning, refused };
  std::string check;  ///< "profile", "chamber", "disk", "cell voltage", ...
  State state = State::ok;
  std::string text;
};

// ---- who is told ----------------------------------------------------------------------------------------------------

/// One measurement of one channel, also while it is idle. NaN: not measured.
struct LiveSample {
  std::string_view channel;  ///< valid during the call
  std::int64_t run = 0;      ///< 0: idle
  UtcTime utc{};
  double test_time_s = 0;
  std::uint64_t step_count = 0, cycle = 0;
  double voltage_V = 0, current_A = 0;
  double cell_temperature_degC = 0, ambient_temperature_degC = 0, chamber_temperature_degC = 0, pressure_MPa = 0;
  double charge_Ah = 0, discharge_Ah = 0;  ///< of the present step
  double step_time_s = 0;                  ///< by its own clock; NaN while it waits: for its chamber, or paused
};

/// Called on the control thread: return at once, keep no reference, order nothing.
class BenchWatcher {
 public:
  virtual ~BenchWatcher() = default;
  virtual void sample(const LiveSample& /*sample*/) {}
  virtual void channel_changed(std::string_view /*channel*/) {}  ///< another condition, step, run, token or limit
  virtual void chamber_changed(std::string_view /*chamber*/) {}
  virtual void alarm_changed(const AlarmStatus& /*alarm*/) {}
  virtual void run_changed(std::int64_t /*run*/) {}                               ///< begun, gone on or ended
  virtual void control_cycle(std::string_view /*channel*/, Duration /*late*/) {}  ///< how well the control thread keeps time
};

// ---- the bench ------------------------------------------------------------------------------------------------------

/// Control thread only: whoever lives elsewhere hands calls over with TimeSource::post() and copies what it gets.
/// * An order whose fencing token is not the channel's present one is refused, except a stop.
/// * What an order did stands in the audit trail with who gave it, and in the events of the run it concerned.
/// * Nothing here waits: replies come by their functions, each exactly once, also when the process is being stopped.
class BenchControl {
 public:
  virtual ~BenchControl() = default;

  [[nodiscard]] virtual BenchStatus bench() const = 0;
  [[nodiscard]] virtual std::vector<ChannelStatus> channels() const = 0;
  [[nodiscard]] virtual ControlResult<ChannelStatus> channel(const std::string& name) const = 0;
  [[nodiscard]] virtual std::vector<ChamberStatus> chambers() const = 0;
  [[nodiscard]] virtual ControlResult<ChamberStatus> chamber(const std::string& name) const = 0;
  [[nodiscard]] virtual std::vector<AlarmStatus> alarms() const = 0;  ///< newest last; bounded, open trips are never dropped

  /// Compiled, checked, rehearsed where the bench asks for it, preflight, armed. The reply comes when the run has begun, or why not.
  virtual void start(StartOrder order, ControlReply<Started> reply) = 0;
  /// What a start would say now, without a rehearsal and without touching an output. Bounded work, the files read elsewhere.
  virtual void preflight(StartOrder order, ControlReply<std::vector<CheckLine>> reply) = 0;
  virtual void go_on(GoOnOrder order, ControlReply<Started> reply) = 0;

  /// Output off, verified; what happens next is resume, skip or stop.
  [[nodiscard]] virtual ControlResult<void> pause(const ChannelOrder& order) = 0;
  [[nodiscard]] virtual ControlResult<void> resume(const ChannelOrder& order) = 0;
  [[nodiscard]] virtual ControlResult<void> skip(const ChannelOrder& order) = 0;
  /// A person has done what the present step asks for.
  [[nodiscard]] virtual ControlResult<void> confirm(const ChannelOrder& order) = 0;
  /// order.reason is the note.
  [[nodiscard]] virtual ControlResult<void> note(const ChannelOrder& order) = 0;
  [[nodiscard]] virtual ControlResult<void> set_limits(const LimitOrder& order) = 0;
  /// By a named person with a reason. Of a trip: from then on its channel may be started again.
  [[nodiscard]] virtual ControlResult<void> acknowledge(std::uint64_t alarm, const Who& who, const std::string& reason) = 0;

  /// No token, no state in which it makes no sense: OFF is sent and verified also to an idle channel.
  [[nodiscard]] virtual ControlResult<void> stop_channel(const std::string& channel, const Who& who,
                                                         const std::string& reason) = 0;
  /// Every channel in it, and the chamber itself.
  [[nodiscard]] virtual ControlResult<void> stop_chamber(const std::string& chamber, const Who& who,
                                                         const std::string& reason) = 0;
  virtual void stop_all(const Who& who, const std::string& reason) = 0;

  /// Until it is removed. The watcher outlives that.
  virtual void add_watcher(BenchWatcher& watcher) = 0;
  virtual void remove_watcher(BenchWatcher& watcher) = 0;
};

}  // namespace cellrig
