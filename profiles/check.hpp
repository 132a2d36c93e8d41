// Judges a program before any cell is connected: what can never be reached, what does not nest, what the bench cannot do.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/base/capabilities.hpp"
#include "controller/base/config_error.hpp"
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
};

/// Every finding once, by line. Pure.
[[nodiscard]] std::vector<Finding> check(const Program& program, const CheckContext& context);

[[nodiscard]] bool has_errors(const std::vector<Finding>& findings);

/// "file:line:column: error: message".
[[nodiscard]] std::string to_string(const Finding& finding);

}  // namespace cellrig
