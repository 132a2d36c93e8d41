// A published claim as its file in profiles/claims/ tells it: what was said, what was left open, and what a bench runs to find out.
// docs/claims.md teaches the format.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/claim_words.hpp"
#include "controller/base/config_error.hpp"

namespace cellrig {

inline constexpr int claim_format = 1;
inline constexpr std::size_t claim_statements_max = 40;
inline constexpr std::size_t claim_runs_max = 40;
inline constexpr std::size_t claim_variants_max = 20;
inline constexpr std::size_t claim_text_length_max = 600;
inline constexpr int claim_cells_max = 200;
inline constexpr int claim_executions_max = 100'000;

/// The circumstances without which a number says nothing. Every one is written down; what the source does not say is "unspecified".
inline constexpr std::array<std::string_view, 9> claim_conditions{
    "soc_window", "soc_reference", "rate", "temperature", "measured_at", "thermal_boundary", "pressure", "cycle_index", "cells"};
inline constexpr std::string_view unspecified = "unspecified";

/// One circumstance of a statement.
struct ClaimCondition {
  std::string stated;  ///< in the source's words, or "unspecified"
  std::string chosen;  ///< what the bench does where it is unspecified
  std::string range;   ///< what else it may have meant
  [[nodiscard]] bool is_open() const { return stated == unspecified; }
};

/// A profile with its parameters, on a channel of the claim's bench.
struct ClaimRun {
  std::string name, profile, cell, channel;
  std::string bench;                                  ///< a simulated one of its own; empty: the claim's
  std::optional<double> start_soc_pct;                ///< of a simulated cell; empty: as the bench has it
  std::map<std::string, std::string> settings;        ///< as --set has them
  std::map<std::string, std::string> short_settings;  ///< on top of them for a shortened life; empty: it is not shortened
  SourcePlace place;
};

/// What differs from a run of the claim.
struct ClaimRunChange {
  std::string cell, channel;  ///< empty: as before
  std::map<std::string, std::string> settings;
  [[nodiscard]] bool changes() const { return !cell.empty() || !channel.empty() || !settings.empty(); }
  bool operator==(const ClaimRunChange&) const = default;
};

/// Another reading of what was left open: the same statement once more, with something changed.
struct ClaimVariant {
  std::string varies;           ///< a condition
  std::string to;               ///< in words
  ClaimRunChange own;           ///< of `run` and of `cold`
  ClaimRunChange against;       ///< of the run to compare with
  std::optional<double> value;  ///< another limit
  SourcePlace place;
};

enum class Testable : unsigned char { yes, surrogate, no };

struct ClaimStatement {
  std::string id, text;
  ClaimQuantity quantity = ClaimQuantity::capacity;
  Comparator comparator = Comparator::none;
  double value = 0.0;
  std::string unit;
  std::string value_from;  ///< "source", "source, " and how far to trust it, or why this number was assumed
  std::map<std::string, ClaimCondition, std::less<>> conditions;
  Testable testable = Testable::yes;
  std::string reason;  ///< of a surrogate: which and why; of no: why not
  std::string run, step, reference;
  std::string against;  ///< a run: the value is the ratio to the same quantity there
  std::string cold;     ///< a run: of activation_energy
  double cold_degC = 0.0, warm_degC = 25.0;
  double cycles = 0.0;  ///< claimed life; 0: no life
  double at_years = 0.0;
  double at_s = 0.0;       ///< of a resistance, into its step; 0: at its end
  double window_s = 10.0;  ///< of voltage_slope_least
  double last_h = 0.0;     ///< of rest_slope_least
  int executions = 0;      ///< of step_time: the worst of so many; 0: the last one
  double returned_min_pct = 99.0;
  double repeatability_pct = 0.1;
  double temperature_pct_per_K = 0.0;
  LotStatistic statistic = LotStatistic::each_cell;
  double tolerance_low = 0.0, tolerance_high = 0.0;  ///< of capability
  std::string measured_before, measured_after;       ///< names for --measured, of mass_loss
  double measured_standard = 0.0;
  std::vector<ClaimVariant> variants;
  SourcePlace place;
};

struct Claim {
  std::string name;  ///< the stem of its file: what `cellrig verify` is given
  std::string title, by, level, date, description, file;
  std::vector<std::string> sources;
  std::string bench;  ///< the simulated one it fits
  int cells = 1;      ///< how many the bench tests unless told otherwise
  std::vector<ClaimRun> runs;
  std::vector<ClaimStatement> statements;

  [[nodiscard]] const ClaimRun* run(std::string_view run_name) const;
};

/// Throws ConfigError with file, line, column and the nearest valid word.
[[nodiscard]] Claim read_claim(std::string_view text, const std::string& file);
[[nodiscard]] Claim read_claim_file(const std::filesystem::path& path);

}  // namespace cellrig
