// A PyBaMM experiment as people keep it: a Python list of strings and tuples, or a text file with one string a line. Read as data,
// never executed: no names, no calls but pybamm.Experiment(...) and pybamm.step.string(...), no arithmetic but `*` and `+` of lists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "profiles/exchange/pybamm_text.hpp"

namespace cellrig {

inline constexpr std::size_t pybamm_bytes_max = 256 * 1024;
inline constexpr std::size_t pybamm_depth_max = 6;  ///< brackets inside brackets; a profile's loops nest to eight

struct PybammItem;

/// `items`, `times` over. A cycle is a tuple: PyBaMM counts each pass.
struct PybammGroup {
  SourcePlace place;
  bool is_cycle = false;
  std::uint64_t times = 1;
  std::vector<PybammItem> items;
};

struct PybammItem {
  std::variant<PybammStep, PybammGroup> what;
};

struct PybammExperiment {
  std::optional<double> period_s;          ///< of every step without its own
  std::optional<double> temperature_degC;  ///< of every step without its own
  std::vector<PybammItem> items;
};

/// `file` is the name that errors show. Throws ConfigError with file, line, column and the nearest valid word.
[[nodiscard]] PybammExperiment read_pybamm(std::string_view text, const std::string& file);

/// Python text that defines `experiment`; read_pybamm() reads it back. `comments` are lines for its top, of printable ASCII.
[[nodiscard]] std::string write_pybamm(const PybammExperiment& experiment, const std::vector<std::string>& comments);

/// Every string once, in the order of the text.
[[nodiscard]] std::vector<std::string> pybamm_strings(const PybammExperiment& experiment);

}  // namespace cellrig
