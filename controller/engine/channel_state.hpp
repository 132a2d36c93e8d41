// Everything a channel knows about where it is. Trivially copyable: its bytes are the resume point. What would be padding is a
// member `reserved`: the same run must leave the same bytes.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "controller/engine/accumulators.hpp"
#include "controller/engine/program.hpp"
#include "controller/engine/trends.hpp"

namespace cellrig {

enum class Phase : unsigned char {
  idle,              ///< before start
  awaiting_chamber,  ///< a temperature was requested; output off
  applying,          ///< a set-point, or OFF for a rest, is on its way
  running,           ///< the step is judged
  pausing,           ///< OFF is on its way
  paused,            ///< output off; the step's clock stands still
  stopping,          ///< OFF is on its way, then finished
  tripped,           ///< latched: only stop() leads out
  finished,
};

enum class Outcome : unsigned char {
  none,
  completed,           ///< reached its end
  failed,              ///< a step did not reach its end within its bound
  stopped,             ///< by a person
  tripped,             ///< by the supervisor or the instrument's own protection
  instrument_failure,  ///< an instrument or its link failed
  record_failure,      ///< the record could not be kept
};

struct LoopState {
  std::uint32_t begin = 0;  ///< index of its LoopBegin
  std::uint32_t reserved = 0;
  std::uint64_t passes = 0;  ///< begun so far
};

/// What earlier steps measured.
struct Results {
  double reference_first_Ah = 0, reference_Ah = 0, reference_Wh = 0;
  double test_Ah = 0, test_Wh = 0;
  double charge_time_s = 0;
  double resistance_Ohm = 0;
  double coulombic_efficiency = 0, energy_efficiency = 0;
  bool has_reference = false, has_test = false, has_charge_time = false;
  bool has_resistance = false, has_coulombic = false, has_energy = false;
  /// Bit per Measure: the latest step that was for it was skipped, or is the remainder of an interrupted one. What an earlier one measured
  /// scales currents all the same, and is not judged.
  std::uint8_t lost = 0;
  bool lost_first = false;  ///< the first reference: what retention is of, nobody knows
};

struct TemperatureRange {
  double min_degC = 0, max_degC = 0;
  bool known = false;
  std::array<std::uint8_t, 7> reserved{};
  void include(double t) {
    if (!known || t < min_degC) min_degC = t;
    if (!known || t > max_degC) max_degC = t;
    known = true;
  }
};

struct CycleState {
  Throughput moved;
  TimePoint started{};
  Duration
      charge_time{};  ///< from entering to leaving its charging steps but for what they waited, as their rows in the record say it
  TemperatureRange cell_temperature;
  double reference_Ah = 0;  ///< measured in this cycle
  bool measured_reference = false;
  std::array<std::uint8_t, 7> reserved{};
};

/// What a step had moved when it was interrupted: the record keeps it in a row of its own.
struct StepPart {
  Throughput moved;
  Duration cv_time{};
  AmpHours cv_charge;
};

/// What the last row of a step held, for rows that are kept by change.
struct RecordedValues {
  double voltage_V = 0, current_A = 0, temperature_degC = 0, net_Ah = 0;
  bool has_temperature = false;
  std::array<std::uint8_t, 7> reserved{};
};

/// What decides when a Diagnostics is due: since it was done last, or since the start.
struct DiagnosticsState {
  std::uint64_t cycles = 0;          ///< that ended, reference cycles not counted
  double first_Ah = 0, last_Ah = 0;  ///< discharged by the first and the latest of them
  double chamber_degC = 0;           ///< asked for when they began
  bool alarm = false;
  bool has_first = false;
  bool had_chamber = false;
  bool is_open = false;  ///< they are being done
  std::array<std::uint8_t, 4> reserved{};
};

struct StepState {
  Throughput moved;
  StepPart before;      ///< of `moved`, `cv_time` and `cv_charge`: what belongs to the parts before an interruption
  Amps inherited;       ///< what flowed when the step before ended, until the first command of this one is acknowledged
  TimePoint begun{};    ///< when it was entered (the command went out)
  TimePoint started{};  ///< when the command was acknowledged; the step's clock starts
  Duration ran_before_pause{};
  TimePoint changed{};           ///< when the set-point in force was acknowledged
  TimePoint waits_since{};       ///< meaningful when is_waiting
  Duration waited{};             ///< since it began or went on: for its chamber, or for a person
  double course_value = 0;       ///< commanded last, of a step with a course
  ElectricalSample last;         ///< meaningful when has_last
  ElectricalSample before_step;  ///< the last measurement before it; meaningful when has_before_step
  TimePoint last_recorded{};
  RecordedValues recorded;
  Trends trends;
  Duration cv_time{};
  AmpHours cv_charge;
  TemperatureRange cell_temperature;
  std::array<TimePoint, leaves_per_step_max> true_since{};
  std::uint16_t leaf_true = 0;  ///< bit per leaf
  bool has_last = false;
  bool recorded_any = false;
  bool after_gap = false;
  bool was_paused = false;
  bool has_before_step = false;
  std::uint8_t record_points = 0;  ///< of Step::record_at, behind us
  bool is_changing = false;        ///< another value of the course is on its way
  bool turns_round = false;        ///< it is another pulse, or goes the other way, or off, or on
  bool has_waited = false;         ///< last_recorded is when what stands in a row that it was waiting in was measured
  bool is_waiting = false;         ///< a row says so
  bool is_remainder = false;       ///< it was interrupted in the middle and is done again from there: what it measures is a part
  std::array<std::uint8_t, 3> reserved{};

  /// At the first measurement after it.
  void end_wait(TimePoint at) {
    if (is_waiting) waited += at - waits_since;
    is_waiting = false;
  }
};

/// Bump `version` with any change of layout or meaning.
struct ChannelState {
  static constexpr std::uint32_t current_version = 8;
  std::uint32_t version = current_version;
  Phase phase = Phase::idle;
  Outcome outcome = Outcome::none;
  bool criteria_met = true;
  bool in_cycle = false;
  bool cycle_is_reference = false;
  bool soc_known = false;
  bool chamber_requested = false;
  bool chamber_granted = false;
  std::uint8_t loop_depth = 0;
  bool chamber_lost = false;  ///< interrupted: whatever the chamber was granted holds no longer
  /// It held chamber_degC when it was interrupted, and has not got it again yet: whoever interrupts it now finds a holder all the same.
  bool chamber_was_held = false;
  bool chamber_was_waited_for = false;  ///< interrupted while it waited: its wish keeps its place among those of the others
  std::uint32_t pc = 0;                 ///< index of the current instruction
  std::uint32_t command = 0;            ///< number of the last command
  std::uint32_t chamber_request = 0;
  std::uint32_t reserved_too = 0;
  std::uint64_t step_count = 0;  ///< executions so far
  std::uint64_t cycle = 0;
  TimePoint chamber_asked{};  ///< when chamber_degC was asked for
  double chamber_degC = 0;
  double soc_base_pct = 0;
  double charge_since_soc_Ah = 0;  ///< net
  std::array<LoopState, loop_depth_max> loops{};
  std::array<double, variables_max> variables{};
  std::array<DiagnosticsState, diagnostics_max> diagnostics{};
  Results results;
  StepState step;
  CycleState cycle_state;
  Throughput total;
  TemperatureRange cell_temperature;  ///< of the run
};
static_assert(std::is_trivially_copyable_v<ChannelState>);

}  // namespace cellrig
