// What a profile compiles to: flat instructions with absolute quantities. Immutable once built, known by its hash.
// Compiled by profiles/, executed by ChannelMachine. No names are looked up while a cell is on the bench.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/base/config_error.hpp"
#include "controller/base/limits.hpp"
#include "controller/base/pulse_resistance.hpp"
#include "controller/base/observation.hpp"
#include "controller/base/setpoint.hpp"
#include "controller/base/time.hpp"
#include "controller/base/units.hpp"
#include "controller/engine/course.hpp"
#include "controller/engine/formula.hpp"
#include "controller/engine/source_spot.hpp"
#include "controller/engine/expectation.hpp"

namespace cellrig {

// ---- conditions -----------------------------------------------------------------------------------------------------

/// What an end condition may compare. Capacity, energy and time count from the start of the step, as magnitudes.
enum class ConditionQuantity : unsigned char {
  step_time_s,
  voltage_V,
  current_A,    ///< magnitude: a taper end is `current_A <= 0.25`
  capacity_Ah,  ///< of this step, magnitude of the net charge
  energy_Wh,    ///< of this step, magnitude of the net energy
  soc_pct,      ///< known once a step with sets_soc has ended
  cell_temperature_degC,
  ambient_temperature_degC,
  chamber_temperature_degC,
  logger_voltage_V,
  stack_force_N,
  stack_pressure_MPa,
  gas_ppm,
  power_W,                   ///< magnitude
  cv_time_s,                 ///< of this step, under voltage regulation by the regulator's own word
  temperature_rise_K,        ///< of the cell, since the step's first measurement
  voltage_drop_V,            ///< below the greatest voltage of this step: -delta V
  voltage_per_hour_V,        ///< signed, over the last ten minutes
  voltage_per_minute_V,      ///< signed, over the last minute
  temperature_per_hour_K,    ///< of the cell, signed, over the last ten minutes
  temperature_per_minute_K,  ///< of the cell, signed, over the last minute
  cell_minus_chamber_K,      ///< signed: how much warmer the cell is than what the chamber reports
  cell_minus_ambient_K,      ///< signed: than the air beside it
  ambient_minus_chamber_K,   ///< signed: the air beside the cell, by what the chamber reports
  result,                    ///< ConditionNode::operand: a ResultQuantity
  variable,                  ///< ConditionNode::operand: its index
};

enum class Comparison : unsigned char { at_least, at_most, above, below };

/// A node of an expression tree, in one array per program. A leaf compares; all_of and any_of own the `child_count` subtrees
/// that start at `first_child` and follow each other (each child's `next_sibling` leads to the next).
struct ConditionNode {
  enum class Kind : unsigned char { leaf, all_of, any_of };
  Kind kind = Kind::leaf;
  // leaf
  ConditionQuantity quantity = ConditionQuantity::step_time_s;
  Comparison comparison = Comparison::at_least;
  double value = 0.0;
  Duration hold{};              ///< must be true this long without a break; 0 = at once
  std::uint8_t leaf_index = 0;  ///< unique within its step, < leaves_per_step_max
  std::uint8_t operand = 0;     ///< of `result` and `variable`
  std::int16_t formula = -1;    ///< index into Program::formulas: in place of `value`, known when the step runs
  Duration blank{};             ///< not judged until the set-point has been in force so long
  // all_of, any_of
  std::uint16_t first_child = 0;
  std::uint16_t child_count = 0;
  std::uint16_t next_sibling = 0;
};

inline constexpr std::size_t leaves_per_step_max = 16;
inline constexpr std::size_t loop_depth_max = 64;  ///< no procedure nests so deep: it bounds what reads and follows a program

/// One way a step can end.
struct EndCondition {
  /// Where the run goes on.
  enum class Target : unsigned char {
    next,     ///< with the instruction behind the step
    step,     ///< with a later step, out of the loops in between
    end_run,  ///< nowhere: the run has reached its end, orderly
    failure,  ///< nowhere: the run has failed
  };
  std::uint16_t root = 0;  ///< index into Program::nodes
  std::string text;        ///< as the profile says it, for the record: "voltage_V >= 4.2"
  Target target = Target::next;
  std::uint32_t instruction = 0;  ///< of Target::step; later than the step itself
  std::uint8_t loop_depth = 0;    ///< there
};

// ---- instructions ---------------------------------------------------------------------------------------------------

enum class StepKind : unsigned char { rest, cc, cv, cccv, cp, cr, soak, course, person };
enum class StepDirection : unsigned char { none, charge, discharge };

/// What a step's result is kept as, for later instructions and the cycle table.
enum class Measure : unsigned char {
  nothing,
  reference,    ///< capacity and energy of this step are the reference; the first one is 100 % retention
  test,         ///< capacity and energy of this step are compared with the latest reference
  charge_time,  ///< the duration of this step
  resistance,   ///< change of voltage over change of current, from the last measurement before this step to its last one
};

/// How a run goes on in a step in which it was interrupted: a crash, a loss of power, a stop.
enum class InterruptionRule : unsigned char {
  ask,        ///< nobody has decided: a person must
  resume,     ///< from where it stood, with its counters; a soak is done again
  redo_step,  ///< the step from its beginning
  skip_step,  ///< with the next step
  stop,       ///< not at all: the run ends here
};
inline constexpr std::size_t interruption_rule_count = 5;

/// When a row is kept besides the interval. 0: not by this quantity.
struct RecordChanges {
  double voltage_V = 0.0, current_A = 0.0, temperature_K = 0.0, capacity_Ah = 0.0;  ///< since the last row
  [[nodiscard]] bool any() const { return voltage_V > 0 || current_A > 0 || temperature_K > 0 || capacity_Ah > 0; }
};
inline constexpr std::size_t record_points_max = 32;

/// A set-point whose current or power is known only when the step begins: a rate of the measured capacity, a variable.
struct Magnitude {
  std::uint16_t formula = 0;  ///< A or W, above zero
  double max = 0.0;           ///< what is beyond it is refused: the run fails, nothing is switched on
};

/// What a step of StepKind::person asks of whoever stands at the bench.
struct PersonTask {
  std::string message;
  bool is_confirmed = true;                  ///< ends when a person says so; otherwise by its conditions alone
  std::optional<double> stack_pressure_MPa;  ///< what the fixture is to be set to
};

/// A voltage at which a step ends, and which the instrument's bound lies beyond by less than its own error: it may hold the cell short of
/// the end for ever. Short by no more than this, held for so long, the end counts as reached.
struct HeldEnd {
  static constexpr double short_max_V = 0.05;
  static constexpr Duration hold = std::chrono::seconds{10};
  std::uint16_t end = 0;  ///< index into Step::ends
  double voltage_V = 0.0;
  bool is_upper = false;
};

struct Step {
  std::string name;  ///< shown and recorded: "cccv_charge" or the profile's own label
  StepKind kind = StepKind::rest;
  StepDirection direction = StepDirection::none;
  std::optional<Setpoint> setpoint;           ///< none: output off. With a course: the most that it asks for
  std::optional<Magnitude> magnitude;         ///< in place of the current or power in `setpoint`, which is then the expected one
  std::optional<Magnitude> current_bound;     ///< the same of what bounds the current of a voltage, a power or a resistance
  std::optional<std::uint16_t> course_scale;  ///< formula: the capacity that the course's rates are of, over the expected one
  std::optional<Course> course;
  std::optional<PersonTask> person;
  std::vector<EndCondition> ends;  ///< any of them ends the step
  std::optional<HeldEnd> held_end;
  Duration time_max{};                         ///< every step is bounded
  bool time_max_is_normal = false;             ///< rest: reaching time_max is the end; otherwise it fails the run
  std::optional<Celsius> chamber_temperature;  ///< requested before the step starts; stays until another is requested
  Duration
      record_interval{};  ///< rows at least this far apart; the first sample of a step always, the last when it ends by itself. 0 = every sample
  RecordChanges record_changes;
  std::vector<Duration> record_at;  ///< step times at which a row is kept, ascending, at most record_points_max
  Duration
      record_before{};  ///< what was measured so long before the step's end, an alarm or a trip is kept, back to the last row
  Measure measure = Measure::nothing;
  std::optional<double> sets_soc_pct;  ///< the state of charge that holds when this step has ended by a condition
  InterruptionRule on_interruption = InterruptionRule::ask;
  bool may_charge = false;             ///< some of its set-points let current into the cell
  std::optional<SafetyLimits> limits;  ///< in place of the program's while its set-point is in force: none is wider
  SourceSpot source;
};

/// Repeats the instructions up to its LoopEnd `times` times.
struct LoopBegin {
  std::uint64_t times = 1;
  std::size_t end = 0;           ///< index of the LoopEnd
  bool counts_cycles = false;    ///< each pass is a cycle: the cycle counter advances at its start
  bool is_reference = false;     ///< the cycles of this loop are reference performance tests
  std::int8_t diagnostics = -1;  ///< the slot that counts from the first pass on; -1: none
};
struct LoopEnd {
  std::size_t begin = 0;
};

enum class ResultQuantity : unsigned char {
  reference_capacity_Ah,  ///< latest
  retention_pct,          ///< latest reference capacity / first reference capacity
  test_capacity_Ah,
  capacity_ratio_pct,  ///< test / latest reference
  energy_ratio_pct,
  charge_time_min,
  cycle_count,
  resistance_Ohm,              ///< of the latest step with Measure::resistance
  coulombic_efficiency_pct,    ///< of the latest cycle that has ended: discharge / charge
  energy_efficiency_pct,       ///< the same in energy
  cell_temperature_peak_degC,  ///< of the run so far
};

struct ResultCondition {
  ResultQuantity quantity = ResultQuantity::cycle_count;
  Comparison comparison = Comparison::at_least;
  double value = 0.0;
  std::string text;
  SourceSpot source;
  std::int16_t variable = -1;  ///< index of a variable: in place of `quantity`
  std::int16_t formula = -1;   ///< index into Program::formulas: in place of `value`
};

/// Ends the run, orderly, when the condition holds here. A result that is not known yet never holds.
struct StopIf {
  ResultCondition condition;
};
/// A criterion of the test: recorded with value and margin; not met (or unknown) makes the run "not passed"; the run goes on.
struct Require {
  ResultCondition condition;
};

/// Leaves a loop when the condition holds here, as if it were its last pass.
struct LeaveIf {
  ResultCondition condition;
  std::uint8_t loop = 0;  ///< which of the loops around it, from the outermost
};
/// Gives a variable a value. Not known or out of its bounds: the run fails.
struct SetVariable {
  std::uint8_t variable = 0;
  std::uint16_t formula = 0;
  SourceSpot source;
};
/// An event of the record, at this place of the program.
struct Mark {
  std::string text;
};
/// Ends the cycle and begins the next one.
struct AdvanceCycle {};
/// The instructions up to `end` are done when they are due, else passed over. Then the program goes on behind them: in the exact place.
struct Diagnostics {
  std::uint8_t slot = 0;           ///< of ChannelState::diagnostics
  std::uint64_t every_cycles = 0;  ///< due after so many cycles that are no reference cycles; 0: not by their number
  double fade_pct = 0.0;           ///< due when a cycle discharged so much less than the first one since; 0: not by fade
  bool after_alarm = false;        ///< due when an alarm or a warning was recorded since
  std::size_t end = 0;             ///< the instruction behind their DiagnosticsEnd
  SourceSpot source;
};
/// From here on it is counted anew, and the chamber is asked again for what it had when they began.
struct DiagnosticsEnd {
  std::uint8_t slot = 0;
};
inline constexpr std::size_t diagnostics_max = 4;

using Instruction = std::variant<Step, LoopBegin, LoopEnd, StopIf, Require, LeaveIf, SetVariable, Mark, AdvanceCycle, Diagnostics,
                                 DiagnosticsEnd>;

/// What 100 % state of charge refers to.
enum class SocReference : unsigned char {
  latest,    ///< the latest reference capacity; the nominal one before there is any
  nominal,   ///< always the nominal capacity
  measured,  ///< the latest reference capacity; unknown before
  rated,     ///< always the rated capacity of the cell's file
};

/// Where a limit on what a sensor measures was given: in the profile or in the cell's file.
struct SensorLimitSource {
  std::string key;
  SourcePlace place;
  bool is_by_profile = false;
};

struct Program {
  std::string name;
  std::string cell_name;
  std::string hash;             ///< SHA-256, hex, of the canonical text of everything below
  std::string source_text;      ///< the profile as it was read
  std::string parameters_text;  ///< "name = value" lines after --set, sorted
  AmpHours nominal_capacity;    ///< what a C-rate and, before a reference is measured, a state of charge refer to
  AmpHours rated_capacity;      ///< of SocReference::rated; 0 otherwise
  SafetyLimits limits;          ///< the tighter of cell and profile
  std::vector<Instruction> code;
  std::vector<ConditionNode> nodes;
  std::vector<Formula> formulas;
  std::vector<std::string> files;   ///< of profiles within the profile, for SourceSpot::file
  std::vector<Variable> variables;  ///< at most variables_max
  SocReference soc_reference = SocReference::latest;
  std::optional<Celsius> charge_temperature_max;  ///< of the chamber, while it charges
  bool needs_chamber = false;
  bool needs_cell_temperature = false;
  std::vector<SensorLimitSource> sensor_limit_sources;
  std::vector<SourceSpot> empty_loops;              ///< `times: 0` as the profile writes it; no parameter that is 0. Not compiled
  std::optional<PulseResistance> pulse_resistance;  ///< of the cell, by its file
  std::optional<double> pressed_area_cm2;           ///< one face of the cell, by its file; a bench file may say otherwise
  Expectation expectation;                          ///< how far it may be from its rehearsal
};

[[nodiscard]] std::string_view to_string(ConditionQuantity quantity);
[[nodiscard]] std::string_view to_string(ResultQuantity quantity);
[[nodiscard]] std::string_view to_string(Comparison comparison);  ///< ">=", "<=", ">", "<"
[[nodiscard]] std::string_view to_string(StepKind kind);
[[nodiscard]] std::string_view to_string(InterruptionRule rule);  ///< the word of the profile: "redo_step"
[[nodiscard]] std::optional<InterruptionRule> interruption_rule(std::string_view word);
/// Battery Data Format step type: CC_CHG, CC_DCH, CV_CHG, CCCV_CHG, CP_DCH, CR_DCH, REST, SOAK ...
[[nodiscard]] std::string_view bdf_step_type(const Step& step);

/// What a sensor beside the cycler must deliver for it; nothing for what the cycler, the chamber and the engine know.
[[nodiscard]] std::optional<Measurand> sensor_of(ConditionQuantity quantity);
/// Whether this sensor must deliver for it: a difference of two thermometers needs both.
[[nodiscard]] bool needs_sensor(ConditionQuantity quantity, Measurand measurand);
[[nodiscard]] bool needs_chamber_reading(ConditionQuantity quantity);

/// The formulas that its set-point waits for.
[[nodiscard]] std::vector<std::uint16_t> formulas_of(const Step& step);

/// a <comparison> b, false when either is NaN.
[[nodiscard]] bool compare(double a, Comparison comparison, double b);

}  // namespace cellrig
