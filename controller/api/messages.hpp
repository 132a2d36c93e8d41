// What the bench service and its clients say to each other, as plain values. JSON comes from messages_codec.hpp; docs/api.md explains it to
// people. Units are in the names, as in the record. An empty optional is JSON's null: not known, or does not apply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/time.hpp"

namespace cellrig::api {

inline constexpr int api_version = 1;
inline constexpr const char* api_prefix = "/api/v1";
/// Ends an export for clients that cannot tell an answer that broke off from a whole one.
inline constexpr const char* export_end_line = "cellrig-export-complete\n";

/// By name, as after --set: a number or an expression of the profile language. JSON may give a number.
using Parameters = std::map<std::string, std::string>;
/// Values of one quantity, row by row. NaN: not measured in that row (JSON null).
using Column = std::vector<double>;
using Columns = std::map<std::string, Column>;

enum class Activity : unsigned char {
  idle,
  starting,
  running,
  resting,
  waiting,  ///< for the chamber or for a person
  paused,   ///< the output is off
  stopping,
  finished,
  stopped,
  tripped,
  failed,
  not_safe,  ///< the output is not known to be off though it should be
};
enum class Regulation : unsigned char { off, cc, cv, cp, cr };
enum class AlarmSeverity : unsigned char { info, warning, alarm, trip };
enum class FindingSeverity : unsigned char { warning, error };
enum class PreflightState : unsigned char { ok, warning, refused };
enum class JobState : unsigned char { waiting, running, done, failed };
enum class Role : unsigned char { viewer, operates, engineer };
/// Where the numbers of a run come from: a cell on the bench, a model of one, or somebody else's file.
enum class Origin : unsigned char { measured, simulated, imported };

// ---- views: what the bench is and does ------------------------------------------------------------------------------

/// Why the supervisor turned an output off, and what a person should do now.
struct TripView {
  std::string hazard;
  std::string text;
  std::optional<double> value;
  std::optional<double> limit;
  std::string what_to_do;
};

/// The latest of one channel. `charge_Ah` and `discharge_Ah` count from the start of the step.
struct ChannelView {
  std::string channel;
  Activity state = Activity::idle;
  std::string state_text;           ///< the state in a few words: "waits for 25 degC, 3 min"
  std::optional<std::int64_t> run;  ///< the present or the last one
  std::string cell, cell_id, profile;
  std::string step_name, step_type;  ///< empty between steps
  std::optional<std::int64_t> step_count;
  std::optional<std::int64_t> cycle, cycle_count;  ///< the cycle, and of how many
  std::optional<UtcTime> started_utc, ends_utc;    ///< the end is an estimate
  std::optional<double> time_left_s, test_time_s, step_time_s;
  std::optional<double> voltage_V, current_A, cell_temperature_degC, ambient_temperature_degC;
  std::string chamber;  ///< empty: it has none
  std::optional<double> chamber_temperature_degC;
  std::optional<double> pressure_MPa, gas_ppm;
  std::optional<double> charge_Ah, discharge_Ah;
  std::optional<double> soc_pct;
  std::optional<bool> is_output_on;  ///< by the instrument's own word
  std::optional<Regulation> regulation;
  std::optional<double> age_s;           ///< of the readings
  std::string waits_for;                 ///< what it waits for; empty: for nothing
  std::string asks_person;               ///< what a person should do and confirm; empty: nothing
  std::optional<TripView> trip;          ///< that ended the last run, until it is acknowledged
  std::string reason;                    ///< of the last end
  bool criteria_met = true;              ///< so far
  bool is_interrupted = false;           ///< that run was interrupted and waits for a person's word: POST .../go_on
  std::int64_t fencing_token = 0;        ///< to be given with every order for this channel; another one with each start
  std::map<std::string, double> limits;  ///< in force now: "cell_temperature_max_degC"
  /// Of the run, as tightened so far, without the present step's own: what POST .../limits judges a new value by.
  std::map<std::string, double> run_limits;
  std::string operator_name;
};

struct ChamberWaitView {
  std::string channel;
  std::optional<double> temperature_degC;
  std::string why;
};

struct ChamberView {
  std::string chamber;
  std::optional<double> setpoint_degC, actual_degC;
  bool is_running = false;
  bool is_not_safe = false;  ///< it did not confirm that it stopped
  bool is_tripped = false;   ///< by heat: nothing starts in it before its trips are acknowledged
  std::optional<double> age_s;
  std::vector<std::string> held_by;  ///< channels that were granted its temperature
  std::vector<ChamberWaitView> waiting;
};

struct AlarmView {
  std::int64_t id = 0;
  AlarmSeverity severity = AlarmSeverity::info;
  std::string channel, chamber;  ///< empty: does not concern one
  std::optional<std::int64_t> run;
  std::string hazard, text;
  std::optional<double> value, limit;
  std::string unit;
  std::string what_to_do;
  std::optional<UtcTime> raised_utc;
  std::string acknowledged_by;
  std::optional<UtcTime> acknowledged_utc;
  bool is_active = true;
};

struct BenchView {
  std::string name;
  bool is_simulated = false;
  std::string version;
  std::optional<UtcTime> started_utc, utc;
  std::string time_source;
  double control_period_s = 0;
  std::vector<ChannelView> channels;
  std::vector<ChamberView> chambers;
  std::int64_t alarm_count = 0;  ///< not acknowledged
  bool is_ending = false;        ///< the process is being stopped
};

// ---- the record -----------------------------------------------------------------------------------------------------

struct RunView {
  std::int64_t run = 0;
  std::string channel, cell, cell_id, profile;
  std::string status;  ///< running, interrupted, completed, failed, tripped, stopped, "instrument failure", "record failure"
  std::string reason;
  std::optional<bool> criteria_met;
  std::string operator_name;
  std::optional<UtcTime> started_utc, ended_utc;
  std::optional<double> duration_s;
  std::optional<std::int64_t> sample_count;  ///< not in lists: counting takes a look at every row
  std::int64_t cycle_count = 0;
  std::optional<double> capacity_Ah;  ///< the latest reference capacity that was measured
  std::optional<double> retention;    ///< of the first one
  std::string time_source;
  bool is_simulated = false;          ///< the same as origin == simulated
  Origin origin = Origin::simulated;  ///< nothing becomes a measurement by saying nothing
};

struct StepView {
  std::int64_t step_count = 0;  ///< executions so far, this one included
  std::int64_t step_id = 0;     ///< index in the program; repeats in loops
  std::int64_t cycle = 0;
  bool is_in_cycle = false, is_reference = false;
  std::string name, type, setpoint;
  std::optional<UtcTime> started_utc;
  double started_test_time_s = 0;
  std::optional<double> ended_test_time_s;
  std::string reason, condition;
  std::optional<double> value, margin;  ///< of the quantity that decided; the margin in its unit
  std::optional<double> charge_Ah, discharge_Ah, charge_Wh, discharge_Wh, cv_time_s, cv_charge_Ah;
  std::optional<double> cell_temperature_max_degC, cell_temperature_min_degC;
  std::optional<std::int64_t> compared_with;  ///< ExpectedCurveView::execution of its step; none: nothing was expected
};

struct CycleView {
  std::int64_t cycle = 0;
  bool is_reference = false;
  double started_test_time_s = 0, ended_test_time_s = 0;
  double charge_Ah = 0, discharge_Ah = 0, charge_Wh = 0, discharge_Wh = 0;
  std::optional<double> coulombic_efficiency, energy_efficiency;
  double charge_time_s = 0;
  std::optional<double> cell_temperature_max_degC;
  std::optional<double> retention;
};

struct EventView {
  double test_time_s = 0;
  std::optional<UtcTime> utc;
  AlarmSeverity severity = AlarmSeverity::info;
  std::string kind, text;
  std::optional<double> value, limit;
};

/// What the rehearsal foretold of a step: one of the curves that StepView::compared_with names.
struct ExpectedCurveView {
  std::int64_t step_id = 0;
  std::int64_t execution = 0;  ///< of that step, from 1
  std::string coordinate;      ///< step_time_s or charge_Ah: what `at` counts
  std::optional<double> ends_at;
  Column at, voltage_V, cell_temperature_degC;
};

/// Rows of a run. When they were thinned out, every least and greatest value of every quantity asked for is still among them.
struct SamplesView {
  std::int64_t run = 0;
  std::int64_t row_count = 0;  ///< that the record has in the range
  bool is_decimated = false;
  Columns columns;  ///< "test_time_s" and what was asked for; all of one length, in the order of time
};

// ---- profiles and cells ---------------------------------------------------------------------------------------------

struct ParameterView {
  std::string name;
  std::string default_value;  ///< as the profile writes it: a number or an expression of the cell's names
  std::string min, max;       ///< empty: none
  std::string unit;
  std::string text;
};

struct ProfileView {
  std::string name;     ///< by which it is started
  std::string title;    ///< its own name for itself
  std::string group;    ///< "fast-charge"
  std::string purpose;  ///< what it is for
  std::vector<std::string> source;
  std::vector<ParameterView> parameters;
  std::optional<double> expected_duration_s;  ///< with its defaults, for the cell asked for or the reference cell
};

struct CellView {
  std::string name;  ///< by which it is chosen
  std::string title, text, source;
  double nominal_capacity_Ah = 0, voltage_min_V = 0, voltage_max_V = 0;
  double charge_rate_max_C = 0, discharge_rate_max_C = 0;
  double cell_temperature_min_degC = 0, cell_temperature_max_degC = 0;
  std::map<std::string, std::string> classification;
};

struct FindingView {
  FindingSeverity severity = FindingSeverity::error;
  std::string file;
  std::int64_t line = 0, column = 0;  ///< from 1; 0: the whole
  std::string text;
};

struct CheckReport {
  bool is_accepted = false;
  std::string profile, cell, program_hash;
  std::optional<double> expected_duration_s;
  std::vector<FindingView> findings;
};

struct RehearsalCurves {
  Column test_time_s, voltage_V, current_A, cell_temperature_degC;
};

/// How near a quantity came to one of the safety limits.
struct ApproachView {
  std::string limit, unit;
  double bound = 0, nearest = 0, margin = 0;
  std::string step;
};

struct RehearsalResult {
  std::string outcome;
  bool criteria_met = false;
  std::string reason;
  double duration_s = 0;
  double energy_Wh = 0;  ///< into the cell
  std::int64_t cycles = 0, rows = 0;
  double bytes = 0;
  std::optional<double> peak_temperature_degC;
  std::vector<std::string> warnings;  ///< of what happened in it; what the check finds before is POST /check's answer
  std::vector<ApproachView> limits;
  RehearsalCurves curves;
};

struct RehearsalView {
  std::int64_t job = 0;
  JobState state = JobState::waiting;
  std::optional<double> progress;  ///< 0..1
  std::string text;                ///< why it failed, with what the check found
  std::optional<RehearsalResult> result;
};

struct PreflightItem {
  std::string check;
  PreflightState state = PreflightState::ok;
  std::string text;
};

// ---- orders: what a client asks for ---------------------------------------------------------------------------------

/// Of POST /check and POST /rehearse.
struct CheckOrder {
  std::string profile, cell;
  std::string channel;  ///< empty: no bench is judged; a rehearsal takes the first channel
  Parameters parameters;
};

struct PreflightOrder {
  std::string profile, cell, cell_id;
  Parameters parameters;
};

struct StartOrder {
  std::string profile, cell, cell_id;
  Parameters parameters;
  std::string operator_name;
  std::string expected_charge_pct;  ///< of the cell at the start, as the person believes: "50", "40..60"; empty: not asked
  std::string without_rehearsal;    ///< a person's reason for it; empty: rehearsed where the bench asks for it
};

/// How a run that was interrupted, and did not go on by itself, goes on.
struct GoOnOrder {
  std::int64_t run = 0;
  std::string rule;            ///< resume, redo_step, skip_step, stop; empty: the profile's
  std::string accept_changed;  ///< a person's reason where something is not as it was; empty: refused then
  std::string operator_name;
};

/// A cell file that comes with a client: POST /cells. What it says limits a real cell.
struct CellFileOrder {
  std::string name;  ///< by which it is chosen from now on: letters, digits, '-', '_' and '.'
  std::string text;  ///< YAML, as docs/cell-model.md has it
  std::string operator_name;
  std::string reason;  ///< must be given
};

/// Who, and why: of pause, resume, skip, stop, confirm.
struct PersonOrder {
  std::string operator_name;
  std::string reason;
  std::optional<std::int64_t> step_count;  ///< of skip and confirm: the step that is meant; refused when another one is under way
};

struct NoteOrder {
  std::string operator_name;
  std::string text;
};

struct LimitsOrder {
  std::map<std::string, double> limits;  ///< new values by name, in the unit that the name ends with: "cell_temperature_max_degC"
  bool widen = false;                    ///< may make one wider again: an engineer, with a reason
  std::string operator_name;
  std::string reason;
};

struct AcknowledgeOrder {
  std::string name;
  std::string reason;
};

// ---- answers --------------------------------------------------------------------------------------------------------

struct Started {
  std::int64_t run = 0;
  std::int64_t fencing_token = 0;  ///< for all further orders
};

/// Who is signed in, of GET /session.
struct SessionView {
  std::string name;
  Role role = Role::viewer;
};

struct JobAccepted {
  std::int64_t job = 0;
};

/// What was done, in a sentence.
struct Done {
  std::string done;
};

struct ErrorDetail {
  std::string code;  ///< one word for programs: "unknown_field", "fencing_token_old"
  std::string message;
  std::optional<std::string> where;    ///< "parameters.rate_C", "line 3, column 7"
  std::optional<std::string> nearest;  ///< the valid word that was probably meant
};

struct ErrorBody {
  ErrorDetail error;
};

// ---- the live stream ------------------------------------------------------------------------------------------------

enum class StreamType : unsigned char { snapshot, channel, chamber, alarm, run, samples, dropped };

/// Measurements of one channel since the last message of this kind. Columns: utc_s (since 1970), test_time_s, step_count, cycle, voltage_V,
/// current_A, cell_temperature_degC, ambient_temperature_degC, chamber_temperature_degC, pressure_MPa, charge_Ah and discharge_Ah (of the
/// step); all of one length.
struct LiveSamples {
  std::string channel;
  std::optional<std::int64_t> run;  ///< null: none, it is idle
  Columns columns;
};

/// One message of GET /stream. Exactly one member besides `type` is given: the one that the type names; a snapshot has bench and alarms.
struct StreamMessage {
  StreamType type = StreamType::snapshot;
  std::optional<BenchView> bench;
  std::optional<std::vector<AlarmView>> alarms;
  std::optional<ChannelView> channel;
  std::optional<ChamberView> chamber;
  std::optional<AlarmView> alarm;
  std::optional<RunView> run;
  std::optional<LiveSamples> samples;
  std::optional<std::int64_t>
      dropped;  ///< samples that this subscriber did not get since it was last told, because it read too slowly
};

}  // namespace cellrig::api
