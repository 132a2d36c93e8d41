// The parts of check(), one file each. Not for others to include.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "profiles/check.hpp"
#include "profiles/check_flow.hpp"
#include "profiles/sensor_limits.hpp"

namespace cellrig {

/// Collects findings, each once however often the loops lead past it.
class FindingSink {
 public:
  /// `files`: of SourceSpot::file, from 1 on.
  FindingSink(const std::string& file, std::vector<std::string> files) : file_{file}, files_{std::move(files)} {}
  void error(SourceSpot spot, const std::string& message) { add(Severity::error, spot, message); }
  void warning(SourceSpot spot, const std::string& message) { add(Severity::warning, spot, message); }
  [[nodiscard]] SourcePlace place_of(SourceSpot spot) const {
    const bool is_inner = spot.file > 0 && static_cast<std::size_t>(spot.file) <= files_.size();
    return {is_inner ? files_[static_cast<std::size_t>(spot.file) - 1] : file_, spot.line, spot.column};
  }
  /// In another file: the cell's, the bench's.
  void error(const SourcePlace& place, const std::string& message) { add(Severity::error, place, message); }
  void add(Severity severity, const SourcePlace& place, const std::string& message);
  [[nodiscard]] std::vector<Finding> take();

 private:
  void add(Severity severity, SourceSpot spot, const std::string& message) { add(severity, place_of(spot), message); }
  std::string file_;
  std::vector<std::string> files_;
  std::set<std::tuple<Severity, std::string, int, std::string>> seen_;
  std::vector<Finding> findings_;
};

/// One visit of a step, and what is known by then.
struct StepVisit {
  const Program& program;
  const CheckContext& context;
  const Step& step;
  std::optional<Celsius> temperature;         ///< last requested of the chamber
  std::optional<Celsius> temperature_before;  ///< when the step began
  bool cell_may_be_cold = false;              ///< it was below the charging minimum, and no step has waited until it was warm
  bool soc_is_known = false;
  std::optional<double> soc_pct;  ///< where the forecast believes it to be
  bool has_known_soc = false;     ///< on another way to this step, if not on this one
};

/// Where the instrument holds the voltage during a step. Without a set-point, where the supervisor does.
struct HeldVoltage {
  Volts min;
  Volts max;
};
[[nodiscard]] HeldVoltage held_voltage(const Program& program, const Step& step);

/// Greatest magnitude that the set-point allows; 0 without a set-point.
[[nodiscard]] Amps current_bound(const Step& step);

void check_conditions(const StepVisit& visit, FindingSink& sink);   ///< reachability and nesting of the ends
void check_setpoint(const StepVisit& visit, FindingSink& sink);     ///< nesting of the set-point, and what the cycler can do
void check_temperature(const StepVisit& visit, FindingSink& sink);  ///< chamber request, charging of a cold cell
void check_duration(const StepVisit& visit, FindingSink& sink);     ///< at_most against rate
void check_ramp(const StepVisit& visit, FindingSink& sink);         ///< at_most against how fast the chamber is
void check_bench(const Program& program, const CheckContext& context, FindingSink& sink);
void check_sensors(const Program& program, const CheckContext& context, FindingSink& sink);  ///< limits on what sensors measure
/// What measures this; nothing: no sensor of the channel does.
[[nodiscard]] std::optional<LoggerInput> sensor_input(const Program& program, const CheckContext& context, Measurand measurand);
/// Whoever gave the limit that holds.
[[nodiscard]] SourcePlace place_of_sensor_limit(const Program& program, const CheckContext& context, const SensorLimitKey& key);
void check_results(const Program& program, FindingSink& sink);  ///< stop_if and require

/// A result that is used: unknown there, it fails the run, or a criterion.
struct ResultUse {
  ResultQuantity quantity{};
  SourceSpot source;
  std::string text;
  bool is_criterion = false;
};
/// Which results are not known on some way to where they are used, although the text has measured them by then.
class ResultsOnTheirWays {
 public:
  explicit ResultsOnTheirWays(const Program& program);
  void look(std::size_t instruction, const MeasuredSoFar& measured);
  void tell(FindingSink& sink) const;

 private:
  struct Seen {
    ResultUse use;
    std::string missing;  ///< on some way; empty: on none
    bool is_known = false;
  };
  const Program& program_;
  std::vector<std::vector<Seen>> seen_;  ///< by instruction
};
void check_run(const Program& program, FindingSink& sink);  ///< what is never run, and criteria that are decided already
void check_accuracy(const Program& program, const CheckContext& context, FindingSink& sink);  ///< see accuracy.hpp

/// "'current_A <= 0.25'"
[[nodiscard]] std::string leaf_text(const ConditionNode& leaf);

[[nodiscard]] inline bool points_up(Comparison comparison) {
  return comparison == Comparison::at_least || comparison == Comparison::above;
}

}  // namespace cellrig
