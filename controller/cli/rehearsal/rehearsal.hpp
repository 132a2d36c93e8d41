// What a profile will do, found out by running it: engine, supervisor and drivers of a real run, in virtual time, on a simulated bench
// with this cell's model in it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/engine/channel_state.hpp"
#include "controller/engine/expected_curves.hpp"
#include "controller/runtime/config.hpp"
#include "controller/runtime/listener.hpp"
#include "profiles/check.hpp"

namespace cellrig::cli {

/// Least and most of what was measured. Empty: nothing was.
struct Span {
  double min = 0.0, max = 0.0;
  bool is_known = false;
  void include(double value) {
    if (!is_known || value < min) min = value;
    if (!is_known || value > max) max = value;
    is_known = true;
  }
  void include(const Span& other) {
    if (!other.is_known) return;
    include(other.min);
    include(other.max);
  }
};

/// All executions of one step of the profile together.
struct RehearsedStep {
  std::uint32_t instruction = 0;  ///< in Program::code
  std::uint64_t executions = 0;   ///< 0: never reached
  std::uint64_t timed_out = 0;    ///< of them, ended by a bound that is a failure
  double seconds = 0.0;           ///< of all executions
  double charge_Ah = 0.0, discharge_Ah = 0.0, charge_Wh = 0.0, discharge_Wh = 0.0;
  Span voltage_V, current_A, cell_temperature_degC;
  bool was_refused = false;  ///< a current that is known only when it begins was beyond what bench, cell or step allow
  std::string last_end;      ///< how the last execution ended, as the record says it: "voltage_V >= 4.2"
};

/// The nearest that a quantity came to one of the supervisor's limits.
struct Approach {
  std::string limit;  ///< as in the profile: "voltage_max_V"
  std::string unit;
  double bound = 0.0, nearest = 0.0;
  double margin = 0.0;            ///< what was left, above zero inside
  double room = 1.0;              ///< the whole way that its quantity may go, for comparing margins of different units
  std::int64_t test_time_ns = 0;  ///< when
  std::uint32_t instruction = 0;  ///< in which step
  bool is_known = false;          ///< false: the quantity was never measured
};

/// A stretch of test time in which each quantity stayed within its span.
struct CurvePiece {
  double from_s = 0.0, to_s = 0.0;
  Span voltage_V, current_A, cell_temperature_degC;
};

/// In words, and how often in a row it came out the same.
struct JudgedCriterion {
  std::string text;
  std::uint64_t times = 0;
};

struct CurveBand {
  double from_s = 0.0;
  std::uint32_t instruction = 0;
};

struct Rehearsal {
  Outcome outcome = Outcome::none;
  bool criteria_met = true;
  std::string reason;
  std::vector<JudgedCriterion> criteria;
  std::vector<std::string> warnings;  ///< what a technician would have been told
  double seconds = 0.0;
  double charge_Ah = 0.0, discharge_Ah = 0.0, charge_Wh = 0.0, discharge_Wh = 0.0;
  std::uint64_t cycles = 0, rows = 0, samples = 0;
  double bytes = 0.0;  ///< of the record, about
  Span cell_temperature_degC;
  std::vector<RehearsedStep> steps;  ///< in the order of the profile, all of them
  SafetyLimits limits{};             ///< of cell, profile and bench
  std::vector<Approach> approaches;  ///< in their order
  std::vector<CurvePiece> curve;     ///< at most curve_pieces_max
  std::vector<CurveBand> bands;      ///< executions of steps; empty where there are more than bands_max
  std::string bench, channel, cell;
  double soc_pct = 0.0;  ///< of the simulated cell at the start
  Duration control_period{};
  ExpectedCurves expected;  ///< of each step; how far the start may be off is for the caller to say
};

inline constexpr std::size_t curve_pieces_max = 2000;
inline constexpr std::size_t bands_max = 400;

struct RehearsalRequest {
  const Program* program = nullptr;
  BenchConfig bench;
  std::string channel;
  std::string cell_file;
  std::optional<double> soc_pct;           ///< at the start; empty: the bench file's, or 50
  std::optional<Duration> control_period;  ///< empty: one second; in tests of months as long as the watchdog allows
  std::uint64_t seed = 1;
};

/// Called at every sample. False: that is enough; the rehearsal ends in order as `stopped`.
using RehearsalWatcher = std::function<bool(const ChannelView&)>;

/// @throws ConfigError where the bench cannot be simulated, or the cell has no model.
[[nodiscard]] Rehearsal rehearse(const RehearsalRequest& request, const RehearsalWatcher& watcher);

}  // namespace cellrig::cli
