// "--reference" and "--window" as cycles, compare and report take them.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "db/analysis/cycle_summary.hpp"

namespace cellrig::cli {

struct SummaryWords {
  std::string reference = "first";  ///< first, 7 (a cycle), median:40, rated, rated:5.0
  std::string window;               ///< 15:90; empty: none
  double start_soc_pct = 0;
  double capacity_Ah = 0;  ///< of the window; 0: the nominal one
  bool only_reference_cycles = false;
};
void add_summary_options(CLI::App& verb, SummaryWords& words);

/// ConfigError for words that mean nothing. `nominal_Ah` stands for "rated".
[[nodiscard]] db::SummaryOptions summary_options(const SummaryWords& words, double nominal_Ah);

/// "the first cycle", "cycle 7", "the median of the first 40", "5 Ah rated"
[[nodiscard]] std::string reference_text(const db::LifeReference& reference);

}  // namespace cellrig::cli
