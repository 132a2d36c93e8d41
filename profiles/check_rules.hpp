// The parts of check(), one file each. Not for others to include.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "profiles/check.hpp"

namespace cellrig {

/// Collects findings, each once however often the loops lead past it.
class FindingSink {
 public:
  explicit FindingSink(const std::string& file) : file_{file} {}
  void error(SourceSpot spot, const std::string& message) { add(Severity::error, spot, message); }
  void warning(SourceSpot spot, const std::string& message) { add(Severity::warning, spot, message); }
  /// In another file: the cell's, the bench's.
  void error(const SourcePlace& place, const std::string& message);
  [[nodiscard]] std::vector<Finding> take();

 private:
  void add(Severity severity, SourceSpot spot, const std::string& message);
  std::string file_;
  std::set<std::tuple<Severity, int, std::string>> seen_;
  std::vector<Finding> findings_;
};

/// One visit of a step, and what is known by then.
struct StepVisit {
  const Program& program;
  const CheckContext& context;
  const Step& step;
  std::optional<Celsius> temperature;  ///< last requested of the chamber
  bool cell_may_be_cold = false;       ///< it was below the charging minimum, and no step has waited until it was warm
  bool soc_is_known = false;
  std::optional<double> soc_pct;  ///< where the forecast believes it to be
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
void check_bench(const Program& program, const CheckContext& context, FindingSink& sink);
void check_sensors(const Program& program, const CheckContext& context, FindingSink& sink);  ///< limits on what sensors measure
/// What measures this; nothing: no sensor of the channel does.
[[nodiscard]] std::optional<LoggerInput> sensor_input(const Program& program, const CheckContext& context, Measurand measurand);
void check_results(const Program& program, FindingSink& sink);  ///< stop_if and require

[[nodiscard]] inline bool points_up(Comparison comparison) {
  return comparison == Comparison::at_least || comparison == Comparison::above;
}

}  // namespace cellrig
