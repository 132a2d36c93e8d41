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
  // all_of, any_of
  std::uint16_t first_child = 0;
  std::uint16_t child_count = 0;
  std::uint16_t next_sibling = 0;
};

inline constexpr std::size_t leaves_per_step_max = 16;
inline constexpr std::size_t loop_depth_max = 8;

/// One way a step can end.
struct EndCondition {
  std::uint16_t root = 0;  ///< index into Program::nodes
  std::string text;        ///< as the profile says it, for the record: "voltage_V >= 4.2"
};

// ---- instructions ---------------------------------------------------------------------------------------------------

enum class StepKind : unsigned char { rest, cc, cv, cccv, cp, cr, soak };
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

/// Where in the profile's text; 0 = unknown.
struct SourceSpot {
  int line = 0;
  int column = 0;
};

/// When a row is kept besides the interval. 0: not by this quantity.
struct RecordChanges {
  double voltage_V = 0.0, current_A = 0.0, temperature_K = 0.0, capacity_Ah = 0.0;  ///< since the last row
  [[nodiscard]] bool any() const { return voltage_V > 0 || current_A > 0 || temperature_K > 0 || capacity_Ah > 0; }
};
inline constexpr std::size_t record_points_max = 32;

struct Step {
  std::string name;  ///< shown and recorded: "cccv_charge" or the profile's own label
  StepKind kind = StepKind::rest;
  StepDirection direction = StepDirection::none;
  std::optional<Setpoint> setpoint;            ///< none: output off
  std::vector<EndCondition> ends;              ///< any of them ends the step
  Duration time_max{};                         ///< every step is bounded
  bool time_max_is_normal = false;             ///< rest: reaching time_max is the end; otherwise it fails the run
  std::optional<Celsius> chamber_temperature;  ///< requested before the step starts; stays until another is requested
  Duration
      record_interval{};  ///< rows at least this far apart; the first sample of a step always, the last when it ends by itself. 0 = every sample
  RecordChanges record_changes;
  std::vector<Duration> record_at;  ///< step times at which a row is kept, ascending, at most record_points_max
  Measure measure = Measure::nothing;
  std::optional<double> sets_soc_pct;  ///< the state of charge that holds when this step has ended by a condition
  InterruptionRule on_interruption = InterruptionRule::ask;
  SourceSpot source;
};

/// Repeats the instructions up to its LoopEnd `times` times.
struct LoopBegin {
  std::uint64_t times = 1;
  std::size_t end = 0;         ///< index of the LoopEnd
  bool counts_cycles = false;  ///< each pass is a cycle: the cycle counter advances at its start
  bool is_reference = false;   ///< the cycles of this loop are reference performance tests
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
};

/// Ends the run, orderly, when the condition holds here. A result that is not known yet never holds.
struct StopIf {
  ResultCondition condition;
};
/// A criterion of the test: recorded with value and margin; not met (or unknown) makes the run "not passed"; the run goes on.
struct Require {
  ResultCondition condition;
};

using Instruction = std::variant<Step, LoopBegin, LoopEnd, StopIf, Require>;

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
  SafetyLimits limits;          ///< the tighter of cell and profile
  std::vector<Instruction> code;
  std::vector<ConditionNode> nodes;
  bool needs_chamber = false;
  bool needs_cell_temperature = false;
  std::vector<SensorLimitSource> sensor_limit_sources;
  std::optional<PulseResistance> pulse_resistance;  ///< of the cell, by its file
  std::optional<double> pressed_area_cm2;           ///< one face of the cell, by its file; a bench file may say otherwise
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

/// a <comparison> b, false when either is NaN.
[[nodiscard]] bool compare(double a, Comparison comparison, double b);

}  // namespace cellrig
