// The rows of the record, as plain values. Written by the runtime, stored by the recorder, read back by the reader.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/moved.hpp"
#include "controller/base/time.hpp"

namespace cellrig::db {

/// Keys are assigned by the control thread, so that a row can name its parent before the parent is on disk.
using RunKey = std::int64_t;
using StepKey = std::int64_t;

struct InstrumentRow {
  std::string role;  ///< "cycler", "chamber", "logger"
  std::string name;  ///< in the bench file
  std::string model, maker, serial, firmware, address;
};

struct RunRow {
  std::string channel;
  std::string cell_name;  ///< the cell file's name
  std::string cell_id;    ///< this specimen: serial number or barcode; may be empty
  std::string cell_text;  ///< the cell file as it was read
  std::string profile_name;
  std::string profile_text;
  std::string program_hash;
  std::string parameters_text;
  std::string bench_text;
  std::string operator_name;
  std::string time_source;  ///< "real", "virtual", "lockstep"
  std::uint64_t seed = 0;
  Duration control_period{};
  UtcTime started_at{};
  std::string software_version;  ///< host column
  std::string host;              ///< host column
  double nominal_capacity_Ah = 0;
  std::vector<InstrumentRow> instruments;
};

struct StepRow {
  StepKey step = 0;
  RunKey run = 0;
  std::int64_t step_count = 0;  ///< +1 at each execution, from 1, never repeats (BDF Step Count)
  std::int64_t step_id = 0;     ///< index in the program (BDF Step ID); repeats in loops
  std::int64_t cycle = 0;       ///< the program's cycle counter when the step began
  bool in_cycle = false;        ///< false: preparation, between cycles
  bool is_reference = false;    ///< part of a reference performance test
  std::string name;
  std::string type;           ///< Battery Data Format step type
  std::string setpoint_text;  ///< "+2.5 A, 2.495..4.205 V"
  std::int64_t started_test_time_ns = 0;
  bool measures_reference = false;  ///< its net charge is the reference capacity: lets retention be recomputed
  UtcTime started_at{};             ///< 0: test time ran on without a break since the run began (not so after a resume)
  /// The execution whose ExpectedCurveRow it is compared with; none: nothing was expected.
  std::optional<std::int64_t> compared_with{};
};

struct StepEndRow {
  StepKey step = 0;
  std::int64_t ended_test_time_ns = 0;
  std::string reason;            ///< "condition", "time bound", "stopped", "tripped", "skipped", "link lost", ...
  std::string condition;         ///< as the profile says it
  std::optional<double> value;   ///< measured value of the deciding quantity
  std::optional<double> margin;  ///< value - threshold, in its unit
  double charge_Ah = 0, discharge_Ah = 0, charge_Wh = 0, discharge_Wh = 0;
  double cv_time_s = 0;     ///< time under voltage regulation, by the regulator's own word
  double cv_charge_Ah = 0;  ///< |charge| moved meanwhile
  std::optional<double> cell_temperature_max_degC;
  std::optional<double> cell_temperature_min_degC;
};

/// Bits of SampleRow::flags.
namespace sample_flag {
inline constexpr std::uint32_t output_on = 1;
inline constexpr std::uint32_t constant_voltage = 2;  ///< else constant current, when the output is on
inline constexpr std::uint32_t first_of_step = 4;
inline constexpr std::uint32_t last_of_step = 8;
inline constexpr std::uint32_t constant_power = 16;
inline constexpr std::uint32_t constant_resistance = 32;
inline constexpr std::uint32_t after_gap = 64;  ///< charge was not integrated across the gap before this row
/// Measured with the output off while the step stood waiting, for its chamber or for a person who had paused it. Its clock and its counters
/// stand still: such a row is of no figure but the time waited, and always after_gap.
inline constexpr std::uint32_t waiting = 128;
}  // namespace sample_flag

/// The hot row: at most 80 bytes on disk. Charge and energy count from the start of the step.
struct SampleRow {
  StepKey step = 0;
  std::int64_t test_time_ns = 0;
  std::uint32_t flags = 0;
  double voltage_V = 0;
  double current_A = 0;
  double cell_temperature_degC = 0;     ///< NaN: not measured (stored as NULL)
  double ambient_temperature_degC = 0;  ///< NaN: not measured
  double charge_Ah = 0, discharge_Ah = 0, charge_Wh = 0, discharge_Wh = 0;
};

/// What lies between two rows, whatever they are of: their test time and what the cycler measured.
template <class RowOfSample>
[[nodiscard]] Stretch stretch_between(const RowOfSample& from, const RowOfSample& to) {
  constexpr double hours_per_ns = 1.0 / 3.6e12;
  return {.hours = static_cast<double>(to.test_time_ns - from.test_time_ns) * hours_per_ns,
          .voltage_from_V = from.voltage_V,
          .voltage_to_V = to.voltage_V,
          .current_from_A = from.current_A,
          .current_to_A = to.current_A};
}

struct AuxRow {
  StepKey step = 0;
  std::int64_t test_time_ns = 0;
  std::string_view quantity;  ///< a static string: "chamber_temperature_degC"
  double value = 0;
};

/// Charge and energy, moved into and out of the cell: all >= 0.
using Sums = Moved;

/// One row per cycle, written live; recomputable from the steps and samples.
struct CycleRow {
  RunKey run = 0;
  std::int64_t cycle = 0;
  bool is_reference = false;
  std::int64_t started_test_time_ns = 0, ended_test_time_ns = 0;
  double charge_Ah = 0, discharge_Ah = 0, charge_Wh = 0, discharge_Wh = 0;
  std::optional<double> coulombic_efficiency;  ///< discharge / charge of this cycle; none without charge
  std::optional<double> energy_efficiency;
  double charge_time_s = 0;  ///< time in charging steps, but for what they waited
  std::optional<double> cell_temperature_max_degC;
  std::optional<double> retention;  ///< reference capacity / first reference capacity, when this cycle measured one
};

enum class Severity : std::uint8_t { info, warning, alarm, trip };

/// Kind of an event: a cell was found hot, or gassing, when its run was over. It waits for a person like a trip.
inline constexpr std::string_view heat_after_end_event = "heat after the end";

/// Actions in the audit trail: the cell on this channel was found hot, or gassing, while no run was there to say so; a person has looked.
[[nodiscard]] inline std::string heat_without_run_action(const std::string& channel) { return "heat without a run, " + channel; }
[[nodiscard]] inline std::string heat_seen_action(const std::string& channel) {
  return "heat without a run acknowledged, " + channel;
}

struct EventRow {
  RunKey run = 0;  ///< 0: the bench as a whole
  std::int64_t test_time_ns = 0;
  UtcTime utc{};
  Severity severity = Severity::info;
  std::string kind;     ///< "started", "trip", "step_failed", "criterion", "instrument", "stopped", ...
  std::string message;  ///< one sentence a technician understands
  std::optional<double> value;
  std::optional<double> limit;
  std::int64_t number = 0;  ///< as read: later ones are greater, whatever the clock says
};

struct RunEndRow {
  RunKey run = 0;
  std::int64_t ended_test_time_ns = 0;
  UtcTime ended_at{};
  std::string status;  ///< "completed", "failed", "tripped", "stopped", "instrument failure", "record failure", "interrupted"
  std::string reason;
  bool criteria_met = true;
};

/// Who did what, when and from where.
struct AuditRow {
  UtcTime utc{};
  RunKey run = 0;             ///< 0: no run
  std::string operator_name;  ///< the person, or the login
  std::string origin;         ///< host column: the computer, "bench-3 (process 3908)"
  std::string verb;           ///< "run", "off", "db acknowledge"
  std::string action;         ///< "run begun", "outputs off", "trip", "stop", "run ended", "trip acknowledged", "limits changed"
  std::string reason;         ///< in the person's or the program's words; may be empty
  std::string detail;         ///< one JSON object: arguments that matter, hashes
};

/// A time in which the test did not go as planned, and how much charge can have moved unseen meanwhile.
struct DeviationRow {
  RunKey run = 0;
  std::string category;  ///< of BattINFO: "power_outage", "communication_loss", "equipment_failure", "software_error", ...
  std::int64_t from_test_time_ns = 0;
  std::optional<std::int64_t> to_test_time_ns;  ///< none: not over, or nobody knows
  UtcTime from_utc{};
  std::optional<UtcTime> to_utc;
  std::optional<double> unseen_charge_max_Ah;  ///< at most, either way; none: nothing moved unseen
  std::string bounded_by;                      ///< "watchdog delay 5 s at 5 A"
  std::string description;                     ///< one sentence a technician understands
};

/// NaN: not known.
struct ExpectedPointRow {
  double at = 0;  ///< the coordinate
  double voltage_V = 0;
  double cell_temperature_degC = 0;
  double around_degC = 0;  ///< the air beside the cell, its chamber, or its own first temperature
};

/// What the rehearsal foretold of an execution of a step, and of those after it up to the next row of that step.
struct ExpectedCurveRow {
  RunKey run = 0;
  std::int64_t step_id = 0;              ///< index in the program, as in StepRow
  std::int64_t execution = 0;            ///< of that step in this run, from 1
  std::string coordinate;                ///< "step_time_s"; "charge_Ah": moved in this step, the way it goes
  std::optional<double> ends_at;         ///< the coordinate; none: it did not end by itself
  std::vector<ExpectedPointRow> points;  ///< ascending; empty: nothing is expected from this execution on
};

/// The rehearsal came to a step on this way, and in these passes of the loops around it: a run that comes so is compared with that execution's
/// curve, up to the next row of step and way.
struct ExpectedWayRow {
  RunKey run = 0;
  std::int64_t step_id = 0;
  std::string way;             ///< 16 hexadecimal digits: the same for the same steps since the cell was full or empty
  std::string passes;          ///< "3.2": from the outermost loop; empty: no loop
  std::int64_t execution = 0;  ///< of an ExpectedCurveRow
};

/// All that a run is compared with.
struct ExpectedRows {
  std::vector<ExpectedCurveRow> curves;
  std::vector<ExpectedWayRow> ways;
};

/// A named person has looked at what a safety trip left behind.
struct AcknowledgementRow {
  RunKey run = 0;
  UtcTime utc{};
  std::string operator_name;
  std::string reason;
};

/// What a watchdog was seen to do, with this very instrument and firmware.
struct ProofRow {
  UtcTime utc{};
  std::string operator_name;
  std::string bench;  ///< the bench file's name for it
  std::string channel;
  std::string instrument;  ///< in the bench file
  std::string model, serial, firmware;
  bool is_simulated = false;      ///< says nothing about a real instrument
  Duration delay{};               ///< as programmed
  Duration silence{};             ///< after which the output was looked at
  bool fed_by_measuring = false;  ///< the output stayed on for longer than the delay while it was measured
  Duration off_within{};          ///< from the command OFF until the instrument confirmed
  bool fired = false;             ///< the output was off after the silence
};

}  // namespace cellrig::db
