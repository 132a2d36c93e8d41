// Judges a program before any cell is connected: what can never be reached, what does not nest, what the bench cannot do.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/capabilities.hpp"
#include "controller/base/config_error.hpp"
#include "controller/base/limits.hpp"
#include "controller/base/observation.hpp"
#include "controller/engine/program.hpp"

namespace cellrig {

enum class Severity : unsigned char {
  error,    ///< the run is refused
  warning,  ///< the run may start; somebody should have read this
};

struct Finding {
  Severity severity = Severity::error;
  SourcePlace place;  ///< CheckContext::file, line and column of the step; line 0 when it concerns the whole profile
  std::string message;
};

/// What is known of the channel. With a cycler the bench is known: a chamber or logger that is absent then does not exist.
/// Without a cycler only what holds on every bench is judged.
struct CheckContext {
  std::string file;  ///< the profile's name for messages
  std::optional<CyclerCapabilities> cycler{};
  std::optional<ChamberCapabilities> chamber{};
  std::optional<LoggerCapabilities> logger{};
  /// Inputs that the channel is bound to, by what they measure; the pressure follows from the force.
  std::array<std::optional<LoggerInput>, measurand_count> sensors{};
  std::optional<double> stack_area_cm2{};  ///< by the bench file
  ChannelLimits bench_limits{};
  std::map<std::string, SourcePlace> bench_limit_places{};
  std::string relay_without_watchdog{};  ///< the model that holds the contactor, the only second path to OFF
};

/// Every finding once, by line. Pure.
[[nodiscard]] std::vector<Finding> check(const Program& program, const CheckContext& context);

/// The program as the bench runs it: within what the channel allows. It has another hash than the one it is made of.
[[nodiscard]] Program on_bench(Program program, const CheckContext& context);

[[nodiscard]] bool has_errors(const std::vector<Finding>& findings);

/// "file:line:column: error: message".
[[nodiscard]] std::string to_string(const Finding& finding);

}  // namespace cellrig
